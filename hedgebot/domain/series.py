"""A hedge over time, for charts: one point a cycle out of its recorded status, thinned with age. Pure.

Besides what each record holds, a point says what the coins would be worth had nothing been sold. Only
recorded figures are needed for that, see ``moved``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hedgebot.domain.units import ZERO, Millis, plain

Body = Mapping[str, Any]

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000
TIERS = (
    (10 * MINUTE, 2 * SECOND),
    (HOUR, 10 * SECOND),
    (DAY, 5 * MINUTE),
    (7 * DAY, 30 * MINUTE),
    (30 * DAY, 2 * HOUR),
)
"""Up to which age (ms) one point is held for each so many ms, 1440 in all. Each step divides the next."""


@dataclass(frozen=True, slots=True)
class Point:
    """One cycle. ``None`` where a figure was not known then, or there is no such thing.

    ``deposited`` are the coins that came, less those that went, since the series began; see ``moved``.
    """

    at: Millis
    target: Decimal
    band: Decimal
    ratio: Decimal | None = None
    net: Decimal | None = None
    exposure: Decimal | None = None
    deposited: Decimal | None = None
    price: Decimal | None = None
    value: Decimal | None = None
    liquidation_distance: Decimal | None = None

    @property
    def astray(self) -> Decimal:
        """How far the ratio is from its target; below zero where nothing was seen."""
        if self.exposure is None:
            return Decimal(-1)
        return ZERO if self.ratio is None else abs(self.ratio - self.target)


def seen(at_text: str, body: Body) -> bool:
    """Whether the figures of a record are of its own moment, not of an earlier one."""
    return bool(body["as_of"]) and body["as_of"] == at_text


def unseen(at: Millis, body: Body) -> Point:
    """The point of a cycle that saw nothing to trust."""
    return Point(at, Decimal(body["target_ratio"]), Decimal(body["band"]))


def point(at: Millis, body: Body, deposited: Decimal) -> Point:
    """The point of a cycle that saw; the liquidation distance is that of the nearest leg."""
    distances = [_figure(leg["liquidation_distance"]) for leg in body["legs"]]
    return Point(
        at=at,
        target=Decimal(body["target_ratio"]),
        band=Decimal(body["band"]),
        ratio=_figure(body["ratio"]),
        net=_figure(body["net"]),
        exposure=_figure(body["exposure"]),
        deposited=deposited,
        price=_figure(body["legs"][0]["mark_price"]),
        value=_figure(body["value_usd"]),
        liquidation_distance=min((each for each in distances if each is not None), default=None),
    )


def moved(before: Body, after: Body) -> Decimal:
    """Coins that came or went between two records for reasons other than the hedge.

    What the coins are worth, ``X`` coins, changes by deposits and withdrawals, by funding and fees, and by
    the profit of the shorts, open or realised. The first are what is left of it without the others:

        X' - X - profit - (funding' - funding) + (fees' - fees)

    Exact while nothing is bought back, however long. Funding and fees are counted a minute late, and are
    missing for that long.
    """
    legs = {(leg["account"], leg["symbol"]): leg for leg in before["legs"]}
    profit = ZERO
    for leg in after["legs"]:
        was = legs.get((leg["account"], leg["symbol"]))
        if was is not None and _in_coins(leg["symbol"], after["asset"]):
            profit += _profit(was, leg)
    worth, funding, fees = (
        Decimal(after[key]) - Decimal(before[key]) for key in ("exposure", "funding_coins", "fees_coins")
    )
    return worth - profit - funding + fees


def _profit(before: Body, after: Body) -> Decimal:
    """Coins that an inverse leg earned: ``U' - U``, and the share of ``U`` that a buy-back realised.

    At what price it was bought back is not recorded: the later mark stands for it.
    """
    dollars, sold, left = Decimal(before["notional_usd"]), _sold(before), _sold(after)
    mark, later = Decimal(before["mark_price"]), Decimal(after["mark_price"])
    realised = (1 - left / sold) * (dollars / later - sold) if left < sold else ZERO
    return (Decimal(after["notional_usd"]) / later - left) - (dollars / mark - sold) + realised


def _sold(leg: Body) -> Decimal:
    """Coins that a leg's short sold, at its entry."""
    return ZERO if leg["entry_price"] is None else Decimal(leg["notional_usd"]) / Decimal(leg["entry_price"])


def thinned(points: Sequence[Point], step: Callable[[Point], int | None]) -> list[Point]:
    """One point for each ``step(point)`` ms, the one furthest from its target; None drops the point."""
    chosen: dict[tuple[int, int], Point] = {}
    for each in points:
        width = step(each)
        if width is None:
            continue
        key = width, each.at // width
        if key not in chosen or each.astray > chosen[key].astray:
            chosen[key] = each
    return list(chosen.values())


def tier(age: int) -> int | None:
    """The distance (ms) between points of an age (ms); None beyond the oldest tier."""
    return next((width for limit, width in TIERS if age < limit), None)


def columns(points: Sequence[Point]) -> dict[str, list[Any]]:
    """The series as columns of equal length, decimals as strings.

    Unhedged, the coins that the first point was worth would be there still, and those that came since.
    """
    first = next((each for each in points if each.deposited is not None), None)
    coins = ZERO if first is None else _known(first.exposure) - _known(first.deposited)
    return {
        "at_ms": [each.at for each in points],
        "target_ratio": [_text(each.target) for each in points],
        "band": [_text(each.band) for each in points],
        "ratio": [_text(each.ratio) for each in points],
        "net": [_text(each.net) for each in points],
        "price_usd": [_text(each.price) for each in points],
        "value_usd": [_text(each.value) for each in points],
        "unhedged_usd": [_unhedged(each, coins) for each in points],
        "liquidation_distance": [_text(each.liquidation_distance) for each in points],
    }


def _unhedged(each: Point, coins: Decimal) -> str | None:
    if each.deposited is None or each.price is None:
        return None
    return plain((coins + each.deposited) * each.price, 2)


def _in_coins(symbol: str, asset: str) -> bool:
    """Whether a contract settles in the asset: ``BTC/USD:BTC`` and ``BTC/USD:BTC-261225`` do."""
    return symbol.partition(":")[2].partition("-")[0] == asset


def _figure(told: str | None) -> Decimal | None:
    return None if told is None or told == "unknown" else Decimal(told)


def _known(value: Decimal | None) -> Decimal:
    return ZERO if value is None else value


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
