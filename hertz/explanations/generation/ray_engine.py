"""Several copies of the model, each on GPUs of its own, through Ray Data's vLLM processor.

Takes the place of `engine.load_engine` in the model's own process: the same parts in, the same
answers out. That process joins the cluster that RAY_ADDRESS names, or else starts a Ray of its own
on this machine and ends it. One data set runs all night: its rows are the prompts that wait.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from itertools import count
from typing import Any

from hertz.core.errors import ModelError
from hertz.explanations.generation.child_process import Beat, Serve
from hertz.explanations.generation.engine import (
    ENVIRONMENT,
    PartByPart,
    cpu_environment,
    is_cpu_build,
    llm_arguments,
    resident,
)
from hertz.explanations.settings import ExplanationSettings

ADDRESS = "RAY_ADDRESS"
RAY_ENVIRONMENT = {  # before ray is imported
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_agent_register_timeout_ms": "240000",  # of a busy machine
}
ROWS = 16  # prompts that go to an engine together: fewer cost more than they wait for each other
NOT_SENT = "__inference_error__"  # Ray's own column: such a row passes the engine by
ROW_BYTES = 64 << 10  # of a row, besides its prompt's tokens of eight bytes each
STORE_BYTES = 512 << 20  # prompts and answers under way are a few megabytes
APART = 0.01  # of a CPU: steps that ask for the same are made one
CAUSE_LENGTH = 300


def check_ray() -> None:
    """Is Ray Data installed?

    Raises:
        ModelError: It is not.
    """
    missing = [name for name in ("ray", "pandas") if find_spec(name) is None]
    if missing:
        message = (
            f"[explanations] engines > 1 needs Ray Data, but {' and '.join(missing)} cannot be "
            "imported; `pip install 'ray[data]==2.60.0'`, or set engines = 1"
        )
        raise ModelError(message)


def on_cluster(settings: ExplanationSettings) -> bool:
    """Do the engines run on a cluster that was there before, of which this machine knows little?"""
    return settings.engines > 1 and bool(os.environ.get(ADDRESS))


def load_engines(model: str, settings: ExplanationSettings) -> tuple[dict[str, Any], Serve]:
    """Load the model `settings.engines` times.

    Returns:
        What `generator.Loaded` says of it, and the function that answers parts.

    Raises:
        ModelError: There is no Ray, it has not enough GPUs, or an engine does not load.
    """
    check_ray()
    cpu = is_cpu_build()
    arguments = llm_arguments(model, settings, cpu)
    started = time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(_joined(settings))
        if not cpu:
            _check_gpus(settings)
        engines = _Engines(settings, arguments, cpu)
        engines.load()
        ending = stack.pop_all()
    told = {
        "seconds": time.perf_counter() - started,
        "device": f"{settings.engines} x {'cpu' if cpu else 'cuda'}",
        "dtype": arguments["dtype"],
    }

    def serve(requests: Iterator[Any], beat: Beat) -> Iterator[Any]:
        with ending:
            yield from engines.serve(requests, beat)
            engines.end()

    return told | engines.memory(), serve


class _Engines(PartByPart):
    """Loaded engines behind one data set."""

    def __init__(self, settings: ExplanationSettings, arguments: dict[str, Any], cpu: bool) -> None:
        from ray.util.queue import Queue
        from transformers import AutoTokenizer

        model = arguments["model"]
        tokenizer = AutoTokenizer.from_pretrained(model, revision=settings.revision)
        super().__init__(tokenizer, settings)
        self._names = map(str, count())
        self._rows: list[dict[str, Any]] = []
        self._waiting = Queue(actor_options={"num_cpus": 0, "label_selector": _here()})
        self._answers = _answers(self._waiting, _processor(settings, arguments, cpu))

    def load(self) -> None:
        """Write one short text: the data set begins when its first row is asked for.

        Raises:
            ModelError: An engine does not load.
        """
        from ray.exceptions import RayError

        self.send([0], {"type": "boolean"}, 0, 0.0)
        self._hand_over()
        try:
            next(self._answers)
        except RayError as error:
            message = f"{_cause(error)} (vLLM tells more with engines = 1)"
            raise ModelError(message) from error

    def end(self) -> None:
        """Let the engines go."""
        self._waiting.put([])
        for _ in self._answers:
            pass

    def memory(self) -> dict[str, int]:
        """Bytes in use now and at most, by this process and what it has started."""
        return resident()

    def admit(self, prompts: list[tuple[Any, ...]], beat: Beat) -> None:
        """Begin a part."""
        super().admit(prompts, beat)
        self._hand_over()

    def send(self, tokens: list[int], schema: dict[str, Any], seed: int, temperature: float) -> str:
        """Make a row of a prompt; the name that the answer will have."""
        sampling = {
            "temperature": temperature,
            "max_tokens": self.settings.max_tokens,
            "seed": seed,
            "structured_outputs": {"json": json.dumps(schema)},
        }
        row = {"name": next(self._names), "tokenized_prompt": tokens, "sampling_params": sampling}
        self._rows.append({**row, NOT_SENT: ""})
        return str(row["name"])

    def step(self) -> None:
        """Wait for the next answers."""
        for row in next(self._answers):
            if row[NOT_SENT]:
                continue
            written, last = row["num_generated_tokens"], row["generated_tokens"][-1]
            cut = written == self.settings.max_tokens and last != self.tokenizer.eos_token_id
            told = (row["generated_text"], "length" if cut else "stop")
            self.take(row["name"], *told, row["num_input_tokens"], written, 0)

    def _hand_over(self) -> None:
        """Rows in full batches: Ray waits for the rest of one that is not."""
        rows, self._rows = self._rows, []
        rows += [rows[0] | {NOT_SENT: "filler"} for _ in range(-len(rows) % ROWS)]
        for at in range(0, len(rows), ROWS):
            self._waiting.put(rows[at : at + ROWS])


def _answers(waiting: Any, processor: Any) -> Iterator[list[dict[str, Any]]]:  # noqa: ANN401
    """The answers to what waits, as they come, until what waits is an empty batch."""
    import ray.data

    data = processor.DATA_COLUMN
    # What is smaller than a block is kept back until there is more, but for a task's last.
    large = 2 * ray.data.DataContext.get_current().target_max_block_size

    def batches(_: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while prompts := waiting.get():
            yield {"prompts": json.dumps(prompts).ljust(large)}

    def rows(batch: dict[str, Any]) -> list[dict[str, Any]]:
        return [{data: prompt} for prompt in json.loads(batch["prompts"])]

    processor.preprocess = processor.postprocess = None  # each would be a step of its own
    source = ray.data.from_items([{"id": 0}]).flat_map(batches, num_cpus=0, label_selector=_here())
    answered = processor(source.flat_map(rows, num_cpus=APART))
    for block in answered.iter_batches(batch_size=None, prefetch_batches=0, batch_format="pyarrow"):
        yield block[data].to_pylist()


def _processor(settings: ExplanationSettings, arguments: dict[str, Any], cpu: bool) -> Any:  # noqa: ANN401
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    own = {"model", "worker_extension_cls"}  # Ray names the model; its machines lack our module
    on_cpu = cpu_environment(threads=1) if cpu else {}  # engines may share a machine
    config = vLLMEngineProcessorConfig(
        model_source=arguments["model"],
        engine_kwargs={name: value for name, value in arguments.items() if name not in own},
        runtime_env={"env_vars": ENVIRONMENT | on_cpu},
        placement_group_config={"bundles": [{"CPU": 1}]} if cpu else None,  # else a GPU
        concurrency=(settings.engines, settings.engines),
        batch_size=ROWS,
        max_concurrent_batches=max(1, settings.chunk // ROWS),
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
        log_engine_metrics=False,
    )
    return build_processor(config)


@contextmanager
def _joined(settings: ExplanationSettings) -> Iterator[None]:
    """Ray, joined or started, and left or ended. What it has to say stays in its own logs."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.environ.update(RAY_ENVIRONMENT)
    import ray.data

    with ExitStack() as stack:
        own: dict[str, Any] = {}
        if not os.environ.get(ADDRESS):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="hertz-ray-"))
            workers = settings.engines * settings.tensor_parallel_size
            own = {
                "num_cpus": max(os.cpu_count() or 1, workers + 1),
                "object_store_memory": STORE_BYTES,
                "include_dashboard": False,
                "_temp_dir": folder,
            }
        stack.callback(ray.shutdown)
        ray.init(log_to_driver=False, **own)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.target_max_block_size = ROWS * (8 * settings.max_model_len + ROW_BYTES)
        context.wait_for_min_actors_s = int(settings.load_seconds)
        context.execution_no_progress_timeout_s = -1  # `hang_seconds` tells
        yield


def _check_gpus(settings: ExplanationSettings) -> None:
    import ray

    needed = settings.engines * settings.tensor_parallel_size
    found = ray.cluster_resources().get("GPU", 0)
    if found < needed:
        message = (
            f"engines = {settings.engines} with tensor_parallel_size = "
            f"{settings.tensor_parallel_size} needs {needed} GPUs, Ray has {found:g}; check "
            "`ray status` and RAY_ADDRESS, or lower engines"
        )
        raise ModelError(message)


def _cause(error: Exception) -> str:
    """What was raised at the end of the traceback that Ray gives as an error's message."""
    told = re.split(r"^  File .*$", str(error), flags=re.MULTILINE)[-1].splitlines()
    return " ".join(" ".join(line for line in told if line[:4].strip()).split())[:CAUSE_LENGTH]


def _here() -> dict[str, str]:
    """Where prompts wait: with this process, whatever becomes of the cluster's other machines."""
    import ray

    return {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
