"""Examines the disk of a home: whether it can be written, its free space, and who holds it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import filelock

from hertz.core.errors import StorageError
from hertz.storage.files import sync
from hertz.storage.snapshot.snapshots import holder_named


def seconds_to_sync(home: Path) -> float:
    """Returns the seconds it takes to write and flush a small file in the home.

    Raises:
        StorageError: If the home cannot be written.
    """
    started = time.perf_counter()
    try:
        with tempfile.NamedTemporaryFile(dir=nearest_existing(home), prefix=".hertz-") as file:
            file.write(b"hertz")
            file.flush()
            os.fsync(file.fileno())
            sync(Path(file.name).parent)
    except OSError as error:
        message = f"{home} cannot be written ({error.strerror})"
        raise StorageError(message) from error
    return time.perf_counter() - started


def free_bytes(home: Path) -> int:
    """Returns the bytes on the home's disk that this user may still write."""
    return shutil.disk_usage(nearest_existing(home)).free


def folder_bytes(folder: Path) -> int:
    """Returns the bytes of all files below a folder; a hard-linked file counts once."""
    found = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum({stat.st_ino: stat.st_size for stat in found}.values())


def nearest_existing(path: Path) -> Path:
    """Returns the path, or the nearest folder above it that exists."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return path


def holder_of(home: Path) -> str:
    """Returns the id of the run that holds the home, or "" if no run does.

    Raises:
        StorageError: If the lock cannot be opened.
    """
    if not (home / "lock").exists():
        return ""
    try:
        with filelock.FileLock(home / "lock", timeout=0):
            return ""
    except filelock.Timeout:
        return holder_named(home)
    except OSError as error:
        message = f"{home / 'lock'}: cannot be opened ({error.strerror})"
        raise StorageError(message) from error
