"""`hertz compare-models` with real engines, and how its table is shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from hertz.cli.compare_models.command import distinct_models
from hertz.cli.compare_models.plot import plot
from hertz.cli.compare_models.reports import sample_lists
from hertz.cli.compare_models.results import BY_HAND, SCHEMA, SERVICE, Measured, markdown
from hertz.policy.model import Policy
from hertz.storage.model_comparisons import FOLDER, MARKDOWN, PLOT, TABLE, TEXTS
from tests.cli.commands import Done, hertz, started
from tests.nights import write_policy
from tests.storage.runs import Frames, publish_frames, random_frames
from tests.tiny_model import write_tiny_model

LOADED = Measured(
    "org/good", vllm=True, load_s=12.345, single_s=2.5, batch_s=0.25, tokens_per_s=611.4,
    loaded_mb=1234.4, inferring_mb=1300, valid=1, grounded=0.5, accepted=0.25, device="cpu",
    dtype="float32", reports=8, failed_checks='{"length":3,"name":2,"mbti":1,"id":1}',
)  # fmt: skip
DUMMY = Measured("org/big", dummy=True, vllm=True, load_s=1, batch_s=2, device="cpu")
BROKEN = Measured("org/bad", vllm=False, error="no a|b in it")


def compare(*arguments: str) -> Done:
    return hertz("compare-models", *arguments)


@pytest.mark.slow
def test_whatever_is_named_is_a_row_and_what_works_is_measured(tmp_path: Path) -> None:
    good = write_tiny_model(tmp_path / "good")
    mute, corrupt = (shutil.copytree(good, tmp_path / name) for name in ("mute", "corrupt"))
    (mute / "chat_template.jinja").unlink()
    weights = corrupt / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    models = [str(good), f"{good}:dummy", str(mute), str(corrupt), str(tmp_path / "none")]
    home, policy = tmp_path / "home", write_policy(tmp_path / "hertz.toml")
    head, rest = policy.read_text("utf-8").split("[explanations]\n")
    policy.write_text(f"{head}[explanations]\nmax_tokens = 64\n{rest}", "utf-8")
    chosen = ("--policy", policy, "--home", home, "--language", "en", "--reports", "3")
    done = started("compare-models", *models, *chosen)
    assert done.returncode == 0, done.stderr
    (folder,) = (home / FOLDER).iterdir()
    assert {path.name for path in folder.iterdir()} == {TABLE, TEXTS, MARKDOWN, PLOT}
    table = (folder / MARKDOWN).read_text(encoding="utf-8")
    assert table in done.stdout
    rows = [Measured(**row) for row in pl.read_parquet(folder / TABLE).iter_rows(named=True)]
    assert rows[5:] == list(SERVICE)
    works, dummy, no_template, broken, missing = rows[:5]
    assert [row.vllm for row in rows[:5]] == [True, True, None, False, None]
    for row in (works, dummy):
        assert row.error is None
        assert row.reports == 3
        assert row.output_tokens
        assert row.load_s
        assert row.loaded_mb
        assert row.inferring_mb
    assert (works.valid, works.accepted) == (0, 0)  # random letters
    assert (dummy.dummy, dummy.valid) == (True, None)
    assert "no chat template" in (no_template.error or "")
    assert "could not be loaded" in (broken.error or "")
    assert "no such folder" in (missing.error or "")
    assert all((row.error or "") in table for row in rows[:5])
    assert pl.read_parquet(folder / TEXTS)["model"].to_list() == [str(good)] * 3


def test_a_language_that_the_policy_has_not_is_refused_at_once(tmp_path: Path) -> None:
    done = compare("bundled", "--language", "fr", "--home", str(tmp_path))
    assert done.returncode == 1
    assert "'fr': accepted: ko, en" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_pairs_of_a_snapshot_need_a_snapshot(tmp_path: Path) -> None:
    done = compare("bundled", "--published", "--home", str(tmp_path))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_published_snapshots_reports_are_not_kept(tmp_path: Path, service_policy: Policy) -> None:
    lists = sample_lists(service_policy, 3, 40)
    others = random_frames(service_policy, lists.profiles["user_id"].to_list())
    frames = Frames(lists.profiles, lists.matches, others.explanations)
    snapshot = publish_frames(tmp_path, service_policy, "20261122T170000Z-0001", frames)
    lists.profiles.write_parquet(snapshot / "users.parquet")
    lists.matches.write_parquet(snapshot / "matches.parquet")
    done = compare(str(tmp_path / "none"), "--published", "--home", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "no such folder" in found["models"][0]["error"]
    folder = Path(found["stored"])
    assert "the published snapshot's pairs" in (folder / MARKDOWN).read_text(encoding="utf-8")
    assert pl.read_parquet(folder / TEXTS).is_empty()


def test_the_table_shows_what_is_known_and_nothing_else() -> None:
    lines = markdown([LOADED, DUMMY, BROKEN], ["8 reports"]).splitlines()
    rows = [line for line in lines if line.startswith("| org/")]
    assert rows == [
        "| org/good | yes | 12.35 | 2.50 | 0.25 | 611 | 1,234 | 1,300 | 100% | 50% | 25% "
        "| failed: length 3, name 2, mbti 1 |",
        "| org/big (dummy) | yes | 1.00 | - | 2.00 | - | - | - | - | - | - |  |",
        "| org/bad | no | - | - | - | - | - | - | - | - | - | no a\\|b in it |",
    ]
    assert "- 8 reports" in lines
    assert any(line.startswith("- dummy: random weights") for line in lines)
    assert "| Qwen/Qwen3-8B | yes | 95.97 | 56.45 | 16,049 | 16,521 |  |" in lines


def test_nothing_is_said_of_random_weights_where_there_are_none() -> None:
    assert "dummy" not in markdown([LOADED], [])


def test_the_services_own_table_is_marked_as_such() -> None:
    assert len(SERVICE) == 8
    assert {row.source for row in SERVICE} == {BY_HAND}
    assert set(SCHEMA) == set(Measured.__dataclass_fields__)


def test_the_plot_is_drawn_also_where_nothing_was_loaded(tmp_path: Path) -> None:
    plot(tmp_path / "a.png", [LOADED, DUMMY, BROKEN])
    plot(tmp_path / "b.png", [BROKEN])
    for name in "ab":
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_models_are_named_once_and_dummy_is_for_all() -> None:
    assert distinct_models(["a", "b:dummy", "a"], dummy=False) == ["a", "b:dummy"]
    assert distinct_models(["a", "b:dummy", "b"], dummy=True) == ["a:dummy", "b:dummy"]
