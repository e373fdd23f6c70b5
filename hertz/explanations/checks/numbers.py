"""Numbers, types and pairings that a text tells: are they the two's own?

In: the policy, the two profiles and a `Reading`. Out: whether something is not so.
"""

from __future__ import annotations

import re

from hertz.explanations import patterns
from hertz.explanations.checks.claims import says_both
from hertz.explanations.checks.normalized_text import Reading
from hertz.explanations.facts import (
    Fact,
    Plan,
    Profile,
    fact_plan,
    pairing_level,
    per_policy,
    talkable,
)
from hertz.explanations.multi_search import Needles
from hertz.policy.model import Policy

TOLD_ID_DIGITS = 3  # a shorter number is an id only where the text calls it one

_NICKNAMES = {
    "잇티제": "istj", "잇프제": "isfj", "인프제": "infj", "인티제": "intj", "잇팁": "istp",
    "잇프피": "isfp", "인프피": "infp", "인팁": "intp", "엣팁": "estp", "엣프피": "esfp",
    "엔프피": "enfp", "엔팁": "entp", "엣티제": "estj", "엣프제": "esfj", "엔프제": "enfj",
    "엔티제": "entj",
}  # fmt: skip
_TYPES = {  # by how they are written
    kind: (kind, re.compile(rf"{kind}(?<![a-z]{kind})(?![a-z])")) for kind in _NICKNAMES.values()
} | {name: (kind, re.compile(name)) for name, kind in _NICKNAMES.items()}
_WRITTEN = Needles(_TYPES)
_NUMBER = re.compile(r"\d+")
_CALLED_ID = re.compile(r"(?:\bid|user|no\.|#|회원|번호)\s*[:#]?\s*(\d+)|(\d+)\s?번")
_ASCII_RUN = re.compile(patterns.RUN.pattern.replace(r"\d", "0-9"))  # searched much faster
_DIGIT_WORDS = frozenset("zero one two three four five six seven eight nine".split())
_SAID = _DIGIT_WORDS | {"oh"}
_SPELLED = re.compile(rf"(?:(?:{'|'.join(sorted(_SAID))})\W+){{6}}")
_COUNTS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "dozen": 12, "두": 2, "세": 3, "네": 4, "다섯": 5,
    "여섯": 6, "일곱": 7, "여덟": 8, "아홉": 9, "열": 10,
}  # fmt: skip
_ENGLISH = frozenset(word for word in _COUNTS if word.isascii())
_UNITS = frozenset(
    "things entries points interests hobbies foods sports answers items traits matches "
    "similarities lines topics".split()
)
_KOREAN = re.compile(
    rf"({'|'.join(word for word in _COUNTS if not word.isascii())}) ?(?:가지|개|곳|칸|항목)"
)
_COUNTED = re.compile(
    rf"\b({'|'.join(sorted(_ENGLISH))}) (?:\w+ )?(?:{'|'.join(sorted(_UNITS))})\b|{_KOREAN.pattern}"
)


def wrong_number(
    policy: Policy, plan: Plan, language: str, a: Profile, b: Profile, r: Reading
) -> bool:
    """Is there a number that neither told, and that does not count what they have in common?"""
    korean = r.hangul and _KOREAN.search(r.plain)
    spelled = [
        _COUNTS[word]
        for sentence, words in zip(r.sentences, r.words, strict=True)
        if (korean or not (_UNITS.isdisjoint(words) or _ENGLISH.isdisjoint(words)))
        and says_both(sentence)
        for pair in _COUNTED.findall(sentence)
        for word in pair
        if word
    ]
    if not r.numbers and not spelled:
        return False
    total, counts = _true_counts(plan, a, b)
    if not counts.issuperset(spelled):
        return True
    numbers = {*r.numbers} - {str(total)}
    return not all(_is_told(policy, language, number, a, b) for number in numbers)


def foreign_type(policy: Policy, a: Profile, b: Profile, r: Reading) -> bool:
    """Is an MBTI type named that neither has, or one called common that only one has?"""
    there = _WRITTEN.found_in(r.plain)
    if not there:
        return False
    of_a, of_b = ({str(who[name]).casefold() for name in _codes(policy)} for who in (a, b))
    for sentence in r.sentences:
        kinds = [_TYPES[mark] for mark in there if mark in sentence]
        if not kinds:
            continue
        types = {kind for kind, pattern in kinds if pattern.search(sentence)}
        if not types <= of_a | of_b:
            return True
        if len(types) == 1 and not types <= of_a & of_b and says_both(sentence):
            return True
    return False


def overstated(policy: Policy, category: str, a: Profile, b: Profile, r: Reading) -> bool:
    """Is a pairing praised that the table does not rate high?"""
    if not patterns.OVERSTATED.within(r.lower, r.tokens, r.hits):
        return False
    plan = fact_plan(policy, category)
    pairs = [
        Fact("pairing", (field,), (x, y), worth=(plan.worth[term][x, y], plan.worth[term][y, x]))
        for term, field in plan.tables
        if (x := a[field]) and (y := b[field])
    ]
    return not any(pairing_level(policy, category, fact) == "high" for fact in pairs)


def has_phone(r: Reading) -> bool:
    """Are there seven digits or more in a row, or six in words, in whatever spacing?"""
    if r.hangul or sum(map(len, r.numbers)) > 6:
        run = _ASCII_RUN if all(map(str.isascii, r.numbers)) else patterns.RUN
        if run.search(r.lower):
            return True
    if len(_DIGIT_WORDS & r.tokens) < 2:
        return False
    said = bytes(map(_SAID.__contains__, r.latin))
    # five in a row: the first of six may end a longer word
    return b"\1\1\1\1\1" in said and bool(_SPELLED.search(f"{r.lower} "))


def shows_id(ids: set[str], r: Reading) -> bool:
    """Does the text tell one of these user ids?"""
    named = ids.intersection(r.numbers)
    if any(len(number) >= TOLD_ID_DIGITS for number in named):
        return True
    if not named:
        return False
    return not named.isdisjoint(number for pair in _CALLED_ID.findall(r.lower) for number in pair)


def _true_counts(plan: Plan, a: Profile, b: Profile) -> tuple[int, set[int]]:
    """Equal entries in all; and whatever else may be counted in words: by field, the fields."""
    shared = [len({*a[name]} & {*b[name]}) for name in plan.shared]
    tables = (of for _, of in plan.tables)
    same = sum(a[name] is not None and a[name] == b[name] for name in plan.codes)
    same_types = sum(a[name] is not None and a[name] == b[name] for name in tables)
    total, fields = sum(shared) + same, sum(map(bool, shared))
    return total, {*shared, same, fields, fields + same, total + same_types, total}


def _is_told(policy: Policy, language: str, number: str, a: Profile, b: Profile) -> bool:
    """Does a label of what one of them told have the number?"""
    for field, code in _holders(policy, language).get(number, ()):
        if any(
            code in (told if isinstance(told := who[field], list) else (told,)) for who in (a, b)
        ):
            return True
    open_fields = (field for field in talkable(policy) if policy.vocabulary(field) is None)
    return any(
        number in _NUMBER.findall(str(who[field]))
        for field in open_fields
        if policy.fields[field].kind != "text"
        for who in (a, b)
    )


@per_policy
def _codes(policy: Policy) -> tuple[str, ...]:
    """The fields that tell one code."""
    return tuple(n for n, rule in policy.fields.items() if rule.kind in ("code", "ordered"))


@per_policy
def _holders(policy: Policy, language: str) -> dict[str, list[tuple[str, str]]]:
    """The (field, code) whose labels have a number, by number."""
    found: dict[str, list[tuple[str, str]]] = {}
    for field in talkable(policy):
        for code in policy.vocabulary(field) or {}:
            for number in _NUMBER.findall(policy.label(field, code, language)):
                found.setdefault(number, []).append((field, code))
    return found
