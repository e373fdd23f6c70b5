"""What a text may not pass on: words of a bio, inner names, the instructions to the model.

In: the policy, the bios and a `Reading`. Out: whether something of them is in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, TypeVar

from hertz.explanations.checks.normalized_text import Reading, plain_words
from hertz.explanations.checks.vocabulary import known_words, labels, stems
from hertz.explanations.facts import Profile, per_policy
from hertz.explanations.multi_search import Needles
from hertz.explanations.prompts.wordings import TEXTS
from hertz.policy.model import Policy

COPIED_WORDS, COPIED_SYLLABLES = 5, 12
LEAKED_WORDS = 4
COPIED_STEMS = 3  # words of a bio, in one sentence, that are neither labels nor a reporter's
Run = TypeVar("Run", str, list[str])
_WORD, _HANGUL = re.compile(r"\w+"), re.compile("[가-힣]+")


def bios_of(policy: Policy, a: Profile, b: Profile) -> list[str]:
    """The free texts of the two."""
    names = [name for name, rule in policy.fields.items() if rule.kind == "text"]
    return [who[name] for who in (a, b) for name in names if who[name]]


def copies(policy: Policy, language: str, bios: list[str], r: Reading) -> bool:
    """Does the text repeat a run of a bio, or its rarer words in one sentence?"""
    if not bios:
        return False
    told = [_prepared(language, bio) for bio in bios]
    if any(_repeats(bio, r) for bio in told):
        return True
    rare = frozenset[str]().union(*(bio.stems for bio in told)) - known_words(policy, language)
    if len(rare) < COPIED_STEMS or sum([stem in r.plain for stem in rare]) < COPIED_STEMS:
        return False
    return any(len(rare & stems(language, sentence)) >= COPIED_STEMS for sentence in r.sentences)


def leaks(policy: Policy, language: str, r: Reading) -> bool:
    """Does the text show a field's or a code's inner name, or a part of the instructions?"""
    return _inner_names(policy).any_in(r.text) or _instructions(language).any_in(r.joined)


@dataclass(frozen=True, slots=True)
class _Bio:
    runs: dict[str, list[str]]  # runs of words, by one of them that is not at an end
    spoken: str  # the Korean syllables
    stems: frozenset[str]


@lru_cache(maxsize=1024)  # a user is in many pairs
def _prepared(language: str, bio: str) -> _Bio:
    plain = plain_words(bio)
    runs: dict[str, list[str]] = {}
    for run in _runs(_WORD.findall(plain), COPIED_WORDS):
        runs.setdefault(max(run[1:-1], key=len), []).append(" ".join(run))  # the rarest, likely
    return _Bio(runs, "".join(_HANGUL.findall(plain)), frozenset(stems(language, bio)))


def _repeats(bio: _Bio, r: Reading) -> bool:
    """Does the text repeat a run of words or of Korean syllables?"""
    if any(run in r.joined for word in r.said.intersection(bio.runs) for run in bio.runs[word]):
        return True
    half = COPIED_SYLLABLES // 2  # a run of syllables has a whole half
    return any(run in r.hangul for run in _runs(bio.spoken, half, half)) and any(
        run in r.hangul for run in _runs(bio.spoken, COPIED_SYLLABLES)
    )


@per_policy
def _inner_names(policy: Policy) -> Needles:
    """Names and codes that no label spells the same: `preferredPeople`, `HOME_CAFE`, `a_to_b`."""
    shown = {*labels(policy)}
    codes = {code for field in policy.fields for code in policy.shown_codes(field)}
    inner = {name for name in policy.fields if not name.islower() or "_" in name}
    inner |= {code for code in codes if code.isupper() or "_" in code}
    said = "\n".join(shown)
    return Needles(sorted(name for name in inner | {"a_to_b", "b_to_a"} if name not in said))


@cache
def _instructions(language: str) -> Needles:
    """The instructions, in pieces of so many words: whoever repeats twice as many shows one."""
    texts: dict[str, Any] = TEXTS[language]
    told = [texts["system"], *texts["voices"].values(), *texts["rules"].values()]
    words = [_WORD.findall(plain_words(text)) for text in told]
    size = LEAKED_WORDS
    return Needles(
        " ".join(text[at : at + size])
        for text in words
        for at in range(0, len(text) - size + 1, size)
    )


def _runs(parts: Run, size: int, step: int = 1) -> Iterator[Run]:
    return (parts[at : at + size] for at in range(0, len(parts) - size + 1, step))
