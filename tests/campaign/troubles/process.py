"""What happens to the daemon's process, its clock and, while it is down, its files."""

import asyncio
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from hedgebot.domain.client_ids import ClientId
from hedgebot.errors import JournalError
from hedgebot.sim.matching import Side
from hedgebot.sim.orders import NewOrder, RefusedError, TimeInForce
from tests.campaign.plan import Trouble
from tests.campaign.running import Crash, Disk, Running
from tests.campaign.troubles import files
from tests.campaign.troubles.kinds import Scope, at_once, stretch, trouble

if TYPE_CHECKING:
    from tests.campaign.life import Life

DAY = 86_400


def downtime(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    """Seconds that it is down."""
    return 0.0, {"down": round(rng.choice((0.0, 1.0, 20.0, scope.config.interval)) * rng.random(), 3)}


def up(life: "Life") -> Running | None:
    """The daemon, if it runs."""
    return life.main if life.main is not None and life.main.alive else None


@trouble("restart", downtime, operates=True)
async def restart(life: "Life", trouble: Trouble, _rng: Random) -> None:
    if main := up(life):
        life.hit(trouble)
        await life.stop(main)
        await life.revive(main, trouble.how["down"])


@trouble("kill", downtime, operates=True)
async def kill(life: "Life", trouble: Trouble, _rng: Random) -> None:
    if main := up(life):
        life.hit(trouble)
        await life.kill(main)
        await life.revive(main, trouble.how["down"])


def point(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    where, most = rng.choice((("step", 400), ("step", 40), ("before", 6), ("after", 6)))
    lasts = stretch(rng, scope) + 5 * scope.config.interval
    return lasts, {"point": where, "number": rng.randint(1, most), **downtime(rng, scope)[1]}


@trouble("crash", point, operates=True, chances=2)
async def crash(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """It dies at a step of its own, or around a write: at the first start, if that is still to come."""
    armed = Crash(trouble.how["point"], trouble.how["number"])
    if main := up(life):
        main.arm(armed)
    else:
        life.arm_next(armed)
    await _dies(life, trouble, armed)


async def _dies(life: "Life", trouble: Trouble, armed: Crash) -> None:
    await asyncio.wait({armed.image}, timeout=max(0.0, trouble.until - life.seconds))
    main = life.main
    assert main is not None
    if not armed.image.done():
        main.disarm()
        return
    life.hit(trouble)
    await life.bury(main, armed)
    await life.revive(main, trouble.how["down"])


@trouble("crash while recovering", point, operates=True)
async def crash_while_recovering(life: "Life", trouble: Trouble, _rng: Random) -> None:
    main = up(life)
    if main is None:
        return
    await life.kill(main)
    armed = Crash(trouble.how["point"], trouble.how["number"])
    life.arm_next(armed)
    await life.revive(main, trouble.how["down"])
    await _dies(life, trouble, armed)


def sleep(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    longest = rng.choice((5.0, scope.config.settle_after, 3 * scope.config.settle_after, 3600.0))
    return round(longest * rng.random(), 3), {}


@trouble("freeze", sleep, operates=True)
async def freeze(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """SIGSTOP, and SIGCONT later."""
    main = up(life)
    if main is None:
        return
    life.hit(trouble)
    began = life.seconds
    main.process.freeze()
    await life.until(max(trouble.until, began + 1.0))
    life.exchange.judge.health.froze(main.name, life.seconds - began)
    main.thawed = life.seconds
    main.process.thaw()


def step(rng: Random, _scope: Scope) -> tuple[float, Mapping[str, Any]]:
    size = rng.choice((1, 5, 60, 3600, DAY))
    return 0.0, {"seconds": size * rng.choice((1, -1))}


@trouble("clock step", step)
async def clock_step(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """The wall clock of the daemon's machine jumps."""
    life.clock.step(trouble.how["seconds"])
    life.exchange.judge.orders.begin_counting_anew()
    life.hit(trouble)


def company(rng: Random, scope: Scope) -> tuple[float, Mapping[str, Any]]:
    return stretch(rng, scope) + 3 * scope.config.interval, {}


@trouble("rival", company, operates=True)
async def rival(life: "Life", trouble: Trouble, _rng: Random) -> None:
    """A second daemon with a journal of its own trades the same account; then one of the two is stopped."""
    if up(life) is None:
        return
    folder = life.folder / f"rival {trouble.number}"
    folder.mkdir()
    try:
        other = await life.start("rival", Disk(folder))
    except JournalError:
        return
    life.hit(trouble)
    await life.until(trouble.until)
    await life.stop(other)
    if main := up(life):
        await life.stop(main)
        await life.revive(main)


@trouble("second on the same journal", company, operates=True)
async def second_on_the_same_journal(life: "Life", trouble: Trouble, rng: Random) -> None:
    """Somebody went around the lock: the older of the two may write no more, whatever is due."""
    main = up(life)
    if main is None:
        return
    try:
        second = await life.start("second", main.disk)
    except JournalError:
        return
    life.hit(trouble)
    await life.provoke(trouble, rng)
    await life.until(trouble.until)
    await life.stop(second)
    await life.stop(main)
    await life.revive(main)


@trouble("left-over", downtime, operates=True)
async def left_over(life: "Life", trouble: Trouble, rng: Random) -> None:
    """An order of an earlier daemon rests when this one starts; the price may meet it first."""
    main = up(life)
    if main is None:
        return
    await life.stop(main)
    symbol, stranger = life.exchange.symbol, ClientId(rng.getrandbits(20), 1, rng.getrandbits(20))
    with life.exchange.foreign() as exchange:
        contract, quote = exchange.truth.contract(symbol), exchange.quote(symbol)
        price = quote.mark * rng.choice((97, 99)) / 100 // contract.tick * contract.tick
        size = 10 * contract.min_qty
        order = NewOrder(
            symbol=symbol,
            side=Side.BUY,
            contracts=size,
            price=price,
            time_in_force=TimeInForce.GTC,
            client_id=str(stranger),
        )
        try:
            exchange.place("main", order)
        except RefusedError:
            pass
        else:
            life.hit(trouble)
    await life.revive(main, 0.01 + trouble.how["down"])


@trouble("journal lost", at_once, operates=True)
async def journal_lost(life: "Life", trouble: Trouble, rng: Random) -> None:
    if main := up(life):
        life.hit(trouble)
        await (life.kill(main) if rng.random() < 0.5 else life.stop(main))
        main.disk.wipe()
        life.exchange.judge.loses_journal(main.disk.store)
        await life.revive(main, life.settling)


@trouble("torn tail", downtime, operates=True)
async def torn_tail(life: "Life", trouble: Trouble, rng: Random) -> None:
    """The machine loses power: of what was not on the disk yet, some bytes are."""
    main = up(life)
    if main is None:
        return
    await life.kill(main)
    if files.tear(main.disk, main.synced, rng):
        life.hit(trouble)
    await life.revive(main, trouble.how["down"])


@trouble("corrupt journal", downtime, operates=True)
async def corrupt_journal(life: "Life", trouble: Trouble, rng: Random) -> None:
    """A start on it is refused, unless what is damaged is not decisive."""
    main = up(life)
    if main is None:
        return
    await (life.kill(main) if rng.random() < 0.5 else life.stop(main))
    if files.corrupt(main.disk.store, rng):
        life.hit(trouble)
    await life.revive(main, trouble.how["down"])


@trouble("corrupt log", operates=True)
async def corrupt_log(life: "Life", trouble: Trouble, rng: Random) -> None:
    """What was written after the damage is gone, and nobody can tell: an operator lets orders arrive."""
    main = up(life)
    if main is None:
        return
    await life.kill(main)
    if files.corrupt(main.disk.log, rng):
        life.hit(trouble)
        life.exchange.judge.loses_journal(main.disk.store)
    await life.revive(main, life.settling)
