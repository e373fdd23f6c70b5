"""The whole night as a flow: profiles in, a published snapshot out."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import NightOptions, Voice
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import NIGHTLY, NIGHTLY_FULLY, RECOMPUTE_FULLY, RECOMPUTE_ONLY


@flow(name="nightly", persist_result=False)
def nightly(options: NightOptions) -> State:
    """Run the whole night: profiles, vectors, matches, explanations, published snapshot.

    Args:
        options: What to work on; left as it is, the service's own profiles and home.
    """
    if options.explanations is Voice.TEMPLATE:
        return run_stages(RECOMPUTE_FULLY if options.full else RECOMPUTE_ONLY, options)
    return run_stages(NIGHTLY_FULLY if options.full else NIGHTLY, options)
