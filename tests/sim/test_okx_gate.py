"""Who may pass OKX's gate: keys, signatures, passphrases, clocks, environments and rates."""

from dataclasses import replace
from typing import Any

import pytest

from tests.sim.okx_kit import BTC, KEY, ORDER, Client, client


def refused(of: Client) -> tuple[str, int]:
    reply = of.get("account/balance")
    return reply["code"], reply["status"]


def test_a_signed_request_passes() -> None:
    assert refused(client()) == ("0", 200)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": "other"}, "50111"),
        ({"secret": "other"}, "50113"),
        ({"passphrase": "other"}, "50105"),
        ({"age_ms": 30_001}, "50102"),
        ({"age_ms": -30_001}, "50102"),
        ({"headers": {"ok-access-key": ""}}, "50103"),
        ({"headers": {"ok-access-passphrase": ""}}, "50104"),
        ({"headers": {"ok-access-sign": ""}}, "50106"),
        ({"headers": {"ok-access-timestamp": ""}}, "50107"),
        ({"headers": {"ok-access-timestamp": "yesterday"}}, "50112"),
        ({"headers": {"x-simulated-trading": "1"}}, "50101"),
    ],
    ids=str,
)
def test_others_do_not(change: dict[str, Any], code: str) -> None:
    of = client()
    for name, value in change.items():
        setattr(of, name, value)
    assert refused(of) == (code, 401)


def test_half_a_minute_is_allowed() -> None:
    of = client()
    of.age_ms = 29_999
    assert refused(of) == ("0", 200)


def test_demo_trading_wants_its_header() -> None:
    of = client(demo=True)
    assert refused(of) == ("50101", 401)
    of.headers["x-simulated-trading"] = "1"
    assert refused(of) == ("0", 200)


def test_a_key_bound_to_other_addresses_or_expired() -> None:
    of = client()
    key = of.exchange.truth.keys[KEY]
    of.exchange.set_key(replace(key, ips=("10.0.0.1",)))
    assert refused(of) == ("50110", 401)
    of.exchange.set_key(replace(key, expires_ms=of.clock.at_ms))
    assert refused(of) == ("50111", 401)


def test_a_key_that_may_only_read_reads() -> None:
    of = client()
    of.exchange.set_key(replace(of.exchange.truth.keys[KEY], read_only=True))
    assert refused(of) == ("0", 200)
    assert of.post("trade/order", **ORDER)["code"] == "50120"


def test_public_endpoints_ask_for_nothing() -> None:
    of = client()
    of.key = "nobody"
    assert of.get("public/mark-price", instType="SWAP", instId=BTC)["code"] == "0"


def test_a_rate_is_for_each_path_and_opens_again_after_two_seconds() -> None:
    of = client()
    codes = [of.get("account/balance")["code"] for _ in range(11)]
    assert codes == ["0"] * 10 + ["50011"]
    assert of.get("account/balance")["status"] == 429
    assert of.get("account/positions")["code"] == "0"
    of.clock.pass_(2)
    assert of.get("account/balance")["code"] == "0"


def test_an_unknown_path() -> None:
    assert client().get("account/nonsense")["status"] == 404


def test_a_body_that_is_no_json() -> None:
    assert client().ask("POST", "trade/order", body=b"sell!")["code"] == "50002"


@pytest.mark.parametrize(("late_ms", "code"), [(0, "0"), (1, "50036")])
def test_an_order_whose_time_is_over_is_refused(late_ms: int, code: str) -> None:
    of = client()
    of.headers["exptime"] = str(of.clock.at_ms - late_ms)
    assert of.post("trade/order", **ORDER)["code"] == code
