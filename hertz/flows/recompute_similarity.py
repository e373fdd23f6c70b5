"""The flow that matches all users and publishes, without starting a language model."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.server.automations import request_explanations
from hertz.flows.support.parameters import RecomputeOptions
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import RECOMPUTE_FULLY, RECOMPUTE_ONLY


@flow(name="recompute-similarity", persist_result=False)
def recompute_similarity(options: RecomputeOptions) -> State:
    """Matches and publishes; explanations are reused or come from the template voice.

    Args:
        options: Profiles, home and policy file; by default those of hertz.toml.
    """
    state = run_stages(RECOMPUTE_FULLY if options.full else RECOMPUTE_ONLY, options)
    if state.is_completed() and options.explained_next:
        request_explanations()
    return state
