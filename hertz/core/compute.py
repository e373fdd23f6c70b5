"""Chooses the device and the precision to compute in, and runs tasks in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeVar

from hertz.core.errors import ModelError

if TYPE_CHECKING:
    import torch

Device = Literal["auto", "cpu", "cuda"]
GPU = "cuda"  # what torch calls it; tests put the CPU in its place
ROWS = 2048  # rows of one task: enough to outweigh its overhead, few enough for an even load
Item = TypeVar("Item")
Result = TypeVar("Result")


def chosen_device(device: Device, setting: str) -> Literal["cpu", "cuda"]:
    """Returns the device to compute on; "auto" is the GPU if torch sees one.

    Raises:
        ModelError: If the setting of this name is "cuda" and there is no GPU.
    """
    if device == "cpu":
        return "cpu"
    import torch  # seconds to import, which `hertz --help` can do without

    if torch.cuda.is_available():
        return "cuda"
    if device == "cuda":
        message = f'{setting} = "cuda", but torch sees no GPU; set "auto" or "cpu"'
        raise ModelError(message)
    return "cpu"


def torch_device(device: str) -> torch.device:
    """Returns the torch device that `device` names; tests let "cuda" name the CPU."""
    import torch

    return torch.device(GPU if device == "cuda" else "cpu")


def fast_dtype(device: str) -> Literal["bfloat16", "float32"]:
    """Returns bfloat16 where the hardware multiplies it, at least twice as fast; else float32."""
    import torch

    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    cpu = torch.cpu.get_capabilities()
    return "bfloat16" if cpu.get("amx_bf16") or cpu.get("avx512_bf16") else "float32"


def tile_dtype(device: str) -> Literal["bfloat16", "float32", "int16"]:
    """Returns the fastest type for products of upper bounds."""
    import torch

    cpu = torch.cpu.get_capabilities()
    if device == "cpu" and cpu.get("avx2") and not cpu.get("amx_bf16"):
        return "int16"  # without AMX, an instruction for pairs of int16 is the fastest
    return fast_dtype(device)


@contextmanager
def single_threaded(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Opens a pool of threads in which each matrix product runs on one thread."""
    import torch

    # A product that is split over threads ends with the slowest one, which costs a tenth of the
    # speed on an idle machine and half on a busy one (measured).
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)


def in_threads(
    function: Callable[[Item], Result], items: Iterable[Item], threads: int | None = None
) -> list[Result]:
    """Applies a function to each item in threads, by default as many as torch uses, in order."""
    import torch

    with single_threaded(threads or torch.get_num_threads()) as pool:
        return list(pool.map(function, items))


def slices(rows: int, size: int = ROWS) -> Iterator[slice]:
    """Yields consecutive slices of `size` rows, the last one shorter."""
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
