"""Contracts in a stable coin, on the exchanges where one may be a leg: what is read, sent and refused."""

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from hedgebot.domain.account import AccountReading, EntryKind, Needs
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.orders import Fate
from hedgebot.domain.transfers import Pocket, TransferRequest
from hedgebot.domain.units import Coin, Millis, Price, Usd
from hedgebot.errors import ReadError
from hedgebot.sim import okx
from hedgebot.sim.contract import Contract, solusdt
from hedgebot.sim.ledger import MarginMode as SimMode
from hedgebot.sim.market import level
from tests.exchange.kit import BYBIT, OKX, Bench, Venue, play
from tests.exchange.tamper import Change

SYMBOL = "BTC/USDT:USDT"
INVERSE = "BTC/USD:BTC"


def at_btc(contract: Contract, symbol: str) -> Contract:
    """A linear contract at a price of 60,000, a thousandth of a coin at least."""
    least = Fraction(1, 1000) / contract.face
    return replace(
        contract, symbol=symbol, base="BTC", qty_step=least, min_qty=least, max_price=Fraction(10**7)
    )


@dataclass(frozen=True)
class Case:
    """A venue, and where its replies tell what: (endpoint, path) of the figures that tests damage."""

    venue: Venue
    face: str
    position: tuple[str, str]
    wallet: tuple[str, str]
    instrument: tuple[str, str]


def venue_of(venue: Venue, contract: Contract, also: Contract) -> Venue:
    dollars = int(60_000 * contract.face)
    return replace(venue, symbol=SYMBOL, native=contract.symbol, usd=dollars, contracts=(contract, also))


BYBIT_ETH, OKX_ETH = BYBIT.contracts[1], OKX.contracts[1]
BTCUSDT, SWAP = at_btc(solusdt(), "BTCUSDT"), at_btc(okx.bnb_usdt_swap(), "BTC-USDT-SWAP")
CASES = {
    "bybit": Case(
        venue_of(BYBIT, BTCUSDT, BYBIT_ETH),
        "1",
        ("position/list", "list[0]"),
        ("account/wallet-balance", "list[0].coin[1]"),
        ("market/instruments-info", "list[0]"),
    ),
    "okx": Case(
        venue_of(OKX, SWAP, OKX_ETH),
        "0.01",
        ("/api/v5/account/positions", "data[0]"),
        ("/api/v5/account/balance", "data[0].details[1]"),
        ("/api/v5/public/instruments", "data[0]"),
    ),
}
BOTH = pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])


async def read(bench: Bench) -> AccountReading:
    needs = Needs(frozenset({SYMBOL}), frozenset({"BTC", "USDT"}), frozenset({(SYMBOL, bench.margin_mode)}))
    return await bench.account.read(needs)


async def opened(bench: Bench) -> None:
    """Half a coin short at about 60,000, marked at 55,000 since, with 50,000 dollars in the account."""
    bench.exchange.deposit("main", "USDT", 50_000)
    assert (await bench.account.place(bench.order(-30_000))).fate is Fate.ACCEPTED
    bench.exchange.change_feed(bench.venue.native, path=level(55_000))


@BOTH
class TestReading:
    def test_a_contract_is_so_many_coins(self, case: Case) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "USDT", 50_000)
            found = (await read(bench)).leg_facts(SYMBOL)
            instrument = found.instrument
            assert (instrument.face, instrument.settle, instrument.asset) == (
                Coin.of(case.face),
                "USDT",
                "BTC",
            )
            assert instrument.lot.value * Decimal(case.face) == Decimal("0.001")
            assert (instrument.tradable, instrument.ends_at, instrument.instead) == (True, None, "")
            assert instrument.min_value == Usd.of(5 if case.venue.name == "bybit" else 0)
            tier = case.venue.contracts[0].tiers[0]
            dollars = abs(found.tiers[0].limit.value - Decimal(int(tier.up_to)))
            assert dollars < 1_000, "in the coin of settlement, to a contract"
            assert found.taker_fee == Decimal(str(float(case.venue.contracts[0].taker)))

        play(act, case.venue)

    @pytest.mark.parametrize("mode", [SimMode.CROSS, SimMode.ISOLATED])
    def test_a_position_and_its_wallet_in_dollars(self, case: Case, mode: SimMode) -> None:
        async def act(bench: Bench) -> None:
            await opened(bench)
            reading = await read(bench)
            position, truth = reading.position(SYMBOL), bench.exchange.position("main", bench.venue.native)
            assert position.contracts.value * Decimal(case.face) == Decimal("-0.5")
            entry = Fraction((position.entry or Price.of(1)).value)
            assert abs(entry - truth.average(case.venue.contracts[0])) < Fraction(1, 10**6)
            profit = truth.profit(case.venue.contracts[0], Fraction(55_000))
            assert abs(Fraction(position.unrealized.value) - profit) < Fraction(1, 10**4)
            [wallet] = [each for each in reading.wallets if each.id.asset == "USDT"]
            fee = bench.exchange.wallet("main", "USDT").balance
            assert abs(Fraction(wallet.coins.value) - fee) < Fraction(1, 10**4)
            assert abs(wallet.unrealized - position.unrealized).value < Decimal("0.001")
            assert abs(wallet.position_margin - position.initial_margin).value < 50
            assert (position.margin is None) is (mode is SimMode.CROSS)
            [coins] = [each for each in reading.wallets if each.id.asset == "BTC"]
            assert (coins.coins, coins.unrealized) == (Coin.of(1), Coin.of(0))

        play(act, case.venue, margin_mode=mode)

    def test_a_flat_contract(self, case: Case) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "USDT", 50_000)
            reading = await read(bench)
            assert not reading.position(SYMBOL).contracts
            assert (reading.quote(SYMBOL).mark, reading.quote(SYMBOL).funding.rate) == (
                Price.of(60_000),
                Decimal("0.0001"),
            )

        play(act, case.venue)

    def test_an_inverse_contract_beside_it_is_told(self, case: Case) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "USDT", 50_000)
            assert (await read(bench)).leg_facts(SYMBOL).instrument.instead == INVERSE

        inverse = case.venue.contracts[1]
        beside = replace(inverse, symbol=inverse.symbol.replace("ETH", "BTC"), base="BTC", settle="BTC")
        play(act, replace(case.venue, contracts=(case.venue.contracts[0], beside)))

    def test_a_symbol_that_is_not_listed_is_named(self, case: Case) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ReadError, match="lists no contract DOGE/USDT:USDT"):
                await bench.account.read(Needs(frozenset({"DOGE/USDT:USDT"}), frozenset({"BTC"})))

        play(act, case.venue)


@BOTH
class TestWriting:
    def test_an_order_is_found_by_its_id_and_its_fee_is_in_coins(self, case: Case) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "USDT", 50_000)
            order = bench.order(-30_000)
            assert (await bench.account.place(order)).fate is Fate.ACCEPTED
            state = (await bench.account.find(order)).state
            assert state is not None
            assert (state.over, state.filled.value * Decimal(case.face)) == (True, Decimal("-0.5"))
            fee = Decimal(str(float(case.venue.contracts[0].taker))) / 2
            assert abs(state.fee.value - fee) < Decimal("1e-8")

        play(act, case.venue)

    def test_the_ledger_is_in_coins_at_each_executions_own_price(self, case: Case) -> None:
        async def act(bench: Bench) -> None:
            await opened(bench)
            await bench.clock.sleep(8 * 3_600)
            entries = (await bench.account.ledger([SYMBOL], Millis(0))).entries
            assert [entry.kind for entry in entries] == [EntryKind.TRADE, EntryKind.FUNDING]
            fee = Decimal(str(float(case.venue.contracts[0].taker))) / 2
            assert abs(entries[0].coins.value + fee) < Decimal("1e-8")
            assert abs(entries[1].coins.value - Decimal("0.00005")) < Decimal("1e-8")
            assert entries[1].price == Price.of(55_000)

        play(act, case.venue)

    def test_an_order_that_only_reduces_a_cancel_and_a_leverage(self, case: Case) -> None:
        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "USDT", 50_000)
            assert (await bench.account.set_leverage(SYMBOL, "3", MarginMode.CROSS)).fate is Fate.ACCEPTED
            order = bench.order(-30_000)
            await bench.account.place(order)
            await bench.account.place(bench.order(30_000))
            assert not bench.exchange.position("main", bench.venue.native).contracts
            assert (await bench.account.cancel(order)).fate is Fate.REJECTED

        play(act, case.venue)

    def test_dollars_move_to_the_isolated_margin(self, case: Case) -> None:
        async def act(bench: Bench) -> None:
            await opened(bench)
            before = bench.exchange.position("main", bench.venue.native).margin
            move = TransferRequest(
                "hb1", "main", "USDT", Coin.of("100.1234"), Pocket.MARGIN, Pocket.ISOLATED, SYMBOL
            )
            assert (await bench.account.transfer(move)).fate is Fate.ACCEPTED
            after = bench.exchange.position("main", bench.venue.native).margin
            assert after - before == Fraction("100.1234")
            assert (await bench.account.find_transfer(move, Millis(0))).asked == ()

        play(act, case.venue, margin_mode=SimMode.ISOLATED)


GONE = object()
PARTNERS = {"avgPrice": "positionValue", "avgPx": "upl", "quoteCoin": "settleCoin", "instFamily": "ctValCcy"}
"""What a field contradicts, where it is plausible by itself."""

POSITION: dict[str, Any] = {
    "bybit": [
        ("size", "NaN"), ("size", "-1"), ("size", GONE), ("avgPrice", "0"), ("avgPrice", "50000"),
        ("markPrice", ""), ("positionValue", "1"), ("positionValue", GONE), ("unrealisedPnl", "-2500"),
        ("unrealisedPnl", "NaN"), ("positionIM", "-1"), ("side", "Short"),
    ],
    "okx": [
        ("pos", "NaN"), ("pos", GONE), ("avgPx", "0"), ("avgPx", "50000"), ("markPx", ""),
        ("upl", "-2500"), ("upl", GONE), ("lever", "0"), ("mgnMode", "cash"), ("posSide", "both"),
    ],
}  # fmt: skip
WALLET: dict[str, Any] = {
    "bybit": [
        ("equity", "NaN"), ("unrealisedPnl", GONE), ("walletBalance", "1"), ("totalPositionIM", "-1"),
        ("locked", "-1"), ("spotBorrow", "-1"),
    ],
    "okx": [("eq", "NaN"), ("upl", GONE), ("cashBal", "1"), ("stgyEq", GONE), ("ordFrozen", "-1")],
}  # fmt: skip
INSTRUMENT: dict[str, Any] = {
    "bybit": [
        ("baseCoin", ""), ("quoteCoin", "USDC"), ("settleCoin", "BTC"), ("contractType", "LinearOption"),
        ("status", "Asleep"), ("lotSizeFilter.minNotionalValue", "-5"), ("lotSizeFilter.qtyStep", "0"),
        ("lotSizeFilter.minNotionalValue", GONE), ("priceFilter.tickSize", "NaN"), ("deliveryTime", "soon"),
    ],
    "okx": [
        ("ctVal", "0"), ("ctVal", GONE), ("ctMult", "-1"), ("ctValCcy", "USD"), ("instFamily", "ETH-USDT"),
        ("lotSz", "NaN"), ("tickSz", "0"), ("state", "asleep"), ("ctType", "quanto"), ("minSz", "-1"),
    ],
}  # fmt: skip


def damaged(table: dict[str, Any], part: str) -> list[Any]:
    rows = [(name, field, value) for name, fields in table.items() for field, value in fields]
    return [
        pytest.param(
            CASES[name], getattr(CASES[name], part), field, value,
            id=f"{name} {field} {'gone' if value is GONE else value}",
        )
        for name, field, value in rows
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "where", "field", "value"),
    [*damaged(POSITION, "position"), *damaged(WALLET, "wallet"), *damaged(INSTRUMENT, "instrument")],
)
def test_a_damaged_field_is_an_error_that_names_it(
    case: Case, where: tuple[str, str], field: str, value: object
) -> None:
    endpoint, row = where
    *within, name = field.split(".")

    def of_tether(found: Any) -> object:
        """The row, damaged where it is about the linear contract or its coin."""
        told = str(found)
        if not ("USDT" in told or name not in told):
            return found
        holder = found[within[0]] if within else found
        if value is GONE:
            holder.pop(name, None)
        else:
            holder[name] = value
        return found

    async def act(bench: Bench) -> None:
        await opened(bench)
        await read(bench)
        bench.changes.append(Change(endpoint, row, of_tether))
        await bench.clock.sleep(3_700)
        with pytest.raises(ReadError) as failure:
            await read(bench)
        assert any(named in str(failure.value) for named in (name, PARTNERS.get(name, name)))

    play(act, case.venue)
