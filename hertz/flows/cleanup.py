"""The flow that removes old snapshots and unused vectors."""

from __future__ import annotations

from prefect import State, flow
from prefect.artifacts import create_markdown_artifact
from prefect.states import Completed, Failed

from hertz.core.errors import HertzError
from hertz.flows.support.parameters import CleanupOptions
from hertz.flows.support.run_stages import log_stages, without_error_values
from hertz.flows.support.wait_for_home import once_free
from hertz.stages.cleanup import cleanup as clean_up


@flow(name="cleanup", persist_result=False)
def cleanup(options: CleanupOptions) -> State:
    """Removes snapshots beyond the number kept, and vectors of models no longer in use.

    Args:
        options: Home, and the number of snapshots to keep; by default those of hertz.toml.
    """
    log_stages()
    try:
        with without_error_values():
            settings = options.settings()
            cleaned = once_free(lambda: clean_up(settings, options.keep, options.held))
    except HertzError as error:
        return Failed(message=str(error))
    rows = {"removed": cleaned.removed, "kept": cleaned.kept, "vectors removed": cleaned.vectors}
    lines = [f"- {what}: {', '.join(names) or 'none'}" for what, names in rows.items()]
    create_markdown_artifact("\n".join(["# Cleanup", "", *lines]), "hertz-cleanup", "Cleanup")
    freed = f"{cleaned.freed_bytes / 1e6:,.0f} MB of snapshots"
    return Completed(message=f"{len(cleaned.removed)} removed, {freed}; home {settings.home}")
