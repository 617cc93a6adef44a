"""Where each position has a margin mode of its own: whose it is, and what is held in the other one."""

from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.snapshot import Snapshot
from hedgebot.observation import assemble
from tests.builders import LEG, NOW, SYMBOL, hedge, policy, position, reading

ISOLATED, CROSS = MarginMode.ISOLATED, MarginMode.CROSS


def test_needs_name_the_mode_of_each_leg_that_names_one() -> None:
    legs = (policy(margin_mode=ISOLATED), policy("ETH/USD:ETH"))
    needs = hedge(legs=legs).needs("main")
    assert needs.margin_modes == {(SYMBOL, ISOLATED)}
    assert (needs | hedge(legs=(policy("X/USD:X", margin_mode=CROSS),)).needs("main")).margin_modes == {
        (SYMBOL, ISOLATED),
        ("X/USD:X", CROSS),
    }


def test_a_leg_held_in_the_other_mode_too_is_a_stranger_of_the_same_name() -> None:
    own, other = position(-600, margin_mode=ISOLATED), position(-100, margin_mode=CROSS)
    seen = assemble(hedge(), {"main": reading(positions=(own, other))}, NOW)
    assert isinstance(seen, Snapshot)
    assert seen.leg(LEG).position is own
    assert seen.others == (("main", other),)


def test_a_legs_mode_is_its_positions_or_the_accounts() -> None:
    for own, told in ((ISOLATED, ISOLATED), (None, CROSS)):
        seen = assemble(hedge(), {"main": reading(positions=(position(margin_mode=own),))}, NOW)
        assert isinstance(seen, Snapshot)
        assert seen.leg(LEG).margin_mode is told
