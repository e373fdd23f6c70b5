"""The console's bars, the choice of the language, and the check of addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertz.api.console.bars import Axis, stack
from hertz.api.console.rendering import own_page, wanted_language
from hertz.core.interface_texts.catalogue import LANGUAGES

LABELS = {"a": "A", "b": "B", "c": "C"}
parts = st.fixed_dictionaries({name: st.floats(-1, 1) for name in LABELS})


def test_a_stack_puts_the_parts_one_after_the_other() -> None:
    pieces = stack({"a": 0.5, "b": 0.25, "c": 0.0}, LABELS, 1.0)
    assert [(p.x, p.width, p.color) for p in pieces] == [
        (0, 50, "t0"),
        (50, 25, "t1"),
        (75, 0, "t2"),
    ]


def test_a_negative_part_is_laid_over_the_end() -> None:
    pieces = stack({"a": 0.5, "b": -0.2, "c": 0.3}, LABELS, 2.0)
    assert [(p.x, p.width, p.color) for p in pieces] == [
        (0, 25, "t0"),
        (15, 10, "minus"),
        (15, 15, "t2"),
    ]


@given(parts)
def test_no_piece_leaves_its_bar(terms: dict[str, float]) -> None:
    for piece in stack(terms, LABELS, 1.0):
        assert 0 <= piece.x
        assert 0 <= piece.width
        assert piece.x + piece.width <= 100.01


@given(parts, parts)
def test_bars_on_one_axis_can_be_compared(
    forward: dict[str, float], backward: dict[str, float]
) -> None:
    axis = Axis.over({"a": 0.5, "b": 0.2, "c": 0.3}, forward, backward)
    span = axis.high - axis.low
    for value in (*forward.values(), *backward.values()):
        piece = axis.bar("", value, "t0")
        assert piece.width == pytest.approx(100 * abs(value) / span, abs=0.01)
        assert -0.01 <= piece.x <= 100.01 - piece.width


@pytest.mark.parametrize(
    ("remembered", "accepted", "language"),
    [
        (None, "", "en"),
        ("ko", "en", "ko"),
        ("xx", "ko", "ko"),
        (None, "de, ko;q=0.2, en;q=0.1", "ko"),
        (None, "EN-us,ko", "en"),
        (None, ",;q=,ko;q=0", "ko"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_best_accepted(
    remembered: str | None, accepted: str, language: str
) -> None:
    assert wanted_language(remembered, accepted) == language
    assert language in LANGUAGES


@given(st.text())
def test_no_text_leads_out_of_the_console(address: str) -> None:
    for wanted in (address, f"/console{address}", f"/console/{address}"):
        found = own_page(wanted)
        assert found.startswith("/console")
        assert not set(found) & set('\r\n\\"<>')
