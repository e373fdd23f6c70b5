"""Blocks too large to be scored pair by pair: planned, and worked off by bounds.

In: features, a category and the rows of its large blocks. Out: what was offered to the lists, and
how many pairs may meet and were scored. A row that hoped for too much is searched for again.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from matching.blocks import classify
from matching.device_pass import DevicePass
from matching.device_scores import DeviceScorer
from matching.features import Features
from matching.forms import term_forms
from matching.hardware import place, tile_dtype
from matching.lists import Lists
from matching.pairs import PairScorer, Rules
from matching.plan import Means, Plan, planned
from matching.tiles import BlockPass
from matching.topk import How

TILES = {"cpu": 1024, "cuda": 32_768}  # rows; a GPU wants few calls

Begin = Callable[[Plan, Lists, bool], BlockPass | DevicePass]


def search_large(
    features: Features,
    category: str,
    scorer: PairScorer,
    rules: Rules,
    blocks: list[np.ndarray],
    lists: Lists,
    tick: Callable[[int, int, float], None],
    how: How,
) -> tuple[int, int]:
    """Offer to the lists every pair of the blocks that could matter to either side.

    Args:
        features: Everyone who may be matched.
        category: A category of the policy.
        scorer: Its scores.
        rules: Its rules.
        blocks: `(n,)` int64 rows of each.
        lists: What is offered to.
        tick: Called with the rows done before a block, the block's rows and its share done.
        how: See `topk.How`.

    Returns:
        Pairs that may meet, and pairs that were scored.
    """
    means = _means(how)
    forms, begin = term_forms(features, category), _begin(scorer, rules, means)
    pairs = scored = done = 0
    for rows in blocks:
        if lists.sought[rows].any():
            plan = planned(rules, forms, rows, lists, means)
            block = begin(plan, lists, True)
            block.run(partial(tick, done, len(rows)))
            pairs, scored = pairs + plan.pairs, scored + sum(block.scored)
            disappointed = block.disappointed()
            if len(disappointed):
                rest = lists.again(disappointed)
                again = planned(rules, forms, plan.rows, rest, means, plan.bound)
                block = begin(again, rest, False)
                block.run(_silent)
                scored += sum(block.scored)
        else:
            pairs += classify(rules, rows).pairs
        done += len(rows)
    return pairs, scored


def _means(how: How) -> Means:
    device = how.get("device", "cpu")
    dtype = getattr(torch, how.get("dtype") or tile_dtype(device))
    threads = how.get("threads") or torch.get_num_threads()
    return Means(how.get("tile", TILES[device]), dtype, device, threads)


def _begin(scorer: PairScorer, rules: Rules, means: Means) -> Begin:
    """How a planned block is begun on the device, with hopes or without."""
    if means.device == "cpu":
        return lambda plan, lists, hopes: BlockPass(
            plan, scorer, rules, lists, means.threads, hopes
        )
    there = DeviceScorer(scorer, rules, place(means.device))
    return lambda plan, lists, hopes: DevicePass(plan, there, lists, scorer.combine, hopes)


def _silent(share: float) -> None:
    pass
