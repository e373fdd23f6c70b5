"""Terminal output of a run: counts, seconds and one match; of `hertz status` and `hertz runs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl
from rich.columns import Columns
from rich.console import Console
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text

from hertz.policy.model import Policy
from hertz.reports.gate import summarize
from hertz.reports.page import number, percent, plain, trend_value
from hertz.reports.runs import RunRecord
from hertz.storage.files import read_frame
from hertz.storage.snapshot.manifest import Manifest, read_manifest
from hertz.storage.snapshot.snapshots import REPORT, list_held


def status_of(snapshot: Path) -> dict[str, Any]:
    """Returns what `hertz status --json` prints."""
    manifest = read_manifest(snapshot)
    counts = manifest.counts
    return {
        "snapshot": manifest.run_id,
        "created_at": manifest.created_at.isoformat(),
        "policy": manifest.policy_name,
        "policy_hash": manifest.policy_hash,
        "users": counts.users,
        "quarantined": counts.quarantined,
        "eligible_pairs": counts.eligible_pairs,
        "matches": sum(counts.matches.values()),
        "matches_by_category": counts.matches,
        "explanations": counts.explanations.as_json(),
        "embedding_model": manifest.embedding_model,
        "language_model": manifest.language_model,
        "path": str(snapshot),
        "report": _report_in(snapshot),
    }


class HeldRun(NamedTuple):
    """A run that the gate held: its id, the reason in one line, and the path of its report."""

    run_id: str
    reason: str
    report: str | None


def held_in(home: Path) -> HeldRun | None:
    """Returns the run that the gate held; None if nothing is held."""
    held = list_held(home)
    if not held:
        return None
    manifest = read_manifest(held[0])
    return HeldRun(manifest.run_id, summarize(manifest.quality.gate), _report_in(held[0]))


def show_status(found: dict[str, Any]) -> None:
    """Prints the published snapshot and the held run, a line for each value."""
    table = Table(show_header=False, box=None)
    for name, value in found.items():
        if value is not None or name == "language_model":
            table.add_row(name.replace("_", " "), Text(plain(value)))
    Console().print(table)


def show_runs(found: list[RunRecord]) -> None:
    """Prints a table of runs, newest last."""
    names = ("run", "outcome", "users", "seconds", "coverage", "reciprocity", "Gini", "churn", "")
    table = Table(*names, box=None)
    for run in found:
        outcome = "forced" if run.forced else run.outcome
        table.add_row(
            run.run_id,
            Text(outcome, {"held": "yellow", "failed": "red"}.get(outcome, "")),
            number(run.counts.users if run.counts else None),
            number(run.total_seconds, 1),
            percent(trend_value(run.quality, "coverage")),
            percent(trend_value(run.quality, "reciprocity")),
            number(trend_value(run.quality, "gini"), 3),
            percent(trend_value(run.quality, "churn")),
            Text(run.reason),
        )
    Console(width=max(Console().width, 120)).print(table)  # narrower, every cell would wrap


def show_night(snapshot: Path) -> None:
    """Prints the counts and seconds of a run, and one of its matches."""
    manifest = read_manifest(snapshot)
    console = Console()
    seconds = Table("stage", Column("seconds", justify="right"))
    for name, taken in manifest.stages.seconds.items():
        seconds.add_row(name, f"{taken:.1f}")
    seconds.add_row("all", f"{sum(manifest.stages.seconds.values()):.1f}", style="bold")
    console.print(Columns([_counts(manifest), seconds]))
    if shown := _one_match(snapshot, manifest.policy):
        console.print(shown)
    console.print(f"published {manifest.run_id} in {snapshot}; its report: {_report_in(snapshot)}")


def _report_in(snapshot: Path) -> str | None:
    report = snapshot / REPORT
    return str(report) if report.is_file() else None


def _counts(manifest: Manifest) -> Table:
    """Returns the table of a run's counts."""
    stages, counts = manifest.stages, manifest.counts
    table = Table("", Column("count", justify="right"), title=f"Run {manifest.run_id}")
    rows: dict[str, Any] = {
        "users": counts.users,
        "quarantined rows": counts.quarantined,
        "distinct texts": stages.embed.texts,
        "texts encoded": stages.embed.encoded,
        "matching": f"{stages.recompute.path}: {stages.recompute.why}",
    }
    rows |= {f"eligible pairs, {n}": count for n, count in counts.eligible_pairs.items()}
    rows |= {f"matches, {n}": count for n, count in counts.matches.items()}
    rows |= {f"explanations, {n}": count for n, count in counts.explanations}
    rows["candidates by the model"] = stages.explain.candidates
    rows["of these accepted"] = stages.explain.accepted
    rows |= {f"refused, {check}": count for check, count in stages.explain.failed_checks.items()}
    if stages.explain.generator_failed:
        rows["the model failed"] = stages.explain.generator_failed
    for name, value in rows.items():
        table.add_row(name, plain(value))
    return table


def _one_match(snapshot: Path, policy: Policy) -> Panel | None:
    """Draws the first match that the model has explained, else the first explained one."""
    explanations = read_frame(snapshot / "explanations.parquet")
    if not len(explanations):
        return None
    written = explanations.filter(pl.col("origin") == "model")
    row = (written if len(written) else explanations).row(0, named=True)
    pair = [row["user_a"], row["user_b"]]
    of_pair = pl.col("user_id").is_in(pair) & pl.col("other_id").is_in(pair)
    matches = read_frame(snapshot / "matches.parquet")
    match = matches.filter(of_pair, category=row["category"]).row(0, named=True)
    both = explanations.filter(category=row["category"], user_a=row["user_a"], user_b=row["user_b"])
    texts = [_text(policy, found) for found in both.iter_rows(named=True)]
    title = f"user {match['user_id']} and user {match['other_id']}: {row['category']}"
    whole = "\n\n".join([_breakdown(policy, match), *texts])
    return Panel(Text(whole), title=title)  # a Text: brackets are not markup


def _breakdown(policy: Policy, match: dict[str, Any]) -> str:
    """Returns the scores of a match in both directions, in all and for each term."""
    language = policy.languages[-1]
    user, other = match["user_id"], match["other_id"]
    lines = [
        f"mutual {match['mutual']:.4f}   {user} -> {other} {match['forward']:.4f}   "
        f"{other} -> {user} {match['backward']:.4f}"
    ]
    names = policy.categories[match["category"]].weights
    terms = zip(names, match["forward_terms"], match["backward_terms"], strict=True)
    for name, there, back in terms:
        label = policy.terms[name].label.get(language, name)
        lines.append(f"  {label:<20} {there:+.4f}  {back:+.4f}")
    return "\n".join(lines)


def _text(policy: Policy, row: dict[str, Any]) -> str:
    reasons = [_reason(policy, r, row["language"]) for r in orjson.loads(row["reasons"])]
    origin = row["model"] or "template"
    return f"[{row['language']}, {origin}] {row['title']}\n{row['content']}\n({'; '.join(reasons)})"


def _reason(policy: Policy, reason: dict[str, Any], language: str) -> str:
    fields = ", ".join(policy.field_label(field, language) for field in reason["fields"])
    values = ", ".join(policy.label(reason["fields"][0], v, language) for v in reason["values"])
    return f"{reason['kind']} {fields}: {values}"
