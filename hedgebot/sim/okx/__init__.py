"""OKX's v5 dialect of the simulated exchange, for its one trading account.

Field names, formats and codes follow OKX's published documentation; what the documentation leaves open is
said where it was decided. A linear contract beside each coin-margined one is only listed, so that clients
find what they expect.

The margin mode is each order's. Where OKX would hold one contract in both modes at once, the simulated
exchange holds it in one: an order in the other mode is refused until the position is closed.
"""

from hedgebot.sim.okx.contracts import RULES, bnb_usdt_swap, btc_usd_swap, eth_usd_swap
from hedgebot.sim.okx.dialect import OKX, Okx, application
from hedgebot.sim.okx.session import Options

__all__ = ["OKX", "RULES", "Okx", "Options", "application", "bnb_usdt_swap", "btc_usd_swap", "eth_usd_swap"]
