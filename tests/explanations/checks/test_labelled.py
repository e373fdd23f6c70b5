"""How well the checks tell good texts from bad ones, measured on texts labelled by hand."""

from __future__ import annotations

import sys
from collections import Counter

import pytest

from hertz.policy.model import Policy
from tests.explanations.labelled import Labelled, check_all


@pytest.fixture(scope="module")
def texts(service_policy: Policy) -> list[Labelled]:
    return check_all(service_policy)


@pytest.fixture(scope="module")
def good(texts: list[Labelled]) -> list[Labelled]:
    return [text for text in texts if text.label == "good"]


@pytest.fixture(scope="module")
def bad(texts: list[Labelled]) -> list[Labelled]:
    return [text for text in texts if text.label != "good"]


def test_the_set_is_large_and_mixed(good: list[Labelled], bad: list[Labelled]) -> None:
    assert len(good) >= 60
    assert len(good) + len(bad) >= 150
    for some in (good, bad):
        assert min(Counter((t.language, t.category) for t in some).values()) >= 8
    assert len({text.label for text in bad}) >= 25


def test_bad_texts_are_refused(bad: list[Labelled]) -> None:
    passed = [text for text in bad if not text.failed]
    sys.stdout.write(
        f"bad: {len(bad)}, passed: {len(passed)}, recall {1 - len(passed) / len(bad):.1%}\n"
    )
    assert len(passed) <= 0.01 * len(bad), passed


def test_good_texts_pass(good: list[Labelled]) -> None:
    refused = [text for text in good if text.failed]
    sys.stdout.write(
        f"good: {len(good)}, refused: {len(refused)}, {len(refused) / len(good):.1%}\n"
    )
    assert len(refused) <= 0.03 * len(good), refused


def test_a_bad_text_fails_the_check_it_is_labelled_with(bad: list[Labelled]) -> None:
    assert [text for text in bad if text.label not in text.failed] == []
