"""Replies that once got through, each with what became of it then and what is said of it now."""

import asyncio
from dataclasses import dataclass
from functools import cache

import pytest

from hedgebot.domain.account import AccountReading, Ledger
from hedgebot.errors import ConversionError, HedgebotError
from hedgebot.exchange.convert import Fields
from hedgebot.exchange.wire import Reply
from tests.exchange.kit import VENUES
from tests.hostile.replay import CALLS, Damaged, Facts, Rig, Said
from tests.hostile.tape import DUST, HEDGED, LONG, UNHEDGED, Tape, taped
from tests.hostile.verdict import READ, Believed

INCOME = "dapi/v1/income"


@dataclass(frozen=True)
class Damage:
    """In the replies of one path of one account, one text stands for another."""

    venue: str
    scene: str
    path: str
    old: str
    new: str
    call: str = READ

    @property
    def tape(self) -> Tape:
        return tape_of(self.venue, self.scene)

    def play(self) -> Said:
        """What the call says of it."""
        tape = self.tape

        async def play() -> Said:
            rig = await Rig.of(tape)
            request = next(each for each in rig.asks[self.call] if each.path == self.path)
            body = rig.source.reply(request).body.decode()
            assert self.old in body
            reply = Reply(200, {}, body.replace(self.old, self.new).encode(), 0.0, 0.0)
            return await rig.play(self.call, Damaged(request, reply), Facts.OLD)

        return asyncio.run(play())


@cache
def tape_of(venue: str, scene: str) -> Tape:
    return taped(VENUES[venue], scene)


def believed(tape: Tape) -> Believed:
    async def play() -> Believed:
        rig = await Rig.of(tape)
        return Believed.after(tape, {call: await rig.play(call) for call in CALLS})

    return asyncio.run(play())


REFUSED: list[tuple[str, Damage, str]] = [
    (
        "a settlement in the year 56973, which no date of the status can show, ended the cycle",
        Damage("binance", HEDGED, "dapi/v1/premiumIndex", "1735747200000", "1735747200000000"),
        "nextFundingTime: is 1735747200000000, beyond all times",
    ),
    (
        "a code with a line break in it, which broke the line of the error",
        Damage("okx", HEDGED, "account/config", '"code":"0"', r'"code":"0\n"'),
        r"account/config\.code: is '0\\n', not digits",
    ),
    (
        "a coin of no printable name, repeated in the error about another field",
        Damage("binance", HEDGED, "dapi/v1/exchangeInfo", '"baseAsset":"ETH"', r'"baseAsset":"\n"'),
        r"baseAsset: is '\\n', no name",
    ),
    (
        "a margin below nothing behind a position",
        Damage("bybit", HEDGED, "position/list", '"positionBalance":"0', '"positionBalance":"-0'),
        "positionBalance: is -0.09.*, below zero",
    ),
    (
        "a margin below nothing of a flat position",
        Damage("bybit", UNHEDGED, "position/list", '"positionIM":"0"', '"positionIM":"-1"'),
        "positionIM: is -1, below zero",
    ),
    (
        "an initial margin below nothing",
        Damage("okx", LONG, "account/balance", '"imr":"0', '"imr":"-0'),
        "imr: is -0.*, below zero",
    ),
    (
        "a fee so far below zero that three times the hedge would have been sold",
        Damage("bybit", UNHEDGED, "account/fee-rate", '"0.00055"', '"-0.67"'),
        "takerFeeRate: is -0.67, no rate",
    ),
    (
        "two entries of one id that contradict each other were both counted",
        Damage("bybit", HEDGED, "execution/list", '"execId":"', '"execId":"1","was":"', call="ledger"),
        "two entries of the history have the id '1'",
    ),
]


@pytest.mark.parametrize(("then", "damage", "says"), REFUSED, ids=[then for then, _, _ in REFUSED])
def test_it_is_refused_in_words(then: str, damage: Damage, says: str) -> None:
    with pytest.raises(HedgebotError, match=says) as refused:
        damage.play()
    assert str(refused.value).isprintable()


def test_lists_too_deep_to_be_repeated_are_refused_in_words() -> None:
    """The error about a field repeats what stands there, and that failed with an error of its own."""
    deep: list[object] = []
    for _ in range(200_000):
        deep = [deep]
    with pytest.raises(ConversionError, match=r"here\.size: is nested too deeply, not a number"):
        Fields({"size": deep}, "here").decimal("size")


def test_an_entry_that_two_pages_show_counts_once() -> None:
    """What is booked between two pages moves the last row of the one into the other."""
    tape = tape_of("binance", HEDGED)
    body = next(reply.body for asked, reply in tape.replies.items() if asked.path == INCOME).decode()
    once = Damage("binance", HEDGED, INCOME, body, body, "ledger")
    twice = Damage("binance", HEDGED, INCOME, body, f"[{body[1:-1]},{body[1:-1]}]", "ledger")
    assert twice.play() == once.play()


@pytest.mark.parametrize("year", ["1997", "2028"])
def test_the_history_is_read_as_asked_for_whatever_the_exchanges_clock_says(year: str) -> None:
    """A time long ago read nothing at all, one far ahead skipped what was asked for; both as if complete."""
    wrong = {"1997": "8678592", "2028": "18357184"}[year]
    said = Damage("binance", HEDGED, "dapi/v1/time", "17357184", wrong, "ledger").play()
    assert isinstance(said, Ledger)
    assert len(said.entries) == 2


def test_more_coins_than_there_are_make_a_plan_and_no_arithmetic_error() -> None:
    """With 28 digits a number so large has none left behind the point, which rounding takes for an error."""
    none = '"asset":"BTC","free":"0.00000000"'
    damage = Damage("binance", DUST, "api/v3/account", none, none.replace("0.00000000", "9" * 18))
    said = damage.play()
    assert isinstance(said, AccountReading)
    plan = believed(damage.tape).plan_on(said)
    assert plan is not None
    assert plan.acts
