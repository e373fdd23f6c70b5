"""Types that the parts of the search share: options, progress, and one category's inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypedDict

from hertz.matching.eligibility import EligibilityRules
from hertz.matching.pair_scores import PairScorer
from hertz.matching.topk.lists import TopKHeaps

if TYPE_CHECKING:
    import torch  # takes seconds to import

Progress = Callable[[int, int], None]
"""Callback with the number of users done and the number of users in all."""
ReportDone = Callable[[float], None]
"""Callback with the amount of work done so far, in units that its caller defines."""


class SearchOptions(TypedDict, total=False):
    """Options of a search that change its speed and memory, never its result."""

    threads: int
    """Number of tiles searched in parallel on the CPU; by default torch's number of threads."""
    tile_size: int
    """Rows, and columns, of a tile of pairs."""
    dtype: str
    """"float32", "bfloat16" or "int16" tiles; by default what the hardware multiplies fastest."""
    device: Literal["cpu", "cuda"]
    """Device that searches large blocks, by default the CPU."""
    brute_force_rows: int
    """Rows up to which a block is scored pair by pair, without tiles."""


@dataclass(frozen=True)
class ResolvedOptions:
    """Search options with the defaults of this machine filled in.

    Attributes:
        tile_size: Rows, and columns, of a tile of pairs.
        dtype: Type in which the upper bounds of a tile are multiplied.
        device: "cpu" or "cuda".
        threads: Number of tiles searched in parallel on a CPU.
    """

    tile_size: int
    dtype: torch.dtype
    device: str
    threads: int


@dataclass(frozen=True)
class SearchedCategory:
    """A category to search.

    Attributes:
        name: Name of the category in the policy.
        scorer: Scores pairs of rows exactly.
        rules: Decides which pairs of rows may meet.
        heaps: Best matches of every user so far; the search inserts into them.
    """

    name: str
    scorer: PairScorer
    rules: EligibilityRules
    heaps: TopKHeaps


class PairPositions(NamedTuple):
    """Positions of m pairs in a block or in a tile.

    Attributes:
        rows: `(m,)` int64 positions of the first side of each pair.
        columns: `(m,)` int64 positions of the second side.
    """

    rows: torch.Tensor
    columns: torch.Tensor


def progress_of_part(report: ReportDone, start: float, scale: float = 1.0) -> ReportDone:
    """Returns a callback that reports the progress of one part of the work to `report`.

    Args:
        report: Callback for the whole work.
        start: Amount of the whole that is done when the part begins.
        scale: Amount of the whole that one unit of the part counts.
    """
    return lambda done: report(start + scale * done)


def ignore_progress(*_: float) -> None:
    """Ignores a report of progress."""
