"""Random results of runs: the frames of a snapshot, and a published snapshot of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import orjson
import polars as pl

from hertz.policy.model import Policy
from hertz.storage.snapshot.chroma import write_chroma
from hertz.storage.snapshot.serving import write_serving
from hertz.storage.snapshot.snapshots import new_folder, publish
from tests.storage.manifests import manifest_of

REASON = {"kind": "shared", "fields": ["hobbies"], "values": ["MUSIC"], "direction": "both"}
MATCH_SCHEMA = {
    "category": pl.String,
    "user_id": pl.Int64,
    "rank": pl.Int32,
    "other_id": pl.Int64,
    "mutual": pl.Float32,
    "forward": pl.Float32,
    "backward": pl.Float32,
    "forward_terms": pl.List(pl.Float32),
    "backward_terms": pl.List(pl.Float32),
}


class Frames(NamedTuple):
    """The frames that `write_serving` reads."""

    profiles: pl.DataFrame
    matches: pl.DataFrame
    explanations: pl.DataFrame


def random_frames(
    policy: Policy, ids: list[int], k: int = 5, seed: int = 0, shift: int = 0
) -> Frames:
    """Returns random lists of users; the last user has none.

    Each user's best match in the first category is explained in every language. `shift` is added to
    the ids of the matches.
    """
    rng = np.random.default_rng(seed)
    everyone = np.array(ids)
    rows = []
    for category, rule in policy.categories.items():
        for user in ids[:-1]:
            drawn = rng.permutation(everyone)[: k + 1].tolist()
            others = [other for other in drawn if other != user][:k]
            for rank, other in enumerate(others, start=1):
                scores = rng.random(3, np.float32).tolist()
                terms = rng.random((2, len(rule.weights)), np.float32).tolist()
                rows.append((category, user, rank, other + shift, *scores, *terms))
    matches = pl.DataFrame(rows, MATCH_SCHEMA, orient="row")
    return Frames(
        pl.DataFrame({"user_id": ids}, {"user_id": pl.Int64}), matches, _explain(policy, matches)
    )


def vectors_of(users: int, seed: int = 0) -> np.ndarray:
    """Returns random vectors, `(users, 16)` float32."""
    return np.random.default_rng(seed).standard_normal((users, 16)).astype(np.float32)


def publish_frames(
    home: Path,
    policy: Policy,
    run_id: str,
    frames: Frames,
    keep: int = 3,
    vectors: np.ndarray | None = None,
) -> Path:
    """Publishes a snapshot with the files that the API reads; returns its folder.

    It has a Chroma database if vectors are given, in which each user has the MBTI code ENFP and the
    policy's first code of every other field.
    """
    (home / "snapshots").mkdir(parents=True, exist_ok=True)
    folder = new_folder(home, run_id)
    write_serving(folder, policy, *frames)
    if vectors is not None:
        write_chroma(folder, policy, _coded(policy, frames.profiles), vectors, frames.matches)
    manifest = manifest_of(
        run_id,
        policy,
        created_at=datetime(2026, 11, 22, 17, tzinfo=UTC),
        embedding_model="multilingual-e5-small",
        language_model=None,
    )
    return publish(home, folder, manifest, keep)


def _coded(policy: Policy, profiles: pl.DataFrame) -> pl.DataFrame:
    codes = [n for n, rule in policy.fields.items() if rule.kind in ("code", "ordered")]
    values = {name: next(iter(policy.shown_codes(name)), "x.example") for name in codes}
    values |= {"MBTI": "ENFP"} if "MBTI" in values else {}
    return profiles.with_columns(pl.lit(code).alias(name) for name, code in values.items())


def _explain(policy: Policy, matches: pl.DataFrame) -> pl.DataFrame:
    first = next(iter(policy.categories))
    best = matches.filter((pl.col("rank") == 1) & (pl.col("category") == first))
    pairs = sorted({(min(p), max(p)) for p in best.select("user_id", "other_id").iter_rows()})
    return pl.DataFrame(
        [
            {
                "category": first,
                "user_a": a,
                "user_b": b,
                "language": language,
                "origin": "template",
                "title": f"제목 {language}",
                "content": f'"{a}"와 {b}\n음악 😀',
                "reasons": orjson.dumps([REASON]).decode(),
            }
            for a, b in pairs
            for language in policy.languages
        ]
    )
