"""The collateral ladder against the truth: how far liquidation truly is, by the formulas of the contract."""

from fractions import Fraction

from hedgebot.sim.account import Account
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from tests.campaign.judge.terms import Terms
from tests.campaign.judge.truth import COIN, Truth

WARN, ACT = Fraction(30, 100), Fraction(15, 100)
"""What the configurations say, which name neither."""

NEARLY = Fraction(11, 10)
"""How much further than that it may still be taken to be: the price moves on while it decides."""


class Ladder:
    """Answers why a hedge may be smaller than its target: it could not be margined."""

    def __init__(self, exchange: SimulatedExchange, terms: Terms, truth: Truth) -> None:
        self._exchange = exchange
        self._terms = terms
        self._truth = truth

    def rescues(self, highest: Fraction) -> bool:
        """Whether liquidation is so near, at up to ``highest`` dollars, that it may be bought back."""
        mark = max(highest, self._exchange.quote(self._terms.symbol).mark)
        away = self.away(mark, self.margin)
        return self._terms.ladder and away is not None and away < ACT * NEARLY

    def cannot_carry(self) -> str:
        """Why no more is sold, if what one band more would sell is carried by no coins that are there."""
        mark = self._exchange.quote(self._terms.symbol).mark
        more = self._terms.band * max(self._truth.held, Fraction(0))
        away = self.away(mark, self._coins, more)
        near = self._terms.ladder and away is not None and away < WARN * NEARLY
        return "the collateral carries no larger short" if near else ""

    def away(self, mark: Fraction, margin: Fraction, more: Fraction = Fraction(0)) -> Fraction | None:
        """How far above ``mark`` liquidation lies once ``more`` coins are sold there; None: nowhere.

        The nearer of two figures counts: maintenance taken at mark, and at entry.
        """
        contract = self._exchange.truth.contract(self._terms.symbol)
        short = contract.coins(self._truth.contracts, mark) + more
        owed = self._truth.sold + more
        if self._truth.contracts > 0 or not short:
            return None
        rate = contract.maintenance(short) / short
        figures = (
            ((1 - rate - contract.taker) * short, owed - margin),
            (short, (1 + rate) * owed - margin),
        )
        return min((kept / lacking - 1 for kept, lacking in figures if lacking > 0), default=None)

    def leverage(self, mark: Fraction, margin: Fraction) -> Fraction:
        """What is short at ``mark`` over its margin with unrealised profit; zero where nothing is."""
        short = self._exchange.truth.contract(self._terms.symbol).coins(self._truth.contracts, mark)
        equity = margin + short - self._truth.sold
        return short / equity if self._truth.contracts < 0 < equity else Fraction(0)

    @property
    def _account(self) -> Account:
        return self._exchange.truth.accounts["main"]

    @property
    def margin(self) -> Fraction:
        """Coins behind the position itself."""
        state = self._account.state
        if state.mode_of(self._terms.symbol) is MarginMode.ISOLATED:
            return state.position((self._terms.symbol, 0)).margin
        wallet = state.wallet((self._account.pot, COIN))
        return wallet.balance - wallet.owed

    @property
    def _coins(self) -> Fraction:
        """Coins that could be put behind it."""
        return self._truth.held - self._terms.outside
