"""However an adversary moves the market, the bot trades no more than its limits allow."""

from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from hedgebot.domain.decision import Permission
from hedgebot.domain.orders import Intent, Stage
from hedgebot.domain.records import Control, Memory
from hedgebot.domain.units import Contracts, Millis
from hedgebot.planning import decide
from hedgebot.planning import target as target_now
from hedgebot.risk import assess
from tests.builders import NOW, hedge, instrument, intent, quote, view
from tests.ledger import Ledger, fills

F = Fraction
CYCLE_MS, DAY_MS, CYCLES = 600_000, 86_400_000, 216  # a day and a half of cycles, ten minutes apart


@dataclass
class Bot:
    """Decisions and guards over an exact ledger, cycle by cycle; every order fills whole."""

    ratio: str
    ledger: Ledger = field(default_factory=lambda: Ledger(F(1)))
    memory: Memory = field(default_factory=Memory)
    orders: list[Intent] = field(default_factory=list)

    def cycle(self, turn: int, mark: Decimal) -> None:
        at, policy, book = Millis(NOW + turn * CYCLE_MS), hedge(self.ratio), quote(mark)
        seen = self.ledger.seen(mark, instrument(), book)
        looked = view(
            seen, self.memory, hedge=policy, recent=tuple(self.orders), now=turn * 600.0, at=at
        )  # fmt: skip
        assessment, memory = assess(looked)
        assert not assessment.blind, assessment.why()
        plan = decide(policy, seen, assessment, target_now(policy, Control(), memory), Control())
        self.memory = memory.after(plan.target.ratio, hedged=plan.hedged)
        if plan.order is None:
            return
        size = plan.order.contracts
        assert size > Contracts.zero() or assessment.permission is Permission.ANY
        self.orders.append(intent(size.value, Stage.CLOSED, filled=size.value, number=turn, written_at=at))
        side = book.bids if size < Contracts.zero() else book.asks
        self.ledger = self.ledger.after(fills(size, side, Decimal(1)))


def steps(rng: Random, mark: Decimal) -> Decimal:
    """The next price: a fifth up or down, what the guards just believe, between a third and the threefold."""
    factor = Decimal("1.19") if mark < 20_000 or (mark < 180_000 and rng.random() < 0.5) else Decimal("0.81")
    return (mark * factor).quantize(Decimal("0.5"))


def sold_in_any_day(orders: list[Intent]) -> Contracts:
    """The most contracts sold within a day; one is worth a dollar."""
    sales = [order for order in orders if order.filled < Contracts.zero()]
    windows = [
        [o.filled for o in sales if first.written_at <= o.written_at < first.written_at + DAY_MS]
        for first in sales
    ]
    return -min((sum(window, Contracts.zero()) for window in windows), default=Contracts.zero())


@pytest.mark.parametrize("ratio", ["0", "0.2", "0.5", "1"])
def test_price_alone_costs_one_order(ratio: str) -> None:
    bot, mark, rng = Bot(ratio), Decimal(60_000), Random(1)
    for turn in range(CYCLES):
        bot.cycle(turn, mark)
        mark = steps(rng, mark)
    assert len(bot.orders) == (ratio != "0")


@pytest.mark.parametrize("ratio", ["0", "1"])
def test_nor_does_profit_that_is_realised_at_ratio_0_and_1(ratio: str) -> None:
    bot, mark, rng = Bot(ratio), Decimal(60_000), Random(2)
    for turn in range(CYCLES):
        bot.cycle(turn, mark)
        bot.ledger = bot.ledger.realised(F(mark))
        mark = steps(rng, mark)
    assert len(bot.orders) == (ratio == "1")


@pytest.mark.parametrize("seed", range(3))
def test_profit_realised_at_every_step_is_traded_within_the_limits(seed: int) -> None:
    """The worst at a ratio between: each move is settled at once, and each settlement asks for a trade."""
    bot, mark, rng = Bot("0.5"), Decimal(60_000), Random(seed)
    largest, dearest = F(0), F(0)
    for turn in range(CYCLES):
        bot.cycle(turn, mark)
        bot.ledger = bot.ledger.realised(F(mark))
        dearest = max(dearest, bot.ledger.dollars(F(mark)))
        largest = max(largest, abs(F(bot.orders[-1].filled.value)))
        mark = steps(rng, mark)
    assert len(bot.orders) > 20, "else this path asks for too little to prove anything"
    assert F(sold_in_any_day(bot.orders).value) <= 3 * dearest + largest


@pytest.mark.parametrize("seed", range(2))
def test_an_adversary_who_moves_coins_in_and_out_meets_the_limit(seed: int) -> None:
    bot, rng = Bot("1"), Random(seed)
    for turn in range(CYCLES):
        bot.cycle(turn, Decimal(60_000))
        coins = F(1) if turn % 2 else F(rng.randrange(82, 90), 100)
        bot.ledger = Ledger(coins, bot.ledger.usd, bot.ledger.sold)
    assert F(sold_in_any_day(bot.orders).value) <= 3 * 60_000 + 60_000
    assert bot.ledger.sold <= 1
