"""The gate: who may pass, with how old a request, and how much of it a minute."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import parse_qsl

from hedgebot.sim.account import ApiKey
from hedgebot.sim.binance.wire import ApiError, Call, Params

RECV_WINDOW_MS = 5000
LONGEST_WINDOW_MS = 60_000
AHEAD_MS = 1000
MINUTE_MS = 60_000
REFUSED_KEY = (-2015, "Invalid API-key, IP, or permissions for action.")
OVERDRAFTS = 10  # requests too many before an address is banned
BAN_MS = 120_000


def params(call: Call) -> Params:
    """Query and body together; what stands in both counts as in the query."""
    body = parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True)
    return Params({**dict(body), **dict(parse_qsl(call.query, keep_blank_values=True))})


def authenticate(keys: dict[str, ApiKey], call: Call, now_ms: int) -> ApiKey:
    """The key that signed a request. Raises ``ApiError``."""
    name = call.headers.get("x-mbx-apikey", "")
    if not name:
        raise ApiError(-2014, "API-key format invalid.", 401)
    key = keys.get(name)
    if key is None or (key.expires_ms is not None and now_ms >= key.expires_ms):
        raise ApiError(*REFUSED_KEY, 401)
    if key.ips and call.remote not in key.ips:
        raise ApiError(*REFUSED_KEY, 401)
    sent = params(call)
    _check_time(sent, now_ms)
    whole = call.query + call.body.decode(errors="replace")
    payload, _, signature = whole.rpartition("signature=")
    signed = hmac.new(key.secret.encode(), payload.removesuffix("&").encode(), sha256).hexdigest()
    if not hmac.compare_digest(signed, signature.lower()):
        raise ApiError(-1022, "Signature for this request is not valid.")
    return key


def _check_time(sent: Params, now_ms: int) -> None:
    at_ms = sent.integer("timestamp", -1)
    if at_ms < 0:
        raise ApiError(-1102, "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.")
    window = sent.integer("recvWindow", RECV_WINDOW_MS)
    if window > LONGEST_WINDOW_MS:
        raise ApiError(-1131, "recvWindow must be less than 60000")
    if at_ms >= now_ms + AHEAD_MS:
        message = "Timestamp for this request was 1000ms ahead of the server's time."
        raise ApiError(-1021, message)
    if now_ms - at_ms > window:
        raise ApiError(-1021, "Timestamp for this request is outside of the recvWindow.")


@dataclass(slots=True)
class Weights:
    """Request weight a minute and address, for one API; ``limit`` None lifts it."""

    limit: int | None
    _windows: dict[str, tuple[int, int]] = field(default_factory=dict)
    _overdrafts: dict[str, int] = field(default_factory=dict)
    _banned: dict[str, int] = field(default_factory=dict)

    def spend(self, address: str, weight: int, now_ms: int) -> dict[str, str]:
        """Count one request and return the header that says so. Raises ``ApiError`` in a ban or above."""
        if self.limit is None:
            return {}
        if (until := self._banned.get(address, 0)) > now_ms:
            raise self._ban(until, now_ms)
        minute, spent = self._windows.get(address, (0, 0))
        if minute != now_ms // MINUTE_MS:
            minute, spent = now_ms // MINUTE_MS, 0
        self._windows[address] = (minute, spent + weight)
        if spent + weight <= self.limit:
            return {"X-MBX-USED-WEIGHT-1M": str(spent + weight)}
        self._overdrafts[address] = self._overdrafts.get(address, 0) + 1
        if self._overdrafts[address] > OVERDRAFTS:
            self._overdrafts[address] = 0
            self._banned[address] = now_ms + BAN_MS
            raise self._ban(now_ms + BAN_MS, now_ms)
        left = -(-((minute + 1) * MINUTE_MS - now_ms) // 1000)
        message = f"Too many requests; current limit is {self.limit} request weight per 1 MINUTE."
        raise ApiError(-1003, message, 429, {"Retry-After": str(left)})

    @staticmethod
    def _ban(until: int, now_ms: int) -> ApiError:
        message = f"Way too many requests; IP banned until {until}."
        return ApiError(-1003, message, 418, {"Retry-After": str(-(-(until - now_ms) // 1000))})
