"""The watched child process, with children that really die, fail and hang."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hertz.core.errors import GenerationError, ModelError
from hertz.explanations.generation.child_process import Worker
from tests.explanations.generation import workers
from tests.explanations.generation.processes import ends, runs


def test_a_worker_loads_once_and_answers_in_order() -> None:
    worker = Worker(workers.doubler, (5,), "the doubler")
    assert worker.start() == "doubles"
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


def test_too_little_memory_for_the_model_is_named() -> None:
    worker = Worker(workers.short_of_memory, (), "language model 'x'")
    with pytest.raises(ModelError, match=r"Tried to allocate 16 GiB \(out of memory: lower"):
        worker.start()
    worker.close()


def test_death_while_loading_names_the_signal() -> None:
    worker = Worker(workers.dies_loading, (), "language model 'x'")
    with pytest.raises(ModelError, match=r"killed by signal 9.*out of memory"):
        worker.start()
    worker.close()


def test_a_load_that_never_ends_is_ended() -> None:
    worker = Worker(workers.sleeps_loading, (), "language model 'x'", load_seconds=0.5)
    with pytest.raises(ModelError, match=r"could not be loaded: it gave no sign of life for 0.5 s"):
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
    with pytest.raises(GenerationError, match="its process died"):
        worker.ask(5)
    worker.close()


def test_a_child_that_hangs_is_ended_and_one_that_beats_is_not() -> None:
    worker = Worker(workers.sleeper, (True,), "slow", hang_seconds=2)
    worker.start()
    assert worker.ask(4) == 4
    worker.close()
    worker = Worker(workers.sleeper, (False,), "hung", hang_seconds=1)
    worker.start()
    pid = worker.pid
    with pytest.raises(GenerationError, match=r"hung .* no sign of life for 1 s and was ended"):
        worker.ask(60)
    assert not Path(f"/proc/{pid}").exists()
    worker.close()


def test_a_child_that_takes_no_request_is_ended() -> None:
    worker = Worker(workers.deaf, (), "deaf", hang_seconds=1)
    worker.start()
    with pytest.raises(GenerationError, match="no sign of life"):
        worker.send("x" * 10_000_000)  # more than a pipe holds
    worker.close()


def test_closing_ends_the_process() -> None:
    worker = Worker(workers.doubler, (1,), "the doubler")
    worker.start()
    pid = worker.pid
    worker.close()
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()


def test_what_a_dead_child_had_started_ends_too() -> None:
    worker = Worker(workers.with_child, (), "leaves a child")
    grandchild = worker.start()
    assert runs(grandchild)
    with pytest.raises(GenerationError, match="killed by signal 9"):
        worker.ask("die")
    assert ends(grandchild)
    worker.close()


def test_a_killed_parent_takes_its_worker_along() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.explanations.generation.killed_parent"],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child, grandchild = (int(pid) for pid in parent.stdout.readline().split())
    assert runs(child)
    parent.kill()
    parent.communicate()
    assert ends(child)
    assert ends(grandchild)
