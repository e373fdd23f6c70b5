"""The flow that publishes an older snapshot again; it does not wait for other runs."""

from __future__ import annotations

from prefect import State, flow
from prefect.states import Completed, Failed

from hertz.core.errors import HertzError
from hertz.flows.support.parameters import RollbackOptions
from hertz.flows.support.run_stages import name_flow_run, without_error_values
from hertz.storage.snapshot.snapshots import rollback as publish_older


@flow(name="rollback", persist_result=False)
def rollback(options: RollbackOptions) -> State:
    """Publishes an older snapshot again; a running API follows within a second.

    Args:
        options: Home, and the snapshot to publish; by default the one before the published one.
    """
    try:
        with without_error_values():
            settings = options.settings()
            snapshot = publish_older(settings.home, options.run_id or None)
    except HertzError as error:
        return Failed(message=str(error))
    name_flow_run(snapshot.name)
    return Completed(message=f"published again: {snapshot.name}, home {settings.home}")
