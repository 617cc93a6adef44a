"""OKX's code and words for each reason of a refusal, as its list of errors has them."""

from hedgebot.sim.okx.wire import ApiError
from hedgebot.sim.orders import Reason, RefusedError

CODES: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_SYMBOL: (51001, "Instrument ID, Instrument ID code or Spread ID doesn't exist."),
    Reason.NOT_TRADING: (51022, "Contract suspended."),
    Reason.BAD_QUANTITY: (51121, "Order quantity must be a multiple of the lot size."),
    Reason.TOO_SMALL: (51020, "Your order should meet or exceed the minimum order amount."),
    Reason.TOO_LARGE: (51101, "Order failed, the sz of the current order can't be more than the maximum."),
    Reason.TOO_CHEAP: (51020, "Your order should meet or exceed the minimum order amount."),
    Reason.BAD_PRICE: (51000, "Parameter px error"),
    Reason.PRICE_BAND: (51006, "Order price is not within the price limit"),
    Reason.DUPLICATE_CLIENT_ID: (51016, "Client order ID already exists."),
    Reason.POSITION_MODE: (51000, "Parameter posSide error"),
    Reason.NOTHING_TO_REDUCE: (
        51169,
        "Order failed because you don't have any positions in this direction to reduce or close.",
    ),
    Reason.NO_MARGIN: (51008, "Order failed. Insufficient BTC margin in account"),
    Reason.POSITION_LIMIT: (
        51004,
        "Order failed. The maximum position amount under current leverage is exceeded.",
    ),
    Reason.UNKNOWN_ORDER: (
        51400,
        "Order cancellation failed as the order has been filled, canceled or does not exist.",
    ),
    Reason.BAD_LEVERAGE: (51000, "Parameter lever error"),
    Reason.NOT_ISOLATED: (51043, "This isolated position doesn't exist."),
    Reason.FLAT: (59300, "Margin call failed. Position does not exist."),
    Reason.HAS_POSITION: (
        59000,
        "Settings failed. Close any open positions or orders before modifying settings.",
    ),
    Reason.UNSUPPORTED: (51010, "Request unsupported under current account mode"),
    Reason.NO_FUNDS: (59200, "Insufficient account balance."),
}


def told(refused: RefusedError, **others: tuple[int, str]) -> tuple[int, str]:
    """Code and words for a refusal; ``others`` are those of reasons, by name, that differ at an endpoint."""
    return others.get(refused.reason.name, CODES[refused.reason])


def api_error(refused: RefusedError, **others: tuple[int, str]) -> ApiError:
    """The reply to a refusal."""
    return ApiError(*told(refused, **others))
