"""Logs for machines: one JSON object a line, with the run's id. For people: short lines.

In: log records. Out: lines on stderr, JSON where stderr is no terminal. HERTZ_LOG=json or text
says otherwise. An error is told by its type and place, never by its message, which may quote a
profile.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

import orjson

OURS = ("hertz",)
_Error = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_run = [""]  # one a process: a run holds the home


def set_run(run_id: str) -> None:
    """Name the run that every line from now on belongs to; "" for none."""
    _run[0] = run_id


def wants_json() -> bool:
    """Whether lines are to be JSON: HERTZ_LOG says so, or stderr is no terminal."""
    chosen = os.environ.get("HERTZ_LOG", "").lower()
    return chosen == "json" or (chosen != "text" and not sys.stderr.isatty())


def configure_logging() -> None:
    """Set up the logs of the command line: INFO of our own packages where lines are JSON."""
    handler = logging.StreamHandler()
    as_json = wants_json()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS if as_json else ():
        logging.getLogger(name).setLevel(logging.INFO)


class LineHandler(logging.StreamHandler):  # type: ignore[type-arg]  # no subscript at run time
    """Writes lines to a stream, and goes on without it when whoever reads it has died.

    In the place of Prefect's own, which ends the run then: a run is to outlive its worker.
    """

    def __init__(self, stream: TextIO | None = None, **_: object) -> None:
        super().__init__(stream)  # the rest is for colors

    def handleError(self, record: logging.LogRecord) -> None:
        """A line that cannot be written is lost; the server has it."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and run where there is one."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()  # logging's own configuration hands over a format, which is not used

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if _run[0]:
            line["run"] = _run[0]
        if flow_run := getattr(record, "flow_run_id", None):
            line["flow_run"] = str(flow_run)
        if record.exc_info:
            line["error"] = place_of(record.exc_info)
        return orjson.dumps(line).decode()


class TextFormatter(logging.Formatter):
    """A line for people."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatException(self, ei: _Error) -> str:
        """The error's type, and file and line of the innermost call."""
        return place_of(ei)


def place_of(error: _Error) -> str:
    """An error by its type, and file and line of the innermost call."""
    kind, _, trace = error
    frames = traceback.extract_tb(trace)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{kind.__name__ if kind else 'error'} at {place}"
