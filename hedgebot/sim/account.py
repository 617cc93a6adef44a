"""One account on the simulated exchange: its states, orders and events, the past kept for lagging reads."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from hedgebot.sim.contract import Contract
from hedgebot.sim.events import Event
from hedgebot.sim.ledger import AccountState, PositionKey, WalletKey
from hedgebot.sim.money import ZERO
from hedgebot.sim.orders import NewOrder, Order

KEPT_MS = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key to an account. ``withdraw`` and ``read_only`` are permissions; ``ips`` empty: from anywhere.

    ``passphrase`` is the third secret that some exchanges want.
    """

    key: str
    secret: str
    account: str
    passphrase: str = ""
    read_only: bool = False
    withdraw: bool = False
    expires_ms: int | None = None
    created_ms: int = 0
    ips: tuple[str, ...] = ()


@dataclass(slots=True)
class Account:
    """The truth about one account, and what it was a while ago.

    ``pot`` names the wallet that carries the contracts (a unified account's only trading wallet).
    """

    name: str
    number: int
    pot: str = "unified"
    events: list[Event] = field(default_factory=list)
    open_orders: dict[str, Order] = field(default_factory=dict)
    closed_orders: list[str] = field(default_factory=list)
    _states: deque[tuple[int, AccountState]] = field(default_factory=lambda: deque([(0, AccountState())]))
    _versions: dict[str, list[Order]] = field(default_factory=dict)
    _by_client_id: dict[str, list[str]] = field(default_factory=dict)

    @property
    def state(self) -> AccountState:
        return self._states[-1][1]

    def become(self, state: AccountState, at_ms: int) -> None:
        """Take on a new state; states older than a read may lag are forgotten."""
        self._states.append((at_ms, state))
        while len(self._states) > 1 and self._states[1][0] <= at_ms - KEPT_MS:
            self._states.popleft()

    def state_at(self, at_ms: int) -> AccountState:
        """The state at an instant, or the oldest one kept."""
        return next((state for since, state in reversed(self._states) if since <= at_ms), self._states[0][1])

    def pot_of(self, coin: str) -> WalletKey:
        return (self.pot, coin)

    def keep(self, order: Order) -> None:
        """Take in an order or a new version of one."""
        versions = self._versions.setdefault(order.id, [])
        versions.append(order)
        if len(versions) == 1 and order.client_id:
            self._by_client_id.setdefault(order.client_id, []).append(order.id)
        if order.open:
            self.open_orders[order.id] = order
        else:
            self.open_orders.pop(order.id, None)
            self.closed_orders.append(order.id)

    def orders(self) -> list[Order]:
        """The last version of every order ever accepted, oldest first."""
        return [versions[-1] for versions in self._versions.values()]

    def ids_of(self, client_id: str) -> list[str]:
        """Ids of the orders that carry a client id, oldest first."""
        return self._by_client_id.get(client_id, [])

    def order_at(self, order_id: str, at_ms: int) -> Order | None:
        """An order as it was at an instant; None if it is unknown or was not there yet."""
        versions = self._versions.get(order_id, ())
        return next((order for order in reversed(versions) if order.updated_ms <= at_ms), None)

    def open_at(self, at_ms: int) -> list[Order]:
        """Orders open at an instant, newest first."""
        ids = set(self.open_orders)
        for order_id in reversed(self.closed_orders):
            if self._versions[order_id][-1].updated_ms <= at_ms:
                break
            ids.add(order_id)
        seen = (self.order_at(order_id, at_ms) for order_id in ids)
        return sorted((o for o in seen if o is not None and o.open), key=lambda o: -o.number)

    def closed_at(self, at_ms: int) -> Iterator[Order]:
        """Orders closed by an instant, the last to close first."""
        for order_id in reversed(self.closed_orders):
            order = self.order_at(order_id, at_ms)
            if order is not None and not order.open:
                yield order

    def resting_margin(self, order: Order, leverage: Fraction, contract: Contract) -> Fraction:
        """Coins that an open order holds back; an order that only reduces holds none."""
        if order.reduce_only:
            return ZERO
        key: PositionKey = (order.symbol, order.index)
        position = self.state.position(key)
        opposed = position.contracts * order.side.sign < 0
        opening = max(order.left - position.size, ZERO) if opposed else order.left
        return contract.coins(opening, order.limit) * (1 / leverage + contract.closing_fee)


def is_duplicate(account: Account, request: NewOrder, *, ever: bool) -> bool:
    """Whether the client id was used before, by any order or only by one still open."""
    ids = account.ids_of(request.client_id) if request.client_id else ()
    return any(ever or order_id in account.open_orders for order_id in ids)
