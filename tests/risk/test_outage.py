"""What the guards make of a leg that cannot be read: it counts as last confirmed, and is not traded."""

from dataclasses import replace
from typing import Any

import pytest

from hedgebot.domain.account import Outage, WalletId
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.hedge import LegDown, LegPolicy
from hedgebot.domain.orders import Stage
from hedgebot.domain.records import Memory
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Millis
from hedgebot.risk import assess, disturbed, foreign, liquidation, outage
from tests.builders import (
    LEG,
    NOW,
    SYMBOL,
    coin,
    contracts,
    hedge,
    hedged,
    intent,
    leg,
    policy,
    position,
    quote,
    reading,
    snapshot,
    transfer,
    view,
    wallet,
)  # fmt: skip

AWAY = "other:BTC/USD:BTC"
BOTH = hedge(legs=(LegPolicy("main", SYMBOL), LegPolicy("other", SYMBOL)))
LOST = Outage(Millis(NOW - 600_000), seen=-500.0, reason="other: no answer")


def two(size: int = -30_000, *, coins: str = "0.5", dead: bool = True, **changes: Any) -> Snapshot:
    """One coin on two accounts, half of it sold on ``main``, the rest on ``other``, which is dead."""
    near, pot = leg(-30_000), wallet("0.5", [position(-30_000)])
    mark = changes.pop("mark", 60_000)
    far = leg(size, mark=mark, policy=policy(account="other"), **changes)
    away = wallet(coins, [position(size)], id=WalletId("other", "unified", "BTC"))
    near = replace(
        near, wallet=pot, position=replace(near.position, mark=quote(mark).mark), quote=quote(mark)
    )
    legs = (near, replace(far, wallet=away, dead=LOST if dead else None))
    return replace(snapshot(*legs), legs=legs, margin_wallets=(pot, away))


def findings(seen: Snapshot, memory: Memory | None = None, **changes: Any) -> dict[str, Finding]:
    assessment, _ = assess(view(seen, memory, **{"hedge": BOTH, **changes}))
    return {finding.guard: finding for finding in assessment.findings}


def test_it_is_told_with_what_it_counts_as() -> None:
    found = outage.check(view(two()))
    assert (found.permission, found.alarms, found.measured) == (Permission.ANY, True, "1 of 2 legs")
    assert found.reason == (
        f"{AWAY} was last read on 2026-11-21T05:50:00Z and counts as then, 30000 contracts short,"
        " with 0.5 BTC behind them: other: no answer"
    )
    assert "if_leg_down" in found.next_step
    others = view(two(), hedge=hedge(if_leg_down=LegDown.OTHERS))
    assert "goes to the other legs" in outage.check(others).next_step


def test_content_while_every_leg_is_read() -> None:
    assert outage.check(view(two(dead=False))) == outage.CONTENT


def test_it_is_held_and_sold_as_last_confirmed() -> None:
    seen = two().exposure
    assert seen.held == seen.sold == coin(1)


class TestCoherence:
    def test_old_prices_and_figures_of_a_dead_leg_are_no_contradiction(self) -> None:
        seen = two()
        dead = replace(
            seen.legs[1], quote=quote(at=Millis(NOW - 3_600_000), bids=(), index=quote(90_000).mark)
        )
        seen = replace(seen, legs=(seen.legs[0], dead))
        assert not findings(seen)["coherence"].blinds
        living = replace(seen, legs=(seen.legs[0], replace(dead, dead=None)))
        assert findings(living)["coherence"].blinds, "of a living one they are"

    def test_a_dead_leg_of_which_more_is_known_than_was_confirmed_blinds(self) -> None:
        known = Memory(contracts=((LEG, contracts(-30_000)), (AWAY, contracts(-40_000))))
        found = findings(two(), known)["coherence"]
        assert found.blinds
        assert found.reason == f"{AWAY} cannot be read, and was last confirmed before our last order there"
        seen_since = replace(known, contracts=((LEG, contracts(-30_000)), (AWAY, contracts(-30_000))))
        assert not findings(two(), seen_since)["coherence"].blinds


class TestOrdersAndTransfersUnderWay:
    @pytest.mark.parametrize("stage", [Stage.UNKNOWN, Stage.ACCEPTED, Stage.FILLED])
    def test_an_order_on_a_dead_leg_blocks_no_other(self, stage: Stage) -> None:
        sent = intent(-10_000, stage, age_ms=120_000, filled=-10_000 if stage is Stage.FILLED else 0)
        there = replace(sent, request=replace(sent.request, account="other"))
        found = findings(two(), open=(there,))["in_flight"]
        assert (found.permission, found.alarms) == (Permission.ANY, True)
        assert "on other, which cannot be read" in found.reason
        for seen, order in ((two(), sent), (two(dead=False), there)):
            assert findings(seen, open=(order,))["in_flight"].permission is Permission.NONE
        assert findings(two(), open=(there, sent))["in_flight"].permission is Permission.NONE

    def test_coins_that_move_within_a_dead_account_hold_back_nothing(self) -> None:
        moving = transfer(account="other")
        assert findings(two(), transfers=(moving,))["transfers"].permission is Permission.ANY
        assert findings(two(), transfers=(transfer(),))["transfers"].permission is Permission.REDUCE_ONLY

    def test_its_position_is_not_changed_by_anybody_we_could_see(self) -> None:
        known = Memory(contracts=((LEG, contracts(-30_000)), (AWAY, contracts(-40_000))))
        assert not disturbed(view(two(), known))
        assert disturbed(view(two(dead=False), known))


class TestLiquidation:
    @pytest.mark.parametrize(
        ("coins", "mark", "alarms", "critical", "words"),
        [
            ("0.2", 60_000, False, False, "would be liquidated"),
            ("0.2", 80_000, True, False, "other:BTC/USD:BTC cannot be read; as last confirmed it would be"),
            ("0.2", 101_000, True, True, "as last confirmed it has been liquidated: it may be gone"),
        ],
    )
    def test_is_judged_by_the_last_position_and_the_living_mark(
        self, coins: str, mark: int, alarms: bool, critical: bool, words: str
    ) -> None:
        found = liquidation.check(view(two(coins=coins, mark=mark)))
        assert (found.alarms, found.critical) == (alarms, critical)
        assert words in found.reason
        assert found.permission is Permission.ANY


class TestOrphans:
    GONE = Memory(orphans=(("gone:BTC/USD:BTC", contracts(-500)),))

    def test_a_short_taken_out_of_the_config_permits_reductions_only(self) -> None:
        found = foreign.check(view(memory=self.GONE))
        assert (found.permission, found.alarms, found.halts) == (Permission.REDUCE_ONLY, True, False)
        assert (
            found.reason == "500 contracts of gone:BTC/USD:BTC were short when it was taken out of the config"
        )
        assert "Put it back" in found.next_step

    @pytest.mark.parametrize(
        ("name", "dead", "kept"),
        [
            ("gone:BTC/USD:BTC", False, True),  # its account is not read: nobody knows
            ("main:BTC/USD:BTC-261225", False, False),  # it is, and shows nothing of it
            ("main:BTC/USD:BTC-261225", True, True),
            (LEG, False, False),  # a leg again
        ],
    )
    def test_it_is_kept_until_it_is_a_leg_again_or_shown_flat(
        self, name: str, dead: bool, kept: bool
    ) -> None:
        shown = replace(hedged(), readings=(reading(dead=LOST if dead else None),))
        _, memory = assess(view(shown, Memory(orphans=((name, contracts(-500)),))))
        assert memory.orphans == (((name, contracts(-500)),) if kept else ())
