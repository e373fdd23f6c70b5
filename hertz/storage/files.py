"""Writes files durably: under a temporary name, flushed to the disk, then renamed into place."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from hertz.core.errors import StorageError
from hertz.core.faults import fault_point

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def timestamped_path(folder: Path, suffix: str = "") -> Path:
    """Returns a path in the folder that is named by the current time, so that names sort."""
    return folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}{suffix}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an `OSError` of the block that writes a path into a `StorageError`."""
    try:
        yield
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); name another home with --home"
        raise StorageError(message) from error


def write_text(path: Path, text: str) -> None:
    """Replaces a small text file atomically and durably."""
    _replace(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def write_frame(frame: pl.DataFrame, path: Path) -> None:
    """Writes a Parquet file atomically and durably; equal frames give equal bytes."""
    _replace(path, lambda temporary: frame.write_parquet(temporary, compression="zstd"))


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    """Writes a file beside its final path, flushes it, and renames it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write(temporary)
    sync(temporary)
    fault_point("file.before_rename")
    temporary.replace(path)
    sync(path.parent)


def read_frame(path: Path, columns: list[str] | None = None) -> pl.DataFrame:
    """Reads a Parquet file that Hertz wrote, by default all of its columns.

    Raises:
        StorageError: If the file is missing or damaged.
    """
    try:
        return pl.read_parquet(path, columns=columns)
    except (OSError, pl.exceptions.PolarsError) as error:
        message = f"{path}: cannot be read as Parquet ({type(error).__name__}); the file is damaged"
        raise StorageError(message) from error


def sync(path: Path) -> None:
    """Flushes a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Flushes every file and folder below a folder, then the folder itself."""
    for path in sorted(folder.rglob("*")):
        sync(path)
    sync(folder)


def exchange(one: Path, other: Path) -> None:
    """Swaps two folders of one file system in one atomic, durable step (Linux only).

    Raises:
        StorageError: If the file system does not support it.
    """
    names = os.fsencode(one), os.fsencode(other)
    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE):
        reason = os.strerror(ctypes.get_errno())
        message = (
            f"{other}: its file system cannot exchange folders ({reason}); keep the home on a local"
            " file system such as ext4 or xfs"
        )
        raise StorageError(message)
    sync(one.parent)
    sync(other.parent)


def checksums(folder: Path) -> Iterator[tuple[str, str]]:
    """Yields the relative path and the sha256 (hex) of every file below a folder, by path."""
    for path in _files_below(folder):
        yield str(path.relative_to(folder)), sha256_of(path)


def _files_below(folder: Path) -> list[Path]:
    """Returns every file below a folder, by path."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a file in hex; reads about 1 GB/s."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stamps(folder: Path) -> dict[str, list[int]]:
    """Returns the stamp of every file below a folder, by relative path."""
    return {str(path.relative_to(folder)): stamp(path) for path in _files_below(folder)}


def stamp(path: Path) -> list[int]:
    """Returns inode, size, and modification and change time (ns) of a file.

    At least one of the four differs after a file was written, copied or replaced.

    Raises:
        OSError: If the file is missing.
    """
    found = path.stat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
