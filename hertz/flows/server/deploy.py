"""Registers pool, queues, deployments and automations on the server that PREFECT_API_URL names.

    python -m hertz.flows.server.deploy

It can be run again at any time: schedules and automations that someone switched off stay off.
"""

from __future__ import annotations

import subprocess
import sys

from hertz.flows.server.automations import create_automations
from hertz.flows.server.supervision import StartError
from hertz.flows.server.work_pool import create_pool


def deploy() -> None:
    """Registers everything.

    Raises:
        StartError: Prefect refused prefect.yaml; the message quotes its reason.
    """
    create_pool()
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        message = f"prefect.yaml could not be deployed:\n{done.stdout}{done.stderr}"
        raise StartError(message)
    create_automations()


if __name__ == "__main__":
    deploy()
