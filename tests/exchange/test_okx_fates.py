"""What became of an order on OKX: its own code, in the row where there is one, and nothing else tells."""

import json
from typing import Any

import pytest
from ccxt.async_support import okx as ccxt_okx

from hedgebot.domain.orders import Fate
from hedgebot.errors import ConversionError
from hedgebot.exchange.fates import Answer, Operation
from hedgebot.exchange.okx import venue
from hedgebot.exchange.okx.venue import CODES
from hedgebot.exchange.wire import Reply
from hedgebot.sim.faults import Fault
from tests.exchange.kit import OKX, Bench, play

CREATE: dict[str, Any] = {"method": "POST", "path": OKX.place}

REJECTED_WHEN_PLACING = {
    *range(50000, 50001), 50002, *range(50005, 50010), 50011, 50012, *range(50014, 50025), 50027, 50028,
    50029, 50030, 50032, 50033, 50035, 50036, 50037, 50038, 50040, 50041, 50046, 50051, 50052, 50059, 50060,
    50061, 50062, 50072, *range(50100, 50108), 50110, 50111, 50112, 50113, 50114, 50115, 50119, 50120, 50121,
    51000, 51001, *range(51004, 51011), 51015, *range(51020, 51026), *range(51027, 51033), 51037, 51041,
    51043, 51087, *range(51101, 51108), 51109, 51112, 51116, 51117, 51119, 51120, 51121, 51122, 51124, 51127,
    51131, *range(51134, 51139), 51148, 51150, 51155, 51169, 51170, 51174, 51185, 51186, 51187, 51203, 51204,
    51205, 51206,
} - {50010}  # fmt: skip

NEVER_A_REJECTION = {
    "1": "says nothing without a row",
    "2": "some of several orders: there was one",
    "50001": "out of service: before or after it was taken",
    "50004": "time-out within the exchange",
    "50013": "busy: perhaps after it was taken",
    "50026": "system error",
    "50042": "repeated request: an earlier one was taken",
    "50071": "the client id exists",
    "51011": "the order id exists",
    "51016": "the client id exists: accepted earlier",
    "51054": "time-out within the exchange",
    "51065": "an algorithm's client id exists",
    "51149": "time-out while creating",
    "51400": "says nothing about placing",
    "51603": "says nothing about placing",
    "59102": "says nothing about placing",
}


def answer(code: str) -> Answer:
    return Answer(code == "0", code, "words", None, None, "trade/order")


def fate(operation: Operation, code: str) -> Fate:
    return CODES.judge(operation, answer(code), lambda _: "never asked").fate


def vendor_codes() -> list[str]:
    """Every code that ccxt knows, and those that OKX documents and ccxt does not know."""
    known = ccxt_okx().exceptions["exact"]
    return sorted({*known, *NEVER_A_REJECTION, *map(str, REJECTED_WHEN_PLACING)} - {"0"})


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
        (Operation.CANCEL, "51400", Fate.REJECTED),
        (Operation.CANCEL, "51603", Fate.REJECTED),
        (Operation.CANCEL, "51412", Fate.UNKNOWN),
        (Operation.CANCEL, "51008", Fate.UNKNOWN),
        (Operation.CANCEL, "50026", Fate.UNKNOWN),
        (Operation.LEVERAGE, "59102", Fate.REJECTED),
        (Operation.LEVERAGE, "59108", Fate.REJECTED),
        (Operation.LEVERAGE, "51016", Fate.UNKNOWN),
        (Operation.LEVERAGE, "50004", Fate.UNKNOWN),
    ],
)
def test_other_writes_have_tables_of_their_own(operation: Operation, code: str, expected: Fate) -> None:
    assert fate(operation, code) is expected


@pytest.mark.parametrize("table", [CODES.credentials, CODES.passing, CODES.refused, *CODES.rejected.values()])
def test_every_listed_code_is_a_number_with_a_meaning(table: dict[str, str]) -> None:
    assert all(code.isdecimal() and meaning for code, meaning in table.items())


def body(code: object = "0", *rows: dict[str, object], msg: object = "") -> str:
    return json.dumps({"code": code, "data": list(rows), "msg": msg})


def row(code: str, **changes: object) -> dict[str, object]:
    told = {"clOrdId": "hb0000000000001", "ordId": "", "sCode": code, "sMsg": "words", "tag": "", "ts": "1"}
    return told | changes


ACCEPTED = row("0", ordId="312269865356374016")
INSUFFICIENT = body("1", row("51008"), msg="All operations failed")


class TestTheEnvelope:
    def read(self, text: str, status: int = 200) -> Answer:
        return venue.answer(Reply(status, {}, text.encode(), 0, 0), "okx")

    def test_the_code_of_a_failed_order_is_its_rows(self) -> None:
        assert (self.read(INSUFFICIENT).code, self.read(INSUFFICIENT).message) == ("51008", "words")

    def test_so_it_is_where_some_of_several_failed(self) -> None:
        assert self.read(body("2", row("51008"))).code == "51008"

    def test_without_a_row_it_is_its_own(self) -> None:
        assert self.read(body("50011", msg="Too Many Requests"), 429).code == "50011"
        assert self.read(body("1")).code == "1"

    def test_the_clock_of_an_order_reply_is_when_it_left(self) -> None:
        times = '{"inTime":"1695190491421339","outTime":"1695190491423240",'
        assert self.read(times + body("0", ACCEPTED)[1:]).at == 1695190491423

    def test_the_clock_is_told_by_the_time_endpoint(self) -> None:
        assert self.read('{"code":"0","msg":"","data":[{"ts":"1597026383085"}]}').at == 1597026383085

    def test_an_update_time_is_not_taken_for_the_clock(self) -> None:
        assert self.read('{"code":"0","msg":"","data":[{"ts":"1597026383085","markPx":"1"}]}').at is None
        assert self.read('{"code":"0","msg":"","data":[]}').at is None

    @pytest.mark.parametrize("status", [403, 404, 500, 502, 503])
    def test_no_other_status_has_an_answer(self, status: int) -> None:
        with pytest.raises(ConversionError, match=f"HTTP {status}"):
            self.read(INSUFFICIENT, status)

    def test_a_success_has_no_other_status_than_its_own(self) -> None:
        with pytest.raises(ConversionError):
            self.read(body("0", ACCEPTED), 400)

    @pytest.mark.parametrize(
        "text",
        [
            body("1", row("0")),
            body("1", row("51008"), row("51008")),
            body(0),
            body(True),
            body(None),
            body(""),
            body("0", msg=None),
            "[]",
            "null",
            '{"code":"0","msg":""}',
            '{"code":"0","code":"0","msg":"","data":[]}',
            "<html>",
        ],
    )
    def test_anything_else_is_no_answer(self, text: str) -> None:
        with pytest.raises(ConversionError):
            self.read(text)


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
    "no code": Fault("exchange_error", body='{"msg":"","data":[]}', **CREATE),
    "code as number": Fault("exchange_error", body=body(51008), **CREATE),
    "success without a row": Fault("exchange_error", body=body("0"), **CREATE),
    "success with two rows": Fault("exchange_error", body=body("0", ACCEPTED, ACCEPTED), **CREATE),
    "no id": Fault("exchange_error", body=body("0", {"sCode": "0"}), **CREATE),
    "empty id": Fault("exchange_error", body=body("0", row("0")), **CREATE),
    "null id": Fault("exchange_error", body=body("0", row("0", ordId=None)), **CREATE),
    "another order's id": Fault("exchange_error", body=body("0", row("0", ordId="1", clOrdId="x")), **CREATE),
    "success whose row failed": Fault("exchange_error", body=body("0", row("51008", ordId="1")), **CREATE),
    "failure whose row succeeded": Fault("exchange_error", body=body("1", ACCEPTED), **CREATE),
    "failure without a row": Fault("exchange_error", body=body("1"), **CREATE),
    "server time-out": Fault("exchange_error", body=body("50004"), **CREATE),
    "server time-out with 400": Fault("http_status", status=400, body=body("50004"), **CREATE),
    "server error": Fault("exchange_error", body=body("50026"), **CREATE),
    "out of service": Fault("http_status", status=503, body=body("50001"), **CREATE),
    "busy": Fault("http_status", status=429, body=body("50013"), **CREATE),
    "order timed out": Fault("exchange_error", body=body("1", row("51149")), **CREATE),
    "duplicate id": Fault("exchange_error", body=body("1", row("51016")), **CREATE),
    "unlisted code": Fault("exchange_error", body=body("1", row("987654")), **CREATE),
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

    play(act, OKX, plan=[fault])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.place(bench.order(-1_000))
        assert (outcome.fate, bench.placed) == (Fate.UNKNOWN, 1)

    play(act, OKX, plan=[Fault("http_status", status=status, **CREATE)])


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("exchange_error", body=INSUFFICIENT, processed=False, **CREATE), ("51008", "words")),
        (Fault("http_status", status=400, body=body("51000", msg="px"), **CREATE), ("51000", "px")),
        (Fault("http_status", status=401, body=body("50113", msg="Sign"), **CREATE), ("50113", "Sign")),
        (Fault("http_status", status=429, body=body("50011", msg="slow"), **CREATE), ("50011", "slow")),
        (
            Fault("exchange_error", body=body("1", row("50061")), processed=False, **CREATE),
            ("50061", "words"),
        ),
    ],
    ids=lambda case: case[0] if isinstance(case, tuple) else "",
)
def test_a_listed_code_is_believed_with_its_meaning(fault: Fault, words: tuple[str, str]) -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.place(bench.order(-1_000))
        assert outcome.fate is Fate.REJECTED
        assert all(word in outcome.reason for word in words)
        assert bench.placed == 1

    play(act, OKX, plan=[fault])


@pytest.mark.parametrize("code", ["50011", "50061"])
def test_too_many_requests_hold_everything_for_two_seconds(code: str) -> None:
    async def act(bench: Bench) -> None:
        await bench.account.place(bench.order(-1_000))
        began = bench.clock.monotonic()
        second = await bench.account.place(bench.order(-1_000))
        assert (second.fate, bench.placed) == (Fate.REJECTED, 1)
        assert second.reason.startswith("not sent")
        await bench.clock.sleep(2 - (bench.clock.monotonic() - began))
        assert (await bench.account.place(bench.order(-1_000))).fate is Fate.ACCEPTED

    play(act, OKX, plan=[Fault("exchange_error", body=body("1", row(code)), limit=1, **CREATE)])


def test_what_was_not_sent_is_rejected() -> None:
    async def act(bench: Bench) -> None:
        outcome = await bench.account.place(bench.order(-1_000))
        assert outcome.fate is Fate.REJECTED
        assert outcome.reason.startswith("not sent")
        assert bench.placed == 0

    play(act, OKX, plan=[Fault("html_200", path="/api/v5/public/instruments")])
