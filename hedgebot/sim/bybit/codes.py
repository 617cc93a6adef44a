"""Bybit's code and words for each reason of a refusal.

Texts are those of Bybit's error list, or what the exchange really sends where that differs and is known.
"""

from hedgebot.sim.bybit.wire import ApiError
from hedgebot.sim.orders import Reason, RefusedError

CODES: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_SYMBOL: (10001, "params error: symbol invalid"),
    Reason.NOT_TRADING: (110074, "This contract is not live"),
    Reason.BAD_QUANTITY: (10001, "Qty invalid"),
    Reason.TOO_SMALL: (10001, "The number of contracts exceeds minimum limit allowed"),
    Reason.TOO_LARGE: (10001, "The number of contracts exceeds maximum limit allowed: too large"),
    Reason.TOO_CHEAP: (110094, "Order notional value below the lower limit"),
    Reason.BAD_PRICE: (10001, "params error: price invalid"),
    Reason.PRICE_BAND: (110003, "Order price exceeds the allowable range."),
    Reason.DUPLICATE_CLIENT_ID: (110072, "OrderLinkedID is duplicate"),
    Reason.POSITION_MODE: (10001, "position idx not match position mode"),
    Reason.NOTHING_TO_REDUCE: (110017, "current position is zero, cannot fix reduce-only order qty"),
    Reason.NO_MARGIN: (110007, "ab not enough for new order"),
    Reason.POSITION_LIMIT: (
        110090,
        "Order placement failed as your position may exceed the max limit. Please adjust your leverage",
    ),
    Reason.UNKNOWN_ORDER: (110001, "order not exists or too late to cancel"),
    Reason.NOT_MODIFIED: (110043, "leverage not modified"),
    Reason.BAD_LEVERAGE: (110013, "Cannot set leverage due to risk limit level."),
    Reason.NOT_ISOLATED: (110015, "The position is in cross margin mode."),
    Reason.FLAT: (110033, "You can't set margin without an open position"),
    Reason.HAS_POSITION: (110024, "You have an existing position, so the position mode cannot be switched."),
    Reason.UNSUPPORTED: (110029, "Hedge mode is not supported for this symbol."),
    Reason.NO_FUNDS: (131212, "Insufficient balance"),
    Reason.DUPLICATE_TRANSFER: (131214, "TransferId exist"),
}


def api_error(refused: RefusedError, **others: tuple[int, str]) -> ApiError:
    """The reply to a refusal; ``others`` give the code for reasons, by name, that differ at an endpoint."""
    code, message = others.get(refused.reason.name, CODES[refused.reason])
    return ApiError(code, message)
