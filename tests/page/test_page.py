"""The page in a real browser: what a holder reads there, and that it never passes old for new."""

import json
import socket
from typing import Any

import pytest

from hedgebot.domain.records import State
from tests.api.support import StandIn, finding, free_port, hedge, leg
from tests.page.browser import Tab
from tests.page.stage import ALARM, CONTRAST, in_every_state, last, served, storied
from tests.patience import until

pytestmark = pytest.mark.slow

READY = "document.querySelector('.hero .says')?.textContent"
DRAWN = "document.querySelectorAll('.plot canvas').length >= 4"


async def words(tab: Tab, slot: str, hedge: str = "btc") -> str:
    """What a place of a hedge's part says."""
    return await tab.text(f"#{hedge} [data-slot={slot}]")


async def opened(tab: Tab, url: str) -> None:
    await tab.visit(url)
    await tab.until(READY)


class TestWhatItSays:
    async def test_the_five_questions_are_answered(self, shown: Tab) -> None:
        async with served(storied(btc=hedge(findings=[finding()]))) as url:
            await opened(shown, url)
            assert await words(shown, "word") == "Hedged"
            assert "99.91 % of your 1 BTC is protected" in await words(shown, "says")
            assert "by about 5 USD" in await words(shown, "swing")
            assert "+147.2 % at 148,346 USD" in await words(shown, "legs")
            assert "= Cost\n0.0025 BTC" in await words(shown, "cost")
            assert "sell 59946 contracts" in await words(shown, "act")
            assert await words(shown, "step") == "Nothing to do."
            assert await shown.js("document.title") == "btc hedged – hedgebot"

    async def test_coins_add_up_and_what_is_missing_is_called_so(self, shown: Tab) -> None:
        async with served(StandIn(in_every_state())) as url:
            await opened(shown, url)
            told = (await words(shown, "coins", "hedged")).split("\n")
            sums = dict(zip(told[::2], told[1::2], strict=True))
            assert sums == {
                "Spot": "0.4 BTC",
                "+ Collateral": "0.6 BTC",
                "= Held": "1 BTC",
                "− Sold short": "0.9991 BTC",
                "= Net, moves with the price": "0.0009 BTC",
                "Unrealised profit": "−0.01 BTC",
            }
            assert "unknown" in await words(shown, "coins", "starting")
            assert "Between wallets" not in await words(shown, "coins", "starting")
            assert await words(shown, "ratio", "empty") == "–"
            assert "No price liquidates it" in await words(shown, "legs", "empty")
            assert "Unknown the exchange did not tell" in await words(shown, "legs", "wordy")

    async def test_coins_between_wallets_are_part_of_what_is_held(self, shown: Tab) -> None:
        async with served(StandIn({"btc": hedge(spot="0.3", in_flight="0.1")})) as url:
            await opened(shown, url)
            told = (await words(shown, "coins")).split("\n")
            assert told[4:8] == ["+ Between wallets", "0.1 BTC", "= Held", "1 BTC"]

    async def test_funding_bears_its_sign_and_a_dated_leg_has_none(self, shown: Tab) -> None:
        dated = leg(funding_rate="0", funding_interval_h=None, next_funding_at=None)
        legs = [leg(), leg(funding_rate="-0.0002"), leg(funding_rate="0"), dated]
        async with served(StandIn({"btc": hedge(legs=legs)})) as url:
            await opened(shown, url)
            told = [line for line in (await words(shown, "legs")).split("\n") if "unding" in line]
        when = " each 8 h, {}, next 21 Nov 08:00."
        assert told == [
            "Funding 0.01 %" + when.format("received"),
            "Funding −0.02 %" + when.format("paid"),
            "Funding 0 %" + when.format("received"),
            "No funding.",
        ]

    async def test_every_state_has_words_and_none_is_left_out(self, shown: Tab) -> None:
        async with served(StandIn(in_every_state())) as url:
            await opened(shown, url)
            for state in State:
                assert (await words(shown, "word", state.value)).lower() == state.value
                assert await words(shown, "says", state.value)
                assert await words(shown, "step", state.value)
            everything = await shown.text()
            assert not [slip for slip in ("NaN", "undefined", "null", "Infinity") if slip in everything]

    async def test_alarms_come_first_with_their_next_step(self, shown: Tab) -> None:
        blocked = finding(guard="foreign", permission="none", reason="a stranger trades here", alarm=True)
        quiet = finding(guard="clock", reason="the clocks agree")
        async with served(storied(btc=hedge(state="drifting", findings=[quiet, ALARM, blocked]))) as url:
            await opened(shown, url)
            told = await words(shown, "alarms")
            assert told.index("a stranger trades here") < told.index("would be liquidated")
            assert "no order is allowed" in told
            assert "→ Add margin to the leg" in told
            assert "clocks" not in told
            assert await words(shown, "step") == "Add margin to the leg, or lower the ratio"
            assert "the clocks agree" in await words(shown, "guards")

    async def test_several_hedges_stand_at_the_top_with_a_link_each(self, shown: Tab) -> None:
        async with served(StandIn({"btc": hedge(), "eth": hedge(asset="ETH", state="drifting")})) as url:
            await opened(shown, url)
            assert await shown.text("#overview") == "✓ btc: hedged\n! eth: drifting"
            assert await shown.js("document.querySelector('#overview a:last-child').hash") == "#btc"
            assert await words(shown, "word", "eth") == "Drifting"

    async def test_words_of_others_are_text_and_never_markup(self, shown: Tab) -> None:
        evil = "<img src=x onerror=window.evil=1><script>window.evil=1</script>&lt;b&gt;"
        told = finding(
            **dict.fromkeys(("guard", "measured", "limit", "reason", "next_step"), evil), alarm=True
        )
        act = hedge()["last_act"] | {"reason": evil}
        bad = hedge(
            asset=evil,
            findings=[told],
            legs=[leg(symbol=evil, account=evil)],
            last_cycle=last(reason=evil),
            last_act=act,
        )
        async with served(StandIn({"btc": bad})) as url:
            await opened(shown, url)
            assert evil in await words(shown, "why")
            assert evil in await words(shown, "alarms")
            assert evil in await words(shown, "guards")
            assert evil in await words(shown, "legs")
            assert await shown.js("window.evil ?? 'safe'") == "safe"
            assert await shown.js("document.querySelectorAll('main img, main script, main b').length") == 0


class TestCharts:
    async def test_they_are_drawn_and_their_newest_values_are_read_out(self, shown: Tab) -> None:
        async with served(storied()) as url:
            await opened(shown, url)
            await shown.until(DRAWN)
            told = await words(shown, "charts")
            for title in ("Hedge ratio", "Net exposure", "Value", "Liquidation distance"):
                assert title in told
            assert "21 Nov 04:59:55" in told
            assert "with the hedge 75,0" in told
            inked = """[...document.querySelectorAll('.plot canvas')].map((c) =>
              c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some((v) => v > 0))"""
            assert await shown.js(inked) == [True] * 4

    async def test_the_time_shown_can_be_chosen(self, shown: Tab) -> None:
        async with served(storied()) as url:
            await opened(shown, url)
            await shown.until(DRAWN)
            await shown.js("document.querySelector('input[value=\"720\"]').click()")
            span = "document.querySelectorAll('.reads span')[0]?.textContent"
            await shown.until(
                f"{span} && performance.getEntriesByType('resource').at(-1).name.includes('720')"
            )
            asked = (
                "performance.getEntriesByType('resource').map((e) => new URL(e.name).search).filter(Boolean)"
            )
            assert await shown.js(asked) == ["?hedge=btc&hours=24", "?hedge=btc&hours=720"]

    async def test_the_pointer_reads_all_charts_at_its_moment(self, shown: Tab) -> None:
        async with served(storied()) as url:
            await opened(shown, url)
            await shown.until(DRAWN)
            await shown.js("document.querySelector('.charts').scrollIntoView()")
            over = "JSON.stringify(document.querySelector('.u-over').getBoundingClientRect())"
            box: dict[str, Any] = json.loads(await shown.js(over))
            point = {"x": box["x"] + 5, "y": box["y"] + 50}
            await shown.call("Input.dispatchMouseEvent", type="mouseMoved", **point)
            times = "[...document.querySelectorAll('.reads')].map((e) => e.firstChild.textContent)"
            await shown.until(f"{times}.every((time) => time.startsWith('20 Nov 05'))")

    async def test_without_a_past_they_say_so(self, shown: Tab) -> None:
        async with served(StandIn()) as url:
            await opened(shown, url)
            await shown.until(
                "performance.getEntriesByType('resource').some((e) => e.name.includes('history'))"
            )
            assert "Nothing recorded yet." in await shown.text(".charts")


class TestItNeverPassesOldForNew:
    async def test_every_figure_has_an_age_and_ages_grow(self, shown: Tab) -> None:
        async with served(StandIn()) as url:
            await opened(shown, url)
            assert "measured 1 s ago, decided 1 s ago in cycle 812" in await words(shown, "cycle")
            assert await words(shown, "counted") == "counted 1 min ago"
            for slot in ("measured-ratio", "measured-coins", "measured-legs"):
                assert (await words(shown, slot)).startswith("measured ")
        await shown.until("(pass(0.1), /measured ([5-9]|[1-5]\\d) s ago/.test(document.body.innerText))")

    async def test_a_daemon_that_is_gone_turns_it_grey_until_it_answers_again(self, shown: Tab) -> None:
        port = free_port()
        async with served(storied(), port) as url:
            await opened(shown, url)
        await shown.until_silent()
        assert "does not answer. What you see is how it was at 21 Nov 05:00:00 UTC" in await shown.text(
            "#trouble"
        )
        assert await words(shown, "word") == "No news"
        assert "Last known: hedged." in await words(shown, "says")
        assert await shown.js("getComputedStyle(document.querySelector('.hedge')).filter") == "grayscale(1)"
        assert await shown.js("document.title") == "no answer – hedgebot"
        async with served(storied(), port):
            await shown.until("document.body.dataset.silent === 'false'")
            assert await words(shown, "word") == "Hedged"
            assert await shown.js("document.querySelector('#trouble').checkVisibility()") is False

    async def test_a_daemon_that_hangs_turns_it_grey_too(self, shown: Tab) -> None:
        port = free_port()
        async with served(storied(), port) as url:
            await opened(shown, url)
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            deaf.bind(("127.0.0.1", port))
            deaf.listen()
            await shown.until_silent()

    async def test_an_answer_that_it_cannot_show_counts_as_none(self, shown: Tab) -> None:
        daemon = storied()
        async with served(daemon) as url:
            await opened(shown, url)
            daemon.hedges = {"btc": {"state": "of tomorrow"}}
            await until(lambda: shown.complaints)
            await shown.until_silent()
            assert await words(shown, "word") == "No news"
        assert "TypeError" in shown.complaints[0]
        shown.complaints.clear()

    async def test_a_hedge_whose_cycles_stopped_is_grey_alone(self, shown: Tab) -> None:
        stuck = hedge(last_cycle=last(age_s=95.0))
        async with served(StandIn({"btc": stuck, "eth": hedge()})) as url:
            await opened(shown, url)
            await shown.until("document.querySelector('#btc').dataset.stale === 'true'")
            assert "No cycle of this hedge ended lately" in await words(shown, "old")
            assert "decided 1 min ago" in await words(shown, "cycle")
            assert await words(shown, "word") == "No news"
            assert await words(shown, "word", "eth") == "Hedged"

    async def test_figures_from_before_it_went_blind_are_grey_and_dated(self, shown: Tab) -> None:
        blind = hedge(state="blind", as_of="2026-11-21T04:57:00Z")
        async with served(StandIn({"btc": blind})) as url:
            await opened(shown, url)
            assert await words(shown, "word") == "Blind"
            assert "of 21 Nov 04:57:00 UTC. What is true now is not known." in await words(shown, "old")
            assert await words(shown, "measured-coins") == "measured 3 min ago"
            grey = "getComputedStyle(document.querySelector('.panel.figures')).filter"
            assert await shown.js(grey) == "grayscale(1)"


class TestItsLooks:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1280, 768, 390, 320])
    async def test_nothing_scrolls_sideways_and_all_text_can_be_read(
        self, shown: Tab, width: int, scheme: str
    ) -> None:
        await shown.screen(width, scheme=scheme)
        async with served(StandIn(in_every_state(), past=storied().past)) as url:
            await opened(shown, url)
            wide = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            scroll, client = await shown.js(wide)
            assert scroll <= client <= width
            assert await shown.js(CONTRAST) == []

    async def test_dark_and_light_differ(self, shown: Tab) -> None:
        grounds = []
        async with served(storied()) as url:
            await opened(shown, url)
            await shown.until(DRAWN)
            for scheme in ("light", "dark"):
                await shown.screen(1280, scheme=scheme)
                grounds.append(await shown.js("getComputedStyle(document.body).backgroundColor"))
            await shown.until(DRAWN)
        assert grounds == ["rgb(244, 245, 247)", "rgb(14, 17, 22)"]

    async def test_charts_follow_the_window(self, shown: Tab) -> None:
        async with served(storied()) as url:
            await opened(shown, url)
            await shown.until(DRAWN)
            await shown.screen(390)
            await shown.until("document.querySelector('.uplot').clientWidth < 340")

    async def test_a_screen_reader_is_told_what_changed_and_what_the_pictures_show(self, shown: Tab) -> None:
        async with served(storied()) as url:
            await opened(shown, url)
            await shown.until(DRAWN)
            assert "Hedged" in await shown.text("#btc [role=status]")
            meter = "document.querySelector('[role=meter]')"
            assert await shown.js(f"{meter}.ariaValueText") == "0.9991, band 0.980 to 1.020"
            assert await shown.js("document.querySelectorAll('h1').length") == 1
            assert "from 0." in await shown.js("document.querySelector('figure .unseen').textContent")


class TestItOnlyReads:
    async def test_it_asks_its_own_daemon_only_and_only_to_read(self, shown: Tab) -> None:
        async with served(storied()) as url:
            await opened(shown, url)
            await shown.until(DRAWN)
            names = await shown.js("performance.getEntriesByType('resource').map((e) => e.name)")
            assert all(name.startswith(url) for name in names)
            assert (
                await shown.js("document.querySelectorAll('form, button, input:not([type=radio])').length")
                == 0
            )

    async def test_nothing_that_slipped_in_would_run(self, shown: Tab) -> None:
        async with served(storied()) as url:
            await opened(shown, url)
            script = (
                "document.body.append(Object.assign(document.createElement('script'), {text: 'evil = 1'}))"
            )
            slip = f"(() => {{ try {{ {script} }} catch (error) {{ return error.name; }} }})()"
            assert await shown.js(slip) == "TypeError"
            assert await shown.js("window.evil ?? 'safe'") == "safe"
            shown.complaints.clear()
