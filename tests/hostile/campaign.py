"""Damaged replies by the thousand: each is one number of one seed, and can be had again by it."""

import json
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from hedgebot.errors import HedgebotError
from hedgebot.exchange.wire import Reply
from tests.hostile.draw import Pattern, Sample
from tests.hostile.judge import judged
from tests.hostile.mutations import KINDS, damaged
from tests.hostile.recorded import recorded
from tests.hostile.replay import CALLS, ENVELOPES, Damaged, Facts, Rig
from tests.hostile.tape import Request, Tape
from tests.hostile.verdict import READ, Believed, Evidence, Verdict

READS = 0.7
"""How often it is a reply of the reading that decisions are made of."""

FIRST = 0.2
"""How often it is the first that the account asks for since the daemon started."""

SHOWN = 20
"""Violations that a summary tells; all are counted."""


@dataclass(frozen=True)
class Case:
    """A reply that can be damaged: the account it belongs to, and the call that asks for it."""

    rig: Rig
    believed: Believed
    call: str
    request: Request
    sample: Sample

    def __str__(self) -> str:
        return f"{self.rig.tape.name}, {self.call}, {self.request}"


@dataclass(frozen=True)
class Result:
    """What became of one payload."""

    case: Case
    kind: str
    done: str
    reply: Reply
    verdict: Verdict


@dataclass
class Summary:
    """Many of them. Two add up to one."""

    payloads: int = 0
    by_outcome: Counter[str] = field(default_factory=Counter)
    by_exchange: Counter[str] = field(default_factory=Counter)
    by_endpoint: Counter[str] = field(default_factory=Counter)
    by_damage: Counter[str] = field(default_factory=Counter)
    violations: int = 0
    shown: list[str] = field(default_factory=list)

    def add(self, name: str, result: Result) -> None:
        case, verdict = result.case, result.verdict
        self.payloads += 1
        self.by_outcome[verdict.outcome] += 1
        self.by_exchange[case.rig.tape.venue.name] += 1
        self.by_endpoint[f"{case.rig.tape.venue.name} {case.request.path}"] += 1
        self.by_damage[result.kind] += 1
        if verdict.wrong:
            self.violations += 1
            self.shown.append(f"{name}: {case}: {result.done}: {verdict.outcome}: {verdict.wrong}")
            del self.shown[SHOWN:]

    def merged(self, other: "Summary") -> "Summary":
        return Summary(
            self.payloads + other.payloads,
            self.by_outcome + other.by_outcome,
            self.by_exchange + other.by_exchange,
            self.by_endpoint + other.by_endpoint,
            self.by_damage + other.by_damage,
            self.violations + other.violations,
            (self.shown + other.shown)[:SHOWN],
        )

    def as_json(self) -> dict[str, Any]:
        counts = {
            name: dict(sorted(getattr(self, name).items()))
            for name in ("by_outcome", "by_exchange", "by_endpoint", "by_damage")
        }
        return {"payloads": self.payloads, **counts, "violations": self.violations, "shown": self.shown}


@dataclass
class Arena:
    """All replies that there are, by endpoint, ready to be damaged."""

    reads: Sequence[Sequence[Case]]
    others: Sequence[Sequence[Case]]

    @classmethod
    async def of(cls, tapes: Sequence[Tape], payloads: Path | None) -> "Arena":
        """Of these accounts; and of the real exchanges' own replies, where the folder of them is there."""
        cases: list[Case] = []
        for tape in tapes:
            real = recorded(payloads, tape.venue.name) if payloads else {}
            cases += await _cases(tape, tapes, real)
        reads = [case for case in cases if case.call == READ]
        return cls(_by_endpoint(reads), _by_endpoint(case for case in cases if case.call != READ))

    def only(self, *paths: str) -> "Arena":
        """The replies of these paths alone."""
        kept = [[c for c in cases if c.request.path in paths] for cases in (*self.reads, *self.others)]
        return Arena([cases for cases in kept if cases], [cases for cases in kept if cases])

    async def payload(self, seed: int, index: int) -> Result:
        """The payload of that number, and what became of it."""
        rng = Random((seed << 40) + index)
        case = rng.choice(rng.choice(self.reads if rng.random() < READS else self.others))
        kind, facts = rng.choice(KINDS), Facts.UNREAD
        if rng.random() > FIRST:
            facts = Facts.KNOWN if (case.call, case.request) in case.rig.quick else Facts.OLD
        reply, done = damaged(case.sample, kind, rng)
        verdict = await _verdict(case, Damaged(case.request, reply), facts)
        return Result(case, kind, done, reply, verdict)

    async def play(self, seed: int, indices: Iterable[int]) -> Summary:
        summary = Summary()
        for index in indices:
            summary.add(f"{seed}:{index}", await self.payload(seed, index))
        return summary


def _by_endpoint(cases: Iterable[Case]) -> list[list[Case]]:
    found: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        found.setdefault((case.rig.tape.venue.name, case.request.path), []).append(case)
    return list(found.values())


async def _verdict(case: Case, damage: Damaged, facts: Facts) -> Verdict:
    try:
        said = await case.rig.play(case.call, damage, facts)
    except HedgebotError as error:
        text = str(error)
        return Verdict("refused", "" if text.isprintable() else f"says {text!r}")
    except Exception as error:  # noqa: BLE001 - whatever else it is, it is a violation
        return Verdict("broken", _told(error))
    try:
        return judged(Evidence(case.believed, damage, said, case.believed.truths[case.call]))
    except Exception as error:  # noqa: BLE001 - likewise, in the stages behind
        return Verdict("broken later", _told(error))


def _told(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{error!r} in {place.filename.rpartition('/')[2]}:{place.lineno}"


async def _cases(tape: Tape, tapes: Sequence[Tape], real: Mapping[str, list[Any]]) -> list[Case]:
    """One for each call and request; real replies in the place of taped ones are more."""
    rig = await Rig.of(tape)
    await rig.play(READ)
    truths = {call: await rig.play(call) for call in CALLS}
    believed, cases = Believed.after(tape, truths), list[Case]()
    samples = dict[Request, list[Sample]]()
    for request in dict.fromkeys(each for asked in rig.asks.values() for each in asked):
        own, recordings = rig.source.reply(request), real.get(request.path, [])
        others, used = [*_others(request, tape, tapes), *recordings], list(_used(rig, request))
        bodies = [own.body, *(json.dumps(document).encode() for document in recordings)]
        samples[request] = [Sample.of(replace(own, body=body), used, others) for body in bodies]
    for call in CALLS:
        for request in rig.asks[call]:
            cases += [Case(rig, believed, call, request, sample) for sample in samples[request]]
    return cases


def _used(rig: Rig, request: Request) -> Iterator[Pattern]:
    """The fields of a reply that matter: its envelope, and what the program looked at."""
    seen: Mapping[Pattern, None] = rig.source.used.get(request, {})
    document = json.loads(rig.source.reply(request).body)
    if ENVELOPES[rig.tape.venue.name] or not seen:
        yield from ((key,) for key in document)
    for pattern in seen:
        yield from ((*pattern, *["*"] * depth) for depth in range(3))


def _others(request: Request, tape: Tape, tapes: Sequence[Tape]) -> Iterator[Any]:
    """True replies to the same question elsewhere, and to a like question here."""
    for other in tapes:
        if other.venue is tape.venue:
            for known, reply in other.replies.items():
                if known.path == request.path and (other is not tape or known != request):
                    yield json.loads(reply.body)
