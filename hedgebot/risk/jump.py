"""Did coins or the price move more than belongs to one step? Then wait until more snapshots agree."""

from hedgebot.domain.decision import Finding, Permission
from hedgebot.risk.memory import FALL_SECONDS, SNAPSHOTS
from hedgebot.risk.view import View


def check(view: View) -> Finding:
    limit = f"{view.hedge.limits.jump}"
    fall, moved = view.memory.fall, view.memory.moved
    if fall:
        return Finding(
            "jump",
            Permission.NONE,
            f"{view.memory.held} to {view.snapshot.exposure.held}",
            limit,
            f"coins held fell by more than {limit}: {fall.count} of {SNAPSHOTS} snapshots agree,"
            f" {view.now - fall.since:.0f} of {FALL_SECONDS:.0f} s",
            "Check the wallets if you moved no coins",
            alarms=True,
        )
    if moved:
        return Finding(
            "jump",
            Permission.NONE,
            str(moved.value),
            limit,
            f"the price moved by more than {limit} at once: {moved.count} of {SNAPSHOTS} snapshots agree",
            "Nothing: orders wait for two more snapshots",
            alarms=True,
        )
    return Finding("jump", Permission.ANY, "steady", limit, "coins and prices moved in believable steps")
