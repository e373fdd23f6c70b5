"""Vectors of unused models are removed; those of any kept snapshot stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hertz.policy.model import Policy
from hertz.stages.cleanup import cleanup, drop_unused_vectors
from hertz.stages.embed import open_encoder
from hertz.storage.embeddings import EmbeddingStore
from hertz.storage.settings import Settings
from hertz.storage.snapshot.snapshots import current_snapshot, list_snapshots, rollback
from tests.api.profiles import profile
from tests.stages.small_nights import IDENTITY, small_night, small_settings, write_source


@pytest.fixture
def settings(tmp_path: Path, service_policy: Policy) -> Settings:
    source = write_source(tmp_path / "people.jsonl", [profile(i) for i in range(1, 7)])
    return small_settings(tmp_path / "home", source, service_policy)


def store(settings: Settings, identity: str) -> Path:
    found = EmbeddingStore(settings.home, identity)
    found.add(["a" * 64], np.ones((1, 4), dtype=np.float32))
    return found.folder


def test_vectors_of_kept_snapshots_and_of_the_configured_model_stay(settings: Settings) -> None:
    small_night(settings)
    made_with = EmbeddingStore(settings.home, IDENTITY).folder
    configured = store(settings, open_encoder(settings).identity)
    unused = store(settings, '{"model": "of last year"}')
    assert drop_unused_vectors(settings) == [unused.name]
    assert made_with.exists()
    assert configured.exists()


def test_no_vectors_are_removed_while_a_kept_manifest_is_unreadable(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    older, kept, _ = [small_night(settings) for _ in range(3)]
    unused = store(settings, '{"model": "of last year"}')
    manifest = kept / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:100])
    cleaned = cleanup(settings, keep=2)
    assert cleaned.removed == [older.name]
    assert cleaned.vectors == []
    assert unused.exists()
    assert EmbeddingStore(settings.home, IDENTITY).folder.exists()
    assert f"{manifest}: damaged" in caplog.text


def test_cleanup_keeps_the_newest_and_what_is_published(settings: Settings) -> None:
    nights = [small_night(settings) for _ in range(3)]
    rollback(settings.home, nights[0].name)
    cleaned = cleanup(settings, keep=1)
    assert cleaned.removed == [nights[1].name]
    assert cleaned.vectors == []
    assert list_snapshots(settings.home) == [nights[0], nights[2]]
    assert current_snapshot(settings.home) == nights[0]
