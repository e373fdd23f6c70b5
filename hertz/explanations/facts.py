"""What two profiles have in common and what they complement: the only things a text may claim.

In: the policy and two profiles (rows of users.parquet as dicts), the lower user id first. Out:
`Facts`, pure data.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, TypeVar

from hertz.explanations.forbidden_words import is_unfit
from hertz.policy.model import Policy

Profile = Mapping[str, Any]
Kind = Literal["shared", "wish", "same", "near", "pairing"]
Direction = Literal["both", "a_to_b", "b_to_a"]
Level = Literal["high", "middle", "low"]
T = TypeVar("T")
MAX_COMPLEMENTS = 2
HIGH, LOW = 0.75, 0.25  # quartiles of a table's values: what counts as a good or a poor pairing
TYPED_WORDS = 3  # most words of an open field's value that is written out
_TYPED = re.compile(r"[^\W\d_][\w+#.'() -]{0,29}")


@dataclass(frozen=True, slots=True)
class Fact:
    """One true statement about a pair.

    Both have the values ("shared"), one wishes for what the other is ("wish"), both gave the same
    answer ("same") or neighboring ones ("near"), or a table rates the two answers ("pairing").
    """

    kind: Kind
    fields: tuple[str, ...]  # for a wish its own field, then the trait's
    values: tuple[str, ...]  # codes that both have or that meet the wish; else a's code, then b's
    direction: Direction = "both"  # for a wish, whose wish is met
    table_values: tuple[float, float] = (0.0, 0.0)  # for a pairing: for a, then for b


@dataclass(frozen=True, slots=True)
class Complement:
    """A set field in which each profile has codes that the other has not."""

    field: str
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything true of a pair, within a kind the fields with the highest weight first."""

    found: tuple[Fact, ...]
    complements: tuple[Complement, ...] = ()

    def of_kind(self, kind: Kind) -> list[Fact]:
        """Returns the facts of one kind."""
        return [fact for fact in self.found if fact.kind == kind]

    @property
    def equal_entries(self) -> int:
        """Number of entries that are the same in both profiles."""
        shared = sum(len(fact.values) for fact in self.found if fact.kind == "shared")
        return shared + sum(fact.kind == "same" for fact in self.found)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The text about a pair that people read, and its reasons in their published form."""

    title: str
    content: str
    reasons: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class FactPlan:
    """Which fields of a policy can make facts, in the order of a category's weights."""

    shared: tuple[str, ...]  # set fields
    codes: tuple[str, ...]  # code and ordered fields that no table reads
    ordered: dict[str, tuple[str, ...]]  # codes in their order, by ordered field
    tables: tuple[tuple[str, str], ...]  # table terms, each with the field that it reads
    table_values: dict[str, dict[tuple[str, str], float]]  # of (code, other code), by table term
    mean_values: dict[str, list[float]]  # of both directions over all pairs of codes, sorted
    wishes: tuple[tuple[str, str], ...]  # fields of wishes, each with the field that meets it
    topics: tuple[str, ...]  # set fields that are neither wishes nor traits
    open: frozenset[str]  # fields in which users may write anything


def cached_by_policy(make: Callable[..., T]) -> Callable[..., T]:
    """Caches a pure function of (policy, *names); a policy is frozen, but not hashable."""
    kept: dict[tuple[Any, ...], tuple[Policy, T]] = {}

    def get(policy: Policy, *names: str) -> T:
        key = (id(policy), *names)
        found = kept.get(key)
        if found is None:
            if len(kept) >= 64:  # policies are few; tests make many
                kept.clear()
            # the reference keeps the policy alive, so that no other object gets its id
            found = kept[key] = (policy, make(policy, *names))
        return found[1]

    return get


def as_reason(fact: Fact) -> dict[str, Any]:
    """Returns one fact in the published form."""
    fields, values = list(fact.fields), list(fact.values)
    return {"kind": fact.kind, "fields": fields, "values": values, "direction": fact.direction}


@cached_by_policy
def mentionable_fields(policy: Policy) -> tuple[str, ...]:
    """Returns the fields with a label, without those that only decide who may meet."""
    in_terms = {name for term in policy.terms.values() for name in term.fields}
    rules = [policy.eligibility_of(category) for category in policy.categories]
    deciding = {name for rule in rules for name in (*rule.same, *rule.different, *rule.blocked)}
    deciding |= {item.field for rule in rules for item in rule.within}
    deciding |= {name for rule in rules for item in rule.accepts for name in (item.wish, item.of)}
    return tuple(
        name
        for name, rule in policy.fields.items()
        if rule.label and (name in in_terms or name not in deciding)
    )


@cached_by_policy
def fact_plan(policy: Policy, category: str) -> FactPlan:
    """Returns what `pair_facts` reads for a policy and category."""
    weight = policy.categories[category].weights
    terms = sorted(policy.terms.items(), key=lambda item: -weight.get(item[0], 0.0))
    read = [name for _, term in terms for name in term.fields]
    order = {name: read.index(name) for name in read}
    names = sorted(mentionable_fields(policy), key=lambda name: order.get(name, len(read)))
    kinds = {name: policy.fields[name].kind for name in names}
    tables = tuple((n, str(t.field)) for n, t in terms if t.kind == "table" and t.field in kinds)
    wishes = tuple(
        (str(t.mine), str(t.theirs))
        for _, t in terms
        if t.kind == "overlap" and t.mine != t.theirs and {t.mine, t.theirs} <= kinds.keys()
    )
    in_tables = {field for _, field in tables}
    values = {term: _table_values(policy, term, field) for term, field in tables}
    sets = tuple(name for name in names if kinds[name] == "set")
    return FactPlan(
        shared=sets,
        codes=tuple(n for n in names if kinds[n] in ("code", "ordered") and n not in in_tables),
        ordered={n: policy.shown_codes(n) for n in names if kinds[n] == "ordered"},
        tables=tables,
        table_values=values,
        mean_values={field: _mean_values(values[term]) for term, field in tables},
        wishes=wishes,
        topics=tuple(name for name in sets if not any(name in wish for wish in wishes)),
        open=frozenset(name for name in names if is_open_field(policy, name)),
    )


def is_open_field(policy: Policy, name: str) -> bool:
    """Returns whether users may write anything as a value of a code or set field."""
    return policy.fields[name].kind in ("code", "set") and policy.vocabulary(name) is None


def pair_facts(policy: Policy, category: str, a: Profile, b: Profile) -> Facts:
    """Returns everything true of two profiles that a text may mention, ordered by a category."""
    plan = fact_plan(policy, category)
    a, b = _presentable(plan, a), _presentable(plan, b)
    shared = {name: tuple(c for c in a[name] if c in b[name]) for name in plan.shared}
    found = [Fact("shared", (name,), codes) for name, codes in shared.items() if codes]
    found += _wishes(plan, a, b)
    found += [fact for name in plan.codes if (fact := _code_fact(plan, name, a[name], b[name]))]
    return Facts((*found, *pairings(plan, a, b)), _complements(plan, a, b))


def pairings(plan: FactPlan, a: Profile, b: Profile) -> list[Fact]:
    """Returns the pairings of two profiles: what the tables say of their answers."""
    found: list[Fact] = []
    for term, field in plan.tables:
        x, y = a[field], b[field]
        if x and y:
            values = plan.table_values[term]
            found.append(Fact("pairing", (field,), (x, y), "both", (values[x, y], values[y, x])))
    return found


def pairing_level(policy: Policy, category: str, fact: Fact) -> Level:
    """Returns where a pairing stands among all pairs of codes in its table."""
    values = fact_plan(policy, category).mean_values[fact.fields[0]]
    value = sum(fact.table_values) / 2
    rank = (bisect_left(values, value) + bisect_right(values, value)) / 2 / len(values)
    return "high" if rank > HIGH else "low" if rank < LOW else "middle"


def is_presentable(code: str) -> bool:
    """Returns whether a value that a user typed may be written out: a few plain, decent words."""
    return bool(_TYPED.fullmatch(code)) and len(code.split()) <= TYPED_WORDS and not is_unfit(code)


def profile_digest(policy: Policy, profile: Profile) -> str:
    """Returns the SHA-256 (hex) of a profile's mentionable fields and texts, without the id."""
    kinds = ((name, policy.fields[name].kind) for name in mentionable_fields(policy))
    values = [profile[name] for name, kind in kinds if kind != "ids"]
    return hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()


def content_hash(digest_a: str, digest_b: str, *identity: str) -> str:
    """Returns an explanation's key, made of both `profile_digest`s and all else that decides it."""
    return hashlib.sha256("\n".join((digest_a, digest_b, *identity)).encode()).hexdigest()


def _presentable(plan: FactPlan, profile: Profile) -> Profile:
    """Returns the profile without the values of open fields that may not be written out."""
    kept: dict[str, Any] = {}
    for name in plan.open & profile.keys():
        value = profile[name]
        if isinstance(value, list):
            kept[name] = [code for code in value if is_presentable(code)]
        elif isinstance(value, str):
            kept[name] = value if is_presentable(value) else None
    return {**profile, **kept} if kept else profile


def _table_values(policy: Policy, term: str, field: str) -> dict[tuple[str, str], float]:
    """Returns a table's value of every pair of codes."""
    codes = policy.shown_codes(field)
    return {(x, y): policy.term_value(term, x, y) for x in codes for y in codes}


def _mean_values(values: dict[tuple[str, str], float]) -> list[float]:
    """Returns the mean of both directions of every pair of codes, sorted."""
    return sorted((values[x, y] + values[y, x]) / 2 for x, y in values)


def _wishes(plan: FactPlan, a: Profile, b: Profile) -> list[Fact]:
    """Returns the wishes that are met, in either direction."""
    directions: tuple[tuple[Direction, Profile, Profile], ...]
    directions = (("a_to_b", a, b), ("b_to_a", b, a))
    return [
        Fact("wish", wish, met, direction)
        for wish in plan.wishes
        for direction, one, other in directions
        if (met := tuple(code for code in one[wish[0]] if code in other[wish[1]]))
    ]


def _code_fact(plan: FactPlan, name: str, a: str | None, b: str | None) -> Fact | None:
    """Returns that two answers are the same or neighbors, if they are."""
    if not a or not b:
        return None
    if a == b:
        return Fact("same", (name,), (a,))
    codes = plan.ordered.get(name)
    near = codes and abs(codes.index(a) - codes.index(b)) == 1
    return Fact("near", (name,), (a, b)) if near else None


def _complements(plan: FactPlan, a: Profile, b: Profile) -> tuple[Complement, ...]:
    """Returns the first topics in which each profile has something that the other has not."""
    found = (
        Complement(name, only_a, only_b)
        for name in plan.topics
        if (only_a := tuple(code for code in a[name] if code not in b[name]))
        and (only_b := tuple(code for code in b[name] if code not in a[name]))
    )
    return tuple(islice(found, MAX_COMPLEMENTS))
