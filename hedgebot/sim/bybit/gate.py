"""The gate: who may pass, how often, and with how old a request."""

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from hedgebot.sim.account import ApiKey
from hedgebot.sim.bybit.wire import ApiError, Call

RECV_WINDOW_MS = 5000
AHEAD_MS = 1000


class UnsignedError(Exception):
    """A private request without its headers; answered by HTTP 401 and no body."""


def authenticate(keys: dict[str, ApiKey], call: Call, now_ms: int) -> ApiKey:
    """The key that signed a request. Raises ``ApiError``, or ``UnsignedError`` if nothing was signed."""
    headers = call.headers
    name, sent = headers.get("x-bapi-api-key", ""), headers.get("x-bapi-timestamp", "")
    signature = headers.get("x-bapi-sign", "")
    window = headers.get("x-bapi-recv-window", str(RECV_WINDOW_MS))
    if not (name and sent and signature):
        raise UnsignedError
    key = keys.get(name)
    if key is None:
        raise ApiError(10003, "API key is invalid.")
    if key.expires_ms is not None and now_ms >= key.expires_ms:
        raise ApiError(33004, "Your api key has expired.")
    payload = call.query.encode() if call.method == "GET" else call.body
    signed = hmac.new(key.secret.encode(), f"{sent}{name}{window}".encode() + payload, sha256).hexdigest()
    if not hmac.compare_digest(signed, signature.lower()):
        origin = f"{sent}{name}{window}{payload.decode(errors='replace')}"
        raise ApiError(
            10004, f"error sign! origin_string[{origin}], please check your signature generation algorithm."
        )
    _check_time(sent, window, now_ms)
    if key.ips and call.remote not in key.ips:
        raise ApiError(10010, "Unmatched IP, please check your API key's bound IP addresses.")
    return key


def _check_time(sent: str, window: str, now_ms: int) -> None:
    if not (sent.isdecimal() and window.isdecimal()):
        raise ApiError(10001, "params error: timestamp or recv_window invalid")
    if not now_ms - int(window) <= int(sent) < now_ms + AHEAD_MS:
        raise ApiError(
            10002,
            "invalid request, please check your server timestamp or recv_window param. "
            f"req_timestamp[{sent}],server_timestamp[{now_ms}],recv_window[{window}]",
        )


@dataclass(slots=True)
class RateLimits:
    """Requests a second for each account and path; ``scale`` widens or narrows all, None lifts them."""

    scale: float | None = 1
    _windows: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def spend(self, account: str, path: str, limit: int, now_ms: int) -> dict[str, str]:
        """Count one request and return the headers that say so. Raises ``ApiError`` 10006 above the limit."""
        if self.scale is None:
            return {}
        allowed = max(int(limit * self.scale), 1)
        opened, spent = self._windows.get((account, path), (now_ms, 0))
        if not opened <= now_ms < opened + 1000:
            opened, spent = now_ms, 0
        self._windows[account, path] = (opened, spent + 1)
        left = allowed - spent - 1
        headers = {
            "X-Bapi-Limit": str(allowed),
            "X-Bapi-Limit-Status": str(max(left, 0)),
            "X-Bapi-Limit-Reset-Timestamp": str(opened + 1000 if left < 0 else now_ms),
        }
        if left < 0:
            raise TooManyError(headers)
        return headers


class TooManyError(ApiError):
    """Above the rate limit; ``headers`` say when it resets."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__(10006, "Too many visits. Exceeded the API Rate Limit.")
        self.headers = headers
