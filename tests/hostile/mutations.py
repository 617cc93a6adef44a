"""Every way to damage a reply that we could think of, drawn from a seeded source.

A damage is small and of one kind: a value, a row, the order of rows, some bytes, the HTTP around them.
"""

import gzip
from collections.abc import Callable, Mapping, Sequence
from random import Random

from hedgebot.exchange.wire import Reply
from tests.hostile.draw import Damage, Draw, Sample, text_of
from tests.hostile.rows import ON_ROWS
from tests.hostile.values import ON_VALUES

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
INSTEAD = [
    b"", b"null", b"[]", b"{}", b"0", b'""', b"true", HTML, b"\x00" * 64, b"\xff\xfe", b'{"code":0}', b"OK",
    b'{"retCode":0}', b'{"retCode":0,"retMsg":"OK","result":null}', b'{"code":"0","data":null,"msg":""}',
    b'{"code":"0","data":[],"msg":""}', b'{"retCode":0,"retMsg":"OK","result":{"list":[]},"time":1}',
    b'{"code":-1000,"msg":"x"}', b'{"code":200,"msg":"x"}', b"[null]", b"[[]]", b"[{}]", b"-", b"NaN",
]  # fmt: skip


def _cut(body: bytes, rng: Random) -> bytes:
    return body[: rng.randrange(len(body) or 1)]


def _flipped(body: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(body))
    return body[:place] + bytes([body[place] ^ (1 << rng.randrange(8))]) + body[place + 1 :]


def _byte_more(body: bytes, rng: Random) -> bytes:
    place = rng.randint(0, len(body))
    return (
        body[:place]
        + rng.choice([bytes([rng.randrange(256)]), b'"', b",", b"-", b"0", b"\n", b"}"])
        + body[place:]
    )


def _byte_less(body: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(body))
    return body[:place] + body[place + 1 :]


def _piece_gone(body: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(body))
    return body[:start] + body[start + rng.randint(1, 200) :]


def _piece_twice(body: bytes, rng: Random) -> bytes:
    start = rng.randrange(len(body))
    end = start + rng.randint(1, 200)
    return body[:end] + body[start:end] + body[end:]


ON_BYTES: Mapping[str, Callable[[bytes, Random], bytes]] = {
    "cut": _cut,
    "flipped": _flipped,
    "byte more": _byte_more,
    "byte less": _byte_less,
    "piece gone": _piece_gone,
    "piece twice": _piece_twice,
    "twice": lambda body, _: body + body,
    "trailing": lambda body, rng: body + rng.choice([b"x", b"]", b"}", b",", b"\x00", HTML]),
    "mark": lambda body, _: b"\xef\xbb\xbf" + body,
    "not utf-8": lambda body, rng: body.decode().encode(rng.choice(["utf-16", "utf-32"])),
    "packed": lambda body, _: gzip.compress(body, mtime=0),
    "instead": lambda _, rng: rng.choice(INSTEAD),
}  # fmt: skip

STATUSES = [
    201,
    202,
    204,
    206,
    301,
    302,
    400,
    401,
    403,
    404,
    408,
    409,
    418,
    429,
    451,
    500,
    502,
    503,
    504,
    520,
    599,
]
WAITS: Sequence[Mapping[str, str]] = [
    {}, {"Retry-After": "5"}, {"Retry-After": "-1"}, {"Retry-After": "1e9"}, {"Retry-After": "٣"},
    {"X-Bapi-Limit-Reset-Timestamp": "99999999999999"}, {"Retry-After": "9" * 400}, {"Retry-After": ""},
]  # fmt: skip
STATUS = "status"

ON_DOCUMENTS: Mapping[str, Damage] = {**ON_VALUES, **ON_ROWS}
KINDS = (*ON_DOCUMENTS, *ON_BYTES, STATUS)
BOTH = 0.2
"""How often a reply is damaged in two ways."""


def damaged(sample: Sample, kind: str, rng: Random) -> tuple[Reply, str]:
    """The sample with damage of a kind, perhaps with another beside it, and what was done in words."""
    draw = Draw(sample, rng, sample.document)
    status, headers, body = sample.reply.status, sample.reply.headers, sample.reply.body
    if kind in ON_DOCUMENTS:
        ON_DOCUMENTS[kind](draw)
    if rng.random() < BOTH:
        ON_DOCUMENTS[rng.choice(tuple(ON_DOCUMENTS))](draw)
    if draw.notes:
        body = text_of(draw.document)
    if kind in ON_BYTES and body:
        body = ON_BYTES[kind](body, rng)
    if kind == STATUS:
        status, headers = rng.choice(STATUSES), rng.choice(WAITS)
        draw.notes.append(f"HTTP {status} {dict(headers)}")
    return Reply(status, headers, body, 0.0, 0.0), "; ".join([kind, *draw.notes])
