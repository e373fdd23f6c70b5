"""The worker of a server (compose.yaml): the only one of its pool, in a container of its own.

    python -m flows.worker

In: the server that PREFECT_API_URL names. A container that dies takes its runs with it; those are
ended first, so that the next one starts at once. Then this process is Prefect's worker.
"""

from __future__ import annotations

import os
import sys

from flows.pool import end_lost_runs
from flows.start import POOL

if __name__ == "__main__":
    end_lost_runs()
    worker = ["prefect", "worker", "start", "--pool", POOL, "--with-healthcheck"]
    os.execv(sys.executable, [sys.executable, "-m", *worker])
