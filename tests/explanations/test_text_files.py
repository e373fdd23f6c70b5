"""Files of phrases, prompts and words: the shipped ones are whole, a wrong one is refused."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from hertz.core.errors import HertzError
from hertz.explanations import forbidden_words
from hertz.explanations.prompts.wordings import load_wordings
from hertz.explanations.text_files import Slot, check_texts, read_model
from hertz.explanations.voices import phrases
from hertz.explanations.voices.phrases import LANGUAGES, Style, load_phrases

SLOTS = {"title": Slot("field item"), "facts.same": Slot("field", size=1), "end": Slot()}
GOOD = {"title": ["{field}: {item}", "{item}"], "facts": {"same": "both have {field}"}, "end": "x"}


def check(**changed: Any) -> dict[str, tuple[str, ...]]:  # noqa: ANN401  whatever a file may have
    found = {name: value for name, value in (GOOD | changed).items() if value is not None}
    return dict(check_texts("voices/test.toml", found, SLOTS, {r"ask\.\w+": Slot("item")}))


def test_texts_are_found_by_slot_and_a_single_text_is_a_list_of_one() -> None:
    assert check(ask={"pets": ["{item}?"]}) == {
        "title": ("{field}: {item}", "{item}"),
        "facts.same": ("both have {field}",),
        "end": ("x",),
        "ask.pets": ("{item}?",),
    }


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"end": None}, "slot 'end' is missing"),
        ({"titel": ["x"]}, "slot 'titel' is unknown; perhaps 'title'?"),
        ({"ask": {"a b": "x"}}, "slot 'ask.a b' is unknown"),
        ({"end": []}, "slot 'end' needs one text or a list of texts, none of them empty"),
        ({"end": ["x", ""]}, "slot 'end' needs one text or a list of texts, none of them empty"),
        ({"end": 3}, "slot 'end' needs one text or a list of texts, none of them empty"),
        ({"facts": {"same": ["x", "y"]}}, "slot 'facts.same' has 2 phrases; it needs 1"),
        ({"title": ["{itme}"]}, "slot 'title': '{itme}' has {itme}; accepted: {field}, {item}"),
        (
            {"title": ["{item.x}"]},
            "slot 'title': '{item.x}' has {item.x}; accepted: {field}, {item}",
        ),
        ({"title": ["{item!r}"]}, "slot 'title': '{item!r}' has {item}; accepted: {field}, {item}"),
        ({"end": ["{}"]}, "slot 'end': '{}' has {}; accepted: none"),
        ({"end": ["{item"]}, "slot 'end': '{item': expected '}' before end of string"),
    ],
)
def test_a_wrong_file_is_refused_with_the_file_and_the_slot(
    changed: dict[str, Any], problem: str
) -> None:
    with pytest.raises(HertzError, match=f"^{re.escape(f'hertz/voices/test.toml: {problem}')}$"):
        check(**changed)


def test_a_missing_file_and_one_of_another_form_are_refused() -> None:
    with pytest.raises(HertzError, match=r"^hertz/voices/none\.toml: no such file"):
        read_model("voices/none.toml", Style)
    with pytest.raises(HertzError, match=r"^hertz/voices/news/en\.toml: quote: Field required"):
        read_model("voices/news/en.toml", Style)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_shipped_files_are_whole_and_read_once(language: str) -> None:
    assert phrases.SLOTS.keys() <= load_phrases(language).by_slot.keys()
    assert load_phrases(language) is load_phrases(language)
    assert load_wordings(language) is load_wordings(language)


def test_all_languages_have_the_same_slots() -> None:
    ko, en = (load_phrases(language).by_slot.keys() for language in ("ko", "en"))
    assert ko == en


def test_forbidden_words_are_compared_in_lower_case() -> None:
    text = files("hertz").joinpath("explanations/forbidden_words.toml").read_text("utf-8")
    found = tomllib.loads(text)
    found["words"]["contact"]["english"].append("Kakao")
    with pytest.raises(ValueError, match="'Kakao': accepted: text in lower case"):
        forbidden_words._File.model_validate(found)
