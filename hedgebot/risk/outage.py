"""Can every leg be read? One that cannot counts as last confirmed, and is not traded; the others go on."""

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.hedge import Hedge, LegDown
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.status import iso
from hedgebot.risk.view import View

CONTENT = Finding("outage", Permission.ANY, "0", "0", "every leg can be read")
STEPS = {
    LegDown.WAIT: 'Nothing, if the exchange comes back; if_leg_down = "others" sells its share elsewhere',
    LegDown.OTHERS: "Nothing, if the exchange comes back: what is still to be sold goes to the other legs",
}


def check(view: View) -> Finding:
    if not view.snapshot.dead:
        return CONTENT
    dead = [leg for leg in view.snapshot.legs if leg.dead is not None]
    reason = "; ".join([_words(leg, view.hedge) for leg in dead])
    measured, step = f"{len(dead)} of {len(view.snapshot.legs)} legs", STEPS[view.hedge.if_leg_down]
    return Finding("outage", Permission.ANY, measured, "0", reason, step, alarms=True)


def _words(leg: Leg, hedge: Hedge) -> str:
    assert leg.dead is not None
    short, coins = abs(leg.position.contracts), f"{leg.wallet.coins} {hedge.asset}"
    counts = f"counts as then, {short} contracts short, with {coins} behind them"
    return f"{leg.name} was last read on {iso(leg.dead.since)} and {counts}: {leg.dead.reason}"
