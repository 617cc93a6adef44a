"""One run of the daemon under simulation: started through ``app.build``, stopped, frozen, or killed."""

import asyncio
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Unpack

from pydantic import SecretStr

from hedgebot.app import App, Hooks, World, build
from hedgebot.exchange.opening import Options
from hedgebot.exchange.registry import open_account
from hedgebot.journal.sqlite import SqliteJournal
from hedgebot.ports import Account
from hedgebot.settings.load import load
from hedgebot.settings.model import Settings
from hedgebot.settings.paths import Paths
from hedgebot.settings.secrets import Credentials
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, MemoryTransport
from hedgebot.sim.virtual import VirtualClock
from tests.campaign.gates import AccountGate, Call, JournalGate, Obstacle, Watcher
from tests.campaign.loop import Process
from tests.campaign.plan import Plan

KEY, SECRET, PASSPHRASE = "canary-key-7f3a91", "canary-secret-b2c4d6e8f0", "canary-passphrase-9d8e7f"
WRITES = frozenset({"reserve", "resolve", "record", "command"})
SYNCED = 2
"""``PRAGMA synchronous`` from which on a commit is on the disk when it returns: FULL."""

LOG_HEADER, FRAME_HEADER = 32, 24
"""Bytes of a -wal file's header, and of each frame's (sqlite.org/fileformat2.html, "The WAL file format")."""

INDEX = struct.Struct("=14xHI12x8s56xI")
"""Of a -shm file: the size of a page, how many frames the log holds, its generation, and how many of them a
checkpoint has moved (sqlite.org/walformat.html, "The WAL-Index Header")."""

STOPPED_WITHIN = 300.0
"""Seconds after which whoever asked a process to stop kills it."""


@dataclass(frozen=True, slots=True)
class LogMark:
    """The generation of a -wal file, and the byte up to which it holds frames of that generation."""

    generation: bytes
    end: int


@dataclass(frozen=True)
class Disk:
    """Where one daemon keeps its files, as bytes that a simulation may keep, cut and put back."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "hedgebot.db"

    @property
    def log(self) -> Path:
        """What was written since the last checkpoint."""
        return self.folder / "hedgebot.db-wal"

    @property
    def index(self) -> Path:
        """What the programs that have the database open tell each other of the log."""
        return self.folder / "hedgebot.db-shm"

    @property
    def files(self) -> tuple[Path, ...]:
        return self.store, self.log, self.index

    def image(self) -> dict[Path, bytes]:
        """What would be found after a crash of the process at this instant."""
        return {file: file.read_bytes() for file in self.files[:2] if file.exists()}

    def restore(self, image: dict[Path, bytes]) -> None:
        self.wipe()
        for file, content in image.items():
            file.write_bytes(content)

    def mark(self) -> "LogMark":
        """How far the log is written."""
        log = self.log.read_bytes() if self.log.exists() else b""
        if len(log) < LOG_HEADER:
            return LogMark(b"", 0)
        page, salts, at = int.from_bytes(log[8:12]), log[16:24], LOG_HEADER
        while log[at + 8 : at + 16] == salts:
            at += FRAME_HEADER + page
        return LogMark(salts, min(at, len(log)))

    def marks(self) -> tuple["LogMark", "LogMark"]:
        """While a daemon runs: how far its log is written, and how far a checkpoint has moved it."""
        with self.index.open("rb", 0) as index:
            page, written, generation, moved = INDEX.unpack(index.read(INDEX.size))
        ends = (LOG_HEADER + frames * (FRAME_HEADER + page) for frames in (written, moved))
        return LogMark(generation, next(ends)), LogMark(generation, next(ends))

    def wipe(self) -> None:
        for file in self.files:
            file.unlink(missing_ok=True)


@dataclass
class Crash:
    """Where a process is to die: at its ``number``-th ``"step"`` from now, or ``"before"`` or ``"after"`` its
    ``number``-th write to the journal from now. ``image`` is its disk at that instant."""

    point: str
    number: int
    image: asyncio.Future[dict[Path, bytes]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


@dataclass
class Stage:
    """What every run of a daemon has in common: the world around its ``Process``.

    ``account`` makes the account behind the gate; without it the real one is opened, over ``network``.
    """

    settings: Settings
    clock: VirtualClock
    rng: Random
    account: Callable[[], Account] | None
    connect: Callable[[], MemoryNetwork]
    on_account: Sequence[Obstacle]
    on_journal: Sequence[Obstacle]


@dataclass
class Running:
    """A daemon from its start to its end. ``watch`` and ``ended`` are told what it does."""

    name: str
    stage: Stage
    disk: Disk
    watch: Callable[["Running"], Watcher]
    hooks: Callable[["Running"], Hooks]
    process: Process = field(default_factory=Process)
    app: App | None = None
    stored: SqliteJournal | None = None
    alive: bool = True
    crash: Crash | None = None
    thawed: float = float("-inf")
    synced: LogMark = LogMark(b"", 0)
    _left: int = 0
    _gates: list[AccountGate | JournalGate] = field(default_factory=list)
    _networks: list[MemoryNetwork] = field(default_factory=list)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it. Raises what ``app.build`` raises; returns too when it crashes before that."""
        if self.crash is not None:
            self.arm(self.crash)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = self.process.start(self._run(ready), self.name)
        await asyncio.wait({ready, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if self.alive and not ready.done():
            self.alive = False
            await self._task

    async def _run(self, ready: asyncio.Future[None]) -> None:
        store, folder = self.disk.store, self.disk.folder
        paths = Paths(store, folder / "hedgebot.db.lock", folder / "hedgebot.sock")
        keys = {"main": Credentials(SecretStr(KEY), SecretStr(SECRET), SecretStr(PASSPHRASE))}
        async with build(self.stage.settings, paths, keys, self._world(), self.hooks(self)) as self.app:
            ready.set_result(None)
            await self.app.daemon.run(self._stop)

    def _world(self) -> World:
        return World(
            clock=self.stage.clock,
            rng=self.stage.rng,
            connector=self._connector,
            account=self._opened,
            journal=self._journal,
        )

    def _connector(self) -> MemoryConnector:
        self._networks.append(self.stage.connect())
        return MemoryConnector(self._networks[-1])

    def _opened(self, *named: Any, **options: Unpack[Options]) -> AccountGate:
        far = self.stage.account is not None
        account = self.stage.account() if self.stage.account else open_account(*named, **options)
        gate = AccountGate(account, self.stage.on_account, self.watch(self), far=far)
        self._gates.append(gate)
        return gate

    def _journal(self, stored: SqliteJournal) -> JournalGate:
        self.stored = stored
        self._note_synced()  # its start is written too
        gate = JournalGate(stored, self.stage.on_journal, self.watch(self))
        self._gates.append(gate)
        return gate

    def arm(self, crash: Crash) -> None:
        """Die where ``crash`` says, counted from now."""
        self.crash, self._left = crash, crash.number
        if crash.point == "step":
            last = self.process.steps + crash.number
            self.process.on_step = lambda step: self._crash() if step >= last else None

    def disarm(self) -> None:
        self.crash, self.process.on_step = None, None

    def passes(self, call: Call, what: str) -> None:
        """A call passes a gate: the place where it may be armed to die."""
        if what == "answered" and call.name in WRITES:
            self._note_synced()
        if self.crash is None or call.name not in WRITES or what not in {"asked", "answered"}:
            return
        if self.crash.point == {"asked": "before", "answered": "after"}[what]:
            self._left -= 1
            if self._left == 0:
                self._crash()

    def _note_synced(self) -> None:
        """What has just been written is on the disk if the commit waited for it; what a checkpoint moved is
        in any case."""
        database = self.stored._database._connection if self.stored is not None else None
        if database is None:
            return
        written, moved = self.disk.marks()
        (synchronous,) = database.execute("PRAGMA synchronous").fetchone()
        if synchronous >= SYNCED:
            self.synced = written
        elif moved.generation != self.synced.generation or moved.end > self.synced.end:
            self.synced = moved

    def _crash(self) -> None:
        crash = self.crash
        if crash is not None and self.alive and not crash.image.done():
            crash.image.set_result(self.shut())

    async def stop(self) -> bool:
        """SIGTERM; whether it ended by itself in good time. Killed otherwise."""
        self._stop.set()
        assert self._task is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(STOPPED_WITHIN):
                await asyncio.shield(self._task)
        ended = self._task.done()
        if not ended:
            await self.kill()
        self.alive = False
        return ended

    def shut(self) -> dict[Path, bytes]:
        """The instant of a kill: from now on nothing it does has an effect. Returns its disk as it is now."""
        self.alive = False
        for gate in self._gates:
            gate.open = False
        for network in self._networks:
            network.down = True
            for end in [end for end in network._ends if type(end) is MemoryTransport]:
                end.close()
        return self.disk.image()

    async def kill(self) -> None:
        """SIGKILL: nothing that it awaited comes back, its disk stays as it was at this instant."""
        await self.bury(self.shut())

    async def bury(self, image: dict[Path, bytes]) -> None:
        """Let a shut process unwind, and put its disk back as it was."""
        self.process.thaw()
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self.disk.restore(image)


def settings_of(plan: Plan, folder: Path) -> Settings:
    """The plan's config, through a real file."""
    file = folder / "hedgebot.toml"
    file.write_text(plan.config.toml(plan.venue))
    return load(file, {}).settings
