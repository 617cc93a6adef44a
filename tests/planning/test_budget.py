"""What the plan makes of funding that is over its budget: nothing, a lower ratio, or an end."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.account import Outage
from hedgebot.domain.funding import Action, Budget, Paid
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.market import NO_FUNDING, Funding
from hedgebot.domain.policy import After, External, Policies, Window
from hedgebot.domain.records import Control, Followed, Memory
from hedgebot.domain.signals import Signals, Told
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Coin, Millis
from hedgebot.planning import follow, target
from tests.builders import DATED, NOW, facts, hedge, instrument, leg, price, quote, snapshot

D = Decimal
WEEK = 7 * 86_400_000
DEAR, CHEAP, UNKNOWN = "0.4", "0.1", None


def budget(action: Action) -> Budget:
    return Budget(D("0.3"), (WEEK,), action, D("0.5"))


def signals(share: str | None) -> Signals:
    """A week that cost so much a year of one coin's exposure."""
    if share is None:
        return Signals(funding=Told(None, "no answer", asked=True))
    return Signals(funding=Told(Paid(((WEEK, Coin(D(share) * 7 / 365)),), NOW), "", asked=True))


def seen(rate: str = "0.0001") -> Snapshot:
    return snapshot(leg(-60_000, book=quote(funding=Funding(D(rate), D(8), None))))


def cycle(
    policy: Hedge, memory: Memory, share: str | None, rate: str = "0.0001", control: Control | None = None
) -> tuple[Memory, str, str]:
    """The memory after a cycle, its target, and why it is to be unwound."""
    control = control or Control()
    memory, why = follow(policy, control, seen(rate), signals(share), memory)
    return memory, str(target(policy, control, memory).ratio), why


def test_an_alarm_changes_no_target() -> None:
    _, ratio, why = cycle(hedge(funding=budget(Action.ALARM)), Memory(), DEAR)
    assert (ratio, why) == ("1", "")


def test_the_floor_holds_until_the_rate_too_is_cheap() -> None:
    policy, memory, ratios = hedge(funding=budget(Action.FLOOR)), Memory(), []
    for share, rate in (
        (CHEAP, "-0.0005"),
        (DEAR, "-0.0005"),
        (UNKNOWN, "-0.0005"),
        (CHEAP, "-0.0005"),  # a half of it is cheap, all of it would cost 54.75 % a year
        (CHEAP, "-0.0001"),
        (UNKNOWN, "-0.0005"),
    ):
        memory, ratio, why = cycle(policy, memory, share, rate)
        ratios.append(ratio)
        assert why == ""
    assert ratios == ["1", "0.5", "0.5", "0.5", "1", "1"]


def test_the_floor_raises_nothing_and_stays_within_the_bounds() -> None:
    over = Memory(policy=Followed(over_budget=True))
    assert cycle(hedge("0.3", funding=budget(Action.FLOOR)), over, DEAR)[1] == "0.3"
    assert cycle(hedge("1", funding=budget(Action.FLOOR), min_ratio=D("0.6")), over, DEAR)[1] == "0.6"


def test_the_floor_is_under_every_policy_and_under_no_operator() -> None:
    policies = Policies(windows=(Window(Millis(0), None, D("0.9")),))
    policy = hedge("0.2", funding=budget(Action.FLOOR), policies=policies)
    memory, ratio, _ = cycle(policy, Memory(), DEAR)
    assert (ratio, memory.policy.wanted) == ("0.5", D("0.9")), "what the policy wants is not forgotten"
    assert cycle(policy, memory, DEAR, control=Control(ratio=D("0.8")))[1] == "0.8"
    assert cycle(policy, memory, CHEAP)[1] == "0.9"


def test_an_unwind_is_asked_for_once() -> None:
    policy, memory, asked = hedge(funding=budget(Action.UNWIND)), Memory(), []
    for share in (CHEAP, DEAR, DEAR, UNKNOWN, DEAR, CHEAP, CHEAP, DEAR):
        memory, _, why = cycle(policy, memory, share)
        asked.append(why)
    assert asked == ["", "funding is over its budget", "", "", "", "", "", "funding is over its budget"]


@pytest.mark.parametrize("control", [Control(paused=True), Control(ratio=D(1)), Control(unwind_to=D("0.5"))])
def test_an_operators_word_holds_it_back(control: Control) -> None:
    policy = hedge(funding=budget(Action.UNWIND))
    memory, _, why = cycle(policy, Memory(), DEAR, control=control)
    assert why == ""
    assert cycle(policy, memory, DEAR)[2] == "funding is over its budget"


class TestADatedContract:
    """It takes the hedge while funding is over its budget, if its own cost, the basis, is lower."""

    @staticmethod
    def beside(mark: str, index: str | None = "60000") -> Snapshot:
        """The perpetual leg, and beside it a contract with a tenth of a year to go."""
        ends = replace(instrument(), symbol="BTC/USD:BTC-261225", ends_at=Millis(NOW + 365 * 8_640_000))
        book = quote(mark, ends.symbol, index=None if index is None else price(index), funding=NO_FUNDING)
        dear = quote(funding=Funding(D("-0.0005"), D(8), None))
        return snapshot(leg(-60_000, book=dear), leg(contract=replace(ends), book=book))

    @staticmethod
    def moved(seen: Snapshot, share: str | None, memory: Memory | None = None) -> Memory:
        policy = hedge(funding=budget(Action.DATED))
        memory, why = follow(policy, Control(), seen, signals(share), memory or Memory())
        assert (why, str(target(policy, Control(), memory).ratio)) == ("", "1"), "the ratio stays what it is"
        return memory

    @pytest.mark.parametrize(
        ("mark", "index", "share", "there"),
        [
            ("60000", "60000", DEAR, True),
            ("61000", "60000", DEAR, True),  # above its index it earns
            ("58620", "60000", DEAR, True),  # 23 % a year, just less than what is cheap for funding
            ("58560", "60000", DEAR, False),  # 24 %: cheap is less than that
            ("58500", "60000", DEAR, False),  # 25 %
            ("72000", "60000", DEAR, True),
            ("72001", "60000", DEAR, False),  # further above its index than a price is believed
            ("47999", "60000", DEAR, False),
            ("60000", None, DEAR, False),
            ("60000", "60000", CHEAP, False),
            ("60000", "60000", UNKNOWN, False),
        ],
    )
    def test_takes_it_only_for_less(
        self, mark: str, index: str | None, share: str | None, there: bool
    ) -> None:
        assert self.moved(self.beside(mark, index), share).policy.moved is there

    @pytest.mark.parametrize(
        "changes",
        [
            {"dead": Outage(NOW, seen=0.0, reason="no answer")},
            {"facts": facts(instrument(DATED))},  # nobody knows when it ends
            {"facts": facts(replace(instrument(DATED, tradable=False), ends_at=Millis(NOW + WEEK)))},
            {"quote": quote(60_000, DATED, funding=NO_FUNDING, bids=())},
            {"quote": quote(60_000, DATED, funding=NO_FUNDING, asks=())},
        ],
        ids=["cannot be read", "has no end", "not traded", "no bids", "no asks"],
    )
    def test_leaves_one_alone_that_cannot_be_entered_now(self, changes: dict[str, Any]) -> None:
        perpetual, dated = self.beside("60000").legs
        seen = replace(self.beside("60000"), legs=(perpetual, replace(dated, **changes)))
        assert not self.moved(seen, DEAR).policy.moved

    def test_keeps_it_until_funding_is_cheap_again_whatever_its_basis_does(self) -> None:
        memory, there = Memory(), []
        for mark, share in (("60000", DEAR), ("58000", DEAR), ("60000", UNKNOWN), ("60000", "0.2")):
            memory = self.moved(self.beside(mark), share, memory)
            there.append(memory.policy.moved)
        assert there == [True] * 4, "the running rate of the perpetual contract is still dear"
        cheap = replace(self.beside("60000"), legs=(seen().legs[0], self.beside("60000").legs[1]))
        assert not self.moved(cheap, "0.2", memory).policy.moved


class TestCheapAgain:
    """The windows are, and the running rate has to be at the ratio that would hold then."""

    OVER = Memory(policy=Followed(over_budget=True))

    def over(self, policy: Hedge, seen: Snapshot, memory: Memory = OVER) -> bool:
        return follow(policy, Control(), seen, signals(CHEAP), memory)[0].policy.over_budget

    @pytest.mark.parametrize(
        ("ratio", "rate", "hours", "over"),
        [
            ("1", "-0.0003", 8, True),  # 32.85 % a year
            ("0.5", "-0.0003", 8, False),  # of half of it 16.425 %
            ("1", "-0.0003", None, True),  # nobody knows how long it runs
            ("1", "0.0003", None, True),
        ],
    )
    def test_at_that_ratio(self, ratio: str, rate: str, hours: int | None, over: bool) -> None:
        interval = None if hours is None else D(hours)
        shown = snapshot(leg(-60_000, book=quote(funding=Funding(D(rate), interval, None))))
        assert self.over(hedge(ratio, funding=budget(Action.FLOOR)), shown) is over

    def test_dated_contracts_pay_none(self) -> None:
        shown = snapshot(leg(-60_000, book=quote(funding=NO_FUNDING)))
        assert not self.over(hedge(funding=budget(Action.FLOOR)), shown)

    def test_where_a_policy_cannot_say_its_ratio_the_last_one_counts(self) -> None:
        policies = Policies(external=External(3_600_000, After.KEEP))
        policy = hedge(funding=budget(Action.FLOOR), policies=policies)
        known = Memory(policy=Followed(D("0.5"), "external", over_budget=True))
        assert not self.over(policy, seen("-0.0003"), known)
        assert self.over(policy, seen("-0.0003")), "there is none"

    def test_nothing_is_remembered_but_that(self) -> None:
        memory, _ = follow(hedge(funding=budget(Action.FLOOR)), Control(), seen(), signals(DEAR), Memory())
        assert memory == Memory(policy=Followed(over_budget=True))


def test_a_budget_taken_out_of_the_file_holds_nothing_down() -> None:
    over = replace(Memory(), policy=Followed(over_budget=True))
    assert cycle(hedge(), over, DEAR)[1] == "1"
