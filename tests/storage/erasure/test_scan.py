"""The search: it finds an id in each of its stored forms, and is not misled by chance."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from hertz.policy.model import Policy
from hertz.storage.erasure.scan import scan_home
from tests.storage.runs import publish_frames, random_frames

RARE = 987_654_321


def places(home: Path, user: int = RARE, *texts: str) -> set[tuple[str, str]]:
    return {(f.file, f.place) for f in scan_home(home, user, texts).findings}


@pytest.mark.parametrize(
    "content",
    [
        f"user {RARE}.",
        f"{RARE}",
        f"[{RARE},7]",
        f"x=y:{RARE}님",
        f"a\n{RARE}\n",
        f"u{RARE}x",
    ],
)
def test_an_id_as_text_is_found_in_any_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "old.log").write_text(content, encoding="utf-8")
    assert places(tmp_path) == {("old.log", "id as text")}


@pytest.mark.parametrize(
    "content",
    [
        f"1{RARE}",
        f"{RARE}0",
        f"0.{RARE}",
        f"12.{RARE}",
        f"9f86d081884c7d65{RARE}aa",
        f"ab{RARE}cdef01234",
        f"2026-11-22T{RARE:0>9}"[:10],
    ],
)
def test_digits_of_something_else_are_chance(tmp_path: Path, content: str) -> None:
    (tmp_path / "old.log").write_text(content, encoding="utf-8")
    assert places(tmp_path) == set()


def test_a_date_that_is_an_id_is_not_found_in_a_run_s_name(
    tmp_path: Path, service_policy: Policy
) -> None:
    publish_frames(
        tmp_path, service_policy, "20261122T170000Z-0001", random_frames(service_policy, [1, 2, 3])
    )
    assert places(tmp_path, 20_261_122) == set()
    (tmp_path / "notes.txt").write_text("about 20261122", encoding="utf-8")
    assert places(tmp_path, 20_261_122) == {("notes.txt", "id as text")}


def test_binary_forms_are_found(tmp_path: Path) -> None:
    (tmp_path / "ids.bin").write_bytes(b"\1\2\3" + RARE.to_bytes(8, "little"))
    (tmp_path / "key.bin").write_bytes(b"u" + (RARE + 2**63).to_bytes(8, "big"))
    assert places(tmp_path) == {("ids.bin", "id as bytes"), ("key.bin", "id as bytes")}


@pytest.mark.parametrize("user", [3, RARE])
def test_stores_are_read_for_what_they_hold(
    tmp_path: Path, service_policy: Policy, user: int
) -> None:
    frames = random_frames(service_policy, sorted([1, 2, user, 500]))
    publish_frames(tmp_path, service_policy, "20261122T170000Z-0001", frames)
    lists = pl.DataFrame({"rank": [user], "blocks": [[7, user]], "row": [user]})
    lists.write_parquet(tmp_path / "lists.parquet")
    with closing(sqlite3.connect(tmp_path / "queue.db")) as database, database:
        database.execute("create table queue (id text, metadata text, seq integer)")
        database.execute(
            "insert into queue values (?, ?, ?)",
            (str(user), json.dumps({"top_friend": f"1,{user},9"}), user),
        )
    found = places(tmp_path, user)
    assert ("snapshots/20261122T170000Z-0001/serving/lists.lmdb", "entries") in found
    assert ("lists.parquet", "column blocks") in found
    assert {("queue.db", "queue.id"), ("queue.db", "queue.metadata")} <= found
    assert ("queue.db", "queue.seq") not in found
    assert ("lists.parquet", "column row") not in found
    assert places(tmp_path, 4) == set()


def test_texts_are_found_as_they_are_stored(tmp_path: Path) -> None:
    text = '아주 드문 소개 글입니다. "인용"\n다음 줄'
    (tmp_path / "a.json").write_text(json.dumps({"bio": text}, ensure_ascii=False), "utf-8")
    (tmp_path / "b.bin").write_bytes(b"\0" * (2**24 - 9) + text.encode() + b"\1")
    (tmp_path / "c.log").write_text("짧은 글 아주 드문 소개 글입니다.", encoding="utf-8")
    found = places(tmp_path, RARE, text, "짧은 글")
    assert found == {("a.json", "text 1"), ("b.bin", "text 1")}


def test_what_cannot_be_read_is_noted_and_its_bytes_searched(tmp_path: Path) -> None:
    (tmp_path / "half.parquet").write_bytes(b"PAR1 " + str(RARE).encode())
    scan = scan_home(tmp_path, RARE)
    assert [finding.place for finding in scan.findings] == ["id as text"]
    assert "half.parquet" in scan.notes[0]
    assert (scan.files, scan.bytes) == (1, 14)
