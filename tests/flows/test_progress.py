"""Artifacts of a run in the UI: its report, and progress bars that never stop a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from hertz.flows.support.artifacts import ProgressBars, report, whole_report
from hertz.policy.model import Policy
from hertz.stages.prepare import prepare
from hertz.stages.publish import publish_run
from hertz.stages.run import Run, open_run
from hertz.storage.settings import Settings, StorageSettings
from hertz.storage.snapshot.stage_results import EmbedResult, PrepareResult, RecomputeResult
from tests.api.profiles import profile
from tests.stages.small_nights import finish, small_settings, write_source


def test_the_report_has_the_counts_and_seconds_of_each_stage(service_policy: Policy) -> None:
    settings = Settings(policy=service_policy, storage=StorageSettings(home=Path("data")))
    run = Run("20261122T170000Z-1a2b", settings, Path("data"))
    run.record(PrepareResult(seconds=0.26, users=2000, quarantined=3))
    identity = {"dtype": "float32"}
    run.record(
        EmbedResult(seconds=0.04, model="e5", model_identity=identity, texts=5000, encoded=0)
    )
    run.record(
        RecomputeResult(
            seconds=9.5,
            path="full",
            why="requested",
            scores_version=2,
            device="cpu",
            eligible_pairs={},
            scored_pairs={},
            matches={"friend": 70_000, "couple": 1000},
        )
    )
    assert report(run).splitlines() == [
        "# Run 20261122T170000Z-1a2b",
        "",
        "| stage | seconds | |",
        "|:--|--:|:--|",
        "| prepare | 0.3 | users: 2,000; quarantined: 3; intake sequence: 0; intake profiles: 0; "
        "intake removed: 0; intake blocks: 0 |",
        "| embed | 0.0 | model: e5; texts: 5,000; encoded: 0 |",
        "| recompute | 9.5 | path: full; why: requested; scores version: 2; device: cpu; "
        "matches: friend 70,000, couple 1,000 |",
        "| **all** | **9.8** | |",
        "",
        "In `data`.",
    ]


def test_a_published_run_s_report_has_its_quality_and_names_its_page(
    tmp_path: Path, service_policy: Policy
) -> None:
    rows = [profile(user) for user in range(987_654_301, 987_654_313)]
    source = write_source(tmp_path / "source.jsonl", rows)
    with open_run(small_settings(tmp_path / "home", source, service_policy)) as run:
        prepare(run)
        finish(run)
        snapshot = publish_run(run)
    shown = whole_report(run)
    assert shown.startswith(report(run))
    assert "| – | List churn" in shown
    assert f"`{snapshot / 'report.html'}`" in shown
    assert "98765" not in shown, "what Prefect keeps, no one can erase"


@pytest.mark.filterwarnings("ignore:Artifact creation outside of a flow:FutureWarning")
def test_bars_give_up_with_one_warning_if_no_server_answers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nowhere = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    bars = ProgressBars()
    with temporary_settings(nowhere):
        bars("scoring pairs", 1, 2)
        bars("scoring pairs", 2, 2)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
