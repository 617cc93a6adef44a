"""What became of an order on Binance: rejected only by a listed code behind a status that says no."""

import json
from typing import Any

import pytest
from ccxt.async_support import binancecoinm

from hedgebot.domain.orders import Fate
from hedgebot.errors import BackOffError, ReadError
from hedgebot.exchange.binance.venue import CODES
from hedgebot.exchange.fates import Answer, Operation
from hedgebot.sim.binance import BINANCE as DIALECT
from hedgebot.sim.faults import Fault
from tests.exchange.kit import BINANCE, Bench, play
from tests.exchange.tamper import Change

PLACE: dict[str, Any] = {"method": "POST", "path": BINANCE.place}

REJECTED_WHEN_PLACING = {
    -1002, -1003, -1011, -1013, -1014, -1015, -1020, -1021, -1022, -1100, -1101, -1102, -1103, -1104, -1105,
    -1106, -1108, -1109, -1111, -1114, -1115, -1116, -1117, -1121, -1128, -1130, -2008, -2014, -2015, -2017,
    -2018, -2019, -2020, -2021, -2022, -2023, -2024, -2025, -2026, -2027, -2028, -4001, -4002, -4003, -4004,
    -4005, -4013, -4014, -4015, -4016, -4022, -4023, -4024, -4060, -4061, -4062, -4089, -4090, -4112, -4113,
    -4140, -4141, -4164, -4178, -4188, -4192, -4196, -5021, -5022,
}  # fmt: skip

NEVER_A_REJECTION = {
    "-1000": "an unknown error while it was processed",
    "-1001": "disconnected within",
    "-1004": "busy: perhaps after it was taken",
    "-1006": "unexpected reply from the message bus, execution unknown",
    "-1007": "time-out behind the exchange, execution unknown",
    "-1008": "overloaded",
    "-1010": "an error message was received",
    "-1016": "says nothing about this order",
    "-2010": "other Binance APIs say a duplicate client id so",
    "-2011": "says nothing about placing",
    "-2012": "says nothing about placing",
    "-2013": "says nothing about placing",
    "-4028": "says nothing about placing",
    "-4046": "says nothing about placing",
    "-4111": "a duplicate id: an earlier one was taken",
    "-4116": "a duplicate client id: accepted earlier",
}


def answer(code: str) -> Answer:
    return Answer(False, code, "words", None, None, "order")


def fate(operation: Operation, code: str) -> Fate:
    return CODES.judge(operation, answer(code), lambda _: "never asked").fate


def vendor_codes() -> list[str]:
    """Every code that ccxt knows of any Binance API, and those that only the documentation has."""
    tables = binancecoinm().exceptions
    known = {code for table in tables.values() for code in table.get("exact", table)}
    documented = {str(code) for code in REJECTED_WHEN_PLACING} | NEVER_A_REJECTION.keys()
    return sorted(code for code in known | documented if code.lstrip("-").isdecimal())


def test_the_vendors_table_is_worth_testing() -> None:
    assert len(vendor_codes()) > 400


def test_a_code_rejects_an_order_only_if_it_is_listed() -> None:
    assert {code: fate(Operation.PLACE, code) for code in vendor_codes()} == {
        code: Fate.REJECTED if int(code) in REJECTED_WHEN_PLACING else Fate.UNKNOWN for code in vendor_codes()
    }


@pytest.mark.parametrize(("code", "why"), NEVER_A_REJECTION.items())
def test_never_a_rejection(code: str, why: str) -> None:
    assert fate(Operation.PLACE, code) is Fate.UNKNOWN, why


@pytest.mark.parametrize(
    ("operation", "code", "expected"),
    [
        (Operation.CANCEL, "-2011", Fate.REJECTED),
        (Operation.CANCEL, "-2013", Fate.REJECTED),
        (Operation.CANCEL, "-2019", Fate.UNKNOWN),
        (Operation.CANCEL, "-1007", Fate.UNKNOWN),
        (Operation.LEVERAGE, "-4028", Fate.REJECTED),
        (Operation.LEVERAGE, "-2028", Fate.REJECTED),
        (Operation.LEVERAGE, "-4150", Fate.REJECTED),
        (Operation.LEVERAGE, "-4116", Fate.UNKNOWN),
        (Operation.LEVERAGE, "-1000", Fate.UNKNOWN),
        (Operation.MARGIN_MODE, "-4046", Fate.ACCEPTED),
        (Operation.MARGIN_MODE, "-4047", Fate.REJECTED),
        (Operation.MARGIN_MODE, "-4048", Fate.REJECTED),
        (Operation.MARGIN_MODE, "-2019", Fate.UNKNOWN),
    ],
)
def test_other_writes_have_tables_of_their_own(operation: Operation, code: str, expected: Fate) -> None:
    assert fate(operation, code) is expected


@pytest.mark.parametrize("table", [CODES.credentials, CODES.passing, CODES.refused, *CODES.rejected.values()])
def test_every_listed_code_is_a_negative_number_with_a_meaning(table: dict[str, str]) -> None:
    assert all(code.startswith("-") and code[1:].isdecimal() and meaning for code, meaning in table.items())


def error(code: object, message: object = "words") -> str:
    return json.dumps({"code": code, "msg": message})


def replied(body: str, status: int = 400, **how: Any) -> Fault:
    return Fault("http_status", status=status, body=body, **PLACE, **how)


ACK = {"orderId": 7, "clientOrderId": "hb0000000000001", "symbol": "BTCUSD_PERP", "status": "NEW"}
INSUFFICIENT = error(-2019, "Margin is insufficient.")

NO_PROOF = {
    "request lost": Fault("lose_request", **PLACE),
    "reply lost": Fault("lose_reply", **PLACE),
    "reply never comes": Fault("delay_reply", **PLACE),
    "arrives late": Fault("late_arrival", seconds=8, **PLACE),
    "body cut short": Fault("truncate_reply", at=20, **PLACE),
    "HTML with 200": Fault("html_200", **PLACE),
    "nothing with 200": Fault("empty_200", **PLACE),
    "null with 200": Fault("null_200", **PLACE),
    "NaN in the JSON": Fault("nan_json", **PLACE),
    "a key twice": Fault("duplicate_keys", **PLACE),
    "bytes flipped": Fault("garble", **PLACE),
    "a list": replied("[]", 200),
    "no id": replied(json.dumps({**ACK, "orderId": None}), 200),
    "empty id": replied(json.dumps({**ACK, "orderId": ""}), 200),
    "another order": replied(json.dumps({**ACK, "clientOrderId": "other"}), 200),
    "another contract": replied(json.dumps({**ACK, "symbol": "ETHUSD_PERP"}), 200),
    "a listed code with status 200": replied(INSUFFICIENT, 200),
    "code as text": replied(error("-2019")),
    "code as bool": replied(error(True)),
    "code without a sign": replied(error(2019)),
    "no code": replied('{"msg":"words"}'),
    "no message": replied('{"code":-2019}'),
    "unlisted code": replied(error(-9_999)),
    "time-out behind the exchange": replied(error(-1007)),
    "duplicate client id": replied(error(-4116)),
    **{
        f"listed code with status {s}": replied(INSUFFICIENT, s)
        for s in (403, 404, 408, 409, 500, 502, 503, 504)
    },
    "unknown error with 503": replied(error(-1000, "Unknown error, please check your request"), 503),
    **{
        f"HTML with {s}": Fault("http_status", status=s, processed=False, **PLACE)
        for s in (400, 401, 403, 404, 408, 418, 429, 451, 500, 502, 503, 504)
    },
}


@pytest.mark.parametrize("fault", NO_PROOF.values(), ids=NO_PROOF.keys())
def test_proves_nothing_and_is_sent_once(fault: Fault) -> None:
    async def act(bench: Bench) -> None:
        await bench.read()
        outcome = await bench.account.place(bench.order(-1_000))
        assert outcome.fate is Fate.UNKNOWN
        assert outcome.reason
        await bench.clock.sleep(60)
        assert bench.placed == 1

    play(act, BINANCE, plan=[fault])


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, -2019, "Margin is insufficient."),
        (400, -1021, "Timestamp for this request is outside of the recvWindow."),
        (400, -4188, "outside of the ME recvWindow"),
        (401, -2015, "Invalid API-key, IP, or permissions for action."),
        (429, -1003, "Too many requests"),
        (429, -1015, "Too many new orders"),
        (418, -1003, "Way too many requests"),
    ],
)
def test_a_listed_code_is_believed_with_its_meaning(status: int, code: int, message: str) -> None:
    async def act(bench: Bench) -> None:
        await bench.read()
        outcome = await bench.account.place(bench.order(-1_000))
        assert outcome.fate is Fate.REJECTED
        assert str(code) in outcome.reason
        assert message in outcome.reason
        assert bench.placed == 1

    play(act, BINANCE, plan=[replied(error(code, message), status, processed=False)])


def test_an_order_that_is_cancelled_or_changed_is_sent_once_too() -> None:
    """DELETE is what aiohttp sends again by itself on a dropped connection."""

    async def act(bench: Bench) -> None:
        order = bench.order(-1_000)
        await bench.account.place(order)
        assert (await bench.account.cancel(order)).fate is Fate.UNKNOWN
        assert bench.arrived["DELETE /dapi/v1/order"] == 1

    play(act, BINANCE, plan=[Fault("lose_reply", method="DELETE")])


class TestBans:
    """A ban is obeyed to its end, by orders and reads of that API alike, and by no other."""

    def banned(self, seconds: float, fault: Fault) -> None:
        async def act(bench: Bench) -> None:
            with pytest.raises(BackOffError) as caught:
                await bench.read()
            assert caught.value.seconds == pytest.approx(seconds, abs=0.5)
            arrived = bench.arrived.total()
            outcome = await bench.account.place(bench.order(-1_000))
            assert outcome.fate is Fate.REJECTED
            assert outcome.reason.startswith("not sent")
            await bench.clock.sleep(caught.value.seconds - 1)
            with pytest.raises(BackOffError):
                await bench.read()
            asked = [request.path for request in bench.seen[arrived:]]
            assert not [path for path in asked if path.startswith("/dapi")]
            await bench.clock.sleep(2)
            assert (await bench.read()).wallets

        play(act, BINANCE, plan=[fault])

    @pytest.mark.parametrize(("status", "seconds"), [(429, 60.0), (418, 120.0), (403, 60.0)])
    def test_a_status_that_does_not_say_how_long(self, status: int, seconds: float) -> None:
        self.banned(seconds, Fault("http_status", status=status, path="/dapi/v1/account", limit=1))

    def test_the_words_of_a_ban_name_its_last_millisecond(self) -> None:
        until = 1_735_689_600_000 + 250_000
        body = error(-1003, f"Way too many requests; IP banned until {until}.")
        self.banned(250.0, Fault("http_status", status=418, body=body, path="/dapi/v1/account", limit=1))

    def test_its_last_millisecond_says_nothing_before_the_exchange_s_time_is_known(self) -> None:
        """Our own clock may be a day behind: the ban would be heard of as one of a day more."""
        until = 1_735_689_600_000 + 86_400_000
        body = error(-1003, f"Way too many requests; IP banned until {until}.")
        self.banned(120.0, Fault("http_status", status=418, body=body, path="/dapi/v1/time", limit=1))

    def test_the_header_says_how_long(self) -> None:
        async def act(bench: Bench) -> None:
            bench.app[DIALECT].coin_m_weights.limit = 10
            with pytest.raises(BackOffError) as caught:
                await bench.read()
            assert 0 < caught.value.seconds <= 60
            bench.app[DIALECT].coin_m_weights.limit = 2400
            await bench.clock.sleep(caught.value.seconds + 0.1)
            assert (await bench.read()).wallets

        play(act, BINANCE)

    def test_a_ban_of_one_api_is_not_one_of_the_other(self) -> None:
        async def act(bench: Bench) -> None:
            await bench.read()
            bench.faults._plan = (Fault("http_status", status=418, path="/api"),)
            with pytest.raises(ReadError):
                await bench.read()
            assert (await bench.account.place(bench.order(-1_000))).fate is Fate.ACCEPTED

        play(act, BINANCE)


def test_what_was_not_sent_is_rejected() -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.place(bench.order(-1_000))
        assert outcome.fate is Fate.REJECTED
        assert outcome.reason.startswith("not sent")
        assert bench.placed == 0

    play(act, BINANCE, plan=[Fault("html_200", path="/dapi/v1/exchangeInfo")])


def test_without_the_exchanges_time_nothing_is_signed() -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.place(bench.order(-1_000))
        assert (outcome.fate, bench.placed) == (Fate.REJECTED, 0)
        with pytest.raises(ReadError):
            await bench.read()
        assert not [request for request in bench.seen if "signature" in request.query]

    play(act, BINANCE, changes=[Change("/dapi/v1/time", "serverTime", lambda _: "soon")])
