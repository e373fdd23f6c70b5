"""Which words of a text claim something about a person: the labels of the policy's fields.

A label is found as a whole word or phrase, the longest first, whatever its case, article, plural,
hyphens or accents.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from hertz.explanations.checks.normalized_text import NormalizedText, plain_words
from hertz.explanations.checks.word_lists import WORD_LISTS
from hertz.explanations.facts import cached_by_policy, mentionable_fields
from hertz.explanations.multi_search import MultiSearch
from hertz.policy.model import Policy

Meaning = tuple[str, str]  # field, code

_LISTS = WORD_LISTS.values()
_IDIOM = re.compile("|".join(pattern for words in _LISTS for pattern in words.idioms.values()))
_IDIOM_HINTS = frozenset(hint for words in _LISTS for hint in words.idioms)
_PHRASES = {  # what a phrase speaks of, and its pattern, by the beginning of the phrase
    start: (kind, pattern)
    for words in _LISTS
    for kind, phrases in (("both", words.both), ("one", words.one), ("wish", words.wish))
    for start, pattern in phrases.patterns().items()
}
_HINTS = MultiSearch(_PHRASES)
_ARTICLE = re.compile(r"^(?:an?|the) ")
_HANGUL = re.compile("[가-힣]")


class Claim(NamedTuple):
    """One label in a sentence."""

    meanings: tuple[Meaning, ...]  # what the label can mean
    of_both: bool  # the sentence says "both", or has the label twice
    of_one: bool  # the sentence says "one of them", and not "both"
    wished: bool  # the sentence speaks of a wish


@dataclass(frozen=True, slots=True)
class _Word:
    """A label or the name of a field, ready to be looked for."""

    hint: str  # the beginning of every mention, which is looked for first, since that is fast
    pattern: re.Pattern[str]  # of a mention
    meanings: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    """A field: its name, and the labels that are claims only in a sentence with that name."""

    field: str
    name: _Word
    words: list[_Word]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """The labels of a policy in one language."""

    always: dict[str, list[tuple[int, _Word]]]  # claims everywhere, with their ranks, by hint
    fields: list[_Field]
    needed: frozenset[str]  # hints of `always` and of the fields' names: no claim without one
    search: MultiSearch  # finds all hints: of labels, idioms, and phrases such as "both"


def claims(policy: Policy, language: str, text: NormalizedText) -> list[Claim]:
    """Returns every label of the policy that a text mentions.

    Labels of set fields and proper nouns count wherever they stand. Labels of other fields are
    often everyday words ("sometimes"): they count in a sentence that names their field. A label of
    several fields means the one that its sentence names, if there is one.
    """
    lexicon = _lexicon(policy, language)
    found: list[Claim] = []
    for sentence in text.sentences:
        here = lexicon.search.found_in(sentence)
        if here.isdisjoint(lexicon.needed):
            continue
        if not here.isdisjoint(_IDIOM_HINTS) and _IDIOM.search(sentence):
            sentence = _IDIOM.sub(" ", sentence)
            here = lexicon.search.found_in(sentence)
        named = [
            field
            for field in lexicon.fields
            if field.name.hint in here and field.name.pattern.search(sentence)
        ]
        hints = lexicon.always.keys() & here
        ranked = sorted([entry for hint in hints for entry in lexicon.always[hint]])
        counted = _mentions([word for _, word in ranked], sentence)
        if named:
            beside = [[word for word in field.words if word.hint in here] for field in named]
            counted |= _mentions(_merged(beside), sentence)
        if counted:
            found += _as_claims(counted, {field.field for field in named}, sentence, here)
    return found


def says_both(sentence: str) -> bool:
    """Returns whether a sentence speaks of both people, or of what they share."""
    return "both" in _speaks_of(sentence, _HINTS.found_in(sentence))


def _speaks_of(sentence: str, hits: frozenset[str]) -> set[str]:
    """Returns what a sentence speaks of: "both", "one", "wish"."""
    phrases = [_PHRASES[hint] for hint in _PHRASES.keys() & hits]
    return {kind for kind, pattern in phrases if pattern.search(sentence)}


def _as_claims(
    counted: dict[tuple[Meaning, ...], int], names: set[str], sentence: str, hits: frozenset[str]
) -> Iterator[Claim]:
    """Yields the labels of a sentence as claims; `counted` is how often it has each label."""
    speaks_of = _speaks_of(sentence, hits)
    wished = "wish" in speaks_of
    for meanings, times in counted.items():
        meant = tuple([m for m in meanings if m[0] in names]) if names and not wished else ()
        both = "both" in speaks_of or times > 1
        yield Claim(meant or meanings, both, "one" in speaks_of and not both, wished)


def _merged(named: list[list[_Word]]) -> list[_Word]:
    """Returns the labels of several fields as one list; a label of two fields means both."""
    if len(named) < 2:
        return named[0] if named else []
    merged: dict[str, _Word] = {}
    for word in chain.from_iterable(named):
        before = merged[word.hint].meanings if word.hint in merged else ()
        merged[word.hint] = replace(word, meanings=before + word.meanings)
    return sorted(merged.values(), key=lambda word: -len(word.hint))


def _mentions(words: list[_Word], sentence: str) -> dict[tuple[Meaning, ...], int]:
    """Returns how often a sentence has each label; in `pop music` it does not have `music`."""
    found: dict[tuple[Meaning, ...], int] = {}
    covered: list[tuple[int, int]] = []
    for word in words:
        for match in word.pattern.finditer(sentence):
            first, last = match.span()
            if not any(first < end and start < last for start, end in covered):
                covered.append((first, last))
                found[word.meanings] = found.get(word.meanings, 0) + 1
    return found


@cached_by_policy
def _lexicon(policy: Policy, language: str) -> _Lexicon:
    """Returns the labels of a policy in one language, ready to be looked for."""
    fields_shown = mentionable_fields(policy)
    names = {field: plain_words(policy.field_label(field, language)) for field in fields_shown}
    always: dict[str, list[Meaning]] = {}
    fields: list[_Field] = []
    for field, name in names.items():
        beside: dict[str, list[Meaning]] = {}
        for code in policy.shown_codes(field):
            label = policy.label(field, code, language)
            plain = plain_words(label)
            proper = label[:1].isupper() and not label.isupper()
            if policy.fields[field].kind == "set" or proper:
                always.setdefault(plain, []).append((field, code))
            elif plain not in names.values():  # a job "education" is the name of a field as well
                beside.setdefault(plain, []).append((field, code))
        fields.append(_Field(field, _word(name, ()), _words(beside)))
    ranked: dict[str, list[tuple[int, _Word]]] = {}
    for rank, word in enumerate(_of_people(policy, language, _words(always))):
        ranked.setdefault(word.hint, []).append((rank, word))
    needed = frozenset(ranked).union(field.name.hint for field in fields)
    beside_names = {word.hint for field in fields for word in field.words}
    searched = needed.union(_IDIOM_HINTS, _PHRASES, beside_names) - {""}
    return _Lexicon(ranked, fields, needed, MultiSearch(sorted(searched)))


def _of_people(policy: Policy, language: str, words: list[_Word]) -> list[_Word]:
    """Returns labels so that those of traits are no claim before a thing: `a quiet corner`."""
    if language not in WORD_LISTS:
        return words
    plural = r"s?\b" if language == "en" else ""
    no_thing = rf"(?! (?:{'|'.join(WORD_LISTS[language].things)}){plural})"
    overlaps = [term for term in policy.terms.values() if term.kind == "overlap"]
    traits = {name for term in overlaps if term.mine != term.theirs for name in term.fields}
    return [
        replace(word, pattern=re.compile(word.pattern.pattern + no_thing))
        if traits.issuperset(field for field, _ in word.meanings)
        else word
        for word in words
    ]


def _words(labels: dict[str, list[Meaning]]) -> list[_Word]:
    """Returns labels ready to be looked for, the longest first."""
    meant: dict[str, list[Meaning]] = {}
    for label, meanings in labels.items():  # `사진 찍기` and `사진찍기` mean the same
        meant.setdefault(_fold(label), []).extend(meanings)
    ordered = sorted(filter(None, labels), key=lambda label: (-len(label), label))
    return [_word(label, tuple(meant[_fold(label)])) for label in ordered]


def _fold(label: str) -> str:
    """Returns a label without article, blanks and plural."""
    return _ARTICLE.sub("", label).replace(" ", "").removesuffix("s")


def _word(label: str, meanings: tuple[Meaning, ...]) -> _Word:
    """Returns a label with the pattern of its mentions."""
    bare = _ARTICLE.sub("", label).removesuffix("s") or label
    if not _HANGUL.search(label):
        escaped = re.escape(bare)  # patterns that begin with a literal are found much faster
        return _Word(bare, re.compile(rf"{escaped}(?<!\w{escaped})s?(?!\w)"), meanings)
    parts = [re.escape(part) for part in label.split()]
    start = rf"{parts[0]}(?<![가-힣a-z0-9]{parts[0]})" + "".join(rf"\s*{x}" for x in parts[1:])
    if len(label) == 1:  # `새` is also "new": only in quotes or with a particle
        start += r"(?=[’'”\"]|(?:를|와|랑|하고)(?![가-힣]))"
    return _Word(label.split()[0], re.compile(start), meanings)
