"""Values of the domain for tests, with good defaults: one BTC in a unified pot, hedged in contracts of 1 USD.

What a builder is not told agrees with what it is told: a position shows the profit and margin that
follow from its size and prices, a wallet shows those of its positions. Tests break that on purpose.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hedgebot.domain.account import (
    AccountMode,
    AccountReading,
    LegFacts,
    OpenOrder,
    Position,
    Tier,
    Wallet,
    WalletId,
)
from hedgebot.domain.client_ids import ClientId
from hedgebot.domain.decision import Assessment, Finding, Permission, Target
from hedgebot.domain.hedge import Hedge, LegPolicy, Limits
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.market import Funding, Quote
from hedgebot.domain.orders import Intent, OrderRequest, Stage
from hedgebot.domain.records import Memory
from hedgebot.domain.snapshot import Leg, Observation, Snapshot
from hedgebot.domain.transfers import Pocket, Pockets, TransferIntent, TransferRequest, TransferStage
from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Price, Usd
from hedgebot.risk import View

Number = str | int | Decimal

NOW = Millis(1_795_240_800_000)
"""2026-11-21T05:20:00Z, when every test takes place unless it says otherwise."""

STARTED = Millis(NOW - 3_600_000)
INSTANCE = 7
SYMBOL, DATED, LINEAR = "BTC/USD:BTC", "BTC/USD:BTC-261225", "BTC/USDT:USDT"
LEG = f"main:{SYMBOL}"
PERP = "BTCUSD"
DEEP = Contracts.of(10**12)


def price(value: Number) -> Price:
    return Price.of(value)


def coin(value: Number) -> Coin:
    return Coin.of(value)


def contracts(value: Number) -> Contracts:
    return Contracts.of(value)


def instrument(
    symbol: str = SYMBOL,
    *,
    face: Number = 1,
    lot: Number = 1,
    min_order: Number = 1,
    max_order: Number = 10**12,
    tick: str = "0.5",
    tradable: bool = True,
) -> Instrument:
    """An inverse contract of ``face`` dollars; a linear one, of ``face`` coins, where the symbol says so."""
    linear = symbol.partition(":")[2] not in {"BTC", "BTC-261225"}
    return Instrument(
        symbol=symbol,
        native=PERP,
        asset="BTC",
        face=Coin.of(face) if linear else Usd.of(face),
        lot=Contracts.of(lot),
        min_order=Contracts.of(min_order),
        max_order=Contracts.of(max_order),
        tick=Decimal(tick),
        tradable=tradable,
    )


def facts(contract: Instrument | None = None, *, fee: str = "0.0005", maintenance: str = "0.005") -> LegFacts:
    contract = contract or instrument()
    unit = Decimal(60_000 if contract.linear else 1)  # in the coin that it settles in
    first, then = Tier(Coin.of(150 * unit), Decimal(maintenance)), Tier(Coin.of(300 * unit), BEYOND)
    return LegFacts(contract, Decimal(fee), (first, then))


BEYOND = Decimal("0.01")
FUNDING = Funding(Decimal("0.0001"), Decimal(8), Millis(NOW + 3_600_000))


def levels(*pairs: tuple[Number, Number]) -> tuple[tuple[Price, Contracts], ...]:
    """Levels of a book, as (price, contracts)."""
    return tuple((Price.of(at), Contracts.of(size)) for at, size in pairs)


def quote(mark: Number = 60_000, symbol: str = SYMBOL, **changes: Any) -> Quote:
    """A bottomless book half a dollar around ``mark``, the index on it."""
    at, half = Price.of(mark), Price.of("0.5") if Decimal(mark) > 1 else Price.of(Decimal(mark) / 1000)
    book = Quote(
        symbol, at, at, bids=((at - half, DEEP),), asks=((at + half, DEEP),), funding=FUNDING, at=NOW
    )
    return replace(book, **changes)


def flat_quote(mark: Number = 60_000, symbol: str = SYMBOL) -> Quote:
    """A book that fills everything at mark."""
    at = ((Price.of(mark), DEEP),)
    return quote(mark, symbol, bids=at, asks=at)


def position(
    size: Number = 0,
    *,
    entry: Number = 60_000,
    mark: Number = 60_000,
    contract: Instrument | None = None,
    leverage: Number | None = 2,
    **changes: Any,
) -> Position:
    """A position of ``size`` contracts (negative: short), with the profit and margin that follow."""
    contract, is_open = contract or instrument(), bool(Decimal(size))
    profit, sold = Coin.zero(), Coin.zero()
    if is_open and isinstance(contract.face, Usd):
        notional = contract.face * Decimal(size)
        sold = notional.at(Price.of(entry))
        profit = sold - notional.at(Price.of(mark))
    elif is_open and isinstance(contract.face, Coin):
        short = contract.face * Decimal(size)
        sold = Coin(short.at(Price.of(entry)).value)
        profit = Coin(short.at(Price.of(mark)).value) - sold
    found = Position(
        symbol=contract.symbol,
        contracts=Contracts.of(size),
        entry=Price.of(entry) if is_open else None,
        mark=Price.of(mark),
        unrealized=profit,
        initial_margin=abs(sold) / Decimal(leverage or 1),
        margin=None,
        liquidation=None,
        leverage=None if leverage is None else Decimal(leverage),
        hedge_mode=False,
        updated_at=NOW,
    )
    return replace(found, **changes)


def wallet(
    coins: Number = 1, positions: Iterable[Position] = (), *, kind: str = "unified", **changes: Any
) -> Wallet:
    """A pot of ``coins`` that shows the profit and margin of its ``positions``."""
    margined = tuple(positions)
    found = Wallet(
        id=WalletId("main", kind, "BTC"),
        coins=Coin.of(coins),
        unrealized=sum((p.unrealized for p in margined), Coin.zero()),
        position_margin=sum((p.initial_margin for p in margined), Coin.zero()),
        withdrawable=Coin.of(coins),
    )
    return replace(found, **changes)


def policy(symbol: str = SYMBOL, account: str = "main", **changes: Any) -> LegPolicy:
    return replace(LegPolicy(account, symbol), **changes)


def leg(
    size: Number = 0,
    *,
    entry: Number = 60_000,
    mark: Number = 60_000,
    contract: Instrument | None = None,
    fee: str = "0.0005",
    maintenance: str = "0.005",
    book: Quote | None = None,
    policy: LegPolicy | None = None,
    mode: MarginMode = MarginMode.CROSS,
    **position_changes: Any,
) -> Leg:
    """A leg with ``size`` contracts; its wallet is seated by ``snapshot``."""
    contract = contract or instrument()
    held = position(size, entry=entry, mark=mark, contract=contract, **position_changes)
    return Leg(
        policy=policy or LegPolicy("main", contract.symbol),
        position=held,
        quote=book or quote(mark, contract.symbol),
        facts=facts(contract, fee=fee, maintenance=maintenance),
        wallet=wallet(0, [held]),
        mode=AccountMode(mode),
    )


def snapshot(
    *legs: Leg,
    coins: Number = 1,
    dollars: Number = 0,
    spot: Number = 0,
    outside: Number = 0,
    stable: Number = 0,
    **changes: Any,
) -> Snapshot:
    """A coherent snapshot: ``coins`` and ``dollars`` margin all inverse ``legs``, ``spot`` lies elsewhere;
    ``stable`` is in the wallet that margins the linear ones."""
    inverse = [each for each in legs if isinstance(each.facts.instrument.face, Usd)]
    linear = [each.position for each in legs if each not in inverse]
    tether = wallet(stable, linear, id=WalletId("main", "unified", "USDT"))
    others = tuple(p for _, p in changes.get("others", ()))
    margined = [*(each.position for each in inverse), *others]
    pot = wallet(coins, margined, other_margin=Usd.of(dollars))
    cold = (wallet(spot, kind="spot"),) if Decimal(spot) else ()
    seated = tuple(replace(each, wallet=pot if each in inverse else tether) for each in legs)
    found = Snapshot(
        hedge="btc",
        asset="BTC",
        at=NOW,
        started=100.0,
        ended=100.05,
        offset_ms=0,
        spot_wallets=cold,
        margin_wallets=(pot,) if inverse or Decimal(coins) else (),
        outside=Coin.of(outside),
        legs=seated or (leg(),),
    )
    return replace(found, **changes)


def hedged(size: Number = -59_970, **changes: Any) -> Snapshot:
    """One coin, ``size`` contracts short at 60,000."""
    coins = changes.pop("coins", 1)
    return snapshot(leg(size, **changes), coins=coins)


def split(
    size: Number = 0,
    *,
    margin: Number = "0.3",
    coins: Number = "0.6",
    spot: Number = "0.4",
    spare: Number | None = None,
    mark: Number = 60_000,
    spot_free: Number | None = None,
    outside: Number = 0,
    in_flight: Coin = Coin.zero(),
    **changes: Any,
) -> Snapshot:
    """A spot wallet, and a margin wallet with one isolated leg in contracts of 100 dollars, sold at 60,000.

    What is not isolated in the margin wallet is ``spare``, unless told otherwise.
    """
    contract = instrument(face=100)
    isolated = leg(
        size, mark=mark, contract=contract, mode=MarginMode.ISOLATED, margin=Coin.of(margin), **changes
    )
    seen = snapshot(isolated, coins=coins, spot=spot, outside=outside, in_flight=in_flight)
    free = Coin.of(Decimal(coins) - Decimal(margin) if spare is None else spare)
    pot = replace(seen.margin_wallets[0], id=WalletId("main", "margin", "BTC"), withdrawable=free)
    cold = tuple(
        replace(w, withdrawable=w.coins if spot_free is None else Coin.of(spot_free))
        for w in seen.spot_wallets
    )
    legs = tuple(replace(each, wallet=pot) for each in seen.legs)
    return replace(seen, margin_wallets=(pot,), spot_wallets=cold, legs=legs)


LIMITS = Limits(
    slippage=Decimal("0.005"),
    orders_per_hour=20,
    turnover_per_day=Decimal(3),
    corrections_per_hour=10,
    jump=Decimal("0.2"),
)


def hedge(ratio: Number = 1, band: Number = "0.02", *, limits: Limits = LIMITS, **changes: Any) -> Hedge:
    found = Hedge(
        name="btc",
        asset="BTC",
        ratio=Decimal(ratio),
        band=Decimal(band),
        min_ratio=ZERO,
        max_ratio=Decimal(1),
        spot_accounts=(),
        outside=(),
        legs=(LegPolicy("main", SYMBOL),),
        limits=limits,
        liquidation_warn=Decimal("0.3"),
        liquidation_act=Decimal("0.15"),
        settle_after=30.0,
    )
    return replace(found, **changes)


def to(ratio: Number, **changes: Any) -> Target:
    return replace(Target(Decimal(ratio), "configured"), **changes)


def allowing(permission: Permission = Permission.ANY, reason: str = "the guard says so") -> Assessment:
    return Assessment((Finding("test", permission, "", "", reason),))


def client_id(number: int = 1, *, instance: int = INSTANCE) -> str:
    return str(ClientId(instance, 1, number))


def intent(
    size: Number = -59_970,
    stage: Stage = Stage.RESERVED,
    *,
    number: int = 1,
    believed: Number = 0,
    filled: Number = 0,
    age_ms: int = 0,
    symbol: str = SYMBOL,
    **changes: Any,
) -> Intent:
    """An order of ours in ``stage``, written ``age_ms`` ago on ``believed`` contracts."""
    request = OrderRequest(
        client_id(number), "main", symbol, Contracts.of(size), Price.of(60_000), Decimal(size) > ZERO
    )
    found = Intent(
        number=number,
        hedge="btc",
        request=request,
        believed=Contracts.of(believed),
        target_ratio=Decimal(1),
        reason="to the target",
        correction=False,
        written_at=Millis(NOW - age_ms),
        stage=stage,
        filled=Contracts.of(filled),
    )
    return replace(found, **changes)


def transfer(
    coins: Number = "0.1",
    stage: TransferStage = TransferStage.RESERVED,
    *,
    number: int = 1,
    account: str = "main",
    source: Pocket = Pocket.SPOT,
    target: Pocket = Pocket.MARGIN,
    symbol: str = "",
    age_ms: int = 0,
    **changes: Any,
) -> TransferIntent:
    """A move of ours out of a spot wallet that showed 0.4 coins, to a margin wallet that showed 0.6."""
    request = TransferRequest(client_id(number), account, "BTC", Coin.of(coins), source, target, symbol)
    showed, at = Pockets(Coin.of("0.4"), Coin.of("0.6")), Millis(NOW - age_ms)
    found = TransferIntent(number, "btc", request, showed, "near", at, stage, updated_at=at)
    return replace(found, **changes)


def open_order(size: Number = -100, client_id: str = "", **changes: Any) -> OpenOrder:
    found = OpenOrder(SYMBOL, "1", client_id, Contracts.of(size), reduce_only=False, created_at=NOW)
    return replace(found, **changes)


def view(seen: Observation | None = None, memory: Memory | None = None, **changes: Any) -> View:
    """One cycle's facts: a hedge at its target, nothing on its way, one hour after the start."""
    found = View(
        hedge=hedge(),
        observed=seen or hedged(),
        memory=memory or Memory(),
        open=(),
        closed=(),
        recent=(),
        now=100.1,
        at=NOW,
        started_at=STARTED,
        instance=INSTANCE,
    )
    return replace(found, **changes)


def reading(
    account: str = "main",
    wallets: Sequence[Wallet] | None = None,
    positions: Sequence[Position] | None = None,
    **changes: Any,
) -> AccountReading:
    """A complete reading of an account with a leg: a flat ``BTC/USD:BTC`` and one coin, unless given."""
    shown = (position(),) if positions is None else tuple(positions)
    pots = (wallet(1, shown),) if wallets is None else tuple(wallets)
    found = AccountReading(
        account=account,
        started=100.0,
        ended=100.05,
        exchange_offset_ms=0,
        mode=AccountMode(MarginMode.CROSS),
        wallets=tuple(replace(w, id=replace(w.id, account=account)) for w in pots),
        positions=shown,
        orders=(),
        quotes=(quote(),),
        facts=(facts(),),
    )
    return replace(found, **changes)
