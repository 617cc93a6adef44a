"""Rare states, recognised in what the daemon records and the exchange books. Plain data in, names out."""

from collections.abc import Iterator, Mapping, Sequence

from hedgebot.sim.events import (
    Event,
    Filled,
    FillKind,
    FundingPaid,
    Liquidated,
    Moved,
    MoveKind,
    OrderEnded,
    OrderRefused,
    SettingChanged,
)

STATES = frozenset({"adjusting", "drifting", "blind", "halted", "paused", "unwinding", "unwound"})
SAYINGS = (
    ("jump", "coins held fell", "jump held"),
    ("jump", "the price moved", "price jump held"),
    ("foreign", "another hedgebot", "rival seen"),
    ("foreign", "is long", "long seen"),
    ("limits", "as many orders", "order limit reached"),
    ("limits", "was corrected as often", "correction limit reached"),
    ("limits", "turnover", "turnover limit reached"),
    ("journal", "another daemon", "fence refused"),
    ("clock", "from the exchange's", "clock apart"),
    ("coherence", "key", "key refused"),
)
"""A guard, words of its reason, and what they mean."""


def in_cycle(
    state: str,
    held: str,
    findings: Sequence[Mapping[str, object]],
    before: Sequence[Mapping[str, object]],
) -> Iterator[str]:
    """What one cycle shows; ``before`` are the last cycle's findings, ``held`` the coins that it believes."""
    if state in STATES:
        yield state
    for finding in findings:
        for guard, words, name in SAYINGS:
            if finding["guard"] == guard and finding["alarm"] and words in str(finding["reason"]):
                yield name
    failing, failed = (any(f["guard"] == "journal" for f in each) for each in (findings, before))
    if failed and not failing:
        yield "journal failed and recovered"
    fell, falling = (any(_falls(finding) for finding in each) for each in (before, findings))
    if fell and not falling and any(str(f["measured"]).endswith(f" to {held}") for f in before):
        yield "large fall believed"


def _falls(finding: Mapping[str, object]) -> bool:
    return finding["guard"] == "jump" and "coins held fell" in str(finding["reason"])


def in_stages(stages: Sequence[str], outcome: str, filled: bool) -> Iterator[str]:
    """What an order's way through the journal shows."""
    unknown = "unknown" in stages
    if unknown and filled:
        yield "unknown outcome found filled"
    if unknown and stages[-1] == "absent":
        yield "unknown outcome found absent"
    if outcome == "filled in part":
        yield "partial fill"
    if "too long ago" in outcome:
        yield "too late to send"


def in_event(event: Event, *, foreign: bool) -> Iterator[str]:
    """What happened on the exchange."""
    match event:
        case OrderRefused(client_id=client_id) if client_id and not foreign:
            yield "duplicate id answered" if event.reason.name == "DUPLICATE_CLIENT_ID" else "order refused"
        case OrderEnded(order=order) if order.ending.name == "BY_USER" and not foreign:
            yield "left-over cancelled"
        case Liquidated():
            yield "liquidated"
        case Filled(kind=FillKind.ADL):
            yield "deleveraged"
        case FundingPaid():
            yield "funding paid"
        case SettingChanged(setting="margin", value=value) if not foreign:
            yield "coins left a margin" if "-" in value.split()[1] else "coins added to a margin"
        case Moved(kind=MoveKind.TRANSFER_OUT, wallet=(wallet, _)) if not foreign:
            yield "coins added to a margin" if wallet == "spot" else "coins left a margin"
        case SettingChanged() if not foreign:
            yield "leverage set"
        case _:
            return
