"""Margin and liquidation of inverse positions.

Maintenance margin is taken at the mark price, with the fee of closing there (the exchanges' newer rule),
or at the entry price without it (their older one). With ``Q`` the position's coins at a price, ``E`` those
of its entry, ``M`` its margin, ``m`` and ``c`` rate and deduction of its tier, ``f`` the taker fee:

    short, at mark:   M + Q − E = Q·(m + f) − c      hence   Q = (E − M − c) / (1 − m − f)
    long, at mark:    M + E − Q = Q·(m + f) − c      hence   Q = (E + M + c) / (1 + m + f)
    at entry:         M ± (Q − E) = E·m − c

and the liquidation price is ``face · contracts / Q``; there is none where no positive ``Q`` solves it.
"""

from dataclasses import dataclass
from fractions import Fraction

from hedgebot.sim.contract import Contract, Tier
from hedgebot.sim.ledger import Position
from hedgebot.sim.money import ONE, ZERO


def requirement(position: Position, contract: Contract, mark: Fraction, *, at_entry: bool) -> Fraction:
    """Coins below which the position is liquidated."""
    if at_entry:
        return contract.maintenance(position.entry_coins)
    value = contract.coins(position.contracts, mark)
    return contract.maintenance(value) + value * contract.closing_fee


def is_lost(position: Position, contract: Contract, mark: Fraction, *, at_entry: bool) -> bool:
    """Whether an isolated position is liquidated at ``mark``."""
    if position.contracts < 0 and position.margin >= position.entry_coins and not at_entry:
        return False  # its own coins cover it at any price
    equity = position.margin + position.profit(contract, mark)
    return equity <= requirement(position, contract, mark, at_entry=at_entry)


def liquidation_price(position: Position, contract: Contract, *, at_entry: bool) -> Fraction | None:
    """The mark price at which an isolated position is liquidated; None where there is none."""
    if at_entry:
        need = contract.maintenance(position.entry_coins)
        return _price(position, contract, _coins_left(position, position.margin - need))
    floor = ZERO
    for tier in contract.tiers:
        coins = _tier_root(position, contract, tier)
        if floor < coins <= tier.up_to or (coins > tier.up_to and tier is contract.tiers[-1]):
            return _price(position, contract, coins)
        floor = tier.up_to
    return None


def bust_price(position: Position, contract: Contract) -> Fraction | None:
    """The price at which closing, fee included, eats an isolated margin to the last coin."""
    short = position.contracts < 0
    left = _coins_left(position, position.margin)
    return _price(position, contract, left / (ONE - contract.taker if short else ONE + contract.taker))


def _coins_left(position: Position, spare: Fraction) -> Fraction:
    """The position's coins at the price where it has lost ``spare`` coins."""
    return position.entry_coins - spare if position.contracts < 0 else position.entry_coins + spare


def _tier_root(position: Position, contract: Contract, tier: Tier) -> Fraction:
    rate = tier.maintenance + contract.closing_fee
    left = _coins_left(position, position.margin + tier.deduction)
    return left / (ONE - rate if position.contracts < 0 else ONE + rate)


def _price(position: Position, contract: Contract, coins: Fraction) -> Fraction | None:
    return position.size * contract.face / coins if coins > 0 else None


@dataclass(slots=True)
class Pool:
    """An account whose wallets stand behind all its positions, in dollars at the index.

    ``fixed`` is what does not depend on the coins' price, ``floating`` what does: at prices ``k`` times
    today's the account is worth ``fixed + k · floating``, and needs ``rates − k · deductions`` and the fees
    held back. ``closing_fees`` is what closing would cost, held back or not.
    """

    fixed: Fraction = ZERO
    floating: Fraction = ZERO
    maintenance_rates: Fraction = ZERO
    deductions: Fraction = ZERO
    held_fees: Fraction = ZERO
    closing_fees: Fraction = ZERO

    @property
    def balance(self) -> Fraction:
        return self.fixed + self.floating

    @property
    def maintenance(self) -> Fraction:
        """Maintenance margin without the fee of closing."""
        return self.maintenance_rates - self.deductions

    @property
    def lost(self) -> bool:
        return bool(self.maintenance_rates) and self.balance <= self.maintenance + self.held_fees

    def liquidation_factor(self) -> Fraction | None:
        """The factor on today's prices at which the account is liquidated; None where there is none."""
        fixed = self.fixed - self.maintenance_rates - self.held_fees
        return _factor(fixed, self.floating + self.deductions)

    def bust_factor(self) -> Fraction | None:
        """The factor at which closing everything, fees included, leaves nothing."""
        return _factor(self.fixed - self.closing_fees, self.floating)


def _factor(fixed: Fraction, floating: Fraction) -> Fraction | None:
    """The positive root of ``fixed + k · floating``."""
    if not floating or fixed * floating >= 0:
        return None
    return -fixed / floating
