"""Removing what no kept snapshot needs: old snapshots, and vectors of models no longer in use.

Every published run already keeps no more snapshots than `[storage] keep`; this is for keeping
fewer, and for the vectors, which runs never remove: those of a model that no kept snapshot was
made with, and that the settings do not name.
"""

from __future__ import annotations

import json
from typing import Any

from stages.embed import open_encoder
from stages.run import Run
from storage.embeddings import drop_stores
from storage.settings import Settings
from storage.snapshots import list_snapshots, locked_home, read_manifest, remove_old


def cleanup(settings: Settings, keep: int | None = None) -> dict[str, list[str]]:
    """Remove snapshots older than the `keep` newest, and vectors that nobody needs.

    Args:
        settings: What to work on.
        keep: How many snapshots stay; the published one does in any case. None: as the settings.

    Returns:
        Names of what was removed: `snapshots` and `embeddings`.

    Raises:
        LockedError: If a run holds the home.
        StorageError: If the home cannot be read or written.
    """
    with locked_home(settings.home, "cleanup"):
        removed = remove_old(settings.home, keep or settings.storage.keep)
        return {"snapshots": removed, "embeddings": drop_unused_vectors(settings)}


def drop_unused_vectors(settings: Settings) -> list[str]:
    """Remove the vectors of models that neither a kept snapshot nor the settings name.

    A kept snapshot's vectors stay as long as it does: erasing a user makes its Chroma anew.
    """
    used = {open_encoder(settings).identity}
    used |= {_identity(read_manifest(snapshot)) for snapshot in list_snapshots(settings.home)}
    return drop_stores(settings.home, used)


def drop_vectors(run: Run) -> None:
    """Last stage of a run with a new embedding model: `drop_unused_vectors`, with its figures."""
    with run.stage("drop_vectors") as figures:
        figures["stores_removed"] = len(drop_unused_vectors(run.settings))


def _identity(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest["stages"]["embed"]["model_identity"], ensure_ascii=False)
