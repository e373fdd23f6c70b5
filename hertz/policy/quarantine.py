"""The quarantine: what is wrong with which row, in words that help to put it right.

In: masks of bad values and the policy. Out: `Fault`s of one column, and the quarantine frame of a
whole source. A reason tells what is accepted, and what was probably meant.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from hertz.policy.model import Policy

LISTED_CODES = 12
SHOWN_CHARACTERS = 80
QUARANTINE_SCHEMA = {
    "row": pl.Int64,
    "user_id": pl.String,
    "field": pl.String,
    "value": pl.String,
    "reason": pl.String,
}
UNREADABLE_ROW = "(row)"  # the `field` of a row that could not be read at all


class Fault(NamedTuple):
    """One bad value: `row` counts from 0 in the frame."""

    row: int
    value: str
    reason: str


def faults_in(bad: pl.Series, values: pl.Series, reason: str | Callable[[str], str]) -> list[Fault]:
    """A fault for each row where `bad` (Boolean, no nulls) is true; few, so a loop is fine."""
    rows = bad.arg_true()
    return [
        Fault(row, shown(value), reason if isinstance(reason, str) else reason(value))
        for row, value in zip(rows.to_list(), values.gather(rows).to_list(), strict=True)
    ]


def quarantine_frame(
    ids: pl.Series,
    faults: Mapping[str, Sequence[Fault]],
    numbers: Sequence[int],
    unread: Sequence[tuple[int, str]],
) -> pl.DataFrame:
    """One line a fault, by row, then in the policy's order of fields.

    Args:
        ids: The id of each row, as read.
        faults: By field.
        numbers: The 1-based number of each row in the source.
        unread: (1-based row, reason) of rows that could not be read at all.
    """
    lines: list[tuple[int, str | None, str, str, str]]
    lines = [(row, None, UNREADABLE_ROW, "", reason) for row, reason in unread]
    for field, found in faults.items():
        users = ids.gather([fault.row for fault in found]).to_list()
        lines += [
            (numbers[fault.row], _id_text(user), field, fault.value, fault.reason)
            for fault, user in zip(found, users, strict=True)
        ]
    return pl.DataFrame(lines, QUARANTINE_SCHEMA, orient="row").sort("row", maintain_order=True)


def accepted_values(policy: Policy, name: str) -> str:
    """What a field accepts, in words."""
    rule, codes = policy.fields[name], policy.vocabulary(name)
    if codes is not None:
        return ("any of " if rule.kind == "set" else "") + _listed(list(codes))
    if rule.kind == "number":
        return "a number" + _bound(" from ", rule.minimum) + _bound(" up to ", rule.maximum)
    return {"set": "a list of texts", "ids": "a list of integers"}.get(rule.kind, "a text")


def unknown_code(policy: Policy, name: str) -> Callable[[str], str]:
    """Makes the reason for a code that the field does not accept."""
    codes = policy.vocabulary(name) or {}
    labels = {label: code for code, names in codes.items() for label in names.values()}

    @functools.cache
    def reason(value: str) -> str:
        meant = labels.get(value)
        close = f" (is it {meant}?)" if meant else suggestion(value, list(codes))
        return f"unknown code{close}; accepted: {_listed(list(codes))}"

    return reason


def suggestion(value: str, names: Sequence[str]) -> str:
    """` (is it NAME?)` for the closest of the names; nothing where none is close."""
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(value[:SHOWN_CHARACTERS].casefold(), folded, n=1, cutoff=0.6)
    return f" (is it {folded[close[0]]}?)" if close else ""


def shown(value: object) -> str:
    """A value as Python writes it, cut to `SHOWN_CHARACTERS`."""
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _id_text(value: object) -> str | None:
    return None if value is None else str(value)[:SHOWN_CHARACTERS]


def _bound(words: str, value: float | None) -> str:
    return "" if value is None else f"{words}{value:g}"


def _listed(codes: list[str]) -> str:
    if len(codes) <= LISTED_CODES:
        return ", ".join(codes)
    return f"{', '.join(codes[:LISTED_CODES])} ... ({len(codes)} accepted, see the policy)"
