"""Gauges and totals read off the status object at the moment of a scrape, so that all views agree."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from hedgebot.domain.decision import Permission
from hedgebot.domain.records import State
from hedgebot.ports import Clock

PREFIX = "hedgebot_"
PERMISSIONS = {permission.label: permission for permission in Permission}
MEASURED = {
    "hedge_ratio": ("ratio", "Coins sold short as a share of the coins held"),
    "exposure_coins": ("exposure", "Coins held plus unrealised profit in coins"),
    "net_exposure_coins": ("net", "Coins held less coins sold: what still moves with the price"),
}
AIMED = {"hedge_target_ratio": ("target_ratio", "Ratio that the hedge trades to")}
TOTALS = {
    "funding_paid_coins": ("funding_paid_coins", "Funding paid since the hedge began"),
    "funding_received_coins": ("funding_received_coins", "Funding received since the hedge began"),
    "fees_paid_coins": ("fees_coins", "Fees paid since the hedge began"),
}

Body = dict[str, Any]
Row = tuple[str, Body]


class StatusGauges(Collector):
    """A hedge whose last cycle is older than ``stale_after`` seconds has no figures, a blind one none that
    are measured. What is not known is absent, but for a liquidation distance: NaN, and infinite where no
    price liquidates."""

    def __init__(self, status: Callable[[], Body], clock: Clock, stale_after: float) -> None:
        self._status = status
        self._clock = clock
        self._stale_after = stale_after

    def describe(self) -> list[Metric]:
        """Nothing: what there is depends on the status, which is not asked for before it is there."""
        return []

    def collect(self) -> Iterator[Metric]:
        status = self._status()
        rows = list(status["hedges"].items())
        alive = [row for row in rows if self._alive(row[1])]
        seeing = [row for row in alive if _sees(row[1])]
        yield _build(status)
        yield from _one_each(MEASURED, seeing, GaugeMetricFamily)
        yield from _one_each(AIMED, alive, GaugeMetricFamily)
        yield from _one_each(TOTALS, rows, CounterMetricFamily)
        yield _distances(seeing)
        yield _guards(alive)
        yield _moving(rows)
        yield _states(rows)
        yield _paused(rows)
        yield from self._ages(rows)

    def _alive(self, body: Body) -> bool:
        last = body["last_cycle"]
        return last is not None and last["age_s"] <= self._stale_after

    def _ages(self, rows: list[Row]) -> Iterator[Metric]:
        """When each hedge last had a snapshot to trust: 0, the epoch, for never."""
        good = _family("last_good_cycle_timestamp_seconds", "When a cycle last had a coherent snapshot, or 0")
        age = _family("exchange_data_age_seconds", "Age of the snapshot that the figures come from")
        for hedge, body in rows:
            seen = _epoch(body["as_of"])
            good.add_metric([hedge], seen)
            if seen:
                age.add_metric([hedge], max(0.0, self._clock.now_ms() / 1000 - seen))
        yield good
        yield age


def _sees(body: Body) -> bool:
    """Whether the figures are those of the last cycle, not of an earlier one."""
    return body["as_of"] is not None and body["as_of"] == body["last_cycle"]["at"]


def _one_each(
    names: dict[str, tuple[str, str]],
    rows: list[Row],
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily],
) -> Iterator[Metric]:
    for name, (key, help_text) in names.items():
        family = kind(PREFIX + name, help_text, labels=["hedge"])
        for hedge, body in rows:
            value = _number(body[key])
            if value is not None:
                family.add_metric([hedge], value)
        yield family


def _distances(rows: list[Row]) -> Metric:
    family = _family(
        "liquidation_distance_ratio",
        "How far mark may rise before liquidation, as a share of it; infinite: no price does; NaN: not known",
        "account",
        "leg",
    )
    for hedge, body in rows:
        for leg in body["legs"]:
            told = leg["liquidation_distance"]
            distance = float("inf") if told is None else _number(told)
            labels = [hedge, leg["account"], f"{leg['account']}:{leg['symbol']}"]
            family.add_metric(labels, float("nan") if distance is None else distance)
    return family


def _guards(rows: list[Row]) -> Metric:
    help_text = "What each guard permits: 0 any order, 1 only ones that reduce, 2 none"
    family = _family("guard_permission", help_text, "guard")
    for hedge, body in rows:
        for finding in body["findings"]:
            family.add_metric([hedge, finding["guard"]], PERMISSIONS[finding["permission"]])
    return family


def _moving(rows: list[Row]) -> Metric:
    family = _family("transfers_unresolved", "Moves of collateral that are not in both wallets yet")
    for hedge, body in rows:
        family.add_metric([hedge], len(body["transfers"]))
    return family


def _states(rows: list[Row]) -> Metric:
    family = _family("hedge_state", "1 for the state that the hedge is in", "state")
    for hedge, body in rows:
        for state in State:
            family.add_metric([hedge, state.value], body["state"] == state.value)
    return family


def _paused(rows: list[Row]) -> Metric:
    family = _family("paused", "1 while the operator's pause holds")
    for hedge, body in rows:
        family.add_metric([hedge], body["paused"])
    return family


def _build(status: Body) -> Metric:
    labels = ["version", "mode"]
    family = GaugeMetricFamily(PREFIX + "build_info", "Version and mode, always 1", labels=labels)
    family.add_metric([status["version"], status["mode"]], 1)
    return family


def _family(name: str, help_text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, help_text, labels=["hedge", *labels])


def _number(told: str | None) -> float | None:
    """A figure of the status; None for "no such thing" and for "not known"."""
    return None if told is None or told == "unknown" else float(told)


def _epoch(told: str | None) -> float:
    return 0.0 if told is None else datetime.fromisoformat(told).timestamp()
