"""Snapshots: built aside, published in one atomic step, kept for rollback.

<home>/snapshots/<run_id>/            written once, never changed
<home>/snapshots/.building-<run_id>/  a run in progress, or what a killed one left
<home>/snapshots/.held-<run_id>/      whole, but outside the policy's gate: waits for a person
<home>/snapshots/.removed-<run_id>/   on its way out
<home>/CURRENT                        the published snapshot's name, replaced atomically
<home>/lock                           held by the one run that may write, freed when it dies
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import filelock

from hertz.core.errors import LockedError, SnapshotError, StorageError
from hertz.core.faults import fault_point
from hertz.storage.files import (
    checksums,
    exchange,
    sha256_of,
    stamp,
    stamps,
    sync,
    sync_tree,
    write_text,
)
from hertz.storage.snapshot.history import failure_of, is_recorded, write_record
from hertz.storage.snapshot.manifest import MANIFEST, Manifest, read_manifest, write_manifest

BUILDING = ".building-"
HELD = ".held-"
REMOVED = ".removed-"
KILLED = "killed, or the machine stopped, before it ended; what was published stayed"
REPORT = "report.html"


@contextmanager
def locked_home(home: Path, holder: str) -> Iterator[None]:
    """Hold the home for one run; what killed runs left behind is cleared first.

    Raises:
        LockedError: If another run holds it, naming that run.
        StorageError: If the home cannot be written.
    """
    try:
        (home / "snapshots").mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(home / "lock")
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        message = f"{home}: held by run {holder_named(home)}; wait for it to end, or stop it"
        raise LockedError(message) from error
    except OSError as error:
        message = f"{home}: cannot be written ({error.strerror}); name another with --home"
        raise StorageError(message) from error
    try:
        write_text(home / "holder", holder)
        _clear(home)
        yield
    finally:
        (home / "holder").unlink(missing_ok=True)
        lock.release()


def holder_named(home: Path) -> str:
    """The id of the run that holds a held home."""
    try:
        return (home / "holder").read_text(encoding="utf-8")
    except FileNotFoundError:
        return "that is just starting"


def new_folder(home: Path, run_id: str) -> Path:
    """An empty folder in which a run builds its snapshot."""
    folder = home / "snapshots" / f"{BUILDING}{run_id}"
    folder.mkdir()
    return folder


def adopt(snapshot: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Take files and folders of a published snapshot over into one being built.

    Files, which are never changed, by hard links; folders (Chroma writes into its own) by a copy.
    """
    for name in names:
        if (snapshot / name).is_dir():
            shutil.copytree(snapshot / name, folder / name)
        else:
            (folder / name).hardlink_to(snapshot / name)


def discard(folder: Path) -> None:
    """Remove a folder that is not to be published."""
    shutil.rmtree(folder)


def publish(home: Path, folder: Path, manifest: Manifest, keep: int) -> Path:
    """Make a built folder the published snapshot; killed at any point, one whole snapshot serves.

    Flush, checksum, write the manifest, rename, replace CURRENT, then remove all but `keep`, and
    what was held before. The manifest's stamps spare a reader on this machine the checksums: see
    `changed_files`.
    """
    _seal(folder, manifest)
    return _appoint(home, folder, manifest.run_id, keep)


def hold(home: Path, folder: Path, manifest: Manifest) -> Path:
    """Keep a built folder aside, whole but not published; what was held before is removed.

    It is no snapshot to any reader, nor to `rollback`, until `publish_held` makes it one.
    """
    _seal(folder, manifest)
    held = folder.rename(folder.parent / f"{HELD}{manifest.run_id}")
    sync(held.parent)
    fault_point("snapshot.after_hold")
    for older in list_held(home):
        if older != held:
            _remove(older)
    return held


def publish_held(home: Path, run_id: str, keep: int) -> Path:
    """Publish what the gate held, as it is; after a kill, a second call ends it.

    Raises:
        SnapshotError: If no such run is held, or its files do not match its checksums.
    """
    names = [folder.name.removeprefix(HELD) for folder in list_held(home)]
    folder = home / "snapshots" / f"{HELD}{run_id}"
    if run_id not in names:
        folder = home / "snapshots" / run_id  # a killed call came this far
    if run_id not in names and not _was_appointed(home, run_id):
        message = f"{home}: run {run_id!r} is not held; held: {', '.join(names) or 'none'}"
        raise SnapshotError(message)
    _check_whole(folder)
    return _appoint(home, folder, run_id, keep)


def list_held(home: Path) -> list[Path]:
    """Folders that the gate held, oldest first; there is one at most, newer than all published."""
    return sorted(p.parent for p in (home / "snapshots").glob(f"{HELD}*/{MANIFEST}"))


def kept_folders(home: Path) -> list[Path]:
    """Every whole snapshot, published or held: where a user may be found."""
    return [*list_snapshots(home), *list_held(home)]


def remove_old(home: Path, keep: int) -> list[Path]:
    """Remove all snapshots but the newest `keep` and the one that CURRENT names; who went."""
    current = _current_name(home)
    gone = [s for s in list_snapshots(home)[:-keep] if s.name != current]
    for snapshot in gone:
        _remove(snapshot)
    return gone


def remove_held(home: Path) -> list[Path]:
    """Remove what the gate held; who went."""
    held = list_held(home)
    for folder in held:
        _remove(folder)
    return held


def remove_damaged(home: Path) -> dict[str, str]:
    """Remove kept folders that are not as they were written, but the published one; why, by name.

    What is damaged can neither serve nor have anyone erased from it.
    """
    current, gone = _current_name(home), {}
    for folder in kept_folders(home):
        why = _damage(folder) if folder.name != current else ""
        if why:
            gone[folder.name] = why
            _remove(folder)
    return gone


def replace_snapshot(snapshot: Path, folder: Path, manifest: Manifest) -> None:
    """Put a built folder in the place of a snapshot, under its name, in one atomic step.

    Readers that hold the old one keep it; the others see the new one as a changed snapshot.

    Raises:
        StorageError: If the file system cannot exchange two folders.
    """
    _seal(folder, manifest)
    fault_point("erase.before_exchange")
    exchange(folder, snapshot)
    fault_point("erase.after_exchange")
    shutil.rmtree(folder)  # the old one by now


def list_snapshots(home: Path) -> list[Path]:
    """Whole snapshots, oldest first (a run id begins with its time)."""
    return sorted(p.parent for p in (home / "snapshots").glob(f"[!.]*/{MANIFEST}"))


def current_snapshot(home: Path) -> Path | None:
    """The published snapshot's folder; None before the first night.

    Raises:
        SnapshotError: If CURRENT names a snapshot that is not there.
    """
    name = _current_name(home)
    while name is not None and not (name and (home / "snapshots" / name / MANIFEST).is_file()):
        before, name = name, _current_name(home)
        if name == before:  # else it was replaced, and the old one removed, between two looks
            message = (
                f"{home}/CURRENT names {name!r}, which is not a snapshot; `hertz rollback` mends it"
            )
            raise SnapshotError(message)
    return home / "snapshots" / name if name else None


def published_snapshot(home: Path) -> Path:
    """The published snapshot's folder.

    Raises:
        SnapshotError: If nothing has been published yet.
    """
    snapshot = current_snapshot(home)
    if snapshot is None:
        held = [folder.name.removeprefix(HELD) for folder in list_held(home)]
        hint = f"`hertz publish {held[0]}` tells why it is held" if held else ""
        hint = hint or "`hertz nightly` makes the first"
        message = f"{home}: no snapshot published yet; {hint}"
        raise SnapshotError(message)
    return snapshot


def corrupt_files(snapshot: Path) -> list[str]:
    """Files of a snapshot that are missing or differ from the manifest's checksums."""
    expected = read_manifest(snapshot).files
    found = dict(checksums(snapshot))
    return [name for name, sha256 in expected.items() if found.get(name) != sha256]


def changed_files(snapshot: Path, manifest: Manifest, under: str) -> list[str]:
    """Files below a folder of the snapshot that are missing or not as they were published.

    A file that nobody touched since its checksum was taken has its stamp, and is not read; one
    that was copied or written since is read whole and compared.
    """
    return [
        name
        for name in manifest.files
        if name.startswith(under) and not _as_published(manifest, name, snapshot / name)
    ]


def rollback(home: Path, run_id: str | None = None) -> Path:
    """Publish an older whole snapshot again: the one named, or the newest before the current one.

    Raises:
        SnapshotError: If there is none, or its files do not match its checksums.
    """
    kept = list_snapshots(home)
    names = [snapshot.name for snapshot in kept]
    current = (home / "CURRENT").read_text(encoding="utf-8") if (home / "CURRENT").exists() else "~"
    older = [snapshot for snapshot in kept if snapshot.name < current]
    chosen = [s for s in kept if s.name == run_id] if run_id else older[-1:]
    if not chosen:
        wanted = f"snapshot {run_id!r}" if run_id else f"snapshot older than {current!r}"
        message = f"{home}: no {wanted}; kept: {', '.join(names) or 'none'}"
        raise SnapshotError(message)
    _check_whole(chosen[0])
    write_text(home / "CURRENT", chosen[0].name)
    return chosen[0]


def new_run_id() -> str:
    """A name that sorts by time: 20261122T170000Z-1a2b, its end in 65536ths of a second."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond * 65_536 // 1_000_000:04x}"


def _seal(folder: Path, manifest: Manifest) -> None:
    """Flush, checksum, write the manifest: from here on nothing in the folder changes."""
    fault_point("snapshot.before_manifest")
    sync_tree(folder)
    before = stamps(folder)
    files = dict(checksums(folder))
    write_manifest(folder, manifest.model_copy(update={"files": files, "stamps": before}))
    fault_point("snapshot.after_manifest")


def _appoint(home: Path, folder: Path, run_id: str, keep: int) -> Path:
    """Make a sealed folder a snapshot and CURRENT name it; then remove what is too many."""
    snapshot = folder.rename(home / "snapshots" / run_id)
    sync(snapshot.parent)
    fault_point("snapshot.before_current")
    write_text(home / "CURRENT", snapshot.name)
    fault_point("snapshot.after_current")
    remove_old(home, keep)
    remove_held(home)
    return snapshot


def _was_appointed(home: Path, run_id: str) -> bool:
    """Whether a killed `publish_held` left a run's snapshot without naming it in CURRENT."""
    newest = list_snapshots(home)[-1:]
    return [s.name for s in newest] == [run_id] and run_id > (_current_name(home) or "")


def _check_whole(snapshot: Path) -> None:
    broken = corrupt_files(snapshot)
    if broken:
        message = f"{snapshot}: does not match its checksums: {', '.join(broken)}"
        raise SnapshotError(message)


def _remove(snapshot: Path) -> None:
    """Remove a snapshot so that killed at any point no half of it passes for a whole one."""
    renamed = snapshot.rename(snapshot.with_name(f"{REMOVED}{snapshot.name}"))
    fault_point("snapshot.before_removal")
    shutil.rmtree(renamed)


def _clear(home: Path) -> None:
    """Remove what killed runs left, and write down that they were."""
    for left in (home / "snapshots").glob(f"{REMOVED}*"):
        shutil.rmtree(left)
    for left in (home / "snapshots").glob(f"{BUILDING}*"):
        run_id = left.name.removeprefix(BUILDING)
        rebuilt = left.with_name(run_id).exists()  # a snapshot from which a user was being erased
        if not rebuilt and not is_recorded(home, run_id):
            write_record(home, failure_of(run_id, KILLED))
        shutil.rmtree(left)


def _current_name(home: Path) -> str | None:
    try:
        return (home / "CURRENT").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def _damage(snapshot: Path) -> str:
    """What is wrong with a snapshot, by its manifest; empty if nothing is."""
    try:
        broken = changed_files(snapshot, read_manifest(snapshot), "")
    except SnapshotError as error:
        return str(error)
    return f"not as written: {', '.join(broken)}" if broken else ""


def _as_published(manifest: Manifest, name: str, path: Path) -> bool:
    """Returns whether a file has its recorded stamp or, where it differs, its checksum."""
    try:
        return manifest.stamps.get(name) == stamp(path) or sha256_of(path) == manifest.files[name]
    except OSError:
        return False
