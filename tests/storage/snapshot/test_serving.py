from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import polars as pl
import psutil
import pytest

from hertz.core.errors import SnapshotError, StorageError
from hertz.policy.model import Policy
from hertz.storage.page_cache import populate_page_cache
from hertz.storage.snapshot.serving import (
    SERVING_FILE,
    Match,
    ServingReader,
    serving_stamp,
    write_serving,
)
from tests.storage.runs import REASON, Frames, random_frames

IDS = list(range(1, 51))
EXTREME_IDS = [-(2**63), -2, -1, 0, 1, 255, 256, 2**32, 2**63 - 1]


@pytest.fixture
def frames(service_policy: Policy) -> Frames:
    return random_frames(service_policy, IDS)


def written(folder: Path, policy: Policy, frames: Frames) -> Path:
    folder.mkdir(exist_ok=True)
    write_serving(folder, policy, *frames)
    return folder


def entries(reader: ServingReader, category: str, user: int) -> list[Match]:
    """Returns a user's list as named entries."""
    found = [reader.match(category, user, o) for o in reader.match_ids(category, user, 100)]
    return [match for match in found if match]


@pytest.mark.parametrize("ids", [IDS, EXTREME_IDS], ids=["small", "extreme"])
def test_every_list_is_read_as_it_was_written(
    tmp_path: Path, service_policy: Policy, ids: list[int]
) -> None:
    frames = random_frames(service_policy, ids)
    reader = ServingReader(written(tmp_path, service_policy, frames))
    for category, rule in service_policy.categories.items():
        for user in ids:
            of_user = (pl.col("category") == category) & (pl.col("user_id") == user)
            expected = frames.matches.filter(of_user).drop("category", "user_id").rows()
            found = [
                (rank, other, *scores, list(ours.values()), list(theirs.values()))
                for other, rank, *scores, ours, theirs in entries(reader, category, user)
            ]
            assert found == expected
            assert reader.match_ids(category, user, 100) == [row[1] for row in expected]
            for match in entries(reader, category, user):
                assert list(match.forward_terms) == list(match.backward_terms) == list(rule.weights)


def test_every_explanation_is_read_from_either_side_in_its_language(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    reader = ServingReader(written(tmp_path, service_policy, frames))
    assert frames.explanations.height > len(IDS)
    for row in frames.explanations.iter_rows(named=True):
        expected = {name: row[name] for name in ("title", "content", "origin", "language")}
        for pair in ((row["user_a"], row["user_b"]), (row["user_b"], row["user_a"])):
            found = reader.explanation(row["category"], *pair, row["language"])
            assert found == {**expected, "reasons": [REASON]}


@pytest.mark.parametrize(
    "text", ['"}', '\\"{}\n\t\x00\x1f\x7f', "두 사람 💕\u2028\ufeff", "}" * 9, ""]
)
def test_any_text_is_served_as_it_was_written(
    tmp_path: Path, service_policy: Policy, frames: Frames, text: str
) -> None:
    odd = frames.explanations.with_columns(title=pl.lit(text), content=pl.lit(text))
    reader = ServingReader(written(tmp_path, service_policy, frames._replace(explanations=odd)))
    for row in odd.head(5).iter_rows(named=True):
        where = (row["category"], row["user_a"], row["user_b"], row["language"])
        found = reader.explanation(*where)
        assert found is not None
        assert (found["title"], found["content"], found["reasons"]) == (text, text, [REASON])


def test_a_pair_without_explanation_has_none(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    reader = ServingReader(written(tmp_path, service_policy, frames))
    assert reader.explanation("couple", 1, 2, "ko") is None


def test_a_limit_takes_the_best(tmp_path: Path, service_policy: Policy, frames: Frames) -> None:
    reader = ServingReader(written(tmp_path, service_policy, frames))
    every = reader.match_ids("friend", 7, 100)
    assert len(every) == 5
    assert reader.match_ids("friend", 7, 2) == every[:2]
    assert [match.rank for match in entries(reader, "friend", 7)[:2]] == [1, 2]


def test_users_are_known_even_without_a_match_and_others_are_not(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    reader = ServingReader(written(tmp_path, service_policy, frames))
    assert reader.users == len(IDS)
    assert all(reader.has_user(user) for user in IDS)
    assert not any(reader.has_user(user) for user in (0, -1, 51, 2**63 - 1))
    assert reader.match_ids("friend", IDS[-1], 100) == []
    assert entries(reader, "friend", 51) == []


def test_the_reader_tells_the_policy_names(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    reader = ServingReader(written(tmp_path, service_policy, frames))
    assert reader.categories == ("general", "friend", "couple")
    assert reader.languages == ("ko", "en")
    assert reader.id_minimum == 1


def test_a_run_without_a_single_match_is_served(tmp_path: Path, service_policy: Policy) -> None:
    frames = random_frames(service_policy, [1, 2])
    nothing = Frames(frames.profiles, frames.matches.clear(), frames.explanations.clear())
    reader = ServingReader(written(tmp_path, service_policy, nothing))
    assert reader.has_user(1)
    assert reader.match_ids("general", 1, 100) == []


def test_lists_longer_than_one_portion_are_whole(
    tmp_path: Path, service_policy: Policy, frames: Frames, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = written(tmp_path / "whole", service_policy, frames) / SERVING_FILE
    monkeypatch.setattr("hertz.storage.snapshot.serving._LISTS_AT_ONCE", 7)
    portions = written(tmp_path / "portions", service_policy, frames) / SERVING_FILE
    assert portions.read_bytes() == whole.read_bytes()


def test_the_same_frames_give_the_same_bytes_in_any_process(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    here = written(tmp_path / "here", service_policy, frames)
    for name, frame in frames._asdict().items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    (tmp_path / "policy.json").write_text(service_policy.model_dump_json(), encoding="utf-8")
    program = """
import sys; from pathlib import Path; import polars as pl
from hertz.policy.model import Policy; from hertz.storage.snapshot.serving import write_serving
at = Path(sys.argv[1])
policy = Policy.model_validate_json((at / "policy.json").read_text(encoding="utf-8"))
frames = [pl.read_parquet(at / f"{n}.parquet") for n in ("profiles", "matches", "explanations")]
write_serving(at / "there", policy, *frames)
"""
    (tmp_path / "there").mkdir()
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True)
    there = (tmp_path / "there" / SERVING_FILE).read_bytes()
    assert (here / SERVING_FILE).read_bytes() == there


def test_the_file_is_small_and_alone(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    folder = written(tmp_path, service_policy, frames)
    reader = ServingReader(folder)
    assert reader.has_user(1)
    assert list((folder / "serving").iterdir()) == [folder / SERVING_FILE]
    assert (folder / SERVING_FILE).stat().st_size < 400_000


def test_writing_again_replaces_the_file(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    written(tmp_path, service_policy, frames)
    written(tmp_path, service_policy, random_frames(service_policy, [3, 4]))
    assert ServingReader(tmp_path).users == 2


def test_an_open_reader_outlives_its_file(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    reader = ServingReader(written(tmp_path, service_policy, frames))
    before = reader.match_ids("friend", 1, 100)
    (tmp_path / SERVING_FILE).unlink()
    assert reader.match_ids("friend", 1, 100) == before


def test_two_readers_of_one_file_live_and_die_apart(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    first = ServingReader(written(tmp_path, service_policy, frames))
    second = ServingReader(tmp_path)
    del first
    gc.collect()
    assert second.has_user(1)
    assert ServingReader(tmp_path).has_user(1)


@pytest.mark.parametrize("damage", ["unsorted", "twice"])
def test_frames_out_of_order_or_with_duplicates_are_refused(
    tmp_path: Path, service_policy: Policy, frames: Frames, damage: str
) -> None:
    profiles = frames.profiles.reverse() if damage == "unsorted" else frames.profiles[[0, 0, 1]]
    with pytest.raises(StorageError, match="keys repeat or are out of order"):
        write_serving(tmp_path, service_policy, profiles, frames.matches, frames.explanations)


def test_lists_split_in_the_frame_are_refused(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    split = pl.concat([frames.matches[1:], frames.matches[:1]])
    with pytest.raises(StorageError, match="keys repeat or are out of order"):
        write_serving(tmp_path, service_policy, frames.profiles, split, frames.explanations)


def test_an_unknown_category_is_refused_by_name(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    renamed = frames.matches.with_columns(category=pl.lit("rivals"))
    with pytest.raises(StorageError, match=r"matches\.category = 'rivals'.*general, friend"):
        write_serving(tmp_path, service_policy, frames.profiles, renamed, frames.explanations)


def test_a_breakdown_of_the_wrong_length_is_refused(
    tmp_path: Path, service_policy: Policy, frames: Frames
) -> None:
    short = frames.matches.with_columns(pl.col("forward_terms").list.head(2))
    with pytest.raises(StorageError, match=r"forward_terms.*7 terms"):
        write_serving(tmp_path, service_policy, frames.profiles, short, frames.explanations)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="hertz rollback"):
        ServingReader(tmp_path)
    with pytest.raises(OSError, match=r"manifest\.json"):
        serving_stamp(tmp_path)


@pytest.mark.parametrize("kept", [0, 100, 8192, 40_000])
def test_a_file_cut_short_is_refused(
    tmp_path: Path, service_policy: Policy, frames: Frames, kept: int
) -> None:
    path = written(tmp_path, service_policy, frames) / SERVING_FILE
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SnapshotError):
        ServingReader(tmp_path)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "serving").mkdir()
    (tmp_path / SERVING_FILE).write_bytes(b"\x00nonsense" * 10_000)
    with pytest.raises(SnapshotError, match="cannot be read"):
        ServingReader(tmp_path)


def test_a_warmed_file_is_in_memory_to_its_last_page(
    tmp_path: Path, service_policy: Policy
) -> None:
    frames = random_frames(service_policy, list(range(1, 3001)), k=20)
    path = written(tmp_path, service_policy, frames) / SERVING_FILE
    reader = ServingReader(tmp_path)
    assert populate_page_cache(path)
    maps = psutil.Process().memory_maps(grouped=False)
    resident = sum(part.rss for part in maps if part.path == str(path))
    assert resident >= path.stat().st_size > 4_000_000
    assert reader.match_ids("friend", 1, 1)


def test_a_file_that_is_not_mapped_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 10_000)
    assert populate_page_cache(tmp_path / "file")
