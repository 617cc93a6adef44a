"""A collateral move: its stages, its own digits, and coins that count once while they are on their way."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.pockets import coins_in, on_the_way, pockets
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import (
    FINAL,
    MOVES,
    SMALLEST,
    Pocket,
    Pockets,
    TransferIntent,
    TransferRequest,
    TransferStage,
    distinct,
)
from hedgebot.domain.units import Coin
from tests.builders import LEG, SYMBOL, coin, leg, snapshot, split, transfer

SPOT, MARGIN, ISOLATED = Pocket.SPOT, Pocket.MARGIN, Pocket.ISOLATED
STAGES = list(TransferStage)


class TestStages:
    @pytest.mark.parametrize("old", STAGES)
    @pytest.mark.parametrize("new", STAGES)
    def test_only_moves_of_the_table_are_made(self, old: TransferStage, new: TransferStage) -> None:
        if new in MOVES[old]:
            assert transfer(stage=old).moved(new).stage is new
        else:
            with pytest.raises(ValueError, match="cannot become"):
                transfer(stage=old).moved(new)

    def test_three_stages_are_the_end(self) -> None:
        assert {TransferStage.DONE, TransferStage.REJECTED, TransferStage.ABSENT} == FINAL

    def test_what_was_accepted_arrives_or_comes_back(self) -> None:
        """It is never absent: the exchange has said that it was there."""
        assert MOVES[TransferStage.ACCEPTED] == {TransferStage.DONE, TransferStage.REJECTED}


class TestRequest:
    @pytest.mark.parametrize(
        ("coins", "source", "target", "symbol"),
        [
            ("0", SPOT, MARGIN, ""),
            ("-1", SPOT, MARGIN, ""),
            ("1", MARGIN, MARGIN, ""),
            ("1", SPOT, ISOLATED, SYMBOL),  # it takes two: through the margin wallet
            ("1", MARGIN, ISOLATED, ""),
            ("1", SPOT, MARGIN, SYMBOL),
        ],
    )
    def test_what_is_no_move(self, coins: str, source: Pocket, target: Pocket, symbol: str) -> None:
        with pytest.raises(ValueError, match=r"a transfer moves|an isolated margin"):
            TransferRequest("hb1", "main", "BTC", coin(coins), source, target, symbol)

    def test_a_pair_of_pockets_is_one_both_ways(self) -> None:
        there, back = transfer(), transfer(source=MARGIN, target=SPOT)
        assert there.request.pair == back.request.pair == "main:BTC"
        assert transfer(source=MARGIN, target=ISOLATED, symbol=SYMBOL).request.pair == LEG


class TestDigits:
    @given(coins=st.decimals("0.0002", "10000", places=12), number=st.integers(1, 1 << 28))
    def test_an_amount_is_never_raised_and_hardly_lowered(self, coins: Decimal, number: int) -> None:
        amount = distinct(Coin(coins), number).value
        assert 0 < amount <= coins
        assert coins - amount < Decimal("0.0002")
        assert amount == round(amount, 8)

    @given(coins=st.decimals("0.0002", "10000", places=8), number=st.integers(1, 1 << 27))
    def test_two_moves_of_the_same_coins_differ(self, coins: Decimal, number: int) -> None:
        assert distinct(Coin(coins), number) != distinct(Coin(coins), number + 1)

    @pytest.mark.parametrize(
        ("coins", "number", "amount"),
        [
            ("1", 1, "0.99990002"),
            ("1.00019999", 1, "1.00010002"),
            ("1.00010002", 1, "1.00010002"),  # it has them already
            ("1.00016", 7_000, "1.00007001"),
            ("1", 9_998, "0.99999999"),
            ("1", 9_999, "0.99990001"),  # round again
        ],
    )
    def test_they_are_the_last_four(self, coins: str, number: int, amount: str) -> None:
        assert distinct(coin(coins), number) == coin(amount)

    def test_what_is_smaller_has_no_room_for_them(self) -> None:
        with pytest.raises(ValueError, match="too few"):
            distinct(SMALLEST - coin("0.00000001"), 1)


NOWHERE, GONE, BOTH, TWICE = (
    Pockets(coin("0.4"), coin("0.6")),
    Pockets(coin("0.3"), coin("0.6")),
    Pockets(coin("0.3"), coin("0.7")),
    Pockets(coin("0.4"), coin("0.7")),
)


class TestOnTheWay:
    """0.1 coins move from a spot wallet of 0.4 to a margin wallet of 0.6."""

    @pytest.mark.parametrize(
        ("now", "missing"),
        [
            (NOWHERE, "0"),
            (GONE, "0.1"),
            (BOTH, "0"),
            (TWICE, "-0.1"),  # the spot wallet was read before the move, the margin wallet after it
            (Pockets(coin("0.35"), coin("0.6")), "0"),  # half of it is not enough to tell
            (Pockets(coin("0.36"), coin("0.6")), "0"),
            (Pockets(coin("0.34"), coin("0.6")), "0.1"),
            (Pockets(coin("0.3"), coin("0.65")), "0.1"),
            (Pockets(coin("0.3"), coin("0.64")), "0.1"),
            (Pockets(coin("0.3"), coin("0.66")), "0"),
            (Pockets(coin("0.3"), coin("0.602")), "0.1"),  # funding came meanwhile
            (Pockets(coin("0.3"), coin("0.698")), "0"),  # funding was paid
        ],
    )
    def test_coins_that_neither_wallet_shows_count_once(self, now: Pockets, missing: str) -> None:
        assert transfer().missing(now) == coin(missing)

    @given(left=st.booleans(), arrived=st.booleans())
    def test_a_move_changes_neither_what_is_held_nor_net(self, *, left: bool, arrived: bool) -> None:
        before = split(-600, margin="0.5")
        moving = transfer(showed=pockets(before, transfer().request))
        spot, wallet = Decimal("0.4") - left * Decimal("0.1"), Decimal("0.6") + arrived * Decimal("0.1")
        after = split(-600, margin="0.5", spot=spot, coins=wallet)
        counted = split(-600, margin="0.5", spot=spot, coins=wallet, in_flight=on_the_way(after, [moving]))
        assert counted.exposure.held == before.exposure.held
        assert counted.exposure.net == before.exposure.net

    @pytest.mark.parametrize("stage", sorted(FINAL))
    def test_what_is_over_counts_no_more(self, stage: TransferStage) -> None:
        assert on_the_way(split(spot="0.3"), [transfer(stage=stage)]) == coin(0)

    def test_several_are_added_up_and_what_is_over_hides_none(self) -> None:
        one, over, other = transfer(), transfer(stage=TransferStage.DONE), transfer("0.09", number=2)
        assert on_the_way(split(spot="0.3"), [one, over, other]) == coin("0.19")

    def test_an_isolated_margin_is_in_its_wallet_all_the_time(self) -> None:
        moving = transfer(source=MARGIN, target=ISOLATED, symbol=SYMBOL)
        assert on_the_way(split(-600, margin="0.6"), [moving]) == coin(0)


class TestPockets:
    @pytest.mark.parametrize(
        ("pocket", "symbol", "coins"),
        [(SPOT, "", "0.4"), (MARGIN, "", "0.6"), (MARGIN, SYMBOL, "0.1"), (ISOLATED, SYMBOL, "0.5")],
    )
    def test_what_each_holds(self, pocket: Pocket, symbol: str, coins: str) -> None:
        assert coins_in(split(-600, margin="0.5"), "main", pocket, symbol) == coin(coins)

    def test_both_of_a_move_out_of_an_isolated_margin(self) -> None:
        back = transfer(source=ISOLATED, target=MARGIN, symbol=SYMBOL)
        assert pockets(split(-600, margin="0.5"), back.request) == Pockets(coin("0.5"), coin("0.1"))

    @pytest.mark.parametrize(
        ("seen", "moving"),
        [
            (snapshot(leg(-600)), transfer()),
            (snapshot(leg(-600)), transfer(source=MARGIN, target=ISOLATED, symbol=SYMBOL)),
            (split(), transfer(account="other")),
        ],
        ids=["no spot wallet", "cross margin", "another account"],
    )
    def test_what_is_not_shown_is_not_known(self, seen: Snapshot, moving: TransferIntent) -> None:
        assert pockets(seen, moving.request) is None
