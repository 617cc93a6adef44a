"""The ratio as the configuration writes it: a number, or a table of policies that move it."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, SecretStr, Tag, field_validator, model_validator

from hedgebot.domain.policy import After, External, Policies, Signal, Steps, Window
from hedgebot.domain.units import Millis
from hedgebot.settings import values
from hedgebot.settings.fields import RATIO, Instant, Section, duration, hidden, number, text, word

NUMBER, TABLE = "[number]", "[table]"
"""What the two kinds of ratio are called in the models' errors, where nobody reads it."""

SHARE = number(least="-10", most="10")
DAY = timedelta(days=1)


class StepEntry(Section):
    """A step: from which value of the signal on, which ratio."""

    at: Annotated[Decimal, SHARE] = Field(
        description="The step is taken when the signal is at or above this. From -10 to 10."
    )
    ratio: Annotated[Decimal, RATIO] = Field(description="The ratio from there on. From 0 to 1.")


class StepsTable(Section):
    """The ratio in steps over one signal."""

    signal: Annotated[str, word(tuple(signal.value for signal in Signal))] = Field(
        description="What they follow: volatility (realised, annualised: 0.6 is 60 %), drawdown (from the"
        " highest close: 0.1 is 10 % below), average (distance from the moving average: -0.05 is 5 % below)"
        " or funding (the running rate, annualised; negative where the short pays).",
    )
    window: Annotated[timedelta, duration(least="1d", most="365d")] = Field(
        default=30 * DAY,
        description="Over how much of the past the signal is measured: whole days, from 1d to 365d, in hourly"
        " bars up to 30d and in daily ones beyond. Not for funding.",
    )
    hysteresis: Annotated[Decimal, number(least="0", most="5")] = Field(
        default=Decimal("0.02"),
        description="A step is left when the signal is below its own value by more than this. From 0 to 5.",
    )
    steps: tuple[StepEntry, ...] = Field(
        description="The steps, at ascending values of the signal. Below the first, what holds without them."
    )

    @field_validator("window")
    @classmethod
    def _whole_days(cls, window: timedelta) -> timedelta:
        if window % DAY:
            raise ValueError('must be whole days, such as "30d"')
        return window

    @field_validator("steps")
    @classmethod
    def _ascending(cls, steps: tuple[StepEntry, ...]) -> tuple[StepEntry, ...]:
        if not steps:
            raise ValueError("must have at least one step")
        if any(one.at >= other.at for one, other in pairwise(steps)):
            raise ValueError("must be at ascending values of the signal")
        return steps

    def defined(self) -> Steps:
        levels = tuple((step.at, step.ratio) for step in self.steps)
        return Steps(Signal(self.signal), _ms(self.window), levels, self.hysteresis)


class ExternalTable(Section):
    """The ratio that another program writes."""

    file: Annotated[str, text(values.document)] | None = Field(
        default=None, description="The file that it writes; a relative path starts beside the store."
    )
    url: Annotated[SecretStr, hidden(values.source)] | None = Field(
        default=None,
        description="Or the address where it answers: https, or plain http to this machine itself. No other"
        " host is ever asked, redirects are not followed.",
    )
    valid_for: Annotated[timedelta, duration(least="10s", most="30d")] = Field(
        default=timedelta(hours=1),
        description="How long its word holds after the time at which it says that it was written. From 10s to"
        " 30d.",
    )
    then: Annotated[str, word(tuple(after.value for after in After))] = Field(
        default=After.KEEP.value,
        description='What holds after that: "keep", the last target, or "return", what holds without it.',
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.file is None) == (self.url is None):
            raise ValueError("must have a file or a url, and not both")
        return self

    @property
    def address(self) -> str | None:
        return None if self.url is None else self.url.get_secret_value()

    def defined(self) -> External:
        return External(_ms(self.valid_for), After(self.then))


class WindowEntry(Section):
    """A window of time with its own ratio."""

    start: Instant = Field(description="When it begins, with its zone, such as 2026-12-01T00:00:00Z.")
    end: Instant | None = Field(default=None, description="When it ends. Not set: never.")
    ratio: Annotated[Decimal, RATIO] = Field(description="The ratio meanwhile. From 0 to 1.")

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("must end after it starts")
        return self


class ScheduleTable(Section):
    """The ratio by the calendar."""

    windows: tuple[WindowEntry, ...] = Field(
        description="Windows of time with a ratio each, in order. Between them, what holds without them."
    )
    then: Annotated[Literal["return", "unwind"], word(("return", "unwind"))] = Field(
        default="return",
        description='What happens at the end of the last window: "return" to what holds without it, or'
        ' "unwind": the hedge is closed, and stays closed until it is resumed.',
    )

    @field_validator("windows")
    @classmethod
    def _in_order(cls, windows: tuple[WindowEntry, ...]) -> tuple[WindowEntry, ...]:
        if not windows:
            raise ValueError("must have at least one window")
        for one, other in pairwise(windows):
            if one.end is None or one.end > other.start:
                raise ValueError("must be in order and must not overlap")
        return windows

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.then == "unwind" and self.windows[-1].end is None:
            raise ValueError("must have an end in the last window, to unwind then")
        return self

    def defined(self) -> tuple[Window, ...]:
        return tuple(
            Window(_at(each.start), None if each.end is None else _at(each.end), each.ratio)
            for each in self.windows
        )

    @property
    def unwinds_at(self) -> Millis | None:
        end = self.windows[-1].end
        return _at(end) if self.then == "unwind" and end is not None else None


class Ratio(Section):
    """Policies that move the ratio, each with the word over those before it."""

    fixed: Annotated[Decimal, RATIO] = Field(
        default=Decimal(1), description="The ratio where no other policy says anything. From 0 to 1."
    )
    steps: StepsTable | None = Field(default=None, description="The ratio in steps over one signal.")
    external: ExternalTable | None = Field(default=None, description="The ratio that another program writes.")
    schedule: ScheduleTable | None = Field(default=None, description="The ratio by the calendar.")

    def defined(self) -> Policies:
        """The policies in the words of ``domain``."""
        return Policies(
            steps=self.steps.defined() if self.steps else None,
            external=self.external.defined() if self.external else None,
            windows=self.schedule.defined() if self.schedule else (),
            unwind_at=self.schedule.unwinds_at if self.schedule else None,
        )


def _kind(value: Any) -> str:
    return TABLE if isinstance(value, dict | Ratio) else NUMBER


NumberOrTable = Annotated[
    Annotated[Decimal, RATIO, Tag(NUMBER)] | Annotated[Ratio, Tag(TABLE)], Discriminator(_kind)
]


def _at(instant: datetime) -> Millis:
    return Millis(round(instant.timestamp() * 1000))


def _ms(length: timedelta) -> int:
    return length // timedelta(milliseconds=1)
