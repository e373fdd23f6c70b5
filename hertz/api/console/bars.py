"""Computes the bars of a page: where each piece begins and how wide it is, in percent of its bar.

A page may hold no inline style, so widths go into SVG attributes. A contribution can be negative,
as a cosine can: in a stack it is laid over the end, in a bar of its own it extends left of zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

_COLORS = 8  # of the style sheet; further terms use them again


class Piece(NamedTuple):
    """One term's part of a bar.

    Attributes:
        x: Left edge in percent of the bar.
        width: Width in percent of the bar.
        color: Class of the style sheet.
    """

    label: str
    value: float
    x: float
    width: float
    color: str


class Axis(NamedTuple):
    """The range of values that a set of bars shares, so that they can be compared."""

    low: float
    high: float

    @classmethod
    def over(cls, weights: Mapping[str, float], *sides: Mapping[str, float]) -> Axis:
        """Returns the axis on which every weight and contribution fits."""
        values = [value for side in sides for value in side.values()]
        return cls(min(0.0, *values), max(*weights.values(), *values))

    def bar(self, label: str, value: float, color: str) -> Piece:
        """Returns a value as a bar that begins at zero."""
        left, right = self._percent(min(0.0, value)), self._percent(max(0.0, value))
        return Piece(label, value, left, round(right - left, 3), color)

    def _percent(self, value: float) -> float:
        """Returns the position of a value in percent of the axis."""
        return round(100 * (value - self.low) / (self.high - self.low), 3)


def stack(terms: Mapping[str, float], labels: Mapping[str, str], whole: float) -> list[Piece]:
    """Returns the contributions to a score one after the other; negative ones lie over the end.

    Args:
        terms: Contributions by term, in the order of the policy.
        labels: Names of the terms for people.
        whole: Score that fills the bar, which is the sum of the category's weights.
    """
    pieces = []
    end = 0.0
    for position, (name, value) in enumerate(terms.items()):
        start, end = (end, end + value) if value >= 0 else (end + value, end)
        start, stop = (min(max(edge, 0.0), whole) for edge in (start, end))
        x = 100 * start / whole
        width = 100 * (stop - start) / whole
        kind = color(position) if value >= 0 else "minus"
        pieces.append(Piece(labels[name], value, round(x, 3), round(width, 3), kind))
        end = end if value >= 0 else end + value
    return pieces


def color(position: int) -> str:
    """Returns the style sheet's class for the term at a position of the policy's category."""
    return f"t{position % _COLORS}"
