"""Tests the format of log lines."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from contextlib import suppress

import pytest

from hertz.core.logs import JsonFormatter, LineHandler, TextFormatter, set_run, wants_json
from tests.nights import ROOT


def line(error: bool = False) -> logging.LogRecord:
    record = logging.LogRecord(
        "hertz.stages.run", logging.INFO, "x.py", 1, "run %s: %d", ("a", 3), None
    )
    if error:
        try:
            raise ValueError("한국어 bio of somebody")  # noqa: EM101
        except ValueError:
            record.exc_info = sys.exc_info()
    return record


def test_a_line_is_one_json_object_with_the_run() -> None:
    set_run("20261122T170000Z-1a2b")
    entry = json.loads(JsonFormatter().format(line()))
    set_run("")
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "level": "info",
        "logger": "hertz.stages.run",
        "message": "run a: 3",
        "run": "20261122T170000Z-1a2b",
    }
    assert "run" not in json.loads(JsonFormatter().format(line()))


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_an_error_is_logged_by_type_and_place_alone(formatter: logging.Formatter) -> None:
    text = formatter.format(line(error=True))
    assert "ValueError at test_logs.py:" in text
    assert "somebody" not in text


def test_a_line_for_a_reader_that_has_died_is_dropped(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w", encoding="utf-8")
    LineHandler(stream).emit(line())
    with suppress(BrokenPipeError):
        stream.close()
    assert capsys.readouterr().err == ""  # logging's own handler prints a traceback


def test_the_environment_chooses_and_a_pipe_gets_json(monkeypatch: pytest.MonkeyPatch) -> None:
    for chosen, expected in (("json", True), ("text", False), ("", True)):
        monkeypatch.setenv("HERTZ_LOG", chosen)
        assert wants_json() is expected


def test_a_command_that_is_piped_logs_json_lines_and_shows_no_progress() -> None:
    code = (
        "import logging; from hertz.core.logs import configure_logging; configure_logging();"
        "from hertz.cli.progress import progress_bars\n"
        "with progress_bars() as report: report('encoding texts', 1, 1)\n"
        "logging.getLogger('hertz.stages.run').info('prepare %s', {'users': 3})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    (only,) = done.stderr.splitlines()
    assert json.loads(only)["message"] == "prepare {'users': 3}"
    assert done.stdout == ""
