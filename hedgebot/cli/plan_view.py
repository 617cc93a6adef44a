"""What ``plan`` found, for people and for programs. Pure."""

from collections.abc import Iterator
from typing import Any

from hedgebot.cli.output import field
from hedgebot.cli.rehearsal import Look
from hedgebot.domain.decision import PlannedOrder, PlannedTransfer
from hedgebot.domain.records import State
from hedgebot.domain.units import ZERO, Usd, plain
from hedgebot.errors import ExitCode

URGENCY = (ExitCode.OK, ExitCode.DRIFT, ExitCode.FORBIDDEN, ExitCode.ERROR, ExitCode.CREDENTIALS)


def exit_code(looks: list[Look]) -> ExitCode:
    """That of the hedge that needs attention most."""
    return max((verdict(look) for look in looks), key=URGENCY.index, default=ExitCode.OK)


def verdict(look: Look) -> ExitCode:
    if look.refused is not None:
        return ExitCode.CREDENTIALS
    if look.plan is None:
        return ExitCode.ERROR
    if look.plan.forbidden or look.record.state is State.HALTED:
        return ExitCode.FORBIDDEN
    return ExitCode.DRIFT if look.plan.acts else ExitCode.OK


def as_data(look: Look) -> dict[str, Any]:
    """One hedge; decimals as text."""
    order, leverage = look.plan and look.plan.order, look.plan and look.plan.leverage
    transfer = look.plan and look.plan.transfer
    return {
        "verdict": verdict(look).name.lower(),
        "reason": look.record.reason,
        "target_ratio": look.record.body["target_ratio"],
        "leverage": leverage and {"leg": leverage.leg.name, "leverage": plain(leverage.leverage)},
        "order": order and _order(order),
        "transfer": transfer and _transfer(transfer),
        "status": dict(look.record.body),
    }


def lines(look: Look) -> Iterator[str]:
    """One hedge, a short block."""
    body, plan = look.record.body, look.plan
    yield f"{look.hedge}: {_headline(look)}"
    yield from field("why", look.record.reason)
    yield from field("ratio", f"{body['ratio']}, target {body['target_ratio']}, band {body['band']}")
    if plan is not None and plan.order is not None:
        yield from _cost(plan.order)
    if plan is not None and plan.transfer is not None:
        moved = plan.transfer
        way = f"from {moved.source.value} to {moved.target.value}"
        yield from field("transfer", f"{moved.coins} {body['asset']} {way} on {moved.account}")
    for finding in body["findings"]:
        if finding["permission"] != "any" or finding["alarm"]:
            yield from field(finding["guard"], f"{finding['reason']} (permits {finding['permission']})")
            if finding["next_step"]:
                yield from field("", f"→ {finding['next_step']}")


def _headline(look: Look) -> str:
    match verdict(look):
        case ExitCode.OK:
            return "nothing to do"
        case ExitCode.DRIFT:
            return "would trade" if look.plan is None or look.plan.transfer is None else "would move coins"
        case ExitCode.FORBIDDEN:
            return "nothing may be done"
        case ExitCode.CREDENTIALS:
            return "the exchange refuses the key"
        case _:
            return "not to be seen"


def _cost(order: PlannedOrder) -> Iterator[str]:
    verb = "sell" if order.contracts.value < ZERO else "buy back"
    limit = f"at {order.limit} or better"
    yield from field("order", f"{verb} {abs(order.contracts)} contracts of {order.leg.name} {limit}")
    cost, total = order.cost, order.cost.fee + order.cost.slippage
    share = (
        f", {total / cost.protects:.3%} of the {_usd(cost.protects)} that it protects"
        if cost.protects
        else ""
    )
    yield from field("cost", f"fee {_usd(cost.fee)}, slippage {_usd(cost.slippage)}{share}")


def _order(order: PlannedOrder) -> dict[str, Any]:
    return {
        "account": order.leg.account,
        "symbol": order.leg.symbol,
        "side": "sell" if order.contracts.value < ZERO else "buy",
        "contracts": plain(abs(order.contracts).value),
        "limit_price": plain(order.limit.value),
        "reduce_only": order.contracts.value > ZERO,
        "fee_usd": plain(order.cost.fee.value, 2),
        "slippage_usd": plain(order.cost.slippage.value, 2),
        "protects_usd": plain(order.cost.protects.value, 2),
    }


def _transfer(transfer: PlannedTransfer) -> dict[str, Any]:
    return {
        "account": transfer.account,
        "symbol": transfer.symbol or None,
        "coins": plain(transfer.coins.value),
        "from": transfer.source.value,
        "to": transfer.target.value,
    }


def _usd(amount: Usd) -> str:
    return f"{amount.value:.2f} USD"
