"""The ledger against published numbers: exchanges' pages, recorded payloads, worked cases."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.sim import margin
from hedgebot.sim.contract import Contract, Tier, ladder
from hedgebot.sim.ledger import FLAT, AccountState, Position, closed, opened
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.money import floor_to
from hedgebot.sim.valuation import Valuation
from tests.sim.kit import BTCUSD

Inputs = dict[str, Fraction]


def position(inputs: Inputs) -> Position:
    size = inputs.get("contracts") or inputs.get("qty") or inputs["V"]
    return opened(FLAT, size * int(inputs["side"]), BTCUSD, inputs["entry"], Fraction(0))


def realised(inputs: Inputs) -> Fraction:
    held = position(inputs)
    return closed(held, held.size, BTCUSD, inputs["exit"])[1]


def marked(inputs: Inputs) -> Fraction:
    return position(inputs).profit(BTCUSD, inputs.get("exit") or inputs["mark"])


def at_entry(inputs: Inputs) -> Fraction:
    tier = Tier(Fraction(10**9), inputs["mmr"], Fraction(1), Fraction(100))
    held = position({**inputs, "V": Fraction(30_000)})
    held = replace(held, margin=held.entry_coins / inputs["leverage"])
    return margin.liquidation_price(held, replace(BTCUSD, tiers=(tier,)), at_entry=True) or Fraction(0)


def bust(inputs: Inputs) -> Fraction:
    held = replace(position(inputs), margin=inputs.get("margin") or inputs["balance"])
    contract = replace(BTCUSD, taker=inputs.get("taker", Fraction(0)))
    return margin.bust_price(held, contract) or Fraction(0)


def deduction(*rows: tuple[int, str]) -> Fraction:
    return ladder([(cap, rate, "0", 1) for cap, rate in rows])[-1].deduction


def coins(face: int = 1) -> Callable[[Inputs], Fraction]:
    contract = replace(BTCUSD, face=Fraction(face))

    def value(inputs: Inputs) -> Fraction:
        size = next(inputs[name] for name in ("contracts", "qty", "size") if name in inputs)
        return contract.coins(
            size, next(inputs[n] for n in ("entry", "mark", "price", "avgPrice") if n in inputs)
        )

    return value


COIN_M = (5, "0.004"), (10, "0.005"), (20, "0.01"), (50, "0.025"), (100, "0.05"), (200, "0.1"), (400, "0.125")
COIN_M_2020 = (10, "0.004"), (20, "0.005"), (30, "0.01"), (50, "0.025"), (100, "0.05")

EXAMPLES: dict[str, Callable[[Inputs], Fraction]] = {
    "bitmex-01": coins(),
    "bitmex-02": lambda i: coins()(i) * i["funding_rate"],
    "bitmex-03": realised,
    "bitmex-04": lambda i: realised(i) - i["funding_paid"],
    "bitmex-05": realised,
    "bitmex-06": coins(),
    "ethena-01": realised,
    "ethena-02": realised,
    "ethena-03": realised,
    "ethena-04": realised,
    "ethena-05": lambda i: (i["margin"] + realised({**i, "side": Fraction(-1)})) * i["exit"],
    "binance-01": lambda i: one_rate(i["mmr"]).maintenance(coins(100)(i)),
    "binance-03": lambda _: deduction(*COIN_M_2020),
    "binance-05": lambda _: deduction(*COIN_M),
    "binance-07": lambda i: floor_to(marked(i) * 100, Fraction(1, 10**8)),  # this exchange cuts
    "binance-09": coins(100),
    "binance-11": coins(100),
    "binance-13": realised,
    "bybit-01": bust,
    "bybit-05": realised,
    "bybit-09": coins(),
    "bybit-11": coins(),
    "kraken-01": coins(),
    "kraken-03": lambda i: one_rate(Fraction("0.01")).maintenance(i["value"]),
    "kraken-05": lambda i: bust({**i, "taker": Fraction(0)}),
    "10101-01": at_entry,
    "10101-02": at_entry,
    "10101-03": at_entry,
    "10101-04": lambda i: realised(i) * 10**8,
    "10101-05": lambda i: realised(i) * 10**8,
    "10101-06": lambda i: realised(i) * 10**8,
    "nautilus-01": realised,
    "nautilus-02": coins(),
    "nautilus-03": realised,
    "nautilus-04": lambda i: coins()(i) * Fraction("0.00075"),
    "nautilus-05": realised,
}


def one_rate(rate: Fraction) -> Contract:
    return replace(BTCUSD, tiers=(Tier(Fraction(10**9), rate, Fraction(1), Fraction(100)),))


@pytest.mark.parametrize("name", EXAMPLES)
def test_published_example(shared: Path, name: str) -> None:
    examples = json.loads((shared / "worked-examples.json").read_text(), parse_float=Fraction)
    example = next(e for e in examples if e["id"] == name)
    inputs = {k: Fraction(v) for k, v in example["inputs"].items() if isinstance(v, int | Fraction)}
    assert abs(EXAMPLES[name](inputs) - Fraction(example["published"])) <= Fraction(example["tolerance"])


def test_harmonic_average_of_two_fills(shared: Path) -> None:
    examples = json.loads((shared / "worked-examples.json").read_text())
    example = next(e for e in examples if e["id"] == "bybit-03")
    held = FLAT
    for size, price in example["inputs"]["fills"]:
        held = opened(held, Fraction(size), BTCUSD, Fraction(price), Fraction(0))
    assert held.average(BTCUSD) == example["published"]


def cases(shared: Path) -> dict[str, dict[str, Any]]:
    return {case["name"][:2]: case for case in json.loads((shared / "money-cases.json").read_text())}


def test_sold_short_and_profit_of_every_case(shared: Path) -> None:
    """The 22 cases whose legs are all inverse."""
    seen = 0
    for case in cases(shared).values():
        legs = case["inputs"]["legs"]
        if any(leg["kind"] != "inverse" for leg in legs):
            continue
        sold = short = profit = Fraction(0)
        for leg in legs:
            contract, held = leg_position(leg)
            sold += held.entry_coins
            short += contract.coins(held.contracts, Fraction(leg["mark"]))
            profit += held.profit(contract, Fraction(leg["mark"]))
        expected = [Fraction(case["expected"][name]) for name in ("sold", "Q", "U")]
        assert [sold, short, profit] == expected, case["name"]
        seen += 1
    assert seen == 22


def leg_position(leg: dict[str, Any]) -> tuple[Contract, Position]:
    contract = replace(BTCUSD, face=Fraction(leg["face"]))
    if leg["entry"] is None:
        return contract, FLAT
    return contract, opened(FLAT, -Fraction(leg["contracts"]), contract, Fraction(leg["entry"]), Fraction(0))


def pooled(case: dict[str, Any], wallet: str, dollars: str = "0") -> Valuation:
    """The case's legs in one pool, each contract with its own mark, index at the first one's."""
    fields, legs = case["inputs"]["venue_fields"], case["inputs"]["legs"]
    contracts, state, feeds = {}, AccountState(), {}
    for leg in legs:
        contract, held = leg_position(leg)
        tier = Tier(Fraction(10**9), Fraction(fields["mmr"]), Fraction(1), Fraction(100))
        symbol = leg["symbol"]
        contract = replace(contract, symbol=symbol, tiers=(tier,), taker=Fraction(fields["close_fee"]))
        contracts[symbol] = contract
        state = state.with_position((symbol, 0), held)
        feeds[symbol] = Feed(path=level(leg["mark"]))
    market = Market(feeds)
    for coin, balance in (("BTC", wallet), ("USDT", dollars)):
        held_coins = replace(state.wallet(("unified", coin)), balance=Fraction(balance))
        state = state.with_wallet(("unified", coin), held_coins)
    return Valuation(
        state=state,
        pot="unified",
        contracts=contracts,
        quote=lambda s: market.quote(contracts[s], 0),
        resting={},
        collateral_ratio={},
        default_leverage=Fraction(10),
        maintenance_at_entry=False,
    )


def test_one_factor_moves_all_prices_of_a_pool(shared: Path) -> None:
    case = cases(shared)["15"]
    value = pooled(case, case["inputs"]["collateral"])
    assert value.pool().liquidation_factor() == Fraction(case["expected"]["liquidation_cross_A_factor"])
    perpetual, dated = (value.liquidation_price((leg["symbol"], 0)) for leg in case["inputs"]["legs"])
    assert perpetual == Fraction(case["expected"]["liquidation_perp"])
    assert dated == Fraction(case["expected"]["liquidation_dated"])


def test_dollars_as_margin(shared: Path) -> None:
    case = cases(shared)["23"]
    value = pooled(case, "0", case["inputs"]["venue_fields"]["usdt_collateral"])
    price = value.liquidation_price((case["inputs"]["legs"][0]["symbol"], 0))
    assert price == Fraction(case["expected"]["liquidation_usd_margin_A"])


@pytest.mark.parametrize("name", ["24", "25"])
def test_isolated_liquidation_in_both_families(shared: Path, name: str) -> None:
    case = cases(shared)[name]
    fields, expected = case["inputs"]["venue_fields"], case["expected"]
    contract = replace(one_rate(Fraction(fields["mmr"])), taker=Fraction(fields["close_fee"]))
    held = replace(leg_position(case["inputs"]["legs"][0])[1], margin=Fraction(fields["isolated_margin"]))
    at_mark = margin.liquidation_price(held, contract, at_entry=False)
    assert at_mark == (expected["liquidation_A"] and Fraction(expected["liquidation_A"]))
    assert margin.liquidation_price(held, contract, at_entry=True) == Fraction(expected["liquidation_B"])
