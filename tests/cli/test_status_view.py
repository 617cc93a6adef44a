"""The status for people: five questions in 24 lines of 80 columns, nothing pretended, nothing that steers."""

import re
from typing import Any

import pytest

from hedgebot.cli.status_view import lines
from tests.api.support import finding, hedge, leg, moving

LONG = "an exchange's words that go on and on without ever coming to an end that anybody reads " * 5
ALARMS = [
    finding(guard=guard, permission=permission, reason=LONG, next_step=LONG, alarm=True)
    for guard in ("collateral", "liquidation", "limits", "clock")
    for permission in ("any", "none")
]


def unstyle(line: str) -> str:
    """Without the colours that are ours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


def told(mode: str = "live", /, **hedges: dict[str, Any]) -> str:
    """The view of some hedges, without its colours."""
    status = {"schema": 1, "mode": mode, "version": "0.1.0", "stale_after_s": 30.0, "hedges": hedges}
    return "\n".join(unstyle(line) for line in lines(status))


def shown(**changes: Any) -> str:
    return told(btc=hedge(**changes))


def last(**changes: Any) -> dict[str, Any]:
    return dict(hedge()["last_cycle"]) | changes


def fits(text: str) -> bool:
    return len(text.splitlines()) <= 24 and max(map(len, text.splitlines())) <= 80


class TestOneHedge:
    def test_at_a_glance(self) -> None:
        assert shown() == (
            "btc: HEDGED, mode live, 1.2 s ago\n"
            "  hedged?      99.91% of 1 BTC is protected; target 100%, band ±2%\n"
            "               ───────────────├─────────●─────────┤───────────────  0.9991\n"
            "  held         1 BTC = 0.4 spot + 0.6 collateral\n"
            "  sold         0.9991 BTC, unrealised -0.01 BTC\n"
            "  net          0.0009 BTC moves with the price: 5.40 USD for each 10%\n"
            "  value        59,400.00 USD, with the hedge\n"
            "  liquidation? at 148,346, +147.2% from mark, leverage 1.67\n"
            "               BTC/USD:BTC on main: -59946 contracts from 60,000, mark 60,000\n"
            "  cost?        0.0025 BTC = 150.00 USD since 2026-11-20\n"
            "               fees 0.0005, funding -0.002; next +0.0100% at 08:00 UTC\n"
            "  last act     2026-11-20 05:00:05: sell 59946 contracts of main:BTC/USD:BTC:\n"
            "               ratio 0.0000, target 1\n"
            "  last cycle   812: did nothing: inside the band\n"
            "  what now?    nothing to do"
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"findings": ALARMS, "last_cycle": last(reason=LONG)},
            {"findings": ALARMS, "as_of": None, "paused": True},
            {"findings": ALARMS, "legs": [leg(symbol=LONG, account=LONG)] * 5, "last_act": last(reason=LONG)},
            {"ratio": "7", "target_ratio": "0.5"},
            {"findings": ALARMS, "transfers": [moving(account=LONG)] * 3, "as_of": None, "legs": [leg()] * 5},
            {"ratio": "0.123456789012", "held": "123456789.123456789012", "net": "-0.000000000001"},
            {"legs": [leg(liquidation_price="unknown", liquidation_distance="unknown", entry_price=None)]},
        ],
    )
    def test_it_fits_a_terminal(self, changes: dict[str, Any]) -> None:
        assert fits(shown(**changes))

    @pytest.mark.parametrize(
        ("ratio", "band", "target", "drawn"),
        [
            ("1", "0.02", "1", "───────────────├─────────●─────────┤───────────────  1.0000"),
            ("0.98", "0.02", "1", "───────────────●─────────┼─────────┤───────────────  0.9800"),
            ("0.8", "0.02", "1", "──●────────────────────├─┼─┤───────────────────────  0.8000"),
            ("0", "0", "0", "─────────────────────────●─────────────────────────  0.0000"),
        ],
    )
    def test_the_ratio_is_drawn_against_its_band(
        self, ratio: str, band: str, target: str, drawn: str
    ) -> None:
        view = shown(ratio=ratio, band=band, target_ratio=target)
        assert next(line.strip() for line in view.splitlines() if "●" in line) == drawn

    def test_the_drawing_follows_the_band_in_colour(self) -> None:
        def colours(ratio: str) -> str:
            status = {"mode": "live", "stale_after_s": 30.0, "hedges": {"btc": hedge(ratio=ratio)}}
            return next(line for line in lines(status) if "●" in line)

        assert "\x1b[32m" in colours("0.99")
        assert "\x1b[33m" in colours("0.9")

    def test_what_to_do_is_what_the_strictest_alarm_says(self) -> None:
        view = shown(
            findings=[
                finding(guard="clock", reason="content"),
                finding(guard="jump", permission="reduce_only", reason="it jumped"),
                finding(guard="foreign", permission="none", reason="a stranger", next_step="Find out who"),
            ]
        )
        assert "content" not in view
        assert view.index("foreign: a stranger (permits none)") < view.index(
            "jump: it jumped (permits reduce_only)"
        )
        assert "  what now?    foreign: a stranger (permits none)\n               → Find out who" in view

    def test_alarms_for_which_there_is_no_room_are_counted(self) -> None:
        view = shown(findings=ALARMS)
        assert re.search(r"and \d more: hedgebot status --json", view.splitlines()[-1])

    @pytest.mark.parametrize(
        ("mode", "changes", "step"),
        [
            ("live", {}, "nothing to do"),
            ("live", {"state": "paused", "paused": True}, "hedgebot resume ends the pause"),
            ("live", {"state": "unwound"}, "nothing; hedgebot resume builds the hedge again"),
            ("live", {"state": "drifting"}, "see why in the last cycle"),
            ("observe", {"state": "drifting"}, "mode observe sends nothing; hedgebot plan tells"),
        ],
    )
    def test_without_an_alarm_the_state_tells_what_to_do(
        self, mode: str, changes: dict[str, Any], step: str
    ) -> None:
        assert f"  what now?    {step}" in told(mode, btc=hedge(**changes))

    @pytest.mark.parametrize(
        ("price", "distance", "said"),
        [
            (None, None, "no price liquidates it"),
            ("unknown", "unknown", "price not known"),
            ("61000", "0.0167", "at 61,000, +1.7% from mark"),
            ("0.0825", "0.5", "at 0.0825, +50.0% from mark"),
        ],
    )
    def test_no_such_price_and_a_price_not_known_are_told_apart(
        self, price: str | None, distance: str | None, said: str
    ) -> None:
        legs = [leg(liquidation_price=price, liquidation_distance=distance)]
        assert f"  liquidation? {said}, leverage" in shown(legs=legs)

    def test_the_nearest_legs_are_told_and_the_others_counted(self) -> None:
        far = [leg(liquidation_distance=d, symbol=f"S{d}") for d in ("0.9", None, "0.1", "unknown", "0.5")]
        view = shown(legs=far)
        assert view.index("Sunknown") < view.index("S0.1")
        assert "and 3 legs that are further from it" in view

    def test_coins_on_their_way_between_wallets_are_told(self) -> None:
        line = "  moving       0.05522488 BTC, spot to margin on main: unknown since 04:58:00"
        assert f"{line}\n  net " in shown(transfers=[moving()])
        assert f"{line},\n               and 2 more\n  net " in shown(transfers=[moving()] * 3)
        assert "moving" not in shown()

    def test_coins_between_wallets_are_part_of_what_is_held(self) -> None:
        assert "held         1 BTC = 0.3 spot + 0.6 collateral + 0.1 moving\n" in shown(
            spot="0.3", in_flight="0.1", transfers=[moving()]
        )

    def test_funding_can_have_earned_more_than_all_cost(self) -> None:
        assert "cost?        nothing; gained 0.0015 BTC = 90.00 USD" in shown(funding_coins="0.002")

    def test_figures_of_an_earlier_moment_are_dated(self) -> None:
        assert "  seen         2026-11-21T04:59:55Z: what follows is not known to hold now" in shown(
            state="blind", as_of="2026-11-21T04:59:55Z"
        )

    def test_a_cycle_that_is_long_ago_is_told_in_red(self) -> None:
        late = hedge(last_cycle=last(age_s=400.0))
        status = {"mode": "live", "stale_after_s": 30.0, "hedges": {"btc": late}}
        assert "\x1b[31m" in next(lines(status))
        assert shown(last_cycle=last(age_s=400.0)).startswith(
            "btc: HEDGED, mode live, 7 min ago: NO CYCLE ENDED"
        )

    def test_what_is_not_known_is_called_so(self) -> None:
        unknown = dict.fromkeys(("ratio", "held", "spot", "net", "exposure", "value_usd"), "unknown")
        view = shown(**unknown, as_of=None, legs=[])
        assert "held         unknown BTC = unknown spot" in view
        assert "seen         never" in view
        assert "●" not in view

    def test_with_nothing_held_there_is_no_ratio(self) -> None:
        view = shown(ratio=None, held="0", exposure="0", net="0", last_act=None)
        assert "  hedged?      nothing is held; target 100%" in view
        assert "  last act     none on record" in view

    def test_before_the_first_cycle_there_is_what_the_journal_knows(self) -> None:
        view = shown(state="starting", last_cycle=None, as_of=None)
        assert view.startswith("btc: STARTING, mode live\n  why          the first cycle has not ended yet")
        assert "last act     2026-11-20" in view
        assert "what now?    wait a few seconds" in view

    def test_an_exchanges_words_do_not_steer_the_terminal(self) -> None:
        evil = "\x1b[2J\x07evil\r\nrm -rf\x9b31m"
        told_evil = finding(guard=evil, reason=evil, next_step=evil, alarm=True)
        view = shown(
            last_cycle=last(reason=evil),
            asset=evil,
            legs=[leg(symbol=evil, account=evil)],
            findings=[told_evil],
            last_act=last(reason=evil),
        )
        assert all(sign.isprintable() for line in view.splitlines() for sign in line)


class TestSeveralHedges:
    @pytest.mark.parametrize("count", [2, 3, 6, 24])
    def test_they_share_the_screen(self, count: int) -> None:
        wordy = hedge(findings=ALARMS, last_cycle=last(reason=LONG), as_of=None)
        view = told(**{f"h{number}": wordy for number in range(count)})
        assert fits(view)
        assert [line for line in view.splitlines() if line.startswith("h")] == [
            f"h{number}: HEDGED, mode live, 1.2 s ago" for number in range(count)
        ]

    def test_each_is_told_shortly_and_its_alarms_first(self) -> None:
        view = told(btc=hedge(), eth=hedge(asset="ETH", state="drifting", findings=ALARMS[:1]))
        btc, eth = view.split("\n\n")
        assert btc == (
            "btc: HEDGED, mode live, 1.2 s ago\n"
            "  hedged?      99.91% of 1 BTC is protected; target 100%\n"
            "  liquidation? at 148,346, +147.2% from mark, BTC/USD:BTC on main\n"
            "  why          inside the band\n"
            "  cost?        0.0025 BTC = 150.00 USD since 2026-11-20"
        )
        assert eth.splitlines()[0] == "eth: DRIFTING, mode live, 1.2 s ago"
        assert eth.splitlines()[1].startswith("  !            collateral: an exchange's words")

    def test_none_is_nothing(self) -> None:
        assert told() == ""
