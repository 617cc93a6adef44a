"""Booking of trades and funding: the one place where positions and wallets change because of a price."""

from dataclasses import dataclass, replace
from fractions import Fraction

from hedgebot.sim.account import Account
from hedgebot.sim.contract import Contract
from hedgebot.sim.events import Filled, FillKind, FundingPaid
from hedgebot.sim.ledger import (
    MarginMode,
    Position,
    PositionKey,
    closed,
    closing_part,
    isolated_coins,
    opened,
)
from hedgebot.sim.matching import Side
from hedgebot.sim.money import ZERO
from hedgebot.sim.orders import Order
from hedgebot.sim.truth import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """Contracts that changed hands at a price, for one account; ``order`` is None where none asked for it."""

    symbol: str
    side: Side
    contracts: Fraction
    price: Fraction
    fee_rate: Fraction
    index: int = 0
    maker: bool = False
    kind: FillKind = FillKind.TRADE
    order: Order | None = None


def book_trade(truth: Truth, account: Account, trade: Trade) -> Filled:
    """Change the position, pay fee and realised profit, and record it."""
    contract = truth.contracts[trade.symbol]
    key: PositionKey = (trade.symbol, trade.index)
    before = account.state.position(key)
    signed = trade.contracts * trade.side.sign
    closing = closing_part(before, signed)
    after, profit = _moved(truth, account, contract, before, signed, closing, trade.price)
    fee = truth.booked(contract.coins(trade.contracts, trade.price) * trade.fee_rate)
    realised = truth.booked(profit)
    truth.sequence += 1
    after = _stamped(truth, before, after, realised - fee)
    account.become(account.state.with_position(key, after), truth.at_ms)
    balance = truth.post(account, account.pot_of(contract.settle), realised - fee, trading=True)
    cover(truth, account, key, contract.settle)
    filled = _filled(truth, account, trade, realised, fee, closing, balance)
    truth.record(filled)
    return filled


def _filled(
    truth: Truth,
    account: Account,
    trade: Trade,
    realised: Fraction,
    fee: Fraction,
    closing: Fraction,
    balance: Fraction,
) -> Filled:
    contract, order = truth.contracts[trade.symbol], trade.order
    return Filled(
        number=truth.next_number(),
        at_ms=truth.at_ms,
        account=account.name,
        wallet=account.pot_of(contract.settle),
        change=realised - fee,
        balance=balance,
        kind=trade.kind,
        order_id=order.id if order else truth.new_id(),
        client_id=order.client_id if order else "",
        execution_id=truth.new_id(),
        sequence=truth.sequence,
        symbol=trade.symbol,
        side=trade.side,
        contracts=trade.contracts,
        price=trade.price,
        mark=truth.quote(trade.symbol).mark,
        coins=contract.coins(trade.contracts, trade.price),
        fee=fee,
        fee_rate=trade.fee_rate,
        realised=realised,
        closed=closing,
        after=account.state.position((trade.symbol, trade.index)).contracts,
        maker=trade.maker,
        order=order,
    )


def book_funding(truth: Truth, account: Account, key: PositionKey, rate: Fraction) -> None:
    """Pay or receive one interval's funding: ``coins · rate``, to the short when the rate is positive."""
    contract, position = truth.contracts[key[0]], account.state.position(key)
    mark = truth.quote(key[0]).mark
    paid = contract.coins(position.contracts, mark) * rate * (1 if position.contracts > 0 else -1)
    change = truth.booked(-paid)
    truth.sequence += 1
    updated = replace(
        position,
        realised=position.realised + change,
        realised_ever=position.realised_ever + change,
        updated_ms=truth.at_ms,
        sequence=truth.sequence,
    )
    account.become(account.state.with_position(key, updated), truth.at_ms)
    pot = account.pot_of(contract.settle)
    balance = truth.post(account, pot, change, trading=True)
    cover(truth, account, key, contract.settle)
    truth.record(
        FundingPaid(
            number=truth.next_number(),
            at_ms=truth.at_ms,
            account=account.name,
            wallet=pot,
            change=change,
            balance=balance,
            execution_id=truth.new_id(),
            sequence=truth.sequence,
            symbol=key[0],
            rate=rate,
            mark=mark,
            contracts=position.contracts,
        )
    )


def _moved(
    truth: Truth,
    account: Account,
    contract: Contract,
    position: Position,
    signed: Fraction,
    closing: Fraction,
    price: Fraction,
) -> tuple[Position, Fraction]:
    """The position after the trade and the profit it realised: close what is opposed, open the rest."""
    profit = ZERO
    if closing:
        position, profit = closed(position, closing, contract, price)
    opening = abs(signed) - closing
    if opening:
        margin = truth.opening_margin(account.state, contract, contract.coins(opening, price))
        position = opened(position, opening if signed > 0 else -opening, contract, price, margin)
    return position, profit


def _stamped(truth: Truth, before: Position, after: Position, change: Fraction) -> Position:
    turned = before.contracts * after.contracts <= 0 and bool(after.contracts)
    return replace(
        after,
        realised=change if turned else before.realised + change,
        realised_ever=before.realised_ever + change,
        created_ms=before.created_ms or truth.at_ms,
        opened_ms=truth.at_ms if turned else before.opened_ms,
        updated_ms=truth.at_ms,
        sequence=truth.sequence,
    )


def cover(truth: Truth, account: Account, key: PositionKey, coin: str) -> None:
    """Take from an isolated margin what the free coins could not pay."""
    state = account.state
    if state.mode_of(key[0]) is not MarginMode.ISOLATED:
        return
    aside = isolated_coins(state, coin, truth.contracts)
    missing = aside - state.wallet(account.pot_of(coin)).balance
    if missing > 0:
        position = state.position(key)
        less = replace(position, margin=max(position.margin - missing, ZERO), updated_ms=truth.at_ms)
        account.become(state.with_position(key, less), truth.at_ms)
