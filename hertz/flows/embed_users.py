"""The flow that encodes new and changed profiles and publishes nothing."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import ProfileOptions
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import EMBED_ONLY


@flow(name="embed-users", persist_result=False)
def embed_users(options: ProfileOptions) -> State:
    """Encodes the texts of new and changed profiles, which saves the next night the work.

    Args:
        options: Profiles, home and policy file; by default those of hertz.toml.
    """
    return run_stages(EMBED_ONLY, options)
