"""Validates raw rows against the policy: clean profiles on one side, quarantine on the other.

In: the policy and a frame as the source had it, of any types. Out: `ValidatedProfiles`: one typed,
normalized row a user, one quarantine line a fault (row, field, value, what is accepted), and the
columns that the policy does not know. Nothing is dropped in silence, and apart from the question
which of two duplicates came first, the profiles do not depend on the order of the rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from hertz.core.errors import SourceError
from hertz.policy.model import Policy
from hertz.policy.quarantine import (
    Fault,
    accepted_values,
    faults_in,
    quarantine_frame,
    shown,
    suggestion,
    unknown_code,
)

USER_ID = "user_id"

_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
_INTEGER = r"^[+-]?[0-9]{1,19}(?:\.0*)?$"
_JSON_ESCAPE = r'\\(?:["\\/bfnrt]|u(?:[0-9a-cefA-CEF][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}))'
_JSON_ITEM = (
    rf'(?:"(?:[^"\\\x00-\x1f]|{_JSON_ESCAPE})*"'
    r"|-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?|true|false|null)"
)
_JSON_ARRAY = rf"^\[\s*(?:{_JSON_ITEM}(?:\s*,\s*{_JSON_ITEM})*)?\s*\]$"
_BROKEN_LIST = 'not a JSON list; write ["A", "B"] or A|B'
_TEXTUAL = (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Date, pl.Datetime, pl.Null)
_ORDERED = pl.element().drop_nulls().unique().sort()  # 20 times faster than `.list.sort()`


@dataclass(frozen=True)
class ValidatedProfiles:
    """The outcome of validation.

    Attributes:
        profiles: `user_id` Int64 ascending, then a column a policy field, by kind: code, ordered,
            text String (null: not told); set List(String) in vocabulary order (empty: not told);
            number Float64; ids List(Int64) ascending.
        quarantine: One line a fault, by row: see `hertz.policy.quarantine`; `row` counts from 1.
        ignored_columns: Columns of the source that the policy does not name.
    """

    profiles: pl.DataFrame
    quarantine: pl.DataFrame
    ignored_columns: tuple[str, ...]


class _Checked(NamedTuple):
    values: pl.Series
    faults: list[Fault]


def validate_profiles(
    policy: Policy, raw: pl.DataFrame, rejected: Sequence[tuple[int, str]] = ()
) -> ValidatedProfiles:
    """Check every row against the policy.

    Args:
        policy: What a profile is.
        raw: The rows as read, any column types; lists may be text (`A|B`, `A;B` or JSON).
        rejected: (1-based row, reason) of rows that could not be read and are not in `raw`.

    Returns:
        Clean profiles and the quarantine; no profile at all is not an error here.

    Raises:
        SourceError: when there are no rows, or a required column is missing.
    """
    _require_rows(raw, rejected)
    _require_columns(policy, raw)
    checked = {policy.id_field: _check_ids(policy, raw[policy.id_field])}
    for name, rule in policy.fields.items():
        checked[name] = _check_field(policy, name, _source_column(raw, rule.source or name))
    numbers = _row_numbers(raw.height, rejected)
    checked[policy.id_field].faults.extend(_duplicates(policy.id_field, checked, numbers))
    faults = {name: column.faults for name, column in checked.items()}
    return ValidatedProfiles(
        _profiles(policy, checked),
        quarantine_frame(raw[policy.id_field], faults, numbers, rejected),
        tuple(name for name in raw.columns if name not in _source_names(policy)),
    )


def _require_rows(raw: pl.DataFrame, rejected: Sequence[tuple[int, str]]) -> None:
    if raw.height:
        return
    if rejected:
        row, reason = rejected[0]
        message = f"none of the source's {len(rejected)} rows can be read; row {row}: {reason}"
    else:
        message = "the source has no rows; at least one profile is needed"
    raise SourceError(message)


def _require_columns(policy: Policy, raw: pl.DataFrame) -> None:
    needed = [policy.id_field]
    needed += [rule.source or name for name, rule in policy.fields.items() if rule.required]
    missing = [name for name in dict.fromkeys(needed) if name not in raw.columns]
    if not missing:
        return
    names = ", ".join(name + suggestion(name, raw.columns) for name in missing)
    message = (
        f"the source lacks required columns: {names}; found: "
        f"{', '.join(raw.columns)}; rename them there, or set `source` (for the id: `id_field`) "
        "in the policy"
    )
    raise SourceError(message)


def _source_names(policy: Policy) -> set[str]:
    return {policy.id_field} | {rule.source or name for name, rule in policy.fields.items()}


def _source_column(raw: pl.DataFrame, name: str) -> pl.Series:
    return raw[name] if name in raw.columns else pl.Series(name, [None] * raw.height, pl.String)


def _row_numbers(height: int, rejected: Sequence[tuple[int, str]]) -> list[int]:
    unread = {row for row, _ in rejected}
    return list(itertools.islice((n for n in itertools.count(1) if n not in unread), height))


# ---- one column ----------------------------------------------------------------------------------


def _check_ids(policy: Policy, raw: pl.Series) -> _Checked:
    text = _text(raw)
    ids = _run(text, _integer(pl.col("x")))
    bad = ids.is_null() | (ids < policy.id_minimum)
    reason = f"an integer of {policy.id_minimum} or more is accepted"
    return _Checked(ids, faults_in(bad.fill_null(True), raw, reason))


def _check_field(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    rule = policy.fields[name]
    checks: dict[str, Callable[[Policy, str, pl.Series], _Checked]] = {
        "set": _check_set,
        "ids": _check_id_list,
        "number": _check_number,
        "text": _check_text,
    }
    checked = checks.get(rule.kind, _check_code)(policy, name, raw)
    return _hide_values(checked) if rule.kind == "text" else checked


def _check_code(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    rule, codes = policy.fields[name], policy.vocabulary(name)
    text, faults = _plain(policy, name, raw)
    if codes is not None:
        unknown = text.is_not_null() & ~text.is_in(list(codes))
        faults += faults_in(unknown.fill_null(False), text, unknown_code(policy, name))
    told = pl.when(~pl.col("x").is_in(list(rule.hidden))).then("x")
    return _Checked(_run(text, told), faults)


def _check_number(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    rule = policy.fields[name]
    text, faults = _plain(policy, name, raw)
    values = text.cast(pl.Float64, strict=False)
    inside = values.is_finite()
    if rule.minimum is not None:
        inside &= values >= rule.minimum
    if rule.maximum is not None:
        inside &= values <= rule.maximum
    bad = text.is_not_null() & ~inside.fill_null(False)
    return _Checked(
        values, faults + faults_in(bad, raw, f"{accepted_values(policy, name)} is accepted")
    )


def _check_text(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    limit = policy.fields[name].max_length
    text, faults = _plain(policy, name, raw)
    long = (text.str.len_chars() > limit).fill_null(False)
    return _Checked(
        text, faults + faults_in(long, text, f"at most {limit} characters are accepted")
    )


def _hide_values(checked: _Checked) -> _Checked:
    """Free text is personal: a fault tells its length only."""
    lengths = checked.values.str.len_chars().fill_null(0)
    hidden = [f._replace(value=f"{lengths[f.row]} characters") for f in checked.faults]
    return _Checked(checked.values, hidden)


def _check_set(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    codes = policy.vocabulary(name)
    items, faults = _items(policy, name, raw, r"[|;]")
    if codes is None:
        return _Checked(items.list.eval(_ORDERED), faults)
    single = items.to_frame("value").with_row_index("row").explode("value")
    unknown = single.filter(pl.col("value").is_not_null() & ~pl.col("value").is_in(list(codes)))
    reason = unknown_code(policy, name)
    faults += [Fault(row, shown(value), reason(value)) for row, value in unknown.iter_rows()]
    # Cast to an Enum of the shown codes: sorts by vocabulary, and what it lacks becomes null.
    ordered = items.cast(pl.List(pl.Enum(policy.shown_codes(name))), strict=False)
    return _Checked(ordered.list.eval(_ORDERED).cast(pl.List(pl.String)), faults)


def _check_id_list(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    items, faults = _items(policy, name, raw, r"[|;,]")
    ids = items.list.eval(_integer(pl.element()))
    bad = ids.list.len() != ids.list.drop_nulls().list.len()
    faults += faults_in(bad, raw, "a list of integers is accepted, such as [3, 17] or 3|17")
    return _Checked(ids.list.eval(_ORDERED), faults)


# ---- text out of anything ------------------------------------------------------------------------


def _plain(policy: Policy, name: str, raw: pl.Series) -> tuple[pl.Series, list[Fault]]:
    """Clean text of a field with one value a row (null: not told), and the faults so far."""
    raw = _without_nan(raw)
    text = _text(raw)
    unreadable = raw.is_not_null() & text.is_null()
    text = _run(text, _clean(pl.col("x"), policy.fields[name].drop))
    return text, _told_faults(policy, name, raw, unreadable, text.is_null())


def _items(policy: Policy, name: str, raw: pl.Series, marks: str) -> tuple[pl.Series, list[Fault]]:
    """Clean items of a field with a list a row (never null), and the faults so far."""
    rule = policy.fields[name]
    raw = raw.arr.to_list() if raw.dtype == pl.Array else raw
    if raw.dtype == pl.List:
        inner = raw.head(0).explode().dtype
        items = raw.list.eval(_text_expression(pl.element(), inner))
        unreadable = raw.list.drop_nulls().list.len() != items.list.drop_nulls().list.len()
    else:
        items = _split(_text(_without_nan(raw)), rule.separator, marks)
        unreadable = raw.is_not_null() & items.is_null()
    items = items.list.eval(_clean(pl.element(), rule.drop)).list.drop_nulls()
    items = _run(items, pl.coalesce("x", pl.lit([], dtype=pl.List(pl.String))))
    empty = items.list.len() == 0
    return items, _told_faults(policy, name, raw, unreadable.fill_null(False), empty)


def _told_faults(
    policy: Policy, name: str, raw: pl.Series, unreadable: pl.Series, untold: pl.Series
) -> list[Fault]:
    accepted = accepted_values(policy, name)
    found = _BROKEN_LIST if raw.dtype == pl.String else f"found {raw.dtype}"
    faults = faults_in(unreadable, raw, f"{found}; accepted: {accepted}")
    if policy.fields[name].required:
        faults += faults_in(
            untold & ~unreadable, raw, f"required, but not told; accepted: {accepted}"
        )
    return faults


def _split(text: pl.Series, separator: str | None, marks: str) -> pl.Series:
    """Items of a list written as one text; null where it looks like JSON and is none."""
    x = pl.col("x").str.strip_chars()
    bracketed = x.str.starts_with("[") & x.str.ends_with("]")
    array = x.str.contains(_JSON_ARRAY)
    arrays = pl.when(array).then(x).str.json_decode(pl.List(pl.String))
    split = x.str.split(separator) if separator else x.str.replace_all(marks, "|").str.split("|")
    return _run(text, pl.coalesce(arrays, pl.when(~bracketed).then(split)))


def _text(series: pl.Series) -> pl.Series:
    return _run(series, _text_expression(pl.col("x"), series.dtype))


def _text_expression(x: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Text of single values; null for what has none (lists, structs, bytes, objects)."""
    if dtype.is_float():
        integers = pl.when(x == x.floor()).then(x.cast(pl.Int64, strict=False)).cast(pl.String)
        return pl.coalesce(integers, pl.when(x.is_not_nan()).then(x.cast(pl.String)))
    if dtype.is_numeric() or dtype in _TEXTUAL:
        return x.cast(pl.String)
    return pl.when(x.is_null() & x.is_not_null()).then(pl.lit(""))


def _without_nan(series: pl.Series) -> pl.Series:
    """NaN is how numeric columns of other tools say 'no value'."""
    return series.fill_nan(None) if series.dtype.is_float() else series


def _clean(x: pl.Expr, drop: str | None) -> pl.Expr:
    """Composed Unicode without control characters, the policy's `drop` and outer blanks."""
    x = x.str.replace_all(_CONTROL, "").str.normalize("NFC")
    if drop is not None:
        x = x.str.replace_all(drop, "")
    x = x.str.strip_chars()
    return pl.when(x != "").then(x)


def _integer(x: pl.Expr) -> pl.Expr:
    """Int64 of texts such as 42, +42 and 42.0; null for any other."""
    x = x.str.strip_chars()
    whole = pl.when(x.str.contains(_INTEGER)).then(x)
    return whole.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)


def _run(series: pl.Series, expression: pl.Expr) -> pl.Series:
    return series.alias("x").to_frame().select(expression.alias("x")).to_series()


# ---- the two outcomes ----------------------------------------------------------------------------


def _duplicates(id_field: str, checked: dict[str, _Checked], numbers: list[int]) -> list[Fault]:
    """The first sound row of an id stays; each later row with that id is a fault."""
    ids = checked[id_field].values
    frame = pl.DataFrame({"id": ids, "sound": _sound(checked)}).with_row_index("row")
    first = frame.filter("sound").group_by("id").agg(pl.col("row").min().alias("first"))
    later = frame.join(first, on="id").filter(pl.col("row") > pl.col("first"))
    return [
        Fault(row, shown(user), f"row {numbers[kept]} has this id too and stays, as the first")
        for row, user, kept in later.select("row", "id", "first").iter_rows()
    ]


def _sound(checked: dict[str, _Checked]) -> pl.Series:
    height = next(iter(checked.values())).values.len()
    faulty = pl.Series([f.row for c in checked.values() for f in c.faults], dtype=pl.UInt32)
    return ~pl.int_range(height, dtype=pl.UInt32, eager=True).is_in(faulty.implode())


def _profiles(policy: Policy, checked: dict[str, _Checked]) -> pl.DataFrame:
    columns = {name: checked[name].values for name in policy.fields}
    frame = pl.DataFrame({USER_ID: checked[policy.id_field].values, **columns})
    return frame.filter(_sound(checked)).sort(USER_ID)
