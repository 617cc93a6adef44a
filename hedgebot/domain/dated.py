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


def whole(symbol: str, asset: str) -> str:
    """A leg's symbol as the config may shorten it: ``next-quarter`` is that of the hedge's own asset."""
    return f"{asset}/USD:{asset}-{NEXT_QUARTER}" if symbol == NEXT_QUARTER else symbol


def configured(hedge: Hedge, *, moved: bool) -> Iterator[LegPolicy]:
    """The legs that the config asks for. Where it lets the hedge leave a perpetual contract for its funding,
    that has a dated one beside it, and one of the two has the share: the dated one once it has ``moved``."""
    may_move = hedge.funding is not None and hedge.funding.action is Action.DATED
    for leg in hedge.legs:
        if not may_move or is_dated(leg.symbol) or settled_in(leg.symbol) != hedge.asset:
            yield leg
            continue
        yield replace(leg, weight=ZERO if moved else leg.weight)
        yield replace(leg, symbol=f"{leg.symbol}-{NEXT_QUARTER}", weight=leg.weight if moved else ZERO)


def legs_now(
    hedge: Hedge,
    listed: Mapping[str, Iterable[Instrument]],
    seen: Collection[str],
    now: Millis,
    *,
    moved: bool = False,
) -> tuple[LegPolicy, ...]:
    """The hedge's legs, each dated one as the contracts that it stands for now.

    ``listed`` are each account's contracts of the asset, ``seen`` the names of the legs that it had last: one
    of those stays until its contract ends, so that all that was paid for it is counted.
    Raises ``ValueError`` where no contract is left that a leg could be in.
    """
    found: list[LegPolicy] = []
    for leg in configured(hedge, moved=moved):
        if not is_dated(leg.symbol):
            found.append(leg)
            continue
        series = [i for i in listed[leg.account] if _ends(i) > now]
        chosen = _chosen(leg, series, now, hedge.roll.before_ms)
        others = (replace(leg, symbol=i.symbol, weight=ZERO) for i in series if i is not chosen)
        found += [replace(leg, symbol=chosen.symbol), *(o for o in others if o.name in seen)]
    return tuple(found)


def _chosen(leg: LegPolicy, series: list[Instrument], now: int, before_ms: int) -> Instrument:
    """The first contract that leaves time enough; where there is none yet, the last of all."""
    named = next((i for i in series if i.symbol == leg.symbol), None)
    first = 0 if named is None else _ends(named)
    kind = sorted((i for i in series if i is named or (_quarterly(i) and _ends(i) > first)), key=_ends)
    usable = [i for i in kind if i.tradable]
    lasting = [i for i in usable if _ends(i) - now > before_ms]
    if not usable:
        raise ValueError(f"{leg.account} lists no dated contract for {leg.symbol}")
    return lasting[0] if lasting else usable[-1]


def _ends(contract: Instrument) -> int:
    """When a dated contract ends; never (0) for a perpetual one, be it delisted."""
    return contract.ends_at or 0 if is_dated(contract.symbol) else 0


def _quarterly(contract: Instrument) -> bool:
    """Whether it ends on the last Friday of a quarter."""
    day = EPOCH + timedelta(milliseconds=_ends(contract))
    return day.month in QUARTERS and day.weekday() == FRIDAY and (day + WEEK).month != day.month
