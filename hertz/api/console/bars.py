"""Bars as numbers: where each piece of a score begins and how wide it is, in percent of its bar.

A page may hold no inline style, so widths go into SVG attributes. A contribution can be negative
(a cosine is): in a stack it takes away from the end, in a bar of its own it goes left of the zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_COLORS = 8  # of the style sheet; more terms begin again


class Piece(NamedTuple):
    """One term's part of a bar."""

    label: str
    value: float
    x: float
    width: float
    color: str


class Axis(NamedTuple):
    """From where to where a set of bars reaches, so that they can be compared."""

    low: float
    high: float

    @classmethod
    def over(cls, weights: Mapping[str, float], *sides: Mapping[str, float]) -> Axis:
        """An axis on which every contribution fits, and every weight."""
        values = [value for side in sides for value in side.values()]
        return cls(min(0.0, *values), max(*weights.values(), *values))

    def bar(self, label: str, value: float, color: str) -> Piece:
        """One value as a bar from zero."""
        left, right = self._percent(min(0.0, value)), self._percent(max(0.0, value))
        return Piece(label, value, left, round(right - left, 3), color)

    def _percent(self, value: float) -> float:
        return round(100 * (value - self.low) / (self.high - self.low), 3)


def stack(terms: Mapping[str, float], labels: Mapping[str, str], whole: float) -> list[Piece]:
    """A score's terms one after the other; what is negative is laid over the end.

    Args:
        terms: Contributions by term, in the order of the policy.
        labels: The terms' names for people.
        whole: The score that fills the bar: the sum of the category's weights.
    """
    pieces, end = [], 0.0
    for place, (name, value) in enumerate(terms.items()):
        start, end = (end, end + value) if value >= 0 else (end + value, end)
        start, stop = (min(max(edge, 0.0), whole) for edge in (start, end))
        x, width = 100 * start / whole, 100 * (stop - start) / whole
        kind = color(place) if value >= 0 else "minus"
        pieces.append(Piece(labels[name], value, round(x, 3), round(width, 3), kind))
        end = end if value >= 0 else end + value
    return pieces


def color(place: int) -> str:
    """The style sheet's class of the term at a place of the policy's category."""
    return f"t{place % _COLORS}"
