"""What all exchanges have in common when they tell of an account, and when one asks them for something."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from hedgebot.domain.account import AccountMode, KeyScope, LegFacts, Needs, OpenOrder, Position, Tier
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate, Identified, OrderRequest, Outcome
from hedgebot.domain.signals import Candle
from hedgebot.domain.transfers import Pocket, TransferRequest, TransferSighting
from hedgebot.domain.units import Coin, Contracts, Millis, Price, Usd
from hedgebot.errors import ReadError, UnlistedError
from hedgebot.sim.account import ApiKey
from hedgebot.sim.bars import bars
from hedgebot.sim.contract import Contract
from hedgebot.sim.events import Filled, FundingPaid
from hedgebot.sim.exchange import SimulatedExchange, View
from hedgebot.sim.ledger import PositionKey
from hedgebot.sim.orders import NewOrder, Order, Reason, RefusedError, TimeInForce
from hedgebot.sim.port.look import Look, decimal
from hedgebot.sim.port.prices import Prices
from hedgebot.sim.port.words import Facts, Leg, Recall, Told, accepted, refusal, side_of, unified


class House:
    """One account on one exchange, in this exchange's manner.

    ``places`` are the decimals of its amounts, ``sides`` the indices of a position in hedge mode;
    ``ledger_ms`` is how far back its ledger reaches, and ``funding_read`` the read that shows funding there.
    """

    places: ClassVar[int] = 8
    sides: ClassVar[tuple[int, ...]] = (1, 2)
    recall: ClassVar[Recall]
    ledger_ms: ClassVar[int]
    funding_read: ClassVar[str] = "transaction"

    def __init__(self, exchange: SimulatedExchange, account: str) -> None:
        self.exchange = exchange
        self.account = account
        self.prices = Prices(exchange.truth.market, self.places)
        self.symbols = {contract.symbol: unified(contract) for contract in exchange.truth.contracts.values()}
        self._natives = {symbol: native for native, symbol in self.symbols.items()}

    # Each exchange's own

    def told(self, look: Look, facts: Facts, needs: Needs) -> Told:
        """One reading. Raises ``ReadError`` where parts of it contradict each other."""
        raise NotImplementedError

    def entry_id(self, event: Filled | FundingPaid) -> str:
        """What names a line of the ledger."""
        raise NotImplementedError

    def mode(self, _margin_mode: MarginMode) -> AccountMode:
        """What holds for the whole account: nothing, where each position has a margin mode of its own."""
        return AccountMode(None)

    def largest(self, contract: Contract) -> Fraction:
        """The most contracts of one order."""
        return contract.max_qty

    def client_id(self, order: Order) -> str:
        """The client id that an order is shown with."""
        return order.client_id

    def trader(self, event: Filled) -> str:
        """The client id that a trade is shown with."""
        return event.client_id

    def entry_price(self, event: Filled | FundingPaid) -> Price | None:
        price = event.price if isinstance(event, Filled) else event.mark
        return self.price(price, self.exchange.truth.contracts[event.symbol])

    def fee(self, order: Order) -> Coin:
        """What an order cost so far, as a look at the order tells."""
        return self.coins(order.fee)

    def scope(self, key: ApiKey) -> KeyScope:
        """What a key may do, as far as the exchange tells."""
        expires_at = None if key.expires_ms is None else Millis(key.expires_ms)
        trade, withdraw = not key.read_only, key.withdraw and not key.read_only
        return KeyScope(trade=trade, withdraw=withdraw, ip_bound=bool(key.ips), expires_at=expires_at)

    # Numbers

    def number(self, value: Fraction) -> Decimal:
        return decimal(value, self.places)

    def coins(self, value: Fraction) -> Coin:
        return Coin(decimal(value, self.places))

    def price(self, value: Fraction, contract: Contract) -> Price:
        """A price with its contract's decimals."""
        return Price(decimal(value, contract.price_places))

    # Contracts

    def contract(self, symbol: str) -> Contract:
        """The contract of a unified symbol, as it is now. Raises ``UnlistedError``."""
        if symbol not in self._natives:
            raise UnlistedError(f"{self.account}: no contract {symbol} is listed", "Check the leg's symbol")
        return self.exchange.truth.contracts[self._natives[symbol]]

    def facts(self, look: Look, symbols: Iterable[str]) -> Facts:
        """Facts about these contracts and the account, as they are now. Raises ``ReadError``."""
        state = look.view("account").value.state
        legs = {symbol: self.leg(self.contract(symbol)) for symbol in sorted(symbols)}
        return Facts(self.mode(MarginMode(state.margin_mode.value)), state.hedge_mode, legs)

    def leg(self, contract: Contract) -> Leg:
        tiers = tuple(Tier(self.coins(t.up_to), self.number(t.maintenance)) for t in contract.tiers)
        return Leg(contract, LegFacts(self._instrument(contract), self.number(contract.taker), tiers))

    def instruments(self, asset: str) -> tuple[Instrument, ...]:
        """All contracts that settle in a coin."""
        self.exchange.advance()
        listed = self.exchange.truth.contracts.values()
        return tuple(self._instrument(contract) for contract in listed if contract.settle == asset)

    def _instrument(self, contract: Contract) -> Instrument:
        return Instrument(
            symbol=self.symbols[contract.symbol],
            native=contract.symbol,
            asset=contract.settle,
            face=Usd(self.number(contract.face)),
            lot=Contracts(self.number(contract.qty_step)),
            tick=self.number(contract.tick),
            min_order=Contracts(self.number(contract.min_qty)),
            max_order=Contracts(self.number(self.largest(contract))),
            tradable=contract.status == "Trading",
            ends_at=None if contract.perpetual else Millis(contract.delivery_ms),
        )

    def candles(self, symbol: str, bar_ms: int, since: int) -> tuple[Candle, ...]:
        """A contract's bars that have ended, oldest first. Raises ``ReadError``."""
        contract, now = self.contract(symbol), self.exchange.truth.clock.now_ms()
        found = bars(self.exchange.truth.market, contract, bar_ms, since, now - bar_ms, now)
        places = contract.price_places
        return tuple(Candle(Millis(bar.start + bar_ms), Price(decimal(bar.close, places))) for bar in found)

    def spot_price(self, asset: str) -> Price:
        """The middle of a coin's spot market. Raises ``ReadError``."""
        every = self.exchange.truth.contracts.values()
        native = next((contract.symbol for contract in every if contract.base == asset), None)
        if native is None:
            raise ReadError(f"{self.account}: no spot market of {asset} is listed")
        bid, ask = self.exchange.truth.market.spot(native, self.exchange.as_of("ticker"))
        return Price((self.number(bid) + self.number(ask)) / 2)

    # Positions and orders

    def position(self, view: View, native: str) -> Position:
        """A contract's position; in hedge mode its sides summed, the larger one lending its other figures."""
        if not view.value.state.hedge_mode:
            return self._side(view, (native, 0))
        sides = [self._side(view, (native, index)) for index in self.sides]
        return replace(
            max(sides, key=lambda side: abs(side.contracts)),
            contracts=sum((side.contracts for side in sides), Contracts.zero()),
            unrealized=sum((side.unrealized for side in sides), Coin.zero()),
            initial_margin=sum((side.initial_margin for side in sides), Coin.zero()),
            updated_at=max(side.updated_at for side in sides),
            hedge_mode=True,
        )

    def _side(self, view: View, key: PositionKey) -> Position:
        contract, value = self.exchange.truth.contracts[key[0]], view.value
        position = value.state.position(key)
        is_open, mark = bool(position.contracts), value.quote(key[0]).mark
        return Position(
            symbol=self.symbols[key[0]],
            contracts=Contracts(self.number(position.contracts)),
            entry=Price(self.number(position.average(contract))) if is_open else None,
            mark=Price(self.number(mark)) if is_open else None,
            unrealized=self.coins(position.profit(contract, mark)),
            initial_margin=self.bound(view, key) if is_open else Coin.zero(),
            margin=self.coins(position.margin) if value.has_own_margin(key) else None,
            liquidation=self.liquidation(view, key) if is_open else None,
            leverage=self.number(value.leverage(key[0])),
            hedge_mode=False,
            updated_at=Millis(position.updated_ms),
            margin_mode=MarginMode(value.state.mode_of(key[0]).value),
        )

    def bound(self, view: View, key: PositionKey) -> Coin:
        """Coins that an open position binds."""
        return self.coins(view.value.initial_margin(key))

    def liquidation(self, view: View, key: PositionKey) -> Price | None:
        """The price at which an open position is lost; not shown beyond the contract's own prices."""
        contract, price = self.exchange.truth.contracts[key[0]], view.value.liquidation_price(key)
        if price is None or not contract.min_price < price < contract.max_price:
            return None
        return self.price(price, contract)

    def others(self, view: View, legs: Sequence[str]) -> list[str]:
        """Contracts held that are no legs, in the order in which they are listed."""
        held = {key[0] for key, _ in view.value.state.open_positions()}.difference(legs)
        return [native for native in self.exchange.truth.contracts if native in held] if held else []

    def check_agreement(self, one: View, other: View, native: str) -> None:
        """Two lists of positions are read, perhaps of different instants. Raises ``ReadError``."""
        if one is not other and _size(one, native) != _size(other, native):
            raise ReadError(f"{self.account}: two lists of positions disagree on {self.symbols[native]}")

    def resting(self, at_ms: int) -> tuple[OpenOrder, ...]:
        """Orders that rest, newest first."""
        return tuple(
            OpenOrder(
                symbol=self.symbols[order.symbol],
                order_id=order.id,
                client_id=self.client_id(order),
                contracts=Contracts(self.number(order.left * order.side.sign)),
                reduce_only=order.reduce_only,
                created_at=Millis(order.created_ms),
            )
            for order in self.exchange.truth.accounts[self.account].open_at(at_ms)
        )

    # Requests

    def place(self, order: OrderRequest, contract: Contract) -> Outcome:
        """Take an immediate-or-cancel order in one-way mode."""
        request = NewOrder(
            symbol=contract.symbol,
            side=side_of(order),
            contracts=abs(Fraction(order.contracts.value)),
            price=Fraction(order.limit.value),
            time_in_force=TimeInForce.IOC,
            reduce_only=order.reduce_only,
            client_id=order.client_id,
        )
        try:
            return accepted(self.exchange.place(self.account, request).id)
        except RefusedError as refused:
            return refusal(refused)

    def cancel(self, order: Identified, contract: Contract) -> Outcome:
        account = self.exchange.account(self.account)
        for order_id in account.ids_of(order.client_id):
            if order_id in account.open_orders and account.open_orders[order_id].symbol == contract.symbol:
                return accepted(self.exchange.cancel(self.account, order_id).id)
        return refusal(RefusedError(Reason.UNKNOWN_ORDER))

    def transfer(self, request: TransferRequest) -> Outcome:
        """Move coins between two pockets: here between the one pot and an isolated margin."""
        if not request.symbol:
            return Outcome(Fate.REJECTED, f"not sent: {self.account} has one pot, nothing from {request.way}")
        coins = self.sent(request)
        change = coins if request.target is Pocket.ISOLATED else -coins
        try:
            self.exchange.add_margin(self.account, self.contract(request.symbol).symbol, change)
        except RefusedError as refused:
            return refusal(refused)
        return accepted()

    def sent(self, request: TransferRequest) -> Fraction:
        """The coins that a move is asked for with."""
        return Fraction(request.coins.value)

    def find_transfer(self, _request: TransferRequest, _since: Millis) -> TransferSighting:
        """Look for a move in what the exchange tells of moves: here nothing. Raises ``ReadError``."""
        return TransferSighting(None)

    def set_leverage(self, contract: Contract, leverage: Decimal, _mode: MarginMode | None) -> Outcome:
        try:
            self.exchange.set_leverage(self.account, contract.symbol, Fraction(leverage))
        except RefusedError as refused:
            return refusal(refused)
        return accepted()


def _size(view: View, native: str) -> Fraction:
    """Contracts held, all sides together."""
    positions = view.value.state.positions.items()
    return sum((position.contracts for (symbol, _), position in positions if symbol == native), Fraction(0))
