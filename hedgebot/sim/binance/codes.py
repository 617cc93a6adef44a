"""Binance's code and words for each reason of a refusal, as its COIN-M error list has them.

``-4116`` and ``-4140`` are not in that list: the first is what other Binance APIs say of a client id that
an open order carries, the second of a contract that opens no positions.
"""

from hedgebot.sim.binance.wire import ApiError
from hedgebot.sim.orders import Reason, RefusedError

CODES: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Reason.NOT_TRADING: (-4140, "Invalid symbol status for opening position."),
    Reason.BAD_QUANTITY: (-1111, "Precision is over the maximum defined for this asset."),
    Reason.TOO_SMALL: (-4004, "Quantity less than min quantity."),
    Reason.TOO_LARGE: (-4005, "Quantity greater than max quantity."),
    Reason.TOO_CHEAP: (
        -4178,
        "Order's notional must be no smaller than one (unless you choose reduce only).",
    ),
    Reason.BAD_PRICE: (-4014, "Price not increased by tick size."),
    Reason.PRICE_BAND: (-4024, "Price is lower than mark price multiplier floor."),
    Reason.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    Reason.POSITION_MODE: (-4061, "Order's position side does not match user's setting."),
    Reason.NOTHING_TO_REDUCE: (-2022, "ReduceOnly Order is rejected."),
    Reason.NO_MARGIN: (-2019, "Margin is insufficient."),
    Reason.POSITION_LIMIT: (-2027, "Exceeded the maximum allowable position at current leverage."),
    Reason.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Reason.BAD_LEVERAGE: (-4028, "Leverage is not valid."),
    Reason.NOT_ISOLATED: (-4049, "Add margin only support for isolated position."),
    Reason.FLAT: (-4054, "Cannot add position margin: position is 0."),
    Reason.HAS_POSITION: (-4068, "Position side cannot be changed if there exists position."),
    Reason.NO_FUNDS: (-5013, "Asset transfer failed: insufficient balance"),
}
NO_SUCH_ORDER = (-2013, "Order does not exist.")


def api_error(refused: RefusedError, **others: tuple[int, str]) -> ApiError:
    """The reply to a refusal; ``others`` give the code for reasons, by name, that differ at an endpoint."""
    code, message = others.get(refused.reason.name) or CODES[refused.reason]
    return ApiError(code, message)
