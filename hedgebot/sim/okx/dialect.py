"""The dialect itself: which path does what, and the same thing as a web application."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Middleware

from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.okx import account, bills, market, orders, positions, public
from hedgebot.sim.okx.gate import RateLimits, authenticate
from hedgebot.sim.okx.session import Leverages, Options, Session
from hedgebot.sim.okx.wire import ApiError, Call, FailedError, Json, Params, Reply, envelope

Endpoint = Callable[[Session, Params], list[Json] | market.Rows]
JSON_TYPE = {"Content-Type": "application/json"}
USUAL_OPTIONS = Options()
API = "/api/v5/"


@dataclass(frozen=True, slots=True)
class Route:
    """What a path does; ``limit`` is requests in two seconds. ``timed`` replies tell when they were made."""

    endpoint: Endpoint
    limit: int
    timed: bool = False

    @property
    def is_public(self) -> bool:
        return self.endpoint.__module__ in (market.__name__, public.__name__)


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "public/time"): Route(market.system_time, 10),
    ("GET", "public/instruments"): Route(public.instruments, 20),
    ("GET", "public/position-tiers"): Route(public.position_tiers, 10),
    ("GET", "public/mark-price"): Route(market.mark_price, 10),
    ("GET", "public/funding-rate"): Route(market.funding_rate, 10),
    ("GET", "public/funding-rate-history"): Route(market.funding_rate_history, 10),
    ("GET", "public/price-limit"): Route(market.price_limit, 20),
    ("GET", "market/index-tickers"): Route(market.index_tickers, 20),
    ("GET", "market/ticker"): Route(market.ticker, 20),
    ("GET", "market/books"): Route(market.books, 40),
    ("GET", "market/candles"): Route(market.candles, 40),
    ("GET", "account/balance"): Route(account.balance, 10),
    ("GET", "account/config"): Route(account.config, 5),
    ("GET", "account/trade-fee"): Route(account.trade_fee, 5),
    ("GET", "account/leverage-info"): Route(account.leverage_info, 20),
    ("GET", "account/max-withdrawal"): Route(account.max_withdrawal, 20),
    ("POST", "account/set-leverage"): Route(positions.set_leverage, 20),
    ("POST", "account/set-position-mode"): Route(account.set_position_mode, 5),
    ("GET", "account/positions"): Route(positions.positions, 10),
    ("POST", "account/position/margin-balance"): Route(positions.margin_balance, 20),
    ("GET", "account/bills"): Route(bills.recent_bills, 10),
    ("GET", "account/bills-archive"): Route(bills.archived_bills, 5),
    ("POST", "trade/order"): Route(orders.place, 60, timed=True),
    ("POST", "trade/batch-orders"): Route(orders.place_all, 300, timed=True),
    ("POST", "trade/cancel-order"): Route(orders.cancel, 60, timed=True),
    ("GET", "trade/order"): Route(orders.details, 60),
    ("GET", "trade/orders-pending"): Route(orders.pending, 60),
    ("GET", "trade/orders-history"): Route(orders.history, 40),
    ("GET", "trade/fills"): Route(bills.recent_fills, 60),
    ("GET", "trade/fills-history"): Route(bills.archived_fills, 10),
}


class Okx:
    """Answers requests in OKX's dialect, whatever carried them here."""

    def __init__(self, exchange: SimulatedExchange, options: Options = USUAL_OPTIONS) -> None:
        self.exchange = exchange
        self.options = options
        self.rate_limits = RateLimits()
        self._leverages: Leverages = {}

    def answer(self, call: Call) -> Reply:
        """One reply to one request; takes no time and never raises for what a client sent."""
        route = ROUTES.get((call.method, call.path.removeprefix(API)))
        if route is None or not call.path.startswith(API):
            return Reply(envelope([], 404, "Not Found"), 404)
        now = self.exchange.truth.clock.now_ms()
        micros = str(now * 1000)
        times = {"inTime": micros, "outTime": micros} if route.timed else {}
        try:
            data = self._served(route, call, now)
        except ApiError as error:
            return Reply(envelope([], error.code, error.message), error.status)
        except FailedError as failure:
            return Reply(envelope([failure.row], 1, failure.message, times))
        return Reply(envelope(data, times=times))

    def _served(self, route: Route, call: Call, now: int) -> list[Json] | market.Rows:
        surroundings = (self.exchange, self.options, self._leverages, call.headers)
        path = f"{call.method} {call.path}"
        if route.is_public:
            self.rate_limits.spend(call.remote, path, route.limit, now)
            return route.endpoint(Session(*surroundings), _params(call))
        key = authenticate(self.exchange.truth.keys, call, now, demo=self.options.demo)
        self.rate_limits.spend(key.account, path, route.limit, now)
        if key.read_only and call.method == "POST":
            raise ApiError(50120, "This API key doesn't have permission to use this function", 401)
        return route.endpoint(Session(*surroundings, key), _params(call))


def _params(call: Call) -> Params:
    if call.method == "GET":
        return Params(dict(parse_qsl(call.query, keep_blank_values=True)))
    try:
        body: Any = json.loads(call.body)
    except ValueError as error:
        raise ApiError(50002, "JSON syntax error", 400) from error
    if not isinstance(body, dict | list):
        raise ApiError(50002, "JSON syntax error", 400)
    return Params({orders.SEVERAL: body} if isinstance(body, list) else body)


def application(
    exchange: SimulatedExchange, *, middlewares: Sequence[Middleware] = (), options: Options = USUAL_OPTIONS
) -> web.Application:
    """The dialect as a web application. Middlewares see every request first, to lose or delay it."""
    okx = Okx(exchange, options)

    async def serve(request: web.Request) -> web.Response:
        reply = okx.answer(await read_call(request))
        return web.Response(body=reply.body, status=reply.status, headers=JSON_TYPE)

    app = web.Application(middlewares=middlewares)
    app[OKX] = okx
    app.router.add_route("*", "/{path:.*}", serve)
    return app


OKX: web.AppKey[Okx] = web.AppKey("okx", Okx)


async def read_call(request: web.Request) -> Call:
    """A request as the dialect takes it; the query stays as it was written, since it was signed so."""
    path, _, query = request.raw_path.partition("?")
    return Call(
        method=request.method,
        path=path,
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
        remote=request.remote or "",
    )
