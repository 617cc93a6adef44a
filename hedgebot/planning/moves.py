"""Coins to move between two pockets of an account, and between which nothing can be moved now."""

from collections import Counter
from collections.abc import Sequence
from decimal import ROUND_FLOOR, Decimal

from hedgebot.domain.decision import PlannedTransfer
from hedgebot.domain.instrument import settled_in
from hedgebot.domain.pockets import coins_in
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.transfers import FINAL, Pocket, Pockets, TransferIntent, TransferStage
from hedgebot.domain.units import WIDE, Coin

AGAIN_MS = 600_000
"""How long two pockets are left alone after the exchange refused a transfer between them. Into an
isolated margin that takes two: one refusal may be because the position was gone at that moment."""

PLACES = Decimal("1e-8")


def closed(snapshot: Snapshot, transfers: Sequence[TransferIntent]) -> set[str]:
    """Pairs of pockets between which nothing can be moved now."""
    since, now = snapshot.at - AGAIN_MS, snapshot.at  # what is dated later was, before the clock was set back
    moving = {transfer.request.pair for transfer in transfers if transfer.stage not in FINAL}
    refused = [
        transfer.request
        for transfer in transfers
        if transfer.stage is TransferStage.REJECTED and since < transfer.updated_at <= now
    ]
    times = Counter(request.pair for request in refused)
    return moving | {each.pair for each in refused if times[each.pair] > (each.target is Pocket.ISOLATED)}


def planned(
    snapshot: Snapshot, leg: Leg, coins: Decimal, source: Pocket, target: Pocket
) -> PlannedTransfer | None:
    """At most ``coins`` from one pocket of a leg's account to another; None where one is not shown."""
    account = leg.policy.account
    symbol = leg.policy.symbol if Pocket.ISOLATED in (source, target) else ""
    before, after = (coins_in(snapshot, account, pocket, symbol) for pocket in (source, target))
    if before is None or after is None:
        return None
    amount = Coin(coins.quantize(PLACES, ROUND_FLOOR, WIDE))
    return PlannedTransfer(account, amount, source, target, symbol, Pockets(before, after))


def worded(moved: PlannedTransfer, snapshot: Snapshot) -> str:
    """A move in words: "move 0.1 BTC from spot to margin on main"."""
    coin = settled_in(moved.symbol) if moved.symbol else snapshot.asset
    return f"move {moved.coins} {coin} from {moved.source} to {moved.target} on {moved.account}"
