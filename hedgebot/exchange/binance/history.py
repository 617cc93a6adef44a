"""What happened to one account in the past: trades and funding, and whose orders the trades were."""

from hedgebot.domain.account import LedgerEntry
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.units import Coin
from hedgebot.errors import ReadError
from hedgebot.exchange.binance import orders, venue
from hedgebot.exchange.binance.market import rows
from hedgebot.exchange.client import Client
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.together import together

WEEK_MS = 7 * 24 * 3_600_000  # what one request for trades may cover
HISTORY_MS = 180 * 24 * 3_600_000  # how far back Binance tells of trades
PAGE = 1000
MOST_PAGES = 100
MOST_NAMES = 10_000
AT_ONCE = 20  # orders asked for together: all at once would spend what other reads need


class History:
    """Reads of the past. It remembers the client ids of orders, which trades do not show."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._names: dict[int, str] = {}

    async def span(self, contract: Instrument, start: int, end: int) -> list[LedgerEntry]:
        """One contract's trades and funding from ``start`` to ``end``, a week at most, oldest first."""
        async with together() as group:
            trades = group.create_task(self._trades(contract, start, end))
            funding = group.create_task(self._funding(contract, start, end))
        names = await self._names_of(trades.result(), contract)
        found = [
            *orders.trade_entries(trades.result(), names, contract),
            *orders.funding_entries(funding.result(), contract),
        ]
        return sorted(found, key=lambda entry: entry.at)

    async def fees(self, contract: Instrument, order_id: str) -> Coin:
        """What an order's trades cost, as far as they are shown yet."""
        asked = {"symbol": contract.native, "orderId": order_id, "limit": PAGE}
        return orders.fees(rows(await self._client.read(venue.TRADES, asked)), contract)

    async def _trades(self, contract: Instrument, start: int, end: int) -> list[Fields]:
        """Page by page: the first by time, each further one by the id after the last."""
        named = {"symbol": contract.native, "limit": PAGE}
        asked: dict[str, object] = {**named, "startTime": start, "endTime": end}
        found: list[Fields] = []
        for _ in range(MOST_PAGES):
            page = rows(await self._client.read(venue.TRADES, asked))
            found += [row for row in page if row.millis("time") <= end]
            if len(page) < PAGE or page[-1].millis("time") > end:
                return found
            asked = {**named, "fromId": page[-1].integer("id") + 1}
        raise ReadError(f"binance {venue.TRADES.path}: more than {MOST_PAGES} pages")

    async def _funding(self, contract: Instrument, start: int, end: int) -> list[Fields]:
        asked = {"symbol": contract.native, "incomeType": "FUNDING_FEE", "limit": PAGE}
        found: list[Fields] = []
        for number in range(1, MOST_PAGES + 1):
            span = {"startTime": start, "endTime": end, "page": number}
            page = rows(await self._client.read(venue.INCOME, asked | span))
            found += page
            if len(page) < PAGE:
                return found
        raise ReadError(f"binance {venue.INCOME.path}: more than {MOST_PAGES} pages")

    async def _names_of(self, trades: list[Fields], contract: Instrument) -> dict[int, str]:
        """The client ids of these trades' orders. What was found is kept when a later request fails."""
        if len(self._names) > MOST_NAMES:
            self._names.clear()
        missing = sorted({row.integer("orderId") for row in trades} - self._names.keys())
        for first in range(0, len(missing), AT_ONCE):
            async with together() as group:
                for number in missing[first : first + AT_ONCE]:
                    group.create_task(self._read_name(number, contract))
        return self._names

    async def _read_name(self, order_id: int, contract: Instrument) -> None:
        """An order's client id; empty for one that is too old to be shown."""
        answer = await self._client.read(venue.ORDER, {"symbol": contract.native, "orderId": order_id})
        self._names[order_id] = answer.fields.text("clientOrderId") if answer.ok else ""
