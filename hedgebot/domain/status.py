"""A hedge as people and programs read it: the same object in the journal, on the CLI, the API and the page.

Names and shape are fixed (design.md section 6); decimals are strings. ``null`` is "no such thing",
``"unknown"`` is "not known".
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hedgebot.domain.decision import Assessment, Finding, Target
from hedgebot.domain.hedge import Hedge
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin import leverage, liquidation
from hedgebot.domain.records import Memory
from hedgebot.domain.snapshot import Leg, Snapshot
from hedgebot.domain.transfers import TransferIntent
from hedgebot.domain.units import Millis, Price, Quantity, plain

Body = dict[str, Any]


def iso(at: Millis) -> str:
    """An instant as ``2026-11-21T05:00:00Z``."""
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def figures(snapshot: Snapshot) -> Body:
    """Everything measured, from one snapshot."""
    seen = snapshot.exposure
    return {
        "as_of": iso(snapshot.at),
        "ratio": _number(seen.ratio),
        "spot": _number(seen.spot),
        "collateral": _number(seen.collateral),
        "in_flight": _number(snapshot.in_flight),
        "held": _number(seen.held),
        "sold": _number(seen.sold),
        "unrealized_pnl": _number(seen.unrealized),
        "exposure": _number(seen.exposure),
        "short": _number(seen.short),
        "net": _number(seen.net),
        "value_usd": plain(snapshot.value.value, 2),
        "legs": [_leg(snapshot, leg) for leg in snapshot.legs],
    }


NO_FIGURES: Body = {
    "as_of": None,
    **dict.fromkeys(
        (
            "ratio",
            "spot",
            "collateral",
            "in_flight",
            "held",
            "sold",
            "unrealized_pnl",
            "exposure",
            "short",
            "net",
            "value_usd",
        ),
        "unknown",
    ),
    "legs": [],
}
"""What is known before the first snapshot."""


def body(
    hedge: Hedge, state: str, target: Target, memory: Memory, assessment: Assessment, measured: Body
) -> Body:
    """The status of one hedge, but for ``last_cycle``, which only the cycle's record knows."""
    return {
        "state": state,
        "asset": hedge.asset,
        "target_ratio": plain(target.ratio),
        "band": plain(hedge.band),
        **measured,
        "funding_coins": _number(memory.funding_received - memory.funding_paid),
        "funding_received_coins": _number(memory.funding_received),
        "funding_paid_coins": _number(memory.funding_paid),
        "fees_coins": _number(memory.fees),
        "since": iso(memory.since) if memory.since else None,
        "costs_as_of": iso(memory.ledger_at) if memory.ledger_at else None,
        "findings": [_finding(finding) for finding in assessment.findings],
    }


def moving(transfer: TransferIntent) -> Body:
    """A transfer that is not finished."""
    request = transfer.request
    return {
        "id": request.client_id,
        "account": request.account,
        "symbol": request.symbol or None,
        "asset": request.asset,
        "coins": _number(request.coins),
        "from": request.source.value,
        "to": request.target.value,
        "stage": transfer.stage.value,
        "since": iso(transfer.written_at),
    }


def _leg(snapshot: Snapshot, leg: Leg) -> Body:
    figure, funding = liquidation(snapshot, leg), leg.quote.funding
    return {
        "account": leg.policy.account,
        "symbol": leg.policy.symbol,
        "weight": plain(leg.policy.weight),
        "dead_since": iso(leg.dead.since) if leg.dead else None,
        "contracts": _number(leg.position.contracts),
        "notional_usd": _number(leg.short.notional),
        "entry_price": _number(leg.short.entry),
        "mark_price": _number(leg.mark),
        "liquidation_price": _figure(figure),
        "liquidation_distance": _distance(figure, leg.mark),
        "leverage": _number(leverage(snapshot, leg), 2),
        "funding_rate": _number(funding.rate),
        "funding_interval_h": None if funding.interval_hours is None else float(funding.interval_hours),
        "next_funding_at": None if funding.next_at is None else iso(funding.next_at),
    }


def _finding(finding: Finding) -> Body:
    return {
        "guard": finding.guard,
        "permission": finding.permission.label,
        "measured": finding.measured,
        "limit": finding.limit,
        "reason": finding.reason,
        "next_step": finding.next_step,
        "alarm": finding.alarms,
        "critical": finding.critical,
    }


def _figure(figure: Price | NoFigure) -> str | None:
    if isinstance(figure, Price):
        return plain(figure.value, 2)
    return None if figure is NoFigure.NEVER else "unknown"


def _distance(figure: Price | NoFigure, mark: Price) -> str | None:
    if isinstance(figure, Price):
        return plain(figure / mark - 1, 4)
    return None if figure is NoFigure.NEVER else "unknown"


def _number(value: Quantity | Decimal | None, places: int = 12) -> str | None:
    if value is None:
        return None
    return plain(value if isinstance(value, Decimal) else value.value, places)
