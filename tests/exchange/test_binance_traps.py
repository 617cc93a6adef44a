"""What ccxt 4.5.90 and Binance do to the unwary: each trap is shown to be there, and not to reach us."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import parse_qs

import ccxt.async_support as ccxt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hedgebot.clock import SystemClock
from hedgebot.domain.account import Needs
from hedgebot.domain.orders import Fate
from hedgebot.domain.units import Coin, Contracts
from hedgebot.errors import ConversionError, CredentialsError, HedgebotError
from hedgebot.exchange.binance.account import BinanceAccount
from hedgebot.exchange.registry import open_account
from hedgebot.sim.binance import BINANCE as DIALECT
from hedgebot.sim.binance import orders as sim_orders
from hedgebot.sim.binance.session import Options
from hedgebot.sim.binance.wire import document
from hedgebot.sim.faults import Fault
from hedgebot.sim.ledger import MarginMode as SimMode
from hedgebot.sim.market import level
from tests.exchange.kit import BINANCE, CREDENTIALS, KEY, SECRET, Bench, play
from tests.exchange.tamper import Change
from tests.sim.binance_kit import listed

BTC, NATIVE = "BTC/USD:BTC", "BTCUSD_PERP"
PLACE: dict[str, Any] = {"method": "POST", "path": BINANCE.place}
REPLY_ERRORS = (ccxt.ExchangeError, ccxt.NetworkError)


def scene(act: Any, *changes: Change, **setup: Any) -> None:
    play(act, BINANCE, changes=changes, **setup)


def vendors(bench: Bench) -> tuple[Any, Any]:
    """The ccxt instances beneath an account: for the spot API and for COIN-M."""
    account = bench.account
    assert isinstance(account, BinanceAccount)
    return account._spot._vendor, account._coin_m._vendor


def refused(code: int, message: str, status: int = 400, **how: Any) -> Fault:
    return Fault("http_status", status=status, body=document({"code": code, "msg": message}).decode(), **how)


class TestReadsGoToTheRightApi:
    """exchanges.md, 0.5: unified reads ask USD-M or the spot wallet unless told otherwise, each time."""

    async def test_ccxt_asks_usd_m_for_a_coin_margined_position_and_spot_for_a_delivery_balance(self) -> None:
        asked: list[str] = []
        vendor = ccxt.binance({"apiKey": "k", "secret": "s", "markets": {}, "currencies": {}})

        async def fetch(url: str, *_: Any, **__: Any) -> Any:
            asked.append(url.partition("?")[0])
            return {"balances": []} if "account" in url else []

        vendor.fetch = fetch
        vendor.set_markets([vendor.parse_market(listed())])
        vendor.options["leverageBrackets"] = {}
        await vendor.fetch_positions([BTC])
        for kind in ("delivery", "inverse"):
            await vendor.fetch_balance({"type": kind})
        assert "fapi" in asked[0]
        assert asked[1:] == ["https://api.binance.com/api/v3/account"] * 2
        await vendor.close()

    def test_we_ask_coin_m_and_the_spot_wallet_and_nothing_of_usd_m(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            order = bench.order(-1_000)
            await bench.account.place(order)
            await bench.account.find(order)
            prefixes = {path.split(" ")[1].split("/")[1] for path in bench.arrived}
            assert prefixes == {"api", "sapi", "dapi"}

        scene(act)


class TestMarkets:
    """1a and T11: loading markets with a key begins with private requests, of which one may fail."""

    def test_no_market_is_loaded_and_no_currency_asked_for(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            listed = [path for path in bench.arrived if "exchangeInfo" in path]
            assert listed == ["GET /dapi/v1/exchangeInfo"]
            assert not [path for path in bench.arrived if "capital" in path or "margin/" in path]
            assert all(not vendor.markets for vendor in vendors(bench))
            first = bench.seen[0]
            assert "X-MBX-APIKEY" not in first.headers

        scene(act)

    def test_brackets_are_those_of_the_contract_whatever_was_asked_first(self) -> None:
        """0.5: ccxt keeps the first kind's brackets for good; ours come with each contract."""

        async def act(bench: Bench) -> None:
            bench.exchange.deposit("main", "ETH", 10)
            both = Needs(frozenset({BTC, "ETH/USD:ETH"}), frozenset({"BTC", "ETH"}))
            reading = await bench.account.read(both)
            of_btc, of_eth = (reading.leg_facts(s).maintenance(Coin.of(1)) for s in (BTC, "ETH/USD:ETH"))
            assert (of_btc, of_eth) == (Decimal("0.004"), Decimal("0.005"))
            assert vendors(bench)[1].options["leverageBrackets"] is None

        scene(act)


class TestAmounts:
    """1a and 0.4: amounts are whole contracts, and ccxt cuts coins of margin to whole contracts too."""

    async def test_ccxt_cuts_an_amount_and_even_a_margin_in_coins(self) -> None:
        vendor = ccxt.binancecoinm()
        vendor.set_markets([vendor.parse_market(listed())])
        assert vendor.amount_to_precision(BTC, 2.7) == "2"
        sent: list[dict[str, Any]] = []

        async def record(params: dict[str, Any]) -> dict[str, Any]:
            sent.append(params)
            return {"code": 200, "amount": 1, "type": 1}

        vendor.dapiPrivatePostPositionMargin = record
        await vendor.add_margin(BTC, 1.7)
        assert sent[0]["amount"] == "1"
        with pytest.raises(ccxt.InvalidOrder):
            await vendor.add_margin(BTC, 0.5)
        await vendor.close()

    def test_the_endpoint_itself_takes_a_fraction_of_a_coin(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-6_000))
            before = bench.exchange.position("main", NATIVE).margin
            asked = {"symbol": NATIVE, "amount": "0.15", "type": 1}
            await vendors(bench)[1].dapiPrivatePostPositionMargin(asked)
            assert bench.exchange.position("main", NATIVE).margin - before == Fraction("0.15")

        scene(act, margin_mode=SimMode.ISOLATED)

    def test_a_contract_is_a_hundred_dollars_and_arrives_as_many(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-6_000))
            [order] = bench.exchange.orders("main")
            assert order.contracts == 60
            assert (await bench.read()).position(BTC).contracts == Contracts.of(-60)

        scene(act)


class TestOrderFate:
    """T1 to T5 and section 6, on the endpoint where it matters."""

    @pytest.mark.parametrize("at", [0, 1, 20, 0.5, 0.99])
    def test_t1_an_accepted_order_whose_reply_is_cut_short_is_unknown_and_found(self, at: float) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            with pytest.raises(REPLY_ERRORS):
                await vendors(bench)[1].dapiPrivatePostOrder({"symbol": NATIVE})
            assert (await bench.account.find(order)).state is not None
            assert bench.effective == 1

        scene(act, plan=[Fault("truncate_reply", at=at, **PLACE)])

    @pytest.mark.parametrize("kind", ["html_200", "empty_200", "null_200", "nan_json"])
    def test_t2_a_success_without_a_body_is_unknown_and_found(self, kind: str) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            assert (await bench.account.find(order)).state is not None
            assert bench.effective == 1

        scene(act, plan=[Fault(kind, **PLACE)])

    @pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1008])
    @pytest.mark.parametrize("status", [400, 408, 503])
    def test_t3_a_time_out_behind_the_exchange_is_no_rejection(self, code: int, status: int) -> None:
        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            assert (await bench.account.place(order)).fate is Fate.UNKNOWN
            assert (await bench.account.find(order)).state is not None

        scene(act, plan=[refused(code, "execution status unknown", status, **PLACE)])

    def test_t4_a_duplicate_id_is_an_exchange_error_to_ccxt_and_unknown_to_us(self) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(ccxt.ExchangeError) as caught:
                await vendors(bench)[1].dapiPrivatePostOrder({"symbol": NATIVE})
            assert type(caught.value) is ccxt.ExchangeError
            assert (await bench.account.place(bench.order(-1_000))).fate is Fate.UNKNOWN

        scene(act, plan=[refused(-4116, "ClientOrderId is duplicated.", processed=False, **PLACE)])

    def test_an_id_that_is_over_would_be_taken_again_so_nothing_is_sent_twice(self) -> None:
        """Ids are unique among open orders only: not the exchange, only we keep an order from doubling."""

        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            sent = [(await bench.account.place(order)).fate for _ in range(2)]
            assert sent == [Fate.ACCEPTED, Fate.ACCEPTED]
            assert bench.effective == 2
            with pytest.raises(HedgebotError, match="two orders"):
                await bench.account.find(order)

        scene(act)

    def test_t5_a_time_out_is_one_request(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            await bench.clock.sleep(120)
            assert bench.placed == 1

        scene(act, plan=[Fault("delay_reply", **PLACE)])

    def test_t5_with_ccxts_retries_switched_on_nothing_is_sent(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            vendors(bench)[1].options["maxRetriesOnFailure"] = 3
            outcome = await bench.account.place(bench.order(-1_000))
            assert (outcome.fate, bench.placed) == (Fate.REJECTED, 0)
            assert "twice" in outcome.reason

        scene(act)

    def test_ccxts_broker_prefix_does_not_replace_our_id(self) -> None:
        """1c: without an id of one's own, ccxt sends one that begins with its broker code."""
        assert ccxt.binancecoinm().generate_client_order_id(None, "dapiPrivate", "order").startswith("x-")

        async def act(bench: Bench) -> None:
            order = bench.order(-1_000)
            await bench.account.place(order)
            assert bench.exchange.orders("main")[0].client_id == order.client_id

        scene(act)


class TestRefusedKeys:
    """Section 6: after one success ccxt takes a refused key for a passing overload."""

    def test_2015_is_a_refused_key_before_and_after_a_success(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            spot, coin_m = vendors(bench)
            spot.options["hasAlreadyAuthenticatedSuccessfully"] = True
            coin_m.options["hasAlreadyAuthenticatedSuccessfully"] = True
            bench.exchange.revoke_key(KEY)
            with pytest.raises(ccxt.DDoSProtection):
                await coin_m.dapiPrivateGetAccount({})
            with pytest.raises(CredentialsError, match="refused"):
                await bench.read()

        scene(act)


class TestErrorTablesByHost:
    """Section 3: with its URLs rewritten ccxt forgets what COIN-M's codes mean. Its URLs stay real here."""

    async def test_behind_a_base_url_ccxt_still_knows_coin_ms_errors(self) -> None:
        async with serving(insufficient) as url, opened(url) as account:
            vendor = account._coin_m._vendor
            assert vendor.urls["api"]["dapiPrivate"] == "https://dapi.binance.com/dapi/v1"
            with pytest.raises(ccxt.InsufficientFunds):
                await vendor.dapiPrivatePostOrder({"symbol": NATIVE})

    async def test_with_its_urls_rewritten_ccxt_does_not(self) -> None:
        async with serving(insufficient) as url:
            vendor = ccxt.binancecoinm({"apiKey": "k", "secret": "s", "enableRateLimit": False})
            vendor.urls["api"]["dapiPrivate"] = f"{url}/dapi/v1"
            with pytest.raises(ccxt.ExchangeError) as caught:
                await vendor.dapiPrivatePostOrder({"symbol": NATIVE})
            assert type(caught.value) is ccxt.ExchangeError
            await vendor.close()

    async def test_both_apis_reach_the_base_url_with_their_own_host_header_and_path(self) -> None:
        seen: set[tuple[str, str]] = set()

        async def note(request: web.Request) -> web.Response:
            seen.add((request.headers["Host"], request.path))
            return web.Response(status=404)

        async with serving(note) as url, opened(url) as account:
            for symbols in (frozenset[str](), frozenset({BTC})):
                with pytest.raises(HedgebotError):
                    await account.read(Needs(symbols, frozenset({"BTC"})))
        assert ("api.binance.com", "/api/v3/time") in seen
        assert {host for host, path in seen if path.startswith("/dapi")} == {"dapi.binance.com"}

    async def test_the_sandbox_is_demo_trading_and_its_hosts_are_pinned_too(self) -> None:
        async with opened(sandbox=True) as account:
            assert account._coin_m._wire._hosts == {"demo-dapi.binance.com"}
            assert account._spot._wire._hosts == {"demo-api.binance.com"}
            vendor = account._coin_m._vendor
            assert vendor.urls["api"]["dapiPrivate"].startswith("https://demo-dapi.binance.com/")
        testnet = ccxt.binancecoinm({"apiKey": "k", "secret": "s"})
        testnet.set_sandbox_mode(True)
        with pytest.raises(ccxt.NotSupported):
            testnet.sign("account", ["dapiPrivate"], "GET")
        await testnet.close()


class TestCoins:
    """T8 and money.md: ccxt's total holds unrealised profit; the cross wallet lacks isolated margins."""

    def test_collateral_is_neither_ccxts_total_nor_the_cross_wallet(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-30_000))
            bench.exchange.change_feed(NATIVE, path=level(50_000))
            wallet = bench.pot(await bench.read())
            vendor = vendors(bench)[1]
            raw = await vendor.dapiPrivateGetAccount({})
            theirs = vendor.parse_balance_custom(raw, "inverse")["BTC"]["total"]
            cross = Coin.of(raw["assets"][0]["crossWalletBalance"])
            assert float(wallet.coins.value) + 0.09 < theirs
            assert cross < wallet.coins - Coin.of("0.02")

        scene(act, margin_mode=SimMode.ISOLATED)

    def test_the_same_coins_are_in_one_wallet_while_they_are_moved(self) -> None:
        async def act(bench: Bench) -> None:
            for _ in range(5):
                bench.exchange.transfer("main", "BTC", "0.1", "margin", "spot", str(bench.clock.now_ms()))
                reading = await bench.read()
                assert sum((w.coins for w in reading.wallets), Coin.zero()) == Coin.of(1)
                await bench.clock.sleep(1)

        scene(act)


class TestPositions:
    """0.6 and T10: figures that ccxt makes up, or makes disappear."""

    def test_zero_entry_rows_vanish_in_ccxt_and_are_flat_to_us(self) -> None:
        async def act(bench: Bench) -> None:
            position = (await bench.read()).position(BTC)
            assert (position.contracts, position.entry, position.leverage) == (
                Contracts.zero(),
                None,
                Decimal(20),
            )

        scene(act)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("positionAmt", ""),
            ("positionAmt", "NaN"),
            ("positionAmt", "1e999"),
            ("positionAmt", "-1_0"),
            ("liquidationPrice", None),
            ("unRealizedProfit", "Infinity"),
            ("leverage", "٣"),
            ("symbol", "NOPE"),
        ],
    )
    def test_t9_and_t10_a_damaged_position_is_neither_flat_nor_safe(self, field: str, value: object) -> None:
        async def act(bench: Bench) -> None:
            await bench.account.place(bench.order(-1_000))
            with pytest.raises(ConversionError):
                await bench.read()

        scene(act, Change("/dapi/v1/positionRisk", f"[0].{field}", lambda _: value))


class TestFunding:
    """Section 2: ccxt raises where ``fundingInfo`` does not list the contract, which it mostly does not."""

    async def test_ccxt_does_not_know_an_interval_that_was_never_adjusted(self) -> None:
        vendor = ccxt.binancecoinm()
        vendor.set_markets([vendor.parse_market(listed())])

        async def nothing(_: Any = None) -> list[Any]:
            return []

        vendor.dapiPublicGetFundingInfo = nothing
        with pytest.raises(ccxt.NullResponse):
            await vendor.fetch_funding_interval(BTC)
        await vendor.close()

    def test_ours_is_the_distance_of_the_last_settlements(self) -> None:
        async def act(bench: Bench) -> None:
            assert bench.app[DIALECT].options == Options(listed_intervals=False)
            assert (await bench.read()).quote(BTC).funding.interval_hours == Decimal(8)

        scene(act)


class TestClientIds:
    def test_the_exchange_takes_the_form_of_our_ids(self) -> None:
        assert sim_orders.CLIENT_ID.fullmatch("hb0000000000001")


class TestT12:
    """Binance's exceptions hold the whole signed query, and its signature."""

    @pytest.mark.parametrize(
        "fault",
        [
            None,
            Fault("lose_reply"),
            Fault("truncate_reply"),
            Fault("html_200"),
            Fault("http_status", status=401),
            Fault("http_status", status=500),
            Fault("http_status", status=302),
            refused(-1022, f"Signature for this request is not valid {KEY} {SECRET}"),
            refused(-2015, f"Invalid API-key {KEY}", 401),
            Fault("delay_reply"),
        ],
        ids=lambda fault: fault and f"{fault.kind} {fault.status}",
    )
    def test_no_secret_is_in_an_error_a_reason_or_a_log(
        self, fault: Fault | None, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        for name in ("ccxt", "ccxt.base.exchange", "aiohttp", "aiohttp.client", "asyncio"):
            caplog.set_level(logging.DEBUG, logger=name)  # and back at the test's end
        told: list[str] = []

        async def act(bench: Bench) -> None:
            await bench.read()
            bench.faults._plan = (fault,) if fault else ()
            for attempt in (
                bench.read(),
                bench.account.find(bench.order(-100)),
                bench.account.place(bench.order(-100)),
            ):
                try:
                    told.append(str(await attempt))
                except HedgebotError as error:
                    told.extend(_whole(error))
            told.append(repr(bench.account))
            signatures = [
                s for request in bench.seen for s in parse_qs(request.query_string).get("signature", [])
            ]
            assert signatures
            everything = "\n".join((*told, caplog.text))
            assert not [s for s in (KEY, SECRET, *signatures) if s in everything]

        scene(act)
        assert told


def _whole(error: BaseException | None) -> list[str]:
    """Every text that a traceback of this error would show."""
    texts: list[str] = []
    while error is not None:
        texts += [str(error), repr(error)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return texts


async def insufficient(_: web.Request) -> web.Response:
    return web.json_response({"code": -2019, "msg": "Margin is insufficient."}, status=400)


@asynccontextmanager
async def serving(handler: Any) -> AsyncIterator[str]:
    """A server on loopback that answers everything with ``handler``."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


@asynccontextmanager
async def opened(base_url: str | None = None, *, sandbox: bool = False) -> AsyncIterator[BinanceAccount]:
    """An account in real time, as the daemon opens it."""
    account = open_account(
        "main", "binance", CREDENTIALS, clock=SystemClock(), base_url=base_url, sandbox=sandbox
    )
    assert isinstance(account, BinanceAccount)
    try:
        yield account
    finally:
        await account.close()
