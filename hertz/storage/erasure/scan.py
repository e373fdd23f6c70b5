"""Searches every byte of a home for a user; `hertz forget --verify` shows the result.

In: a home, a user id, texts that only this user wrote. Out: the places where they were found, the
number of files and bytes read, and notes on what could not be decided.

Known files are parsed: every id column of a Parquet file, every key and row of a serving file,
every table of an SQLite file (intake, Chroma, cache), every text of a JSON file. This is exact for
any id. Then every byte of every file is searched for the texts and, if the id is long enough not to
occur by chance (7 digits as text, 2^24 in binary), for the id as decimal text, as 8 bytes and as a
key. Digits within a checksum, a run's name or a decimal fraction do not count as the user.
"""

from __future__ import annotations

import json
import mmap
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl

from hertz.core.errors import StorageError
from hertz.reports.page import rows_of
from hertz.storage.erasure.snapshot import ID_COLUMNS, parse_ids
from hertz.storage.snapshot.history import FOLDER as HISTORY
from hertz.storage.snapshot.manifest import MANIFEST
from hertz.storage.snapshot.serving import SERVING_FILE, ServingReader
from hertz.storage.snapshot.snapshots import REPORT

TEXT_DIGITS = 7
BINARY_MINIMUM = 2**24
SHORTEST_TEXT = 12

_CHANCE = re.compile(
    rb"[0-9a-f]*[a-f][0-9a-f]*|[0-9]{8}T[0-9]{6}Z(-[0-9a-f]{4})?|[0-9]*\.[0-9]+", re.IGNORECASE
)
_LONGEST_TOKEN = 80
_CHUNK_BYTES = 2**24
_SQLITE = b"SQLite format 3\0"
_ONLY_COUNTS = (HISTORY, "receipts")  # folders in whose files numbers are never ids
_NAMED_IDS = ("user_id", "other_id", "embedding_id")


class Finding(NamedTuple):
    """A place where the user was found.

    Attributes:
        file: Path within the home.
        place: Column, table, kind of text or bytes in the file.
        times: Number of occurrences.
    """

    file: str
    place: str
    times: int


@dataclass
class Scan:
    """The result of a search.

    Attributes:
        findings: Places where the user was found.
        notes: What could not be searched or decided.
        files: Number of files read.
        bytes: Number of bytes read.
    """

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Returns the result in plain values, as receipts store it."""
        findings = [finding._asdict() for finding in self.findings]
        return {"found": findings, "notes": self.notes, "files": self.files, "bytes": self.bytes}

    def to_json(self) -> str:
        """Returns the result as one JSON object."""
        return json.dumps(self.as_dict(), ensure_ascii=False)


def scan_home(
    home: Path, user_id: int, texts: Sequence[str] = (), source: Path | None = None
) -> Scan:
    """Searches a home for a user.

    Args:
        home: The home directory.
        user_id: The user.
        texts: Texts that only this user wrote; those shorter than 12 characters are skipped.
        source: The team's own profiles, which Hertz does not change. If they are within the home
            and contain the user, that is a note and not a finding.
    """
    scan = Scan()
    encoded_texts = [_encodings(text) for text in texts if len(text) >= SHORTEST_TEXT]
    patterns = _patterns(user_id)
    if len(str(abs(user_id))) < TEXT_DIGITS:
        scan.notes.append(
            f"an id of fewer than {TEXT_DIGITS} digits occurs by chance: raw bytes were not "
            "searched for it; all stores were read for what they hold"
        )
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        name = path.relative_to(home).as_posix()
        scan.files += 1
        scan.bytes += path.stat().st_size
        found = [*_known(path, user_id, scan), *_raw(path, name, patterns)]
        found += _multi_search(path, encoded_texts)
        if not found:
            continue
        if source and path.resolve().is_relative_to(source.resolve()):
            scan.notes.append(f"{name} is the source, which Hertz does not change: it has the user")
        else:
            scan.findings += [Finding(name, place, times) for place, times in found]
    return scan


def _encodings(text: str) -> set[bytes]:
    """Returns the bytes of a text as UTF-8 and within JSON."""
    return {text.encode(), orjson.dumps(text)[1:-1]}


def _patterns(user_id: int) -> dict[str, re.Pattern[bytes]]:
    """Returns the byte patterns of an id by their name; none for ids that occur by chance."""
    patterns = {}
    if len(str(abs(user_id))) >= TEXT_DIGITS:
        patterns["id as text"] = re.compile(rb"(?<![0-9])%d(?![0-9])" % user_id)
    if abs(user_id) >= BINARY_MINIMUM:
        stored = user_id.to_bytes(8, "little", signed=True)
        key = (user_id + 2**63).to_bytes(8, "big")
        patterns["id as bytes"] = re.compile(re.escape(stored) + b"|" + re.escape(key))
    return patterns


# ---- every byte ----------------------------------------------------------------------------------


def _raw(
    path: Path, name: str, patterns: dict[str, re.Pattern[bytes]]
) -> Iterator[tuple[str, int]]:
    """Yields each pattern that a file or its name contains, and the number of occurrences."""
    for place, pattern in patterns.items():
        named = pattern.finditer(name.encode())
        if any(not _by_chance(name.encode(), match) for match in named):
            yield f"{place} in the file's name", 1
        if path.suffix == ".json" and place == "id as text":
            continue  # it is parsed instead: a count in it may equal the id
        found = _count(path, pattern)
        if found:
            yield place, found


def _count(path: Path, pattern: re.Pattern[bytes]) -> int:
    """Counts the occurrences of a pattern in a file, without those that are chance."""
    if not path.stat().st_size:
        return 0
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        return sum(not _by_chance(content, match) for match in pattern.finditer(content))


def _by_chance(content: mmap.mmap | bytes, match: re.Match[bytes]) -> bool:
    """Returns whether digits are part of a checksum, a run's name or a decimal fraction."""
    if not match.group().isdigit():
        return False
    start, end = match.span()
    before = re.search(rb"[0-9A-Za-z.-]*\Z", content[max(0, start - _LONGEST_TOKEN) : start])
    after = re.match(rb"[0-9A-Za-z-]*", content[end : end + _LONGEST_TOKEN])
    token = (before.group() if before else b"") + match.group() + (after.group() if after else b"")
    return any(_is_chance(part) for part in (token, *token.split(b"-")) if match.group() in part)


def _is_chance(token: bytes) -> bool:
    """Returns whether a token is a checksum, a run's name or a decimal fraction."""
    long_hex = len(token) >= 16 or b"." in token or b"T" in token
    return long_hex and _CHANCE.fullmatch(token) is not None


def _multi_search(path: Path, texts: Sequence[set[bytes]]) -> list[tuple[str, int]]:
    """Returns the texts that a file contains, each with the number of chunks that contain it.

    Args:
        path: The file.
        texts: The encodings of each text; `bytes.find` is faster than any pattern.
    """
    found = [0] * len(texts)
    longest = max((len(encoding) for encodings in texts for encoding in encodings), default=0)
    tail = b""
    with path.open("rb") as file:
        while texts and (chunk := file.read(_CHUNK_BYTES)):
            part = tail + chunk
            for number, encodings in enumerate(texts):
                found[number] += any(encoding in part for encoding in encodings)
            tail = part[-longest:]
    return [(f"text {number}", times) for number, times in enumerate(found, 1) if times]


# ---- what the files hold -------------------------------------------------------------------------


def _known(path: Path, user_id: int, scan: Scan) -> list[tuple[str, int]]:
    """Returns the places that name the user in a file of a known kind, and their numbers."""
    reader = _reader(path)
    if reader is None:
        return []
    try:
        return [(place, count) for place, count in reader(path, user_id) if count]
    except (StorageError, OSError, ValueError, pl.exceptions.PolarsError, sqlite3.Error) as error:
        scan.notes.append(f"{path.name}: only its bytes were searched ({type(error).__name__})")
        return []


def _reader(path: Path) -> Callable[[Path, int], Iterator[tuple[str, int]]] | None:
    """Returns the function that parses a file, or None if its kind is unknown."""
    if path.suffix == ".parquet":
        return _in_parquet
    if path.parts[-2:] == SERVING_FILE.parts:
        return _in_serving
    if path.suffix == ".json":
        return _in_json
    if path.name == REPORT:
        return _in_report
    with path.open("rb") as file:
        return _in_sqlite if file.read(len(_SQLITE)) == _SQLITE else None


def _in_parquet(path: Path, user_id: int) -> Iterator[tuple[str, int]]:
    """Searches the id columns of a Parquet file, and for a long id the texts as well."""
    long = len(str(abs(user_id))) >= TEXT_DIGITS
    for name, dtype in pl.read_parquet_schema(path).items():
        is_id = name in ID_COLUMNS
        if dtype not in (pl.Int64, pl.List(pl.Int64), pl.String) or name == "row":
            continue
        if dtype == pl.String and not (is_id or long):
            continue
        column = pl.read_parquet(path, columns=[name])[name]
        if dtype == pl.String and not is_id:
            yield f"column {name}", int(column.str.contains(rf"(^|\D){user_id}(\D|$)").sum() or 0)
            continue
        ids = parse_ids(column) if dtype == pl.String else column
        ids = ids.explode() if dtype == pl.List(pl.Int64) else ids
        yield f"column {name}", int((ids == user_id).sum() or 0)


def _in_serving(path: Path, user_id: int) -> Iterator[tuple[str, int]]:
    """Counts the entries of a serving file that name the user."""
    yield "entries", ServingReader(path.parent.parent).count_of(user_id)


def _in_json(path: Path, user_id: int) -> Iterator[tuple[str, int]]:
    """Searches the texts of a JSON file, and its numbers unless they are counts."""
    content = json.loads(path.read_text(encoding="utf-8"))
    only_counts = path.name == MANIFEST or path.parent.name in _ONLY_COUNTS
    yield "texts", _in_value(content, user_id, numbers=not only_counts)


def _in_report(path: Path, user_id: int) -> Iterator[tuple[str, int]]:
    """Counts the table rows of a report that name the user."""
    yield "rows", rows_of(path.read_text(encoding="utf-8"), user_id)


def _in_value(value: Any, user_id: int, numbers: bool) -> int:  # noqa: ANN401  any JSON
    """Counts where a JSON value names the user, as text, as a number, or under an id's key."""
    if isinstance(value, dict):
        return sum(
            _in_value(key, user_id, numbers)
            + _in_value(item, user_id, numbers or key in _NAMED_IDS)
            for key, item in value.items()
        )
    if isinstance(value, list):
        return sum(_in_value(item, user_id, numbers) for item in value)
    if isinstance(value, str):
        return int(value == str(user_id) or _in_text(value, user_id))
    return int(numbers and value == user_id and not isinstance(value, (bool, float)))


def _in_text(text: str, user_id: int) -> bool:
    """Returns whether a text contains a long id that is not part of a chance token."""
    if len(str(abs(user_id))) < TEXT_DIGITS:
        return False
    tokens = re.findall(rf"[0-9A-Za-z.]*(?<!\d){user_id}(?!\d)[0-9A-Za-z.]*", text)
    return any(not _is_chance(token.encode()) for token in tokens)


def _in_sqlite(path: Path, user_id: int) -> Iterator[tuple[str, int]]:
    """Searches every column of every table of an SQLite file."""
    mode = "mode=ro&immutable=1" if "snapshots" in path.parts else "mode=ro"
    with closing(sqlite3.connect(f"file:{path}?{mode}", uri=True)) as database:
        tables = "select name from sqlite_master where type = 'table' and sql not like '%virtual%'"
        for (table,) in database.execute(tables).fetchall():
            columns = database.execute(f'pragma table_info("{table}")').fetchall()
            for column in (row[1] for row in columns):
                values = _candidates(database, table, column, user_id)
                count = sum(_names(column, value, user_id) for value in values)
                yield f"{table}.{column}", count


def _candidates(database: sqlite3.Connection, table: str, column: str, user_id: int) -> list[Any]:
    """Returns the values of a column that equal the id or contain its digits."""
    query = f"""select "{column}" from "{table}" where "{column}" = ?
                or (typeof("{column}") = 'text' and instr("{column}", ?))"""
    found = database.execute(query, (user_id, str(user_id))).fetchall()
    return [value for (value,) in found]


def _names(column: str, value: object, user_id: int) -> bool:
    """Returns whether a value that contains the digits of the id names the user."""
    if isinstance(value, int):
        return column in _NAMED_IDS
    text = str(value)
    if column in (*_NAMED_IDS, "id") and text == str(user_id):
        return True
    if text[:1] in "{[":
        try:
            return _in_profile(json.loads(text), user_id)
        except ValueError:
            return _in_text(text, user_id)
    listed = column == "string_value" and re.fullmatch(r"\d+(,\d+)+", text)
    return str(user_id) in text.split(",") if listed else _in_text(text, user_id)


def _in_profile(value: Any, user_id: int) -> bool:  # noqa: ANN401  any JSON
    """Returns whether a profile has the id in a list of ids, or a long id anywhere."""
    if isinstance(value, dict):
        return any(_in_profile(item, user_id) for item in value.values())
    if isinstance(value, list):
        return any(item == user_id or _in_profile(item, user_id) for item in value)
    if isinstance(value, str):
        listed = re.fullmatch(r"\d+(,\d+)+", value)
        return str(user_id) in value.split(",") if listed else _in_text(value, user_id)
    long = len(str(abs(user_id))) >= TEXT_DIGITS
    return bool(long and value == user_id and not isinstance(value, (bool, float)))
