"""Is the snapshot one moment's truth? Every way in which its parts can contradict each other."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.account import Outage, Position
from hedgebot.domain.decision import Finding, Permission
from hedgebot.domain.market import Quote
from hedgebot.domain.orders import Stage
from hedgebot.domain.records import Memory
from hedgebot.domain.snapshot import Blind, Snapshot
from hedgebot.domain.units import Coin, Millis, Usd
from hedgebot.risk.coherence import check
from tests.builders import (
    DATED,
    LEG,
    LINEAR,
    NOW,
    coin,
    contracts,
    hedged,
    instrument,
    intent,
    leg,
    levels,
    policy,
    position,
    price,
    quote,
    snapshot,
    view,
)


def judged(seen: Snapshot | Blind) -> Finding:
    found = check(view(seen))
    assert found.permission is (Permission.NONE if found.blinds else Permission.ANY)
    assert found.alarms is found.blinds
    return found


def with_position(seen: Snapshot, **changes: Any) -> Snapshot:
    """The same with another position in its only leg; the wallet stays as it was."""
    (only,) = seen.legs
    return replace(seen, legs=(replace(only, position=replace(only.position, **changes)),))


def with_wallet(seen: Snapshot, **changes: Any) -> Snapshot:
    """The same with another margin wallet; the position stays as it was."""
    pot = replace(seen.margin_wallets[0], **changes)
    legs = tuple(replace(each, wallet=pot) for each in seen.legs)
    return replace(seen, margin_wallets=(pot,), legs=legs)


MOVED = hedged(-60_000, mark=50_000)  # one coin sold at 60,000; 0.2 coins of profit, half a coin bound
AT_ENTRY = hedged(-60_000)  # no profit to tell a position by
LOST = hedged(-60_000, mark=100_000)  # 0.4 coins of loss


FLAT: dict[str, Any] = {
    "contracts": contracts(0), "entry": None, "unrealized": Coin.zero(), "initial_margin": Coin.zero(),
}  # fmt: skip
EMPTIED: dict[str, Any] = {"coins": Coin.zero(), "unrealized": Coin.zero(), "position_margin": Coin.zero()}


def scaled(shown: Position, factor: str) -> dict[str, Any]:
    by = Decimal(factor)
    return {
        "contracts": shown.contracts * by,
        "unrealized": shown.unrealized * by,
        "initial_margin": shown.initial_margin * by,
    }


class TestAgreeing:
    @pytest.mark.parametrize(
        "seen",
        [
            MOVED,
            AT_ENTRY,
            LOST,
            hedged(0),
            hedged(-60_000, mark=599_000),  # nearly all of the pot lost on paper
            hedged(-60_000, mark=600),
            snapshot(leg(-60_000), coins=0, dollars=30_000, spot=1),
            snapshot(leg(-60_000), leg(-100, contract=instrument(DATED)), coins=2),
            snapshot(leg(-60_000), others=[("main", position(-10, contract=instrument(DATED)))]),
            snapshot(
                leg(-1_500, mark=30_000, contract=instrument(LINEAR, face="0.001")),
                coins=0, spot=2, stable=9_000,
            ),
        ],
    )  # fmt: skip
    def test_parts_that_belong_together(self, seen: Snapshot) -> None:
        found = judged(seen)
        assert (found.blinds, found.measured) == (False, "0.05 s")

    def test_a_long_is_somebody_elses_guard(self) -> None:
        assert not judged(hedged(30_000, mark=50_000)).blinds


class TestBlind:
    def test_reads_that_failed_are_named(self) -> None:
        found = judged(Blind("btc", NOW, ("main: no answer", "cold: no answer")))
        assert (found.reason, found.measured) == ("main: no answer; cold: no answer", "2 faults")
        assert not found.halts, "what waiting mends"

    def test_a_refused_key_halts(self) -> None:
        assert judged(Blind("btc", NOW, ("main: key refused",), refused=True)).halts


class TestPositionAgainstWallet:
    @pytest.mark.parametrize(
        ("seen", "says"),
        [
            (with_position(MOVED, **FLAT), "0.2 BTC unrealised"),
            (with_position(AT_ENTRY, **FLAT), "binds 0.5 BTC as margin"),
            (with_position(LOST, **FLAT), "-0.4 BTC unrealised"),
        ],
        ids=["its profit still there", "its margin still there", "its loss still there"],
    )
    def test_a_position_that_vanished_from_its_wallet(self, seen: Snapshot, says: str) -> None:
        found = judged(seen)
        assert found.blinds
        assert says in found.reason

    @pytest.mark.parametrize("seen", [MOVED, AT_ENTRY, LOST], ids=["profit", "at entry", "loss"])
    @pytest.mark.parametrize("factor", ["10", "0.1"])
    def test_a_position_read_at_another_scale(self, seen: Snapshot, factor: str) -> None:
        assert judged(with_position(seen, **scaled(seen.legs[0].position, factor))).blinds

    @pytest.mark.parametrize("seen", [MOVED, LOST], ids=["profit", "loss"])
    @pytest.mark.parametrize("factor", ["10", "0.1"])
    def test_a_size_alone_read_at_another_scale(self, seen: Snapshot, factor: str) -> None:
        size = seen.legs[0].position.contracts * Decimal(factor)
        found = judged(with_position(seen, contracts=size))
        assert "its size and prices make" in found.reason

    @pytest.mark.parametrize("seen", [MOVED, AT_ENTRY, LOST], ids=["profit", "at entry", "loss"])
    def test_a_wallet_emptied_under_an_open_position(self, seen: Snapshot) -> None:
        assert judged(with_wallet(seen, **EMPTIED)).blinds

    @pytest.mark.parametrize("seen", [MOVED, AT_ENTRY, LOST], ids=["profit", "at entry", "loss"])
    @pytest.mark.parametrize("coins", ["0", "-0.01"])
    def test_coins_alone_gone_from_under_an_open_position(self, seen: Snapshot, coins: str) -> None:
        found = judged(with_wallet(seen, coins=coin(coins)))
        assert "cannot carry the open positions" in found.reason

    def test_a_loss_that_ate_the_whole_pot_would_have_been_liquidated(self) -> None:
        assert judged(with_wallet(LOST, coins=coin("0.4"))).blinds
        assert not judged(with_wallet(LOST, coins=coin("0.41"))).blinds

    def test_no_coins_are_needed_where_dollars_carry_the_position(self) -> None:
        assert not judged(with_wallet(AT_ENTRY, coins=Coin.zero(), other_margin=Usd.of(1))).blinds

    def test_debts_in_dollars_carry_nothing(self) -> None:
        assert judged(with_wallet(AT_ENTRY, coins=Coin.zero(), other_margin=Usd.of(-1))).blinds

    def test_an_empty_wallet_without_positions_is_empty(self) -> None:
        assert not judged(snapshot(leg(), coins=0)).blinds

    @pytest.mark.parametrize("field", ["unrealized", "position_margin"])
    @pytest.mark.parametrize("factor", ["10", "0.1", "0"])
    def test_a_wallet_read_at_another_scale(self, field: str, factor: str) -> None:
        shown: Coin = getattr(MOVED.margin_wallets[0], field)
        assert judged(with_wallet(MOVED, **{field: shown * Decimal(factor)})).blinds

    @pytest.mark.parametrize(
        ("apart", "blinds"),
        [("0.006", False), ("0.0060002", False), ("0.0060003", True), ("-0.006", False), ("-0.0061", True)],
    )
    def test_profit_may_be_half_a_percent_of_the_short_apart(self, apart: str, blinds: bool) -> None:
        shown = MOVED.margin_wallets[0].unrealized + coin(apart)  # 1.2 coins are short
        assert judged(with_wallet(MOVED, unrealized=shown)).blinds is blinds
        told = judged(with_wallet(with_position(MOVED, unrealized=shown), unrealized=shown))
        assert told.blinds is blinds, "the position's own too"

    def test_what_several_legs_of_a_wallet_are_short_is_one_sum(self) -> None:
        two = snapshot(leg(-60_000), leg(-60_000, contract=instrument(DATED)), coins=2)
        assert not judged(with_wallet(two, unrealized=coin("0.01"))).blinds
        assert judged(with_wallet(two, unrealized=coin("0.0101"))).blinds

    @pytest.mark.parametrize(
        ("bound", "blinds"),
        [("0.49", False), ("0.4899998", False), ("0.4899997", True), ("0.51", False), ("0.5103", True)],
    )
    def test_margin_may_be_two_percent_apart(self, bound: str, blinds: bool) -> None:
        assert judged(with_wallet(AT_ENTRY, position_margin=coin(bound))).blinds is blinds

    def test_a_position_that_is_no_leg_has_its_share_in_the_wallet(self) -> None:
        other = position(-60_000, mark=50_000, contract=instrument(DATED))
        together = snapshot(leg(-60_000, mark=50_000), others=[("main", other)], coins=2)
        assert not judged(together).blinds
        assert judged(replace(together, others=())).blinds, "and is missed when it is not shown"
        assert judged(replace(together, others=(("cold", other),))).blinds, "or shown elsewhere"

    def test_it_stays_incoherent_however_long_it_lasts(self) -> None:
        vanished = with_position(MOVED, **FLAT)
        assert all(check(view(vanished, now=100.0 + 60 * minute)).blinds for minute in range(100))

    def test_a_position_and_its_wallet_gone_together_is_coherent(self) -> None:
        """A liquidation or ADL: the profit or loss is realised, nothing is bound any more."""
        assert not judged(snapshot(leg(), coins="0.9")).blinds


def booked(**changes: Any) -> Snapshot:
    return snapshot(leg(-60_000, book=quote(**changes)))


FAR, NEAR = levels((48_000, 10)), levels((72_000, 10))
FARTHER, TOO_NEAR = levels(("47999.5", 10)), levels(("72000.5", 10))


class TestThePast:
    """A replica that lags shows what was, all parts of it in agreement."""

    @pytest.mark.parametrize(
        ("updated_at", "seen", "stale"),
        [
            (NOW, NOW, False),
            (NOW, NOW - 60_000, False),
            (NOW - 999, NOW, False),  # the clocks of two hosts
            (NOW - 1_000, NOW, False),
            (NOW - 1_001, NOW, True),
            (NOW - 86_400_000, NOW, True),
            (0, NOW, False),  # the exchange does not say
            (NOW - 86_400_000, NOW - 59_999, True),
            (NOW - 86_400_000, NOW - 60_000, False),  # nothing is read that late
            (NOW, NOW + 59_999, True),
            (NOW, NOW + 60_000, False),  # nor was it seen before it was
        ],
    )
    def test_a_position_older_than_one_already_seen(self, updated_at: int, seen: int, stale: bool) -> None:
        past = with_position(AT_ENTRY, updated_at=Millis(updated_at))
        assert check(view(past, Memory(updated=((LEG, Millis(seen)),)))).blinds is stale

    @pytest.mark.parametrize(
        ("size", "updated_at", "seen", "stale"),
        [
            (-60_000, NOW - 5_000, NOW - 5_000, False),
            (0, NOW - 5_000, NOW - 5_000, True),
            (-30_000, NOW - 5_001, NOW - 5_000, True),  # which two hosts may say of the same one
            (-60_000, NOW - 5_001, NOW - 5_000, False),
            (0, NOW - 4_999, NOW - 5_000, False),
            (0, NOW - 59_999, NOW - 59_999, True),
            (0, NOW - 60_000, NOW - 60_000, False),  # nothing is read that late
            (0, 0, NOW - 5_000, False),  # the exchange does not say
        ],
    )
    def test_a_position_that_changed_and_is_dated_no_later(
        self, size: int, updated_at: int, seen: int, stale: bool
    ) -> None:
        """Liquidated and sold again within a second: what was flat between has almost the same date."""
        read = with_position(hedged(size), updated_at=Millis(updated_at))
        memory = Memory(contracts=((LEG, contracts(-60_000)),), updated=((LEG, Millis(seen)),))
        assert check(view(read, memory)).blinds is stale

    def test_a_position_that_shows_our_order_may_have_the_date_of_the_one_before(self) -> None:
        ours = intent(-60_000, Stage.CLOSED, filled=-60_000, updated_at=Millis(NOW - 4_500))
        read = with_position(AT_ENTRY, updated_at=Millis(NOW - 5_000))
        memory = Memory(contracts=((LEG, contracts(0)),), updated=((LEG, Millis(NOW - 5_000)),))
        assert not check(view(read, memory, closed=(ours,), recent=(ours,))).blinds
        before = with_position(hedged(0), updated_at=Millis(NOW - 5_000))
        assert check(view(before, memory, closed=(ours,), recent=(ours,))).blinds

    @pytest.mark.parametrize(("offset", "stale"), [(-30_000, True), (0, True), (30_000, False)])
    def test_how_late_it_is_the_exchanges_clock_says(self, offset: int, stale: bool) -> None:
        past = replace(with_position(AT_ENTRY, updated_at=Millis(NOW - 86_400_000)), offset_ms=offset)
        seen = ((LEG, Millis(NOW - 45_000)),)
        assert ("older than one already seen" in check(view(past, Memory(updated=seen))).reason) is stale

    def test_the_oldest_date_there_is_is_one(self) -> None:
        past = with_position(AT_ENTRY, updated_at=Millis(1))
        assert check(view(past, Memory(updated=((LEG, NOW),)))).blinds

    @pytest.mark.parametrize(
        ("filled", "age_ms", "before_ms", "stale"),
        [
            (-30_000, 5_000, 1_000, False),  # the clocks of two hosts
            (-30_000, 5_000, 1_001, True),
            (-30_000, 59_999, 1_001, True),
            (-30_000, 60_000, 1_001, False),  # nothing is read that late
            (-30_000, 0, 1_001, True),
            (-30_000, -1_000, 1_001, True),
            (-30_000, -1_001, 5_000, False),  # an order of the future was dated wrongly
            (0, 5_000, 1_001, False),
        ],
    )
    def test_a_position_older_than_an_order_of_ours(
        self, filled: int, age_ms: int, before_ms: int, stale: bool
    ) -> None:
        """The snapshot that showed it already may have been one that was not believed, for another reason."""
        ours = intent(filled or -1, Stage.CLOSED, filled=filled, updated_at=Millis(NOW - age_ms))
        past = with_position(AT_ENTRY, updated_at=Millis(NOW - age_ms - before_ms))
        assert check(view(past, recent=(ours,))).blinds is stale

    def test_a_position_that_shows_our_order_may_be_dated_as_it_likes(self) -> None:
        ours = intent(-60_000, Stage.CLOSED, filled=-60_000, updated_at=Millis(NOW - 5_000))
        shown = with_position(AT_ENTRY, updated_at=Millis(NOW - 50_000))
        assert not check(view(shown, recent=(ours,))).blinds

    @pytest.mark.parametrize(
        ("filled", "believed", "age_ms", "stale"),
        [
            (-60_000, 0, 5_000, True),
            (-60_000, 0, 59_999, True),
            (-60_000, 0, 60_000, False),  # nothing is read that late
            (60_000, -60_000, 5_000, False),  # it closed the position
            (0, 0, 5_000, False),
        ],
    )
    def test_a_flat_position_without_a_date_after_an_order_of_ours(
        self, filled: int, believed: int, age_ms: int, stale: bool
    ) -> None:
        flat = hedged(0)
        flat = with_position(flat, updated_at=Millis(0))
        size = filled or -1
        ours = intent(size, Stage.CLOSED, believed=believed, filled=filled, updated_at=Millis(NOW - age_ms))
        assert check(view(flat, recent=(ours,))).blinds is stale

    @pytest.mark.parametrize(("offset_ms", "stale"), [(-2_000, True), (0, False), (2_000, False)])
    def test_the_age_of_that_order_is_meant_by_the_exchanges_clock(self, offset_ms: int, stale: bool) -> None:
        flat = replace(with_position(hedged(0), updated_at=Millis(0)), offset_ms=offset_ms)
        sold = intent(-60_000, Stage.CLOSED, filled=-60_000, updated_at=Millis(NOW - 61_000))
        assert check(view(flat, recent=(sold,))).blinds is stale


class TestPrices:
    @pytest.mark.parametrize(
        ("age_ms", "offset_ms", "blinds"),
        [(60_000, 0, False), (60_001, 0, True), (60_001, -1, False), (60_000, 1, True)],
    )
    def test_are_a_minute_old_at_most_by_the_exchanges_clock(
        self, age_ms: int, offset_ms: int, blinds: bool
    ) -> None:
        seen = booked(at=Millis(NOW - age_ms))
        assert judged(replace(seen, offset_ms=offset_ms)).blinds is blinds

    @pytest.mark.parametrize(("mark", "blinds"), [("58800", False), ("58799", True)])
    def test_two_percent_apart_is_just_believed(self, mark: str, blinds: bool) -> None:
        assert judged(snapshot(leg(-60_000, mark=mark, book=quote(60_000)))).blinds is blinds

    @pytest.mark.parametrize(
        ("mark", "blinds"),
        [("61200", False), ("61224", False), ("61225", True), ("58824", False), ("58800", True)],
    )
    def test_a_position_is_marked_within_two_percent_of_the_market(self, mark: str, blinds: bool) -> None:
        seen = snapshot(leg(-60_000, book=quote(mark)))
        assert judged(seen).blinds is blinds

    @pytest.mark.parametrize(
        ("index", "blinds"), [(72_000, False), (72_001, True), (48_000, False), (47_999, True), (6_000, True)]
    )
    def test_index_and_mark_are_within_a_jump(self, index: int, blinds: bool) -> None:
        assert judged(booked(index=price(index))).blinds is blinds

    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            ({"bids": ()}, "the order book is empty"),
            ({"asks": ()}, "the order book is empty"),
            ({"bids": (), "asks": ()}, "the order book is empty"),
            ({"bids": levels((60_001, 10))}, "do not fit together"),  # crossed
            ({"bids": levels(("60000.5", 10))}, "do not fit together"),  # locked
            ({"bids": FARTHER}, "do not fit together"),
            ({"asks": TOO_NEAR}, "do not fit together"),
        ],
        ids=["no bids", "no asks", "nothing", "crossed", "locked", "bid far below", "ask far above"],
    )
    def test_a_book_that_cannot_be(self, changes: dict[str, Any], says: str) -> None:
        found = judged(booked(**changes))
        assert found.blinds
        assert says in found.reason

    @pytest.mark.parametrize("changes", [{"bids": FAR}, {"asks": NEAR}])
    def test_a_thin_book_within_a_jump_can(self, changes: dict[str, Any]) -> None:
        assert not judged(booked(**changes)).blinds

    def test_every_contradiction_is_told(self) -> None:
        bad: Quote = quote(index=price(1), bids=(), asks=())
        found = judged(replace(snapshot(replace(leg(-60_000), quote=bad)), others=()))
        assert found.measured == "2 faults"
        assert "index" in found.reason
        assert "empty" in found.reason


SHORT = leg(-1_500, mark=30_000, contract=instrument(LINEAR, face="0.001"))


def linear(**of_wallet: Any) -> Snapshot:
    """A coin and a half short at 60,000, marked at 30,000 since, with 9,000 dollars behind it."""
    seen = snapshot(SHORT, coins=0, spot=2, stable=9_000)
    [found] = seen.legs
    return replace(seen, legs=(replace(found, wallet=replace(found.wallet, **of_wallet)),))


class TestALinearLeg:
    @pytest.mark.parametrize(
        ("seen", "says"),
        [
            (linear(unrealized=coin(0)), "the wallet shows 0 USDT unrealised, its positions 45000"),
            (linear(position_margin=coin(0)), "the wallet binds 0 USDT as margin, its positions 45000"),
            (linear(coins=coin(0)), "0 USDT cannot carry the open positions"),
            (with_position(linear(), unrealized=coin(44_000)), "its size and prices make 45000"),
            (with_position(linear(), **FLAT), "the wallet shows 45000 USDT unrealised"),
        ],
    )
    def test_and_its_wallet_must_agree(self, seen: Snapshot, says: str) -> None:
        found = judged(seen)
        assert found.blinds
        assert says in found.reason

    def test_a_position_of_another_coin_in_the_wallet_counts(self) -> None:
        other = position(-30_000, entry=2, mark=3, contract=instrument("XRP/USDT:USDT", face=1))
        assert judged(replace(linear(), beside=(("main", other),))).blinds
        shown = linear(
            unrealized=SHORT.position.unrealized + other.unrealized,
            position_margin=SHORT.position.initial_margin + other.initial_margin,
        )
        assert not judged(replace(shown, beside=(("main", other),))).blinds

    @pytest.mark.parametrize(("apart", "blinds"), [("600", False), ("601", True)])
    def test_half_a_percent_of_all_their_shorts_may_be_apart(self, apart: str, blinds: bool) -> None:
        """45,000 dollars of it are the leg's, and 75,000 are two others', each bound at a leverage."""
        others = [
            position(
                -15_000, entry=2, mark=2, leverage=leverage, contract=instrument("XRP/USDT:USDT", face=1)
            )
            for leverage in (2, 3)
        ]
        tail = replace(others[0], leverage=None, initial_margin=coin(15_000))
        beside = (*others, tail)
        profit = SHORT.position.unrealized + coin(apart)
        margin = sum((each.initial_margin for each in beside), SHORT.position.initial_margin)
        shown = linear(unrealized=profit, position_margin=margin)
        seen = replace(shown, beside=tuple(("main", each) for each in beside))
        assert judged(seen).blinds is blinds

    def test_one_on_another_account_or_in_another_coin_does_not(self) -> None:
        other = position(-30_000, entry=2, mark=3, contract=instrument("XRP/USDT:USDT", face=1))
        coins = replace(position(-30_000, mark=50_000), symbol=DATED)
        for found in (("vault", other), ("main", coins)):
            assert not judged(replace(linear(), others=(found,))).blinds
            assert not judged(replace(linear(), beside=(found,))).blinds


class TestOneAfterAnother:
    """What is passed over hides nothing behind it."""

    @pytest.mark.parametrize("first", [True, False])
    def test_an_idle_leg_no_other(self, first: bool) -> None:
        """The book of the hedge's own is empty."""
        idle = leg(policy=policy(DATED, weight=Decimal(0)), contract=instrument(DATED))
        odd = leg(-60_000, book=quote(bids=()))
        found = judged(snapshot(idle, odd) if first else snapshot(odd, idle))
        assert found.reason == f"{LEG}: the order book is empty"

    @pytest.mark.parametrize("first", [True, False])
    def test_the_wallet_of_a_dead_account_no_other(self, first: bool) -> None:
        living, away = leg(-60_000), leg(policy=policy(account="other"))
        gone = replace(away, dead=Outage(NOW, seen=0.0, reason="no answer"))
        seen = snapshot(living, gone)
        pot = replace(seen.margin_wallets[0], unrealized=coin("0.3"))
        dead = replace(pot, id=replace(pot.id, account="other"))
        legs = (replace(seen.legs[0], wallet=pot), replace(seen.legs[1], wallet=dead))
        found = judged(replace(seen, legs=legs, margin_wallets=(dead, pot) if first else (pot, dead)))
        assert found.reason == "main: the wallet shows 0.3 BTC unrealised, its positions 0"
