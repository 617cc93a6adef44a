"""What became of orders, and what happened to an account: look-ups by client id, and the ledger."""

from collections.abc import Iterator, Sequence

from hedgebot.domain.account import EntryKind, LedgerEntry, Sighting
from hedgebot.domain.orders import OrderRequest, OrderState
from hedgebot.domain.units import Contracts, Millis, Price
from hedgebot.errors import ReadError
from hedgebot.sim.contract import HOUR_MS, Contract
from hedgebot.sim.events import Filled, FillKind, FundingPaid
from hedgebot.sim.orders import Order
from hedgebot.sim.port.house import House
from hedgebot.sim.port.words import side_of

HISTORY_MS = 7 * 24 * HOUR_MS
KINDS = {
    FillKind.TRADE: EntryKind.TRADE,
    FillKind.ADL: EntryKind.ADL,
    FillKind.BUST: EntryKind.LIQUIDATION,
    FillKind.DELIVERY: EntryKind.TRADE,
}


def sighting(house: House, asked: OrderRequest, contract: Contract) -> Sighting:
    """An order as both endpoints show it. Raises ``ReadError`` where that contradicts itself."""
    shown = _open_or_recent(house, asked, contract), _finished(house, asked, contract)
    seen = [_state(house, order, asked) for order in shown if order is not None]
    if len({state.order_id for state in seen}) > 1:
        raise ReadError(f"{house.account}: two orders carry the client id {asked.client_id}")
    latest = max(seen, key=lambda state: (state.over, abs(state.filled), state.updated_at), default=None)
    absent = (name for name, order in zip(house.recall.endpoints, shown, strict=True) if order is None)
    return Sighting(latest, tuple(absent))


def _open_or_recent(house: House, asked: OrderRequest, contract: Contract) -> Order | None:
    """The last order of a client id, open or not."""
    orders = _named(house, asked, contract, house.exchange.as_of("order"))
    return next((order for order in orders if _is_recalled(house, order, house.recall.empty_ms[0])), None)


def _finished(house: House, asked: OrderRequest, contract: Contract) -> Order | None:
    """The order of a client id in the history of the last days."""
    since = house.exchange.truth.at_ms - HISTORY_MS
    found = [
        order
        for order in _named(house, asked, contract, house.exchange.as_of("order_history"))
        if (house.recall.shows_open or not order.open) and order.created_ms >= since
        if _is_recalled(house, order, house.recall.empty_ms[1])
    ]
    if len(found) > 1:
        raise ReadError(f"{house.account}: {len(found)} orders carry the client id {asked.client_id}")
    return found[0] if found else None


def _named(house: House, asked: OrderRequest, contract: Contract, at_ms: int) -> Iterator[Order]:
    """Orders of a client id as they were at an instant, the last first."""
    account = house.exchange.truth.accounts[house.account]
    for order_id in reversed(account.ids_of(asked.client_id)):
        order = account.order_at(order_id, at_ms)
        if order is not None and order.symbol == contract.symbol:
            yield order


def _is_recalled(house: House, order: Order, empty_ms: float) -> bool:
    young = house.exchange.truth.at_ms - order.updated_ms < empty_ms
    return order.open or bool(order.filled) or young


def _state(house: House, order: Order, asked: OrderRequest) -> OrderState:
    if order.side is not side_of(asked) or order.filled > abs(asked.contracts.value):
        raise ReadError(f"{house.account}: another order carries the client id {asked.client_id}")
    contract = house.exchange.truth.contracts[order.symbol]
    return OrderState(
        order_id=order.id,
        client_id=order.client_id,
        over=not order.open,
        rejected=False,
        filled=Contracts(house.number(order.filled * order.side.sign)),
        average=Price(house.number(order.filled * contract.face / order.coins)) if order.filled else None,
        fee=house.fee(order),
        updated_at=Millis(order.updated_ms),
    )


def entries(house: House, natives: Sequence[str], since: int) -> list[LedgerEntry]:
    """Trades and funding of these contracts since an instant, oldest first."""
    trades, funding = house.exchange.as_of("execution"), house.exchange.as_of(house.funding_read)
    start = max(since, house.exchange.truth.at_ms - house.ledger_ms)
    found = []
    for event in reversed(house.exchange.truth.accounts[house.account].events):
        if event.at_ms < start:
            break
        match event:
            case Filled() if event.symbol in natives and event.at_ms <= trades:
                found.append(_trade(house, event))
            case FundingPaid() if event.symbol in natives and event.at_ms <= funding:
                found.append(_funding(house, event))
    return found[::-1]


def _trade(house: House, event: Filled) -> LedgerEntry:
    return LedgerEntry(
        id=house.entry_id(event),
        kind=KINDS[event.kind],
        symbol=house.symbols[event.symbol],
        client_id=house.trader(event),
        contracts=Contracts(house.number(event.contracts * event.side.sign)),
        price=house.entry_price(event),
        coins=house.coins(-event.fee),
        at=Millis(event.at_ms),
    )


def _funding(house: House, event: FundingPaid) -> LedgerEntry:
    return LedgerEntry(
        id=house.entry_id(event),
        kind=EntryKind.FUNDING,
        symbol=house.symbols[event.symbol],
        client_id="",
        contracts=Contracts.zero(),
        price=house.entry_price(event),
        coins=house.coins(event.change),
        at=Millis(event.at_ms),
    )
