"""Checks of a text's reasons: whether each is true of the two, and whether the text mentions it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from hertz.explanations.checks.normalized_text import plain_words
from hertz.explanations.facts import (
    FactPlan,
    Profile,
    cached_by_policy,
    fact_plan,
    is_presentable,
    mentionable_fields,
)
from hertz.policy.model import Policy

CHECK_OF_KIND = {
    "shared": "not_shared",
    "wish": "wish_not_met",
    "same": "not_same",
    "near": "not_near",
    "pairing": "not_paired",
}


def failed_reason(
    policy: Policy, category: str, a: Profile, b: Profile, reason: dict[str, Any]
) -> str | None:
    """Returns the name of the check that a reason fails; None if it is true of the two."""
    kind = reason["kind"]
    fields = tuple(reason["fields"])
    values = {*reason["values"]}
    if kind not in CHECK_OF_KIND:
        return "json"
    if not values or not fields or not all(_known(policy, name, values) for name in fields):
        return "unknown_value"
    plan = fact_plan(policy, category)
    if kind == "wish":
        true = fields in plan.wishes and any(
            values <= {*x[fields[0]]} & {*y[fields[1]]} for x, y in ((a, b), (b, a))
        )
    else:
        true = len(fields) == 1 and _is_true(plan, kind, fields[0], values, a, b)
    return None if true else CHECK_OF_KIND[kind]


def is_mentioned(policy: Policy, language: str, reason: dict[str, Any], plain: str) -> bool:
    """Returns whether a text, as `plain_words` gives it, contains a value of a reason."""
    known = _plain_labels(policy, language)
    return any(
        (known.get((field, code)) or plain_words(code)) in plain
        for field in reason["fields"][:1]
        for code in reason["values"]
    )


def _is_true(
    plan: FactPlan, kind: str, field: str, values: set[str], a: Profile, b: Profile
) -> bool:
    """Returns whether a reason about one field is true."""
    if kind == "shared":
        return field in plan.shared and values <= {*a[field]} & {*b[field]}
    answers = {a[field], b[field]}
    tables = [read for _, read in plan.tables]
    if values != answers or None in answers:
        return False
    if kind == "pairing":
        return field in tables
    if kind == "same":
        return len(answers) == 1 and (field in plan.codes or field in tables)
    return any(answers == {*neighbors} for neighbors in pairwise(plan.ordered.get(field, ())))


def _known(policy: Policy, field: str, values: Iterable[str]) -> bool:
    """Returns whether a text may mention a field, and all these values are its own."""
    if field not in mentionable_fields(policy):
        return False
    if policy.vocabulary(field) is None:
        return all(is_presentable(str(value)) for value in values)
    return {*policy.shown_codes(field)}.issuperset(values)


@cached_by_policy
def _plain_labels(policy: Policy, language: str) -> dict[tuple[str, str], str]:
    """Returns the labels of all values as `plain_words` gives them."""
    return {
        (field, code): plain_words(policy.label(field, code, language))
        for field in policy.fields
        for code in policy.shown_codes(field)
    }
