"""The judge sees what must never be, and does not mind its innocent neighbour."""

import ast
import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest

from hedgebot.domain.client_ids import ClientId
from hedgebot.domain.units import Millis
from hedgebot.sim.contract import btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import NewOrder, TimeInForce
from tests.campaign.judge import Judge, Terms

START_MS = 1_795_000_000_000
TERMS = Terms(
    symbol="BTCUSD",
    ratio=Fraction(1),
    band=Fraction(2, 100),
    least=Fraction(0),
    most=Fraction(1),
    leverage=Fraction(2),
    margin_mode="cross",
    outside=Fraction(0),
    interval=5.0,
    deadline=10.0,
    settle_after=30.0,
    orders_per_hour=4,
    turnover_per_day=Fraction(3),
    max_order_usd=Fraction(70_000),
    slippage=Fraction(5, 1000),
    ladder=False,
    min_leverage=None,
    home=False,
    canaries=("canary-secret",),
)
OURS, THEIRS = 7, 8
WHOLE = 59_900
"""Contracts that hedge the coin whole."""


@dataclass
class Clock:
    seconds: float = 0.0

    def now_ms(self) -> Millis:
        return Millis(START_MS + round(self.seconds * 1000))

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError


@dataclass
class Bench:
    """One coin on an exchange, a journal, and the judge; the test is the daemon. Another may be beside."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    instance: int = OURS
    beside: "Bench | None" = None
    ladder: bool = False
    coins: str = "1"
    more: dict[str, Any] = field(default_factory=dict)
    numbers: int = 0
    exchange: SimulatedExchange = field(init=False)
    judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self.name = "main" if self.beside is None else "rival"
        self.folder.mkdir(exist_ok=True)
        self.journal = self.folder / "journal.db"
        with closing(sqlite3.connect(self.journal)) as db:
            db.execute("CREATE TABLE intents (id INTEGER PRIMARY KEY, client_id, leg, stage, body)")
        self.exchange = self._opened() if self.beside is None else self.beside.exchange
        self.judge = self._judging() if self.beside is None else self.beside.judge
        self.judge.begins(self.name, self.instance, self.journal)

    def _judging(self) -> Judge:
        terms = replace(TERMS, ladder=self.ladder, outside=1 - Fraction(self.coins), **self.more)
        return Judge(self.exchange, terms, self.clock.monotonic)

    def _opened(self) -> SimulatedExchange:
        market = Market({"BTCUSD": Feed(path=level(60_000))})
        exchange = SimulatedExchange(self.clock, market, [btcusd()], Random(1))
        exchange.open_account("main")
        exchange.set_margin_mode("main", MarginMode.CROSS)
        exchange.deposit("main", "BTC", self.coins)
        return exchange

    @property
    def broken(self) -> set[str]:
        return {violation.rule for violation in self.judge.violations}

    def passes(self, seconds: float) -> None:
        self.clock.seconds += seconds

    def reads(self, lag: float = 0.0) -> None:
        """A complete reading, begun now."""
        self.judge.read(self.name, self.clock.seconds, self.clock.seconds - lag)
        self.passes(0.1)

    def writes(self, client_id: str, *stages: str, filled: int = 0) -> None:
        """Stages of an order, in the journal."""
        body = json.dumps({"filled": str(filled), "outcome": ""})
        with closing(sqlite3.connect(self.journal, isolation_level=None)) as db:
            for stage in stages:
                row = (client_id, "main:BTC/USD:BTC", stage, body)
                db.execute("INSERT INTO intents (client_id, leg, stage, body) VALUES (?, ?, ?, ?)", row)

    def new_id(self) -> str:
        self.numbers += 1
        return str(ClientId(self.instance, 1, self.numbers))

    def arrives(self, client_id: str, contracts: int) -> None:
        """An order is taken in by the exchange; a negative one sells."""
        request = NewOrder(
            symbol="BTCUSD",
            side=Side.SELL if contracts < 0 else Side.BUY,
            contracts=Fraction(abs(contracts)),
            time_in_force=TimeInForce.IOC,
            reduce_only=contracts > 0,
            client_id=client_id,
        )
        self.exchange.place("main", request)

    def orders(self, contracts: int, *, written: bool = True, read: bool = True) -> str:
        """A daemon's whole way to an order, and what became of it."""
        if read:
            self.reads()
        client_id = self.new_id()
        if written:
            self.writes(client_id, "reserved")
        self.judge.sends(self.name, client_id)
        self.arrives(client_id, contracts)
        self.judge.heard(self.name)
        if written:
            self.writes(client_id, "accepted", "filled", "closed", filled=contracts)
        self.passes(1.0)
        return client_id

    def deposits(self, coins: str) -> None:
        self.judge.foreign = True
        self.exchange.deposit("main", "BTC", coins)
        self.judge.foreign = False


def hedged(bench: Bench) -> None:
    bench.orders(-WHOLE)


def a_deposit_hedged(bench: Bench) -> None:
    hedged(bench)
    bench.deposits("0.5")
    bench.orders(-WHOLE // 2)


def a_deposit_seen_late(bench: Bench) -> None:
    """It was withdrawn again, and the reading still showed it."""
    hedged(bench)
    bench.deposits("0.2")
    bench.passes(1)
    bench.deposits("-0.2")
    bench.passes(1)
    bench.reads(lag=1.5)
    bench.orders(-WHOLE // 5, read=False)


def a_deposit_long_gone(bench: Bench) -> None:
    hedged(bench)
    bench.deposits("0.2")
    bench.passes(1)
    bench.deposits("-0.2")
    bench.passes(60)
    bench.orders(-WHOLE // 5)


def twice_the_need(bench: Bench) -> None:
    hedged(bench)
    bench.orders(-WHOLE)


def twice_the_need_by_a_lagging_read(bench: Bench) -> None:
    """What lags excuses ignorance of others, never of oneself."""
    hedged(bench)
    bench.reads(lag=60)
    bench.orders(-WHOLE, read=False)


def a_tenth_too_much(bench: Bench) -> None:
    bench.orders(-WHOLE * 11 // 10)


def buys_back_what_a_withdrawal_left_over(bench: Bench) -> None:
    hedged(bench)
    bench.deposits("-0.3")
    bench.orders(WHOLE * 3 // 10)


def buys_back_for_nothing(bench: Bench) -> None:
    hedged(bench)
    bench.orders(WHOLE * 3 // 10)


def unwritten(bench: Bench) -> None:
    bench.orders(-WHOLE, written=False)


def unsent(bench: Bench) -> None:
    client_id = bench.new_id()
    bench.writes(client_id, "reserved")
    bench.arrives(client_id, -WHOLE)


def sent_twice(bench: Bench) -> None:
    client_id = bench.orders(-WHOLE)
    bench.reads()
    bench.judge.sends("main", client_id)


def concluded_and_then_arriving(bench: Bench) -> None:
    bench.reads()
    client_id = bench.new_id()
    bench.writes(client_id, "reserved", "unknown", "absent")
    bench.judge.sends("main", client_id)
    bench.arrives(client_id, -WHOLE)


def two_at_once(bench: Bench) -> None:
    for _ in range(2):
        bench.writes(bench.new_id(), "reserved")
    bench.orders(-WHOLE)


def without_reading_again(bench: Bench) -> None:
    bench.orders(-WHOLE // 2)
    bench.orders(-WHOLE // 2, read=False)


def too_many_in_an_hour(bench: Bench) -> None:
    for _ in range(5):
        bench.orders(-WHOLE // 10)


def the_same_over_two_hours(bench: Bench) -> None:
    for _ in range(5):
        bench.orders(-WHOLE // 10)
        bench.passes(1000)


def too_large(bench: Bench) -> None:
    bench.deposits("1")
    bench.orders(-WHOLE * 2)


def a_human_long(bench: Bench) -> None:
    bench.judge.foreign = True
    bench.exchange.human_trade("main", "BTCUSD", Side.BUY, 100)
    bench.judge.foreign = False


def a_long_of_ours(bench: Bench) -> None:
    bench.reads()
    client_id = bench.new_id()
    bench.writes(client_id, "reserved")
    bench.judge.sends("main", client_id)
    request = NewOrder(
        symbol="BTCUSD",
        side=Side.BUY,
        contracts=Fraction(1),
        time_in_force=TimeInForce.IOC,
        client_id=client_id,
    )
    bench.exchange.place("main", request)


def a_sale_that_meets_a_human_long(bench: Bench) -> None:
    bench.orders(-WHOLE)
    bench.judge.foreign = True
    bench.exchange.human_trade("main", "BTCUSD", Side.BUY, WHOLE - 100)
    bench.judge.foreign = False
    bench.reads()
    client_id = bench.new_id()
    bench.writes(client_id, "reserved")
    bench.judge.sends("main", client_id)
    bench.judge.foreign = True
    bench.exchange.human_trade("main", "BTCUSD", Side.BUY, 2 * WHOLE)
    bench.judge.foreign = False
    bench.arrives(client_id, -WHOLE)


def leverage_while_flat(bench: Bench) -> None:
    bench.exchange.set_leverage("main", "BTCUSD", 2)


def leverage_over_a_position(bench: Bench) -> None:
    hedged(bench)
    bench.exchange.set_leverage("main", "BTCUSD", 2)


def another_leverage(bench: Bench) -> None:
    bench.exchange.set_leverage("main", "BTCUSD", 3)


def sells_while_paused(bench: Bench) -> None:
    bench.judge.command("main", "pause", None, certain=True)
    bench.passes(1)
    bench.orders(-WHOLE)


def sells_after_perhaps_pausing(bench: Bench) -> None:
    bench.judge.command("main", "pause", None, certain=False)
    bench.passes(1)
    bench.orders(-WHOLE)


def sells_while_unwinding(bench: Bench) -> None:
    bench.judge.command("main", "unwind", Fraction(1, 2), certain=True)
    bench.passes(1)
    bench.orders(-WHOLE // 2)


def trades_beside_a_rival(bench: Bench) -> None:
    bench.reads()
    rival = Bench(bench.folder / "rival", bench.clock, instance=THEIRS, beside=bench)
    rival.orders(-WHOLE // 2)
    bench.passes(10)
    bench.orders(-WHOLE // 2)


def trades_beside_what_a_rival_did_before_its_first_reading(bench: Bench) -> None:
    rival = Bench(bench.folder / "rival", bench.clock, instance=THEIRS, beside=bench)
    rival.orders(-WHOLE // 2)
    bench.reads()
    bench.orders(-WHOLE // 4)
    bench.passes(10)
    bench.orders(-WHOLE // 4)


def trades_after_a_human_undid_what_a_rival_did(bench: Bench, lag: float = 0.0, after: float = 10.0) -> None:
    bench.exchange.human_trade("main", "BTCUSD", Side.SELL, 100)
    bench.passes(10)
    bench.reads()
    rival = Bench(bench.folder / "rival", bench.clock, instance=THEIRS, beside=bench)
    rival.orders(-WHOLE // 2)
    bench.passes(after)
    bench.judge.foreign = True
    bench.exchange.human_trade("main", "BTCUSD", Side.BUY, WHOLE // 2)
    bench.judge.foreign = False
    bench.reads(lag)
    bench.passes(10)
    bench.orders(-WHOLE // 2)


def trades_after_an_old_reading_showed_what_was_before_all_that(bench: Bench) -> None:
    trades_after_a_human_undid_what_a_rival_did(bench, lag=25.0)


def trades_long_after_a_rival_that_was_seen_late(bench: Bench) -> None:
    bench.reads()
    rival = Bench(bench.folder / "rival", bench.clock, instance=THEIRS, beside=bench)
    rival.orders(-WHOLE // 2)
    bench.passes(3_600)
    bench.orders(-WHOLE // 2)


def trades_after_a_left_over_was_filled(bench: Bench) -> None:
    """Whoever sent it is no more: nobody trades beside us."""
    left = NewOrder(
        symbol="BTCUSD",
        side=Side.SELL,
        contracts=Fraction(6_000),
        price=Fraction(60_600),
        time_in_force=TimeInForce.GTC,
        client_id=str(ClientId(THEIRS, 1, 1)),
    )
    bench.judge.foreign = True
    bench.exchange.place("main", left)
    bench.judge.foreign = False
    bench.passes(10)
    bench.exchange.change_feed("BTCUSD", path=level(60_700))
    bench.passes(1)
    assert bench.exchange.position("main", "BTCUSD").size == left.contracts
    bench.passes(10)
    bench.orders(-WHOLE // 2)


def trades_before_a_rival_can_be_seen(bench: Bench) -> None:
    rival = Bench(bench.folder / "rival", bench.clock, instance=THEIRS, beside=bench)
    bench.reads()
    rival.orders(-WHOLE // 2)
    bench.orders(-WHOLE // 2, read=False)


def a_secret_in_the_log(bench: Bench) -> None:
    bench.judge.health.line('{"event": "key canary-secret"}')


def an_ordinary_line(bench: Bench) -> None:
    bench.judge.health.line('{"event": "cycle", "state": "hedged"}')


def a_failed_cycle(bench: Bench) -> None:
    bench.judge.health.line('{"level": "error", "event": "cycle failed", "exception": "…"}')


def asked_in_a_ban(bench: Bench) -> None:
    bench.judge.health.banned("api", 60.0)
    bench.passes(30)
    bench.judge.health.request("api", "/v5/order/create")


def asked_after_a_ban(bench: Bench) -> None:
    bench.judge.health.banned("api", 60.0)
    bench.passes(60)
    bench.judge.health.request("api", "/v5/order/create")


def asked_elsewhere_in_a_ban(bench: Bench) -> None:
    bench.judge.health.banned("api", 60.0)
    bench.passes(30)
    bench.judge.health.request("dapi", "/v5/order/create")


def silence(bench: Bench) -> None:
    bench.passes(600)
    bench.judge.cycle("main", "hedged", [])


def a_freeze(bench: Bench) -> None:
    bench.passes(600)
    bench.judge.health.froze("main", 600)
    bench.judge.cycle("main", "hedged", [])


def blind(bench: Bench, *, alarm: bool) -> None:
    for _ in range(20):
        bench.passes(5)
        bench.judge.cycle("main", "blind", [{"guard": "coherence", "alarm": alarm}])


def blind_with_an_alarm(bench: Bench) -> None:
    blind(bench, alarm=True)


def blind_without(bench: Bench) -> None:
    blind(bench, alarm=False)


def off_target_at_the_end(bench: Bench) -> None:
    bench.orders(-WHOLE // 2)
    bench.judge.verdict("main", "hedged", "", "")


def on_target_at_the_end(bench: Bench) -> None:
    hedged(bench)
    bench.judge.verdict("main", "hedged", "", "")


def off_target_and_paused(bench: Bench) -> None:
    bench.judge.command("main", "pause", None, certain=True)
    bench.judge.verdict("main", "paused", "", "")


def a_fill_that_the_journal_does_not_know(bench: Bench) -> None:
    client_id = bench.orders(-WHOLE, written=True)
    bench.writes(client_id, "closed", filled=0)
    bench.judge.verdict("main", "hedged", "", "")


def starts_after_a_loss_of_power(bench: Bench) -> None:
    with closing(sqlite3.connect(bench.journal, isolation_level=None)) as db:
        db.execute("DELETE FROM intents")
    bench.judge.begins("main", OURS, bench.journal)


def sent_and_not_on_the_disk(bench: Bench) -> None:
    bench.orders(-WHOLE)
    bench.judge.ends("main")
    starts_after_a_loss_of_power(bench)


def not_on_the_disk_and_not_sent(bench: Bench) -> None:
    bench.writes(bench.new_id(), "reserved")
    bench.judge.ends("main")
    starts_after_a_loss_of_power(bench)


def sent_from_a_journal_that_somebody_lost(bench: Bench) -> None:
    bench.orders(-WHOLE)
    bench.judge.ends("main")
    bench.judge.loses_journal(bench.journal)
    starts_after_a_loss_of_power(bench)


def sent_from_it_and_then_a_loss_of_power(bench: Bench) -> None:
    sent_from_a_journal_that_somebody_lost(bench)
    not_on_the_disk_and_not_sent(bench)


def a_younger_daemon(bench: Bench) -> None:
    bench.judge.begins("second", OURS, bench.journal)
    bench.passes(1)
    bench.judge.writes("second")


def an_older_daemon_that_writes_on(bench: Bench) -> None:
    a_younger_daemon(bench)
    bench.judge.writes("main")


def replays_to_something_else(bench: Bench) -> None:
    bench.judge.replayed("ratio 1", "ratio 1", "ratio 0.5")


CASES: list[tuple[Callable[[Bench], None], set[str]]] = [
    (hedged, set()),
    (a_deposit_hedged, set()),
    (a_deposit_seen_late, set()),
    (a_deposit_long_gone, {"S3"}),
    (twice_the_need, {"S3"}),
    (twice_the_need_by_a_lagging_read, {"S3"}),
    (a_tenth_too_much, {"S3"}),
    (buys_back_what_a_withdrawal_left_over, set()),
    (buys_back_for_nothing, {"S3"}),
    (unwritten, {"S2"}),
    (unsent, {"S2"}),
    (sent_twice, {"S2"}),
    (concluded_and_then_arriving, {"S2"}),
    (two_at_once, {"S1"}),
    (without_reading_again, {"S5"}),
    (too_many_in_an_hour, {"S4"}),
    (the_same_over_two_hours, set()),
    (too_large, {"S4"}),
    (a_human_long, set()),
    (a_sale_that_meets_a_human_long, set()),
    (a_long_of_ours, {"S6"}),
    (leverage_while_flat, set()),
    (leverage_over_a_position, {"S7"}),
    (another_leverage, {"S7"}),
    (sells_while_paused, {"S3"}),
    (sells_after_perhaps_pausing, set()),
    (sells_while_unwinding, {"S3"}),
    (trades_beside_a_rival, {"R9"}),
    (trades_beside_what_a_rival_did_before_its_first_reading, set()),
    (trades_after_a_human_undid_what_a_rival_did, set()),
    (trades_after_an_old_reading_showed_what_was_before_all_that, set()),
    (trades_long_after_a_rival_that_was_seen_late, {"R9"}),
    (trades_before_a_rival_can_be_seen, set()),
    (trades_after_a_left_over_was_filled, set()),
    (a_secret_in_the_log, {"S8"}),
    (an_ordinary_line, set()),
    (a_failed_cycle, {"L3"}),
    (asked_in_a_ban, {"S9"}),
    (asked_after_a_ban, set()),
    (asked_elsewhere_in_a_ban, set()),
    (silence, {"L3"}),
    (a_freeze, set()),
    (blind_with_an_alarm, set()),
    (blind_without, {"L2"}),
    (off_target_at_the_end, {"L1"}),
    (on_target_at_the_end, set()),
    (off_target_and_paused, set()),
    (a_fill_that_the_journal_does_not_know, {"S2"}),
    (sent_and_not_on_the_disk, {"S2"}),
    (not_on_the_disk_and_not_sent, set()),
    (sent_from_a_journal_that_somebody_lost, set()),
    (sent_from_it_and_then_a_loss_of_power, set()),
    (a_younger_daemon, set()),
    (an_older_daemon_that_writes_on, {"S1"}),
    (replays_to_something_else, {"S10"}),
]


@pytest.mark.parametrize(("act", "rules"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_exactly_what_is_broken_is_seen(
    tmp_path: Path, act: Callable[[Bench], None], rules: set[str]
) -> None:
    bench = Bench(tmp_path)
    act(bench)
    assert bench.broken == rules, [str(violation) for violation in bench.judge.violations]


def test_the_judge_shares_no_code_with_the_daemon(root: Path) -> None:
    allowed = sys.stdlib_module_names | {"hedgebot.sim", "tests.campaign.judge"}
    for file in (root / "tests" / "campaign" / "judge").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert any(name == each or name.startswith(f"{each}.") for each in allowed), (file, name)


class TestLadder:
    """A short may be smaller than wanted because of its collateral, if the truth says so too."""

    @pytest.mark.parametrize(
        ("price", "ladder", "broken"),
        [
            (60_000, True, {"S3"}),  # far away from liquidation
            (78_000, True, set()),
            (78_000, False, {"S3"}),  # not asked for
        ],
    )
    def test_a_purchase_near_liquidation(
        self, price: int, ladder: bool, broken: set[str], tmp_path: Path
    ) -> None:
        bench = Bench(tmp_path / "bench", ladder=ladder, coins="0.3")
        bench.orders(-WHOLE)
        bench.exchange.change_feed("BTCUSD", path=level(price))
        bench.passes(60)
        bench.orders(30_000)
        assert bench.broken == broken

    @pytest.mark.parametrize(("coins", "short", "excused"), [("1", 30_000, False), ("0.1", 40_000, True)])
    def test_a_hedge_too_small(self, coins: str, short: int, excused: bool, tmp_path: Path) -> None:
        bench = Bench(tmp_path / "bench", ladder=True, coins=coins)
        bench.exchange.human_trade("main", "BTCUSD", Side.SELL, short)
        assert bool(bench.judge.ladder.cannot_carry()) is excused


class TestTurnover:
    """Half a coin is sold, though a fourth of one is allowed a day, and the other half later."""

    @pytest.mark.parametrize(("after", "broken"), [(86_399.9, {"S4"}), (86_400.0, set())])
    def test_a_fill_is_as_old_as_its_order(self, after: float, broken: set[str], tmp_path: Path) -> None:
        bench = Bench(tmp_path / "bench", more={"turnover_per_day": Fraction(1, 4)})
        bench.reads()
        slow = bench.new_id()
        bench.writes(slow, "reserved")
        sent_at = bench.clock.seconds
        bench.judge.sends(bench.name, slow)
        bench.passes(5.0)  # on its way
        bench.arrives(slow, -WHOLE // 2)
        bench.writes(slow, "accepted", "filled", "closed", filled=-WHOLE // 2)
        bench.clock.seconds = sent_at + after - 0.1
        bench.orders(-WHOLE // 2)
        assert bench.broken == broken


class TestCoinsOutOfAMargin:
    """A coin sold at 60,000 with a tenth of one behind it, and more coins moved there."""

    LOWEST: ClassVar[dict[str, Any]] = {"min_leverage": Fraction(3, 2), "margin_mode": "isolated"}

    def found(
        self,
        folder: Path,
        more: dict[str, Any],
        behind: str,
        *out: str,
        price: int = 60_000,
        asked: tuple[int, ...] = (),
    ) -> set[str]:
        """What is broken once coins left the isolated margin, in these portions, that journals asked for."""
        bench = Bench(folder / "bench", ladder=True, coins="2", more=more)
        bench.exchange.set_margin_mode("main", MarginMode.ISOLATED)
        bench.judge.foreign = True
        bench.exchange.human_trade("main", "BTCUSD", Side.SELL, WHOLE)
        bench.judge.foreign = False
        bench.exchange.add_margin("main", "BTCUSD", Fraction(behind))
        bench.exchange.change_feed("BTCUSD", path=level(price))
        bench.passes(600)
        for number, instance in enumerate(asked, 1):
            bench.judge.moves(str(ClientId(instance, 1, number)), Fraction(out[0]))
        for coins in out:
            bench.exchange.add_margin("main", "BTCUSD", -Fraction(coins))
        return bench.broken

    @pytest.mark.parametrize(
        ("more", "behind", "out", "broken"),
        [
            (LOWEST, "0.7", ("0.3",), set()),
            ({"margin_mode": "isolated"}, "0.7", ("0.3",), {"S11"}),  # unasked
            (LOWEST, "0.5", ("0.1",), {"S11"}),  # at a leverage of 1.7 it should not
            (LOWEST, "0.8", ("0.75",), {"S11"}),  # liquidation is near now
            (LOWEST, "0.9", ("0.10000001", "0.10000001"), {"S11"}),  # the same move again
        ],
    )
    def test_only_where_it_is_wanted_and_safe(
        self, more: dict[str, Any], behind: str, out: tuple[str, ...], broken: set[str], tmp_path: Path
    ) -> None:
        assert self.found(tmp_path, more, behind, *out) == broken

    @pytest.mark.parametrize(
        ("asked", "times", "broken"),
        [
            ((OURS,), 2, {"S11"}),
            ((OURS, OURS), 2, {"S11"}),  # no two numbers of a journal have the same digits so soon
            ((OURS, THEIRS), 2, set()),  # two daemons at once, each with its own
            ((OURS, THEIRS), 3, {"S11"}),
        ],
    )
    def test_each_journal_moves_an_amount_once(
        self, asked: tuple[int, ...], times: int, broken: set[str], tmp_path: Path
    ) -> None:
        out = ("0.05000001",) * times
        assert self.found(tmp_path, self.LOWEST, "0.9", *out, asked=asked) == broken

    @pytest.mark.parametrize(("asked", "broken"), [((OURS, THEIRS), set()), ((OURS,), {"S11"})])
    def test_two_daemons_may_each_move_what_one_could(
        self, asked: tuple[int, ...], broken: set[str], tmp_path: Path
    ) -> None:
        """The first move leads to a leverage at which no more should leave."""
        assert self.found(tmp_path, self.LOWEST, "0.75", "0.25", "0.25", asked=asked) == broken
