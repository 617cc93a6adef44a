"""The simulated exchange behind the daemon's own port ``Account``, without HTTP, without ccxt.

What belongs here says of an account's truth what the real edge would say of it: ``account`` is the port,
``house`` what all exchanges have in common, and ``bybit``, ``binance`` and ``okx`` where each is its own.
Only values of ``domain`` are used, none of its arithmetic. Faults are not made here: an account is one
object with a few methods, and is wrapped.
"""

from hedgebot.sim.port.account import HOUSES, PortAccount

__all__ = ["HOUSES", "PortAccount"]
