"""Which words of a text say something about a person: the labels of the policy's fields.

In: the policy, a language and a text. Out: every label found in it, with the (field, code) it can
mean and whether its sentence says "both". A label is found as a whole word or phrase, the longest
first, whatever its case, article, plural, hyphens or accents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from hertz.explanations.checks.normalized_text import Reading, plain_words
from hertz.explanations.facts import per_policy, talkable
from hertz.explanations.multi_search import Needles
from hertz.policy.model import Policy

Meaning = tuple[str, str]  # field, code


# What a sentence says of the two: each `start:ending` of a phrase, an underscore for a space.
_SAYS = {
    "both": r"both shar:ed?|es|ing common mutual alike each_of_them the_two_of_them "
    r"둘:\s?다 모두 공통 나란히 똑같 겹:[치쳐쳤]",
    "one": "one_of_them one_of_the_two only_one one_side one_person one_profile the_other "
    "한쪽 한_사람 다른_사람 상대",
    "wish": r"hop:es?|ed|ing wish:\w* want:s? look:(?:s|ing)?_for seek:\w* prefer:\w* "
    r"ask:(?:s|ed)_for 바라 바란 바람 찾 원하 소망 선호 만나고_싶",
}
# Everyday phrases with a label's word that say nothing about a person.
_THINGS = {
    "ko": r"(?! (?:책방|서점|카페|공원|골목|식당|동네|자리|곳|공간|아침|오후|저녁|밤|주말|시간|하루"
    r"|분위기|음악|산책|대화|출발|시작|만남|이야기|소식|질문|걸음|속도|박자|톤|물결|조명))",
    "en": r"(?! (?:corner|cafe|evening|afternoon|morning|night|place|spot|water|start|moment|street"
    r"|walk|pace|question|story|note|table|room|day|weekend|conversation|talk|coincidence|shelf"
    r"|evidence|report|news|ending|detail|headline|bookshop|library)s?\b)",
}
_IDIOM = re.compile(
    r"감상(?:을 (?:나누|주고)|평)|수다를 떨|수다 떨|그림이 (?:떠오|그려|나오)|한 폭의 그림"
    r"|요리(?<=[가-힣] 요리)(?=를 (?:먹|나눠|시키)|로 )|evidence this neat|food for thought"
)
_IDIOM_HINTS = frozenset({"감상", "수다", "그림", "요리", "evidence this neat", "food for thought"})
_ARTICLE = re.compile(r"^(?:an?|the) ")
_HANGUL = re.compile("[가-힣]")


def _phrase(start: str, ending: str) -> re.Pattern[str]:
    # English ones are whole words; a pattern that starts with a literal is found much faster
    whole = rf"{start}(?<!\w{start})(?:{ending})(?!\w)"
    return re.compile(whole if start.isascii() else start + ending)


_PHRASES = {  # what they say, and their patterns, by what they start with
    start: (kind, _phrase(start, ending))
    for kind, phrases in _SAYS.items()
    for start, _, ending in (x.replace("_", " ").partition(":") for x in phrases.split())
}
_HINTS = Needles(_PHRASES)


class Claim(NamedTuple):
    """One label in a sentence: what it can mean, and how the sentence speaks of it."""

    meanings: tuple[Meaning, ...]
    of_both: bool  # the sentence says "both", or says the label twice
    of_one: bool  # the sentence says "one of them", and not "both"
    wished: bool  # the sentence speaks of hopes


@dataclass(frozen=True, slots=True)
class _Word:
    """A label or a field's name, ready to be looked for."""

    needle: str  # a cheap test first: what any mention of it starts with
    pattern: re.Pattern[str]
    meanings: tuple[Meaning, ...]


@dataclass(frozen=True, slots=True)
class _Field:
    field: str
    name: _Word
    words: list[_Word]  # labels that are claims in a sentence that has the name


@dataclass(frozen=True, slots=True)
class _Lexicon:
    always: dict[str, list[tuple[int, _Word]]]  # claims wherever they stand: by needle, with ranks
    fields: list[_Field]
    telling: frozenset[str]  # needles of labels that always count, and of fields' names
    needles: Needles  # those, the fields' labels, idioms, and what a sentence may say of the two


def claims(policy: Policy, language: str, reading: Reading) -> list[Claim]:
    """Every label of the policy that a text mentions.

    Labels of set fields and proper nouns count wherever they stand. Labels of other fields are
    often everyday words ("sometimes"): they count in a sentence that names their field. A label of
    several fields means the one that its sentence names, if it names one.
    """
    lexicon = _lexicon(policy, language)
    always, fields = lexicon.always, lexicon.fields
    found: list[Claim] = []
    for sentence in reading.sentences:
        here = lexicon.needles.found_in(sentence)
        if here.isdisjoint(lexicon.telling):
            continue
        if not here.isdisjoint(_IDIOM_HINTS) and _IDIOM.search(sentence):
            sentence = _IDIOM.sub(" ", sentence)
            here = lexicon.needles.found_in(sentence)
        named = [x for x in fields if x.name.needle in here and x.name.pattern.search(sentence)]
        ranked = sorted([it for needle in always.keys() & here for it in always[needle]])
        counted = _mentions([word for _, word in ranked], sentence)
        if named:
            beside = [[word for word in x.words if word.needle in here] for x in named]
            counted |= _mentions(_merged(beside), sentence)
        if counted:
            found += _spoken(counted, {field.field for field in named}, sentence, here)
    return found


def says_both(sentence: str) -> bool:
    """Does a sentence speak of both people, or of what they share?"""
    return "both" in _said(sentence, _HINTS.found_in(sentence))


def _said(sentence: str, hits: frozenset[str]) -> set[str]:
    """What a sentence says of the two, of `_SAYS`."""
    told = [_PHRASES[hint] for hint in _PHRASES.keys() & hits]
    return {kind for kind, pattern in told if pattern.search(sentence)}


def _spoken(
    counted: dict[tuple[Meaning, ...], int], names: set[str], sentence: str, hits: frozenset[str]
) -> Iterator[Claim]:
    """The labels of a sentence as claims, by how the sentence speaks of them."""
    says = _said(sentence, hits)
    wished = "wish" in says
    for meanings, times in counted.items():
        meant = tuple([m for m in meanings if m[0] in names]) if names and not wished else ()
        both = "both" in says or times > 1
        yield Claim(meant or meanings, both, "one" in says and not both, wished)


def _merged(named: list[list[_Word]]) -> list[_Word]:
    """One list of words, where one label may belong to several of the fields that are named."""
    if len(named) < 2:
        return named[0] if named else []
    merged: dict[str, _Word] = {}
    for word in (word for words in named for word in words):
        before = merged[word.needle].meanings if word.needle in merged else ()
        merged[word.needle] = _Word(word.needle, word.pattern, before + word.meanings)
    return sorted(merged.values(), key=lambda word: -len(word.needle))


def _mentions(words: list[_Word], sentence: str) -> dict[tuple[Meaning, ...], int]:
    """How often each label stands in it; the longest first: `won buddhism` is not `buddhism`."""
    found: dict[tuple[Meaning, ...], int] = {}
    taken: list[tuple[int, int]] = []
    for word in words:
        for match in word.pattern.finditer(sentence):
            first, last = match.span()
            if not taken or not any(first < end and start < last for start, end in taken):
                taken.append((first, last))
                found[word.meanings] = found.get(word.meanings, 0) + 1
    return found


@per_policy
def _lexicon(policy: Policy, language: str) -> _Lexicon:
    names = {field: plain_words(policy.field_label(field, language)) for field in talkable(policy)}
    always: dict[str, list[Meaning]] = {}
    fields: list[_Field] = []
    for field, name in names.items():
        beside: dict[str, list[Meaning]] = {}
        for code in policy.shown_codes(field):
            label = policy.label(field, code, language)
            proper = label[:1].isupper() and not label.isupper()
            if policy.fields[field].kind == "set" or proper:
                always.setdefault(plain_words(label), []).append((field, code))
            elif plain_words(label) not in names.values():  # a job "education" is a field as well
                beside.setdefault(plain_words(label), []).append((field, code))
        fields.append(_Field(field, _word(name, ()), _words(beside)))
    things = _THINGS.get(language, "")
    anywhere = [_of_people(policy, word, things) for word in _words(always)]
    words = [*anywhere, *(word for field in fields for word in (field.name, *field.words))]
    telling = {word.needle for word in (*anywhere, *(field.name for field in fields))}
    needles = _IDIOM_HINTS.union(_PHRASES, (word.needle for word in words)) - {""}
    ranked: dict[str, list[tuple[int, _Word]]] = {}
    for rank, word in enumerate(anywhere):
        ranked.setdefault(word.needle, []).append((rank, word))
    return _Lexicon(ranked, fields, frozenset(telling), Needles(sorted(needles)))


def _of_people(policy: Policy, word: _Word, things: str) -> _Word:
    """A trait's adjective is no claim before a thing: `a quiet corner`."""
    overlaps = [term for term in policy.terms.values() if term.kind == "overlap"]
    traits = {name for term in overlaps if term.mine != term.theirs for name in term.fields}
    if not things or not traits.issuperset(field for field, _ in word.meanings):
        return word
    return _Word(word.needle, re.compile(word.pattern.pattern + things), word.meanings)


def _words(labels: dict[str, list[Meaning]]) -> list[_Word]:
    meant: dict[str, list[Meaning]] = {}
    for label, meanings in labels.items():  # `사진 찍기` and `사진찍기` mean the same
        meant.setdefault(_fold(label), []).extend(meanings)
    ordered: Iterable[str] = sorted((x for x in labels if x), key=lambda x: (-len(x), x))
    return [_word(label, tuple(meant[_fold(label)])) for label in ordered]


def _fold(label: str) -> str:
    return _ARTICLE.sub("", label).replace(" ", "").removesuffix("s")


def _word(label: str, meanings: tuple[Meaning, ...]) -> _Word:
    bare = _ARTICLE.sub("", label).removesuffix("s") or label
    if not _HANGUL.search(label):
        it = re.escape(bare)  # patterns that start with a literal are found much faster
        return _Word(bare, re.compile(rf"{it}(?<!\w{it})s?(?!\w)"), meanings)
    parts = [re.escape(part) for part in label.split()]
    start = rf"{parts[0]}(?<![가-힣a-z0-9]{parts[0]})" + "".join(rf"\s*{x}" for x in parts[1:])
    if len(label) == 1:  # `새` is also "new": only in quotes or with a particle
        start += r"(?=[’'”\"]|(?:를|와|랑|하고)(?![가-힣]))"
    return _Word(label.split()[0], re.compile(start), meanings)
