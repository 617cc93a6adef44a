"""Public endpoints about what is listed: contracts and their margin tiers."""

from hedgebot.sim.contract import Contract
from hedgebot.sim.money import ONE, floor_to
from hedgebot.sim.okx.session import Session, inst_family, inst_type, margin_mode
from hedgebot.sim.okx.wire import ApiError, Json, Params, num, price, stamp

KINDS = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")
STATES = {"Trading": "live", "PreLaunch": "preopen"}
UNCHANGING: Json = {
    "alias": "",
    "auctionEndTime": "",
    "category": "1",
    "contTdSwTime": "",
    "futureSettlement": False,
    "instCategory": "1",
    "maxIcebergSz": "100000000.0000000000000000",
    "maxLmtAmt": "20000000",
    "maxMktAmt": "",
    "maxPlatOILmt": "",
    "maxTriggerSz": "100000000.0000000000000000",
    "maxTwapSz": "100000000.0000000000000000",
    "openType": "",
    "optType": "",
    "posLmtAmt": "",
    "posLmtPct": "",
    "preMktSwTime": "",
    "ruleType": "normal",
    "stk": "",
    "tradeQuoteCcyList": [],
    "upcChg": [],
}
COIN_MARGINED_GROUP, LINEAR_GROUP = "1", "2"


def instruments(session: Session, params: Params) -> list[Json]:
    """The contracts of a kind: those that trade, and a linear one of each other coin beside."""
    kind = params.one_of("instType", *KINDS)
    every = session.exchange.truth.contracts.values()
    contracts = [c for c in every if inst_type(c) == kind and not c.delivered]
    rows = [_instrument(c) for c in contracts]
    if kind == "SWAP":
        linear = {c.base for c in contracts if c.linear}
        rows += [_linear(c) for c in dict.fromkeys(c.base for c in contracts) if c not in linear]
    elif kind == "SPOT":
        bases = dict.fromkeys(c.base for c in session.exchange.truth.contracts.values())
        rows = [_spot(base) for base in bases]
    wanted = params.text("instId"), params.text("instFamily")
    names = ("instId", "instFamily")
    return [row for row in rows if all(w in ("", row[n]) for w, n in zip(wanted, names, strict=True))]


def _instrument(contract: Contract) -> Json:
    return {
        **UNCHANGING,
        "baseCcy": "",
        "ctMult": "1",
        "ctType": "linear" if contract.linear else "inverse",
        "ctVal": num(contract.face),
        "ctValCcy": contract.base if contract.linear else "USD",
        "expTime": stamp(contract.delivery_ms),
        "groupId": fee_group(contract),
        "instFamily": inst_family(contract),
        "instId": contract.symbol,
        "instIdCode": 10458,
        "instType": inst_type(contract),
        "lever": num(contract.max_leverage),
        "listTime": str(contract.launch_ms),
        "lotSz": num(contract.qty_step),
        "maxLmtSz": num(contract.max_qty),
        "maxMktSz": num(contract.max_market_qty),
        "maxStopSz": num(contract.max_market_qty),
        "minSz": num(contract.min_qty),
        "quoteCcy": "",
        "settleCcy": contract.settle,
        "state": STATES.get(contract.status, "suspend"),
        "tickSz": num(contract.tick),
        "uly": inst_family(contract),
    }


def fee_group(contract: Contract) -> str:
    return LINEAR_GROUP if contract.linear else COIN_MARGINED_GROUP


def _linear(base: str) -> Json:
    changes: Json = {
        "ctType": "linear",
        "ctVal": "0.01",
        "ctValCcy": base,
        "groupId": LINEAR_GROUP,
        "instFamily": f"{base}-USDT",
        "instIdCode": 10459,
        "lotSz": "0.01",
        "minSz": "0.01",
        "settleCcy": "USDT",
        "uly": f"{base}-USDT",
    }
    return {**_instrument(Contract(symbol=f"{base}-USDT-SWAP", base=base, settle="USDT")), **changes}


def _spot(base: str) -> Json:
    changes: Json = {
        "baseCcy": base,
        "ctMult": "",
        "ctType": "",
        "ctVal": "",
        "ctValCcy": "",
        "instFamily": "",
        "instType": "SPOT",
        "lever": "10",
        "lotSz": "0.00000001",
        "minSz": "0.00001",
        "quoteCcy": "USDT",
        "settleCcy": "",
        "uly": "",
    }
    return {**_instrument(Contract(symbol=f"{base}-USDT", base=base, settle=base)), **changes}


def position_tiers(session: Session, params: Params) -> list[Json]:
    """Margin rates by the number of contracts.

    The simulated ladder is in coins, or of linear contracts in dollars: what is told here are contracts that
    are worth so much at the index of the moment.
    """
    kind = params.one_of("instType", *KINDS)
    margin_mode(params, "tdMode")
    families = params.required("instFamily").split(",")
    session.exchange.advance()
    every = session.contracts(Params({}))
    asked = [c for c in every if inst_family(c) in families and inst_type(c) == kind]
    contracts = {inst_family(contract): contract for contract in asked}.values()
    if not contracts:
        raise ApiError(51001, "Instrument ID, Instrument ID code or Spread ID doesn't exist.")
    return [row for contract in contracts for row in _tiers(session, contract)]


def _tiers(session: Session, contract: Contract) -> list[Json]:
    index = session.exchange.truth.quote(contract.symbol).index
    rows, least = [], "0"
    for number, tier in enumerate(contract.tiers, 1):
        dollars = tier.up_to if contract.linear else tier.up_to * index
        most = floor_to(dollars / contract.dollars(ONE, index), contract.qty_step)
        rows.append(
            {
                "baseMaxLoan": "",
                "imr": num(tier.initial),
                "instFamily": inst_family(contract),
                "instId": "",
                "maxLever": price(tier.max_leverage, 2),
                "maxSz": num(most),
                "minSz": least,
                "mmr": num(tier.maintenance),
                "optMgnFactor": "0",
                "quoteMaxLoan": "",
                "tier": str(number),
                "uly": inst_family(contract),
            }
        )
        least = num(most + contract.qty_step)
    return rows
