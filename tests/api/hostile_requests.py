"""Requests that nobody sends in good faith, made from a seed: raw bytes of HTTP, and bodies of commands."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

PATHS = (
    "/",
    "/page.js",
    "/uplot.css",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/v1/status",
    "/api/v1/history",
)
COMMAND = "/api/v1/command"
METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "get",
    "X" * 300,
)
HOSTS = (
    "127.0.0.1",
    "localhost:8787",
    "[::1]",
    "evil.com",
    "127.0.0.1.evil.com",
    "",
    "a@127.0.0.1",
    "[::",
    "x" * 9000,
    "\xff\xfe",
)
NUMBERS = (
    "0",
    "-1",
    "1e999999",
    "9" * 5000,
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "٣",
    "24",
    "0.5",
    "1e-400",
    "",
)
STRINGS = (
    "",
    "btc",
    "eth",
    "../../etc/passwd",
    "a" * 3000,
    "\x00",
    "\u202e",
    "\ud800",
    "😀",
    "<script>",
    "' OR 1=1 --",
    "${jndi:x}",
    "%00",
    "\r\nX: y",
)
LATIN = "".join(chr(code) for code in range(1, 256) if chr(code) not in "\r\n")  # what a header may try


@dataclass(frozen=True)
class Raw:
    """One request. ``whole``: HTTP says where it ends, so that an answer must come."""

    data: bytes
    whole: bool


class Maker:
    """Draws requests; the same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)

    def http(self) -> Raw:
        """A request to the page's port, or what is hardly one."""
        rng = self._rng
        body = self._garbage(rng.choice((0, 0, 10, 5000, 100_000)))
        target = self._target((*PATHS, COMMAND, "/nowhere"))
        head = f"{rng.choice(METHODS)} {target} HTTP/1.{rng.choice('0111')}\r\n"
        headers = [f"Host: {rng.choice(HOSTS)}", *self._headers()]
        if body:
            headers.append(f"Content-Length: {len(body)}")
        rng.shuffle(headers)
        return self._spoilt(head.encode("latin-1", "replace"), headers, body)

    def command(self) -> Raw:
        """A request to the control socket, most with a body like a command's."""
        rng = self._rng
        kind = (
            "application/json"
            if rng.random() < 0.9
            else rng.choice(("", "text/plain", "a/b; charset=\xff", "multipart/form-data"))
        )
        path = COMMAND if rng.random() < 0.9 else self._target(PATHS)
        method = "POST" if rng.random() < 0.95 else rng.choice(METHODS)
        body = self.body()
        headers = [f"Host: {rng.choice(HOSTS)}", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        return self._spoilt(
            f"{method} {path} HTTP/1.1\r\n".encode("latin-1", "replace"), headers, body, rudeness=0.05
        )

    def body(self) -> bytes:
        """A command, well-formed one time in four, else spoilt in one way or several."""
        rng = self._rng
        text = json.dumps(self._order())
        spoil: tuple[Callable[[], str | bytes], ...] = (
            lambda: text,
            lambda: json.dumps(self._odd_order()),
            lambda: text.replace('"verb"', '"verb": "pause", "verb"'),
            lambda: text[: rng.randrange(len(text))],
            lambda: self._flipped(text.encode()),
            lambda: text.encode(rng.choice(("utf-16", "utf-32", "utf-8-sig"))),
            lambda: b"[" * rng.choice((10, 4000)) + text.encode(),
            lambda: '{"verb": ' * 400 + "1" + "}" * 400,
            lambda: f'{{"verb": "ratio", "ratio": {rng.choice(NUMBERS)}}}',
            lambda: text.encode() + self._garbage(rng.choice((1, 5000, 200_000))),
            lambda: self._garbage(rng.randrange(200)),
            lambda: json.dumps([text]),
        )
        made = text if rng.random() < 0.25 else rng.choice(spoil)()
        return made.encode() if isinstance(made, str) else made

    def _order(self) -> dict[str, object]:
        verb = self._rng.choice(("pause", "resume", "ratio", "unwind"))
        order: dict[str, object] = {"verb": verb, "hedge": self._rng.choice((None, "btc"))}
        if verb in ("ratio", "unwind"):
            order["ratio"] = self._rng.choice(("0", "0.5", "1", "1.000"))
        return order

    def _odd_order(self) -> dict[str, object]:
        rng = self._rng
        value: object = rng.choice(
            (*STRINGS, *NUMBERS, 0, -1, 1.5, True, None, [], {}, [[]], {"verb": "pause"})
        )
        return {**self._order(), rng.choice(("verb", "hedge", "ratio", "who", "schema", "")): value}

    def _target(self, paths: tuple[str, ...]) -> str:
        rng = self._rng
        path = rng.choice(paths)
        odd: tuple[Callable[[], str], ...] = (
            lambda: path,
            lambda: f"{path}?{self._query()}",
            lambda: f"{path}?{self._query()}",
            lambda: f"/..{path}",
            lambda: f"/%2e%2e{path}",
            lambda: f"/{path}",
            lambda: quote(path, safe="") if len(path) > 1 else "%2F",
            lambda: f"http://{rng.choice(HOSTS)[:100]}{path}",
            lambda: f"{path}%",
            lambda: f"{path}%zz%00%ff",
            lambda: f"{path}#{self._query()}",
            lambda: f"{path}/{'a/' * rng.choice((10, 3000))}",
            lambda: "*",
            lambda: "".join(rng.choices(LATIN.replace(" ", ""), k=20)),
        )
        return rng.choice(odd)()

    def _query(self) -> str:
        rng = self._rng
        names = ("hedge", "hours", "hedge[]", "", "x", "hours%00", "callback")
        values = [
            *NUMBERS[:3],
            *NUMBERS[4:],
            *(quote(text, errors="replace") for text in STRINGS if len(text) < 100),
            "%zz",
            "a" * 6000,
        ]
        return (
            "&".join(f"{rng.choice(names)}={rng.choice(values)}" for _ in range(rng.choice((1, 2, 50))))[
                :8000
            ]
            .encode("ascii", "replace")
            .decode()
        )

    def _headers(self) -> list[str]:
        rng = self._rng
        odd = (
            "Origin: http://evil.com",
            "Origin: null",
            "Host: evil.com",
            "Cookie: " + "a=b; " * 500,
            "Accept: text/html",
            "Accept-Encoding: gzip, br, identity;q=0",
            "Range: bytes=0-1,5-9999999999999999999999",
            "If-Modified-Since: yesterday",
            "Expect: 100-continue",
            "Expect: the-unexpected",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Key: x",
            "Transfer-Encoding: identity",
            "X-Forwarded-Host: 127.0.0.1",
            "X-HTTP-Method-Override: POST",
            "Content-Type: application/json",
            "Content-Encoding: gzip",
            "Authorization: Basic !!!",
            "X: " + "y" * rng.choice((10, 9000)),
            "X: " + "".join(rng.choices(LATIN, k=20)),
            "No colon",
            ": no name",
            " folded: header",
        )
        return rng.sample(odd, rng.choice((0, 0, 1, 3)))

    def _spoilt(self, line: bytes, headers: list[str], body: bytes, rudeness: float = 0.15) -> Raw:
        """Most requests are well framed; some lie about their length, or break off."""
        rng = self._rng
        head = line + "".join(f"{header}\r\n" for header in headers).encode("latin-1", "replace") + b"\r\n"
        if rng.random() > rudeness:
            return Raw(head + body, whole=True)
        rude = (
            (head + body)[: rng.randrange(1, len(head) + len(body))],
            self._flipped(head) + body,
            line + b"Host: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n" + body,
            line + b"Host: 127.0.0.1\r\nContent-Length: -5\r\n\r\n" + body,
            line + b"Host: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n" + self._chunks(),
            line
            + b"Host: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
            + self._chunks(),
            self._garbage(500),
            b"\x16\x03\x01\x02\x00\x01" + self._garbage(100),
        )
        return Raw(rng.choice(rude), whole=False)

    def _chunks(self) -> bytes:
        return self._rng.choice(
            (
                b"0\r\n\r\n",
                b"5\r\nhello\r\n0\r\n\r\n",
                b"FFFFFFFFFFFFFFFFF\r\n",
                b"-1\r\n",
                b"zz\r\n",
                b"5;a=b\r\nhel",
            )
        )

    def _flipped(self, data: bytes) -> bytes:
        """With some bytes changed."""
        changed = bytearray(data)
        for _ in range(self._rng.choice((1, 1, 5))):
            changed[self._rng.randrange(len(changed))] = self._rng.randrange(256)
        return bytes(changed)

    def _garbage(self, length: int) -> bytes:
        return self._rng.randbytes(length)
