"""What became of an order: rejected only by a listed code in a well-formed reply; always sent once."""

import json
from typing import Any

import pytest
from ccxt.async_support import bybit as ccxt_bybit

from hedgebot.domain.orders import Fate, Outcome
from hedgebot.exchange.bybit.venue import CODES
from hedgebot.exchange.fates import Answer, Codes, Operation
from hedgebot.sim.faults import Fault, bybit_error
from tests.exchange.kit import Bench, play

CREATE: dict[str, Any] = {"method": "POST", "path": "/v5/order/create"}

REJECTED_WHEN_PLACING = {
    10001, 10002, 10003, 10004, 10005, 10006, 10007, 10008, 10009, 10010, 10017, 10018, 10024, 10027,
    10028, 10029, 33004, 100028, 30208, 30209, 30228, 110003, 110004, 110005, 110006, 110007, 110012,
    110016, 110017, 110020, 110021, 110023, 110032, 110040, 110042, 110044, 110045, 110051, 110052,
    110053, 110063, 110066, 110067, 110068, 110069, 110074, 110080, 110085, 110086, 110087, 110089,
    110090, 110094, 110101, 110102, 110104, 110105, 110106, 110107, 110120, 110121, 110123, 110124,
    110125, 110131, 110132, 170346,
}  # fmt: skip

NEVER_A_REJECTION = {
    "-1": "request expired: by whose clock",
    "429": "overloaded: perhaps after it was taken",
    "5004": "server time-out",
    "10000": "server time-out",
    "10014": "duplicate request: an earlier one was taken",
    "10016": "server error",
    "10429": "system protection",
    "12141": "duplicate client id",
    "30001": "duplicate client id",
    "110001": "says nothing about placing",
    "110030": "duplicate order id",
    "110043": "says nothing about placing",
    "110072": "duplicate client id: accepted earlier",
    "110079": "being processed",
    "170007": "time-out behind the exchange",
    "170141": "duplicate client id",
    "170146": "time-out while creating",
    "340099": "server error",
}


def answer(code: int, result: object = None) -> Answer:
    return Answer(code == 0, str(code), "words", None, result, "order/create")


def fate(operation: Operation, code: str) -> Fate:
    return CODES.judge(operation, answer(int(code)), lambda _: "never asked").fate


def vendor_codes() -> list[str]:
    """Every code that ccxt knows, and those that Bybit documents and ccxt does not know."""
    return sorted({*ccxt_bybit().exceptions["exact"], *NEVER_A_REJECTION, *map(str, REJECTED_WHEN_PLACING)})


def test_the_vendors_table_is_worth_testing() -> None:
    assert len(vendor_codes()) > 350


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
        (Operation.CANCEL, "110001", Fate.REJECTED),
        (Operation.CANCEL, "110008", Fate.REJECTED),
        (Operation.CANCEL, "110010", Fate.REJECTED),
        (Operation.CANCEL, "110007", Fate.UNKNOWN),
        (Operation.CANCEL, "10016", Fate.UNKNOWN),
        (Operation.LEVERAGE, "110043", Fate.ACCEPTED),
        (Operation.LEVERAGE, "110013", Fate.REJECTED),
        (Operation.LEVERAGE, "110072", Fate.UNKNOWN),
        (Operation.LEVERAGE, "10000", Fate.UNKNOWN),
    ],
)
def test_other_writes_have_tables_of_their_own(operation: Operation, code: str, expected: Fate) -> None:
    assert fate(operation, code) is expected


TABLES = Codes(
    credentials={"1": "bad key"},
    passing={},
    refused={"2": "not here"},
    rejected={Operation.PLACE: {"3": "no margin"}},
    already={Operation.LEVERAGE: {"4": "is so"}},
)


@pytest.mark.parametrize(
    ("operation", "code", "expected"),
    [
        (Operation.PLACE, 0, Outcome(Fate.ACCEPTED, "accepted", "17")),
        (Operation.PLACE, 1, Outcome(Fate.REJECTED, "bad key (code 1: words)")),
        (Operation.PLACE, 2, Outcome(Fate.REJECTED, "not here (code 2: words)")),
        (Operation.PLACE, 3, Outcome(Fate.REJECTED, "no margin (code 3: words)")),
        (Operation.PLACE, 4, Outcome(Fate.UNKNOWN, "not a listed rejection (code 4: words)")),
        (Operation.LEVERAGE, 1, Outcome(Fate.REJECTED, "bad key (code 1: words)")),
        (Operation.LEVERAGE, 3, Outcome(Fate.UNKNOWN, "not a listed rejection (code 3: words)")),
        (Operation.LEVERAGE, 4, Outcome(Fate.ACCEPTED, "is so (code 4: words)")),
    ],
)
def test_a_fate_comes_with_the_tables_words_and_the_exchanges(
    operation: Operation, code: int, expected: Outcome
) -> None:
    assert TABLES.judge(operation, answer(code), lambda _: "17") == expected


def test_a_success_that_makes_no_sense_proves_nothing() -> None:
    outcome = TABLES.judge(Operation.PLACE, answer(0, {}), lambda told: told.fields.name("orderId"))
    assert outcome == Outcome(Fate.UNKNOWN, "order/create.orderId: is missing")


@pytest.mark.parametrize("table", [CODES.credentials, CODES.passing, CODES.refused, *CODES.rejected.values()])
def test_every_listed_code_is_a_number_with_a_meaning(table: dict[str, str]) -> None:
    assert all(code.lstrip("-").isdecimal() and meaning for code, meaning in table.items())


def body(code: object = 0, **result: object) -> str:
    return json.dumps({"retCode": code, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": 1})


IDS = {"orderId": "7", "orderLinkId": "hb0000000000001"}
INSUFFICIENT = bybit_error(110007, "ab not enough for new order")

NO_PROOF = {
    "request lost": Fault("lose_request", **CREATE),
    "reply lost": Fault("lose_reply", **CREATE),
    "reply never comes": Fault("delay_reply", **CREATE),
    "arrives late": Fault("late_arrival", seconds=8, **CREATE),
    "body cut short": Fault("truncate_reply", at=20, **CREATE),
    "HTML with 200": Fault("html_200", **CREATE),
    "nothing with 200": Fault("empty_200", **CREATE),
    "null with 200": Fault("null_200", **CREATE),
    "NaN in the JSON": Fault("nan_json", **CREATE),
    "a key twice": Fault("duplicate_keys", **CREATE),
    "bytes flipped": Fault("garble", **CREATE),
    "a list": Fault("exchange_error", body="[]", **CREATE),
    "no code": Fault("exchange_error", body='{"retMsg":"OK","result":{}}', **CREATE),
    "code as text": Fault("exchange_error", body=body("110007"), **CREATE),
    "code as bool": Fault("exchange_error", body=body(True), **CREATE),
    "no id": Fault("exchange_error", body=body(), **CREATE),
    "empty id": Fault("exchange_error", body=body(**IDS | {"orderId": ""}), **CREATE),
    "null id": Fault("exchange_error", body=body(**IDS | {"orderId": None}), **CREATE),
    "another order's id": Fault("exchange_error", body=body(**IDS | {"orderLinkId": "other"}), **CREATE),
    "server time-out": Fault("exchange_error", body=bybit_error(10000, "Server Timeout"), **CREATE),
    "server error": Fault("exchange_error", body=bybit_error(10016, "Server error"), **CREATE),
    "unlisted code": Fault("exchange_error", body=bybit_error(987654, "?"), **CREATE),
    "listed code with status 500": Fault("http_status", status=500, body=INSUFFICIENT, **CREATE),
    "listed code with status 403": Fault("http_status", status=403, body=INSUFFICIENT, **CREATE),
    **{
        f"HTML with {status}": Fault("http_status", status=status, processed=False, **CREATE)
        for status in (400, 401, 403, 404, 418, 429, 451, 500, 502, 503, 504)
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

    play(act, plan=[fault])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.place(bench.order(-1_000))
        assert outcome.fate is Fate.UNKNOWN
        assert bench.placed == 1

    play(act, plan=[Fault("http_status", status=status, **CREATE)])


def test_a_refused_connection_sends_nothing_and_is_unknown_all_the_same() -> None:
    async def act(bench: Bench) -> None:
        await bench.read()
        bench.network.down = True
        bench.network.reset()
        await bench.clock.sleep(1)
        assert (await bench.account.place(bench.order(-1_000))).fate is Fate.UNKNOWN
        assert bench.placed == 0

    play(act)


@pytest.mark.parametrize(
    ("code", "message"), [(110007, "ab not enough"), (10001, "params"), (10006, "slow down")]
)
def test_a_listed_code_is_believed_with_its_meaning(code: int, message: str) -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.place(bench.order(-1_000))
        assert outcome.fate is Fate.REJECTED
        assert str(code) in outcome.reason
        assert message in outcome.reason
        assert bench.placed == 1

    play(act, plan=[Fault("exchange_error", body=bybit_error(code, message), processed=False, **CREATE)])


def test_what_was_not_sent_is_rejected() -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.place(bench.order(-1_000))
        assert outcome.fate is Fate.REJECTED
        assert outcome.reason.startswith("not sent")
        assert bench.placed == 0

    play(act, plan=[Fault("html_200", path="/v5/market/instruments-info")])
