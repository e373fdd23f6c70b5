"""Third stage: every eligible pair scored in both directions, everyone's top-k kept.

The published lists are brought up to date where they were made with the same policy, models and
scores and few users changed; otherwise everyone is matched anew. Both give the same lists. Where
nothing has changed at all, the published files are taken over.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import polars as pl

from hertz.core.compute import chosen_device
from hertz.core.faults import fault_point
from hertz.embedding.texts import user_vectors
from hertz.matching.features import Features, build_features
from hertz.matching.topk.incremental import (
    SPARE_ENTRIES,
    PreviousLists,
    update_neighbors,
    user_fingerprints,
)
from hertz.matching.topk.lists import NeighborLists
from hertz.matching.topk.options import Progress
from hertz.matching.topk.search import TopK, find_neighbors, top_k
from hertz.stages.embed import stored_vectors
from hertz.stages.previous_run import SCORES_VERSION, LastNight, changed_users, last_night
from hertz.stages.run import Run
from hertz.storage.files import read_frame, write_frame
from hertz.storage.snapshot.chroma import write_chroma, write_delta
from hertz.storage.snapshot.neighbours import NEIGHBOURS, write_neighbours
from hertz.storage.snapshot.snapshots import adopt


def recompute(run: Run, full: bool = False, quick: bool = False) -> None:
    """Write matches.parquet, neighbours.parquet and chroma/ from users and stored text vectors.

    Args:
        run: Its folder has users.parquet, and the store the vectors of all texts.
        full: Whether to match everyone anew in any case.
        quick: Whether Chroma may be brought up to date by a small second database.
    """
    policy = run.settings.policy
    profiles = read_frame(run.folder / "users.parquet")
    with run.stage("recompute") as figures:
        identity = run.stages["embed"]["model_identity"]
        vectors = user_vectors(policy, profiles, stored_vectors(run.settings.home, identity))
        features = build_features(policy, profiles, vectors)
        marks = user_fingerprints(features)
        last = last_night(run, features, marks, full)
        figures |= {"path": last.path, "why": last.why, "scores_version": SCORES_VERSION}
        if last.path == "unchanged":
            adopt(last.snapshot, run.folder, ("matches.parquet", NEIGHBOURS))
            figures |= last.counts
        else:
            figures |= _match(run, features, marks, last)
        fault_point("recompute.written")
    with run.stage("chroma") as figures:
        if last.path == "unchanged" and read_frame(last.snapshot / "users.parquet").equals(
            profiles
        ):
            adopt(last.snapshot, run.folder, ("chroma",))
            figures["path"] = "unchanged"
        elif quick and last.path == "incremental":
            adopt(last.snapshot, run.folder, ("chroma",))
            matches = read_frame(run.folder / "matches.parquet")
            changed = changed_users(policy, read_frame(last.snapshot / "users.parquet"), profiles)
            changed |= set(features.user_ids[last.sought].tolist())
            delta = write_delta(run.folder, policy, profiles, vectors, matches, changed)
            figures |= {"path": "delta", "delta_users": delta}
        else:
            matches = read_frame(run.folder / "matches.parquet")
            step = run.step("writing Chroma")
            write_chroma(run.folder, policy, profiles, vectors, matches, step)
            figures["path"] = "full"


def recompute_fully(run: Run) -> None:
    """The stage `recompute` for everyone, whatever is known."""
    recompute(run, full=True)


def recompute_quickly(run: Run) -> None:
    """The stage `recompute` for an on-demand run."""
    recompute(run, quick=True)


def match_frame(features: Features, category: str, top: TopK) -> pl.DataFrame:
    """The kept pairs of a category, with user ids in the place of rows."""
    scores, ids = top.scores, features.user_ids
    return pl.DataFrame(
        {
            "category": pl.repeat(category, len(top.users), dtype=pl.String, eager=True),
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


def _match(run: Run, features: Features, marks: np.ndarray, last: LastNight) -> dict[str, Any]:
    """Search all categories; writes the lists and returns the stage's figures."""
    counts: dict[str, dict[str, int]] = {"eligible_pairs": {}, "scored_pairs": {}, "matches": {}}
    device = chosen_device(run.settings.matching.device, "matching.device")
    frames, lists = [], {}
    for name, found in _search(features, last, device, run.step("scoring pairs")).items():
        top = top_k(features, name, found)
        frames.append(match_frame(features, name, top))
        lists[name] = PreviousLists(features.user_ids, marks, found)
        counts["eligible_pairs"][name] = found.eligible_pairs
        counts["scored_pairs"][name] = found.scored_pairs
        counts["matches"][name] = len(top.users)
    write_frame(pl.concat(frames), run.folder / "matches.parquet")
    write_neighbours(run.folder, lists)
    return {"device": device, **counts}


def _search(
    features: Features, last: LastNight, device: Literal["cpu", "cuda"], step: Progress
) -> dict[str, NeighborLists]:
    categories = list(features.policy.categories)
    if last.change is None:
        return find_neighbors(
            features, categories, features.policy.k + SPARE_ENTRIES, step, device=device
        )
    known = {name: last.known[name].lists for name in categories}
    return update_neighbors(features, known, last.change, step, device=device)


def _terms(contributions: np.ndarray) -> pl.Series:
    values = np.ascontiguousarray(contributions, dtype=np.float32)
    return pl.Series(values).cast(pl.List(pl.Float32))
