"""What the pockets between which collateral moves show, and the coins on their way between two wallets."""

from collections.abc import Iterable

from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import FINAL, Pocket, Pockets, TransferIntent, TransferRequest
from hedgebot.domain.units import Coin


def pockets(snapshot: Snapshot, request: TransferRequest) -> Pockets | None:
    """Both pockets of a transfer; None where the snapshot does not show one of them."""
    source = coins_in(snapshot, request.account, request.source, request.symbol)
    target = coins_in(snapshot, request.account, request.target, request.symbol)
    return None if source is None or target is None else Pockets(source, target)


def on_the_way(snapshot: Snapshot, transfers: Iterable[TransferIntent]) -> Coin:
    """Coins to count besides the wallets', or (negative) not to count twice.

    An isolated margin is part of its margin wallet, so that moving coins there leaves none on the way.
    """
    total = Coin.zero()
    for transfer in transfers:
        if transfer.stage in FINAL or transfer.request.symbol:
            continue
        if (now := pockets(snapshot, transfer.request)) is not None:
            total += transfer.missing(now)
    return total


def coins_in(snapshot: Snapshot, account: str, pocket: Pocket, symbol: str) -> Coin | None:
    """Coins in one pocket, None where the snapshot does not show it. With a ``symbol``, whose isolated margin
    is the other pocket, those of the leg's margin wallet are without what is isolated."""
    if not symbol:
        wallets = snapshot.spot_wallets if pocket is Pocket.SPOT else snapshot.margin_wallets
        return next((wallet.coins for wallet in wallets if wallet.id.account == account), None)
    legs = [leg for leg in snapshot.legs if leg.policy.account == account]
    leg = next((leg for leg in legs if leg.policy.symbol == symbol), None)
    if leg is None:
        return None
    if pocket is Pocket.ISOLATED:
        return leg.position.margin
    together = (other.position.margin for other in legs if other.wallet.id == leg.wallet.id)
    return leg.wallet.coins - sum((margin for margin in together if margin), Coin.zero())
