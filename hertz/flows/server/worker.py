"""The worker of compose.yaml: the only one of its pool, in a container of its own.

    python -m hertz.flows.server.worker

Runs die with their container: they are marked as crashed first, so that the next starts at once.
"""

from __future__ import annotations

import os
import sys

from hertz.flows.server.pool_name import POOL
from hertz.flows.server.work_pool import end_lost_runs

if __name__ == "__main__":
    end_lost_runs()
    worker = ["prefect", "worker", "start", "--pool", POOL, "--with-healthcheck"]
    os.execv(sys.executable, [sys.executable, "-m", *worker])
