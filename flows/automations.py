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
from prefect.events.actions import ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

THEN_EXPLAIN = "then-explain"  # the tag of a run that is to be followed by generate-explanations
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
    """A completed run with the tag THEN_EXPLAIN starts generate-explanations on its own home.

    It cannot go round in circles: only recompute-similarity sets the tag.
    """
    same = "{{ flow_run.parameters.options.%s | default('%s') }}"
    options = {"policy": same % ("policy", "hertz.toml"), "home": same % ("home", "")}
    return AutomationCore(
        name=EXPLANATIONS,
        description="Switch it off here, or for one run in its form (Then explain).",
        trigger=EventTrigger(
            match=RUN,
            match_related={
                "prefect.resource.role": "tag",
                "prefect.resource.id": f"prefect.tag.{THEN_EXPLAIN}",
            },
            expect={"prefect.flow-run.Completed"},
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


def _put(client: SyncPrefectClient, wanted: AutomationCore) -> None:
    known = client.read_automations_by_name(wanted.name)
    if not known:
        client.create_automation(wanted)
    else:
        whole = wanted.model_dump(mode="json") | {"enabled": known[0].enabled}
        client.update_automation(known[0].id, AutomationCore.model_validate(whole))
