"""Helpers for tests of the explain stage: matches, runs, and an engine without a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from hertz.explanations.facts import pair_facts
from hertz.explanations.generation.generator import Generator, VllmGenerator
from hertz.explanations.settings import ExplanationSettings
from hertz.policy.model import Policy
from hertz.stages.run import Run
from hertz.storage.settings import Settings
from tests.explanations.recorded import recorded
from tests.nights import settings_for

MATCHES = {
    "category": pl.String,
    "user_id": pl.Int64,
    "rank": pl.Int32,
    "other_id": pl.Int64,
    "mutual": pl.Float32,
}


def matches_by_facts(
    policy: Policy, profiles: pl.DataFrame, popular: int | None = None
) -> pl.DataFrame:
    """Lists, in all categories, each user's ten matches with the most facts in common.

    A popular user, if given, is first on every list.
    """
    rows = profiles.to_dicts()
    listed = []
    for category in policy.categories:
        for a in rows:
            scored = sorted(
                (
                    b["user_id"] != popular,
                    -pair_facts(policy, category, *_ordered(a, b)).equal_entries,
                    b["user_id"],
                )
                for b in rows
                if b is not a
            )
            for rank, (_, score, other) in enumerate(scored[:10], 1):
                listed.append((category, a["user_id"], rank, other, -score / 50))
    return pl.DataFrame(listed, schema=MATCHES, orient="row")


def started(
    folder: Path, profiles: pl.DataFrame, matches: pl.DataFrame, name: str = "a", **changed: object
) -> Run:
    """Returns a run with the results of its first stages, in a home below `folder`."""
    settings: Settings = settings_for(folder, folder / "none.parquet", "bundled")
    chosen = settings.explanations.model_copy(update=changed)
    run = Run(name, settings.model_copy(update={"explanations": chosen}), folder / name)
    run.folder.mkdir()
    profiles.write_parquet(run.folder / "users.parquet")
    matches.write_parquet(run.folder / "matches.parquet")
    return run


def read(run: Run) -> pl.DataFrame:
    """Returns the run's explanations."""
    return pl.read_parquet(run.folder / "explanations.parquet")


def model_folder(folder: Path, **config: object) -> Path:
    """Makes a folder that looks like a chat model with 16 weights."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", **config}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    write_weights(folder / "model.safetensors", [0] * 16)
    return folder


def write_weights(path: Path, values: list[int], dtype: str = "F32", size: int = 4) -> None:
    """Writes a safetensors file with one tensor."""
    data = b"".join(value.to_bytes(size, "little") for value in values)
    tensor = {"dtype": dtype, "shape": [len(values)], "data_offsets": [0, len(data)]}
    header = json.dumps({"__metadata__": {"format": "pt"}, "w": tensor}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)


def recording(
    ledger: Path, **plan: object
) -> Callable[[ExplanationSettings], AbstractContextManager[Generator]]:
    """Returns a function that opens an engine without a model (`tests.explanations.recorded`)."""

    def open_model(settings: ExplanationSettings) -> AbstractContextManager[Generator]:
        return VllmGenerator("recorded", settings, partial(recorded, ledger=str(ledger), **plan))

    return open_model


def _ordered(a: dict[str, Any], b: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return (a, b) if a["user_id"] < b["user_id"] else (b, a)
