"""A synthetic run for the tests of reports, and records of the runs before it."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from hertz.policy.model import Policy
from hertz.reports.figures import (
    CategoryFigures,
    Comparison,
    ExplanationFigures,
    Measured,
    Origins,
    Quality,
    TextCount,
)
from hertz.reports.gate import checks
from hertz.reports.quality import compare, measure
from hertz.reports.runs import Counts, RunRecord
from hertz.storage.snapshot.history import failure_of, record_of
from hertz.storage.snapshot.manifest import Manifest
from tests.storage.manifests import manifest_of, recorded_manifest
from tests.storage.runs import random_frames

IDS = list(range(987_654_301, 987_654_331))
HOSTILE = "<script>alert(1)</script>|x"
EXPLANATIONS = ExplanationFigures(
    origins=Origins(model=3, reused=1, template=40),
    candidates=30,
    accepted=3,
    prompt_tokens=1234,
    output_tokens=99,
    cached_tokens=800,
    prefix_hits=0.648,
    grounded=0.1,
    model_failed=True,
    failed_checks={"length": 20, "mbti": 7},
    left_to_template={"budget": 3},
    texts=(TextCount(category="friend", language="ko", origin="template", texts=40),),
)


def synthetic_run(policy: Policy, first: bool = False, ids: list[int] = IDS) -> Manifest:
    """Returns the manifest of a run of thirty users, one block of them with a hostile name."""
    frames = random_frames(policy, ids)
    users = frames.profiles.with_columns(emailDomain=pl.lit(HOSTILE))
    quarantine = pl.DataFrame({"row": [1, 2], "field": ["MBTI", HOSTILE], "reason": ["x", HOSTILE]})
    measured = measure(policy, users, frames.matches, quarantine)
    last = None if first else _comparison(policy, users, frames.matches, measured.categories)
    by_category = dict.fromkeys(policy.categories, 150)
    return manifest_of(
        "20261122T170000Z-1a2b",
        policy,
        created_at=datetime(2026, 11, 22, 17, 0, 42, tzinfo=UTC),
        embedding_model="multilingual-e5-small",
        language_model=None,
        counts=Counts(
            users=30,
            quarantined=2,
            eligible_pairs=by_category,
            matches=by_category,
            explanations=EXPLANATIONS.origins,
        ),
        stages=recorded_manifest().stages.model_copy(update={"report": None}),
        quality=judged(policy, measured, last),
    )


def judged(policy: Policy, measured: Measured, last: Comparison | None) -> Quality:
    """Returns the quality of a run with these figures, and the gate's verdicts on it."""
    quality = Quality(
        overall=measured.overall,
        categories=measured.categories,
        quarantine=measured.quarantine,
        last=last,
        explanations=EXPLANATIONS,
    )
    return quality.model_copy(update={"gate": checks(policy.gate, quality)})


def runs_of(manifest: Manifest, before: int = 4) -> list[RunRecord]:
    """Returns records of some runs, one of them failed, and of the manifest's own run."""
    this = record_of(manifest, "published")
    earlier = [
        this.model_copy(update={"run_id": f"202611{n:02}T170000Z-0000"}) for n in range(before)
    ]
    earlier[1:2] = [failure_of("20261101T170000Z-0000", "gone wrong")] if before else []
    return [*earlier, this]


def _comparison(
    policy: Policy,
    users: pl.DataFrame,
    matches: pl.DataFrame,
    categories: dict[str, CategoryFigures],
) -> Comparison:
    """Returns the changes since a run of 25 users with shorter lists."""
    then = matches.filter(pl.col("rank") < 4)
    found = compare(users, matches, users.head(25), then, policy.categories)
    return Comparison(
        **dict(found),
        run_id="20261121T170000Z-0000",
        incomparable="",
        scores={name: part.scores for name, part in categories.items()},
    )
