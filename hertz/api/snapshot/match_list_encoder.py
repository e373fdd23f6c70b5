"""Encodes one page of a match list as JSON, in two thirds of the time that nested dicts take.

The structs have the fields of `MatchesAnswer` in its order; the struct of the contributions has a
category's terms.
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


class _Match(msgspec.Struct, gc=False):
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
    matches: list[_Match]
    nextCursor: str | None


class MatchListEncoder:
    """Encodes the lists of one category, whose terms are in the order of a row's contributions."""

    def __init__(self, category: str, terms: tuple[str, ...]) -> None:
        self._category = category
        # Fields need Python names, which the policy's terms need not be.
        names = {f"t{position}": name for position, name in enumerate(terms)}
        fields = [(name, float) for name in names]
        self._terms = msgspec.defstruct("_Terms", fields, rename=names, gc=False)
        self._backward = _SCORES + len(terms)  # position of the first backward contribution

    def encode_page(
        self,
        snapshot: str,
        user_id: int,
        status: str,
        rows: Iterable[tuple[Any, ...]],
        explanations: Iterable[bytes | None],
        cursor: str | None,
    ) -> bytes:
        """Returns the JSON of one page.

        Args:
            snapshot: Run id of the snapshot.
            user_id: Owner of the list.
            status: `ready` or `pending`.
            rows: Rows of the page, as `ServingReader.rows` returns them.
            explanations: JSON of each row's explanation; None where it has none.
            cursor: Cursor of the next page; None if there is none.
        """
        terms = self._terms
        backward = self._backward
        matches = [
            _Match(
                row[0],
                row[1],
                row[2],
                row[3],
                row[4],
                _Breakdown(terms(*row[_SCORES:backward]), terms(*row[backward:])),
                msgspec.Raw(explanation) if explanation else _NULL,
            )
            for row, explanation in zip(rows, explanations, strict=True)
        ]
        return _encoder.encode(_Page(snapshot, user_id, self._category, status, matches, cursor))
