"""Margin and liquidation of positions.

Maintenance margin is taken at the mark price, with the fee of closing there (the exchanges' newer rule),
or at the entry price without it (their older one). With ``Q`` the position's coins at a price, ``E`` those
of its entry, ``M`` its margin, ``m`` and ``c`` rate and deduction of its tier, ``f`` the taker fee:

    inverse short, linear long, at mark:   M + Q − E = Q·(m + f) − c   hence   Q = (E − M − c) / (1 − m − f)
    inverse long, linear short, at mark:   M + E − Q = Q·(m + f) − c   hence   Q = (E + M + c) / (1 + m + f)
    at entry:                              M ± (Q − E) = E·m − c

and the liquidation price is the one at which the contracts are worth ``Q``; there is none where no positive
``Q`` solves it.
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
    covered = position.margin >= position.entry_coins
    if contract.gains(position.contracts) and covered and not at_entry:
        return False  # its own coins cover it at any price
    equity = position.margin + position.profit(contract, mark)
    return equity <= requirement(position, contract, mark, at_entry=at_entry)


def liquidation_price(position: Position, contract: Contract, *, at_entry: bool) -> Fraction | None:
    """The mark price at which an isolated position is liquidated; None where there is none."""
    if at_entry:
        need = contract.maintenance(position.entry_coins)
        return _price(position, contract, _coins_left(position, contract, position.margin - need))
    floor = ZERO
    for tier in contract.tiers:
        coins = _tier_root(position, contract, tier)
        if floor < coins <= tier.up_to or (coins > tier.up_to and tier is contract.tiers[-1]):
            return _price(position, contract, coins)
        floor = tier.up_to
    return None


def bust_price(position: Position, contract: Contract) -> Fraction | None:
    """The price at which closing, fee included, eats an isolated margin to the last coin."""
    gains = contract.gains(position.contracts)
    left = _coins_left(position, contract, position.margin)
    return _price(position, contract, left / (ONE - contract.taker if gains else ONE + contract.taker))


def _coins_left(position: Position, contract: Contract, spare: Fraction) -> Fraction:
    """The position's coins at the price where it has lost ``spare`` coins."""
    gains = contract.gains(position.contracts)
    return position.entry_coins - spare if gains else position.entry_coins + spare


def _tier_root(position: Position, contract: Contract, tier: Tier) -> Fraction:
    rate = tier.maintenance + contract.closing_fee
    left = _coins_left(position, contract, position.margin + tier.deduction)
    return left / (ONE - rate if contract.gains(position.contracts) else ONE + rate)


def _price(position: Position, contract: Contract, coins: Fraction) -> Fraction | None:
    return contract.price(position.contracts, coins) if coins > 0 else None


@dataclass(frozen=True, slots=True)
class Line:
    """Dollars that depend on prices: ``fixed + k · floating`` at prices ``k`` times today's."""

    fixed: Fraction = ZERO
    floating: Fraction = ZERO

    def __add__(self, other: "Line") -> "Line":
        return Line(self.fixed + other.fixed, self.floating + other.floating)

    def __sub__(self, other: "Line") -> "Line":
        return Line(self.fixed - other.fixed, self.floating - other.floating)

    def __mul__(self, factor: Fraction) -> "Line":
        return Line(self.fixed * factor, self.floating * factor)

    @property
    def now(self) -> Fraction:
        return self.fixed + self.floating

    @property
    def root(self) -> Fraction | None:
        """The positive ``k`` at which nothing is left; None where there is none."""
        if not self.floating or self.fixed * self.floating >= 0:
            return None
        return -self.fixed / self.floating


NOTHING = Line()


@dataclass(slots=True)
class Pool:
    """An account whose wallets stand behind all its positions, in dollars at the index.

    It is worth ``owned`` and needs ``required`` and the fees ``held`` back; ``closing`` is what closing
    everything would cost in fees, held back or not.
    """

    owned: Line = NOTHING
    required: Line = NOTHING
    held: Line = NOTHING
    closing: Line = NOTHING

    @property
    def balance(self) -> Fraction:
        return self.owned.now

    @property
    def maintenance(self) -> Fraction:
        """Maintenance margin without the fee of closing."""
        return self.required.now

    @property
    def lost(self) -> bool:
        return self.required != NOTHING and self.balance <= self.maintenance + self.held.now

    def liquidation_factor(self) -> Fraction | None:
        """The factor on today's prices at which the account is liquidated; None where there is none."""
        return (self.owned - self.required - self.held).root

    def bust_factor(self) -> Fraction | None:
        """The factor at which closing everything, fees included, leaves nothing."""
        return (self.owned - self.closing).root
