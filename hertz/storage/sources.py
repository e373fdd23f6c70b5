"""Reads member profiles from a file, a folder or a database, as they are.

CSV and JSONL are read as text, because a column type guessed from the first rows fails on a later
row that differs; `hertz.policy.profiles` reads and checks the values.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import polars as pl

from hertz.core.errors import SourceError
from hertz.policy.text_frame import json_texts, text_frame

if TYPE_CHECKING:
    from _csv import Reader

    import sqlalchemy

DATABASE_VARIABLE = "HERTZ_DATABASE_URL"
ACCEPTED = ".parquet, .csv (UTF-8), .jsonl, .ndjson, or a folder of .parquet files"


@dataclass(frozen=True)
class Source:
    """The rows of a source.

    Attributes:
        frame: The readable rows, in the source's order, with the source's column names.
        rejected: (number of the data row from 1, reason) of the rows that could not be read. They
            count as rows: the n-th row of `frame` is the n-th data row that is not listed here.
    """

    frame: pl.DataFrame
    rejected: tuple[tuple[int, str], ...] = ()


def read_source(source: str, query: str | None = None) -> Source:
    """Reads all rows of a source; CSV and JSONL have String columns only, with lists as JSON.

    `source` is the path of a file or folder; with an SQL query, its database's SQLAlchemy address.

    Raises:
        SourceError: If nothing can be read; the message names the source and the fix.
    """
    if query is not None:
        return _read_database(source, query)
    path = Path(source)
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        message = f"{source}: no such file; check [source] path in hertz.toml or pass --source"
        raise SourceError(message)
    readers = {
        ".parquet": _read_parquet,
        ".csv": _read_csv,
        ".jsonl": _read_jsonl,
        ".ndjson": _read_jsonl,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        message = f"{source}: {path.suffix or 'no suffix'} is not accepted; accepted: {ACCEPTED}"
        raise SourceError(message)
    return _read(path, reader)


def could_not_be_reached(error: BaseException) -> bool:
    """Returns whether reading failed because a file or a database could not be reached.

    Such a failure may pass within a minute; a query that the database refused fails again.
    """
    from sqlalchemy.exc import InterfaceError, OperationalError

    cause = error.__cause__ or error.__context__
    return isinstance(cause, OSError | OperationalError | InterfaceError)


def _read(path: Path, reader: Callable[[Path], Source]) -> Source:
    """Reads one file, and turns the reader's errors into a `SourceError`."""
    try:
        if path.stat().st_size == 0:
            message = f"{path}: is empty (0 bytes); write the profiles again"
            raise SourceError(message)
        return reader(path)
    except (OSError, pl.exceptions.PolarsError, csv.Error) as error:
        message = f"{path}: cannot be read: {_first_line(error)}; write it again or replace it"
        raise SourceError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8"
        raise SourceError(message) from error


def _first_line(error: Exception) -> str:
    """Returns the first line of an error's message, at most 200 characters."""
    return str(error).strip().split("\n", 1)[0][:200]


def _read_parquet(path: Path) -> Source:
    """Reads a Parquet file; a name with `*` is no pattern."""
    return Source(pl.read_parquet(path, glob=False))


def _read_folder(path: Path) -> Source:
    """Reads all .parquet files of a folder, by name, as one frame."""
    files = sorted(path.glob("*.parquet"))
    if not files:
        message = f"{path}: the folder holds no .parquet file; accepted: {ACCEPTED}"
        raise SourceError(message)
    frames = [_read(file, _read_parquet).frame for file in files]
    try:
        return Source(pl.concat(frames, how="diagonal_relaxed"))
    except pl.exceptions.PolarsError as error:
        message = f"{path}: its files do not fit together: {_first_line(error)}; align the columns"
        raise SourceError(message) from error


def _read_csv(path: Path) -> Source:
    """Reads a CSV file as String columns."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        # Strict: a quote that is never closed is an error, instead of swallowing the file's end.
        reader = csv.reader(file, strict=True)
        header = next(reader, [])
        if len(set(header)) < len(header):
            repeated = ", ".join(sorted({repr(name) for name in header if header.count(name) > 1}))
            message = f"{path}: column {repeated} occurs more than once; rename or remove one"
            raise SourceError(message)
        rows, rejected = _csv_rows(reader, len(header))
    schema = dict.fromkeys(header, pl.String)
    return Source(pl.DataFrame(rows, schema, orient="row"), tuple(rejected))


def _csv_rows(reader: Reader, width: int) -> tuple[list[list[str]], list[tuple[int, str]]]:
    """Returns all rows of `width` cells, and (row, reason) of the others."""
    rows: list[list[str]] = []
    rejected: list[tuple[int, str]] = []
    while True:
        first = reader.line_num + 1
        reason = ""
        try:
            cells = next(reader)
        except StopIteration:
            return rows, rejected
        except csv.Error as error:
            cells = [""]
            reason = f"not CSV: {error}"
        if cells and not reason and len(cells) != width:
            reason = f"has {len(cells)} cells where the header has {width}"
        if reason:
            last = f" to {reader.line_num}" if reader.line_num > first else ""
            number = len(rows) + len(rejected) + 1
            rejected.append((number, f"line {first}{last}: {reason}"))
        elif cells:
            rows.append(cells)


def _read_jsonl(path: Path) -> Source:
    """Reads a file with one JSON object a line as String columns."""
    lines = path.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    rows: list[dict[str, object]] = []
    rejected: list[tuple[int, str]] = []
    for number, line in enumerate((line for line in lines if line.strip()), start=1):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            rejected.append((number, f"not JSON: {error}"))
            continue
        if isinstance(row, dict):
            rows.append(row)
        else:
            rejected.append((number, "not a JSON object; one object a line is accepted"))
    return Source(text_frame(rows), tuple(rejected))


def _read_database(address: str, query: str) -> Source:
    """Reads the rows of a query, without its database's address in any message."""
    import sqlalchemy

    try:
        engine = sqlalchemy.create_engine(address)
    except (sqlalchemy.exc.ArgumentError, ImportError) as error:
        # `from None`: the cause may contain the address, and with it the password.
        message = (
            f"the address in {DATABASE_VARIABLE} is not usable ({type(error).__name__}); "
            "expected dialect+driver://user:password@host/name, with that driver installed"
        )
        raise SourceError(message) from None
    return _run_query(engine, query)


def _run_query(engine: sqlalchemy.Engine, query: str) -> Source:
    """Runs a query and returns its rows, each column of one type."""
    import sqlalchemy

    try:
        with engine.connect() as connection:
            result = connection.exec_driver_sql(query)
            names = list(result.keys())
            rows = result.fetchall()
    except sqlalchemy.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        # A driver's message may repeat user, host or password: only its kind is shown.
        message = (
            f"[source] query: the database refused it ({type(cause).__name__}); try the query in "
            f"the database's own client with the address in {DATABASE_VARIABLE}"
        )
        raise SourceError(message) from None
    finally:
        engine.dispose()
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return Source(pl.DataFrame([_column(n, v) for n, v in zip(names, columns, strict=True)]))


def _column(name: str, values: Sequence[object]) -> pl.Series:
    """Returns one column of a query: of one type, or as text if its values differ in type.

    `pl.read_database` would turn every value that differs from the first rows' type into null.
    """
    with suppress(TypeError, OverflowError):
        series = pl.Series(name, values, strict=True)
        if series.dtype != pl.Object:
            return series
    return pl.Series(name, json_texts(values), dtype=pl.String)
