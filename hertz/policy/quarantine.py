"""Describes what is wrong with which row, in words that help to put it right.

In: masks of bad values and the policy. Out: `Fault`s of one column, and the quarantine frame of a
source. A reason names what is accepted, and the code that was probably meant.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from hertz.policy.json_schema import listed_codes
from hertz.policy.model import Policy

SHOWN_CHARACTERS = 80
MISSING = "required, but missing"  # how the reason of a missing value starts
QUARANTINE_SCHEMA = {
    "row": pl.Int64,
    "user_id": pl.String,
    "field": pl.String,
    "value": pl.String,
    "reason": pl.String,
}


class Fault(NamedTuple):
    """One bad value of a column.

    Attributes:
        row: Position of the row in the frame, from 0.
        value: The value as `shown` writes it.
        reason: What is wrong, and what is accepted.
    """

    row: int
    value: str
    reason: str


def faults_in(bad: pl.Series, values: pl.Series, reason: str | Callable[[str], str]) -> list[Fault]:
    """Returns a fault for each row where `bad` is true.

    Args:
        bad: Boolean without nulls; true in few rows, so a loop is fast enough.
        values: The column's values, to be shown.
        reason: The reason, or a function that makes it from the value.
    """
    rows = bad.arg_true()
    return [
        Fault(row, shown(value), reason if isinstance(reason, str) else reason(value))
        for row, value in zip(rows.to_list(), values.gather(rows).to_list(), strict=True)
    ]


def quarantine_frame(
    ids: pl.Series,
    faults: Mapping[str, Sequence[Fault]],
    numbers: Sequence[int],
    rejected: Sequence[tuple[int, str]],
) -> pl.DataFrame:
    """Returns one line a fault, by row, then in the policy's order of fields.

    Args:
        ids: The id of each row, as read.
        faults: The faults of each field.
        numbers: The number of each row in the source, from 1.
        rejected: (row from 1, reason) of rows that could not be read at all.
    """
    lines: list[tuple[object, ...]] = [(n, None, "(row)", "", reason) for n, reason in rejected]
    for field, found in faults.items():
        users = ids.gather([fault.row for fault in found]).to_list()
        for fault, user in zip(found, users, strict=True):
            user_id = None if user is None else str(user)[:SHOWN_CHARACTERS]
            lines.append((numbers[fault.row], user_id, field, fault.value, fault.reason))
    return pl.DataFrame(lines, QUARANTINE_SCHEMA, orient="row").sort("row", maintain_order=True)


def unknown_code(policy: Policy, name: str) -> Callable[[str], str]:
    """Returns a function that makes the reason for a code that the field does not accept."""
    codes = policy.vocabulary(name) or {}
    accepted = listed_codes(list(codes))
    labels = {label: code for code, names in codes.items() for label in names.values()}

    @functools.cache
    def reason(value: str) -> str:
        meant = labels.get(value)
        close = f" (is it {meant}?)" if meant else suggestion(value, list(codes))
        return f"unknown code{close}; accepted: {accepted}"

    return reason


def suggestion(value: str, names: Sequence[str]) -> str:
    """Returns ` (is it NAME?)` for the closest of the names; an empty text where none is close."""
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(value[:SHOWN_CHARACTERS].casefold(), folded, n=1, cutoff=0.6)
    return f" (is it {folded[close[0]]}?)" if close else ""


def shown(value: object) -> str:
    """Returns a value as Python writes it, cut to `SHOWN_CHARACTERS`."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
