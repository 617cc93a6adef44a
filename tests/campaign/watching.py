"""Between a running daemon and those who look at it: the judge, the tally, the trace."""

import asyncio
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hedgebot.app import Hooks
from hedgebot.domain.records import CycleRecord
from hedgebot.sim.events import Event
from tests.campaign import sightings
from tests.campaign.gates import Call, Watcher
from tests.campaign.judge import Judge
from tests.campaign.running import WRITES, Running
from tests.campaign.tally import Tally
from tests.campaign.trace import Trace, told
from tests.campaign.world import Exchange

NOTED = frozenset({"place", "cancel", "set_leverage", "command", "key_scope"})


@dataclass
class Watch:
    """Tells what each daemon does, and what happens on the exchange."""

    exchange: Exchange
    tally: Tally
    trace: Trace
    findings: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _began: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def judge(self) -> Judge:
        return self.exchange.judge

    def note(self, what: str) -> None:
        self.trace.note(self.seconds, what)

    @property
    def seconds(self) -> float:
        return asyncio.get_running_loop().time()

    def happened(self, event: Event, foreign: bool) -> None:
        """On the exchange, to the account."""
        self.note(told(event))
        for state in sightings.in_event(event, foreign=foreign):
            self.tally.reach(state)

    def watcher(self, running: Running) -> Watcher:
        """What is told of all that passes the gates of a daemon."""

        def watch(call: Call, what: str, result: Any) -> None:
            self._judged(running, call, what)
            if call.name in NOTED or what == "failed":
                words = getattr(result, "fate", result) or ""
                self.note(f"{running.name}: {call.name} {what} {words}")
            running.passes(call, what)

        return watch

    def _judged(self, running: Running, call: Call, what: str) -> None:
        name, lag = running.name, self.exchange.lag
        if call.name in WRITES and what == "answered":
            self.judge.writes(name)
        match call.name, what:
            case "read", "asked":
                self._began[name] = (self.seconds, lag)
            case "read", "answered":
                began, lag_then = self._began[name]
                age = self.exchange.aged.pop(id(call), 0.0)
                self.judge.read(name, began, began - max(lag, lag_then, age))
            case "place", "asked":
                self.judge.sends(name, call.given.client_id)
                if self.seconds - running.thawed < 3 * self.exchange.plan.config.interval:
                    self.tally.reach("order sent after a freeze")
            case "place", _:
                self.judge.heard(name)
            case "transfer", "asked":
                self.judge.moves(call.given.client_id, Fraction(call.given.coins.value))
            case "command", "answered" | "failed":
                ratio = None if call.given.ratio is None else Fraction(call.given.ratio)
                taken = what == "answered"
                self.judge.command(name, call.given.verb.value, ratio, certain=taken)

    def hooks(self, running: Running) -> Hooks:
        """What is told of each cycle of a daemon."""

        def ended(record: CycleRecord, *_: Any) -> None:
            if not running.alive:
                return
            findings, before = list(record.body["findings"]), self.findings.get(running.name, [])
            self.judge.cycle(running.name, record.state.value, findings)
            for state in sightings.in_cycle(record.state.value, str(record.body["held"]), findings, before):
                self.tally.reach(state)
            self.findings[running.name] = findings
            self.tally.figures["cycles"] += 1
            self.note(f"{running.name}: {record.state.value}: {record.reason}")

        return Hooks(ended=ended)
