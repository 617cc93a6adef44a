"""What Prometheus collects: names, labels and units as published, and nothing stale."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hedgebot.api.metrics import Metrics, outcome
from hedgebot.domain.orders import Intent, OrderRequest, Stage
from hedgebot.domain.records import CycleRecord, Memory, State
from hedgebot.domain.transfers import TransferStage
from hedgebot.domain.units import Contracts, Millis, Price
from hedgebot.sim.faults import Fault
from hedgebot.sim.virtual import VirtualClock, VirtualLoop
from tests.api.support import StandIn, finding, hedge, leg, moving
from tests.builders import transfer
from tests.simulation.world import Scene, Setup, play

AT = 1_795_237_200_000
"""2026-11-21T05:00:00Z, as in ``support.hedge``."""

PUBLISHED = {
    "hedgebot_hedge_ratio": {"hedge"},
    "hedgebot_hedge_target_ratio": {"hedge"},
    "hedgebot_exposure_coins": {"hedge"},
    "hedgebot_net_exposure_coins": {"hedge"},
    "hedgebot_liquidation_distance_ratio": {"hedge", "account", "leg"},
    "hedgebot_funding_paid_coins_total": {"hedge"},
    "hedgebot_funding_received_coins_total": {"hedge"},
    "hedgebot_fees_paid_coins_total": {"hedge"},
    "hedgebot_orders_total": {"hedge", "account", "leg", "side", "outcome"},
    "hedgebot_transfers_unresolved": {"hedge"},
    "hedgebot_unknown_outcomes": {"hedge"},
    "hedgebot_guard_permission": {"hedge", "guard"},
    "hedgebot_last_good_cycle_timestamp_seconds": {"hedge"},
    "hedgebot_cycle_duration_seconds_count": {"hedge"},
    "hedgebot_exchange_requests_total": {"account", "endpoint", "outcome"},
    "hedgebot_exchange_data_age_seconds": {"hedge"},
    "hedgebot_paused": {"hedge"},
    "hedgebot_build_info": {"version", "mode"},
    "process_resident_memory_bytes": set(),
}

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


async def scraped(metrics: Metrics) -> Samples:
    text = (await metrics.exposition()).decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def read(hedges: dict[str, dict[str, Any]], *, now: int = AT, stale_after: float = 30) -> Samples:
    """A scrape while the status shows these hedges."""
    metrics, loop = Metrics(), VirtualLoop()
    metrics.watch(StandIn(hedges).status, VirtualClock(loop, now), stale_after)
    loop.close()
    return await scraped(metrics)


def of(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((f"hedgebot_{name}", tuple(sorted(labels.items()))))


def names(samples: Samples) -> set[str]:
    return {name.removeprefix("hedgebot_") for name, _ in samples}


class TestFromTheStatus:
    async def test_figures_are_those_of_the_status(self) -> None:
        found = await read({"btc": hedge()})
        assert of(found, "hedge_ratio", hedge="btc") == 0.9991
        assert of(found, "hedge_target_ratio", hedge="btc") == 1
        assert of(found, "exposure_coins", hedge="btc") == 0.99
        assert of(found, "net_exposure_coins", hedge="btc") == 0.0009
        assert of(found, "funding_paid_coins_total", hedge="btc") == 0.003
        assert of(found, "funding_received_coins_total", hedge="btc") == 0.001
        assert of(found, "fees_paid_coins_total", hedge="btc") == 0.0005

    async def test_hedges_are_told_apart(self) -> None:
        found = await read({"btc": hedge(), "eth": hedge(ratio="0.5")})
        assert of(found, "hedge_ratio", hedge="btc") == 0.9991
        assert of(found, "hedge_ratio", hedge="eth") == 0.5

    @pytest.mark.parametrize(
        ("told", "distance"), [("1.4724", 1.4724), ("-0.01", -0.01), (None, math.inf), ("unknown", math.nan)]
    )
    async def test_a_distance_that_is_not_known_is_not_an_infinite_one(
        self, told: str | None, distance: float
    ) -> None:
        found = await read({"btc": hedge(legs=[leg(liquidation_distance=told)])})
        measured = of(
            found, "liquidation_distance_ratio", hedge="btc", account="main", leg="main:BTC/USD:BTC"
        )
        assert measured == pytest.approx(distance, nan_ok=True)

    @pytest.mark.parametrize(("permission", "value"), [("any", 0), ("reduce_only", 1), ("none", 2)])
    async def test_each_guard_says_what_it_permits(self, permission: str, value: int) -> None:
        found = await read({"btc": hedge(findings=[finding(guard="jump", permission=permission)])})
        assert of(found, "guard_permission", hedge="btc", guard="jump") == value

    async def test_transfers_on_their_way_are_counted(self) -> None:
        found = await read({"btc": hedge(transfers=[moving(), moving()]), "eth": hedge()})
        assert of(found, "transfers_unresolved", hedge="btc") == 2
        assert of(found, "transfers_unresolved", hedge="eth") == 0

    @pytest.mark.parametrize("state", list(State))
    async def test_exactly_one_state_holds(self, state: State) -> None:
        found = await read({"btc": hedge(state=state.value)})
        holding = [
            labels for (name, labels), value in found.items() if name == "hedgebot_hedge_state" and value
        ]
        assert holding == [(("hedge", "btc"), ("state", state.value))]

    @pytest.mark.parametrize("paused", [True, False])
    async def test_a_pause_shows_in_whatever_state(self, paused: bool) -> None:
        assert of(await read({"btc": hedge(state="blind", paused=paused)}), "paused", hedge="btc") == paused


MEASURED = {"hedge_ratio", "exposure_coins", "net_exposure_coins", "liquidation_distance_ratio"}


class TestNothingStale:
    async def test_a_blind_hedge_has_no_figures(self) -> None:
        """Its status still shows the last ones, with their time."""
        blind = hedge(state="blind", last_cycle=hedge()["last_cycle"] | {"at": "2026-11-21T05:00:05Z"})
        found = await read({"btc": blind}, now=AT + 6000)
        assert not MEASURED & names(found)
        assert of(found, "hedge_target_ratio", hedge="btc") == 1
        assert of(found, "last_good_cycle_timestamp_seconds", hedge="btc") == AT / 1000
        assert of(found, "exchange_data_age_seconds", hedge="btc") == 6

    @pytest.mark.parametrize(("age", "shown"), [(29.9, True), (30.1, False)])
    async def test_nor_has_one_whose_loop_stands_still(self, age: float, shown: bool) -> None:
        standing = hedge(last_cycle=hedge()["last_cycle"] | {"age_s": age})
        found = names(await read({"btc": standing}, stale_after=30))
        assert (MEASURED | {"hedge_target_ratio", "guard_permission"} <= found) is shown
        assert bool(MEASURED & found) is shown

    async def test_nor_has_one_that_never_saw_anything(self) -> None:
        unknown = dict.fromkeys(("ratio", "exposure", "net"), "unknown")
        found = await read({"btc": hedge(state="starting", as_of=None, legs=[], last_cycle=None, **unknown)})
        assert not MEASURED & names(found)
        assert of(found, "last_good_cycle_timestamp_seconds", hedge="btc") == 0
        assert of(found, "exchange_data_age_seconds", hedge="btc") is None

    async def test_with_nothing_held_there_is_no_ratio(self) -> None:
        assert of(await read({"btc": hedge(ratio=None)}), "hedge_ratio", hedge="btc") is None

    async def test_a_wall_clock_that_stepped_back_makes_no_negative_age(self) -> None:
        assert of(await read({"btc": hedge()}, now=AT - 5000), "exchange_data_age_seconds", hedge="btc") == 0


def intent(stage: Stage, filled: int = 0) -> Intent:
    request = OrderRequest("hb0", "main", "BTC/USD:BTC", Contracts.of(-10), Price.of(1), reduce_only=False)
    bare = Intent(1, "btc", request, Contracts.zero(), Price.of(1).value, "", False, Millis(0))
    return replace(bare, stage=stage, filled=Contracts.of(-filled))


class TestCounts:
    @pytest.mark.parametrize(
        ("ended", "word"),
        [
            (intent(Stage.CLOSED, 10), "filled"),
            (intent(Stage.CLOSED, 4), "partial"),
            (intent(Stage.CLOSED), "unfilled"),
            (intent(Stage.REJECTED), "rejected"),
            (intent(Stage.ABSENT), "absent"),
        ],
    )
    async def test_orders_by_what_became_of_them(self, ended: Intent, word: str) -> None:
        assert outcome(ended) == word
        metrics = Metrics()
        record = CycleRecord("btc", Millis(0), State.HEDGED, "", False, {}, Memory())
        for _ in range(2):
            metrics.ended(record, (ended,), (), (), 0.1)
        labels = {"account": "main", "leg": "main:BTC/USD:BTC", "side": "sell", "outcome": word}
        assert of(await scraped(metrics), "orders_total", hedge="btc", **labels) == 2

    async def test_what_is_unknown_now_is_no_total(self) -> None:
        metrics = Metrics()
        record = CycleRecord("btc", Millis(0), State.ADJUSTING, "", False, {}, Memory())
        open_now = (intent(Stage.UNKNOWN), intent(Stage.RESERVED), intent(Stage.FILLED, 10))
        metrics.ended(record, (), open_now, (), 0.1)
        assert of(await scraped(metrics), "unknown_outcomes", hedge="btc") == 2
        metrics.ended(record, (), (), (), 0.1)
        assert of(await scraped(metrics), "unknown_outcomes", hedge="btc") == 0

    @pytest.mark.parametrize("stage", [TransferStage.DONE, TransferStage.REJECTED, TransferStage.ABSENT])
    async def test_transfers_by_what_became_of_them(self, stage: TransferStage) -> None:
        metrics = Metrics()
        record = CycleRecord("btc", Millis(0), State.HEDGED, "", False, {}, Memory())
        for _ in range(2):
            metrics.ended(record, (), (), (transfer(stage=stage),), 0.1)
        labels = {"account": "main", "source": "spot", "target": "margin", "outcome": stage.value}
        assert of(await scraped(metrics), "transfers_total", hedge="btc", **labels) == 2

    async def test_requests_by_outcome(self) -> None:
        metrics = Metrics()
        for result in ("ok", "ok", "no_reply"):
            metrics.requested("main", "position/list", result, 0.05)
        found, labels = await scraped(metrics), {"account": "main", "endpoint": "position/list"}
        assert of(found, "exchange_requests_total", **labels, outcome="ok") == 2
        assert of(found, "exchange_requests_total", **labels, outcome="no_reply") == 1
        assert of(found, "exchange_request_duration_seconds_count", account="main") == 3


class TestFromARunningDaemon:
    @staticmethod
    def watched(scene: Scene) -> Metrics:
        metrics = Metrics()
        scene.daemon._ended = metrics.ended
        metrics.watch(scene.daemon.status, scene.clock, 30)
        metrics.requested("main", "position/list", "ok", 0.1)
        return metrics

    def test_every_published_metric_is_there_with_its_labels(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            metrics = self.watched(scene)
            await scene.cycles(6)
            found: dict[str, set[str]] = {}
            for name, labels in await scraped(metrics):
                found.setdefault(name, set()).update(label for label, _ in labels)
            assert {name: found.get(name) for name in PUBLISHED} == PUBLISHED

        play(Setup(), tmp_path, act)

    def test_names_are_prefixed_and_in_base_units(self, tmp_path: Path) -> None:
        async def act(scene: Scene) -> None:
            metrics = self.watched(scene)
            await scene.cycles(6)
            ours = {name for name, _ in await scraped(metrics) if not name.startswith("process_")}
            assert all(name.startswith("hedgebot_") for name in ours)
            assert not [name for name in ours if re.search(r"_(created|ms|millis|percent|usd)(_|$)", name)]

        play(Setup(), tmp_path, act)

    def test_an_outage_takes_the_figures_away_and_brings_them_back(self, tmp_path: Path) -> None:
        start = 60.0
        outage = Fault("http_status", status=503, processed=False, since=start, until=start + 60)

        async def act(scene: Scene) -> None:
            metrics = self.watched(scene)
            await scene.cycles(6)
            assert of(await scraped(metrics), "hedge_ratio", hedge="btc") == pytest.approx(1, abs=0.001)
            await scene.cycles(10)
            gone = await scraped(metrics)
            assert of(gone, "hedge_ratio", hedge="btc") is None
            assert (of(gone, "exchange_data_age_seconds", hedge="btc") or 0) > 10
            await scene.cycles(14)
            assert of(await scraped(metrics), "hedge_ratio", hedge="btc") == pytest.approx(1, abs=0.001)

        play(Setup(faults=[outage]), tmp_path, act)
