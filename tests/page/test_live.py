"""The page of a real daemon on the simulated exchange, a process of its own, from its start to its end."""

from decimal import Decimal
from pathlib import Path

import pytest

from tests.api.support import free_port
from tests.cli.exchange import daemon, simulated
from tests.page.browser import Tab

pytestmark = pytest.mark.slow


async def test_it_follows_a_daemon_through_its_life(shown: Tab, tmp_path: Path) -> None:
    port = free_port()
    async with simulated(tmp_path) as place:
        place.configure(listen=f"127.0.0.1:{port}", leg=", leverage = 2")
        async with daemon(tmp_path) as running:
            status = await place.until("hedged")
            await shown.visit(f"http://127.0.0.1:{port}/")
            await shown.until("document.querySelector('[data-slot=word]')?.textContent === 'Hedged'")
            held = Decimal(status["held"]).quantize(Decimal("0.00000001")).normalize()
            assert f"of your {held} BTC is protected" in await shown.text(".hero")
            assert f"sell {place.short} contracts" in await shown.text(".hero")
            await shown.until("document.querySelectorAll('.plot canvas').length >= 4")
            assert "adjusting" in await shown.text(".decisions")

            place.exchange.deposit("main", "BTC", "0.5")
            await shown.until("document.querySelector('.sums').innerText.includes('1.49')")
            await shown.until("document.querySelector('[data-slot=word]').textContent === 'Hedged'")

            await running.stop()
        await shown.until_silent()
        assert await shown.text("[data-slot=word]") == "No news"
        assert "does not answer" in await shown.text("#trouble")
