"""The demo's exchanges: each one's dialect, contract and account, and how its hedge is configured."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from aiohttp import web

from hedgebot.ports import Clock
from hedgebot.sim import binance, bybit, okx, story
from hedgebot.sim.account import ApiKey
from hedgebot.sim.contract import Contract, btcusd
from hedgebot.sim.exchange import SimulatedExchange
from hedgebot.sim.ledger import MarginMode
from hedgebot.sim.market import Market
from hedgebot.sim.truth import Rules

KEY, SECRET, PASSPHRASE = "demo-key", "demo-secret-of-no-account", "demo-passphrase"

HEDGE = """
[accounts.{name}]
exchange = "{name}"
base_url = "{url}"

[hedges.{name}]
asset = "BTC"
ratio = 1.0
spot = [{{ account = "{name}" }}]
legs = [{{ account = "{name}", symbol = "BTC/USD:BTC", leverage = 2, margin_mode = "isolated" }}]
"""


@dataclass(frozen=True, slots=True)
class Venue:
    """An exchange to play on. Its bitcoin is split over ``coins``: wallet and amount."""

    name: str
    application: Callable[[SimulatedExchange], web.Application]
    contract: Contract
    rules: Rules
    coins: tuple[tuple[str, str], ...]

    @property
    def symbol(self) -> str:
        return self.contract.symbol

    def opened(self, clock: Clock) -> SimulatedExchange:
        """The exchange with the demo's account on it, and the story's prices from now on."""
        market = Market({self.symbol: story.feed(clock.now_ms())})
        contract = replace(self.contract, funding_interval_ms=story.FUNDING_SECONDS * 1000)
        exchange = SimulatedExchange(clock, market, [contract], random.Random(1), self.rules)
        pot = self.coins[0][0]
        exchange.open_account(story.ACCOUNT, pot=pot)
        exchange.set_key(ApiKey(key=KEY, secret=SECRET, passphrase=PASSPHRASE, account=story.ACCOUNT))
        exchange.set_margin_mode(story.ACCOUNT, MarginMode.ISOLATED)
        for wallet, amount in self.coins:
            exchange.deposit(story.ACCOUNT, story.COIN, amount, wallet)
        return exchange


VENUES = {
    venue.name: venue
    for venue in (
        Venue("bybit", bybit.application, btcusd(), Rules(), (("unified", "1"),)),
        Venue(
            "binance",
            binance.application,
            binance.btcusd_perp(),
            binance.RULES,
            ((binance.MARGIN, "0.6"), (binance.SPOT, "0.4")),
        ),
        Venue("okx", okx.application, okx.btc_usd_swap(), okx.RULES, (("unified", "1"),)),
    )
}
