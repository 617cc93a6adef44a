"""What is asked of an account's key, and whether what the exchange says of it will do."""

from dataclasses import dataclass

from hedgebot.domain.account import KeyScope
from hedgebot.domain.status import iso


@dataclass(frozen=True, slots=True)
class Unverified:
    """Why it is not known what a key may do, since a monotonic instant; ``last`` is what it could before."""

    reason: str
    since: float
    last: KeyScope | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is traded with a key: the right that is too much or missing, and what to do about it."""

    right: str
    what: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Key:
    """One account's key. ``trades``: orders are to be sent with it. ``may_withdraw``: its owner accepts that
    it can withdraw coins."""

    account: str
    scope: KeyScope | Unverified
    trades: bool
    may_withdraw: bool

    @property
    def known(self) -> KeyScope | None:
        """What was last verified."""
        return self.scope.last if isinstance(self.scope, Unverified) else self.scope

    @property
    def refusal(self) -> Refusal | None:
        """None where the key will do, as far as is known."""
        known = self.known
        if known and known.withdraw and not self.may_withdraw:
            return Refusal(
                "can withdraw",
                f"{self.account}: the key can withdraw coins, and so can whoever steals it",
                "Take that right from it at the exchange, or use a key without it;"
                f" accounts.{self.account}.allow_withdraw = true accepts it as it is",
            )
        if known and known.trade is False and self.trades:
            return Refusal(
                "may not trade",
                f"{self.account}: the key may not trade contracts",
                'Give it that right at the exchange, or set mode = "observe"',
            )
        return None


def words(scope: KeyScope) -> str:
    """What a key may do, for people."""
    return ", ".join(
        (
            _told(scope.trade, "may trade", "may not trade", "whether it may trade is not told"),
            _told(scope.withdraw, "can withdraw", "cannot withdraw", "whether it can withdraw is not told"),
            _told(scope.ip_bound, "only from listed addresses", "from any address", "from where is not told"),
            f"expires on {iso(scope.expires_at)[:10]}" if scope.expires_at else "names no expiry",
        )
    )


def _told(fact: bool | None, yes: str, no: str, untold: str) -> str:
    return untold if fact is None else yes if fact else no
