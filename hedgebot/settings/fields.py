"""The kinds of field that the models are made of: how each is checked, and how the JSON Schema tells it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from hedgebot.settings import durations, values

LONGEST_NUMBER = 40
SHARES_END_AT = 5
"""A field whose bound is at most this is a share of one: 30 in it was meant as a percentage."""


class Section(BaseModel):
    """A table: no keys but its own, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """Metadata of a field: ``check`` returns the value or raises ``ValueError``; ``shape`` is its schema."""

    check: Callable[[object], object]
    shape: Mapping[str, object]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return dict(self.shape)


def number(*, above: str | None = None, least: str | None = None, most: str) -> Check:
    """An exact number within bounds; the lower one is ``least`` or, not itself allowed, ``above``."""
    low, high = Decimal(least or above or "0"), Decimal(most)

    def check(value: object) -> Decimal:
        found = values.exact(value)
        if above is not None and found <= low:
            raise ValueError(f"must be above {above}, not {_shown(found)}")
        if found < low:
            raise ValueError(f"must be at least {least}, not {_shown(found)}")
        if found > high:
            raise ValueError(f"must be at most {most}, not {_shown(found)}{_as_share(found, high)}")
        return found

    bound = "minimum" if above is None else "exclusiveMinimum"
    return Check(
        check,
        {
            "anyOf": [
                {"type": "number", bound: json_number(low), "maximum": json_number(high)},
                {"type": "string", "pattern": values.NUMBER},
            ]
        },
    )


def count(*, least: int, most: int) -> Check:
    """A whole number within bounds."""

    def check(value: object) -> int:
        found = values.whole(value)
        if not least <= found <= most:
            raise ValueError(f"must be from {least} to {most}, not {found}")
        return found

    return Check(check, {"type": "integer", "minimum": least, "maximum": most})


def duration(*, least: str, most: str) -> Check:
    """A length of time within bounds."""
    low, high = durations.parse(least), durations.parse(most)

    def check(value: object) -> timedelta:
        found = durations.parse(value)
        if not low <= found <= high:
            raise ValueError(f"must be from {least} to {most}, not {durations.text(found)}")
        return found

    return Check(check, {"type": "string", "pattern": durations.PATTERN})


def text(check: Callable[[str], str], pattern: str | None = None) -> Check:
    """Text that ``check`` takes."""

    def checked(value: object) -> str:
        if isinstance(value, str):
            return check(value)
        raise ValueError("must be text in quotes")

    return Check(checked, {"type": "string", "pattern": pattern} if pattern else {"type": "string"})


def hidden(check: Callable[[str], str]) -> Check:
    """Text that ``check`` takes and that nothing shows."""
    plain = text(check)

    def checked(value: object) -> SecretStr:
        shown = value.get_secret_value() if isinstance(value, SecretStr) else value
        return SecretStr(str(plain.check(shown)))

    return Check(checked, plain.shape)


def word(options: tuple[str, ...], later: tuple[str, ...] = ()) -> Check:
    """A word of a closed list."""
    return Check(lambda value: values.one_of(value, options, later), {"enum": list(options)})


def json_number(value: Decimal) -> int | float:
    """``value`` as the JSON Schema has it, for people and editors; nothing is computed with it."""
    return int(value) if value == int(value) else float(value)


def _shown(number: Decimal) -> str:
    text = f"{number:f}"
    return text if len(text) <= LONGEST_NUMBER else f"{number:.3E}"


def _as_share(found: Decimal, most: Decimal) -> str:
    if most > SHARES_END_AT or found / 100 > most:
        return ""
    return f". For {found.normalize():f} % write {(found / 100).normalize():f}"


RATIO = number(least="0", most="1")
Instant = Annotated[datetime, Check(values.instant, {"type": "string", "format": "date-time"})]
Flag = Annotated[bool, Check(values.flag, {"type": "boolean"})]
Name = Annotated[str, text(values.name, values.NAME)]
