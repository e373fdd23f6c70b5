"""Words and patterns that no text about two people may contain, by what is wrong with them.

They are in forbidden_words.toml. One pass over a text finds the parts and hints of all kinds
(`PARTS`), and a pattern is tried only where the text has its hint.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from string import ascii_lowercase
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from hertz.core.strict import Strict
from hertz.explanations.multi_search import MultiSearch
from hertz.explanations.text_files import read_model

Kind = Literal[
    "contact", "solicitation", "romance", "offensive", "leak", "invented", "overstated",
    "placeholder", "markup", "share",
]  # fmt: skip
_LETTERS = bytes(ord(" ") if chr(byte) not in ascii_lowercase else byte for byte in range(256))
_DIGIT, _BETWEEN = r"[\d영일이삼사오육칠팔구공빵]", r"[ \n().,_/·ㅡ–—~-]*"
PHONE_NUMBER = re.compile(rf"{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{6}}")  # seven digits in a row


def _lower_case(word: str) -> str:
    if not word or word != word.casefold():
        message = f"{word!r}: accepted: text in lower case that is not empty"
        raise ValueError(message)
    return word


LowerCase = Annotated[str, AfterValidator(_lower_case)]


@dataclass(frozen=True, slots=True)
class Words:
    """Forbidden words of one kind."""

    whole: frozenset[str]  # English words, which count as whole words
    parts: frozenset[str]  # Korean words and phrases, which count anywhere in a text
    patterns: Mapping[str, re.Pattern[str]]  # by a hint, without which the pattern cannot match

    def within(
        self, lower: str, tokens: Iterable[str] | None = None, hits: Collection[str] | None = None
    ) -> bool:
        """Returns whether a text in lower case contains one of the words.

        If known, `tokens` are its `latin_words` (those in `WHOLE` are enough), and `hits` is what
        `PARTS` finds in it.
        """
        hits = PARTS.found_in(lower) if hits is None else hits
        tokens = latin_words(lower) if tokens is None else tokens
        if not self.parts.isdisjoint(hits) or not self.whole.isdisjoint(tokens):
            return True
        return any(self.patterns[hint].search(lower) for hint in self.patterns.keys() & hits)

    def without(self, labels: Iterable[str]) -> Words:
        """Returns the words that stand in none of these labels, which are checked as claims."""
        text = "\n".join(labels)
        parts = frozenset(part for part in self.parts if part not in text)
        return Words(self.whole.difference(latin_words(text)), parts, self.patterns)


class _WordsTable(Strict):
    """One kind of forbidden words as the file has it."""

    english: tuple[LowerCase, ...] = ()
    korean: tuple[LowerCase, ...] = ()
    phrases: tuple[LowerCase, ...] = ()
    emoji: str = ""
    patterns: dict[LowerCase, re.Pattern[str]] = Field({})

    def compiled(self) -> Words:
        """Returns the words ready to be looked for."""
        emoji = {picture: re.compile(picture) for picture in self.emoji}
        parts = frozenset((*self.korean, *self.phrases))
        return Words(frozenset(self.english), parts, self.patterns | emoji)


class Names(Strict):
    """How a person is named in one language; no pattern matches a text without one of the hints."""

    hints: frozenset[LowerCase]
    patterns: tuple[str, ...]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """One pattern for all of `patterns`."""
        return re.compile("|".join(self.patterns))


class _File(Strict):
    """The whole file: a table for each kind of word, and the names by language."""

    words: dict[Kind, _WordsTable]
    names: dict[str, Names]


def latin_words(lower: str) -> list[str]:
    """Returns the runs of letters from a to z in a text in lower case, in order."""
    return lower.encode(errors="replace").translate(_LETTERS).decode().split()


_FILE = read_model("explanations/forbidden_words.toml", _File)
WORDS = {kind: _FILE.words[kind].compiled() for kind in get_args(Kind)}
NAMES = _FILE.names
_UNFIT = [WORDS[kind] for kind in ("contact", "solicitation", "offensive", "leak")]
WHOLE = frozenset[str]().union(*(words.whole for words in WORDS.values()))
_PARTS = [words.parts.union(words.patterns) for words in WORDS.values()]
PARTS = MultiSearch(sorted(set().union(*_PARTS, *(names.hints for names in NAMES.values()))))


def is_unfit(text: str) -> bool:
    """Returns whether what a user typed contains anything that no reader may see."""
    lower = text.casefold()
    tokens, hits = frozenset(latin_words(lower)), PARTS.found_in(lower)
    if any(words.within(lower, tokens, hits) for words in _UNFIT):
        return True
    return bool(PHONE_NUMBER.search(lower))
