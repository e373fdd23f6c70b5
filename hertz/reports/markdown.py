"""The report in Markdown, for the Prefect UI: the same figures, without any user's id.

Whoever is forgotten vanishes from the home; what Prefect keeps is out of Hertz's reach. So the most
exposed users are named in report.html alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hertz.core.interface_texts.catalogue import text
from hertz.reports.gate import note_of
from hertz.reports.page import TRENDS, last_published, number, percent

MARKS = {"ok": "✓", "outside": "✗", "not judged": "–"}


def render_markdown(manifest: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    """The quality part of a run's report.

    Args:
        manifest: The run's manifest.
        runs: Records of the runs before, oldest first.
    """
    quality = manifest["quality"]
    parts = [
        _gate(quality["gate"]),
        _trend(quality, last_published(runs)),
        _categories(quality),
        _exposed(quality["overall"]),
        _explanations(quality["explanations"]),
        _quarantine(quality["quarantine"]),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _gate(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [
        f"## {_word('report_gate')}",
        "",
        *_head("", "report_figure", "report_found:", "report_limit:", ""),
    ]
    for check in checks:
        figure, _, category = check["figure"].partition(".")
        shown = (lambda v: number(v, 3)) if figure == "score_shift" else percent
        name = _word(f"report_{figure}") + (f", {category}" if category else "")
        limit = f"{text('report_at_' + check['bound'], 'en')} {shown(check['limit'])}"
        note = note_of(check["why"])
        mark = MARKS[check["verdict"]]
        lines.append(_row(mark, name, shown(check["value"]), limit, note))
    return lines


def _trend(quality: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[str]:
    old = (before or {}).get("quality") or {}
    lines = [
        f"## {_word('report_runs')}",
        "",
        *_head("report_figure", "report_this_run:", "report_last_published:"),
    ]
    for name in TRENDS:
        part = "last" if name == "churn" else "overall"
        values = [(found.get(part) or {}).get(name) for found in (quality, old)]
        shown = [number(v, 3) if name == "gini" else percent(v) for v in values]
        lines.append(_row(_word(f"report_{name}"), *shown))
    if quality["last"]:
        for name in ("users_new", "users_lost"):
            lines.append(_row(_word(f"report_{name}"), number(quality["last"][name]), ""))
    return lines


def _categories(quality: Mapping[str, Any]) -> list[str]:
    columns = (
        "report_coverage:",
        "report_reciprocity:",
        "report_gini:",
        "report_median:",
        "report_churn:",
    )
    lines = [f"## {_word('report_by_category')}", "", *_head("report_category", *columns)]
    last = (quality["last"] or {}).get("categories", {})
    for name, part in quality["categories"].items():
        median = dict(map(tuple, part["scores"]["quantiles"]))[0.5] if part["scores"] else None
        lines.append(
            _row(
                _safe(name),
                percent(part["coverage"]),
                percent(part["reciprocity"]),
                number(part["gini"], 3),
                number(median, 3),
                percent(last.get(name, {}).get("churn")),
            )
        )
    return lines


def _exposed(overall: Mapping[str, Any]) -> list[str]:
    most = [number(line["lists"]) for line in overall["most_exposed"]]
    named = (
        f"{_word('report_most_exposed')}: {', '.join(most)} {text('report_lists', 'en').lower()}"
    )
    return [f"{named} (ids: report.html)"] if most else []


def _explanations(told: Mapping[str, Any]) -> list[str]:
    lines = [f"## {_word('common_explanations')}", "", *_head("", ":")]
    lines += [
        _row(_word(f"report_origin_{name}"), number(count))
        for name, count in told["origins"].items()
    ]
    counted = ("candidates", "accepted", "prompt_tokens", "cached_tokens", "output_tokens")
    lines += [_row(_word(f"report_{name}"), number(told[name])) for name in counted if name in told]
    lines += [
        _row(_word(f"report_{name}"), percent(told[name])) for name in ("prefix_hits", "grounded")
    ]
    failed = told["failed_checks"]
    lines += [
        _row(f"{_word('report_failed_checks')}: `{name}`", number(times))
        for name, times in failed.items()
    ]
    return lines


def _quarantine(found: Mapping[str, Any]) -> list[str]:
    if not found["rows"]:
        return []
    lines = [
        f"## {_word('report_quarantine')}",
        "",
        *_head("report_field", "report_reason", "report_rows:"),
    ]
    return [
        *lines,
        *(_row(_safe(r["field"]), _safe(r["reason"]), number(r["rows"])) for r in found["reasons"]),
    ]


def _word(key: str) -> str:
    return f"{text(key, 'en')} · {text(key, 'ko')}"


def _head(*columns: str) -> list[str]:
    """A table's head: keys of texts, those that end in a colon over columns of numbers."""
    names = [_word(name.rstrip(":")) if name.strip(":") else "" for name in columns]
    return [_row(*names), _row(*("--:" if name.endswith(":") else ":--" for name in columns))]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _safe(text: str) -> str:
    """A text of the source or the policy as it is, whatever it means in Markdown or HTML."""
    for sign in "\\`*_[]<>|":
        text = text.replace(sign, f"&#{ord(sign)};")
    return text.replace("\n", " ")
