"""What a run shows in the UI: its closing table, and bars that never stop a night."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.progress import ProgressBars, report
from matching.policy import Policy
from stages.run import Run
from storage.settings import Settings, StorageSettings


def test_the_report_has_the_counts_and_seconds_of_each_stage(service_policy: Policy) -> None:
    settings = Settings(policy=service_policy, storage=StorageSettings(home=Path("data")))
    stages = {
        "prepare": {"seconds": 0.26, "users": 2000, "ignored_columns": []},
        "embed": {"seconds": 0.04, "model": "e5", "model_identity": {"dtype": "float32"}},
        "recompute": {
            "seconds": 9.5,
            "device": "cpu",
            "matches": {"friend": 70000, "couple": 1000},
        },
    }
    assert report(Run("20261122T170000Z-1a2b", settings, Path("data"), stages)).splitlines() == [
        "# Run 20261122T170000Z-1a2b",
        "",
        "| stage | seconds | |",
        "|:--|--:|:--|",
        "| prepare | 0.3 | users: 2,000 |",
        "| embed | 0.0 | model: e5 |",
        "| recompute | 9.5 | device: cpu; matches: friend 70,000, couple 1,000 |",
        "| **all** | **9.8** | |",
        "",
        "In `data`.",
    ]


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
