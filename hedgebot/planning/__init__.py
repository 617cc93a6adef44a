"""PLAN: what to do next, or nothing, always with a reason. Pure: snapshot + assessment + target -> plan.

``policy`` says where the ratio should be, ``hedge_size`` turns the way there into whole lots,
``decide`` weighs both against the band, the permission and the market, ``collateral`` against liquidation;
``spare`` moves what the margin does not need.
"""

from hedgebot.planning.collateral import step_taken
from hedgebot.planning.decide import decide
from hedgebot.planning.policy import follow, target

__all__ = ["decide", "follow", "step_taken", "target"]
