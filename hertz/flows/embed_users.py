"""The flow that encodes new and changed profiles; publishes nothing."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import ProfileOptions
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import EMBED_ONLY


@flow(name="embed-users", persist_result=False)
def embed_users(options: ProfileOptions) -> State:
    """Encode the texts of new and changed profiles, so that a later night finds them ready.

    Args:
        options: What to work on; left as it is, the service's own profiles and home.
    """
    return run_stages(EMBED_ONLY, options)
