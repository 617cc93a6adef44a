"""Signals are read beside the cycles, when there is news; what was known stays when a reading fails."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from hedgebot.domain.policy import DAY_MS, HOUR_MS, After, External, Policies, Signal, Steps
from hedgebot.domain.signals import Candle, SpotPrice, Told, Wanted
from hedgebot.domain.units import Millis, Price
from hedgebot.errors import ReadError
from hedgebot.ports import Account
from hedgebot.signal_watch import APPEARS, POLL, SOON, TICK, SignalWatch
from hedgebot.sim.virtual import EPOCH_MS, VirtualClock, run
from tests.builders import hedge

STEPS = Steps(Signal.DRAWDOWN, DAY_MS, ((Decimal("0.1"), Decimal(1)),), Decimal(0))
DEADLINE = 10.0


@dataclass
class Bars:
    """An account of which only bars are asked, and a program that wants a ratio; either may fail or hang."""

    clock: VirtualClock
    asked: list[float] = field(default_factory=list)
    failing: Exception | None = None
    hanging: bool = False
    behind: int = 0
    ahead_ms: int = 0

    async def candles(self, symbol: str, bar_ms: int, since: Millis) -> tuple[Candle, ...]:
        await self._answer()
        last = self.clock.now_ms() // bar_ms * bar_ms - self.behind * bar_ms
        return tuple(Candle(Millis(end), Price.of(100)) for end in range(since + bar_ms, last + 1, bar_ms))

    async def spot_price(self, asset: str) -> Price:
        await self._answer()
        return Price.of(100 + len(self.asked))

    async def read(self) -> Wanted:
        await self._answer()
        return Wanted(Decimal("0.5"), Millis(self.clock.now_ms() + self.ahead_ms))

    async def _answer(self) -> None:
        self.asked.append(self.clock.monotonic())
        if self.hanging:
            await asyncio.Event().wait()
        if self.failing is not None:
            raise self.failing


Act = Callable[[SignalWatch, Bars], Awaitable[None]]


def play(
    act: Act, policies: Policies | None, *, external: bool = False, basis_max: Decimal | None = None
) -> None:
    async def main(clock: VirtualClock) -> None:
        bars, stop = Bars(clock), asyncio.Event()
        accounts = {"main": cast(Account, bars)}
        hedges = {"btc": hedge(policies=policies, basis_max=basis_max), "other": hedge(name="other")}
        watch = SignalWatch(hedges, accounts, {"btc": bars} if external else {}, clock, DEADLINE)
        task = asyncio.create_task(watch.keep(stop))
        try:
            await act(watch, bars)
        finally:
            stop.set()
            await task

    run(main, epoch_ms=EPOCH_MS + 600_000)


def test_bars_are_read_at_once_and_whenever_one_has_ended() -> None:
    async def act(watch: SignalWatch, bars: Bars) -> None:
        await bars.clock.sleep(3 * 3600)
        assert bars.asked == [0, 3000 + APPEARS, 6600 + APPEARS, 10_200 + APPEARS]
        market = watch.signals["btc"].market
        assert market.value is not None
        assert (market.value.value, market.problem) == (Decimal(0), "")
        assert market.value.until == EPOCH_MS + 3 * HOUR_MS

    play(act, Policies(STEPS))


def test_a_bar_that_is_late_is_asked_for_again_soon() -> None:
    async def act(watch: SignalWatch, bars: Bars) -> None:
        bars.behind = 1
        await bars.clock.sleep(2.5 * SOON)
        assert bars.asked == [0, SOON, 2 * SOON]

    play(act, Policies(STEPS))


def test_what_fails_or_hangs_keeps_the_last_value_and_is_tried_again() -> None:
    async def act(watch: SignalWatch, bars: Bars) -> None:
        await bars.clock.sleep(POLL - 1)
        known = watch.signals["btc"].wanted
        assert known.value is not None
        for trouble, problem in (
            ({"failing": ReadError("HTTP 500")}, "HTTP 500"),
            ({"failing": ZeroDivisionError()}, "a fault of hedgebot's own, see the log"),
            ({"failing": None, "hanging": True}, "no answer within 10 s"),
        ):
            vars(bars).update(cast("dict[str, Any]", trouble))
            await bars.clock.sleep(SOON + DEADLINE + 1)
            assert watch.signals["btc"].wanted.value == known.value
            assert watch.signals["btc"].wanted.problem == problem
        bars.hanging = False
        await bars.clock.sleep(SOON + DEADLINE + 1)
        assert watch.signals["btc"].wanted.problem == ""

    play(act, Policies(external=External(3_600_000, After.KEEP)), external=True)


def test_a_word_of_the_future_replaces_none_that_holds() -> None:
    async def act(watch: SignalWatch, bars: Bars) -> None:
        await bars.clock.sleep(POLL - 1)
        known = watch.signals["btc"].wanted.value
        assert known is not None
        bars.ahead_ms = 90_000
        await bars.clock.sleep(2)
        assert watch.signals["btc"].wanted.value == known
        assert watch.signals["btc"].wanted.problem == "it is dated 90 s in the future"
        bars.ahead_ms = 60_000
        await bars.clock.sleep(SOON)
        word = watch.signals["btc"].wanted
        assert word.value is not None
        assert (word.value.at > known.at, word.problem) == (True, "")

    play(act, Policies(external=External(3_600_000, After.KEEP)), external=True)


def test_a_spot_price_is_read_every_half_minute_and_kept_with_the_second_in_which_it_was_asked_for() -> None:
    async def act(watch: SignalWatch, bars: Bars) -> None:
        await bars.clock.sleep(2.5 * TICK)
        assert bars.asked == [0, TICK, 2 * TICK]
        last = SpotPrice(Price.of(103), 2 * TICK)
        assert watch.signals["btc"].spot_prices == {"main": Told(last, "", asked=True)}
        bars.failing = ReadError("HTTP 500")
        await bars.clock.sleep(TICK)
        assert watch.signals["btc"].spot_prices == {"main": Told(last, "HTTP 500", asked=True)}
        bars.failing, bars.hanging = None, True
        await bars.clock.sleep(TICK + DEADLINE)
        assert watch.signals["btc"].spot_prices == {"main": Told(last, "no answer within 10 s", asked=True)}
        assert not watch.signals["other"].spot_prices

    play(act, None, basis_max=Decimal("0.01"))


def test_nothing_is_asked_for_that_no_hedge_follows() -> None:
    async def act(watch: SignalWatch, bars: Bars) -> None:
        await bars.clock.sleep(2 * 86_400)
        assert bars.asked == []
        assert not watch.signals["other"].market.asked

    funding = Steps(Signal.FUNDING, DAY_MS, ((Decimal(0), Decimal(1)),), Decimal(0))
    play(act, Policies(funding))
    play(act, None)
