"""The flow that takes a new embedding model into use: everyone encoded, matched and published."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import ProfileOptions
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import RE_EMBED


@flow(name="re-embed", persist_result=False)
def re_embed(options: ProfileOptions) -> State:
    """Encode everyone with the embedding model now configured, match anew and publish.

    Args:
        options: What to work on; left as it is, the service's own profiles and home.
    """
    return run_stages(RE_EMBED, options)
