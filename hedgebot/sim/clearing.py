"""Clearing: what happens to accounts as time passes, in the order in which it happens.

Between two turns of the price path everything is monotonic, so the first millisecond at which an order
is met or a position lost is found by bisection.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from hedgebot.sim import margin
from hedgebot.sim.account import Account
from hedgebot.sim.contract import Contract
from hedgebot.sim.desk import OrderDesk
from hedgebot.sim.events import FillKind, Liquidated
from hedgebot.sim.ledger import AccountState, MarginMode, Position, PositionKey
from hedgebot.sim.matching import Side
from hedgebot.sim.money import ZERO
from hedgebot.sim.orders import Ending
from hedgebot.sim.trading import Trade, book_funding, book_trade
from hedgebot.sim.truth import Truth


class Clearing:
    """Funding, liquidations, deliveries and the fills of resting orders."""

    def __init__(self, truth: Truth, desk: OrderDesk) -> None:
        self._truth = truth
        self._desk = desk
        self._prices: dict[tuple[str, PositionKey], tuple[Position, Contract, Fraction | None]] = {}
        self._covered: dict[tuple[str, str], tuple[AccountState, bool]] = {}

    def run_to(self, now_ms: int) -> None:
        """Bring the truth up to ``now_ms``; a clock that stepped back changes nothing."""
        start = self._truth.at_ms
        for end in self._turns(start, now_ms):
            self._pass(start, end)
            self._truth.at_ms = end
            self._settle_funding(end)
            self._deliver(end)
            start = end

    def deleverage(
        self, account: Account, key: PositionKey, contracts: Fraction, price: Fraction | None
    ) -> None:
        """Close contracts against somebody else's loss, at mark unless told otherwise."""
        position = account.state.position(key)
        book_trade(
            self._truth,
            account,
            Trade(
                symbol=key[0],
                index=key[1],
                side=Side.BUY if position.contracts < 0 else Side.SELL,
                contracts=contracts,
                price=price or self._truth.quote(key[0]).mark,
                fee_rate=self._truth.rules.adl_fee,
                kind=FillKind.ADL,
            ),
        )

    def _turns(self, start: int, end: int) -> list[int]:
        """Instants after ``start`` up to ``end`` at which to look; always ends with ``end``."""
        if end <= start:
            return []
        turns = {end}
        for symbol in self._watched():
            turns |= self._truth.market.feed(symbol).turns(start, end)
        for contract in self._truth.contracts.values():
            if start < contract.delivery_ms <= end:
                turns.add(contract.delivery_ms)
            if contract.perpetual:
                every = contract.funding_interval_ms
                turns.update(range((start // every + 1) * every, end + 1, every))
        return sorted(turns)

    def _watched(self) -> set[str]:
        """Contracts in which something could happen between two looks."""
        symbols = {order.symbol for a in self._truth.accounts.values() for order in a.open_orders.values()}
        for account in self._truth.accounts.values():
            symbols.update(key[0] for key, _ in account.state.open_positions())
        return symbols

    def _pass(self, start: int, end: int) -> None:
        """Everything that happens after ``start`` up to ``end``, on a stretch without turns."""
        met: set[str] = set()
        while start < end and self._eventful(end, met):
            start += 1 + bisect_left(range(start + 1, end + 1), True, key=lambda at: self._eventful(at, met))
            self._truth.at_ms = start
            self._act(start, met)

    def _eventful(self, at_ms: int, met: set[str]) -> bool:
        return any(True for _ in self._lost(at_ms)) or any(True for _ in self._met(at_ms, met))

    def _act(self, at_ms: int, met: set[str]) -> None:
        for account, order_id in list(self._met(at_ms, met)):
            met.add(order_id)  # at most once on a stretch: the book refills with time
            if order := account.open_orders.get(order_id):
                self._desk.fill_resting(account, order)
        for account, key in list(self._lost(at_ms)):
            self._liquidate(account, key)

    def _met(self, at_ms: int, met: set[str]) -> Iterator[tuple[Account, str]]:
        for account in self._truth.accounts.values():
            for order in account.open_orders.values():
                if order.id not in met and self._desk.crosses(order, at_ms):
                    yield account, order.id

    def _lost(self, at_ms: int) -> Iterator[tuple[Account, PositionKey]]:
        """Positions that are liquidated at the prices of an instant."""
        for account in self._truth.accounts.values():
            pools: dict[str, list[tuple[PositionKey, Position]]] = {}
            for key, position in account.state.open_positions():
                if account.state.mode_of(key[0]) is not MarginMode.ISOLATED:
                    pools.setdefault(self._pool_of(key), []).append((key, position))
                elif self._isolated_lost(account, key, position, at_ms):
                    yield account, key
            for coin, held in pools.items():
                if self._pool_lost(account, coin, at_ms):
                    yield account, max(held, key=lambda entry: self._worth(entry[0], entry[1], at_ms))[0]

    def _pool_of(self, key: PositionKey) -> str:
        """The coin whose pool backs a position; nothing where the account is one pool."""
        return self._truth.contracts[key[0]].settle if self._truth.rules.pools == "coin" else ""

    def _isolated_lost(self, account: Account, key: PositionKey, position: Position, at_ms: int) -> bool:
        """Whether the mark has come to the position's price; that is computed once for each position."""
        contract = self._truth.contracts[key[0]]
        known = self._prices.get((account.name, key))
        if known is None or known[0] is not position or known[1] is not contract:
            at_entry = self._truth.rules.maintenance == "entry"
            price = margin.liquidation_price(position, contract, at_entry=at_entry)
            known = self._prices[account.name, key] = (position, contract, price)
        price = known[2]
        if price is None:
            return False
        mark = self._truth.quote(key[0], at_ms).mark
        return mark >= price if position.contracts < 0 else mark <= price

    def _pool_lost(self, account: Account, coin: str, at_ms: int) -> bool:
        state, covered = self._covered.get((account.name, coin), (None, False))
        valuation = self._truth.valuation(account)
        if state is not account.state:
            covered = valuation.covered(coin)
            self._covered[account.name, coin] = (account.state, covered)
        if covered:
            return False
        contracts, market = self._truth.contracts, self._truth.market
        return valuation.at(lambda symbol: market.quote(contracts[symbol], at_ms)).pool(coin).lost

    def _worth(self, key: PositionKey, position: Position, at_ms: int) -> Fraction:
        contract = self._truth.contracts[key[0]]
        quote = self._truth.quote(key[0], at_ms)
        return contract.dollars(position.contracts, quote.mark)

    def _liquidate(self, account: Account, key: PositionKey) -> None:
        """Cancel what rests, then close at the price that leaves nothing of the margin or of the pool."""
        isolated = account.state.mode_of(key[0]) is MarginMode.ISOLATED
        for order in list(account.open_orders.values()):
            if not isolated or order.symbol == key[0]:
                self._desk.end(account, order, Ending.LIQUIDATION)
        contract = self._truth.contracts[key[0]]
        position, mark = account.state.position(key), self._truth.quote(key[0]).mark
        bust = self._truth.valuation(account).bust_price(key) or mark
        filled = self._close(account, key, position, bust, contract.taker, FillKind.BUST)
        self._truth.record(
            Liquidated(
                number=self._truth.next_number(),
                at_ms=self._truth.at_ms,
                account=account.name,
                symbol=key[0],
                contracts=position.contracts,
                mark=mark,
                bust=bust,
                lost=-filled,
            )
        )

    def _close(
        self,
        account: Account,
        key: PositionKey,
        position: Position,
        price: Fraction,
        fee_rate: Fraction,
        kind: FillKind,
    ) -> Fraction:
        """Close a whole position that nobody ordered to; what it changes the wallet by."""
        trade = Trade(
            symbol=key[0],
            index=key[1],
            side=Side.BUY if position.contracts < 0 else Side.SELL,
            contracts=position.size,
            price=price,
            fee_rate=fee_rate,
            kind=kind,
        )
        return book_trade(self._truth, account, trade).change

    def _deliver(self, at_ms: int) -> None:
        """End the dated contracts that are due: what is open closes at the index, without a fee."""
        for contract in list(self._truth.contracts.values()):
            if contract.perpetual or contract.delivered or at_ms < contract.delivery_ms:
                continue
            for account in self._truth.accounts.values():
                for order in [o for o in account.open_orders.values() if o.symbol == contract.symbol]:
                    self._desk.end(account, order, Ending.DELIVERY)
                for key, position in account.state.open_positions():
                    if key[0] == contract.symbol:
                        index = self._truth.quote(contract.symbol).index
                        self._close(account, key, position, index, ZERO, FillKind.DELIVERY)
            ended = replace(contract, delivered=True, status="Closed")
            self._truth.contracts[contract.symbol] = ended

    def _settle_funding(self, at_ms: int) -> None:
        for contract in self._truth.contracts.values():
            if not contract.perpetual or at_ms % contract.funding_interval_ms:
                continue
            rate = self._truth.market.funding_rate(contract.symbol, at_ms)
            self._truth.funding.setdefault(contract.symbol, []).append((at_ms, rate))
            for account in self._truth.accounts.values():
                for key, _ in account.state.open_positions():
                    if key[0] == contract.symbol:
                        book_funding(self._truth, account, key, rate)
