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
    """`SearchOptions` with the defaults of this machine filled in."""

    tile_size: int
    dtype: torch.dtype
    device: str
    threads: int


@dataclass(frozen=True)
class SearchedCategory:
    """A category to search, and the heaps into which its best matches are inserted."""

    name: str
    scorer: PairScorer
    rules: EligibilityRules
    heaps: TopKHeaps


class PairPositions(NamedTuple):
    """Positions, `(m,)` int64 each, of the two sides of m pairs in a tile."""

    rows: torch.Tensor
    columns: torch.Tensor


def progress_of_part(report: ReportDone, start: float, scale: float = 1.0) -> ReportDone:
    """Returns a callback for a part of the work that begins at `start`, in units of `scale`."""
    return lambda done: report(start + scale * done)


def ignore_progress(*_: float) -> None:
    """Ignores a report of progress."""
