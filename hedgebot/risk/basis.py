"""How far is the contract from what the coin is worth? Too far, and nothing more is sold at such a price.

Reductions and rescue go on. Without an index nobody knows, which is no basis of zero. An index may itself be
wrong, and takes the mark with it: where there is a bound, the spot market of the leg's exchange counts too.

    index     spot price                           permission
    missing   any                                  reduce_only, and an alarm
    one of them beyond the bound                   reduce_only, and an alarm
    inside    inside                               any
    inside    not asked yet: seconds at most       reduce_only
    inside    never known, for GRACE_MS            any, and told
    inside    never known, or not of late          reduce_only, and an alarm
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.readings import Now, spot_price
from hedgebot.domain.snapshot import Leg
from hedgebot.domain.units import ONE, ZERO
from hedgebot.risk.view import View

GRACE_MS = 120_000
"""A spot price that could not be read so shortly after the start holds nothing back."""

WAITS = "new risk waits, reductions go on"
STEP = "Nothing: it is sold once the prices agree again; a wider bound sells sooner"
COMPARE = "Compare with the exchange's own page"
ASKED = "It is asked for every half minute; without the bound it is not needed"


class Gap(NamedTuple):
    """A contract's mark over what the coin is worth, less one; and whose mark, and what that worth is."""

    basis: Decimal
    leg: str = ""
    worth: str = ""


LEVEL = Gap(ZERO)


def check(view: View) -> Finding:
    bound, living = view.hedge.basis_max, [leg for leg in view.snapshot.living if not leg.idle]
    limit = "" if bound is None else f"{bound}"
    gaps = list[Gap]()
    for leg in living:
        if (index := leg.quote.index) is None:
            reason = f"the index of {leg.name} is not known: {WAITS}"
            return Finding("basis", Permission.REDUCE_ONLY, "unknown", limit, reason, COMPARE, alarms=True)
        gaps.append(_gap(leg, index.value, "its index"))
    if bound is None:
        return _content(gaps, limit, "its index is")
    spots = [(leg, spot_price(leg.policy.account, view.now, view.signals)) for leg in living]
    spot = f"the spot price of {view.hedge.asset}"
    gaps += [_gap(leg, now.value, spot) for leg, now in spots if now.value is not None]
    widest = max(gaps, key=_width, default=LEVEL)
    if _width(widest) > bound:
        side = "above" if widest.basis > ZERO else "below"
        reason = f"{widest.leg} is marked {_width(widest):.2%} {side} {widest.worth}: {WAITS}"
        return Finding(
            "basis", Permission.REDUCE_ONLY, f"{widest.basis:.4f}", limit, reason, STEP, alarms=True
        )
    unread = max(_unread(view, spots, limit), key=_weight, default=None)
    return unread or _content(gaps, limit, "its index and the spot market are")


def _gap(leg: Leg, worth: Decimal, name: str) -> Gap:
    return Gap(leg.quote.mark.value / worth - ONE, leg.name, name)


def _width(gap: Gap) -> Decimal:
    return abs(gap.basis)


def _weight(finding: Finding) -> tuple[Permission, bool]:
    return finding.permission, finding.alarms


def _content(gaps: list[Gap], limit: str, where: str) -> Finding:
    widest = max(gaps, key=_width, default=LEVEL)
    return Finding("basis", Permission.ANY, f"{widest.basis:.4f}", limit, f"the contract is where {where}")


def _unread(view: View, spots: list[tuple[Leg, Now]], limit: str) -> Iterator[Finding]:
    """A finding for each leg whose coin's spot price is not known."""
    early = view.at - view.started_at < GRACE_MS
    for leg, now in spots:
        if now.value is not None:
            continue
        account = leg.policy.account
        lenient = early and account in view.signals.spot_prices
        then = "nothing waits for it yet" if lenient else WAITS
        reason = f"the spot price of {view.hedge.asset} on {account} is not known ({now.problem}): {then}"
        permission = Permission.ANY if lenient else Permission.REDUCE_ONLY
        yield Finding("basis", permission, "unknown", limit, reason, ASKED, alarms=not early)
