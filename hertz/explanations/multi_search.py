"""Many fixed strings looked for in one pass over a text (Aho and Corasick, 1975)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ahocorasick_rs import AhoCorasick, Implementation


class Needles:
    """Strings to look for, none of them empty."""

    def __init__(self, needles: Iterable[str]) -> None:
        self._all = tuple(needles)
        self._finder = AhoCorasick(
            self._all, store_patterns=True, implementation=Implementation.DFA
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def any_in(self, text: str) -> bool:
        """Is one of them in the text?"""
        return bool(self._finder.find_matches_as_strings(text))

    def found_in(self, text: str) -> frozenset[str]:
        """Those that are in the text."""
        return frozenset(self._finder.find_matches_as_strings(text, overlapping=True))
