"""What must hold of whatever the program made of a damaged reply.

1. It raised nothing but its own errors, each one printable line (see ``campaign``).
2. What it accepted is finite, in range, and says what the reply says, in sign and unit.
3. It sends no order on it where it would have sent none on the truth, and never sells more than on that.
4. A write is rejected or accepted only by a reply that says so; an order that one endpoint shows is there,
   and so is a move of coins.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hedgebot.domain.account import AccountReading, KeyScope, Ledger, Sighting
from hedgebot.domain.decision import Plan
from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.transfers import TransferSighting
from hedgebot.exchange.binance import venue as binance
from hedgebot.exchange.bybit import venue as bybit
from hedgebot.exchange.okx import venue as okx
from tests.hostile.plain import code_in, figures_in, figures_of, moved_in, paid_in, withdraws_in
from tests.hostile.sound import unsound
from tests.hostile.verdict import AS_IT_WAS, UNREADABLE, Believed, Evidence, Verdict

COIN_ROUNDING, SHARE = Fraction(1, 10**7), Fraction(1, 10**6)
PREPARATIONS = {
    "market/instruments-info", "public/instruments", "public/time", "dapi/v1/time", "dapi/v1/exchangeInfo"
}  # fmt: skip
"""Reads that a write begins with, where the program has never read."""

TABLES = {
    name: [codes.credentials, codes.refused, *codes.rejected.values()]
    for name, codes in {"bybit": bybit.CODES, "binance": binance.CODES, "okx": okx.CODES}.items()
}


def judged(found: Evidence) -> Verdict:
    """What is to be said of what the program made of the damaged reply."""
    if found.said == found.truth:
        return AS_IT_WAS
    if problem := next(unsound(found.said), ""):
        return Verdict("unsound", problem)
    return JUDGES[type(found.said)](found, found.said, found.truth)


def _judged_reading(found: Evidence, said: AccountReading, truth: AccountReading) -> Verdict:
    moment: Any = {name: getattr(truth, name) for name in ("started", "ended", "exchange_offset_ms")}
    if replace(said, **moment) != truth:
        if problem := misread(found, said):
            return Verdict("misread", problem)
    elif abs(said.exchange_offset_ms) < 1000:
        return AS_IT_WAS
    plan = found.believed.plan_on(said)
    if plan is None:
        return Verdict("blind")
    if not plan.acts:
        return Verdict("forbidden" if plan.forbidden else "no order")
    return _judged_act(found.believed, plan, said, truth)


def misread(found: Evidence, said: AccountReading) -> str:
    """Where the program's figures are not the reply's own."""
    tape = found.believed.tape
    try:
        theirs = figures_in(tape, found.bodies)
    except UNREADABLE as cause:
        return f"accepted what cannot be read ({cause!r})"
    ours = figures_of(said, tape)
    for name, figure in theirs.items():
        allowed = COIN_ROUNDING if name in {"coins", "profit"} else abs(figure) * SHARE
        if abs(ours[name] - figure) > allowed:
            return f"{name} read as {float(ours[name])}, the reply says {float(figure)}"
    return ""


def _judged_act(believed: Believed, plan: Plan, said: AccountReading, truth: AccountReading) -> Verdict:
    due = _no_larger(plan, believed)
    if plan.leverage is not None:
        same = plan.leverage.leverage == truth.position(plan.leverage.leg.symbol).leverage
        return Verdict("settings of a flat leg", "" if same and due else plan.reason)
    if due:
        return Verdict("the order that was due")
    reasons = (reason for reason, explained in ALLOWED.items() if explained(believed, said, truth))
    reason = next(reasons, None)
    return Verdict("order", plan.reason) if reason is None else Verdict(f"allowed: {reason}")


def _no_larger(plan: Plan | None, believed: Believed) -> bool:
    """Whether a plan sells what was due, or less, or so little more that the band lets it be."""
    due = believed.plan.order
    if plan is None or not plan.acts:
        return True
    if plan.order is None or due is None:
        return False
    most = -due.contracts.value * (1 + believed.hedge.band)
    return 0 <= -plan.order.contracts.value <= most


def _other_coins(believed: Believed, said: AccountReading, truth: AccountReading) -> bool:
    """Only coins in wallets differ, and no cross-check speaks against it: somebody may have moved them."""
    return _no_larger(believed.plan_on(replace(said, wallets=truth.wallets)), believed)


def _other_settings(believed: Believed, said: AccountReading, truth: AccountReading) -> bool:
    """Only the account's mode differs, which one reply alone tells of a flat account: an order that does not
    fit the true one is refused by the exchange."""
    modes = {position.symbol: position.hedge_mode for position in truth.positions}
    positions = tuple(replace(p, hedge_mode=modes.get(p.symbol, p.hedge_mode)) for p in said.positions)
    return _no_larger(believed.plan_on(replace(said, mode=truth.mode, positions=positions)), believed)


ALLOWED = {"other coins": _other_coins, "other settings": _other_settings}
"""What cannot be told from the truth, by reason: an order follows that would be right if it were true."""


def _judged_outcome(found: Evidence, said: Outcome, truth: Outcome) -> Verdict:
    tape, path = found.believed.tape, found.damaged.request.path
    became = f"{said.fate} for {truth.fate}"
    if said.fate is Fate.UNKNOWN or path in PREPARATIONS or said.reason.startswith("not sent"):
        return Verdict(became)
    try:
        code = code_in(tape, found.reply)
    except UNREADABLE as cause:
        return Verdict(became, f"by what cannot be read ({cause!r})")
    listed = any(code in table for table in TABLES[tape.venue.name])
    fits = listed if said.fate is Fate.REJECTED else not code or said.reason.startswith("this ")
    return Verdict(became, "" if fits else f"by code {code!r}")


def _judged_sighting(found: Evidence, said: Sighting, truth: Sighting) -> Verdict:
    """One of two endpoints is damaged: what the other shows stands."""
    if truth.state is None:
        return Verdict("sighted")
    shown, true = said.state, truth.state
    stands = shown is not None and (shown.over, shown.filled) == (true.over, true.filled)
    return Verdict("sighted", "" if stands else f"seen as {shown}")


def _judged_move(found: Evidence, said: TransferSighting, _: TransferSighting) -> Verdict:
    """Nothing tells a hidden row from none: that a move was not made, its pockets have to show as well."""
    tape, path = found.believed.tape, found.damaged.request.path
    if said.state is None or path in PREPARATIONS:
        return Verdict("no move seen" if said.state is None else "move seen")
    try:
        shown = Fraction(tape.move.coins.value) in moved_in(tape, found.reply)
    except UNREADABLE as cause:
        return Verdict("move seen", f"in what cannot be read ({cause!r})")
    return Verdict("move seen", "" if shown else "that the reply does not show")


def _judged_ledger(found: Evidence, said: Ledger, _: Ledger) -> Verdict:
    try:
        theirs = paid_in(found.believed.tape, found.bodies)
    except UNREADABLE as cause:
        return Verdict("entries", f"of what cannot be read ({cause!r})")
    coins = sum((Fraction(entry.coins.value) for entry in said.entries), Fraction(0))
    contracts = sum((Fraction(entry.contracts.value) for entry in said.entries), Fraction(0))
    return Verdict(
        "entries", "" if (coins, contracts) == theirs else f"{coins} and {contracts}, not {theirs}"
    )


def _judged_scope(found: Evidence, said: KeyScope, _: KeyScope) -> Verdict:
    """A key that can withdraw is never taken for one that cannot."""
    try:
        withdraws = withdraws_in(found.believed.tape, found.bodies)
    except UNREADABLE as cause:
        return Verdict("key", f"what cannot be read ({cause!r})")
    return Verdict(
        "key", "" if said.withdraw is withdraws else f"withdraws: {said.withdraw}, not {withdraws}"
    )


JUDGES: Mapping[type, Callable[[Evidence, Any, Any], Verdict]] = {
    AccountReading: _judged_reading,
    Outcome: _judged_outcome,
    Sighting: _judged_sighting,
    TransferSighting: _judged_move,
    Ledger: _judged_ledger,
    KeyScope: _judged_scope,
}
