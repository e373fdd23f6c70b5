"""A candidate text, prepared once for all checks: normalised, in lower case, cut into sentences."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from explanations import patterns
from explanations.facts import Explanation

_WORD, _NUMBER, _NOT_HANGUL = re.compile(r"\w+"), re.compile(r"\d+"), re.compile("[^가-힣]+")
_ACCENTS = re.compile("[\u00c0-\u024f\u0300-\u036f]")
_BLANKS = re.compile(" {2,}")
_STOPS = ((". ", ".\n"), ("! ", "!\n"), ("? ", "?\n"))


@dataclass(frozen=True, slots=True)
class Reading:
    """The forms in which checks read a text."""

    raw: str  # title and content, as written
    text: str  # NFKC
    lower: str  # and in lower case, with straight apostrophes
    plain: str  # and without accents, hyphens as spaces; as `plain_words`
    sentences: list[str]  # of `plain`
    words: list[list[str]]  # of each sentence
    joined: str  # all of them, with blanks between
    hangul: str  # the syllables of `joined`, without anything between
    latin: list[str]  # Latin words of `lower`
    tokens: frozenset[str]  # each of them once
    numbers: frozenset[str]  # of `lower`
    hits: frozenset[str]  # what `patterns.PARTS` finds in `lower`


def read(explanation: Explanation) -> Reading:
    """Prepare a text."""
    raw = f"{explanation.title}\n{explanation.content}"
    text = unicodedata.normalize("NFKC", raw)
    folded = text.casefold()
    lower, plain = folded.replace("’", "'"), _plain(folded)
    latin, parts = patterns.latin_words(lower), sentences(plain)
    words = [_WORD.findall(part) for part in parts]
    joined = " ".join([word for sentence in words for word in sentence])
    return Reading(
        raw=raw,
        text=text,
        lower=lower,
        plain=plain,
        sentences=parts,
        words=words,
        joined=joined,
        hangul="" if joined.isascii() else _NOT_HANGUL.sub("", joined.replace(" ", "")),
        latin=latin,
        tokens=frozenset(latin),
        numbers=frozenset(_NUMBER.findall(lower) if any(map(str.isdecimal, lower)) else ()),
        hits=patterns.PARTS.found_in(lower),
    )


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    for stop, cut in _STOPS:
        text = text.replace(stop, cut)
    return [part for part in text.split("\n") if part]


def plain_words(text: str) -> str:
    """Lower case, without accents, hyphens as spaces; line breaks stay."""
    return _plain(unicodedata.normalize("NFKC", text).casefold())


def _plain(text: str) -> str:
    if _ACCENTS.search(text):
        marks = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", marks))
    text = text.replace("-", " ").replace("\t", " ").replace("\u00a0", " ")
    return _BLANKS.sub(" ", text) if "  " in text else text
