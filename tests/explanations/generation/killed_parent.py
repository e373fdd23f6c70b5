"""Starts a worker that has a child, prints both process ids, and sleeps until it is killed."""

from __future__ import annotations

import sys

from hertz.explanations.generation.child_process import Worker
from tests.explanations.generation import workers

if __name__ == "__main__":
    worker = Worker(workers.with_child, (), "leaves a child")
    grandchild = worker.start()
    sys.stdout.write(f"{worker.pid} {grandchild}\n")
    sys.stdout.flush()
    sys.stdin.read()
