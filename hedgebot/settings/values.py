"""Checks of single values. Each returns what the program works with, or raises ``ValueError`` with the
sentence that the operator reads. No sentence repeats text that it refuses, which could be a secret, except
the coin of what looks like a symbol."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from hedgebot.settings.suggest import did_you_mean

NAME = r"^[a-z]([a-z0-9]|_[a-z0-9])*_?$"
ASSET = r"^[A-Z0-9]{1,20}$"
NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$"
PLACES = 18
NEXT_QUARTER = "next-quarter"
STABLE = "USDT"
CONTRACT = re.compile(r"([A-Z0-9]{1,20})/([A-Z0-9]{1,20})(?::([A-Z0-9]{1,20})(-[A-Za-z0-9-]+)?)?")
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*")


def exact(value: object) -> Decimal:
    """A finite number that never was a binary float: ``Decimal``, ``int`` or decimal text."""
    is_text = isinstance(value, str) and re.fullmatch(NUMBER, value) is not None
    is_number = isinstance(value, Decimal | int) and not isinstance(value, bool)
    if not (is_text or is_number):
        raise ValueError("must be a number")
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError("must be a finite number")
    if int(number.as_tuple().exponent) < -PLACES:
        raise ValueError(f"must have at most {PLACES} decimal places")
    return number


def whole(value: object) -> int:
    """A whole number, written as one (``20``, not ``20.0``); text is taken, the environment has no other."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
        return int(value)
    raise ValueError("must be a whole number")


def flag(value: object) -> bool:
    """``true`` or ``false``, also as text, and no other spelling."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    raise ValueError("must be true or false")


def instant(value: object) -> datetime:
    """A time with its zone, as TOML writes it or as text; in UTC, to the second."""
    found = value
    if isinstance(value, str):
        with suppress(ValueError):
            found = datetime.fromisoformat(value)
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise ValueError("must be a date and time with its zone, such as 2026-12-31T00:00:00Z")
    if not 2000 <= found.year < 9000:
        raise ValueError("must be from the year 2000 on")
    if found.microsecond:
        raise ValueError("must be whole seconds")
    return found.astimezone(UTC)


def name(value: str) -> str:
    """A name that can be part of a variable's name, a file's name and a metric's label."""
    if not re.fullmatch(NAME, value):
        raise ValueError("must begin with a lower-case letter and have only a-z, 0-9 and single underscores")
    return value


def asset(value: str) -> str:
    """The code of a coin, as in the symbols of the legs."""
    if not re.fullmatch(ASSET, value):
        raise ValueError('must be the code of a coin in capitals, such as "BTC"')
    return value


def contract(value: str) -> str:
    """The unified symbol of an inverse contract, ``BASE/USD:BASE`` or that of a dated one; or the next
    quarter's alone; or that of a linear perpetual, ``BASE/USDT:USDT``. Its base is ``base(value)``."""
    if value == NEXT_QUARTER:
        return value
    found = CONTRACT.fullmatch(value)
    if found is None:
        raise ValueError('must be the symbol of a contract, such as "BTC/USD:BTC"')
    coin, quote, settle, expiry = found.groups()
    if settle is None:
        raise ValueError(f'is the symbol of a spot market; did you mean "{coin}/USD:{coin}"?')
    if settle != coin and (quote, settle, expiry) != (STABLE, STABLE, None):
        linear = f'"{coin}/{STABLE}:{STABLE}"'
        raise ValueError(f'must be inverse, "{coin}/USD:{coin}", or where none is listed linear, {linear}')
    if settle != coin:
        return value
    if quote != "USD":
        raise ValueError(f'must be quoted in USD, as "{coin}/USD:{coin}"')
    if expiry is not None and not _ends(expiry[1:]):
        raise ValueError(f'must end in a date, as "{coin}/USD:{coin}-261225", or in "-{NEXT_QUARTER}"')
    return value


def _ends(expiry: str) -> bool:
    if expiry == NEXT_QUARTER:
        return True
    try:
        return bool(re.fullmatch(r"\d{6}", expiry, re.ASCII) and datetime.strptime(f"{expiry}Z", "%y%m%d%z"))
    except ValueError:
        return False


def base(symbol: str) -> str:
    """The coin of a contract's symbol."""
    return symbol.partition("/")[0]


def one_of(value: object, options: tuple[str, ...], later: tuple[str, ...] = ()) -> str:
    """A word of the closed list ``options``; words in ``later`` are known but still to come."""
    listed = " or ".join(f'"{option}"' for option in options)
    if isinstance(value, str) and value in options:
        return value
    if isinstance(value, str) and value in later:
        raise ValueError(f'"{value}" is not supported yet; must be {listed}')
    raise ValueError(f"must be {listed}{did_you_mean(value, options) if isinstance(value, str) else ''}")


def base_url(value: str) -> str:
    """``scheme://host[:port]``: https, or http to this machine itself."""
    if not re.fullmatch(r"[!-~]+", value) or re.search(r"[@?#\\]", value):
        raise ValueError("must be only scheme, host and port, such as https://proxy.example:8443")
    url, host = _web_address(value)
    if url.scheme not in {"http", "https"} or not host or url.netloc.endswith(":"):
        raise ValueError("must begin with https://, then host and port, such as https://proxy.example:8443")
    if url.path not in {"", "/"}:
        raise ValueError("must have no path: the exchange's own path is kept")
    if not (_is_address(host) or HOST.fullmatch(host)):
        raise ValueError("must have a valid host")
    if url.scheme == "http" and not _is_loopback(host):
        raise ValueError("must be https: plain http is only for this machine itself (127.0.0.1, ::1)")
    return value.removesuffix("/")


def webhook(value: str) -> str:
    """The address that alarms are sent to, https or http to this machine itself; empty for none."""
    if not value:
        return value
    url, host = _web_address(value)
    if (
        not re.fullmatch(r"[!-~]+", value)
        or url.scheme not in {"http", "https"}
        or not host
        or "@" in url.netloc
    ):
        raise ValueError("must be a web address, such as https://hooks.example/hedgebot")
    if not (_is_address(host) or HOST.fullmatch(host)):
        raise ValueError("must have a valid host")
    if url.scheme == "http" and not _is_loopback(host):
        raise ValueError("must be https: plain http is only for this machine itself (127.0.0.1, ::1)")
    return value


def source(value: str) -> str:
    """The address of a document: https, or http to this machine itself."""
    if not value:
        raise ValueError("must be a web address, such as https://signals.example/btc.json")
    return webhook(value)


def document(value: str) -> str:
    """The path of a file."""
    if not value or "\0" in value or value.endswith("/") or value.startswith("~"):
        raise ValueError("must be the path of a file, without ~")
    return value


def _web_address(value: str) -> tuple[SplitResult, str]:
    """The parts of a web address, and its host; empty where there is none."""
    with suppress(ValueError):
        url = urlsplit(value)
        if url.port != 0:
            return url, url.hostname or ""
    raise ValueError("must have a valid host and a port from 1 to 65535")


def listen(value: str) -> str:
    """``address:port``, IPv6 in brackets, or empty for off; its parts are ``address(value)``."""
    if value:
        address(value)
    return value


def address(value: str) -> tuple[str, int]:
    """The IP address and port of a ``listen`` that is not empty."""
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[0-9.]+):([0-9]{1,5})", value)
    host = found[1].strip("[]") if found else ""
    bracketed = value.startswith("[")
    if found is None or not _is_address(host) or (ip_address(host).version == 6) != bracketed:
        raise ValueError('must be IP address:port, such as "127.0.0.1:8787" or "[::1]:8787", or "" for off')
    if not 1 <= int(found[2]) <= 65535:
        raise ValueError("must have a port from 1 to 65535")
    return host, int(found[2])


def host(value: str) -> str:
    """A host's name or address without port, in lower case."""
    lower = value.lower()
    if not (_is_address(lower) or HOST.fullmatch(lower)):
        raise ValueError('must be a host\'s name without scheme and port, such as "hedge.example"')
    return lower


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    return text == "localhost" or (_is_address(text) and ip_address(text).is_loopback)
