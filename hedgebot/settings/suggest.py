"""The nearest right word for a wrong one."""

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, options: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The option most like ``word``, or None when none is like it; case does not matter."""
    by_lower = {option.lower(): option for option in options}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """``. Did you mean "…"?`` with the nearest option, to end a sentence; empty when none is near."""
    found = nearest(word, options)
    return f'. Did you mean "{found}"?' if found else ""
