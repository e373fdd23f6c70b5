"""The flow that explains the published matches and publishes a new snapshot."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import ExplainOptions
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import EXPLAIN_ONLY


@flow(name="generate-explanations", persist_result=False)
def generate_explanations(options: ExplainOptions) -> State:
    """Explains the published matches with the language model and publishes a new snapshot.

    Args:
        options: Home, policy file and pairs for the model; by default those of hertz.toml.
    """
    return run_stages(EXPLAIN_ONLY, options)
