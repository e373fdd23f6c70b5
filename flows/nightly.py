"""The whole night as a flow: profiles in, a published snapshot out."""

from __future__ import annotations

from prefect import State, flow

from flows.parameters import ProfileOptions
from flows.run import run_stages
from stages.nightly import NIGHTLY


@flow(name="nightly", persist_result=False)
def nightly(options: ProfileOptions) -> State:
    """Run the whole night: profiles, vectors, matches, explanations, published snapshot.

    Args:
        options: What to work on; left as it is, the service's own profiles and home.
    """
    return run_stages(NIGHTLY, options)
