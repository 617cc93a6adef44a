"""One Bybit account behind the port ``Account``."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from hedgebot.domain.account import AccountReading, KeyScope, Ledger, LedgerEntry, Needs, Sighting
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate, Identified, OrderRequest, Outcome
from hedgebot.domain.signals import Candle
from hedgebot.domain.transfers import TransferRequest, TransferSighting
from hedgebot.domain.units import Millis, Price
from hedgebot.errors import BackOffError, ConversionError, CredentialsError, ReadError
from hedgebot.exchange import booked
from hedgebot.exchange.bybit import key, market, orders, transfers, venue
from hedgebot.exchange.bybit.holdings import UNIFIED
from hedgebot.exchange.bybit.paging import pages
from hedgebot.exchange.bybit.reading import Answers, LegAnswers, Moment, reading
from hedgebot.exchange.bybit.slow_facts import SlowFacts
from hedgebot.exchange.client import Client, Endpoint
from hedgebot.exchange.convert import OrderBook
from hedgebot.exchange.fates import Answer, Operation
from hedgebot.exchange.limiter import Priority
from hedgebot.exchange.together import together
from hedgebot.ports import Clock

BOOK_LEVELS = 50
MOST_BARS = 1000
POSITION_PAGE, ORDER_PAGE, EXECUTION_PAGE = 200, 50, 100
WEEK_MS = 7 * 24 * 3_600_000  # what one request for executions covers
HISTORY_MS = 2 * 365 * 24 * 3_600_000  # how far back Bybit remembers them


class BybitAccount:
    """Reads that go out together, writes that are sent once. Printing it shows its name."""

    def __init__(self, name: str, client: Client, clock: Clock) -> None:
        self._name = name
        self._client = client
        self._clock = clock
        self._slow = SlowFacts(client, clock)

    def __repr__(self) -> str:
        return f"<BybitAccount {self._name}>"

    @property
    def name(self) -> str:
        return self._name

    async def close(self) -> None:
        await self._client.close()

    async def read(self, needs: Needs) -> AccountReading:
        """Everything a decision needs. Raises ``ReadError``, also where replies contradict each other."""
        try:
            return await self._read(needs)
        except BackOffError:
            raise
        except ReadError as failure:
            if isinstance(failure, ConversionError):
                self._slow.doubt()
            if self._slow.unsupported:
                raise ReadError(f"{self._name}: {self._slow.unsupported}") from failure
            raise

    async def _read(self, needs: Needs) -> AccountReading:
        started = self._clock.monotonic()
        listing = (await self._slow.known(needs.symbols)).listing
        contracts = [listing.named(symbol) for symbol in sorted(needs.symbols)]
        kinds = {venue.kind(contract) for contract in contracts} or {venue.Kind(venue.INVERSE)}
        assets = sorted(needs.assets)
        pot = {"accountType": UNIFIED, "coin": ",".join(assets)}
        async with together() as group:
            slow = group.create_task(self._slow.facts(needs.symbols))
            legs = [self._ask_about(contract, group) for contract in contracts]
            positions = [self._all(venue.POSITIONS, kind, POSITION_PAGE, group) for kind in kinds]
            resting = [self._all(venue.ORDERS, kind, ORDER_PAGE, group) for kind in kinds]
            wallet = group.create_task(self._client.read(venue.WALLET, pot))
        shown = [page for task in positions for page in task.result()]
        orders = [page for task in resting for page in task.result()]
        answers = Answers(wallet.result(), shown, orders, [leg() for leg in legs])
        ended, offset = self._clock.monotonic(), self._client.time.offset_ms()
        return reading(answers, slow.result(), assets, Moment(self._name, started, ended, offset))

    def _all(
        self, endpoint: Endpoint, kind: venue.Kind, page: int, group: asyncio.TaskGroup
    ) -> asyncio.Task[list[Answer]]:
        return group.create_task(pages(self._client, endpoint, kind.params, page))

    def _ask_about(self, contract: Instrument, group: asyncio.TaskGroup) -> Callable[[], LegAnswers]:
        """Ask for all about one contract within ``group``; what this returns is for after it."""
        asked = venue.scope(contract)
        book = group.create_task(self._order_book(contract))
        position = group.create_task(self._client.read(venue.POSITIONS, asked))
        ticker = group.create_task(self._client.read(venue.TICKERS, asked))
        return lambda: LegAnswers(contract, position.result(), ticker.result(), book.result())

    async def _order_book(self, contract: Instrument) -> OrderBook:
        asked = {**venue.scope(contract), "limit": BOOK_LEVELS}
        return market.order_book(await self._client.read(venue.ORDER_BOOK, asked), contract)

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        """See ``ports.Account``."""
        listed = (await self._slow.listing()).by_native.values()
        return tuple(each for each in listed if each.settle == asset)

    async def ledger(self, symbols: Sequence[str], since: Millis) -> Ledger:
        """Executions since an instant, week by week. Raises ``ReadError``."""
        listing = await self._slow.listing(symbols)
        contracts = [listing.named(symbol) for symbol in symbols]
        now = self._clock.now_ms()  # as ``since`` is; the exchange's may be damaged
        first, found = max(since, now - HISTORY_MS), list[LedgerEntry]()
        # Also where it is still to come by our clock: that may have been set back.
        for start in range(first, max(first, now) + 1, WEEK_MS):
            async with together() as group:
                weeks = [group.create_task(self._week(contract, start)) for contract in contracts]
            found += sorted((entry for week in weeks for entry in week.result()), key=lambda entry: entry.at)
        return booked.ledger(found, self._name)

    async def _week(self, contract: Instrument, start: int) -> list[LedgerEntry]:
        """One contract's executions in the week from ``start``, oldest first."""
        asked = {**venue.scope(contract), "startTime": start, "endTime": start + WEEK_MS - 1}
        read = await pages(self._client, venue.EXECUTIONS, asked, EXECUTION_PAGE, sparse=True)
        return list(orders.entries(read, contract))[::-1]

    async def candles(self, symbol: str, bar_ms: int, since: Millis) -> tuple[Candle, ...]:
        """Bars that have ended, oldest first. Raises ``ReadError``."""
        contract = (await self._slow.listing([symbol])).named(symbol)
        interval = market.INTERVALS[bar_ms]
        asked = {**venue.scope(contract), "interval": interval, "start": since, "limit": MOST_BARS}
        answer = await self._client.read(venue.CANDLES, asked)
        return market.candles(answer, contract, bar_ms, self._client.time.now_ms())

    async def spot_price(self, asset: str) -> Price:
        """See ``ports.Account``."""
        native = f"{asset}USDT"
        answer = await self._client.read(venue.TICKERS, {"category": venue.SPOT, "symbol": native})
        return market.spot_price(answer, native)

    async def key_scope(self) -> KeyScope:
        """What the key may do. Raises ``ReadError``."""
        return key.scope(await self._client.read(venue.KEY, {}))

    async def place(self, order: OrderRequest) -> Outcome:
        """Send one immediate-or-cancel order exactly once."""
        return await self._write(
            Operation.PLACE,
            venue.PLACE,
            order.symbol,
            lambda contract: orders.placing(order, contract),
            lambda answer, _contract: orders.acknowledged(answer, order),
            Priority.EMERGENCY if order.reduce_only else Priority.ORDER,
        )

    async def cancel(self, order: Identified) -> Outcome:
        """Ask for an order to be cancelled; that it was accepted does not mean that it is gone."""
        return await self._write(
            Operation.CANCEL,
            venue.CANCEL,
            order.symbol,
            lambda contract: orders.naming(order, contract),
            lambda answer, _contract: orders.acknowledged(answer, order),
        )

    async def set_leverage(
        self, symbol: str, leverage: str, _margin_mode: MarginMode | None = None, /
    ) -> Outcome:
        """Set a contract's leverage; the margin mode is the account's."""
        return await self._write(
            Operation.LEVERAGE,
            venue.SET_LEVERAGE,
            symbol,
            lambda contract: {
                **venue.scope(contract),
                "buyLeverage": leverage,
                "sellLeverage": leverage,
            },
            lambda _answer, _contract: "",
        )

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
            contract = (await self._slow.listing([symbol])).named(symbol)
        except (ReadError, CredentialsError) as cause:
            return Outcome(Fate.REJECTED, f"not sent: {cause}")
        outcome = await self._client.write(
            operation, endpoint, params(contract), lambda answer: accepted(answer, contract), priority
        )
        if outcome.fate is Fate.REJECTED and operation is not Operation.CANCEL:
            self._slow.doubt()
        return outcome

    async def transfer(self, request: TransferRequest) -> Outcome:
        """Ask once for coins to be moved, before all reads: collateral moves when it is needed."""
        if not request.symbol:
            return Outcome(Fate.REJECTED, f"not sent: {self._name} has one pot, nothing from {request.way}")
        return await self._write(
            Operation.MARGIN,
            venue.MOVE_MARGIN,
            request.symbol,
            lambda contract: transfers.margining(request, contract),
            transfers.margined,
            Priority.EMERGENCY,
        )

    async def find_transfer(self, _request: TransferRequest, _since: Millis, /) -> TransferSighting:
        """Bybit keeps no history of such moves."""
        return TransferSighting(None)

    async def find(self, order: OrderRequest, _written: Millis = Millis(0), /) -> Sighting:
        """Look for an order among the open and recent ones and in the history; both must answer."""
        contract = (await self._slow.listing([order.symbol])).named(order.symbol)
        endpoints, asked = (venue.ORDERS, venue.ORDER_HISTORY), orders.naming(order, contract)
        async with together() as group:
            tasks = [group.create_task(self._client.read(endpoint, asked)) for endpoint in endpoints]
        states = [orders.sighted(task.result(), order, contract) for task in tasks]
        absent = tuple(e.path for e, state in zip(endpoints, states, strict=True) if state is None)
        seen = [state for state in states if state is not None]
        if len({state.order_id for state in seen}) > 1:
            raise ReadError(f"{self._name}: two orders carry the client id {order.client_id}")
        latest = max(seen, key=lambda state: (state.over, abs(state.filled), state.updated_at), default=None)
        return Sighting(latest, absent)
