"""Coins that the margin does not need: when they leave it, how many, and when they are left alone.

60,000 dollars are short from 60,000 at a setting of 2. ``min_leverage`` 1.5 and ``warn`` 0.3 lead a leg that
has too much to a leverage of 2.36, or as near as what can be withdrawn allows.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.decision import Assessment, Permission, Plan
from hedgebot.domain.hedge import BEYOND, CollateralPolicy, LegPolicy
from hedgebot.domain.liquidation import NoFigure
from hedgebot.domain.margin import distance
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.records import Control
from hedgebot.domain.snapshot import Snapshot
from hedgebot.domain.transfers import SMALLEST, Pocket, TransferIntent, TransferStage, distinct
from hedgebot.planning import decide
from hedgebot.planning.moves import AGAIN_MS
from tests.builders import DATED, LEG, SYMBOL, allowing, coin, hedge, price, quote, split, to, transfer
from tests.planning.test_collateral import at, told

LOWEST = CollateralPolicy(min_leverage=Decimal("1.5"))
OUT, ON = "isolated to margin", "margin to spot"
RUNNING, ALLOWED = Control(), allowing()


def planned(
    seen: Snapshot,
    *transfers: TransferIntent,
    control: Control = RUNNING,
    assessment: Assessment = ALLOWED,
    collateral: CollateralPolicy = LOWEST,
    ratio: int = 1,
    **policy: Any,
) -> Plan:
    asked = hedge(spot_accounts=("main",), collateral=collateral, **policy)
    return decide(asked, seen, assessment, to(ratio), control, transfers)


def margined(margin: str, mark: int = 60_000, **changes: Any) -> Snapshot:
    """A leg with so many coins isolated, and none beside them in the margin wallet."""
    found: dict[str, Any] = {"margin": margin, "coins": margin, "spot": Decimal(1) - Decimal(margin)}
    return at(mark, **found | changes)


def crossed(seen: Snapshot, free: str) -> Snapshot:
    """The same in cross margin, with so many coins of the wallet withdrawable."""
    [only] = seen.legs
    pot = replace(only.wallet, withdrawable=coin(free))
    position = replace(only.position, margin=None, margin_mode=MarginMode.CROSS)
    return replace(seen, legs=(replace(only, position=position, wallet=pot),), margin_wallets=(pot,))


class TestSweep:
    @pytest.mark.parametrize(
        ("seen", "does"),
        [
            (margined("0.5"), "nothing"),
            (margined("0.6666"), "nothing"),  # 1.50015
            (margined("0.6667"), (OUT, "0.1662")),  # 1.49993
            (margined("0.8"), (OUT, "0.2995")),  # to a leverage of 2, its setting, and the closing fee
            (margined("0.8", leverage=3), (OUT, "0.37647058")),  # half-way between the bounds
            (margined("0.8", leverage=None), "nothing"),  # nobody knows what it binds
            (margined("1", mark=30_000), "nothing"),  # 1 coin of profit, and 2 short: all of it is bound
            (margined("1", mark=40_000), (OUT, "0.24925")),
            (margined("0.9", mark=90_000), (OUT, "0.06616666")),  # an open loss of 0.3333 is bound too
        ],
    )
    def test_a_step(self, seen: Snapshot, does: object) -> None:
        assert told(planned(seen)) == does

    def test_its_reason(self) -> None:
        plan = planned(margined("0.8"))
        way = "move 0.2995 BTC from isolated to margin on main"
        assert plan.reason == f"{way}: {LEG} runs at 1.25, below min_leverage 1.5"
        assert (plan.hedged, plan.rescues, plan.order) == (True, False, None)

    def test_without_a_lowest_leverage_coins_stay(self) -> None:
        assert told(planned(margined("1"), collateral=CollateralPolicy())) == "nothing"

    def test_switched_off_they_stay(self) -> None:
        assert told(planned(margined("1"), collateral=replace(LOWEST, enabled=False))) == "nothing"

    @pytest.mark.parametrize(
        ("free", "does"),
        [
            ("0.2", (ON, "0.18")),  # 0.02, one band of what is held, stays for the next sale
            ("0.5", (ON, "0.37647058")),
            ("0.04", (ON, "0.02")),
            ("0.0399", "nothing"),  # not worth a request
            ("0", "nothing"),
        ],
    )
    def test_cross_margin_goes_to_the_spot_wallet(self, free: str, does: object) -> None:
        assert told(planned(crossed(margined("0.8"), free))) == does

    def test_one_pot_has_nowhere_to_go(self) -> None:
        assert told(planned(crossed(margined("0.8", spot="0"), "0.3"))) == "nothing"

    def test_one_pot_takes_what_was_isolated(self) -> None:
        assert told(planned(margined("0.8", coins="1", spot="0"))) == (OUT, "0.2995")

    def test_a_margin_that_is_not_known_gives_nothing(self) -> None:
        seen = margined("1")
        [only] = seen.legs
        unknown = replace(only.position, margin=None, margin_mode=MarginMode.ISOLATED)
        assert told(planned(replace(seen, legs=(replace(only, position=unknown),)))) == "nothing"

    @pytest.mark.parametrize(
        ("seen", "does"),
        [
            (margined("0.8", leverage=3, liquidation=price(105_000)), (OUT, "0.11757635")),
            (margined("1.01", liquidation=price(90_000)), (OUT, "0.02286206")),  # ours know no price at all
            (margined("1.01", liquidation=price(88_000)), "nothing"),
        ],
    )
    def test_the_exchange_s_own_figure_counts_where_it_is_nearer(self, seen: Snapshot, does: object) -> None:
        assert told(planned(seen)) == does


class TestWhenItWaits:
    @pytest.mark.parametrize(
        ("assessment", "control", "does"),
        [
            (allowing(Permission.ANY), Control(), "move"),
            (allowing(Permission.REDUCE_ONLY), Control(), "nothing"),
            (allowing(Permission.NONE), Control(), "nothing"),
            (allowing(Permission.ANY), Control(paused=True), "nothing"),
        ],
    )
    def test_it_needs_everything_permitted(self, assessment: Assessment, control: Control, does: str) -> None:
        found = told(planned(margined("0.8"), assessment=assessment, control=control))
        assert (found if isinstance(found, str) else "move") == does

    @pytest.mark.parametrize(
        ("changes", "waits"),
        [
            ({"stage": TransferStage.ACCEPTED}, True),
            ({"stage": TransferStage.UNKNOWN}, True),
            ({"stage": TransferStage.REJECTED, "age_ms": AGAIN_MS - 1}, True),
            ({"stage": TransferStage.REJECTED, "age_ms": AGAIN_MS}, False),
            ({"stage": TransferStage.ABSENT}, False),
            ({"stage": TransferStage.ACCEPTED, "symbol": "ETH/USD:ETH"}, False),  # other pockets
        ],
    )
    def test_a_transfer_between_the_same_pockets(self, changes: dict[str, Any], waits: bool) -> None:
        other = transfer(source=Pocket.ISOLATED, target=Pocket.MARGIN, **{"symbol": SYMBOL} | changes)
        assert told(planned(margined("0.8"), other)) == ("nothing" if waits else (OUT, "0.2995"))

    def test_while_the_hedge_is_not_where_it_should_be(self) -> None:
        """The coins may be needed: too little is short, and an order goes first."""
        assert told(planned(margined("0.8", size=-500))) == "order"

    def test_while_what_should_be_done_cannot_be(self) -> None:
        """Too little is short, and nobody buys: the next sale may need them."""
        thin = margined("0.8", size=-500, book=quote(bids=()))
        plan = planned(thin)
        assert (told(plan), plan.forbidden) == ("nothing", True)

    @pytest.mark.parametrize(("margin", "does"), [("0.2", "nothing"), ("0.4", (OUT, "0.2995"))])
    def test_while_another_leg_is_near_its_liquidation(self, margin: str, does: object) -> None:
        """With nothing in the spot wallet that could move there; 0.2 coins mean 0.24 away, 0.4 mean 0.65."""
        seen = at(
            60_000, margin="0.8", coins=Decimal("0.8") + Decimal(margin), spot="1", spare=0, spot_free=0
        )
        [rich] = seen.legs
        position = replace(rich.position, symbol=DATED, margin=coin(margin))
        poor = replace(rich, policy=LegPolicy("main", DATED), position=position)
        cold = coin(Decimal("0.2") - Decimal(margin))
        for legs in ((rich, poor), (poor, rich)):
            assert told(planned(replace(seen, legs=legs, outside=cold))) == does


SWEPT: dict[str, Any] = {"margin": "0.5005", "coins": "0.8", "spot": "0.2"}


class TestOnToTheSpotWallet:
    MADE = transfer(
        coins="0.2995",
        stage=TransferStage.DONE,
        number=7,
        source=Pocket.ISOLATED,
        target=Pocket.MARGIN,
        symbol=SYMBOL,
    )

    def test_what_left_an_isolated_margin_goes_on(self) -> None:
        plan = planned(at(60_000, **SWEPT), self.MADE)
        assert told(plan) == (ON, "0.2995")
        assert plan.reason.endswith(f"on main: {LEG} does not need them")

    @pytest.mark.parametrize(
        ("then", "does"),
        [
            ({"stage": TransferStage.DONE}, "nothing"),
            ({"stage": TransferStage.ACCEPTED}, "nothing"),
            ({"stage": TransferStage.REJECTED, "age_ms": 2 * AGAIN_MS}, "nothing"),
            ({"stage": TransferStage.ABSENT}, "move"),  # it certainly was not made
        ],
    )
    def test_once(self, then: dict[str, Any], does: str) -> None:
        later = transfer(number=8, source=Pocket.MARGIN, target=Pocket.SPOT, **then)
        found = told(planned(at(60_000, **SWEPT), self.MADE, later))
        assert (found if isinstance(found, str) else "move") == does

    def test_not_those_that_were_there_before(self) -> None:
        assert told(planned(at(60_000, **SWEPT))) == "nothing"

    def test_not_more_than_can_be_withdrawn(self) -> None:
        assert told(planned(at(60_000, **SWEPT, spare="0.1"), self.MADE)) == (ON, "0.1")

    @pytest.mark.parametrize(("spare", "does"), [("0.0002", (ON, "0.0002")), ("0.00019999", "nothing")])
    def test_not_less_than_has_room_for_digits_of_its_own(self, spare: str, does: object) -> None:
        assert told(planned(at(60_000, **SWEPT, spare=spare), self.MADE)) == does

    @pytest.mark.parametrize(("figure", "does"), [(78_000, (ON, "0.2995")), (77_999, "margin to isolated")])
    def test_not_while_they_are_needed_again(self, figure: int, does: object) -> None:
        """Liquidation lies ``warn`` above the mark, or nearer than that."""
        found = told(planned(at(60_000, **SWEPT, liquidation=price(figure)), self.MADE))
        assert (found if does != "margin to isolated" else found[0]) == does

    def test_one_pot_keeps_them(self) -> None:
        assert told(planned(at(60_000, margin="0.5005", coins="1", spot="0"), self.MADE)) == "nothing"


class TestHome:
    HOME = CollateralPolicy(home_when_unwound=True)
    OVER = Control(unwind_to=Decimal(0), unwound=True)

    def over(self, seen: Snapshot, *transfers: TransferIntent, **changes: Any) -> Plan:
        usual: dict[str, Any] = {"control": self.OVER, "collateral": self.HOME, "ratio": 0}
        return planned(seen, *transfers, **usual | changes)

    def test_all_that_can_be_withdrawn(self) -> None:
        plan = self.over(split(0, margin="0", coins="0.6", spot="0.4"))
        assert (told(plan), plan.home) == ((ON, "0.6"), False)
        assert plan.reason == "move 0.6 BTC from margin to spot on main: the hedge is unwound"

    @pytest.mark.parametrize(
        ("coins", "home", "says"),
        [
            ("0", True, ""),
            ("0.0001999", True, "; 0.0001999 BTC in the margin are too few to move"),
            ("0.0002", False, None),
        ],
    )
    def test_what_is_too_little_stays(self, coins: str, home: bool, says: str | None) -> None:
        plan = self.over(split(0, margin="0", coins=coins, spot="0.4"))
        assert plan.home is home
        assert told(plan) == ("nothing" if home else (ON, coins))
        assert says is None or plan.reason == f"unwound: nothing is traded until resumed{says}"

    @pytest.mark.parametrize(("coins", "home"), [("0.00019999", True), ("0.0002", False)])
    def test_what_cannot_leave_yet_is_waited_for_where_it_is_enough(self, coins: str, home: bool) -> None:
        plan = self.over(split(0, margin="0", coins=coins, spare="0", spot="0.4"))
        assert (told(plan), plan.home) == ("nothing", home)

    def two(self, pots: tuple[str, str], *, spot: bool) -> Snapshot:
        """Margin wallets on two accounts; the first one's spot wallet is not known, unless it is said."""
        seen = split(0, margin="0", coins=pots[1], spot="0.4")
        [last] = seen.legs
        first_id = replace(last.wallet.id, account="first")
        first = replace(last.wallet, id=first_id, coins=coin(pots[0]), withdrawable=coin(pots[0]))
        cold = replace(seen.spot_wallets[0], id=replace(seen.spot_wallets[0].id, account="first"))
        one = replace(last, policy=LegPolicy("first", SYMBOL), wallet=first)
        return replace(
            seen,
            legs=(one, last),
            margin_wallets=(first, *seen.margin_wallets),
            spot_wallets=(*seen.spot_wallets, *([cold] if spot else [])),
        )

    def test_from_every_wallet_that_has_a_way_home(self) -> None:
        plan = self.over(self.two(("0.3", "0.6"), spot=False))
        assert plan.reason == "move 0.6 BTC from margin to spot on main: the hedge is unwound"

    def test_what_is_too_little_is_added_up(self) -> None:
        plan = self.over(self.two(("0.0001", "0.00005"), spot=True))
        assert plan.home
        assert plan.reason.endswith("; 0.00015 BTC in the margin are too few to move")

    def test_what_cannot_leave_yet_is_waited_for(self) -> None:
        plan = self.over(split(0, margin="0", coins="0.6", spare="0", spot="0.4"))
        assert (told(plan), plan.home) == ("nothing", False)
        assert plan.reason.endswith("; 0.6 BTC of the margin on main cannot leave it yet")

    @pytest.mark.parametrize(
        "changes",
        [
            {"collateral": CollateralPolicy()},
            {"control": replace(OVER, home=True)},  # once
            {"control": replace(OVER, paused=True)},
            {"control": Control(unwind_to=Decimal(0))},
            {"assessment": allowing(Permission.REDUCE_ONLY)},
        ],
        ids=["not asked for", "done", "paused", "not over", "not permitted"],
    )
    def test_nothing_moves(self, changes: dict[str, Any]) -> None:
        plan = self.over(split(0, margin="0", coins="0.6", spot="0.4"), **changes)
        assert (plan.transfer, plan.home) == (None, False)

    def test_while_something_is_short_its_margin_stays(self) -> None:
        half = Control(unwind_to=Decimal("0.5"), unwound=True)
        plan = self.over(split(-300, margin="0.3", coins="0.6", spot="0.4"), control=half)
        assert (plan.transfer, plan.home) == (None, False)

    def test_an_unresolved_transfer_is_waited_for(self) -> None:
        hangs = transfer(stage=TransferStage.UNKNOWN)
        plan = self.over(split(0, margin="0", coins="0.6", spot="0.4"), hangs)
        assert (plan.transfer, plan.home) == (None, False)

    def test_one_pot_is_home(self) -> None:
        plan = self.over(split(0, margin="0", coins="1", spot="0"))
        assert (plan.transfer, plan.home) == (None, True)


margins = st.decimals("0.35", "1.5", places=4)
marks = st.integers(20_000, 110_000)
settings = st.sampled_from([1, 2, 3, 5, 10, 50])
bounds = st.builds(
    CollateralPolicy,
    min_leverage=st.decimals("1.05", "3.2", places=2),
    max_leverage=st.none() | st.decimals("3.5", "20", places=1),
)


def after_all(
    pockets: dict[Pocket, Decimal], mark: int, setting: int, collateral: CollateralPolicy
) -> tuple[Snapshot, list[str]]:
    """What is decided again and again until nothing is: the last snapshot, and the ways that coins went."""
    made: list[TransferIntent] = []
    while True:
        isolated, idle, spot = (pockets[each] for each in (Pocket.ISOLATED, Pocket.MARGIN, Pocket.SPOT))
        seen = split(-600, mark=mark, leverage=setting, margin=isolated, coins=isolated + idle, spot=spot)
        move = planned(seen, *made, collateral=collateral, band=Decimal("0.5")).transfer
        if move is None or len(made) > 5:
            return seen, [each.request.way for each in made]
        coins, number = distinct(move.coins, len(made)).value, len(made) + 1
        pockets[move.source] -= coins
        pockets[move.target] += coins
        ends: dict[str, Any] = {"source": move.source, "target": move.target, "symbol": move.symbol}
        made.append(transfer(coins, TransferStage.DONE, number=number, **ends))


@given(margin=margins, mark=marks, setting=settings, collateral=bounds, spot=st.sampled_from(["0", "0.5"]))
def test_coins_never_go_to_and_fro_at_an_unchanged_price(
    margin: Decimal, mark: int, setting: int, collateral: CollateralPolicy, spot: str
) -> None:
    """Whatever a leg has, its coins go one way, in few moves, and what leaves it leaves it safe."""
    pockets = {Pocket.ISOLATED: margin, Pocket.MARGIN: Decimal(0), Pocket.SPOT: Decimal(spot)}
    seen, ways = after_all(pockets, mark, setting, collateral)
    assert all(coins >= 0 for coins in pockets.values())
    if OUT not in ways:
        assert len(ways) <= 3
        assert ON not in ways
        return
    assert ways == [OUT, ON] if Decimal(spot) else [OUT]
    away = distance(seen, seen.legs[0])
    asked = BEYOND * collateral.warning(Decimal("0.3"))
    assert away is NoFigure.NEVER or (isinstance(away, Decimal) and away >= asked - Decimal("1e-9"))


@given(margin=margins, mark=marks, setting=settings)
def test_what_is_left_of_a_sweep_is_never_worth_another(margin: Decimal, mark: int, setting: int) -> None:
    plan = planned(margined(str(margin), mark, leverage=setting, spot="0"))
    if plan.transfer is None:
        return
    left = margin - (plan.transfer.coins - SMALLEST).value
    again = planned(margined(str(left), mark, leverage=setting, spot="0"))
    assert told(again) == "nothing"
