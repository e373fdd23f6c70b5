"""Decorators that compile a kernel with numba and cache it on disk.

numba's cache looks for changes in the file of a kernel only, so a digest of the IR that kernels
call is part of their qualified names, by which the cache finds them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

from hertz.matching.kernels.llvm import ir_digest

F = TypeVar("F", bound=Callable[..., Any])

_IR_DIGEST = ir_digest()


def kernel(function: F) -> F:
    """Compiles a kernel that releases the interpreter's lock; floats are added in program order."""
    return _compiled(function)


def reordered_sum_kernel(function: F) -> F:
    """Compiles a kernel like `kernel`, but lets sums of floats be added in any order."""
    return _compiled(function, fastmath={"reassoc", "contract"})


def _compiled(function: F, **options: object) -> F:
    function.__qualname__ = f"{function.__qualname__}_{_IR_DIGEST}"
    return numba.njit(nogil=True, cache=True, **options)(function)
