"""A contract that ends is told of: a dated one that is not left in time, a perpetual one at once."""

from dataclasses import replace
from decimal import Decimal

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.domain.hedge import Roll
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import Millis
from hedgebot.risk.expiry import DAY_MS, check
from tests.builders import NOW, hedge, instrument, leg, snapshot, view

ANY, REDUCE_ONLY = Permission.ANY, Permission.REDUCE_ONLY
SIX_DAYS = Roll(before_ms=6 * DAY_MS)
PERPETUAL, DATED = "BTC/USD:BTC", "BTC/USD:BTC-261225"


def ending(symbol: str, days: str, size: int = -59_970) -> Leg:
    at = Millis(NOW + int(Decimal(days) * DAY_MS))
    return leg(size, contract=replace(instrument(), symbol=symbol, ends_at=at))


@pytest.mark.parametrize(
    ("symbol", "days", "size", "measured", "permission", "alarms"),
    [
        (DATED, "30", -59_970, "30.0 days", ANY, False),
        (DATED, "3.01", -59_970, "3.0 days", ANY, False),  # just inside: half of the time for the roll
        (DATED, "3", -59_970, "3.0 days", ANY, True),
        (DATED, "0.5", -59_970, "0.5 days", ANY, True),
        (DATED, "0.5", 0, "0.5 days", ANY, False),  # it was left
        (PERPETUAL, "30", -59_970, "30.0 days", ANY, True),
        (PERPETUAL, "1.01", -59_970, "1.0 days", ANY, True),
        (PERPETUAL, "1", -59_970, "1.0 days", REDUCE_ONLY, True),
        (PERPETUAL, "1", 0, "1.0 days", REDUCE_ONLY, True),
    ],
)
def test_its_end_is_measured(
    symbol: str, days: str, size: int, measured: str, permission: Permission, alarms: bool
) -> None:
    found = check(view(snapshot(ending(symbol, days, size)), hedge=hedge(roll=SIX_DAYS)))
    assert (found.measured, found.permission, found.alarms) == (measured, permission, alarms)


def test_the_clock_is_the_exchanges() -> None:
    seen = replace(snapshot(ending(DATED, "3.5")), offset_ms=DAY_MS)
    assert check(view(seen, hedge=hedge(roll=SIX_DAYS))).measured == "2.5 days"


def test_of_several_the_one_that_matters_is_told() -> None:
    seen = snapshot(ending(DATED, "30"), ending(PERPETUAL, "7"), ending("BTC/USD:BTC-270326", "2"))
    assert check(view(seen, hedge=hedge(roll=SIX_DAYS))).reason.startswith(
        f"main:{PERPETUAL} is to be delisted"
    )


def test_a_contract_of_which_no_end_is_told_has_none() -> None:
    found = check(view(snapshot(leg(-59_970))))
    assert (found.measured, found.permission, found.alarms) == ("none", ANY, False)
