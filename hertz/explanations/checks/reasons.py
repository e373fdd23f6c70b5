"""Are the reasons of a text true of the two, and does the text speak of them?

In: a reason in the published shape and the two profiles. Out: the name of the check that it fails.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hertz.explanations.checks.normalized_text import plain_words
from hertz.explanations.facts import Plan, Profile, fact_plan, is_sayable, per_policy, talkable
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
    """Name of the check that a reason fails: is it true of the two?"""
    kind, fields, values = reason["kind"], tuple(reason["fields"]), tuple(reason["values"])
    if kind not in CHECK_OF_KIND:
        return "json"
    if not values or not fields or not all(_known(policy, name, values) for name in fields):
        return "unknown_value"
    plan = fact_plan(policy, category)
    held = (
        _wish_met(plan, a, b, fields, values)
        if kind == "wish"
        else len(fields) == 1 and _holds(plan, kind, fields[0], {*values}, a, b)
    )
    return None if held else CHECK_OF_KIND[kind]


def is_told(policy: Policy, language: str, reason: dict[str, Any], plain: str) -> bool:
    """Does the text speak of what the reason rests on?"""
    known = _plain_labels(policy, language)
    return any(
        (known.get((field, code)) or plain_words(code)) in plain
        for field in reason["fields"][:1]
        for code in reason["values"]
    )


def _wish_met(
    plan: Plan, a: Profile, b: Profile, fields: tuple[str, ...], values: tuple[str, ...]
) -> bool:
    return fields in plan.wishes and any(
        {*values} <= {*x[fields[0]]} & {*y[fields[1]]} for x, y in ((a, b), (b, a))
    )


def _holds(plan: Plan, kind: str, field: str, values: set[str], a: Profile, b: Profile) -> bool:
    """Does a reason about one field hold?"""
    if kind == "shared":
        return field in plan.shared and values <= {*a[field]} & {*b[field]}
    told, tables = {a[field], b[field]}, [of for _, of in plan.tables]
    if values != told or None in told:
        return False
    if kind == "pairing":
        return field in tables
    if kind == "same":
        return len(told) == 1 and (field in plan.codes or field in tables)
    places = [plan.ordered.get(field, {}).get(str(code), -9) for code in told]
    return len(told) == 2 and abs(places[0] - places[1]) == 1


def _known(policy: Policy, field: str, values: Iterable[str]) -> bool:
    known = _shown(policy).get(field)
    if known is None:
        return field in talkable(policy) and all(is_sayable(str(value)) for value in values)
    return known.issuperset(values)


@per_policy
def _shown(policy: Policy) -> dict[str, frozenset[str]]:
    """The codes of the fields with a vocabulary that one may speak about."""
    fields = (name for name in talkable(policy) if policy.vocabulary(name) is not None)
    return {name: frozenset(policy.shown_codes(name)) for name in fields}


@per_policy
def _plain_labels(policy: Policy, language: str) -> dict[tuple[str, str], str]:
    return {
        (field, code): plain_words(policy.label(field, code, language))
        for field in policy.fields
        for code in policy.shown_codes(field)
    }
