"""The flow that brings the intake's events into the published lists within seconds."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import ProfileOptions
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import ON_DEMAND


@flow(name="on-demand", persist_result=False)
def on_demand(options: ProfileOptions) -> State:
    """Brings new and changed users into the lists and publishes; no language model is started.

    Args:
        options: Profiles, home and policy file; by default those of hertz.toml.
    """
    return run_stages(ON_DEMAND, options)
