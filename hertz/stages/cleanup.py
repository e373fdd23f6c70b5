"""Removes old snapshots, and vectors of models that no kept snapshot and no setting names.

The vectors of a kept snapshot's model stay, because erasing a user rebuilds its Chroma database.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from hertz.core.errors import SnapshotError
from hertz.stages.embed import open_encoder
from hertz.stages.run import Run, Stopwatch
from hertz.storage.disk import folder_bytes
from hertz.storage.embeddings import remove_unused_stores
from hertz.storage.settings import Settings
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import kept_folders, locked_home, remove_held, remove_old
from hertz.storage.snapshot.stage_results import DropVectorsResult

logger = logging.getLogger(__name__)


class Cleaned(NamedTuple):
    """Names of removed and kept snapshots, bytes freed by them, names of removed vector folders."""

    removed: list[str]
    kept: list[str]
    freed_bytes: int
    vectors: list[str]


def cleanup(settings: Settings, keep: int | None = None, held: bool = False) -> Cleaned:
    """Removes old snapshots, remains of killed runs, and vectors of unused models.

    The published snapshot and the newest `keep` stay, by default the settings' number of them. With
    `held`, held runs are removed as well.

    Raises:
        LockedError: If a run holds the home.
    """
    home = settings.home
    with locked_home(home, "cleanup"):
        before = folder_bytes(home / "snapshots")
        gone = remove_old(home, settings.storage.keep if keep is None else keep)
        gone += remove_held(home) if held else []
        return Cleaned(
            [folder.name for folder in gone],
            [folder.name for folder in kept_folders(home)],
            before - folder_bytes(home / "snapshots"),
            drop_unused_vectors(settings),
        )


def drop_vectors(run: Run) -> DropVectorsResult:
    """Last stage of a run with a new embedding model: removes the vectors of unused models."""
    watch = Stopwatch()
    removed = len(drop_unused_vectors(run.settings))
    return run.record(DropVectorsResult(seconds=watch.seconds, models_removed=removed))


def drop_unused_vectors(settings: Settings) -> list[str]:
    """Removes the vectors of unused models; returns the names of the removed folders.

    The caller holds the home. None is removed while the manifest of a kept snapshot is unreadable.
    """
    used = {open_encoder(settings).identity}
    try:
        used |= {read_manifest(f).stages.embed.identity for f in kept_folders(settings.home)}
    except SnapshotError as error:  # its snapshot may need the vectors of any model
        logger.warning("no vectors are removed, because a kept manifest is unreadable: %s", error)
        return []
    return remove_unused_stores(settings.home, used)
