"""A contract far from its index or the spot price is not sold into; what is not known is no basis of zero."""

from decimal import Decimal

import pytest

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.signals import NOTHING, Signals, SpotPrice, Told
from hedgebot.domain.units import Millis
from hedgebot.risk.basis import GRACE_MS, check
from tests.builders import LEG, NOW, hedge, leg, policy, price, quote, snapshot, view

ANY, REDUCE_ONLY = Permission.ANY, Permission.REDUCE_ONLY
READ_AT = 100.1
"""Monotonic seconds: the instant of the views here."""


def spot(usd: int | str, seconds_old: float = 0, problem: str = "") -> Told[SpotPrice]:
    return Told(SpotPrice(price(usd), READ_AT - seconds_old), problem, asked=True)


def told(**spots: Told[SpotPrice]) -> Signals:
    return Signals(spot_prices=spots)


NEAR = told(main=spot(60_000))
SILENT = told(main=Told(None, "no answer within 10 s", asked=True))


def judged(
    index: int | str | None, signals: Signals, bound: str | None, uptime_ms: int = 3_600_000
) -> Finding:
    seen = snapshot(leg(book=quote(index=None if index is None else price(index))))
    limits = hedge(basis_max=None if bound is None else Decimal(bound))
    return check(view(seen, hedge=limits, signals=signals, started_at=Millis(NOW - uptime_ms)))


class TestAgainstTheIndex:
    @pytest.mark.parametrize(
        ("bound", "index", "measured", "permission"),
        [
            ("0.01", "60000", "0.0000", ANY),
            ("0.25", "48000", "0.2500", ANY),  # just inside
            ("0.2499", "48000", "0.2500", REDUCE_ONLY),
            ("0.2", "75000", "-0.2000", ANY),  # below counts like above
            ("0.1999", "75000", "-0.2000", REDUCE_ONLY),
            (None, "48000", "0.2500", ANY),  # without a bound it is measured all the same
        ],
    )
    def test_beyond_its_bound_new_risk_waits(
        self, bound: str | None, index: str, measured: str, permission: Permission
    ) -> None:
        found = judged(index, NEAR, bound)
        restrains = permission is REDUCE_ONLY
        assert (found.measured, found.permission, found.alarms) == (measured, permission, restrains)

    def test_it_is_said_where_and_on_which_side(self) -> None:
        far = leg(book=quote(index=price(61_000)))
        seen = snapshot(far, leg(policy=policy(account="second"), book=quote()))
        signals = told(main=spot(60_000), second=spot(60_000))
        found = check(view(seen, hedge=hedge(basis_max=Decimal("0.01")), signals=signals))
        assert found.reason == f"{LEG} is marked 1.64% below its index: new risk waits, reductions go on"

    @pytest.mark.parametrize("bound", [None, "0.5"])
    @pytest.mark.parametrize("signals", [NEAR, NOTHING, SILENT])
    def test_a_missing_one_is_told_and_is_not_zero(self, bound: str | None, signals: Signals) -> None:
        found = judged(None, signals, bound)
        assert (found.measured, found.permission, found.alarms) == ("unknown", REDUCE_ONLY, True)
        assert found.reason == f"the index of {LEG} is not known: new risk waits, reductions go on"


class TestAgainstTheSpotPrice:
    @pytest.mark.parametrize(
        ("bound", "usd", "measured", "permission"),
        [
            ("0.25", "48000", "0.2500", ANY),  # just inside
            ("0.2499", "48000", "0.2500", REDUCE_ONLY),
            ("0.2", "75000", "-0.2000", ANY),
            ("0.1999", "75000", "-0.2000", REDUCE_ONLY),
            (None, "48000", "0.0000", ANY),  # without a bound it does not count
        ],
    )
    def test_beyond_the_bound_new_risk_waits(
        self, bound: str | None, usd: str, measured: str, permission: Permission
    ) -> None:
        found = judged(60_000, told(main=spot(usd)), bound)
        restrains = permission is REDUCE_ONLY
        assert (found.measured, found.permission, found.alarms) == (measured, permission, restrains)

    @pytest.mark.parametrize(
        ("index", "usd", "says"),
        [
            (60_000, 61_000, "1.64% below the spot price of BTC"),
            (59_000, 58_000, "3.45% above the spot price of BTC"),
            (58_000, 59_000, "3.45% above its index"),  # the wider of both
            (58_000, 62_000, "3.45% above its index"),
            (58_000, 58_000, "3.45% above its index"),
        ],
    )
    def test_it_is_said_against_which_and_on_which_side(self, index: int, usd: int, says: str) -> None:
        found = judged(index, told(main=spot(usd)), "0.01")
        assert found.reason == f"{LEG} is marked {says}: new risk waits, reductions go on"

    def test_each_leg_is_compared_with_the_market_of_its_own_exchange(self) -> None:
        seen = snapshot(leg(), leg(policy=policy(account="second")))
        signals = told(main=spot(60_000), second=spot(57_000))
        found = check(view(seen, hedge=hedge(basis_max=Decimal("0.05")), signals=signals))
        assert (found.permission, found.measured) == (REDUCE_ONLY, "0.0526")
        assert found.reason.startswith("second:BTC/USD:BTC is marked 5.26% above the spot price of BTC")

    @pytest.mark.parametrize(
        ("signals", "uptime_ms", "permission", "alarms", "says"),
        [
            (NOTHING, 0, REDUCE_ONLY, False, "(it was not read yet): new risk waits, reductions go on"),
            (NOTHING, GRACE_MS, REDUCE_ONLY, True, "(it was not read yet): new risk waits, reductions go on"),
            (SILENT, 0, ANY, False, "(no answer within 10 s): nothing waits for it yet"),
            (SILENT, GRACE_MS - 1, ANY, False, "(no answer within 10 s): nothing waits for it yet"),
            (
                SILENT,
                GRACE_MS,
                REDUCE_ONLY,
                True,
                "(no answer within 10 s): new risk waits, reductions go on",
            ),
            (
                told(main=spot(60_000, 180.1)),
                3_600_000,
                REDUCE_ONLY,
                True,
                "(not read for 3 minutes: no answer): new risk waits, reductions go on",
            ),
            (
                told(main=spot(60_000, 180.1, "HTTP 500")),
                3_600_000,
                REDUCE_ONLY,
                True,
                "(not read for 3 minutes: HTTP 500): new risk waits, reductions go on",
            ),
        ],
        ids=[
            "at once",
            "never asked",
            "failed at once",
            "in its grace",
            "after it",
            "stale",
            "stale, failing",
        ],
    )
    def test_a_missing_one(
        self, signals: Signals, uptime_ms: int, permission: Permission, alarms: bool, says: str
    ) -> None:
        found = judged(60_000, signals, "0.01", uptime_ms)
        assert (found.measured, found.permission, found.alarms) == ("unknown", permission, alarms)
        assert found.reason == f"the spot price of BTC on main is not known {says}"

    def test_one_that_was_read_three_minutes_ago_counts_though_reading_it_fails(self) -> None:
        assert judged(60_000, told(main=spot(60_000, 179.9, "HTTP 500")), "0.01").permission is ANY
        assert judged(60_000, told(main=spot(59_000, 179.9, "HTTP 500")), "0.01").measured == "0.0169"

    @pytest.mark.parametrize("uptime_ms", [0, 3_600_000])
    def test_a_missing_one_hides_no_basis(self, uptime_ms: int) -> None:
        assert judged(58_000, SILENT, "0.01", uptime_ms).permission is REDUCE_ONLY
        assert "above its index" in judged(58_000, SILENT, "0.01", uptime_ms).reason

    def test_of_several_missing_ones_that_which_restrains_is_told(self) -> None:
        seen = snapshot(leg(), leg(policy=policy(account="second")))
        facts = view(seen, hedge=hedge(basis_max=Decimal("0.05")), signals=SILENT, started_at=NOW)
        assert "on second is not known" in check(facts).reason
        assert check(facts).permission is REDUCE_ONLY

    @pytest.mark.parametrize("signals", [NOTHING, SILENT])
    def test_nobody_misses_it_without_a_bound(self, signals: Signals) -> None:
        assert judged(60_000, signals, None).permission is ANY
