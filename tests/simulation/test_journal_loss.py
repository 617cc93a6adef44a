"""A journal that is lost, or cannot be written: nothing doubles, nothing is dropped, and somebody is told.

What the exchange shows and the instance in each order's id are enough to go on without it; a full disk ends
orders, and nothing else.
"""

import re
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from hedgebot.domain.client_ids import parse
from hedgebot.domain.records import Verb
from hedgebot.errors import JournalError
from hedgebot.journal.sqlite import SqliteJournal
from hedgebot.ports import Journal
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import NewOrder, TimeInForce
from tests.simulation.judge import violations
from tests.simulation.world import BINANCE, BYBIT, OKX, Scene, Setup, Venue, play

VENUES = [pytest.param(venue, id=venue.name) for venue in (BYBIT, BINANCE, OKX)]
PLACING = {"bybit": "/v5/order/create", "binance": "/dapi/v1/order", "okx": "/api/v5/trade/order"}
SETTLE_AFTER = 30


def around_the_order(venue: Venue, kind: str, **how: Any) -> Fault:
    return Fault(kind, method="POST", path=PLACING[venue.name], limit=1, **how)


def lose_the_journal(scene: Scene) -> None:
    """The database with its log and the index of that; the lock file stays, as it always does."""
    store = scene.folder / "hedgebot.db"
    for file in (store, store.with_name("hedgebot.db-wal"), store.with_name("hedgebot.db-shm")):
        file.unlink(missing_ok=True)


async def watched(scene: Scene, seconds: int) -> None:
    """Let time pass, the judge looking on."""
    contract = scene.setup.venue.contract
    for _ in range(seconds):
        await scene.clock.sleep(1)
        most = scene.held * scene.exchange.quote(contract.symbol).mark / contract.face
        assert violations(scene.exchange, symbol=contract.symbol, most=most) == []


def with_margin_to_spare(venue: Venue, *, leverage: int | None = 10, **more: Any) -> Setup:
    """In cross margin at 10x, which is the account's own too, the margin would allow a second order."""
    return Setup(venue=venue, margin_mode=MarginMode.CROSS, leverage=leverage, **more)


class TestLost:
    """Deleted while the daemon was down; a new one begins, with another instance."""

    @pytest.mark.parametrize("venue", VENUES)
    def test_an_open_short_is_left_as_it_is_and_kept_on_target(self, tmp_path: Path, venue: Venue) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            before = instance(scene)
            await scene.stop()
            lose_the_journal(scene)
            await scene.start()
            assert instance(scene) != before
            await watched(scene, SETTLE_AFTER + 20)
            assert (scene.orders, scene.hedge()["state"]) == (1, "hedged")
            scene.exchange.deposit("main", "BTC", "0.25")
            await watched(scene, 20)
            assert (scene.orders, scene.hedge()["state"]) == (2, "hedged")

        play(with_margin_to_spare(venue), tmp_path, act)

    @pytest.mark.parametrize("venue", VENUES)
    @pytest.mark.parametrize("seconds", [4, 12])
    def test_an_order_that_is_still_on_its_way_is_not_sent_again(
        self, tmp_path: Path, venue: Venue, seconds: int
    ) -> None:
        """Nobody knows of it until it arrives: a new journal in the place of a lost one waits for that."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(1)
            await scene.kill()
            lose_the_journal(scene)
            await scene.start()
            await watched(scene, SETTLE_AFTER + 20)
            assert scene.orders == 1
            assert scene.hedge()["state"] == "hedged"
            assert 0 <= scene.net < Fraction("0.003")

        late = around_the_order(venue, "late_arrival", seconds=(seconds, seconds))
        play(with_margin_to_spare(venue, leverage=None, faults=[late]), tmp_path, act)

    def test_a_start_in_the_midst_of_that_waits_for_the_rest(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(1)
            await scene.kill()
            lose_the_journal(scene)
            for _ in range(2):
                await scene.start()
                await watched(scene, 4)
                await scene.kill()
            await scene.start()
            await watched(scene, SETTLE_AFTER)
            assert (scene.orders, scene.hedge()["state"]) == (1, "hedged")

        late = Fault("late_arrival", path="/place", limit=1, seconds=(13, 13))
        play(with_margin_to_spare(BYBIT, leverage=None, faults=[late], near=True), tmp_path, act)

    def test_an_order_that_never_arrives_is_sent_anew_once_that_is_certain(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(1)
            await scene.kill()
            lose_the_journal(scene)
            await scene.start()
            await watched(scene, SETTLE_AFTER - 2)
            assert scene.orders == 0
            assert "the one before it lost" in scene.hedge()["last_cycle"]["reason"]
            await watched(scene, 15)
            assert (scene.orders, scene.hedge()["state"]) == (1, "hedged")

        lost = Fault("lose_request", path="/place", limit=1)
        play(Setup(margin_mode=MarginMode.CROSS, leverage=None, faults=[lost], near=True), tmp_path, act)

    def test_a_left_over_order_of_the_older_instance_is_cancelled(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            ours = next(o.client_id for o in scene.exchange.effective_orders("main") if o.client_id)
            identity = parse(ours)
            assert identity is not None
            scene.exchange.place("main", resting(str(type(identity)(identity.instance, identity.epoch, 99))))
            await scene.stop()
            lose_the_journal(scene)
            await scene.start()
            await watched(scene, SETTLE_AFTER + 20)
            assert not any(order.open for order in scene.exchange.orders("main"))
            assert (scene.orders, scene.hedge()["state"]) == (1, "hedged")

        play(Setup(), tmp_path, act)

    def test_an_emptied_journal_is_a_lost_one(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(1)
            await scene.kill()
            lose_the_journal(scene)
            (scene.folder / "hedgebot.db").touch()
            await scene.start()
            await watched(scene, SETTLE_AFTER + 20)
            assert (scene.orders, scene.hedge()["state"]) == (1, "hedged")

        late = Fault("late_arrival", path="/place", limit=1, seconds=(8, 8))
        play(with_margin_to_spare(BYBIT, leverage=None, faults=[late], near=True), tmp_path, act)

    def test_coins_that_came_meanwhile_are_hedged(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            await scene.stop()
            lose_the_journal(scene)
            scene.exchange.deposit("main", "BTC", "0.5")
            await scene.start()
            await watched(scene, SETTLE_AFTER + 20)
            assert (scene.orders, scene.hedge()["state"]) == (2, "hedged")

        play(with_margin_to_spare(BYBIT), tmp_path, act)

    def test_a_first_start_waits_for_nothing(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(2)
            assert scene.orders == 1

        play(Setup(margin_mode=MarginMode.CROSS, leverage=None), tmp_path, act)

    def test_a_journal_that_is_there_waits_for_nothing_either(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            await scene.stop()
            scene.exchange.deposit("main", "BTC", "0.5")
            await scene.start()
            await scene.cycles(2)
            assert scene.orders == 2

        play(with_margin_to_spare(BYBIT), tmp_path, act)


def instance(scene: Scene) -> int:
    assert scene.app is not None
    return scene.app.journal.instance


def resting(client_id: str) -> NewOrder:
    """A purchase far below the market, that waits."""
    return NewOrder(
        symbol="BTCUSD",
        side=Side.BUY,
        contracts=Fraction(100),
        price=Fraction(58_000),
        time_in_force=TimeInForce.GTC,
        client_id=client_id,
    )


def fill_the_disk(scene: Scene) -> None:
    """To the last byte, with a file of somebody else's."""
    with suppress(OSError), (scene.folder / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))


def free_the_disk(scene: Scene) -> None:
    (scene.folder / "ballast").unlink()


def forbid_growth(scene: Scene) -> None:
    """As a quota does. SQLite takes the file's present size for the least."""
    database(scene).execute("PRAGMA max_page_count = 1")


def allow_growth(scene: Scene) -> None:
    database(scene).execute("PRAGMA max_page_count = 1000000")


def take_the_disk_away(scene: Scene) -> None:
    (scene.folder / "hedgebot.db").rename(scene.folder / "away.db")


def bring_it_back(scene: Scene) -> None:
    (scene.folder / "away.db").rename(scene.folder / "hedgebot.db")


def database(scene: Scene) -> Any:
    assert scene.app is not None
    assert isinstance(scene.app.journal, SqliteJournal)
    return scene.app.journal._database._connected()


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Where the journal lies: on a disk of two megabytes of its own where that is to be filled."""
    if request.node.callspec.params["harm"] is not fill_the_disk:
        yield tmp_path
        return
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


Harm = Callable[[Scene], None]
TROUBLES: list[tuple[str, Harm, Harm, str]] = [
    ("a full disk", fill_the_disk, free_the_disk, "is full|disk I/O error"),
    ("a quota", forbid_growth, allow_growth, "is full"),
    ("a disk that is gone", take_the_disk_away, bring_it_back, "cannot be used"),
]


@pytest.mark.parametrize(("harm", "mend", "says"), [t[1:] for t in TROUBLES], ids=[t[0] for t in TROUBLES])
class TestTrouble:
    """While nothing can be written down nothing is sent; all else goes on, and orders do when it is over."""

    def test_no_order_leaves_alarms_stay_and_it_recovers_by_itself(
        self, folder: Path, harm: Harm, mend: Harm, says: str
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            harm(scene)
            await until(scene, lambda: journal_alarm(scene) is not None)
            alarm = journal_alarm(scene)
            assert alarm is not None
            assert (alarm["permission"], alarm["alarm"]) == ("none", True)
            assert re.search(says, alarm["reason"])
            scene.exchange.deposit("main", "BTC", "0.25")
            await watched(scene, 120)
            assert scene.orders == 1
            assert scene.daemon.healthy()
            assert scene.hedge()["held"].startswith("1.24")
            assert scene.hedge()["state"] == "drifting"
            mend(scene)
            await watched(scene, 20)
            assert (scene.orders, scene.hedge()["state"]) == (2, "hedged")
            assert journal_alarm(scene) is None

        play(with_margin_to_spare(BYBIT, near=True), folder, act)

    def test_an_order_on_its_way_when_it_begins_is_settled_when_it_ends(
        self, folder: Path, harm: Harm, mend: Harm, says: str
    ) -> None:
        """Its intent stands in the journal as reserved, and its outcome nowhere."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(2)
            harm(scene)
            await watched(scene, 60)
            mend(scene)
            await watched(scene, 40)
            assert (scene.orders, scene.hedge()["state"]) == (1, "hedged")

        late = Fault("delay_reply", path="/place", limit=1, seconds=(3, 3))
        play(with_margin_to_spare(BYBIT, leverage=None, faults=[late], near=True), folder, act)


@dataclass
class Failing:
    """What stands before a journal: each method named here fails the next time it is asked, one of
    ``written`` only when it has done what it was asked for."""

    failing: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    _journal: Journal | None = None

    def before(self, journal: Journal) -> Journal:
        self._journal = journal
        return cast(Journal, self)

    def __getattr__(self, method: str) -> Any:
        own = getattr(self._journal, method)
        return partial(self._fail, method, own) if method in self.failing | self.written else own

    async def _fail(self, method: str, own: Callable[..., Awaitable[Any]], *args: Any, **named: Any) -> None:
        if method in self.written:
            await own(*args, **named)
        self.failing.discard(method)
        self.written.discard(method)
        raise JournalError("disk I/O error")


READS = ["intents_since", "open_intents", "transfers_since", "open_transfers", "commands"]


@pytest.mark.parametrize("read", READS)
class TestAJournalThatFailsAndThenCannotBeReadAfresh:
    def test_an_order_of_the_operator_stays_in_force(self, tmp_path: Path, read: str) -> None:
        disk = Failing()

        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            await scene.daemon.command("btc", Verb.UNWIND, Decimal(0), "test")
            await scene.cycles(4)
            assert (scene.hedge()["state"], scene.orders) == ("unwound", 2)
            disk.failing |= {"record", read}
            for _ in range(10):
                await scene.cycles(1)
                assert (scene.hedge()["state"], scene.orders) == ("unwound", 2)
            assert not disk.failing

        play(Setup(near=True, journal=disk.before), tmp_path, act)

    def test_a_stage_that_was_written_all_the_same_is_not_written_again(
        self, tmp_path: Path, read: str
    ) -> None:
        """It would be refused for ever, and the order stay open."""
        disk = Failing()

        async def act(scene: Scene) -> None:
            await scene.cycles(4)
            scene.exchange.deposit("main", "BTC", "0.25")
            while scene.orders < 2:
                await scene.clock.sleep(1)
            disk.written |= {"resolve"}
            disk.failing |= {read}
            await scene.cycles(10)
            assert not disk.failing | disk.written
            assert (scene.hedge()["state"], scene.orders) == ("hedged", 2)
            assert not scene.daemon.cycles["btc"].state.open

        setup = with_margin_to_spare(BYBIT, leverage=None, near=True)
        play(replace(setup, journal=disk.before), tmp_path, act)


def journal_alarm(scene: Scene) -> dict[str, Any] | None:
    found = [finding for finding in scene.hedge()["findings"] if finding["guard"] == "journal"]
    return found[0] if found else None


async def until(scene: Scene, happens: Callable[[], bool], seconds: int = 600) -> None:
    for _ in range(seconds):
        if happens():
            return
        await scene.clock.sleep(1)
    raise AssertionError("it never happened")


@pytest.mark.parametrize("written", [True, False])
def test_a_command_that_failed_holds_at_once_or_never(tmp_path: Path, written: bool) -> None:
    """Else one that was said to have failed, but was written, would hold from the next start on."""
    disk, state = Failing(), "paused" if written else "hedged"

    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        (disk.written if written else disk.failing).add("command")
        with pytest.raises(JournalError):
            await scene.daemon.command("btc", Verb.PAUSE, None, "ops")
        await scene.cycles(2)
        assert scene.hedge()["state"] == state
        await scene.stop()
        await scene.start()
        await scene.cycles(2)
        assert scene.hedge()["state"] == state

    play(Setup(near=True, journal=disk.before), tmp_path, act)
