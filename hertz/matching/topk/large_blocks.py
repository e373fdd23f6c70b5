"""Searches eligibility blocks that are too large to score every pair, through upper bounds."""

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
from hertz.matching.topk.lists import PairCounts
from hertz.matching.topk.options import (
    ReportDone,
    ResolvedOptions,
    SearchedCategory,
    SearchOptions,
    ignore_progress,
    progress_of_part,
)
from hertz.matching.topk.plan import BlockPlan, plan_block

TILE_SIZES = {"cpu": 1024, "cuda": 32_768}  # rows; a GPU is fast with few large calls


def search_large_blocks(
    features: Features,
    categories: Sequence[SearchedCategory],
    blocks: list[np.ndarray],
    report_rows: ReportDone,
    options: SearchOptions,
) -> dict[str, PairCounts]:
    """Inserts every pair of an active row that could enter the heap of either side.

    All categories are of one of `category_groups`, and have the same active rows.
    """
    resolved = _resolve(options)
    factors = category_factors(features, [category.name for category in categories])
    search_block = _block_search(categories, factors, resolved)
    active = categories[0].heaps.active
    counts = {category.name: PairCounts(0, 0) for category in categories}
    done = 0
    for rows in blocks:
        if active[rows].any():
            plan = plan_block(categories, factors, rows, resolved)
            scored = search_block(plan, progress_of_part(report_rows, done, len(rows)))
            eligible = plan.eligible_pairs
        else:
            scored = [0] * len(categories)
            eligible = [classify(category.rules, rows).eligible_pairs for category in categories]
        for category, found in zip(categories, map(PairCounts, eligible, scored), strict=True):
            counts[category.name] += found
        done += len(rows)
    return counts


def _resolve(options: SearchOptions) -> ResolvedOptions:
    """Fills in what the options leave open with the defaults of this machine."""
    device = options.get("device", "cpu")
    return ResolvedOptions(
        tile_size=options.get("tile_size", TILE_SIZES[device]),
        dtype=getattr(torch, options.get("dtype") or tile_dtype(device)),
        device=device,
        threads=options.get("threads") or torch.get_num_threads(),
    )


def _block_search(
    categories: Sequence[SearchedCategory], factors: CategoryFactors, options: ResolvedOptions
) -> Callable[[BlockPlan, ReportDone], list[int]]:
    """Returns the function that searches a block on the chosen device."""
    if options.device == "cpu":
        return partial(_search_on_cpu, categories, factors, options)
    device = torch_device(options.device)
    scorers = [GpuPairScorer(category.scorer, category.rules, device) for category in categories]
    return partial(_search_on_gpu, categories, scorers)


def _search_on_gpu(
    categories: Sequence[SearchedCategory],
    scorers: Sequence[GpuPairScorer],
    plan: BlockPlan,
    report_share: ReportDone,
) -> list[int]:
    """Searches a block on the GPU; returns the number of pairs scored in each category."""
    searches = [
        GpuCategorySearch(plan, index, category, scorer)
        for index, (category, scorer) in enumerate(zip(categories, scorers, strict=True))
    ]
    GpuBlockSearch(plan, searches).run(report_share)
    return [search.scored_pairs for search in searches]


def _search_on_cpu(
    categories: Sequence[SearchedCategory],
    factors: CategoryFactors,
    options: ResolvedOptions,
    plan: BlockPlan,
    report_share: ReportDone,
) -> list[int]:
    """Searches a block on the CPU; returns the number of pairs scored in each category."""
    searches = [
        CpuCategorySearch(plan, index, category) for index, category in enumerate(categories)
    ]
    CpuBlockSearch(plan, searches, options.threads, seeded=True).run(report_share)
    return [
        search.scored_pairs + _search_underfilled(search, category, factors, options)
        for search, category in zip(searches, categories, strict=True)
    ]


def _search_underfilled(
    search: CpuCategorySearch,
    category: SearchedCategory,
    factors: CategoryFactors,
    options: ResolvedOptions,
) -> int:
    """Searches the rows of underfilled heaps again, without seeds; returns the pairs scored."""
    underfilled = search.underfilled_rows()
    if not len(underfilled):
        return 0
    retried = replace(category, heaps=category.heaps.reset(underfilled))
    bound = search.plan.bound.for_category(search.category_index)
    plan = plan_block([retried], factors, search.plan.rows, options, bound)
    retry = CpuCategorySearch(plan, 0, retried)
    CpuBlockSearch(plan, [retry], options.threads, seeded=False).run(ignore_progress)
    return retry.scored_pairs
