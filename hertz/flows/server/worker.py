"""The worker of a server (compose.yaml): the only one of its pool, in a container of its own.

    python -m hertz.flows.server.worker

In: the server that PREFECT_API_URL names. A container that dies takes its runs with it; those are
ended first, so that the next one starts at once. Then this process is Prefect's worker.
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
