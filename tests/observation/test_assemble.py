"""One snapshot out of readings: each wallet once and in one role, and nothing missing taken for nothing."""

from dataclasses import replace

import pytest

from hedgebot.domain.account import AccountReading, Wallet, WalletId
from hedgebot.domain.hedge import Hedge, LegPolicy
from hedgebot.domain.snapshot import Blind, Snapshot
from hedgebot.domain.units import Coin
from hedgebot.observation import assemble
from tests.builders import (
    DATED,
    LINEAR,
    NOW,
    SYMBOL,
    coin,
    facts,
    hedge,
    instrument,
    open_order,
    position,
    quote,
    reading,
    wallet,
)  # fmt: skip


def assembled(found: Hedge, *readings: AccountReading) -> Snapshot:
    seen = assemble(found, {each.account: each for each in readings}, NOW)
    assert isinstance(seen, Snapshot), seen
    return seen


def pots(**coins: str) -> list[Wallet]:
    """Wallets by kind, flat: ``unified="1"``."""
    return [wallet(amount, kind=kind) for kind, amount in coins.items()]


@pytest.mark.parametrize(
    ("wallets", "listed", "spot", "collateral"),
    [
        (pots(unified="1"), False, "0", "1"),
        (pots(unified="1"), True, "0", "1"),  # a pot that carries a leg is collateral, listed or not
        (pots(spot="2", margin="1"), True, "2", "1"),
        (pots(spot="2", margin="1"), False, "0", "1"),  # not claimed: not held
        (
            pots(spot="0", margin="1", funding="5", earn="7"),
            True,
            "0",
            "1",
        ),  # only what the config names counts
    ],
)
def test_roles_of_the_wallets_of_an_account_with_a_leg(
    wallets: list[Wallet], listed: bool, spot: str, collateral: str
) -> None:
    found = hedge(spot_accounts=("main",) if listed else ())
    seen = assembled(found, reading(wallets=wallets)).exposure
    assert (seen.spot, seen.collateral) == (coin(spot), coin(collateral))


@pytest.mark.parametrize(
    ("wallets", "spot"),
    [(pots(unified="2"), "2"), (pots(spot="2"), "2"), (pots(spot="2", margin="1"), "2")],
)
def test_an_account_without_a_leg_is_spot(wallets: list[Wallet], spot: str) -> None:
    found = hedge(spot_accounts=("vault",))
    seen = assembled(found, reading(), reading("vault", wallets, [])).exposure
    assert (seen.spot, seen.collateral) == (coin(spot), coin(1))


def test_coins_elsewhere_count_as_spot() -> None:
    found = hedge(outside=(("cold", coin("0.5")), ("safe", coin("0.25"))))
    assert assembled(found, reading()).exposure.spot == coin("0.75")


def test_a_pot_that_margins_two_legs_is_counted_once() -> None:
    legs = (LegPolicy("main", SYMBOL), LegPolicy("main", DATED))
    both = [position(-100), position(-200, contract=instrument(DATED))]
    shown = replace(
        reading(positions=both),
        quotes=(quote(), quote(symbol=DATED)),
        facts=(facts(), facts(instrument(DATED))),
    )
    seen = assembled(hedge(legs=legs, spot_accounts=("main",)), shown)
    assert seen.exposure.held == coin(1)
    assert [each.position.contracts.value for each in seen.legs] == [-100, -200]
    assert {each.wallet.id for each in seen.legs} == {seen.margin_wallets[0].id}


def test_coins_of_other_assets_are_not_held() -> None:
    ether = wallet(50)
    for wallets in (
        [*pots(unified="1"), as_asset(ether, "ETH")],
        [as_asset(ether, "ETH"), *pots(unified="1")],
    ):
        assert assembled(hedge(), reading(wallets=wallets)).exposure.held == coin(1)


def as_asset(shown: Wallet, asset: str) -> Wallet:
    return replace(shown, id=replace(shown.id, asset=asset))


@pytest.mark.parametrize(
    "wallets", [[], pots(spot="1"), [as_asset(wallet(1), "ETH")]], ids=["none", "spot only", "another asset"]
)
def test_a_margin_wallet_that_was_not_shown_is_not_an_empty_one(wallets: list[Wallet]) -> None:
    seen = assemble(hedge(spot_accounts=("main",)), {"main": reading(wallets=wallets)}, NOW)
    assert isinstance(seen, Blind)
    assert "main:BTC/USD:BTC: its margin wallet was not shown" in seen.reasons


def test_a_spot_wallet_that_was_not_shown_is_not_an_empty_one() -> None:
    margin = pots(margin="1")
    seen = assemble(hedge(spot_accounts=("main",)), {"main": reading(wallets=margin)}, NOW)
    assert seen == Blind("btc", NOW, ("main: its spot wallet was not shown",))


def test_positions_of_the_asset_that_are_no_leg_are_found() -> None:
    others = [position(-5, contract=instrument(DATED)), position(7, contract=instrument(SYMBOL))]
    shown = replace(reading(positions=[position(), others[0]]), account="main")
    vault = reading("vault", pots(unified="1"), [others[1]])
    seen = assembled(hedge(spot_accounts=("vault",)), shown, vault)
    assert seen.others == (("main", others[0]), ("vault", others[1]))


@pytest.mark.parametrize(
    ("symbol", "size", "foreign"),
    [
        (DATED, -5, True),
        (DATED, 5, True),
        (DATED, 0, False),  # flat
        (SYMBOL, -5, False),  # the leg itself
        (LINEAR, -5, False),  # settles in another coin
        ("ETH/USD:ETH", -5, False),
        ("ETH/USD:BTC", -5, True),  # settles in the asset, whatever it is about
    ],
)
def test_what_counts_as_a_position_of_the_asset(symbol: str, size: int, foreign: bool) -> None:
    other = replace(position(size), symbol=symbol)
    shown = [other] if symbol == SYMBOL else [position(), other]
    seen = assembled(hedge(), reading(positions=shown))
    assert bool(seen.others) is foreign


def test_a_contract_held_in_both_margin_modes_is_a_leg_and_a_foreign_position() -> None:
    both = [position(-5), position(-7)]
    seen = assembled(hedge(), reading(positions=both))
    assert (seen.legs[0].position, seen.others) == (both[0], (("main", both[1]),))


def test_resting_orders_are_kept_with_their_account() -> None:
    order = open_order()
    seen = assembled(hedge(), reading(orders=(order,)))
    assert seen.orders == (("main", order),)


def test_a_snapshot_spans_all_its_reads_and_shows_the_worst_clock() -> None:
    found = hedge(spot_accounts=("vault",))
    vault = reading("vault", positions=[], started=99.5, ended=100.3, exchange_offset_ms=-900)
    seen = assembled(found, reading(exchange_offset_ms=200), vault)
    assert (seen.started, seen.ended, seen.offset_ms, seen.at) == (99.5, 100.3, -900, NOW)


def test_the_roles_of_all_coins_sum_to_what_the_wallets_hold() -> None:
    found = hedge(spot_accounts=("main", "vault"))
    shown = [
        reading(wallets=pots(spot="0.3", margin="0.7")),
        reading("vault", pots(unified="2"), []),
    ]
    seen = assembled(found, *shown)
    total = sum((w.coins for each in shown for w in each.wallets), Coin.zero())
    assert seen.exposure.held == total


TETHER = "USDT"


def linear() -> Snapshot:
    """A hedge in a linear contract on an account with one pot of each coin, and some positions more."""
    contract, held = (
        instrument(LINEAR, face="0.001"),
        ["XRP/USDT:USDT", "BTC/USDT:USDT-261225", "XRP/USD:XRP"],
    )
    own = position(-500, contract=contract)
    others = [replace(position(-7), symbol=symbol) for symbol in held]
    stable = wallet("40000", [own], id=WalletId("main", "unified", TETHER))
    found = hedge(legs=(LegPolicy("main", LINEAR),), spot_accounts=())
    shown = reading(
        wallets=[wallet("2"), stable],
        positions=[own, *others],
        quotes=(quote(symbol=LINEAR),),
        facts=(facts(contract),),
    )
    return assembled(found, shown)


class TestALinearLeg:
    def test_is_margined_by_the_stable_wallet_which_is_not_held(self) -> None:
        seen = linear()
        assert (seen.exposure.spot, seen.exposure.collateral, seen.exposure.held) == (
            coin(2),
            coin(0),
            coin(2),
        )
        assert (seen.exposure.sold, seen.exposure.unrealized) == (coin("0.5"), coin(0))
        assert seen.legs[0].wallet.id.asset == TETHER
        assert seen.stable_wallets == (seen.legs[0].wallet,)

    def test_positions_of_the_asset_are_foreign_and_those_of_others_are_beside_it(self) -> None:
        seen = linear()
        assert [position.symbol for _, position in seen.others] == ["BTC/USDT:USDT-261225"]
        assert [position.symbol for _, position in seen.beside] == ["XRP/USDT:USDT"]

    def test_asks_for_its_coin_too(self) -> None:
        found = hedge(legs=(LegPolicy("main", LINEAR),))
        assert found.needs("main").assets == {"BTC", TETHER}

    def test_a_stable_wallet_that_is_not_shown_blinds(self) -> None:
        found = hedge(legs=(LegPolicy("main", LINEAR),))
        seen = assemble(found, {"main": reading(wallets=pots(unified="1"))}, NOW)
        assert isinstance(seen, Blind)
        assert seen.reasons == (f"main:{LINEAR}: its margin wallet was not shown",)
