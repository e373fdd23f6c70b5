"""The gate holds a run outside its limits; the old snapshot serves, and a person may publish it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hertz.core.errors import GateError, LockedError, SourceError
from hertz.core.interface_texts.catalogue import text
from hertz.policy.model import Gate, Policy
from hertz.stages.cleanup import cleanup
from hertz.stages.forget import forget
from hertz.stages.prepare import prepare
from hertz.stages.publish import publish_anyway, publish_run
from hertz.stages.run import open_run
from hertz.storage.files import read_frame
from hertz.storage.intake.queue import Intake
from hertz.storage.settings import Settings
from hertz.storage.snapshot.history import FOLDER, list_runs
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import (
    HELD,
    corrupt_files,
    list_held,
    list_snapshots,
    locked_home,
    published_snapshot,
    rollback,
)
from tests.api.profiles import profile
from tests.faults import kill_at
from tests.stages.small_nights import finish, small_night, small_settings, write_source

STRICT = Gate(users_lost=0.2, churn=1.0, score_shift=1.0, smallest=0)


def source(folder: Path, users: int, first: int = 1) -> Path:
    rows = [profile(user, bio=f"소개 {user}") for user in range(first, first + users)]
    return write_source(folder / "source.jsonl", rows)


@pytest.fixture
def settings(tmp_path: Path, service_policy: Policy) -> Settings:
    """A home that loses no more than a fifth of its users, before its first night."""
    policy = service_policy.model_copy(update={"gate": STRICT})
    return small_settings(tmp_path / "home", source(tmp_path, 20), policy)


@pytest.fixture
def outside(settings: Settings, tmp_path: Path) -> tuple[Settings, str]:
    """The home after a good run and one that lost half of the users, and the reason of the gate."""
    small_night(settings)
    source(tmp_path, 10)
    with pytest.raises(GateError) as caught:
        small_night(settings)
    return settings, str(caught.value)


def outcomes(home: Path) -> list[str]:
    return [run.outcome for run in list_runs(home)]


def test_a_first_night_is_published_and_names_what_it_could_not_compare(
    settings: Settings,
) -> None:
    snapshot = small_night(settings)
    quality = read_manifest(snapshot).quality
    assert quality.last is None
    open_ = {check.figure for check in quality.gate if check.why == "first_run"}
    assert open_ == {"users_lost", "churn", "score_shift"}
    assert outcomes(settings.home) == ["published"]


def test_the_report_is_part_of_the_snapshot(settings: Settings) -> None:
    snapshot = small_night(settings)
    manifest = read_manifest(snapshot)
    assert "report.html" in manifest.files
    assert corrupt_files(snapshot) == []
    assert manifest.run_id in (snapshot / "report.html").read_text(encoding="utf-8")
    assert manifest.stages.report.seconds > 0
    (run,) = list_runs(settings.home)
    assert run.seconds.keys() == manifest.stages.seconds.keys()
    assert "most_exposed" not in run.model_dump_json()


def test_a_second_night_is_compared_with_the_first(settings: Settings, tmp_path: Path) -> None:
    first = small_night(settings)
    source(tmp_path, 20, first=2)
    last = read_manifest(small_night(settings)).quality.last
    assert last.run_id == first.name
    assert (last.users_lost, last.users_new, last.lost_share) == (1, 1, 0.05)
    assert set(last.scores) == set(settings.policy.categories)


def test_a_run_outside_is_held_and_its_first_line_is_the_reason(
    outside: tuple[Settings, str],
) -> None:
    settings, message = outside
    (held,) = list_held(settings.home)
    run_id = held.name.removeprefix(HELD)
    (serving,) = list_snapshots(settings.home)
    assert message.splitlines()[0] == (
        f"run {run_id} is held, not published: users_lost = 0.5: at most 0.2 is accepted"
    )
    assert text("report_why_users_lost", "en") in message
    assert f"{serving.name} goes on serving" in message
    assert f"hertz publish --force {run_id}" in message
    assert published_snapshot(settings.home) == serving
    assert corrupt_files(held) == []
    first, second = list_runs(settings.home)
    assert (first.outcome, second.outcome) == ("published", "held")
    assert second.reason == "users_lost = 0.5: at most 0.2 is accepted"


def test_after_a_look_a_person_may_publish_it(outside: tuple[Settings, str]) -> None:
    settings, _ = outside
    run_id = list_runs(settings.home)[-1].run_id
    snapshot = publish_anyway(settings, run_id)
    assert published_snapshot(settings.home) == snapshot
    assert len(read_frame(snapshot / "users.parquet")) == 10
    assert list_held(settings.home) == []
    last = list_runs(settings.home)[-1]
    assert (last.outcome, last.forced) == ("published", True)
    assert "users_lost" in last.reason
    small_night(settings)  # the next night is compared with what a person has accepted
    assert outcomes(settings.home) == ["published"] * 3


def test_nothing_is_forced_while_a_run_holds_the_home(outside: tuple[Settings, str]) -> None:
    settings, _ = outside
    run_id = list_runs(settings.home)[-1].run_id
    with locked_home(settings.home, "run-9"), pytest.raises(LockedError):
        publish_anyway(settings, run_id)
    assert len(list_held(settings.home)) == 1


def test_a_mended_run_is_published_and_removes_the_held_one(
    outside: tuple[Settings, str], tmp_path: Path
) -> None:
    settings, _ = outside
    source(tmp_path, 20)
    small_night(settings)
    assert list_held(settings.home) == []
    assert outcomes(settings.home) == ["published", "held", "published"]


def test_a_wider_gate_lets_it_through_under_the_same_policy_hash(
    outside: tuple[Settings, str],
) -> None:
    settings, _ = outside
    before = read_manifest(published_snapshot(settings.home)).policy_hash
    wide = settings.policy.model_copy(update={"gate": Gate(users_lost=1, churn=1, score_shift=1)})
    snapshot = small_night(settings.model_copy(update={"policy": wide}))
    assert read_manifest(snapshot).policy_hash == before


def test_another_policy_excuses_other_lists(settings: Settings) -> None:
    small_night(settings)
    other = settings.policy.model_copy(update={"name": "other", "gate": Gate(churn=0, smallest=0)})
    snapshot = small_night(settings.model_copy(update={"policy": other}))
    quality = read_manifest(snapshot).quality
    assert quality.last.incomparable == "policy_changed"
    why = {check.figure: check.why for check in quality.gate}
    assert why["churn"] == why["score_shift"] == "policy_changed"


def test_a_failed_run_is_remembered_with_its_first_line(settings: Settings, tmp_path: Path) -> None:
    small_night(settings)
    write_source(tmp_path / "source.jsonl", [profile(1, gender="XX")])
    with pytest.raises(SourceError) as caught, open_run(settings) as run:
        prepare(run)
    last = list_runs(settings.home)[-1]
    assert (last.run_id, last.outcome) == (run.id, "failed")
    assert last.reason == str(caught.value).splitlines()[0]
    assert list(last.seconds) == ["prepare"]


def test_an_unforeseen_error_is_remembered_without_its_text(settings: Settings) -> None:
    with pytest.raises(ValueError, match="secret"), open_run(settings):
        int("a secret text")
    (run,) = list_runs(settings.home)
    assert run.reason == "ValueError; the run's log says more"


def test_snapshots_from_before_the_history_are_remembered(settings: Settings) -> None:
    first = small_night(settings)
    (settings.home / FOLDER / f"{first.name}.json").unlink()
    second = small_night(settings)
    assert [run.run_id for run in list_runs(settings.home)] == [first.name, second.name]


def test_an_older_snapshot_with_a_damaged_manifest_stops_no_night(settings: Settings) -> None:
    first = small_night(settings)
    small_night(settings)
    (settings.home / FOLDER / f"{first.name}.json").unlink()
    (first / "manifest.json").write_text("{", encoding="utf-8")
    third = small_night(settings)
    assert published_snapshot(settings.home) == third
    assert first.name not in [run.run_id for run in list_runs(settings.home)]


def test_after_a_published_manifest_of_another_version_a_night_publishes_anew(
    settings: Settings,
) -> None:
    first = small_night(settings)
    old = read_manifest(first).as_json() | {"schema_version": 99}
    (first / "manifest.json").write_text(json.dumps(old), encoding="utf-8")
    second = small_night(settings)
    assert published_snapshot(settings.home) == second
    assert read_manifest(second).quality.last is None


def test_cleanup_keeps_the_newest_and_the_published_snapshot(settings: Settings) -> None:
    nights = [small_night(settings).name for _ in range(3)]
    rollback(settings.home, nights[0])
    done = cleanup(settings, keep=1)
    assert (done.removed, done.kept) == ([nights[1]], [nights[0], nights[2]])
    assert done.freed_bytes > 0
    assert published_snapshot(settings.home).name == nights[0]
    assert len(list_runs(settings.home)) == 3, "the history stays"


def test_cleanup_removes_a_held_run_only_with_the_option(outside: tuple[Settings, str]) -> None:
    settings, _ = outside
    assert cleanup(settings).removed == []
    (held,) = list_held(settings.home)
    assert cleanup(settings, held=True).removed == [held.name]
    assert list_held(settings.home) == []


def test_who_asked_to_be_forgotten_during_a_held_run_is_erased_at_its_end(
    settings: Settings, tmp_path: Path
) -> None:
    small_night(settings)
    source(tmp_path, 10)
    with open_run(settings) as run:
        prepare(run)
        finish(run)
        with pytest.raises(LockedError, match="hidden already"):
            forget(settings, 3)
        with pytest.raises(GateError):
            publish_run(run)
    for folder in (*list_snapshots(settings.home), *list_held(settings.home)):
        assert 3 not in read_frame(folder / "users.parquet")["user_id"].to_list()
        assert corrupt_files(folder) == []
    with Intake(settings.home) as intake:
        assert intake.is_wiped


NIGHT = """
import sys
from pathlib import Path
from hertz.policy.model import Gate
from hertz.stages.publish import publish_anyway
from hertz.storage.settings import load_settings
from tests.stages.small_nights import small_night
settings = load_settings(Path("hertz.toml"), Path(sys.argv[1]), sys.argv[2])
gate = Gate(users_lost=0.2, churn=1, score_shift=1, smallest=0)
policy = settings.policy.model_copy(update={"gate": gate})
settings = settings.model_copy(update={"policy": policy})
publish_anyway(settings, sys.argv[3]) if sys.argv[3:] else small_night(settings)
"""


def kill_night(settings: Settings, fault: str, *held: str) -> None:
    """Kills a night, or the publication of a held run, at a fault point."""
    kill_at(fault, NIGHT, settings.home, settings.source.path, *held)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("publish.before_report", "failed"),
        ("snapshot.before_manifest", "failed"),
        ("history.before_record", "held"),
    ],
)
def test_killed_while_holding_the_old_snapshot_serves_and_the_next_run_goes_on(
    settings: Settings, tmp_path: Path, fault: str, outcome: str
) -> None:
    first = small_night(settings)
    source(tmp_path, 10)
    kill_night(settings, fault)
    assert published_snapshot(settings.home) == first
    source(tmp_path, 20)
    second = small_night(settings)
    assert published_snapshot(settings.home) == second
    assert outcomes(settings.home) == ["published", outcome, "published"]
    assert sorted(p.name for p in (settings.home / "snapshots").iterdir()) == [
        first.name,
        second.name,
    ]


@pytest.mark.parametrize(
    ("fault", "serves"), [("snapshot.after_current", True), ("history.before_record", True)]
)
def test_killed_while_forcing_a_whole_snapshot_serves_and_a_second_run_goes_on(
    outside: tuple[Settings, str], fault: str, serves: bool
) -> None:
    settings, _ = outside
    run_id = list_runs(settings.home)[-1].run_id
    kill_night(settings, fault, run_id)
    assert (published_snapshot(settings.home).name == run_id) == serves
    assert corrupt_files(published_snapshot(settings.home)) == []
    assert small_night(settings) == published_snapshot(settings.home)
