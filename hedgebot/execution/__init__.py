"""EXECUTE and SETTLE: what leaves for an exchange, and finding out what became of it.

An order is written down, sent once and recorded. ``fate`` holds the pure judgements (what a reply, a
look-up or a snapshot proves about an order), ``settle`` and ``executor`` the awaiting around them.
No request that places anything is ever repeated: an unknown order is looked up until its fate is certain.
"""

from hedgebot.execution.executor import Execution, Executor, Rehearsal
from hedgebot.execution.settle import Settler

__all__ = ["Execution", "Executor", "Rehearsal", "Settler"]
