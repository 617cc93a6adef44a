"""How dated legs move on, as the configuration writes it."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from hedgebot.domain.hedge import Roll as Rule
from hedgebot.settings.fields import Section, count, duration


class Roll(Section):
    """How a dated leg moves to the next contract before its own ends."""

    before: Annotated[timedelta, duration(least="1h", most="60d")] = Field(
        default=timedelta(days=3),
        description="How long before the end of its contract a dated leg moves to the next quarterly one."
        " From 1h to 60d.",
    )
    slices: Annotated[int, count(least=1, most=50)] = Field(
        default=5,
        description="In how many parts: each is sold in the new contract and bought back in the old one"
        " before the next. From 1 to 50; each takes two orders.",
    )

    def defined(self) -> Rule:
        """The same in the words of ``domain``."""
        return Rule(self.before // timedelta(milliseconds=1), self.slices)
