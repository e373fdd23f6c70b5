"""Removing what nobody needs: old snapshots, and vectors that no kept one and no setting names.

Runs never remove vectors, so that a text is encoded once ever. After another embedding model was
taken into use, the old model's stay as long as a snapshot made with it: erasing a user from that
one makes its Chroma anew.
"""

from __future__ import annotations

from typing import NamedTuple

from hertz.stages.embed import open_encoder
from hertz.stages.run import Run, Stopwatch
from hertz.storage.disk import folder_bytes
from hertz.storage.embeddings import remove_unused_stores
from hertz.storage.settings import Settings
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import kept_folders, locked_home, remove_held, remove_old
from hertz.storage.snapshot.stage_results import DropVectorsResult


class Cleaned(NamedTuple):
    """Snapshots removed and kept, the bytes those had, and the removed folders of vectors."""

    removed: list[str]
    kept: list[str]
    freed_bytes: int
    vectors: list[str]


def cleanup(settings: Settings, keep: int | None = None, held: bool = False) -> Cleaned:
    """Remove old snapshots, and what killed runs left; then vectors of models no longer in use.

    The published snapshot always stays.

    Args:
        settings: The home, and how many snapshots it keeps.
        keep: Number of the newest snapshots to keep; None for the number in the settings.
        held: Whether what the gate held goes too.

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
    """Remove them; the names of the removed folders. The home must be held."""
    used = {open_encoder(settings).identity}
    used |= {read_manifest(f).stages.embed.identity for f in kept_folders(settings.home)}
    return remove_unused_stores(settings.home, used)
