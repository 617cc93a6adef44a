"""The dialect itself: which path does what, and the same thing as a web application."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Middleware

from hedgebot.sim.bybit import account, executions, instruments, log, market, orders, positions, transfers
from hedgebot.sim.bybit.gate import RateLimits, TooManyError, UnsignedError, authenticate
from hedgebot.sim.bybit.session import Options, Session
from hedgebot.sim.bybit.wire import ApiError, Call, Json, Params, Reply, envelope
from hedgebot.sim.exchange import SimulatedExchange

Endpoint = Callable[[Session, Params], Json]
JSON_TYPE = {"Content-Type": "application/json; charset=utf-8"}
USUAL_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Route:
    """What a path does; ``limit`` is requests a second and account, zero for public ones."""

    endpoint: Endpoint
    limit: int = 0


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/v5/market/time"): Route(market.server_time),
    ("GET", "/v5/market/instruments-info"): Route(instruments.instruments),
    ("GET", "/v5/market/tickers"): Route(market.tickers),
    ("GET", "/v5/market/orderbook"): Route(market.orderbook),
    ("GET", "/v5/market/risk-limit"): Route(instruments.risk_limit),
    ("GET", "/v5/market/funding/history"): Route(market.funding_history),
    ("GET", "/v5/market/kline"): Route(market.kline),
    ("GET", "/v5/account/wallet-balance"): Route(account.wallet_balance, 50),
    ("GET", "/v5/account/info"): Route(account.info, 50),
    ("GET", "/v5/account/fee-rate"): Route(account.fee_rate, 5),
    ("GET", "/v5/account/transaction-log"): Route(log.transaction_log, 25),
    ("GET", "/v5/account/withdrawal"): Route(transfers.withdrawal, 50),
    ("POST", "/v5/account/set-margin-mode"): Route(positions.set_margin_mode, 5),
    ("GET", "/v5/user/query-api"): Route(account.query_api, 10),
    ("GET", "/v5/position/list"): Route(positions.position_list, 50),
    ("POST", "/v5/position/set-leverage"): Route(positions.set_leverage, 10),
    ("POST", "/v5/position/add-margin"): Route(positions.add_margin, 10),
    ("POST", "/v5/position/switch-mode"): Route(positions.switch_mode, 10),
    ("POST", "/v5/position/switch-isolated"): Route(positions.switch_isolated, 10),
    ("POST", "/v5/order/create"): Route(orders.create, 10),
    ("POST", "/v5/order/cancel"): Route(orders.cancel, 10),
    ("POST", "/v5/order/cancel-all"): Route(orders.cancel_all, 10),
    ("GET", "/v5/order/realtime"): Route(orders.realtime, 50),
    ("GET", "/v5/order/history"): Route(orders.history, 50),
    ("GET", "/v5/execution/list"): Route(executions.execution_list, 50),
    ("POST", "/v5/asset/transfer/inter-transfer"): Route(transfers.inter_transfer, 20),
    ("GET", "/v5/asset/transfer/query-inter-transfer-list"): Route(transfers.transfer_list, 10),
    ("GET", "/v5/asset/transfer/query-account-coins-balance"): Route(transfers.account_coins, 5),
    ("GET", "/v5/asset/coin/query-info"): Route(transfers.coin_info, 5),
}


class Bybit:
    """Answers requests in Bybit's dialect, whatever carried them here."""

    def __init__(self, exchange: SimulatedExchange, options: Options = USUAL_OPTIONS) -> None:
        self.exchange = exchange
        self.options = options
        self.rate_limits = RateLimits()
        self._memo: dict[int, Json] = {}

    def answer(self, call: Call) -> Reply:
        """One reply to one request; takes no time and never raises for what a client sent."""
        route = ROUTES.get((call.method, call.path))
        if route is None:
            return Reply(b"404 page not found", 404, {"Content-Type": "text/plain"})
        now = self.exchange.truth.clock.now_ms()
        try:
            headers, result = self._served(route, call, now)
        except UnsignedError:
            return Reply(b"", 401)
        except ApiError as error:
            spent = error.headers if isinstance(error, TooManyError) else {}
            return Reply(envelope(now, error.result, error.code, error.message), 200, {**JSON_TYPE, **spent})
        return Reply(envelope(now, result), 200, {**JSON_TYPE, **headers})

    def _served(self, route: Route, call: Call, now: int) -> tuple[dict[str, str], Json]:
        if not route.limit:
            return {}, route.endpoint(Session(self.exchange, self.options, self._memo), _params(call))
        key = authenticate(self.exchange.truth.keys, call, now)
        headers = self.rate_limits.spend(key.account, call.path, route.limit, now)
        if key.read_only and call.method == "POST":
            raise ApiError(10005, "Permission denied, please check your API key permissions.")
        return headers, route.endpoint(Session(self.exchange, self.options, self._memo, key), _params(call))


def _params(call: Call) -> Params:
    if call.method == "GET":
        return Params(dict(parse_qsl(call.query, keep_blank_values=True)))
    try:
        body: Any = json.loads(call.body or b"{}")
    except ValueError as error:
        raise ApiError(10001, "params error: the body is not JSON") from error
    if not isinstance(body, dict):
        raise ApiError(10001, "params error: the body is not an object")
    return Params(body)


def application(
    exchange: SimulatedExchange, *, middlewares: Sequence[Middleware] = (), options: Options = USUAL_OPTIONS
) -> web.Application:
    """The dialect as a web application. Middlewares see every request first, to lose or delay it."""
    bybit = Bybit(exchange, options)

    async def serve(request: web.Request) -> web.Response:
        reply = bybit.answer(await read_call(request))
        return web.Response(body=reply.body, status=reply.status, headers=dict(reply.headers))

    app = web.Application(middlewares=middlewares)
    app[BYBIT] = bybit
    app.router.add_route("*", "/{path:.*}", serve)
    return app


BYBIT: web.AppKey[Bybit] = web.AppKey("bybit", Bybit)


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
