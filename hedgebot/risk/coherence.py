"""Is the snapshot one moment's truth? Complete, its prices agreeing, its wallets and positions too.

A position that vanished while the wallet still shows its profit or margin, or a wallet emptied under
an open position, is incoherent however long it lasts, and never a fall of what is held.
"""

from collections.abc import Iterator
from decimal import Decimal

from hedgebot.domain.account import Position, Wallet
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.linear import LinearShort
from hedgebot.domain.snapshot import Blind, Leg, Snapshot
from hedgebot.domain.units import ZERO, Coin, Price
from hedgebot.risk.view import View

STALE_MS = 60_000
"""How old the market's figures may be by the exchange's own clock."""

MARKS_APART = Decimal("0.02")
"""How far a position's mark may be from the market's, read a moment apart."""

PROFIT_APART = Decimal("0.005")
"""How far two figures of one unrealised PnL may be apart, as a share of what is short."""

MARGIN_APART = Decimal("0.02")
"""How far a wallet's bound margin may be from its positions'."""

DUST = Decimal("0.0000002")
"""Coins that rounding to 8 decimals in several fields can hide."""


def check(view: View) -> Finding:
    if isinstance(view.observed, Blind):
        return _blind(tuple(view.observed.reasons), halts=view.observed.refused)
    reasons = tuple(_contradictions(view.observed, view.hedge.limits.jump))
    if reasons:
        return _blind(reasons, halts=False)
    age = f"{view.observed.ended - view.observed.started:.2f} s"
    return Finding("coherence", Permission.ANY, age, "", "complete, and its parts agree")


def _blind(reasons: tuple[str, ...], *, halts: bool) -> Finding:
    step = "Renew the key, then restart" if halts else "Nothing: it is read again each cycle"
    return Finding(
        "coherence",
        Permission.NONE,
        f"{len(reasons)} faults",
        "0",
        "; ".join(reasons),
        step,
        blinds=True,
        halts=halts,
        alarms=True,
    )


def _contradictions(snapshot: Snapshot, jump: Decimal) -> Iterator[str]:
    now = snapshot.at + snapshot.offset_ms
    for leg in snapshot.legs:
        if now - leg.quote.at > STALE_MS:
            yield f"{leg.name}: its prices are {(now - leg.quote.at) / 1000:.0f} s old"
        yield from _prices(leg, jump)
        yield from _profit(leg)
    for wallet in snapshot.margin_wallets:
        short = sum((leg.short.short for leg in snapshot.legs if leg.wallet.id == wallet.id), Coin.zero())
        yield from _wallet(wallet, _positions(snapshot, wallet), short)


def _prices(leg: Leg, jump: Decimal) -> Iterator[str]:
    quote = leg.quote
    if leg.position.mark and _apart(leg.position.mark, quote.mark) > MARKS_APART:
        yield f"{leg.name}: the position is marked at {leg.position.mark}, the market at {quote.mark}"
    if _apart(quote.index, quote.mark) > jump:
        yield f"{leg.name}: index {quote.index} and mark {quote.mark} are too far apart"
    if not quote.bids or not quote.asks:
        yield f"{leg.name}: the order book is empty"
        return
    bid, ask = quote.bids[0][0], quote.asks[0][0]
    if bid >= ask or _apart(bid, quote.mark) > jump or _apart(ask, quote.mark) > jump:
        yield f"{leg.name}: bid {bid}, ask {ask} and mark {quote.mark} do not fit together"


def _profit(leg: Leg) -> Iterator[str]:
    """The exchange's profit of an inverse short against ours, from the same position's size and prices."""
    ours, theirs = leg.short.unrealized, leg.position.unrealized
    linear = isinstance(leg.short, LinearShort)
    if leg.short.notional and not linear and abs(ours - theirs).value > _tolerance(leg.short.short):
        yield f"{leg.name}: the exchange shows {theirs} unrealised, its size and prices make {ours}"


def _wallet(wallet: Wallet, positions: tuple[Position, ...], short: Coin) -> Iterator[str]:
    profit = sum((p.unrealized for p in positions), Coin.zero())
    if abs(wallet.unrealized - profit).value > _tolerance(short):
        yield (
            f"{wallet.id.account}: the wallet shows {wallet.unrealized} {wallet.id.asset} unrealised,"
            f" its positions {profit}"
        )
    margin = sum((p.initial_margin for p in positions), Coin.zero())
    apart = abs((wallet.position_margin - margin).value)
    if apart > MARGIN_APART * max(margin, wallet.position_margin).value + DUST:
        yield (
            f"{wallet.id.account}: the wallet binds {wallet.position_margin} {wallet.id.asset} as margin,"
            f" its positions {margin}"
        )
    alone = wallet.other_margin.value <= ZERO and any(p.contracts for p in positions)
    if alone and (wallet.coins + min(wallet.unrealized, Coin.zero())).value <= ZERO:
        yield f"{wallet.id.account}: {wallet.coins} {wallet.id.asset} cannot carry the open positions"


def _tolerance(short: Coin) -> Decimal:
    return PROFIT_APART * short.value + DUST


def _positions(snapshot: Snapshot, wallet: Wallet) -> tuple[Position, ...]:
    """Everything that the wallet margins, legs or not."""
    legs = tuple(leg.position for leg in snapshot.legs if leg.wallet.id == wallet.id)
    return legs + tuple(p for account, p in snapshot.others if account == wallet.id.account)


def _apart(one: Price, other: Price) -> Decimal:
    return abs(one / other - 1)
