"""Runs Python programs that a fault point kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from hertz.core.faults import VARIABLE
from tests.nights import ROOT

LONGEST = 300  # seconds; a process that the program leaves behind fails the test


def run_python(code: str, *arguments: object, fault: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a program from the repository's root until it and all processes it started have ended.

    Args:
        code: The program, as for `python -c`.
        arguments: Its command line.
        fault: Value of HERTZ_FAULT.

    Returns:
        The ended process, with what it wrote.
    """
    command = [sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), VARIABLE: fault}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )


def kill_at(fault: str, code: str, *arguments: object) -> None:
    """Runs a program that the fault point must kill."""
    ended = run_python(code, *arguments, fault=fault)
    assert ended.returncode == -signal.SIGKILL, f"{fault} was not reached\n{ended.stderr}"
