"""Rounding errors of a bound's products: how far a product may lie below the score it bounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

# Error of one step of a sum, in units of float32. A tensor core adds products that it has aligned
# to the largest one and cut off, at half the precision of rounding, and once more for the running
# sum (Fasi, Higham, Mikaitis and Pranesh, Numerical behavior of NVIDIA tensor cores, 2021).
SUM_ERRORS = {"cpu": 1, "cuda": 4}
UNIT_ROUNDOFF = {torch.float32: 2.0**-24, torch.bfloat16: 2.0**-9}  # half the spacing below 1


class PartSize(NamedTuple):
    """What the rounding errors of a part's products depend on.

    Attributes:
        max_norm: Upper bound of the norm of any row's columns.
        max_residual_norm: Upper bound of the norm of any row's residual.
        kept: Number of columns that are kept.
        width: Number of columns of the matrices and of the residual.
    """

    max_norm: float
    max_residual_norm: float
    kept: int
    width: int


def slack(parts: Sequence[PartSize], dtype: torch.dtype, device: str, steps: float) -> float:
    """Returns how far the product of a category's columns may lie below the score.

    A sum of c products errs by at most c units of roundoff times the norms of the factors (Higham,
    Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), in the accumulator's
    float32; a bfloat16 result is rounded once in each part. An int16 has `steps` steps in 1.
    """
    # Each component is rounded to an integer, and before that to float32.
    lost = [0.51 * math.sqrt(p.kept) / steps if dtype == torch.int16 else 0.0 for p in parts]
    norms = [1.001 * part.max_norm + less for part, less in zip(parts, lost, strict=True)]
    square = sum(norm**2 for norm in norms) + 2 * sum(part.max_residual_norm**2 for part in parts)
    width = sum(part.width for part in parts)
    error = SUM_ERRORS[device] * (width + 8) * UNIT_ROUNDOFF[torch.float32] * square
    error += sum(
        less * (2.002 * part.max_norm + less) for part, less in zip(parts, lost, strict=True)
    )
    if dtype == torch.bfloat16:
        error += 4 * UNIT_ROUNDOFF[dtype] * (1 + 2 * square)
    # The last 2^-20 is for the rounding of the columns, the float64 steps, the score's own rounding
    # and that of the threshold.
    return error + 2.0**-20 * (1 + square)
