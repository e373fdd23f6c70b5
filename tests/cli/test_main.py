"""Output, exit codes and messages of the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hertz.policy.model import Policy
from tests.cli.commands import hertz, options, started
from tests.nights import ROOT, write_policy, write_sample


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, service_policy: Policy) -> Path:
    """A folder with hertz.toml, profiles.parquet and a home with two published nights."""
    folder = tmp_path_factory.mktemp("cli")
    write_policy(folder / "hertz.toml")
    write_sample(folder / "profiles.parquet", service_policy, users=30)
    for command in (started, hertz):
        night = command("nightly", *options(folder), "--source", folder / "profiles.parquet")
        assert night.returncode == 0, night.stderr
    (folder / "night.txt").write_text(night.stdout, encoding="utf-8")
    return folder


def test_help_names_every_command() -> None:
    shown = started("--help")
    assert shown.returncode == 0
    commands = "embed recompute explain nightly sample status rollback serve loadtest".split()
    commands += ["intake", "forget", "compare-models"]
    assert [c for c in commands if c not in shown.stdout] == []


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, hertz.cli.main; heavy = {'torch', 'prefect', 'vllm', 'chromadb', 'polars',"
        " 'sentence_transformers'}; print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout == "[]\n"


def test_a_night_ends_with_counts_seconds_and_one_match_in_full(home: Path) -> None:
    shown = (home / "night.txt").read_text(encoding="utf-8")
    for line in ("users", "quarantined rows", "distinct texts", "texts encoded", "seconds"):
        assert line in shown
    for line in ("eligible pairs, couple", "matches, friend", "explanations, template", "mutual"):
        assert line in shown
    assert "[ko, template]" in shown
    assert "[en, template]" in shown
    assert "Stay Tuned!" in shown
    assert "두 사람" in shown


def test_status_as_json_has_what_was_promised(home: Path) -> None:
    shown = hertz("status", "--json", *options(home))
    found = json.loads(shown.stdout)
    assert found["users"] == 30
    assert found["quarantined"] == 0
    assert found["matches"] > 0
    assert found["explanations"]["model"] == 0
    assert found["explanations"]["template"] > 0
    assert found["embedding_model"].startswith("multilingual-e5-small")
    assert len(found["policy_hash"]) == 64
    assert {"snapshot", "created_at"} <= set(found)


def test_status_for_people_and_rollback(home: Path) -> None:
    latest = json.loads(hertz("status", "--json", *options(home)).stdout)["snapshot"]
    assert latest in hertz("status", *options(home)).stdout
    back = hertz("rollback", *options(home))
    older = json.loads(hertz("status", "--json", *options(home)).stdout)["snapshot"]
    assert older < latest
    assert older in back.stdout
    assert hertz("rollback", *options(home)).returncode == 1
    assert hertz("rollback", "--to", latest, *options(home)).returncode == 0


def test_the_same_seed_writes_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        done = hertz(
            "sample", "--users", "50", "--seed", "5", "--out", tmp_path / f"{name}.parquet"
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def bad_source(folder: Path, name: str) -> Path:
    content = {"empty.csv": "", "columns.csv": "userId,name\n1,x\n", "notes.txt": "hello"}
    path = folder / name
    if name in content:
        path.write_text(content[name], encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("missing.parquet", ["missing.parquet"]),
        ("empty.csv", ["empty.csv"]),
        ("columns.csv", ["gender", "emailDomain"]),
        ("notes.txt", ["notes.txt", ".parquet"]),
    ],
)
def test_a_bad_source_is_one_clear_message(
    home: Path, tmp_path: Path, source: str, words: list[str]
) -> None:
    before = hertz("status", "--json", *options(home)).stdout
    failed = hertz("nightly", *options(home), "--source", bad_source(tmp_path, source))
    assert failed.returncode == 1
    assert failed.stderr.startswith("hertz: ")
    assert "Traceback" not in failed.stderr
    assert [word for word in words if word not in failed.stderr] == []
    assert hertz("status", "--json", *options(home)).stdout == before


def test_a_typo_in_the_policy_names_the_key(tmp_path: Path) -> None:
    policy = write_policy(tmp_path / "hertz.toml")
    policy.write_text(policy.read_text(encoding="utf-8").replace("combine =", "combin ="), "utf-8")
    failed = hertz("status", "--policy", policy)
    assert failed.returncode == 1
    assert "combin: no such key" in failed.stderr


def test_a_missing_policy_file_and_a_missing_home_are_named(tmp_path: Path) -> None:
    assert "--policy" in hertz("status", "--policy", tmp_path / "none.toml").stderr
    unpublished = hertz("status", "--home", tmp_path / "fresh")
    assert unpublished.returncode == 1
    assert "hertz nightly" in unpublished.stderr


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path, home: Path) -> None:
    (tmp_path / "file").write_text("")
    wanted = ("--home", tmp_path / "file" / "home", "--source", home / "profiles.parquet")
    failed = started("nightly", "--policy", home / "hertz.toml", *wanted)
    assert failed.returncode == 1
    assert "cannot be written" in failed.stderr
