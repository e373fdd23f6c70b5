from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explanations import voices_en, voices_ko
from explanations.facts import Facts, pair_facts
from explanations.grounding import failed_checks
from explanations.template import check_languages, render
from matching.errors import PolicyError
from matching.policy import Policy
from tests.explanations.people import profile, random_pair

Someone = dict[str, Any]
EMOJI = re.compile("[\U0001f000-\U0001faff\u2600-\u27bf]")
SENTENCE_END = re.compile(r"[.!?](?=\s|$)")


def test_the_same_key_gives_the_same_text(
    service_policy: Policy, minji: Someone, jun: Someone
) -> None:
    facts = pair_facts(service_policy, "couple", minji, jun)
    assert render(service_policy, "couple", "ko", facts, "k") == render(
        service_policy, "couple", "ko", facts, "k"
    )


def test_another_key_gives_another_text(
    service_policy: Policy, minji: Someone, jun: Someone
) -> None:
    facts = pair_facts(service_policy, "friend", minji, jun)
    texts = {render(service_policy, "friend", "ko", facts, str(k)).content for k in range(50)}
    assert len(texts) == 50
    openings = {text.split(".")[0] for text in texts}
    assert len(openings) > 5


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("category", ["general", "friend", "couple"])
def test_five_paragraphs_in_the_service_s_voice(
    service_policy: Policy, minji: Someone, jun: Someone, category: str, language: str
) -> None:
    facts = pair_facts(service_policy, category, minji, jun)
    for key in range(40):
        text = render(service_policy, category, language, facts, str(key))
        paragraphs = text.content.split("\n\n")
        assert len(paragraphs) == 5
        for paragraph in paragraphs:
            assert 2 <= len(SENTENCE_END.findall(paragraph)) <= 3
            assert 1 <= len(EMOJI.findall(paragraph)) <= 2
        assert "ENFP" in paragraphs[1]
        assert "INTJ" in paragraphs[1]
        assert "Stay Tuned!" in paragraphs[4]
        assert 450 <= len(text.content) <= 1200


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_service_texts_pass_every_check(service_policy: Policy, seed: int) -> None:
    assert_grounded(service_policy, seed)


@settings(max_examples=800, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_okcupid_texts_pass_every_check(okcupid_policy: Policy, seed: int) -> None:
    assert_grounded(okcupid_policy, seed)


def assert_grounded(policy: Policy, seed: int) -> None:
    a, b = random_pair(policy, seed)
    for category in policy.categories:
        facts = pair_facts(policy, category, a, b)
        for language in policy.languages:
            text = render(policy, category, language, facts, str(seed))
            assert failed_checks(policy, category, language, a, b, text) == [], text.content


def test_reasons_are_the_facts_that_the_text_tells(
    service_policy: Policy, minji: Someone, jun: Someone
) -> None:
    facts = pair_facts(service_policy, "couple", minji, jun)
    text = render(service_policy, "couple", "ko", facts, "k")
    assert {"shared", "wish", "pairing"} <= {reason["kind"] for reason in text.reasons}
    assert all(reason in facts.reasons() for reason in text.reasons)


def test_nothing_in_common_is_said_and_nothing_invented(service_policy: Policy) -> None:
    a, b = (profile(service_policy, user_id) for user_id in (1, 2))
    for language in ("ko", "en"):
        text = render(service_policy, "friend", language, Facts(()), "k")
        assert text.reasons == []
        assert failed_checks(service_policy, "friend", language, a, b, text) == []


def test_labels_that_are_adjectives_or_phrases_are_quoted(service_policy: Policy) -> None:
    a = profile(service_policy, 1, preferredPeople=["LOYAL", "SMILES_OFTEN"])
    b = profile(service_policy, 2, personality=["LOYAL", "SMILES_OFTEN"])
    facts = pair_facts(service_policy, "couple", a, b)
    text = render(service_policy, "couple", "ko", facts, "k")
    assert "‘잘 웃는’" in text.content
    assert "‘일편단심’" in text.content


def test_no_marker_or_blank_stays_in_a_text(service_policy: Policy) -> None:
    for seed in range(200):
        a, b = random_pair(service_policy, seed)
        facts = pair_facts(service_policy, "couple", a, b)
        for language in ("ko", "en"):
            text = render(service_policy, "couple", language, facts, str(seed))
            assert not re.search(r"[{}]|은\(는\)|이\(가\)|\(이\)|  ", text.title + text.content)


def test_both_languages_have_the_same_slots() -> None:
    assert voices_ko.PHRASES.keys() == voices_en.PHRASES.keys()


def test_a_language_without_a_voice_is_refused(service_policy: Policy) -> None:
    foreign = service_policy.model_copy(update={"languages": ("ko", "ja")})
    with pytest.raises(PolicyError, match=r"'ja'.*accepted: ko, en"):
        check_languages(foreign)
