"""The report in Prefect: the same figures, nobody named, nothing of the source as markup."""

from __future__ import annotations

import re

import pytest

from hertz.policy.model import Policy
from hertz.reports.markdown import render_markdown
from tests.reports.figures import HOSTILE, made_up_run, runs_of


@pytest.fixture(scope="module")
def told(service_policy: Policy) -> str:
    manifest = made_up_run(service_policy)
    return render_markdown(manifest, runs_of(manifest)[:-1])


def test_no_user_is_named(told: str) -> None:
    assert re.findall(r"9876543\d\d", told) == []


def test_every_table_is_one(told: str) -> None:
    blocks = re.findall(r"(?:^\|.*\n?)+", told, re.MULTILINE)
    assert len(blocks) > 1
    for block in blocks:
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_the_gate_s_verdicts_and_their_notes_are_told(told: str) -> None:
    assert "| ✗ | Grounded model texts" in told
    assert "at least 20.0 %" in told
    assert "look at the failed checks" in told


def test_nothing_of_the_source_is_markup(told: str) -> None:
    assert HOSTILE not in told
    assert "<" not in told


def test_a_first_run_is_told_too(service_policy: Policy) -> None:
    manifest = made_up_run(service_policy, first=True)
    assert "no snapshot was published before" in render_markdown(manifest, [])
