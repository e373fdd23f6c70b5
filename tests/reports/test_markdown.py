"""The report in Prefect: the same figures, nobody named, nothing of the source as markup."""

from __future__ import annotations

import re

import pytest

from hertz.policy.model import Policy
from hertz.reports.markdown import render_markdown
from tests.reports.figures import HOSTILE, runs_of, synthetic_run


@pytest.fixture(scope="module")
def report(service_policy: Policy) -> str:
    manifest = synthetic_run(service_policy)
    return render_markdown(manifest, runs_of(manifest)[:-1])


def test_no_user_is_named(report: str) -> None:
    assert re.findall(r"9876543\d\d", report) == []


def test_every_table_is_one(report: str) -> None:
    blocks = re.findall(r"(?:^\|.*\n?)+", report, re.MULTILINE)
    assert len(blocks) > 1
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_the_gate_s_verdicts_and_their_notes_are_shown(report: str) -> None:
    assert "| ✗ | Grounded model texts" in report
    assert "at least 20.0 %" in report
    assert "look at the failed checks" in report


def test_nothing_of_the_source_is_markup(report: str) -> None:
    assert HOSTILE not in report
    assert "<" not in report


def test_a_first_run_is_shown_too(service_policy: Policy) -> None:
    manifest = synthetic_run(service_policy, first=True)
    assert "no snapshot was published before" in render_markdown(manifest, [])
