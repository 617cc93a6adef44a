"""Who may read the page through a browser: by the name it was asked for, and by whose page asks."""

import pytest

from hedgebot.api.hosts import names, refusal

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
        "[::0001]",
        "[0000:0000::0.0.0.1]",
        "127.255.255.254",
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
        "127.0.0.1\x00",
        "127.0.0.1\x00.evil.com",
        "127.0.0.1\t",
        "127.0.0.1.",
        "127.0.0.1.nip.io",
        "www.127.0.0.1",
        "127.0.0.1%2eevil.com",
        "127.0.0.1%00.evil.com",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "127.0.0.256",
        "127.0.0",
        "127.0.0.1.1",
        "127.0.0.-1",
        "+127.0.0.1",
        "1_27.0.0.1",
        "127.0.0.1e0",
        "0",
        "0:8787",
        "017700000001",
        "0x7f.0x0.0x0.0x1",
        "0x7f.1",
        "00000127.0.0.1",
        "3232235781",
        "localhost.localdomain",
        "localhost:8787.evil.com",
        "localhost\\.evil.com",
        "xn--localhost",
        "ｌocalhost",
        "localtest.me",
        "local host",
        "user:pass@127.0.0.1",
        "user:pass@127.0.0.1:8787",
        "127.0.0.1:8787@evil.com",
        "127.0.0.1:@evil.com",
        "127.0.0.1?evil.com",
        "127.0.0.1;evil.com",
        "127.0.0.1\\evil.com",
        "http://127.0.0.1",
        "//127.0.0.1",
        "127.0.0.1:-1",
        "127.0.0.1: 80",
        "127.0.0.1:٨٠",
        "127.0.0.1:0x50",
        "127.0.0.1:8787:",
        "[127.0.0.1]",
        "[::1].evil.com",
        "[::1]evil.com",
        "[::1]@evil.com",
        "evil.com[::1]",
        "[[::1]]",
        "[::1]]",
        "[]",
        "[:]",
        "[::2]",
        "[::7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[fe80::1]",
        "[fe80::1%25lo]",
        "[::1%25]",
        "[fd00::1%1]",
        "[v1.127.0.0.1]",
        "fd00::1",
        "[192.168.1.5]",
        "192.168.1.5.evil.com",
        "192.168.1.05",
        "3232235781:8787",
        "hedge.example.",
        "hedge.example@evil.com",
        "hedge-example",
        ".",
        "..",
        "*",
        "a" * 10_000,
    ],
)
def test_every_other_name_is_misdirected(host: str) -> None:
    refused = refusal(host, (), ALLOWED)
    assert refused is not None
    assert refused[0] == 421


@pytest.mark.parametrize(
    ("target", "also"),
    [
        ("/", ()),
        ("/api/v1/status?hedge=btc", ()),
        ("//evil.com/", ()),
        ("http://evil.com/api/v1/status", ("evil.com",)),
        ("https://127.0.0.1@evil.com/", ("127.0.0.1@evil.com",)),
        ("http://127.0.0.1:8787/", ("127.0.0.1:8787",)),
        ("http://[::1/", ("",)),
        ("evil.com:443", ("",)),
        ("*", ("",)),
        ("", ("",)),
    ],
)
def test_a_target_that_is_a_whole_url_names_us_too(target: str, also: tuple[str, ...]) -> None:
    assert names("127.0.0.1", target) == ("127.0.0.1", *also)


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
        ("http://127.0.0.1:8787, http://evil.com",),
        ("http://127.0.0.1:8787 http://evil.com",),
        ("http://user@127.0.0.1:8787",),
        ("http://127.0.0.1:8787@evil.com",),
        ("http://127.1:8787",),
        ("http://2130706433:8787",),
        ("http://[::1]:8787",),
        ("file://",),
        ("data:",),
        ("http://127.0.0.1:8787\x00",),
    ],
)
def test_pages_of_another_origin_may_not(origins: tuple[str, ...]) -> None:
    refused = refusal("127.0.0.1:8787", origins, ALLOWED)
    assert refused is not None
    assert refused[0] == 403
