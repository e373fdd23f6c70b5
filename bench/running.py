"""Runs the installed `hertz`: its commands on a home, and its server during a measurement."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from api_world import ROOT

PORT = 8798
URL = f"http://127.0.0.1:{PORT}"


def hertz(home: Path, *command: str) -> str:
    """Runs a command on a home; returns what it prints."""
    words = _command(home, *command)
    done = subprocess.run(words, env=_environment(), check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


@contextmanager
def served(home: Path) -> Iterator[None]:
    """Serves a home at URL while the block runs."""
    command = _command(home, "serve", "--port", str(PORT))
    process = subprocess.Popen(command, env=_environment(), stderr=subprocess.DEVNULL)
    try:
        answer("/ready", 60)
        yield
    finally:
        process.terminate()
        process.wait()


def answer(path: str, seconds: float) -> httpx.Response:
    """Returns the first answer to a path that is neither an error nor "pending".

    Raises:
        TimeoutError: If there is none within the seconds.
    """
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        try:
            found = httpx.get(f"{URL}{path}")
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        if found.is_success and "PENDING" not in found.text:
            return found
        time.sleep(0.02)
    message = f"no answer to {path} in {seconds} s"
    raise TimeoutError(message)


def _command(home: Path, *command: str) -> list[str]:
    """Returns the command line of the installed program."""
    program = str(Path(sys.executable).with_name("hertz"))
    return [program, *command, "--home", str(home), "--policy", str(ROOT / "hertz.toml")]


def _environment() -> dict[str, str]:
    """Returns this process's environment with the repository on Python's path."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}
