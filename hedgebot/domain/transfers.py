"""A collateral move's life: coins of one account from one pocket to another. It changes no exposure.

    RESERVED --+--> ACCEPTED --+--> DONE       (both pockets show it)
               +--> UNKNOWN  --+--> REJECTED   (refused, or failed and back where it came from)
                               +--> ABSENT     (looked for long enough, not there)

Where an exchange takes no id of ours, a move is recognised by its amount, whose last digits are unique,
and its time. Nothing of it is ever sent twice.
"""

from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from enum import StrEnum

from hedgebot.domain.units import WIDE, ZERO, Coin, Millis


class Pocket(StrEnum):
    """Where coins of an account lie: its spot wallet, the wallet (or unified pot) that margins its legs,
    or the isolated margin of one leg."""

    SPOT = "spot"
    MARGIN = "margin"
    ISOLATED = "isolated"


class TransferStage(StrEnum):
    RESERVED = "reserved"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    DONE = "done"
    REJECTED = "rejected"
    ABSENT = "absent"


MOVES: dict[TransferStage, frozenset[TransferStage]] = {
    TransferStage.RESERVED: frozenset(TransferStage) - {TransferStage.RESERVED},
    TransferStage.ACCEPTED: frozenset({TransferStage.DONE, TransferStage.REJECTED}),
    TransferStage.UNKNOWN: frozenset(TransferStage) - {TransferStage.RESERVED, TransferStage.UNKNOWN},
    TransferStage.DONE: frozenset(),
    TransferStage.REJECTED: frozenset(),
    TransferStage.ABSENT: frozenset(),
}
FINAL = frozenset(stage for stage, onward in MOVES.items() if not onward)

PLACES, ROUNDED = Decimal("1e-8"), Decimal("1e-4")
TAILS = 9999
SMALLEST = Coin(2 * ROUNDED)
"""Coins below which an amount has no room for digits of its own."""


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """``coins`` from one pocket to another; ``symbol`` names the leg whose isolated margin is one of them."""

    client_id: str
    account: str
    asset: str
    coins: Coin
    source: Pocket
    target: Pocket
    symbol: str = ""

    def __post_init__(self) -> None:
        ends = {self.source, self.target}
        isolated = Pocket.ISOLATED in ends
        if self.coins.value <= ZERO or len(ends) != 2 or Pocket.MARGIN not in ends:
            raise ValueError("a transfer moves coins into the margin wallet or out of it")
        if isolated != bool(self.symbol):
            raise ValueError("an isolated margin is that of one leg")

    @property
    def pair(self) -> str:
        """The two pockets between which it moves, whichever way."""
        return pair_of(self.account, self.asset, self.symbol)

    @property
    def way(self) -> str:
        return f"{self.source.value} to {self.target.value}"


def pair_of(account: str, asset: str, symbol: str = "") -> str:
    """The name of a margin wallet and the other pocket: a leg's isolated margin, or the spot wallet."""
    return f"{account}:{symbol or asset}"


def distinct(coins: Coin, number: int) -> Coin:
    """At most ``coins``, rounded down to 8 digits of which the last four are the intent's own.

    Raises ``ValueError`` below ``SMALLEST``.
    """
    if coins < SMALLEST:
        raise ValueError(f"{coins} coins are too few to be told apart")
    tail = PLACES * (number % TAILS + 1)
    whole = coins.value.quantize(ROUNDED, ROUND_FLOOR, WIDE)
    return Coin(whole + tail if whole + tail <= coins.value else whole - ROUNDED + tail)


@dataclass(frozen=True, slots=True)
class TransferState:
    """A transfer as the exchange's history shows it; ``failed`` means that its coins stay, or return, and
    ``over`` that nothing more will become of it."""

    transfer_id: str
    over: bool
    failed: bool
    at: Millis


@dataclass(frozen=True, slots=True)
class TransferSighting:
    """What a look-up found; ``asked`` names the endpoints that answered "not there": none where an exchange
    keeps no history of such moves."""

    state: TransferState | None
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pockets:
    """Coins that both pockets of a transfer showed at one moment."""

    source: Coin
    target: Coin


@dataclass(frozen=True, slots=True)
class TransferIntent:
    """A transfer in the journal, with what both pockets ``showed`` when it was decided."""

    number: int
    hedge: str
    request: TransferRequest
    showed: Pockets
    reason: str
    written_at: Millis
    stage: TransferStage = TransferStage.RESERVED
    transfer_id: str = ""
    outcome: str = ""
    updated_at: Millis = Millis(0)

    def moved(self, stage: TransferStage) -> "TransferIntent":
        """This intent one move on. An illegal move raises and changes nothing."""
        if stage not in MOVES[self.stage]:
            raise ValueError(f"transfer {self.request.client_id}: {self.stage} cannot become {stage}")
        return replace(self, stage=stage)

    def left(self, now: Pockets) -> bool:
        """Whether the source is without the coins. Half of them decides: funding and fees change it too."""
        return 2 * (self.showed.source - now.source).value > self.request.coins.value

    def arrived(self, now: Pockets) -> bool:
        return 2 * (now.target - self.showed.target).value > self.request.coins.value

    def missing(self, now: Pockets) -> Coin:
        """Coins to add to both pockets so that these count once: gone from one and not in the other yet, or
        (negative) in both, where two readings are of different moments."""
        return self.request.coins * Decimal(self.left(now) - self.arrived(now))
