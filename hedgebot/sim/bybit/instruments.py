"""Public endpoints: what is listed, and the margin tiers."""

from hedgebot.sim.bybit.session import CATEGORIES, Session
from hedgebot.sim.bybit.wire import Json, Params, coins, listed, price, ratio
from hedgebot.sim.contract import HOUR_MS, Contract

UNCHANGING: Json = {
    "deliveryFeeRate": "",
    "unifiedMarginTrade": True,
    "copyTrading": "none",
    "upperFundingRate": "0.005",
    "lowerFundingRate": "-0.005",
    "isPreListing": False,
    "preListingInfo": None,
    "displayName": "",
    "symbolType": "",
}


def instruments(session: Session, params: Params) -> Json:
    """The contracts of a category; spot and linear only list what clients expect to find."""
    category = params.category()
    if category == "option" or params.text("status", "Trading") == "PreLaunch":
        return listed(category, [])
    contracts = [c for c in session.exchange.truth.contracts.values() if not c.delivered]
    symbol = params.text("symbol")
    if category == "inverse":
        rows = [_instrument(c) for c in contracts if not c.linear]
    elif category == "linear":
        real = {c.base: _instrument(c) for c in contracts if c.linear}
        rows = [real.get(base) or _linear(base) for base in dict.fromkeys(c.base for c in contracts)]
    else:
        rows = [_spot(base) for base in dict.fromkeys(c.base for c in contracts)]
    return listed(category, [row for row in rows if symbol in ("", row["symbol"])])


def _instrument(contract: Contract) -> Json:
    kind = "Linear" if contract.linear else "Inverse"
    return {
        **UNCHANGING,
        "symbol": contract.symbol,
        "contractType": f"{kind}{'Perpetual' if contract.perpetual else 'Futures'}",
        "quoteCoin": contract.settle if contract.linear else "USD",
        "status": contract.status,
        "baseCoin": contract.base,
        "settleCoin": contract.settle,
        "launchTime": str(contract.launch_ms),
        "deliveryTime": str(contract.delivery_ms),
        "priceScale": str(contract.price_places),
        "fundingInterval": max(contract.funding_interval_ms // HOUR_MS, 1) * 60 if contract.perpetual else 0,
        "leverageFilter": {
            "minLeverage": "1",
            "maxLeverage": price(contract.max_leverage, 2),
            "leverageStep": price(contract.leverage_step, 2),
        },
        "priceFilter": {
            "minPrice": price(contract.min_price, contract.price_places),
            "maxPrice": price(contract.max_price, contract.price_places),
            "tickSize": price(contract.tick, contract.price_places),
        },
        "lotSizeFilter": {
            "maxOrderQty": coins(contract.max_qty),
            "minOrderQty": coins(contract.min_qty),
            "qtyStep": coins(contract.qty_step),
            "postOnlyMaxOrderQty": coins(contract.max_qty),
            "maxMktOrderQty": coins(contract.max_market_qty),
            "minNotionalValue": coins(contract.min_notional),
        },
        "riskParameters": {
            "priceLimitRatioX": ratio(contract.band / 2),
            "priceLimitRatioY": ratio(contract.band),
        },
    }


def _linear(base: str) -> Json:
    perpetual = Contract(symbol=f"{base}USDT", base=base, settle="USDT")
    quantities = {
        "maxOrderQty": "1190.000",
        "minOrderQty": "0.001",
        "qtyStep": "0.001",
        "postOnlyMaxOrderQty": "1190.000",
        "maxMktOrderQty": "500.000",
        "minNotionalValue": "5",
    }
    changes = {"contractType": "LinearPerpetual", "quoteCoin": "USDT", "lotSizeFilter": quantities}
    return {**_instrument(perpetual), **changes, "fundingInterval": 480}


def _spot(base: str) -> Json:
    return {
        "symbol": f"{base}USDT",
        "baseCoin": base,
        "quoteCoin": "USDT",
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": "0.000001",
            "quotePrecision": "0.0000001",
            "minOrderQty": "0.000011",
            "maxOrderQty": "83",
            "minOrderAmt": "5",
            "maxOrderAmt": "8000000",
        },
        "priceFilter": {"tickSize": "0.1"},
        "riskParameters": {"priceLimitRatioX": "0.01", "priceLimitRatioY": "0.02"},
    }


def risk_limit(session: Session, params: Params) -> Json:
    category = params.category(*CATEGORIES)
    rows = [row for c in session.contracts(params) for row in _tiers(session, c)]
    return listed(category, rows)


def _tiers(session: Session, contract: Contract) -> list[Json]:
    unit = 100 if session.options.tiers_in_percent and not contract.linear else 1
    return [
        {
            "id": number,
            "symbol": contract.symbol,
            "riskLimitValue": coins(tier.up_to),
            "maintenanceMargin": ratio(tier.maintenance * unit),
            "initialMargin": ratio(tier.initial * unit),
            "isLowestRisk": int(number == 1),
            "maxLeverage": price(tier.max_leverage, 2),
            "mmDeduction": coins(tier.deduction) if tier.deduction else "",
        }
        for number, tier in enumerate(contract.tiers, 1)
    ]
