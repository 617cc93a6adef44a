"""OKX's collateral moves: between the unified pot and the isolated margin of a leg.

OKX takes no id of ours. A move is found again among the bills of its kind, by its coins, whose last digits
are its own, and its time.
"""

from collections.abc import Iterable

from hedgebot.domain.instrument import Instrument
from hedgebot.domain.transfers import Pocket, TransferRequest, TransferState
from hedgebot.domain.units import Millis
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx.market import one_row, rows

MARGIN_BILL = "6"
KINDS = {Pocket.ISOLATED: "add", Pocket.MARGIN: "reduce"}
BILLS = {Pocket.ISOLATED: "160", Pocket.MARGIN: "161"}
"""The kind of a move and that of its bill, by the pocket that it goes to."""


def margining(request: TransferRequest, contract: Instrument) -> dict[str, object]:
    """The request for a move to an isolated margin, or back, in one-way mode."""
    return {
        "instId": contract.native,
        "posSide": "net",
        "type": KINDS[request.target],
        "amt": f"{request.coins.value:f}",
    }


def margined(answer: Answer, request: TransferRequest, contract: Instrument) -> str:
    """No id, once the reply is about this move. Raises ``ConversionError``."""
    row = one_row(answer)
    row.expect("instId", contract.native)
    row.expect("type", KINDS[request.target])
    if row.positive("amt") != request.coins.value:
        raise row.wrong("amt", f"is {row.text('amt')}, not the {request.coins} that were asked for")
    return ""


def sighted(
    pages: Iterable[Answer], request: TransferRequest, contract: Instrument, since: Millis
) -> TransferState | None:
    """The move among the bills of such moves; None where it is not there.

    Raises ``ConversionError`` where two could be it.
    """
    found = []
    for row in (row for page in pages for row in rows(page)):
        row.expect("type", MARGIN_BILL)
        row.expect("instId", contract.native)
        row.expect("ccy", request.asset)
        ours = row.text("subType") == BILLS[request.target] and row.millis("ts") >= since
        if ours and abs(row.decimal("posBalChg")) == request.coins.value:
            found.append(row)
    if len(found) > 1:
        raise found[1].wrong("posBalChg", "is that of two moves")
    return TransferState(found[0].name("billId"), True, False, found[0].millis("ts")) if found else None
