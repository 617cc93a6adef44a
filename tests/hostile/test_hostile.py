"""No damaged reply is believed: a slice of what ``python -m tests.hostile`` does at length."""

import asyncio
import json
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from hedgebot.domain.transfers import TransferState
from hedgebot.domain.units import Millis, Price
from hedgebot.exchange import convert
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Codes
from hedgebot.exchange.okx import holdings as okx
from hedgebot.exchange.okx import transfers as okx_transfers
from tests.conftest import REAL_DATA
from tests.hostile.campaign import Arena, Summary
from tests.hostile.mutations import KINDS, damaged
from tests.hostile.tape import tapes

COUNT, SEED = 2_000, 1


@pytest.fixture(scope="module")
def arena() -> Arena:
    payloads, accounts = REAL_DATA / "payloads", tapes()
    return asyncio.run(Arena.of(accounts, payloads if payloads.is_dir() else None))


@pytest.fixture(scope="module")
def summary(arena: Arena) -> Summary:
    return asyncio.run(arena.play(SEED, range(COUNT)))


def test_nothing_damaged_is_believed(summary: Summary) -> None:
    assert summary.shown == []
    assert (summary.violations, summary.payloads) == (0, COUNT)


def test_every_exchange_endpoint_and_damage_has_its_turn(arena: Arena, summary: Summary) -> None:
    endpoints = {
        (c.rig.tape.venue.name, c.request.path) for cases in (*arena.reads, *arena.others) for c in cases
    }
    assert {f"{venue} {path}" for venue, path in endpoints} == summary.by_endpoint.keys()
    assert len(endpoints) > 55
    assert summary.by_damage.keys() == set(KINDS)
    assert summary.by_exchange.keys() == {"bybit", "binance", "okx"}


def test_every_way_out_is_taken(summary: Summary) -> None:
    """Refused is not all that ever happens: damage that cannot be seen goes all the way to a decision."""
    reached = summary.by_outcome.keys()
    assert {"refused", "as it was", "blind", "forbidden", "no order", "the order that was due"} <= reached
    assert any(outcome.startswith("unknown for") for outcome in reached)


def test_a_number_names_the_same_payload_for_ever(arena: Arena) -> None:
    async def twice() -> list[Any]:
        return [await arena.payload(7, 4711) for _ in range(2)]

    one, other = asyncio.run(twice())
    assert (one.done, one.reply.body, one.verdict) == (other.done, other.reply.body, other.verdict)


@pytest.mark.parametrize("kind", KINDS)
def test_each_damage_changes_what_it_falls_on(arena: Arena, kind: str) -> None:
    rng = Random(kind)
    samples = [case.sample for cases in arena.reads for case in cases[:2]]
    made = [(sample, damaged(sample, kind, rng)[0]) for sample in samples for _ in range(3)]
    assert any((r.status, r.body) != (s.reply.status, s.reply.body) for s, r in made)


def zero_for_what_is_no_number(value: object) -> Decimal:
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return Decimal(0)


def nothing(*_: object) -> None: ...


def any_code_rejects(*_: object) -> str:
    return "rejected"


def any_sign(fields: Fields, name: str) -> Price:
    return Price(abs(fields.decimal(name)))


def any_move(*_: object) -> TransferState:
    return TransferState("1", over=True, failed=False, at=Millis(1))


PLANTED: list[tuple[str, object, str, object]] = [
    ("account/wallet-balance", convert, "_decimal", zero_for_what_is_no_number),
    ("account/balance", okx, "_check_identity", nothing),
    ("market/tickers", convert, "STRICT", json.JSONDecoder(parse_float=str)),
    ("order/create", Codes, "_rejection", any_code_rejects),
    ("public/mark-price", Fields, "price", any_sign),
    ("account/bills", okx_transfers, "sighted", any_move),
]
"""Bugs that such programs have had, on which endpoint's replies they show."""


@pytest.mark.parametrize(("path", "where", "name", "bug"), PLANTED, ids=[f"{p[2]}" for p in PLANTED])
def test_a_planted_bug_is_found(
    arena: Arena, monkeypatch: pytest.MonkeyPatch, path: str, where: Any, name: str, bug: Callable[..., Any]
) -> None:
    monkeypatch.setattr(where, name, bug)
    found = asyncio.run(arena.only(path).play(SEED, range(600)))
    assert found.violations
