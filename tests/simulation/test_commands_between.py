"""An operator's command that lands while a cycle waits for the disk is neither undone nor acted against."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.records import Command, Control, Verb
from tests.simulation.test_policies import after
from tests.simulation.world import Scene, Setup, play

Write = Callable[..., Awaitable[Any]]
ZERO = Decimal(0)


def meanwhile(scene: Scene, write: str, verb: Verb, of: Verb | None = None) -> None:
    """Give a command once, which the journal writes just before what the daemon has decided to write."""
    assert scene.app is not None
    journal: Any = scene.daemon.cycles["btc"].journal
    own: Write = getattr(journal, write)

    async def interrupted(written: Any, *more: Any) -> Any:
        if of is not None and not (isinstance(written, Command) and written.verb is of):
            return await own(written, *more)
        setattr(journal, write, own)
        await scene.daemon.command("btc", verb, None, "ops")
        return await own(written, *more)

    setattr(journal, write, interrupted)


def control(scene: Scene) -> Control:
    return scene.daemon.cycles["btc"].state.control


async def start_again(scene: Scene) -> None:
    await scene.stop()
    await scene.start()


def test_a_resume_while_the_end_of_an_unwind_is_noted_ends_the_unwind(tmp_path: Path) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        meanwhile(scene, "command", Verb.RESUME, of=Verb.UNWOUND)
        await scene.daemon.command("btc", Verb.UNWIND, ZERO, "ops")
        await scene.cycles(12)
        assert (scene.hedge()["state"], control(scene)) == ("hedged", Control())
        assert scene.short > 0
        await start_again(scene)
        assert control(scene) == Control()

    play(Setup(), tmp_path, act)


@pytest.mark.parametrize("verb", [Verb.PAUSE, Verb.RESUME])
def test_an_order_that_was_decided_before_a_command_does_not_leave_after_it(
    tmp_path: Path, verb: Verb
) -> None:
    async def act(scene: Scene) -> None:
        await scene.cycles(4)
        if verb is Verb.RESUME:
            await scene.daemon.command("btc", Verb.UNWIND, ZERO, "ops")
        else:
            scene.exchange.deposit("main", "BTC", "0.5")
        meanwhile(scene, "reserve", verb)
        await scene.cycles(2)
        state = scene.daemon.cycles["btc"].state
        assert state.intents[-1].outcome == "not sent: another command came"
        assert (scene.orders, state.open) == (1, ())
        await scene.cycles(4)
        assert (scene.orders, scene.hedge()["state"]) == (1, "paused" if verb is Verb.PAUSE else "hedged")

    play(Setup(), tmp_path, act)


def test_a_pause_while_a_policy_asks_for_an_unwind_holds_and_the_policy_asks_again(tmp_path: Path) -> None:
    window = f"{{ start = {after(0)}, end = {after(0.02)}, ratio = 1 }}"
    ratio = f'{{ fixed = 0, schedule = {{ windows = [{window}], then = "unwind" }} }}'

    async def act(scene: Scene) -> None:
        await scene.cycles(8)
        meanwhile(scene, "command", Verb.PAUSE, of=Verb.UNWIND)
        await scene.cycles(12)
        assert (scene.hedge()["state"], scene.orders) == ("paused", 1)
        assert control(scene) == Control(paused=True)
        await start_again(scene)
        assert control(scene) == Control(paused=True)
        await scene.daemon.command("btc", Verb.RESUME, None, "ops")
        await scene.cycles(8)
        assert scene.hedge()["state"] == "unwound"
        assert scene.short == 0

    play(Setup(ratio=ratio), tmp_path, act)
