"""Pool, queues, deployments and automations, on the server that PREFECT_API_URL names.

    python -m hertz.flows.server.deploy

May be run again at any time: what someone paused or switched off stays so. `make prefect` does it
at each start, compose.yaml's service `deploy` once.
"""

from __future__ import annotations

import subprocess
import sys

from hertz.flows.server.automations import create_automations
from hertz.flows.server.work_pool import create_pool


class DeployError(Exception):
    """Why the deployments could not be registered."""


def deploy() -> None:
    """Register everything.

    Raises:
        DeployError: With what Prefect said.
    """
    create_pool()
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        message = f"prefect.yaml could not be deployed:\n{done.stdout}{done.stderr}"
        raise DeployError(message)
    create_automations()


if __name__ == "__main__":
    deploy()
