"""Formats log records: one JSON object a line for programs, short lines for people.

Lines are JSON if stderr is not a terminal, unless HERTZ_LOG is set to `json` or `text`. An error is
logged by its type and place, never by its message, which may quote a profile.
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
ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
_run = [""]  # one for the process, which runs one run at a time


def set_run(run_id: str) -> None:
    """Sets the id of the run that all further lines carry; "" for none."""
    _run[0] = run_id


def wants_json() -> bool:
    """Returns whether lines are JSON: by HERTZ_LOG, else if stderr is not a terminal."""
    chosen = os.environ.get("HERTZ_LOG", "").lower()
    return chosen == "json" or (chosen != "text" and not sys.stderr.isatty())


def configure_logging() -> None:
    """Sets up the logs of the command line: from INFO for Hertz if lines are JSON, else WARNING."""
    handler = logging.StreamHandler()
    as_json = wants_json()
    handler.setFormatter(JsonFormatter() if as_json else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in OURS if as_json else ():
        logging.getLogger(name).setLevel(logging.INFO)


class LineHandler(logging.StreamHandler):  # type: ignore[type-arg]  # no subscript at run time
    """Writes lines to a stream like Prefect's handler, but outlives the stream's reader."""

    def __init__(self, stream: TextIO | None = None, **_: object) -> None:
        super().__init__(stream)  # the other arguments choose colors

    def handleError(self, record: logging.LogRecord) -> None:
        """Drops a line that cannot be written; Prefect's server has it."""


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object: time, level, logger, message, and the run if any."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()  # logging's configuration passes a format, which is not used

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line, without a line break."""
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
    """Formats a record as a line for people."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")

    def formatException(self, ei: ExcInfo) -> str:
        """Returns the place of the error; see `place_of`."""
        return place_of(ei)


def place_of(error: ExcInfo) -> str:
    """Returns an error's type, and file and line of the innermost call."""
    kind, _, trace = error
    frames = traceback.extract_tb(trace)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    return f"{kind.__name__ if kind else 'error'} at {place}"
