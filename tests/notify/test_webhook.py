"""The webhook against a real server, in virtual time: a dead address delays nothing and loses little."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from hedgebot.notify.webhook import LAST_WORDS, WAITING, Webhook, webhook
from hedgebot.sim.memory import MemoryConnector, MemoryNetwork, serve
from hedgebot.sim.virtual import VirtualClock, run

ADDRESS = "127.0.0.1:9102"
URL = f"http://{ADDRESS}/hook?token=canary-4711"


@dataclass
class Server:
    """What arrives, and how each POST is answered: a status, or None for never."""

    clock: VirtualClock
    answers: list[int | None] = field(default_factory=list)
    arrived: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.arrived.append((self.clock.monotonic(), await request.json()))
        status = self.answers.pop(0) if self.answers else 200
        if status is None:
            await asyncio.Event().wait()
        return web.Response(status=status or 200, headers={"Location": "/elsewhere"})

    @property
    def codes(self) -> list[str]:
        return [message["code"] for _, message in self.arrived]


def play(act: Callable[[Server, Webhook], Awaitable[None]], *, up: bool = True, url: str = URL) -> Server:
    """Run ``act`` with a webhook whose address is served, or refuses."""
    played: list[Server] = []

    async def main(clock: VirtualClock) -> None:
        network, server = MemoryNetwork(latency=0.01), Server(clock)
        played.append(server)
        application = web.Application()
        application.router.add_post("/hook", server.take)
        served = serve(application, network, ADDRESS if up else "127.0.0.1:1")
        async with served, webhook(url, clock, lambda: MemoryConnector(network)) as hook:
            await act(server, hook)

    run(main)
    return played[0]


def message(code: object) -> dict[str, object]:
    return {"code": str(code), "text": "…"}


def test_messages_arrive_in_order_as_json() -> None:
    async def act(server: Server, hook: Webhook) -> None:
        for number in range(3):
            hook.tell(message(number))
        await hook.delivered()

    assert play(act).codes == ["0", "1", "2"]


def test_telling_never_waits() -> None:
    async def act(server: Server, hook: Webhook) -> None:
        server.answers = [None]
        before = server.clock.monotonic()
        for number in range(2 * WAITING):
            hook.tell(message(number))
        assert server.clock.monotonic() == before

    play(act)


def test_a_failing_address_is_tried_again_later() -> None:
    async def act(server: Server, hook: Webhook) -> None:
        server.answers = [500, None, 302, 200]
        hook.tell(message("late"))
        await hook.delivered()

    server = play(act)
    assert server.codes == ["late"] * 4
    waits = [b[0] - a[0] for a, b in zip(server.arrived, server.arrived[1:], strict=False)]
    assert all(wait >= 2 for wait in waits)


def test_a_redirect_is_not_followed() -> None:
    async def act(server: Server, hook: Webhook) -> None:
        server.answers = [307, 200]
        hook.tell(message("here"))
        await hook.delivered()

    assert play(act).codes == ["here", "here"]


def test_after_long_silence_the_newest_messages_are_told() -> None:
    async def act(server: Server, hook: Webhook) -> None:
        server.answers = [None] * 3
        hook.tell(message("first"))
        await server.clock.sleep(1)
        for number in range(2 * WAITING):
            hook.tell(message(number))
        await hook.delivered()

    assert play(act).codes[-WAITING:] == [str(number) for number in range(WAITING, 2 * WAITING)]


def test_a_dead_address_does_not_hold_up_the_end(caplog: Any) -> None:
    ends = []

    async def act(server: Server, hook: Webhook) -> None:
        hook.tell(message("lost"))
        ends.append(server.clock.monotonic())

    server = play(act, up=False)
    assert server.clock.monotonic() - ends[0] <= LAST_WORDS + 0.1


def test_the_address_is_in_no_log(capsys: Any) -> None:
    async def act(server: Server, hook: Webhook) -> None:
        hook.tell(message("lost"))
        await hook.delivered()

    play(act, up=False)
    out = capsys.readouterr()
    assert "not taken" in out.out + out.err
    assert "canary-4711" not in out.out + out.err


def test_a_message_that_cannot_be_sent_at_all_does_not_silence_those_after_it(capsys: Any) -> None:
    async def act(server: Server, hook: Webhook) -> None:
        hook.tell({"code": "odd", "text": object()})
        hook.tell(message("next"))
        await hook.delivered()

    assert play(act).codes == ["next"]
    out = capsys.readouterr()
    assert "TypeError" in out.out + out.err


def test_an_address_that_can_be_none_is_survived_and_said(capsys: Any) -> None:
    async def act(server: Server, hook: Webhook) -> None:
        for code in ("one", "two"):
            hook.tell(message(code))
            await hook.delivered()

    play(act, url="https://hooks..example/canary-4711")
    out = capsys.readouterr()
    assert (out.out + out.err).count("not taken") == 2
    assert "canary-4711" not in out.out + out.err
