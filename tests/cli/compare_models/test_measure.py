"""A model's row, from an engine without a model: tests/cli compares real ones."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from hertz.cli.compare_models.measure import Comparison, is_grounded, settings_for
from hertz.cli.compare_models.reports import MatchLists, Report, reports_to_write, sample_lists
from hertz.cli.compare_models.results import SCHEMA, TEXTS, Measured, frame
from hertz.explanations.settings import ExplanationSettings
from hertz.policy.model import Policy
from tests.explanations.recorded import recorded
from tests.stages.explain.explaining import model_folder

SPEED = ("single_s", "batch_s", "tokens_per_s", "inferring_mb")
SHARES = ("valid", "grounded", "accepted")


@pytest.fixture(scope="module")
def lists(service_policy: Policy) -> MatchLists:
    return sample_lists(service_policy, 7, 60)


@pytest.fixture(scope="module")
def reports(service_policy: Policy, lists: MatchLists) -> list[Report]:
    return reports_to_write(service_policy, lists, 10, 6, ("en", "ko"))


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(model_folder(tmp_path / "model"))


def comparison(
    policy: Policy, reports: list[Report], folder: Path, minutes: float = 10, **plan: object
) -> Comparison:
    """Returns a comparison over a recorded engine that behaves as `plan` says."""
    load = partial(recorded, ledger=str(folder / "ledger"), **plan)
    settings = ExplanationSettings(hang_seconds=5.0)
    return Comparison(policy, settings, reports[:1], reports[1:], minutes, load)


def test_the_same_pairs_are_asked_about_in_every_language(
    service_policy: Policy, lists: MatchLists, reports: list[Report]
) -> None:
    pairs = [(report.category, report.a["user_id"], report.b["user_id"]) for report in reports]
    assert [report.language for report in reports] == ["en"] * 6 + ["ko"] * 6
    assert pairs[:6] == pairs[6:]
    assert len(set(pairs)) == 6
    assert all(report.facts and report.conversation for report in reports)
    again = reports_to_write(
        service_policy, sample_lists(service_policy, 7, 60), 10, 6, ("en", "ko")
    )
    assert again == reports


def test_a_model_that_works_has_every_figure(
    tmp_path: Path, service_policy: Policy, reports: list[Report], model: str
) -> None:
    comparing = comparison(service_policy, reports, tmp_path)
    steps: list[tuple[int, int]] = []
    row = comparing.measure(model, lambda what, done, total: steps.append((done, total)))
    assert (row.vllm, row.error, row.device, row.reports) == (True, None, "recorded", 11)
    assert all(getattr(row, name) is not None for name in (*SPEED, *SHARES, "load_s"))
    assert row.output_tokens == 7 * 11
    assert row.cached_tokens == 3 * 11
    assert steps[-1] == (15, 15)
    assert pl.DataFrame(comparing.texts, TEXTS)["language"].to_list() == ["en"] * 5 + ["ko"] * 6
    unread = [text for text in comparing.texts if text["failed_checks"] == ["json"]]
    assert row.valid == 1 - len(unread) / 11


def test_random_weights_are_measured_and_not_judged(
    tmp_path: Path, service_policy: Policy, reports: list[Report], model: str
) -> None:
    comparing = comparison(service_policy, reports, tmp_path)
    (Path(model) / "model.safetensors").unlink()
    row = comparing.measure(f"{model}:dummy")
    assert (row.model, row.dummy, row.error) == (model, True, None)
    assert all(getattr(row, name) is not None for name in SPEED)
    assert [getattr(row, name) for name in SHARES] == [None] * 3
    assert comparing.texts == []


@pytest.mark.parametrize("end", ["dies", "hangs"])
def test_one_that_dies_or_hangs_while_writing_is_a_row_with_what_was_known(
    tmp_path: Path, service_policy: Policy, reports: list[Report], model: str, end: str
) -> None:
    row = comparison(service_policy, reports, tmp_path, **{end: [8]}).measure(model)
    assert row.vllm is True
    assert row.error
    assert "while writing" in row.error
    assert row.load_s is not None
    assert row.single_s is not None
    assert (row.batch_s, row.valid) == (None, None)


def test_one_that_takes_too_long_is_stopped(
    tmp_path: Path, service_policy: Policy, reports: list[Report], model: str
) -> None:
    row = comparison(service_policy, reports, tmp_path, minutes=0.1, seconds=60).measure(model)
    assert row.error == "not done after 0.1 minutes: stopped"
    assert row.batch_s is None


def test_one_that_cannot_be_loaded_says_why_in_one_line(
    tmp_path: Path, service_policy: Policy, reports: list[Report], model: str
) -> None:
    row = comparison(service_policy, reports, tmp_path, loads=0).measure(model)
    assert row.vllm is False
    assert row.error
    assert row.error.endswith("could not be loaded: no second time")
    assert row.load_s is None


def test_what_is_no_model_is_not_tried(
    tmp_path: Path, service_policy: Policy, reports: list[Report], model: str
) -> None:
    comparing = comparison(service_policy, reports, tmp_path)
    (Path(model) / "tokenizer_config.json").write_text("{}")
    for name, why in ((str(tmp_path / "none"), "no such folder"), (model, "no chat template")):
        row = comparing.measure(name)
        assert row.vllm is None
        assert row.error
        assert why in row.error
    assert not (tmp_path / "ledger").exists()


def test_what_is_said_of_the_configured_model_is_not_meant_for_others() -> None:
    ours = ExplanationSettings(model="a/b", revision="main", quantization="fp8", max_tokens=99)
    assert settings_for(ours, "a/b").revision == "main"
    other = settings_for(ours, "c/d", dummy=True)
    assert (other.revision, other.quantization) == (None, None)
    assert (other.max_tokens, other.load_format) == (99, "dummy")


def test_only_checks_of_form_leave_a_text_grounded() -> None:
    assert is_grounded([])
    assert is_grounded(["length", "romance"])
    assert not is_grounded(["length", "claims_in_text"])
    assert not is_grounded(["a check of tomorrow"])


def test_rows_come_back_from_parquet_as_they_were(tmp_path: Path) -> None:
    row = Measured("a", vllm=True, load_s=1.5, reports=3, valid=0.25)
    path = tmp_path / "models.parquet"
    frame([row, replace(row, model="b", dummy=True, error="x", reports=None)]).write_parquet(path)
    found = pl.read_parquet(path)
    assert found.schema == pl.Schema(SCHEMA)
    assert Measured(**found.row(0, named=True)) == row
