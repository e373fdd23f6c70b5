"""Load tests that were run: one JSON file each under <home>/loadtests/, named by its time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hertz.core.errors import StorageError
from hertz.storage.files import timestamped_path, write_text

FOLDER = "loadtests"


def save_load_test(home: Path, found: dict[str, Any]) -> Path:
    """Write a run; its file, whose name sorts by time.

    Raises:
        StorageError: If the home cannot be written.
    """
    path = timestamped_path(home / FOLDER, ".json")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(found))
    except OSError as error:
        message = f"{path}: cannot be written ({error.strerror}); name another home with --home"
        raise StorageError(message) from error
    return path


def read_load_test(home: Path, name: str | None = None) -> dict[str, Any] | None:
    """A stored run: the one named (with or without .json), or the latest; None before the first.

    Raises:
        StorageError: If the one named is not there, or the file is not one of ours.
    """
    kept = sorted((home / FOLDER).glob("*.json"))
    chosen = [path for path in kept if path.stem == name.removesuffix(".json")] if name else kept
    if not chosen:
        if name is None:
            return None
        message = f"no load test {name!r}; stored: {', '.join(p.stem for p in kept) or 'none'}"
        raise StorageError(message)
    try:
        found: dict[str, Any] = json.loads(chosen[-1].read_text(encoding="utf-8"))
        return found | {"name": chosen[-1].stem}
    except (OSError, ValueError, TypeError) as error:
        message = f"{chosen[-1]}: not a stored load test ({type(error).__name__}); delete it"
        raise StorageError(message) from error
