"""Explanations reused from the published snapshot are those that a full night would write."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from hertz.cli.sample.sample import make_sample
from hertz.policy.model import Policy
from hertz.policy.profiles import validate_profiles
from hertz.stages.explain import tasks as module
from hertz.stages.explain.explain import explain
from hertz.stages.run import Run
from hertz.storage.files import write_frame
from hertz.storage.settings import Settings
from hertz.storage.snapshot.snapshots import current_snapshot, new_folder, publish
from hertz.storage.snapshot.stage_results import ExplainResult
from tests.nights import settings_for
from tests.storage.manifests import manifest_of, recorded_manifest
from tests.storage.runs import random_frames

USERS = 30


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "home" / "snapshots").mkdir(parents=True)
    return settings_for(tmp_path, tmp_path / "none.parquet")


@pytest.fixture(scope="module")
def profiles(service_policy: Policy) -> pl.DataFrame:
    return validate_profiles(service_policy, make_sample(USERS, 5, service_policy)).profiles


def night(settings: Settings, profiles: pl.DataFrame, name: str, seed: int = 0) -> Run:
    """Explains random matches of the profiles, and publishes them."""
    run = Run(name, settings, new_folder(settings.home, name))
    matches = random_frames(settings.policy, profiles["user_id"].to_list(), seed=seed).matches
    write_frame(profiles, run.folder / "users.parquet")
    write_frame(matches, run.folder / "matches.parquet")
    explain(run)
    stages = recorded_manifest().stages.model_copy(update={"explain": run.result(ExplainResult)})
    manifest = manifest_of(name, settings.policy, stages=stages)
    publish(settings.home, run.folder, manifest, keep=9)
    return run


def published_explanations(settings: Settings) -> pl.DataFrame:
    snapshot = current_snapshot(settings.home)
    assert snapshot is not None
    return pl.read_parquet(snapshot / "explanations.parquet")


def afresh(settings: Settings, folder: Path, profiles: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Returns the explanations that a new home writes."""
    other = settings.storage.model_copy(update={"home": folder / "other"})
    (folder / "other" / "snapshots").mkdir(parents=True)
    new = settings.model_copy(update={"storage": other})
    assert night(new, profiles, "only", seed).result(ExplainResult).carried_over == 0
    return published_explanations(new)


def test_the_same_night_again_writes_nothing(settings: Settings, profiles: pl.DataFrame) -> None:
    night(settings, profiles, "1")
    first = published_explanations(settings)
    run = night(settings, profiles, "2")
    assert run.result(ExplainResult).carried_over == len(first) > 0
    assert published_explanations(settings).equals(first)


def test_changed_profiles_and_matches_give_what_a_full_night_gives(
    settings: Settings, profiles: pl.DataFrame, tmp_path: Path
) -> None:
    night(settings, profiles, "1", seed=1)
    changed = profiles.with_columns(
        MBTI=pl.when(pl.col("user_id") == 7).then(pl.lit(None)).otherwise("MBTI"),
        hobbies=pl.when(pl.col("user_id") == 9).then([]).otherwise("hobbies"),
    ).filter(pl.col("user_id") != 11)
    run = night(settings, changed, "2", seed=2)
    found = published_explanations(settings)
    assert 0 < run.result(ExplainResult).carried_over < len(found)
    assert found.equals(afresh(settings, tmp_path, changed, seed=2))


def test_another_template_or_policy_takes_nothing_over(
    settings: Settings, profiles: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(settings, profiles, "1")
    policy = settings.policy.model_copy(update={"k": 7})
    other = settings.model_copy(update={"policy": policy})
    assert night(other, profiles, "2").result(ExplainResult).carried_over == 0
    monkeypatch.setattr(module, "TEMPLATE_VERSION", "another")
    assert night(other, profiles, "3").result(ExplainResult).carried_over == 0


def test_a_damaged_snapshot_is_logged_and_everything_written_anew(
    settings: Settings, profiles: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    night(settings, profiles, "1")
    first = published_explanations(settings)
    snapshot = current_snapshot(settings.home)
    assert snapshot is not None
    (snapshot / "explanations.parquet").write_bytes(b"damaged")
    run = night(settings, profiles, "2")
    assert run.result(ExplainResult).carried_over == 0
    assert "no explanation is taken over" in caplog.text
    assert published_explanations(settings).equals(first)
