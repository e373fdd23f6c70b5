"""Several copies of the model, each on GPUs of its own, through Ray Data's vLLM processor.

Takes the place of `engine.load_engine` in the model's own process: the same parts in, the same
answers out. That process joins the cluster that RAY_ADDRESS names, or else starts a Ray of its own
on this machine and ends it. One data set runs all night, with the prompts that wait as its rows.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from itertools import count
from typing import Any

from explanations.engine import (
    CPU_CACHE,
    CPU_ENVIRONMENT,
    ENVIRONMENT,
    PARTS_AT_ONCE,
    PartByPart,
    cpu_cache_gib,
    is_cpu_build,
    llm_arguments,
    resident,
)
from explanations.settings import ExplanationSettings
from explanations.worker import Beat, Serve
from matching.errors import ModelError

ADDRESS = "RAY_ADDRESS"
RAY_ENVIRONMENT = {  # before ray is imported
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_agent_register_timeout_ms": "240000",  # of a busy machine
}
STORE_BYTES = 256 << 20  # prompts and answers under way are a few megabytes
ROWS = int(os.environ.get("ROWS", 16))
NOT_SENT = "__inference_error__"
NOT_ENGINES_OWN = ("model", "worker_extension_cls")


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
        ModelError: There is no Ray, or not enough GPUs.
    """
    check_ray()
    cpu = is_cpu_build()
    warnings.simplefilter("ignore")
    os.environ.update(RAY_ENVIRONMENT)
    started = time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(_joined(settings, cpu))
        engines = _Engines(model, settings, cpu)
        told = {
            "seconds": time.perf_counter() - started,
            "device": f"{settings.engines} engines through Ray",
            "dtype": settings.dtype,
        }
        ending = stack.pop_all()

    def serve(requests: Iterator[Any], beat: Beat) -> Iterator[Any]:
        with ending:
            yield from engines.serve(requests, beat)
            engines.end()

    return told | engines.memory(), serve


class _Engines(PartByPart):
    """Loaded engines behind one data set, whose rows are prompts and then answers."""

    def __init__(self, model: str, settings: ExplanationSettings, cpu: bool) -> None:
        from ray.util.queue import Queue
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(model, revision=settings.revision)
        super().__init__(tokenizer, settings, PARTS_AT_ONCE * settings.engines)
        self._names = map(str, count())
        self._rows: list[dict[str, Any]] = []
        self._waiting = Queue(actor_options={"num_cpus": 0, **_here()})
        self._answers = _answers(self._waiting, _processor(model, settings, cpu))
        self._load()

    def memory(self) -> dict[str, int]:
        """Bytes in use now and at most, by this machine's processes."""
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
        name = next(self._names)
        self._rows.append(
            {"name": name, "tokenized_prompt": tokens, "sampling_params": sampling, NOT_SENT: ""}
        )
        return name

    def step(self) -> None:
        """Wait for the next answers."""
        for row in next(self._answers):
            if row[NOT_SENT]:
                continue
            written, last = row["num_generated_tokens"], row["generated_tokens"][-1]
            cut = written == self.settings.max_tokens and last != self.tokenizer.eos_token_id
            told = (row["generated_text"], "length" if cut else "stop")
            self.take(row["name"], *told, row["num_input_tokens"], written, 0)

    def end(self) -> None:
        """Let the engines go."""
        self._waiting.put([])
        for _ in self._answers:
            pass

    def _load(self) -> None:
        """One short prompt: the data set begins when its first row is asked for."""
        self.send([0], {"type": "boolean"}, 0, 0.0)
        self._hand_over()
        for _ in range(ROWS):
            next(self._answers)

    def _hand_over(self) -> None:
        if not self._rows:
            return
        padding = [self._rows[0] | {NOT_SENT: "padding"}] * (-len(self._rows) % ROWS)
        self._waiting.put(self._rows + padding)
        self._rows = []


def _answers(waiting: Any, processor: Any) -> Iterator[list[dict[str, Any]]]:  # noqa: ANN401
    """The answers to what waits, as they come."""
    import ray

    data = processor.DATA_COLUMN

    def rows(_: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while prompts := waiting.get():
            yield from ({data: prompt} for prompt in prompts)

    processor.preprocess = processor.postprocess = None
    source = ray.data.from_items([{"id": 0}]).flat_map(rows, num_cpus=0, **_here())
    for block in processor(source).iter_batches(
        batch_size=None, prefetch_batches=0, batch_format="pyarrow"
    ):
        yield block[data].to_pylist()


def _processor(model: str, settings: ExplanationSettings, cpu: bool) -> Any:  # noqa: ANN401
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    arguments = llm_arguments(model, settings, cpu)
    config = vLLMEngineProcessorConfig(
        model_source=model,
        engine_kwargs={k: v for k, v in arguments.items() if k not in NOT_ENGINES_OWN},
        runtime_env={"env_vars": _environment(cpu)},
        placement_group_config={"bundles": [{"CPU": 1}]} if cpu else None,
        concurrency=(settings.engines, settings.engines),
        batch_size=ROWS,
        max_concurrent_batches=max(1, settings.chunk // ROWS),
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
        log_engine_metrics=False,
    )
    return build_processor(config)


def _environment(cpu: bool) -> dict[str, str]:
    more = CPU_ENVIRONMENT | {CPU_CACHE: str(cpu_cache_gib())} if cpu else {}
    return ENVIRONMENT | more


def _here() -> dict[str, Any]:
    """Where rows are kept: with this process, whatever becomes of the cluster's other machines."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    node = ray.get_runtime_context().get_node_id()
    return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False)}


@contextmanager
def _joined(settings: ExplanationSettings, cpu: bool) -> Iterator[None]:
    """Ray, joined or started, and left or ended."""
    import ray

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
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **own)
        _settle(settings, cpu)
        yield


def _settle(settings: ExplanationSettings, cpu: bool) -> None:
    """Ray Data row by row and without a word."""
    import ray
    import ray.data

    if not cpu:
        needed = settings.engines * settings.tensor_parallel_size
        found = ray.cluster_resources().get("GPU", 0)
        if found < needed:
            message = f"engines need {needed}, {found:g}"
            raise ModelError(message)
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.target_max_block_size = 1  # a row is handed on when it is there
    context.wait_for_min_actors_s = int(settings.load_seconds)
    context.execution_no_progress_timeout_s = -1  # `hang_seconds` tells
