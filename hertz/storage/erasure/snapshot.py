"""Erases users from a kept snapshot: builds a new one and exchanges it with the old one.

The new snapshot is as if it had never had the users: ranks close up, counts are corrected, Chroma
is built anew (its deletes do not erase bytes). A reader of the old one is not disturbed.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
import polars as pl

from hertz.core.errors import StorageError
from hertz.embedding.texts import Lookup, user_vectors
from hertz.matching.eligibility import count_pairs_with
from hertz.matching.features import build_features
from hertz.reports.figures import Origins
from hertz.reports.page import without_rows_of
from hertz.reports.quality import without_exposed
from hertz.reports.runs import Counts
from hertz.storage.embeddings import EmbeddingStore
from hertz.storage.files import read_frame, write_frame, write_text
from hertz.storage.snapshot.chroma import write_chroma
from hertz.storage.snapshot.manifest import MANIFEST, Manifest, read_manifest
from hertz.storage.snapshot.serving import SERVING_FILE, write_serving
from hertz.storage.snapshot.snapshots import BUILDING, REPORT, replace_snapshot
from hertz.storage.snapshot.stage_results import StageResults

ID_COLUMNS = ("user_id", "other_id", "user_a", "user_b")
REBUILT = ("chroma", SERVING_FILE.parent.as_posix(), MANIFEST)
PLAIN = (".json", ".png", ".svg", ".txt", ".md", ".html")  # kept: they hold no binary ids


def rows_naming(snapshot: Path, users: Collection[int]) -> dict[int, dict[str, int]]:
    """Returns user -> Parquet file -> number of rows that name the user, if there are any.

    Raises:
        StorageError: If a file is damaged.
    """
    found: dict[int, dict[str, int]] = {}
    lists = read_manifest(snapshot).policy.id_list_fields
    for path in sorted(snapshot.glob("*.parquet")):
        for user, rows in _rows_by_user(read_frame(path), users, lists).items():
            found.setdefault(user, {})[path.name] = rows
    return found


def erase_from_snapshot(snapshot: Path, users: Collection[int]) -> list[str]:
    """Erases users, at least one of whom is in a snapshot; returns notes on parts left out.

    Raises:
        StorageError: If a file is damaged, or the home cannot be written.
    """
    manifest = read_manifest(snapshot)
    folder = snapshot.with_name(f"{BUILDING}{snapshot.name}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    before = {path.name: read_frame(path) for path in sorted(snapshot.glob("*.parquet"))}
    lists = manifest.policy.id_list_fields
    after = {name: without_users(frame, users, lists) for name, frame in before.items()}
    for name, frame in after.items():
        write_frame(frame, folder / name)
    notes = _carry_over(snapshot, folder, users)
    notes += _rebuild(snapshot, folder, manifest, after)
    replace_snapshot(snapshot, folder, _corrected(manifest, before, after, users))
    return notes


def without_users(
    frame: pl.DataFrame, users: Collection[int], lists: Collection[str]
) -> pl.DataFrame:
    """Returns a snapshot's frame without users' rows, and without their ids in others' rows.

    `lists` are the fields that hold lists of ids; their quarantined values may name users.
    """
    gone = pl.Series(sorted(users), dtype=pl.Int64)
    if set(frame.columns) >= {"rows", "scores", "bound_id"}:
        parts = frame.partition_by("category", maintain_order=True)
        return pl.concat([_without_rows(part, gone) for part in parts]) if parts else frame
    named = pl.repeat(False, frame.height, eager=True, dtype=pl.Boolean)
    for ids in _id_columns(frame):
        named |= ids.is_in(gone.implode()).fill_null(False)
    kept = frame.filter(~named)
    others = pl.element().filter(~pl.element().is_in(gone.implode()))
    kept = kept.with_columns(pl.col(name).list.eval(others) for name in _id_lists(frame))
    if {"category", "user_id", "rank"} <= set(frame.columns):
        place = pl.int_range(1, pl.len() + 1).over("category", "user_id")
        kept = kept.with_columns(rank=place.cast(frame.schema["rank"]))
    if {"field", "value", "reason"} <= set(frame.columns):
        listed = extract_ids(kept["value"]).list.eval(pl.element().is_in(gone.implode())).list.any()
        hidden = listed.fill_null(False) & kept["field"].is_in(list(lists))
        kept = kept.with_columns(value=pl.when(hidden).then(pl.lit("(erased)")).otherwise("value"))
    return kept


def _without_rows(part: pl.DataFrame, gone: pl.Series) -> pl.DataFrame:
    """Removes users from one category of neighbours.parquet, whose lists hold row numbers."""
    stays = ~part["user_id"].is_in(gone.implode()).to_numpy()
    new_rows = np.where(stays, np.cumsum(stays) - 1, -1)
    rows = part["rows"].to_numpy()[stays]
    scores = part["scores"].to_numpy()[stays]
    moved = np.where(rows >= 0, new_rows[rows], -1)
    order = np.argsort(moved < 0, axis=1, kind="stable")
    moved = np.take_along_axis(moved, order, axis=1)
    scores = np.where(moved < 0, -np.inf, np.take_along_axis(scores, order, axis=1))
    bounds = part["bound_id"].to_numpy()[stays].copy()
    # The id before a removed bound is a bound as well: who is left out ranks below the bound.
    while (named := np.isin(bounds, gone.to_numpy())).any():
        bounds -= named
    kept = part.filter(stays)
    return kept.with_columns(
        pl.Series("rows", moved.astype(np.int32), dtype=part.schema["rows"]),
        pl.Series("scores", scores.astype(np.float32), dtype=part.schema["scores"]),
        pl.Series("bound_id", bounds),
    )


def parse_ids(texts: pl.Series) -> pl.Series:
    """Converts texts to ids; null where a text is not an integer."""
    return texts.str.strip_chars().str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)


def extract_ids(values: pl.Series) -> pl.Series:
    """Returns all integers within each text."""
    return values.str.extract_all(r"-?\d+").cast(pl.List(pl.Int64), strict=False)


def _id_lists(frame: pl.DataFrame) -> list[str]:
    """Returns the names of the columns that hold lists of ids."""
    return [name for name, dtype in frame.schema.items() if dtype == pl.List(pl.Int64)]


def _id_columns(frame: pl.DataFrame) -> Iterable[pl.Series]:
    """Yields the id columns of a frame as Int64."""
    for name in ID_COLUMNS:
        if name in frame.columns:
            text = frame.schema[name] == pl.String
            yield parse_ids(frame[name]) if text else frame[name].cast(pl.Int64)


def _rows_by_user(
    frame: pl.DataFrame, users: Collection[int], lists: Collection[str]
) -> dict[int, int]:
    """Counts the rows of a frame that name each user."""
    columns = [*_id_columns(frame), *(frame[name] for name in _id_lists(frame))]
    if {"field", "value", "reason"} <= set(frame.columns):
        of_list = pl.when(frame["field"].is_in(list(lists))).then(frame["value"])
        columns.append(extract_ids(frame.select(value=of_list)["value"]))
    frames = [pl.DataFrame({"user": column}).with_row_index("row") for column in columns]
    found = [part.explode("user") if _id_lists(part) else part for part in frames]
    if not found:
        return {}
    named = pl.concat(found).filter(pl.col("user").is_in(list(users))).unique()
    return dict(named.group_by("user").len().sort("user").iter_rows())


def _carry_over(snapshot: Path, folder: Path, users: Collection[int]) -> list[str]:
    """Carries over the report and the files that name no user; returns notes on the others."""
    notes = []
    digits = re.compile("|".join(map(str, users)).encode())
    for path in sorted(snapshot.iterdir()):
        if path.suffix == ".parquet" or path.name in REBUILT:
            continue
        if path.name == REPORT:
            page = path.read_text(encoding="utf-8")
            write_text(folder / REPORT, without_rows_of(page, users))
        elif path.suffix in PLAIN and path.is_file() and not digits.search(path.read_bytes()):
            (folder / path.name).hardlink_to(path)
        else:
            notes.append(f"{snapshot.name}/{path.name} left out: the next full run makes it again")
    return notes


def _rebuild(
    snapshot: Path, folder: Path, manifest: Manifest, frames: dict[str, pl.DataFrame]
) -> list[str]:
    """Writes serving/ and chroma/ from the remaining frames; returns notes on the others."""
    names = ("users.parquet", "matches.parquet", "explanations.parquet")
    if not all(name in frames for name in names):
        return [f"{snapshot.name}: has no {', '.join(n for n in names if n not in frames)}"]
    policy = manifest.policy
    users, matches, explanations = (frames[name] for name in names)
    write_serving(folder, policy, users, matches, explanations)
    if not (snapshot / "chroma").exists():
        return []
    try:
        vectors = user_vectors(policy, users, _lookup(snapshot, manifest))
    except StorageError as error:
        return [f"{snapshot.name}/chroma left out, it cannot be made again: {error}"]
    write_chroma(folder, policy, users, vectors, matches)
    return []


def _lookup(snapshot: Path, manifest: Manifest) -> Lookup:
    """Returns a function that looks up stored vectors of the snapshot's embedding model."""
    home, made_with = snapshot.parent.parent, manifest.stages.embed.model_identity
    for identity in embedding_identities(home):
        if json.loads(identity) == made_with:
            return EmbeddingStore(home, identity).vectors_of
    message = f"{home / 'embeddings'}: no vectors of the model of {snapshot.name}"
    raise StorageError(message)


def embedding_identities(home: Path) -> list[str]:
    """Returns the identities of all models whose vectors a home has."""
    paths = sorted((home / "embeddings").glob("*/identity.json"))
    return [json.loads(path.read_text(encoding="utf-8"))["identity"] for path in paths]


def _corrected(
    manifest: Manifest,
    before: dict[str, pl.DataFrame],
    after: dict[str, pl.DataFrame],
    users: Collection[int],
) -> Manifest:
    """Returns the manifest with the counts of what is left, and how many users were erased."""
    profiles = before["users.parquet"]
    gone = set(profiles["user_id"]) & set(users)
    by_category = dict(after["matches.parquet"].group_by("category").len().iter_rows())
    counts = Counts(
        users=after["users.parquet"].height,
        quarantined=after["quarantine.parquet"]["row"].n_unique(),
        eligible_pairs=_pairs_left(manifest, profiles, users),
        matches={name: by_category.get(name, 0) for name in manifest.counts.matches},
        explanations=_by_origin(manifest.counts.explanations, after["explanations.parquet"]),
    )
    return manifest.model_copy(
        update={
            "erased_users": (manifest.erased_users or 0) + len(gone),
            "quality": without_exposed(manifest.quality, users),  # all other figures stay
            "counts": counts,
            "stages": _corrected_stages(manifest.stages, counts),
        }
    )


def _corrected_stages(stages: StageResults, counts: Counts) -> StageResults:
    """Returns the stage results that a later run may adopt from this snapshot."""
    found = {"users": counts.users, "quarantined": counts.quarantined}
    matched = {"eligible_pairs": counts.eligible_pairs, "matches": counts.matches}
    explained = {"explanations": counts.explanations}
    return stages.model_copy(
        update={
            "prepare": stages.prepare.model_copy(update=found),
            "recompute": stages.recompute.model_copy(update=matched),
            "explain": stages.explain.model_copy(update=explained),
        }
    )


def _by_origin(counts: Origins, explanations: pl.DataFrame) -> Origins:
    """Returns the explanations left by origin; erased model texts count as reused ones first."""
    left = dict(explanations.group_by("origin").len().iter_rows())
    written = min(counts.model, left.get("model", 0))
    reused = left.get("model", 0) - written
    return Origins(model=written, reused=reused, template=left.get("template", 0))


def _pairs_left(
    manifest: Manifest, profiles: pl.DataFrame, users: Collection[int]
) -> dict[str, int]:
    """Returns the number of eligible pairs of each category without the users."""
    vectors = np.zeros((len(profiles), 1), dtype=np.float32)
    features = build_features(manifest.policy, profiles, vectors)
    rows = np.flatnonzero(np.isin(features.user_ids, list(users)))
    pairs = manifest.counts.eligible_pairs
    return {name: count - count_pairs_with(features, name, rows) for name, count in pairs.items()}
