"""Orders and leverage name the margin mode of their leg, for exchanges where each order has one."""

from decimal import Decimal

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.records import Control
from hedgebot.planning import decide
from tests.builders import allowing, hedge, leg, policy, snapshot, to


@pytest.mark.parametrize("mode", [MarginMode.ISOLATED, MarginMode.CROSS])
@pytest.mark.parametrize(("size", "coins"), [(0, "1"), (-60_000, "0.5")])
def test_an_order_is_in_the_mode_of_its_position(mode: MarginMode, size: int, coins: str) -> None:
    seen = snapshot(leg(size, mode=MarginMode.CROSS, margin_mode=mode), coins=coins)
    plan = decide(hedge(), seen, allowing(Permission.ANY), to("1"), Control())
    assert plan.order is not None
    assert plan.order.margin_mode is mode


def test_leverage_is_set_in_it_too() -> None:
    held = leg(policy=policy(leverage=Decimal(3)), margin_mode=MarginMode.ISOLATED)
    plan = decide(hedge(), snapshot(held), allowing(Permission.ANY), to("1"), Control())
    assert plan.leverage is not None
    assert (plan.leverage.leverage, plan.leverage.margin_mode) == (Decimal(3), MarginMode.ISOLATED)
