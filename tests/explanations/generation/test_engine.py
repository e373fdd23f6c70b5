"""Real vLLM engines in their child process, with a model of two small random layers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from hertz.core.errors import ModelError
from hertz.explanations.generation.engine import THREADS
from hertz.explanations.generation.generator import VllmGenerator
from hertz.explanations.generation.messages import Generated, Prompt
from hertz.explanations.generation.ray_engine import load_engines
from hertz.explanations.settings import ExplanationSettings
from tests.explanations.generation.processes import ends
from tests.ports import free_port
from tests.tiny_model import write_tiny_model

pytestmark = pytest.mark.slow
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string", "pattern": "^[a-z ]{20,60}$"}},
    "required": ["a"],
    "additionalProperties": False,
}
SMALL_CACHE = {"num_gpu_blocks_override": 256}  # filling a gigabyte with zeros takes a second
SETTINGS = ExplanationSettings(max_model_len=1024, max_tokens=64, engine=SMALL_CACHE)
SEVERAL = SETTINGS.model_copy(update={"engines": 2})


def prompt(number: int, words: int = 300, temperature: float = 0.8) -> Prompt:
    talk = [
        {"role": "system", "content": "be kind " * words},
        {"role": "user", "content": f"number {number}"},
    ]
    return Prompt(talk, SCHEMA, seed=number, temperature=temperature)


PARTS = [[prompt(4 * part + at) for at in range(4)] for part in range(5)]
TOO_LONG = [prompt(90, 5000), prompt(91)]
LIKELIEST = [prompt(100 + at, 100 + at, temperature=0) for at in range(17)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def by_one(model: Path) -> list[list[Generated]]:
    return written(model)


def written(model: Path) -> list[list[Generated]]:
    with VllmGenerator(str(model), SETTINGS) as engine:
        assert (engine.loaded.device, engine.loaded.dtype) == ("cpu", "float32")
        now, peak = engine.memory()
        assert 10**8 < now <= peak
        assert engine.loaded.memory_bytes > 10**8
        return list(engine.stream([*PARTS, TOO_LONG, LIKELIEST]))


def test_parts_are_written_in_order_and_the_same_on_a_fresh_engine(
    model: Path, by_one: list[list[Generated]]
) -> None:
    parts = by_one
    assert [len(part) for part in parts] == [4] * 5 + [2, 17]
    texts = [item.text for part in parts[:5] for item in part]
    assert all(set(json.loads(text)) == {"a"} for text in texts)
    assert len(set(texts)) > 10  # seeds count
    too_long, fits = parts[5]
    assert (too_long.text, too_long.finish_reason, too_long.output_tokens) == ("", "too_long", 0)
    assert fits.finish_reason == "stop"
    cached = sum(item.cached_tokens for part in parts[1:5] for item in part)
    assert cached > 0.5 * sum(item.prompt_tokens for part in parts[1:5] for item in part)
    assert written(model) == parts


def test_several_engines_through_ray_write_the_same_and_leave_nothing_behind(
    model: Path, by_one: list[list[Generated]], capfd: pytest.CaptureFixture[str]
) -> None:
    folders = set(Path(tempfile.gettempdir()).glob("hertz-ray-*"))
    with VllmGenerator(str(model), SEVERAL, load_engines) as engines:
        child = psutil.Process(engines.pid)
        started = child.children(recursive=True)
        assert sum(process.name() == "VLLM::EngineCore" for process in started) == 2
        parts = list(engines.stream([*PARTS, TOO_LONG, LIKELIEST]))
        assert list(engines.stream([LIKELIEST[:1]])) == [parts[-1][:1]]  # and again
    assert [len(part) for part in parts] == [4] * 5 + [2, 17]
    assert parts[-1] == [replace(item, cached_tokens=0) for item in by_one[-1]]
    assert parts[5][0] == by_one[5][0]
    assert [item.prompt_tokens for part in parts for item in part] == [
        item.prompt_tokens for part in by_one for item in part
    ]
    assert all(ends(process.pid) for process in started)
    assert set(Path(tempfile.gettempdir()).glob("hertz-ray-*")) == folders
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def ray_head() -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """A running `ray start` and the environment variables of its address and token."""
    port = free_port()
    known = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "1" * 64, "RAY_USAGE_STATS_ENABLED": "0"}
    impatient = {"RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0"}  # by default 30 s
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block"]
        command += [f"--port={port}", "--num-cpus=2", "--object-store-memory=500000000"]
        command += ["--include-dashboard=false", f"--temp-dir={folder}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        head = psutil.Popen(command, env=os.environ | known | impatient, **quiet)
        try:
            wait_for_port(port, head)
            yield head, known | {"RAY_ADDRESS": f"127.0.0.1:{port}"}
        finally:
            its = head.children(recursive=True)
            head.terminate()
            psutil.wait_procs([head, *its], timeout=60)


@pytest.fixture
def cluster(
    ray_head: tuple[psutil.Process, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> psutil.Process:
    """The head of an existing cluster, with its address and token in the environment."""
    head, variables = ray_head
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return head


def wait_for_port(port: int, head: psutil.Process) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and head.is_running():
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail("no cluster came up")


def test_an_existing_cluster_is_joined_and_left_as_it_was(
    model: Path, by_one: list[list[Generated]], cluster: psutil.Process
) -> None:
    with VllmGenerator(str(model), SETTINGS, load_engines) as engine:
        own = {process.name() for process in psutil.Process(engine.pid).children(recursive=True)}
        assert "VLLM::EngineCore" not in own
        engines = [p for p in cluster.children(recursive=True) if p.name() == "VLLM::EngineCore"]
        assert len(engines) == 1
        (part,) = engine.stream([LIKELIEST])
    assert part == [replace(item, cached_tokens=0) for item in by_one[-1]]
    assert all(ends(process.pid) for process in engines)
    assert cluster.is_running()


def test_on_a_cpu_an_engine_has_as_many_threads_as_the_process_has_cores() -> None:
    code = (
        "import os; from hertz.explanations.generation.engine import cpu_threads;"
        "print(cpu_threads(), len(os.sched_getaffinity(0)));"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(cpu_threads());"
        "os.environ['OMP_NUM_THREADS'] = '3'; print(cpu_threads())"
    )
    environment = {name: value for name, value in os.environ.items() if name != THREADS}
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    all_of_them, cores, one, by_environment = map(int, run.stdout.split())
    assert 1 <= all_of_them <= cores
    assert (one, by_environment) == (1, 3)


@pytest.mark.usefixtures("cluster")
def test_engines_that_do_not_load_say_why(model: Path, tmp_path: Path) -> None:
    unknown = Path(shutil.copytree(model, tmp_path / "unknown"))
    config = json.loads((unknown / "config.json").read_text())
    (unknown / "config.json").write_text(json.dumps(config | {"architectures": ["NoSuchModel"]}))
    engines = VllmGenerator(str(unknown), SETTINGS, load_engines)
    with pytest.raises(ModelError, match=r"could not be loaded: .*NoSuchModel.* not supported"):
        engines.__enter__()
