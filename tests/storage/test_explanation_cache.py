from __future__ import annotations

from pathlib import Path

import pytest

from hertz.core.errors import StorageError
from hertz.explanations.facts import Explanation
from hertz.storage.explanation_cache import ExplanationCache

REASON = {"kind": "shared", "fields": ["hobbies"], "values": ["MUSIC"], "direction": "both"}


def text(title: str) -> Explanation:
    return Explanation(title, "두 사람의 이야기 ✨\n\nStay Tuned!", [REASON])


def test_what_was_kept_comes_back_whole_in_another_process(tmp_path: Path) -> None:
    ExplanationCache(tmp_path).put_many({"a": text("가"), "b": text("나")}, {"c": 2})
    other = ExplanationCache(tmp_path)
    assert other.get_many(["a", "x", "b"]) == {"a": text("가"), "b": text("나")}
    assert other.failed_attempts() == {"c": 2}


def test_an_empty_cache_has_nothing(tmp_path: Path) -> None:
    cache = ExplanationCache(tmp_path)
    assert cache.get_many(["a"]) == {}
    assert cache.get_many([]) == {}
    assert cache.failed_attempts() == {}


def test_the_same_hash_keeps_the_latest_text(tmp_path: Path) -> None:
    cache = ExplanationCache(tmp_path)
    cache.put_many({"a": text("first")}, {"r": 1})
    cache.put_many({"a": text("second")}, {"r": 2})
    assert cache.get_many(["a"])["a"].title == "second"
    assert cache.failed_attempts() == {"r": 2}


def test_more_hashes_than_one_query_takes(tmp_path: Path) -> None:
    cache = ExplanationCache(tmp_path)
    cache.put_many({str(n): text(str(n)) for n in range(0, 25_000, 100)})
    found = cache.get_many([str(n) for n in range(25_000)])
    assert sorted(found, key=int) == [str(n) for n in range(0, 25_000, 100)]


def test_all_of_a_chunk_is_kept_or_none(tmp_path: Path) -> None:
    cache = ExplanationCache(tmp_path)
    broken = Explanation(None, "content", [])  # type: ignore[arg-type]
    with pytest.raises(StorageError, match="NOT NULL"):
        cache.put_many({"a": text("good"), "b": broken}, {"c": 1})
    assert cache.get_many(["a", "b"]) == {}
    assert cache.failed_attempts() == {}


def test_a_damaged_file_is_named_with_the_fix(tmp_path: Path) -> None:
    cache = ExplanationCache(tmp_path)
    cache.put_many({"a": text("good")})
    cache.path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match=r"written\.sqlite.*remove the file"):
        cache.get_many(["a"])
