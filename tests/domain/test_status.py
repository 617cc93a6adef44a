"""The status of a hedge: fixed keys, decimals as strings, null for no such thing, "unknown" for not known."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain import status
from hedgebot.domain.decision import Permission
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.market import Funding
from hedgebot.domain.records import Memory
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Coin, Millis
from tests.builders import NOW, allowing, hedge, hedged, leg, price, quote, snapshot, to

CONTRACT = {
    "state", "asset", "target_ratio", "ratio", "band", "spot", "collateral", "held", "sold", "unrealized_pnl",
    "exposure", "short", "net", "value_usd", "funding_coins", "fees_coins", "since", "legs", "findings",
}  # fmt: skip
ADDED = {"as_of", "in_flight", "funding_received_coins", "funding_paid_coins", "costs_as_of"}
LEG = {
    "account", "symbol", "weight", "dead_since",
    "contracts", "notional_usd", "entry_price", "mark_price", "liquidation_price",
    "liquidation_distance", "leverage", "funding_rate", "funding_interval_h", "next_funding_at",
}  # fmt: skip
FINDING = {"guard", "permission", "measured", "limit", "reason", "next_step"}
MEMORY = Memory(
    funding_received=Coin.of("0.0003"), funding_paid=Coin.of("0.0001"), fees=Coin.of("0.0005"), since=NOW
)


def body(seen: Snapshot | None = None, memory: Memory = MEMORY, **changes: Any) -> dict[str, Any]:
    measured = status.figures(seen) if seen else status.NO_FIGURES
    return status.body(hedge(), "hedged", to(1), memory, allowing(**changes), measured)


@pytest.mark.parametrize("seen", [None, hedged(), hedged(0)], ids=["never seen", "hedged", "flat"])
def test_keys_are_the_contract_and_what_was_added(seen: Snapshot | None) -> None:
    found = body(seen)
    assert set(found) == CONTRACT | ADDED
    assert all(set(each) == LEG for each in found["legs"])
    assert all(set(each) == FINDING | {"alarm", "critical"} for each in found["findings"])


def test_a_hedge_in_figures() -> None:
    seen = snapshot(leg(-59_946, mark=60_000, mode=MarginMode.CROSS), coins="0.6", spot="0.4")
    found = body(seen)
    assert {key: found[key] for key in sorted(CONTRACT - {"legs", "findings"})} == {
        "state": "hedged", "asset": "BTC", "target_ratio": "1", "ratio": "0.9991", "band": "0.02",
        "spot": "0.4", "collateral": "0.6", "held": "1", "sold": "0.9991", "unrealized_pnl": "0",
        "exposure": "1", "short": "0.9991", "net": "0.0009", "value_usd": "60000", "funding_coins": "0.0002",
        "fees_coins": "0.0005", "since": "2026-11-21T06:00:00Z",
    }  # fmt: skip
    assert found["legs"] == [
        {
            "account": "main", "symbol": "BTC/USD:BTC", "weight": "1", "dead_since": None,
            "contracts": "-59946", "notional_usd": "59946",
            "entry_price": "60000", "mark_price": "60000", "liquidation_price": "148346.12",
            "liquidation_distance": "1.4724", "leverage": "1.67", "funding_rate": "0.0001",
            "funding_interval_h": 8, "next_funding_at": "2026-11-21T07:00:00Z",
        }
    ]  # fmt: skip


def test_every_amount_is_a_string_and_all_of_it_is_json() -> None:
    found = json.loads(json.dumps(body(hedged(mark="63123.5"))))
    amounts = [found[key] for key in CONTRACT - {"legs", "findings", "state", "asset", "since"}]
    assert all(isinstance(amount, str) and str(Decimal(amount)) for amount in amounts)


def test_null_means_that_there_is_no_such_thing() -> None:
    found = body(snapshot(leg(0, mark=60_000), coins=0), Memory())
    assert found["ratio"] is None, "nothing is held"
    assert found["since"] is None, "nothing was counted yet"
    (shown,) = found["legs"]
    assert shown["entry_price"] is None
    assert shown["liquidation_price"] is shown["liquidation_distance"] is None, "nothing is short"
    assert shown["leverage"] is None


def test_unknown_means_that_it_is_not_known() -> None:
    blank = snapshot(leg(-60_000, mode=MarginMode.ISOLATED))
    (shown,) = body(blank)["legs"]
    assert shown["liquidation_price"] == shown["liquidation_distance"] == "unknown"
    nothing = body(None)
    measured = ("ratio", "spot", "collateral", "held", "sold", "exposure", "short", "net", "value_usd")
    assert {nothing[key] for key in measured} == {"unknown"}
    assert nothing["legs"] == []


def test_no_price_liquidates_is_null_and_not_unknown() -> None:
    safe = snapshot(leg(-30_000), coins=1)
    (shown,) = body(safe)["legs"]
    assert shown["liquidation_price"] is None


@pytest.mark.parametrize(
    ("funding", "rate", "hours", "at"),
    [
        (Funding(Decimal("-0.00025"), Decimal(4), NOW), "-0.00025", 4, "2026-11-21T06:00:00Z"),
        (Funding(Decimal(0), None, None), "0", None, None),
    ],
)
def test_funding(funding: Funding, rate: str, hours: int | None, at: str | None) -> None:
    (shown,) = body(snapshot(leg(-1, book=replace(quote(), funding=funding))))["legs"]
    assert (shown["funding_rate"], shown["funding_interval_h"], shown["next_funding_at"]) == (rate, hours, at)


def test_a_liquidation_price_told_by_the_exchange_is_shown_where_it_is_the_lowest() -> None:
    seen = snapshot(leg(-60_000, liquidation=price("90000.125")), coins="0.5")
    (shown,) = body(seen)["legs"]
    assert (shown["liquidation_price"], shown["liquidation_distance"]) == ("90000.12", "0.5")


def test_findings_say_what_they_permit_in_the_words_of_the_contract() -> None:
    (finding,) = body(None, permission=Permission.REDUCE_ONLY)["findings"]
    assert finding == {
        "guard": "test", "permission": "reduce_only", "measured": "", "limit": "",
        "reason": "the guard says so", "next_step": "", "alarm": False, "critical": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("at", "text"), [(0, "1970-01-01T00:00:00Z"), (1_795_240_800_999, "2026-11-21T06:00:00Z")]
)
def test_instants_are_written_in_utc(at: int, text: str) -> None:
    assert status.iso(Millis(at)) == text
