"""The journal's rows, read without the program that wrote them."""

import json
import sqlite3
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

FIRST, LOST = "reserved", "lost with its journal"
OVER = frozenset({"closed", "rejected", "absent", LOST})
ROWS = "SELECT id, client_id, leg, stage, body FROM intents WHERE id > ? ORDER BY id"


@dataclass
class Written:
    """One order in the journal: the stages that it went through, and what was written last."""

    client_id: str
    leg: str
    stages: list[str] = field(default_factory=list)
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        return self.stages[-1] in OVER

    @property
    def filled(self) -> Fraction:
        return Fraction(self.body["filled"])


class Intents:
    """All orders that were ever in the journal at ``path``, also in those that were there before it."""

    def __init__(self, path: Path) -> None:
        self.written: dict[str, Written] = {}
        self.texts: list[str] = []
        self.vanished: list[str] = []
        self._path = path
        self._seen = 0

    def sync(self) -> list[str]:
        """Read what is new, to ``texts``; what is no longer there though nobody lost it goes to ``vanished``.
        Returns the legs on which more than one order is not over."""
        self.texts.clear()
        before, was_lost = self._seen, self._lost
        if not self._path.exists():
            return []
        db = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            (last,) = db.execute("SELECT coalesce(max(id), 0) FROM intents").fetchone()
            if last < before:
                self.lose()
            for row, client_id, leg, stage, body in db.execute(ROWS, (self._seen,)):
                if stage == FIRST:
                    self.written[client_id] = Written(client_id, leg)
                known = self.written[client_id]
                known.stages.append(stage)
                known.body = json.loads(body)
                self.texts.append(body)
                self._seen = row
        finally:
            db.close()
        self.vanished = sorted(self._lost - was_lost) if last < before else []
        waiting = [each.leg for each in self.written.values() if not each.over]
        return sorted({leg for leg in waiting if waiting.count(leg) > 1})

    @property
    def _lost(self) -> set[str]:
        return {each.client_id for each in self.written.values() if each.stages[-1] == LOST}

    def lose(self) -> None:
        """The file was lost, or its last rows: what is still there is read again."""
        self._seen = 0
        for each in self.written.values():
            each.stages.append(LOST)
