"""Do coins move between our own wallets? Then the hedge only reduces until both show them. A move that
failed of late is told: collateral does not come from there now."""

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.transfers import FINAL, TransferIntent, TransferStage
from hedgebot.risk.view import View

RECENT_MS = 600_000
FAILED = {TransferStage.REJECTED, TransferStage.ABSENT}
CONTENT = Finding("transfers", Permission.ANY, "0", "0", "no coins are on their way between wallets")


def check(view: View) -> Finding:
    if not view.transfers:
        return CONTENT
    moving = [transfer for transfer in view.transfers if transfer.stage not in FINAL]
    if moving:
        return _moving(moving, view)
    failed = [t for t in view.transfers if t.stage in FAILED and t.updated_at > view.at - RECENT_MS]
    return _failed(failed[-1]) if failed else CONTENT


def _moving(moving: list[TransferIntent], view: View) -> Finding:
    ours = [transfer for transfer in moving if transfer.request.account in view.hedge.accounts]
    if not ours:
        return _unreachable(moving[0])
    oldest = ours[0]
    age = max(0, view.at - oldest.written_at) / 1000
    # Within a dead account nothing is decided, and both its wallets are of one moment.
    dead = all(transfer.request.account in view.snapshot.dead for transfer in ours)
    return Finding(
        "transfers",
        Permission.ANY if dead else Permission.REDUCE_ONLY,
        str(len(ours)),
        "0",
        f"{_words(oldest)} is not in both yet, {age:.0f} s old",
        "Nothing: it is looked up each cycle; the hedge reduces where it cannot wait",
        alarms=age > 2 * view.hedge.settle_after,
    )


def _unreachable(oldest: TransferIntent) -> Finding:
    """On an account that is not the hedge's any more: nothing of it is counted here."""
    account = oldest.request.account
    reason = f"{_words(oldest)} is unresolved, and this hedge does not have that account any more"
    step = f"Look it up at the exchange; it is settled once accounts.{account} is configured again"
    return Finding("transfers", Permission.ANY, "1", "0", reason, step, alarms=True)


def _failed(last: TransferIntent) -> Finding:
    reason = f"{_words(last)}: {last.outcome}"
    step = "Nothing, unless it fails again: then move coins by hand, and check what the key may do"
    return Finding("transfers", Permission.ANY, last.stage.value, "", reason, step, alarms=True)


def _words(transfer: TransferIntent) -> str:
    request = transfer.request
    return f"the move of {request.coins} {request.asset} from {request.way} on {request.account}"
