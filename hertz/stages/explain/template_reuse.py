"""Last night's template texts that would be the same tonight, taken over instead of written again.

In: the published snapshot, tonight's profiles and the explanations wanted. Out: those whose texts
depend on nothing that has changed: the policy, the template's version (`voice`), both profiles.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from hertz.core.errors import StorageError
from hertz.policy.model import Policy
from hertz.stages.previous_run import unchanged_users
from hertz.storage.files import read_frame
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import current_snapshot

logger = logging.getLogger(__name__)

TASK = ("category", "user_a", "user_b", "language")


def template_digest(made_by: Sequence[str]) -> str:
    """Names all that decides a template text besides the two profiles."""
    return hashlib.sha256("\n".join(made_by).encode()).hexdigest()


def reusable_template_texts(
    home: Path, policy: Policy, voice: str, profiles: pl.DataFrame, wanted: pl.DataFrame
) -> pl.DataFrame:
    """The published explanations among those wanted that would be written the same tonight.

    Args:
        home: The home directory.
        policy: Tonight's policy.
        voice: `template_digest` tonight's template.
        profiles: Tonight's profiles.
        wanted: `category`, `user_a`, `user_b`, `language` and further columns, which are kept.

    Returns:
        Rows of `wanted` with the columns of the published explanations; none where there is no
        snapshot, or it is of another voice or damaged (which the log tells).
    """
    nothing = wanted.clear()
    try:
        snapshot = current_snapshot(home)
        if snapshot is None or read_manifest(snapshot).stages.explain.voice != voice:
            return nothing
        before = read_frame(snapshot / "users.parquet")
        told_of = [name for name, rule in policy.fields.items() if rule.kind != "ids"]
        same = unchanged_users(before, profiles, told_of).implode()
        told = read_frame(snapshot / "explanations.parquet")
    except StorageError as error:
        logger.warning("no explanation is taken over: %s", error)
        return nothing
    usable = told.filter(
        pl.col("origin") == "template", pl.col("user_a").is_in(same), pl.col("user_b").is_in(same)
    )
    return wanted.join(usable, on=TASK, maintain_order="left")
