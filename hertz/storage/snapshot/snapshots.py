"""Snapshots: built aside, published in one atomic step, kept for rollback.

<home>/snapshots/<run_id>/            a snapshot, written once and never changed
<home>/snapshots/.building-<run_id>/  the folder of a run in progress, or of a killed run
<home>/snapshots/.held-<run_id>/      a whole snapshot that the gate held, for a person to publish
<home>/snapshots/.removed-<run_id>/   a snapshot that is being removed
<home>/CURRENT                        the published snapshot's name, replaced atomically
<home>/lock                           locked by the run that may write; a dead run's lock is free
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
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
KILLED = "killed, or the machine stopped, before it ended; the published snapshot stayed"
REPORT = "report.html"


@contextmanager
def locked_home(home: Path, holder: str) -> Iterator[None]:
    """Locks the home for a run, whose name others are given, and removes folders of killed runs.

    Raises:
        LockedError: If another run holds the home.
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
    """Returns the name of the run that holds a locked home."""
    try:
        return (home / "holder").read_text(encoding="utf-8")
    except FileNotFoundError:
        return "that is just starting"


def new_folder(home: Path, run_id: str) -> Path:
    """Creates and returns an empty folder in which a run builds its snapshot."""
    folder = home / "snapshots" / f"{BUILDING}{run_id}"
    folder.mkdir()
    return folder


def link_files(snapshot: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Hard-links a snapshot's files into a new one; copies folders, because Chroma writes there."""
    for name in names:
        if (snapshot / name).is_dir():
            shutil.copytree(snapshot / name, folder / name)
        else:
            (folder / name).hardlink_to(snapshot / name)


def discard(folder: Path) -> None:
    """Removes the folder of a run that publishes nothing."""
    shutil.rmtree(folder)


def publish(home: Path, folder: Path, manifest: Manifest, keep: int) -> Path:
    """Publishes a built folder; a kill at any point leaves one whole snapshot published.

    The steps: flush, checksum, write the manifest, rename, replace CURRENT, then remove the held
    snapshot and all but the newest `keep`. Returns the folder of the published snapshot.
    """
    _seal(folder, manifest)
    return _make_current(home, folder, manifest.run_id, keep)


def hold(home: Path, folder: Path, manifest: Manifest) -> Path:
    """Keeps a built folder aside, whole but not published; returns its new path.

    No reader sees it, nor does `rollback`, until `publish_held` publishes it. An older held
    snapshot is removed.
    """
    _seal(folder, manifest)
    held = folder.rename(folder.parent / f"{HELD}{manifest.run_id}")
    sync(held.parent)
    fault_point("snapshot.after_hold")
    _remove(older for older in list_held(home) if older != held)
    return held


def publish_held(home: Path, run_id: str, keep: int) -> Path:
    """Publishes a held snapshot unchanged; after a kill, a second call completes the work.

    Raises:
        SnapshotError: If no such run is held, or its files do not match its checksums.
    """
    names = [folder.name.removeprefix(HELD) for folder in list_held(home)]
    folder = home / "snapshots" / f"{HELD}{run_id}"
    if run_id not in names:
        folder = home / "snapshots" / run_id  # a killed call had renamed it
    if run_id not in names and not _was_renamed(home, run_id):
        message = f"{home}: run {run_id!r} is not held; held: {', '.join(names) or 'none'}"
        raise SnapshotError(message)
    _check_whole(folder)
    return _make_current(home, folder, run_id, keep)


def list_held(home: Path) -> list[Path]:
    """Returns the held folders, oldest first: one at most, newer than all published ones."""
    return sorted(p.parent for p in (home / "snapshots").glob(f"{HELD}*/{MANIFEST}"))


def kept_folders(home: Path) -> list[Path]:
    """Returns the folders of all whole snapshots, published and held."""
    return [*list_snapshots(home), *list_held(home)]


def remove_old(home: Path, keep: int) -> list[Path]:
    """Removes all snapshots but the newest `keep` and the published one; returns the removed."""
    current = _current_name(home)
    return _remove(s for s in list_snapshots(home)[:-keep] if s.name != current)


def remove_held(home: Path) -> list[Path]:
    """Removes the held snapshots; returns them."""
    return _remove(list_held(home))


def remove_damaged(home: Path) -> dict[str, str]:
    """Removes damaged snapshots except the published one; returns the reasons by name.

    A damaged snapshot can neither be served nor have users erased from it.
    """
    current = _current_name(home)
    gone = {}
    for folder in kept_folders(home):
        why = _damage(folder) if folder.name != current else ""
        if why:
            gone[folder.name] = why
            _remove([folder])
    return gone


def replace_snapshot(snapshot: Path, folder: Path, manifest: Manifest) -> None:
    """Replaces a snapshot by a built folder, under the same name, in one atomic step.

    Readers that have opened the old snapshot keep it; others see a changed snapshot.

    Raises:
        StorageError: If the file system cannot exchange two folders.
    """
    _seal(folder, manifest)
    fault_point("erase.before_exchange")
    exchange(folder, snapshot)
    fault_point("erase.after_exchange")
    shutil.rmtree(folder)  # has the old files now


def list_snapshots(home: Path) -> list[Path]:
    """Returns the folders of all published snapshots, oldest first; run ids start with the time."""
    return sorted(p.parent for p in (home / "snapshots").glob(f"[!.]*/{MANIFEST}"))


def current_snapshot(home: Path) -> Path | None:
    """Returns the published snapshot's folder; None if nothing has been published yet.

    Raises:
        SnapshotError: If CURRENT names a snapshot that is not there.
    """
    name = _current_name(home)
    while name is not None and not (name and (home / "snapshots" / name / MANIFEST).is_file()):
        before, name = name, _current_name(home)
        if name == before:  # otherwise it was replaced and the old one removed meanwhile
            message = (
                f"{home}/CURRENT names {name!r}, which is not a snapshot; `hertz rollback` mends it"
            )
            raise SnapshotError(message)
    return home / "snapshots" / name if name else None


def published_snapshot(home: Path) -> Path:
    """Returns the published snapshot's folder.

    Raises:
        SnapshotError: If nothing has been published yet.
    """
    snapshot = current_snapshot(home)
    if snapshot is None:
        hint = "`hertz nightly` makes the first"
        if held := list_held(home):
            hint = f"`hertz publish {held[0].name.removeprefix(HELD)}` says why it is held"
        message = f"{home}: no snapshot published yet; {hint}"
        raise SnapshotError(message)
    return snapshot


def corrupt_files(snapshot: Path) -> list[str]:
    """Returns the files of a snapshot that are missing or differ from their checksums."""
    expected = read_manifest(snapshot).files
    found = dict(checksums(snapshot))
    return [name for name, sha256 in expected.items() if found.get(name) != sha256]


def changed_files(snapshot: Path, manifest: Manifest, under: str) -> list[str]:
    """Returns the files of a snapshot that are missing or differ from what was published.

    A file with its recorded stamp is unchanged and is not read; any other file is read and
    compared with its checksum. Only paths that begin with `under` are checked.
    """
    return [
        name
        for name in manifest.files
        if name.startswith(under) and not _as_published(manifest, name, snapshot / name)
    ]


def rollback(home: Path, run_id: str | None = None) -> Path:
    """Publishes an older snapshot again: the named one, or the newest before the current one.

    Raises:
        SnapshotError: If there is none, or its files do not match its checksums.
    """
    kept = list_snapshots(home)
    current = _current_name(home) or "~"
    older = [snapshot for snapshot in kept if snapshot.name < current]
    chosen = [s for s in kept if s.name == run_id] if run_id else older[-1:]
    if not chosen:
        wanted = f"snapshot {run_id!r}" if run_id else f"snapshot older than {current!r}"
        message = f"{home}: no {wanted}; kept: {', '.join(s.name for s in kept) or 'none'}"
        raise SnapshotError(message)
    _check_whole(chosen[0])
    write_text(home / "CURRENT", chosen[0].name)
    return chosen[0]


def new_run_id() -> str:
    """Returns a name that sorts by time: 20261122T170000Z-1a2b, the end in 65536ths of a second."""
    now = datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%SZ}-{now.microsecond * 65_536 // 1_000_000:04x}"


def _seal(folder: Path, manifest: Manifest) -> None:
    """Flushes and checksums a folder and writes its manifest; nothing in it changes afterwards."""
    fault_point("snapshot.before_manifest")
    sync_tree(folder)
    before = stamps(folder)
    files = dict(checksums(folder))
    write_manifest(folder, manifest.model_copy(update={"files": files, "stamps": before}))
    fault_point("snapshot.after_manifest")


def _make_current(home: Path, folder: Path, run_id: str, keep: int) -> Path:
    """Renames a sealed folder, lets CURRENT name it, and removes old and held snapshots."""
    snapshot = folder.rename(home / "snapshots" / run_id)
    sync(snapshot.parent)
    fault_point("snapshot.before_current")
    write_text(home / "CURRENT", snapshot.name)
    fault_point("snapshot.after_current")
    remove_old(home, keep)
    remove_held(home)
    return snapshot


def _was_renamed(home: Path, run_id: str) -> bool:
    """Returns whether a killed `publish_held` renamed a run's folder but left CURRENT as it was."""
    newest = list_snapshots(home)[-1:]
    return [s.name for s in newest] == [run_id] and run_id > (_current_name(home) or "")


def _check_whole(snapshot: Path) -> None:
    """Raises a SnapshotError if a file of a snapshot is missing or differs from its checksum."""
    broken = corrupt_files(snapshot)
    if broken:
        message = f"{snapshot}: does not match its checksums: {', '.join(broken)}"
        raise SnapshotError(message)


def _remove(snapshots: Iterable[Path]) -> list[Path]:
    """Removes snapshots and returns them; a kill leaves no part of one that looks whole."""
    gone = list(snapshots)
    for snapshot in gone:
        renamed = snapshot.rename(snapshot.with_name(f"{REMOVED}{snapshot.name}"))
        fault_point("snapshot.before_removal")
        shutil.rmtree(renamed)
    return gone


def _clear(home: Path) -> None:
    """Removes the folders of killed runs, and records those runs as failed."""
    for left in (home / "snapshots").glob(f"{REMOVED}*"):
        shutil.rmtree(left)
    for left in (home / "snapshots").glob(f"{BUILDING}*"):
        run_id = left.name.removeprefix(BUILDING)
        rebuilt = left.with_name(run_id).exists()  # a user was being erased from a snapshot
        if not rebuilt and not is_recorded(home, run_id):
            write_record(home, failure_of(run_id, KILLED))
        shutil.rmtree(left)


def _current_name(home: Path) -> str | None:
    """Returns the name in CURRENT; None without that file."""
    try:
        return (home / "CURRENT").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None


def _damage(snapshot: Path) -> str:
    """Returns what is wrong with a snapshot; empty if it matches its manifest."""
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
