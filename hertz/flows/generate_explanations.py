"""The flow that explains the published matches anew and publishes."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import ExplainOptions
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import EXPLAIN_ONLY


@flow(name="generate-explanations", persist_result=False)
def generate_explanations(options: ExplainOptions) -> State:
    """Explain the published matches with the language model, and publish.

    Args:
        options: What to work on; left as it is, the service's own home.
    """
    return run_stages(EXPLAIN_ONLY, options)
