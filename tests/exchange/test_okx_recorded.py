"""OKX's own published replies: what they are worth; damaged in any way they are never guessed at."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.account import AccountReading
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import OrderRequest
from hedgebot.domain.units import Coin, Contracts, Price, Usd
from hedgebot.errors import ConversionError, ReadError
from hedgebot.exchange.fates import Answer
from hedgebot.exchange.okx import holdings, ledger, market, orders, positions
from hedgebot.exchange.okx.market import Prices
from hedgebot.exchange.okx.reading import Answers, LegAnswers, Moment, reading
from hedgebot.exchange.okx.slow_facts import ContractFacts, Facts
from hedgebot.exchange.okx.venue import answer
from hedgebot.exchange.wire import Reply

BTC = "BTC/USD:BTC"
MOMENT = Moment("main", 0.0, 1.0, 0)
FUTURES = holdings.Settings("2", hedge_mode=False)
MULTI = holdings.Settings("3", hedge_mode=False)
ORDER = OrderRequest("hb0000000000001", "main", BTC, Contracts.of(-10), Price.of(59_000), False)


def envelope(*rows: object) -> dict[str, Any]:
    return {"code": "0", "msg": "", "data": list(rows)}


def read_json(shared: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((shared / "payloads" / "okx-swap" / name).read_text())
    response: dict[str, Any] = document.get("response", document)
    return response if "data" in response else envelope(response)


def wire(document: object, name: str = "okx") -> Answer:
    """A document as it comes over the wire."""
    return answer(Reply(200, {}, json.dumps(document).encode(), 0.0, 0.1), name)


class TestInstruments:
    def test_forty_contracts_of_2022(self, shared: Path) -> None:
        """Recorded before fee groups and families were told."""
        listing = market.listing(
            [wire(read_json(shared, "recorded_2022-05-13_instruments_swap_inverse.json"))]
        )
        assert len(listing.by_native) == 40
        faces = {native: contract.instrument.face for native, contract in listing.by_native.items()}
        assert faces.pop("BTC-USD-SWAP") == Usd.of(100)
        assert set(faces.values()) == {Usd.of(10)}
        assert all(contract.instrument.tradable for contract in listing.by_native.values())

    def test_linear_ones_stand_aside(self, shared: Path) -> None:
        listing = market.listing([wire(read_json(shared, "nautilus_http_get_instruments_swap.json"))])
        instrument = listing.named(BTC).instrument
        assert (instrument.native, instrument.lot, instrument.tick) == (
            "BTC-USD-SWAP",
            Contracts.of(1),
            Decimal("0.1"),
        )
        assert (instrument.min_order, instrument.max_order) == (Contracts.of(1), Contracts.of(100_000_000))
        assert listing.others == {"ETH-USDT-SWAP", "BTC-USDT-SWAP"}

    def test_a_spot_market_is_no_contract(self, shared: Path) -> None:
        with pytest.raises(ConversionError, match="ctType"):
            market.listing([wire(read_json(shared, "docs_GetSymbols.json"))])


class TestBalances:
    """Both hold the sum by which coins are counted, one with a bot, one with an isolated position."""

    def test_the_documentations(self, shared: Path) -> None:
        said = wire(read_json(shared, "docs_GetAccountBalance.json"))
        [wallet] = holdings.wallets(said, "main", ["USDT"], MULTI, {})
        assert wallet.coins.value == pytest.approx(Decimal("4850.435693622894"))
        assert wallet.unrealized == Coin.of("-7.545600000000006")
        assert wallet.position_margin.value == pytest.approx(Decimal("8.573"))
        assert wallet.withdrawable.value == pytest.approx(Decimal("4834.317093622894"))
        assert wallet.other_margin.value == pytest.approx(
            Decimal("55415.624719833286") - Decimal("4991.542013297616")
        )

    def test_a_recorded_one_with_isolated_margin(self, shared: Path) -> None:
        said = wire(read_json(shared, "nautilus_http_get_account_balance.json"))
        [wallet] = holdings.wallets(said, "main", ["USDT"], FUTURES, {})
        assert wallet.coins.value == pytest.approx(Decimal("99.92199657"))
        assert wallet.position_margin.value == pytest.approx(Decimal("5.495866666666667"))
        assert wallet.withdrawable.value <= Decimal("94.42612990333333")

    def test_a_flat_coin_of_a_recorded_account(self, shared: Path) -> None:
        said = wire(envelope(read_json(shared, "nautilus_ws_account.json")["data"][0]))
        row = holdings.coin_rows(said, ["BTC"])["BTC"]
        holdings.check_flat(row, BTC)
        [wallet] = holdings.wallets(said, "main", ["BTC"], FUTURES, {})
        assert wallet.coins == wallet.withdrawable == Coin.of("0.0000000051")

    def test_a_coin_with_an_isolated_position_is_not_flat(self, shared: Path) -> None:
        said = wire(read_json(shared, "nautilus_http_get_account_balance.json"))
        with pytest.raises(ConversionError, match="is not zero, yet no position"):
            holdings.check_flat(holdings.coin_rows(said, ["USDT"])["USDT"], BTC)


class TestOthers:
    def test_the_account_mode(self, shared: Path) -> None:
        assert holdings.settings(wire(read_json(shared, "docs_GetAccountConfiguration.json"))) == MULTI

    def test_the_funding_rate_of_the_swap_we_trade(self, shared: Path, listing: market.Listing) -> None:
        row = market.one_row(wire(read_json(shared, "recorded_ccxt_funding_rate_BTC-USD-SWAP.json")))
        funding = market._funding(row, listing.named(BTC).instrument)
        assert (funding.rate, funding.interval_hours) == (Decimal("0.0001875391284828"), Decimal(8))
        assert funding.next_at == 1700726400000

    @pytest.mark.parametrize("name", ["docs_GetFundingRates.json", "docs_GetMarkPrices.json"])
    def test_another_contracts_figures_are_refused(
        self, shared: Path, listing: market.Listing, replies: dict[str, Any], name: str
    ) -> None:
        part = "funding" if "Funding" in name else "mark"
        with pytest.raises(ConversionError, match="not BTC-USD-SWAP"):
            convert(replies | {part: read_json(shared, name)})

    def test_tiers_of_spot_margin_are_refused(self, shared: Path, listing: market.Listing) -> None:
        with pytest.raises(ConversionError, match="instFamily"):
            market.tiers(wire(read_json(shared, "docs_GetPositionTiers.json")), listing.named(BTC))

    def test_a_bill_of_a_spot_trade_is_no_funding(self, shared: Path, listing: market.Listing) -> None:
        with pytest.raises(ConversionError, match="type"):
            list(
                ledger.funding(
                    [wire(read_json(shared, "docs_GetBillHistory.json"))], listing.named(BTC).instrument
                )
            )

    def test_the_documentations_position_is_edited_and_refused_for_it(self, shared: Path) -> None:
        """Its margin is value / entry / leverage to the last digit; its profit is no profit of its prices."""
        said = read_json(shared, "docs_GetAccountPositions.json")
        dated = {**SWAP_ROW, "instId": "ETH-USD-210430", "instType": "FUTURES", "instFamily": "ETH-USD"}
        eth = {**dated, "settleCcy": "ETH", "ctVal": "10", "expTime": "1619769600000"}
        listing = market.listing([wire(envelope(eth))])
        with pytest.raises(ConversionError, match="upl"):
            positions.book(wire(said), listing, frozenset({"ETH"}), hedge_mode=True)
        said["data"][0]["upl"] = str(10 / Decimal("2566.31") - 10 / Decimal("2353.849"))
        [held] = positions.book(wire(said), listing, frozenset({"ETH"}), hedge_mode=True).values()
        assert (held.position.symbol, held.position.contracts) == ("ETH/USD:ETH-210430", Contracts.of(1))
        assert held.position.margin == held.position.initial_margin == Coin.of("0.0003896645377994")
        assert held.position.margin_mode is MarginMode.ISOLATED


SWAP_ROW = {
    "ctMult": "1", "ctType": "inverse", "ctVal": "100", "ctValCcy": "USD", "expTime": "", "groupId": "1",
    "instFamily": "BTC-USD", "instId": "BTC-USD-SWAP", "instType": "SWAP", "lotSz": "1",
    "maxLmtSz": "100000000", "minSz": "1", "settleCcy": "BTC", "state": "live", "tickSz": "0.1",
}  # fmt: skip


@pytest.fixture(scope="session")
def listing() -> market.Listing:
    return market.listing([wire(envelope(SWAP_ROW))])


@pytest.fixture(scope="session")
def replies(shared: Path) -> dict[str, dict[str, Any]]:
    """A whole account: published replies where there are any of the swap, their form where there are none."""
    position = _position(read_json(shared, "docs_GetAccountPositions.json")["data"][0])
    balance = read_json(shared, "docs_GetAccountBalance.json")["data"][0]
    upl = Decimal(position["upl"])
    coin = balance["details"][0] | {
        "ccy": "BTC", "eq": str(2 + upl), "cashBal": "1.5", "isoEq": str(Decimal("0.5") + upl),
        "isoUpl": str(upl), "upl": str(upl), "stgyEq": "0", "frozenBal": str(Decimal("0.5") + upl),
        "ordFrozen": "0", "availBal": "1.5", "imr": "0", "disEq": "100000", "liab": "", "interest": "",
    }  # fmt: skip
    order = {
        "instId": "BTC-USD-SWAP", "instType": "SWAP", "ordId": "312269865356374016", "side": "sell",
        "clOrdId": ORDER.client_id, "sz": "10", "accFillSz": "4", "state": "partially_filled",
        "avgPx": "59990", "fee": "-0.00002", "reduceOnly": "false", "cTime": "1597026383085",
        "uTime": "1597026383086",
    }  # fmt: skip
    return {
        "instruments": envelope(SWAP_ROW),
        "config": read_json(shared, "docs_GetAccountConfiguration.json"),
        "fee": envelope(
            {"feeGroup": [{"groupId": "1", "taker": "-0.0005", "maker": "-0.0002"}], "taker": "-0.0005"}
        ),
        "tiers": envelope({"instFamily": "BTC-USD", "mmr": "0.004", "maxSz": "30000"}),
        "balance": envelope(balance | {"details": [coin]}),
        "positions": envelope(position),
        "position": envelope(position),
        "leverage": envelope(
            {"instId": "BTC-USD-SWAP", "mgnMode": "isolated", "posSide": "net", "lever": "2"}
        ),
        "orders": envelope(order),
        "mark": envelope(
            {"instType": "SWAP", "instId": "BTC-USD-SWAP", "markPx": "50000", "ts": "1597026383085"}
        ),
        "index": envelope({"instId": "BTC-USD", "idxPx": "50010", "ts": "1597026383080"}),
        "funding": read_json(shared, "recorded_ccxt_funding_rate_BTC-USD-SWAP.json"),
        "book": envelope(
            {"asks": [["50000.1", "12", "0", "1"]], "bids": [["50000", "7", "0", "2"]], "ts": "1597026383085"}
        ),
    }


def _position(row: dict[str, Any]) -> dict[str, Any]:
    """The documentation's position made a short of 60,000 dollars at 60,000, marked at 50,000."""
    changes = {
        "instId": "BTC-USD-SWAP", "instType": "SWAP", "ccy": "BTC", "posSide": "net", "pos": "-600",
        "avgPx": "60000", "markPx": "50000", "upl": "0.2", "margin": "0.5", "lever": "2", "liqPx": "119000.5",
    }  # fmt: skip
    return row | changes


def convert(documents: dict[str, Any], *assets: str) -> AccountReading:
    """The whole path from bytes to a reading, as the account walks it."""
    said = {name: wire(document, name) for name, document in documents.items()}
    listing = market.listing([said["instruments"]])
    contract = listing.named(BTC)
    fee, tiers = market.taker_fee(said["fee"], contract), market.tiers(said["tiers"], contract)
    legs = {BTC: ContractFacts(contract, fee, tiers)}
    facts = Facts(listing, holdings.settings(said["config"]), legs, 0.0)
    prices = Prices(said["mark"], said["index"], said["funding"], market.order_book(said["book"]))
    leg = LegAnswers(contract, MarginMode.ISOLATED, said["position"], said["leverage"], prices)
    orders.sighted(market.rows(said["orders"]), ORDER, contract.instrument)
    answers = Answers(said["balance"], said["positions"], [said["orders"]], [leg])
    return reading(answers, facts, frozenset(assets or ("BTC",)), MOMENT)


def test_a_whole_account(replies: dict[str, Any]) -> None:
    got = convert(replies)
    position, wallet = got.position(BTC), got.wallet("BTC")
    assert wallet is not None
    assert (position.contracts, position.entry) == (Contracts.of(-600), Price.of(60_000))
    assert (position.unrealized, position.margin) == (Coin.of("0.2"), Coin.of("0.5"))
    assert (position.liquidation, position.leverage) == (Price.of("119000.5"), Decimal(2))
    assert (wallet.coins, wallet.unrealized, wallet.position_margin) == (
        Coin.of(2),
        Coin.of("0.2"),
        Coin.of("0.5"),
    )
    assert (got.quote(BTC).mark, got.quote(BTC).index) == (Price.of(50_000), Price.of(50_010))
    assert got.leg_facts(BTC).maintenance(Coin.of(1)) == Decimal("0.004")
    assert got.orders[0].contracts == Contracts.of(-6)


DAMAGES: list[Any] = [
    None, "", " ", "NaN", "inf", "1e999", "1_000", "٣", "abc", "-1", "0", "-0", "1", 0, 1, -1, True, False,
    [], {}, [None], ["1"], {"data": []}, "buy", "sell", "net", "cross", "BTC-USD-SWAP", "9" * 40, 10**30,
]  # fmt: skip
GONE = object()
UNUSED_IF_ABSENT = {"feeGroup", "groupId", "taker", "nextFundingTime", "instFamily", "settledPnl"}


@dataclass(frozen=True)
class Spot:
    """A place in one of the replies."""

    reply: str
    path: tuple[str | int, ...]


def spots(name: str, document: Any, path: tuple[str | int, ...] = ()) -> Iterator[Spot]:
    pairs: Any = ()
    if isinstance(document, dict):
        pairs = document.items()
    elif isinstance(document, list):
        pairs = enumerate(document)
    for key, value in pairs:
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
        truth, used = convert(replies), 0
        for spot in [spot for name, document in replies.items() for spot in spots(name, document)]:
            if not isinstance(spot.path[-1], str) or spot.path[-1] in UNUSED_IF_ABSENT:
                continue
            for remove in (True, False):
                outcome = converted(damaged(replies, spot, None, remove=remove))
                if isinstance(outcome, ReadError):
                    assert str(spot.path[-1]) in str(outcome), spot
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
        self, replies: dict[str, Any], listing: market.Listing, at: int, flip: int, cut: int
    ) -> None:
        body = bytearray(json.dumps(replies["position"]).encode())
        body[at % len(body)] ^= flip
        for damage in (bytes(body), bytes(body[: cut % len(body)])):
            with suppress(ReadError):
                said = answer(Reply(200, {}, damage, 0.0, 0.1), "account/positions")
                if said.ok:
                    positions.book(said, listing, frozenset({"BTC"}), hedge_mode=False)
