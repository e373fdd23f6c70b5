"""Publishing is atomic: whatever is killed, one whole snapshot serves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hertz.core.errors import LockedError, SnapshotError, StorageError
from hertz.storage.snapshot.history import list_runs
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import (
    HELD,
    changed_files,
    corrupt_files,
    current_snapshot,
    hold,
    link_files,
    list_held,
    list_snapshots,
    locked_home,
    new_folder,
    publish,
    publish_held,
    published_snapshot,
    remove_held,
    remove_old,
    rollback,
)
from tests.faults import kill_at
from tests.storage.manifests import manifest_of

WORKER = """
import sys
from pathlib import Path
from hertz.storage.snapshot.snapshots import locked_home, new_folder, publish
from tests.storage.manifests import manifest_of
home, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with locked_home(home, "worker"):
    for number in range(first, last):
        folder = new_folder(home, f"run-{number:05}")
        (folder / "a.txt").write_text(f"{number}" * 10_000)
        (folder / "b.txt").write_text(f"{number}" * 10_000)
        publish(home, folder, manifest_of(f"run-{number:05}"), keep=3)
        print(number, flush=True)
"""


def make(home: Path, run_id: str, keep: int = 3, text: str = "x") -> Path:
    with locked_home(home, run_id):
        folder = new_folder(home, run_id)
        (folder / "a.txt").write_text(text)
        (folder / "chroma").mkdir()
        (folder / "chroma" / "index").write_text(text)
        return publish(home, folder, manifest_of(run_id), keep)


def start_worker(home: Path, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(home), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_published_snapshot_is_whole_and_current(tmp_path: Path) -> None:
    snapshot = make(tmp_path, "run-1")
    assert current_snapshot(tmp_path) == snapshot
    assert corrupt_files(snapshot) == []
    assert set(read_manifest(snapshot).files) == {"a.txt", "chroma/index"}


def test_nothing_published_yet(tmp_path: Path) -> None:
    assert current_snapshot(tmp_path) is None
    with pytest.raises(SnapshotError, match="hertz nightly"):
        published_snapshot(tmp_path)


def test_keeps_the_newest_and_rolls_back_among_them(tmp_path: Path) -> None:
    for number in range(5):
        make(tmp_path, f"run-{number}", keep=3)
    assert [s.name for s in list_snapshots(tmp_path)] == ["run-2", "run-3", "run-4"]
    assert rollback(tmp_path).name == "run-3"
    assert rollback(tmp_path).name == "run-2"
    with pytest.raises(SnapshotError, match="run-4"):
        rollback(tmp_path)
    assert rollback(tmp_path, "run-4").name == "run-4"
    with pytest.raises(SnapshotError, match="nonsense"):
        rollback(tmp_path, "nonsense")


def test_refuses_to_roll_back_to_a_damaged_snapshot(tmp_path: Path) -> None:
    old = make(tmp_path, "run-1")
    make(tmp_path, "run-2")
    (old / "a.txt").write_text("damaged")
    assert corrupt_files(old) == ["a.txt"]
    with pytest.raises(SnapshotError, match=r"a\.txt"):
        rollback(tmp_path)
    assert published_snapshot(tmp_path).name == "run-2"


def test_current_naming_nothing_is_said(tmp_path: Path) -> None:
    make(tmp_path, "run-1")
    (tmp_path / "CURRENT").write_text("gone")
    with pytest.raises(SnapshotError, match="'gone'"):
        current_snapshot(tmp_path)


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    snapshot = make(tmp_path, "run-1")
    manifest = read_manifest(snapshot).as_json() | {"schema_version": 99}
    (snapshot / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(SnapshotError, match="schema version 99"):
        read_manifest(snapshot)


def test_one_run_at_a_time_and_the_holder_is_named(tmp_path: Path) -> None:
    with locked_home(tmp_path, "run-1"):
        command = [sys.executable, "-c", WORKER, str(tmp_path), "1", "2"]
        other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "held by run run-1" in other.stderr
    with locked_home(tmp_path, "run-2"):
        pass


def test_a_second_lock_in_the_same_process_is_refused(tmp_path: Path) -> None:
    with locked_home(tmp_path, "run-1"), pytest.raises(LockedError), locked_home(tmp_path, "x"):
        pass


def test_a_home_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StorageError, match="cannot be written"),
        locked_home(tmp_path / "file" / "home", "run-1"),
    ):
        pass


def test_adopted_files_are_the_same_and_chroma_is_a_copy(tmp_path: Path) -> None:
    old = make(tmp_path, "run-1")
    with locked_home(tmp_path, "run-2"):
        folder = new_folder(tmp_path, "run-2")
        link_files(old, folder, ("a.txt", "chroma"))
        (folder / "chroma" / "index").write_text("changed")
        publish(tmp_path, folder, manifest_of("run-2"), keep=3)
    assert corrupt_files(old) == []
    assert (published_snapshot(tmp_path) / "a.txt").read_text() == "x"


def test_readers_see_whole_snapshots_while_others_are_published(tmp_path: Path) -> None:
    make(tmp_path, "run-00000", text="0")
    torn: list[str] = []
    reads = 0
    stop = threading.Event()

    def read() -> None:
        nonlocal reads
        while not stop.is_set():
            snapshot = published_snapshot(tmp_path)
            try:
                texts = {(snapshot / name).read_text() for name in ("a.txt", "b.txt")}
            except FileNotFoundError:  # three snapshots later: it was held too long
                continue
            reads += 1
            if len(texts) > 1:
                torn.append(snapshot.name)

    worker = start_worker(tmp_path, 1, 60)
    assert worker.stdout is not None
    worker.stdout.readline()
    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    worker.communicate()
    stop.set()
    for thread in threads:
        thread.join()
    assert worker.returncode == 0
    assert reads > 0
    assert torn == []


@pytest.mark.parametrize(
    "fault",
    [
        *(
            f"file.before_rename:{visit}" for visit in (1, 2, 3, 12)
        ),  # holder, manifest, CURRENT, manifest
        "snapshot.before_manifest:1",
        "snapshot.after_manifest:2",
        "snapshot.before_current:1",
        "snapshot.before_current:7",
        "snapshot.after_current:5",
        "snapshot.before_removal:1",
        "snapshot.before_removal:3",
    ],
)
def test_killed_anywhere_one_whole_snapshot_stays_published(tmp_path: Path, fault: str) -> None:
    make(tmp_path, "run-00000", text="0")
    kill_at(fault, WORKER, tmp_path, 1, 100)
    snapshot = published_snapshot(tmp_path)
    assert corrupt_files(snapshot) == []
    published = make(tmp_path, "run-99999")
    assert published_snapshot(tmp_path) == published
    assert not list((tmp_path / "snapshots").glob(".building-*"))


def test_an_untouched_file_is_known_by_its_stamp_and_a_copied_one_by_its_bytes(
    tmp_path: Path,
) -> None:
    snapshot = make(tmp_path, "run-1")
    manifest = read_manifest(snapshot)
    assert changed_files(snapshot, manifest, "") == []
    copy = shutil.copytree(snapshot, tmp_path / "copy")
    assert changed_files(copy, manifest, "") == []
    stampless = manifest.model_copy(update={"stamps": {}})
    assert changed_files(snapshot, stampless, "") == []
    files = dict.fromkeys(manifest.files, "another checksum")
    unread = manifest.model_copy(update={"files": files})
    assert changed_files(snapshot, unread, "") == [], "the stamp spares the bytes"
    assert changed_files(copy, unread, "") == list(manifest.files)


def test_a_changed_byte_is_found_even_under_the_old_time(tmp_path: Path) -> None:
    snapshot = make(tmp_path, "run-1")
    manifest = read_manifest(snapshot)
    name = next(iter(manifest.files))
    before = (snapshot / name).stat()
    content = bytearray((snapshot / name).read_bytes())
    content[0] ^= 1
    (snapshot / name).write_bytes(content)
    os.utime(snapshot / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changed_files(snapshot, manifest, "") == [name]
    (snapshot / name).unlink()
    assert changed_files(snapshot, manifest, "") == [name]


# ---- held and old snapshots ----------------------------------------------------------------------


def make_held(home: Path, run_id: str, text: str = "x") -> Path:
    with locked_home(home, run_id):
        folder = new_folder(home, run_id)
        (folder / "a.txt").write_text(text)
        (folder / "b.txt").write_text(text)
        return hold(home, folder, manifest_of(run_id))


def test_a_held_run_is_whole_but_no_snapshot_to_anyone(tmp_path: Path) -> None:
    old = make(tmp_path, "run-1")
    held = make_held(tmp_path, "run-2")
    assert corrupt_files(held) == []
    assert list_held(tmp_path) == [held]
    assert list_snapshots(tmp_path) == [old]
    assert current_snapshot(tmp_path) == old
    with pytest.raises(SnapshotError, match="no snapshot 'run-2'"):
        rollback(tmp_path, "run-2")
    with locked_home(tmp_path, "run-3"):
        assert list_held(tmp_path) == [held], "a run clears what is unfinished, not what is held"


def test_a_first_run_that_is_held_is_named_in_the_error(tmp_path: Path) -> None:
    make_held(tmp_path, "run-1")
    with pytest.raises(SnapshotError, match="`hertz publish run-1` says why it is held"):
        published_snapshot(tmp_path)


def test_a_held_run_can_be_published_after_a_look(tmp_path: Path) -> None:
    make(tmp_path, "run-1")
    make_held(tmp_path, "run-2")
    snapshot = publish_held(tmp_path, "run-2", keep=3)
    assert published_snapshot(tmp_path) == snapshot
    assert corrupt_files(snapshot) == []
    assert list_held(tmp_path) == []
    assert rollback(tmp_path).name == "run-1"


def test_only_a_whole_held_run_can_be_published(tmp_path: Path) -> None:
    make(tmp_path, "run-1")
    held = make_held(tmp_path, "run-2")
    with pytest.raises(SnapshotError, match="'run-3' is not held; held: run-2"):
        publish_held(tmp_path, "run-3", keep=3)
    with pytest.raises(SnapshotError, match="'run-1' is not held"):
        publish_held(tmp_path, "run-1", keep=3)
    (held / "a.txt").write_text("damaged")
    with pytest.raises(SnapshotError, match=r"a\.txt"):
        publish_held(tmp_path, "run-2", keep=3)
    assert published_snapshot(tmp_path).name == "run-1"


def test_one_run_at_most_is_held_and_a_published_one_ends_it(tmp_path: Path) -> None:
    make(tmp_path, "run-1")
    make_held(tmp_path, "run-2")
    newer = make_held(tmp_path, "run-3")
    assert list_held(tmp_path) == [newer]
    make(tmp_path, "run-4")
    assert list_held(tmp_path) == []
    assert sorted(p.name for p in (tmp_path / "snapshots").iterdir()) == ["run-1", "run-4"]


def test_the_published_snapshot_stays_however_old(tmp_path: Path) -> None:
    for number in range(4):
        make(tmp_path, f"run-{number}", keep=9)
    rollback(tmp_path, "run-0")
    make_held(tmp_path, "run-5")
    assert [gone.name for gone in remove_old(tmp_path, keep=1)] == ["run-1", "run-2"]
    assert [s.name for s in list_snapshots(tmp_path)] == ["run-0", "run-3"]
    assert corrupt_files(published_snapshot(tmp_path)) == []
    assert [gone.name for gone in remove_held(tmp_path)] == [f"{HELD}run-5"]


HELD_WORKER = """
import sys
from pathlib import Path
from hertz.storage.snapshot.snapshots import hold, locked_home, new_folder, publish_held
from tests.storage.manifests import manifest_of
home = Path(sys.argv[1])
for number in range(1, 100):
    with locked_home(home, "worker"):
        folder = new_folder(home, f"run-{number:05}")
        for name in ("a.txt", "b.txt"):
            (folder / name).write_text(f"{number}" * 10_000)
        hold(home, folder, manifest_of(f"run-{number:05}"))
        print(number, flush=True)
        if number % 2:
            publish_held(home, f"run-{number:05}", keep=3)
"""


@pytest.mark.parametrize(
    "fault",
    [
        *(f"file.before_rename:{visit}" for visit in (1, 2, 3, 7, 8)),
        "snapshot.before_manifest:2",
        "snapshot.after_manifest:1",
        "snapshot.after_manifest:4",
        "snapshot.after_hold:1",
        "snapshot.after_hold:3",
        "snapshot.before_current:1",
        "snapshot.after_current:2",
        "snapshot.before_removal:2",
    ],
)
def test_killed_while_holding_or_publishing_a_held_run_a_whole_snapshot_serves(
    tmp_path: Path, fault: str
) -> None:
    make(tmp_path, "run-00000", text="0")
    kill_at(fault, HELD_WORKER, tmp_path)
    assert corrupt_files(published_snapshot(tmp_path)) == []
    found = list_held(tmp_path)  # two where the older one was still to be removed
    assert [corrupt_files(held) for held in found] == [[]] * len(found)
    for held in found[-1:]:
        run_id = held.name.removeprefix(HELD)
        assert publish_held(tmp_path, run_id, keep=3).name == run_id
    published = make(tmp_path, "run-99999")
    assert published_snapshot(tmp_path) == published
    assert not list((tmp_path / "snapshots").glob(".*"))


PUBLISH_HELD = """
import sys
from pathlib import Path
from hertz.storage.snapshot.snapshots import publish_held
publish_held(Path(sys.argv[1]), sys.argv[2], keep=3)
"""


def test_killed_between_rename_and_current_a_second_call_ends_it(tmp_path: Path) -> None:
    make(tmp_path, "run-1")
    make_held(tmp_path, "run-2")
    kill_at("snapshot.before_current", PUBLISH_HELD, tmp_path, "run-2")
    assert (tmp_path / "snapshots" / "run-2").is_dir()
    assert published_snapshot(tmp_path).name == "run-1"
    assert publish_held(tmp_path, "run-2", keep=3) == published_snapshot(tmp_path)


def test_a_killed_run_is_written_down_by_the_next(tmp_path: Path) -> None:
    make(tmp_path, "run-1")
    with locked_home(tmp_path, "run-2"):
        new_folder(tmp_path, "run-2")  # and no more: as after a kill
    (tmp_path / "snapshots" / ".building-run-1").mkdir()  # a killed erasure's
    make(tmp_path, "run-3")
    assert [(r.run_id, r.outcome) for r in list_runs(tmp_path)] == [("run-2", "failed")]
    assert "killed" in list_runs(tmp_path)[0].reason
