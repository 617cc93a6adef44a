"""What one seed plays: the daemon's config, the market, and what goes wrong when. Pure data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Depth = Literal["port", "http"]
ADDRESS = "127.0.0.1:9101"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong: its class, from when until when (seconds), and how.

    ``number`` is its place in the seed's full plan. What is random about it depends on seed, kind and instant
    alone, so that it happens alike when others are left out.
    """

    number: int
    kind: str
    at: float
    until: float
    how: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        how = ", ".join(f"{key} {value}" for key, value in self.how.items())
        lasts = f" to {self.until:.0f}" if self.until > self.at else ""
        return f"{self.number}: {self.kind} at {self.at:.0f}{lasts} s" + (f" ({how})" if how else "")


@dataclass(frozen=True, slots=True)
class Config:
    """What the operator wrote; seconds, and numbers as text."""

    ratio: str
    band: str
    leverage: int
    margin_mode: Literal["isolated", "cross"]
    interval: float
    deadline: float
    settle_after: float
    limits: Mapping[str, str]
    outside: str = "0"
    ladder: bool = False
    min_leverage: str = ""
    home: bool = False

    def toml(self, venue: str) -> str:
        """The config file."""
        margin = f'margin_mode = "{self.margin_mode}", leverage = {self.leverage}'
        limits = "\n".join(f"{key} = {value}" for key, value in self.limits.items())
        return f"""
mode = "live"
[cycle]
interval = "{self.interval:g}s"
deadline = "{self.deadline:g}s"
settle_after = "{self.settle_after:g}s"
[api]
listen = ""
[accounts.main]
exchange = "{venue}"
base_url = "http://{ADDRESS}"
[hedges.btc]
asset = "BTC"
ratio = {self.ratio}
band = {self.band}
spot = [{{ account = "main" }}, {{ name = "cold", quantity = "{self.outside}" }}]
legs = [{{ account = "main", symbol = "BTC/USD:BTC", {margin} }}]
[hedges.btc.collateral]
enabled = {str(self.ladder).lower()}
home_when_unwound = {str(self.home).lower()}
{f"min_leverage = {self.min_leverage}" if self.min_leverage else ""}
[hedges.btc.limits]
{limits}
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole life. Until ``quiet_at`` troubles strike; from then on nothing does, and at ``end`` all must
    be well. ``prices`` are (seconds, dollars), joined by straight lines; ``coins`` lie in the pot, ``spot``
    in the spot wallet where there is one; ``latency`` is one way, in seconds.
    """

    seed: int
    depth: Depth
    venue: str
    config: Config
    coins: str
    spot: str
    prices: tuple[tuple[float, int], ...]
    funding: str
    latency: float
    troubles: tuple[Trouble, ...]
    quiet_at: float
    end: float

    def only(self, numbers: Collection[int]) -> "Plan":
        """The same life with these troubles alone."""
        return replace(self, troubles=tuple(t for t in self.troubles if t.number in numbers))

    def cut(self, seconds: float) -> "Plan":
        """The same life, whose troubles begin before ``seconds`` and are over by then."""
        kept = (replace(t, until=min(t.until, seconds)) for t in self.troubles if t.at < seconds)
        return replace(self, troubles=tuple(kept), quiet_at=seconds, end=seconds + self.end - self.quiet_at)

    @property
    def random_name(self) -> str:
        return f"campaign {self.seed}"
