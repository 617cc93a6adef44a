"""An independent judge of what truly happened on the exchange. It shares no code with the daemon."""

from collections import Counter
from fractions import Fraction

from hedgebot.sim.exchange import SimulatedExchange


def violations(
    exchange: SimulatedExchange, *, account: str = "main", symbol: str = "BTCUSD", most: Fraction
) -> list[str]:
    """What must never be: a second effective order of one id, a long, a short above ``most`` contracts."""
    found = []
    ids = Counter(order.client_id for order in exchange.effective_orders(account) if order.client_id)
    found += [f"{client_id} took effect {count} times" for client_id, count in ids.items() if count > 1]
    position = exchange.position(account, symbol)
    if position.contracts > 0:
        found.append(f"long {position.contracts}")
    if -position.contracts > most:
        found.append(f"short {-position.contracts} contracts, {most} is the most ever wanted")
    return found
