"""The history over HTTP: whose, how long, and what a wrong question is told."""

import json
from typing import Any

import pytest

from hedgebot.api.history import QueryError, asked
from tests.api.support import StandIn, hedge, page
from tests.history.past import month

COLUMNS = {
    "at_ms", "target_ratio", "band", "ratio", "net", "price_usd", "value_usd", "unhedged_usd",
    "liquidation_distance",
}  # fmt: skip


async def test_columns_of_equal_length_and_decisions_amounts_as_strings() -> None:
    async with page(StandIn(past={"btc": month()})) as server:
        reply = await server.ask("/api/v1/history?hedge=btc&hours=1")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json; charset=utf-8")
    told = json.loads(reply.body)
    assert (told["schema"], told["hedge"], set(told["series"])) == (1, "btc", COLUMNS)
    assert len({len(column) for column in told["series"].values()}) == 1
    assert all(isinstance(at, int) for at in told["series"].pop("at_ms"))
    assert all(v is None or isinstance(v, str) for column in told["series"].values() for v in column)
    assert set(told["decisions"][0]) == {"id", "at", "state", "reason", "acted"}


async def test_an_answer_stays_small() -> None:
    async with page(StandIn(past={"btc": month()})) as server:
        assert len((await server.ask("/api/v1/history?hours=720")).body) < 200_000


@pytest.mark.parametrize(
    ("query", "hedges", "meant"),
    [
        ({}, ["btc"], ("btc", 24)),
        ({"hours": "0.5"}, ["btc"], ("btc", 0.5)),
        ({"hedge": "eth"}, ["btc", "eth"], ("eth", 24)),
        ({"hedge": "eth", "hours": "720"}, ["btc", "eth"], ("eth", 720)),
    ],
)
def test_a_question_and_what_it_means(
    query: dict[str, str], hedges: list[str], meant: tuple[Any, ...]
) -> None:
    assert asked(query, hedges) == meant


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ({}, 404, "There are: btc, eth"),
        ({"hedge": "sol"}, 404, "There are: btc, eth"),
        ({"hedge": ""}, 404, "There are: btc, eth"),
        *(
            ({"hedge": "btc", "hours": hours}, 400, "a number above 0")
            for hours in ("", "0", "0.0", "-1", "1e3", "nan", "inf", "1000", "٣", "24h", " 24", "1.")
        ),
        ({"hedge": "btc", "hour": "1"}, 400, '"hour" is not a parameter'),
    ],
)
async def test_what_makes_no_sense_is_refused_with_what_would(
    query: dict[str, str], status: int, told: str
) -> None:
    with pytest.raises(QueryError, match=told) as refused:
        asked(query, ["btc", "eth"])
    assert refused.value.status == status


async def test_a_refusal_is_json_like_every_answer() -> None:
    async with page(StandIn({"btc": hedge(), "eth": hedge()})) as server:
        reply = await server.ask("/api/v1/history?hedge=%3Cscript%3E")
    assert reply.status == 404
    assert json.loads(reply.body) == {
        "schema": 1,
        "error": "no such hedge",
        "next_step": "There are: btc, eth",
    }
