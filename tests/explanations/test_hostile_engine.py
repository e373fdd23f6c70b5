"""Every hostile bio through the real vLLM engine, with a tiny random model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from explanations.facts import pair_facts
from explanations.generator import VllmGenerator
from explanations.grounding import failed_checks
from explanations.prompts import conversation, read_answer, response_schema, told_facts
from explanations.settings import ExplanationSettings
from matching.policy import Policy
from tests.explanations.hostile import read_hostile
from tests.explanations.labelled import PATH
from tests.explanations.tiny_model import write_tiny_model

pytestmark = pytest.mark.slow
Someone = dict[str, Any]
SETTINGS = ExplanationSettings(temperature=1.0, max_tokens=600, max_model_len=12000)


def test_hostile_bios_neither_change_the_answer_s_form_nor_reach_the_reader(
    tmp_path: Path, service_policy: Policy, minji: Someone, jun: Someone
) -> None:
    policy, cases = service_policy, read_hostile()
    pairs = [({**minji, "bio": case.bio}, {**jun, "bio": case.bio[::-1]}) for case in cases]
    folder = write_tiny_model(tmp_path / "tiny", PATH.read_text(encoding="utf-8").splitlines())
    with VllmGenerator(str(folder), SETTINGS) as generator:
        for language in ("en", "ko"):
            schema = response_schema(policy, language)
            talks = [
                conversation(policy, "friend", language, a, b, pair_facts(policy, "friend", a, b))
                for a, b in pairs
            ]
            written = generator.generate(talks, schema, list(range(len(talks))))
            assert {found.finish_reason for found in written} <= {"stop", "length"}
            assert sum(found.finish_reason == "stop" for found in written) > len(written) / 2
            for (a, b), found in zip(pairs, written, strict=True):
                if found.finish_reason == "stop":
                    jsonschema.validate(json.loads(found.text), schema)
                facts = pair_facts(policy, "friend", a, b)
                told = told_facts(policy, "friend", language, facts)
                text = read_answer(found.text, told)
                assert (text is None) == (found.finish_reason == "length")
                # what a random model writes is nonsense: no check may let it through
                assert failed_checks(policy, "friend", language, a, b, text)
