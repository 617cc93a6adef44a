"""A month of a hedge's records, made up: prices that wander, a deposit, a drift, a blind hour, funding."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import sin
from typing import Any

from hedgebot.domain.records import State
from hedgebot.domain.status import iso
from hedgebot.domain.units import Millis
from hedgebot.history import History
from tests.api.support import hedge, leg

HOUR = 3_600_000
NOW = Millis(1_795_237_200_000)
"""2026-11-21T05:00:00Z."""


@dataclass(frozen=True)
class Cycle:
    """A record as the daemon or the journal hands it over."""

    at: Millis
    state: State
    reason: str
    acted: bool
    body: dict[str, Any]


def money(value: Decimal) -> str:
    return f"{value:.8f}"


def cycle(at: int, price: Decimal, held: Decimal, sold: Decimal, *, seen: bool = True, **told: Any) -> Cycle:
    """A cycle of a hedge whose short was sold at 60,000."""
    dollars = sold * 60_000
    exposure = held + dollars / price - sold
    distance = (Decimal(148_346) / price - 1).quantize(Decimal("0.0001"))
    figures = leg(notional_usd=money(dollars), mark_price=str(price), liquidation_distance=str(distance))
    body = hedge(
        as_of=iso(Millis(at)) if seen else iso(Millis(at - HOUR)),
        ratio=money(sold / held),
        held=money(held),
        sold=money(sold),
        net=money(held - sold),
        exposure=money(exposure),
        value_usd=money(exposure * price),
        funding_coins=told.pop("funding", "0"),
        fees_coins="0.0005",
        legs=[figures],
    )
    facts: dict[str, Any] = {"state": State.HEDGED, "reason": "inside the band", "acted": False} | told
    return Cycle(Millis(at), body=body, **facts)


@cache
def month() -> History:
    """Thirty days of cycles, one each ten minutes; the last hour denser. Made once, to be read only."""
    history = History(30_000)
    for number, one in enumerate(_cycles(), 1):
        history.add(number, one)
    return history


def _cycles() -> Iterator[Cycle]:
    begin = NOW - 30 * 24 * HOUR
    times = [*range(begin, NOW - HOUR, HOUR // 6), *range(NOW - HOUR, NOW, 5_000)]
    sell = "sell 59946 contracts of main:BTC/USD:BTC: ratio 0.0000, target 1"
    yield cycle(begin - 5_000, Decimal(60_000), Decimal(1), Decimal(0), reason=sell, acted=True)
    for at in times:
        days = (at - begin) / (24 * HOUR)
        price = Decimal(round(60_000 + 9_000 * sin(days / 4) - 500 * days + 700 * sin(days * 9)))
        funding = Decimal(days / 3 * 0.0001).quantize(Decimal("0.00000001"))
        held = Decimal("0.9995") + funding + (Decimal("0.25") if days > 20 else 0)
        told: dict[str, Any] = {"funding": str(funding)}
        if 20 < days < 20.05:
            told |= {
                "state": State.DRIFTING,
                "reason": "a deposit of 0.25 BTC, and the order limit is reached",
            }
        if 27 < days < 27.3:
            told |= {"state": State.BLIND, "reason": "main did not answer within 10 s", "seen": False}
        sold = held - Decimal("0.0004") if days < 20 or days >= 20.05 else Decimal("0.9995")
        yield cycle(at, price, held, sold, **told)
