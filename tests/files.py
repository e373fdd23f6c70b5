"""Looks into the files that a test leaves."""

from __future__ import annotations

from pathlib import Path


def files_with(folder: Path, *parts: bytes) -> list[str]:
    """Paths, relative to the folder, of all files below it that contain any of the byte strings."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(p.relative_to(folder)) for p in files if any(b in p.read_bytes() for b in parts)]
