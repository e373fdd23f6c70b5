"""Free ports for the servers of tests."""

from __future__ import annotations

import socket


def free_port() -> int:
    """Returns a port of this machine that no program listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
