"""The shape of each reply against what OKX's documentation shows and what was recorded from it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from tests.sim.okx_kit import BTC, Client, client

SWAP = {"instType": "SWAP", "instFamily": "BTC-USD"}
READS: dict[str, tuple[str, dict[str, Any]]] = {
    "docs_GetAccountBalance.json": ("account/balance", {}),
    "nautilus_http_get_account_balance.json": ("account/balance", {}),
    "docs_GetAccountConfiguration.json": ("account/config", {}),
    "docs_GetAccountLeverage.json": ("account/leverage-info", {"instId": BTC, "mgnMode": "cross"}),
    "docs_GetAccountPositions.json": ("account/positions", {}),
    "nautilus_http_get_positions.json": ("account/positions", {}),
    "docs_GetBillHistory.json": ("account/bills", {"type": "2"}),
    "docs_GetFundingRates.json": ("public/funding-rate", {"instId": BTC}),
    "recorded_ccxt_funding_rate_BTC-USD-SWAP.json": ("public/funding-rate", {"instId": BTC}),
    "docs_GetFundingRateHistory.json": ("public/funding-rate-history", {"instId": BTC}),
    "docs_GetMarkPrices.json": ("public/mark-price", {"instType": "SWAP"}),
    "docs_GetPositionTiers.json": ("public/position-tiers", {**SWAP, "tdMode": "cross"}),
    "docs_GetSymbols.json": ("public/instruments", {"instType": "SPOT"}),
    "nautilus_http_get_instruments_swap.json": ("public/instruments", SWAP),
    "recorded_2022-05-13_instruments_swap_inverse.json": ("public/instruments", SWAP),
}
ABSENT = {
    ".details.maxSpotInUseAmt",  # it is called maxSpotInUse by now
    ".closeOrderAlgo.algoId",
    ".closeOrderAlgo.slTriggerPx",
    ".closeOrderAlgo.slTriggerPxType",
    ".closeOrderAlgo.tpTriggerPx",
    ".closeOrderAlgo.tpTriggerPxType",
    ".closeOrderAlgo.closeFraction",
    ".pTime",  # only streams have it
}
"""What examples show and a plain account of today does not."""


@pytest.fixture
def made() -> Client:
    """An account with a short, a resting order and a funding behind it."""
    of = client()
    of.exchange.change_feed(BTC, funding=level("0.0001"))
    of.place(sz="300", tdMode="isolated")
    of.exchange.human_order("main", BTC, Side.SELL, 1, 61_000)
    of.clock.pass_(8 * 3_600)
    return of


def shape(value: Any, at: str = "") -> dict[str, str]:
    """Every field by its path, with the kind of its value; the first entry speaks for a list."""
    if isinstance(value, dict):
        return {k: v for name, inner in value.items() for k, v in shape(inner, f"{at}.{name}").items()}
    if isinstance(value, list):
        return {at: "list", **(shape(value[0], at) if value else {})}
    return {at: type(value).__name__}


@pytest.mark.parametrize("name", READS)
def test_every_documented_field_is_there_with_its_kind(shared: Path, made: Client, name: str) -> None:
    document = json.loads((shared / "payloads" / "okx-swap" / name).read_text())
    response = document.get("response", document)
    expected = shape(response.get("data", [response]))
    path, params = READS[name]
    reply = made.get(path, **params)
    assert reply["code"] == "0"
    found = shape(reply["data"])
    assert set(expected) - set(found) <= ABSENT
    assert {at: (kind, found[at]) for at, kind in expected.items() if found.get(at, kind) != kind} == {}


def test_every_field_of_the_position_documentation_is_there(shared: Path, made: Client) -> None:
    page = (shared / "payloads" / "okx-swap" / "doc_get_positions.md").read_text()
    table = page.partition("#### Response Parameters")[2]
    names = set(re.findall(r"\| ([a-z]\w+)\s+\| (?:String|Array)", table))
    assert len(names) > 40
    assert names <= set(made.row("account/positions"))


def test_replies_are_text_where_the_exchange_sends_text(made: Client) -> None:
    """No number of a price, a size or an amount ever arrives as a JSON number."""
    asked: dict[str, dict[str, Any]] = {
        "account/balance": {},
        "account/positions": {},
        "trade/orders-pending": {},
        "trade/orders-history": {"instType": "SWAP"},
        "trade/fills": {},
        "public/mark-price": {"instType": "SWAP"},
        "public/funding-rate": {"instId": BTC},
    }
    for path, params in asked.items():
        kinds = shape(made.get(path, **params)["data"])
        assert not {at for at, kind in kinds.items() if kind in ("int", "float")}, path
