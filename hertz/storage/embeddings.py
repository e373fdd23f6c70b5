"""Keeps vectors by content hash, so that no text is encoded twice.

    <home>/embeddings/<first 12 hex digits of the identity's sha256>/
        identity.json   the model of the vectors
        *.parquet       parts: hash, vector; each named by a hash of its hashes

A part is written whole or not at all, and never changes. Equal hashes have equal vectors, so parts
may be merged while others read: a reader that misses a part lists the folder again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from hertz.core.errors import StorageError
from hertz.core.faults import fault_point
from hertz.storage.files import sync, write_text

MAX_SMALL_PARTS = 32
SMALL_BYTES = 64 * 2**20  # larger parts are not merged, so that merging stays cheap


def text_hash(identity: str, text: str) -> str:
    """Returns the content hash of a text for a model: sha256 in hex."""
    return hashlib.sha256(f"{identity}\0{text}".encode()).hexdigest()


class EmbeddingStore:
    """Stores the vectors of one model, which `Encoder.identity` identifies, in one home.

    Every method raises `StorageError` if a part is damaged or the home cannot be written.
    """

    def __init__(self, home: Path, identity: str) -> None:
        self.identity = identity
        self.folder = home / "embeddings" / hashlib.sha256(identity.encode()).hexdigest()[:12]

    def missing(self, hashes: Sequence[str]) -> list[str]:
        """Returns the hashes that have no vector yet, each once, in the given order."""
        wanted = dict.fromkeys(hashes)
        for _, part in self._read(["hash"]):
            for found in part["hash"].to_pylist():
                wanted.pop(found, None)
        return list(wanted)

    def add(self, hashes: Sequence[str], vectors: np.ndarray) -> None:
        """Stores vectors, `(len(hashes), dim)` float32, durably, all of them or none.

        Raises:
            StorageError: If the shapes do not match.
        """
        if vectors.ndim != 2 or vectors.dtype != np.float32 or len(vectors) != len(hashes):
            message = (
                f"{len(hashes)} hashes came with vectors of shape {vectors.shape} {vectors.dtype}; "
                "expected one float32 row for each hash"
            )
            raise StorageError(message)
        if len(hashes):
            self._write(_table(hashes, vectors))
            self._merge_small()

    def get(self, hashes: Sequence[str]) -> np.ndarray:
        """Returns the vectors of these hashes, `(len(hashes), dim)` float32.

        No hashes give `(0, dim)`, or `(0, 0)` while the store is empty.

        Raises:
            StorageError: If a hash has no vector.
        """
        wanted = pl.DataFrame({"hash": pl.Series(hashes, dtype=pl.String)}).with_row_index("row")
        found = np.zeros(len(hashes), dtype=bool)
        vectors = np.zeros((len(hashes), 0), dtype=np.float32)
        for _, part in self._read():
            stored = pl.DataFrame({"hash": pl.Series(part["hash"])}).with_row_index("at")
            pairs = wanted.join(stored, on="hash")
            rows = pairs["row"].to_numpy()
            values = _matrix(part)
            if not vectors.shape[1]:
                vectors = np.zeros((len(hashes), values.shape[1]), dtype=np.float32)
            vectors[rows] = values[pairs["at"].to_numpy()]
            found[rows] = True
        if not found.all():
            message = (
                f"{len(found) - found.sum()} of {len(found)} texts have no vector in {self.folder} "
                f"(the first is {hashes[int(found.argmin())]}); run `hertz embed` first"
            )
            raise StorageError(message)
        return vectors

    def vectors_of(self, texts: Sequence[str]) -> np.ndarray:
        """Returns the vectors of these texts, as `get` does of their hashes."""
        return self.get([text_hash(self.identity, text) for text in texts])

    def discard(self, hashes: Sequence[str]) -> None:
        """Erases the vectors of these hashes, as far as they are stored."""
        gone = pa.array(hashes, pa.string())
        for path, part in self._read():
            kept = part.filter(pa.compute.invert(pa.compute.is_in(part["hash"], gone)))
            if len(kept) < len(part):
                self._replace([path], kept)

    def _read(self, columns: list[str] | None = None) -> Iterator[tuple[Path, pa.Table]]:
        """Yields every part and its path; a part merged meanwhile is followed by the merged one."""
        done: set[Path] = set()
        while todo := sorted(set(self.folder.glob("*.parquet")) - done):
            for path in todo:
                done.add(path)
                try:
                    yield path, _read_part(path, columns)
                except FileNotFoundError:
                    continue

    def _merge_small(self) -> None:
        """Merges the small parts if there are too many of them."""
        small = [p for p in self.folder.glob("*.parquet") if p.stat().st_size < SMALL_BYTES]
        if len(small) > MAX_SMALL_PARTS:
            merged = pa.concat_tables([_read_part(path) for path in sorted(small)])
            self._replace(small, merged.combine_chunks())

    def _replace(self, paths: list[Path], table: pa.Table) -> None:
        """Replaces parts by a table, which is written first, so that no vector is ever missing."""
        written = self._write(table) if len(table) else None
        fault_point("embeddings.after_merge")
        for path in paths:
            if path != written:
                path.unlink(missing_ok=True)
        sync(self.folder)

    def _write(self, table: pa.Table) -> Path:
        """Writes a part atomically and durably; returns its path."""
        name = hashlib.sha256("".join(table["hash"].to_pylist()).encode()).hexdigest()[:16]
        path = self.folder / f"{name}.parquet"
        temporary = self.folder / f".{name}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not (self.folder / "identity.json").exists():
                identity = json.dumps({"identity": self.identity}, ensure_ascii=False, indent=2)
                write_text(self.folder / "identity.json", identity + "\n")
            # Vectors hardly compress, and only a checksum detects a flipped bit in them.
            pq.write_table(table, temporary, compression="none", write_page_checksum=True)
            sync(temporary)
            temporary.replace(path)
            sync(self.folder)
        except OSError as error:
            message = (
                f"{self.folder} cannot be written ({error}); check the home and its free space"
            )
            raise StorageError(message) from error
        return path


def remove_unused_stores(home: Path, used: Collection[str]) -> list[str]:
    """Removes the vectors of all unused models; returns the names of the removed folders."""
    kept = {EmbeddingStore(home, identity).folder for identity in used}
    unused = sorted(set((home / "embeddings").glob("*/")) - kept)
    for folder in unused:
        shutil.rmtree(folder)
    return [folder.name for folder in unused]


def _table(hashes: Sequence[str], vectors: np.ndarray) -> pa.Table:
    """Returns the Arrow table of a part."""
    flat = pa.array(np.ascontiguousarray(vectors).reshape(-1))
    rows = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    return pa.table({"hash": pa.array(hashes, pa.string()), "vector": rows})


def _matrix(part: pa.Table) -> np.ndarray:
    """Returns the vectors of a part, `(rows, dim)` float32."""
    column = part["vector"]
    return column.combine_chunks().flatten().to_numpy().reshape(-1, column.type.list_size)


def _read_part(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Reads a part and verifies its checksums; one that is missing was merged into another."""
    try:
        return pq.read_table(path, columns=columns, page_checksum_verification=True)
    except FileNotFoundError:
        raise
    except (OSError, pa.ArrowException) as error:
        message = (
            f"{path} is damaged ({str(error).splitlines()[0]}); delete it and run `hertz embed` "
            "again, which encodes its texts anew"
        )
        raise StorageError(message) from error
