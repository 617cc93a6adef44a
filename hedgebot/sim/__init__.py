"""The simulated exchange, and the time and network it runs in.

What belongs here is an exchange with a truth of its own: contracts, prices, matching, an exact ledger,
margin and liquidation (``exchange`` and what it is made of), each real exchange's dialect of it in a
package of its own (``bybit``), the daemon's port straight on it (``port``), and what surrounds it in a
simulation: virtual time, a network in memory, faults, the demo's story. Nothing here uses the daemon's
arithmetic, or a wrong formula would agree with itself; of the rest of the program it knows the clock's port
alone, and ``port`` the words of ``domain``.
"""
