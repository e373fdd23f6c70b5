"""Fault points: an unknown name is refused, and each point is in the code and in a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hertz.core.errors import HertzError
from hertz.core.faults import POINTS, VARIABLE, fault_point
from tests.faults import kill_at, run_python
from tests.nights import ROOT

PROGRAM = """
from hertz.core.faults import fault_point
for _ in range(3):
    fault_point("intake.before_commit")
    print("passed", flush=True)
"""


@pytest.mark.parametrize("wanted", ["publish.before_curent", "intake.before_commit:x", ":2"])
def test_an_unknown_name_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setenv(VARIABLE, wanted)
    with pytest.raises(HertzError, match=f"^HERTZ_FAULT = '{wanted}': no such fault") as caught:
        fault_point("intake.before_commit")
    assert "\n" not in str(caught.value)
    assert "snapshot.before_current" in str(caught.value)


def test_the_command_line_prints_that_line_alone(tmp_path: Path) -> None:
    code = "from hertz.cli.main import main; main()"
    ended = run_python(code, "cleanup", "--home", tmp_path, fault="nonsense")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("hertz: HERTZ_FAULT = 'nonsense': no such fault point; accepted: ")


def test_the_process_dies_at_the_visit_that_is_named() -> None:
    kill_at("intake.before_commit", PROGRAM)
    kill_at("intake.before_commit:3", PROGRAM)
    assert run_python(PROGRAM, fault="intake.before_commit:4").stdout.split() == ["passed"] * 3
    assert run_python(PROGRAM, fault="intake.after_commit").stdout.split() == ["passed"] * 3
    assert run_python(PROGRAM).stdout.split() == ["passed"] * 3


def test_every_point_is_in_the_code_once_and_in_a_test() -> None:
    source = "".join(path.read_text("utf-8") for path in sorted((ROOT / "hertz").rglob("*.py")))
    assert sorted(re.findall(r'fault_point\("([a-z._]+)"\)', source)) == sorted(POINTS)
    others = set((ROOT / "tests").rglob("test_*.py")) - {Path(__file__)}
    tests = "".join(path.read_text("utf-8") for path in others)
    assert [point for point in POINTS if point not in tests] == []
