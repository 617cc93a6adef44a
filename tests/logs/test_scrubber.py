"""The scrubber alone: what it hides, in whatever spelling, and what it leaves."""

import base64
import html
import json
import random
import statistics
import string
import timeit
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from yarl import URL

from hedgebot.scrubber import HIDDEN, Scrubber

SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=6, max_size=60).map(
    str.strip
)

SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "URL, all escaped": lambda s: quote(s, safe=""),
    "URL path": quote,
    "URL as ccxt writes it": lambda s: quote(s, safe="~()*!.'"),
    "form": quote_plus,
    "form with its name": lambda s: urlencode({"key": s}),
    "URL, lower case": lambda s: "".join(
        f"%{byte:02x}" if not chr(byte).isalnum() or byte > 127 else chr(byte) for byte in s.encode()
    ),
    "URL twice": lambda s: quote(quote(s, safe=""), safe=""),
    "yarl": lambda s: str(URL("http://localhost/").with_query({"q": s})),
    "JSON": json.dumps,
    "JSON unescaped": lambda s: json.dumps(s, ensure_ascii=False),
    "JSON in JSON": lambda s: json.dumps({"body": json.dumps({"k": s})}),
    "repr": repr,
    "repr of bytes": lambda s: repr(s.encode()),
    "repr in JSON": lambda s: json.dumps({"exception": repr({"k": s})}),
    "ascii": ascii,
    "HTML": html.escape,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
    "base64 in a URL": lambda s: quote_plus(base64.b64encode(s.encode()).decode()),
    "basic authorization": lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
    "after one byte more": lambda s: base64.b64encode(f"user1:{s}".encode()).decode(),
    "hex": lambda s: s.encode().hex(),
    "URL, every byte": lambda s: "".join(f"%{byte:02X}" for byte in s.encode()),
    "URL, every byte, twice": lambda s: "".join(f"%25{byte:02x}" for byte in s.encode()),
    "URL, every other byte": lambda s: "".join(
        f"%{byte:02x}" if i % 2 or byte > 127 or not chr(byte).isalnum() else chr(byte)
        for i, byte in enumerate(s.encode())
    ),
    "JSON, every character": lambda s: "".join(f"\\u{unit:04x}" for unit in units(s)),
    "JSON, every other letter": lambda s: "".join(
        f"\\u{ord(c):04X}" if i % 2 and c.isascii() and c.isalnum() else json.dumps(c)[1:-1]
        for i, c in enumerate(s)
    ),
    "bytes in hexadecimal escapes": lambda s: "".join(f"\\x{byte:02x}" for byte in s.encode()),
    "base64 in JSON, every character": lambda s: "".join(
        f"\\u{byte:04x}" for byte in base64.b64encode(s.encode()).rstrip(b"=")
    ),
}


def units(text: str) -> list[int]:
    """What JSON's escapes are made of: UTF-16."""
    raw = text.encode("utf-16-be")
    return [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)]


class TestByValue:
    @settings(max_examples=20)  # for each of the spellings
    @pytest.mark.parametrize("spelling", SPELLINGS)
    @given(secret=SECRETS, before=st.text(max_size=5), after=st.text(max_size=5))
    @example(secret='\\\\"quoted"\\', before="", after="")
    @example(secret="a b+c/d=e&f%g#h", before="x", after="y")
    @example(secret="naïve-пароль-😀", before="\\", after="\\")
    def test_no_spelling_survives(self, spelling: str, secret: str, before: str, after: str) -> None:
        assume(len(secret) >= 6)
        spelled = SPELLINGS[spelling](secret)
        scrubbed = Scrubber(secret).scrub(f"{before}{spelled}{after}")
        assert HIDDEN in scrubbed
        remains = scrubbed.removeprefix(before).removesuffix(after)
        core = spelled.strip("\"'=")
        assert core not in remains or len(core) <= len(HIDDEN)

    @given(secrets=st.lists(SECRETS, min_size=1, max_size=5), data=st.data())
    def test_none_of_several_secrets_survives(self, secrets: list[str], data: st.DataObject) -> None:
        assume(all(len(secret) >= 6 and "*" not in secret for secret in secrets))
        pieces = data.draw(st.lists(st.sampled_from([*secrets, " ", "text"]), max_size=10))
        scrubbed = Scrubber(*secrets).scrub(" ".join(pieces))
        assert not any(secret in scrubbed for secret in secrets)

    def test_a_secret_that_contains_another_leaves_no_rest(self) -> None:
        assert Scrubber("abcdef", "abcdefghij").scrub("is abcdefghij") == f"is {HIDDEN}"

    def test_values_that_print_as_asterisks_are_taken_by_their_content(self) -> None:
        assert Scrubber(SecretStr("hunter2hunter2")).scrub("hunter2hunter2!") == f"{HIDDEN}!"

    def test_white_space_around_a_secret_is_not_part_of_it(self) -> None:
        assert Scrubber("  from-a-file\n").scrub("'from-a-file'") == f"'{HIDDEN}'"

    def test_each_line_of_a_key_in_several_lines_is_a_secret(self) -> None:
        lines = ["-----BEGIN PRIVATE KEY-----", "MC4CAQAwBQYDK2VwBCIEIJ", "-----END PRIVATE KEY-----"]
        scrubber = Scrubber("\n".join(lines))
        assert scrubber.scrub(json.dumps({"key": "\n".join(lines)})) == f'{{"key": "{HIDDEN}"}}'
        assert scrubber.scrub(f"line 2: {lines[1]}") == f"line 2: {HIDDEN}"

    @pytest.mark.parametrize(
        ("secret", "text", "scrubbed"),
        [
            ("", "all of this stays", "all of this stays"),
            ("  ", "all of this stays", "all of this stays"),
            ("a", "a cat", "a cat"),
            ("cat", "concatenate 'cat' cat=1", f"concatenate '{HIDDEN}' {HIDDEN}=1"),
            ("12345", "price 123456, pin 12345.", f"price 123456, pin {HIDDEN}."),
            ("123456", "price 1234567", f"price {HIDDEN}7"),
        ],
    )
    def test_short_secrets_are_hidden_only_where_they_stand_alone(
        self, secret: str, text: str, scrubbed: str
    ) -> None:
        assert Scrubber(secret).scrub(text) == scrubbed

    def test_json_stays_json(self) -> None:
        line = json.dumps({"event": 'with "secret\\value" in it', "n": 1})
        assert json.loads(Scrubber('"secret\\value"').scrub(line)) == {
            "event": f"with {HIDDEN} in it",
            "n": 1,
        }

    @pytest.mark.parametrize("line_break", ["\n", "\r\n", "\\n", "\\r\\n", "\\\n"])
    def test_a_secret_that_goes_on_in_the_next_line_is_hidden(self, line_break: str) -> None:
        broken = f"key canary-b2{line_break}c4d6e8f0 and{line_break}more"
        assert Scrubber("canary-b2c4d6e8f0").scrub(broken) == f"key {HIDDEN} and{line_break}more"

    def test_nor_do_lines_of_base64_show_it(self) -> None:
        lines = base64.encodebytes(b"x" * 40 + b"canary-b2c4d6e8f0" + b"y" * 40).decode()
        scrubbed = Scrubber("canary-b2c4d6e8f0").scrub(lines)
        assert HIDDEN in scrubbed
        assert b"canary" not in base64.b64decode(scrubbed.replace(HIDDEN, "").replace("\n", "") + "==")

    @pytest.mark.parametrize("entity", ["&#{};", "&#0{};", "&#x{:x};", "&#X00{:X};"])
    def test_numbers_of_html_do_not_show_it(self, entity: str) -> None:
        spelled = "".join(entity.format(ord(c)) for c in "canary-b2+c4")
        assert Scrubber("canary-b2+c4").scrub(f"<p>{spelled}</p>") == f"<p>{HIDDEN}</p>"

    @pytest.mark.parametrize(
        "text",
        [
            "100 %41 of it",
            r"C:\new\x41",
            "a\nb\nc",
            "%",
            "\\",
            "&#65;&#x;",
            "\\u004",
            r"\ud800\u0041",
            "%zz%4",
        ],
    )
    def test_text_with_escapes_and_no_secret_stays(self, text: str) -> None:
        assert Scrubber("canary-b2c4d6e8f0").scrub(text) == text

    def test_several_escaped_secrets_beside_each_other_are_each_hidden(self) -> None:
        one, other = "canary-one-1", "canary-two-2"
        text = "".join(f"%{byte:02x}" for byte in f"{one}{other} {one}".encode())
        assert Scrubber(one, other).scrub(text) == f"{HIDDEN}{HIDDEN}%20{HIDDEN}"

    def test_its_own_text_shows_nothing(self) -> None:
        assert "hunter" not in f"{Scrubber('hunter2hunter2')!r} {Scrubber('hunter2hunter2')}"


class TestByPattern:
    @pytest.mark.parametrize(
        ("text", "scrubbed"),
        [
            ("GET /v5/x?api_key=k1&recv=5&signature=0a1b", "GET /v5/x?api_key=***&recv=5&signature=***"),
            ("GET /v5/x?sign=0a1b", "GET /v5/x?sign=***"),
            (
                "{'X-BAPI-API-KEY': 'k1', 'X-BAPI-SIGN': 's1'}",
                "{'X-BAPI-API-KEY': '***', 'X-BAPI-SIGN': '***'}",
            ),
            ("X-BAPI-SIGN: 0a1b\r\nHost: x", "X-BAPI-SIGN: ***\r\nHost: x"),
            ("('X-MBX-APIKEY', 'k1')", "('X-MBX-APIKEY', '***')"),
            ('{"OK-ACCESS-PASSPHRASE": "two words"}', '{"OK-ACCESS-PASSPHRASE": "***"}'),
            ("ok-access-key: k1, ok-access-sign: s1", "ok-access-key: ***, ok-access-sign: ***"),
            (r'"{\"listenKey\": \"abc\"}"', r'"{\"listenKey\": \"***\"}"'),
            ("wss://x/ws?listenKey=abc", "wss://x/ws?listenKey=***"),
            ("Authorization: Bearer abc", "Authorization: Bearer ***"),
            ("Authorization: Basic dTpw", "Authorization: Basic ***"),
            ('{"authorization": "Bearer abc def"}', '{"authorization": "***"}'),
            ("a Bearer 0123456789abcdef here", "a Bearer *** here"),
            ("HEDGEBOT_ACCOUNTS__MAIN__SECRET=abc", "HEDGEBOT_ACCOUNTS__MAIN__SECRET=***"),
            ('main.api_key = "a b" # no', 'main.api_key = "***" # no'),
            ("{'apiKey': 'k', 'secret': 's'}", "{'apiKey': '***', 'secret': '***'}"),
            ("api_secret: 0123456789abcdef", "api_secret: ***"),
            ("\x1b[36mpassword\x1b[0m=\x1b[35mhunter2\x1b[0m", "\x1b[36mpassword\x1b[0m=\x1b[35m***\x1b[0m"),
            ("postgresql://bot:hunter2@127.0.0.1/db", "postgresql://bot:***@127.0.0.1/db"),
            ("İ signature=abc", "İ signature=***"),
        ],
    )
    def test_what_follows_a_telling_name_is_hidden(self, text: str, scrubbed: str) -> None:
        assert Scrubber().scrub(text) == scrubbed
        assert Scrubber().scrub(scrubbed) == scrubbed

    @pytest.mark.parametrize(
        "text",
        [
            "HEDGEBOT_ACCOUNTS__MAIN__API_KEY is missing",
            "main_secret: mode 0644, must be 0600",
            "api_key: refused by bybit (code 10003)",
            "the bearer of good news",
            "designed by monkeys, assignment=5",
            "a signature, an api key and a password",
            "http://127.0.0.1:8787/healthz mail@example.org",
            '{"price": "60000.5", "sign": 1, "token": "BTC"}',
        ],
    )
    def test_prose_stays(self, text: str) -> None:
        assert Scrubber().scrub(text) == text


def test_a_line_is_scrubbed_in_well_under_a_millisecond() -> None:
    """The aim is 100 µs with the secrets of five accounts; the limit is wide, for a busy machine."""
    chance = random.Random(1)
    letters = string.ascii_letters + string.digits
    scrubber = Scrubber(*("".join(chance.choices(letters, k=36)) for _ in range(15)))
    line = json.dumps(
        {"event": "order filled", "key": "main:BTC/USD:BTC", "reason": "below its target " * 12}
    )
    took = statistics.median(timeit.repeat(lambda: scrubber.scrub(line), number=100, repeat=7)) / 100
    assert took < 1e-3
