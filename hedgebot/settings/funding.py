"""What funding may cost, and what a basis may be, as the configuration writes them."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from hedgebot.domain.funding import Action, Budget
from hedgebot.settings.fields import RATIO, Section, duration, number, word


class Funding(Section):
    """What the shorts may cost in funding."""

    budget: Annotated[Decimal, number(above="0", most="10")] | None = Field(
        default=None,
        description="What funding may cost a year, as a share of the exposure: 0.2 is 20 %. Above 0, at most"
        " 10. Not set: no budget.",
    )
    windows: tuple[Annotated[timedelta, duration(least="1d", most="30d")], ...] = Field(
        default=(timedelta(days=7),),
        description="Over which spans of the past the cost is measured, out of the exchange's own ledger, and"
        " taken for a year. From 1d to 30d; the budget is exceeded when it is in one of them.",
    )
    action: Annotated[str, word(tuple(action.value for action in Action))] = Field(
        default=Action.ALARM.value,
        description='What is done then: "alarm" and no more; "floor", the ratio is held at floor or below'
        ' until funding is cheap again; "dated", the hedge moves to the next quarterly contract until then,'
        ' if that costs less; "unwind", the hedge is closed, and stays closed until it is resumed.',
    )
    floor: Annotated[Decimal, RATIO] = Field(
        default=Decimal("0.5"), description='The ratio that "floor" goes down to. From 0 to 1.'
    )

    @field_validator("windows")
    @classmethod
    def _some(cls, windows: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
        if not windows:
            raise ValueError("must have at least one window")
        return windows

    @model_validator(mode="after")
    def _with_a_budget(self) -> Self:
        if self.budget is None and self.action != Action.ALARM.value:
            raise ValueError("must have a budget for its action")
        return self

    def defined(self) -> Budget | None:
        """The budget in the words of ``domain``."""
        if self.budget is None:
            return None
        windows = tuple(window // timedelta(milliseconds=1) for window in self.windows)
        return Budget(self.budget, windows, Action(self.action), self.floor)


class Basis(Section):
    """How far the contract may be from what the coin is worth."""

    max: Annotated[Decimal, number(above="0", most="1")] | None = Field(
        default=None,
        description="While a contract's mark is further than this share from its index, or from the spot"
        " price of the coin in tether on the same exchange, nothing more is sold; 0.01 is 1 %. Above 0, at"
        " most 1. Not set: no such bound, and no spot price is asked for.",
    )
