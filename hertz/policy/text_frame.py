"""Rows of any values as a frame of text columns, which is what profiles are validated from."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
import polars as pl


def text_frame(rows: list[dict[str, object]]) -> pl.DataFrame:
    """One String column a key: text as it is, everything else as its JSON."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame(
        {
            name: pl.Series(json_texts(row.get(name) for row in rows), dtype=pl.String)
            for name in names
        }
    )


def json_texts(values: Iterable[object]) -> list[str | None]:
    """Each value as text: text and null as they are, everything else as its JSON."""
    return [value if isinstance(value, str) or value is None else _json(value) for value in values]


def _json(value: object) -> str:
    text = orjson.dumps(value, default=str).decode()
    return str(orjson.loads(text)) if text.startswith('"') else text
