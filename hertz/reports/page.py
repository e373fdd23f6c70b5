"""The report as one HTML page that needs no other file, no network and no script.

User ids appear only in rows marked with `data-user`, which go when a user is forgotten.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from statistics import median
from typing import NamedTuple

import jinja2
from markupsafe import Markup

from hertz.core.interface_texts.catalogue import text
from hertz.reports import plots
from hertz.reports.figures import CategoryFigures, Quality
from hertz.reports.runs import Counts, ReportedRun, RunRecord

RUNS_SHOWN = 14
TRENDS = ("coverage", "reciprocity", "gini", "churn")
MODEL_COUNTS = (
    "candidates", "accepted", "retried", "bios_cut", "prompt_tokens", "cached_tokens",
    "output_tokens", "generating_seconds", "engine_restarts",
)  # fmt: skip


def render(run: ReportedRun, runs: Sequence[RunRecord]) -> str:
    """Returns the page of a run; `runs` are the last ones, oldest first, and end with the run."""
    before = last_published(runs[:-1])
    # The stages of the last run come first.
    stages = list(dict.fromkeys(stage for old in reversed(runs) for stage in old.seconds))
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


def rows_of(page: str, user: int) -> int:
    """Returns the number of rows of a page that name a user."""
    return page.count(f'<tr data-user="{user}">')


def without_rows_of(page: str, users: Collection[int]) -> str:
    """Returns a page without the rows that name some users."""
    for user in users:
        page = re.sub(rf'<tr data-user="{user}">.*?</tr>', "", page, flags=re.DOTALL)
    return page


class CountRow(NamedTuple):
    """One row of the table of counts: in this run, and in the run published before.

    Attributes:
        key: Key of the interface text that names what is counted.
        category: Name of the category; empty for a count of all.
    """

    key: str
    category: str
    now: int
    before: int | None


def compared_counts(now: Counts, before: Counts | None) -> list[CountRow]:
    """Returns all counts of a run beside those of the run published before."""
    earlier = _all_counts(before) if before else {}
    return [CountRow(*key, count, earlier.get(key)) for key, count in _all_counts(now).items()]


def _all_counts(counts: Counts) -> dict[tuple[str, str], int]:
    """Returns all counts of a run by `key` and `category`, as in `CountRow`."""
    return {
        ("common_users", ""): counts.users,
        ("report_quarantined", ""): counts.quarantined,
        **{("report_pairs", name): pairs for name, pairs in counts.eligible_pairs.items()},
        **{("common_matches", name): entries for name, entries in counts.matches.items()},
        ("common_explanations", ""): counts.explanations.total,
    }


class SecondsRow(NamedTuple):
    """Seconds of one stage (empty: of all) in this run; their median in published runs before."""

    stage: str
    now: float
    usual: float | None


def compared_seconds(runs: Sequence[RunRecord], stages: Sequence[str]) -> list[SecondsRow]:
    """Returns the last run's duration of each stage beside the usual one; the sum comes last."""
    earlier = [run for run in runs[:-1] if run.outcome == "published"]
    now = runs[-1].seconds
    rows = []
    for name in stages:
        if name in now:
            usual = _median([run.seconds[name] for run in earlier if name in run.seconds])
            rows.append(SecondsRow(name, now[name], usual))
    total = _median([run.total_seconds for run in earlier])
    return [*rows, SecondsRow("", sum(now.values()), total)]


class BlockRow(NamedTuple):
    """Coverage of one eligibility block by category; block None: all smaller ones together."""

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


def trend_value(quality: Quality | None, figure: str) -> float | None:
    """Returns one of TRENDS of a run; None where the run has no such figure."""
    if quality is None:
        return None
    return getattr(quality.last if figure == "churn" else quality.overall, figure, None)


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
    series = [[trend_value(run.quality, name) for run in runs] for name in TRENDS]
    found["lorenz"] = plots.lorenz_plot("l", [c.lorenz for c in quality.categories.values()])
    found["seconds"] = plots.seconds_plot("t", runs, stages)
    found["quality"] = plots.quality_plot("q", series, runs)
    return {name: Markup(drawing) for name, drawing in found.items()}


def _spans(korean: str, english: str) -> Markup:
    """Returns a text in both languages, of which the page shows one."""
    return Markup('<span lang="ko">{}</span><span lang="en">{}</span>').format(korean, english)


def _said(key: str) -> Markup:
    """Returns an interface text in both languages."""
    return _spans(text(key, "ko"), text(key, "en"))


def _both(key: str) -> str:
    """Returns a word in both languages, for attributes."""
    return f"{text(key, 'ko')} / {text(key, 'en')}"


def _named(labels: Mapping[str, Mapping[str, str]], name: str) -> Markup:
    """Returns a category's own name in both languages."""
    label = labels.get(name, {})
    return _spans(label.get("ko", name), label.get("en", name))


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
