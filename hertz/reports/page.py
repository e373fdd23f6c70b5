"""The report as one HTML page that needs no other file, no network and no script.

In: a run with its quality figures, and the records of the last runs. Out: HTML in Korean and
English, light and dark. User ids appear only in rows marked with `data-user`, so that
`reports/rows.py` can remove them when a user is forgotten.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Literal, NamedTuple, get_args

import jinja2
from markupsafe import Markup, escape

from hertz.core.interface_texts.catalogue import text
from hertz.reports import plots
from hertz.reports.figures import CategoryFigures, Quality
from hertz.reports.runs import Counts, ReportedRun, RunRecord

RUNS_SHOWN = 14
Trend = Literal["coverage", "reciprocity", "gini", "churn"]
TRENDS: tuple[Trend, ...] = get_args(Trend)
MODEL_COUNTS = (
    "candidates", "accepted", "retried", "bios_cut", "prompt_tokens", "cached_tokens",
    "output_tokens", "generating_seconds", "engine_restarts",
)  # fmt: skip


def render(run: ReportedRun, runs: Sequence[RunRecord]) -> str:
    """Returns the page of a run.

    Args:
        run: The run, as its manifest describes it.
        runs: Records of the last runs, oldest first; the run itself is the last of them.
    """
    before = last_published(runs[:-1])
    stages = stages_of(runs)
    return _template().render(
        run=run,
        quality=run.quality,
        overall=run.quality.overall,
        last=run.quality.last,
        ended=run.created_at.isoformat(),
        korean_first=run.policy.languages[0] == "ko",
        outside=run.quality.is_outside,
        counts=compared_counts(run.counts, before.counts if before else None),
        stages=stages,
        seconds=compared_seconds(runs, stages),
        trends=TRENDS,
        blocks=block_rows(run.quality.categories),
        labels={name: category.label for name, category in run.policy.categories.items()},
        model_counts=MODEL_COUNTS,
        percent=percent,
        number3=functools.partial(number, digits=3),
        drawn=_drawn(run.quality, runs, stages),
    )


def last_published(runs: Sequence[RunRecord]) -> RunRecord | None:
    """Returns the last run that was published; None without any."""
    return next((run for run in reversed(runs) if run.outcome == "published"), None)


def stages_of(runs: Sequence[RunRecord]) -> list[str]:
    """Returns the names of all stages of the runs, those of the last run first."""
    return list(dict.fromkeys(stage for run in reversed(runs) for stage in run.seconds))


class CountRow(NamedTuple):
    """One row of the table of counts.

    Attributes:
        key: Key of the interface text that names what is counted.
        category: Name of the category; empty for a count of all.
        now: Count in this run.
        before: Count in the run published before; None without one.
    """

    key: str
    category: str
    now: int
    before: int | None


def compared_counts(now: Counts, before: Counts | None) -> list[CountRow]:
    """Returns all counts of a run beside those of the run published before."""
    pairs, matches = (before.eligible_pairs, before.matches) if before else ({}, {})
    texts = before.explanations.total if before else None
    return [
        CountRow("common_users", "", now.users, before.users if before else None),
        CountRow("report_quarantined", "", now.quarantined, before.quarantined if before else None),
        *(
            CountRow("report_pairs", n, count, pairs.get(n))
            for n, count in now.eligible_pairs.items()
        ),
        *(CountRow("common_matches", n, count, matches.get(n)) for n, count in now.matches.items()),
        CountRow("common_explanations", "", now.explanations.total, texts),
    ]


class SecondsRow(NamedTuple):
    """One row of the table of durations.

    Attributes:
        stage: Name of the stage; empty for the sum of all.
        now: Seconds in this run.
        usual: Median of the published runs before; None without any.
    """

    stage: str
    now: float
    usual: float | None


def compared_seconds(runs: Sequence[RunRecord], stages: Sequence[str]) -> list[SecondsRow]:
    """Returns the last run's duration of each stage beside the usual one; the sum comes last."""
    earlier = [run for run in runs[:-1] if run.outcome == "published"]
    now = runs[-1].seconds
    rows = [
        SecondsRow(
            name, now[name], _median([r.seconds[name] for r in earlier if name in r.seconds])
        )
        for name in stages
        if name in now
    ]
    usual = _median([run.total_seconds for run in earlier])
    return [*rows, SecondsRow("", sum(now.values()), usual)]


class BlockRow(NamedTuple):
    """Coverage of one eligibility block in each category.

    Attributes:
        block: Values that the block's users share; None for all smaller blocks together.
        users: Number of users.
        coverage: Share of users with a match, by category.
    """

    block: str | None
    users: int
    coverage: dict[str, float | None]


def block_rows(categories: Mapping[str, CategoryFigures]) -> list[BlockRow]:
    """Returns the eligibility blocks of all categories, largest first, small ones together last."""
    found: dict[str | None, BlockRow] = {}
    for name, part in categories.items():
        for line in part.blocks:
            row = found.setdefault(line.block, BlockRow(line.block, line.users, {}))
            row.coverage[name] = line.coverage
    return sorted(found.values(), key=lambda row: (row.block is None, -row.users, str(row.block)))


def trend(runs: Sequence[RunRecord], figure: Trend) -> list[float | None]:
    """Returns one of TRENDS over the runs; None where a run has no such figure."""
    return [trend_value(run.quality, figure) for run in runs]


def trend_value(quality: Quality | None, figure: Trend) -> float | None:
    """Returns one of TRENDS of a run; None where the run has no such figure."""
    if quality is None:
        return None
    overall = quality.overall
    match figure:
        case "coverage":
            return overall.coverage
        case "reciprocity":
            return overall.reciprocity
        case "gini":
            return overall.gini
        case "churn":
            return quality.last.churn if quality.last else None


def number(value: float | None, digits: int = 0) -> str:
    """Returns 1,234 or 1,234.5; a dash for None."""
    return "–" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """Returns 0.1234 as 12.3 %; a dash for None."""
    return "–" if value is None else f"{value:.1%}".replace("%", " %")


def plain(value: object) -> str:
    """Returns a figure, or figures by name, with commas between thousands."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(item)}" for name, item in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def duration(seconds: float) -> str:
    """Returns 12.3 s, from two minutes on 4:05 (minutes), or 1:02:03 (hours)."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _drawn(quality: Quality, runs: Sequence[RunRecord], stages: Sequence[str]) -> dict[str, Markup]:
    """Returns all drawings by name; they contain nothing but numbers."""
    last = quality.last.scores if quality.last else {}
    found = {
        f"scores-{place}": plots.score_plot(f"s{place}", part.scores, last.get(name), place)
        for place, (name, part) in enumerate(quality.categories.items())
        if part.scores
    }
    curves = [part.lorenz for part in quality.categories.values()]
    found["lorenz"] = plots.lorenz_plot("l", curves)
    found["seconds"] = plots.seconds_plot("t", runs, stages)
    found["quality"] = plots.quality_plot("q", [trend(runs, name) for name in TRENDS], runs)
    return {name: Markup(drawing) for name, drawing in found.items()}


def _said(key: str) -> Markup:
    """Returns a word in both languages, of which the page shows one."""
    korean, english = text(key, "ko"), text(key, "en")
    return Markup('<span lang="ko">{}</span><span lang="en">{}</span>').format(korean, english)


def _both(key: str) -> str:
    """Returns a word in both languages, for attributes."""
    return f"{text(key, 'ko')} / {text(key, 'en')}"


def _named(labels: Mapping[str, Mapping[str, str]], name: str) -> Markup:
    """Returns a category's own name in both languages."""
    label = labels.get(name, {})
    pair = (escape(label.get("ko", name)), escape(label.get("en", name)))
    return Markup('<span lang="ko">{}</span><span lang="en">{}</span>').format(*pair)


@functools.cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hertz.reports", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "duration": duration}
    environment.globals |= {"t": _said, "both": _both, "named": _named}
    return environment.get_template("page.jinja")
