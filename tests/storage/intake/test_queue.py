"""The intake's file: verdicts, order, keys, a full disk, and erasure down to the bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hertz.core.errors import IntakeFullError, StorageError
from hertz.storage.intake.events import Kind, Request
from hertz.storage.intake.queue import Intake
from hertz.storage.intake.tombstones import KEY_FILE, Tombstones
from tests.faults import kill_at
from tests.files import files_with
from tests.nights import ROOT

RARE, TEXT = 987_654_321, "a rare text that nobody else wrote"


def known(user: int) -> bool:
    return user <= 10


def apply(intake: Intake, *requests: Request) -> list[str]:
    return [outcome.verdict for outcome in intake.apply(requests, known)]


def register(user: int, key: str | None = None, bio: str = "") -> Request:
    return Request("register", user, profile={"userId": user, "bio": bio}, key=key)


def test_verdicts_follow_from_what_came_before_in_the_same_batch(tmp_path: Path) -> None:
    with Intake(tmp_path) as intake:
        verdicts = apply(
            intake,
            register(100),
            register(100),
            Request("delete", 100),
            Request("delete", 100),
            register(100),
            register(3),
            Request("delete", 3),
            Request("update", 3, profile={}),
            register(3),
            Request("block", 100, 3),
            Request("block", 99, 3),
        )
    assert verdicts == [
        "done", "exists", "done", "unknown", "done", "exists", "done", "unknown", "done", "done",
        "unknown",
    ]  # fmt: skip


def test_a_key_is_good_for_one_request(tmp_path: Path) -> None:
    with Intake(tmp_path) as intake:
        assert apply(intake, register(100, "a"), register(100, "a")) == ["done", "repeated"]
        assert apply(intake, register(101, "a")) == ["key_reused"]
        assert apply(intake, Request("delete", 100, key="a")) == ["key_reused"]
        assert [event.sequence for event in intake.events(0)] == [1]


def test_a_forgotten_user_stays_forgotten_until_registered_again(tmp_path: Path) -> None:
    with Intake(tmp_path) as intake:
        apply(intake, Request("forget", 3))
        assert intake.erase(3, intake.last_sequence()) == 1
        assert intake.events(0) == []
        assert intake.forgotten([2, 3, 4]) == {3}
        assert apply(intake, Request("update", 3, profile={}), Request("block", 4, 3)) == [
            "unknown",
            "unknown",
        ]
        assert apply(intake, register(3)) == ["done"]
        assert intake.forgotten([2, 3, 4]) == set()


def test_marks_need_the_key_they_were_made_with(tmp_path: Path) -> None:
    with Intake(tmp_path) as intake:
        apply(intake, Request("forget", 3))
        assert Tombstones(tmp_path, fresh=False).of(3) == intake.tombstone_of(3)
        assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
        (tmp_path / KEY_FILE).unlink()
        with pytest.raises(StorageError, match=KEY_FILE):
            intake.forgotten([3])


def test_who_registers_again_meanwhile_is_not_erased(tmp_path: Path) -> None:
    with Intake(tmp_path) as intake:
        apply(intake, register(100, bio="old"), Request("forget", 100), register(100, bio="new"))
        assert intake.erase(100, 2) == 2
        assert [profile.columns["bio"] for profile in intake.fold(9).profiles] == ["new"]
        assert intake.forgotten([100]) == set()


def test_nothing_of_an_erased_user_is_left_in_the_bytes(tmp_path: Path) -> None:
    with Intake(tmp_path) as intake, Intake(tmp_path) as other:
        apply(intake, *(register(20 + n, bio=f"somebody {n}" * 20) for n in range(300)))
        apply(intake, register(RARE, f"key-{RARE}", TEXT * 300), Request("block", 5, RARE))
        apply(intake, Request("update", RARE, profile={"bio": TEXT}), Request("forget", RARE))
        other.events(0)
        assert files_with(tmp_path, TEXT.encode(), str(RARE).encode())
        assert intake.erase(RARE, intake.last_sequence()) == 4
        assert not other.is_wiped
        intake.wipe()
        assert other.is_wiped
        assert files_with(tmp_path, TEXT.encode(), str(RARE).encode()) == []
        assert files_with(tmp_path, RARE.to_bytes(4, "big")) == []
        assert len(other.events(0)) == 300


def test_replaced_profiles_are_dropped_but_their_keys_stay(tmp_path: Path) -> None:
    with Intake(tmp_path) as intake:
        update = Request("update", 100, profile={"bio": "new"})
        apply(intake, register(100, "k", "old"), update, register(101))
        before = intake.fold(3)
        assert intake.supersede(3) == 1
        assert intake.fold(3) == before
        assert apply(intake, register(100, "k", "old")) == ["repeated"]


def test_the_fold_up_to_a_number_is_not_changed_by_later_events(tmp_path: Path) -> None:
    with Intake(tmp_path) as intake:
        apply(intake, register(100), Request("block", 100, 3))
        before = intake.fold(2)
        apply(intake, Request("delete", 100), Request("unblock", 5, 6))
        assert intake.fold(2) == before
        assert intake.fold(3).removed == {100}
        assert intake.fold(3).blocks == {}


@pytest.mark.parametrize("kind", ["update", "delete", "block", "unblock"])
def test_nothing_can_be_done_to_nobody(tmp_path: Path, kind: Kind) -> None:
    with Intake(tmp_path) as intake:
        other = 3 if kind.endswith("block") else None
        assert apply(intake, Request(kind, 50, other)) == ["unknown"]


FULL = """
import resource, signal, sys
from pathlib import Path
from hertz.core.errors import StorageError
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import Intake
home, room = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Intake(home) as intake:
    intake.apply([Request("register", 1, profile={"bio": "first"})], lambda _: False)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        many = [Request("register", n, profile={"bio": "x" * 3000}) for n in range(2, 400)]
        intake.apply(many, lambda _: False)
    except StorageError as error:
        print(type(error).__name__)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    print(len(intake.events(0)))
    intake.apply([Request("register", 2, profile={"bio": "later"})], lambda _: False)
"""


def test_what_the_disk_refuses_is_not_taken_and_the_intake_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FULL, str(tmp_path), "200000"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shown.split()[0] in ("StorageError", "IntakeFullError")
    assert shown.split()[1] == "1", "none of the batch was taken"
    with Intake(tmp_path) as intake:
        assert [event.user_id for event in intake.events(0)] == [1, 2]


ONE_BY_ONE = """
import sys
from pathlib import Path
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import Intake
with Intake(Path(sys.argv[1])) as intake:
    for user in range(1, 6):
        intake.apply([Request("register", user, profile={})], lambda _: False)
"""


@pytest.mark.parametrize(
    ("fault", "kept"), [("intake.before_commit:3", [1, 2]), ("intake.after_commit:3", [1, 2, 3])]
)
def test_what_is_committed_survives_a_kill_and_what_is_not_is_not_there(
    tmp_path: Path, fault: str, kept: list[int]
) -> None:
    kill_at(fault, ONE_BY_ONE, tmp_path)
    with Intake(tmp_path) as intake:
        assert [event.user_id for event in intake.events(0)] == kept


def test_a_full_disk_has_an_error_of_its_own(tmp_path: Path) -> None:
    with Intake(tmp_path) as intake:
        intake._database.execute("pragma max_page_count = 12")
        with pytest.raises(IntakeFullError, match="full"):
            apply(intake, *(register(100 + n, bio="x" * 3000) for n in range(50)))
        assert intake.events(0) == []
        assert apply(intake, register(100)) == ["done"]


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "intake.sqlite").write_bytes(b"no database at all" * 1000)
    with pytest.raises(StorageError, match=r"intake\.sqlite"):
        Intake(tmp_path)
