"""What unresolved orders on dead legs may have done, in coins."""

from dataclasses import replace
from typing import Any

import pytest

from hedgebot.domain.account import Outage
from hedgebot.domain.doubt import doubtful
from hedgebot.domain.orders import Stage
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.units import Millis, Price
from tests.builders import LINEAR, NOW, client_id, coin, instrument, intent, leg, snapshot

LOST = Outage(Millis(NOW), 0.0, "no answer")


def dead(size: int = -30_000, **changes: Any) -> Snapshot:
    seen = snapshot(leg(size, entry=40_000, **changes))
    return replace(seen, legs=tuple(replace(each, dead=LOST) for each in seen.legs))


@pytest.mark.parametrize(
    ("size", "stage", "changes", "sold", "bought"),
    [
        (-60_000, Stage.RESERVED, {}, "1", "0"),  # at the worst price that it allows, 60,000
        (-60_000, Stage.UNKNOWN, {}, "1", "0"),
        (-60_000, Stage.ACCEPTED, {}, "1", "0"),
        (-60_000, Stage.FILLED, {"filled": -30_000, "average": Price.of(75_000)}, "0.4", "0"),
        (20_000, Stage.UNKNOWN, {}, "0", "0.5"),  # at the entry: that is what it takes away
        (20_000, Stage.FILLED, {"filled": 10_000}, "0", "0.25"),
    ],
)
def test_each_order_once_whole_or_as_far_as_it_is_known(
    size: int, stage: Stage, changes: Any, sold: str, bought: str
) -> None:
    found = doubtful(dead(), [intent(size, stage, **changes)])
    assert (found.sold, found.bought) == (coin(sold).value, coin(bought).value)
    assert found.orders == (client_id(),)


def test_a_linear_contract_is_worth_its_coins() -> None:
    contract = instrument(LINEAR, face="0.001")
    seen = dead(-5, contract=contract)
    assert doubtful(seen, [intent(-100, Stage.UNKNOWN, symbol=LINEAR)]).sold == coin("0.1").value


def test_an_order_on_a_living_leg_is_not_in_doubt() -> None:
    assert not doubtful(snapshot(leg(-30_000)), [intent(-100, Stage.UNKNOWN)]).orders


def test_what_several_may_have_done_is_added_up() -> None:
    sizes = (-60_000, -30_000, 20_000, 10_000)
    found = doubtful(dead(), [intent(size, Stage.UNKNOWN, number=n) for n, size in enumerate(sizes, 1)])
    assert (found.sold, found.bought) == (coin("1.5").value, coin("0.75").value)
    assert found.orders == tuple(client_id(n) for n in (1, 2, 3, 4))
