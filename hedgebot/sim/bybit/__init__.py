"""Bybit's v5 dialect of the simulated exchange, for its unified trading account.

Field names, formats and codes follow Bybit's published documentation; what the documentation leaves open
is said where it was decided. Spot markets, and a linear contract beside each inverse one, are only listed,
so that clients can load their markets.
"""

from hedgebot.sim.bybit.dialect import BYBIT, Bybit, application

__all__ = ["BYBIT", "Bybit", "application"]
