"""The Chroma database of a snapshot: searched exactly, filtered, and never changed by a reader."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hertz.core.errors import SnapshotError
from hertz.policy.model import Policy
from hertz.storage.files import checksums
from hertz.storage.snapshot.chroma import FOLDER, ChromaReader, write_chroma, write_delta
from tests.storage.runs import vectors_of

USERS = 60


@pytest.fixture(scope="module")
def profiles() -> pl.DataFrame:
    ids = np.arange(1, USERS + 1)
    return pl.DataFrame(
        {
            "user_id": ids,
            "gender": np.where(ids % 2, "MALE", "FEMALE"),
            "MBTI": [None if n % 3 else "ENFP" for n in ids],
            "ageGroup": np.where(ids % 5, "AGE_20S", "AGE_30S"),
        }
    ).with_columns(pl.lit("x").alias(n) for n in ("emailDomain", "religion", "smoking", "drinking"))


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return vectors_of(USERS)


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory,
    service_policy: Policy,
    profiles: pl.DataFrame,
    vectors: np.ndarray,
) -> Path:
    folder = tmp_path_factory.mktemp("chroma")
    none = pl.DataFrame(schema={"category": pl.String, "user_id": pl.Int64, "other_id": pl.Int64})
    write_chroma(folder, service_policy, profiles, vectors, none)
    return folder


def nearest(vectors: np.ndarray, user: int) -> list[tuple[int, float]]:
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit[user - 1]
    order = np.argsort(-cosines)
    return [(int(n) + 1, float(cosines[n])) for n in order if n != user - 1]


@pytest.mark.parametrize("user", [1, 17, 60])
def test_the_nearest_come_first_with_their_cosine(
    folder: Path, vectors: np.ndarray, user: int
) -> None:
    reader = ChromaReader(folder)
    found = reader.similar(user, 10, {})
    expected = nearest(vectors, user)[:10]
    assert [other for other, _ in found] == [other for other, _ in expected]
    assert [value for _, value in found] == pytest.approx([v for _, v in expected], abs=1e-5)
    reader.close()


def test_filters_and_hidden_users_are_left_out(folder: Path, vectors: np.ndarray) -> None:
    reader = ChromaReader(folder)
    whole = [other for other, _ in nearest(vectors, 3)]
    men = [other for other in whole if other % 2]
    assert ids(reader.similar(3, 5, {"gender": ["MALE"]})) == men[:5]
    hidden = set(men[:3])
    assert ids(reader.similar(3, 5, {"gender": ["MALE"]}, hidden.__contains__)) == men[3:8]
    both = {"gender": ["FEMALE", "MALE"], "ageGroup": ["AGE_30S"]}
    assert ids(reader.similar(3, 100, both)) == [other for other in whole if other % 5 == 0]
    assert ids(reader.similar(3, 100, {"MBTI": ["ENFP"]})) == [o for o in whole if o % 3 == 0]
    assert reader.similar(3, 10, {"MBTI": ["INTJ"]}) == []
    assert reader.similar(999, 10, {}) == []
    reader.close()


def ids(found: list[tuple[int, float]]) -> list[int]:
    return [other for other, _ in found]


def test_reading_changes_no_byte(folder: Path) -> None:
    before = dict(checksums(folder))
    for _ in range(2):
        reader = ChromaReader(folder)
        reader.similar(5, 5, {"gender": ["MALE"]})
        reader.close()
    assert dict(checksums(folder)) == before


def test_a_database_that_is_not_sealed_or_not_there_is_refused(
    tmp_path: Path, service_policy: Policy, profiles: pl.DataFrame, vectors: np.ndarray
) -> None:
    with pytest.raises(SnapshotError, match="cannot be read"):
        ChromaReader(tmp_path)
    none = pl.DataFrame(schema={"category": pl.String, "user_id": pl.Int64, "other_id": pl.Int64})
    write_chroma(tmp_path, service_policy, profiles, vectors, none)
    with closing(sqlite3.connect(tmp_path / FOLDER / "chroma.sqlite3")) as database:
        database.execute("drop trigger sealed")
        database.commit()
    with pytest.raises(SnapshotError, match="hertz nightly"):
        ChromaReader(tmp_path)


def test_a_small_second_database_brings_it_up_to_date(
    folder: Path,
    tmp_path: Path,
    service_policy: Policy,
    profiles: pl.DataFrame,
    vectors: np.ndarray,
) -> None:
    none = pl.DataFrame(schema={"category": pl.String, "user_id": pl.Int64, "other_id": pl.Int64})
    later = vectors.copy()
    for night, (moved, gone) in enumerate(
        [(3, 5), (7, 9)]
    ):  # the second one goes on from the first
        source = folder if night == 0 else tmp_path / "0"
        shutil.copytree(source / FOLDER, tmp_path / str(night) / FOLDER)
        later[moved - 1] = vectors[20] + 0.3 * vectors[30 + moved]
        left = {5, 9} if night else {5}
        now = profiles.filter(~pl.col("user_id").is_in(left))
        rows = now["user_id"].to_numpy() - 1
        many = write_delta(
            tmp_path / str(night), service_policy, now, later[rows], none, [moved, gone]
        )
        assert many == 2 + 2 * night
    reader = ChromaReader(tmp_path / "1")
    for user in (3, 7, 30):
        expected = [(u, c) for u, c in nearest(later, user) if u not in (5, 9)][:10]
        found = reader.similar(user, 10, {})
        assert [u for u, _ in found] == [u for u, _ in expected]
        np.testing.assert_allclose([c for _, c in found], [c for _, c in expected], atol=1e-5)
    assert reader.similar(5, 10, {}) == []
    women = reader.similar(3, 60, {"gender": ["FEMALE"]})
    assert {u for u, _ in women} == {u for u in range(2, USERS + 1, 2)}
    reader.close()
