"""Binance: a spot wallet and a COIN-M wallet, whose two lists of positions have to agree."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from hedgebot.domain.account import Needs, OpenOrder, Position, Wallet, WalletId
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.market import Quote
from hedgebot.domain.orders import Fate, Outcome
from hedgebot.domain.transfers import Pocket, TransferRequest, TransferSighting, TransferState
from hedgebot.domain.units import ZERO, Coin, Millis, Price
from hedgebot.errors import ReadError
from hedgebot.sim.account import ApiKey
from hedgebot.sim.binance.account import SMALLEST
from hedgebot.sim.binance.contracts import SPOT
from hedgebot.sim.binance.history import FORCED
from hedgebot.sim.binance.positions import (
    ADD,
    REDUCE,
    margin_history,
    modify_margin,
    set_leverage,
    set_margin_type,
)
from hedgebot.sim.binance.session import Options, Session
from hedgebot.sim.binance.spot import STABLE, transfer, transfers
from hedgebot.sim.binance.wire import ApiError, Json, Params
from hedgebot.sim.contract import HOUR_MS, Contract
from hedgebot.sim.events import Filled, FundingPaid, Posted
from hedgebot.sim.exchange import SimulatedExchange, View
from hedgebot.sim.ledger import PositionKey, isolated_coins
from hedgebot.sim.money import floor_to
from hedgebot.sim.orders import Order
from hedgebot.sim.port.house import House
from hedgebot.sim.port.look import Look
from hedgebot.sim.port.prices import Instants, next_funding
from hedgebot.sim.port.words import Facts, Leg, Recall, Told, accepted

DAY_MS = 24 * HOUR_MS
ROUNDING = Decimal("2e-8")
JITTER_MS = 60_000
MARGIN_TYPES = {MarginMode.ISOLATED: "ISOLATED", MarginMode.CROSS: "CROSSED"}
SAME_MARGIN_TYPE = -4046
HISTORIES = ("sapi/v1/asset/transfer", "dapi/v1/positionMargin/history")
WALLETS = {Pocket.MARGIN: "MAIN_CMFUTURE", Pocket.SPOT: "CMFUTURE_MAIN"}


class Binance(House):
    """The model of split wallets: what is asked for of an account without legs is its spot wallet alone."""

    sides: ClassVar[tuple[int, ...]] = (0, 1, 2)
    recall: ClassVar[Recall] = Recall(
        ("dapi/v1/order", "dapi/v1/allOrders"), (3 * DAY_MS, 3 * DAY_MS), shows_open=True
    )
    ledger_ms: ClassVar[int] = 180 * DAY_MS

    def __init__(self, exchange: SimulatedExchange, account: str) -> None:
        super().__init__(exchange, account)
        self._session = Session(exchange, Options(), ApiKey(key="", secret="", account=account))

    def largest(self, contract: Contract) -> Fraction:
        return min(contract.max_qty, contract.max_market_qty)

    def entry_id(self, event: Filled | FundingPaid) -> str:
        return (
            f"{event.symbol} {event.execution_id}" if isinstance(event, Filled) else f"funding {event.number}"
        )

    def entry_price(self, event: Filled | FundingPaid) -> Price | None:
        return super().entry_price(event) if isinstance(event, Filled) else None

    def client_id(self, order: Order) -> str:
        return order.client_id or f"web_{order.id}"

    def trader(self, event: Filled) -> str:
        if event.order is not None:
            return self.client_id(event.order)
        prefix = FORCED[event.kind]
        return f"{prefix}{event.order_id}" if prefix.endswith("-") else prefix

    def fee(self, order: Order) -> Coin:
        """Only an order's trades tell what it cost."""
        at_ms = self.exchange.as_of("execution")
        events = self.exchange.truth.accounts[self.account].events
        trades = (e for e in events if isinstance(e, Filled) and e.order_id == order.id and e.at_ms <= at_ms)
        return sum((self.coins(trade.fee) for trade in trades), Coin.zero()) if order.filled else Coin.zero()

    def told(self, look: Look, facts: Facts, needs: Needs) -> Told:
        legs = [self.contract(symbol) for symbol in sorted(needs.symbols)]
        spot = self._spot(look.view("spot_wallet"), sorted(needs.assets))
        if not legs:
            return Told(facts.mode, spot, (), (), (), ())
        wallet, positions = look.view("wallet"), dict[str, list[Position]]()
        for asset in sorted({contract.settle for contract in legs}):
            positions[asset] = self._positions(look.view("position"), wallet, asset)
        named = {self.symbols[contract.symbol] for contract in legs}
        every = [position for found in positions.values() for position in found]
        self._check_sides(every, named, facts)
        known = [facts.legs[self.symbols[contract.symbol]] for contract in legs]
        quoted = [(self._quote(look, leg), self._orders(look.at("order"), leg)) for leg in known]
        return Told(
            mode=facts.mode,
            wallets=(*spot, *(self._margin(wallet, asset, found) for asset, found in positions.items())),
            positions=tuple(p for p in every if p.symbol in named or p.contracts or p.hedge_mode),
            orders=tuple(order for _, orders in quoted for order in orders),
            quotes=tuple(quote for quote, _ in quoted),
            facts=tuple(leg.facts for leg in known),
        )

    def _spot(self, view: View, assets: Sequence[str]) -> tuple[Wallet, ...]:
        """What is free and what orders lock, of all coins that there are."""
        listed = {contract.base for contract in self.exchange.truth.contracts.values()} | {STABLE}
        found = []
        for asset in assets:
            if asset not in listed:
                raise ReadError(f"{self.account}: no {asset} is shown")
            own, zero = view.value.state.wallet((SPOT, asset)), Coin.zero()
            free, locked = self.coins(own.balance - own.locked), self.coins(own.locked)
            found.append(Wallet(WalletId(self.account, SPOT, asset), free + locked, zero, zero, free))
        return tuple(found)

    def _positions(self, view: View, wallet: View, asset: str) -> list[Position]:
        """All that a wallet margins, open or not; ``wallet`` is the other list, which says what is bound."""
        natives = [c.symbol for c in self.exchange.truth.contracts.values() if c.settle == asset]
        for native in natives:
            self.check_agreement(view, wallet, native)
        return [self._bound_in(wallet, view, native) for native in natives]

    def position(self, view: View, native: str) -> Position:
        """In hedge mode the margins of its sides too are summed."""
        told, state = super().position(view, native), view.value.state
        if told.margin is None or not told.hedge_mode:
            return told
        margins = (state.position((native, index)).margin for index in self.sides)
        return replace(told, margin=self.coins(sum(margins, Fraction(0))))

    def _bound_in(self, wallet: View, view: View, native: str) -> Position:
        """A position, and what the account's own list says that it binds."""
        told = self.position(view, native)
        return (
            told
            if view is wallet
            else replace(told, initial_margin=self.position(wallet, native).initial_margin)
        )

    def _check_sides(self, positions: Iterable[Position], named: set[str], facts: Facts) -> None:
        for position in positions:
            if position.symbol in named and position.hedge_mode is not facts.hedge_mode:
                raise ReadError(
                    f"{self.account}: {position.symbol} is held in another position mode than told"
                )

    def _margin(self, view: View, asset: str, positions: Sequence[Position]) -> Wallet:
        """The COIN-M wallet: it has to be the cross wallet and the isolated margins that positions show."""
        value, key = view.value, (view.account.pot, asset)
        balance = value.state.wallet(key).balance
        aside = self.number(isolated_coins(value.state, asset, value.contracts))
        own = [position.margin.value for position in positions if position.margin is not None]
        if not _was_used(view, asset):
            raise ReadError(f"{self.account}: the wallet was never used. Transfer any {asset} into it")
        if abs(aside - sum(own, ZERO)) > ROUNDING * (len(own) + 1):
            raise ReadError(f"{self.account}: wallet and positions disagree about isolated margins")
        bound = sum((value.initial_margin(key) for key, _ in value.settled_in(asset)), Fraction(0))
        return Wallet(
            id=WalletId(self.account, view.account.pot, asset),
            coins=self.coins(balance),
            unrealized=self.coins(value.profit(asset)),
            position_margin=self.coins(bound),
            withdrawable=self._withdrawable(view, asset, positions),
        )

    def _withdrawable(self, view: View, asset: str, positions: Sequence[Position]) -> Coin:
        """Unbound coins of the cross wallet less an open loss, and no more than the exchange itself says."""
        value, key = view.value, (view.account.pot, asset)
        cross = value.state.wallet(key).balance - isolated_coins(value.state, asset, value.contracts)
        pooled = value.pooled(asset)
        profit = sum(
            (p.profit(value.contracts[k[0]], value.quote(k[0]).mark) for k, p in pooled), Fraction(0)
        )
        bound = sum((p.initial_margin.value for p in positions if p.margin is None), ZERO)
        resting = self.number(value.resting.get(asset, Fraction(0)))
        free = self.number(cross) + min(self.number(profit), ZERO) - bound - resting
        return Coin(max(min(free, self.number(floor_to(value.withdrawable(key), SMALLEST))), ZERO))

    def _orders(self, at_ms: int, leg: Leg) -> list[OpenOrder]:
        """Those of one contract, oldest first."""
        symbol = leg.facts.instrument.symbol
        return [order for order in self.resting(at_ms)[::-1] if order.symbol == symbol]

    def _quote(self, look: Look, leg: Leg) -> Quote:
        """The interval is that of the last settlements; unknown once the next one is further away."""
        contract = self.exchange.truth.contracts[leg.contract.symbol]
        ticker, book = look.at("ticker"), look.at("book")
        length = leg.contract.funding_interval_ms
        known = next_funding(contract, ticker) - ticker <= length + JITTER_MS and not length % HOUR_MS
        hours = Decimal(length // HOUR_MS) if known else None
        at = Instants(ticker, ticker, ticker, book)
        return self.prices.quote(self.symbols[contract.symbol], contract, at, min(ticker, book), hours)

    def liquidation(self, view: View, key: PositionKey) -> Price | None:
        price = view.value.liquidation_price(key)
        return None if price is None else Price(self.number(price))

    def set_leverage(self, contract: Contract, leverage: Decimal, mode: MarginMode | None) -> Outcome:
        """Set the margin mode, if one is named, and then the leverage."""
        if leverage % 1:
            return Outcome(Fate.REJECTED, f"not sent: leverage is a whole number on Binance, not {leverage}")
        try:
            if mode in MARGIN_TYPES:
                self._set_margin_type(contract, MARGIN_TYPES[mode])
            set_leverage(self._session, Params({"symbol": contract.symbol, "leverage": str(int(leverage))}))
        except ApiError as error:
            return Outcome(Fate.REJECTED, f"code {error.code}: {error}")
        return accepted()

    def transfer(self, request: TransferRequest) -> Outcome:
        """Move coins between the wallets, or to and from an isolated margin."""
        asked, done = {"amount": f"{request.coins.value:f}"}, Json()
        try:
            if request.symbol:
                symbol, kind = self.contract(request.symbol).symbol, str(_margin_kind(request))
                modify_margin(self._session, Params({**asked, "symbol": symbol, "type": kind}))
            else:
                kind = WALLETS[request.target]
                done = transfer(self._session, Params({**asked, "type": kind, "asset": request.asset}))
        except ApiError as error:
            return Outcome(Fate.REJECTED, f"code {error.code}: {error}")
        return accepted(str(done.get("tranId", "")))

    def find_transfer(self, request: TransferRequest, since: Millis) -> TransferSighting:
        """Look in the history of such moves for one of these coins."""
        if request.symbol:
            at, asked = "time", {"symbol": self.contract(request.symbol).symbol}
            shown = margin_history(self._session, Params(asked))
            rows = [row for row in shown if row["type"] == _margin_kind(request)]
        else:
            at, asked = "timestamp", {"type": WALLETS[request.target], "size": "100"}
            rows = transfers(self._session, Params(asked))["rows"]
        for row in rows:
            if Decimal(row["amount"]) == request.coins.value and row[at] >= since:
                over = row.get("status", "CONFIRMED") == "CONFIRMED"
                known = TransferState(str(row.get("tranId", "")), over, failed=False, at=Millis(row[at]))
                return TransferSighting(known)
        return TransferSighting(None, (HISTORIES[bool(request.symbol)],))

    def _set_margin_type(self, contract: Contract, margin_type: str) -> None:
        try:
            set_margin_type(self._session, Params({"symbol": contract.symbol, "marginType": margin_type}))
        except ApiError as error:
            if error.code != SAME_MARGIN_TYPE:
                raise


def _margin_kind(request: TransferRequest) -> int:
    return ADD if request.target is Pocket.ISOLATED else REDUCE


def _was_used(view: View, asset: str) -> bool:
    key, events = (view.account.pot, asset), reversed(view.account.events)
    return any(isinstance(e, Posted) and e.wallet == key and e.at_ms <= view.at_ms for e in events)
