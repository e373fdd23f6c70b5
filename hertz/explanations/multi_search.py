"""Many fixed strings looked for in one pass over a text (Aho and Corasick, 1975)."""

from __future__ import annotations

from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick, Implementation


class MultiSearch:
    """Finds which of many strings, none of them empty, are in a text."""

    def __init__(self, strings: Iterable[str]) -> None:
        self._finder = AhoCorasick(
            tuple(strings), store_patterns=True, implementation=Implementation.DFA
        )

    def any_in(self, text: str) -> bool:
        """Returns whether the text contains one of the strings."""
        return bool(self._finder.find_matches_as_strings(text))

    def found_in(self, text: str) -> frozenset[str]:
        """Returns those of the strings that the text contains."""
        return frozenset(self._finder.find_matches_as_strings(text, overlapping=True))
