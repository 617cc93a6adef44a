"""A hedge in a contract that is margined in a stable coin, for a coin of which there is no inverse one.

What is sold is simply what is short: profit is paid in dollars and never becomes coins. Coins cannot margin
it, so that a rally costs dollars, and then part of the short.
"""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from hedgebot.sim import bybit, okx
from hedgebot.sim.contract import Contract, btcusd, solusdt
from hedgebot.sim.events import Filled, FundingPaid, Liquidated, SettingChanged
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Lines
from hedgebot.sim.matching import Side
from tests.simulation.judge import violations
from tests.simulation.world import START_MS, Scene, Setup, Venue, path, play

BYBIT = Venue("bybit", bybit.application, solusdt(), symbol="SOL/USDT:USDT")
OKX = Venue(
    "okx", okx.application, okx.bnb_usdt_swap(), okx.RULES, password="canary-phrase", symbol="BNB/USDT:USDT"
)
VENUES = [pytest.param(BYBIT, id="bybit"), pytest.param(OKX, id="okx")]
MODES = [MarginMode.ISOLATED, MarginMode.CROSS]

FALL_AND_RALLY = path((0, 100), (60, 100), (660, 50), (720, 50), (1320, 180), (1400, 180))
"""Quiet, a fall by half, then up to four fifths above the start."""

RALLY = path((120, 100), (1920, 180))
POOR: dict[str, Any] = {"coins": "0.1", "outside": "9.9", "stable": "900", "leverage": 2}
NEXT_FUNDING = (START_MS // 28_800_000 + 1) * 28_800_000


def setup(venue: Venue, **changes: Any) -> Setup:
    """Ten coins worth 1,000 dollars, and 2,000 in the stable coin beside them."""
    plain: dict[str, Any] = {"venue": venue, "coins": "10", "stable": "2000", "leverage": 1}
    return Setup(**{**plain, "price": path((0, 100)), "interval": "15s", **changes})


def bought_back(scene: Scene) -> Fraction:
    """Coins that were bought back."""
    fills = (event for event in scene.exchange.events("main") if isinstance(event, Filled))
    bought = sum((fill.contracts for fill in fills if fill.side is Side.BUY), Fraction(0))
    return bought * scene.setup.venue.contract.face


def liquidated(scene: Scene) -> bool:
    return any(isinstance(event, Liquidated) for event in scene.exchange.events("main"))


def isolated(scene: Scene) -> list[Fraction]:
    """Dollars that were added to the isolated margin, move by move."""
    events = (event for event in scene.exchange.events("main") if isinstance(event, SettingChanged))
    return [Fraction(event.value.split()[1]) for event in events if event.setting == "margin"]


@pytest.mark.parametrize("margin_mode", MODES)
@pytest.mark.parametrize("venue", VENUES)
class TestAHedge:
    def test_sells_what_is_held_and_holds_no_dollars(
        self, tmp_path: Path, venue: Venue, margin_mode: MarginMode
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(60)
            hedge = scene.hedge()
            assert hedge["state"] == "hedged", hedge["findings"]
            assert (hedge["held"], hedge["spot"], hedge["collateral"]) == ("10", "10", "0")
            assert (hedge["sold"], hedge["short"], hedge["ratio"]) == ("10", "10", "1")
            [leg] = hedge["legs"]
            assert Fraction(leg["notional_usd"]) == 1000
            assert not scene.net
            assert scene.orders == 1
            assert not violations(scene.exchange, symbol=scene.native, most=scene.short)

        play(setup(venue, margin_mode=margin_mode), tmp_path, act)

    def test_a_fall_by_half_causes_no_order_and_pays_dollars(
        self, tmp_path: Path, venue: Venue, margin_mode: MarginMode
    ) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(50)
            value = scene.value
            await scene.clock.sleep(660)
            assert scene.exchange.quote(scene.native).mark == 50
            assert (scene.orders, scene.hedge()["held"], scene.hedge()["unrealized_pnl"]) == (1, "10", "0")
            assert scene.value == value
            assert scene.hedge()["state"] == "hedged"

        play(setup(venue, margin_mode=margin_mode, price=FALL_AND_RALLY, interval="30s"), tmp_path, act)

    def test_dollars_at_hand_keep_it_whole_through_a_rally(
        self, tmp_path: Path, venue: Venue, margin_mode: MarginMode
    ) -> None:
        """An isolated margin is added to as the price climbs; in cross the wallet stands behind it anyway."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(110)
            value = scene.value
            await scene.clock.sleep(1900)
            assert scene.exchange.quote(scene.native).mark == 180
            assert not liquidated(scene)
            assert scene.orders == 1
            assert scene.value == value
            assert (scene.hedge()["state"], scene.hedge()["held"]) == ("hedged", "10")
            assert bool(isolated(scene)) is (margin_mode is MarginMode.ISOLATED)

        rally = {"price": RALLY, "interval": "60s"}
        play(setup(venue, margin_mode=margin_mode, stable="3000", **rally), tmp_path, act)

    def test_where_no_dollars_are_left_part_of_it_is_bought_back_and_it_is_never_liquidated(
        self, tmp_path: Path, venue: Venue, margin_mode: MarginMode
    ) -> None:
        """The coins are kept elsewhere: in one pot in cross margin the exchange would count on them."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep(2010)
            assert not liquidated(scene)
            assert 0 < bought_back(scene) < 6
            hedge = scene.hedge()
            assert Fraction(hedge["legs"][0]["liquidation_distance"]) > Fraction("0.15")
            assert (hedge["state"], hedge["held"]) == ("drifting", "10")
            assert "does not carry a larger short" in hedge["last_cycle"]["reason"]

        rally = {"price": RALLY, "interval": "30s"}
        play(setup(venue, margin_mode=margin_mode, **rally, **POOR), tmp_path, act)

    def test_a_restart_changes_nothing(self, tmp_path: Path, venue: Venue, margin_mode: MarginMode) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(60)
            await scene.kill()
            await scene.clock.sleep(300)
            await scene.start()
            await scene.clock.sleep(60)
            assert not scene.net
            assert (scene.orders, scene.hedge()["state"]) == (1, "hedged")
            scene.exchange.human_trade("main", scene.native, Side.BUY, scene.short / 2)
            await scene.clock.sleep(60)
            assert not scene.net
            assert scene.hedge()["state"] == "hedged"

        play(setup(venue, margin_mode=margin_mode), tmp_path, act)


@pytest.mark.parametrize("venue", VENUES)
class TestMoney:
    def test_funding_and_fees_are_counted_in_coins_at_their_own_prices(
        self, tmp_path: Path, venue: Venue
    ) -> None:
        """A hundredth of a per cent of ten coins, whatever they are worth."""

        async def act(scene: Scene) -> None:
            await scene.clock.sleep((NEXT_FUNDING - START_MS) / 1000 + 1800)
            [paid] = [event for event in scene.exchange.events("main") if isinstance(event, FundingPaid)]
            assert (paid.wallet[1], paid.change) == ("USDT", paid.mark * 10 / 10_000)
            hedge = scene.hedge()
            assert Fraction(hedge["funding_coins"]) == Fraction(10, 10_000)
            assert Fraction(hedge["fees_coins"]) == 10 * venue.contract.taker
            assert hedge["held"] == "10"

        away = Lines([(START_MS + 600_000, Fraction(100)), (START_MS + 1_200_000, Fraction(80))])
        play(setup(venue, price=away, interval="10m"), tmp_path, act)


def inverse(venue: Venue) -> Contract:
    """The inverse contract of the same coin."""
    coin, dated = venue.asset, {"bybit": "{}USD", "okx": "{}-USD-SWAP"}
    return replace(btcusd(), symbol=dated[venue.name].format(coin), base=coin, settle=coin)


@pytest.mark.parametrize("venue", VENUES)
class TestBesideAnInverseContract:
    def test_nothing_is_sold_and_the_inverse_one_is_named(self, tmp_path: Path, venue: Venue) -> None:
        async def act(scene: Scene) -> None:
            await scene.clock.sleep(60)
            assert (scene.orders, scene.hedge()["state"]) == (0, "drifting")
            coin = venue.asset
            assert f"{coin}/USD:{coin} is listed" in scene.hedge()["last_cycle"]["reason"]

        play(setup(replace(venue, also=(inverse(venue),))), tmp_path, act)

    def test_what_is_open_when_one_comes_to_be_listed_is_still_bought_back(
        self, tmp_path: Path, venue: Venue
    ) -> None:
        async def act(scene: Scene) -> None:
            scene.exchange.human_trade("main", scene.native, Side.SELL, 20 / venue.contract.face)
            await scene.start()
            await scene.clock.sleep(60)
            assert not scene.net
            assert scene.hedge()["state"] == "hedged"

        play(setup(replace(venue, also=(inverse(venue),))), tmp_path, act, started=False)


OTHER = {"bybit": ("XRPUSDT", "XRP"), "okx": ("XRP-USDT-SWAP", "XRP")}


@pytest.mark.parametrize("margin_mode", MODES)
@pytest.mark.parametrize("venue", VENUES)
def test_a_short_of_another_coin_in_the_same_wallet_is_no_part_of_the_hedge(
    tmp_path: Path, venue: Venue, margin_mode: MarginMode
) -> None:
    """It binds dollars and its profit is in the wallet, which must not make the reading incoherent."""
    symbol, coin = OTHER[venue.name]
    other = replace(venue.contract, symbol=symbol, base=coin)

    async def act(scene: Scene) -> None:
        scene.exchange.human_trade("main", symbol, Side.SELL, 5 / venue.contract.face)
        await scene.start()
        await scene.clock.sleep(300)
        hedge = scene.hedge()
        assert (hedge["state"], hedge["short"]) == ("hedged", "10"), hedge["findings"]
        assert not any(found["alarm"] for found in hedge["findings"])

    price = path((0, 100), (60, 100), (300, 90))
    play(
        setup(replace(venue, also=(other,)), margin_mode=margin_mode, price=price),
        tmp_path,
        act,
        started=False,
    )
