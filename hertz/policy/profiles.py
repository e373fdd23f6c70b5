"""Validates raw rows against the policy: clean profiles on one side, the quarantine on the other.

No row is dropped without a quarantine line. The order of the rows decides only which of two rows
with the same id stays: the first. What a field accepts is stated in `hertz.policy.json_schema`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from hertz.core.errors import SourceError
from hertz.policy.json_schema import Schema, accepted_values, column_within, field_schema, id_schema
from hertz.policy.model import Policy
from hertz.policy.quarantine import (
    MISSING,
    Fault,
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
            text String (null: missing); set List(String) in vocabulary order (empty: missing);
            number Float64 (null: missing); ids List(Int64) ascending.
        quarantine: One line a fault, by row: see `hertz.policy.quarantine`; `row` counts from 1.
        ignored_columns: Columns of the source that the policy does not name.
    """

    profiles: pl.DataFrame
    quarantine: pl.DataFrame
    ignored_columns: tuple[str, ...]


class _Checked(NamedTuple):
    """One column after its check: clean values, null where there is a fault, and the faults."""

    values: pl.Series
    faults: list[Fault]


def validate_profiles(
    policy: Policy, raw: pl.DataFrame, rejected: Sequence[tuple[int, str]] = ()
) -> ValidatedProfiles:
    """Checks every row against the policy.

    Args:
        policy: States what each field accepts.
        raw: The rows as read, of any column types; lists may be text (`A|B`, `A;B` or JSON).
        rejected: (row from 1, reason) of rows that could not be read and are not in `raw`.

    Raises:
        SourceError: If there are no rows, or a required column is missing.
    """
    _require_rows(raw, rejected)
    _require_columns(policy, raw)
    checked = {policy.id_field: _check_ids(policy, raw[policy.id_field])}
    absent = pl.Series([None] * raw.height, dtype=pl.String)
    for name, column in policy.columns.items():
        checked[name] = _check_field(policy, name, raw.get_column(column, default=absent))
    skipped = {row for row, _ in rejected}
    numbers = [n for n in range(1, raw.height + len(rejected) + 1) if n not in skipped]
    checked[policy.id_field].faults.extend(_duplicates(policy.id_field, checked, numbers))
    frame = pl.DataFrame({name: column.values for name, column in checked.items()})
    faults = {name: column.faults for name, column in checked.items()}
    known = {policy.id_field, *policy.columns.values()}
    return ValidatedProfiles(
        frame.filter(_sound(checked)).rename({policy.id_field: USER_ID}).sort(USER_ID),
        quarantine_frame(raw[policy.id_field], faults, numbers, rejected),
        tuple(name for name in raw.columns if name not in known),
    )


def _require_rows(raw: pl.DataFrame, rejected: Sequence[tuple[int, str]]) -> None:
    """Raises a `SourceError` if there is no row that could be read."""
    if raw.height:
        return
    message = "the source has no rows; at least one profile is needed"
    if rejected:
        row, reason = rejected[0]
        message = f"none of the source's {len(rejected)} rows can be read; row {row}: {reason}"
    raise SourceError(message)


def _require_columns(policy: Policy, raw: pl.DataFrame) -> None:
    """Raises a `SourceError` if the id or a required field has no column."""
    needed = [policy.id_field, *(policy.columns[name] for name in policy.required_fields)]
    missing = [name for name in dict.fromkeys(needed) if name not in raw.columns]
    if missing:
        names = ", ".join(name + suggestion(name, raw.columns) for name in missing)
        message = (
            f"the source lacks required columns: {names}; found: {', '.join(raw.columns)}; "
            "rename them there, or set `source` (for the id: `id_field`) in the policy"
        )
        raise SourceError(message)


def _check_ids(policy: Policy, raw: pl.Series) -> _Checked:
    """Checks the column of the users' own ids."""
    ids = _run(_text(raw), _integer(pl.col("x")))
    right = column_within(id_schema(policy), ids).fill_null(False)
    reason = f"an integer of {policy.id_minimum} or more is accepted"
    return _Checked(ids, faults_in(~right, raw, reason))


def _check_field(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    """Checks the column of one field, by the field's kind."""
    checks = {
        "set": _check_set,
        "ids": _check_id_list,
        "number": _check_number,
        "text": _check_text,
    }
    return checks.get(policy.fields[name].kind, _check_code)(policy, name, raw)


def _check_code(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    """Checks a column of codes; a hidden code becomes null."""
    text, faults = _single_texts(policy, name, raw)
    schema = field_schema(policy, name)
    if "enum" in schema:
        faults += faults_in(_outside(schema, text), text, unknown_code(policy, name))
    hidden = pl.col("x").is_in(list(policy.fields[name].hidden))
    return _Checked(_run(text, pl.when(~hidden).then("x")), faults)


def _check_number(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    """Checks a column of numbers; a text that is no number is a fault too."""
    text, faults = _single_texts(policy, name, raw)
    values = text.cast(pl.Float64, strict=False)
    schema = field_schema(policy, name)
    bad = text.is_not_null() & ~column_within(schema, values).fill_null(False)
    reason = f"{accepted_values(schema)} is accepted"
    return _Checked(values, faults + faults_in(bad, raw, reason))


def _check_text(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    """Checks a column of free text, which is personal: a fault shows a text's length only."""
    text, faults = _single_texts(policy, name, raw)
    schema = field_schema(policy, name)
    reason = f"at most {schema['maxLength']} characters are accepted"
    faults += faults_in(_outside(schema, text), text, reason)
    lengths = text.str.len_chars().fill_null(0)
    return _Checked(text, [f._replace(value=f"{lengths[f.row]} characters") for f in faults])


def _check_set(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    """Checks a column of sets of codes; hidden codes are left out."""
    items, faults = _list_items(policy, name, raw, r"[|;]")
    schema = field_schema(policy, name)["items"]
    if "enum" not in schema:
        return _Checked(items.list.eval(_ORDERED), faults)
    single = items.to_frame("value").with_row_index("row").explode("value")
    unknown = single.filter(_outside(schema, single["value"]))
    reason = unknown_code(policy, name)
    faults += [Fault(row, shown(value), reason(value)) for row, value in unknown.iter_rows()]
    # Cast to an Enum of the shown codes: sorts by vocabulary, and any other code becomes null.
    ordered = items.cast(pl.List(pl.Enum(policy.shown_codes(name))), strict=False)
    return _Checked(ordered.list.eval(_ORDERED).cast(pl.List(pl.String)), faults)


def _check_id_list(policy: Policy, name: str, raw: pl.Series) -> _Checked:
    """Checks a column of lists of user ids."""
    items, faults = _list_items(policy, name, raw, r"[|;,]")
    ids = items.list.eval(_integer(pl.element()))
    bad = ids.list.len() != ids.list.drop_nulls().list.len()
    faults += faults_in(bad, raw, "a list of integers is accepted, such as [3, 17] or 3|17")
    return _Checked(ids.list.eval(_ORDERED), faults)


def _outside(schema: Schema, values: pl.Series) -> pl.Series:
    """Returns which values break a schema's limits; a missing value does not."""
    return ~column_within(schema, values).fill_null(True)


def _single_texts(policy: Policy, name: str, raw: pl.Series) -> tuple[pl.Series, list[Fault]]:
    """Reads a column with one value a row: the clean texts (null: missing), and the faults."""
    raw = _without_nan(raw)
    text = _text(raw)
    unreadable = raw.is_not_null() & text.is_null()
    text = _run(text, _clean(pl.col("x"), policy.fields[name].drop))
    return text, _reading_faults(policy, name, raw, unreadable, text.is_null())


def _list_items(
    policy: Policy, name: str, raw: pl.Series, separators: str
) -> tuple[pl.Series, list[Fault]]:
    """Reads a column of lists, arrays or texts: the clean items (never null), and the faults.

    Args:
        policy: Policy with the field's rule.
        name: Name of the field.
        raw: Lists, arrays, or texts of lists.
        separators: Pattern that splits a text where the policy names no separator.
    """
    rule = policy.fields[name]
    raw = raw.arr.to_list() if raw.dtype == pl.Array else raw
    if raw.dtype == pl.List:
        inner = raw.head(0).explode().dtype
        items = raw.list.eval(_text_expression(pl.element(), inner))
        unreadable = raw.list.drop_nulls().list.len() != items.list.drop_nulls().list.len()
    else:
        items = _split(_text(_without_nan(raw)), rule.separator, separators)
        unreadable = raw.is_not_null() & items.is_null()
    items = items.list.eval(_clean(pl.element(), rule.drop)).list.drop_nulls()
    items = _run(items, pl.coalesce("x", pl.lit([], dtype=pl.List(pl.String))))
    empty = items.list.len() == 0
    return items, _reading_faults(policy, name, raw, unreadable.fill_null(False), empty)


def _reading_faults(
    policy: Policy, name: str, raw: pl.Series, unreadable: pl.Series, missing: pl.Series
) -> list[Fault]:
    """Returns the faults of values that cannot be read, and of required ones that are missing."""
    accepted = accepted_values(field_schema(policy, name))
    found = _BROKEN_LIST if raw.dtype == pl.String else f"found {raw.dtype}"
    faults = faults_in(unreadable, raw, f"{found}; accepted: {accepted}")
    if policy.fields[name].required:
        faults += faults_in(missing & ~unreadable, raw, f"{MISSING}; accepted: {accepted}")
    return faults


def _split(text: pl.Series, separator: str | None, separators: str) -> pl.Series:
    """Splits lists written as texts; null where a text looks like JSON and is not."""
    x = pl.col("x").str.strip_chars()
    bracketed = x.str.starts_with("[") & x.str.ends_with("]")
    array = x.str.contains(_JSON_ARRAY)
    arrays = pl.when(array).then(x).str.json_decode(pl.List(pl.String))
    unified = x if separator else x.str.replace_all(separators, "|")
    split = unified.str.split(separator or "|")
    return _run(text, pl.coalesce(arrays, pl.when(~bracketed).then(split)))


def _text(series: pl.Series) -> pl.Series:
    """Returns a column's values as text; null for what has none."""
    return _run(series, _text_expression(pl.col("x"), series.dtype))


def _text_expression(x: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Turns single values into text; null for what has none (lists, structs, bytes, objects)."""
    if dtype.is_float():
        integers = pl.when(x == x.floor()).then(x.cast(pl.Int64, strict=False)).cast(pl.String)
        return pl.coalesce(integers, pl.when(x.is_not_nan()).then(x.cast(pl.String)))
    if dtype.is_numeric() or dtype in _TEXTUAL:
        return x.cast(pl.String)
    return pl.when(x.is_null() & x.is_not_null()).then(pl.lit(""))


def _without_nan(series: pl.Series) -> pl.Series:
    """Turns NaN into null: numeric columns of other tools write NaN where a value is missing."""
    return series.fill_nan(None) if series.dtype.is_float() else series


def _clean(x: pl.Expr, drop: str | None) -> pl.Expr:
    """Removes control characters, the policy's `drop` and outer blanks, and composes Unicode."""
    x = x.str.replace_all(_CONTROL, "").str.normalize("NFC")
    if drop is not None:
        x = x.str.replace_all(drop, "")
    x = x.str.strip_chars()
    return pl.when(x != "").then(x)


def is_clean(value: object) -> bool:
    """Returns whether cleaning surely leaves a value, or each item of a list, as it is."""
    if isinstance(value, list):
        return all(map(is_clean, value))
    if not isinstance(value, str):
        return True
    clean = value != "" and value.isprintable() and value.strip() == value
    return clean and unicodedata.is_normalized("NFC", value)


def _integer(x: pl.Expr) -> pl.Expr:
    """Turns texts such as 42, +42 and 42.0 into Int64; null for any other text."""
    x = x.str.strip_chars()
    whole = pl.when(x.str.contains(_INTEGER)).then(x)
    return whole.str.replace(r"\.0*$", "").cast(pl.Int64, strict=False)


def _run(series: pl.Series, expression: pl.Expr) -> pl.Series:
    """Evaluates an expression over a series, which it names `x`."""
    return series.alias("x").to_frame().select(expression.alias("x")).to_series()


def _duplicates(id_field: str, checked: dict[str, _Checked], numbers: list[int]) -> list[Fault]:
    """Returns a fault for each row whose id an earlier row without faults has."""
    ids = checked[id_field].values
    frame = pl.DataFrame({"id": ids, "sound": _sound(checked)}).with_row_index("row")
    first = pl.col("row").filter("sound").min().over("id").alias("first")
    later = frame.with_columns(first).filter(pl.col("row") > pl.col("first"))
    return [
        Fault(row, shown(user), f"row {numbers[kept]} has this id too and stays, as the first")
        for row, user, kept in later.select("row", "id", "first").iter_rows()
    ]


def _sound(checked: dict[str, _Checked]) -> pl.Series:
    """Returns which rows have no fault in any column."""
    height = next(iter(checked.values())).values.len()
    faulty = pl.Series([f.row for c in checked.values() for f in c.faults], dtype=pl.UInt32)
    return ~pl.int_range(height, dtype=pl.UInt32, eager=True).is_in(faulty.implode())
