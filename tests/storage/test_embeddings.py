"""The embedding store returns what was added, also after merging, faults and deletions."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from hertz.core.errors import StorageError
from hertz.storage.embeddings import MAX_SMALL_PARTS, EmbeddingStore, text_hash

IDENTITY = '{"model": "some model"}'


@pytest.fixture
def store(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(tmp_path, IDENTITY)


def made(count: int, start: int = 0) -> tuple[list[str], np.ndarray]:
    """Returns hashes of numbered texts, and vectors that contain the number."""
    numbers = np.arange(start, start + count, dtype=np.float32)
    hashes = [text_hash(IDENTITY, f"text {int(number)}") for number in numbers]
    return hashes, np.stack([numbers, -numbers, numbers / 2], axis=1)


def parts(store: EmbeddingStore) -> list[Path]:
    return sorted(store.folder.glob("*.parquet"))


def test_vectors_come_back_in_the_order_asked_for(store: EmbeddingStore) -> None:
    hashes, vectors = made(10)
    store.add(hashes[:4], vectors[:4])
    store.add(hashes[4:], vectors[4:])

    order = [7, 0, 3, 7, 9]
    got = store.get([hashes[i] for i in order])
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, vectors[order])


def test_only_what_is_not_stored_is_missing_and_once(store: EmbeddingStore) -> None:
    hashes, vectors = made(6)
    assert store.missing(hashes) == hashes
    store.add(hashes[2:4], vectors[2:4])
    assert store.missing([*hashes[::-1], *hashes]) == [hashes[i] for i in (5, 4, 1, 0)]


def test_another_store_on_the_same_home_sees_the_vectors(
    store: EmbeddingStore, tmp_path: Path
) -> None:
    hashes, vectors = made(3)
    store.add(hashes, vectors)
    np.testing.assert_array_equal(EmbeddingStore(tmp_path, IDENTITY).get(hashes), vectors)


def test_vectors_of_two_models_never_meet(store: EmbeddingStore, tmp_path: Path) -> None:
    hashes, vectors = made(3)
    store.add(hashes, vectors)
    other = EmbeddingStore(tmp_path, IDENTITY + " ")

    assert other.missing(hashes) == hashes
    assert text_hash(IDENTITY, "text 0") != text_hash(IDENTITY + " ", "text 0")
    assert "some model" in (store.folder / "identity.json").read_text()


def test_an_unknown_hash_is_an_error(store: EmbeddingStore) -> None:
    hashes, vectors = made(3)
    store.add(hashes[:2], vectors[:2])
    with pytest.raises(
        StorageError, match=f"1 of 3 texts have no vector .*{hashes[2]}.*hertz embed"
    ):
        store.get(hashes)


def test_no_hashes_give_no_rows(store: EmbeddingStore) -> None:
    assert store.get([]).shape == (0, 0)
    store.add(*made(2))
    assert store.get([]).shape == (0, 3)


@pytest.mark.parametrize("vectors", [np.zeros((2, 3), np.float32), np.zeros((3, 3))])
def test_vectors_that_do_not_fit_are_refused(store: EmbeddingStore, vectors: np.ndarray) -> None:
    with pytest.raises(StorageError, match="3 hashes came with vectors of shape"):
        store.add(made(3)[0], vectors)
    assert not parts(store)


def test_many_small_parts_become_one(store: EmbeddingStore) -> None:
    hashes, vectors = made(2 * (MAX_SMALL_PARTS + 1))
    for start in range(0, len(hashes), 2):
        store.add(hashes[start : start + 2], vectors[start : start + 2])

    assert len(parts(store)) == 1
    np.testing.assert_array_equal(store.get(hashes), vectors)


def test_readers_always_find_everything_while_parts_are_merged(
    store: EmbeddingStore, tmp_path: Path
) -> None:
    known, vectors = made(4)
    for i in range(4):
        store.add(known[i : i + 1], vectors[i : i + 1])
    done = threading.Event()

    def write() -> None:
        for i in range(100, 100 + 3 * MAX_SMALL_PARTS):
            store.add(*made(1, start=i))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reader = EmbeddingStore(tmp_path, IDENTITY)
    reads = 0
    while not done.is_set() or not reads:
        np.testing.assert_array_equal(reader.get(known), vectors)
        reads += 1
    writer.join()


@pytest.mark.parametrize("keep", [0.5, 0.0])
def test_a_cut_part_is_named(store: EmbeddingStore, keep: float) -> None:
    hashes, vectors = made(5)
    store.add(hashes, vectors)
    (part,) = parts(store)
    content = part.read_bytes()
    part.write_bytes(content[: int(len(content) * keep)])

    for read in (store.get, store.missing):
        with pytest.raises(StorageError, match=f"{part} is damaged .*delete it"):
            read(hashes)


def test_a_flipped_bit_in_a_vector_is_noticed(store: EmbeddingStore) -> None:
    hashes, vectors = made(1000)
    store.add(hashes, vectors)
    (part,) = parts(store)
    content = bytearray(part.read_bytes())
    at = content.find(np.float32(777).tobytes())
    content[at] ^= 1
    part.write_bytes(content)

    with pytest.raises(StorageError, match="is damaged"):
        store.get(hashes)


def test_a_home_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "embeddings").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match=r"cannot be written .*check the home"):
        EmbeddingStore(tmp_path, IDENTITY).add(*made(1))


@pytest.mark.parametrize("gone", [set(), {3, 8, 19}, set(range(7)), {20}, set(range(20))])
def test_discarded_vectors_are_gone_and_the_others_stay(
    store: EmbeddingStore, gone: set[int]
) -> None:
    hashes, vectors = made(20)
    for start in range(0, 20, 7):
        store.add(hashes[start : start + 7], vectors[start : start + 7])
    store.discard([text_hash(IDENTITY, f"text {i}") for i in gone])

    kept = [i for i in range(20) if i not in gone]
    assert store.missing(hashes) == [hashes[i] for i in range(20) if i in gone]
    if kept:
        np.testing.assert_array_equal(store.get([hashes[i] for i in kept]), vectors[kept])
    stored = b"".join(part.read_bytes() for part in parts(store))
    assert not any(hashes[i].encode() in stored for i in gone if i < 20)
