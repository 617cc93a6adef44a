"""Replies with a field damaged, or several: a reading that says so, the same reading, no other error."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.account import AccountReading, LegFacts
from hedgebot.domain.orders import OrderRequest
from hedgebot.domain.units import Contracts, Price
from hedgebot.errors import ReadError
from hedgebot.exchange.binance import holdings, market, orders
from hedgebot.exchange.binance.reading import CoinMAnswers, LegAnswers, Moment, reading
from hedgebot.exchange.binance.slow_facts import ContractFacts, Facts
from hedgebot.exchange.binance.venue import answer
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.wire import Reply
from hedgebot.sim.binance.session import Options
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.matching import Side
from tests.sim.binance_kit import NATIVE, Client, exchange

BTC = "BTC/USD:BTC"
OF_BTC = {"symbol": NATIVE}
READS: dict[str, tuple[str, dict[str, Any]]] = {
    "spot": ("/api/v3/account", {}),
    "info": ("/sapi/v1/account/info", {}),
    "instruments": ("/dapi/v1/exchangeInfo", {}),
    "account": ("/dapi/v1/account", {}),
    "positions": ("/dapi/v1/positionRisk", {"marginAsset": "BTC"}),
    "mode": ("/dapi/v1/positionSide/dual", {}),
    "brackets": ("/dapi/v2/leverageBracket", OF_BTC),
    "fee": ("/dapi/v1/commissionRate", OF_BTC),
    "funding": ("/dapi/v1/fundingInfo", {}),
    "rates": ("/dapi/v1/fundingRate", {**OF_BTC, "limit": 2}),
    "premium": ("/dapi/v1/premiumIndex", OF_BTC),
    "book": ("/dapi/v1/depth", {**OF_BTC, "limit": 5}),
    "resting": ("/dapi/v1/openOrders", OF_BTC),
    "order": ("/dapi/v1/order", {**OF_BTC, "origClientOrderId": "hb1"}),
    "trades": ("/dapi/v1/userTrades", OF_BTC),
}
ORDER = OrderRequest("hb1", "main", BTC, Contracts.of(-300), Price.of(59_990), reduce_only=False)

DAMAGES: list[Any] = [
    None, "", " ", "NaN", "inf", "1e999", "1_000", "٣", "abc", "-1", "0", "-0", "1", 0, 1, -1, True,
    False, [], {}, [None], ["1"], {"list": []}, "BUY", "SELL", "BOTH", NATIVE, "9" * 40, 10**30,
]  # fmt: skip
GONE = object()
OPTIONAL = {("positions", "isolatedWallet"), ("positions", "notionalValue"), ("positions", "updateTime")}
"""Fields of some replies that are used where they are, and that older or newer ones lack."""


@pytest.fixture(scope="module")
def replies() -> dict[str, Any]:
    """Everything that one reading asks for, of an isolated short with an order resting beside it."""
    made = exchange(spot="0.4")
    made.set_margin_mode("main", MarginMode.ISOLATED, NATIVE)
    client = Client(made, options=Options(listed_intervals=True))
    client.sell(300, newClientOrderId="hb1")
    made.human_order("main", NATIVE, Side.SELL, 5, 61_000)
    return {name: client.get(path, **params) for name, (path, params) in READS.items()}


def said(name: str, document: Any) -> Answer:
    return answer(Reply(200, {}, json.dumps(document).encode(), 0.0, 0.0), READS[name][0])


def convert(documents: dict[str, Any]) -> AccountReading:
    """What an account makes of these replies. Raises ``ReadError``."""
    told = {name: said(name, document) for name, document in documents.items()}
    listing = market.instruments(told["instruments"])
    contract = listing.named(BTC)
    hours = market.funding_hours(told["funding"], told["rates"], NATIVE)
    fee, tiers = market.taker_fee(told["fee"], NATIVE), market.tiers(told["brackets"], NATIVE)
    facts = Facts(
        listing=listing,
        mode=holdings.mode(told["info"]),
        hedge_mode=told["mode"].fields.flag("dualSidePosition"),
        contracts={BTC: ContractFacts(LegFacts(contract, fee, tiers), hours)},
        good_until=0.0,
    )
    state = orders.shown(told["order"], ORDER, contract)
    assert state is not None
    list(orders.trade_entries(market.rows(told["trades"]), _AnyName(), contract))
    book = market.order_book(told["book"], contract)
    legs = [LegAnswers(contract, told["premium"], book, told["resting"])]
    coin_m = CoinMAnswers(told["account"], {"BTC": told["positions"]}, legs)
    return reading(told["spot"], coin_m, facts, ["BTC"], Moment("main", 0.0, 0.1, 0))


class _AnyName(dict[int, str]):
    def __missing__(self, order_id: int) -> str:
        return "hb1"


@dataclass(frozen=True)
class Spot:
    """A place in one of the replies."""

    reply: str
    path: tuple[str | int, ...]


def spots(name: str, document: Any, path: tuple[str | int, ...] = ()) -> Iterator[Spot]:
    children: Any = ()
    if isinstance(document, dict | list):
        children = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in children:
        yield Spot(name, (*path, key))
        yield from spots(name, value, (*path, key))


def damaged(documents: dict[str, Any], spot: Spot, damage: Any, *, remove: bool) -> dict[str, Any]:
    """The documents with one value replaced or removed, unless an earlier damage took its place away."""
    changed = {**documents, spot.reply: copy.deepcopy(documents[spot.reply])}
    holder = changed[spot.reply]
    with suppress(LookupError, TypeError):
        for step in spot.path[:-1]:
            holder = holder[step]
        if remove:
            del holder[spot.path[-1]]
        else:
            holder[spot.path[-1]] = copy.deepcopy(damage)
    return changed


def converted(documents: dict[str, Any]) -> AccountReading | ReadError:
    try:
        return convert(documents)
    except ReadError as error:
        return error


def test_the_replies_make_a_reading(replies: dict[str, Any]) -> None:
    made = convert(replies)
    assert made.position(BTC).contracts == Contracts.of(-300)
    assert len(made.wallets) == 2
    assert len(made.orders) == 1


def test_a_field_that_is_missing_or_null_is_an_error_or_was_never_used(replies: dict[str, Any]) -> None:
    truth, used = convert(replies), 0
    for spot in [spot for name, document in replies.items() for spot in spots(name, document)]:
        if not isinstance(spot.path[-1], str):
            continue
        for remove in (True, False):
            if remove and (spot.reply, spot.path[-1]) in OPTIONAL:
                continue
            outcome = converted(damaged(replies, spot, None, remove=remove))
            if isinstance(outcome, ReadError):
                assert spot.path[-1] in str(outcome), spot
                used += 1
            else:
                assert outcome == truth, spot
    assert used > 150


@settings(max_examples=200)
@given(
    places=st.lists(st.integers(0, 10**6), min_size=1, max_size=3),
    damage=st.sampled_from([GONE, *DAMAGES]),
)
def test_no_damage_raises_anything_but_a_read_error(
    replies: dict[str, Any], places: list[int], damage: object
) -> None:
    every = [spot for name, document in replies.items() for spot in spots(name, document)]
    documents = replies
    for place in places:
        documents = damaged(documents, every[place % len(every)], damage, remove=damage is GONE)
    converted(documents)


@settings(max_examples=150)
@given(at=st.integers(0, 10**6), flip=st.integers(1, 255), cut=st.integers(0, 10**6))
def test_cut_or_flipped_bytes_are_a_read_error_or_what_they_say(
    replies: dict[str, Any], at: int, flip: int, cut: int
) -> None:
    listing = market.instruments(said("instruments", replies["instruments"]))
    account = said("account", replies["account"])
    body = bytearray(json.dumps(replies["positions"]).encode())
    body[at % len(body)] ^= flip
    for damage in (bytes(body), bytes(body[: cut % len(body)])):
        with suppress(ReadError):
            told = answer(Reply(200, {}, damage, 0.0, 0.1), "dapi/v1/positionRisk")
            holdings.positions([told], account, listing, ["BTC"])
