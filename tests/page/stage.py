"""What the page's tests show in it: a daemon's stand-in with any status, and a reader's questions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hedgebot.api import http
from hedgebot.api.metrics import Metrics
from hedgebot.domain.records import State
from tests.api.support import StandIn, finding, free_port, hedge, leg
from tests.history.past import month

UNKNOWN = dict.fromkeys(
    (
        "ratio",
        "spot",
        "collateral",
        "in_flight",
        "held",
        "sold",
        "unrealized_pnl",
        "exposure",
        "short",
        "net",
        "value_usd",
    ),
    "unknown",
)
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
LONG = "an_exchange's_words_without_any_space_that_go_on_and_on_" * 8
ALARM = finding(
    guard="liquidation",
    permission="reduce_only",
    measured="0.1234",
    limit="warn 0.30, act 0.15",
    reason="main:BTC/USD:BTC would be liquidated 12.3% above its mark",
    next_step="Add margin to the leg, or lower the ratio",
    alarm=True,
)


def last(**changes: Any) -> dict[str, Any]:
    """The last cycle of the status, changed."""
    return dict(hedge()["last_cycle"]) | changes


def in_every_state() -> dict[str, dict[str, Any]]:
    """A hedge for each state, and the odd ones: never measured, nothing held, far off, wordy."""
    hedges = {state.value: hedge(state=state.value) for state in State}
    hedges["starting"] |= UNKNOWN | {"as_of": None, "last_cycle": None, "last_act": None, "legs": []}
    hedges["starting"] |= {"since": None, "costs_as_of": None, "findings": []}
    hedges["blind"] |= {"as_of": "2026-11-21T04:57:00Z"}
    hedges["drifting"] |= {"ratio": "1.4", "sold": "1.4", "net": "-0.4", "findings": [ALARM, finding()]}
    hedges["paused"] |= {"paused": True, "target_ratio": "0.5", "ratio": "0.49"}
    nothing = dict.fromkeys(UNKNOWN, "0") | {"ratio": None, "last_act": None}
    flat = leg(contracts="0", notional_usd="0", entry_price=None, leverage=None, funding_rate=None)
    flat |= {"liquidation_price": None, "liquidation_distance": None, "next_funding_at": None}
    hedges["empty"] = hedge(**nothing, legs=[flat], band="0", target_ratio="0")
    wordy = finding(guard=LONG, measured=LONG, limit=LONG, reason=LONG, next_step=LONG, alarm=True)
    unknown = leg(liquidation_price="unknown", liquidation_distance="unknown", symbol=LONG, account=LONG)
    hedges["wordy"] = hedge(findings=[wordy] * 3, legs=[leg(), unknown], last_cycle=last(reason=LONG))
    hedges["wordy"] |= {"held": "123456789.123456789012", "value_usd": "9999999999999.99", "asset": "A" * 20}
    return hedges


@asynccontextmanager
async def served(daemon: StandIn, port: int | None = None) -> AsyncIterator[str]:
    """The page over a stand-in; its address."""
    port = port or free_port()
    application = http.application(daemon, Metrics().exposition, ())
    async with http.read_only(application, ("127.0.0.1", port)):
        yield f"http://127.0.0.1:{port}/"


def storied(**hedges: dict[str, Any]) -> StandIn:
    """Hedges with a month behind each; one that is hedged if none is given."""
    hedges = hedges or {"btc": hedge()}
    return StandIn(hedges, past=dict.fromkeys(hedges, month()))
