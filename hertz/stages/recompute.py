"""Third stage: scores every eligible pair in both directions and keeps each user's top k.

The published lists are updated where few users changed and nothing else did, linked where nothing
changed at all, and otherwise everyone is matched anew, which gives the same lists.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

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
from hertz.stages.previous_run import SCORES_VERSION, Reuse, changed_users, choose_reuse
from hertz.stages.run import Run, Stopwatch
from hertz.storage.embeddings import EmbeddingStore
from hertz.storage.files import read_frame, write_frame
from hertz.storage.snapshot.chroma import write_chroma, write_delta
from hertz.storage.snapshot.neighbours import NEIGHBOURS, write_neighbours
from hertz.storage.snapshot.snapshots import link_files
from hertz.storage.snapshot.stage_results import (
    ChromaPath,
    ChromaResult,
    EmbedResult,
    RecomputeResult,
)


def recompute(run: Run, full: bool = False, quick: bool = False) -> RecomputeResult:
    """Writes matches.parquet, neighbours.parquet and chroma/ from users and stored text vectors.

    With `full`, everyone is matched in any case; with `quick`, Chroma may be extended by a small
    second database instead of written anew.
    """
    watch = Stopwatch()
    policy = run.settings.policy
    profiles = read_frame(run.folder / "users.parquet")
    store = EmbeddingStore(run.settings.home, run.result(EmbedResult).identity)
    vectors = user_vectors(policy, profiles, store.vectors_of)
    features = build_features(policy, profiles, vectors)
    fingerprints = user_fingerprints(features)
    reuse = choose_reuse(run, features, fingerprints, full)
    counts = _write_lists(run, features, fingerprints, reuse)
    fault_point("recompute.written")
    result = run.record(
        RecomputeResult(
            seconds=watch.seconds,
            path=reuse.path,
            why=reuse.why,
            scores_version=SCORES_VERSION,
            **counts._asdict(),
        )
    )
    watch = Stopwatch()
    path, delta_users = _write_chroma(run, features, profiles, vectors, reuse, quick)
    run.record(ChromaResult(seconds=watch.seconds, path=path, delta_users=delta_users))
    return result


def recompute_fully(run: Run) -> RecomputeResult:
    """Runs the stage `recompute` for everyone, without reusing the published lists."""
    return recompute(run, full=True)


def recompute_quickly(run: Run) -> RecomputeResult:
    """Runs the stage `recompute` for an on-demand run."""
    return recompute(run, quick=True)


def match_frame(features: Features, category: str, top: TopK) -> pl.DataFrame:
    """Returns the list entries of a category, with user ids instead of rows."""
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


class _Counts(NamedTuple):
    """Counts of pairs and list entries by category, and the device that scored the pairs."""

    device: str | None
    eligible_pairs: dict[str, int]
    scored_pairs: dict[str, int]
    matches: dict[str, int]


def _write_lists(run: Run, features: Features, fingerprints: np.ndarray, reuse: Reuse) -> _Counts:
    """Writes matches.parquet and neighbours.parquet, or links the published ones."""
    if reuse.path == "unchanged" and reuse.result:
        link_files(reuse.snapshot, run.folder, ("matches.parquet", NEIGHBOURS))
        last = reuse.result
        none_scored = dict.fromkeys(last.scored_pairs, 0)
        return _Counts(None, last.eligible_pairs, none_scored, last.matches)
    device = chosen_device(run.settings.matching.device, "matching.device")
    counts = _Counts(device, {}, {}, {})
    frames = []
    lists = {}
    for name, found in _search(features, reuse, device, run.step("scoring pairs")).items():
        top = top_k(features, name, found)
        frames.append(match_frame(features, name, top))
        lists[name] = PreviousLists(features.user_ids, fingerprints, found)
        counts.eligible_pairs[name] = found.eligible_pairs
        counts.scored_pairs[name] = found.scored_pairs
        counts.matches[name] = len(top.users)
    write_frame(pl.concat(frames), run.folder / "matches.parquet")
    write_neighbours(run.folder, lists)
    return counts


def _write_chroma(
    run: Run,
    features: Features,
    profiles: pl.DataFrame,
    vectors: np.ndarray,
    reuse: Reuse,
    quick: bool,
) -> tuple[ChromaPath, int | None]:
    """Writes or copies the Chroma database; returns how, and the size of an added second one."""
    policy = run.settings.policy
    published = reuse.snapshot / "users.parquet"
    if reuse.path == "unchanged" and read_frame(published).equals(profiles):
        link_files(reuse.snapshot, run.folder, ("chroma",))
        return "unchanged", None
    matches = read_frame(run.folder / "matches.parquet")
    if quick and reuse.path == "incremental" and reuse.delta is not None:
        link_files(reuse.snapshot, run.folder, ("chroma",))
        changed = changed_users(policy, read_frame(published), profiles)
        changed |= set(features.user_ids[reuse.delta.changed].tolist())
        return "delta", write_delta(run.folder, policy, profiles, vectors, matches, changed)
    write_chroma(run.folder, policy, profiles, vectors, matches, run.step("writing Chroma"))
    return "full", None


def _search(
    features: Features, reuse: Reuse, device: Literal["cpu", "cuda"], step: Progress
) -> dict[str, NeighborLists]:
    """Returns the neighbor lists by category, searched anew or updated."""
    categories = list(features.policy.categories)
    if reuse.delta is None:
        length = features.policy.k + SPARE_ENTRIES
        return find_neighbors(features, categories, length, step, device=device)
    previous = {name: reuse.lists[name].lists for name in categories}
    return update_neighbors(features, previous, reuse.delta, step, device=device)


def _terms(contributions: np.ndarray) -> pl.Series:
    """Returns contributions `(pairs, terms)` as a column of float32 lists."""
    values = np.ascontiguousarray(contributions, dtype=np.float32)
    return pl.Series(values).cast(pl.List(pl.Float32))
