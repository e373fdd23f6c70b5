"""The flow that matches everyone anew and publishes, without starting a language model."""

from __future__ import annotations

from prefect import State, flow

from flows.automations import THEN_EXPLAIN
from flows.parameters import RecomputeOptions
from flows.run import run_stages
from stages.nightly import RECOMPUTE_FULLY, RECOMPUTE_ONLY


@flow(name="recompute-similarity", persist_result=False)
def recompute_similarity(options: RecomputeOptions) -> State:
    """Match and publish; explanations are reused or come from the template voice.

    Args:
        options: What to work on; left as it is, the service's own profiles and home.
    """
    tags = (THEN_EXPLAIN,) if options.explained_next else ()
    return run_stages(RECOMPUTE_FULLY if options.full else RECOMPUTE_ONLY, options, tags)
