"""The spot price of a coin: the middle of bid and offer of the market that was asked for, or an error."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from hedgebot.domain.units import Millis, Price
from hedgebot.errors import ConversionError
from hedgebot.exchange.binance import market as binance
from hedgebot.exchange.bybit import market as bybit
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx import market as okx

NOW = 1_795_000_000_000
MISSING = object()


def answer(result: Any) -> Answer:
    return Answer(ok=True, code="0", message="", at=Millis(NOW), result=result, where="main: ticker")


@dataclass(frozen=True)
class Dialect:
    """How an exchange tells it; ``frame`` puts its row or rows where they belong."""

    read: Callable[[Answer], Price]
    row: dict[str, Any]
    frame: Callable[[list[Any]], Any]
    symbol: str
    bid: str
    ask: str


BYBIT = Dialect(
    lambda told: bybit.spot_price(told, "BTCUSDT"),
    {"symbol": "BTCUSDT", "bid1Price": "59999.4", "bid1Size": "2", "ask1Price": "60000.6", "ask1Size": "2"},
    lambda rows: {"category": "spot", "list": rows},
    "symbol",
    "bid1Price",
    "ask1Price",
)
BINANCE = Dialect(
    lambda told: binance.spot_price(told, "BTCUSDT"),
    {"symbol": "BTCUSDT", "bidPrice": "59999.40", "bidQty": "2", "askPrice": "60000.60", "askQty": "2"},
    lambda rows: rows[0] if len(rows) == 1 else rows,
    "symbol",
    "bidPrice",
    "askPrice",
)
OKX = Dialect(
    lambda told: okx.spot_price(told, "BTC-USDT", NOW),
    {"instId": "BTC-USDT", "instType": "SPOT", "bidPx": "59999.4", "askPx": "60000.6", "ts": str(NOW)},
    lambda rows: rows,
    "instId",
    "bidPx",
    "askPx",
)
each_dialect = pytest.mark.parametrize("dialect", [BYBIT, BINANCE, OKX], ids=["bybit", "binance", "okx"])


def read(dialect: Dialect, **changes: Any) -> Price:
    row = {name: value for name, value in {**dialect.row, **changes}.items() if value is not MISSING}
    return dialect.read(answer(dialect.frame([row])))


@each_dialect
class TestEachExchange:
    def test_it_lies_between_bid_and_offer(self, dialect: Dialect) -> None:
        assert read(dialect) == Price.of(60_000)

    @pytest.mark.parametrize("side", ["bid", "ask"])
    @pytest.mark.parametrize(
        "value", [MISSING, None, "", "0", "-1", "NaN", "Infinity", 60_000.5, True, "1e30", "60,000"]
    )
    def test_either_side_is_a_positive_number(self, dialect: Dialect, side: str, value: Any) -> None:
        with pytest.raises(ConversionError, match=getattr(dialect, side)):
            read(dialect, **{getattr(dialect, side): value})

    @pytest.mark.parametrize("bid", ["60000.6", "60000.7"], ids=["locked", "crossed"])
    def test_the_bid_is_below_the_offer(self, dialect: Dialect, bid: str) -> None:
        with pytest.raises(ConversionError, match=rf"{dialect.bid}: is {bid}, not below {dialect.ask}"):
            read(dialect, **{dialect.bid: bid})

    @pytest.mark.parametrize("name", ["ETHUSDT", "BTC-USDC", "BTCUSD", "", MISSING])
    def test_it_is_that_of_the_market_that_was_asked_for(self, dialect: Dialect, name: Any) -> None:
        with pytest.raises(ConversionError, match=dialect.symbol):
            read(dialect, **{dialect.symbol: name})

    @pytest.mark.parametrize("count", [0, 2])
    def test_it_is_told_once(self, dialect: Dialect, count: int) -> None:
        with pytest.raises(ConversionError):
            dialect.read(answer(dialect.frame([dialect.row] * count)))

    @pytest.mark.parametrize("result", [None, "", 1, {}, [], [[]], {"list": {}}])
    def test_nothing_else_is_a_ticker(self, dialect: Dialect, result: Any) -> None:
        with pytest.raises(ConversionError):
            dialect.read(answer(result))


def test_bybit_tells_of_the_spot_market() -> None:
    told = answer({"category": "linear", "list": [BYBIT.row]})
    with pytest.raises(ConversionError, match="category: is 'linear', not spot"):
        BYBIT.read(told)


@pytest.mark.parametrize(("age_ms", "good"), [(60_000, True), (60_001, False), (-5_000, True)])
def test_okx_says_how_old_it_is(age_ms: int, good: bool) -> None:
    if good:
        assert read(OKX, ts=str(NOW - age_ms)) == Price.of(60_000)
        return
    with pytest.raises(ConversionError, match="ts: is more than 60 s ago"):
        read(OKX, ts=str(NOW - age_ms))


@pytest.mark.parametrize("ts", [MISSING, "", "soon", None])
def test_okx_has_to_say_it(ts: Any) -> None:
    with pytest.raises(ConversionError, match="ts"):
        read(OKX, ts=ts)
