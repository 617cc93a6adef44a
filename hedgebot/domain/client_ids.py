"""Client order ids: a 63-bit number (20 bits instance, 15 epoch, 28 intent), written for the exchange.

The instance names the journal that an order belongs to; an ``hb`` order of another instance was sent
by another actor, or by a journal since lost.
"""

from dataclasses import dataclass

INSTANCE_BITS, EPOCH_BITS, INTENT_BITS = 20, 15, 28
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PREFIX, _WIDTH = "hb", 13


@dataclass(frozen=True, slots=True)
class ClientId:
    """One id, taken apart."""

    instance: int
    epoch: int
    intent: int

    def __post_init__(self) -> None:
        parts = ((self.instance, INSTANCE_BITS), (self.epoch, EPOCH_BITS), (self.intent, INTENT_BITS))
        if any(not 0 <= part < 1 << bits for part, bits in parts):
            raise ValueError(f"{self} does not fit its bits")

    @property
    def number(self) -> int:
        return (self.instance << EPOCH_BITS | self.epoch) << INTENT_BITS | self.intent

    def __str__(self) -> str:
        digits, rest = "", self.number
        for _ in range(_WIDTH):
            rest, digit = divmod(rest, 36)
            digits = _DIGITS[digit] + digits
        return _PREFIX + digits


def parse(text: str) -> ClientId | None:
    """The id that ``text`` spells, or None: not one of ours."""
    body = text.removeprefix(_PREFIX)
    if len(text) != len(_PREFIX) + _WIDTH or body == text or any(d not in _DIGITS for d in body):
        return None
    number = int(body, 36)
    if number >> (INSTANCE_BITS + EPOCH_BITS + INTENT_BITS):
        return None
    epoch = number >> INTENT_BITS & (1 << EPOCH_BITS) - 1
    return ClientId(number >> (EPOCH_BITS + INTENT_BITS), epoch, number & (1 << INTENT_BITS) - 1)
