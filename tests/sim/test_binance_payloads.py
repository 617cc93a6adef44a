"""The shape of each reply against what Binance's documentation shows and what was recorded from it."""

import json
from pathlib import Path
from typing import Any

import pytest

from hedgebot.sim.binance.codes import CODES
from hedgebot.sim.binance.session import Options
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from tests.sim.binance_kit import NATIVE, ORDER, Client, exchange

OF_BTC = {"symbol": NATIVE}
READS: dict[str, tuple[str, dict[str, Any]]] = {
    "docs_GetAccountInfo.json": ("/dapi/v1/account", {}),
    "docs_GetBalances.json": ("/dapi/v1/balance", {}),
    "docs_GetPositionInformation.json": ("/dapi/v1/positionRisk", {"marginAsset": "BTC"}),
    "docs_GetBrackets.json": ("/dapi/v2/leverageBracket", OF_BTC),
    "docs_GetUserCommissionRate.json": ("/dapi/v1/commissionRate", OF_BTC),
    "docs_GetExchangeInfo.json": ("/dapi/v1/exchangeInfo", {}),
    "recorded_2021-07-22_exchangeInfo.json": ("/dapi/v1/exchangeInfo", {}),
    "docs_GetMarkPrices.json": ("/dapi/v1/premiumIndex", OF_BTC),
    "docs_GetFundingInfo.json": ("/dapi/v1/fundingInfo", {}),
    "docs_GetFundingRates.json": ("/dapi/v1/fundingRate", OF_BTC),
    "docs_GetOrder.json": ("/dapi/v1/order", {**OF_BTC, "origClientOrderId": "hb1"}),
    "docs_GetUserTrades.json": ("/dapi/v1/userTrades", OF_BTC),
    "docs_GetIncomeHistory.json": ("/dapi/v1/income", {}),
    "docs_GetForcedOrders.json": ("/dapi/v1/forceOrders", OF_BTC),
    "docs_GetMarginChangeHistory.json": ("/dapi/v1/positionMargin/history", OF_BTC),
}
WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "docs_PlaceOrder.json": ("/dapi/v1/order", ORDER),
    "docs_ChangeInitialLeverage.json": ("/dapi/v1/leverage", {**OF_BTC, "leverage": 30}),
    "docs_ChangeMarginType.json": (
        "/dapi/v1/marginType",
        {"symbol": "ETHUSD_PERP", "marginType": "ISOLATED"},
    ),
    "docs_ModifyPositionMargin.json": ("/dapi/v1/positionMargin", {**OF_BTC, "amount": "0.1", "type": 1}),
}
CONDITIONAL = {".activatePrice", ".priceRate"}
"""Fields of orders with a trigger, which are not simulated; and one that only adjusted brackets have."""

ADJUSTED = {".notionalCoef"}
KINDS_APART = {".filters.multiplierDecimal", ".symbols.filters.multiplierDecimal"}
"""A number in the documentation, a text in the recording."""


@pytest.fixture
def client() -> Client:
    """A short with margin of its own, added to, reduced by force, and funded once."""
    made = exchange(funding=level("0.0001"))
    made.set_margin_mode("main", MarginMode.ISOLATED, NATIVE)
    client = Client(made, options=Options(listed_intervals=True))
    client.sell(300, newClientOrderId="hb1")
    made.add_margin("main", NATIVE, "0.01")
    made.adl("main", NATIVE, "0.1")
    client.clock.pass_(8 * 3600)
    return client


def shape(value: Any, at: str = "") -> dict[str, str]:
    """Every field by its path, with the kind of its value; all entries speak for a list."""
    if isinstance(value, dict):
        return {k: v for name, inner in value.items() for k, v in shape(inner, f"{at}.{name}").items()}
    if isinstance(value, list):
        return {at: "list", **{k: v for inner in value for k, v in shape(inner, at).items()}}
    return {at: "number" if type(value) in (int, float) else type(value).__name__}


def documented(shared: Path, name: str) -> dict[str, str]:
    document = json.loads((shared / "payloads" / "binance-coinm" / name).read_text())
    return shape(document["response"])


def agree(expected: dict[str, str], found: dict[str, str]) -> None:
    assert set(expected) - set(found) <= CONDITIONAL | ADJUSTED
    differing = {at: (kind, found[at]) for at, kind in expected.items() if found.get(at, kind) != kind}
    assert set(differing) <= KINDS_APART


@pytest.mark.parametrize("name", READS)
def test_every_documented_field_of_a_read_is_there_with_its_kind(
    shared: Path, client: Client, name: str
) -> None:
    path, params = READS[name]
    agree(documented(shared, name), shape(client.get(path, **params)))


@pytest.mark.parametrize("name", WRITES)
def test_every_documented_field_of_a_write_is_there_with_its_kind(
    shared: Path, client: Client, name: str
) -> None:
    path, params = WRITES[name]
    reply = client.post(path, **params)
    assert reply.get("code", 200) == 200
    agree(documented(shared, name), shape(reply))


def test_the_recorded_position_has_no_field_that_ours_lacks(shared: Path, client: Client) -> None:
    name = "recorded_ccxt_positionRisk_isolated_long_BTCUSD_PERP.json"
    recorded = json.loads((shared / "payloads" / "binance-coinm" / name).read_text())
    agree(shape(recorded), shape(client.position()))


def test_every_code_is_one_of_the_documentations(shared: Path) -> None:
    page = (shared / "payloads" / "binance-coinm" / "doc_error_codes.md").read_text()
    elsewhere = {-4116, -4140, -5013}  # see the table's own words; the last is the spot API's
    missing = {code for code, _ in CODES.values() if f"\\-{-code} " not in page} - elsewhere
    assert not missing


def test_amounts_are_text_but_for_brackets_and_replies_to_changes(client: Client) -> None:
    for path in ("/dapi/v1/account", "/dapi/v1/positionRisk", "/dapi/v1/premiumIndex", "/api/v3/account"):
        numbers = {at.rpartition(".")[2] for at, kind in shape(client.get(path)).items() if kind == "number"}
        assert numbers <= {
            "updateTime",
            "time",
            "nextFundingTime",
            "feeTier",
            "uid",
            "makerCommission",
            "takerCommission",
            "buyerCommission",
            "sellerCommission",
        }
