"""Turns rows of any values into a frame of text columns, from which profiles are validated."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
import polars as pl


def text_frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    """Returns a frame with one String column a key: texts as they are, other values as JSON."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame(
        {
            name: pl.Series(json_texts(row.get(name) for row in rows), dtype=pl.String)
            for name in names
        }
    )


def json_texts(values: Iterable[object]) -> list[str | None]:
    """Turns each value into text: text and None stay, any other value becomes JSON."""
    return [value if isinstance(value, str) or value is None else _json(value) for value in values]


def _json(value: object) -> str:
    """Returns a value's JSON; what JSON writes as a text, such as a date, without the quotes."""
    text = orjson.dumps(value, default=str).decode()
    return str(orjson.loads(text)) if text.startswith('"') else text
