"""Output and exit codes of `hertz intake` and `hertz forget`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hertz.policy.model import Policy
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import Intake
from tests.api.profiles import profile
from tests.cli.commands import hertz, options
from tests.nights import write_policy
from tests.stages.small_nights import small_night, small_settings, write_source

RARE = 987_654_321


@pytest.fixture
def folder(tmp_path: Path, service_policy: Policy) -> Path:
    """A home after one night, with three events for the next run."""
    write_policy(tmp_path / "hertz.toml")
    rows = [profile(user) for user in (1, 2, 3, 4, RARE)]
    source = write_source(tmp_path / "source.jsonl", rows)
    small_night(small_settings(tmp_path / "home", source, service_policy))
    with Intake(tmp_path / "home") as intake:
        sent = [Request("register", user, profile=profile(user)) for user in (10, 11)]
        intake.apply([*sent, Request("block", 1, 2)], lambda user: user < 5)
    return tmp_path


def test_intake_shows_waiting_events_by_id_alone(folder: Path) -> None:
    shown = hertz("intake", *options(folder), "--json")
    found = json.loads(shown.stdout)
    assert found.pop("oldest_seconds") > 0
    assert found == {
        "waiting": 3,
        "published_sequence": 0,
        "last_sequence": 3,
        "by_kind": {"register": 2, "block": 1},
        "user_ids": {"register": [10, 11], "block": [1]},
    }
    table = hertz("intake", *options(folder)).stdout
    assert "register" in table
    assert "10, 11" in table
    assert "example.ac.kr" not in table


def test_nothing_waits_where_nothing_was_sent(tmp_path: Path) -> None:
    write_policy(tmp_path / "hertz.toml")
    shown = hertz("intake", *options(tmp_path))
    assert (shown.returncode, shown.stdout[:15]) == (0, "no event waits:")
    assert json.loads(hertz("intake", *options(tmp_path), "--json").stdout)["waiting"] == 0


def test_forget_ends_with_a_receipt_and_verify_finds_nothing(folder: Path) -> None:
    before = hertz("forget", "--verify", str(RARE), *options(folder))
    assert before.returncode == 1
    assert "users.parquet: column user_id" in before.stdout
    receipt = hertz("forget", str(RARE), *options(folder))
    assert receipt.returncode == 0, receipt.stderr
    assert "nothing found" in receipt.stdout
    assert str(RARE) not in receipt.stdout
    after = hertz("forget", "--verify", str(RARE), *options(folder), "--json")
    assert (after.returncode, json.loads(after.stdout)["found"]) == (0, [])
    again = json.loads(hertz("forget", "3", *options(folder), "--json").stdout)
    stores = {line["store"]: line["removed"] for line in again["stores"]}
    assert stores["intake"] == 1
    assert len(again["user"]) == 64
