"""The GPU search finds the lists of the readable reference, pair by pair, whatever the tiles.

Without a GPU the whole search runs on a CPU, with torch instead of the two kernels; the kernels
themselves run in Triton's interpreter (in float32: it has no bfloat16), where Triton is installed.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.core import compute
from hertz.matching.features import LANES
from hertz.matching.kernels.heaps import EMPTY_ID, EMPTY_KEY, encode_key, heaps_to_lists
from hertz.matching.reference import cosine
from hertz.matching.topk import thresholds
from hertz.matching.topk.gpu import block as gpu_block
from hertz.matching.topk.gpu import category as gpu_category
from hertz.matching.topk.gpu.category import GpuCategorySearch, decode_scores, encode_keys
from hertz.matching.topk.gpu.kernels import cosines
from hertz.matching.topk.incremental import (
    PreviousLists,
    find_delta,
    update_neighbors,
    user_fingerprints,
)
from hertz.matching.topk.search import find_neighbors, top_k
from tests.matching.topk.oracle import (
    EVERYTHING,
    brute_force,
    categories,
    count_underfilled,
    listed,
    means,
)
from tests.matching.topk.populations import ChangingUsers
from tests.matching.worlds import ELIGIBILITY, make_policy, make_world

ROOT = Path(__file__).parents[3]
DTYPES = ["float32", "bfloat16"]
INTERPRETED = """
import numpy as np, torch
from hertz.matching.topk.gpu import triton_kernels
from hertz.matching.topk.gpu import kernels as torch_kernels

rng = np.random.default_rng(0)
left, right = (rng.integers(-9, 9, (300, 192)).astype(np.float32) for _ in range(2))  # exact sums
left, right = (torch.from_numpy(side) for side in (left, right))
thresholds = torch.from_numpy(rng.normal(size=(2, 300)).astype(np.float32) * 250 + 1000)
thresholds[:, 5], thresholds[:, 7] = torch.inf, -torch.inf
tiles = (slice(0, 200), slice(200, 300)), (slice(0, 300), slice(0, 300))
categories = [[0, 64], [128, 192], [64, 128]], [[0, 128], [128, 192]], [[0, 64], [64, 64]]
for parts in categories:
    for rows, columns in tiles:
        some = thresholds[: len(parts) - 1]
        sides = some[:, rows].contiguous(), some[:, columns].contiguous()
        tile = left[rows], right[columns], parts, *sides, rows == columns
        found = triton_kernels.find_survivors(*tile, 100_000)
        expected = torch_kernels.find_survivors(*tile, 100_000)
        assert len(found) == len(expected) == len(parts) - 1
        for parts_found in zip(found, expected):
            pairs = [set(zip(*(side.tolist() for side in part))) for part in parts_found]
            assert pairs[0] == pairs[1] and len(pairs[0]) > 100
        assert triton_kernels.find_survivors(*tile, max(len(i) for i, j in expected) - 1) is None
left, _ = (torch.from_numpy(rng.normal(size=(300, 64)).astype(np.float32)) for _ in range(2))
a, b = (torch.from_numpy(rng.integers(0, 300, 77)) for _ in range(2))
assert torch.equal(triton_kernels.cosines(left, a, b), torch_kernels.cosines(left, a, b))
print("equal")
"""

scores = st.floats(-1, 1, width=32) | st.just(-np.inf)


@pytest.fixture(autouse=True, scope="module")
def a_device() -> Iterator[None]:
    """Lets "cuda" name the CPU on a machine without a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        if not torch.cuda.is_available():
            patch.setattr(compute, "GPU", "cpu")
        yield


@pytest.mark.thorough
@settings(max_examples=40, deadline=None)
@given(
    users=st.integers(0, 30),
    seed=st.integers(0, 1000),
    category=categories,
    combine=means,
    k=st.integers(1, 8),
    distinct=st.sampled_from([1, 3, None]),
    tile=st.sampled_from([5, 64]),
    dtype=st.sampled_from(DTYPES),
    max_pairs=st.sampled_from([20, 1 << 26]),
)
def test_lists_equal_the_reference_for_every_policy(
    users: int,
    seed: int,
    category: dict[str, Any],
    combine: str,
    k: int,
    distinct: int | None,
    tile: int,
    dtype: str,
    max_pairs: int,
) -> None:
    features = make_world(users, seed, {"all": category}, combine, k, distinct)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu_block, "MAX_PAIRS_AT_ONCE", max_pairs)
        patch.setattr(gpu_category, "MAX_PAIRS_AT_ONCE", max_pairs)
        found = find_neighbors(
            features, ["all"], device="cuda", tile_size=tile, dtype=dtype, brute_force_rows=0
        )["all"]
    assert listed(top_k(features, "all", found)) == brute_force(features, "all")


@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_the_cpu_at_1200_users(dtype: str) -> None:
    features = make_world(1200, 4, {"all": EVERYTHING}, "harmonic", 10)
    expected = find_neighbors(features, ["all"], 14)["all"]
    found = find_neighbors(features, ["all"], 14, device="cuda", dtype=dtype, tile_size=512)["all"]
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.bound_ids, expected.bound_ids)
    assert found.eligible_pairs == expected.eligible_pairs
    assert found.scored_pairs < expected.eligible_pairs / 2


def test_several_categories_equal_the_cpu() -> None:
    weights = {"one": {"cosine": 1.0, "size": 0.3}, "two": {"cosine": 0.5, "wishes": 0.4}}
    features = make_world(900, 4, {name: {"weights": w} for name, w in weights.items()}, k=10)
    expected = find_neighbors(features, list(weights), brute_force_rows=0)
    lists = find_neighbors(features, list(weights), device="cuda", brute_force_rows=0)
    assert list(lists) == list(weights)
    for name, found in lists.items():
        np.testing.assert_array_equal(found.ids, expected[name].ids)
        np.testing.assert_array_equal(found.scores, expected[name].scores)


def test_rows_whose_seed_was_too_high_are_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_block, "SAMPLE_STEP", 3)
    monkeypatch.setattr(thresholds, "SEED_DEVIATIONS", -2.0)
    underfilled = count_underfilled(monkeypatch, GpuCategorySearch)
    monkeypatch.setattr(gpu_block, "MAX_PAIRS_AT_ONCE", 1000)
    monkeypatch.setattr(gpu_category, "MAX_PAIRS_AT_ONCE", 1000)
    everything = {**EVERYTHING, "eligibility": {**ELIGIBILITY, "same": []}}
    features = make_world(300, 8, {"all": everything}, k=10)
    lists = find_neighbors(
        features, ["all"], device="cuda", dtype="float32", tile_size=64, brute_force_rows=0
    )["all"]
    assert listed(top_k(features, "all", lists)) == brute_force(features, "all")
    assert max(underfilled) > 10


def test_incremental_runs_equal_a_full_search() -> None:
    category = {"weights": {"cosine": 1.0, "size": 0.3, "wishes": 0.4}, "eligibility": {}}
    population = ChangingUsers(700, 3, 11, make_policy({"all": category}, k=8))
    before = population.features, population.lists
    for _ in range(5):
        draw = population.rng.integers(1, 25, 3)
        population.change(*(int(x) for x in draw))
        previous = PreviousLists(before[0].user_ids, user_fingerprints(before[0]), before[1])
        delta = find_delta(previous, population.features, user_fingerprints(population.features))
        found = update_neighbors(
            population.features,
            {"all": before[1]},
            delta,
            device="cuda",
            dtype="bfloat16",
            brute_force_rows=0,
        )["all"]
        np.testing.assert_array_equal(found.ids[:, :8], population.lists.ids[:, :8])
        np.testing.assert_array_equal(found.scores[:, :8], population.lists.scores[:, :8])
        before = population.features, found


def test_progress_rises_to_all_rows() -> None:
    seen: list[int] = []
    features = make_world(50, 2, {"all": EVERYTHING})
    report = lambda done, total: seen.append(done)  # noqa: E731
    find_neighbors(
        features,
        ["all"],
        None,
        report,
        device="cuda",
        dtype="float32",
        brute_force_rows=0,
        tile_size=10,
    )
    assert seen == sorted(seen)
    assert seen[-1] == 50


@given(st.lists(st.tuples(scores, st.integers(0, EMPTY_ID)), min_size=1, max_size=20))
def test_the_larger_key_is_the_better_entry(entries: list[tuple[float, int]]) -> None:
    values, ids = torch.tensor([e[0] for e in entries]), torch.tensor([e[1] for e in entries])
    keys = encode_keys(values, ids)
    order = sorted(range(len(entries)), key=lambda at: int(keys[at]), reverse=True)
    assert [entries[at] for at in order] == sorted(entries, key=lambda e: (-e[0], e[1]))
    assert torch.equal(decode_scores(keys), values)
    assert [encode_key(np.float32(score), entry) for score, entry in entries] == keys.tolist()
    listed_scores = np.empty((1, len(entries)), dtype=np.float32)
    listed_ids = np.empty((1, len(entries)), dtype=np.int32)
    heaps_to_lists(keys.numpy()[None].copy(), listed_scores, listed_ids)
    best_first = sorted(entries, key=lambda e: (-e[0], e[1]))
    assert listed_scores[0].tolist() == [score for score, _ in best_first]
    empty = (-np.inf, EMPTY_ID)
    assert encode_key(np.float32(-np.inf), EMPTY_ID) == EMPTY_KEY
    assert listed_ids[0].tolist() == [-1 if e == empty else e[1] for e in best_first]


def test_products_of_rows_are_the_references_cosine() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(30, 96)).astype(np.float32)
    a, b = rng.integers(0, 30, (2, 200))
    device = compute.torch_device("cuda")
    x, i, j = (torch.tensor(array, device=device) for array in (vectors, a, b))
    expected = [cosine(vectors[m], vectors[n]) for m, n in zip(a, b, strict=True)]
    assert cosines(x, i, j).tolist() == expected


@pytest.mark.skipif(not importlib.util.find_spec("triton"), reason="Triton is not installed")
@pytest.mark.parametrize("capability", [80, 90])
def test_the_kernels_compile_for_gpus_that_are_not_here(capability: int) -> None:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, compile

    from hertz.matching.topk.gpu import triton_kernels

    pointers = {
        "own": "*i32",
        "row_thresholds": "*fp32",
        "column_thresholds": "*fp32",
        "words": "*i32",
    }
    numbers = dict.fromkeys(("height", "width", "diagonal"), "i32")
    kernels = []
    for dtype, name in ((torch.bfloat16, "*bf16"), (torch.float32, "*fp32")):
        side, depth = triton_kernels.BLOCKS[dtype]
        sizes = {"WIDTH": 320, "COMMON": 192, "CATEGORIES": 2}
        sizes |= {"ROWS": side, "COLUMNS": side, "DEPTH": depth, "WORD": triton_kernels.WORD}
        kernels.append(
            (triton_kernels._reached, {"left": name, "right": name} | pointers | numbers, sizes)
        )
    pairs = {"vectors": "*fp32", "a": "*i64", "b": "*i64", "out": "*fp64", "pairs": "i32"}
    kernels.append(
        (
            triton_kernels._cosines,
            pairs,
            {"WIDTH": 384, "PAIRS": triton_kernels.PAIRS, "LANES": LANES},
        )
    )
    for kernel, signature, constants in kernels:
        types = signature | dict.fromkeys(constants, "constexpr")
        known = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
        built = compile(ASTSource(kernel, types, known), target=GPUTarget("cuda", capability, 32))
        assert built.asm["cubin"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpu_finds_the_lists_of_the_cpu() -> None:
    features = make_world(20_000, 4, {"all": {**EVERYTHING, "eligibility": {}}}, k=50)
    expected, found = (
        find_neighbors(features, ["all"], device=device)["all"] for device in ("cpu", "cuda")
    )
    np.testing.assert_array_equal(found.ids, expected.ids)
    np.testing.assert_array_equal(found.scores, expected.scores)


@pytest.mark.skipif(not importlib.util.find_spec("triton"), reason="Triton is not installed")
def test_the_kernels_in_the_interpreter() -> None:
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", INTERPRETED],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "equal\n", done.stderr
