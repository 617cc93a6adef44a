"""May our keys do what is asked of them, and nothing worse?"""

from dataclasses import replace
from typing import Any

import pytest

from hedgebot.domain.account import KeyScope
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.key import Key, Unverified, words
from hedgebot.domain.snapshot import Blind
from hedgebot.domain.units import Millis
from hedgebot.risk import assess
from hedgebot.risk.key import LASTS, check
from tests.builders import NOW, hedged, view

ANY, _, NONE = Permission
DAY_MS = 86_400_000
GOOD = KeyScope(trade=True, withdraw=False, ip_bound=True, expires_at=None)
UNTOLD = KeyScope(trade=None, withdraw=None, ip_bound=None, expires_at=None)
SEEN_AT = 100.1
"""The monotonic instant of the view."""


def key(account: str = "main", *, trades: bool = True, may_withdraw: bool = False, **scope: Any) -> Key:
    return Key(account, replace(GOOD, **scope), trades, may_withdraw)


def unverified(last: KeyScope | None = None, seconds: float = 0, **uses: Any) -> Key:
    return replace(key(**uses), scope=Unverified("no answer", SEEN_AT - seconds, last))


def judged(*keys: Key) -> Finding:
    found = check(view(keys={each.account: each for each in keys}))
    assert found.guard == "key"
    assert found.halts is (found.permission is NONE)
    assert found.reason
    return found


class TestRights:
    @pytest.mark.parametrize("keys", [(), (key(),), (key(), key("other", trades=False, trade=False))])
    def test_as_asked(self, keys: tuple[Key, ...]) -> None:
        found = judged(*keys)
        assert (found.permission, found.alarms, found.measured) == (ANY, False, "as asked")

    @pytest.mark.parametrize("trades", [True, False])
    def test_a_key_that_can_withdraw_halts_and_says_what_to_do(self, trades: bool) -> None:
        found = judged(key(withdraw=True, trades=trades))
        assert (found.permission, found.alarms, found.measured) == (NONE, True, "can withdraw")
        assert found.reason == "main: the key can withdraw coins, and so can whoever steals it"
        assert "accounts.main.allow_withdraw = true" in found.next_step

    def test_unless_its_owner_accepts_that(self) -> None:
        assert judged(key(withdraw=True, may_withdraw=True)).measured == "as asked"

    def test_a_key_that_only_reads_halts_where_it_has_to_trade(self) -> None:
        found = judged(key(trade=False))
        assert (found.permission, found.measured) == (NONE, "may not trade")
        assert 'mode = "observe"' in found.next_step
        assert judged(key(trade=False, trades=False)).permission is ANY

    def test_from_any_address_is_a_hint(self) -> None:
        found = judged(key(ip_bound=False))
        assert (found.permission, found.alarms, found.measured) == (ANY, False, "any address")
        assert found.next_step.startswith("Bind it")


class TestExpiry:
    @pytest.mark.parametrize(
        ("days", "limit"),
        [
            (15, None),
            (14.01, None),
            (14, "14"),
            (8, "14"),
            (7, "7"),
            (2, "7"),
            (1, "1"),
            (0.5, "1"),
            (-1, "1"),
        ],
    )
    def test_is_an_alarm_from_two_weeks_on(self, days: float, limit: str | None) -> None:
        found = judged(key(expires_at=Millis(int(NOW + days * DAY_MS))))
        assert found.permission is ANY
        assert found.alarms is (limit is not None)
        assert found.limit == ("" if limit is None else f"{limit} days")

    def test_is_told_with_its_day(self) -> None:
        found = judged(key(expires_at=Millis(NOW + 3 * DAY_MS)))
        assert found.reason == "main: the key expires in 3.0 days, on 2026-11-24"
        assert "Renew it" in found.next_step

    def test_that_is_over_is_told_too(self) -> None:
        assert "has expired, on 2026-11-20" in judged(key(expires_at=Millis(NOW - DAY_MS))).reason


class TestWhatIsNotKnown:
    @pytest.mark.parametrize(("seconds", "alarms"), [(0, False), (LASTS - 1, False), (LASTS, True)])
    def test_is_said_and_restrains_nothing_and_alarms_once_it_lasts(
        self, seconds: float, alarms: bool
    ) -> None:
        found = judged(unverified(seconds=seconds))
        assert (found.permission, found.alarms, found.measured) == (ANY, alarms, "unverified")
        assert found.reason == "main: what the key may do could not be verified: no answer"

    def test_does_not_excuse_what_was_known_before(self) -> None:
        assert judged(unverified(replace(GOOD, withdraw=True))).permission is NONE
        assert judged(unverified(replace(GOOD, trade=False))).permission is NONE
        soon = replace(GOOD, expires_at=Millis(NOW + DAY_MS))
        assert judged(unverified(soon)).limit == "1 days"

    def test_because_the_exchange_does_not_say_is_said(self) -> None:
        found = judged(replace(key(), scope=UNTOLD))
        assert (found.permission, found.alarms, found.measured) == (ANY, False, "not told")
        assert found.reason == (
            "main: the exchange does not say whether the key may trade, whether the key can withdraw coins,"
            " from which addresses it may be used"
        )

    def test_is_not_asked_where_it_does_not_matter(self) -> None:
        scope = replace(UNTOLD, ip_bound=True)
        assert judged(Key("main", scope, trades=False, may_withdraw=True)).measured == "as asked"


def test_of_several_faults_the_worst_decides_and_all_are_told() -> None:
    soon = Millis(NOW + 6 * DAY_MS)
    found = judged(
        key(ip_bound=False), key("other", withdraw=True, expires_at=soon), unverified(account="third")
    )
    assert (found.permission, found.measured) == (NONE, "can withdraw")
    assert [part.partition(":")[0] for part in found.reason.split("; ")] == [
        "other",
        "other",
        "main",
        "third",
    ]


def test_a_blind_cycle_still_judges_the_keys() -> None:
    seen = view(Blind("btc", NOW, ("no answer",)), keys={"main": key(withdraw=True)})
    assessment, _ = assess(seen)
    assert assessment.halted


def test_a_good_hedge_halts_with_a_key_that_can_withdraw() -> None:
    assessment, _ = assess(view(hedged(), keys={"main": key(withdraw=True)}))
    assert (assessment.permission, assessment.halted) == (NONE, True)
    assert assessment.why().startswith("main: the key can withdraw coins")


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        (GOOD, "may trade, cannot withdraw, only from listed addresses, names no expiry"),
        (
            KeyScope(trade=False, withdraw=True, ip_bound=False, expires_at=Millis(NOW)),
            "may not trade, can withdraw, from any address, expires on 2026-11-21",
        ),
        (
            UNTOLD,
            ", ".join(
                f"{what} is not told"
                for what in ("whether it may trade", "whether it can withdraw", "from where")
            )
            + ", names no expiry",
        ),
    ],
)
def test_a_scope_in_words(scope: KeyScope, told: str) -> None:
    assert words(scope) == told
