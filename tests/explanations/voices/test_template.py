from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hertz.cli.sample.sample import make_sample
from hertz.core.errors import PolicyError
from hertz.explanations.checks.claims import claims
from hertz.explanations.checks.grounding import failed_checks
from hertz.explanations.checks.normalized_text import normalize
from hertz.explanations.facts import Explanation, Facts, as_reason, pair_facts
from hertz.explanations.forbidden_words import WORDS
from hertz.explanations.voices.phrases import LANGUAGES, load_phrases
from hertz.explanations.voices.template import check_languages, render
from hertz.policy.model import Policy
from tests.explanations.people import profile, random_pair

PHRASES = {language: load_phrases(language).by_slot for language in LANGUAGES}
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


@pytest.mark.parametrize(
    ("language", "shortest", "longest"), [("ko", 870, 1200), ("en", 1350, 1900)]
)
def test_most_texts_are_as_long_as_the_service_s(
    service_policy: Policy, language: str, shortest: int, longest: int
) -> None:
    people = sample_people(service_policy, 120)
    lengths = []
    for number, pair in enumerate(pairwise(people)):
        facts = pair_facts(service_policy, "couple", *pair)
        text = render(service_policy, "couple", language, facts, str(number))
        lengths.append(len(text.content))
    assert max(lengths) <= longest
    assert shortest <= sorted(lengths)[len(lengths) // 10]


def sample_people(policy: Policy, count: int) -> list[Someone]:
    rows = make_sample(count, 7, policy).to_dicts()
    for row in rows:
        row["MBTI"] = None if row["MBTI"] == "UNKNOWN" else row["MBTI"]
    return [
        profile(policy, row["userId"], **{name: row[name] for name in policy.fields})
        for row in rows
    ]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_no_emoji_and_no_sentence_comes_twice(
    service_policy: Policy, minji: Someone, jun: Someone, language: str
) -> None:
    for category in ("general", "friend", "couple"):
        facts = pair_facts(service_policy, category, minji, jun)
        for key in range(40):
            content = render(service_policy, category, language, facts, str(key)).content
            for parts in (EMOJI.findall(content), re.split(r"(?<=[.!?])\s", content)):
                assert len(parts) == len(set(parts))


@pytest.mark.parametrize("language", ["ko", "en"])
def test_only_couples_read_of_romance(language: str) -> None:
    romance = WORDS["romance"]
    for slot, options in PHRASES[language].items():
        if not slot.endswith(".couple"):
            assert not any(romance.within(phrase.casefold()) for phrase in options)


def test_no_phrase_has_a_word_that_is_a_label(any_policy: Policy) -> None:
    for language in any_policy.languages:
        for options in PHRASES[language].values():
            for phrase in options:
                text = Explanation("…", re.sub(r"\{\w+\}", "…", phrase), [])
                assert claims(any_policy, language, normalize(text)) == [], phrase


@pytest.mark.thorough
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


def test_reasons_are_the_facts_that_the_text_mentions(
    service_policy: Policy, minji: Someone, jun: Someone
) -> None:
    facts = pair_facts(service_policy, "couple", minji, jun)
    text = render(service_policy, "couple", "ko", facts, "k")
    assert {"shared", "wish", "pairing"} <= {reason["kind"] for reason in text.reasons}
    published = [as_reason(fact) for fact in facts.found]
    assert all(reason in published for reason in text.reasons)


def test_nothing_in_common_is_said_and_nothing_invented(service_policy: Policy) -> None:
    a, b = (profile(service_policy, user_id) for user_id in (1, 2))
    for language in ("ko", "en"):
        text = render(service_policy, "friend", language, Facts(()), "k")
        assert text.reasons == []
        assert failed_checks(service_policy, "friend", language, a, b, text) == []


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("ENFP", "ENTJ"), ["E와 N", "F와 T, P와 J"]),
        (("ISFJ", "ISFJ"), ["글자"]),
        (("ESTP", "INFJ"), ["글자"]),
    ],
)
def test_types_are_compared_letter_by_letter(
    service_policy: Policy, types: tuple[str, str], expected: list[str]
) -> None:
    a, b = (profile(service_policy, user, MBTI=mbti) for user, mbti in enumerate(types))
    facts = pair_facts(service_policy, "friend", a, b)
    for key in range(20):
        content = render(service_policy, "friend", "ko", facts, str(key)).content
        assert all(part in content.split("\n\n")[1] for part in expected)


def test_three_shared_fields_and_three_equal_answers_are_mentioned(service_policy: Policy) -> None:
    values = {
        "hobbies": ["MUSIC"],
        "favoriteFoods": ["PIZZA"],
        "likedSports": ["YOGA"],
        "religion": "BUDDHISM",
        "smoking": "NO_SMOKING",
        "ageGroup": "AGE_30S",
        "MBTI": "ENFP",
    }
    a, b = (profile(service_policy, user, **values) for user in (1, 2))
    facts = pair_facts(service_policy, "friend", a, b)
    text = render(service_policy, "friend", "ko", facts, "k")
    assert {reason["fields"][0] for reason in text.reasons} == set(values)
    for label in ("음악", "피자", "요가", "불교", "비흡연", "30대"):
        assert f"‘{label}’" in text.content


def test_the_same_wish_met_both_ways_is_mentioned_once(service_policy: Policy) -> None:
    values = {"preferredPeople": ["WITTY"], "personality": ["WITTY"], "hobbies": ["MUSIC"]}
    a, b = (profile(service_policy, user, **values) for user in (1, 2))
    facts = pair_facts(service_policy, "couple", a, b)
    text = render(service_policy, "couple", "ko", facts, "k")
    assert text.content.count("‘재치있는’") == 1


def test_no_pets_are_no_topic(service_policy: Policy) -> None:
    a, b = (profile(service_policy, user, pets=["NONE"]) for user in (1, 2))
    facts = pair_facts(service_policy, "friend", a, b)
    for key in range(20):
        text = render(service_policy, "friend", "ko", facts, str(key))
        assert text.title in PHRASES["ko"]["plain.friend"]
        assert text.content.count("‘없음’") == 1


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


def test_a_language_without_a_voice_is_refused(service_policy: Policy) -> None:
    foreign = service_policy.model_copy(update={"languages": ("ko", "ja")})
    with pytest.raises(PolicyError, match=r"'ja'.*accepted: ko, en"):
        check_languages(foreign)
