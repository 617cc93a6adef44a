"""Tables of configurations: TOML at the left edge, and under a faulty line, indented, what is said of it.

Cases are parted by empty lines. What a case does not show is filled in by the place it is written for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

ACCOUNT = '[accounts.main]\nexchange = "bybit"\n'
HEDGE = '[hedges.btc]\nasset = "BTC"\nlegs = [{ account = "main", symbol = "BTC/USD:BTC" }]\n'
PLACES = {
    "file": ("", ""),
    "top": ("", ACCOUNT + HEDGE),
    "end": (ACCOUNT + HEDGE, ""),
    "account": ("[accounts.main]\n", HEDGE),
    "hedge": (ACCOUNT + "[hedges.btc]\n", ""),
}
"""What stands before and after the lines of a case."""


@dataclass(frozen=True)
class Case:
    """A configuration's text, and the line (0 for none) and beginning of each thing that is said of it."""

    text: str
    says: tuple[tuple[int, str], ...]

    def __str__(self) -> str:
        return self.says[0][1][:70] if self.says else self.text[:70]


def cases(place: str, table: str) -> Iterator[Case]:
    """The cases of ``table``, written for ``place``."""
    before, after = PLACES[place]
    for block in table.strip("\n").split("\n\n"):
        toml: list[str] = []
        says: list[tuple[int, str]] = []
        for line in block.split("\n"):
            if line.startswith("    "):
                number = before.count("\n") + len(toml)
                says.append((number if toml else 0, line.strip()))
            else:
                toml.append(line)
        yield Case(before + "\n".join(toml) + "\n" + after, tuple(says))
