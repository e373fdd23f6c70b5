"""Whole runs without a server: what they publish, what they reuse, and how they fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hertz.core.errors import ModelError, SnapshotError, SourceError
from hertz.embedding.texts import user_vectors
from hertz.matching.features import build_features
from hertz.matching.reference import eligible, score
from hertz.policy.model import Policy
from hertz.stages.nightly import embed_only, explain_only, nightly, on_demand, recompute_only
from hertz.storage.embeddings import EmbeddingStore
from hertz.storage.files import checksums
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import Intake
from hertz.storage.settings import Settings
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.serving import ServingReader
from hertz.storage.snapshot.snapshots import corrupt_files, published_snapshot
from hertz.storage.snapshot.stage_results import EmbedResult
from tests.faults import kill_at
from tests.nights import changed, settings_for, write_sample

DETERMINISTIC = (
    "users.parquet",
    "quarantine.parquet",
    "matches.parquet",
    "explanations.parquet",
    "serving/lists.lmdb",
)
Home = Callable[[Path], Settings]
NIGHT = """
import sys
from pathlib import Path
from hertz.stages.nightly import nightly
from hertz.storage.settings import load_settings
nightly(load_settings(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]))
"""


@pytest.fixture(scope="module")
def first_night(
    tmp_path_factory: pytest.TempPathFactory, service_policy: Policy
) -> tuple[Path, Settings]:
    """A folder with a source of 40 users and a home in which one night was run."""
    folder = tmp_path_factory.mktemp("night")
    settings = settings_for(folder, write_sample(folder / "profiles.parquet", service_policy))
    nightly(settings)
    return folder, settings


@pytest.fixture
def copied(first_night: tuple[Path, Settings], tmp_path: Path) -> Home:
    """Settings of a copy of the home after its first night, reading another source."""
    folder, _ = first_night

    def copy(source: Path) -> Settings:
        shutil.copytree(folder / "home", tmp_path / "home")
        return settings_for(tmp_path, source)

    return copy


def test_publishes_a_whole_snapshot(first_night: tuple[Path, Settings]) -> None:
    _, settings = first_night
    snapshot = published_snapshot(settings.home)
    manifest = read_manifest(snapshot)
    assert corrupt_files(snapshot) == []
    assert set(DETERMINISTIC) <= set(manifest.files)
    assert manifest.counts.users == 40
    assert manifest.policy_hash == settings.policy.digest
    assert sum(manifest.counts.matches.values()) == len(
        pl.read_parquet(snapshot / "matches.parquet")
    )


def test_the_published_lists_are_the_reference_s(first_night: tuple[Path, Settings]) -> None:
    _, settings = first_night
    snapshot, policy = published_snapshot(settings.home), settings.policy
    profiles = pl.read_parquet(snapshot / "users.parquet")
    identity = read_manifest(snapshot).stages.embed.identity
    vectors = user_vectors(policy, profiles, EmbeddingStore(settings.home, identity).vectors_of)
    features = build_features(policy, profiles, vectors)
    matches = pl.read_parquet(snapshot / "matches.parquet").filter(category="general")
    ids = features.user_ids.tolist()
    for a in (0, 17, 39):
        scored = [
            (-score(features, "general", a, b).mutual, ids[b])
            for b in range(len(ids))
            if eligible(features, "general", a, b)
        ]
        listed = matches.filter(user_id=ids[a]).select(-pl.col("mutual"), "other_id").rows()
        assert listed == sorted(scored)[: policy.k]


def test_chroma_holds_every_user_with_lists_and_filters(first_night: tuple[Path, Settings]) -> None:
    _, settings = first_night
    snapshot = published_snapshot(settings.home)
    code = (
        "import chromadb, json, sys;"
        "users = chromadb.PersistentClient(sys.argv[1]).get_collection('users');"
        "women = users.get(where={'gender': 'FEMALE'}, include=['metadatas']);"
        "lists = [m.get('top_general') for m in women['metadatas']];"
        "print(json.dumps([users.count(), dict(zip(women['ids'], lists))]))"
    )
    copy = settings.home.parent / "chroma-copy"  # a published one stays untouched
    shutil.copytree(snapshot / "chroma", copy, dirs_exist_ok=True)
    command = [sys.executable, "-c", code, str(copy)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    reader = ServingReader(snapshot)
    women = pl.read_parquet(snapshot / "users.parquet").filter(gender="FEMALE")["user_id"]
    lists = {user: reader.match_ids("general", user, settings.policy.k) for user in women}
    listed = {str(user): ",".join(map(str, ids)) or None for user, ids in lists.items()}
    assert json.loads(shown) == [40, listed]


def test_a_second_night_encodes_nothing_and_writes_the_same_bytes(
    first_night: tuple[Path, Settings], copied: Home
) -> None:
    folder, first = first_night
    snapshot = nightly(copied(folder / "profiles.parquet"))
    assert read_manifest(snapshot).stages.embed.encoded == 0
    before = dict(checksums(published_snapshot(first.home)))
    after = dict(checksums(snapshot))
    assert [name for name in DETERMINISTIC if before[name] != after[name]] == []


def test_the_order_of_the_source_does_not_matter(
    first_night: tuple[Path, Settings], copied: Home, tmp_path: Path
) -> None:
    folder, first = first_night
    pl.read_parquet(folder / "profiles.parquet").reverse().write_parquet(tmp_path / "r.parquet")
    snapshot = nightly(copied(tmp_path / "r.parquet"))
    before = dict(checksums(published_snapshot(first.home)))
    assert before["matches.parquet"] == dict(checksums(snapshot))["matches.parquet"]


def test_a_changed_profile_encodes_only_its_changed_text(
    first_night: tuple[Path, Settings], copied: Home, tmp_path: Path
) -> None:
    folder, _ = first_night
    bio = pl.when(pl.col("userId") == 7).then(pl.lit("새로 쓴 소개예요.")).otherwise(pl.col("bio"))
    source = changed(folder / "profiles.parquet", tmp_path / "new.parquet", bio=bio)
    run = embed_only(copied(source))
    assert run.result(EmbedResult).encoded == 1
    assert not run.folder.exists()


def test_a_night_without_changes_takes_the_published_lists_over(
    first_night: tuple[Path, Settings], copied: Home
) -> None:
    folder, first = first_night
    snapshot = nightly(copied(folder / "profiles.parquet"))
    stages = read_manifest(snapshot).stages
    assert stages.recompute.path == "unchanged"
    assert stages.recompute.scored_pairs == {"general": 0, "friend": 0, "couple": 0}
    assert stages.chroma.path == "unchanged"
    before = read_manifest(published_snapshot(first.home)).stages.recompute
    assert stages.recompute.matches == before.matches


def test_a_changed_user_takes_the_incremental_path_to_the_lists_of_a_full_one(
    first_night: tuple[Path, Settings], copied: Home, tmp_path: Path
) -> None:
    folder, _ = first_night
    religion = pl.when(pl.col("userId") == 7).then(pl.lit("BUDDHISM")).otherwise(pl.col("religion"))
    source = changed(folder / "profiles.parquet", tmp_path / "new.parquet", religion=religion)
    settings = copied(source)
    step, full = recompute_only(settings), recompute_only(settings, full=True)
    results = [read_manifest(snapshot).stages.recompute for snapshot in (step, full)]
    assert [(t.path, t.why.split(" since")[0]) for t in results] == [
        ("incremental", "1 users new or changed, 0 gone"),
        ("full", "requested"),
    ]
    files = dict(checksums(step)), dict(checksums(full))
    assert files[0]["matches.parquet"] == files[1]["matches.parquet"]


def test_an_on_demand_run_brings_a_registration_into_the_lists(
    first_night: tuple[Path, Settings], copied: Home
) -> None:
    folder, _ = first_night
    source = folder / "profiles.parquet"
    settings = copied(source)
    profile = pl.read_parquet(source).row(4, named=True) | {"userId": 987_654}
    with Intake(settings.home) as intake:
        intake.apply([Request("register", 987_654, profile=profile)], lambda _: False)
    snapshot = on_demand(settings)
    stages = read_manifest(snapshot).stages
    assert stages.recompute.path == "incremental"
    assert (stages.chroma.path, stages.chroma.delta_users) == ("delta", 1)
    twin = int(pl.read_parquet(source)["userId"][4])
    reader = ServingReader(snapshot)
    assert twin in reader.match_ids("general", 987_654, 3)
    assert 987_654 in reader.match_ids("general", twin, 3)
    full = recompute_only(settings, full=True)
    files = dict(checksums(snapshot)), dict(checksums(full))
    assert all(files[0][name] == files[1][name] for name in DETERMINISTIC)


def test_another_policy_matches_everyone_anew(
    first_night: tuple[Path, Settings], copied: Home
) -> None:
    folder, _ = first_night
    settings = copied(folder / "profiles.parquet")
    other = settings.policy.model_copy(update={"k": 7})
    snapshot = recompute_only(settings.model_copy(update={"policy": other}))
    results = read_manifest(snapshot).stages.recompute
    assert results.path == "full"
    assert results.why.startswith("the policy changed since")


def test_damaged_lists_of_the_previous_run_are_reported_and_replaced(
    first_night: tuple[Path, Settings], copied: Home
) -> None:
    folder, _ = first_night
    settings = copied(folder / "profiles.parquet")
    lists = published_snapshot(settings.home) / "neighbours.parquet"
    lists.write_bytes(lists.read_bytes()[:1000])
    results = read_manifest(recompute_only(settings)).stages.recompute
    assert results.path == "full"
    assert "neighbours.parquet: cannot be read as Parquet" in results.why


def test_recompute_and_explain_publish_by_themselves(
    first_night: tuple[Path, Settings], copied: Home
) -> None:
    folder, _ = first_night
    settings = copied(folder / "profiles.parquet")
    recomputed = recompute_only(settings)
    explained = explain_only(settings)
    assert published_snapshot(settings.home) == explained
    assert corrupt_files(recomputed) == []
    assert corrupt_files(explained) == []
    files = dict(checksums(recomputed)), dict(checksums(explained))
    assert all(files[0][name] == files[1][name] for name in DETERMINISTIC)


def test_explaining_matches_of_another_policy_is_refused(
    first_night: tuple[Path, Settings], copied: Home
) -> None:
    folder, _ = first_night
    settings = copied(folder / "profiles.parquet")
    policy = settings.policy.model_copy(update={"k": 7})
    with pytest.raises(SnapshotError, match="hertz recompute"):
        explain_only(settings.model_copy(update={"policy": policy}))


def test_explaining_before_the_first_night_is_refused(
    tmp_path: Path, first_night: tuple[Path, Settings]
) -> None:
    with pytest.raises(SnapshotError, match="no snapshot published yet"):
        explain_only(settings_for(tmp_path, first_night[0] / "profiles.parquet"))


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("one user", pl.col("userId") == 1),
        ("nobody meets", pl.col("userId") <= 2),
    ],
)
def test_a_night_without_a_pair_publishes_empty_lists(
    first_night: tuple[Path, Settings], copied: Home, tmp_path: Path, name: str, expression: pl.Expr
) -> None:
    folder, _ = first_night
    few = pl.read_parquet(folder / "profiles.parquet").filter(expression)
    domains = pl.concat_str(pl.lit("d"), "userId", pl.lit(".example"))
    few.with_columns(emailDomain=domains).write_parquet(tmp_path / "few.parquet")
    counts = read_manifest(nightly(copied(tmp_path / "few.parquet"))).counts
    assert counts.users == len(few)
    assert set(counts.matches.values()) == {0}
    assert set(counts.eligible_pairs.values()) == {0}


def test_all_equal_users_are_listed_by_id(
    first_night: tuple[Path, Settings], copied: Home, tmp_path: Path
) -> None:
    folder, _ = first_night
    one = (
        pl.read_parquet(folder / "profiles.parquet")
        .head(1)
        .with_columns(blockedUserIds=pl.lit([], dtype=pl.List(pl.Int64)))
    )
    same = pl.concat([one] * 60).with_columns(userId=pl.int_range(1, 61))
    same.write_parquet(tmp_path / "same.parquet")
    matches = pl.read_parquet(nightly(copied(tmp_path / "same.parquet")) / "matches.parquet")
    listed = matches.filter(category="friend", user_id=30)["other_id"].to_list()
    assert listed == [i for i in range(1, 61) if i != 30][:50]


def test_bad_rows_are_quarantined_and_the_rest_goes_on(
    first_night: tuple[Path, Settings], copied: Home, tmp_path: Path
) -> None:
    folder, _ = first_night
    gender = pl.when(pl.col("userId") == 5).then(pl.lit("XX")).otherwise(pl.col("gender"))
    source = changed(folder / "profiles.parquet", tmp_path / "bad.parquet", gender=gender)
    snapshot = nightly(copied(source))
    bad = pl.read_parquet(snapshot / "quarantine.parquet").row(0, named=True)
    assert (bad["row"], bad["user_id"], bad["field"]) == (5, "5", "gender")
    assert "MALE" in bad["reason"]
    assert read_manifest(snapshot).counts.users == 39


def test_no_valid_row_at_all_publishes_nothing(
    first_night: tuple[Path, Settings], copied: Home, tmp_path: Path
) -> None:
    folder, _ = first_night
    source = changed(folder / "profiles.parquet", tmp_path / "x.parquet", gender=pl.lit("XX"))
    settings = copied(source)
    before = published_snapshot(settings.home)
    with pytest.raises(SourceError, match="not one of 40 rows"):
        nightly(settings)
    assert published_snapshot(settings.home) == before


def test_a_model_that_cannot_be_loaded_leaves_the_old_snapshot(
    first_night: tuple[Path, Settings], copied: Home, tmp_path: Path
) -> None:
    folder, _ = first_night
    settings = copied(folder / "profiles.parquet")
    before = published_snapshot(settings.home)
    (tmp_path / "no-model").mkdir()
    embedding = settings.embedding.model_copy(update={"model": str(tmp_path / "no-model")})
    with pytest.raises(ModelError, match="no-model"):
        nightly(settings.model_copy(update={"embedding": embedding}))
    assert published_snapshot(settings.home) == before


@pytest.mark.parametrize("fault", ["prepare.written", "recompute.written", "explain.written"])
def test_a_killed_night_leaves_the_old_snapshot_and_the_next_one_clears_up(
    first_night: tuple[Path, Settings], copied: Home, tmp_path: Path, fault: str
) -> None:
    folder, _ = first_night
    settings = copied(folder / "profiles.parquet")
    before = published_snapshot(settings.home)
    kill_at(fault, NIGHT, tmp_path / "hertz.toml", settings.home, settings.source.path)
    assert list((settings.home / "snapshots").glob(".building-*"))
    assert published_snapshot(settings.home) == before
    assert corrupt_files(before) == []
    after = nightly(settings)
    assert published_snapshot(settings.home) == after
    assert not list((settings.home / "snapshots").glob(".building-*"))
