"""The gate: whether a run's figures are within the policy's limits.

A figure that cannot be compared (a first run, another policy, too few users) is reported, not
judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hertz.core.interface_texts.catalogue import text
from hertz.policy.model import Gate
from hertz.reports.figures import Bound, Check, Comparison, Quality


def checks(gate: Gate, quality: Quality) -> tuple[Check, ...]:
    """Returns every limit of the gate with its verdict; `quality.gate` is not used."""
    overall = quality.overall
    last = quality.last
    most_users = max(overall.users, last.users if last else 0)
    few = "few_users" if most_users < gate.smallest else ""
    found = quality.explanations
    few_texts = "few_candidates" if found.candidates < gate.smallest_candidates else ""
    return (
        _judge("coverage", "least", gate.coverage, overall.coverage, few),
        *(
            _judge(f"coverage.{name}", "least", limit, quality.categories[name].coverage)
            for name, limit in gate.category_coverage.items()
        ),
        _judge("quarantined", "most", gate.quarantined, quality.quarantine.share, few),
        *_compared(gate, last, few),
        _judge("grounded", "least", gate.grounded, found.grounded, few_texts),
    )


def outside(found: Sequence[Check]) -> list[Check]:
    """Returns the checks whose figure is outside its limit."""
    return [check for check in found if check.verdict == "outside"]


def summarize(found: Sequence[Check]) -> str:
    """Returns what is outside the gate in one line; empty if nothing is."""
    return "; ".join(describe(check) for check in outside(found))


def describe(check: Check) -> str:
    """Returns a check in words: the figure, its value and the limit."""
    value = "nothing" if check.value is None else f"{check.value:.4g}"
    return f"{check.figure} = {value}: at {check.bound} {check.limit:g} is accepted"


def _compared(gate: Gate, last: Comparison | None, few: str) -> Iterator[Check]:
    """Yields the checks of what changed since the published snapshot."""
    if last is None:
        lost = churn = shift = None
        reason = other = "first_run"
    else:
        lost, churn = last.lost_share, last.churn
        shifts = [part.score_shift for part in last.categories.values()]
        shift = max((value for value in shifts if value is not None), default=None)
        reason = few
        other = last.incomparable or few
    yield _judge("users_lost", "most", gate.users_lost, lost, reason)
    yield _judge("churn", "most", gate.churn, churn, other)
    yield _judge("score_shift", "most", gate.score_shift, shift, other)


def _judge(
    figure: str, bound: Bound, limit: float, value: float | None, not_judged: str = ""
) -> Check:
    """Returns the check of one limit; `not_judged` is the key of the reason for no verdict."""
    reason = not_judged or ("nothing" if value is None else "")
    is_outside = value is not None and (value < limit if bound == "least" else value > limit)
    why = reason or (figure.partition(".")[0] if is_outside else "")
    return Check(
        figure=figure,
        bound=bound,
        limit=limit,
        value=value,
        verdict="not judged" if reason else "outside" if is_outside else "ok",
        why=why,
        note=text(f"report_why_{why}", "en") if why else "",
    )
