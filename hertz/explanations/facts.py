"""What two profiles have in common and what they complement: the only things a text may claim.

In: the policy and two profiles (rows of users.parquet as dicts). Out: `Facts`, pure data. `a` is
always the lower user id.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from hertz.explanations.patterns import unfit
from hertz.policy.model import Policy

Profile = Mapping[str, Any]
Kind = Literal["shared", "wish", "same", "near", "pairing"]
Direction = Literal["both", "a_to_b", "b_to_a"]
T = TypeVar("T")
Level = Literal["high", "middle", "low"]
MAX_COMPLEMENTS = 2
HIGH, LOW = 0.75, 0.25  # quartiles of a table's values: what counts as a good or a poor pairing
TYPED_WORDS = 3  # longest value of an open field that is written out
_TYPED = re.compile(r"[^\W\d_][\w+#.'() -]{0,29}")


@dataclass(frozen=True, slots=True)
class Fact:
    """One true statement: `values` are codes both have, that are met, or a's and b's own."""

    kind: Kind
    fields: tuple[str, ...]
    values: tuple[str, ...]
    direction: Direction = "both"
    worth: tuple[float, float] = (0.0, 0.0)  # pairing: the table's value for a, and for b


@dataclass(frozen=True, slots=True)
class Complement:
    """A set field in which each has something that the other has not."""

    field: str
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything true of a pair, the category's weightiest first within a kind."""

    found: tuple[Fact, ...]
    complements: tuple[Complement, ...] = ()

    def of(self, kind: Kind) -> list[Fact]:
        """The facts of one kind."""
        return [fact for fact in self.found if fact.kind == kind]

    @property
    def count(self) -> int:
        """Entries that are exactly the same on both sides."""
        shared = sum(len(fact.values) for fact in self.found if fact.kind == "shared")
        return shared + sum(fact.kind == "same" for fact in self.found)

    def reasons(self) -> list[dict[str, Any]]:
        """The facts as the published `reasons` list."""
        return [reason(fact) for fact in self.found]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What people read about a pair, and the reasons it rests on (the published shape)."""

    title: str
    content: str
    reasons: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which fields of a policy can make facts, in the order of a category's weights."""

    shared: tuple[str, ...]  # set fields
    codes: tuple[str, ...]  # code and ordered fields that no table reads
    ordered: dict[str, dict[str, int]]  # position of each code of an ordered field
    tables: tuple[tuple[str, str], ...]  # (term, field)
    worth: dict[str, dict[tuple[str, str], float]]  # term -> (code, other code) -> value
    wishes: tuple[tuple[str, str], ...]  # (mine, theirs)
    topics: tuple[str, ...]  # set fields that are neither wishes nor traits
    scores: dict[str, list[float]]  # table field -> its mean values over all pairs of codes, sorted
    open: frozenset[str]  # fields in which users may write anything


def per_policy(make: Callable[..., T]) -> Callable[..., T]:
    """Memoise a pure function of (policy, *names). A policy is frozen, but not hashable."""
    kept: dict[tuple[Any, ...], tuple[Policy, T]] = {}

    def get(policy: Policy, *names: str) -> T:
        key = (id(policy), *names)
        found = kept.get(key)
        if found is None:
            if len(kept) >= 64:  # policies are few; tests make many
                kept.clear()
            # holding the policy keeps its id its own
            found = kept[key] = (policy, make(policy, *names))
        return found[1]

    return get


def reason(fact: Fact) -> dict[str, Any]:
    """One fact in the published shape."""
    return {
        "kind": fact.kind,
        "fields": list(fact.fields),
        "values": list(fact.values),
        "direction": fact.direction,
    }


@per_policy
def talkable(policy: Policy) -> tuple[str, ...]:
    """Fields one may speak about: named for people, and not only there to decide who may meet."""
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


@per_policy
def fact_plan(policy: Policy, category: str) -> Plan:
    """What `pair_facts` looks at, worked out once for a policy and category."""
    weight = policy.categories[category].weights
    terms = sorted(policy.terms.items(), key=lambda item: -weight.get(item[0], 0.0))
    read = [name for _, term in terms for name in term.fields]
    names = sorted(talkable(policy), key=lambda n: read.index(n) if n in read else len(read))
    kinds = {name: policy.fields[name].kind for name in names}
    tables = tuple((n, str(t.field)) for n, t in terms if t.kind == "table" and t.field in kinds)
    wishes = tuple(
        (str(t.mine), str(t.theirs))
        for _, t in terms
        if t.kind == "overlap" and t.mine != t.theirs and {t.mine, t.theirs} <= kinds.keys()
    )
    paired = {field for _, field in tables}
    wishful = {name for wish in wishes for name in wish}
    sets = tuple(n for n in names if kinds[n] == "set")
    return Plan(
        shared=sets,
        codes=tuple(n for n in names if kinds[n] in ("code", "ordered") and n not in paired),
        ordered={
            n: {code: at for at, code in enumerate(policy.shown_codes(n))}
            for n in names
            if kinds[n] == "ordered"
        },
        tables=tables,
        worth={
            term: {
                (x, y): policy.term_value(term, x, y)
                for x in policy.shown_codes(field)
                for y in policy.shown_codes(field)
            }
            for term, field in tables
        },
        wishes=wishes,
        topics=tuple(n for n in sets if n not in wishful),
        scores={field: _scores(policy, term, field) for term, field in tables},
        open=frozenset(
            n for n in names if kinds[n] in ("code", "set") and policy.vocabulary(n) is None
        ),
    )


def pair_facts(policy: Policy, category: str, a: Profile, b: Profile) -> Facts:
    """Everything true of two profiles that a text may tell. `a` has the lower user id."""
    plan = fact_plan(policy, category)
    a, b = _sayable(plan, a), _sayable(plan, b)
    shared = {name: tuple(c for c in a[name] if c in b[name]) for name in plan.shared}
    found = [Fact("shared", (name,), codes) for name, codes in shared.items() if codes]
    found += _wishes(plan, a, b)
    found += [fact for name in plan.codes if (fact := _code_fact(plan, name, a[name], b[name]))]
    found += [
        Fact("pairing", (field,), (x, y), worth=(plan.worth[term][x, y], plan.worth[term][y, x]))
        for term, field in plan.tables
        if (x := a[field]) and (y := b[field])
    ]
    return Facts(tuple(found), _complements(plan, a, b))


def pairing_level(policy: Policy, category: str, fact: Fact) -> Level:
    """Where a pairing stands among all that its table knows."""
    scores, worth = fact_plan(policy, category).scores[fact.fields[0]], sum(fact.worth) / 2
    rank = (bisect_left(scores, worth) + bisect_right(scores, worth)) / 2 / len(scores)
    return "high" if rank > HIGH else "low" if rank < LOW else "middle"


def is_sayable(code: str) -> bool:
    """May a value that a user typed be written out? A few plain words, none unfit to read."""
    return bool(_TYPED.fullmatch(code)) and len(code.split()) <= TYPED_WORDS and not unfit(code)


def profile_digest(policy: Policy, profile: Profile) -> str:
    """Sha256 (hex) of what a profile tells: the talkable fields and the texts, without the id."""
    told = [profile[name] for name in _told(policy)]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()


def content_hash(digest_a: str, digest_b: str, *identity: str) -> str:
    """Key of one explanation: both profiles (`profile_digest`) and whatever else made the text."""
    return hashlib.sha256("\n".join((digest_a, digest_b, *identity)).encode()).hexdigest()


def _sayable(plan: Plan, profile: Profile) -> Profile:
    """The profile, in open fields only with what may be written out."""
    told: dict[str, Any] = {}
    for name in plan.open & profile.keys():
        value = profile[name]
        if isinstance(value, list):
            told[name] = [code for code in value if is_sayable(code)]
        elif isinstance(value, str):
            told[name] = value if is_sayable(value) else None
    return {**profile, **told} if told else profile


def _scores(policy: Policy, term: str, field: str) -> list[float]:
    codes, value = policy.shown_codes(field), policy.term_value
    return sorted((value(term, a, b) + value(term, b, a)) / 2 for a in codes for b in codes)


@per_policy
def _told(policy: Policy) -> tuple[str, ...]:
    return tuple(name for name in talkable(policy) if policy.fields[name].kind != "ids")


def _wishes(plan: Plan, a: Profile, b: Profile) -> list[Fact]:
    found: list[Fact] = []
    for mine, theirs in plan.wishes:
        met = tuple(code for code in a[mine] if code in b[theirs])
        met_back = tuple(code for code in b[mine] if code in a[theirs])
        if met:
            found.append(Fact("wish", (mine, theirs), met, "a_to_b"))
        if met_back:
            found.append(Fact("wish", (mine, theirs), met_back, "b_to_a"))
    return found


def _code_fact(plan: Plan, name: str, a: str | None, b: str | None) -> Fact | None:
    if not a or not b:
        return None
    if a == b:
        return Fact("same", (name,), (a,))
    place = plan.ordered.get(name)
    if place and abs(place[a] - place[b]) == 1:
        return Fact("near", (name,), (a, b))
    return None


def _complements(plan: Plan, a: Profile, b: Profile) -> tuple[Complement, ...]:
    found: list[Complement] = []
    for name in plan.topics:
        only_a = tuple(code for code in a[name] if code not in b[name])
        only_b = tuple(code for code in b[name] if code not in a[name])
        if only_a and only_b:
            found.append(Complement(name, only_a, only_b))
        if len(found) == MAX_COMPLEMENTS:
            break
    return tuple(found)
