"""What stands in the journal when an order leaves, and what happens when it cannot be written."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hedgebot.sim.ledger import MarginMode
from tests.simulation.world import BYBIT, Scene, Setup, play

PLACE = "/v5/order/create"
OPEN = "SELECT client_id FROM unresolved"
NEWEST = "SELECT acted, state FROM cycles ORDER BY number DESC LIMIT 1"


def asked(folder: Path, query: str) -> list[Any]:
    """What the journal's file answers another reader."""
    with sqlite3.connect(f"file:{folder}/hedgebot.db?mode=ro", uri=True) as db:
        return db.execute(query).fetchall()


@pytest.mark.parametrize("query", [OPEN, NEWEST], ids=["its intent", "its cycle"])
def test_a_reader_sees_it_when_the_order_arrives(query: str, tmp_path: Path) -> None:
    seen: list[tuple[Any, Any]] = []

    @web.middleware
    async def look(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.path == PLACE:
            seen.append(((await request.json())["orderLinkId"], asked(tmp_path, query)))
        return await handler(request)

    async def act(scene: Scene) -> None:
        await scene.cycles(2)
        [(client_id, found)] = seen
        assert found == {OPEN: [(client_id,)], NEWEST: [(1, "adjusting")]}[query]

    play(Setup(venue=BYBIT, leverage=None, margin_mode=MarginMode.CROSS, middlewares=[look]), tmp_path, act)


def test_an_order_whose_intent_cannot_be_written_is_not_sent_and_that_is_said(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        assert scene.app is not None
        journal: Any = scene.app.journal
        scene.exchange.deposit("main", "BTC", "0.1")
        journal._database._connected().execute("PRAGMA query_only = ON")  # until it is opened anew
        await scene.cycles(1)
        assert scene.orders == 1
        await scene.cycles(1)
        assert scene.orders == 1
        assert any(finding["guard"] == "journal" for finding in scene.hedge()["findings"])
        await scene.cycles(2)
        assert scene.orders == 2
        assert not any(finding["guard"] == "journal" for finding in scene.hedge()["findings"])

    play(Setup(leverage=None, margin_mode=MarginMode.CROSS), tmp_path, act)
