"""What goes wrong, one function a class of trouble, one file a topic.

A trouble says how it is drawn (how long it lasts, and its figures) and how it strikes; it counts each time
that it did strike, so that a campaign can tell what it tested. All of it is over when its time is.
"""

from tests.campaign.troubles import disk, market, operator, orders, process, reads, wire
from tests.campaign.troubles.kinds import KINDS, Kind, Scope

__all__ = ["KINDS", "Kind", "Scope", "disk", "market", "operator", "orders", "process", "reads", "wire"]
