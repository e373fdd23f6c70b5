"""A candidate text, prepared once for all checks: normalised, in lower case, cut into sentences."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from explanations.facts import Explanation

_TOKEN, _WORD = re.compile(r"[a-z]+"), re.compile(r"\w+")
_ACCENTS = re.compile("[\u00c0-\u024f\u0300-\u036f]")
_BLANKS = re.compile(r" [ \t\u00a0-]+|[\t\u00a0-][ \t\u00a0-]*")  # but for single ones
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
    tokens: frozenset[str]  # Latin words of `lower`


def read(explanation: Explanation) -> Reading:
    """Prepare a text."""
    raw = f"{explanation.title}\n{explanation.content}"
    text = unicodedata.normalize("NFKC", raw)
    lower, plain = text.casefold().replace("’", "'"), plain_words(text)
    parts = sentences(plain)
    words = [_WORD.findall(part) for part in parts]
    joined = " ".join(word for sentence in words for word in sentence)
    return Reading(raw, text, lower, plain, parts, words, joined, frozenset(_TOKEN.findall(lower)))


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    for stop, cut in _STOPS:
        text = text.replace(stop, cut)
    return [part for part in text.split("\n") if part]


def plain_words(text: str) -> str:
    """Lower case, without accents, hyphens as spaces; line breaks stay."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if _ACCENTS.search(text):
        marks = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", marks))
    return _BLANKS.sub(" ", text)
