"""The flow that switches to another embedding model."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import ProfileOptions
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import RE_EMBED


@flow(name="re-embed", persist_result=False)
def re_embed(options: ProfileOptions) -> State:
    """Encodes and matches all users with the configured embedding model, and publishes.

    Args:
        options: Profiles, home and policy file; by default those of hertz.toml.
    """
    return run_stages(RE_EMBED, options)
