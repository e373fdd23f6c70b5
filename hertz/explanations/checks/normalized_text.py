"""A candidate text, normalized once for all checks: in lower case, cut into sentences and words."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from hertz.explanations import forbidden_words
from hertz.explanations.facts import Explanation

# A set that names ASCII and Hangul first, which are almost all of a text, is searched fast.
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
class NormalizedText:
    """The forms of a text that the checks search."""

    raw: str  # title and content as written
    text: str  # the same in Unicode's form NFKC
    lower: str  # `text` in lower case, with straight apostrophes
    plain: str  # `text` as `plain_words` gives it
    sentences: list[str]  # of `plain`
    words: list[list[str]]  # of each sentence
    distinct_words: frozenset[str]  # all words of `words`
    joined: str  # all words of `words` in order, separated by blanks
    hangul: str  # Korean syllables of `joined`, with nothing between them
    latin: list[str]  # Latin words of `lower`, in order
    distinct_latin: frozenset[str]  # all words of `latin`
    listed: frozenset[str]  # those of `distinct_latin` that are in `forbidden_words.WHOLE`
    numbers: list[str]  # runs of digits in `lower`
    hits: frozenset[str]  # what `forbidden_words.PARTS` finds in `lower`


def normalize(explanation: Explanation) -> NormalizedText:
    """Returns a text in all forms that the checks search."""
    raw = f"{explanation.title}\n{explanation.content}"
    text = unicodedata.normalize("NFKC", raw)
    folded = text.casefold()
    lower = folded.replace("’", "'")
    plain = _plain(folded)
    parts = sentences(plain)
    words = _words(parts)
    latin = forbidden_words.latin_words(lower)
    distinct_latin = frozenset(latin)
    joined = " ".join(map(" ".join, filter(None, words)))
    return NormalizedText(
        raw=raw,
        text=text,
        lower=lower,
        plain=plain,
        sentences=parts,
        words=words,
        distinct_words=frozenset[str]().union(*words),
        joined=joined,
        hangul=_NOT_HANGUL.sub("", joined.encode().translate(None, _ASCII).decode()),
        latin=latin,
        distinct_latin=distinct_latin,
        listed=distinct_latin & forbidden_words.WHOLE,
        numbers=_NUMBER.findall(lower),
        hits=forbidden_words.PARTS.found_in(lower),
    )


def lines(text: str) -> str:
    """Returns a text with each sentence on a line of its own."""
    for stop, cut in _STOPS:
        text = text.replace(stop, cut)
    return text


def sentences(text: str) -> list[str]:
    """Returns the sentences of a text, in order."""
    return [part for part in lines(text).split("\n") if part]


def plain_words(text: str) -> str:
    """Returns a text in lower case, without accents, hyphens as spaces; line breaks stay."""
    return _plain(unicodedata.normalize("NFKC", text).casefold())


def _plain(text: str) -> str:
    """Returns a text in NFKC and lower case without accents, hyphens as spaces."""
    if _ACCENTS.search(text):
        marks = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", marks))
    text = text.replace("-", " ").replace("\t", " ").replace("\u00a0", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def _words(parts: list[str]) -> list[list[str]]:
    """Returns the words of each sentence, cut by bytes, which is much faster than a pattern."""
    text = "\n".join(parts)
    for mark in {*_MARK.findall(text)}:
        text = text.replace(mark, " ")
    lines = text.encode().translate(_BLANKED).decode().split("\n")
    return [line.split() for line in lines[: len(parts)]]
