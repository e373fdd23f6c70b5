"""Reuses the published texts of the template voice that a new run would write identically.

A text is reused if its inputs have not changed: the policy, the template, and both profiles.
"""

from __future__ import annotations

import logging
from pathlib import Path

import polars as pl

from hertz.core.errors import StorageError
from hertz.policy.model import Policy
from hertz.stages.explain.tasks import TASK
from hertz.stages.previous_run import unchanged_users
from hertz.storage.files import read_frame
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import current_snapshot

logger = logging.getLogger(__name__)


def reusable_template_texts(
    home: Path, policy: Policy, voice: str, profiles: pl.DataFrame, wanted: pl.DataFrame
) -> pl.DataFrame:
    """Returns the published template texts that the run would write identically.

    The result has the rows of `wanted` that are reused, with the published columns. It is empty if
    there is no snapshot, if its template differs, or if it is damaged, which is logged.

    Args:
        home: The home directory.
        policy: The run's policy.
        voice: `TaskContext.voice` of the run.
        profiles: The run's profiles.
        wanted: Explanations to write: the columns of `TASK`, and others, which are kept.
    """
    nothing = wanted.clear()
    try:
        snapshot = current_snapshot(home)
        if snapshot is None or read_manifest(snapshot).stages.explain.voice != voice:
            return nothing
        before = read_frame(snapshot / "users.parquet")
        fields = [name for name, rule in policy.fields.items() if rule.kind != "ids"]
        same = unchanged_users(before, profiles, fields).implode()
        published = read_frame(snapshot / "explanations.parquet")
    except StorageError as error:
        logger.warning("no explanation is taken over: %s", error)
        return nothing
    usable = published.filter(
        pl.col("origin") == "template", pl.col("user_a").is_in(same), pl.col("user_b").is_in(same)
    )
    return wanted.join(usable, on=TASK, maintain_order="left")
