"""Replies that the real exchanges sent or published, in the place of the simulated ones.

Many are about other contracts: those are renamed to the one that is traded here, or nothing but the name
would ever be looked at. Long lists are cut, for speed.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDERS = {"bybit": "bybit-inverse", "binance": "binance-coinm", "okx": "okx-swap"}
FILES: Mapping[str, Mapping[str, list[str]]] = {
    "bybit": {
        "market/instruments-info": [
            "docs_GetLinearInverseSymbols.json",
            "nautilus_http_get_instruments_inverse.json",
        ],
        "market/risk-limit": ["docs_GetRiskLimit.json"],
        "market/tickers": ["doc_tickers.mdx"],
        "account/info": ["nautilus_http_get_account_info.json"],
        "account/fee-rate": ["docs_GetFeeRate.json", "nautilus_http_get_fee_rate.json"],
        "account/wallet-balance": ["docs_GetBalances.json", "nautilus_http_get_wallet_balance.json"],
        "position/list": ["docs_GetPositions.json", "doc_position.mdx"],
        "position/set-leverage": ["docs_SetLeverage.json"],
    },
    "binance": {
        "dapi/v1/exchangeInfo": ["docs_GetExchangeInfo.json", "recorded_2021-07-22_exchangeInfo.json"],
        "dapi/v1/account": ["docs_GetAccountInfo.json"],
        "dapi/v1/positionRisk": [
            "docs_GetPositionInformation.json",
            "recorded_ccxt_positionRisk_isolated_long_BTCUSD_PERP.json",
            "recorded_ccxt_papi_positionRisk_cross_ETHUSD_PERP.json",
        ],
        "dapi/v1/premiumIndex": ["docs_GetMarkPrices.json"],
        "dapi/v1/commissionRate": ["docs_GetUserCommissionRate.json"],
        "dapi/v1/fundingInfo": ["docs_GetFundingInfo.json"],
        "dapi/v1/fundingRate": ["docs_GetFundingRates.json"],
        "dapi/v1/income": ["docs_GetIncomeHistory.json"],
        "dapi/v1/order": ["docs_GetOrder.json"],
        "dapi/v1/order (place)": ["docs_PlaceOrder.json"],
        "dapi/v1/userTrades": ["docs_GetUserTrades.json"],
        "dapi/v2/leverageBracket": ["docs_GetBrackets.json"],
    },
    "okx": {
        "public/instruments": [
            "nautilus_http_get_instruments_swap.json",
            "recorded_2022-05-13_instruments_swap_inverse.json",
        ],
        "public/position-tiers": ["docs_GetPositionTiers.json", "nautilus_http_get_position_tiers.json"],
        "public/mark-price": ["docs_GetMarkPrices.json", "nautilus_http_get_mark_price.json"],
        "public/funding-rate": ["docs_GetFundingRates.json", "recorded_ccxt_funding_rate_BTC-USD-SWAP.json"],
        "account/config": ["docs_GetAccountConfiguration.json"],
        "account/balance": ["docs_GetAccountBalance.json", "nautilus_http_get_account_balance.json"],
        "account/positions": ["docs_GetAccountPositions.json", "nautilus_http_get_positions.json"],
        "account/leverage-info": ["docs_GetAccountLeverage.json"],
        "account/bills": ["docs_GetBillHistory.json"],
    },
}
NAMES = {
    "bybit": {"BTCUSDT": "BTCUSD", "ETHUSDT": "BTCUSD"},
    "binance": {"BTCUSD_200925": "BTCUSD_PERP", "BTCUSD_201225": "BTCUSD_PERP", "ETHUSD_PERP": "BTCUSD_PERP"},
    "okx": {
        "BTC-USDT-SWAP": "BTC-USD-SWAP", "BTC-USDT-200626": "BTC-USD-SWAP", "BTC-USDT": "BTC-USD",
        "ETH-USD-210430": "BTC-USD-SWAP", '"USDT"': '"BTC"', "LTC-USD-SWAP": "BTC-USD-SWAP",
    },
}  # fmt: skip
MOST_ROWS = 4


def recorded(payloads: Path, venue: str) -> dict[str, list[Any]]:
    """The documents that there are for each path of an exchange."""
    folder = payloads / FOLDERS[venue]
    return {path: [_read(folder / name, venue) for name in names] for path, names in FILES[venue].items()}


def _read(file: Path, venue: str) -> Any:
    text = file.read_text()
    if file.suffix == ".mdx":  # documentation, with the reply among other examples
        blocks = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
        text = next(block for block in blocks if '"inverse"' in block)
    for theirs, ours in NAMES[venue].items():
        text = text.replace(theirs, ours)
    document = json.loads(text)
    document = document.get("response", document) if isinstance(document, dict) else document
    return _cut(_enveloped(document, venue))


def _enveloped(document: Any, venue: str) -> Any:
    """Some recordings are a row alone."""
    if venue == "okx" and "data" not in document:
        return {"code": "0", "msg": "", "data": [document]}
    return (
        [document]
        if venue == "binance" and isinstance(document, dict) and "positionAmt" in document
        else document
    )


def _cut(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _cut(value) for key, value in document.items()}
    return [_cut(each) for each in document[:MOST_ROWS]] if isinstance(document, list) else document
