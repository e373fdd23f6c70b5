"""A normalized text is cut by bytes, with the same result as by patterns."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertz.explanations.checks.claims import says_both
from hertz.explanations.checks.normalized_text import NormalizedText, normalize
from hertz.explanations.checks.style import repeats
from hertz.explanations.facts import Explanation

ALPHABET = "aZ09_ .!?\n\t-'’‘“…가힣ᄀㅏ\u0301é\u00a0٣𝟗Привет漢すä\u2028\x1f\x85㎏½²🎤\ufe0f\u200b"


def of(content: str) -> NormalizedText:
    return normalize(Explanation("A title", content, []))


@given(st.text(ALPHABET) | st.text(st.characters(exclude_categories=["Cs"])))
def test_words_and_numbers_are_those_of_a_pattern(content: str) -> None:
    r = of(content)
    assert r.words == [re.findall(r"\w+", sentence) for sentence in r.sentences]
    assert r.joined == " ".join(word for words in r.words for word in words)
    assert r.hangul == re.sub("[^가-힣]", "", r.joined)
    assert r.numbers == re.findall(r"\d+", r.lower)


def test_a_run_of_five_words_counts_wherever_it_stands() -> None:
    run = "one two three four five"
    assert not repeats(of(f"{run} a {run} b"))
    for between in ("a", "a b", "a b c"):
        assert repeats(of(f"x {run} {between} {run} a b {run} y"))
        assert repeats(of(f"{run} {between} {run} a {run}"))


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("both of them bake", True),
        ("a shared list", True),
        ("sharing it", True),
        ("each of them has one", True),
        ("a bother", False),
        ("shareholders", False),
        ("uncommon", False),
        ("the two of themes", False),
        ("둘 다 좋아합니다", True),
        ("둘만의 이야기", False),
        ("취향이 겹쳐 있습니다", True),
        ("겹겹이", False),
    ],
)
def test_what_speaks_of_both(sentence: str, expected: bool) -> None:
    assert says_both(sentence) == expected
