"""The treasury: coins that come, go and move between wallets, loans, and an account's settings."""

from dataclasses import dataclass, replace
from fractions import Fraction

from hedgebot.sim import margin
from hedgebot.sim.account import Account
from hedgebot.sim.events import Moved, MoveKind, SettingChanged
from hedgebot.sim.ledger import AccountState, MarginMode, Position, PositionKey, WalletKey
from hedgebot.sim.money import ONE, ZERO, is_multiple
from hedgebot.sim.orders import Reason, RefusedError
from hedgebot.sim.trading import cover
from hedgebot.sim.truth import Truth


@dataclass(frozen=True, slots=True)
class Underway:
    """Coins that left one wallet and reach ``target`` at ``due_ms``."""

    due_ms: int
    account: Account
    target: WalletKey
    coins: Fraction
    transfer_id: str


class Treasury:
    """Moves coins and changes settings, by the exchange's rules."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._underway: list[Underway] = []

    def next_arrival(self, by_ms: int) -> int | None:
        """When the first transfer under way arrives, if that is by ``by_ms``."""
        due = min((each.due_ms for each in self._underway), default=by_ms + 1)
        return due if due <= by_ms else None

    def arrive(self) -> None:
        """Let every transfer arrive that is due by the truth's time."""
        due = [each for each in self._underway if each.due_ms <= self._truth.at_ms]
        self._underway = [each for each in self._underway if each not in due]
        for each in due:
            self.move(each.account, each.target, each.coins, MoveKind.TRANSFER_IN, each.transfer_id)

    def move(
        self, account: Account, key: WalletKey, change: Fraction, kind: MoveKind, transfer_id: str = ""
    ) -> None:
        """Add coins to a wallet (or take them, those behind isolated positions last) without asking whether
        they may leave."""
        balance = self._truth.post(account, key, change)
        if change < 0 and key == account.pot_of(key[1]):
            for position, _ in account.state.open_positions():
                if self._truth.contracts[position[0]].settle == key[1]:
                    cover(self._truth, account, position, key[1])
        self._truth.record(
            Moved(
                number=self._truth.next_number(),
                at_ms=self._truth.at_ms,
                account=account.name,
                wallet=key,
                change=change,
                balance=balance,
                kind=kind,
                transfer_id=transfer_id,
            )
        )

    def withdraw(self, account: Account, key: WalletKey, coins: Fraction) -> None:
        """Take coins out. Raises ``RefusedError`` if they may not leave."""
        self._check_withdrawable(account, key, coins)
        self.move(account, key, -coins, MoveKind.WITHDRAWAL)

    def transfer(
        self,
        account: Account,
        source: WalletKey,
        target: WalletKey,
        coins: Fraction,
        transfer_id: str,
        underway_ms: int = 0,
    ) -> None:
        """Move coins between two wallets, neither of which holds them for ``underway_ms``.

        Raises ``RefusedError`` for a known id or too many coins."""
        if transfer_id in self._truth.transfer_ids:
            raise RefusedError(Reason.DUPLICATE_TRANSFER, transfer_id)
        self._check_withdrawable(account, source, coins)
        self._truth.transfer_ids.add(transfer_id)
        self.move(account, source, -coins, MoveKind.TRANSFER_OUT, transfer_id)
        self._underway.append(Underway(self._truth.at_ms + underway_ms, account, target, coins, transfer_id))
        self.arrive()

    def adjust(self, account: Account, key: WalletKey, **changes: Fraction) -> None:
        """Set ``owed``, ``bonus`` or ``locked`` of a wallet as they are from now on."""
        wallet = replace(account.state.wallet(key), **changes)
        account.become(account.state.with_wallet(key, wallet), self._truth.at_ms)

    def set_leverage(self, account: Account, symbol: str, leverage: Fraction) -> None:
        """Set a contract's leverage. Raises ``RefusedError`` if it is unchanged, or out of bounds."""
        contract = self._truth.contract(symbol)
        if not ONE <= leverage <= contract.max_leverage or not is_multiple(leverage, contract.leverage_step):
            raise RefusedError(Reason.BAD_LEVERAGE, str(leverage))
        state = account.state
        if self._truth.leverage(state, symbol) == leverage:
            raise RefusedError(Reason.NOT_MODIFIED, symbol)
        state = replace(state, leverage={**state.leverage, symbol: leverage})
        self._take_on(account, self._remargined(state, symbol), "leverage", f"{symbol} {leverage}")

    def set_margin_mode(self, account: Account, mode: MarginMode, symbol: str = "") -> None:
        """Switch the whole account, or one contract; open positions get, or lose, margins of their own."""
        if symbol:
            state = replace(account.state, margin_modes={**account.state.margin_modes, symbol: mode})
            self._take_on(account, self._remargined(state, symbol), "margin mode", f"{symbol} {mode.value}")
            return
        if account.state.margin_mode is mode:
            return
        state = replace(account.state, margin_mode=mode, settings_ms=self._truth.at_ms)
        for each in {key[0] for key in state.positions}:
            state = self._remargined(state, each)
        self._take_on(account, state, "margin mode", mode.value)

    def set_hedge_mode(self, account: Account, symbol: str, *, hedge: bool) -> None:
        """Switch between one-way and hedge mode, where that is offered and nothing is open."""
        if hedge and not self._truth.rules.hedge_mode_offered:
            raise RefusedError(Reason.UNSUPPORTED, symbol)
        if account.state.hedge_mode is hedge:
            raise RefusedError(Reason.NOT_MODIFIED, symbol)
        if account.open_orders or account.state.open_positions():
            raise RefusedError(Reason.HAS_POSITION, symbol)
        state = replace(account.state, hedge_mode=hedge, settings_ms=self._truth.at_ms)
        self._take_on(account, state, "hedge mode", str(hedge))

    def add_margin(self, account: Account, key: PositionKey, coins: Fraction) -> Position:
        """Set more coins aside for an isolated position, or fewer. Raises ``RefusedError``."""
        position, contract = account.state.position(key), self._truth.contract(key[0])
        if account.state.mode_of(key[0]) is not MarginMode.ISOLATED:
            raise RefusedError(Reason.NOT_ISOLATED, key[0])
        if not position.contracts:
            raise RefusedError(Reason.FLAT, key[0])
        valuation = self._truth.valuation(account)
        mark = self._truth.quote(key[0]).mark
        changed = replace(position, margin=position.margin + coins, updated_ms=self._truth.at_ms)
        least = position.entry_coins / valuation.leverage(key[0])
        at_entry = self._truth.rules.maintenance == "entry"
        lost = margin.is_lost(changed, contract, mark, at_entry=at_entry)
        if coins > valuation.available(contract.settle) or (coins < 0 and (changed.margin < least or lost)):
            raise RefusedError(Reason.NO_MARGIN, key[0])
        self._take_on(account, account.state.with_position(key, changed), "margin", f"{key[0]} {coins}")
        return changed

    def _take_on(self, account: Account, state: AccountState, setting: str, value: str) -> None:
        for coin in {key[1] for key in state.wallets}:
            self._check_room(account, state, coin)
        account.become(state, self._truth.at_ms)
        self._truth.record(
            SettingChanged(
                number=self._truth.next_number(),
                at_ms=self._truth.at_ms,
                account=account.name,
                setting=setting,
                value=value,
            )
        )

    def _check_room(self, account: Account, state: AccountState, coin: str) -> None:
        valuation = replace(self._truth.valuation(account), state=state)
        if valuation.settled_in(coin) and valuation.available(coin) < 0:
            raise RefusedError(Reason.NO_MARGIN, coin)

    def _remargined(self, state: AccountState, symbol: str) -> AccountState:
        """The state with this contract's positions margined as its mode and leverage say."""
        contract = self._truth.contracts[symbol]
        for key, position in state.positions.items():
            if key[0] == symbol:
                margin_set = self._truth.opening_margin(state, contract, position.entry_coins)
                state = state.with_position(key, replace(position, margin=margin_set))
        return state

    def _check_withdrawable(self, account: Account, key: WalletKey, coins: Fraction) -> None:
        if coins <= ZERO or coins > self._truth.valuation(account).withdrawable(key):
            raise RefusedError(Reason.NO_FUNDS, f"{key[0]} {key[1]}")
