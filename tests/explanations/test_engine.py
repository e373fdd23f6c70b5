"""The real vLLM engine in its child process, with a model of two small random layers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from explanations.generator import Generated, Prompt, VllmGenerator
from explanations.settings import ExplanationSettings
from tests.tiny_model import write_tiny_model

pytestmark = pytest.mark.slow
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string", "pattern": "^[a-z ]{20,60}$"}},
    "required": ["a"],
    "additionalProperties": False,
}
SETTINGS = ExplanationSettings(max_model_len=1024, max_tokens=64, temperature=0.8)


def prompt(number: int, words: int = 300) -> Prompt:
    talk = [
        {"role": "system", "content": "be kind " * words},
        {"role": "user", "content": f"number {number}"},
    ]
    return Prompt(talk, SCHEMA, seed=number, temperature=SETTINGS.temperature)


PARTS = [[prompt(4 * part + at) for at in range(4)] for part in range(5)]


def written(model: Path) -> list[list[Generated]]:
    with VllmGenerator(str(model), SETTINGS) as engine:
        assert (engine.loaded.device, engine.loaded.dtype) == ("cpu", "float32")
        now, peak = engine.memory()
        assert 10**8 < now <= peak
        assert engine.loaded.memory_bytes > 10**8
        return list(engine.stream([*PARTS, [prompt(90, 5000), prompt(91)]]))


def test_parts_are_written_in_order_and_the_same_on_a_fresh_engine(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path)
    parts = written(model)
    assert [len(part) for part in parts] == [4] * 5 + [2]
    texts = [item.text for part in parts[:5] for item in part]
    assert all(set(json.loads(text)) == {"a"} for text in texts)
    assert len(set(texts)) > 10  # seeds count
    too_long, fits = parts[5]
    assert (too_long.text, too_long.finish_reason, too_long.output_tokens) == ("", "too_long", 0)
    assert fits.finish_reason == "stop"
    cached = sum(item.cached_tokens for part in parts[1:5] for item in part)
    assert cached > 0.5 * sum(item.prompt_tokens for part in parts[1:5] for item in part)
    assert written(model) == parts
