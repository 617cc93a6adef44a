"""Numbers that exchanges and others published, computed by ours within the tolerance of each.

A long's profit is a short's with the sign turned; amounts in satoshi are coins times 10^8.
"""

import json
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.inverse import Short, average_entry, funding_received
from hedgebot.domain.liquidation import MarginPool, PooledShort
from hedgebot.domain.units import ZERO, Coin, Price, Usd

Inputs = dict[str, Decimal]
SATOSHI = Decimal(10**8)


def pick(inputs: Inputs, *names: str) -> Decimal:
    return next(inputs[name] for name in names if name in inputs)


def notional(inputs: Inputs) -> Usd:
    return Usd(pick(inputs, "V", "contracts", "qty", "size") * inputs.get("contract_size", Decimal(1)))


def hundreds(inputs: Inputs) -> Usd:
    """Binance's BTCUSD contracts are worth 100 dollars each."""
    return notional(inputs) * Decimal(100)


def value(inputs: Inputs, dollars: Usd | None = None) -> Decimal:
    at = Price(pick(inputs, "price", "mark", "entry", "avgPrice"))
    return Short(dollars or notional(inputs), at, at).short.value


def profit(inputs: Inputs, dollars: Usd | None = None) -> Decimal:
    short = Short(dollars or notional(inputs), Price(inputs["entry"]), Price(pick(inputs, "exit", "mark")))
    return short.unrealized.value * -inputs["side"]


def funding(inputs: Inputs) -> Decimal:
    return funding_received(notional(inputs), Price(inputs["mark"]), inputs["funding_rate"]).value


def funding_at_a_steady_price(inputs: Inputs) -> Decimal:
    return funding_received(Usd.of(1), Price.of(1), inputs["rate"]).value * inputs["periods"]


def hedged_equity(inputs: Inputs) -> Decimal:
    return (inputs["margin"] + profit(inputs | {"side": Decimal(-1)})) * inputs["exit"]


def liquidation_at_entry(inputs: Inputs) -> Decimal:
    entry, dollars = Price(inputs["entry"]), Usd.of(1_000_000)
    pool = MarginPool(
        (PooledShort(Short(dollars, entry, entry), inputs["mmr"]),), dollars.at(entry) / inputs["leverage"]
    )
    factor = pool.factor_at_entry()
    assert factor is not None
    return entry.value * factor


EXAMPLES: dict[str, Callable[[Inputs], Decimal]] = {
    **dict.fromkeys(("bitmex-01", "bitmex-06", "bybit-09", "bybit-11", "kraken-01", "nautilus-02"), value),
    **dict.fromkeys(("binance-09", "binance-11"), lambda i: value(i, hundreds(i))),
    **dict.fromkeys(
        (
            "bitmex-03", "bitmex-05", "ethena-01", "ethena-02", "ethena-03", "ethena-04", "binance-13",
            "bybit-05", "nautilus-01", "nautilus-03", "nautilus-05",
        ),
        profit,
    ),
    "binance-07": lambda i: profit(i, hundreds(i)).quantize(1 / SATOSHI, ROUND_DOWN),  # cut off, not rounded
    **dict.fromkeys(("10101-04", "10101-05", "10101-06"), lambda i: profit(i) * SATOSHI),
    **dict.fromkeys(("10101-01", "10101-02"), liquidation_at_entry),
    "bitmex-02": funding,
    "bitmex-04": lambda i: profit(i) - i["funding_paid"],
    "bybit-07": funding_at_a_steady_price,
    "ethena-05": hedged_equity,
    "binance-01": lambda i: value(i) * i["mmr"] - i["cum"],
    "nautilus-04": lambda i: value(i) * i["fee"],
}  # fmt: skip

NOT_OURS = {
    "a rate that the exchange publishes is read, never computed": ("bitmex-07", "bitmex-08", "deribit-04"),
    "deductions between tiers are left out: for a short they only move liquidation further away": (
        "binance-03", "binance-05",
    ),
    "the margin an exchange asks for is read, never computed": (
        "deribit-01", "deribit-02", "deribit-03", "kraken-03",
    ),
    "bankruptcy and longs' liquidation concern positions that are never opened": (
        "bybit-01", "kraken-05", "10101-03",
    ),
}  # fmt: skip


@pytest.fixture(scope="session")
def published(shared: Path) -> dict[str, dict[str, Any]]:
    text = (shared / "worked-examples.json").read_text()
    return {example["id"]: example for example in json.loads(text, parse_float=Decimal)}


def test_each_example_is_computed_or_left_out_for_a_reason(published: dict[str, Any]) -> None:
    left_out = {name for names in NOT_OURS.values() for name in names}
    assert set(published) == set(EXAMPLES) | left_out | {"bybit-03"}
    assert not left_out & set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_example(name: str, published: dict[str, dict[str, Any]]) -> None:
    example = published[name]
    inputs = {key: Decimal(number) for key, number in example["inputs"].items()}
    inputs.setdefault("fee", Decimal("0.00075"))  # nautilus-04 names its fee in its title only
    assert abs(EXAMPLES[name](inputs) - example["published"]) <= example["tolerance"]


def test_average_entry_of_several_sales_is_harmonic(published: dict[str, dict[str, Any]]) -> None:
    example = published["bybit-03"]
    fills = [(Usd.of(usd), Price.of(at)) for usd, at in example["inputs"]["fills"]]
    assert average_entry(fills) == Price.of(5_625)
    assert abs(average_entry(fills).value - example["published"]) <= example["tolerance"]


@pytest.mark.parametrize("reason", NOT_OURS)
def test_left_out(reason: str) -> None:
    pytest.skip(f"{', '.join(NOT_OURS[reason])}: {reason}")


def test_a_flat_leg_is_worth_nothing() -> None:
    flat = Short(Usd.zero(), None, Price.of(60_000))
    assert (flat.sold, flat.short, flat.unrealized) == (Coin.zero(),) * 3


@pytest.mark.parametrize(("dollars", "entry"), [(-1, 60_000), (1, None)])
def test_an_impossible_short_cannot_be_built(dollars: int, entry: int | None) -> None:
    with pytest.raises(ValueError, match="notional of zero or more"):
        Short(Usd.of(dollars), None if entry is None else Price.of(entry), Price.of(1))


@pytest.mark.parametrize(("rate", "sign"), [("0.0001", 1), ("-0.0001", -1), ("0", 0)])
def test_a_positive_funding_rate_pays_the_short(rate: str, sign: int) -> None:
    received = funding_received(Usd.of(60_000), Price.of(30_000), Decimal(rate))
    assert received == Coin.of("0.0002") * Decimal(sign)
    assert (received.value > ZERO) == (sign > 0)
