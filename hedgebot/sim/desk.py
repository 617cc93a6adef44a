"""The order desk: the rules an order must meet, and what the book gives it."""

from dataclasses import replace
from fractions import Fraction

from hedgebot.sim.account import Account, is_duplicate
from hedgebot.sim.contract import Contract
from hedgebot.sim.events import OrderAccepted, OrderEnded, OrderRefused
from hedgebot.sim.ledger import closing_part
from hedgebot.sim.matching import Level, Side, reaches
from hedgebot.sim.money import ONE, ZERO, is_multiple, short
from hedgebot.sim.orders import Ending, NewOrder, Order, Reason, RefusedError, Status, TimeInForce
from hedgebot.sim.trading import Trade, book_trade
from hedgebot.sim.truth import Truth


class OrderDesk:
    """Takes orders in, fills them from the book, and ends them."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    def place(self, account: Account, request: NewOrder) -> Order:
        """Accept and match an order. Raises ``RefusedError``, and then nothing but the log has changed."""
        try:
            order, taken = self._admitted(account, request)
        except RefusedError as refused:
            self._truth.record(
                OrderRefused(
                    number=self._truth.next_number(),
                    at_ms=self._truth.at_ms,
                    account=account.name,
                    client_id=request.client_id,
                    symbol=request.symbol,
                    reason=refused.reason,
                )
            )
            raise
        account.keep(order)
        self._truth.record(
            OrderAccepted(number=order.number, at_ms=order.created_ms, account=account.name, order=order)
        )
        ending = _ending_at_once(order, taken)
        if ending not in (Ending.WOULD_TAKE, Ending.NOT_WHOLE):
            for level in taken:
                order = self.fill(account, order, level, maker=False)
        return self.end(account, order, ending) if order.open and ending is not Ending.NONE else order

    def fill(self, account: Account, order: Order, level: Level, *, maker: bool) -> Order:
        """Trade part or all of an order at a price."""
        contract = self._truth.contracts[order.symbol]
        filled = order.filled + level.contracts
        version = replace(
            order,
            filled=filled,
            updated_ms=self._truth.at_ms,
            coins=order.coins + contract.coins(level.contracts, level.price),
            status=Status.FILLED if filled == order.contracts else Status.PARTIALLY_FILLED,
        )
        trade = book_trade(
            self._truth,
            account,
            Trade(
                symbol=order.symbol,
                side=order.side,
                contracts=level.contracts,
                price=level.price,
                fee_rate=contract.maker if maker else contract.taker,
                index=order.index,
                maker=maker,
                order=version,
            ),
        )
        version = replace(version, fee=order.fee + trade.fee)
        account.keep(version)
        return version

    def fill_resting(self, account: Account, order: Order) -> None:
        """Let the book trade against an order that rests in its way."""
        limit = self._reducible(account, order) if order.reduce_only else order.left
        if limit <= 0:
            self.end(account, order, Ending.REDUCE_ONLY)
            return
        offers = self._truth.book(order.symbol).take(order.side, min(order.left, limit), order.limit)
        size = sum((level.contracts for level in offers), ZERO)
        if size:
            order = self.fill(account, order, Level(order.limit, size), maker=True)
        if order.open and order.reduce_only and self._reducible(account, order) <= 0:
            self.end(account, order, Ending.REDUCE_ONLY)

    def cancel(self, account: Account, order_id: str) -> Order:
        """Cancel an open order. Raises ``RefusedError`` for one that is unknown or closed."""
        order = account.open_orders.get(order_id)
        if order is None:
            raise RefusedError(Reason.UNKNOWN_ORDER, order_id)
        return self.end(account, order, Ending.BY_USER)

    def end(self, account: Account, order: Order, ending: Ending) -> Order:
        ended = replace(order, status=Status.CANCELLED, ending=ending, updated_ms=self._truth.at_ms)
        account.keep(ended)
        self._truth.record(
            OrderEnded(
                number=self._truth.next_number(), at_ms=self._truth.at_ms, account=account.name, order=ended
            )
        )
        return ended

    def crosses(self, order: Order, at_ms: int) -> bool:
        """Whether the book at an instant trades against a resting order."""
        quote = self._truth.quote(order.symbol, at_ms)
        return reaches(order.side, order.limit, quote.ask if order.side is Side.BUY else quote.bid)

    def _admitted(self, account: Account, request: NewOrder) -> tuple[Order, list[Level]]:
        truth = self._truth
        contract = truth.contract(request.symbol)
        if contract.status != "Trading":
            raise RefusedError(Reason.NOT_TRADING, contract.status)
        if is_duplicate(account, request, ever=truth.rules.client_ids == "ever"):
            raise RefusedError(Reason.DUPLICATE_CLIENT_ID, request.client_id)
        quote = truth.quote(request.symbol)
        _check_quantity(contract, request, quote.mark)
        _check_price(contract, request, quote.mark)
        _check_index(request, hedge_mode=account.state.hedge_mode)
        order = self._drafted(account, contract, request, quote.last, quote.mark)
        taken = truth.book(order.symbol).take(order.side, order.contracts, order.limit)
        self._check_margin(account, contract, order, taken)
        return order, taken

    def _drafted(
        self, account: Account, contract: Contract, request: NewOrder, last: Fraction, mark: Fraction
    ) -> Order:
        truth = self._truth
        edge = mark * (ONE + contract.band * request.side.sign)
        order = Order(
            number=truth.next_number(),
            id=truth.new_id(),
            account=account.name,
            client_id=request.client_id,
            symbol=contract.symbol,
            side=request.side,
            contracts=request.contracts,
            limit=edge if request.price is None else request.price,
            market=request.price is None,
            time_in_force=TimeInForce.IOC if request.price is None else request.time_in_force,
            reduce_only=request.reduce_only,
            index=request.index,
            last_price=last,
            created_ms=truth.at_ms,
            updated_ms=truth.at_ms,
        )
        if not _only_reduces(order):
            return order
        return replace(order, contracts=self._reduced(account, order), reduce_only=True)

    def _reduced(self, account: Account, order: Order) -> Fraction:
        """The order cut to what there is to reduce beside other orders that reduce."""
        size = min(order.contracts, self._reducible(account, order))
        if size <= 0:
            raise RefusedError(Reason.NOTHING_TO_REDUCE, order.symbol)
        return size

    def _reducible(self, account: Account, order: Order) -> Fraction:
        position = account.state.position((order.symbol, order.index))
        others = sum((o.left for o in account.open_orders.values() if _rivals(o, order)), ZERO)
        return closing_part(position, position.size * order.side.sign) - others

    def _check_margin(self, account: Account, contract: Contract, order: Order, taken: list[Level]) -> None:
        if order.reduce_only:
            return
        position = account.state.position((order.symbol, order.index))
        closing = closing_part(position, order.contracts * order.side.sign)
        coins = _opening_coins(contract, order, taken, closing)
        leverage = self._truth.leverage(account.state, order.symbol)
        if coins and coins + position.entry_coins > _most_coins(contract, leverage):
            raise RefusedError(Reason.POSITION_LIMIT, order.symbol)
        need = coins * (ONE / leverage + contract.taker)
        if need > 0 and need > self._truth.valuation(account).available(contract.settle):
            raise RefusedError(Reason.NO_MARGIN, f"{short(need)} {contract.settle} needed")


def _check_quantity(contract: Contract, request: NewOrder, mark: Fraction) -> None:
    size = request.contracts
    largest = contract.max_market_qty if request.price is None else contract.max_qty
    if size < contract.min_qty:
        raise RefusedError(Reason.TOO_SMALL, str(size))
    if size > largest:
        raise RefusedError(Reason.TOO_LARGE, str(size))
    if not is_multiple(size, contract.qty_step):
        raise RefusedError(Reason.BAD_QUANTITY, str(size))
    if contract.dollars(size, request.price or mark) < contract.min_notional and not request.reduce_only:
        raise RefusedError(Reason.TOO_CHEAP, str(size))


def _check_price(contract: Contract, request: NewOrder, mark: Fraction) -> None:
    price = request.price
    if price is None:
        return
    if not contract.min_price <= price <= contract.max_price or not is_multiple(price, contract.tick):
        raise RefusedError(Reason.BAD_PRICE, str(price))
    if (price - mark) * request.side.sign > mark * contract.band:
        raise RefusedError(Reason.PRICE_BAND, str(price))


def _check_index(request: NewOrder, *, hedge_mode: bool) -> None:
    if (request.index in (1, 2)) is not hedge_mode:
        raise RefusedError(Reason.POSITION_MODE, str(request.index))


def _only_reduces(order: Order) -> bool:
    """Reduce-only by request, or because in hedge mode it goes against its side of the position."""
    against = {1: Side.SELL, 2: Side.BUY}.get(order.index)
    return order.reduce_only or order.side is against


def _rivals(other: Order, order: Order) -> bool:
    same_position = (other.symbol, other.index) == (order.symbol, order.index)
    return other.reduce_only and same_position and other.side is order.side and other.id != order.id


def _ending_at_once(order: Order, taken: list[Level]) -> Ending:
    """Why an order that met ``taken`` does not go on to rest in the book."""
    size = sum((level.contracts for level in taken), ZERO)
    match order.time_in_force:
        case TimeInForce.POST_ONLY if taken:
            return Ending.WOULD_TAKE
        case TimeInForce.FOK if size < order.contracts:
            return Ending.NOT_WHOLE
        case TimeInForce.IOC:
            return Ending.NO_MATCH
        case _:
            return Ending.NONE


def _opening_coins(contract: Contract, order: Order, taken: list[Level], closing: Fraction) -> Fraction:
    """Coins of the part that opens: what is matched counts at its price, the rest at the order's own."""
    coins = ZERO
    left = order.contracts
    for level in taken:
        left -= level.contracts
        opening = max(level.contracts - closing, ZERO)
        closing = max(closing - level.contracts, ZERO)
        coins += contract.coins(opening, level.price)
    price = taken[-1].price if order.market and taken else order.limit
    return coins + contract.coins(max(left - closing, ZERO), price)


def _most_coins(contract: Contract, leverage: Fraction) -> Fraction:
    """The largest position in coins that may be held at this leverage."""
    return max((tier.up_to for tier in contract.tiers if tier.max_leverage >= leverage), default=ZERO)
