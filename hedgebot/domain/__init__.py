"""The vocabulary and the arithmetic of hedging, pure: no I/O, no clock, no randomness, no await.

What belongs here is what every stage talks about: units, instruments, readings of accounts and
markets, the snapshot that a decision starts from, orders and their life, findings, plans. A value
here is frozen; an impossible one cannot be built.
"""
