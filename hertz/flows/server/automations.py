"""Two automations of the Prefect server: explain recomputed matches, and end lost runs.

An existing automation is updated, and stays off if someone switched it off in the UI.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.context import FlowRunContext
from prefect.events import emit_event
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

TO_EXPLAIN = "hertz.to-explain"  # the event that starts generate-explanations
EXPLANATIONS = "hertz: explain after recompute-similarity"
LOST_RUNS = "hertz: end runs without a heartbeat"
SECONDS_OF_SILENCE = 540  # three heartbeats
PROGRESS = {f"prefect.flow-run.{name}" for name in ("Pending", "Running", "heartbeat")}
RUN = {"prefect.resource.id": "prefect.flow-run.*"}


def create_automations() -> None:
    """Creates the automations, or updates them."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("generate-explanations/generate-explanations")
        for automation in (explain_after_recompute(deployment.id), end_lost_runs()):
            _create_or_update(client, automation)


def explain_after_recompute(deployment: UUID) -> AutomationCore:
    """Describes the automation that explains what a run has recomputed.

    The event TO_EXPLAIN of a flow run starts generate-explanations on the same home. A tag of the
    run could not be used: Prefect's events have the tags that a run had at its start.
    """
    option = "{{ flow_run.parameters.options.%s | default('%s') }}"
    options = {"policy": option % ("policy", "hertz.toml"), "home": option % ("home", "")}
    return AutomationCore(
        name=EXPLANATIONS,
        description="Switch it off here, or for one run in its form (Then explain).",
        trigger=EventTrigger(match=RUN, expect={TO_EXPLAIN}, posture=Posture.Reactive, threshold=1),
        actions=[RunDeployment(deployment_id=deployment, parameters={"options": options})],
    )


def end_lost_runs() -> AutomationCore:
    """Describes the automation that marks a run without a heartbeat as crashed."""
    return AutomationCore(
        name=LOST_RUNS,
        description="A run whose machine or worker died does not block its queue.",
        trigger=EventTrigger(
            match=RUN,
            after=PROGRESS,
            expect={"prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=SECONDS_OF_SILENCE),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"No heartbeat for {SECONDS_OF_SILENCE} s: its worker or machine died.",
            )
        ],
    )


def request_explanations() -> None:
    """Emits the event TO_EXPLAIN of the current flow run."""
    context = FlowRunContext.get()
    if context and context.flow_run:
        run = context.flow_run
        resource = {"prefect.resource.id": f"prefect.flow-run.{run.id}"}
        emit_event(TO_EXPLAIN, resource | {"prefect.resource.name": run.name})


def _create_or_update(client: SyncPrefectClient, automation: AutomationCore) -> None:
    """Writes an automation to the server; an existing one keeps its switch."""
    existing = client.read_automations_by_name(automation.name)
    if not existing:
        client.create_automation(automation)
        return
    values = automation.model_dump(mode="json", exclude={"owner_resource"})  # not accepted back
    values["enabled"] = existing[0].enabled
    client.update_automation(existing[0].id, AutomationCore.model_validate(values))
