"""Bybit's gate: who may ask, how often, and how old a request may be."""

import json
from dataclasses import replace
from typing import Any

import pytest

from hedgebot.sim.bybit.wire import Call
from tests.sim.kit import (
    BALANCE,
    KEY,
    ORDER,
    SECRET,
    START_MS,
    Client,
    client,
    clock_of,
    exchange,
)


class TestGate:
    def answered(self, of: Client, **changes: str) -> tuple[int, Any]:
        """Status and code of a balance request with changed headers."""
        query = "accountType=UNIFIED"
        headers = {**of.signed(query.encode()), **changes}
        reply = of.bybit.answer(Call("GET", BALANCE, query, {k: v for k, v in headers.items() if v}))
        return reply.status, json.loads(reply.body)["retCode"] if reply.body else None

    def test_a_good_signature_passes(self) -> None:
        assert self.answered(client()) == (200, 0)

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"x-bapi-api-key": "nobody"}, (200, 10003)),
            ({"x-bapi-sign": "0" * 64}, (200, 10004)),
            ({"x-bapi-recv-window": "6000"}, (200, 10004)),
            ({"x-bapi-sign": ""}, (401, None)),
            ({"x-bapi-api-key": ""}, (401, None)),
        ],
    )
    def test_a_bad_one_does_not(self, changes: dict[str, str], expected: tuple[int, int | None]) -> None:
        assert self.answered(client(), **changes) == expected

    @pytest.mark.parametrize(
        ("age_ms", "code"), [(0, 0), (4999, 0), (5000, 0), (5001, 10002), (-999, 0), (-1000, 10002)]
    )
    def test_a_request_is_good_for_its_window_and_a_second_ahead(self, age_ms: int, code: int) -> None:
        of = client()
        headers = of.signed(b"accountType=UNIFIED", age_ms=age_ms)
        assert self.answered(of, **headers) == (200, code)

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"expires_ms": START_MS}, 33004),
            ({"expires_ms": START_MS + 1}, 0),
            ({"ips": ("10.0.0.1",)}, 10010),
            ({"ips": ("127.0.0.1",)}, 0),
        ],
    )
    def test_a_key_may_expire_or_be_bound(self, changes: dict[str, Any], code: int) -> None:
        made = exchange()
        made.set_key(replace(made.truth.keys[KEY], **changes))
        assert self.answered(client(made)) == (200, code)

    def test_a_revoked_key_is_unknown(self) -> None:
        made = exchange()
        made.revoke_key(KEY)
        assert self.answered(client(made)) == (200, 10003)

    def test_a_read_only_key_reads_and_writes_nothing(self) -> None:
        made = exchange()
        made.set_key(replace(made.truth.keys[KEY], read_only=True))
        of = client(made)
        assert of.get(BALANCE, accountType="UNIFIED")["retCode"] == 0
        assert of.post("/v5/order/create", **ORDER)["retCode"] == 10005
        assert not made.orders("main")

    def test_too_many_requests(self) -> None:
        of = client()
        codes = [of.post("/v5/order/create", **ORDER)["retCode"] for _ in range(11)]
        assert codes == [0] * 10 + [10006]
        clock_of(of.bybit.exchange).pass_(1)
        assert of.post("/v5/order/create", **ORDER)["retCode"] == 0

    def test_the_headers_say_how_many_are_left(self) -> None:
        of = client()
        query = "accountType=UNIFIED"
        call = Call("GET", BALANCE, query, of.signed(query.encode()))
        left = [of.bybit.answer(call).headers["X-Bapi-Limit-Status"] for _ in range(3)]
        assert left == ["49", "48", "47"]
        of.bybit.rate_limits.scale = 0.02
        reply = of.bybit.answer(call)
        assert json.loads(reply.body)["retCode"] == 10006
        assert int(reply.headers["X-Bapi-Limit-Reset-Timestamp"]) > START_MS

    def test_an_unknown_path_is_http_404(self) -> None:
        assert client().bybit.answer(Call("GET", "/v5/nothing")).status == 404

    @pytest.mark.parametrize("body", [b"{", b"[1]", b"null", b'"x"'])
    def test_a_body_that_is_no_object_is_a_parameter_error(self, body: bytes) -> None:
        of = client()
        reply = of.bybit.answer(Call("POST", "/v5/order/create", "", of.signed(body), body))
        assert json.loads(reply.body)["retCode"] == 10001


def test_the_secret_is_in_no_reply() -> None:
    of = client()
    replies = [of.get(path) for path in ("/v5/user/query-api", "/v5/account/info", "/v5/market/time")]
    assert SECRET not in json.dumps(replies)
