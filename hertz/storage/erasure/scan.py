"""Searches every byte of a home for a user; `hertz forget --verify` shows the result.

Known files are parsed, which is exact for any id. Then every byte of every file is searched for the
user's texts, and for ids that are too long to occur by chance. Digits within a checksum, a run's
name or a decimal fraction do not count.
"""

from __future__ import annotations

import json
import mmap
import re
import sqlite3
from collections.abc import Iterator, Sequence
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

Place = tuple[str, int]  # column, table, kind of text or bytes in a file; number of occurrences


class Finding(NamedTuple):
    """A place within a file of the home where the user was found, and how many times."""

    file: str
    place: str
    times: int


@dataclass
class Scan:
    """The result of a search: findings, notes on what is undecided, and how much was read."""

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
    home: Path, user_id: int, texts: Sequence[str] = (), source: str | None = None
) -> Scan:
    """Searches a home for a user, and for texts of 12 characters or more that only the user wrote.

    `source` is the path of the team's own profiles, which Hertz does not change: a user in them is
    a note and not a finding.
    """
    scan = Scan()
    long_texts = [text for text in texts if len(text) >= SHORTEST_TEXT]
    encodings = [{text.encode(), orjson.dumps(text)[1:-1]} for text in long_texts]  # plain, in JSON
    patterns = _patterns(user_id)
    if not _is_long(user_id):
        scan.notes.append(
            f"an id of fewer than {TEXT_DIGITS} digits occurs by chance: raw bytes were not "
            "searched for it; all stores were read for what they hold"
        )
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        name = path.relative_to(home).as_posix()
        scan.files += 1
        scan.bytes += path.stat().st_size
        found = [*_known(path, user_id, scan), *_raw(path, name, patterns)]
        found += _multi_search(path, encodings)
        if found and source and path.resolve().is_relative_to(Path(source).resolve()):
            scan.notes.append(f"{name} is the source, which Hertz does not change: it has the user")
        else:
            scan.findings += [Finding(name, place, times) for place, times in found]
    return scan


def _is_long(user_id: int) -> bool:
    """Returns whether an id has too many digits to occur in a text by chance."""
    return len(str(abs(user_id))) >= TEXT_DIGITS


def _patterns(user_id: int) -> dict[str, re.Pattern[bytes]]:
    """Returns the byte patterns of an id by their name; none for ids that occur by chance."""
    patterns = {}
    if _is_long(user_id):
        patterns["id as text"] = re.compile(rb"(?<![0-9])%d(?![0-9])" % user_id)
    if abs(user_id) >= BINARY_MINIMUM:
        stored = user_id.to_bytes(8, "little", signed=True)
        key = (user_id + 2**63).to_bytes(8, "big")
        patterns["id as bytes"] = re.compile(re.escape(stored) + b"|" + re.escape(key))
    return patterns


def _raw(path: Path, name: str, patterns: dict[str, re.Pattern[bytes]]) -> Iterator[Place]:
    """Yields each pattern that a file or its name contains, and the number of occurrences."""
    for place, pattern in patterns.items():
        named = pattern.finditer(name.encode())
        if any(not _by_chance(name.encode(), match) for match in named):
            yield f"{place} in the file's name", 1
        if path.suffix == ".json" and place == "id as text":
            continue  # it is parsed instead: a count in it may equal the id
        if path.stat().st_size and (found := _count(path, pattern)):
            yield place, found


def _count(path: Path, pattern: re.Pattern[bytes]) -> int:
    """Counts the occurrences of a pattern in a file, without those that are chance."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
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


def _multi_search(path: Path, texts: Sequence[set[bytes]]) -> list[Place]:
    """Returns the texts, given by their encodings, that a file contains, and in how many chunks."""
    found = [0] * len(texts)
    longest = max((len(encoding) for encodings in texts for encoding in encodings), default=0)
    tail = b""
    with path.open("rb") as file:
        while texts and (chunk := file.read(_CHUNK_BYTES)):
            part = tail + chunk
            for number, encodings in enumerate(texts):  # `in` is faster than any pattern
                found[number] += any(encoding in part for encoding in encodings)
            tail = part[-longest:]
    return [(f"text {number}", times) for number, times in enumerate(found, 1) if times]


def _known(path: Path, user_id: int, scan: Scan) -> list[Place]:
    """Returns the places that name the user in a file of a known kind; notes a damaged file."""
    try:
        return [(place, count) for place, count in _parsed(path, user_id) if count]
    except (StorageError, OSError, ValueError, pl.exceptions.PolarsError, sqlite3.Error) as error:
        scan.notes.append(f"{path.name}: only its bytes were searched ({type(error).__name__})")
        return []


def _parsed(path: Path, user_id: int) -> Iterator[Place]:
    """Yields how often each part of a file of a known kind names the user."""
    if path.suffix == ".parquet":
        yield from _in_parquet(path, user_id)
    elif path.parts[-2:] == SERVING_FILE.parts:
        yield "entries", ServingReader(path.parent.parent).count_of(user_id)
    elif path.suffix == ".json":
        only_counts = path.name == MANIFEST or path.parent.name in _ONLY_COUNTS
        content = json.loads(path.read_text(encoding="utf-8"))
        yield "texts", _in_value(content, user_id, numbers=not only_counts)
    elif path.name == REPORT:
        yield "rows", rows_of(path.read_text(encoding="utf-8"), user_id)
    elif _is_sqlite(path):
        yield from _in_sqlite(path, user_id)


def _is_sqlite(path: Path) -> bool:
    """Returns whether a file begins as an SQLite database does."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _in_parquet(path: Path, user_id: int) -> Iterator[Place]:
    """Searches the id columns of a Parquet file, and for a long id the texts as well."""
    for name, dtype in pl.read_parquet_schema(path).items():
        is_text = dtype == pl.String and name not in ID_COLUMNS
        searched = dtype in (pl.Int64, pl.List(pl.Int64), pl.String) and name != "row"
        if not searched or (is_text and not _is_long(user_id)):
            continue
        column = pl.read_parquet(path, columns=[name])[name]
        if is_text:
            named = column.str.contains(rf"(^|\D){user_id}(\D|$)")
        else:
            ids = parse_ids(column) if dtype == pl.String else column
            named = (ids.explode() if dtype == pl.List(pl.Int64) else ids) == user_id
        yield f"column {name}", int(named.sum() or 0)


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
    if not _is_long(user_id):
        return False
    tokens = re.findall(rf"[0-9A-Za-z.]*(?<!\d){user_id}(?!\d)[0-9A-Za-z.]*", text)
    return any(not _is_chance(token.encode()) for token in tokens)


def _in_sqlite(path: Path, user_id: int) -> Iterator[Place]:
    """Searches every column of every table of an SQLite file."""
    mode = "mode=ro&immutable=1" if "snapshots" in path.parts else "mode=ro"
    tables = "select name from sqlite_master where type = 'table' and sql not like '%virtual%'"
    with closing(sqlite3.connect(f"file:{path}?{mode}", uri=True)) as database:
        for (table,) in database.execute(tables).fetchall():
            for _, column, *_ in database.execute(f'pragma table_info("{table}")').fetchall():
                query = f"""select "{column}" from "{table}" where "{column}" = ?
                            or (typeof("{column}") = 'text' and instr("{column}", ?))"""
                values = database.execute(query, (user_id, str(user_id))).fetchall()
                count = sum(_names(column, value, user_id) for (value,) in values)
                yield f"{table}.{column}", count


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
    return _in_list(text, user_id) if column == "string_value" else _in_text(text, user_id)


def _in_list(text: str, user_id: int) -> bool:
    """Returns whether a text is a list of numbers with the id, or contains a long id."""
    listed = re.fullmatch(r"\d+(,\d+)+", text)
    return str(user_id) in text.split(",") if listed else _in_text(text, user_id)


def _in_profile(value: Any, user_id: int) -> bool:  # noqa: ANN401  any JSON
    """Returns whether a profile has the id in a list of ids, or a long id anywhere."""
    if isinstance(value, dict):
        return any(_in_profile(item, user_id) for item in value.values())
    if isinstance(value, list):
        return any(item == user_id or _in_profile(item, user_id) for item in value)
    if isinstance(value, str):
        return _in_list(value, user_id)
    return _is_long(user_id) and value == user_id and not isinstance(value, (bool, float))
