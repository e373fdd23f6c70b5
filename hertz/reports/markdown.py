"""The report in Markdown, for the Prefect UI: the same figures, without any user's id.

A forgotten user is erased from the home, but not from what Prefect keeps.
"""

from __future__ import annotations

from collections.abc import Sequence

from hertz.core.interface_texts.catalogue import text
from hertz.reports.figures import Check, ExplanationFigures, Quality, QuarantineFigures
from hertz.reports.page import TRENDS, last_published, number, percent, trend_value
from hertz.reports.runs import ReportedRun, RunRecord

MARKS = {"ok": "✓", "outside": "✗", "not judged": "–"}


def render_markdown(run: ReportedRun, runs: Sequence[RunRecord]) -> str:
    """Returns the quality part of a run's report; `runs` are the records of the runs before."""
    quality = run.quality
    before = last_published(runs)
    parts = [
        _gate(quality.gate),
        _trend(quality, before.quality if before else None),
        _categories(quality),
        _exposed(quality),
        _explanations(quality.explanations),
        _quarantine(quality.quarantine),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _gate(checks: Sequence[Check]) -> list[str]:
    """Returns the table of the gate's checks."""
    lines = [f"## {_word('gate')}", "", *_head("", "figure", "found:", "limit:", "")]
    for check in checks:
        figure, _, category = check.figure.partition(".")
        shown = (lambda v: number(v, 3)) if figure == "score_shift" else percent
        name = _word(figure) + (f", {category}" if category else "")
        limit = f"{text('report_at_' + check.bound, 'en')} {shown(check.limit)}"
        lines.append(_row(MARKS[check.verdict], name, shown(check.value), limit, check.note))
    return lines


def _trend(quality: Quality, before: Quality | None) -> list[str]:
    """Returns the table that compares the run with the one published before."""
    lines = [f"## {_word('runs')}", "", *_head("figure", "this_run:", "last_published:")]
    for name in TRENDS:
        values = [trend_value(found, name) for found in (quality, before)]
        shown = [number(v, 3) if name == "gini" else percent(v) for v in values]
        lines.append(_row(_word(name), *shown))
    if quality.last:
        lines.append(_row(_word("users_new"), number(quality.last.users_new), ""))
        lines.append(_row(_word("users_lost"), number(quality.last.users_lost), ""))
    return lines


def _categories(quality: Quality) -> list[str]:
    """Returns the table of the categories."""
    columns = ("coverage:", "reciprocity:", "gini:", "median:", "churn:")
    lines = [f"## {_word('by_category')}", "", *_head("category", *columns)]
    changes = quality.last.categories if quality.last else {}
    for name, part in quality.categories.items():
        cells = (
            percent(part.coverage),
            percent(part.reciprocity),
            number(part.gini, 3),
            number(part.scores.median if part.scores else None, 3),
            percent(changes[name].churn if name in changes else None),
        )
        lines.append(_row(_safe(name), *cells))
    return lines


def _exposed(quality: Quality) -> list[str]:
    """Returns one line with the number of lists of the most exposed users."""
    most = [number(line.lists) for line in quality.overall.most_exposed or ()]
    named = f"{_word('most_exposed')}: {', '.join(most)} {text('report_lists', 'en').lower()}"
    return [f"{named} (ids: report.html)"] if most else []


def _explanations(found: ExplanationFigures) -> list[str]:
    """Returns the table of the explanations and of the language model's work."""
    counts = ("candidates", "accepted", "prompt_tokens", "cached_tokens", "output_tokens")
    failed = _word("failed_checks")
    return [
        f"## {_word('common_explanations', '')}",
        "",
        *_head("", ":"),
        *(_row(_word(f"origin_{name}"), number(count)) for name, count in found.origins),
        *(_row(_word(name), number(getattr(found, name))) for name in counts),
        *(_row(_word(name), percent(getattr(found, name))) for name in ("prefix_hits", "grounded")),
        *(_row(f"{failed}: `{n}`", number(times)) for n, times in found.failed_checks.items()),
    ]


def _quarantine(found: QuarantineFigures) -> list[str]:
    """Returns the table of the rows in quarantine; nothing without any."""
    if not found.rows:
        return []
    return [
        f"## {_word('quarantine')}",
        "",
        *_head("field", "reason", "rows:"),
        *(_row(_safe(r.field), _safe(r.reason), number(r.rows)) for r in found.reasons),
    ]


def _word(key: str, prefix: str = "report_") -> str:
    """Returns an interface text in English and Korean."""
    return f"{text(prefix + key, 'en')} · {text(prefix + key, 'ko')}"


def _head(*columns: str) -> list[str]:
    """Returns a table's head for keys without `report_`; a final colon aligns numbers right."""
    names = [_word(name.rstrip(":")) if name.strip(":") else "" for name in columns]
    return [_row(*names), _row(*("--:" if name.endswith(":") else ":--" for name in columns))]


def _row(*cells: str) -> str:
    """Returns one row of a table."""
    return f"| {' | '.join(cells)} |"


def _safe(text: str) -> str:
    """Returns a text of the source or the policy with all Markdown and HTML escaped."""
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"&#{ord(sign)};")
    return text.replace("\n", " ")
