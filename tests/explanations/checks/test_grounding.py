"""Each check refuses what it is named for, and lets a good text pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hertz.explanations.checks.grounding import failed_checks
from hertz.explanations.facts import Explanation
from hertz.policy.model import Policy

Someone = dict[str, Any]
Check = Callable[..., list[str]]
SHARED = {
    "kind": "shared",
    "fields": ["currentInterests"],
    "values": ["MOVIES"],
    "direction": "both",
}
GOOD = {
    "en": (
        "Movies put two people on the same page. Both of them list movies under current interests, "
        "and Korean food is on both lists. Their MBTI is ENFP and INTJ. How about a first chat?"
    ),
    "ko": (
        "오늘의 소식입니다! 두 사람 모두 요즘 관심사에 ‘영화’를 적었고, 좋아하는 음식에서는 "
        "‘한식’이 겹쳤습니다. ENFP와 INTJ의 만남이 어떤 이야기가 될지 궁금한데요. 첫 대화는 "
        "‘영화’로 시작해 보면 어떨까요? 다음 소식도 기대해 주세요."
    ),
}


@pytest.fixture
def check(service_policy: Policy, minji: Someone, jun: Someone) -> Check:
    """Failed checks of a good text with something added or replaced."""

    def run(
        added: str = "",
        language: str = "en",
        category: str = "friend",
        title: str = "",
        content: str | None = None,
        reasons: list[dict[str, Any]] | None = None,
    ) -> list[str]:
        title = title or ("영화로 통한 두 사람" if language == "ko" else "Two people, one story")
        content = f"{GOOD[language]} {added} Stay Tuned!" if content is None else content
        text = Explanation(title, content, [SHARED] if reasons is None else reasons)
        return failed_checks(service_policy, category, language, minji, jun, text)

    return run


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("category", ["general", "friend", "couple"])
def test_a_good_text_passes(check: Check, language: str, category: str) -> None:
    assert check(language=language, category=category) == []


def test_what_is_not_json_fails_as_that(
    service_policy: Policy, minji: Someone, jun: Someone
) -> None:
    assert failed_checks(service_policy, "friend", "en", minji, jun, None) == ["json"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"values": ["SURFING"]}, "unknown_value"),
        ({"fields": ["gender"]}, "unknown_value"),
        ({"fields": ["emailDomain"], "values": ["a.com"]}, "unknown_value"),
        ({"fields": [], "values": []}, "unknown_value"),
        ({"values": ["STOCKS"]}, "not_shared"),
        ({"values": ["MOVIES", "COOKING"]}, "not_shared"),
        ({"fields": ["religion"], "values": ["NON_RELIGIOUS"]}, "not_shared"),
        (
            {"kind": "wish", "fields": ["preferredPeople", "personality"], "values": ["WITTY"]},
            "wish_not_met",
        ),
        (
            {"kind": "wish", "fields": ["personality", "preferredPeople"], "values": ["CALM"]},
            "wish_not_met",
        ),
        ({"kind": "same", "fields": ["drinking"], "values": ["SOMETIMES"]}, "not_same"),
        ({"kind": "same", "fields": ["ageGroup"], "values": ["AGE_20S", "AGE_30S"]}, "not_same"),
        ({"kind": "near", "fields": ["ageGroup"], "values": ["AGE_20S", "AGE_40S"]}, "not_near"),
        ({"kind": "near", "fields": ["smoking"], "values": ["NO_SMOKING"]}, "not_near"),
        ({"kind": "pairing", "fields": ["MBTI"], "values": ["ENFP", "INFJ"]}, "not_paired"),
        ({"kind": "pairing", "fields": ["religion"], "values": ["NON_RELIGIOUS"]}, "not_paired"),
        ({"kind": "fate"}, "json"),
    ],
)
def test_untrue_reasons(check: Check, changed: dict[str, Any], expected: str) -> None:
    assert expected in check(reasons=[SHARED | changed])


@pytest.mark.parametrize(
    "reason",
    [
        {"kind": "wish", "fields": ["preferredPeople", "personality"], "values": ["GOOD_LISTENER"]},
        {"kind": "wish", "fields": ["preferredPeople", "personality"], "values": ["SMILES_OFTEN"]},
        {"kind": "same", "fields": ["religion"], "values": ["NON_RELIGIOUS"]},
        {"kind": "near", "fields": ["ageGroup"], "values": ["AGE_20S", "AGE_30S"]},
    ],
)
def test_a_true_reason_that_the_text_leaves_out(check: Check, reason: dict[str, Any]) -> None:
    assert check(reasons=[reason]) == ["not_told"]


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Surfing is on the list as well."),
        ("en", "They could bake and go rock climbing, too."),
        ("en", "Both of them list cooking under current interests."),
        ("en", "Both have a cat."),
        ("en", "One of them lists movies under current interests, the other does not."),
        ("en", "One of them is witty and the other is witty."),
        ("en", "A wish for someone witty is met."),
        ("en", "Both of them say sometimes for drinking."),
        ("en", "Buddhism could be a topic."),
        ("en", "A home cafe is where they should meet."),
        ("ko", "두 사람 모두 ‘요리’를 적었습니다."),
        ("ko", "서핑을 함께 즐길 수 있습니다."),
        ("ko", "공통점은 주식입니다."),
        ("ko", "한쪽은 고양이를, 다른 한쪽은 햄스터를 키웁니다."),
        ("ko", "음주는 두 사람 모두 ‘가끔’입니다."),
        ("ko", "한쪽이 바라는 ‘재치있는’ 사람이 바로 상대입니다."),
    ],
)
def test_claims_in_the_text_that_are_not_so(check: Check, language: str, sentence: str) -> None:
    assert "claims_in_text" in check(sentence, language)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "One of them has a cat, the other a dog."),
        ("en", "A wish for someone quick to smile is met."),
        ("en", "Both of them say non-smoker for smoking."),
        ("en", "Sometimes a hello is enough."),
        ("ko", "한쪽은 ‘고양이’, 다른 한쪽은 ‘강아지’를 적었습니다."),
        ("ko", "한쪽이 바라는 ‘잘 웃는’이 상대의 성격에 있습니다."),
        ("ko", "새 소식이 들어오면 가끔 전하겠습니다."),
    ],
)
def test_claims_that_hold_pass(check: Check, language: str, sentence: str) -> None:
    assert check(sentence, language) == []


@pytest.mark.parametrize(
    ("expected", "language", "sentence"),
    [
        ("mbti", "en", "An ISTP would agree."),
        ("mbti", "ko", "ISFJ와도 잘 맞습니다."),
        ("mbti", "en", "Both of them are ENFP."),
        ("contact", "en", "Write to minji@mail.com for more."),
        ("contact", "en", "See https://example.org for more."),
        ("contact", "en", "Call 010-1234-5678 for more."),
        ("contact", "en", "Follow @minji_daily for more."),
        ("contact", "ko", "카톡으로 연락해 보세요."),
        ("id", "en", "This is about 1203."),
        ("id", "ko", "회원 4310님의 소식입니다."),
        ("number", "en", "They have known each other for 12 years."),
        ("name", "en", "They could meet in London."),
        ("script", "ko", "두 사람의 緣分이 궁금합니다."),
        ("script", "ko", "반가운 소식이에요 ㅎㅎ."),
        ("script", "ko", "すてきな 소식입니다."),
        ("script", "en", "This is 반가운 news."),
        ("script", "en", "A fresh tiр for you."),  # a Cyrillic letter
        ("script", "en", "A fresh\u200b tip for you."),
        ("romance", "en", "They are falling in love."),
        ("romance", "en", "A first date is next."),
        ("romance", "ko", "핑크빛 소식입니다."),
        ("romance", "ko", "두 사람의 우정을 응원합니다 💕"),
        ("markup", "en", "```json"),
        ("placeholder", "en", "This is about [Name]."),
        ("placeholder", "ko", "오늘의 주인공은 ○○ 님입니다."),
        ("placeholder", "en", "Person A says hello."),
        ("repetition", "en", "How about a first chat? How about a first chat?"),
    ],
)
def test_what_nobody_may_read(check: Check, expected: str, language: str, sentence: str) -> None:
    assert expected in check(sentence, language)


def test_couples_may_read_of_romance(check: Check) -> None:
    assert check("A first date is next.", category="couple") == []
    assert check("핑크빛 소식입니다 💕", "ko", category="couple") == []


def test_a_bio_is_not_copied(check: Check, minji: Someone) -> None:
    assert "bio_copied" in check(f"한 사람은 {minji['bio']}", "ko")
    assert "bio_copied" in check("주말이면 동네 골목을천천히 걸으며, 오래된 빵집을 찾습니다.", "ko")
    assert check("주말이면 어떤 이야기를 나눌까요?", "ko") == []


def test_five_words_of_a_bio_in_a_row_are_a_copy(
    service_policy: Policy, minji: Someone, jun: Someone
) -> None:
    talkative = {**jun, "bio": "Ask me why I never take the shortest way back home on Fridays"}

    def run(said: str) -> list[str]:
        text = Explanation("Two people, one story", f"{GOOD['en']} {said} Stay Tuned!", [SHARED])
        return failed_checks(service_policy, "friend", "en", minji, talkative, text)

    assert run("One never takes the long way back.") == []
    assert run("Why I never take the shortest way back home is open.") == ["bio_copied"]


@pytest.mark.parametrize(
    ("title", "content", "expected"),
    [
        ("", "   ", ["empty", "length", "closing", "not_told"]),
        ("Hi", None, ["length"]),
        ("T" + "o" * 120, None, ["length"]),
        ("", "Movies " + "and so on and on " * 160, None),
    ],
)
def test_lengths(check: Check, title: str, content: str | None, expected: list[str] | None) -> None:
    failed = check(title=title, content=content)
    assert "length" in failed if expected is None else failed == expected


def test_a_korean_text_must_be_korean(check: Check) -> None:
    assert "script" in check(language="ko", content=GOOD["en"])
    assert "script" in check(language="en", content=GOOD["ko"])
