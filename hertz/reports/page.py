"""The report as one HTML page that needs no other file, no network and no script.

In: a run's manifest (its figures, `quality` among them) and the records of the last runs. Out: HTML
in Korean and English, light and dark. User ids stand only in rows marked with `data-user`, so that
`reports/rows.py` can take them out when a user is forgotten.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import jinja2
from markupsafe import Markup, escape

from hertz.core.interface_texts.catalogue import text
from hertz.reports import plots

RUNS_SHOWN = 14
TRENDS = ("coverage", "reciprocity", "gini", "churn")


def render(manifest: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> str:
    """The page of a run.

    Args:
        manifest: The run's manifest.
        runs: Records of the last runs, oldest first; the run itself is the last of them.
    """
    quality, before = manifest["quality"], last_published(runs[:-1])
    stages = stages_of(runs)
    return _template().render(
        run=manifest,
        quality=quality,
        overall=quality["overall"],
        last=quality["last"],
        korean_first=manifest["policy"]["languages"][0] == "ko",
        outside=any(check["verdict"] == "outside" for check in quality["gate"]),
        before=before,
        counts=compared_counts(runs[-1], before),
        stages=stages,
        seconds=compared_seconds(runs, stages),
        trends=TRENDS,
        blocks=block_rows(quality["categories"]),
        labels={n: c.get("label", {}) for n, c in manifest["policy"]["categories"].items()},
        percent=percent,
        number3=functools.partial(number, digits=3),
        drawn=_drawn(quality, runs, stages),
    )


def last_published(runs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The last run that was published, None without any."""
    return next((run for run in reversed(runs) if run["outcome"] == "published"), None)


def stages_of(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the stages that the last runs had, in their order, the last run's first."""
    return list(dict.fromkeys(stage for run in reversed(runs) for stage in run["seconds"]))


def compared_counts(
    run: Mapping[str, Any], before: Mapping[str, Any] | None
) -> list[tuple[str, str, int, int | None]]:
    """(text key, category or "", count, count in the run published before) of all counts."""
    found: list[tuple[str, str, int, int | None]] = []
    old = before["counts"] if before else {}
    for key, name in (("common_users", "users"), ("report_quarantined", "quarantined")):
        found.append((key, "", run["counts"][name], old.get(name)))
    for key, name in (("report_pairs", "eligible_pairs"), ("common_matches", "matches")):
        for category, count in run["counts"][name].items():
            found.append((key, category, count, old.get(name, {}).get(category)))
    texts = old.get("explanations")
    total = sum(run["counts"]["explanations"].values())
    found.append(("common_explanations", "", total, sum(texts.values()) if texts else None))
    return found


def compared_seconds(
    runs: Sequence[Mapping[str, Any]], stages: Sequence[str]
) -> list[tuple[str, float, float | None]]:
    """(stage, seconds, median seconds of the published runs before), the sum of all last."""
    earlier = [run for run in runs[:-1] if run["outcome"] == "published"]
    now = runs[-1]["seconds"]
    found = [
        (name, now[name], _median([r["seconds"][name] for r in earlier if name in r["seconds"]]))
        for name in stages
        if name in now
    ]
    return [*found, ("", sum(now.values()), _median([run["total_seconds"] for run in earlier]))]


def block_rows(
    categories: Mapping[str, Mapping[str, Any]],
) -> list[tuple[str | None, int, dict[str, float]]]:
    """(block, users, coverage by category), largest first; None: all smaller ones together."""
    found: dict[str | None, tuple[int, dict[str, float]]] = {}
    for name, part in categories.items():
        for line in part["blocks"]:
            found.setdefault(line["block"], (line["users"], {}))[1][name] = line["coverage"]
    ordered = sorted(found.items(), key=lambda item: (item[0] is None, -item[1][0], str(item[0])))
    return [(block, users, shares) for block, (users, shares) in ordered]


def trend(runs: Sequence[Mapping[str, Any]], figure: str) -> list[float | None]:
    """One of TRENDS over the runs; None where a run has none."""
    return [_trend_value(run.get("quality") or {}, figure) for run in runs]


def number(value: float | None, digits: int = 0) -> str:
    """1,234 or 1,234.5; a dash for nothing."""
    return "–" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None) -> str:
    """0.1234 as 12.3 %; a dash for nothing."""
    return "–" if value is None else f"{value:.1%}".replace("%", " %")


def duration(seconds: float) -> str:
    """12.3 s, or 4:05 (minutes) from two minutes on, or 1:02:03 (hours)."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _trend_value(quality: Mapping[str, Any], figure: str) -> float | None:
    part = quality.get("last") if figure == "churn" else quality.get("overall")
    return (part or {}).get(figure)


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _drawn(
    quality: Mapping[str, Any], runs: Sequence[Mapping[str, Any]], stages: Sequence[str]
) -> dict[str, Markup]:
    """All drawings by name; they hold nothing but numbers."""
    last = (quality["last"] or {}).get("scores", {})
    found = {
        f"scores-{place}": plots.score_plot(f"s{place}", part["scores"], last.get(name), place)
        for place, (name, part) in enumerate(quality["categories"].items())
        if part["scores"]
    }
    curves = [part["lorenz"] for part in quality["categories"].values()]
    found["lorenz"] = plots.lorenz_plot("l", curves)
    found["seconds"] = plots.seconds_plot("t", runs, stages)
    found["quality"] = plots.quality_plot("q", [trend(runs, name) for name in TRENDS], runs)
    return {name: Markup(drawing) for name, drawing in found.items()}


def _said(key: str) -> Markup:
    """A word in both languages, of which the page shows one."""
    korean, english = text(key, "ko"), text(key, "en")
    return Markup('<span lang="ko">{}</span><span lang="en">{}</span>').format(korean, english)


def _both(key: str) -> str:
    """A word in both languages, for attributes."""
    return f"{text(key, 'ko')} / {text(key, 'en')}"


def _named(labels: Mapping[str, Mapping[str, str]], name: str) -> Markup:
    """A category's own name in both languages."""
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
