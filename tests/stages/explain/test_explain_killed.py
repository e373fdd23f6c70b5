"""After a kill at any moment, at most one chunk is written twice and nothing is published."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest

from hertz.cli.sample.sample import make_sample
from hertz.policy.model import Policy
from hertz.policy.profiles import validate_profiles
from hertz.storage.snapshot.snapshots import corrupt_files, published_snapshot
from tests.explanations.recorded import paid
from tests.faults import kill_at, run_python
from tests.stages.explain.explaining import matches_by_facts, model_folder
from tests.stages.explain.killable_night import night

KILLS, SHARE, CHUNK = 10, 300, 24
MOMENTS = ("explain.before_send", "explain.before_keep", "explain.after_keep")
NIGHT = "from tests.stages.explain.killable_night import main; main()"

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, service_policy: Policy) -> Path:
    """A folder with profiles, matches, a model, and a home with a published run of the template."""
    profiles = validate_profiles(service_policy, make_sample(60, 11, service_policy)).profiles
    profiles.write_parquet(tmp_path / "users.parquet")
    matches_by_facts(service_policy, profiles).write_parquet(tmp_path / "matches.parquet")
    model_folder(tmp_path / "model")
    (tmp_path / "home" / "snapshots").mkdir(parents=True)
    night(tmp_path, generate=False)
    return tmp_path


def test_ten_kills_cost_a_chunk_each_at_most_and_nothing_published(folder: Path) -> None:
    rng, ledger, home = random.Random(4), folder / "ledger", folder / "home"
    before = published_snapshot(home)
    for _ in range(KILLS):
        # An engine that outlived the run would go on paying: `kill_at` waits for its end as well.
        kill_at(f"{rng.choice(MOMENTS)}:{rng.randint(1, 5)}", NIGHT, folder, SHARE, CHUNK)
        assert published_snapshot(home) == before
        assert corrupt_files(before) == []
    unfinished = len(paid(ledger))
    assert run_python(NIGHT, folder, SHARE, CHUNK).returncode == 0
    assert len(set(paid(ledger))) == SHARE
    assert unfinished < len(paid(ledger)) <= SHARE + KILLS * CHUNK
    after = published_snapshot(home)
    assert after != before
    models = pl.read_parquet(after / "explanations.parquet").filter(origin="model")
    assert SHARE / 3 < len(models) < SHARE * 2 / 3

    total = len(paid(ledger))
    assert run_python(NIGHT, folder, SHARE, CHUNK).returncode == 0
    assert len(paid(ledger)) == total  # nothing has changed: nothing is asked
    again = pl.read_parquet(published_snapshot(home) / "explanations.parquet")
    assert again.equals(pl.read_parquet(after / "explanations.parquet"))
