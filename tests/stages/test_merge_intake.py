"""Merging the intake into the source gives each user of a run exactly one profile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hertz.core.errors import SourceError
from hertz.policy.model import Policy
from hertz.storage.files import read_frame
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import Intake
from hertz.storage.settings import Settings
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import published_snapshot, rollback
from tests.api.profiles import profile
from tests.faults import kill_at
from tests.stages.small_nights import small_night, small_settings, write_source


@pytest.fixture
def settings(tmp_path: Path, service_policy: Policy) -> Settings:
    """Returns settings with a source of the users 1 to 6."""
    rows = [profile(user, bio=f"bio {user}") for user in range(1, 7)]
    source = write_source(tmp_path / "source.jsonl", rows)
    return small_settings(tmp_path / "home", source, service_policy)


def send(settings: Settings, *requests: Request) -> None:
    with Intake(settings.home) as intake:
        outcomes = intake.apply(requests, lambda user: user <= 6)
    assert {outcome.verdict for outcome in outcomes} == {"done"}


def register(user: int, **changed: object) -> Request:
    return Request("register", user, profile=profile(user, **changed))


def update(user: int, **changed: object) -> Request:
    return Request("update", user, profile=profile(user, **changed))


def users(snapshot: Path) -> dict[int, dict[str, Any]]:
    rows = read_frame(snapshot / "users.parquet").to_dicts()
    return {row["user_id"]: row for row in rows}


def waiting(settings: Settings) -> list[int]:
    after = read_manifest(published_snapshot(settings.home)).intake_sequence
    with Intake(settings.home) as intake:
        return [event.user_id for event in intake.events(after)]


def test_without_events_the_source_is_all(settings: Settings) -> None:
    snapshot = small_night(settings)
    assert sorted(users(snapshot)) == [1, 2, 3, 4, 5, 6]
    assert read_manifest(snapshot).intake_sequence == 0


def test_the_latest_event_of_a_user_decides(settings: Settings) -> None:
    send(
        settings,
        register(1001, bio="first"),
        update(1001, bio="second"),
        update(3, bio="changed"),
        Request("delete", 4),
        register(1002),
        Request("delete", 1002),
        Request("delete", 5),
        register(5, bio="back"),
    )
    snapshot = small_night(settings)
    found = users(snapshot)
    assert sorted(found) == [1, 2, 3, 5, 6, 1001]
    assert [found[u]["bio"] for u in (1, 3, 5, 1001)] == ["bio 1", "changed", "back", "second"]
    manifest = read_manifest(snapshot)
    assert manifest.intake_sequence == 8
    assert manifest.counts.users == 6
    assert waiting(settings) == []


def test_events_stay_in_force_on_later_nights(settings: Settings) -> None:
    send(settings, register(1001), update(3, bio="changed"), Request("delete", 4))
    small_night(settings)
    found = users(small_night(settings))
    assert sorted(found) == [1, 2, 3, 5, 6, 1001]
    assert found[3]["bio"] == "changed"


def test_blocks_are_merged_and_taken_back(settings: Settings) -> None:
    send(
        settings,
        update(1, blockedUserIds=[2, 3]),
        Request("block", 1, 4),
        Request("unblock", 1, 3),
        Request("block", 2, 5),
        update(2, bio="a later profile does not lift a block"),
        Request("block", 6, 1),
        Request("unblock", 6, 1),
    )
    found = users(small_night(settings))
    assert [found[user]["blockedUserIds"] for user in (1, 2, 6)] == [[2, 4], [5], []]


def test_who_was_removed_is_in_nobody_s_list(settings: Settings, tmp_path: Path) -> None:
    rows = [profile(1, blockedUserIds=[2, 3]), profile(2), profile(3)]
    rows.append(profile(4, blockedUserIds=[3, "x"]))
    write_source(tmp_path / "source.jsonl", rows)
    send(settings, Request("delete", 3))
    snapshot = small_night(settings)
    assert users(snapshot)[1]["blockedUserIds"] == [2]
    bad = read_frame(snapshot / "quarantine.parquet").row(0, named=True)
    assert (bad["user_id"], bad["value"]) == ("4", "(erased)")


def test_a_source_that_changed_later_wins_if_it_says_when(
    settings: Settings, tmp_path: Path
) -> None:
    rows = [
        profile(1, bio="newer", updatedAt="2999-01-01T00:00:00Z"),
        profile(2, bio="older", updatedAt="2001-01-01T00:00:00Z"),
        profile(3, bio="unknown", updatedAt="yesterday"),
    ]
    write_source(tmp_path / "source.jsonl", rows)
    sent = [update(user, bio="sent") for user in (1, 2, 3)]
    send(settings, *sent)
    assert {row["bio"] for row in users(small_night(settings)).values()} == {"sent"}
    timed = settings.source.model_copy(update={"updated_at": "updatedAt"})
    found = users(small_night(settings.model_copy(update={"source": timed})))
    assert [found[user]["bio"] for user in (1, 2, 3)] == ["newer", "sent", "sent"]
    wrong = settings.source.model_copy(update={"updated_at": "changed"})
    with pytest.raises(SourceError, match="changed"):
        small_night(settings.model_copy(update={"source": wrong}))


def test_a_profile_that_the_policy_no_longer_accepts_is_quarantined(settings: Settings) -> None:
    send(settings, register(1001), register(1002))
    with Intake(settings.home) as intake:
        odd = Request("update", 1001, profile=profile(1001, gender="OTHER"))
        intake.apply([odd], lambda _: True)
    snapshot = small_night(settings)
    assert sorted(users(snapshot)) == [1, 2, 3, 4, 5, 6, 1002]
    bad = read_frame(snapshot / "quarantine.parquet").row(0, named=True)
    assert (bad["row"], bad["user_id"], bad["field"]) == (-3, "1001", "gender")


def test_after_a_rollback_events_wait_again(settings: Settings) -> None:
    before = small_night(settings)
    send(settings, register(1001))
    assert waiting(settings) == [1001]
    small_night(settings)
    assert waiting(settings) == []
    rollback(settings.home, before.name)
    assert waiting(settings) == [1001]
    assert 1001 in users(small_night(settings))


NIGHT = """
import sys
from pathlib import Path
from hertz.storage.settings import load_settings
from tests.stages.small_nights import small_night
small_night(load_settings(Path("hertz.toml"), Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize(
    "fault", ["prepare.written", "snapshot.before_manifest", "publish.before_erasures"]
)
def test_a_killed_run_loses_and_doubles_nothing(settings: Settings, fault: str) -> None:
    small_night(settings)
    send(settings, register(1001), Request("delete", 4), update(3, bio="changed"))
    kill_at(fault, NIGHT, settings.home, settings.source.path)
    assert waiting(settings) == ([] if fault == "publish.before_erasures" else [1001, 4, 3])
    send(settings, register(1002))
    found = users(small_night(settings))
    assert sorted(found) == [1, 2, 3, 5, 6, 1001, 1002]
    assert found[3]["bio"] == "changed"
    assert waiting(settings) == []


def test_a_profile_keeps_its_types_on_the_way(settings: Settings) -> None:
    small = profile(1001, hobbies=["MUSIC", "GAMING"], blockedUserIds=[2**59, 5])
    send(settings, Request("register", 1001, profile=small))
    found = read_frame(small_night(settings) / "users.parquet")
    row = found.filter(user_id=1001).row(0, named=True)
    assert row["hobbies"] == ["GAMING", "MUSIC"]
    assert row["blockedUserIds"] == [5, 2**59]
    assert found.schema["blockedUserIds"] == pl.List(pl.Int64)
