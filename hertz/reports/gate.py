"""The gate: whether a run's figures are within the policy's floors and ceilings.

In: the policy's `gate` and the figures of `matching/quality.py`. Out: one check a limit, each with
what was found, what is accepted and, where it is outside, what to look at. What cannot be compared
(a first run, another policy, too few users) is said, not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from hertz.core.interface_texts.catalogue import text
from hertz.policy.model import Gate

Verdict = Literal["ok", "outside", "not judged"]


class Check(NamedTuple):
    """One limit of the gate and how the run stands to it.

    Attributes:
        figure: The figure's name in the policy, `coverage.couple` for a category's own floor.
        bound: Whether the limit is the least or the most that is accepted.
        limit: The policy's limit.
        value: What was found; None where there is nothing.
        verdict: Whether it is within.
        why: Why it is not judged, or what to look at where it is outside: the end of the key of
            an interface text, `report_why_...`.
    """

    figure: str
    bound: Literal["least", "most"]
    limit: float
    value: float | None
    verdict: Verdict
    why: str = ""

    @property
    def note(self) -> str:
        """`why` in words."""
        return note_of(self.why)


def checks(gate: Gate, quality: Mapping[str, Any]) -> list[Check]:
    """Every limit of the gate, judged.

    Args:
        gate: The policy's limits.
        quality: Figures with `last` (None on a first run) and `explanations`.
    """
    overall, last = quality["overall"], quality["last"]
    few = _too_few(gate, overall["users"], last)
    return [
        _judged("coverage", "least", gate.coverage, overall["coverage"], few),
        *(
            _judged(f"coverage.{name}", "least", floor, quality["categories"][name]["coverage"])
            for name, floor in gate.category_coverage.items()
        ),
        _judged("quarantined", "most", gate.quarantined, quality["quarantine"]["share"], few),
        *_compared(gate, last, few),
        _grounded(gate, quality["explanations"]),
    ]


def first_line(found: list[Check]) -> str:
    """What is outside, in one line; empty if nothing is."""
    outside = [check for check in found if check.verdict == "outside"]
    return "; ".join(told(check) for check in outside)


def told(check: Check) -> str:
    """A check in words: the figure, what was found and what is accepted."""
    value = "nothing" if check.value is None else f"{check.value:.4g}"
    return f"{check.figure} = {value}: at {check.bound} {check.limit:g} is accepted"


def note_of(why: str) -> str:
    """Returns the English text of a check's `why`; empty where it has none."""
    return text(f"report_why_{why}", "en") if why else ""


def _compared(gate: Gate, last: Mapping[str, Any] | None, few: str) -> Iterator[Check]:
    """The limits of what changed since the published snapshot."""
    none = "" if last else "first_run"
    other = none or (last or {}).get("incomparable", "")
    found = last or {"lost_share": None, "churn": None, "categories": {}}
    shifts = [part["score_shift"] for part in found["categories"].values()]
    shift = max((value for value in shifts if value is not None), default=None)
    yield _judged("users_lost", "most", gate.users_lost, found["lost_share"], none or few)
    yield _judged("churn", "most", gate.churn, found["churn"], other or few)
    yield _judged("score_shift", "most", gate.score_shift, shift, other or few)


def _grounded(gate: Gate, explanations: Mapping[str, Any]) -> Check:
    candidates = explanations.get("candidates", 0)
    few = "few_candidates" if candidates < gate.smallest_candidates else ""
    return _judged("grounded", "least", gate.grounded, explanations["grounded"], few)


def _judged(
    figure: str,
    bound: Literal["least", "most"],
    limit: float,
    value: float | None,
    not_judged: str = "",
) -> Check:
    if not_judged or value is None:
        return Check(figure, bound, limit, value, "not judged", not_judged or "nothing")
    outside = value < limit if bound == "least" else value > limit
    why = figure.partition(".")[0] if outside else ""
    return Check(figure, bound, limit, value, "outside" if outside else "ok", why)


def _too_few(gate: Gate, users: int, last: Mapping[str, Any] | None) -> str:
    most = max(users, last["users"] if last else 0)
    return "few_users" if most < gate.smallest else ""
