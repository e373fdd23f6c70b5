"""The run history outlives the snapshots and contains no user's id."""

from __future__ import annotations

from pathlib import Path

import pytest

from hertz.reports.figures import ExposedUser
from hertz.reports.runs import RunRecord
from hertz.storage.erasure.scan import scan_home
from hertz.storage.snapshot import history
from hertz.storage.snapshot.history import (
    ERASED_REASON,
    FOLDER,
    erase_from_history,
    failure_of,
    is_recorded,
    list_runs,
    record_of,
    write_record,
)
from tests.storage.manifests import manifest_of, recorded_manifest

RUN_2 = failure_of("run-2", "first line\nsecond line")


def published(run_id: str = "run-1", most_exposed: int = 987_654_321) -> RunRecord:
    """Returns the record of a run in which one user is on many lists."""
    manifest = manifest_of(run_id)
    exposed = ExposedUser(user_id=most_exposed, lists=4)
    lists = {"most_exposed": (exposed,)}
    quality = manifest.quality
    categories = {name: p.model_copy(update=lists) for name, p in quality.categories.items()}
    overall = quality.overall.model_copy(update=lists)
    update = {"overall": overall, "categories": categories}
    return record_of(
        manifest.model_copy(update={"quality": quality.model_copy(update=update)}), "published"
    )


def test_runs_come_oldest_first_with_counts_seconds_and_reason(tmp_path: Path) -> None:
    write_record(tmp_path, RUN_2)
    write_record(tmp_path, published())
    first, second = list_runs(tmp_path)
    assert [first.run_id, second.run_id] == ["run-1", "run-2"]
    stages = recorded_manifest().stages
    assert first.seconds == stages.seconds
    assert first.total_seconds == pytest.approx(sum(stages.seconds.values()))
    assert first.counts == recorded_manifest().counts
    assert second.counts is None
    assert (second.outcome, second.reason) == ("failed", "first line")
    assert [run.run_id for run in list_runs(tmp_path, last=1)] == ["run-2"]


def test_no_id_is_written_down(tmp_path: Path) -> None:
    write_record(tmp_path, published())
    (run,) = list_runs(tmp_path)
    assert run.quality
    assert run.quality.overall.coverage == recorded_manifest().quality.overall.coverage
    assert run.quality.overall.most_exposed is None
    assert "987654321" not in (tmp_path / FOLDER / "run-1.json").read_text()
    assert "most_exposed" not in (tmp_path / FOLDER / "run-1.json").read_text()


def test_a_missing_history_is_empty_and_unreadable_files_are_left_out(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == []
    write_record(tmp_path, published())
    for name, text in (("run-0", "{"), ("run-2", "[1]"), ("run-3", '{"run_id": "other"}')):
        (tmp_path / "history" / f"{name}.json").write_text(text)
    assert [run.run_id for run in list_runs(tmp_path)] == ["run-1"]


def test_only_the_newest_records_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "KEPT", 3)
    for number in range(5):
        write_record(tmp_path, published(f"run-{number}"))
    assert [run.run_id for run in list_runs(tmp_path)] == ["run-2", "run-3", "run-4"]
    assert not is_recorded(tmp_path, "run-1")


def test_a_reason_that_names_somebody_forgotten_is_erased(tmp_path: Path) -> None:
    write_record(tmp_path, failure_of("run-1", "row 3: userId = 987654321: an integer is accepted"))
    write_record(
        tmp_path, failure_of("run-2", "row 3: userId = 9876543210: an integer is accepted")
    )
    assert scan_home(tmp_path, 987_654_321).findings
    assert erase_from_history(tmp_path, {987_654_321, 5}) == {987_654_321: 1, 5: 0}
    first, second = list_runs(tmp_path)
    assert first.reason == ERASED_REASON
    assert "9876543210" in second.reason
    assert scan_home(tmp_path, 987_654_321).findings == []


def test_a_count_is_no_user(tmp_path: Path) -> None:
    write_record(tmp_path, published())
    users = recorded_manifest().counts.users
    assert scan_home(tmp_path, users).findings == []
