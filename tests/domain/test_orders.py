"""An order's life: every move it may make, every move it may not, and what it leaves the position at."""

from itertools import product

import pytest

from hedgebot.domain.orders import FINAL, UNSETTLED, OrderRequest, Stage
from hedgebot.domain.units import Contracts, Price
from tests.builders import contracts, intent

LEGAL = {
    Stage.RESERVED: "accepted unknown filled closed rejected absent",
    Stage.ACCEPTED: "unknown filled closed rejected absent",
    Stage.UNKNOWN: "accepted filled closed rejected absent",
    Stage.FILLED: "closed",
    Stage.CLOSED: "",
    Stage.REJECTED: "",
    Stage.ABSENT: "",
}


@pytest.mark.parametrize(("start", "end"), list(product(Stage, Stage)))
def test_every_move_is_either_legal_or_refused(start: Stage, end: Stage) -> None:
    order = intent(stage=start)
    if end.value in LEGAL[start].split():
        assert order.moved(end).stage is end
        assert order.stage is start, "the order before the move is another value"
    else:
        with pytest.raises(ValueError, match=f"{start} cannot become {end}"):
            order.moved(end)


def test_final_stages_lead_nowhere_and_unsettled_ones_may_still_trade() -> None:
    assert {stage for stage in Stage if not LEGAL[stage]} == FINAL
    assert set(Stage) - FINAL - UNSETTLED == {Stage.FILLED}
    assert not FINAL & UNSETTLED


@pytest.mark.parametrize("start", sorted(set(Stage) - FINAL))
def test_every_story_can_end(start: Stage) -> None:
    reached, before = {start}, set[Stage]()
    while reached != before:
        before = reached
        reached = reached | {Stage(end) for stage in reached for end in LEGAL[stage].split()}
    assert reached & FINAL


@pytest.mark.parametrize(
    ("size", "reduce_only", "possible"),
    [(-100, False, True), (100, True, True), (-100, True, False), (100, False, False), (0, False, False)],
)
def test_a_sale_opens_and_a_purchase_only_reduces(size: int, reduce_only: bool, possible: bool) -> None:
    def request() -> OrderRequest:
        return OrderRequest("hb1", "main", "BTC/USD:BTC", contracts(size), Price.of(60_000), reduce_only)

    if possible:
        assert request().side == ("sell" if size < 0 else "buy")
        assert request().leg == "main:BTC/USD:BTC"
    else:
        with pytest.raises(ValueError, match="a sale opens, a purchase only reduces"):
            request()


@pytest.mark.parametrize(
    ("believed", "filled", "expected"),
    [(0, 0, 0), (0, -59_970, -59_970), (-59_970, 1_000, -58_970), (-100, 100, 0), (-100, -40, -140)],
)
def test_the_position_to_expect_is_the_believed_one_and_the_fill(
    believed: int, filled: int, expected: int
) -> None:
    assert intent(believed=believed, filled=filled).expected == Contracts.of(expected)
