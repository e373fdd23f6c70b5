"""Keeps load tests: one JSON file each in <home>/loadtests/, named by its time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hertz.core.errors import StorageError
from hertz.storage.files import timestamped_path, write_text, writing

FOLDER = "loadtests"


def save_load_test(home: Path, figures: dict[str, Any]) -> Path:
    """Saves the figures of a load test; returns the file, whose name sorts by time.

    Raises:
        StorageError: If the home cannot be written.
    """
    path = timestamped_path(home / FOLDER, ".json")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(figures))
    return path


def read_load_test(home: Path, name: str | None = None) -> dict[str, Any] | None:
    """Reads a saved load test, by default the latest; None if none is named and none is saved.

    The file's `name` may have its `.json` or not; the figures contain it without.

    Raises:
        StorageError: If there is no such file, or it is not a load test.
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
