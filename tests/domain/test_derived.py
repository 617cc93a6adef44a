"""A derived figure is computed once for each value, and is no part of what the value is."""

from dataclasses import dataclass, replace

from hedgebot.domain.derived import Derived


@dataclass(frozen=True)
class Square:
    side: int
    asked: list[int]

    @Derived
    def area(self) -> int:
        """Side by side."""
        self.asked.append(self.side)
        return self.side**2


def test_it_is_computed_once_and_only_when_asked_for() -> None:
    square = Square(3, [])
    assert square.asked == []
    assert (square.area, square.area) == (9, 9)
    assert square.asked == [3]


def test_a_changed_copy_computes_its_own() -> None:
    square = Square(3, [])
    assert (square.area, replace(square, side=4).area) == (9, 16)


def test_values_are_equal_whatever_was_asked_of_them() -> None:
    one, other = Square(3, []), Square(3, [3])
    assert one.area == 9
    assert one == other


def test_it_is_told_as_what_computes_it() -> None:
    def area(square: Square) -> int:
        """Side by side."""
        return square.side

    assert Derived(area).__doc__ == "Side by side."
    assert Derived(area).__get__(square := Square(3, []), Square) == 3
    assert vars(square)["area"] == 3
