"""Bybit's own published replies: what they are worth; damaged in any way they are never guessed at."""

import copy
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.account import AccountReading, LegFacts
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import OrderRequest
from hedgebot.domain.units import Coin, Contracts, Price, Usd
from hedgebot.errors import ConversionError, ReadError
from hedgebot.exchange.bybit import holdings, market, orders
from hedgebot.exchange.bybit.reading import Answers, LegAnswers, Moment, reading
from hedgebot.exchange.bybit.slow_facts import Facts
from hedgebot.exchange.bybit.venue import answer
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.wire import Reply

BTC = "BTC/USD:BTC"
MOMENT = Moment("main", 0.0, 1.0, 0)
BOOK = {
    "s": "BTCUSD",
    "b": [["103401.00", "1063"]],
    "a": [["109152.80", "9854"]],
    "ts": 1760352369000,
    "u": 1,
    "seq": 1,
    "cts": 1,
}
ORDER = OrderRequest("hb0000000000001", "main", BTC, Contracts.of(-300), Price.of(28000), False)
ORDER_ROW = {
    "orderId": "f5f2d355-9a11-4af3-9b83-aa1d6ab6ddfe", "orderLinkId": ORDER.client_id,
    "symbol": "BTCUSD", "side": "Sell", "qty": "300", "orderStatus": "PartiallyFilled",
    "leavesQty": "100", "cumExecQty": "200", "cumExecFee": "0.00000401", "avgPrice": "27464.5",
    "reduceOnly": False, "createdTime": "1757837618905", "updatedTime": "1757837618909",
    "rejectReason": "EC_NoError", "price": "27464.5",
}  # fmt: skip
XRP = {
    "symbol": "XRPUSDT", "leverage": "10", "avgPrice": "0.3615", "liqPrice": "0.0001",
    "positionValue": "36.15", "unrealisedPnl": "-1.83", "markPrice": "0.3432", "positionMM": "0.381021",
    "positionIdx": 0, "positionIM": "3.634521", "updatedTime": "1672279322668", "side": "Buy",
    "size": "100", "positionStatus": "Normal",
}  # fmt: skip


def envelope(result: object) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1760352369814}


def read_json(folder: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / name).read_text())
    response: dict[str, Any] = document.get("response", document)
    return response


def read_ticker(folder: Path) -> dict[str, Any]:
    text = (folder / "doc_tickers.mdx").read_text()
    examples = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    found: dict[str, Any] = next(e for e in map(json.loads, examples) if e["result"]["category"] == "inverse")
    return found


@pytest.fixture(scope="session")
def replies(shared: Path) -> dict[str, dict[str, Any]]:
    """One whole account as Bybit's documentation and a client's recordings show it, by the part it plays."""
    folder = shared / "payloads" / "bybit-inverse"
    position = read_json(folder, "docs_GetPositions.json")
    return {
        "account": read_json(folder, "nautilus_http_get_account_info.json"),
        "instruments": read_json(folder, "nautilus_http_get_instruments_inverse.json"),
        "tiers": read_json(folder, "docs_GetRiskLimit.json"),
        "fee": envelope({"list": [{"symbol": "BTCUSD", "takerFeeRate": "0.0006", "makerFeeRate": "0.0001"}]}),
        "wallet": read_json(folder, "nautilus_http_get_wallet_balance.json"),
        "positions": position,
        "position": copy.deepcopy(position),
        "ticker": read_ticker(folder),
        "book": envelope(BOOK),
        "orders": envelope({"category": "inverse", "nextPageCursor": "", "list": [ORDER_ROW]}),
    }


def wire(document: object, name: str) -> Answer:
    """A document as it comes over the wire."""
    return answer(Reply(200, {}, json.dumps(document).encode(), 0.0, 0.1), name)


def convert(documents: dict[str, Any], *assets: str) -> AccountReading:
    """The whole path from bytes to a reading, as the account walks it."""
    said = {name: wire(document, name) for name, document in documents.items()}
    listing = market.instruments([said["instruments"]])
    instrument = listing.named(BTC)
    fee, tiers = market.taker_fee(said["fee"], "BTCUSD"), market.tiers(said["tiers"], "BTCUSD")
    facts = Facts(listing, holdings.mode(said["account"]), {BTC: LegFacts(instrument, fee, tiers)}, 0.0)
    book = market.order_book(said["book"], instrument)
    legs = [LegAnswers(instrument, said["position"], said["ticker"], book)]
    answers = Answers(said["wallet"], [said["positions"]], [said["orders"]], legs)
    orders.sighted(said["orders"], ORDER, instrument)
    return reading(answers, facts, assets or ("BTC",), MOMENT)


def test_a_whole_account(replies: dict[str, Any]) -> None:
    got = convert(replies)
    position = got.position(BTC)
    assert (position.contracts, position.entry) == (Contracts.of(-300), Price.of("27464.50441675"))
    assert (position.mark, position.unrealized) == (Price.of("28224.5"), Coin.of("-0.00029413"))
    assert (position.liquidation, position.leverage, position.hedge_mode) == (None, Decimal(10), False)
    facts = got.leg_facts(BTC)
    assert facts.instrument.notional(position.contracts) == Usd.of(300)
    assert (facts.taker_fee, facts.maintenance(Coin.of(100))) == (Decimal("0.0006"), Decimal("0.005"))
    quote = got.quote(BTC)
    assert (quote.mark, quote.index) == (Price.of("114898.43"), Price.of("114890.92"))
    assert (quote.funding.rate, quote.funding.interval_hours) == (Decimal("0.0001"), Decimal(8))
    assert (got.mode.margin_mode, got.mode.unsupported[:5]) == (MarginMode.CROSS, "it is")
    assert got.orders[0].contracts == Contracts.of(-100)


def test_coins_borrowed_with_their_interest_are_negative(replies: dict[str, Any]) -> None:
    mended = copy.deepcopy(replies)  # the recording's equity forgets the debt, and two fields are left out
    row = mended["wallet"]["result"]["list"][0]["coin"][2]
    row |= {"equity": "-0.06142", "totalPositionIM": "0", "totalOrderIM": "0"}
    wallet = convert(mended, "ETH").wallet("ETH")
    assert wallet is not None
    assert wallet.coins == Coin.of("-0.08142")


def test_an_equity_that_forgets_a_debt_is_refused(replies: dict[str, Any]) -> None:
    with pytest.raises(ConversionError, match=r"coin\[2\]\.equity"):
        convert(replies, "ETH")


def test_a_wallet_from_before_spot_borrowing_is_refused(shared: Path, replies: dict[str, Any]) -> None:
    old = read_json(shared / "payloads" / "bybit-inverse", "docs_GetBalances.json")
    with pytest.raises(ConversionError, match="spotBorrow: is missing"):
        convert(replies | {"wallet": old})


def test_a_linear_contract_beside_the_inverse_ones(shared: Path, replies: dict[str, Any]) -> None:
    linear = read_json(shared / "payloads" / "bybit-inverse", "docs_GetLinearInverseSymbols.json")
    listing = market.instruments([wire(replies["instruments"], "inverse"), wire(linear, "linear")])
    found = listing.named("BTC/USDT:USDT")
    assert (found.native, found.face, found.instead) == ("BTCUSDT", Coin.of(1), BTC)
    assert (found.lot, found.min_value) == (Contracts.of("0.001"), Usd.of(5))


def test_a_linear_position(shared: Path) -> None:
    """As a client recorded it: what it is worth is told at its entry, and its profit at mark."""
    folder = shared / "payloads" / "bybit-inverse"
    [row] = read_json(folder, "docs_GetLinearInverseSymbols.json")["result"]["list"]
    row |= {"symbol": "XRPUSDT", "baseCoin": "XRP"}
    listing = market.instruments([wire(envelope({"list": [row]}), "linear")])
    said = envelope({"list": [XRP]})
    seen = holdings.position(wire(said, "position"), listing.named("XRP/USDT:USDT"), MarginMode.CROSS)
    assert (seen.contracts, seen.entry, seen.unrealized) == (
        Contracts.of(100),
        Price.of("0.3615"),
        Coin.of("-1.83"),
    )
    assert (seen.initial_margin, seen.margin) == (Coin.of("3.634521"), None)


DAMAGES: list[Any] = [
    None, "", " ", "NaN", "inf", "1e999", "1_000", "٣", "abc", "-1", "0", "-0", "1", 0, 1, -1, True,
    False, [], {}, [None], ["1"], {"list": []}, "Buy", "Sell", "None", "BTCUSD", "9" * 40, 10**30,
]  # fmt: skip
GONE = object()
UNUSED_IF_ABSENT = {"fundingIntervalHour", "category", "positionBalance", "nextPageCursor", "time"}


@dataclass(frozen=True)
class Spot:
    """A place in one of the replies."""

    reply: str
    path: tuple[str | int, ...]


def spots(name: str, document: Any, path: tuple[str | int, ...] = ()) -> Iterator[Spot]:
    children = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    for key, value in children:
        yield Spot(name, (*path, key))
        yield from spots(name, value, (*path, key))


def damaged(documents: dict[str, Any], spot: Spot, damage: Any, *, remove: bool) -> dict[str, Any]:
    """The documents with one value replaced or removed, unless an earlier damage took its place away."""
    changed = {**documents, spot.reply: copy.deepcopy(documents[spot.reply])}
    holder = changed[spot.reply]
    with suppress(LookupError, TypeError):
        for step in spot.path[:-1]:
            holder = holder[step]
        if remove:
            del holder[spot.path[-1]]
        else:
            holder[spot.path[-1]] = copy.deepcopy(damage)
    return changed


def converted(documents: dict[str, Any]) -> AccountReading | ReadError:
    try:
        return convert(documents)
    except ReadError as error:
        return error


class TestDamage:
    def test_a_field_that_is_missing_or_null_is_an_error_or_was_never_used(
        self, replies: dict[str, Any]
    ) -> None:
        whole, truth, used = replies, convert(replies), 0
        for spot in [spot for name, document in whole.items() for spot in spots(name, document)]:
            if not isinstance(spot.path[-1], str) or spot.path[-1] in UNUSED_IF_ABSENT:
                continue
            for remove in (True, False):
                outcome = converted(damaged(whole, spot, None, remove=remove))
                if isinstance(outcome, ReadError):
                    assert str(spot.path[-1]).removeprefix("result") in str(outcome), spot
                    used += 1
                else:
                    assert outcome == truth, spot
        assert used > 120

    @settings(max_examples=200)
    @given(
        places=st.lists(st.integers(0, 10**6), min_size=1, max_size=3),
        damage=st.sampled_from([GONE, *DAMAGES]),
    )
    def test_no_damage_raises_anything_but_a_read_error(
        self, replies: dict[str, Any], places: list[int], damage: object
    ) -> None:
        every = [spot for name, document in replies.items() for spot in spots(name, document)]
        documents = replies
        for place in places:
            documents = damaged(documents, every[place % len(every)], damage, remove=damage is GONE)
        converted(documents)

    @settings(max_examples=150)
    @given(at=st.integers(0, 10**6), flip=st.integers(1, 255), cut=st.integers(0, 10**6))
    def test_cut_or_flipped_bytes_are_a_read_error_or_what_they_say(
        self, replies: dict[str, Any], at: int, flip: int, cut: int
    ) -> None:
        instrument = market.instruments([wire(replies["instruments"], "market/instruments-info")]).named(BTC)
        body = bytearray(json.dumps(replies["position"]).encode())
        body[at % len(body)] ^= flip
        for damage in (bytes(body), bytes(body[: cut % len(body)])):
            with suppress(ReadError):
                said = answer(Reply(200, {}, damage, 0.0, 0.1), "position/list")
                if said.ok:
                    holdings.position(said, instrument, MarginMode.CROSS)
