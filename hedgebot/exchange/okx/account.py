"""One OKX account behind the port ``Account``."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from hedgebot.domain.account import AccountReading, KeyScope, Ledger, LedgerEntry, Needs, Sighting
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate, Identified, OrderRequest, OrderState, Outcome
from hedgebot.domain.signals import Candle
from hedgebot.domain.transfers import TransferRequest, TransferSighting
from hedgebot.domain.units import Millis, Price
from hedgebot.errors import BackOffError, ConversionError, CredentialsError, ReadError
from hedgebot.exchange import booked
from hedgebot.exchange.client import Client, Endpoint
from hedgebot.exchange.convert import OrderBook
from hedgebot.exchange.fates import Answer, Operation
from hedgebot.exchange.limiter import Priority
from hedgebot.exchange.okx import key, ledger, market, orders, transfers, venue
from hedgebot.exchange.okx.market import Contract, Prices
from hedgebot.exchange.okx.paging import pages
from hedgebot.exchange.okx.reading import Answers, LegAnswers, Moment, reading
from hedgebot.exchange.okx.slow_facts import SlowFacts
from hedgebot.exchange.together import together
from hedgebot.exchange.wire import NO_HEADERS
from hedgebot.ports import Clock

USUAL_MODE = MarginMode.CROSS
BOOK_LEVELS = 50
MOST_BARS = 300
DAY_MS = 24 * 3_600_000
RECENT_FILLS_MS, RECENT_BILLS_MS, ARCHIVE_MS = 3 * DAY_MS, 7 * DAY_MS, 90 * DAY_MS
MARGIN_OF_TIME_MS = 3_600_000  # what is nearly too old for a recent list is asked of the archive
HISTORY_PAGES = 50
SENT_WITHIN_MS = 600_000  # twice the longest deadline: what is written down later than that is not sent
CLOCKS_APART_MS = 120_000  # by which ours may have been set since


class OkxAccount:
    """Reads that go out together, writes that are sent once. Printing it shows its name.

    An order may arrive for ``window_ms`` after it was sent; later the exchange itself refuses it.
    """

    def __init__(self, name: str, client: Client, clock: Clock, *, window_ms: int) -> None:
        self._name = name
        self._client = client
        self._clock = clock
        self._window_ms = window_ms
        self._slow = SlowFacts(client, clock)

    def __repr__(self) -> str:
        return f"<OkxAccount {self._name}>"

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
        listing = await self._slow.listing(needs.symbols)
        named = dict(needs.margin_modes)
        wanted = {symbol: named.get(symbol, USUAL_MODE) for symbol in sorted(needs.symbols)}
        coins = {"ccy": ",".join(sorted(needs.assets))}
        async with together() as group:
            slow = group.create_task(self._slow.facts(wanted))
            legs = [self._ask_about(listing.named(s), mode, group) for s, mode in wanted.items()]
            group.create_task(self._client.read(venue.TIME, {}))
            positions = group.create_task(self._client.read(venue.POSITIONS, {}))
            resting = group.create_task(_all(pages(self._client, venue.PENDING, {}, "ordId")))
            balance = group.create_task(self._client.read(venue.BALANCE, coins))
        answers = Answers(balance.result(), positions.result(), resting.result(), [leg() for leg in legs])
        ended, offset = self._clock.monotonic(), self._client.time.offset_ms()
        return reading(answers, slow.result(), needs.assets, Moment(self._name, started, ended, offset))

    def _ask_about(
        self, contract: Contract, mode: MarginMode, group: asyncio.TaskGroup
    ) -> Callable[[], LegAnswers]:
        """Ask for all about one contract within ``group``; what this returns is for after it."""
        asked = {"instId": contract.instrument.native}
        of_kind = {"instType": venue.SWAP if contract.perpetual else venue.FUTURES}
        read = self._client.read
        book = group.create_task(self._order_book(contract))
        position = group.create_task(read(venue.POSITIONS, asked))
        leverage = group.create_task(read(venue.LEVERAGE, {**asked, "mgnMode": mode.value}))
        mark = group.create_task(read(venue.MARK_PRICE, asked | of_kind))
        index = group.create_task(read(venue.INDEX, {"instId": contract.family}))
        funding = group.create_task(read(venue.FUNDING_RATE, asked)) if contract.perpetual else None

        def answers() -> LegAnswers:
            rate = None if funding is None else funding.result()
            prices = Prices(mark.result(), index.result(), rate, book.result())
            return LegAnswers(contract, mode, position.result(), leverage.result(), prices)

        return answers

    async def _order_book(self, contract: Contract) -> OrderBook:
        asked = {"instId": contract.instrument.native, "sz": BOOK_LEVELS}
        return market.order_book(await self._client.read(venue.BOOKS, asked))

    async def contracts(self, asset: str) -> tuple[Instrument, ...]:
        """See ``ports.Account``."""
        listed = (await self._slow.listing()).by_native.values()
        return tuple(each.instrument for each in listed if each.instrument.settle == asset)

    async def ledger(self, symbols: Sequence[str], since: Millis) -> Ledger:
        """Fills and funding since an instant, three months back at most. Raises ``ReadError``."""
        listing = await self._slow.listing(symbols)
        contracts = [listing.named(symbol) for symbol in symbols]
        start = max(since, self._clock.now_ms() - ARCHIVE_MS + MARGIN_OF_TIME_MS)
        async with together() as group:
            reads = [
                group.create_task(read(contract, start))
                for contract in contracts
                for read in (self._fills, self._funding)
            ]
        found = [entry for read in reads for entry in read.result()]
        found.sort(key=lambda entry: (entry.at, len(entry.id), entry.id))
        return booked.ledger(found, self._name)

    async def _fills(self, contract: Contract, start: int) -> list[LedgerEntry]:
        recent = self._is_recent(start, RECENT_FILLS_MS)
        read = await self._bills(venue.FILLS if recent else venue.FILLS_HISTORY, contract, start, {})
        return list(ledger.fills(read, contract.instrument))

    async def _funding(self, contract: Contract, start: int) -> list[LedgerEntry]:
        recent = self._is_recent(start, RECENT_BILLS_MS)
        only = {"type": ledger.FUNDING_BILL}
        read = await self._bills(venue.BILLS if recent else venue.BILLS_ARCHIVE, contract, start, only)
        return list(ledger.funding(read, contract.instrument))

    async def _bills(
        self, endpoint: Endpoint, contract: Contract, start: int, more: Mapping[str, object]
    ) -> list[Answer]:
        kind = venue.SWAP if contract.perpetual else venue.FUTURES
        asked = {"instType": kind, "instId": contract.instrument.native, "begin": start, **more}
        return await _all(pages(self._client, endpoint, asked, "billId"))

    def _is_recent(self, start: int, span: int) -> bool:
        return start > self._client.time.now_ms() - span + MARGIN_OF_TIME_MS

    async def candles(self, symbol: str, bar_ms: int, since: Millis) -> tuple[Candle, ...]:
        """Bars that have ended, oldest first, page by page from the newest. Raises ``ReadError``."""
        native = (await self._slow.listing([symbol])).named(symbol).instrument.native
        await self._client.read(venue.TIME, {})
        asked: dict[str, object] = {"instId": native, "bar": market.BARS[bar_ms], "limit": MOST_BARS}
        found, first = dict[Millis, Candle](), Millis(self._client.time.now_ms())
        while first > since:
            answer = await self._client.read(venue.CANDLES, asked | {"after": first})
            page = market.candles(answer, bar_ms, self._client.time.now_ms())
            found |= {candle.end: candle for candle in page}
            oldest = min((candle.end for candle in page), default=Millis(0)) - bar_ms
            if oldest <= 0 or oldest >= first:
                break
            first = Millis(oldest)
        return tuple(found[end] for end in sorted(found) if end - bar_ms >= since)

    async def spot_price(self, asset: str) -> Price:
        """See ``ports.Account``."""
        native = f"{asset}-{market.STABLE}"
        answer = await self._client.read(venue.SPOT_TICKER, {"instId": native})
        return market.spot_price(answer, native, self._client.time.now_ms())

    async def key_scope(self) -> KeyScope:
        """What the key may do, at the exchange's time: what is private bears it. Raises ``ReadError``."""
        await self._client.read(venue.TIME, {})
        return key.scope(await self._client.read(venue.CONFIG, {}))

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
        self, symbol: str, leverage: str, margin_mode: MarginMode | None = None, /
    ) -> Outcome:
        """Set a contract's leverage in one margin mode: each mode has its own."""
        return await self._write(
            Operation.LEVERAGE,
            venue.SET_LEVERAGE,
            symbol,
            lambda contract: {
                "instId": contract.native,
                "lever": leverage,
                "mgnMode": (margin_mode or USUAL_MODE).value,
            },
            lambda answer, _contract: orders.set_as_asked(answer, leverage),
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
            contract = (await self._slow.listing([symbol])).named(symbol).instrument
        except (ReadError, CredentialsError) as cause:
            return Outcome(Fate.REJECTED, f"not sent: {cause}")
        outcome = await self._client.write(
            operation,
            endpoint,
            params(contract),
            lambda answer: accepted(answer, contract),
            priority,
            self._expiry() if operation is Operation.PLACE else NO_HEADERS,
        )
        if outcome.fate is Fate.REJECTED and operation is not Operation.CANCEL:
            self._slow.doubt()
        return outcome

    def _expiry(self) -> Mapping[str, str]:
        """Until when the exchange may take an order, by its own clock."""
        return {"expTime": str(self._client.time.now_ms() + self._window_ms)}

    async def transfer(self, request: TransferRequest) -> Outcome:
        """Ask once for coins to be moved, before all reads: collateral moves when it is needed."""
        if not request.symbol:
            return Outcome(Fate.REJECTED, f"not sent: {self._name} has one pot, nothing from {request.way}")
        return await self._write(
            Operation.MARGIN,
            venue.MOVE_MARGIN,
            request.symbol,
            lambda contract: transfers.margining(request, contract),
            lambda answer, contract: transfers.margined(answer, request, contract),
            Priority.EMERGENCY,
        )

    async def find_transfer(self, request: TransferRequest, since: Millis) -> TransferSighting:
        """Look for a move among the bills of its kind. Raises ``ReadError``."""
        if not request.symbol:
            return TransferSighting(None)
        contract = (await self._slow.listing([request.symbol])).named(request.symbol)
        asked = venue.BILLS if self._is_recent(since, RECENT_BILLS_MS) else venue.BILLS_ARCHIVE
        read = await self._bills(asked, contract, since, {"type": transfers.MARGIN_BILL})
        state = transfers.sighted(read, request, contract.instrument, since)
        return TransferSighting(state, () if state else (asked.path,))

    async def find(self, order: OrderRequest, written: Millis = Millis(0), /) -> Sighting:
        """Look for an order by its id and among the finished ones; both must answer."""
        contract = (await self._slow.listing([order.symbol])).named(order.symbol)
        async with together() as group:
            by_id = group.create_task(self._by_id(order, contract))
            finished = group.create_task(self._among_finished(order, contract, written))
        states = {venue.ORDER: by_id.result(), venue.HISTORY: finished.result()}
        absent = tuple(endpoint.path for endpoint, state in states.items() if state is None)
        seen = [state for state in states.values() if state is not None]
        if len({state.order_id for state in seen}) > 1:
            raise ReadError(f"{self._name}: two orders carry the client id {order.client_id}")
        latest = max(seen, key=lambda state: (state.over, abs(state.filled), state.updated_at), default=None)
        return Sighting(latest, absent)

    async def _by_id(self, order: OrderRequest, contract: Contract) -> OrderState | None:
        answer = await self._client.read(venue.ORDER, orders.naming(order, contract.instrument))
        if not answer.ok:
            return None
        return orders.sighted([market.one_row(answer)], order, contract.instrument)

    async def _among_finished(
        self, order: OrderRequest, contract: Contract, written: Millis
    ) -> OrderState | None:
        """The history cannot be asked for a client id: what was made when the order may have been is read,
        newest first, until it is there. Raises ``ReadError`` where that has no end: it may be in the rest."""
        kind = venue.SWAP if contract.perpetual else venue.FUTURES
        asked: dict[str, object] = {"instType": kind, "instId": contract.instrument.native}
        if written:
            at = written + self._client.time.offset_ms()
            latest = at + SENT_WITHIN_MS + self._window_ms + CLOCKS_APART_MS
            asked |= {"begin": at - CLOCKS_APART_MS, "end": latest}
        async for page in pages(self._client, venue.HISTORY, asked, "ordId", HISTORY_PAGES):
            if state := orders.sighted(market.rows(page), order, contract.instrument):
                return state
        return None


async def _all(found: AsyncIterator[Answer]) -> list[Answer]:
    return [answer async for answer in found]
