"""How the margin of the legs is looked after, as the configuration writes it."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from hedgebot.domain.hedge import CollateralPolicy
from hedgebot.settings.fields import Flag, Section, number


class Collateral(Section):
    """How the margin of coin-margined legs is looked after."""

    enabled: Flag = Field(
        default=True,
        description="Nearer to liquidation than liquidation.warn, coins are moved to a leg's margin; nearer"
        " than liquidation.act, and without coins to move, part of its short is bought back. false: neither,"
        " only the alarms stay.",
    )
    max_leverage: Annotated[Decimal, number(above="1", most="125")] | None = Field(
        default=None,
        description="Coins are moved to a leg as well when its leverage at mark, what is short over its"
        " margin with unrealised profit, is above this, and no sale leads there. Above 1, at most 125. Not"
        " set: only liquidation.warn counts.",
    )
    min_leverage: Annotated[Decimal, number(above="1", most="125")] | None = Field(
        default=None,
        description="When a leg's leverage at mark is below this, what can be withdrawn of its margin leaves"
        " it: to the pot of an isolated leg, and on to the spot wallet where there is one. Above 1; below the"
        " leverage at which coins that move to a leg leave it. Not set: coins stay in the margin.",
    )
    home_when_unwound: Flag = Field(
        default=False,
        description="Once a hedge is unwound entirely, by command, schedule or budget, what can be withdrawn"
        " of its margin wallets goes to the spot wallets, once.",
    )

    @field_validator("min_leverage")
    @classmethod
    def _below_max(cls, least: Decimal | None, info: ValidationInfo) -> Decimal | None:
        most = info.data.get("max_leverage")
        if least is not None and most is not None and least >= most:
            raise ValueError(f"must be below max_leverage ({most:f}), not {least:f}")
        return least

    def defined(self) -> CollateralPolicy:
        """The same in the words of ``domain``."""
        return CollateralPolicy(self.enabled, self.max_leverage, self.min_leverage, self.home_when_unwound)
