"""Measures the exact top-k on one GPU: seconds, share of its bfloat16 peak, and exactness.

    python bench/topk_gpu.py                     100,000, 300,000 and 1,000,000 users
    python bench/topk_gpu.py --users 100000 --json

The formula of the service's category `general` with all its terms; everyone may meet everyone;
d = 384, k = 50, sample users as in topk.py. Sampled rows are compared with the CPU reference.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import torch
from oracle import equals_reference
from population import population

from hertz.matching.topk.search import find_neighbors

SIZES = [100_000, 300_000, 1_000_000]


def peak_flops() -> float:
    """Returns the bfloat16 operations a second of a large square product, two a multiply-add."""
    side = 8192
    left, right = (torch.randn(side, side, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    best = float("inf")
    for _ in range(10):
        torch.cuda.synchronize()
        started = time.perf_counter()
        left @ right
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - started)
    return 2 * side**3 / best


def one_size(users: int, peak: float) -> dict[str, Any]:
    """Measures one full search."""
    features = population(users)
    torch.cuda.reset_peak_memory_stats()
    started = time.perf_counter()
    found = find_neighbors(features, ["all"], device="cuda")["all"]
    seconds = time.perf_counter() - started
    flops = users * users * features.vectors.shape[1]  # half of the pairs, two a product
    return {
        "users": users,
        "seconds": round(seconds, 3),
        "share_of_bf16_peak": round(flops / seconds / peak, 4),
        "gpu_peak_mb": round(torch.cuda.max_memory_allocated() / 1e6),
        "scored_pairs_a_user": round(found.scored_pairs / users, 1),
        "equal_to_reference": equals_reference(features, found),
    }


def main() -> None:
    """Measures every size and prints one line each, or the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, nargs="+", default=SIZES)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("no CUDA device: bench/topk.py measures the CPU")
    peak = peak_flops()
    find_neighbors(population(3000), ["all"], device="cuda")  # compiled kernels are loaded
    runs = [one_size(users, peak) for users in options.users]
    result = {
        "device": torch.cuda.get_device_name(),
        "bf16_tflops": round(peak / 1e12),
        "runs": runs,
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['device']}, {result['bf16_tflops']} TFLOP/s in bfloat16")
    for run in runs:
        print(run)


if __name__ == "__main__":
    main()
