"""A candidate text, prepared once for all checks: normalized, in lower case, cut into sentences."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from hertz.explanations import patterns
from hertz.explanations.facts import Explanation

# Sets that first name ASCII and Hangul, almost all of a text, are searched at a glance.
_DIGIT = "[^\\x00-/:-\\x7f가-힣\\D]"  # the same as \d
_NUMBER = re.compile(f"{_DIGIT}{_DIGIT}*")  # without the set in front, a `+` is searched slowly
_MARK = re.compile("[^\\x00-\\x7f가-힣\\w]")  # not ASCII, and no part of a word
_NOT_HANGUL = re.compile("[^가-힣]")
_ASCII = bytes(range(128))
_BLANKED = bytes(  # ASCII that is no part of a word becomes a blank; line breaks stay
    byte if byte > 127 or chr(byte) in "_\n" or chr(byte).isalnum() else ord(" ")
    for byte in range(256)
)
_ACCENTS = re.compile("[\u00c0-\u024f\u0300-\u036f]")
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
    said: frozenset[str]  # each of them once
    joined: str  # all of them, with blanks between
    hangul: str  # the syllables of `joined`, without anything between
    latin: list[str]  # Latin words of `lower`
    tokens: frozenset[str]  # each of them once
    listed: frozenset[str]  # those of them that `patterns.WHOLE` lists
    numbers: list[str]  # runs of digits in `lower`
    hits: frozenset[str]  # what `patterns.PARTS` finds in `lower`


def read(explanation: Explanation) -> Reading:
    """Prepare a text."""
    raw = f"{explanation.title}\n{explanation.content}"
    text = unicodedata.normalize("NFKC", raw)
    folded = text.casefold()
    lower, plain = folded.replace("’", "'"), _plain(folded)
    latin, parts = patterns.latin_words(lower), sentences(plain)
    words, tokens = _words(parts), frozenset(latin)
    joined = " ".join(map(" ".join, filter(None, words)))
    return Reading(
        raw=raw,
        text=text,
        lower=lower,
        plain=plain,
        sentences=parts,
        words=words,
        said=frozenset[str]().union(*words),
        joined=joined,
        hangul=_NOT_HANGUL.sub("", joined.encode().translate(None, _ASCII).decode()),
        latin=latin,
        tokens=tokens,
        listed=tokens & patterns.WHOLE,
        numbers=_NUMBER.findall(lower),
        hits=patterns.PARTS.found_in(lower),
    )


def lines(text: str) -> str:
    """A text with each sentence on a line of its own."""
    for stop, cut in _STOPS:
        text = text.replace(stop, cut)
    return text


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return [part for part in lines(text).split("\n") if part]


def plain_words(text: str) -> str:
    """Lower case, without accents, hyphens as spaces; line breaks stay."""
    return _plain(unicodedata.normalize("NFKC", text).casefold())


def _plain(text: str) -> str:
    if _ACCENTS.search(text):
        marks = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", marks))
    text = text.replace("-", " ").replace("\t", " ").replace("\u00a0", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def _words(parts: list[str]) -> list[list[str]]:
    """The words of each sentence, cut by bytes, which is much faster than a pattern."""
    text = "\n".join(parts)
    for mark in {*_MARK.findall(text)}:
        text = text.replace(mark, " ")
    lines = text.encode().translate(_BLANKED).decode().split("\n")
    return [line.split() for line in lines[: len(parts)]]
