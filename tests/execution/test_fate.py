"""What a reply, a look-up and a snapshot prove about an order."""

from dataclasses import replace

import pytest

from hedgebot.domain.account import Sighting
from hedgebot.domain.orders import FINAL, UNSETTLED, Fate, Intent, OrderState, Outcome, Stage
from hedgebot.domain.units import Coin, Contracts, Millis
from hedgebot.execution.fate import (
    Search,
    absent,
    after_absence,
    after_reply,
    after_sighting,
    unlisted,
    visible,
)
from tests.builders import NOW, client_id, contracts, intent, position, price

LATER = Millis(NOW + 500)
OPEN_ORDERS, HISTORY = "order/realtime", "order/history"
BOTH = (OPEN_ORDERS, HISTORY)
WINDOW = 30.0


def shown(filled: int = 0, *, over: bool = True, rejected: bool = False, why: str = "") -> OrderState:
    """The order of ``intent()`` as the exchange shows it."""
    average = price(59_990) if filled else None
    fee = Coin.of("0.0005") if filled else Coin.zero()
    return OrderState("e-1", client_id(), over, rejected, contracts(filled), average, fee, LATER, why)


@pytest.mark.parametrize(
    ("fate", "stage"),
    [(Fate.ACCEPTED, Stage.ACCEPTED), (Fate.REJECTED, Stage.REJECTED), (Fate.UNKNOWN, Stage.UNKNOWN)],
)
def test_a_reply_moves_a_reserved_order(fate: Fate, stage: Stage) -> None:
    after = after_reply(intent(), Outcome(fate, "its own words", "e-1"), LATER)
    assert (after.stage, after.outcome, after.order_id, after.updated_at) == (
        stage, "its own words", "e-1", LATER,
    )  # fmt: skip
    assert not after.filled, "no reply proves a fill"


@pytest.mark.parametrize("stage", sorted(FINAL))
def test_a_reply_to_an_order_whose_story_is_over_is_an_error(stage: Stage) -> None:
    with pytest.raises(ValueError, match="cannot become"):
        after_reply(intent(stage=stage), Outcome(Fate.UNKNOWN, ""), LATER)


WHOLE, PART = -59_970, -100


@pytest.mark.parametrize(
    ("before", "state", "after", "outcome"),
    [
        (Stage.RESERVED, shown(over=False), Stage.ACCEPTED, ""),
        (Stage.UNKNOWN, shown(over=False), Stage.ACCEPTED, ""),
        (Stage.ACCEPTED, shown(over=False), Stage.ACCEPTED, ""),
        (Stage.UNKNOWN, shown(PART, over=False), Stage.ACCEPTED, ""),  # what is open may fill further
        (Stage.RESERVED, shown(WHOLE), Stage.FILLED, "filled"),
        (Stage.ACCEPTED, shown(WHOLE), Stage.FILLED, "filled"),
        (Stage.UNKNOWN, shown(WHOLE), Stage.FILLED, "filled"),
        (Stage.ACCEPTED, shown(PART), Stage.FILLED, "filled in part"),
        (Stage.UNKNOWN, shown(PART, rejected=True), Stage.FILLED, "filled in part"),
        (Stage.ACCEPTED, shown(), Stage.CLOSED, "unfilled"),
        (Stage.UNKNOWN, shown(), Stage.CLOSED, "unfilled"),
        (Stage.RESERVED, shown(rejected=True), Stage.REJECTED, "rejected by the exchange"),
        (Stage.UNKNOWN, shown(rejected=True), Stage.REJECTED, "rejected by the exchange"),
        (Stage.ACCEPTED, shown(rejected=True), Stage.REJECTED, "rejected by the exchange"),  # later
        (
            Stage.ACCEPTED,
            shown(rejected=True, why="EC_OrderNotExist"),
            Stage.REJECTED,
            "rejected by the exchange: EC_OrderNotExist",
        ),
    ],
)
def test_a_sighting(before: Stage, state: OrderState, after: Stage, outcome: str) -> None:
    moved = after_sighting(intent(stage=before), state)
    assert (moved.stage, moved.outcome) == (after, outcome)
    if state.over:
        assert (moved.filled, moved.updated_at) == (state.filled, state.updated_at)
    else:
        assert not moved.filled, "only a finished order has a fill to size from"


def test_a_fill_is_taken_over_with_its_price_and_fee() -> None:
    moved = after_sighting(intent(stage=Stage.ACCEPTED), shown(WHOLE))
    assert (moved.order_id, moved.average, moved.fee) == ("e-1", price(59_990), Coin.of("0.0005"))


def test_an_order_that_is_found_open_is_known_by_its_exchanges_id() -> None:
    assert after_sighting(intent(stage=Stage.UNKNOWN), shown(over=False)).order_id == "e-1"


def test_an_accepted_order_that_is_still_open_is_no_news() -> None:
    before = intent(stage=Stage.ACCEPTED)
    assert after_sighting(before, shown(over=False)) is before


@pytest.mark.parametrize(
    ("asked_after", "endpoints", "counts"),
    [
        (30.1, BOTH, True),
        (30.1, ("trade", *BOTH), True),
        (30.0, BOTH, False),  # the window is not over
        (0.0, BOTH, False),
        (30.1, (HISTORY,), False),  # one endpoint may lag
        (30.1, (HISTORY, HISTORY), False),
        (30.1, (), False),
    ],
)
def test_a_look_counts_only_after_the_window_and_on_two_endpoints(
    asked_after: float, endpoints: tuple[str, ...], counts: bool
) -> None:
    search = Search(since=100.0, absences=1)
    after = after_absence(search, Sighting(None, endpoints), 100.0 + asked_after, WINDOW)
    assert after == (replace(search, absences=2) if counts else search)


@pytest.mark.parametrize("looks", [0, 1, 2])
def test_an_order_is_not_absent_before_three_looks_agree(looks: int) -> None:
    assert absent(intent(stage=Stage.UNKNOWN), Search(0.0, looks), LATER) is None


@pytest.mark.parametrize("stage", sorted(UNSETTLED))
@pytest.mark.parametrize("looks", [3, 4])
def test_after_three_looks_it_never_arrived(stage: Stage, looks: int) -> None:
    gone = absent(intent(stage=stage), Search(0.0, looks), LATER)
    assert gone is not None
    assert (gone.stage, gone.outcome, gone.updated_at) == (Stage.ABSENT, "never arrived", LATER)
    assert gone.expected == gone.believed


def test_looking_ever_so_often_within_the_window_proves_nothing() -> None:
    search = Search(since=100.0)
    for second in range(30):
        search = after_absence(search, Sighting(None, BOTH), 100.0 + second, WINDOW)
    assert absent(intent(stage=Stage.UNKNOWN), search, LATER) is None


@pytest.mark.parametrize(
    ("age_ms", "looked_for", "over"),
    [
        (3_600_001, 30.1, True),
        (3_600_000, 30.1, False),  # it might still arrive
        (3_600_001, 30.0, False),  # nor does a wall clock that was set end it
    ],
)
def test_an_order_long_past_is_over_once_its_contract_is_listed_no_more(
    age_ms: int, looked_for: float, over: bool
) -> None:
    order = intent(stage=Stage.UNKNOWN, age_ms=age_ms)
    after = unlisted(order, Search(100.0), 100.0 + looked_for, WINDOW, NOW)
    assert (after is not None) is over
    if after is not None:
        assert (after.stage, after.outcome) == (Stage.ABSENT, "its contract is listed no more")


FILLED = intent(-1_000, Stage.FILLED, believed=-500, filled=-800, updated_at=LATER)


@pytest.mark.parametrize(
    ("size", "updated_at", "is_shown"),
    [
        (-1_300, NOW, True),  # the size to expect, whenever it was told
        (-1_300, LATER, True),
        (-500, NOW, False),  # still the one before
        (-900, NOW, False),  # a part of it
        (-500, LATER, True),  # changed since: somebody bought it back
        (-5_000, LATER + 1, True),
        (0, LATER - 1, False),
    ],
)
def test_a_fill_is_visible_by_its_size_or_by_a_later_change(
    size: int, updated_at: int, is_shown: bool
) -> None:
    assert visible(FILLED, position(size, updated_at=Millis(updated_at))) is is_shown


def story(*steps: Stage) -> Intent:
    """An order moved from stage to stage."""
    order = intent()
    for step in steps:
        order = order.moved(step)
    return order


def test_an_order_may_be_lost_found_and_filled() -> None:
    unknown = after_reply(intent(), Outcome(Fate.UNKNOWN, "time-out"), NOW)
    found = after_sighting(unknown, shown(over=False))
    filled = after_sighting(found, shown(WHOLE))
    assert filled.moved(Stage.CLOSED).expected == Contracts.of(WHOLE)
    assert story(Stage.UNKNOWN, Stage.ACCEPTED, Stage.FILLED, Stage.CLOSED).stage is Stage.CLOSED
