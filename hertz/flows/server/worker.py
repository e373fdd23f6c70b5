"""The worker of compose.yaml: the only one of its pool, in a container of its own.

    python -m hertz.flows.server.worker

In: the server that PREFECT_API_URL names. The runs of a container die with it: they are marked as
crashed first, so that the next run starts at once. Then this process becomes Prefect's worker.
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
