"""Who may pass: signatures, time windows, permissions, quotas and bans of Binance's dialect."""

import hmac
import json
from hashlib import sha256

import pytest

from hedgebot.sim.account import ApiKey
from hedgebot.sim.binance.wire import Call, Reply
from tests.sim.binance_kit import Client
from tests.sim.kit import KEY, SECRET, START_MS

ACCOUNT = "/dapi/v1/account"


def said(reply: Reply) -> tuple[int, int]:
    return reply.status, json.loads(reply.body)["code"]


class TestSignature:
    def test_of_a_query_or_of_a_body(self) -> None:
        client = Client()
        assert client.reply("GET", ACCOUNT, {}).status == 200
        assert (
            client.reply("POST", "/dapi/v1/leverage", {"symbol": "BTCUSD_PERP", "leverage": 5}).status == 200
        )

    def test_query_and_body_are_signed_as_one_text(self) -> None:
        """The documentation's mixed example: nothing stands between the two."""
        client = Client()
        query, body = "symbol=BTCUSD_PERP", f"leverage=7&timestamp={START_MS}"
        body += f"&signature={hmac.new(SECRET.encode(), f'{query}{body}'.encode(), sha256).hexdigest()}"
        call = Call("POST", "/dapi/v1/leverage", query, {"x-mbx-apikey": KEY}, body.encode())
        assert json.loads(client.binance.answer(call).body)["leverage"] == 7

    @pytest.mark.parametrize("secret", ["wrong", SECRET.upper()])
    def test_another_secret_is_refused(self, secret: str) -> None:
        assert said(Client(secret=secret).reply("GET", ACCOUNT, {})) == (400, -1022)

    def test_a_signature_is_case_insensitive_and_a_missing_one_refused(self) -> None:
        client = Client()
        query, _, signature = client.signed({}).partition("&signature=")
        upper = Call("GET", ACCOUNT, f"{query}&signature={signature.upper()}", {"x-mbx-apikey": KEY})
        assert client.binance.answer(upper).status == 200
        assert said(client.binance.answer(Call("GET", ACCOUNT, query, {"x-mbx-apikey": KEY}))) == (400, -1022)

    def test_a_changed_parameter_is_refused(self) -> None:
        client = Client()
        query = client.signed({"symbol": "BTCUSD_PERP"}).replace("BTC", "ETH")
        call = Call("GET", "/dapi/v1/openOrders", query, {"x-mbx-apikey": KEY})
        assert said(client.binance.answer(call)) == (400, -1022)

    def test_public_endpoints_need_none(self) -> None:
        for path in ("/dapi/v1/time", "/dapi/v1/exchangeInfo", "/api/v3/time", "/api/v3/exchangeInfo"):
            assert Client().binance.answer(Call("GET", path)).status == 200


class TestKey:
    @pytest.mark.parametrize(("name", "expected"), [("", (401, -2014)), ("nobody", (401, -2015))])
    def test_a_key_must_be_known(self, name: str, expected: tuple[int, int]) -> None:
        client = Client()
        client.key = name
        assert said(client.reply("GET", ACCOUNT, {})) == expected

    @pytest.mark.parametrize(
        "key",
        [
            ApiKey(key=KEY, secret=SECRET, account="main", expires_ms=START_MS - 1),
            ApiKey(key=KEY, secret=SECRET, account="main", ips=("203.0.113.7",)),
        ],
        ids=["expired", "another address"],
    )
    def test_one_that_does_not_count_here_is_refused(self, key: ApiKey) -> None:
        client = Client()
        client.exchange.set_key(key)
        assert said(client.reply("GET", ACCOUNT, {})) == (401, -2015)

    def test_one_that_may_only_read_may_not_trade_nor_move_coins(self) -> None:
        client = Client()
        client.exchange.set_key(ApiKey(key=KEY, secret=SECRET, account="main", read_only=True))
        assert client.reply("GET", ACCOUNT, {}).status == 200
        assert client.get("/sapi/v1/account/apiRestrictions")["enableFutures"] is False
        moved = {"type": "CMFUTURE_MAIN", "asset": "BTC", "amount": "0.1"}
        for path, sent in (("/dapi/v1/order", {}), ("/sapi/v1/asset/transfer", moved)):
            assert said(client.reply("POST", path, sent)) == (401, -2015)


class TestTime:
    @pytest.mark.parametrize(("age_ms", "window", "passes"), [
        (0, 5_000, True), (5_000, 5_000, True), (5_001, 5_000, False), (59_000, 60_000, True),
        (-999, 5_000, True), (-1_000, 5_000, False),
    ])  # fmt: skip
    def test_a_request_is_taken_inside_its_window(self, age_ms: int, window: int, passes: bool) -> None:
        reply = Client().reply("GET", ACCOUNT, {}, age_ms=age_ms, window=window)
        assert (reply.status == 200) is passes
        assert passes or said(reply) == (400, -1021)

    def test_a_window_over_a_minute_is_an_error(self) -> None:
        assert said(Client().reply("GET", ACCOUNT, {}, window=60_001)) == (400, -1131)

    def test_without_a_time_stamp_nothing_passes(self) -> None:
        call = Call("GET", ACCOUNT, "signature=00", {"x-mbx-apikey": KEY})
        assert said(Client().binance.answer(call)) == (400, -1102)


class TestQuota:
    def test_every_reply_says_what_was_used(self) -> None:
        client = Client()
        used = [client.reply("GET", ACCOUNT, {}).headers["X-MBX-USED-WEIGHT-1M"] for _ in range(3)]
        assert used == ["5", "10", "15"]

    def test_asking_for_all_contracts_weighs_more(self) -> None:
        client = Client()
        one = client.reply("GET", "/dapi/v1/openOrders", {"symbol": "BTCUSD_PERP"})
        every = client.reply("GET", "/dapi/v1/openOrders", {})
        assert (one.headers["X-MBX-USED-WEIGHT-1M"], every.headers["X-MBX-USED-WEIGHT-1M"]) == ("1", "41")

    def test_above_it_comes_429_with_the_seconds_left_and_a_new_minute_helps(self) -> None:
        client = Client()
        client.binance.coin_m_weights.limit = 7
        assert client.reply("GET", ACCOUNT, {}).status == 200
        refused = client.reply("GET", ACCOUNT, {})
        assert said(refused) == (429, -1003)
        client.clock.pass_(int(refused.headers["Retry-After"]))
        assert client.reply("GET", ACCOUNT, {}).status == 200

    def test_who_goes_on_is_banned_and_told_until_when(self) -> None:
        client = Client()
        client.binance.coin_m_weights.limit = 5
        replies = [client.reply("GET", ACCOUNT, {}) for _ in range(14)]
        assert [reply.status for reply in replies] == [200] + [429] * 10 + [418] * 3
        assert f"until {client.clock.at_ms + 120_000}" in json.loads(replies[-1].body)["msg"]
        client.clock.pass_(121)
        assert client.reply("GET", ACCOUNT, {}).status == 200

    def test_the_apis_have_a_quota_each(self) -> None:
        client = Client()
        client.binance.coin_m_weights.limit = 0
        assert client.reply("GET", ACCOUNT, {}).status == 429
        assert client.reply("GET", "/api/v3/account", {}).status == 200


def test_an_unknown_path_is_a_web_page() -> None:
    reply = Client().binance.answer(Call("GET", "/fapi/v1/positionRisk"))
    assert (reply.status, reply.body[:6]) == (404, b"<html>")
