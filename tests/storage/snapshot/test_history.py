"""What became of every run outlives the snapshots, and names nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hertz.storage.erasure.scan import scan_home
from hertz.storage.snapshot import history
from hertz.storage.snapshot.history import (
    ERASED_REASON,
    erase_from_history,
    is_recorded,
    list_runs,
    record,
)

EXPOSED = {"most_exposed": [{"user_id": 987_654_321, "lists": 4}], "coverage": 0.9}
MANIFEST = {
    "created_at": "2026-11-22T17:00:00+00:00",
    "policy_hash": "abc",
    "counts": {"users": 12},
    "stages": {"prepare": {"seconds": 0.25}, "embed": {"seconds": 1.5, "model": "e5"}},
    "quality": {"overall": EXPOSED, "categories": {"friend": EXPOSED}},
}


def test_runs_come_oldest_first_with_counts_seconds_and_reason(tmp_path: Path) -> None:
    record(tmp_path, "run-2", "failed", "first line\nsecond line")
    record(tmp_path, "run-1", "published", manifest=MANIFEST)
    first, second = list_runs(tmp_path)
    assert [first["run_id"], second["run_id"]] == ["run-1", "run-2"]
    assert first["seconds"] == {"prepare": 0.25, "embed": 1.5}
    assert first["total_seconds"] == 1.75
    assert first["counts"] == {"users": 12}
    assert (second["outcome"], second["reason"]) == ("failed", "first line")
    assert [run["run_id"] for run in list_runs(tmp_path, last=1)] == ["run-2"]


def test_no_id_is_written_down(tmp_path: Path) -> None:
    record(tmp_path, "run-1", "published", manifest=MANIFEST)
    (run,) = list_runs(tmp_path)
    assert run["quality"]["overall"] == {"coverage": 0.9}
    assert "987654321" not in json.dumps(run)


def test_nothing_yet_and_what_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == []
    record(tmp_path, "run-1", "published")
    for name, text in (("run-0", "{"), ("run-2", "[1]"), ("run-3", '{"run_id": "other"}')):
        (tmp_path / "history" / f"{name}.json").write_text(text)
    assert [run["run_id"] for run in list_runs(tmp_path)] == ["run-1"]


def test_only_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", 3)
    for number in range(5):
        record(tmp_path, f"run-{number}", "published")
    assert [run["run_id"] for run in list_runs(tmp_path)] == ["run-2", "run-3", "run-4"]
    assert not is_recorded(tmp_path, "run-1")


def test_a_reason_that_names_somebody_forgotten_is_erased(tmp_path: Path) -> None:
    record(tmp_path, "run-1", "failed", "row 3: userId = 987654321: an integer is accepted")
    record(tmp_path, "run-2", "failed", "row 3: userId = 9876543210: an integer is accepted")
    assert scan_home(tmp_path, 987_654_321).findings
    assert erase_from_history(tmp_path, {987_654_321, 5}) == {987_654_321: 1, 5: 0}
    first, second = list_runs(tmp_path)
    assert first["reason"] == ERASED_REASON
    assert "9876543210" in second["reason"]
    assert scan_home(tmp_path, 987_654_321).findings == []


def test_a_count_is_no_user(tmp_path: Path) -> None:
    record(tmp_path, "run-1", "published", manifest=MANIFEST)
    assert scan_home(tmp_path, 12).findings == []
