"""What a reply to a write proves: accepted, rejected, or nothing.

Only a code that an exchange's table lists for the operation means "rejected", and only in a well-formed
reply. Everything else is unknown until the exchange shows the order or its absence is certain.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.units import Millis
from hedgebot.errors import ConversionError
from hedgebot.exchange.convert import Fields


class Operation(StrEnum):
    PLACE = "place"
    CANCEL = "cancel"
    LEVERAGE = "set leverage"
    MARGIN_MODE = "set margin mode"
    TRANSFER = "move coins between wallets"
    MARGIN = "move coins to or from an isolated margin"


@dataclass(frozen=True, slots=True)
class Answer:
    """A well-formed reply: the exchange's code and message, its clock (None if not told), its result."""

    ok: bool
    code: str
    message: str
    at: Millis | None
    result: object
    where: str

    @property
    def fields(self) -> Fields:
        """The result as an object. Raises ``ConversionError``."""
        return Fields(self.result, self.where)


@dataclass(frozen=True, slots=True)
class Codes:
    """What an exchange's codes mean, each with its meaning in a few words.

    ``credentials``: our key is refused. ``passing``: reads may be tried again. ``refused``: no write of any
    kind was accepted, and likewise ``rejected`` for one operation. ``already``: the write asks for what is
    so. ``absent``: a read says that what it was asked for is not there. A code that stands in none of them
    proves nothing.
    """

    credentials: Mapping[str, str]
    passing: Mapping[str, str]
    refused: Mapping[str, str]
    rejected: Mapping[Operation, Mapping[str, str]]
    already: Mapping[Operation, Mapping[str, str]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    def judge(self, operation: Operation, answer: Answer, accepted: Callable[[Answer], str]) -> Outcome:
        """The fate of a write. ``accepted`` finds the id in a success, or raises ``ConversionError``."""
        if answer.ok:
            try:
                return Outcome(Fate.ACCEPTED, "accepted", accepted(answer))
            except ConversionError as doubt:
                return Outcome(Fate.UNKNOWN, str(doubt))
        said = f"code {answer.code}: {answer.message}"
        if meaning := self.already.get(operation, {}).get(answer.code):
            return Outcome(Fate.ACCEPTED, f"{meaning} ({said})")
        if meaning := self._rejection(operation, answer.code):
            return Outcome(Fate.REJECTED, f"{meaning} ({said})")
        return Outcome(Fate.UNKNOWN, f"not a listed rejection ({said})")

    def _rejection(self, operation: Operation, code: str) -> str | None:
        tables = (self.credentials, self.refused, self.rejected.get(operation, {}))
        return next((table[code] for table in tables if code in table), None)
