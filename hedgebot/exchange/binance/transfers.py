"""Binance's collateral moves: between the spot and the COIN-M wallet, and to or from an isolated margin.

Neither takes an id of ours. A move is found again by its kind, its coins, whose last digits are its own,
and its time. ccxt rounds the coins of an isolated margin to whole numbers: they are sent as they are.
"""

from collections.abc import Iterable, Mapping

from hedgebot.domain.instrument import Instrument
from hedgebot.domain.transfers import Pocket, TransferRequest, TransferState
from hedgebot.domain.units import Millis
from hedgebot.exchange.binance.market import rows
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.fates import Answer

WALLETS = {Pocket.MARGIN: "MAIN_CMFUTURE", Pocket.SPOT: "CMFUTURE_MAIN"}
"""The kind of a move by the wallet that it goes to."""

ADD, REDUCE = 1, 2
MOST = 100

PENDING, CONFIRMED, FAILED = (False, False), (True, False), (True, True)
STATUSES = {"PENDING": PENDING, "CONFIRMED": CONFIRMED, "FAILED": FAILED}
"""Whether a move is over, and whether it failed."""


def moving(request: TransferRequest) -> dict[str, object]:
    """The request for a move between the wallets."""
    return {
        "type": WALLETS[request.target],
        "asset": request.asset,
        "amount": f"{request.coins.value:f}",
    }


def moved(answer: Answer) -> str:
    """The move's id in an acknowledgement. Raises ``ConversionError``."""
    return str(answer.fields.integer("tranId"))


def asking(request: TransferRequest, since: Millis) -> dict[str, object]:
    return {"type": WALLETS[request.target], "startTime": since, "size": MOST}


def sighted(answer: Answer, request: TransferRequest, since: Millis) -> TransferState | None:
    """The move in the history of its kind; None where it is not there. Raises ``ConversionError``."""
    shown = answer.fields
    # An account that never moved any coins is told of without rows.
    found = shown.rows("rows") if shown.has("rows") or shown.integer("total") else []
    for row in found:
        row.expect("type", WALLETS[request.target])
    ours = _one(found, request, since, "timestamp")
    if ours is None:
        return None
    over, failed = ours.word("status", STATUSES)
    return TransferState(str(ours.integer("tranId")), over, failed, ours.millis("timestamp"))


def margining(request: TransferRequest, contract: Instrument) -> dict[str, object]:
    """The request for a move to an isolated margin, or back."""
    return {
        "symbol": contract.native,
        "positionSide": "BOTH",
        "amount": f"{request.coins.value:f}",
        "type": _kind(request),
    }


def margined(answer: Answer, request: TransferRequest) -> str:
    """No id, once the reply is about this move. Raises ``ConversionError``."""
    result = answer.fields
    if result.integer("type") != _kind(request):
        raise result.wrong("type", f"is {result.integer('type')}, not {_kind(request)}")
    return ""


def asking_margin(request: TransferRequest, contract: Instrument, since: Millis) -> Mapping[str, object]:
    return {"symbol": contract.native, "type": _kind(request), "startTime": since, "limit": MOST}


def sighted_margin(
    answer: Answer, request: TransferRequest, contract: Instrument, since: Millis
) -> TransferState | None:
    """The move in the history of its contract's margin; None where it is not there."""
    found = [row for row in rows(answer) if row.integer("type") == _kind(request)]
    for row in found:
        row.expect("symbol", contract.native)
    ours = _one(found, request, since, "time")
    return None if ours is None else TransferState("", over=True, failed=False, at=ours.millis("time"))


def _one(found: Iterable[Fields], request: TransferRequest, since: Millis, at: str) -> Fields | None:
    """The row of this move. Raises ``ConversionError`` where two could be it."""
    named = [
        row
        for row in found
        if row.text("asset") == request.asset
        and row.positive("amount") == request.coins.value
        and row.millis(at) >= since
    ]
    if len(named) > 1:
        raise named[1].wrong("amount", "is that of two moves")
    return named[0] if named else None


def _kind(request: TransferRequest) -> int:
    return ADD if request.target is Pocket.ISOLATED else REDUCE
