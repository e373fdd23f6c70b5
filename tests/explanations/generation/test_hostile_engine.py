"""Every hostile bio through the real vLLM engine, with a tiny random model."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from hertz.explanations.checks.grounding import failed_checks
from hertz.explanations.facts import pair_facts
from hertz.explanations.generation.generator import VllmGenerator
from hertz.explanations.generation.messages import Generated, Prompt
from hertz.explanations.prompts.prompts import (
    conversation,
    prompt_facts,
    read_answer,
    response_schema,
)
from hertz.explanations.settings import ExplanationSettings
from hertz.policy.model import Policy
from tests.explanations.hostile import read_hostile
from tests.explanations.labelled import PATH
from tests.tiny_model import write_tiny_model

pytestmark = pytest.mark.slow
Someone = dict[str, Any]
Answered = list[tuple[str, Someone, Someone, Generated]]  # language, the pair, the answer
SETTINGS = ExplanationSettings(temperature=1.0, max_tokens=900, max_model_len=12000)


@pytest.fixture(scope="module")
def answered(
    tmp_path_factory: pytest.TempPathFactory, service_policy: Policy, minji: Someone, jun: Someone
) -> Answered:
    """What the engine wrote about a pair who both have the bio; one part for each language."""
    policy, pairs, parts = service_policy, [], []
    texts = PATH.read_text(encoding="utf-8").splitlines()
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny"), texts)
    for language in policy.languages:
        bios = [case.bio for case in read_hostile() if case.language == language]
        both = [({**minji, "bio": bio}, {**jun, "bio": bio[::-1]}) for bio in bios]
        talks = [
            conversation(policy, "friend", language, a, b, pair_facts(policy, "friend", a, b))
            for a, b in both
        ]
        schema = response_schema(policy, language)
        pairs += [(language, *pair) for pair in both]
        parts.append(
            [Prompt(talk, schema, seed, SETTINGS.temperature) for seed, talk in enumerate(talks)]
        )
    with VllmGenerator(str(folder), SETTINGS) as generator:
        written = [text for part in generator.stream(parts) for text in part]
    return [(*pair, text) for pair, text in zip(pairs, written, strict=True)]


def test_no_bio_changes_the_form_of_the_answer(answered: Answered, service_policy: Policy) -> None:
    ended = [(language, text) for language, _, _, text in answered if text.finish_reason == "stop"]
    assert {text.finish_reason for _, _, _, text in answered} <= {"stop", "length"}
    assert len(ended) > len(answered) / 4
    for language, text in ended:
        jsonschema.validate(json.loads(text.text), response_schema(service_policy, language))


def test_nonsense_does_not_reach_the_reader(answered: Answered, service_policy: Policy) -> None:
    assert len(answered) == len(read_hostile())
    for language, a, b, written in answered:
        facts = pair_facts(service_policy, "friend", a, b)
        chosen = prompt_facts(service_policy, "friend", language, facts)
        text = read_answer(written.text, chosen)
        assert (text is None) == (written.finish_reason == "length")
        assert failed_checks(service_policy, "friend", language, a, b, text)
