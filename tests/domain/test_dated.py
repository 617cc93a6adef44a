"""Which dated contract a leg is short in, and which it has yet to leave."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from hedgebot.domain.dated import configured, legs_now, whole
from hedgebot.domain.funding import Action, Budget
from hedgebot.domain.hedge import Hedge, LegPolicy, Roll
from hedgebot.domain.instrument import Instrument, is_dated, perpetual_of
from hedgebot.domain.units import Millis
from tests import builders

DAY = 86_400_000
SEPTEMBER, DECEMBER, MARCH, JUNE = "260925", "261225", "270326", "270625"
OCTOBER = "261030"


def at(day: str, hour: int = 8) -> Millis:
    return Millis(
        int(datetime.strptime(f"{day}{hour:02}", "%y%m%d%H").replace(tzinfo=UTC).timestamp()) * 1000
    )


def contract(day: str, *, tradable: bool = True) -> Instrument:
    instrument = builders.instrument()
    return replace(
        instrument, symbol=f"BTC/USD:BTC-{day}", native=f"BTCUSD-{day}", ends_at=at(day), tradable=tradable
    )


LISTED = {"main": [builders.instrument(), *map(contract, (OCTOBER, MARCH, DECEMBER, SEPTEMBER))]}


def hedge(symbol: str = "BTC/USD:BTC-next-quarter", days: int = 3) -> Hedge:
    return replace(builders.hedge(), legs=(LegPolicy("main", symbol),), roll=Roll(days * DAY))


def names(hedge: Hedge, now: Millis, seen: str = "") -> list[tuple[str, int]]:
    legs = legs_now(hedge, LISTED, {f"main:BTC/USD:BTC-{seen}"}, now)
    return [(leg.symbol.removeprefix("BTC/USD:BTC"), int(leg.weight)) for leg in legs]


class TestWhichContract:
    @pytest.mark.parametrize(
        ("now", "chosen"),
        [
            (at("260901"), SEPTEMBER),
            (at("260922", 7), SEPTEMBER),
            (at("260922"), DECEMBER),
            (at("260925"), DECEMBER),
            (at("261222", 7), DECEMBER),
            (at("261222"), MARCH),
        ],
    )
    def test_next_quarter_is_the_first_quarterly_one_that_does_not_end_too_soon(
        self, now: Millis, chosen: str
    ) -> None:
        assert names(hedge(), now) == [(f"-{chosen}", 1)]

    @pytest.mark.parametrize(("days", "chosen"), [(1, SEPTEMBER), (10, DECEMBER)])
    def test_too_soon_is_what_the_config_says(self, days: int, chosen: str) -> None:
        assert names(hedge(days=days), at("260920")) == [(f"-{chosen}", 1)]

    @pytest.mark.parametrize(
        ("named", "now", "chosen"),
        [
            (DECEMBER, at("260901"), DECEMBER),
            (DECEMBER, at("261223"), MARCH),
            (OCTOBER, at("260901"), OCTOBER),
            (OCTOBER, at("261029"), DECEMBER),
            (SEPTEMBER, at("261001"), DECEMBER),
        ],
    )
    def test_a_named_one_is_kept_and_then_followed_by_the_next_quarterly_one(
        self, named: str, now: Millis, chosen: str
    ) -> None:
        assert names(hedge(f"BTC/USD:BTC-{named}"), now) == [(f"-{chosen}", 1)]

    def test_while_no_later_one_is_listed_the_last_is_kept(self) -> None:
        assert names(hedge(), at("270325")) == [(f"-{MARCH}", 1)]

    def test_of_several_that_all_end_too_soon_the_last_is_taken(self) -> None:
        assert names(hedge(days=300), at("260901")) == [(f"-{MARCH}", 1)]

    def test_a_perpetual_one_that_is_to_be_delisted_is_no_dated_one(self) -> None:
        delisted = replace(builders.instrument(), ends_at=at(SEPTEMBER))
        [leg] = legs_now(hedge(), {"main": [delisted, contract(DECEMBER)]}, (), at("260901"))
        assert leg.symbol == f"BTC/USD:BTC-{DECEMBER}"

    def test_a_named_one_comes_before_another_that_ends_with_it(self) -> None:
        twin = replace(contract(DECEMBER), symbol=f"BTC/USD:BTC-{DECEMBER}-mini")
        named = hedge(f"BTC/USD:BTC-{DECEMBER}")
        [leg] = legs_now(named, {"main": [twin, contract(DECEMBER)]}, (), at("260901"))
        assert leg.symbol == f"BTC/USD:BTC-{DECEMBER}"

    def test_one_that_is_not_traded_is_not_chosen(self) -> None:
        listed = {"main": [contract(SEPTEMBER), contract(DECEMBER, tradable=False), contract(MARCH)]}
        [leg] = legs_now(hedge(), listed, (), at("260924"))
        assert leg.symbol == f"BTC/USD:BTC-{MARCH}"

    @pytest.mark.parametrize("symbol", ["BTC/USD:BTC-next-quarter", f"BTC/USD:BTC-{JUNE}"])
    def test_without_any_it_says_so(self, symbol: str) -> None:
        with pytest.raises(ValueError, match=f"main lists no dated contract for {symbol}"):
            legs_now(hedge(symbol), {"main": [builders.instrument()]}, (), at("260901"))

    def test_a_perpetual_leg_is_what_it_is(self) -> None:
        legs = (LegPolicy("main", "BTC/USD:BTC"), LegPolicy("main", "BTC/USD:BTC-next-quarter"))
        both = legs_now(replace(hedge(), legs=legs), LISTED, (), at("260901"))
        assert [leg.symbol for leg in both] == ["BTC/USD:BTC", f"BTC/USD:BTC-{SEPTEMBER}"]

    def test_one_that_it_is_in_is_not_left_for_a_pause_in_its_trading(self) -> None:
        listed = {"main": [contract(SEPTEMBER, tradable=False), contract(DECEMBER)]}
        [fresh] = legs_now(hedge(), listed, (), at("260901"))
        assert fresh.symbol == f"BTC/USD:BTC-{DECEMBER}"
        [kept] = legs_now(hedge(), listed, {f"main:BTC/USD:BTC-{SEPTEMBER}"}, at("260901"))
        assert kept.symbol == f"BTC/USD:BTC-{SEPTEMBER}"

    def test_two_legs_that_come_to_the_same_contract_are_one(self) -> None:
        """Its short must count once."""
        legs = (LegPolicy("main", "BTC/USD:BTC-next-quarter"), LegPolicy("main", f"BTC/USD:BTC-{SEPTEMBER}"))
        both = legs_now(replace(hedge(), legs=legs), LISTED, (), at("260901"))
        assert [(leg.symbol, int(leg.weight)) for leg in both] == [(f"BTC/USD:BTC-{SEPTEMBER}", 2)]
        later = legs_now(replace(hedge(), legs=legs), LISTED, (), at("260923"))
        assert [(leg.symbol, int(leg.weight)) for leg in later] == [(f"BTC/USD:BTC-{DECEMBER}", 2)]


class TestBesideAPerpetualContract:
    """A hedge that may leave it for its funding."""

    BUDGET = Budget(Decimal("0.3"), (DAY,), Action.DATED, Decimal("0.5"))

    def both(self, *, moved: bool, listed: list[Instrument] | None = None) -> list[tuple[str, int]]:
        may = replace(hedge("BTC/USD:BTC"), funding=self.BUDGET)
        of_main = {"main": LISTED["main"] if listed is None else listed}
        legs = legs_now(may, of_main, (), at("260901"), moved=moved)
        return [(leg.symbol.removeprefix("BTC/USD:BTC"), int(leg.weight)) for leg in legs]

    def test_one_of_the_two_has_the_share(self) -> None:
        assert self.both(moved=False) == [("", 1), (f"-{SEPTEMBER}", 0)]
        assert self.both(moved=True) == [("", 0), (f"-{SEPTEMBER}", 1)]

    def test_it_has_not_moved_unless_that_is_said(self) -> None:
        may = replace(hedge("BTC/USD:BTC"), funding=self.BUDGET)
        assert [int(leg.weight) for leg in configured(may)] == [1, 0]
        assert [int(leg.weight) for leg in legs_now(may, LISTED, (), at("260901"))] == [1, 0]

    @pytest.mark.parametrize("symbol", ["BTC/USD:BTC-next-quarter", "BTC/USDT:USDT"])
    def test_only_an_inverse_perpetual_one_has_a_dated_one_beside_it(self, symbol: str) -> None:
        may = replace(hedge(symbol), funding=self.BUDGET)
        assert list(configured(may)) == list(may.legs)

    def test_where_there_is_none_the_perpetual_one_is_all(self) -> None:
        assert self.both(moved=False, listed=[builders.instrument()]) == [("", 1)]
        with pytest.raises(ValueError, match="lists no dated contract"):
            self.both(moved=True, listed=[builders.instrument()])


class TestWhatIsLeft:
    def test_a_contract_that_was_a_leg_stays_one_without_a_share(self) -> None:
        now = at("260923")
        assert names(hedge(), now, seen=SEPTEMBER) == [(f"-{DECEMBER}", 1), (f"-{SEPTEMBER}", 0)]
        assert names(hedge(), now) == [(f"-{DECEMBER}", 1)]

    def test_a_later_one_that_was_a_leg_is_left_too(self) -> None:
        assert names(hedge(), at("260901"), seen=MARCH) == [(f"-{SEPTEMBER}", 1), (f"-{MARCH}", 0)]

    def test_one_that_ended_is_no_leg(self) -> None:
        assert names(hedge(), at("260925"), seen=SEPTEMBER) == [(f"-{DECEMBER}", 1)]


@pytest.mark.parametrize(
    ("symbol", "dated", "perpetual"),
    [
        ("BTC/USD:BTC", False, "BTC/USD:BTC"),
        ("BTC/USD:BTC-261225", True, "BTC/USD:BTC"),
        ("BTC/USD:BTC-next-quarter", True, "BTC/USD:BTC"),
    ],
)
def test_a_symbol_tells_whether_its_contract_ends(symbol: str, dated: bool, perpetual: str) -> None:
    assert is_dated(symbol) is dated
    assert perpetual_of(symbol) == perpetual


@pytest.mark.parametrize(
    ("symbol", "in_full"),
    [
        ("next-quarter", "ETH/USD:ETH-next-quarter"),
        ("BTC/USD:BTC-next-quarter", "BTC/USD:BTC-next-quarter"),
        ("BTC/USD:BTC", "BTC/USD:BTC"),
    ],
)
def test_a_config_may_leave_the_coin_of_the_next_quarter_out(symbol: str, in_full: str) -> None:
    assert whole(symbol, "ETH") == in_full
