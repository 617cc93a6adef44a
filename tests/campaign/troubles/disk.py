"""Disks that are full, or that fail before or after what was written is there."""

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from hedgebot.errors import JournalError
from tests.campaign.gates import Call, Way
from tests.campaign.plan import Trouble
from tests.campaign.troubles.kinds import Scope, for_a_while, stretch, trouble

if TYPE_CHECKING:
    from tests.campaign.life import Life

MOST_PAGES = 1_073_741_823


def failure() -> JournalError:
    return JournalError("the journal cannot be used: disk I/O error", "Check the disk")


def sometimes(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), {"probability": rng.choice((0.2, 1.0))}


@trouble("disk full", for_a_while)
async def disk_full(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """Not one page more: SQLite's own error, at whichever write first needs one."""

    async def notice(call: Call, way: Way) -> Any:
        _limit(life, None)
        try:
            return await way()
        except JournalError as error:
            if "full" in str(error):
                life.hit(trouble)
            raise

    await life.obstruct(trouble, notice, disk=True)
    _limit(life, MOST_PAGES)


def _limit(life: "Life", pages: int | None) -> None:
    """Let the daemon's database have so many pages, None: those that it has."""
    main = life.main
    database = main.stored._database if main is not None and main.stored is not None else None
    db = database._connection if database is not None else None
    if db is not None:
        count = db.execute("PRAGMA page_count").fetchone()[0] if pages is None else pages
        db.execute(f"PRAGMA max_page_count = {count}")


@trouble("disk fails", sometimes)
async def disk_fails(life: "Life", trouble: Trouble, rng: Random) -> None:
    async def fail(call: Call, way: Way) -> Any:
        if call.name == "next_intent" or rng.random() >= trouble.how["probability"]:
            return await way()
        life.hit(trouble)
        raise failure()

    await life.obstruct(trouble, fail, disk=True)


@trouble("disk fails after writing", sometimes)
async def disk_fails_after_writing(life: "Life", trouble: Trouble, rng: Random) -> None:
    """It is there, and nobody knows."""

    async def fail(call: Call, way: Way) -> Any:
        result = await way()
        if call.name == "next_intent" or rng.random() >= trouble.how["probability"]:
            return result
        life.hit(trouble)
        raise failure()

    await life.obstruct(trouble, fail, disk=True)
