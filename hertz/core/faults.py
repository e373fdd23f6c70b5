"""Fault points: named moments at which a test can kill the process.

The variable HERTZ_FAULT names a point, such as `snapshot.before_current`, and optionally the visit
that is fatal: `snapshot.before_current:3`. Without it a point costs one look-up.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import Literal, get_args

from hertz.core.errors import HertzError

VARIABLE = "HERTZ_FAULT"

FaultPoint = Literal[
    "file.before_rename",  # a file is written under its temporary name
    "prepare.written",  # users.parquet is in the run's folder
    "recompute.written",  # matches.parquet is in the run's folder
    "explain.before_send",  # a part of the prompts goes to the engine
    "explain.before_keep",  # a part's answers are checked, and not in the cache yet
    "explain.after_keep",  # a part's answers are in the cache
    "explain.written",  # explanations.parquet is in the run's folder
    "publish.before_report",
    "publish.before_erasures",  # CURRENT names the snapshot; removed users are still in older ones
    "snapshot.before_manifest",
    "snapshot.after_manifest",  # the folder is complete, and not renamed yet
    "snapshot.before_current",  # the folder has its final name, and CURRENT names the old snapshot
    "snapshot.after_current",  # the snapshots over the limit are not removed yet
    "snapshot.after_hold",  # the held folder has its name, and an older one is still there
    "snapshot.before_removal",  # a folder to be removed has its temporary name
    "history.before_record",
    "intake.before_commit",
    "intake.after_commit",  # the events are durable, and not answered yet
    "forget.before_vectors",
    "forget.before_cache",
    "forget.before_snapshot",
    "erase.before_exchange",  # the snapshot without the users is complete beside the old one
    "erase.after_exchange",
    "forget.before_intake",
    "forget.before_wipe",
    "forget.before_receipt",
    "embeddings.after_merge",  # the merged part is written, and the small ones are still there
]
POINTS: tuple[str, ...] = get_args(FaultPoint)

_visits: Counter[str] = Counter()


def fault_point(name: FaultPoint) -> None:
    """Kills the process here if HERTZ_FAULT names this point.

    Raises:
        HertzError: If the variable names no fault point.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    point, _, visit = wanted.partition(":")
    visit = visit or "1"
    if point not in POINTS or not visit.isdecimal():
        message = (
            f"{VARIABLE} = {wanted!r}: no such fault point; accepted: {', '.join(POINTS)}, each "
            "with or without the number of the visit that is fatal, such as :3"
        )
        raise HertzError(message)
    _visits[name] += 1
    if point == name and _visits[name] == int(visit):
        os.kill(os.getpid(), signal.SIGKILL)
