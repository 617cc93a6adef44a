"""Where an account's requests may go: through real servers on this machine, whatever the environment says."""

import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import getmembers
from pathlib import Path
from random import Random
from types import ModuleType

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from pydantic import SecretStr
from yarl import URL

from hedgebot.clock import SystemClock
from hedgebot.domain.account import Needs
from hedgebot.domain.orders import Fate, OrderRequest
from hedgebot.domain.units import Contracts, Millis, Price
from hedgebot.errors import ConfigError, ReadError
from hedgebot.exchange.binance import venue as binance_venue
from hedgebot.exchange.bybit import venue as bybit_venue
from hedgebot.exchange.client import Client, Endpoint
from hedgebot.exchange.client import Venue as Facts
from hedgebot.exchange.egress import EgressError, KnownHosts
from hedgebot.exchange.okx import venue as okx_venue
from hedgebot.exchange.registry import open_account
from hedgebot.exchange.vendor import signed
from hedgebot.exchange.wire import NO_HEADERS, Wire
from hedgebot.ports import Account
from hedgebot.settings.secrets import Credentials
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.market import Feed, Market, level
from hedgebot.sim.server import serving
from tests.exchange.kit import BYBIT, KEY, SECRET, VENUES, Venue

FACTS = {"bybit": bybit_venue, "binance": binance_venue, "okx": okx_venue}
every_exchange = pytest.mark.parametrize("venue", VENUES.values(), ids=VENUES.keys())


@dataclass
class Trap:
    """A server that nobody may talk to; ``seen`` are those who did."""

    url: str
    seen: list[str] = field(default_factory=list)


@asynccontextmanager
async def trap() -> AsyncIterator[Trap]:
    seen: list[str] = []

    async def caught(request: web.BaseRequest) -> web.Response:
        seen.append(f"{request.method} {request.raw_path} {dict(request.headers)}")
        return web.json_response({"retCode": 0, "retMsg": "OK", "result": {}, "time": 1})

    async with RawTestServer(caught) as server:
        yield Trap(f"http://127.0.0.1:{server.port}", seen)


@asynccontextmanager
async def account_on(venue: Venue, url: str) -> AsyncIterator[Account]:
    account = open_account(
        "main",
        venue.name,
        Credentials(SecretStr(KEY), SecretStr(SECRET), SecretStr(venue.password)),
        clock=SystemClock(),
        base_url=url,
    )
    try:
        yield account
    finally:
        await account.close()


@asynccontextmanager
async def exchange_of(venue: Venue) -> AsyncIterator[str]:
    """The simulated exchange on a port of this machine."""
    market = Market({c.symbol: Feed(path=level(60_000)) for c in venue.contracts})
    exchange = SimulatedExchange(SystemClock(), market, venue.contracts, Random(1), venue.rules)
    exchange.open_account("main", key=KEY, secret=SECRET, passphrase=venue.password, pot=venue.pot)
    exchange.deposit("main", "BTC", 1)
    async with serving(venue.application(exchange)) as url:
        yield url


async def do_everything(account: Account, venue: Venue) -> None:
    """Every method of the port once."""
    reading = await account.read(Needs(frozenset({venue.symbol}), frozenset({"BTC"})))
    assert reading.wallets
    await account.key_scope()
    await account.ledger([venue.symbol], Millis(SystemClock().now_ms() - 60_000))
    await account.candles(venue.symbol, 3_600_000, Millis(SystemClock().now_ms() - 7_200_000))
    await account.spot_price("BTC")
    sale = OrderRequest("hb0000000000001", "main", venue.symbol, Contracts.of(-10), Price.of(59_000), False)
    assert (await account.place(sale)).fate is Fate.ACCEPTED
    await account.find(sale)
    await account.cancel(sale)
    await account.set_leverage(venue.symbol, "2")


@dataclass
class Connections:
    """Whom this process looked up and connected to while it was on."""

    on: bool = False
    looked_up: set[object] = field(default_factory=set)
    reached: set[object] = field(default_factory=set)

    def hook(self, event: str, args: tuple[object, ...]) -> None:
        if self.on and event == "socket.getaddrinfo":
            self.looked_up.add(args[0])
        if self.on and event == "socket.connect":
            self.reached.add(args[1])


CONNECTIONS = Connections()
sys.addaudithook(CONNECTIONS.hook)  # of the interpreter's own: no library can get round it, nor we remove it


@pytest.fixture
def connections() -> Iterator[Connections]:
    CONNECTIONS.looked_up.clear()
    CONNECTIONS.reached.clear()
    CONNECTIONS.on = True
    yield CONNECTIONS
    CONNECTIONS.on = False


class TestWithABaseUrl:
    @every_exchange
    async def test_every_connection_goes_there(self, venue: Venue, connections: Connections) -> None:
        async with exchange_of(venue) as url, account_on(venue, url) as account:
            await do_everything(account, venue)
        assert connections.reached == {("127.0.0.1", URL(url).port)}
        assert not {str(name) for name in connections.looked_up} - {"127.0.0.1"}

    @every_exchange
    async def test_proxies_and_passwords_of_the_environment_are_not_used(
        self, venue: Venue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login canary-login password canary-password\n")
        async with exchange_of(venue) as url, trap() as proxy:
            for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy"):
                monkeypatch.setenv(name, proxy.url)
                monkeypatch.setenv(name.upper(), proxy.url)
            monkeypatch.setenv("NO_PROXY", "")
            monkeypatch.setenv("NETRC", str(netrc))
            async with account_on(venue, url) as account:
                await do_everything(account, venue)
        assert proxy.seen == []

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_no_redirect_leads_away(self, status: int) -> None:
        asked: list[str] = []
        async with trap() as elsewhere:

            async def redirect(request: web.BaseRequest) -> web.Response:
                asked.append(request.method)
                return web.Response(status=status, headers={"Location": f"{elsewhere.url}{request.raw_path}"})

            async with (
                RawTestServer(redirect) as server,
                account_on(BYBIT, f"http://127.0.0.1:{server.port}") as account,
            ):
                with pytest.raises(ReadError):
                    await account.key_scope()
                with pytest.raises(ReadError):
                    await account.read(Needs(frozenset({BYBIT.symbol}), frozenset({"BTC"})))
            assert asked
            assert elsewhere.seen == []

    @pytest.mark.parametrize(
        "url",
        [
            "http://203.0.113.7",
            "http://exchange.example",
            "http://127.0.0.1.example",
            "http://0.0.0.0:9101",
            "http://[::ffff:203.0.113.7]",
            "http://2130706433.example",
            "ftp://127.0.0.1",
            "ws://127.0.0.1",
        ],
    )
    async def test_plain_http_is_for_this_machine_alone(self, url: str) -> None:
        with pytest.raises(ConfigError, match="plain http is only for this machine itself"):
            open_account(
                "main",
                "bybit",
                Credentials(SecretStr(KEY), SecretStr(SECRET)),
                clock=SystemClock(),
                base_url=url,
            )

    async def test_a_name_that_only_pretends_to_be_this_machine_is_found_out(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def poisoned(*_: object, **__: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.7", 9101))]

        monkeypatch.setattr(socket, "getaddrinfo", poisoned)
        async with account_on(BYBIT, "http://localhost:9101") as account:
            with pytest.raises(ReadError, match="EgressError"):
                await account.key_scope()


class TestWithoutOne:
    @pytest.mark.parametrize("sandbox", [False, True])
    @pytest.mark.parametrize(("name", "facts"), FACTS.items())
    async def test_every_endpoint_of_the_pinned_library_is_at_a_host_of_the_venue(
        self, name: str, facts: ModuleType, sandbox: bool
    ) -> None:
        held = Credentials(SecretStr(KEY), SecretStr(SECRET), SecretStr("x"))
        account = open_account("main", name, held, clock=SystemClock(), sandbox=sandbox)
        hosts = {
            host
            for _, venue in getmembers(facts, lambda each: isinstance(each, Facts))
            for host in (venue.sandbox_hosts if sandbox else venue.hosts)
        }
        clients = [each for each in vars(account).values() if isinstance(each, Client)]
        for _, endpoint in getmembers(facts, lambda each: isinstance(each, Endpoint)):
            if sandbox and endpoint.path.startswith("sapi/"):
                continue  # demo trading has none of these, and they are not asked for there
            for client in clients:
                url = URL(signed(client._vendor, endpoint.method, {"symbol": "BTCUSD"}, NO_HEADERS).url)
                assert (url.scheme, url.host in hosts) == ("https", True), url.human_repr()
        await account.close()

    @pytest.mark.parametrize(
        "url",
        [
            "https://example.com/",
            "http://api.bybit.com/",
            "https://api.bybit.com.example.com/",
            "https://api.bybit.com@example.com/",
            "https://api-testnet.bybit.com/",
            "https://203.0.113.7/",
            "wss://api.bybit.com/",
        ],
    )
    async def test_no_request_leaves_for_anywhere_else(self, url: str, connections: Connections) -> None:
        wire = Wire(frozenset({"api.bybit.com"}), clock=SystemClock())
        with pytest.raises((EgressError, aiohttp.InvalidURL)):
            await wire.session.get(url)
        await wire.close()
        assert (connections.looked_up, connections.reached) == (set(), set())

    async def test_not_even_one_that_goes_round_the_check_of_its_url(self, connections: Connections) -> None:
        wire = Wire(frozenset({"api.bybit.com"}), clock=SystemClock())
        with pytest.raises(EgressError):
            await wire.session.get("https://evil.example/", middlewares=())
        await wire.close()
        assert (connections.looked_up, connections.reached) == (set(), set())


class TestKnownHosts:
    async def test_their_addresses_are_found(self) -> None:
        resolver = KnownHosts({"localhost"}, local=True)
        assert {each["host"] for each in await resolver.resolve("localhost", 80)} <= {"127.0.0.1", "::1"}
        await resolver.close()

    @pytest.mark.parametrize(
        "host", ["evil.example", "localhost.evil.example", "LOCALHOST", "localhost.", ""]
    )
    async def test_no_others_are_looked_for(self, host: str, connections: Connections) -> None:
        resolver = KnownHosts({"localhost"}, local=False)
        with pytest.raises(EgressError):
            await resolver.resolve(host, 80)
        await resolver.close()
        assert connections.looked_up == set()
