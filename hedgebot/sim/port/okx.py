"""OKX: one unified pot; each order says in which margin mode, and each mode has a leverage of its own."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from hedgebot.domain.account import KeyScope, LegFacts, Needs, Position, Tier, Wallet, WalletId
from hedgebot.domain.margin_mode import MarginMode
from hedgebot.domain.market import Quote
from hedgebot.domain.orders import Fate, OrderRequest, Outcome
from hedgebot.domain.transfers import Pocket, TransferRequest, TransferSighting, TransferState
from hedgebot.domain.units import ZERO, Coin, Contracts, Millis, Price
from hedgebot.errors import ReadError
from hedgebot.sim import ledger
from hedgebot.sim.account import ApiKey
from hedgebot.sim.contract import HOUR_MS, Contract
from hedgebot.sim.events import Filled, FundingPaid
from hedgebot.sim.exchange import SimulatedExchange, View
from hedgebot.sim.ledger import PositionKey, isolated_coins
from hedgebot.sim.money import floor_to
from hedgebot.sim.okx.account import SMALLEST
from hedgebot.sim.okx.bills import ADDED, MARGIN, REDUCED, recent_bills
from hedgebot.sim.okx.codes import CODES
from hedgebot.sim.okx.orders import place
from hedgebot.sim.okx.positions import FORGOTTEN_MS, set_leverage
from hedgebot.sim.okx.session import Options, Session
from hedgebot.sim.okx.wire import PLACES, ApiError, FailedError, Params
from hedgebot.sim.orders import Reason
from hedgebot.sim.port.house import House
from hedgebot.sim.port.look import Look
from hedgebot.sim.port.prices import Instants
from hedgebot.sim.port.words import Facts, Leg, Recall, Told, accepted
from hedgebot.sim.valuation import Valuation

DAY_MS = 24 * HOUR_MS
USUAL_MODE = MarginMode.CROSS
DUPLICATE = str(CODES[Reason.DUPLICATE_CLIENT_ID][0])


class Okx(House):
    """It remembers the leverages set for modes that are not in effect: keep it while the exchange lives."""

    places: ClassVar[int] = PLACES
    recall: ClassVar[Recall] = Recall(("trade/order", "trade/orders-history"), (2 * HOUR_MS, 2 * HOUR_MS))
    ledger_ms: ClassVar[int] = 90 * DAY_MS - HOUR_MS

    def __init__(self, exchange: SimulatedExchange, account: str) -> None:
        super().__init__(exchange, account)
        self._session = Session(exchange, Options(), {}, key=ApiKey(key="", secret="", account=account))

    def price(self, value: Fraction, _contract: Contract) -> Price:
        return Price(self.number(value))

    def entry_id(self, event: Filled | FundingPaid) -> str:
        return str(event.number)

    def scope(self, key: ApiKey) -> KeyScope:
        """Rights are told apart, an expiry is not told."""
        return replace(super().scope(key), withdraw=key.withdraw, expires_at=None)

    def leg(self, contract: Contract) -> Leg:
        """Tiers are told in contracts: the coins of the simulated ones at the index of the moment."""
        index = self.exchange.truth.quote(contract.symbol).index
        limits = [floor_to(t.up_to * index / contract.face, contract.qty_step) for t in contract.tiers]
        return replace(super().leg(contract), limits=tuple(Contracts(self.number(limit)) for limit in limits))

    def told(self, look: Look, facts: Facts, needs: Needs) -> Told:
        named = dict(needs.margin_modes)
        wallet, everywhere = look.view("wallet"), look.view("position")
        orders = self.resting(look.at("order"))
        positions, quotes, known = [], [], []
        for symbol in sorted(needs.symbols):
            leg = facts.legs[symbol]
            position = self._leg_position(look, leg, wallet, everywhere, named.get(symbol, USUAL_MODE))
            positions.append(replace(position, hedge_mode=facts.hedge_mode or position.hedge_mode))
            quotes.append(self._quote(look, leg))
            known.append(_at_mark(leg, position.mark or quotes[-1].mark))
        legs = [facts.legs[symbol].contract.symbol for symbol in needs.symbols]
        return Told(
            mode=facts.mode,
            wallets=tuple(self._wallet(wallet, asset) for asset in sorted(needs.assets)),
            positions=(
                *positions,
                *(self.position(everywhere, native) for native in self.others(everywhere, legs)),
            ),
            orders=orders,
            quotes=tuple(quotes),
            facts=tuple(known),
        )

    def _leg_position(
        self, look: Look, leg: Leg, wallet: View, everywhere: View, wanted: MarginMode
    ) -> Position:
        """An open position as it is, a flat one as it would be opened.

        OKX shows no row for what was never traded in a mode: that is flat only if the wallet agrees.
        """
        native, view = leg.contract.symbol, look.view("position")
        self.check_agreement(view, everywhere, native)
        told = self.position(view, native)
        if told.contracts:
            return told
        coin = leg.contract.settle
        if wallet.value.settled_in(coin) and not everywhere.value.settled_in(coin):
            raise ReadError(f"{self.account}: {coin} binds margin, yet no position in it is shown")
        leverage = self.number(self._session.leverage(leg.contract, ledger.MarginMode(wanted.value)))
        if told.margin_mode is wanted and self._was_traded(view, native):
            return replace(told, leverage=leverage)
        return replace(
            told,
            leverage=leverage,
            margin_mode=wanted,
            margin=Coin.zero() if wanted is MarginMode.ISOLATED else None,
            updated_at=Millis(0),
            hedge_mode=False,
        )

    def _was_traded(self, view: View, native: str) -> bool:
        """Not so long ago that it is forgotten."""
        positions = [p for key, p in view.value.state.positions.items() if key[0] == native and p.created_ms]
        return any(view.at_ms - position.updated_ms < FORGOTTEN_MS for position in positions)

    def bound(self, view: View, key: PositionKey) -> Coin:
        value, position = view.value, view.value.state.position(key)
        if value.has_own_margin(key):
            return self.coins(position.margin)
        contract = value.contracts[key[0]]
        return self.coins(
            contract.coins(position.contracts, value.quote(key[0]).mark) / value.leverage(key[0])
        )

    def _wallet(self, view: View, asset: str) -> Wallet:
        """Of a coin that is not there nothing is shown, which is an error and not zero coins."""
        value, own = view.value, view.value.state.wallet((view.account.pot, asset))
        aside = isolated_coins(value.state, asset, value.contracts)
        equity, cash = value.equity(asset), own.balance - own.owed - aside
        if not (cash or equity):
            raise ReadError(
                f"{self.account}: no {asset} is shown: hold any amount of it, so that it is listed"
            )
        profit = self.number(value.profit(asset))
        owned = self.number(equity) - profit - self.number(own.bonus)
        margin = _cross_margin(value, asset)
        bound = self.number(aside) + self.number(margin)
        ordered = value.resting.get(asset, Fraction(0)) + own.locked
        pooled = sum(
            (p.profit(value.contracts[k[0]], value.quote(k[0]).mark) for k, p in value.pooled(asset)),
            Fraction(0),
        )
        most = min(
            cash - margin - ordered + min(pooled, Fraction(0)),
            value.withdrawable((value.pot, asset)) + own.bonus,
        )
        free = owned - bound - self.number(ordered) + min(self.number(pooled), ZERO)
        return Wallet(
            id=WalletId(self.account, view.account.pot, asset),
            coins=Coin(owned),
            unrealized=Coin(profit),
            position_margin=Coin(bound),
            withdrawable=Coin(max(min(free, self.number(floor_to(most, SMALLEST))), ZERO)),
        )

    def _quote(self, look: Look, leg: Leg) -> Quote:
        contract = self.exchange.truth.contracts[leg.contract.symbol]
        at = Instants(look.at("ticker"), look.at("ticker"), look.at("ticker"), look.at("book"))
        hours = Decimal(contract.funding_interval_ms) / HOUR_MS
        told_at = min(at.marked, at.indexed, at.drawn)
        return self.prices.quote(self.symbols[contract.symbol], contract, at, told_at, hours)

    def place(self, order: OrderRequest, contract: Contract) -> Outcome:
        """Taken in the order's own margin mode; one that reduces is not cut to size, a price is amended."""
        asked = {
            "instId": contract.symbol,
            "clOrdId": order.client_id,
            "tdMode": (order.margin_mode or USUAL_MODE).value,
            "side": order.side,
            "ordType": "ioc",
            "sz": f"{abs(order.contracts.value):f}",
            "px": f"{order.limit.value:f}",
            "pxAmendType": "1",
            "reduceOnly": order.reduce_only,
        }
        try:
            [row] = place(self._session, Params(asked))
        except FailedError as failed:
            code, said = failed.row["sCode"], failed.row["sMsg"]
            return Outcome(Fate.UNKNOWN if code == DUPLICATE else Fate.REJECTED, f"code {code}: {said}")
        return accepted(row["ordId"])

    def find_transfer(self, request: TransferRequest, since: Millis) -> TransferSighting:
        """Look among the bills of such moves for one of these coins."""
        if not request.symbol:
            return TransferSighting(None)
        only = {"type": MARGIN, "subType": ADDED if request.target is Pocket.ISOLATED else REDUCED}
        asked = {**only, "instId": self.contract(request.symbol).symbol, "begin": str(since)}
        for row in recent_bills(self._session, Params(asked)):
            if Decimal(row["sz"]) == request.coins.value:
                state = TransferState(row["billId"], over=True, failed=False, at=Millis(int(row["ts"])))
                return TransferSighting(state)
        return TransferSighting(None, ("account/bills",))

    def set_leverage(self, contract: Contract, leverage: Decimal, mode: MarginMode | None) -> Outcome:
        asked = {"instId": contract.symbol, "lever": f"{leverage:f}", "mgnMode": (mode or USUAL_MODE).value}
        try:
            set_leverage(self._session, Params(asked))
        except ApiError as error:
            return Outcome(Fate.REJECTED, f"code {error.code}: {error}")
        return accepted()


def _cross_margin(value: Valuation, coin: str) -> Fraction:
    margins = (
        value.contracts[key[0]].coins(position.contracts, value.quote(key[0]).mark) / value.leverage(key[0])
        for key, position in value.pooled(coin)
    )
    return sum(margins, Fraction(0))


def _at_mark(leg: Leg, mark: Price) -> LegFacts:
    """The tiers in coins at a mark: they are counted in contracts, which no price moves."""
    notional = leg.facts.instrument.notional
    told = zip(leg.limits, leg.facts.tiers, strict=True)
    tiers = tuple(Tier(notional(limit).at(mark), tier.maintenance) for limit, tier in told)
    return replace(leg.facts, tiers=tiers)
