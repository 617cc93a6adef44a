"""Is the snapshot one moment's truth? Complete, its prices agreeing, its wallets and positions too.

A position that vanished while the wallet still shows its profit or margin, or a wallet emptied under
an open position, is incoherent however long it lasts, and never a fall of what is held. So is a position
older than one already seen: a replica that lags would have us trade again what was traded since.
"""

from collections.abc import Iterator
from decimal import Decimal

from hedgebot.domain.account import Position, Wallet, WalletId
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.instrument import settled_in
from hedgebot.domain.linear import LinearShort
from hedgebot.domain.orders import Intent
from hedgebot.domain.snapshot import Blind, Leg, Snapshot
from hedgebot.domain.units import ONE, ZERO, Price, plain
from hedgebot.risk.memory import changed, expected
from hedgebot.risk.view import View

STALE_MS = 60_000
"""How old the market's figures may be by the exchange's own clock."""

HOSTS_APART_MS = 1_000
"""How far the clocks of an exchange's hosts may be apart."""

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
    reasons = (*_contradictions(view.observed, view.hedge.limits.jump), *_past(view))
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
    for leg in snapshot.living:
        if leg.idle:
            continue
        if now - leg.quote.at > STALE_MS:
            yield f"{leg.name}: its prices are {(now - leg.quote.at) / 1000:.0f} s old"
        yield from _prices(leg, jump)
        yield from _profit(leg)
    for wallet in (*snapshot.margin_wallets, *snapshot.stable_wallets):
        if wallet.id.account in snapshot.dead:
            continue  # agreed when it was confirmed; the marks are newer
        yield from _wallet(wallet, snapshot)


def _past(view: View) -> Iterator[str]:
    """Positions as they were before what we have seen, or before our own last fill.

    One that somebody else changed is dated later than the one seen before, be it by a moment. For as long
    only as a reading may be old: a date that was told wrong once must not blind us for ever.
    """
    seen, now = dict(view.memory.updated), view.at + view.snapshot.offset_ms
    moved = changed(view)
    if view.snapshot.dead:
        yield from _outdated(view)
    for leg in view.snapshot.living:
        ours, at, last = _fills(view, leg), leg.position.updated_at, seen.get(leg.name, 0)
        earliest = last + 1 if leg.name in moved else last - HOSTS_APART_MS
        if ours and ours[-1].expected != leg.position.contracts:
            last = max(last, ours[-1].updated_at)
        if 0 < at < max(earliest, last - HOSTS_APART_MS) and abs(now - last) < STALE_MS:
            yield f"{leg.name}: its position is older than one already seen, or than our last order"
        elif at == 0 and not leg.position.contracts and ours and ours[-1].expected:
            yield f"{leg.name}: its position does not show our last order any more"


def _outdated(view: View) -> Iterator[str]:
    """Dead legs of which more is known than was confirmed: an order of ours ended in a cycle not believed."""
    known = expected(view)
    for leg in view.snapshot.legs:
        if leg.dead is not None and known.get(leg.name, leg.position.contracts) != leg.position.contracts:
            yield f"{leg.name} cannot be read, and was last confirmed before our last order there"


def _fills(view: View, leg: Leg) -> list[Intent]:
    """Orders of ours that changed its position, younger than any reading may be old; the last one last. One
    that is dated in the future was dated wrongly."""
    now = view.at + view.snapshot.offset_ms
    since, until = now - STALE_MS, now + HOSTS_APART_MS
    ours = (intent for intent in view.recent if intent.filled and intent.request.leg == leg.name)
    return [intent for intent in ours if since < intent.updated_at <= until]


def _prices(leg: Leg, jump: Decimal) -> Iterator[str]:
    quote, mark = leg.quote, leg.quote.mark
    if leg.position.mark is not None and _apart(leg.position.mark, mark) > MARKS_APART:
        yield f"{leg.name}: the position is marked at {leg.position.mark}, the market at {mark}"
    if quote.index is not None and _apart(quote.index, mark) > jump:
        yield f"{leg.name}: index {quote.index} and mark {mark} are too far apart"
    if not quote.bids or not quote.asks:
        yield f"{leg.name}: the order book is empty"
        return
    bid, ask = quote.bids[0][0], quote.asks[0][0]
    if bid.value >= ask.value or _apart(bid, mark) > jump or _apart(ask, mark) > jump:
        yield f"{leg.name}: bid {bid}, ask {ask} and mark {mark} do not fit together"


def _profit(leg: Leg) -> Iterator[str]:
    """The exchange's profit of a short against ours, from the same position's size and prices."""
    if not leg.short.notional:
        return
    ours = leg.short.profit if isinstance(leg.short, LinearShort) else leg.short.unrealized
    theirs = leg.position.unrealized
    if abs(ours.value - theirs.value) > PROFIT_APART * leg.short.worth.value + DUST:
        yield f"{leg.name}: the exchange shows {theirs} unrealised, its size and prices make {ours}"


def _wallet(wallet: Wallet, snapshot: Snapshot) -> Iterator[str]:
    """A wallet against everything that it margins, legs or not."""
    of, bound = wallet.id, wallet.position_margin.value
    profit = margin = ZERO
    positions, worth = _margined(of, snapshot)
    for position in positions:
        profit += position.unrealized.value
        margin += position.initial_margin.value
    if abs(wallet.unrealized.value - profit) > PROFIT_APART * worth + DUST:
        yield (
            f"{of.account}: the wallet shows {wallet.unrealized} {of.asset} unrealised,"
            f" its positions {plain(profit)}"
        )
    if abs(bound - margin) > MARGIN_APART * max(margin, bound) + DUST:
        yield (
            f"{of.account}: the wallet binds {plain(bound)} {of.asset} as margin,"
            f" its positions {plain(margin)}"
        )
    alone = wallet.other_margin.value <= ZERO
    empty = wallet.coins.value + min(wallet.unrealized.value, ZERO) <= ZERO
    if alone and empty and any(position.contracts for position in positions):
        yield f"{of.account}: {wallet.coins} {of.asset} cannot carry the open positions"


def _margined(of: WalletId, snapshot: Snapshot) -> tuple[list[Position], Decimal]:
    """The positions in a wallet, and the worth of those whose profit may have moved since it was read: of the
    legs, and of positions of other coins in a stable wallet."""
    positions, worth = [], ZERO
    for account, position in snapshot.others:
        if account == of.account and settled_in(position.symbol) == of.asset:
            positions.append(position)
    for account, position in snapshot.beside:
        if account == of.account and settled_in(position.symbol) == of.asset:
            positions.append(position)
            worth += position.initial_margin.value * (position.leverage or ONE)
    for leg in snapshot.legs:
        if leg.wallet.id == of:
            positions.append(leg.position)
            worth += leg.short.worth.value
    return positions, worth


def _apart(one: Price, other: Price) -> Decimal:
    return abs(one.value / other.value - ONE)
