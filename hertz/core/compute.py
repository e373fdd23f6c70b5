"""What to compute on, and in what precision."""

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
ROWS = 2048  # of a task: enough to outweigh handing it out, few enough to share out evenly
Item = TypeVar("Item")
Result = TypeVar("Result")


def chosen_device(wanted: Device, setting: str) -> Literal["cpu", "cuda"]:
    """The device for a wish; "auto" is the GPU where torch sees one.

    Raises:
        ModelError: If a GPU is demanded, by the named setting, and there is none.
    """
    if wanted == "cpu":
        return "cpu"
    import torch  # seconds to import, which `hertz --help` can do without

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        message = f'{setting} = "cuda", but torch sees no GPU; set "auto" or "cpu"'
        raise ModelError(message)
    return "cpu"


def torch_device(device: str) -> torch.device:
    """Returns the torch device that `device` names; tests let "cuda" name the CPU."""
    import torch

    return torch.device(GPU if device == "cuda" else "cpu")


def fast_dtype(device: str) -> Literal["bfloat16", "float32"]:
    """bfloat16 where the hardware multiplies it, twice as fast at least; elsewhere it is slower."""
    import torch

    if device == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    cpu = torch.cpu.get_capabilities()
    return "bfloat16" if cpu.get("amx_bf16") or cpu.get("avx512_bf16") else "float32"


def tile_dtype(device: str) -> Literal["bfloat16", "float32", "int16"]:
    """What tiles of bounds are multiplied in fastest; without AMX, a CPU has pairs of int16."""
    import torch

    cpu = torch.cpu.get_capabilities()
    if device == "cpu" and cpu.get("avx2") and not cpu.get("amx_bf16"):
        return "int16"
    return fast_dtype(device)


@contextmanager
def single_threaded(threads: int) -> Iterator[ThreadPoolExecutor]:
    """A pool of threads of which each multiplies by itself.

    A product split over threads waits for the slowest one, which costs a tenth of the speed on a
    free machine and half on a busy one (measured).
    """
    import torch

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
    """`function` of each item, `threads` at a time; torch's number if not given."""
    import torch

    with single_threaded(threads or torch.get_num_threads()) as pool:
        return list(pool.map(function, items))


def slices(rows: int, size: int = ROWS) -> Iterator[slice]:
    """Of rows, a task each."""
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
