"""Finds what no single key of a policy shows: unknown names, values that do not fit together.

In: a policy whose keys are each valid. Out: one line a problem: key, value and what is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

import polars as pl

from hertz.policy.model import Policy

CODE_KINDS = ("code", "ordered")
TERM_FIELD_KINDS = {
    "equal": CODE_KINDS,
    "table": CODE_KINDS,
    "ordinal": ("ordered",),
    "number": ("number",),
    "overlap": ("set",),
}


def problems(policy: Policy) -> list[str]:
    """Returns every problem of a policy, one line each."""
    return [
        *_field_problems(policy),
        *_embed_problems(policy),
        *_category_problems(policy),
        *_unknown("gate.category_coverage", policy.gate.category_coverage, policy.categories),
        *(p for name in policy.terms for p in _term_problems(policy, name)),
    ]


def missing_ceiling(policy: Policy, name: str) -> float:
    """Returns the highest accepted value of a term's `missing`.

    A user who hides a field must not gain over the average of those who show it. For a term over V
    codes that is the smallest of its 2V row and column means, which holds against every other user
    and in both directions. For any other term it is 0.
    """
    term = policy.terms[name]
    codes = policy.shown_codes(term.field) if term.field else ()
    if term.kind not in ("equal", "table", "ordinal") or not codes:
        return 0.0
    values = [[policy.term_value(name, a, b) for b in codes] for a in codes]
    lines = [*values, *zip(*values, strict=True)]
    return min(sum(line) / len(codes) for line in lines) + 1e-12


def _unknown(key: str, names: Iterable[str], accepted: Collection[str]) -> list[str]:
    """Finds names that do not exist."""
    listed = ", ".join(sorted(accepted))
    return [
        f"{key} = {name!r}: no such name; accepted: {listed}"
        for name in names
        if name not in accepted
    ]


def _field_problems(policy: Policy) -> list[str]:
    """Finds problems of all fields."""
    found = [
        f"fields.{name}: the user's id is built in; remove or rename the field"
        for name in sorted({policy.id_field, "user_id"} & set(policy.fields))
    ]
    for name in policy.fields:
        found += _values_problems(policy, name) or _parsing_problems(policy, name)
    return found


def _values_problems(policy: Policy, name: str) -> list[str]:
    """Finds problems of a field's accepted codes."""
    rule = policy.fields[name]
    key = f"fields.{name}"
    if isinstance(rule.values, str) and rule.values not in policy.vocabularies:
        return _unknown(f"{key}.values", [rule.values], policy.vocabularies)
    codes = policy.vocabulary(name)
    if codes == {} or (codes is None and rule.kind == "ordered"):
        return [f"{key}.values: name its codes (an ordered field needs `values`, lowest first)"]
    return _unknown(f"{key}.hidden", rule.hidden, codes) if codes else []


def _parsing_problems(policy: Policy, name: str) -> list[str]:
    """Finds problems of a field's `drop` and of its range."""
    rule = policy.fields[name]
    key = f"fields.{name}"
    found = []
    try:
        pl.Series([""]).str.contains(rule.drop or "")
    except pl.exceptions.ComputeError:
        found.append(f"{key}.drop = {rule.drop!r}: not a regular expression that polars accepts")
    if rule.minimum is not None and rule.maximum is not None and rule.minimum > rule.maximum:
        found.append(f"{key}.minimum = {rule.minimum}: above maximum = {rule.maximum}")
    return found


def _embed_problems(policy: Policy) -> list[str]:
    """Finds problems of what is embedded."""
    embed = policy.embed
    found = _unknown("embed.language", [embed.language], embed.templates)
    found += _unknown("embed.fields", embed.fields, policy.fields)
    for language, clauses in embed.templates.items():
        key = f"embed.templates.{language}"
        for clause in clauses:
            names = re.findall(r"{(\w+)}", clause)
            found += _unknown(key, names, policy.fields)
            if not names or re.search(r"[{}]", re.sub(r"{\w+}", "", clause)):
                found.append(f"{key} = {clause!r}: needs a {{field}}, and no other braces")
    if embed.profile_weight + embed.fields_weight <= 0:
        found.append("embed: profile_weight and fields_weight are both 0; one must be above")
    return found


def _category_problems(policy: Policy) -> list[str]:
    """Finds problems of all categories."""
    found = []
    for name, category in policy.categories.items():
        key = f"categories.{name}.weights"
        found += _unknown(key, category.weights, policy.terms)
        total = sum(category.weights.values())
        if not 1e-6 <= total <= 1e6:
            found.append(f"{key}: sum to {total}; accepted: 0.000001 to 1000000")
        found += _eligibility_problems(policy, name)
    return found


def _eligibility_problems(policy: Policy, category: str) -> list[str]:
    """Finds problems of the eligibility that holds for a category."""
    rules = policy.eligibility_of(category)
    uses: list[tuple[str, Iterable[str], tuple[str, ...]]] = [
        ("same", rules.same, CODE_KINDS),
        ("different", rules.different, CODE_KINDS),
        ("within", [rule.field for rule in rules.within], ("number",)),
        ("accepts.wish", [rule.wish for rule in rules.accepts], ("set",)),
        ("accepts.of", [rule.of for rule in rules.accepts], CODE_KINDS),
        ("blocked", rules.blocked, ("ids",)),
    ]
    found = [
        problem
        for rule, names, kinds in uses
        for name in names
        for problem in _kind_problems(policy, f"eligibility.{rule}", name, kinds)
    ]
    return found or [
        problem
        for rule in rules.accepts
        for problem in _overlap_problems(policy, "eligibility.accepts", rule.wish, rule.of)
    ]


def _kind_problems(policy: Policy, key: str, name: str | None, kinds: tuple[str, ...]) -> list[str]:
    """Finds that a key names no field, an unknown one, or one of another kind than it needs."""
    if name is None:
        return [f"{key}: missing; name a field of kind {' or '.join(kinds)}"]
    if name not in policy.fields:
        return _unknown(key, [name], policy.fields)
    kind = policy.fields[name].kind
    if kind in kinds:
        return []
    return [f"{key} = {name!r}: the field is of kind {kind}; accepted: {', '.join(kinds)}"]


def _term_problems(policy: Policy, name: str) -> list[str]:
    """Finds problems of one term."""
    term = policy.terms[name]
    key = f"terms.{name}"
    if term.kind == "cosine":
        return [f"{key}.missing: a cosine is never missing; remove it"] if term.missing else []
    kinds = TERM_FIELD_KINDS[term.kind]
    needed = ("mine", "theirs") if term.kind == "overlap" else ("field",)
    found = [
        p for n in needed for p in _kind_problems(policy, f"{key}.{n}", getattr(term, n), kinds)
    ]
    if term.kind == "table":
        found += _unknown(f"{key}.table", [str(term.table)], policy.tables)
    if term.kind == "ordinal" and not term.steps:
        found.append(f"{key}.steps: missing; the value at distance 0, 1, 2, ...")
    if term.kind == "number" and term.zero <= term.full:
        found.append(f"{key}.zero = {term.zero}: must be above full = {term.full}")
    if term.kind == "overlap" and not found:
        found += _overlap_problems(policy, key, str(term.mine), str(term.theirs))
    return found or _table_problems(policy, name) or _hiding_problems(policy, name)


def _overlap_problems(policy: Policy, key: str, first: str, second: str) -> list[str]:
    """Finds that two fields, whose codes are to be compared, have none in common."""
    codes = policy.vocabulary(first), policy.vocabulary(second)
    if codes[0] is None or codes[1] is None or set(codes[0]) & set(codes[1]):
        return []
    return [f"{key}: {first} and {second} have no code in common, so the value would always be 0"]


def _table_problems(policy: Policy, name: str) -> list[str]:
    """Finds problems of the table of a `table` term."""
    term = policy.terms[name]
    if term.kind != "table":
        return []
    codes = policy.shown_codes(str(term.field))
    table = policy.tables[str(term.table)]
    if not codes:
        return [f"terms.{name}.field = {term.field!r}: a table needs a field with `values`"]
    listed = [*table.rows, *(b for row in table.rows.values() for b in row)]
    listed += [*table.pairs, *(b for row in table.pairs.values() for b in row)]
    key = f"tables.{term.table}"
    found = _unknown(key, listed, codes)
    if table.letters_share + table.pairs_share > 1:
        found.append(f"{key}: letters_share and pairs_share are above 1 together")
    if table.letters and sum(table.letters) <= 0:
        found.append(f"{key}.letters: at least one must be above 0")
    elif table.letters and any(len(code) != len(table.letters) for code in codes):
        found.append(f"{key}.letters: needs one weight for each letter of a code")
    return found


def _hiding_problems(policy: Policy, name: str) -> list[str]:
    """Finds a `missing` with which hiding a field raises one's rank above the average."""
    term = policy.terms[name]
    ceiling = missing_ceiling(policy, name)
    if term.missing <= ceiling:
        return []
    return [
        f"terms.{name}.missing = {term.missing}: above {ceiling:.4g}, the average of those who "
        "show the field; hiding it would raise one's rank"
    ]
