"""The flow of a whole night: reads the profiles, publishes a snapshot."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import NightOptions, Voice
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import NIGHTLY, NIGHTLY_FULLY, RECOMPUTE_FULLY, RECOMPUTE_ONLY


@flow(name="nightly", persist_result=False)
def nightly(options: NightOptions) -> State:
    """Runs the whole night: embeds, matches, explains and publishes a snapshot.

    Args:
        options: Profiles, home and policy file; by default those of hertz.toml.
    """
    if options.explanations is Voice.TEMPLATE:
        return run_stages(RECOMPUTE_FULLY if options.full else RECOMPUTE_ONLY, options)
    return run_stages(NIGHTLY_FULLY if options.full else NIGHTLY, options)
