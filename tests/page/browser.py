"""A real browser, driven over its DevTools protocol: Debian's Chromium, headless, loopback only."""

import asyncio
import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.patience import PATIENCE_S, POLL_S

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-port=0",
)  # fmt: skip
STOPPED = """
  const stopped = performance.now();
  let passed = 0;
  performance.now = () => stopped + passed;
  window.pass = (seconds) => { passed += seconds * 1000; };
"""
"""A page tells the age of things by ``performance.now()``, which stands still until a test lets time pass."""


@contextmanager
def chromium(folder: Path) -> Iterator[str]:
    """A browser process with an empty profile; the address of its DevTools."""
    assert CHROMIUM is not None
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _address(process, folder / "DevToolsActivePort")
    finally:
        process.terminate()
        process.wait()


def _address(process: subprocess.Popen[bytes], told: Path) -> str:
    until = time.monotonic() + PATIENCE_S
    while not (told.exists() and len(lines := told.read_text().split()) == 2):
        assert process.poll() is None, "the browser ended"
        assert time.monotonic() < until, "the browser does not start"
        time.sleep(POLL_S)
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"


@dataclass
class Tab:
    """One page in a profile of its own. ``complaints`` is all that its console and its policy objected to."""

    socket: aiohttp.ClientWebSocketResponse
    session: str = ""
    complaints: list[str] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _waiting: dict[int, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the protocol, and its result."""
        number = next(self._ids)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        asked = {"id": number, "method": method, "params": params}
        await self.socket.send_json(asked | ({"sessionId": self.session} if self.session else {}))
        async with asyncio.timeout(PATIENCE_S):
            return await self._waiting[number]

    async def listen(self) -> None:
        """Take in answers and events until the connection ends."""
        async for message in self.socket:
            told = json.loads(message.data)
            if (waiting := self._waiting.pop(told.get("id", 0), None)) is None:
                self._event(told.get("method", ""), told.get("params", {}))
            elif waiting.cancelled():
                continue  # nobody waits any more
            elif "error" in told:
                waiting.set_exception(AssertionError(told["error"]["message"]))
            else:
                waiting.set_result(told["result"])

    def _event(self, method: str, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.complaints.append(f"{params['entry']['source']}: {params['entry']['text']}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
            self.complaints.append(f"console: {params['args']}")

    async def visit(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def js(self, expression: str) -> Any:
        """The value of an expression in the page; promises are awaited."""
        asked = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        told = await self.call("Runtime.evaluate", **asked)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until an expression is truthy; its value."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (value := await self.js(expression)):
                    await asyncio.sleep(POLL_S)
                return value
        except TimeoutError:
            shown = await self.js("document.body.innerText")
            raise AssertionError(f"never true: {expression}\n{self.complaints}\n{shown}") from None

    async def until_silent(self) -> None:
        """Let the page's time pass until it has not heard from its daemon for too long."""
        await self.until("(pass(9), document.body.dataset.silent === 'true')")

    async def text(self, selector: str = "body") -> str:
        return str(await self.js(f"document.querySelector({json.dumps(selector)}).innerText"))

    async def screen(self, width: int, height: int = 900, *, scheme: str = "light") -> None:
        """Resize the window; phones are narrow. ``scheme`` is what the reader prefers: light or dark."""
        phone = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.call("Emulation.setDeviceMetricsOverride", **phone)
        wish = [{"name": "prefers-color-scheme", "value": scheme}]
        await self.call("Emulation.setEmulatedMedia", features=wish)

    async def picture(self, path: Path, selector: str = "html") -> None:
        """An element as a PNG, or the whole page."""
        find = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        box = json.loads(await self.js(f"JSON.stringify({find})"))
        top = await self.js("scrollY")
        clip = {key: box[key] for key in ("x", "width", "height")} | {"y": box["y"] + top, "scale": 1}
        shot = await self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(shot["data"]))


@asynccontextmanager
async def tab(address: str) -> AsyncIterator[Tab]:
    """A new tab of the browser at ``address``, gone after the block."""
    async with aiohttp.ClientSession() as client, client.ws_connect(address, max_msg_size=0) as socket:
        opened = Tab(socket)
        listening = asyncio.create_task(opened.listen())
        context = (await opened.call("Target.createBrowserContext"))["browserContextId"]
        about = {"url": "about:blank", "browserContextId": context}
        target = (await opened.call("Target.createTarget", **about))["targetId"]
        attached = await opened.call("Target.attachToTarget", targetId=target, flatten=True)
        opened.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            await opened.call(f"{domain}.enable")
        await opened.call("Page.addScriptToEvaluateOnNewDocument", source=STOPPED)
        try:
            yield opened
        finally:
            opened.session = ""
            await opened.call("Target.disposeBrowserContext", browserContextId=context)
            listening.cancel()
