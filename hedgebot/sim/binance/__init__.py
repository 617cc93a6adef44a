"""Binance's dialect of the simulated exchange: spot wallet and COIN-M futures of one account.

Field names, formats and codes follow Binance's published documentation; what it leaves open is said where
it was decided. Both APIs are one application: their paths differ (``/api``, ``/sapi``, ``/dapi``). Only
COIN-M contracts trade; the spot market is listed, so that clients can load it, and is otherwise still.
"""

from hedgebot.sim.binance.contracts import MARGIN, RULES, SPOT, btcusd_perp, ethusd_perp
from hedgebot.sim.binance.dialect import BINANCE, Binance, application

__all__ = [
    "BINANCE",
    "MARGIN",
    "RULES",
    "SPOT",
    "Binance",
    "application",
    "btcusd_perp",
    "ethusd_perp",
]
