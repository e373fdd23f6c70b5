"""One page of a list as JSON, in two thirds of the time that nested dicts take.

In: rows of the serving file as plain tuples. Out: the bytes of a `MatchesAnswer`. The structs below
have its fields in its order; the terms are those of the category.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

_SCORES = 5  # numbers of a row before its terms
_NULL = msgspec.Raw(b"null")
_encoder = msgspec.json.Encoder()


class _Breakdown(msgspec.Struct, gc=False):
    forward: Any
    backward: Any


class _Entry(msgspec.Struct, gc=False):
    userId: int
    rank: int
    mutual: float
    forward: float
    backward: float
    breakdown: _Breakdown
    explanation: msgspec.Raw


class _Page(msgspec.Struct, gc=False):
    snapshot: str
    userId: int
    category: str
    status: str
    matches: list[_Entry]
    nextCursor: str | None


class Listing:
    """Writes the lists of one category."""

    def __init__(self, category: str, terms: tuple[str, ...]) -> None:
        self._category = category
        names = {f"t{place}": name for place, name in enumerate(terms)}
        fields = [(name, float) for name in names]
        self._terms = msgspec.defstruct("_Terms", fields, rename=names, gc=False)
        self._half = _SCORES + len(terms)

    def page(
        self,
        snapshot: str,
        user_id: int,
        status: str,
        rows: Iterable[tuple[Any, ...]],
        told: Iterable[bytes | None],
        cursor: str | None,
    ) -> bytes:
        """The answer: rows as `ServingReader.rows` has them, explanations as JSON."""
        terms, half = self._terms, self._half
        entries = [
            _Entry(
                row[0],
                row[1],
                row[2],
                row[3],
                row[4],
                _Breakdown(terms(*row[_SCORES:half]), terms(*row[half:])),
                msgspec.Raw(text) if text else _NULL,
            )
            for row, text in zip(rows, told, strict=True)
        ]
        return _encoder.encode(_Page(snapshot, user_id, self._category, status, entries, cursor))
