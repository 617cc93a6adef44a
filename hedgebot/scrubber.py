"""What hides secrets in any text that leaves: logs, the page, the socket, notifications, the journal.

Two nets. By value: every loaded secret, also where a library, a URL, JSON, ``repr`` or base64 rewrote it,
or somebody escaped its very letters or broke it over lines.
By pattern: what stands after a telling name (``signature=…``, ``X-BAPI-API-KEY: …``, ``"password": "…"``), so
that a secret never loaded, or a signature made a moment ago, stays in as well.
"""

import base64
import html
import re
import string
from typing import NamedTuple, Protocol

HIDDEN = "***"
SHORTEST_ANYWHERE = 6  # a shorter secret is hidden only where it stands alone, or ordinary words would go
SHORTEST_AT_ALL = 3  # one or two characters are no secret; the patterns still hide them behind their name
SHORTEST_LINE = 16  # of a key in several lines, each line from this length is a secret of its own
DEEPEST = 4  # levels of escapes within escapes

Span = tuple[int, int]
"""Where something stands in a text: from, and up to."""


class Secret(Protocol):
    """A value that prints as asterisks, such as pydantic's ``SecretStr``."""

    def get_secret_value(self) -> str: ...


class _Form(NamedTuple):
    """One way in which a secret may be written. ``anchor`` is in every such text: a cheap first look."""

    anchor: str
    pattern: re.Pattern[str]


class Scrubber:
    """The secrets loaded so far, and the one function that hides them."""

    def __init__(self, *secrets: str | Secret) -> None:
        self._known: set[str] = set()
        self._forms: list[_Form] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str | Secret) -> None:
        """Hide this value from now on; white space around it is not part of it."""
        value = (secret if isinstance(secret, str) else secret.get_secret_value()).strip()
        lines = [line.strip() for line in value.splitlines()]
        self._known |= {value, *(line for line in lines if len(line) >= SHORTEST_LINE)}
        longest_first = sorted(self._known, key=lambda known: (-len(known), known))
        self._forms = [form for known in longest_first for form in _forms(known)]

    def scrub(self, text: str) -> str:
        """The text with every secret in it replaced by asterisks."""
        for form in self._forms:
            if form.anchor in text:
                text = form.pattern.sub(HIDDEN, text)
        if any(sign in text for sign in _ESCAPES) and self._conceals(text):
            text = _cut(text, self._concealed(text))
        return _URL_PASSWORD.sub(rf"\1{HIDDEN}", _hide_named(text))

    def _conceals(self, text: str) -> bool:
        """Whether a secret may stand in ``text`` with its letters escaped, or go on in the next line: a quick
        look."""
        for escapes in (_ESCAPED, _BROKEN):
            plain = text
            for _ in range(DEEPEST):
                before, plain = plain, escapes.sub(_meant, plain)
                if plain == before:
                    break
                if any(form.anchor in plain for form in self._forms):
                    return True
        return False

    def _concealed(self, text: str) -> list[Span]:
        """Where in ``text`` such secrets stand."""
        found = list[Span]()
        for escapes in (_ESCAPED, _BROKEN):
            plain, spans = text, [(at, at + 1) for at in range(len(text))]
            for _ in range(DEEPEST):
                plain, spans = _unescaped(plain, spans, escapes)
                for form in self._forms:
                    if form.anchor in plain:
                        matches = form.pattern.finditer(plain)
                        found += ((spans[m.start()][0], spans[m.end() - 1][1]) for m in matches)
        return sorted(found)

    def __repr__(self) -> str:
        return f"Scrubber({len(self._known)} secrets)"


def _forms(secret: str) -> list[_Form]:
    if len(secret) < SHORTEST_AT_ALL:
        return []
    if len(secret) < SHORTEST_ANYWHERE:
        return [_form(secret, r"(?<![A-Za-z0-9]){}(?![A-Za-z0-9])")]
    raw = secret.encode("utf-8", "surrogatepass")
    encoded = [raw.hex(), raw.hex().upper(), *(_base64_core(raw, shift) for shift in range(3))]
    return [_form(text) for text in [secret, *encoded]]


def _form(text: str, around: str = "{}") -> _Form:
    """Matches ``text`` in any mixture of escapes. Plain letters and digits are never escaped: the anchor."""
    anchor = max(re.split(r"[^A-Za-z0-9]+", text), key=len)
    parts = re.findall(r"[A-Za-z0-9]+|\\+|.", text, re.DOTALL)
    return _Form(anchor, re.compile(around.replace("{}", "".join(map(_any_spelling, parts)))))


def _any_spelling(part: str) -> str:
    """A pattern for plain letters as they are, or for one special character however it is escaped.

    Any number of backslashes may stand before an escape, as in JSON inside JSON.
    """
    if part.isascii() and part.isalnum():
        return part
    if part[0] == "\\":
        return rf"(?:\\|%(?:25)*5[cC]){{{len(part)},}}"
    octets = part.encode("utf-8", "surrogatepass")
    units = part.encode("utf-16-be", "surrogatepass")
    spellings = [
        r"\\*" + re.escape(part),
        "".join(rf"(?i:%(?:25)*{octet:02x})" for octet in octets),
        "".join(rf"(?i:\\+x{octet:02x})" for octet in octets),
        "".join(rf"(?i:\\+u{units[i : i + 2].hex()})" for i in range(0, len(units), 2)),
        rf"(?i:\\+U{ord(part):08x})",
        rf"(?i:\\+x{ord(part):02x})",
        *([re.escape(html.escape(part))] if html.escape(part) != part else []),
        *_SHORT_ESCAPES.get(part, ()),
    ]
    return f"(?:{'|'.join(spellings)})"


def _unescaped(text: str, spans: list[Span], escapes: re.Pattern[str]) -> tuple[str, list[Span]]:
    """One level of escapes undone. ``spans`` tell where each character of the text once stood."""
    plain, kept, done = list[str](), list[Span](), 0
    for escape in escapes.finditer(text):
        plain += [text[done : escape.start()], _meant(escape)]
        kept += spans[done : escape.start()]
        if escape.lastgroup is not None:
            kept.append((spans[escape.start()][0], spans[escape.end() - 1][1]))
        done = escape.end()
    return "".join([*plain, text[done:]]), kept + spans[done:]


def _meant(escape: re.Match[str]) -> str:
    """The character that an escape stands for; nothing for a break of the line."""
    kind = escape.lastgroup
    if kind is None or kind == "itself":
        return escape[kind] if kind else ""
    return chr(int(escape[kind], 10 if kind == "decimal" else 16))


def _cut(text: str, spans: list[Span]) -> str:
    """``text`` with asterisks in place of each span; spans are in order and may overlap."""
    kept, done = list[str](), 0
    for start, end in spans:
        if start >= done:
            kept += [text[done:start], HIDDEN]
        done = max(done, end)
    return "".join([*kept, text[done:]])


def _base64_core(raw: bytes, shift: int) -> str:
    """What any base64 text has in it where ``raw`` starts ``shift`` bytes after a multiple of three."""
    encoded = base64.b64encode(bytes(shift) + raw).decode()
    return encoded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]


_ASCII = "[2-7][0-9a-fA-F]"
_ESCAPED = re.compile(
    rf"%(?P<percent>{_ASCII})|\\(?:u00|x|U000000)(?P<slash>{_ASCII})|\\(?P<itself>\\)"
    rf"|&#[xX]0*(?P<entity>{_ASCII});|&#0*(?P<decimal>3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6]);"
)
"""What may stand for a letter. No library writes one so; spite and chance do."""
_BROKEN = re.compile(_ESCAPED.pattern + r"|(?:\\[rn]|\\?[\r\n])+")
"""The same, and breaks of a line that was too long."""
_ESCAPES = ("%", "\\", "&#", "\n", "\r")  # a cheap first look: most lines have none

_SHORT_ESCAPES = {
    "\n": (r"\\+n",),
    "\r": (r"\\+r",),
    "\t": (r"\\+t",),
    " ": (r"\+",),  # in a form's body
    "+": ("-",),  # in base64 for URLs
    "/": ("_",),
}

_STEMS = (
    "sign",
    "key",
    "secret",
    "passw",
    "passphrase",
    "token",
    "authorization",
    "bearer",
    "cookie",
    "ok-access-",
)
_NAME = re.compile(
    r"(?P<header>x-bapi-(?:sign|api-key)\b|ok-access-[a-z]+|x-mbx-apikey|authorization|cookie)"
    r"|(?P<field>signature|\bsign\b|api[_-]?key|secret(?:[_-]?key)?|private[_-]?key|passw(?:or)?d|passphrase"
    r"|listen[_-]?key|(?:access|auth|bot|refresh)[_-]?token)"
    r"|(?P<scheme>\bbearer\b)"
)
_COLOUR = r"(?:\x1b\[[0-9;]*m)*"
_CLOSE = rf"(?:\\*[\"'])?{_COLOUR}\s*"
_OPEN = rf"\s*{_COLOUR}b?\\*[\"']"
_QUOTED = r"(?P<value>(?:[^\"'\\]|\\+[^\"'\\])+)"
_BARE = r"(?P<value>[^\s\"'&,;<>{}()\[\]\\\x1b]+)"
_AFTER = {  # what may follow a name, up to the value; a bare word after a colon may also be plain prose
    "header": (
        re.compile(rf"{_CLOSE}[:=,]{_OPEN}{_QUOTED}"),
        re.compile(rf"{_CLOSE}[:=]\s*{_COLOUR}(?:(?:bearer|basic|token)\s+)?{_BARE}", re.IGNORECASE),
    ),
    "field": (
        re.compile(rf"{_CLOSE}[:=]{_OPEN}{_QUOTED}"),
        re.compile(rf"{_CLOSE}=\s*{_COLOUR}{_BARE}"),
        re.compile(r":\s*(?P<value>[\w+/=.-]{16,})"),
    ),
    "scheme": (re.compile(r"\s+(?P<value>[\w+/=.~-]{16,})"),),
}
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_URL_PASSWORD = re.compile(r"(://[^\s:/@\"']*:)[^\s/@\"']+(?=@)")


def _hide_named(text: str) -> str:
    """Hide what stands after a telling name. The stems are a cheap first look: most lines have none."""
    lowered = text.lower() if text.isascii() else text.translate(_LOWER)  # as long as the text
    if not any(stem in lowered for stem in _STEMS):
        return text
    kept, done = [], 0
    for name in _NAME.finditer(lowered):
        if name.end() < done:
            continue
        for after in _AFTER[name.lastgroup or ""]:
            if value := after.match(text, name.end()):
                kept += [text[done : value.start("value")], HIDDEN]
                done = value.end("value")
                break
    return "".join([*kept, text[done:]])
