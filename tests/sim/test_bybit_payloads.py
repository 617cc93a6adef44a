"""The shape of each reply against what Bybit's documentation shows and what was recorded from it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import level
from hedgebot.sim.matching import Side
from tests.sim.kit import Client, clock_of, exchange

INVERSE = {"category": "inverse", "symbol": "BTCUSD"}
READS: dict[str, tuple[str, dict[str, Any]]] = {
    "docs_GetBalances.json": ("/v5/account/wallet-balance", {"accountType": "UNIFIED"}),
    "nautilus_http_get_wallet_balance.json": ("/v5/account/wallet-balance", {"accountType": "UNIFIED"}),
    "docs_GetPositions.json": ("/v5/position/list", INVERSE),
    "docs_GetFeeRate.json": ("/v5/account/fee-rate", INVERSE),
    "docs_GetFundingRateHistory.json": ("/v5/market/funding/history", INVERSE),
    "docs_GetRiskLimit.json": ("/v5/market/risk-limit", INVERSE),
    "docs_GetTransactionHistory.json": ("/v5/account/transaction-log", {"accountType": "UNIFIED"}),
    "docs_GetLinearInverseSymbols.json": ("/v5/market/instruments-info", {"category": "linear"}),
    "nautilus_http_get_instruments_inverse.json": ("/v5/market/instruments-info", INVERSE),
    "nautilus_http_get_account_info.json": ("/v5/account/info", {}),
}
ABSENT = {".list.mmrSysUpdateTime", ".list.baseCoin"}
"""A misspelling in one example, right in the documentation's list; and a field of options alone."""


@pytest.fixture
def made() -> SimulatedExchange:
    """An account with a short, a resting order and a funding behind it."""
    made = exchange(funding=level("0.0001"))
    made.set_margin_mode("main", MarginMode.ISOLATED)
    made.human_trade("main", "BTCUSD", Side.SELL, 30_000)
    made.human_order("main", "BTCUSD", Side.SELL, 100, 61_000)
    clock_of(made).pass_(8 * 3600)
    return made


def shape(value: Any, at: str = "") -> dict[str, str]:
    """Every field by its path, with the kind of its value; the first entry speaks for a list."""
    if isinstance(value, dict):
        return {k: v for name, inner in value.items() for k, v in shape(inner, f"{at}.{name}").items()}
    if isinstance(value, list):
        return {at: "list", **(shape(value[0], at) if value else {})}
    return {at: type(value).__name__}


@pytest.mark.parametrize("name", READS)
def test_every_documented_field_is_there_with_its_kind(
    shared: Path, made: SimulatedExchange, name: str
) -> None:
    document = json.loads((shared / "payloads" / "bybit-inverse" / name).read_text())
    expected = shape(document.get("response", document)["result"])
    path, params = READS[name]
    reply = Client(made).get(path, **params)
    assert reply["retCode"] == 0
    found = shape(reply["result"])
    assert set(expected) - set(found) <= ABSENT
    differing = {at: (kind, found[at]) for at, kind in expected.items() if found.get(at, kind) != kind}
    assert not {at: kinds for at, kinds in differing.items() if "NoneType" not in kinds}


def test_every_field_of_the_position_documentation_is_there(shared: Path, made: SimulatedExchange) -> None:
    page = (shared / "payloads" / "bybit-inverse" / "doc_position.mdx").read_text()
    row = Client(made).get("/v5/position/list", **INVERSE)["result"]["list"][0]
    options = {"delta", "gamma", "vega", "theta"}
    assert set(_fields(page)) - options <= set(row)


def test_every_field_of_the_balance_documentation_is_there(shared: Path, made: SimulatedExchange) -> None:
    page = (shared / "payloads" / "bybit-inverse" / "doc_wallet-balance.mdx").read_text()
    account = Client(made).get("/v5/account/wallet-balance", accountType="UNIFIED")["result"]["list"][0]
    deprecated = {"free", "colRes"}
    assert set(_fields(page)) - {"coin"} - deprecated <= set(account) | set(account["coin"][0])


def test_every_field_of_the_ticker_documentation_is_there(shared: Path, made: SimulatedExchange) -> None:
    page = (shared / "payloads" / "bybit-inverse" / "doc_tickers.mdx").read_text()
    part = page.partition('<TabItem value="option"')[0]
    row = Client(made).get("/v5/market/tickers", **INVERSE)["result"]["list"][0]
    later = {"singleOpenInterest", "singleOpenInterestValue"}
    names = set(re.findall(r"<td>> (?:<a [^>]*>)?(\w+)", part))
    assert len(names) > 25
    assert names - later <= set(row)


def test_replies_are_text_where_the_exchange_sends_text(made: SimulatedExchange) -> None:
    """No number of a price, a size or an amount ever arrives as a JSON number."""
    client = Client(made)
    whole = {"positionIdx", "riskId", "tradeMode", "autoAddMargin", "adlRankIndicator", "seq", "openTime"}
    for path in ("/v5/position/list", "/v5/order/realtime", "/v5/execution/list", "/v5/market/tickers"):
        row = client.get(path, **INVERSE)["result"]["list"][0]
        numbers = {k for k, v in row.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        assert numbers <= whole | {"triggerDirection", "smpGroup"}


def _fields(page: str) -> list[str]:
    """Names in the table of response parameters."""
    table = page.partition("### Response Parameters")[2].partition("###")[0]
    names = re.findall(r"^\|>+ \[?(\w+)", table, re.MULTILINE)
    assert len(names) > 15
    return names
