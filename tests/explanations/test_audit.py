"""The audit of bench/audit.py finds every planted mistake, and none in a good text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bench.audit import Auditor, audit
from hertz.explanations.facts import pair_facts
from hertz.explanations.voices.template import render
from hertz.policy.model import Policy
from hertz.storage.snapshot.snapshots import new_folder, publish
from tests.explanations.people import random_pair
from tests.storage.manifests import manifest_of

Someone = dict[str, Any]
GOOD = {
    "en": "Both of them list movies under current interests, and Korean food is on both lists. "
    "Their MBTI is ENFP and INTJ.",
    "ko": "두 사람 모두 요즘 관심사에 ‘영화’를 적었고, 좋아하는 음식에서는 ‘한식’이 겹쳤습니다. "
    "ENFP와 INTJ의 만남이 어떤 이야기가 될지 궁금한데요. 첫 대화는 ‘영화’ 이야기로 시작해 볼까요?",
}
SHARED = {"kind": "shared", "fields": ["currentInterests"], "values": ["MOVIES"]}


def row(language: str, said: str, **changed: object) -> dict[str, Any]:
    title = "두 사람의 이야기" if language == "ko" else "Two people, one story"
    reasons = json.dumps([SHARED | {"direction": "both"}])
    content = f"{GOOD[language]} {said} Stay Tuned! 📺"
    where = {"category": "friend", "language": language, "user_a": 1203, "user_b": 4310}
    text = {"title": title, "content": content, "reasons": reasons, "origin": "model"}
    return {**where, **text, **changed}


def found(policy: Policy, a: Someone, b: Someone, text: dict[str, Any]) -> set[str]:
    return {*Auditor(policy, text["language"]).findings(text, a, b)}


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_good_text_has_no_findings(
    service_policy: Policy, minji: Someone, jun: Someone, language: str
) -> None:
    assert found(service_policy, minji, jun, row(language, "")) == set()


@pytest.mark.parametrize(
    ("language", "said", "kind"),
    [
        ("en", "Surfing is next.", "label"),
        ("en", "Both of them list cooking.", "label"),
        ("en", "One of them is witty.", "label"),
        ("ko", "‘서핑’도 함께합니다.", "label"),
        ("ko", "두 사람 모두 요리를 적었습니다.", "label"),
        ("ko", "한 사람이 바라는 ‘재치있는’ 사람입니다.", "label"),
        ("ko", "두 사람의 ‘비밀 계획’이 있습니다.", "quoted"),
        ("en", "Write to a@b.com today.", "contact"),
        ("ko", "카톡으로 이어집니다.", "contact"),
        ("en", "Call 010-1234-5678 today.", "number"),
        ("ko", "회원 4310번의 이야기입니다.", "number"),
        ("en", "An ISTP would agree.", "type"),
        ("en", "This is the story of Peter.", "name"),
        ("en", "A first date is near.", "romance"),
        ("ko", "두근거리는 만남입니다.", "romance"),
        ("ko", "緣分입니다.", "script"),
        ("ko", "What a day it is.", "script"),
        ("en", "A fresh\u200b tip.", "script"),
        ("en", "Here is **more**.", "machine"),
        ("ko", "‘영화’은(는) 좋습니다.", "machine"),
        ("en", "Look 🎉🎉🎉 there.", "emoji"),
        ("ko", "동네 골목을 천천히 걸으며 이야기합니다.", "bio"),
    ],
)
def test_what_is_planted_is_found(
    service_policy: Policy, minji: Someone, jun: Someone, language: str, said: str, kind: str
) -> None:
    assert kind in found(service_policy, minji, jun, row(language, said))


def test_untrue_reasons_are_found(service_policy: Policy, minji: Someone, jun: Someone) -> None:
    for kind, fields, values in (
        ("shared", ["currentInterests"], ["COOKING"]),
        ("same", ["drinking"], ["SOMETIMES"]),
        ("wish", ["preferredPeople", "personality"], ["WITTY"]),
        ("pairing", ["MBTI"], ["ENFP", "INFJ"]),
    ):
        planted = {"kind": kind, "fields": fields, "values": values, "direction": "both"}
        text = row("en", "", reasons=json.dumps([planted]))
        assert "reason" in found(service_policy, minji, jun, text)


def test_template_texts_have_no_findings(any_policy: Policy) -> None:
    auditors = {language: Auditor(any_policy, language) for language in any_policy.languages}
    for seed in range(120):
        a, b = random_pair(any_policy, seed)
        for category in any_policy.categories:
            facts = pair_facts(any_policy, category, a, b)
            for language, auditor in auditors.items():
                text = render(any_policy, category, language, facts, str(seed))
                published = row(
                    language, "", category=category, title=text.title, content=text.content
                )
                published["reasons"] = json.dumps(text.reasons)
                assert [*auditor.findings(published, a, b)] == [], text.content


def test_the_audit_reads_the_published_snapshot(
    tmp_path: Path, service_policy: Policy, minji: Someone, jun: Someone
) -> None:
    (tmp_path / "snapshots").mkdir()
    folder = new_folder(tmp_path, "one")
    pl.DataFrame([minji, jun]).write_parquet(folder / "users.parquet")
    texts = [row("en", ""), row("en", "Both of them list cooking."), row("ko", "")]
    pl.DataFrame(texts).write_parquet(folder / "explanations.parquet")
    publish(tmp_path, folder, manifest_of("one", service_policy), keep=1)
    result = audit(tmp_path)
    assert result["by_origin_and_language"] == {"model en": 2, "model ko": 1}
    assert result["findings"] == {"label": 1}
    assert result["pairs"] == {"label": [("friend", "en", 1203, 4310)]}
