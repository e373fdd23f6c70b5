from __future__ import annotations

import re
import unicodedata

import pytest

from hertz.core.korean import attach
from hertz.explanations.voices.phrases import load_phrases
from hertz.policy.model import Policy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("영화은(는)", "영화는"),
        ("음악은(는)", "음악은"),
        ("영화이(가)", "영화가"),
        ("음악이(가)", "음악이"),
        ("떡볶이을(를)", "떡볶이를"),
        ("치킨을(를)", "치킨을"),
        ("요가과(와)", "요가와"),
        ("등산과(와)", "등산과"),
        ("커피(이)나", "커피나"),
        ("한식(이)나", "한식이나"),
        ("비흡연(이)라고", "비흡연이라고"),
        ("무교(이)라고", "무교라고"),
        ("서울(으)로", "서울로"),
        ("부산(으)로", "부산으로"),
        ("제주(으)로", "제주로"),
    ],
)
def test_the_form_follows_the_final_consonant(text: str, expected: str) -> None:
    assert attach(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("‘영화’이(가)", "‘영화’가"),
        ("“음악”을(를)", "“음악”을"),
        ("카페(홈)은(는)", "카페(홈)는"),
        ("음악(피아노)은(는)", "음악(피아노)은"),
        ("‘카페(홈)’과(와)", "‘카페(홈)’와"),
    ],
)
def test_quotes_and_remarks_in_brackets_are_not_read(text: str, expected: str) -> None:
    assert attach(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ENTP과(와)", "ENTP와"),
        ("INTJ이(가)", "INTJ가"),
        ("PPL은(는)", "PPL은"),
        ("Netflix이(가)", "Netflix가"),
        ("running을(를)", "running을"),
        ("book을(를)", "book을"),
        ("rock은(는)", "rock은"),
        ("golf은(는)", "golf는"),
        ("travel(으)로", "travel로"),
        ("3을(를)", "3을"),
        ("2을(를)", "2를"),
        ("7(으)로", "7로"),
        ("10(으)로", "10으로"),
    ],
)
def test_letters_and_digits_are_read_as_koreans_say_them(text: str, expected: str) -> None:
    assert attach(text) == expected


def test_a_text_without_markers_stays() -> None:
    assert attach("이(二) 은행은 (가나다)") == "이(二) 은행은 (가나다)"


# Words that end in a vowel and are not in Hangul, written out by hand: MBTI types.
OPEN = set(
    "INTJ INTP INFJ INFP ISTJ ISTP ISFJ ISFP ENTJ ENTP ENFJ ENFP ESTJ ESTP ESFJ ESFP".split()
)
FORMS_OF = {"은(는)": "은는", "이(가)": "이가", "을(를)": "을를", "과(와)": "과와"}


def closed(word: str) -> str | None:
    """Returns how a word ends: `closed`, `ㄹ` or `open`; None if it is not written out."""
    last = unicodedata.normalize("NFD", word.rstrip("’”)"))[-1]
    if "\u11a8" <= last <= "\u11c2":
        return "ㄹ" if last == "\u11af" else "closed"
    return "open" if "\u1161" <= last <= "\u1175" or word.strip("‘’") in OPEN else None


def test_every_label_gets_its_particle_in_every_phrase(any_policy: Policy) -> None:
    """Compares each Korean phrase, filled with each label in turn, with the oracle above."""
    labels = {
        any_policy.label(field, code, language)
        for field in any_policy.fields
        for code in any_policy.shown_codes(field)
        for language in any_policy.languages
    } | {any_policy.field_label(field, "ko") for field in any_policy.fields}
    phrases = {
        text for options in load_phrases("ko").by_slot.values() for text in options if "{" in text
    }
    assert len(phrases) > 60
    for label in sorted(labels):
        sound = closed(label)
        if sound is None:
            continue  # English labels of the English policy, which no Korean text contains
        for phrase in phrases:
            blanks = re.findall(r"\{(\w+)\}", phrase)
            filled = phrase.format_map(dict.fromkeys(blanks, f"‘{label}’"))
            expected = filled
            for marker, (with_final, without) in FORMS_OF.items():
                form = without if sound == "open" else with_final
                expected = expected.replace(f"‘{label}’{marker}", f"‘{label}’{form}")
            expected = expected.replace(
                f"‘{label}’(이)", f"‘{label}’{'' if sound == 'open' else '이'}"
            )
            to = "으로" if sound == "closed" else "로"
            assert attach(filled) == expected.replace(f"‘{label}’(으)로", f"‘{label}’{to}")
