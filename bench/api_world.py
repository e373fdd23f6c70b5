"""Publishes synthetic serving files of any number of users, for the benchmark of the read API.

In: a home and a number of users. Out: a published snapshot with the service's policy, 10 matches
per user in each of its three categories (random ids and scores, sorted as published), and one
Korean text of typical length per user. The size of a list does not depend on the number of users.
Parts that reads do not need are left out: profiles, Parquet, Chroma.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import polars as pl

from hertz.policy.load import parse_policy
from hertz.policy.model import Policy
from hertz.reports.figures import (
    ExplanationFigures,
    ListFigures,
    Origins,
    Quality,
    QuarantineFigures,
)
from hertz.reports.runs import Counts
from hertz.storage.snapshot.manifest import SCHEMA_VERSION, Manifest
from hertz.storage.snapshot.serving import write_serving
from hertz.storage.snapshot.snapshots import new_folder, publish
from hertz.storage.snapshot.stage_results import (
    ChromaResult,
    EmbedResult,
    ExplainResult,
    PrepareResult,
    PublishResult,
    RecomputeResult,
    StageResults,
)

MATCHES_PER_LIST = 10
ROOT = Path(__file__).parent.parent
TITLE = "음악으로 통하는 두 사람"
CONTENT = "두 사람 모두 음악을 좋아하고 서로가 바라는 성격을 지녔다는 소식입니다. 🎵 " * 24
REASON = {"kind": "shared", "fields": ["hobbies"], "values": ["MUSIC"], "direction": "both"}


def publish_world(home: Path, users: int, number: int = 0) -> Path:
    """Publishes a snapshot of users 1 to `users`; returns its folder.

    Args:
        home: The home directory.
        users: Number of users.
        number: Number that the run id ends with, so that ids of one second differ.
    """
    text = (ROOT / "hertz.toml").read_text(encoding="utf-8")
    policy = parse_policy(tomllib.loads(text)["policy"])
    (home / "snapshots").mkdir(parents=True, exist_ok=True)
    manifest = _manifest(policy, users, number)
    folder = new_folder(home, manifest.run_id)
    profiles = pl.DataFrame({"user_id": np.arange(1, users + 1)})
    lists = [_lists(policy, place, users) for place in range(len(policy.categories))]
    write_serving(folder, policy, profiles, pl.concat(lists), _texts(policy, users))
    return publish(home, folder, manifest, keep=1)


def _manifest(policy: Policy, users: int, number: int) -> Manifest:
    """Returns a manifest without figures: the API reads only where a snapshot comes from."""
    now = datetime.now(UTC).replace(microsecond=0)
    counts = Counts(
        users=users, quarantined=0, eligible_pairs={}, matches={}, explanations=Origins()
    )
    return Manifest(
        schema_version=SCHEMA_VERSION,
        run_id=f"{now:%Y%m%dT%H%M%SZ}-{number:04x}",
        created_at=now,
        policy_name=policy.name,
        policy_hash=policy.digest,
        policy=policy,
        embedding_model="synthetic",
        language_model=None,
        counts=counts,
        stages=_stages(counts),
        quality=_quality(counts),
    )


def _stages(counts: Counts) -> StageResults:
    """Returns results of stages that took no time."""
    pairs = {"eligible_pairs": {}, "scored_pairs": {}, "matches": {}}
    return StageResults(
        prepare=PrepareResult(seconds=0, users=counts.users, quarantined=0),
        embed=EmbedResult(seconds=0, model="synthetic", model_identity={}, texts=0, encoded=0),
        recompute=RecomputeResult(seconds=0, path="full", why="", scores_version=0, **pairs),
        chroma=ChromaResult(seconds=0, path="full"),
        explain=ExplainResult(
            seconds=0,
            model=None,
            pairs=0,
            explanations=counts.explanations,
            carried_over=0,
            voice="",
        ),
        publish=PublishResult(seconds=0),
    )


def _quality(counts: Counts) -> Quality:
    """Returns quality figures of a run without any match."""
    lists = ListFigures(
        users=counts.users,
        covered=0,
        coverage=None,
        places=0,
        reciprocity=None,
        gini=None,
        lorenz=(),
        on_no_list=0,
    )
    explanations = ExplanationFigures(
        origins=counts.explanations, grounded=None, prefix_hits=None, model_failed=False, texts=()
    )
    return Quality(
        overall=lists,
        categories={},
        quarantine=QuarantineFigures(rows=0, share=0.0, reasons=()),
        last=None,
        explanations=explanations,
    )


def _lists(policy: Policy, place: int, users: int) -> pl.DataFrame:
    """Returns each user's list in one category: the next user first, then random users."""
    category, rule = list(policy.categories.items())[place]
    rng = np.random.default_rng(place)
    ids = np.arange(1, users + 1)
    others = rng.integers(1, users + 1, (users, MATCHES_PER_LIST))
    others[:, 0] = ids % users + 1
    shape = (users * MATCHES_PER_LIST, len(rule.weights))
    terms = [rng.random(shape, np.float32) / np.float32(shape[1]) for _ in range(2)]
    forward, backward = (side.sum(1) for side in terms)
    mutual = -np.sort(-((forward + backward) / 2).reshape(users, MATCHES_PER_LIST))
    return pl.DataFrame(
        {
            "category": pl.repeat(category, users * MATCHES_PER_LIST, eager=True),
            "user_id": np.repeat(ids, MATCHES_PER_LIST),
            "rank": np.tile(np.arange(1, MATCHES_PER_LIST + 1, dtype=np.int32), users),
            "other_id": others.ravel(),
            "mutual": mutual.ravel(),
            "forward": forward,
            "backward": backward,
            "forward_terms": pl.Series(terms[0]).cast(pl.List(pl.Float32)),
            "backward_terms": pl.Series(terms[1]).cast(pl.List(pl.Float32)),
        }
    )


def _texts(policy: Policy, users: int) -> pl.DataFrame:
    """Returns one explanation per user, of the pair with the next user."""
    ids = np.arange(1, users)
    values = {
        "category": next(iter(policy.categories)),
        "language": policy.languages[0],
        "origin": "template",
        "title": TITLE,
        "content": CONTENT,
        "reasons": orjson.dumps([REASON]).decode(),
    }
    frame = pl.DataFrame({"user_a": ids, "user_b": ids + 1})
    return frame.with_columns(pl.lit(value).alias(name) for name, value in values.items())
