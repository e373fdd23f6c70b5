"""Durable files: written under a temporary name, flushed to the disk, then renamed into place."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from hertz.core.errors import StorageError
from hertz.core.faults import fault_point

_HERE = -100  # AT_FDCWD
_RENAME_EXCHANGE = 2


def timestamped_path(folder: Path, suffix: str = "") -> Path:
    """A path in the folder whose name is the time, so that names sort."""
    return folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}{suffix}"


def write_text(path: Path, text: str) -> None:
    """Replace a small text file atomically and durably."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    sync(temporary)
    fault_point("file.before_rename")
    temporary.replace(path)
    sync(path.parent)


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file atomically and durably; the same frame gives the same bytes."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    frame.write_parquet(temporary, compression="zstd")
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def read_frame(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Read a Parquet file that Hertz wrote: all of it, or the columns named.

    Raises:
        StorageError: If it is missing or damaged.
    """
    try:
        return pl.read_parquet(path, columns=columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        message = f"{path}: cannot be read as Parquet ({type(error).__name__}); the file is damaged"
        raise StorageError(message) from error


def sync(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below, then the folder itself."""
    for path in sorted(folder.rglob("*")):
        sync(path)
    sync(folder)


def exchange(one: Path, other: Path) -> None:
    """Swap two folders of one file system in one atomic, durable step (Linux).

    Raises:
        StorageError: If the file system does not know how.
    """
    names = os.fsencode(one), os.fsencode(other)
    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(_HERE, names[0], _HERE, names[1], _RENAME_EXCHANGE):
        reason = os.strerror(ctypes.get_errno())
        message = (
            f"{other}: its file system cannot exchange folders ({reason}); keep the home on a local"
            " file system such as ext4 or xfs"
        )
        raise StorageError(message)
    sync(one.parent)
    sync(other.parent)


def checksums(folder: Path) -> Iterator[tuple[str, str]]:
    """(path relative to the folder, sha256 in hex) of every file below, by path."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        yield str(path.relative_to(folder)), sha256_of(path)


def sha256_of(path: Path) -> str:
    """Sha256 of a file, in hex; about 1 GB/s."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamps(folder: Path) -> dict[str, list[int]]:
    """What changes when a file is written, copied or replaced, of every file below, by path."""
    paths = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(path.relative_to(folder)): stamp(path) for path in paths}


def stamp(path: Path) -> list[int]:
    """Inode, size, and both times of a file: nobody can change its bytes and keep them all.

    Raises:
        OSError: If it is missing.
    """
    found = path.stat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
