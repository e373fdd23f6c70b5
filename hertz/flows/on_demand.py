"""What was sent to the intake, brought into the lists within seconds, as a flow."""

from __future__ import annotations

from prefect import State, flow

from hertz.flows.support.parameters import ProfileOptions
from hertz.flows.support.run_stages import run_stages
from hertz.stages.nightly import ON_DEMAND


@flow(name="on-demand", persist_result=False)
def on_demand(options: ProfileOptions) -> State:
    """Bring new and changed users into the lists and publish; no language model is started.

    Args:
        options: What to work on; left as it is, the service's own profiles and home.
    """
    return run_stages(ON_DEMAND, options)
