"""Who may read the page through a browser: by the name it was asked for, and by whose page asks."""

import pytest

from hedgebot.api.hosts import refusal

ALLOWED = frozenset({"hedge.example", "192.168.1.5", "fd00::1"})


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8787",
        "127.8.9.10:80",
        "[::1]",
        "[::1]:8787",
        "[0:0:0:0:0:0:0:1]:8787",
        "localhost",
        "localhost:8787",
        "LOCALHOST:8787",
        "hedge.example",
        "Hedge.Example:443",
        "192.168.1.5:8787",
        "[fd00::1]:8787",
    ],
)
def test_this_machine_and_the_configured_names_are_answered(host: str) -> None:
    assert refusal(host, (), ALLOWED) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.com",
        "127.0.0.1.evil.com",
        "localhost.evil.com",
        "evil.com:8787",
        "xlocalhost",
        "localhost.",
        "0.0.0.0",
        "0.0.0.0:8787",
        "[::]:8787",
        "[::ffff:127.0.0.1]:8787",
        "[::1%lo]:8787",
        "128.0.0.1",
        "10.0.0.1:8787",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "127.0.0.01",
        "127.0.0.1:",
        "127.0.0.1:80:80",
        "127.0.0.1:port",
        "127.0.0.1:123456",
        "user@127.0.0.1",
        "127.0.0.1@evil.com",
        "127.0.0.1,evil.com",
        "127.0.0.1 evil.com",
        " 127.0.0.1",
        "127.0.0.1/",
        "127.0.0.1#",
        "::1",
        "[::1",
        "[evil.com]",
        "sub.hedge.example",
        "hedge.example.evil.com",
        "١٢٧.0.0.1",
        "127.0.0.1\n",
    ],
)
def test_every_other_name_is_misdirected(host: str) -> None:
    refused = refusal(host, (), ALLOWED)
    assert refused is not None
    assert refused[0] == 421


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://127.0.0.1:8787", "127.0.0.1:8787"),
        ("http://localhost:8787", "LOCALHOST:8787"),
        ("https://hedge.example", "hedge.example"),
    ],
)
def test_its_own_pages_may_ask(origin: str, host: str) -> None:
    assert refusal(host, (origin,), ALLOWED) is None


@pytest.mark.parametrize(
    "origins",
    [
        ("null",),
        ("",),
        ("http://evil.com",),
        ("http://127.0.0.1",),
        ("http://127.0.0.1:9999",),
        ("http://localhost:8787",),
        ("http://127.0.0.1:8787.evil.com",),
        ("http://127.0.0.1:8787/",),
        ("ftp://127.0.0.1:8787",),
        ("127.0.0.1:8787",),
        ("chrome-extension://abc",),
        ("http://evil.com", "http://127.0.0.1:8787"),
        ("http://127.0.0.1:8787", "http://evil.com"),
    ],
)
def test_pages_of_another_origin_may_not(origins: tuple[str, ...]) -> None:
    refused = refusal("127.0.0.1:8787", origins, ALLOWED)
    assert refused is not None
    assert refused[0] == 403
