"""A seed becomes a plan. Swarm testing: each seed enables some classes of trouble and leaves the rest out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from tests.campaign.plan import Config, Depth, Plan, Trouble
from tests.campaign.prices import walk
from tests.campaign.troubles import KINDS, Scope

HTTP_SHARE = 5
"""One seed in so many is played over HTTP through ccxt."""

INTERVALS: Mapping[Depth, Sequence[float]] = {
    "port": (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 900.0, 1800.0),
    "http": (5.0, 10.0, 30.0, 300.0),
}

KEY_SECONDS = 330.0
"""After a key was refused it is asked for again this late."""


def drawn(seed: int) -> Plan:
    """The plan of a seed."""
    rng = Random(f"campaign {seed}")
    depth: Depth = "http" if seed % HTTP_SHARE == 0 else "port"
    venue = rng.choice(("bybit", "binance", "okx"))
    config = _with_ladder(_config(rng, depth), f"campaign {seed}")
    cycles = rng.randint(20, 40) if depth == "http" else rng.randint(45, 95)
    quiet_at = round(max(cycles * config.interval, 120.0), 3)
    troubles = _troubles(rng, Scope(depth, venue, config), f"campaign {seed}", quiet_at)
    split = venue == "binance"
    return Plan(
        seed=seed,
        depth=depth,
        venue=venue,
        config=config,
        coins="0.6" if split else "1",
        spot="0.4" if split else "0",
        prices=walk(rng, quiet_at),
        funding=rng.choice(("0.0001", "0.0001", "-0.0003", "0.002")),
        latency=rng.choice((0.0, 0.02, 0.05, 0.3)),
        troubles=troubles,
        quiet_at=quiet_at,
        end=round(quiet_at + _grace(config, troubles), 3),
    )


def _config(rng: Random, depth: Depth) -> Config:
    interval = rng.choice(INTERVALS[depth])
    limits = {"orders_per_hour": "200", "turnover_per_day": "100", "corrections_per_hour": "100"}
    tight = {
        "orders_per_hour": str(rng.randint(2, 8)),
        "turnover_per_day": rng.choice(("1", "2", "3")),
        "corrections_per_hour": str(rng.randint(0, 4)),
    }
    limits |= {key: figure for key, figure in tight.items() if rng.random() < 0.15}
    if rng.random() < 0.3:
        limits["max_order_usd"] = rng.choice(("3000", "20000"))
    return Config(
        ratio=rng.choice(("1", "1", "0.8", "0.5")),
        band=rng.choice(("0.005", "0.02", "0.05")),
        leverage=rng.choice((2, 2, 3, 5, 10)),
        margin_mode=rng.choice(("isolated", "cross")),
        interval=interval,
        deadline=10.0,
        settle_after=rng.choice((10.0, 30.0, 30.0, 120.0) if interval >= 10 else (10.0, 30.0)),
        limits=limits,
        outside=rng.choice(("0", "0", "0.3")),
    )


def _with_ladder(config: Config, name: str) -> Config:
    """Half of all lives have the ladder, half of these with its way back. Drawn by itself, like troubles."""
    ladder, back = Random(f"{name} ladder").random() < 0.5, Random(f"{name} way back")
    if not ladder or back.random() < 0.5:
        return replace(config, ladder=ladder)
    lowest, home = back.choice(("1.3", "2", "3", "3")), back.random() < 0.5
    return replace(config, ladder=True, min_leverage=lowest, home=home)


def _troubles(rng: Random, scope: Scope, name: str, quiet_at: float) -> tuple[Trouble, ...]:
    """Each class is drawn by itself, so that a new one changes nothing about the others."""
    share, found = rng.uniform(0.05, 0.45), list[tuple[float, str, float, Mapping[str, Any]]]()
    for kind in KINDS.values():
        own = Random(f"{name} {kind.name}")
        fits = scope.depth in kind.depths and scope.venue in kind.venues
        times = (own.choice((1, 1, 2, 4)) for _ in range(kind.chances) if fits and own.random() < share)
        for _ in range(sum(times)):
            at = round(quiet_at * (0.02 + 0.9 * own.random()), 3)
            found.append((at, kind.name, *kind.draw(own, scope)))
    found.sort(key=lambda each: each[:2])
    return tuple(
        Trouble(number, kind, at, round(min(at + lasts, quiet_at), 3), how)
        for number, (at, kind, lasts, how) in enumerate(found)
    )


def _grace(config: Config, troubles: Sequence[Trouble]) -> float:
    """Seconds within which all has to be well again: three cycles and the horizon.

    That is: what is on its way arrives, is found and becomes visible; a fall of the coins or a jump of the
    price is believed; a key is asked for again; what wants a new journal is started once more.
    """
    settled = 3 * config.settle_after + 3 * config.deadline
    believed = 30.0 + 4 * config.interval
    asked = KEY_SECONDS if any("key" in trouble.kind for trouble in troubles) else 0.0
    started = 3 * config.interval + config.deadline  # a second time, on a new journal
    return settled + believed + 6 * config.interval + started + asked
