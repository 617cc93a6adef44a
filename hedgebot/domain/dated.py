"""Dated contracts: which one a hedge should be in now, and which it has yet to leave.

A dated leg is named after a contract (``BTC/USD:BTC-261225``), or is ``BTC/USD:BTC-next-quarter``. It is
short in the first contract of its kind that does not end within ``Roll.before``; once that is another one,
the leg is two for a while: the old one, whose weight is zero, and the new one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hedgebot.domain.funding import Action
from hedgebot.domain.hedge import Hedge, LegPolicy
from hedgebot.domain.instrument import Instrument, is_dated, settled_in
from hedgebot.domain.units import ZERO, Millis

NEXT_QUARTER = "next-quarter"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)
QUARTERS = frozenset({3, 6, 9, 12})
FRIDAY = 4


def beside(symbol: str) -> str:
    """The dated leg that a hedge may leave a perpetual one for."""
    return f"{symbol}-{NEXT_QUARTER}"


def whole(symbol: str, asset: str) -> str:
    """A leg's symbol as the config may shorten it: ``next-quarter`` is that of the hedge's own asset."""
    return beside(f"{asset}/USD:{asset}") if symbol == NEXT_QUARTER else symbol


def configured(hedge: Hedge, *, moved: bool = False) -> Iterator[LegPolicy]:
    """The legs that the config asks for. Where it lets the hedge leave a perpetual contract for its funding,
    that has a dated one beside it, and one of the two has the share: the dated one once it has ``moved``."""
    may_move = hedge.funding is not None and hedge.funding.action is Action.DATED
    for leg in hedge.legs:
        if not may_move or is_dated(leg.symbol) or settled_in(leg.symbol) != hedge.asset:
            yield leg
            continue
        yield replace(leg, weight=ZERO if moved else leg.weight)
        yield replace(leg, symbol=beside(leg.symbol), weight=leg.weight if moved else ZERO)


def legs_now(
    hedge: Hedge,
    listed: Mapping[str, Iterable[Instrument]],
    seen: Collection[str],
    now: Millis,
    *,
    moved: bool = False,
) -> tuple[LegPolicy, ...]:
    """The hedge's legs, each dated one as the contracts that it stands for now.

    ``listed`` are each account's contracts of the asset, ``seen`` the names of the legs that have to stay
    until their contracts end. A leg without a share of which no contract is listed is left out.
    Raises ``ValueError`` where one with a share could be in no contract.
    """
    found: dict[str, LegPolicy] = {}
    for leg in configured(hedge, moved=moved):
        for each in _contracts(leg, listed, seen, now, hedge.roll.before_ms):
            known = found.get(each.name, replace(each, weight=ZERO))  # one short is one leg, and counts once
            found[each.name] = replace(known, weight=known.weight + each.weight)
    return tuple(found.values())


def _contracts(
    leg: LegPolicy,
    listed: Mapping[str, Iterable[Instrument]],
    seen: Collection[str],
    now: Millis,
    before_ms: int,
) -> Iterator[LegPolicy]:
    """What a leg stands for: itself, or the contract to be in, and those that it was in."""
    if not is_dated(leg.symbol):
        yield leg
        return
    series = [(replace(leg, symbol=i.symbol), i) for i in listed[leg.account] if _ends(i) > now]
    # A contract that cannot be traded for an hour is not left for that.
    usable = [i for policy, i in series if i.tradable or policy.name in seen]
    chosen = _chosen(leg, usable, now, before_ms)
    if chosen is None and leg.weight:
        raise ValueError(f"{leg.account} lists no dated contract for {leg.symbol}")
    yield from (policy for policy, contract in series if contract is chosen)
    left = (policy for policy, contract in series if contract is not chosen and policy.name in seen)
    yield from (replace(policy, weight=ZERO) for policy in left)


def _chosen(leg: LegPolicy, usable: list[Instrument], now: int, before_ms: int) -> Instrument | None:
    """The first contract that leaves time enough; where there is none yet, the last of all."""
    named = next((i for i in usable if i.symbol == leg.symbol), None)
    first = 0 if named is None else _ends(named)
    kind = sorted((i for i in usable if i is named or (_quarterly(i) and _ends(i) > first)), key=_ends)
    lasting = [i for i in kind if _ends(i) - now > before_ms]
    return next(iter(lasting or kind[-1:]), None)


def _ends(contract: Instrument) -> int:
    """When a dated contract ends; never (0) for a perpetual one, be it delisted."""
    return contract.ends_at or 0 if is_dated(contract.symbol) else 0


def _quarterly(contract: Instrument) -> bool:
    """Whether it ends on the last Friday of a quarter."""
    day = EPOCH + timedelta(milliseconds=_ends(contract))
    return day.month in QUARTERS and day.weekday() == FRIDAY and (day + WEEK).month != day.month
