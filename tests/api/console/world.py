"""A home for the console: random lists, one match of known contributions, hostile texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import polars as pl

from hertz.api.app import create_app
from hertz.api.middleware.security import Keys
from hertz.policy.model import Policy
from tests.api.servers import served_app
from tests.storage.runs import Frames, publish_frames, random_frames

IDS = list(range(1, 61))
K = 45  # more than two pages
RUN = "20261122T170000Z-0001"
KEY = "a-key-of-the-console"
KNOWN = 3  # this user's best friend match has these parts:
FORWARD = {"cosine": 0.35, "mbti": 0.075, "age": 0.15}
BACKWARD = {"cosine": -0.2, "mbti": 0.15, "age": 0.0}
HOSTILE = '<script>document.title="owned"</script><img src=x onerror="document.title=1">&amp;"'


def console_frames(policy: Policy) -> Frames:
    """Returns the frames of the home; the last user has no match."""
    profiles, matches, explanations = random_frames(policy, IDS, k=K)
    known = (pl.col("category") == "friend") & (pl.col("user_id") == KNOWN) & (pl.col("rank") == 1)
    parts = {
        "forward": sum(FORWARD.values()),
        "backward": sum(BACKWARD.values()),
        "forward_terms": list(FORWARD.values()),
        "backward_terms": list(BACKWARD.values()),
    }
    matches = matches.with_columns(
        pl.when(known).then(pl.lit(value, matches.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in parts.items()
    )
    explanations = explanations.with_columns(
        title=pl.lit(f"{HOSTILE} title"), content=pl.lit(f"{HOSTILE}\n\n음악 😀")
    )
    if "hobbies" not in policy.fields:  # the field of the reasons
        explanations = explanations.with_columns(reasons=pl.lit("[]"))
    return Frames(profiles, matches, explanations)


@contextmanager
def console(home: Path, policy: Policy, keys: Keys | None = None) -> Iterator[httpx.Client]:
    """Serves a home, published if it is not yet; yields a client that prefers English."""
    if not (home / "CURRENT").exists():
        publish_frames(home, policy, RUN, console_frames(policy))
    with served_app(create_app(home, keys=keys, policy=policy)) as client:
        client.headers["accept-language"] = "en"
        yield client
