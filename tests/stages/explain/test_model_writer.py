"""The model's share of a night, with an engine without a model and checks that tests replace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn
from zlib import crc32

import polars as pl
import pytest

from hertz.cli.sample.sample import make_sample
from hertz.explanations.facts import Explanation
from hertz.explanations.settings import ExplanationSettings
from hertz.policy.model import Policy
from hertz.policy.profiles import validate_profiles
from hertz.stages.explain import model_writer as model_voice
from hertz.stages.explain.explain import explain
from hertz.stages.explain.model_writer import SEED_STEP
from hertz.stages.explain.tasks import Task, TaskContext, explained_pairs
from hertz.stages.run import Run
from hertz.storage.snapshot.stage_results import ExplainResult
from tests.explanations.recorded import paid
from tests.stages.explain.explaining import (
    matches_by_facts,
    model_folder,
    read,
    recording,
    started,
)

SHARE, CHUNK = 12, 9
Begin = Callable[..., Run]
Accept = Callable[[Callable[[Explanation], bool]], None]


@pytest.fixture(scope="module")
def profiles(service_policy: Policy) -> pl.DataFrame:
    return validate_profiles(service_policy, make_sample(30, 11, service_policy)).profiles


@pytest.fixture(scope="module")
def matches(service_policy: Policy, profiles: pl.DataFrame) -> pl.DataFrame:
    return matches_by_facts(service_policy, profiles)


@pytest.fixture
def begin(tmp_path: Path, profiles: pl.DataFrame, matches: pl.DataFrame) -> Begin:
    """Starts runs in one home, with a model that is only a folder."""
    model = str(model_folder(tmp_path / "model"))

    def start(name: str = "a", **changed: object) -> Run:
        settings = {"budget": SHARE, "chunk": CHUNK, "model": model, **changed}
        return started(tmp_path, profiles, matches, name, **settings)

    return start


@pytest.fixture
def accept(monkeypatch: pytest.MonkeyPatch) -> Accept:
    """Replaces the checks by a function of the text, because the engine writes no real texts."""

    def use(good: Callable[[Explanation], bool]) -> None:
        def check(*arguments: Any) -> list[str]:  # noqa: ANN401
            return [] if good(arguments[-1]) else ["bad"]

        monkeypatch.setattr(model_voice, "failed_checks", check)

    return use


def no_engine(settings: ExplanationSettings) -> NoReturn:
    pytest.fail("nothing is left to write")


def test_a_refused_text_is_tried_again_with_another_seed_and_temperature(
    begin: Begin, accept: Accept, tmp_path: Path
) -> None:
    accept(lambda text: text.title == "temperature 0.7")
    run = begin()
    explain(run, open_model=recording(tmp_path / "ledger"))
    figures, seeds = run.result(ExplainResult), paid(tmp_path / "ledger")
    assert (figures.candidates, figures.retried) == (2 * SHARE, SHARE)
    assert figures.accepted == SHARE
    assert figures.failed_checks == {"bad": SHARE}
    assert seeds[SHARE:] == [seed + SEED_STEP for seed in seeds[:SHARE]]
    assert figures.output_tokens == 7 * 2 * SHARE
    assert figures.cached_tokens == 3 * 2 * SHARE


def test_what_is_refused_as_often_as_it_may_be_is_not_asked_again(
    begin: Begin, accept: Accept, tmp_path: Path
) -> None:
    accept(lambda text: False)
    first = begin(retries=2)
    explain(first, open_model=recording(tmp_path / "ledger"))
    assert first.result(ExplainResult).candidates == 3 * SHARE
    assert read(first).filter(fallback="refused").height == SHARE
    again = begin("b", retries=2)
    explain(again, open_model=no_engine)
    assert again.result(ExplainResult).left_to_template["refused"] == SHARE
    more = begin("c", retries=3)
    explain(more, open_model=recording(tmp_path / "ledger"))
    assert more.result(ExplainResult).candidates == SHARE


def test_nothing_changed_asks_for_nothing_and_starts_no_engine(
    begin: Begin, accept: Accept, tmp_path: Path
) -> None:
    accept(lambda text: crc32(text.content.encode()) % 3 > 0)
    first, again = begin(), begin("b")
    explain(first, open_model=recording(tmp_path / "ledger"))
    explain(again, open_model=no_engine)
    figures = again.result(ExplainResult)
    assert (figures.candidates, figures.prompt_tokens) == (0, 0)
    assert figures.explanations.reused == first.result(ExplainResult).accepted > 0
    assert read(again).equals(read(first))


def test_a_budget_of_tokens_stops_and_the_next_night_goes_on(
    begin: Begin, accept: Accept, tmp_path: Path
) -> None:
    accept(lambda text: True)
    open_model = recording(tmp_path / "ledger")
    run = begin(budget_tokens=7, chunk=3)  # parts of one
    explain(run, open_model=open_model)
    figures = run.result(ExplainResult)
    assert 1 <= figures.accepted <= 1 + 3
    assert figures.left_out_by_budget == read(run).filter(fallback="budget").height
    assert figures.generator_failed == ""
    explain(begin("b"), open_model=open_model)
    assert len(paid(tmp_path / "ledger")) == len(set(paid(tmp_path / "ledger"))) == SHARE


def test_a_budget_of_minutes_stops(begin: Begin, accept: Accept, tmp_path: Path) -> None:
    accept(lambda text: True)
    run = begin(budget_minutes=0.001, chunk=3)
    explain(run, open_model=recording(tmp_path / "ledger", seconds=0.2))
    assert 1 <= run.result(ExplainResult).accepted < SHARE


def test_the_share_and_the_rest_say_why_the_template_speaks(
    begin: Begin, accept: Accept, tmp_path: Path
) -> None:
    accept(lambda text: True)
    run = begin()
    explain(run, open_model=recording(tmp_path / "ledger"))
    frame, figures = read(run), run.result(ExplainResult)
    english = frame.filter(language="en")
    assert english["fallback"].null_count() == SHARE == figures.accepted
    assert set(english["fallback"].drop_nulls()) == {"budget"}
    assert figures.left_out_by_budget == len(english) - SHARE
    assert set(frame.filter(language="ko")["fallback"]) == {"language"}
    quick = begin("b", budget=SHARE + 1)
    explain(quick, generate=False)
    assert read(quick).filter(fallback="not_asked").height == 1


def test_the_most_valuable_pairs_are_the_models(
    begin: Begin, accept: Accept, tmp_path: Path, matches: pl.DataFrame, service_policy: Policy
) -> None:
    accept(lambda text: True)
    run = begin()
    explain(run, open_model=recording(tmp_path / "ledger"))
    best = explained_pairs(service_policy, matches, 10).sort("value").head(SHARE)
    pairs = ["category", "user_a", "user_b"]
    written = read(run).filter(origin="model").select(pairs)
    assert sorted(written.rows()) == sorted(best.select(pairs).rows())


def test_an_engine_that_dies_twice_leaves_the_rest_to_the_template(
    begin: Begin, accept: Accept, tmp_path: Path
) -> None:
    accept(lambda text: True)
    run = begin(chunk=3)
    explain(run, open_model=recording(tmp_path / "ledger", dies=[5, 8]))
    figures, frame = run.result(ExplainResult), read(run)
    assert "killed by signal 9" in figures.generator_failed
    assert figures.engine_restarts == 1
    assert 0 < figures.accepted < SHARE
    assert frame.filter(fallback="engine_failed").height == SHARE - figures.accepted
    again = begin("b", chunk=3)
    explain(again, open_model=recording(tmp_path / "ledger"))
    assert again.result(ExplainResult).accepted == SHARE - figures.accepted


def test_prompts_too_long_are_cut_at_the_bio_or_quarantined(
    begin: Begin, accept: Accept, tmp_path: Path
) -> None:
    accept(lambda text: True)
    run = begin(max_tokens=32, max_model_len=256)
    explain(run, open_model=recording(tmp_path / "ledger", room=0))
    figures = run.result(ExplainResult)
    assert (figures.candidates, figures.bios_cut) == (0, SHARE)
    assert figures.left_to_template["too_long"] == SHARE
    assert read(run).filter(fallback="too_long").height == SHARE
    again = begin("b", max_tokens=32, max_model_len=256)
    explain(again, open_model=no_engine)
    assert read(again).equals(read(run))


@pytest.fixture
def content_key(service_policy: Policy, profiles: pl.DataFrame) -> Callable[..., str]:
    """The content hash of one text, with changed settings."""

    def key(model: str = "m", frame: pl.DataFrame = profiles, **changed: object) -> str:
        settings = ExplanationSettings().model_copy(update=changed)
        a, b = frame["user_id"].to_list()[:2]
        return TaskContext(service_policy, settings, frame, model).model_key(
            Task("friend", a, b, "en")
        )

    return key


@pytest.mark.parametrize(
    "changed",
    [
        {"model": "other"}, {"temperature": 0.5}, {"retry_temperature": 0.9}, {"max_tokens": 99},
        {"max_model_len": 999}, {"seed": 1}, {"dtype": "bfloat16"}, {"quantization": "awq"},
        {"load_format": "dummy"}, {"engine": {"kv_cache_dtype": "fp8"}},
    ],
)  # fmt: skip
def test_whatever_decides_a_text_is_in_its_hash(
    content_key: Callable[..., str], changed: dict[str, Any]
) -> None:
    assert content_key(**changed) != content_key()


def test_how_much_is_written_where_is_not_in_the_hash(
    content_key: Callable[..., str], profiles: pl.DataFrame
) -> None:
    changed = {"budget": 9, "top": 3, "chunk": 5, "retries": 4, "tensor_parallel_size": 2}
    assert (
        content_key(**changed)
        == content_key(gpu_memory_utilization=0.5, languages=("en", "ko"))
        == content_key()
    )
    assert content_key(frame=profiles.with_columns(bio=pl.lit("other"))) != content_key()


def test_a_pair_in_two_top_lists_is_worth_more(service_policy: Policy) -> None:
    rows = [
        ("friend", 1, 2, 2, 0.5), ("friend", 2, 2, 1, 0.5),
        ("friend", 3, 1, 4, 0.6), ("friend", 4, 9, 3, 0.6),
        ("friend", 5, 2, 6, 0.9), ("friend", 6, 3, 5, 0.9),
        ("friend", 7, 3, 8, 0.1), ("friend", 8, 9, 7, 0.1),
    ]  # fmt: skip
    names = ["category", "user_id", "rank", "other_id", "mutual"]
    pairs = explained_pairs(service_policy, pl.DataFrame(rows, schema=names, orient="row"), top=3)
    assert pairs.sort("value")["user_a"].to_list() == [3, 1, 5, 7]
