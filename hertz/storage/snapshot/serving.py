"""The serving file of a snapshot: one LMDB database that the API maps into memory.

Keys in their order, and values (ids are 8 bytes that sort like the numbers; categories and
languages are positions in the policy):
    0                                     JSON: format, categories with their terms, languages
    d                                     the dictionary that explanations are compressed with
    e category smaller-id larger-id lang  compressed JSON: title, content, reasons, origin, language
    m category id                         packed rows, best match first (`_row_type`)
    u id                                  empty: the user exists
"""

from __future__ import annotations

import struct
import threading
import weakref
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import lmdb
import numpy as np
import orjson
import polars as pl

from hertz.core.errors import SnapshotError, StorageError
from hertz.policy.model import Policy
from hertz.storage.files import sync
from hertz.storage.snapshot.compression import Codec, train_dictionary

SERVING_FILE = Path("serving") / "lists.lmdb"

_FORMAT = 2
_META, _DICTIONARY = b"0", b"d"
_SAMPLES = 2000  # about as many explanations, evenly spaced, train the dictionary
_LISTS_AT_ONCE = 20_000
_EXPLANATIONS_AT_ONCE = 20_000
_SCORES = 5  # numbers of a row before its terms
_ID_SHIFT = 2**63  # so that negative ids sort first
_EXPLANATION_KEY = struct.Struct(">cHQQB")
_open_files: weakref.WeakValueDictionary[tuple[int, int], lmdb.Environment] = (
    weakref.WeakValueDictionary()
)
_opening = threading.Lock()


class Match(NamedTuple):
    """One entry of a match list; the terms' contributions add up to the directional score."""

    other_id: int
    rank: int
    mutual: float
    forward: float
    backward: float
    forward_terms: dict[str, float]
    backward_terms: dict[str, float]


def write_serving(
    folder: Path,
    policy: Policy,
    profiles: pl.DataFrame,
    matches: pl.DataFrame,
    explanations: pl.DataFrame,
) -> None:
    """Writes the serving file of a snapshot and flushes it to the disk.

    Profiles are sorted by `user_id` (Int64); matches by category, user_id, rank; explanations by
    category, user_a, user_b, language: categories and languages as the policy orders them.

    Raises:
        StorageError: If the frames are not sorted, have duplicates or do not fit the policy, or
            the file cannot be written.
    """
    for name, frame in (("matches", matches), ("explanations", explanations)):
        _check_categories(policy, name, frame)
    path = folder / SERVING_FILE
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    samples = explanations.gather_every(max(1, explanations.height // _SAMPLES))
    dictionary = train_dictionary(_serialized(samples))
    items = chain(
        [(_META, _meta(policy, profiles)), (_DICTIONARY, dictionary)],
        _explanation_items(policy, explanations, Codec(dictionary)),
        _match_items(policy, matches),
        ((_user_key(user), b"") for user in profiles["user_id"]),
    )
    try:
        _append(path, items, _size_bound(policy, profiles, matches, explanations))
    except lmdb.Error as error:
        message = f"{path}: cannot be written ({error}); check the disk's free space and rights"
        raise StorageError(message) from error


class ServingReader:
    """Reads a snapshot's memory-mapped serving file; needs no lock, from any thread.

    The file stays mapped while a reader exists, even if it is deleted meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        """Maps the serving file of a snapshot; `changed_files` checks its bytes.

        Raises:
            SnapshotError: If the file is missing, incomplete or of another format.
        """
        path = folder / SERVING_FILE
        self._file = _shared(path)
        meta = orjson.loads(self._get(_META) or b"null")
        if meta is None or meta["format"] != _FORMAT:
            message = f"{path}: not a serving file of format {_FORMAT}; run `hertz nightly` again"
            raise SnapshotError(message)
        self._codec = Codec(self._get(_DICTIONARY) or b"")
        self.categories: tuple[str, ...] = tuple(meta["categories"])
        self.languages: tuple[str, ...] = tuple(meta["languages"])
        self.id_minimum: int = meta["id_minimum"]
        self.users: int = meta["users"]
        named = meta["categories"].items()
        self.terms: dict[str, tuple[str, ...]] = {name: tuple(terms) for name, terms in named}
        self._row_types = {name: _row_type(len(terms)) for name, terms in self.terms.items()}
        self._rows_of = {n: struct.Struct(f"<qi3f{2 * len(t)}f") for n, t in self.terms.items()}

    def has_user(self, user_id: int) -> bool:
        """Returns whether the snapshot has a user."""
        return self._get(_user_key(user_id)) is not None

    def match_ids(self, category: str, user_id: int, limit: int) -> list[int]:
        """Returns the ids of a user's best matches, best first; none for an unknown user."""
        packed = self._get(_match_key(self.categories.index(category), user_id)) or b""
        rows = np.frombuffer(packed, self._row_types[category])
        ids: list[int] = rows["other_id"][:limit].tolist()
        return ids

    def match(self, category: str, user_id: int, other_id: int) -> Match | None:
        """Returns the entry of another user in a user's list; None if it has none."""
        row = next((row for row in self.rows(category, user_id) if row[0] == other_id), None)
        if row is None:
            return None
        terms = self.terms[category]
        there, back = row[_SCORES : _SCORES + len(terms)], row[_SCORES + len(terms) :]
        sides = (dict(zip(terms, side, strict=True)) for side in (there, back))
        return Match(*row[:_SCORES], *sides)

    def rows(self, category: str, user_id: int) -> list[tuple[Any, ...]]:
        """Returns a user's list as plain tuples, best first; they cost a third of named entries.

        Each is (other_id, rank, mutual, forward, backward, *forward terms, *backward terms), the
        terms in the order of `self.terms[category]`.
        """
        packed = self._get(_match_key(self.categories.index(category), user_id)) or b""
        return list(self._rows_of[category].iter_unpack(packed))

    def explanation(self, category: str, a: int, b: int, language: str) -> dict[str, Any] | None:
        """Returns the explanation of a pair in either order; None if it has none in advance.

        In the reasons, `a` is the smaller id.
        """
        found = self.explanations(category, a, [b], language)[0]
        return None if found is None else orjson.loads(found)

    def explanations(
        self, category: str, user_id: int, others: list[int], language: str
    ) -> list[bytes | None]:
        """Returns the explanations of a user and each of the others, as JSON; see `explanation`."""
        place = self.categories.index(category)
        voice = self.languages.index(language)
        with self._file.begin() as transaction:
            packed = [
                transaction.get(_explanation_key(place, min(user_id, b), max(user_id, b), voice))
                for b in others
            ]
        return [None if found is None else self._codec.restore(found) for found in packed]

    def count_of(self, user_id: int) -> int:
        """Counts the entries that name a user: as owner, match or one of an explained pair."""
        wanted = _id_bytes(user_id)
        found = 0
        types = list(self._row_types.values())
        with self._file.begin() as transaction:
            for key, value in transaction.cursor():
                found += wanted in (key[1:], key[3:11], key[11:19])
                if key[:1] == b"m":
                    rows = np.frombuffer(value, types[int.from_bytes(key[1:3], "big")])
                    found += int((rows["other_id"] == user_id).sum())
        return found

    def _get(self, key: bytes) -> bytes | None:
        with self._file.begin() as transaction:
            return transaction.get(key)


def serving_stamp(folder: Path) -> tuple[int, ...]:
    """Returns a value that changes with the snapshot's manifest or serving file; costs two stats.

    Raises:
        OSError: If one of them is missing.
    """
    files = ((folder / name).stat() for name in ("manifest.json", SERVING_FILE))
    return tuple(n for file in files for n in (file.st_ino, file.st_size, file.st_mtime_ns))


def _row_type(terms: int) -> np.dtype[np.void]:
    """Returns the type of a packed list entry: 24 bytes, and 8 for each term of the category."""
    scores = [(name, "<f4") for name in ("mutual", "forward", "backward")]
    contributions = [(name, "<f4", (terms,)) for name in ("forward_terms", "backward_terms")]
    return np.dtype([("other_id", "<i8"), ("rank", "<i4"), *scores, *contributions])


def _id_bytes(user_id: int) -> bytes:
    return (user_id + _ID_SHIFT).to_bytes(8, "big")


def _user_key(user_id: int) -> bytes:
    return b"u" + _id_bytes(user_id)


def _match_key(category: int, user_id: int) -> bytes:
    return b"m" + category.to_bytes(2, "big") + _id_bytes(user_id)


def _explanation_key(category: int, a: int, b: int, language: int) -> bytes:
    return _EXPLANATION_KEY.pack(b"e", category, a + _ID_SHIFT, b + _ID_SHIFT, language)


def _check_categories(policy: Policy, name: str, frame: pl.DataFrame) -> None:
    """Raises a StorageError unless the policy has all categories of a frame."""
    unknown = sorted(set(frame["category"].unique()) - set(policy.categories))
    if unknown:
        accepted = ", ".join(policy.categories)
        message = f"{name}.category = {unknown[0]!r}: not in the policy; accepted: {accepted}"
        raise StorageError(message)


def _meta(policy: Policy, profiles: pl.DataFrame) -> bytes:
    """Returns the value of the first key: what a reader must know of the policy."""
    return orjson.dumps(
        {
            "format": _FORMAT,
            "categories": {name: list(rule.weights) for name, rule in policy.categories.items()},
            "languages": policy.languages,
            "id_minimum": policy.id_minimum,
            "users": profiles.height,
        }
    )


def _serialized(explanations: pl.DataFrame) -> list[bytes]:
    """Returns each explanation as JSON; its reasons are JSON already."""
    first = pl.struct("title", "content").struct.json_encode().str.strip_suffix("}")
    last = pl.struct("origin", "language").struct.json_encode().str.strip_prefix("{")
    whole = pl.concat_str(first, pl.lit(',"reasons":'), "reasons", pl.lit(","), last)
    return explanations.select(whole.cast(pl.Binary)).to_series().to_list()


def _explanation_items(
    policy: Policy, explanations: pl.DataFrame, codec: Codec
) -> Iterator[tuple[bytes, bytes]]:
    """Yields key and value of every explanation, in the order of the keys."""
    categories = {name: place for place, name in enumerate(policy.categories)}
    languages = {name: place for place, name in enumerate(policy.languages)}
    for part in explanations.iter_slices(_EXPLANATIONS_AT_ONCE):
        pairs = part.select("category", "user_a", "user_b", "language").iter_rows()
        for (category, a, b, language), packed in zip(
            pairs, codec.compress(_serialized(part)), strict=True
        ):
            yield _explanation_key(categories[category], a, b, languages[language]), packed


def _match_items(policy: Policy, matches: pl.DataFrame) -> Iterator[tuple[bytes, bytes]]:
    """Yields key and value of every match list, in the order of the keys."""
    for place, category in enumerate(policy.categories):
        frame = matches.filter(pl.col("category") == category)
        users = frame["user_id"].to_numpy()
        starts = np.flatnonzero(np.diff(users, prepend=users[:1] - 1, append=users[-1:] + 1))
        for first in range(0, len(starts) - 1, _LISTS_AT_ONCE):
            cuts = starts[first : first + _LISTS_AT_ONCE + 1]
            terms = len(policy.categories[category].weights)
            rows = _pack(frame[int(cuts[0]) : int(cuts[-1])], _row_type(terms))
            for begin, end in zip(cuts - cuts[0], cuts[1:] - cuts[0], strict=False):
                yield _match_key(place, int(users[cuts[0] + begin])), rows[begin:end].tobytes()


def _pack(frame: pl.DataFrame, row_type: np.dtype[np.void]) -> np.ndarray:
    """Returns the rows of a frame in packed form, in the same order; checks their lengths."""
    rows = np.empty(frame.height, row_type)
    for name in row_type.names or ():
        width = row_type[name].shape
        if width and (frame[name].list.len() != width[0]).any():
            message = f"matches.{name}: every list must have the {width[0]} terms of its category"
            raise StorageError(message)
        column = frame[name].explode() if width else frame[name]
        rows[name] = column.to_numpy().reshape(frame.height, *width)
    return rows


def _size_bound(
    policy: Policy, profiles: pl.DataFrame, matches: pl.DataFrame, explanations: pl.DataFrame
) -> int:
    """Returns a size that the file cannot reach; LMDB demands one, but uses only what it needs."""
    widest = max(len(rule.weights) for rule in policy.categories.values())
    lists = profiles.height * len(policy.categories)
    payload = matches.height * _row_type(widest).itemsize + 2 * int(explanations.estimated_size())
    return 2 * (payload + (lists + explanations.height + 256) * 4096)  # bytes of a page


def _append(path: Path, items: Iterator[tuple[bytes, bytes]], size: int) -> None:
    """Writes sorted items in one transaction, so that the file's bytes depend on them alone."""
    given = 0

    def counted() -> Iterator[tuple[bytes, bytes]]:
        nonlocal given
        for given, item in enumerate(items, start=1):  # noqa: B007  read after the loop
            yield item

    with (
        lmdb.open(str(path), subdir=False, lock=False, map_size=size) as file,
        file.begin(write=True) as transaction,
    ):
        _, added = transaction.cursor().putmulti(counted(), append=True)
        if added != given:
            message = f"{path}: {given - added} of {given} keys repeat or are out of order"
            raise StorageError(message)
    sync(path)
    sync(path.parent)


def _shared(path: Path) -> lmdb.Environment:
    """Returns the mapped file, one object for all readers: LMDB forbids opening a file twice."""
    try:
        status = path.stat()
        identity = (status.st_dev, status.st_ino)
        with _opening:
            file = _open_files.get(identity)
            if file is None:
                file = lmdb.open(str(path), subdir=False, readonly=True, lock=False)
                _open_files[identity] = file
    except (OSError, lmdb.Error) as error:
        message = f"{path}: cannot be read ({error}); run `hertz nightly` or `hertz rollback`"
        raise SnapshotError(message) from error
    size = (file.info()["last_pgno"] + 1) * file.stat()["psize"]
    if status.st_size < size:
        message = f"{path}: has {status.st_size} bytes of {size}: copied only in part"
        raise SnapshotError(message)
    return file
