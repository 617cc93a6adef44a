"""A figure that follows from a frozen value: computed when first asked for, then kept with it."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Figure = TypeVar("Figure")

_keep = object.__setattr__


class Derived(Generic[Figure]):
    """``functools.cached_property`` without its lock and its checks, which take longer than most figures.

    For classes without slots: the figure is kept in the instance, under the property's own name.
    """

    def __init__(self, compute: Callable[[Any], Figure]) -> None:
        self.__doc__ = compute.__doc__
        self._compute = compute
        self._name = compute.__name__

    def __get__(self, instance: Any, owner: type) -> Figure:
        figure = self._compute(instance)
        _keep(instance, self._name, figure)
        return figure
