"""An erasure leaves no byte of the user, and does not change other users."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hertz.core.errors import GateError, LockedError
from hertz.explanations.facts import Explanation
from hertz.policy.model import Gate, Policy
from hertz.reports.page import without_rows_of
from hertz.stages.forget import Receipt, forget, verify
from hertz.storage.embeddings import EmbeddingStore, text_hash
from hertz.storage.explanation_cache import ExplanationCache
from hertz.storage.files import read_frame
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import Intake
from hertz.storage.settings import Settings
from hertz.storage.snapshot.history import failure_of, write_record
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.serving import ServingReader
from hertz.storage.snapshot.snapshots import (
    corrupt_files,
    kept_folders,
    list_held,
    list_snapshots,
    locked_home,
)
from tests.api.profiles import listed, profile
from tests.api.servers import eventually, served_home
from tests.faults import kill_at
from tests.files import files_with
from tests.stages.forgettable import BIO, OTHERS, RARE, SHARED, rows, settings_in, two_nights
from tests.stages.small_nights import IDENTITY, small_night, small_settings, write_source


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, service_policy: Policy) -> Path:
    """A folder whose home has two whole nights, Chroma, vectors and intake events."""
    return two_nights(tmp_path_factory.mktemp("forget"), service_policy, chroma=True)


@pytest.fixture(scope="module")
def built_plain(tmp_path_factory: pytest.TempPathFactory, service_policy: Policy) -> Path:
    """The same without Chroma, whose writer takes seconds to start."""
    return two_nights(tmp_path_factory.mktemp("plain"), service_policy, chroma=False)


@pytest.fixture
def settings(built: Path, tmp_path: Path, service_policy: Policy) -> Settings:
    """Settings of a copy of the home with Chroma."""
    shutil.copytree(built, tmp_path, dirs_exist_ok=True)
    return settings_in(tmp_path, service_policy)


@pytest.fixture
def plain(built_plain: Path, tmp_path: Path, service_policy: Policy) -> Settings:
    """Settings of a copy of the home without Chroma."""
    shutil.copytree(built_plain, tmp_path, dirs_exist_ok=True)
    return settings_in(tmp_path, service_policy)


def removed(receipt: Receipt) -> dict[str, int]:
    return {line["store"].split("/")[-1]: line["removed"] for line in receipt.stores}


def users(snapshot: Path) -> dict[int, dict[str, Any]]:
    found = read_frame(snapshot / "users.parquet").to_dicts()
    return {row["user_id"]: row for row in found}


def test_nothing_is_left_in_any_byte(settings: Settings) -> None:
    home = settings.home
    before = {finding.place for finding in verify(settings, RARE).findings}
    assert {"column user_id", "column other_id", "column blockedUserIds", "entries"} <= before
    assert {"id as text", "events.user_id", "embeddings.embedding_id"} <= before
    receipt = forget(settings, RARE)
    assert receipt.scan is not None
    assert receipt.scan["found"] == []
    assert verify(settings, RARE).findings == []
    text, number = BIO.encode(), str(RARE).encode()
    assert files_with(home, text, number, RARE.to_bytes(8, "little")) == []
    assert str(RARE) not in receipt.to_json()
    stored = json.loads(next((home / "receipts").iterdir()).read_text(encoding="utf-8"))
    assert stored == json.loads(receipt.to_json())
    counts = removed(receipt)
    assert counts["users.parquet"] == 4, "its own row, and those of three who name it"
    assert counts["intake"] == 4
    assert counts["quarantine.parquet"] == 3


def most_exposed(snapshot: Path) -> list[int]:
    return [line.user_id for line in read_manifest(snapshot).quality.overall.most_exposed]


def test_the_most_exposed_user_vanishes_from_every_report_and_the_held_run(
    plain: Settings, tmp_path: Path
) -> None:
    home, kept = plain.home, list_snapshots(plain.home)
    write_source(tmp_path / "source.jsonl", rows()[:6])
    gate = Gate(users_lost=0.1, smallest=0)
    strict = plain.model_copy(update={"policy": plain.policy.model_copy(update={"gate": gate})})
    with pytest.raises(GateError):
        small_night(strict)
    (held,) = list_held(home)
    assert RARE in most_exposed(held), "the intake's update brought the user along"
    for user in (RARE, 2):  # a long id, and one that is found only where it is written down
        named = [folder for folder in kept_folders(home) if user in most_exposed(folder)]
        assert named
        places = {(Path(f.file).parent.name, f.place) for f in verify(plain, user).findings}
        assert {(folder.name, "rows") for folder in named} <= places
        assert {(folder.name, "texts") for folder in named} <= places
        before = {f.name: (f / "report.html").read_text("utf-8") for f in kept_folders(home)}
        receipt = forget(plain, user)
        assert receipt.scan is not None
        assert receipt.scan["found"] == []
        assert verify(plain, user).findings == []
        for folder in kept_folders(home):
            assert corrupt_files(folder) == []
            assert user not in most_exposed(folder)
            page = (folder / "report.html").read_text(encoding="utf-8")
            assert f'data-user="{user}"' not in page
            assert page == without_rows_of(before[folder.name], [user])
    assert files_with(home, str(RARE).encode()) == []
    assert [s.name for s in kept] == [s.name for s in list_snapshots(home)]


def test_a_failed_run_s_reason_that_names_the_user_is_erased(plain: Settings) -> None:
    failure = failure_of("20261122T170000Z-0000", f"row 3: userId = {RARE}: refused")
    write_record(plain.home, failure)
    assert any(f.file.startswith("history/") for f in verify(plain, RARE).findings)
    receipt = forget(plain, RARE)
    assert not receipt.is_incomplete
    assert removed(receipt)["history"] == 1


def test_kept_snapshots_stay_consistent(settings: Settings) -> None:
    before = {s.name: users(s) for s in list_snapshots(settings.home)}
    stamps = {s.name: read_manifest(s) for s in list_snapshots(settings.home)}
    forget(settings, RARE)
    assert [snapshot.name for snapshot in list_snapshots(settings.home)] == list(before)
    for snapshot in list_snapshots(settings.home):
        assert corrupt_files(snapshot) == []
        expected = {u: row for u, row in before[snapshot.name].items() if u != RARE}
        for row in expected.values():
            row["blockedUserIds"] = [i for i in row["blockedUserIds"] if i != RARE]
        assert users(snapshot) == expected
        manifest, old = read_manifest(snapshot), stamps[snapshot.name]
        matches = read_frame(snapshot / "matches.parquet")
        assert manifest.run_id == old.run_id
        assert manifest.counts.users == old.counts.users - 1
        assert sum(manifest.counts.matches.values()) == len(matches)
        assert manifest.erased_users == 1
        ranks = matches.group_by("category", "user_id", maintain_order=True).agg("rank")["rank"]
        assert all(part.to_list() == list(range(1, len(part) + 1)) for part in ranks)
        reader = ServingReader(snapshot)
        for user in OTHERS[:-1]:
            listed = matches.filter(category="friend", user_id=user)["other_id"].to_list()
            assert reader.match_ids("friend", user, 100) == listed
        assert not reader.has_user(RARE)
        assert chroma_ids(snapshot) == {str(user) for user in users(snapshot)}


def chroma_ids(snapshot: Path) -> set[str]:
    code = (
        "import chromadb, shutil, sys, tempfile; t = tempfile.mkdtemp();"
        "shutil.copytree(sys.argv[1], t, dirs_exist_ok=True);"
        "print(*chromadb.PersistentClient(t).get_collection('users').get()['ids'])"
    )
    command = [sys.executable, "-c", code, str(snapshot / "chroma")]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_vectors_go_unless_another_has_the_same_text(plain: Settings) -> None:
    with Intake(plain.home) as intake:
        intake.apply([Request("update", 5, profile=profile(5, bio=SHARED))], lambda _: True)
    small_night(plain)
    store = EmbeddingStore(plain.home, IDENTITY)
    clauses = "20대 여자, MBTI는 ENFP. 성격은 아담한, 듬직한. 선호하는 사람은 목소리 좋은."
    texts = {"own": f"{clauses} {BIO}", "shared": f"{clauses} {SHARED}"}
    keys = {name: text_hash(IDENTITY, text) for name, text in texts.items()}
    assert store.missing(list(keys.values())) == []
    receipts = [forget(plain, user) for user in (RARE, 5)]
    assert store.missing(list(keys.values())) == [keys["own"]]
    notes = [line["note"] for line in receipts[1].stores if line["store"].startswith("embedd")]
    assert "others have too" in notes[0]


def test_explanations_of_the_model_go_and_those_of_others_stay(plain: Settings) -> None:
    home, cache = plain.home, ExplanationCache(plain.home)
    newest = list_snapshots(home)[-1]
    path = newest / "explanations.parquet"
    written = read_frame(path).with_columns(origin=pl.lit("model"))
    written.write_parquet(path)
    own = written.filter((pl.col("user_a") == RARE) | (pl.col("user_b") == RARE))["content_hash"]
    other = written.filter(~pl.col("content_hash").is_in(own.implode()))["content_hash"]
    assert len(own)
    text = Explanation("제목", "무엇인가", [])
    cache.put_many({key: text for key in [*own, *other, "of an older night"]})
    receipt = forget(plain, RARE)
    assert set(cache.get_many([*own, *other, "of an older night"])) == set(other)
    assert removed(receipt)["explanation_cache"] == len(own)
    assert files_with(home, b"of an older night") == []


def test_a_small_id_is_found_where_it_is_stored_and_not_by_chance(settings: Settings) -> None:
    places = {finding.place for finding in verify(settings, 7).findings}
    assert {"column user_id", "entries", "embeddings.embedding_id"} <= places
    receipt = forget(settings, 7)
    assert receipt.scan is not None
    assert receipt.scan["found"] == []
    assert "fewer than 7 digits" in receipt.scan["notes"][0]
    assert sorted(users(list_snapshots(settings.home)[-1])) == [
        user for user in [*OTHERS, RARE] if user != 7
    ]


def test_a_source_within_the_home_is_noted_but_not_changed(plain: Settings) -> None:
    inside = plain.home / "profiles.jsonl"
    shutil.copy(str(plain.source.path), inside)
    settings = small_settings(plain.home, inside, plain.policy)
    receipt = forget(settings, RARE)
    assert receipt.scan is not None
    assert receipt.scan["found"] == []
    assert receipt.scan["notes"] == [
        "profiles.jsonl is the source, which Hertz does not change: it has the user"
    ]
    assert str(RARE) in inside.read_text(encoding="utf-8")
    assert verify(plain, RARE).findings, "any other copy counts"


def test_no_source_brings_the_user_back_but_a_registration_does(plain: Settings) -> None:
    forget(plain, RARE)
    snapshot = small_night(plain)
    assert RARE not in users(snapshot)
    assert verify(plain, RARE).findings == []
    with Intake(plain.home) as intake:
        naming = Request("update", 8, profile=profile(8, blockedUserIds=[RARE, 9]))
        intake.apply([naming], lambda _: True)
    assert verify(plain, RARE).findings == [], "nor does a profile that still names the user"
    with Intake(plain.home) as intake:
        new = Request("register", RARE, profile=profile(RARE, bio="wieder da"))
        assert intake.apply([new], lambda _: False)[0].verdict == "done"
    assert users(small_night(plain))[RARE]["bio"] == "wieder da"


def test_a_deletion_ends_in_the_same_purge_with_the_next_run(settings: Settings) -> None:
    with Intake(settings.home) as intake:
        intake.apply([Request("delete", RARE)], lambda _: True)
    assert verify(settings, RARE).findings
    small_night(settings)
    assert len(list_snapshots(settings.home)) == 3
    assert verify(settings, RARE).findings == []
    assert files_with(settings.home, BIO.encode(), str(RARE).encode()) == []
    stored = [json.loads(p.read_text("utf-8")) for p in (settings.home / "receipts").iterdir()]
    assert [receipt["cause"] for receipt in stored] == ["delete"]
    assert RARE not in users(small_night(settings))


def test_who_came_back_before_the_run_loses_the_old_traces_alone(plain: Settings) -> None:
    with Intake(plain.home) as intake:
        again = Request("register", RARE, profile=profile(RARE, bio="neu"))
        intake.apply([Request("delete", RARE), again], lambda _: True)
    newest = small_night(plain)
    assert users(newest)[RARE]["bio"] == "neu"
    assert [RARE in users(s) for s in list_snapshots(plain.home)] == [False, False, True]
    assert files_with(plain.home, BIO.encode()) == []
    assert users(small_night(plain))[RARE]["bio"] == "neu"


def test_while_a_run_holds_the_home_the_user_is_hidden_and_the_run_s_end_erases(
    plain: Settings,
) -> None:
    with (
        locked_home(plain.home, "run-1"),
        pytest.raises(LockedError, match="hidden already"),
    ):
        forget(plain, RARE)
    with Intake(plain.home) as intake:
        assert RARE in intake.removed(0)
    small_night(plain)
    assert files_with(plain.home, BIO.encode(), str(RARE).encode()) == []


FORGET = """
import sys
from pathlib import Path
from hertz.stages.forget import forget
from hertz.storage.settings import load_settings
forget(load_settings(Path("hertz.toml"), Path(sys.argv[1]), sys.argv[2]), int(sys.argv[3]))
"""


@pytest.mark.parametrize(
    "fault",
    [
        "forget.before_vectors",
        "embeddings.after_merge",
        "forget.before_cache",
        "forget.before_snapshot:1",
        "erase.before_exchange",
        "erase.after_exchange",
        "forget.before_snapshot:2",
        "forget.before_intake",
        "forget.before_wipe",
        "forget.before_receipt",
    ],
)
def test_a_killed_forget_hides_the_user_and_a_second_one_ends_it(
    plain: Settings, fault: str
) -> None:
    kill_at(fault, FORGET, plain.home, plain.source.path, RARE)
    with served_home(plain.home) as client:
        assert client.get(f"/matches/{RARE}").status_code == 404
        assert all(RARE not in listed(client, user) for user in OTHERS)
    receipt = forget(plain, RARE)
    assert not receipt.is_incomplete
    assert files_with(plain.home, BIO.encode(), str(RARE).encode()) == []
    kept = list_snapshots(plain.home)
    assert [corrupt_files(snapshot) for snapshot in kept] == [[], []]
    assert not list((plain.home / "snapshots").glob(".building-*"))


def test_readers_are_undisturbed_and_never_shown_the_user_again(plain: Settings) -> None:
    stop, wrong = threading.Event(), []
    with served_home(plain.home, plain.policy) as client:
        eventually(lambda: any(RARE in listed(client, user) for user in OTHERS))
        done = threading.Thread(target=lambda: (forget(plain, RARE), stop.set()))
        done.start()
        gone = False
        while not stop.is_set():
            answers = [client.get(f"/matches/{user}") for user in OTHERS]
            wrong += [a.text for a in answers if a.status_code != 200]
            shown = any(m["userId"] == RARE for a in answers for m in a.json()["matches"])
            wrong += ["shown again"] if gone and shown else []
            gone = gone or not shown
        done.join()
        assert (wrong, gone) == ([], True)
        eventually(lambda: client.get("/health").json()["users"] == len(OTHERS))
        assert client.get(f"/matches/{RARE}").status_code == 404
        assert client.post("/api/v3/users", json=profile(RARE)).status_code == 200
        assert client.get(f"/api/v1/tuning?userId={RARE}").json()["code"] == "TUNING_PENDING"
