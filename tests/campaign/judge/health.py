"""S8, S9, L2, L3: what was said, what was asked of the exchange, and whether the daemon went on."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.campaign.judge.terms import Terms

Breach = Callable[[str, str], None]

REQUESTS, WITHIN = 400, 5.0
"""How many requests in so many seconds no exchange takes from one address (Bybit: 600)."""

ALARM_WITHIN = 60.0
IN_FLIGHT = 1.0
"""Seconds for which requests may still arrive that left before a ban was heard of."""

SILENT = frozenset({"blind", "halted"})


@dataclass
class Pulse:
    """When a daemon last ended a cycle, and since when it has been in trouble without an alarm."""

    beat: float
    frozen: float = 0.0
    troubled: float | None = None


@dataclass
class Health:
    """Judges what each daemon says and how it goes on."""

    terms: Terms
    breach: Breach
    seconds: Callable[[], float]
    pulses: dict[str, Pulse] = field(default_factory=dict)
    _bans: list[tuple[str, float, float]] = field(default_factory=list)
    _requests: deque[float] = field(default_factory=deque)
    banned_requests: int = 0

    @property
    def longest_cycle(self) -> float:
        """Seconds from the end of one cycle to the end of the next, if every await ends at its deadline: what
        is looked up, read, asked about others, sent and accounted for."""
        terms = self.terms
        return terms.interval + 5 * terms.deadline + terms.settle_after + 30.0

    def line(self, text: str) -> None:
        """A line of the log."""
        self.said(text, "the log")
        if '"event": "cycle failed"' in text or '"level": "critical"' in text:
            self.breach("L3", f"a cycle failed: {text[-700:]}")

    def said(self, text: str, where: str) -> None:
        """S8: any text that leaves the daemon."""
        for canary in self.terms.canaries:
            if canary in text:
                self.breach("S8", f"a secret stands in {where}: {text[:200]}")

    def begins(self, name: str) -> None:
        self.pulses[name] = Pulse(self.seconds())

    def ends(self, name: str) -> None:
        self.check(name)
        self.pulses.pop(name, None)

    def froze(self, name: str, seconds: float) -> None:
        """A daemon was stopped for so long; that is no fault of its own. It has heard of no ban meanwhile."""
        now = self.seconds()
        heard = now + IN_FLIGHT
        self._bans = [
            (host, heard if now - seconds <= since - IN_FLIGHT else since, until)
            for host, since, until in self._bans
        ]
        if name in self.pulses:
            self.pulses[name].frozen += seconds

    def cycle(self, name: str, state: str, findings: Sequence[Mapping[str, object]]) -> None:
        """A cycle ended."""
        self.check(name)
        pulse, now = self.pulses[name], self.seconds()
        quiet = state in SILENT and not any(finding["alarm"] for finding in findings)
        pulse.troubled = (now if pulse.troubled is None else pulse.troubled) if quiet else None
        if pulse.troubled is not None and now - pulse.troubled > ALARM_WITHIN:
            self.breach("L2", f"{state} for {now - pulse.troubled:.0f} s without an alarm")
        pulse.beat, pulse.frozen = now, 0.0

    def check(self, name: str) -> None:
        """L3: every await ends, so a cycle ends in bounded time."""
        pulse = self.pulses.get(name)
        if pulse is None:
            return
        silence = self.seconds() - pulse.beat - pulse.frozen
        if silence > self.longest_cycle:
            self.breach("L3", f"{name} ended no cycle for {silence:.0f} s")
            pulse.beat = self.seconds()

    def banned(self, host: str, until: float) -> None:
        """A host has just said that it wants no request before then."""
        since = self.seconds() + IN_FLIGHT
        if not any(by == host and told <= since and until <= end for by, told, end in self._bans):
            self._bans.append((host, since, until))

    def request(self, host: str, path: str) -> None:
        """S9: a request arrived."""
        now = self.seconds()
        if any(by == host and since <= now < until for by, since, until in self._bans):
            self.banned_requests += 1
            self.breach("S9", f"{path} was asked for during a ban")
        self._requests.append(now)
        while self._requests[0] <= now - WITHIN:
            self._requests.popleft()
        if len(self._requests) > REQUESTS:
            self.breach("S9", f"{len(self._requests)} requests within {WITHIN:.0f} s")
            self._requests.clear()
