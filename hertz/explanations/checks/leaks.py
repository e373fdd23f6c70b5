"""Checks of what a text may not disclose: words of a bio, internal names, instructions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeVar

from hertz.explanations.checks.normalized_text import NormalizedText, plain_words
from hertz.explanations.checks.vocabulary import known_words, labels, stems
from hertz.explanations.facts import Profile, cached_by_policy
from hertz.explanations.multi_search import MultiSearch
from hertz.explanations.prompts.wordings import load_wordings
from hertz.policy.model import Policy

COPIED_WORDS, COPIED_SYLLABLES = 5, 12
LEAKED_WORDS = 4
COPIED_STEMS = 3  # unusual words of a bio in one sentence
Run = TypeVar("Run", str, list[str])
_WORD, _HANGUL = re.compile(r"\w+"), re.compile("[가-힣]+")


def copies_bio(policy: Policy, language: str, a: Profile, b: Profile, text: NormalizedText) -> bool:
    """Returns whether a text repeats a passage of a bio, or its unusual words in one sentence."""
    names = [name for name, rule in policy.fields.items() if rule.kind == "text"]
    bios = [who[name] for who in (a, b) for name in names if who[name]]
    if not bios:
        return False
    prepared = [_prepared(language, bio) for bio in bios]
    if any(_repeats(bio, text) for bio in prepared):
        return True
    stems_of_all = frozenset[str]().union(*(bio.stems for bio in prepared))
    rare = stems_of_all - known_words(policy, language)
    if len(rare) < COPIED_STEMS or sum([stem in text.plain for stem in rare]) < COPIED_STEMS:
        return False
    return any(len(rare & stems(language, sentence)) >= COPIED_STEMS for sentence in text.sentences)


def leaks_internals(policy: Policy, language: str, text: NormalizedText) -> bool:
    """Returns whether a text shows the name of a field or code, or a part of the instructions."""
    return _internal_names(policy).any_in(text.text) or _instructions(language).any_in(text.joined)


@dataclass(frozen=True, slots=True)
class _Bio:
    """A bio, prepared for the search."""

    runs: dict[str, list[str]]  # of `COPIED_WORDS` words, by the longest inner word
    hangul: str  # its Korean syllables, with nothing between them
    stems: frozenset[str]  # its longer words without endings


@lru_cache(maxsize=1024)  # a user is in many pairs
def _prepared(language: str, bio: str) -> _Bio:
    """Returns a bio prepared for the search."""
    plain = plain_words(bio)
    runs: dict[str, list[str]] = {}
    for run in _runs(_WORD.findall(plain), COPIED_WORDS):
        runs.setdefault(max(run[1:-1], key=len), []).append(" ".join(run))  # the rarest, likely
    return _Bio(runs, "".join(_HANGUL.findall(plain)), frozenset(stems(language, bio)))


def _repeats(bio: _Bio, text: NormalizedText) -> bool:
    """Returns whether a text repeats a run of a bio's words or of its Korean syllables."""
    words = text.distinct_words.intersection(bio.runs)
    if any(run in text.joined for word in words for run in bio.runs[word]):
        return True
    half = COPIED_SYLLABLES // 2  # whichever run is repeated contains one of these halves
    return any(run in text.hangul for run in _runs(bio.hangul, half, half)) and any(
        run in text.hangul for run in _runs(bio.hangul, COPIED_SYLLABLES)
    )


@cached_by_policy
def _internal_names(policy: Policy) -> MultiSearch:
    """Returns the names of fields and codes that no label contains, such as `HOME_CAFE`."""
    shown = "\n".join(labels(policy))
    codes = {code for field in policy.fields for code in policy.shown_codes(field)}
    internal = {"a_to_b", "b_to_a"}
    internal |= {name for name in policy.fields if not name.islower() or "_" in name}
    internal |= {code for code in codes if code.isupper() or "_" in code}
    return MultiSearch(sorted(name for name in internal if name not in shown))


@cache
def _instructions(language: str) -> MultiSearch:
    """Returns the instructions cut into pieces of `LEAKED_WORDS` words.

    A text that repeats twice as many words in a row contains a whole piece.
    """
    return MultiSearch(
        " ".join(piece)
        for slot, texts in load_wordings(language).items()
        if slot == "system" or slot.startswith(("voices.", "rules."))
        for piece in _runs(_WORD.findall(plain_words(texts[0])), LEAKED_WORDS, LEAKED_WORDS)
    )


def _runs(parts: Run, size: int, step: int = 1) -> Iterator[Run]:
    """Yields the runs of `size` parts that begin at every `step`-th part."""
    return (parts[at : at + size] for at in range(0, len(parts) - size + 1, step))
