"""What a ccxt instance is asked for, signed requests, and what is taken away from it.

Its session, clock, limiter, retries and logs are ours. The class stays unmodified; only settings and
attributes of the one instance are set.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from hedgebot.exchange.exchange_time import ExchangeTime
from hedgebot.exchange.wire import Request, Wire, sends_once

TIMEOUT = 60_000  # ms; ccxt's own, longer than any of ours, so that it never decides
RETRIES = "maxRetriesOnFailure"  # with it ccxt sends orders again
MESSAGE_LENGTH = 200
OWN_RESPONSE_COPIES = ("enableLastHttpResponse", "enableLastJsonResponse", "enableLastResponseHeaders")

_silent = logging.getLogger("hedgebot.exchange.vendor")
_silent.disabled = True  # at DEBUG ccxt logs keys and signatures


def tame(vendor: Any, wire: Wire, time: ExchangeTime) -> None:
    """Have ``vendor`` sign at the exchange's time; what it sent itself would go through ``wire``, once."""
    vendor.session, vendor.own_session = wire.session, False
    vendor.asyncio_loop = asyncio.get_running_loop()
    vendor.ssl_context = wire.tls or False  # unset, ccxt would load certificates within a request
    vendor.milliseconds = time.now_ms
    vendor.seconds = lambda: time.now_ms() // 1000
    vendor.microseconds = lambda: time.now_ms() * 1000
    vendor.enableRateLimit = False
    vendor.timeout = TIMEOUT
    vendor.verbose = False
    vendor.logger = _silent
    vendor.has["fetchCurrencies"] = False  # load_markets would begin with a private request
    for copy in OWN_RESPONSE_COPIES:
        setattr(vendor, copy, False)


def signed(vendor: Any, method: str, params: Mapping[str, object], headers: Mapping[str, str]) -> Request:
    """The request that ccxt's ``method`` would send, signed at the exchange's present time."""
    endpoint = _endpoint(vendor, method)
    made = vendor.sign(endpoint.path, endpoint.api, endpoint.method, dict(params))
    every = {**vendor.prepare_request_headers(made["headers"]), **headers}
    return Request(made["method"], made["url"], every, made["body"].encode() if made["body"] else None)


def _endpoint(vendor: Any, method: str) -> Any:
    """ccxt's own description of one of its implicit methods: ``path``, ``api``, ``method``."""
    described = (vars(base).get(method) for base in type(vendor).__mro__)  # the first has a function there
    return next(entry for entry in described if hasattr(entry, "api"))


def why_not(vendor: Any, wire: Wire) -> str:
    """Why no order may be sent now: a library beneath us is set to send again, or to print. Else nothing."""
    options: Mapping[str, Any] = vendor.options
    inner = (value for value in options.values() if isinstance(value, dict))
    if RETRIES in options or any(RETRIES in value for value in inner):
        return f"ccxt's option {RETRIES} is set: an order could be sent twice"
    if not sends_once(wire.session):
        return "aiohttp would send a request again when its connection drops"
    return "ccxt is verbose: it would print keys and signatures" if vendor.verbose else ""


async def release(vendor: Any, wire: Wire) -> None:
    """Close the session, and let ccxt end without the quarter of a second that it would sleep."""
    vendor.timeout_on_exit = 0
    await vendor.close()
    await wire.close()


def clean(text: str, scrub: Callable[[str], str]) -> str:
    """An exchange's own words, short and printable and without our secrets, which some echo in an error."""
    text = "".join(c if c.isprintable() else " " for c in scrub(text))
    return text if len(text) <= MESSAGE_LENGTH else text[:MESSAGE_LENGTH] + "…"
