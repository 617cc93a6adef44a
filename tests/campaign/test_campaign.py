"""A few lives, played whole: nothing is broken, and each happens again alike. The campaign plays more."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.campaign.__main__ import main
from tests.campaign.draw import drawn
from tests.campaign.plan import Plan, Trouble
from tests.campaign.seeds import attempt, one
from tests.campaign.tally import SOMETIMES, Tally
from tests.campaign.troubles import KINDS

SEEDS = (2, 3, 4, 5, 6)
PRINT = """
from tests.campaign.draw import drawn
from tests.campaign.seeds import attempt
for plan in map(drawn, {seeds}):
    print(plan.seed, attempt(plan.cut(plan.quiet_at / 3)).digest)
"""


@pytest.mark.parametrize("seed", SEEDS)
def test_a_life_breaks_nothing(seed: int) -> None:
    result = one(seed)
    assert result.violations == ()
    assert result.tally.figures["cycles"] > 20


def test_a_seed_is_the_same_life_whatever_the_hash_seed(root: Path) -> None:
    told = []
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-c", PRINT.format(seeds=SEEDS)]
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=True)
        told.append(done.stdout)
    assert told[0] == told[1]
    assert len(set(told[0].split()[1::2])) == len(SEEDS)


def test_lives_differ() -> None:
    plans = [drawn(seed) for seed in range(1, 301)]
    assert {plan.depth for plan in plans} == {"port", "http"}
    assert {(plan.depth, plan.venue) for plan in plans} == {
        (depth, venue) for depth in ("port", "http") for venue in ("bybit", "binance", "okx")
    }
    drawn_kinds = Counter(trouble.kind for plan in plans for trouble in plan.troubles)
    assert drawn_kinds.keys() == KINDS.keys()
    assert len(KINDS) >= 30
    assert sum(plan.end for plan in plans) > 60 * 86_400


def quiet(plan: Plan) -> Plan:
    """The same daemon in a world where nothing happens: no trouble, no rally that liquidates, no funding."""
    return replace(plan, troubles=(), prices=plan.prices[:1], funding="0")


@pytest.mark.parametrize("depth", ["port", "http"])
def test_a_quiet_life_hedges_once(depth: str) -> None:
    plans = (p for p in map(drawn, range(1, 99)) if "max_order_usd" not in p.config.limits)
    outcome = attempt(quiet(next(plan for plan in plans if plan.depth == depth)))
    assert outcome.violations == ()
    assert outcome.tally.figures["orders"] == 1
    assert not outcome.tally.hits


def test_a_leverage_is_set_back_also_where_the_coins_behind_it_are_gone() -> None:
    """It was raised, what that freed was withdrawn, and later there is more to sell."""
    plan = drawn(2896).only({30, 31})
    more = Trouble(38, "deposit", plan.quiet_at - 1, plan.quiet_at - 1, {"coins": "0.5", "wallet": "pot"})
    outcome = attempt(replace(quiet(plan), troubles=(*plan.troubles, more)))
    assert sorted(outcome.tally.hits) == ["deposit", "leverage changes", "withdrawal"]
    assert outcome.violations == ()


def test_a_margin_mode_changed_by_hand_is_noticed_before_the_ladder_buys_back_for_it() -> None:
    outcome = attempt(drawn(10331).only({8, 20, 21, 25}))
    assert sorted(outcome.tally.hits) == ["human flips", "leverage changes", "margin mode flips"]
    assert outcome.violations == ()


def test_a_flat_reading_from_the_moment_of_the_last_order_is_not_sold_upon_again() -> None:
    outcome = attempt(drawn(14704).only({0, 1}))
    assert sorted(outcome.tally.hits) == ["liquidation", "old reading again"]
    assert outcome.violations == ()


def test_coins_on_their_way_to_the_wallet_that_hides_them_are_not_missing() -> None:
    outcome = attempt(drawn(15003).only({9, 12, 15, 16}))
    assert outcome.tally.hits["coins missing"] > 0
    assert outcome.violations == ()


def test_an_order_that_came_to_nothing_does_not_make_what_was_seen_since_the_past() -> None:
    outcome = attempt(drawn(16880).only({2, 6, 14, 21}))
    assert outcome.tally.hits["wire: order refused"] > 0
    assert outcome.violations == ()


def test_a_command_whose_write_fails_is_what_the_journal_has_of_it() -> None:
    outcome = attempt(drawn(18663).only({34, 39}))
    assert sorted(outcome.tally.hits) == ["disk fails after writing"]
    assert outcome.violations == ()


class TestCommands:
    def test_run_writes_figures_and_summary_adds_them_up(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        files = []
        for seed in (3, 4):
            files.append(str(tmp_path / f"{seed}.json"))
            assert main(["run", "--seeds", f"{seed}:{seed}", "--json", files[-1]]) == 0
        capsys.readouterr()
        assert main(["summary", *files]) == 0
        assert capsys.readouterr().out.startswith("2 seeds, ")

    def test_replay_tells_the_story(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["replay", "4", "--only", "none", "--until", "60", "-v"]) == 0
        told = capsys.readouterr().out
        assert "main starts" in told
        assert "0 violations" in told

    def test_a_campaign_in_which_something_never_struck_is_void(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["run", "--seeds", "3:3", "--least", "50"]) == 1
        assert "void: " in capsys.readouterr().out

    def test_what_is_missing_is_named(self) -> None:
        tally = Tally()
        for state in SOMETIMES[1:]:
            tally.reach(state)
        tally.hits.update({"deposit": 50, "kill": 49})
        assert tally.missing(("deposit", "kill"), 50) == ["kill struck 49 times", f"never {SOMETIMES[0]}"]
