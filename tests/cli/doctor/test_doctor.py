"""Findings of `hertz doctor`, and the fix of each fault."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hertz.cli.doctor.doctor import examine
from hertz.cli.doctor.finding import Finding
from hertz.policy.model import Policy
from hertz.storage.snapshot.snapshots import locked_home, new_folder, publish
from tests.nights import ROOT, write_policy, write_sample
from tests.storage.manifests import manifest_of


@pytest.fixture
def folder(tmp_path: Path, service_policy: Policy, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy file, a source and an empty home."""
    for name in ("PREFECT_API_URL", "HERTZ_API_KEYS", "HERTZ_API_KEYS_FILE", "HERTZ_HOME"):
        monkeypatch.delenv(name, raising=False)
    write_policy(tmp_path / "hertz.toml")
    write_sample(tmp_path / "profiles.parquet", service_policy, users=5)
    return tmp_path


def found_in(folder: Path, **changes: str) -> dict[str, Finding]:
    policy = folder / "hertz.toml"
    text = policy.read_text(encoding="utf-8")
    for old, new in changes.items():
        assert f"{old} = " in text
        lines = [f"{old} = {new}" if s.startswith(f"{old} = ") else s for s in text.splitlines()]
        text = "\n".join(lines)
    policy.write_text(text, encoding="utf-8")
    return examine(policy, folder / "home", str(folder / "profiles.parquet"))


def verdicts(folder: Path, **changes: str) -> dict[str, str]:
    return {name: found.verdict for name, found in found_in(folder, **changes).items()}


def test_a_whole_installation_has_no_fault(folder: Path) -> None:
    found = verdicts(folder)
    assert "fault" not in found.values()
    assert {"python", "torch", "vllm", "gpu", "policy", "source", "embedding model"} <= set(found)
    assert {"home", "disk", "lock", "last run", "gate", "api keys"} <= set(found)


def test_every_fault_and_warning_has_a_fix(folder: Path) -> None:
    (folder / "profiles.parquet").unlink()
    found = found_in(folder, host='"0.0.0.0"')
    assert found["source"].verdict == found["api keys"].verdict == "fault"
    wrong = [f for f in found.values() if f.verdict != "ok"]
    assert all(f.fix for f in wrong)


def test_a_wrong_policy_names_the_key_and_programs_are_still_checked(folder: Path) -> None:
    found = found_in(folder, keep="-1")
    assert "keep" in found["policy"].found
    assert found["policy"].verdict == "fault"
    assert found["python"].verdict == "ok"


def test_a_run_that_holds_the_home_is_named(folder: Path) -> None:
    with locked_home(folder / "home", "20261122T170000Z-test"):
        assert found_in(folder)["lock"].found == "held by run 20261122T170000Z-test"
    assert found_in(folder)["lock"].found == "no run holds the home"


def test_checking_changes_nothing_in_the_home(folder: Path) -> None:
    left = folder / "home/snapshots/.building-20261122T170000Z-dead"
    left.mkdir(parents=True)
    (folder / "home/lock").touch()
    before = sorted(folder.rglob("*"))
    found_in(folder)
    assert sorted(folder.rglob("*")) == before


def test_a_home_that_is_a_file_is_a_fault(folder: Path) -> None:
    (folder / "home").write_text("")
    assert verdicts(folder)["home"] == "fault"


def test_an_old_snapshot_is_a_warning(folder: Path) -> None:
    home, run_id = folder / "home", "20200101T000000Z-aaaa"
    with locked_home(home, run_id):
        manifest = manifest_of(run_id, created_at=datetime(2020, 1, 1, tzinfo=UTC))
        publish(home, new_folder(home, run_id), manifest, keep=3)
    found = found_in(folder)["last run"]
    assert found.verdict == "warning"
    assert run_id in found.found


def test_a_lost_snapshot_is_repaired_by_rollback(folder: Path) -> None:
    (folder / "home").mkdir()
    (folder / "home/CURRENT").write_text("20200101T000000Z-aaaa")
    assert "rollback" in found_in(folder)["last run"].found


def test_a_server_that_is_not_there_is_a_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    found = found_in(folder)["prefect server"]
    assert found.verdict == "fault"
    assert "make prefect" in found.fix


def test_the_command_prints_json_and_ends_with_the_verdict(folder: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "hertz.cli.main", "doctor", "--json"]
    command += ["--policy", str(folder / "hertz.toml"), "--home", str(folder / "home")]
    command += ["--source", str(folder / "missing.parquet")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert json.loads(done.stdout)["healthy"] is False
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines()}
    assert not imported & {"torch", "prefect", "vllm", "chromadb"}
