"""Bybit's collateral moves: between the unified pot and the isolated margin of a leg.

Bybit takes no id of ours and keeps no history of them. It takes four decimals, too few for digits of an
intent's own, which nothing would find again: they are cut off, so that up to 0.0001 coins fewer move.
"""

from decimal import ROUND_FLOOR, Decimal

from hedgebot.domain.instrument import Instrument
from hedgebot.domain.transfers import Pocket, TransferRequest
from hedgebot.domain.units import WIDE
from hedgebot.exchange.bybit.venue import scope
from hedgebot.exchange.fates import Answer

PLACES = Decimal("1e-4")
ONE_WAY = 0


def margining(request: TransferRequest, contract: Instrument) -> dict[str, object]:
    """The request for a move to an isolated margin, or, with fewer than no coins, back."""
    coins = request.coins.value.quantize(PLACES, ROUND_FLOOR, WIDE)
    return {
        **scope(contract),
        "margin": f"{coins if request.target is Pocket.ISOLATED else WIDE.minus(coins):f}",
        "positionIdx": ONE_WAY,
    }


def margined(answer: Answer, contract: Instrument) -> str:
    """No id, once the reply shows the position that was asked about. Raises ``ConversionError``."""
    answer.fields.expect("symbol", contract.native)
    if (index := answer.fields.integer("positionIdx")) != ONE_WAY:
        raise answer.fields.wrong("positionIdx", f"is {index}, a side of hedge mode")
    return ""
