"""Made-up figures of a run, as its manifest has them, and records of the runs before."""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from hertz.policy.model import Policy
from hertz.reports.gate import checks
from hertz.reports.quality import compare, measure
from hertz.storage.snapshot.history import told
from tests.storage.runs import random_frames

IDS = list(range(987_654_301, 987_654_331))
HOSTILE = "<script>alert(1)</script>|x"


def manifest_of(policy: Policy, first: bool = False, ids: list[int] = IDS) -> dict[str, Any]:
    """The manifest of a run of thirty users, one block of them with a hostile name."""
    frames = random_frames(policy, ids)
    users = frames.profiles.with_columns(emailDomain=pl.lit(HOSTILE))
    quarantine = pl.DataFrame({"row": [1, 2], "field": ["MBTI", HOSTILE], "reason": ["x", HOSTILE]})
    quality = measure(policy, users, frames.matches, quarantine)
    quality["last"] = None if first else _last(policy, users, frames.matches)
    quality["explanations"] = {
        "origins": {"model": 3, "reused": 1, "template": 40},
        "candidates": 30, "accepted": 3, "prompt_tokens": 1234, "output_tokens": 99,
        "cached_tokens": 800, "prefix_hits": 0.648, "grounded": 0.1, "model_failed": True,
        "failed_checks": {"length": 20, "mbti": 7}, "left_to_template": {"budget": 3},
        "texts": [{"category": "friend", "language": "ko", "origin": "template", "texts": 40}],
    }  # fmt: skip
    quality["gate"] = [c._asdict() | {"note": c.note} for c in checks(policy.gate, quality)]
    by_category = dict.fromkeys(policy.categories, 150)
    return {
        "run_id": "20261122T170000Z-1a2b",
        "created_at": "2026-11-22T17:00:42+00:00",
        "policy_name": policy.name,
        "policy_hash": policy.digest,
        "policy": json.loads(policy.model_dump_json()),
        "embedding_model": "multilingual-e5-small",
        "language_model": None,
        "counts": {
            "users": 30, "quarantined": 2, "eligible_pairs": by_category,
            "matches": by_category, "explanations": quality["explanations"]["origins"],
        },
        "stages": {"prepare": {"seconds": 0.3}, "embed": {"seconds": 12.5}},
        "quality": quality,
    }  # fmt: skip


def runs_of(manifest: dict[str, Any], before: int = 4) -> list[dict[str, Any]]:
    """Records of so many runs, one of them failed, and of the manifest's own."""
    earlier = [told(f"202611{n:02}T170000Z-0000", "published", "", manifest) for n in range(before)]
    earlier[1:2] = [told("20261101T170000Z-0000", "failed", "gone wrong", {})] if before else []
    return [*earlier, told(manifest["run_id"], "published", "", manifest)]


def _last(policy: Policy, users: pl.DataFrame, matches: pl.DataFrame) -> dict[str, Any]:
    then = users.head(25)
    found = compare(users, matches, then, matches.filter(pl.col("rank") < 4), policy.categories)
    scores = measure(policy, users, matches, pl.DataFrame({"row": [], "field": [], "reason": []}, {
        "row": pl.Int64, "field": pl.String, "reason": pl.String}))["categories"]  # fmt: skip
    shown = {name: part["scores"] for name, part in scores.items()}
    return {"run_id": "20261121T170000Z-0000", "incomparable": "", **found, "scores": shown}
