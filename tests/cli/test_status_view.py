"""The status for people: 24 lines of 80 columns, the same facts, nothing pretended, nothing that steers."""

import re
from typing import Any

import pytest

from hedgebot.cli.status_view import lines
from tests.api.support import finding, hedge, leg

LONG = "an exchange's words that go on and on without ever coming to an end that anybody reads " * 5
ALARMS = [
    finding(guard=guard, permission=permission, reason=LONG, next_step=LONG, alarm=True)
    for guard in ("collateral", "liquidation", "limits", "clock")
    for permission in ("any", "none")
]


def unstyle(line: str) -> str:
    """Without the colours that are ours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def shown(**changes: Any) -> str:
    status = {"schema": 1, "mode": "live", "version": "0.1.0", "hedges": {"btc": hedge(**changes)}}
    return "\n".join(unstyle(line) for line in lines(status))


def test_a_hedge_at_a_glance() -> None:
    assert shown() == (
        "btc: HEDGED, mode live\n"
        "  why          inside the band\n"
        "  ratio        0.9991, target 1, band 0.02\n"
        "  held         1 BTC = 0.4 spot + 0.6 collateral\n"
        "  sold         0.9991 BTC, unrealised -0.01 BTC\n"
        "  net          0.0009 BTC moves with the price; in all 59400 USD\n"
        "  leg          BTC/USD:BTC on main: -59946 contracts from 60000, mark 60000\n"
        "  liquidation  at 148346, +147.2% from mark, leverage 1.67\n"
        "  cost         fees 0.0005 BTC, funding -0.002 BTC since 2026-11-20T05:00:00Z\n"
        "  last cycle   812, 1.2 s ago, did nothing"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"findings": ALARMS, "last_cycle": hedge()["last_cycle"] | {"reason": LONG}, "as_of": None, "paused": True},
        {"ratio": "0.123456789012", "held": "123456789.123456789012", "net": "-0.000000000001"},
        {"legs": [leg(liquidation_price="unknown", liquidation_distance="unknown", entry_price=None)]},
    ],
)
def test_it_fits_a_terminal(changes: dict[str, Any]) -> None:
    told = shown(**changes).splitlines()
    assert len(told) <= 24
    assert max(map(len, told)) <= 80


def test_only_what_restrains_or_alarms_is_told_the_strictest_first() -> None:
    told = shown(
        findings=[
            finding(guard="clock", reason="content"),
            finding(guard="jump", permission="reduce_only", reason="it jumped"),
            finding(guard="foreign", permission="none", reason="a stranger", next_step="Find out who"),
        ]
    )
    assert "content" not in told
    assert told.index("a stranger (permits none)") < told.index("it jumped (permits reduce_only)")
    assert "→ Find out who" in told


@pytest.mark.parametrize(
    ("price", "distance", "said"),
    [
        (None, None, "no price liquidates it"),
        ("unknown", "unknown", "price not known"),
        ("61000", "0.0167", "at 61000, +1.7% from mark"),
    ],
)
def test_no_such_price_and_a_price_not_known_are_told_apart(
    price: str | None, distance: str | None, said: str
) -> None:
    assert f"  liquidation  {said}, leverage" in shown(
        legs=[leg(liquidation_price=price, liquidation_distance=distance)]
    )


def test_figures_of_an_earlier_moment_are_dated() -> None:
    assert "  seen         2026-11-21T04:59:55Z: what follows is not known to hold now" in shown(
        state="blind", as_of="2026-11-21T04:59:55Z"
    )


def test_what_is_not_known_is_called_so() -> None:
    told = shown(held="unknown", spot="unknown", as_of=None, legs=[])
    assert "held         unknown BTC = unknown spot" in told
    assert "seen         never" in told


def test_with_nothing_held_there_is_no_ratio() -> None:
    assert "  ratio        –, target 1" in shown(ratio=None)


def test_before_the_first_cycle_there_is_little_to_tell() -> None:
    told = shown(state="starting", last_cycle=None)
    assert told == "btc: STARTING, mode live\n  why          the first cycle has not ended yet"


def test_an_exchanges_words_do_not_steer_the_terminal() -> None:
    told = shown(last_cycle=hedge()["last_cycle"] | {"reason": "\x1b[2J\x07evil\r\nrm -rf\x9b31m"})
    assert all(sign.isprintable() for line in told.splitlines() for sign in line)


def test_several_hedges_stand_apart() -> None:
    status = {"mode": "live", "hedges": {"btc": hedge(), "eth": hedge(asset="ETH", state="drifting")}}
    told = [unstyle(line) for line in lines(status)]
    assert told[told.index("") + 1] == "eth: DRIFTING, mode live"
