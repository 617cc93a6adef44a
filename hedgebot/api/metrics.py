"""What Prometheus collects (README, "Metrics"): counts kept here, and gauges read off the status when asked.

Names begin with ``hedgebot_`` and end in base units. What is not known now is absent, never the last value
pretending to be today's.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from hedgebot.api.gauges import StatusGauges
from hedgebot.domain.orders import UNSETTLED, Intent, Stage
from hedgebot.domain.records import CycleRecord
from hedgebot.domain.transfers import TransferIntent
from hedgebot.ports import Clock

PREFIX = "hedgebot"
SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """One registry. ``ended`` and ``requested`` are told of what happens, ``exposition`` is a scrape."""

    def __init__(self) -> None:
        disable_created_metrics()
        self._registry, self._process = CollectorRegistry(), CollectorRegistry()
        ProcessCollector(registry=self._process)
        self._cycles = self._histogram("cycle_duration_seconds", "Time that a cycle took", "hedge")
        self._orders = Counter(
            "orders",
            "Orders by what became of them: filled, partial, unfilled, rejected, absent",
            ("hedge", "account", "leg", "side", "outcome"),
            namespace=PREFIX,
            registry=self._registry,
        )
        self._transfers = Counter(
            "transfers",
            "Moves of collateral by what became of them: done, rejected, absent",
            ("hedge", "account", "source", "target", "outcome"),
            namespace=PREFIX,
            registry=self._registry,
        )
        self._unknown = Gauge(
            "unknown_outcomes",
            "Orders of which it is not known what became of them",
            ("hedge",),
            namespace=PREFIX,
            registry=self._registry,
        )
        self._requests = Counter(
            "exchange_requests",
            "Requests to exchanges by outcome",
            ("account", "endpoint", "outcome"),
            namespace=PREFIX,
            registry=self._registry,
        )
        self._replies = self._histogram(
            "exchange_request_duration_seconds", "Time to the reply of an exchange", "account"
        )

    def watch(self, status: Callable[[], dict[str, Any]], clock: Clock, stale_after: float) -> None:
        """Read gauges off ``status``; a cycle that ended longer ago (seconds) says nothing of today."""
        self._registry.register(StatusGauges(status, clock, stale_after))

    def ended(
        self,
        record: CycleRecord,
        closed: tuple[Intent, ...],
        still_open: tuple[Intent, ...],
        moved: tuple[TransferIntent, ...],
        seconds: float,
    ) -> None:
        """A cycle ended; see ``daemon.CycleEnded``."""
        self._cycles.labels(record.hedge).observe(seconds)
        self._unknown.labels(record.hedge).set(sum(1 for i in still_open if i.stage in UNSETTLED))
        for intent in closed:
            request = intent.request
            self._orders.labels(
                record.hedge, request.account, request.leg, request.side, outcome(intent)
            ).inc()
        for transfer in moved:
            move = transfer.request
            labels = record.hedge, move.account, move.source.value, move.target.value
            self._transfers.labels(*labels, transfer.stage.value).inc()

    def requested(self, account: str, endpoint: str, outcome: str, seconds: float) -> None:
        """A request to an exchange ended, with a reply or without."""
        self._requests.labels(account, endpoint, outcome).inc()
        self._replies.labels(account).observe(seconds)

    async def exposition(self) -> bytes:
        """Everything, in Prometheus' text format. The kernel's figures are files, read off the loop."""
        process = await asyncio.to_thread(generate_latest, self._process)
        return generate_latest(self._registry) + process

    def _histogram(self, name: str, help_text: str, *labels: str) -> Histogram:
        return Histogram(name, help_text, labels, namespace=PREFIX, registry=self._registry, buckets=SECONDS)


def outcome(intent: Intent) -> str:
    """What became of an order whose story is over, in one word."""
    if intent.stage in {Stage.REJECTED, Stage.ABSENT}:
        return intent.stage.value
    if not intent.filled:
        return "unfilled"
    return "filled" if intent.filled == intent.request.contracts else "partial"
