"""The dialect itself: which path does what, and the same thing as a web application."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware

from hedgebot.sim.binance import account, history, orders, positions, public, spot
from hedgebot.sim.binance.gate import REFUSED_KEY, Weights, authenticate, params
from hedgebot.sim.binance.session import Options, Session
from hedgebot.sim.binance.wire import ApiError, Call, Document, Params, Reply, document
from hedgebot.sim.exchange import SimulatedExchange

Endpoint = Callable[[Session, Params], Document]
JSON_TYPE = {"Content-Type": "application/json;charset=UTF-8"}
USUAL_OPTIONS = Options()
READ, TRADE = "read", "trade"


@dataclass(frozen=True, slots=True)
class Route:
    """What a path does; ``weight`` of the quota, and which permission it needs (none: public).

    ``plural`` is the weight of asking for all contracts at once.
    """

    endpoint: Endpoint
    weight: int = 1
    permission: str = ""
    plural: int = 0


def _order(session: Session, sent: Params) -> Document:
    """One order; also one that the exchange made up to close a position."""
    forced = history.forced_order(session, sent.text("orderId")) if sent.text("orderId") else None
    return forced or orders.query(session, sent)


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/api/v3/ping"): Route(public.ping),
    ("GET", "/api/v3/time"): Route(public.server_time),
    ("GET", "/api/v3/exchangeInfo"): Route(spot.exchange_info, 20),
    ("GET", "/api/v3/ticker/bookTicker"): Route(spot.book_ticker, 2),
    ("GET", "/api/v3/account"): Route(spot.account, 20, READ),
    ("GET", "/sapi/v1/account/info"): Route(spot.account_info, 1, READ),
    ("GET", "/sapi/v1/account/apiRestrictions"): Route(spot.api_restrictions, 1, READ),
    ("POST", "/sapi/v1/asset/transfer"): Route(spot.transfer, 1, TRADE),
    ("GET", "/sapi/v1/asset/transfer"): Route(spot.transfers, 1, READ),
    ("GET", "/dapi/v1/ping"): Route(public.ping),
    ("GET", "/dapi/v1/time"): Route(public.server_time),
    ("GET", "/dapi/v1/exchangeInfo"): Route(public.exchange_info),
    ("GET", "/dapi/v1/premiumIndex"): Route(public.premium_index, 10),
    ("GET", "/dapi/v1/depth"): Route(public.depth, 2),
    ("GET", "/dapi/v1/klines"): Route(public.klines, 5),
    ("GET", "/dapi/v1/fundingInfo"): Route(public.funding_info),
    ("GET", "/dapi/v1/fundingRate"): Route(public.funding_rates),
    ("GET", "/dapi/v1/account"): Route(account.account, 5, READ),
    ("GET", "/dapi/v1/balance"): Route(account.balance, 1, READ),
    ("GET", "/dapi/v1/commissionRate"): Route(account.commission_rate, 20, READ),
    ("GET", "/dapi/v2/leverageBracket"): Route(account.leverage_bracket, 1, READ),
    ("GET", "/dapi/v1/positionSide/dual"): Route(account.position_mode, 30, READ),
    ("POST", "/dapi/v1/positionSide/dual"): Route(account.set_position_mode, 1, TRADE),
    ("GET", "/dapi/v1/positionRisk"): Route(positions.position_risk, 1, READ),
    ("POST", "/dapi/v1/leverage"): Route(positions.set_leverage, 1, TRADE),
    ("POST", "/dapi/v1/marginType"): Route(positions.set_margin_type, 1, TRADE),
    ("POST", "/dapi/v1/positionMargin"): Route(positions.modify_margin, 1, TRADE),
    ("GET", "/dapi/v1/positionMargin/history"): Route(positions.margin_history, 1, READ),
    ("POST", "/dapi/v1/order"): Route(orders.place, 0, TRADE),
    ("DELETE", "/dapi/v1/order"): Route(orders.cancel, 1, TRADE),
    ("DELETE", "/dapi/v1/allOpenOrders"): Route(orders.cancel_all, 1, TRADE),
    ("GET", "/dapi/v1/order"): Route(_order, 1, READ),
    ("GET", "/dapi/v1/openOrder"): Route(orders.query_open, 1, READ),
    ("GET", "/dapi/v1/openOrders"): Route(orders.open_orders, 1, READ, plural=40),
    ("GET", "/dapi/v1/allOrders"): Route(orders.all_orders, 20, READ),
    ("GET", "/dapi/v1/userTrades"): Route(history.user_trades, 20, READ),
    ("GET", "/dapi/v1/income"): Route(history.income, 20, READ),
    ("GET", "/dapi/v1/forceOrders"): Route(history.force_orders, 20, READ, plural=50),
}


class Binance:
    """Answers requests in Binance's dialect, whatever carried them here."""

    def __init__(self, exchange: SimulatedExchange, options: Options = USUAL_OPTIONS) -> None:
        self.exchange = exchange
        self.options = options
        self.spot_weights = Weights(6000)
        self.coin_m_weights = Weights(2400)

    def answer(self, call: Call) -> Reply:
        """One reply to one request; takes no time and never raises for what a client sent."""
        route = ROUTES.get((call.method, call.path))
        if route is None:
            return Reply(b"<html><body>404 Not found</body></html>", 404, {"Content-Type": "text/html"})
        try:
            headers = self._admit(route, call)
            body = route.endpoint(self._session(route, call), params(call))
        except ApiError as error:
            failure = document({"code": error.code, "msg": error.message})
            return Reply(failure, error.status, {**JSON_TYPE, **error.headers})
        return Reply(document(body), 200, {**JSON_TYPE, **headers})

    def _admit(self, route: Route, call: Call) -> dict[str, str]:
        named = any(params(call).text(name) for name in ("symbol", "pair"))
        weight = route.weight if named or not route.plural else route.plural
        weights = self.coin_m_weights if call.path.startswith("/dapi") else self.spot_weights
        return weights.spend(call.remote, weight, self.exchange.truth.clock.now_ms())

    def _session(self, route: Route, call: Call) -> Session:
        if not route.permission:
            return Session(self.exchange, self.options)
        key = authenticate(self.exchange.truth.keys, call, self.exchange.truth.clock.now_ms())
        if key.read_only and route.permission == TRADE:
            raise ApiError(*REFUSED_KEY, 401)
        return Session(self.exchange, self.options, key)


def application(
    exchange: SimulatedExchange, *, middlewares: Sequence[Middleware] = (), options: Options = USUAL_OPTIONS
) -> web.Application:
    """The dialect as a web application. Middlewares see every request first, to lose or delay it."""
    binance = Binance(exchange, options)

    async def serve(request: web.Request) -> web.Response:
        reply = binance.answer(await read_call(request))
        return web.Response(body=reply.body, status=reply.status, headers=dict(reply.headers))

    app = web.Application(middlewares=middlewares)
    app[BINANCE] = binance
    app.router.add_route("*", "/{path:.*}", serve)
    return app


BINANCE: web.AppKey[Binance] = web.AppKey("binance", Binance)


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
