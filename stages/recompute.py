"""Third stage: every eligible pair scored in both directions, everyone's top-k kept."""

from __future__ import annotations

import numpy as np
import polars as pl

from matching.features import Features, build_features
from matching.texts import user_vectors
from matching.topk import TopK, mutual_top_k
from stages.embed import stored_vectors
from stages.run import Run
from storage.chroma import write_chroma
from storage.files import read_frame, write_frame


def recompute(run: Run) -> None:
    """Write matches.parquet and chroma/ from users.parquet and the stored text vectors."""
    import torch  # seconds to import, and only this stage needs it

    policy = run.settings.policy
    profiles = read_frame(run.folder / "users.parquet")
    with run.stage("recompute") as figures:
        vectors = user_vectors(policy, profiles, stored_vectors(run.settings))
        features = build_features(policy, profiles, vectors)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        tops = mutual_top_k(features, device, progress=run.step("scoring pairs"))
        matches = match_frame(features, tops)
        write_frame(matches, run.folder / "matches.parquet")
        figures["device"] = device
        figures["eligible_pairs"] = {name: top.eligible_pairs for name, top in tops.items()}
        figures["matches"] = {name: len(top.users) for name, top in tops.items()}
    with run.stage("chroma"):
        step = run.step("writing Chroma")
        write_chroma(run.folder, policy, profiles, vectors, matches, step)


def match_frame(features: Features, tops: dict[str, TopK]) -> pl.DataFrame:
    """The kept pairs of all categories as one frame, in the policy's order of categories."""
    return pl.concat([_category_frame(features, name, top) for name, top in tops.items()])


def _category_frame(features: Features, category: str, top: TopK) -> pl.DataFrame:
    scores, ids = top.scores, features.user_ids
    return pl.DataFrame(
        {
            "category": pl.repeat(category, len(top.users), eager=True),
            "user_id": ids[top.users],
            "rank": top.ranks,
            "other_id": ids[top.others],
            "mutual": scores.mutual,
            "forward": scores.forward.astype(np.float32),
            "backward": scores.backward.astype(np.float32),
            "forward_terms": _terms(scores.forward_terms),
            "backward_terms": _terms(scores.backward_terms),
        }
    )


def _terms(contributions: np.ndarray) -> pl.Series:
    return pl.Series(contributions.astype(np.float32)).cast(pl.List(pl.Float32))
