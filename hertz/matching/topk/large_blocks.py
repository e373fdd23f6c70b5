"""Blocks too large to be scored pair by pair: planned, and worked off by bounds.

In: features, categories that share columns, and the rows of their large blocks. Out: what was
offered to the lists, and how many pairs may meet and were scored. A row that hoped for too much is
searched for again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from hertz.core.compute import tile_dtype, torch_device
from hertz.matching.features import Features
from hertz.matching.topk.blocks import classify
from hertz.matching.topk.bound.factors import CategoryFactors, category_factors
from hertz.matching.topk.cpu.block import CpuBlockSearch
from hertz.matching.topk.cpu.category import CpuCategorySearch
from hertz.matching.topk.gpu.block import GpuBlockSearch
from hertz.matching.topk.gpu.category import GpuCategorySearch
from hertz.matching.topk.gpu.pair_scores import GpuPairScorer
from hertz.matching.topk.options import CategorySearch, Means, SearchOptions
from hertz.matching.topk.plan import Plan, planned
from hertz.matching.topk.thresholds import Tick, part_of

TILES = {"cpu": 1024, "cuda": 32_768}  # rows; a GPU wants few calls

Search = Callable[[Plan, Tick], list[int]]  # works a plan off; how many pairs were scored


def search_large(
    features: Features,
    names: Sequence[str],
    categories: Sequence[CategorySearch],
    blocks: list[np.ndarray],
    tick: Tick,
    how: SearchOptions,
) -> np.ndarray:
    """Offer to the lists every pair of the blocks that could matter to either side.

    Args:
        features: Everyone who may be matched.
        names: Of the categories: one, or of one group of `factors.category_groups`.
        categories: The categories, whose lists seek the same rows.
        blocks: `(n,)` int64 rows of each.
        tick: Called with the rows done.
        how: See `topk.SearchOptions`.

    Returns:
        `(2, categories)` int64: pairs that may meet, and pairs that were scored.
    """
    means, forms = _means(how), category_factors(features, names)
    search_block = _search(categories, forms, means)
    rules, counts, done = [c.rules for c in categories], np.zeros((2, len(names)), np.int64), 0
    lists = categories[0].lists
    for rows in blocks:
        if lists.sought[rows].any():
            plan = planned(rules, forms, rows, lists, means)
            scored = search_block(plan, part_of(tick, done, len(rows)))
            counts += plan.pairs, scored
        else:
            counts[0] += [classify(some, rows).pairs for some in rules]
        done += len(rows)
    return counts


def _means(how: SearchOptions) -> Means:
    device = how.get("device", "cpu")
    dtype = getattr(torch, how.get("dtype") or tile_dtype(device))
    threads = how.get("threads") or torch.get_num_threads()
    return Means(how.get("tile", TILES[device]), dtype, device, threads)


def _search(categories: Sequence[CategorySearch], forms: CategoryFactors, means: Means) -> Search:
    """How a block is searched on the device."""
    if means.device == "cpu":
        return partial(_on_cpu, categories, forms, means)
    where = torch_device(means.device)
    there = [GpuPairScorer(category.scorer, category.rules, where) for category in categories]
    return partial(_on_device, there, categories)


def _on_device(
    there: Sequence[GpuPairScorer], categories: Sequence[CategorySearch], plan: Plan, tick: Tick
) -> list[int]:
    passes = [
        GpuCategorySearch(plan, its, category, scorer)
        for its, (category, scorer) in enumerate(zip(categories, there, strict=True))
    ]
    GpuBlockSearch(plan, passes).run(tick)
    return [its.scored for its in passes]


def _on_cpu(
    categories: Sequence[CategorySearch],
    forms: CategoryFactors,
    means: Means,
    plan: Plan,
    tick: Tick,
) -> list[int]:
    passes = [CpuCategorySearch(plan, its, category) for its, category in enumerate(categories)]
    CpuBlockSearch(plan, passes, means.threads, hopes=True).run(tick)
    scored = [sum(its.scored) for its in passes]
    for its, category in enumerate(categories):
        disappointed = passes[its].disappointed()
        if len(disappointed):
            rest, bound = category.lists.again(disappointed), plan.bound.for_category(its)
            again = planned([category.rules], forms, plan.rows, rest, means, bound)
            anew = CpuCategorySearch(again, 0, replace(category, lists=rest))
            CpuBlockSearch(again, [anew], means.threads, hopes=False).run(_silent)
            scored[its] += sum(anew.scored)
    return scored


def _silent(share: float) -> None:
    pass
