"""Retries, errors without values, and waiting for the home: what every flow has."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prefect.states import Failed

from hertz.core.errors import LockedError, SourceError
from hertz.flows.support.run_stages import (
    UNREACHABLE,
    BugError,
    is_worth_a_retry,
    stage_task,
    without_error_values,
)
from hertz.flows.support.wait_for_home import once_free, wait_until_free
from hertz.policy.model import Policy
from hertz.stages.prepare import prepare
from hertz.stages.recompute import recompute
from hertz.stages.run import Run
from hertz.storage.disk import holder_of
from hertz.storage.settings import Settings, SourceSettings, StorageSettings
from hertz.storage.snapshot.snapshots import locked_home
from tests.conftest import ROOT


def run_of(policy: Policy, home: Path, **source: str) -> Run:
    settings = Settings(
        policy=policy, source=SourceSettings(**source), storage=StorageSettings(home=home)
    )
    return Run("20261122T170000Z-1a2b", settings, home)


def test_only_reading_a_database_is_tried_again(service_policy: Policy, tmp_path: Path) -> None:
    from_database = run_of(service_policy, tmp_path, query="select 1")
    from_file = run_of(service_policy, tmp_path, path="members.parquet")
    assert stage_task(prepare, from_database).retries == 2
    assert stage_task(prepare, from_database).retry_jitter_factor
    assert stage_task(prepare, from_file).retries == 0
    assert stage_task(recompute, from_database).retries == 0


def test_it_is_tried_again_only_if_it_could_not_be_reached(
    service_policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_of(service_policy, tmp_path, query="select 1")
    monkeypatch.setenv("HERTZ_DATABASE_URL", "sqlite:////nowhere/at/all.db")
    unreachable = stage_task(prepare, run).fn()
    monkeypatch.delenv("HERTZ_DATABASE_URL")
    unset = stage_task(prepare, run).fn()
    assert unreachable is not None
    assert unset is not None
    assert unreachable.name == UNREACHABLE
    assert is_worth_a_retry(None, None, unreachable)
    assert "HERTZ_DATABASE_URL" in str(unset.message)
    assert not is_worth_a_retry(None, None, unset)
    assert not is_worth_a_retry(None, None, Failed())


def test_an_unforeseen_error_is_described_without_its_message() -> None:
    with pytest.raises(BugError) as raised, without_error_values():
        {}["bio of somebody"]
    message = str(raised.value)
    assert re.search(r"KeyError at .*test_run\.py:\d+", message)
    assert "somebody" not in message
    assert raised.value.__suppress_context__


def test_our_own_errors_pass_as_they_are() -> None:
    message = "members.parquet: no such file"
    with pytest.raises(SourceError, match=message), without_error_values():
        raise SourceError(message)


def test_a_waiting_run_goes_on_when_the_home_is_free(tmp_path: Path) -> None:
    held, free = threading.Event(), threading.Event()

    def hold() -> None:
        with locked_home(tmp_path, "first"):
            held.set()
            free.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(30)
    with pytest.raises(LockedError, match="held by run first"):
        once_free(lambda: locked_home(tmp_path, "second").__enter__(), longest=-1)
    free.set()
    wait_until_free(tmp_path)
    other.join()


def test_the_lock_of_a_killed_run_is_free_and_the_next_holder_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from hertz.storage.snapshot.snapshots import locked_home\n"
        "with locked_home(Path(sys.argv[1]), 'killed'): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert holder_of(tmp_path) == "killed"
        holder.send_signal(signal.SIGKILL)
    assert (tmp_path / "holder").read_text() == "killed"  # it could not clear it
    assert holder_of(tmp_path) == ""
    with locked_home(tmp_path, "next"):
        assert holder_of(tmp_path) == "next"
