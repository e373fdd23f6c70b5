"""A damaged snapshot does not stop an erasure: it is removed, and the receipt says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from hertz.core.errors import StorageError
from hertz.policy.model import Policy
from hertz.stages.forget import forget, verify
from hertz.storage.settings import Settings
from hertz.storage.snapshot.snapshots import list_snapshots
from tests.stages.forgettable import OTHERS, RARE, settings_in, two_nights


@pytest.fixture
def settings(tmp_path: Path, service_policy: Policy) -> Settings:
    return settings_in(two_nights(tmp_path, service_policy, chroma=False), service_policy)


@pytest.mark.parametrize("name", ["users.parquet", "matches.parquet", "manifest.json"])
def test_an_older_damaged_snapshot_is_removed(settings: Settings, name: str) -> None:
    older, newest = list_snapshots(settings.home)
    path = older / name
    path.write_bytes(path.read_bytes()[:100])
    receipt = forget(settings, RARE)
    assert list_snapshots(settings.home) == [newest]
    notes = {line["store"]: line["note"] for line in receipt.stores}
    assert notes[f"snapshots/{older.name}"].startswith("removed whole")
    assert not verify(settings, RARE).findings


def test_a_whole_snapshot_stays(settings: Settings) -> None:
    kept = list_snapshots(settings.home)
    forget(settings, OTHERS[0])
    assert list_snapshots(settings.home) == kept


def test_the_published_one_stays_and_the_error_names_it(settings: Settings) -> None:
    newest = list_snapshots(settings.home)[-1]
    path = newest / "users.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(StorageError, match=newest.name):
        forget(settings, RARE)
    assert list_snapshots(settings.home)[-1] == newest
