"""Removing vectors that nobody needs: of models that no kept snapshot and no setting names.

Runs never remove vectors, so that a text is encoded once ever. After another embedding model was
taken into use, the old model's stay as long as a snapshot made with it: erasing a user from that
one makes its Chroma anew.
"""

from __future__ import annotations

import json
from typing import Any

from stages.embed import open_encoder
from stages.publish import Cleaned
from stages.publish import cleanup as remove_snapshots
from stages.run import Run
from storage.embeddings import drop_stores
from storage.settings import Settings
from storage.snapshots import kept_folders, locked_home, read_manifest


def cleanup(
    settings: Settings, keep: int | None = None, held: bool = False
) -> tuple[Cleaned, list[str]]:
    """Remove old snapshots, then vectors of models no longer in use.

    Args:
        settings: The home, and how many snapshots it keeps.
        keep: How many of the newest stay, if not so many as the settings say.
        held: Whether what the gate held goes too.

    Returns:
        What was done to the snapshots, and the names of the removed folders of vectors.

    Raises:
        LockedError: If a run holds the home.
    """
    cleaned = remove_snapshots(settings, keep, held)
    with locked_home(settings.home, "cleanup"):
        return cleaned, drop_unused_vectors(settings)


def drop_vectors(run: Run) -> None:
    """Last stage of a run with a new embedding model: `drop_unused_vectors`, with its figures."""
    with run.stage("drop_vectors") as figures:
        figures["models_removed"] = len(drop_unused_vectors(run.settings))


def drop_unused_vectors(settings: Settings) -> list[str]:
    """Remove them; the names of the removed folders. The home must be held."""
    used = {open_encoder(settings).identity}
    used |= {_identity(read_manifest(folder)) for folder in kept_folders(settings.home)}
    return drop_stores(settings.home, used)


def _identity(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest["stages"]["embed"]["model_identity"], ensure_ascii=False)
