"""What the Prefect server does by itself: explain what was recomputed, and end lost runs.

In: the server that PREFECT_API_URL names, with the deployments of prefect.yaml. Out: two
automations, by name. One that is there is brought up to date, and stays off where someone switched
it off (Automations in the UI).
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

TO_EXPLAIN = "hertz.to-explain"  # the event that generate-explanations follows
EXPLANATIONS = "hertz: explain after recompute-similarity"
LOST_RUNS = "hertz: end runs without a heartbeat"
SECONDS_OF_SILENCE = 540  # three heartbeats
PROGRESS = {f"prefect.flow-run.{name}" for name in ("Pending", "Running", "heartbeat")}
RUN = {"prefect.resource.id": "prefect.flow-run.*"}


def create_automations() -> None:
    """Create the automations, or bring them up to date."""
    with get_client(sync_client=True) as client:
        deployment = client.read_deployment_by_name("generate-explanations/generate-explanations")
        for wanted in (explain_after_recompute(deployment.id), end_lost_runs()):
            _put(client, wanted)


def explain_after_recompute(deployment: UUID) -> AutomationCore:
    """The event TO_EXPLAIN of a flow run starts generate-explanations on that run's home.

    It cannot go round in circles: only recompute-similarity emits it. (A tag would not do: the
    server tells events the tags that a run had at its start.)
    """
    same = "{{ flow_run.parameters.options.%s | default('%s') }}"
    options = {"policy": same % ("policy", "hertz.toml"), "home": same % ("home", "")}
    return AutomationCore(
        name=EXPLANATIONS,
        description="Switch it off here, or for one run in its form (Then explain).",
        trigger=EventTrigger(
            match=RUN,
            expect={TO_EXPLAIN},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[
            RunDeployment(
                source="selected", deployment_id=deployment, parameters={"options": options}
            )
        ],
    )


def end_lost_runs() -> AutomationCore:
    """A run that is silent for SECONDS_OF_SILENCE is marked as crashed, and frees its place."""
    return AutomationCore(
        name=LOST_RUNS,
        description="A run whose machine or worker died does not hold up those that wait.",
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
                message=f"No sign of life for {SECONDS_OF_SILENCE} s: its worker or machine died.",
            )
        ],
    )


def ask_for_explanations() -> None:
    """Emit TO_EXPLAIN for the flow run in progress."""
    context = FlowRunContext.get()
    if context and context.flow_run:
        run = context.flow_run
        resource = {"prefect.resource.id": f"prefect.flow-run.{run.id}"}
        emit_event(TO_EXPLAIN, resource | {"prefect.resource.name": run.name})


def _put(client: SyncPrefectClient, wanted: AutomationCore) -> None:
    known = client.read_automations_by_name(wanted.name)
    if not known:
        client.create_automation(wanted)
    else:
        told = wanted.model_dump(mode="json", exclude={"owner_resource"})  # else it is refused
        whole = told | {"enabled": known[0].enabled}
        client.update_automation(known[0].id, AutomationCore.model_validate(whole))
