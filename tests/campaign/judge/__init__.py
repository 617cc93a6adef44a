"""What must never be, and what must come true, judged from outside.

Nothing here knows how the daemon works: only the simulator and the standard library are imported. The truth
is the exchange's own, the journal is read as rows and JSON, the log as lines, the daemon's status as data.

    terms     what the operator asked for, as numbers
    control   what he has ordered since
    truth     what was held and sold at every instant, and by whose doing
    intents   the journal's rows
    orders    S2 to S7: each order against the truth at its arrival
    ladder    how far liquidation truly is, and what the collateral carries
    transfers S11: each move of coins between two pockets
    health    S8, S9, L1 to L3: what was said, asked for, and whether it went on
    bench     one judge over all of them
"""

from tests.campaign.judge.bench import Judge
from tests.campaign.judge.terms import Terms, Violation

__all__ = ["Judge", "Terms", "Violation"]
