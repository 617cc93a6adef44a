"""Does somebody else act here? Positions that are no leg, longs, orders and daemons that are not ours."""

from collections.abc import Iterator

from hedgebot.domain.client_ids import parse
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.units import ZERO
from hedgebot.risk.view import View

Strange = tuple[Permission, str, str]

CONTENT = Finding("foreign", Permission.ANY, "0", "0", "every position and order is ours")


def check(view: View) -> Finding:
    found = list(_strange(view))
    if not found:
        return CONTENT
    permission, reason, step = max(found, key=lambda each: each[0])
    return Finding(
        "foreign",
        permission,
        str(len(found)),
        "0",
        reason,
        step,
        halts=permission is Permission.NONE,
        alarms=True,
    )


def _strange(view: View) -> Iterator[Strange]:
    yield from _rivals(view)
    for account, position in view.snapshot.others:
        reason = f"{position.contracts} contracts of {position.symbol} on {account} are in no leg"
        yield Permission.REDUCE_ONLY, reason, "Make it a leg, or close it"
    yield from _orphans(view)
    for leg in view.snapshot.legs:
        if leg.position.contracts.value > ZERO:
            yield (
                Permission.REDUCE_ONLY,
                f"{leg.name} is long {leg.position.contracts} contracts",
                "Close the long",
            )
    for account, order in view.snapshot.orders:
        if parse(order.client_id) is None:
            reason = f"an order of {order.contracts} {order.symbol} on {account} is not ours"
            yield Permission.ANY, reason, "Cancel it if you did not place it"


def _orphans(view: View) -> Iterator[Strange]:
    """Shorts that the journal knows of legs that were taken out of the config, and that nobody can see."""
    shown = {f"{account}:{position.symbol}" for account, position in view.snapshot.others}
    for name, contracts in view.memory.orphans:
        if name not in shown:
            reason = f"{abs(contracts)} contracts of {name} were short when it was taken out of the config"
            step = "Put it back as a leg, and unwind before you take it out; if it is gone, begin a new store"
            yield Permission.REDUCE_ONLY, reason, step


def _rivals(view: View) -> Iterator[Strange]:
    """Orders of another instance that were created after our start: two daemons on one account."""
    started = view.started_at + view.snapshot.offset_ms  # by the exchange's clock, like the orders
    seen = [order.client_id for _, order in view.snapshot.orders if order.created_at > started]
    for client_id in [*seen, view.memory.rival]:
        identity = parse(client_id)
        if identity and identity.instance != view.instance:
            yield (
                Permission.NONE,
                f"order {client_id} was sent by another hedgebot while this one runs",
                "Stop one of the two, then restart this one",
            )
