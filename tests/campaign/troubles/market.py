"""What happens on the exchange: coins and trades that are not ours, and what the exchange itself does."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from random import Random
from typing import TYPE_CHECKING, Any

from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import NONE, level, thinned
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import RefusedError
from tests.campaign.plan import Trouble
from tests.campaign.prices import Bent
from tests.campaign.troubles.kinds import Scope, for_a_while, stretch, trouble

if TYPE_CHECKING:
    from tests.campaign.life import Life

HOUR_MS = 3_600_000


def coins(rng: Random, _scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return 0.0, {
        "coins": rng.choice(("0.001", "0.02", "0.1", "0.25", "0.5")),
        "wallet": rng.choice(("pot", "spot")),
    }


def share(rng: Random, _scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return 0.0, {"share": rng.choice(("0.02", "0.1", "0.3", "0.5", "0.9"))}


def part_or_all(rng: Random, _scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return 0.0, {"share": rng.choice(("0.02", "0.1", "0.3", "0.5", "1"))}


def lasting_share(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), share(rng, scope)[1]


@trouble("deposit", coins)
async def deposit(life: "Life", trouble: Trouble, _rng: Random) -> None:
    wallet = "spot" if trouble.how["wallet"] == "spot" and life.plan.spot != "0" else ""
    with life.exchange.foreign() as exchange:
        exchange.deposit("main", "BTC", trouble.how["coins"], wallet)
    life.hit(trouble)


@trouble("withdrawal", share)
async def withdrawal(life: "Life", trouble: Trouble, _rng: Random) -> None:
    with life.exchange.foreign() as exchange:
        value = exchange.value("main")
        for key in sorted(value.state.wallets):
            size = value.withdrawable(key) * Fraction(trouble.how["share"])
            size = Fraction(size * 10_000 // 1, 10_000)
            if size > 0 and key[1] == "BTC":
                exchange.withdraw("main", "BTC", size, key[0])
                life.hit(trouble)
                return


@trouble("coins seized", part_or_all)
async def coins_seized(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """Gone without asking whether margin needs them: a mistake of the exchange's, or a fork's."""
    with life.exchange.foreign() as exchange:
        balance = exchange.wallet("main", "BTC").balance
        if balance > 0:
            exchange.seize(
                "main", "BTC", Fraction(balance * Fraction(trouble.how["share"]) * 5_000 // 1, 10_000)
            )
            life.hit(trouble)


def by_hand(life: "Life", trouble: Trouble, side: Side, contracts: Fraction) -> bool:
    """A human's market order, in whole lots; whether it was taken."""
    with life.exchange.foreign() as exchange:
        step = exchange.truth.contract(life.exchange.symbol).qty_step
        try:
            exchange.human_trade("main", life.exchange.symbol, side, contracts // step * step)
        except RefusedError:
            return False
    life.hit(trouble)
    return True


@trouble("human closes", part_or_all)
async def human_closes(life: "Life", trouble: Trouble, _rng: Random) -> None:
    held = life.exchange.truth.position("main", life.exchange.symbol).contracts
    if held < 0:
        by_hand(life, trouble, Side.BUY, -held * Fraction(trouble.how["share"]))


@trouble("human sells", share)
async def human_sells(life: "Life", trouble: Trouble, _rng: Random) -> None:
    held = life.exchange.truth.position("main", life.exchange.symbol).contracts
    if held < 0:
        by_hand(life, trouble, Side.SELL, -held * Fraction(trouble.how["share"]))


@trouble("human flips", lasting_share)
async def human_flips(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """To a long, which he closes later: the daemon never does."""
    held = life.exchange.truth.position("main", life.exchange.symbol).contracts
    if held >= 0 or not by_hand(life, trouble, Side.BUY, -held * (1 + Fraction(trouble.how["share"]) / 3)):
        return
    await life.until(trouble.until)
    held = life.exchange.truth.position("main", life.exchange.symbol).contracts
    if held > 0:
        with suppress(RefusedError), life.exchange.foreign() as exchange:
            exchange.human_trade("main", life.exchange.symbol, Side.SELL, held)


@trouble("human order rests", for_a_while)
async def human_order_rests(life: "Life", trouble: Trouble, _rng: Random) -> None:
    with life.exchange.foreign() as exchange:
        symbol = life.exchange.symbol
        contract, mark = exchange.truth.contract(symbol), exchange.quote(symbol).mark
        price = mark * Fraction(9, 10) // contract.tick * contract.tick
        try:
            order = exchange.human_order("main", symbol, Side.BUY, 2 * contract.min_qty, price)
        except RefusedError:
            return
    life.hit(trouble)
    await life.until(trouble.until)
    with life.exchange.foreign() as exchange:
        if order.id in exchange.account("main").open_orders:
            exchange.cancel("main", order.id)


@trouble("deleveraging", part_or_all)
async def deleveraging(life: "Life", trouble: Trouble, _rng: Random) -> None:
    with life.exchange.foreign() as exchange:
        try:
            exchange.adl("main", life.exchange.symbol, trouble.how["share"])
        except RefusedError:
            return
    life.hit(trouble)


@trouble("liquidation", for_a_while, chances=2)
async def liquidation(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """A squeeze to just beyond the liquidation price, where there is one within reach."""
    exchange, symbol = life.exchange.truth, life.exchange.symbol
    quote, key = exchange.quote(symbol), (symbol, 0)
    if exchange.position("main", symbol).contracts >= 0:
        return
    price = exchange.value("main").liquidation_price(key)
    if price is None or not quote.mark < price < 4 * quote.mark:
        return
    feed, now = exchange.truth.market.feed(symbol), exchange.truth.at_ms
    factor = price / quote.mark * Fraction(101, 100)
    lasts = min(round((trouble.until - life.seconds) * 1000), 20_000)
    exchange.change_feed(symbol, path=Bent(feed.path, factor, now, now + lasts))
    life.hit(trouble)


@trouble("thin book", lasting_share)
async def thin_book(life: "Life", trouble: Trouble, _rng: Random) -> None:
    exchange, symbol = life.exchange.truth, life.exchange.symbol
    feed = life.exchange.usual.feed
    contracts = Fraction(trouble.how["share"]) * 2000 / life.exchange.usual.contract.face
    exchange.change_feed(symbol, shape=thinned(feed, contracts / feed.shape.contracts).shape)
    life.hit(trouble)
    await life.until(trouble.until)
    exchange.change_feed(symbol, shape=feed.shape)


def rate(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope) + 8 * 3600 * rng.random(), {
        "rate": rng.choice(("-0.0075", "-0.001", "0", "0.003"))
    }


@trouble("funding rate", rate)
async def funding_rate(life: "Life", trouble: Trouble, _rng: Random) -> None:
    exchange, symbol = life.exchange.truth, life.exchange.symbol
    exchange.change_feed(symbol, funding=level(trouble.how["rate"]))
    life.hit(trouble)
    await life.until(trouble.until)
    exchange.change_feed(symbol, funding=life.exchange.usual.feed.funding)


@trouble("funding interval", rate)
async def funding_interval(life: "Life", trouble: Trouble, _rng: Random) -> None:
    exchange, symbol = life.exchange.truth, life.exchange.symbol
    usual = life.exchange.usual.contract.funding_interval_ms
    exchange.change_contract(symbol, funding_interval_ms=HOUR_MS)
    life.hit(trouble)
    await life.until(trouble.until)
    exchange.change_contract(symbol, funding_interval_ms=usual)


@trouble("contract changes", for_a_while)
async def contract_changes(life: "Life", trouble: Trouble, rng: Random) -> None:
    """Lots become larger, as on BitMEX on 8 June 2021, or trading stops."""
    exchange, symbol = life.exchange.truth, life.exchange.symbol
    usual = life.exchange.usual.contract
    lot = 100 * usual.qty_step
    exchange.change_contract(
        symbol, **({"qty_step": lot, "min_qty": lot} if rng.random() < 0.5 else {"min_qty": lot})
    )
    life.exchange.judge.orders.largest_lot = lot
    life.hit(trouble)
    await life.until(trouble.until)
    life.facts_changed = True
    exchange.change_contract(symbol, qty_step=usual.qty_step, min_qty=usual.min_qty)


def error(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), {"error": rng.choice(("-0.2", "-0.1", "-0.05", "0.05", "0.1", "0.2"))}


@trouble("index error", error)
async def index_error(life: "Life", trouble: Trouble, _rng: Random) -> None:
    exchange, symbol = life.exchange.truth, life.exchange.symbol
    exchange.change_feed(symbol, index_error=level(trouble.how["error"]))
    life.hit(trouble)
    await life.until(trouble.until)
    exchange.change_feed(symbol, index_error=NONE)


@trouble("margin mode flips", for_a_while)
async def margin_mode_flips(life: "Life", trouble: Trouble, _rng: Random) -> None:
    usual = MarginMode(life.plan.config.margin_mode)
    other = MarginMode.CROSS if usual is MarginMode.ISOLATED else MarginMode.ISOLATED
    named = "" if life.plan.venue == "bybit" else life.exchange.symbol
    with suppress(RefusedError), life.exchange.foreign() as exchange:
        exchange.set_margin_mode("main", other, named)
        life.hit(trouble)
    await life.until(trouble.until)
    life.facts_changed = True
    with life.exchange.foreign() as exchange:
        try:
            exchange.set_margin_mode("main", usual, named)
        except RefusedError:  # too little margin of its own: he adds some
            exchange.deposit("main", "BTC", 2)
            exchange.set_margin_mode("main", usual, named)


@trouble("position mode flips", for_a_while, venues=("binance", "okx"))
async def position_mode_flips(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """Only possible while nothing is open: a human closes all, and opens nothing."""
    symbol = life.exchange.symbol
    with suppress(RefusedError), life.exchange.foreign() as exchange:
        held = exchange.position("main", symbol).contracts
        if held < 0:
            exchange.human_trade("main", symbol, Side.BUY, -held)
        exchange.set_hedge_mode("main", symbol, hedge=True)
        life.hit(trouble)
    await life.until(trouble.until)
    life.facts_changed = True
    while life.exchange.truth.account("main").state.hedge_mode:  # an order that rests forbids it
        with suppress(RefusedError), life.exchange.foreign() as exchange:
            exchange.set_hedge_mode("main", symbol, hedge=False)
        await life.until(life.seconds + 1)


@trouble("leverage changes", for_a_while)
async def leverage_changes(life: "Life", trouble: Trouble, _rng: Random) -> None:
    symbol, usual = life.exchange.symbol, life.plan.config.leverage
    with suppress(RefusedError), life.exchange.foreign() as exchange:
        exchange.set_leverage("main", symbol, usual + 1)
        life.hit(trouble)
    await life.until(trouble.until)
    with life.exchange.foreign() as exchange:
        for _ in range(100):
            if exchange.value("main").leverage(symbol) == usual:
                return
            try:
                exchange.set_leverage("main", symbol, usual)
            except RefusedError:  # coins that stood behind it are gone: he adds some
                exchange.deposit("main", "BTC", "0.1")


def key_fault(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), {"fault": rng.choice(("revoked", "expired", "read_only"))}


@trouble("key refused", key_fault)
async def key_refused(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """Revoked, expired, or made read-only; then mended."""
    exchange, key = life.exchange.truth, life.exchange.usual.key
    match trouble.how["fault"]:
        case "revoked":
            exchange.revoke_key(key.key)
        case "expired":
            exchange.set_key(replace(key, expires_ms=exchange.advance()))
        case _:
            exchange.set_key(replace(key, read_only=True))
    life.hit(trouble)
    await life.until(trouble.until)
    exchange.set_key(key)
