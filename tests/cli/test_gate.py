"""`hertz publish`, `cleanup`, `runs` and `status` of a home with a held run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hertz.core.errors import GateError
from hertz.policy.model import Gate, Policy
from hertz.storage.snapshot.snapshots import list_snapshots, published_snapshot
from tests.api.profiles import profile
from tests.cli import commands
from tests.cli.commands import Done
from tests.stages.small_nights import small_night, small_settings, write_source


def hertz(home: Path, *arguments: str) -> Done:
    return commands.hertz(*arguments, "--home", home)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, service_policy: Policy) -> Path:
    """Two published nights, and one that lost half of its users and is held."""
    folder = tmp_path_factory.mktemp("gate")
    gate = Gate(users_lost=0.2, churn=1, score_shift=1, smallest=0)
    policy = service_policy.model_copy(update={"gate": gate})
    settings = small_settings(folder / "home", folder / "source.jsonl", policy)
    for users in (20, 20, 10):
        write_source(folder / "source.jsonl", [profile(user) for user in range(1, users + 1)])
        if users == 20:
            small_night(settings)
    with pytest.raises(GateError):
        small_night(settings)
    return settings.home


def test_status_shows_the_held_run(home: Path) -> None:
    found = json.loads(hertz(home, "status", "--json").stdout)
    assert found["held"]["reason"] == "users_lost = 0.5: at most 0.2 is accepted"
    assert Path(found["held"]["report"]).is_file()
    assert Path(found["report"]).is_file()
    assert "users_lost" in hertz(home, "status").stdout


def test_runs_lists_how_each_ended(home: Path) -> None:
    found = json.loads(hertz(home, "runs", "--json").stdout)
    assert [run["outcome"] for run in found] == ["published", "published", "held"]
    assert len(json.loads(hertz(home, "runs", "--json", "--last", "1").stdout)) == 1
    shown = hertz(home, "runs").stdout
    assert all(word in shown for word in ("published", "held", "95.0 %"))


def test_cleanup_shows_what_was_removed_and_kept(home: Path) -> None:
    older, newer = (snapshot.name for snapshot in list_snapshots(home))
    done = json.loads(hertz(home, "cleanup", "--keep", "1", "--json").stdout)
    assert done["removed"] == [older]
    assert done["kept"][0] == newer
    assert "removed: none" in hertz(home, "cleanup").stdout


def test_publish_shows_the_reason_and_with_force_publishes(home: Path) -> None:
    run_id = json.loads(hertz(home, "status", "--json").stdout)["held"]["run_id"]
    refused = hertz(home, "publish", run_id)
    assert refused.returncode == 1
    assert "users_lost = 0.5" in refused.stderr
    assert "--force" in refused.stderr
    done = hertz(home, "publish", "--force", run_id)
    assert (done.returncode, done.stdout) == (0, f"published: {run_id}\n")
    assert published_snapshot(home).name == run_id
    assert json.loads(hertz(home, "status", "--json").stdout)["held"] is None
    assert "forced" in hertz(home, "runs").stdout
    again = hertz(home, "publish", "--force", "nonsense")
    assert again.returncode == 1
    assert "'nonsense' is not held; held: none" in again.stderr
