"""Checks whether numbers, MBTI types and praise of a pairing in a text are true of the two."""

from __future__ import annotations

import re
from itertools import chain

from hertz.explanations.checks.claims import says_both
from hertz.explanations.checks.normalized_text import NormalizedText
from hertz.explanations.checks.word_lists import WORD_LISTS
from hertz.explanations.facts import (
    FactPlan,
    Profile,
    cached_by_policy,
    fact_plan,
    mentionable_fields,
    pairing_level,
    pairings,
)
from hertz.explanations.forbidden_words import PHONE_NUMBER, WORDS
from hertz.explanations.multi_search import MultiSearch
from hertz.policy.model import Policy

ID_DIGITS = 3  # a shorter number is an id only where the text calls it one

_EN, _KO = WORD_LISTS["en"], WORD_LISTS["ko"]
_TYPES = {  # an MBTI type and its pattern, by how the type is written
    kind: (kind, re.compile(rf"{kind}(?<![a-z]{kind})(?![a-z])")) for kind in _KO.nicknames.values()
} | {name: (kind, re.compile(name)) for name, kind in _KO.nicknames.items()}
_WRITTEN = MultiSearch(_TYPES)
_NUMBER = re.compile(r"\d+")
_CALLED_ID = re.compile(r"(?:\bid|user|no\.|#|회원|번호)\s*[:#]?\s*(\d+)|(\d+)\s?번")
_ASCII_PHONE_NUMBER = re.compile(PHONE_NUMBER.pattern.replace(r"\d", "0-9"))  # much faster
_DIGITS = frozenset(_EN.digits)
_SPOKEN_DIGITS = _DIGITS | {"oh"}
_SPELLED_OUT = re.compile(rf"(?:(?:{'|'.join(sorted(_SPOKEN_DIGITS))})\W+){{6}}")
_COUNTS = _EN.counts | _KO.counts
_ENGLISH = frozenset(_EN.counts)
_COUNTED_NOUNS = frozenset(_EN.counted)
_KOREAN = re.compile(rf"({'|'.join(_KO.counts)}) ?(?:{'|'.join(_KO.counted)})")
_COUNTED = re.compile(
    rf"\b({'|'.join(sorted(_ENGLISH))}) (?:\w+ )?(?:{'|'.join(sorted(_COUNTED_NOUNS))})\b"
    rf"|{_KOREAN.pattern}"
)


def wrong_number(
    policy: Policy, plan: FactPlan, language: str, a: Profile, b: Profile, text: NormalizedText
) -> bool:
    """Returns whether a number is in neither profile and counts nothing that they share."""
    korean = text.hangul and _KOREAN.search(text.plain)
    spelled = [
        _COUNTS[word]
        for sentence, words in zip(text.sentences, text.words, strict=True)
        if (korean or not (_COUNTED_NOUNS.isdisjoint(words) or _ENGLISH.isdisjoint(words)))
        and says_both(sentence)
        for pair in _COUNTED.findall(sentence)
        for word in pair
        if word
    ]
    if not text.numbers and not spelled:
        return False
    total, counts = _true_counts(plan, a, b)
    if not counts.issuperset(spelled):
        return True
    numbers = {*text.numbers} - {str(total)}
    return not all(_in_profile(policy, language, number, a, b) for number in numbers)


def foreign_type(policy: Policy, a: Profile, b: Profile, text: NormalizedText) -> bool:
    """Returns whether an MBTI type is named that neither has, or called common but is not."""
    there = _WRITTEN.found_in(text.plain)
    if not there:
        return False
    of_a, of_b = ({str(who[n]).casefold() for n in policy.code_fields} for who in (a, b))
    for sentence in text.sentences:
        kinds = [_TYPES[mark] for mark in there if mark in sentence]
        types = {kind for kind, pattern in kinds if pattern.search(sentence)}
        if not types <= of_a | of_b:
            return True
        if len(types) == 1 and not types <= of_a & of_b and says_both(sentence):
            return True
    return False


def overstated(policy: Policy, category: str, a: Profile, b: Profile, text: NormalizedText) -> bool:
    """Returns whether a pairing is praised that the table does not rate high."""
    if not WORDS["overstated"].within(text.lower, text.distinct_latin, text.hits):
        return False
    found = pairings(fact_plan(policy, category), a, b)
    return not any(pairing_level(policy, category, fact) == "high" for fact in found)


def has_phone(text: NormalizedText) -> bool:
    """Returns whether seven digits follow each other, or six in words, however spaced."""
    if text.hangul or sum(map(len, text.numbers)) > 6:
        pattern = _ASCII_PHONE_NUMBER if all(map(str.isascii, text.numbers)) else PHONE_NUMBER
        if pattern.search(text.lower):
            return True
    if len(_DIGITS & text.distinct_latin) < 2:
        return False
    spoken = bytes(map(_SPOKEN_DIGITS.__contains__, text.latin))
    # five in a row: the first of six may end a longer word
    return b"\1\1\1\1\1" in spoken and bool(_SPELLED_OUT.search(f"{text.lower} "))


def shows_id(ids: set[str], text: NormalizedText) -> bool:
    """Returns whether a text contains one of these user ids."""
    named = ids.intersection(text.numbers)
    if any(len(number) >= ID_DIGITS for number in named):
        return True
    called = chain.from_iterable(_CALLED_ID.findall(text.lower)) if named else ()
    return not named.isdisjoint(called)


def _true_counts(plan: FactPlan, a: Profile, b: Profile) -> tuple[int, set[int]]:
    """Returns the number of equal entries, and all counts that a text may give in words."""
    shared = [len({*a[name]} & {*b[name]}) for name in plan.shared]
    tables = (of for _, of in plan.tables)
    same = sum(a[name] is not None and a[name] == b[name] for name in plan.codes)
    same_types = sum(a[name] is not None and a[name] == b[name] for name in tables)
    total, fields = sum(shared) + same, sum(map(bool, shared))
    return total, {*shared, same, fields, fields + same, total + same_types, total}


def _in_profile(policy: Policy, language: str, number: str, a: Profile, b: Profile) -> bool:
    """Returns whether the label of an answer of one of the two contains a number."""
    for field, code in _codes_with_number(policy, language).get(number, ()):
        for value in (a[field], b[field]):
            if code in (value if isinstance(value, list) else (value,)):
                return True
    return any(
        number in _NUMBER.findall(str(who[field]))
        for field in mentionable_fields(policy)
        if policy.vocabulary(field) is None and policy.fields[field].kind != "text"
        for who in (a, b)
    )


@cached_by_policy
def _codes_with_number(policy: Policy, language: str) -> dict[str, list[tuple[str, str]]]:
    """Returns, by number, the (field, code) pairs whose labels contain it."""
    found: dict[str, list[tuple[str, str]]] = {}
    for field in mentionable_fields(policy):
        for code in policy.vocabulary(field) or {}:
            for number in _NUMBER.findall(policy.label(field, code, language)):
                found.setdefault(number, []).append((field, code))
    return found
