"""The gate: who may pass, how often, and with how old a request."""

import hmac
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from hedgebot.sim.account import ApiKey
from hedgebot.sim.okx.wire import ApiError, Call

WINDOW_MS = 30_000
SPAN_MS = 2_000
HEADERS = ("OK-ACCESS-KEY", "OK-ACCESS-PASSPHRASE", "OK-ACCESS-SIGN", "OK-ACCESS-TIMESTAMP")
EMPTY = {
    "OK-ACCESS-KEY": 50103,
    "OK-ACCESS-PASSPHRASE": 50104,
    "OK-ACCESS-SIGN": 50106,
    "OK-ACCESS-TIMESTAMP": 50107,
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def authenticate(keys: dict[str, ApiKey], call: Call, now_ms: int, *, demo: bool) -> ApiKey:
    """The key that signed a request. Raises ``ApiError``, with HTTP 401 as OKX does."""
    name, passphrase, signature, sent = (_header(call, header) for header in HEADERS)
    key = keys.get(name)
    if key is None or (key.expires_ms is not None and now_ms >= key.expires_ms):
        raise ApiError(50111, "Invalid OK-ACCESS-KEY", 401)
    if demo is not (call.headers.get("x-simulated-trading", "0") == "1"):
        raise ApiError(50101, "APIKey does not match current environment.", 401)
    _check_time(sent, now_ms)
    target = f"{call.path}?{call.query}" if call.query else call.path
    signed = hmac.new(key.secret.encode(), f"{sent}{call.method}{target}".encode() + call.body, sha256)
    if not hmac.compare_digest(b64encode(signed.digest()), signature.encode()):
        raise ApiError(50113, "Invalid Sign", 401)
    if passphrase != key.passphrase:
        raise ApiError(50105, 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', 401)
    if key.ips and call.remote not in key.ips:
        raise ApiError(50110, f"Your IP {call.remote} is not included in your API key's IP whitelist.", 401)
    return key


def _header(call: Call, name: str) -> str:
    value = call.headers.get(name.lower(), "")
    if not value:
        raise ApiError(EMPTY[name], f'Request header "{name}" cannot be empty.', 401)
    return value


def _check_time(sent: str, now_ms: int) -> None:
    try:
        at = datetime.fromisoformat(sent)
        sent_ms = (at - EPOCH).total_seconds() * 1000
    except (ValueError, TypeError):
        raise ApiError(50112, "Invalid OK-ACCESS-TIMESTAMP", 401) from None
    if abs(sent_ms - now_ms) > WINDOW_MS:
        raise ApiError(50102, "Timestamp request expired", 401)


def check_expiry(expires: str, now_ms: int) -> None:
    """Refuse an order whose ``expTime`` header names a time that is over. Raises ``ApiError``."""
    if not expires:
        return
    if not expires.isdecimal():
        raise ApiError(51000, "Parameter expTime error", 400)
    if now_ms > int(expires):
        raise ApiError(
            50036,
            "The expTime can't be earlier than the current system time. Please adjust it and try again.",
        )


@dataclass(slots=True)
class RateLimits:
    """Requests in two seconds for each caller and path; ``scale`` widens or narrows all, None lifts them."""

    scale: float | None = 1
    _windows: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def spend(self, caller: str, path: str, limit: int, now_ms: int) -> None:
        """Count one request. Raises ``ApiError`` 50011 above the limit."""
        if self.scale is None:
            return
        opened, spent = self._windows.get((caller, path), (now_ms, 0))
        if not opened <= now_ms < opened + SPAN_MS:
            opened, spent = now_ms, 0
        self._windows[caller, path] = (opened, spent + 1)
        if spent >= max(int(limit * self.scale), 1):
            raise ApiError(50011, "Too Many Requests", 429)
