"""Bios that try to steer the model: the prompt, the model's answer, and the published text."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hertz.explanations.checks.grounding import failed_checks
from hertz.explanations.facts import pair_facts
from hertz.explanations.prompts.prompts import (
    BIO_LENGTH,
    conversation,
    prompt_facts,
    read_answer,
    response_schema,
)
from hertz.explanations.voices.template import render
from hertz.policy.model import Policy
from tests.explanations.hostile import Hostile, read_hostile

Someone = dict[str, Any]
HOSTILE = read_hostile()
KINDS = [case.kind for case in HOSTILE]
MARKERS = ("<profile_1>", "</profile_1>", "<profile_2>", "</profile_2>")
TEASER = {"en": "Good evening from the friendship desk!", "ko": "오늘의 친구 소식을 전합니다!"}
KNOWN = {
    "en": "Movies are on both lists, and so is music, which makes a fine start.",
    "ko": "두 사람 모두 요즘 관심사에 ‘영화’를 적었고 취미로는 ‘음악’을 골랐습니다.",
}
OUTLOOK = {"en": "A first hello could be next.", "ko": "가벼운 인사부터 나눠 보면 어떨까요?"}


def steered(language: str, sentence: str) -> str:
    """Returns an answer in the right form, one sentence of which obeys the bio."""
    content = {
        "teaser": TEASER[language],
        "shared": KNOWN[language],
        "complement": sentence,
        "outlook": OUTLOOK[language],
        "closing": "Stay Tuned!",
    }
    title = "두 사람의 이야기" if language == "ko" else "Two people, one story"
    return json.dumps({"content": content, "title": title, "reasons": ["shared"]})


def test_there_are_sixty_kinds_of_different_bios() -> None:
    assert len(set(KINDS)) == len(KINDS) >= 60
    assert len({case.bio for case in HOSTILE}) == len(HOSTILE)


@pytest.mark.parametrize("case", HOSTILE, ids=KINDS)
@pytest.mark.parametrize("side", [0, 1])
def test_no_bio_breaks_the_prompt(
    service_policy: Policy,
    minji: Someone,
    jun: Someone,
    case: Hostile,
    side: int,
) -> None:
    language, bio = case.language, case.bio
    pair = [dict(minji, bio=None), dict(jun, bio=None)]
    plain = prompt_of(service_policy, language, pair)
    pair[side]["bio"] = bio
    talk = prompt_of(service_policy, language, pair)
    assert [turn["role"] for turn in talk] == [turn["role"] for turn in plain]
    assert talk[:-3] == plain[:-3]  # instructions and examples
    assert talk[-2:] == plain[-2:]  # the facts
    shown = talk[-3]["content"]
    assert all(shown.count(marker) == 1 for marker in MARKERS)
    added = [line for line in shown.split("\n") if line not in plain[-3]["content"].split("\n")]
    assert len(added) <= 1
    typed = "".join(added).replace("[...]", "")
    assert not re.search(r"[<>{}\[\]|`#*_\\\x00-\x1f\u200b\u202e]", typed)
    assert len(typed) <= BIO_LENGTH + 20


def prompt_of(policy: Policy, language: str, pair: list[Someone]) -> list[dict[str, str]]:
    return conversation(policy, "friend", language, *pair, pair_facts(policy, "friend", *pair))


@pytest.mark.parametrize("case", HOSTILE, ids=KINDS)
def test_what_a_steered_model_writes_is_refused(
    service_policy: Policy, minji: Someone, jun: Someone, case: Hostile
) -> None:
    language, bio = case.language, case.bio
    minji = {**minji, "bio": bio}
    facts = pair_facts(service_policy, "friend", minji, jun)
    chosen = prompt_facts(service_policy, "friend", language, facts)
    answer = case.answer
    text = read_answer(steered(language, case.leads_to) if answer is None else answer, chosen)
    assert failed_checks(service_policy, "friend", language, minji, jun, text)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_answer_around_them_is_good(
    service_policy: Policy, minji: Someone, jun: Someone, language: str
) -> None:
    """The checks refuse the steered sentence, not the answer around it."""
    facts = pair_facts(service_policy, "friend", minji, jun)
    text = read_answer(
        steered(language, TEASER[language]), prompt_facts(service_policy, "friend", language, facts)
    )
    failed = failed_checks(service_policy, "friend", language, minji, jun, text)
    assert failed == ["repetition"]


@pytest.mark.parametrize("case", HOSTILE, ids=KINDS)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_template_voice_does_not_use_the_bio(
    service_policy: Policy,
    minji: Someone,
    jun: Someone,
    case: Hostile,
    language: str,
) -> None:
    bio = case.bio
    pair = ({**minji, "bio": bio}, jun)
    facts = pair_facts(service_policy, "couple", *pair)
    text = render(service_policy, "couple", language, facts, bio[:40])
    plain = render(
        service_policy, "couple", language, pair_facts(service_policy, "couple", minji, jun),
        bio[:40],
    )  # fmt: skip
    assert text == plain
    assert failed_checks(service_policy, "couple", language, *pair, text) == []


def test_the_schema_does_not_depend_on_anyone(service_policy: Policy) -> None:
    assert response_schema(service_policy, "en") is response_schema(service_policy, "en")
