"""What the parts of the search share: its options and what it needs of a category."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

from hertz.matching.eligibility import EligibilityRules
from hertz.matching.pair_scores import PairScorer
from hertz.matching.topk.lists import Lists

if TYPE_CHECKING:
    import torch  # takes seconds to import

Progress = Callable[[int, int], None]


class SearchOptions(TypedDict, total=False):
    """What changes speed and memory, never the result."""

    threads: int
    """Tiles worked off at the same time; by default torch's number of threads."""
    tile: int
    """Rows and columns of a tile."""
    dtype: str
    """"float32", "bfloat16" or "int16" tiles; by default what the hardware multiplies fastest."""
    device: Literal["cpu", "cuda"]
    """Where large blocks are searched, by default the CPU."""
    small: int
    """Rows up to which a block is scored pair by pair, without tiles."""


@dataclass(frozen=True)
class CategorySearch:
    """What it takes to search a category.

    Attributes:
        scorer: Its scores.
        rules: Who may meet.
        lists: What is offered to.
    """

    scorer: PairScorer
    rules: EligibilityRules
    lists: Lists


@dataclass(frozen=True)
class Means:
    """What changes speed and memory, never the result.

    Attributes:
        tile: Rows and columns of a tile.
        dtype: What a tile is computed in.
        device: "cpu" or "cuda".
        threads: Tiles worked off at the same time on a CPU.
    """

    tile: int
    dtype: torch.dtype
    device: str
    threads: int
