"""What a list still takes, and what one may hope for before it is full.

A sample of every STEP-th row has about `depth / STEP` members of a list of `depth`. It almost never
has as many as `hopeful(depth, STEP)`, so the sample's score of that rank lies below the list's last
one. Where it did not, the list ends below what was hoped for, which shows, and is sought again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

STEP = 24  # every 24th row is in the sample
ASKED = 3  # times as many of it as are hoped for: some may not meet, and bounds rank only roughly
SURE = 2.6  # standard deviations between what is expected of the sample and what is hoped for
SURER = 4.0  # where few are sought: to seek one of them again takes nearly as long as all

Tick = Callable[[float], None]


def part_of(tick: Tick, before: float, size: float) -> Tick:
    """Tells `tick` of a part of the work, which begins at `before` and counts `size` a step."""

    def told(done: float) -> None:
        tick(before + size * done)

    return told


def hopeful(depth: int, step: int, everyone: bool) -> int:
    """The rank in a sample of every `step`-th row whose score a list of `depth` hardly ends below.

    In a sample of all rows, `step` 1, it never does.

    Args:
        depth: Of the list.
        step: Of the sample.
        everyone: Whether all rows are sought.
    """
    expected = depth / step
    return math.ceil(expected + (SURE if everyone else SURER) * math.sqrt(expected) + 1)


def floor(combine: str) -> float:
    """The score up to which a list says nothing of the bounds of those it would take.

    A geometric or harmonic mean is cut off at 0, and the bound is not.
    """
    return 0.0 if combine in ("geometric", "harmonic") else -math.inf
