"""One Binance account behind the port ``Account``: two wallets, two APIs."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

from hedgebot.domain.account import AccountReading, KeyScope, Ledger, LedgerEntry, Needs, Sighting
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate, Identified, OrderRequest, OrderState, Outcome
from hedgebot.domain.signals import Candle
from hedgebot.domain.transfers import TransferRequest, TransferSighting
from hedgebot.domain.units import Millis, Price
from hedgebot.errors import BackOffError, ConversionError, CredentialsError, ReadError
from hedgebot.exchange import booked
from hedgebot.exchange.binance import key, market, orders, transfers, venue
from hedgebot.exchange.binance.history import HISTORY_MS, WEEK_MS, History
from hedgebot.exchange.binance.market import rows
from hedgebot.exchange.binance.reading import CoinMAnswers, LegAnswers, Moment, reading, spot_reading
from hedgebot.exchange.binance.slow_facts import SlowFacts
from hedgebot.exchange.binance.timekeeper import Timekeeper
from hedgebot.exchange.client import Client, Endpoint
from hedgebot.exchange.convert import OrderBook
from hedgebot.exchange.fates import Answer, Operation
from hedgebot.exchange.limiter import Priority
from hedgebot.exchange.together import together
from hedgebot.ports import Clock

BOOK_LEVELS = 50
MOST_BARS = 1000
RECENT_ORDERS = 100  # the most that allOrders shows at once
MARGIN_TYPES = {MarginMode.ISOLATED: "ISOLATED", MarginMode.CROSS: "CROSSED"}


class BinanceAccount:
    """Reads that go out together, writes that are sent once. Printing it shows its name."""

    def __init__(self, name: str, spot: Client, coin_m: Client, clock: Clock, *, sandbox: bool) -> None:
        self._name = name
        self._spot = spot
        self._coin_m = coin_m
        self._clock = clock
        self._sandbox = sandbox
        self._slow = SlowFacts(spot, coin_m, clock, sandbox=sandbox)
        self._spot_time = Timekeeper(spot, venue.SPOT_TIME, clock)
        self._coin_m_time = Timekeeper(coin_m, venue.TIME, clock)
        self._history = History(coin_m)

    def __repr__(self) -> str:
        return f"<BinanceAccount {self._name}>"

    @property
    def name(self) -> str:
        return self._name

    async def close(self) -> None:
        await self._spot.close()
        await self._coin_m.close()

    async def read(self, needs: Needs) -> AccountReading:
        """Everything a decision needs. Raises ``ReadError``, also where replies contradict each other."""
        try:
            return await (self._read(needs) if needs.symbols else self._read_spot(sorted(needs.assets)))
        except BackOffError:
            raise
        except ReadError as failure:
            self._doubt(failure)
            if self._slow.unsupported:
                raise ReadError(f"{self._name}: {self._slow.unsupported}") from failure
            raise

    def _doubt(self, failure: ReadError) -> None:
        """What to read anew: the time, whose window a request may have missed; facts that no longer fit."""
        self._spot_time.doubt()
        self._coin_m_time.doubt()
        if isinstance(failure, ConversionError):
            self._slow.doubt()

    async def _read_spot(self, assets: Sequence[str]) -> AccountReading:
        started = self._clock.monotonic()
        spot = await self._read_spot_wallet()
        return spot_reading(spot, assets, self._moment(started, self._spot))

    async def _read(self, needs: Needs) -> AccountReading:
        started = self._clock.monotonic()
        # What is asked of one host would be cut off by the other's ban, and a ban of its own never heard.
        self._spot.check_ban(venue.SPOT_ACCOUNT)
        self._coin_m.check_ban(venue.ACCOUNT)
        async with together() as group:
            # Facts about the account come from both APIs, and are signed.
            group.create_task(self._spot_time.known())
            group.create_task(self._coin_m_time.known())
            listing = group.create_task(self._slow.listing())
        contracts = [listing.result().named(symbol) for symbol in sorted(needs.symbols)]
        async with together() as group:
            slow = group.create_task(self._slow.facts(needs.symbols))
            spot = group.create_task(self._read_spot_wallet())
            coin_m = group.create_task(self._read_coin_m(contracts))
        moment = self._moment(started, self._coin_m)
        return reading(spot.result(), coin_m.result(), slow.result(), sorted(needs.assets), moment)

    async def _read_spot_wallet(self) -> Answer:
        await self._spot_time.known()
        async with together() as group:
            wallet = group.create_task(self._spot.read(venue.SPOT_ACCOUNT, {}))
            group.create_task(self._spot_time.renewed())
        return wallet.result()

    async def _read_coin_m(self, contracts: Sequence[Instrument]) -> CoinMAnswers:
        assets = sorted({contract.asset for contract in contracts})
        async with together() as group:
            legs = [self._ask_about(contract, group) for contract in contracts]
            account = group.create_task(self._coin_m.read(venue.ACCOUNT, {}))
            positions = {
                asset: group.create_task(self._coin_m.read(venue.POSITIONS, {"marginAsset": asset}))
                for asset in assets
            }
            group.create_task(self._coin_m_time.renewed())
        shown = {asset: task.result() for asset, task in positions.items()}
        return CoinMAnswers(account.result(), shown, [leg() for leg in legs])

    def _ask_about(self, contract: Instrument, group: asyncio.TaskGroup) -> Callable[[], LegAnswers]:
        """Ask for all about one contract within ``group``; what this returns is for after it.

        Orders too are asked for by contract: those of all cost forty times as much of the quota.
        """
        asked = {"symbol": contract.native}
        book = group.create_task(self._order_book(contract))
        premium = group.create_task(self._coin_m.read(venue.PREMIUM, asked))
        resting = group.create_task(self._coin_m.read(venue.ORDERS, asked))
        return lambda: LegAnswers(contract, premium.result(), book.result(), resting.result())

    async def _order_book(self, contract: Instrument) -> OrderBook:
        asked = {"symbol": contract.native, "limit": BOOK_LEVELS}
        return market.order_book(await self._coin_m.read(venue.ORDER_BOOK, asked), contract)

    def _moment(self, started: float, client: Client) -> Moment:
        return Moment(self._name, started, self._clock.monotonic(), client.time.offset_ms())

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        """See ``ports.Account``."""
        listed = (await self._slow.listing()).by_native.values()
        return tuple(each for each in listed if each.settle == asset)

    async def ledger(self, symbols: Sequence[str], since: Millis) -> Ledger:
        """Trades and funding since an instant, week by week. Raises ``ReadError``."""
        contracts = [await self._contract(symbol) for symbol in symbols]
        now = self._clock.now_ms()  # as ``since`` is; the exchange's may be damaged
        first, found = max(since, now - HISTORY_MS), list[LedgerEntry]()
        # Also where it is still to come by our clock: that may have been set back.
        for start in range(first, max(first, now) + 1, WEEK_MS):
            end = start + WEEK_MS - 1
            async with together() as group:
                spans = [group.create_task(self._history.span(each, start, end)) for each in contracts]
            found += sorted((entry for span in spans for entry in span.result()), key=lambda entry: entry.at)
        return booked.ledger(found, self._name)

    async def candles(self, symbol: str, bar_ms: int, since: Millis) -> tuple[Candle, ...]:
        """Bars that have ended, oldest first. Raises ``ReadError``."""
        contract = await self._contract(symbol)
        interval = market.INTERVALS[bar_ms]
        asked = {"symbol": contract.native, "interval": interval, "startTime": since, "limit": MOST_BARS}
        answer = await self._coin_m.read(venue.CANDLES, asked)
        return market.candles(answer, bar_ms, self._coin_m.time.now_ms())

    async def spot_price(self, asset: str) -> Price:
        """See ``ports.Account``."""
        native = f"{asset}USDT"
        return market.spot_price(await self._spot.read(venue.SPOT_TICKER, {"symbol": native}), native)

    async def key_scope(self) -> KeyScope:
        """What the key may do; demo trading does not tell. Raises ``ReadError``."""
        if self._sandbox:
            return key.UNTOLD
        await self._spot_time.known()
        return key.scope(await self._spot.read(venue.KEY, {}))

    async def place(self, order: OrderRequest) -> Outcome:
        """Send one immediate-or-cancel order exactly once."""
        return await self._write(
            Operation.PLACE,
            venue.PLACE,
            order.symbol,
            lambda contract: orders.placing(order, contract),
            lambda answer, contract: orders.acknowledged(answer, order, contract),
            Priority.EMERGENCY if order.reduce_only else Priority.ORDER,
        )

    async def cancel(self, order: Identified) -> Outcome:
        """Ask for an order to be cancelled; that it was accepted does not mean that it is gone."""
        return await self._write(
            Operation.CANCEL,
            venue.CANCEL,
            order.symbol,
            lambda contract: orders.naming(order, contract),
            lambda answer, contract: orders.acknowledged(answer, order, contract),
        )

    async def set_leverage(
        self, symbol: str, leverage: str, margin_mode: MarginMode | None = None, /
    ) -> Outcome:
        """Set a contract's margin mode, if one is named, and then its leverage, a whole number."""
        if Decimal(leverage) % 1:
            return Outcome(Fate.REJECTED, f"not sent: leverage is a whole number on Binance, not {leverage}")
        if margin_mode in MARGIN_TYPES:
            outcome = await self._set_margin_mode(symbol, MARGIN_TYPES[margin_mode])
            if outcome.fate is not Fate.ACCEPTED:
                return outcome
        wanted = int(Decimal(leverage))
        return await self._write(
            Operation.LEVERAGE,
            venue.SET_LEVERAGE,
            symbol,
            lambda contract: {"symbol": contract.native, "leverage": wanted},
            lambda answer, contract: orders.leverage_set(answer, contract, wanted),
        )

    async def _set_margin_mode(self, symbol: str, margin_type: str) -> Outcome:
        return await self._write(
            Operation.MARGIN_MODE,
            venue.SET_MARGIN_MODE,
            symbol,
            lambda contract: {"symbol": contract.native, "marginType": margin_type},
            lambda _answer, _contract: "",
        )

    async def find(self, order: OrderRequest, _written: Millis = Millis(0), /) -> Sighting:
        """Look for an order by its client id, and among the last ones of its contract; both must answer."""
        contract = await self._contract(order.symbol)
        recent = {"symbol": contract.native, "limit": RECENT_ORDERS}
        async with together() as group:
            one = group.create_task(self._coin_m.read(venue.ORDER, orders.naming(order, contract)))
            last = group.create_task(self._coin_m.read(venue.ORDER_HISTORY, recent))
        shown = {
            venue.ORDER.path: orders.shown(one.result(), order, contract),
            venue.ORDER_HISTORY.path: orders.sighted(rows(last.result()), order, contract),
        }
        seen = [state for state in shown.values() if state is not None]
        if len({state.order_id for state in seen}) > 1:
            raise ReadError(f"{self._name}: two orders carry the client id {order.client_id}")
        latest = max(seen, key=lambda state: (state.over, abs(state.filled), state.updated_at), default=None)
        absent = tuple(path for path, state in shown.items() if state is None)
        return Sighting(await self._with_fee(latest, contract) if latest else None, absent)

    async def transfer(self, request: TransferRequest) -> Outcome:
        """Ask once for coins to be moved, before all reads: collateral moves when it is needed."""
        if request.symbol:
            return await self._write(
                Operation.MARGIN,
                venue.MOVE_MARGIN,
                request.symbol,
                lambda contract: transfers.margining(request, contract),
                lambda answer, _contract: transfers.margined(answer, request),
                Priority.EMERGENCY,
            )
        try:
            await self._spot_time.known()
        except (ReadError, CredentialsError) as cause:
            return Outcome(Fate.REJECTED, f"not sent: {cause}")
        move = transfers.moving(request)
        return await self._spot.write(
            Operation.TRANSFER, venue.TRANSFER, move, transfers.moved, Priority.EMERGENCY
        )

    async def find_transfer(self, request: TransferRequest, since: Millis) -> TransferSighting:
        """Look for a move in the history of its kind. Raises ``ReadError``."""
        if request.symbol:
            contract, asked = await self._contract(request.symbol), venue.MARGIN_HISTORY
            answer = await self._coin_m.read(asked, transfers.asking_margin(request, contract, since))
            state = transfers.sighted_margin(answer, request, contract, since)
        else:
            await self._spot_time.known()
            asked = venue.TRANSFERS
            answer = await self._spot.read(asked, transfers.asking(request, since))
            state = transfers.sighted(answer, request, since)
        return TransferSighting(state, () if state else (asked.path,))

    async def _with_fee(self, state: OrderState, contract: Instrument) -> OrderState:
        """The order with what its trades cost. It is shown also while they cannot be read."""
        with suppress(ReadError):
            if state.filled:
                return replace(state, fee=await self._history.fees(contract, state.order_id))
        return state

    async def _contract(self, symbol: str) -> Instrument:
        """A contract's specification, once signed requests can be made. Raises ``ReadError``."""
        await self._coin_m_time.known()
        return (await self._slow.listing()).named(symbol)

    async def _write(
        self,
        operation: Operation,
        endpoint: Endpoint,
        symbol: str,
        params: Callable[[Instrument], Mapping[str, object]],
        accepted: Callable[[Answer, Instrument], str],
        priority: Priority = Priority.ORDER,
    ) -> Outcome:
        """A rejection, but of a cancel, has the slow facts read again: something may not be as it was."""
        try:
            contract = await self._contract(symbol)
        except (ReadError, CredentialsError) as cause:
            return Outcome(Fate.REJECTED, f"not sent: {cause}")
        outcome = await self._coin_m.write(
            operation, endpoint, params(contract), lambda answer: accepted(answer, contract), priority
        )
        if outcome.fate is Fate.REJECTED and operation is not Operation.CANCEL:
            self._slow.doubt()
        return outcome
