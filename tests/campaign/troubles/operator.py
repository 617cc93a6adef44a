"""What an operator orders."""

from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from hedgebot.domain.records import Verb
from tests.campaign.plan import Trouble
from tests.campaign.troubles.kinds import Scope, for_a_while, stretch, trouble

if TYPE_CHECKING:
    from tests.campaign.life import Life


def new_ratio(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope), {"ratio": rng.choice(("0", "0.3", "0.75", "0.99", "1"))}


async def insist(life: "Life", verb: Verb, ratio: Decimal | None = None) -> None:
    """Order it until it is taken: the disk may be full, the daemon down."""
    while not await life.command(verb, ratio):
        await life.until(life.seconds + 5)


@trouble("pause", for_a_while)
async def pause(life: "Life", trouble: Trouble, _rng: Random) -> None:
    if await life.command(Verb.PAUSE):
        life.hit(trouble)
        await life.until(trouble.until)
        await insist(life, Verb.RESUME)


@trouble("ratio", new_ratio)
async def ratio(life: "Life", trouble: Trouble, _rng: Random) -> None:
    if await life.command(Verb.RATIO, Decimal(trouble.how["ratio"])):
        life.hit(trouble)
        await life.until(trouble.until)
        await insist(life, Verb.RATIO)


@trouble("unwind", new_ratio)
async def unwind(life: "Life", trouble: Trouble, rng: Random) -> None:
    if await life.command(Verb.UNWIND, Decimal(trouble.how["ratio"])):
        life.hit(trouble)
        await life.until(trouble.until)
        if rng.random() < 0.9:
            await insist(life, Verb.RESUME)
