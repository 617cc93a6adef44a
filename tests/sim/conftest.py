"""What the simulator's tests may ask for."""

import pytest

from hedgebot.sim.virtual import VirtualLoop


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """One entry for each turn of a virtual loop."""
    counted: list[None] = []
    select = VirtualLoop.select

    def counting(loop: VirtualLoop, timeout: float | None) -> tuple[()]:
        counted.append(None)
        return select(loop, timeout)

    monkeypatch.setattr(VirtualLoop, "select", counting)
    return counted
