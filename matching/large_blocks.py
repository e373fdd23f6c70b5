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
from matching.forms import Forms, term_forms
from matching.hardware import place, tile_dtype
from matching.lists import Lists
from matching.pairs import PairScorer, Rules
from matching.plan import Means, Plan, planned
from matching.thresholds import Tick
from matching.tiles import BlockPass
from matching.topk import How

TILES = {"cpu": 1024, "cuda": 32_768}  # rows; a GPU wants few calls

Search = Callable[[Plan, Lists, Tick], int]  # works a plan off; how many pairs were scored


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
    means, forms = _means(how), term_forms(features, category)
    search_block = _search(scorer, rules, forms, means)
    pairs = scored = done = 0
    for rows in blocks:
        if lists.sought[rows].any():
            plan = planned(rules, forms, rows, lists, means)
            scored += search_block(plan, lists, partial(tick, done, len(rows)))
            pairs += plan.pairs
        else:
            pairs += classify(rules, rows).pairs
        done += len(rows)
    return pairs, scored


def _means(how: How) -> Means:
    device = how.get("device", "cpu")
    dtype = getattr(torch, how.get("dtype") or tile_dtype(device))
    threads = how.get("threads") or torch.get_num_threads()
    return Means(how.get("tile", TILES[device]), dtype, device, threads)


def _search(scorer: PairScorer, rules: Rules, forms: Forms, means: Means) -> Search:
    """How a block is searched on the device."""
    if means.device == "cpu":
        return partial(_on_cpu, scorer, rules, forms, means)
    return partial(_on_device, DeviceScorer(scorer, rules, place(means.device)), scorer.combine)


def _on_device(there: DeviceScorer, combine: str, plan: Plan, lists: Lists, tick: Tick) -> int:
    block = DevicePass(plan, there, lists, combine)
    block.run(tick)
    return block.scored


def _on_cpu(
    scorer: PairScorer,
    rules: Rules,
    forms: Forms,
    means: Means,
    plan: Plan,
    lists: Lists,
    tick: Tick,
) -> int:
    block = BlockPass(plan, scorer, rules, lists, means.threads, hopes=True)
    block.run(tick)
    scored, disappointed = sum(block.scored), block.disappointed()
    if len(disappointed):
        rest = lists.again(disappointed)
        again = planned(rules, forms, plan.rows, rest, means, plan.bound)
        block = BlockPass(again, scorer, rules, rest, means.threads, hopes=False)
        block.run(_silent)
        scored += sum(block.scored)
    return scored


def _silent(share: float) -> None:
    pass
