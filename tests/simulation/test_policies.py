"""Ratios that move by themselves: by the calendar, with the market, as another program says.

And what each of them costs in trades on real prices.
"""

import asyncio
import csv
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from hedgebot.domain.policy import DAY_MS, HOUR_MS, After, External, Policies, Signal, Steps, Window
from hedgebot.domain.records import Control, Memory, Verb
from hedgebot.domain.signals import NOTHING, Candle, Signals, Told, Wanted, measured
from hedgebot.domain.units import Contracts, Millis, Price
from hedgebot.planning import decide, follow, target
from hedgebot.risk import assess
from hedgebot.sim.faults import Fault
from hedgebot.sim.memory import serve
from tests.builders import hedge, instrument, quote, view
from tests.ledger import Ledger, fills
from tests.simulation.world import BINANCE, BYBIT, OKX, START_MS, Scene, Setup, Venue, path, play

HOUR, DAY = 3600.0, 86_400.0
BEGIN = datetime.fromtimestamp(START_MS / 1000, UTC)


def after(hours: float) -> str:
    """An instant, as the config writes it, so long after the start."""
    return (BEGIN + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def finding(scene: Scene) -> dict[str, object]:
    return next(each for each in scene.hedge()["findings"] if each["guard"] == "policy")


def scheduled(days: int) -> Setup:
    """Hedge for so many days, one day from now, then unwind; looked at every hour, while the price falls."""
    window = f"{{ start = {after(24)}, end = {after(24 * (days + 1))}, ratio = 1 }}"
    ratio = f'{{ fixed = 0, schedule = {{ windows = [{window}], then = "unwind" }} }}'
    price = path((0, 60_000), ((days + 5) * DAY, 48_000))
    return Setup(ratio=ratio, interval="1h", price=price, near=True, latency=0)


class TestByTheCalendar:
    def test_a_week_is_hedged_from_its_first_hour_to_its_last(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(23 * HOUR)
            assert (scene.hedge()["state"], scene.orders, scene.short == 0) == ("hedged", 0, True)
            await scene.clock.sleep(5 * HOUR)
            assert (scene.hedge()["state"], scene.orders) == ("hedged", 1)
            assert scene.net / scene.held < Fraction("0.001")
            value = scene.value
            await scene.clock.sleep(6 * DAY)
            assert scene.orders == 1, "price alone never trades"
            assert abs(scene.value / value - 1) < Fraction("0.01"), "a tenth down, and a week's funding"
            assert finding(scene)["reason"] == "schedule wants 1"
            await scene.clock.sleep(2 * DAY)
            assert (scene.hedge()["state"], scene.orders, scene.short == 0) == ("unwound", 2, True)

        play(scheduled(7), tmp_path, act)

    def test_a_daemon_that_slept_through_the_end_unwinds_when_it_wakes(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(2 * DAY)
            await scene.stop()
            await scene.clock.sleep(40 * DAY)
            assert scene.short > 0, "a daemon that is down holds the hedge"
            await scene.start()
            await scene.clock.sleep(5 * HOUR)
            assert (scene.hedge()["state"], scene.short == 0) == ("unwound", True)
            await scene.kill()
            await scene.start()
            await scene.clock.sleep(5 * HOUR)
            assert (scene.hedge()["state"], scene.orders) == ("unwound", 2)

        play(scheduled(30), tmp_path, act)

    def test_once_resumed_it_is_over_and_the_fixed_ratio_holds(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(2.5 * DAY)
            assert scene.hedge()["state"] == "unwound"
            await scene.daemon.command("btc", Verb.RESUME, None, "test")
            await scene.clock.sleep(5 * HOUR)
            assert (scene.hedge()["state"], scene.hedge()["target_ratio"], scene.orders) == ("hedged", "0", 2)

        play(scheduled(1), tmp_path, act)

    def test_a_daemon_that_only_observed_the_end_leaves_it_to_the_one_that_acts(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(1.5 * DAY)
            assert scene.hedge()["state"] == "hedged"
            await scene.stop()
            scene.setup = replace(scene.setup, mode="observe")
            await scene.start()
            await scene.clock.sleep(DAY)
            assert (scene.hedge()["state"], scene.orders) == ("unwinding", 1)
            await scene.stop()
            scene.setup = replace(scene.setup, mode="live")
            await scene.start()
            await scene.clock.sleep(5 * HOUR)
            assert (scene.hedge()["state"], scene.orders) == ("unwound", 2)

        play(scheduled(1), tmp_path, act)

    def test_an_end_that_was_only_observed_while_flat_binds_nobody(self, tmp_path: Path) -> None:
        """Who watched a schedule to its end, was content and goes live with the next one, is hedged by it."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(2.5 * DAY)
            assert (scene.hedge()["state"], scene.orders) == ("unwound", 0)
            await scene.stop()
            scene.setup = replace(scene.setup, mode="live", ratio=scheduled(30).ratio)
            await scene.start()
            await scene.clock.sleep(5 * HOUR)
            assert (scene.hedge()["state"], scene.orders) == ("hedged", 1)

        play(replace(scheduled(1), mode="observe"), tmp_path, act)

    def test_an_operators_ratio_outlasts_it_until_it_is_withdrawn(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(1.5 * DAY)
            await scene.daemon.command("btc", Verb.RATIO, Decimal("0.5"), "test")
            await scene.clock.sleep(6 * HOUR)
            orders = scene.orders
            await scene.clock.sleep(2 * DAY)
            assert (scene.hedge()["state"], scene.orders) == ("hedged", orders)
            assert abs(scene.net / scene.held - Fraction(1, 2)) < Fraction("0.02")
            await scene.daemon.command("btc", Verb.RATIO, None, "test")
            await scene.clock.sleep(5 * HOUR)
            assert (scene.hedge()["state"], scene.orders, scene.short == 0) == ("unwound", orders + 1, True)

        play(scheduled(1), tmp_path, act)


DRAWDOWN = """{ fixed = 0.25, steps = { signal = "drawdown", window = "2d", hysteresis = 0.02,
    steps = [{ at = 0.1, ratio = 0.5 }, { at = 0.2, ratio = 1 }] } }"""


class TestWithTheMarket:
    """The further it falls the more is hedged, measured in the exchange's own bars."""

    @pytest.mark.parametrize("venue", [BYBIT, BINANCE, OKX], ids=lambda venue: venue.name)
    def test_a_fall_is_hedged_in_steps_and_half_of_it_taken_off_on_the_way_back(
        self, venue: Venue, tmp_path: Path
    ) -> None:
        price = path(
            (0, 60_000), (6 * HOUR, 60_000), (12 * HOUR, 46_000), (18 * HOUR, 46_000), (24 * HOUR, 51_000)
        )

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(5 * HOUR)
            assert (scene.hedge()["target_ratio"], scene.orders) == ("0.25", 1)
            seen = []
            for _ in range(40):
                await scene.clock.sleep(HOUR / 2)
                seen.append(scene.hedge()["target_ratio"])
            assert list(dict.fromkeys(seen)) == ["0.25", "0.5", "1"]
            assert seen[-1] == "0.5", "15 % below: under the second step, by more than its hysteresis"
            assert scene.orders == 4
            assert scene.hedge()["state"] == "hedged"

        play(Setup(venue, ratio=" ".join(DRAWDOWN.split()), interval="30m", price=price), tmp_path, act)

    def test_without_bars_the_last_target_is_kept_and_somebody_hears_of_it(self, tmp_path: Path) -> None:
        price = path((0, 60_000), (2 * HOUR, 60_000), (2.5 * HOUR, 50_000))
        silent = Fault("lose_reply", path="/candles", since=HOUR, until=4 * HOUR)

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(3.8 * HOUR)
            assert (scene.hedge()["target_ratio"], scene.orders) == ("0.25", 1)
            assert (scene.hedge()["state"], finding(scene)["alarm"]) == ("hedged", True)
            assert "the drawdown is not known, the last target is kept" in str(finding(scene)["reason"])
            await scene.clock.sleep(0.5 * HOUR)
            assert (scene.hedge()["target_ratio"], scene.orders, finding(scene)["alarm"]) == ("0.5", 2, False)

        setup = Setup(ratio=" ".join(DRAWDOWN.split()), interval="10m", price=price, faults=[silent])
        play(replace(setup, near=True), tmp_path, act)


EXTERNAL = '{ fixed = 1, external = { file = "ratio.json", valid_for = "10m" } }'


def write(folder: Path, scene: Scene, ratio: str) -> None:
    at = datetime.fromtimestamp(scene.clock.now_ms() // 1000, UTC).isoformat()
    (folder / "ratio.json").write_text(f'{{"ratio": "{ratio}", "at": "{at}"}}')


class TestAnotherProgram:
    def test_its_ratio_is_followed_once_and_kept_when_it_goes_silent(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            write(tmp_path, scene, "0.5")
            await scene.start()
            await scene.cycles(8)
            assert (scene.hedge()["target_ratio"], scene.orders) == ("0.5", 1)
            write(tmp_path, scene, "0.505")
            await scene.cycles(8)
            assert (scene.hedge()["target_ratio"], scene.orders) == ("0.505", 2), "inside the band too"
            await scene.clock.sleep(660)
            assert (scene.hedge()["target_ratio"], scene.orders) == ("0.505", 2)
            assert finding(scene)["alarm"]
            assert "the last target is kept: it was written" in str(finding(scene)["reason"])
            (tmp_path / "ratio.json").write_text('{"ratio": "7"')
            await scene.clock.sleep(120)
            assert (scene.hedge()["target_ratio"], scene.orders) == ("0.505", 2)
            write(tmp_path, scene, "0")
            await scene.clock.sleep(120)
            assert (scene.hedge()["state"], scene.short == 0, scene.orders) == ("hedged", True, 3)
            assert not finding(scene)["alarm"]

        play(Setup(ratio=EXTERNAL, near=True), tmp_path, act, started=False)

    def test_an_address_that_never_answers_delays_no_cycle(self, tmp_path: Path) -> None:
        answers = ["0.5", None]

        async def reply(_: web.Request) -> web.Response:
            if (ratio := answers.pop(0) if len(answers) > 1 else answers[0]) is None:
                await asyncio.Event().wait()
            return web.json_response({"ratio": ratio, "at": after(0)})

        async def act(scene: Scene) -> None:
            application = web.Application()
            application.router.add_get("/btc", reply)
            async with serve(application, scene.network, "127.0.0.1:9300"):
                await scene.start()
                await scene.cycles(8)
                assert (scene.hedge()["target_ratio"], scene.orders) == ("0.5", 1)
                before = scene.hedge()["last_cycle"]["id"]
                await scene.clock.sleep(300)
                assert scene.hedge()["last_cycle"]["id"] == before + 60
                assert (scene.hedge()["target_ratio"], scene.hedge()["state"]) == ("0.5", "hedged")
                assert "the external ratio holds for now, but:" in str(finding(scene)["reason"])

        url = '{ fixed = 1, external = { url = "http://127.0.0.1:9300/btc", valid_for = "10m" } }'
        play(Setup(ratio=url, near=True), tmp_path, act, started=False)

    def test_before_its_first_word_what_is_there_is_left_as_it_is(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(300)
            assert (scene.hedge()["target_ratio"], scene.orders) == ("0", 0)
            assert finding(scene)["alarm"]
            write(tmp_path, scene, "1")
            await scene.clock.sleep(120)
            assert (scene.hedge()["state"], scene.orders) == ("hedged", 1)

        play(Setup(ratio=EXTERNAL, near=True), tmp_path, act)


# Each policy on real prices: what it does, and what that costs in trades.

FACTS = instrument()


@dataclass
class Life:
    """Decisions and guards over an exact ledger, a turn every eight hours; every order fills whole."""

    policies: Policies | None
    fixed: str = "0.5"
    ledger: Ledger = field(default_factory=lambda: Ledger(Fraction(1)))
    memory: Memory = field(default_factory=Memory)
    targets: list[Decimal] = field(default_factory=list)
    orders: int = 0
    traded: Fraction = Fraction(0)
    """Dollars traded, in multiples of the value at the time."""

    def turn(self, at: Millis, mark: Decimal, signals: Signals) -> None:
        policy, book = hedge(self.fixed, policies=self.policies), quote(mark, at=at)
        seen = replace(self.ledger.seen(mark, FACTS, book), at=at)
        assessment, memory = assess(
            view(seen, self.memory, hedge=policy, at=at, signals=signals, now=at / 1000, started_at=at)
        )
        assert not assessment.blind, assessment.why()
        memory, why = follow(policy, Control(), seen, signals, memory)
        assert not why
        wanted = target(policy, Control(), memory)
        plan = decide(policy, seen, assessment, wanted, Control())
        self.memory = memory.after(wanted.ratio, hedged=plan.hedged)
        self.targets.append(wanted.ratio)
        if plan.order is not None:
            size, value = plan.order.contracts, self.ledger.dollars(Fraction(mark))
            side = book.bids if size < Contracts.zero() else book.asks
            self.ledger = self.ledger.after(fills(size, side, Decimal(1)))
            self.orders += 1
            self.traded += abs(Fraction(size.value)) / value

    @property
    def changes(self) -> int:
        return sum(one != other for one, other in pairwise(self.targets))


@pytest.fixture(scope="module")
def closes(shared: Path) -> dict[int, Decimal]:
    """Hourly closes of bitcoin in dollars from 2019 on, by the end of their hour."""
    with (shared / "bitstamp_btcusd_1h.csv").open() as file:
        return {int(row["ts_ms"]) + HOUR_MS: Decimal(row["close"]) for row in csv.DictReader(file)}


def lived(closes: dict[int, Decimal], policies: Policies | None, fixed: str = "0.5") -> Life:
    """Four months of 2021 under ``policies``: bitcoin at 64,000, its fall by a half, and the way back."""
    life, steps = Life(policies, fixed), None if policies is None else policies.steps
    first = int(datetime(2021, 4, 1, tzinfo=UTC).timestamp()) * 1000
    last, window = first + 120 * DAY_MS, 0 if steps is None else steps.window_ms
    bars = [Candle(Millis(end), Price(closes[end])) for end in range(first - window, last, HOUR_MS)]
    for at in range(first, last, 8 * HOUR_MS):
        signals = NOTHING
        if steps is not None:
            seen = slice((at - window - bars[0].end) // HOUR_MS, (at - bars[0].end) // HOUR_MS + 1)
            signals = Signals(market=Told(measured(steps, bars[seen], Millis(at)), "", asked=True))
        elif policies is not None and policies.external is not None:
            ratio = Decimal((at // DAY_MS) % 8) / 10  # another program's idea, a new one every day
            signals = Signals(wanted=Told(Wanted(ratio, Millis(at)), "", asked=True))
        life.turn(Millis(at), closes[at], signals)
    return life


def by_steps(signal: Signal, days: int, hysteresis: str, *levels: tuple[str, str]) -> Policies:
    found = tuple((Decimal(at), Decimal(ratio)) for at, ratio in levels)
    return Policies(Steps(signal, days * DAY_MS, found, Decimal(hysteresis)))


SUMMER = Millis(int(datetime(2021, 5, 10, tzinfo=UTC).timestamp()) * 1000)
CASES = {
    "fixed": (None, "0.5", 0, "0.50"),
    "schedule": (
        Policies(windows=(Window(SUMMER, Millis(SUMMER + 30 * DAY_MS), Decimal(1)),)),
        "0.5",
        2,
        "1.36",
    ),
    "volatility": (by_steps(Signal.VOLATILITY, 7, "0.2", ("0.8", "0.5"), ("1.2", "1")), "0.2", 9, "3.47"),
    "drawdown": (by_steps(Signal.DRAWDOWN, 30, "0.03", ("0.1", "0.5"), ("0.2", "1")), "0", 14, "6.57"),
    "average": (by_steps(Signal.AVERAGE, 30, "0.03", ("0", "0")), "1", 12, "12.00"),
    "external": (Policies(external=External(3_600_000, After.KEEP)), "1", 119, "21.56"),
}
"""The policies, the ratio without them, how often they change it here, and what that trades."""


@pytest.mark.parametrize("name", CASES)
def test_a_policy_on_real_prices_trades_once_for_each_change_of_its_mind(
    name: str, closes: dict[int, Decimal]
) -> None:
    policies, fixed, changes, turnover = CASES[name]
    life = lived(closes, policies, fixed)
    assert life.changes == changes
    assert changes <= life.orders <= changes + 2, "besides them the first sale, and drift beyond the band"
    assert abs(life.traded - Fraction(turnover)) < Fraction("0.01"), "times the value of the coins"


def test_without_hysteresis_the_same_steps_trade_more(closes: dict[int, Decimal]) -> None:
    (_, _, _, wary), hasty = CASES["average"], by_steps(Signal.AVERAGE, 30, "0", ("0", "0"))
    assert Fraction(wary) < lived(closes, hasty, "1").traded * Fraction(3, 4)
