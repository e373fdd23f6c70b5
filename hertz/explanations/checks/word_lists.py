"""The word lists of the checks, read from a file for each language."""

from __future__ import annotations

import re

from pydantic import Field

from hertz.core.strict import Strict
from hertz.explanations.text_files import read_model
from hertz.explanations.voices.phrases import LANGUAGES


class Phrases(Strict):
    """Phrases, and beginnings of words with the regular expressions of their endings."""

    phrases: tuple[str, ...]
    endings: dict[str, str] = Field({})

    def patterns(self) -> dict[str, re.Pattern[str]]:
        """Returns a pattern for each phrase, by the literal text that it begins with."""
        endings = dict.fromkeys(self.phrases, "") | self.endings
        return {start: _phrase_pattern(start, ending) for start, ending in endings.items()}


class WordLists(Strict):
    """The word lists of one language; the files say what each is for."""

    common: tuple[str, ...]
    things: tuple[str, ...]
    counted: tuple[str, ...]
    verbs: tuple[str, ...] = ()
    digits: tuple[str, ...] = ()
    latin: tuple[str, ...] = ()
    idioms: dict[str, str]
    counts: dict[str, int]
    nicknames: dict[str, str] = Field({})
    both: Phrases
    one: Phrases
    wish: Phrases


def _phrase_pattern(start: str, ending: str) -> re.Pattern[str]:
    # English phrases are whole words; a pattern that begins with a literal is found much faster
    whole = rf"{start}(?<!\w{start})(?:{ending})(?!\w)"
    return re.compile(whole if start.isascii() else start + ending)


WORD_LISTS = {
    language: read_model(f"explanations/checks/{language}.toml", WordLists)
    for language in LANGUAGES
}
