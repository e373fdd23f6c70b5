"""Several copies of the model, each on GPUs of its own, through Ray Data's vLLM processor.

It replaces `engine.load_engine`: the same parts in, the same answers out. It joins the cluster that
RAY_ADDRESS names, or starts and ends a Ray on this machine. One Ray dataset runs from the first
prompt to the last; queued prompts are its rows. Why: docs/decisions/ray-data-for-several-models.md.
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
from hertz.explanations.generation.child_process import CAUSE_LENGTH, Heartbeat, Serve
from hertz.explanations.generation.engine import (
    ENVIRONMENT,
    PartWriter,
    cpu_environment,
    is_cpu_build,
    llm_arguments,
)
from hertz.explanations.generation.messages import Generated, Loaded, Prompt
from hertz.explanations.settings import ExplanationSettings

ADDRESS = "RAY_ADDRESS"
RAY_ENVIRONMENT = {  # to be set before ray is imported
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_agent_register_timeout_ms": "240000",  # a busy machine needs long
}
BATCH_ROWS = 16  # prompts that are sent to an engine together; handing over fewer costs more
NOT_SENT = "__inference_error__"  # a column of Ray's: the engine ignores a row that has it
ROW_BYTES = 64 << 10  # of a row, besides its prompt's tokens of eight bytes each
STORE_BYTES = 512 << 20  # queued prompts and answers are a few megabytes
SEPARATE_CPUS = 0.01  # Ray merges steps that need the same resources; this keeps one separate


def check_ray() -> None:
    """Checks that Ray Data is installed.

    Raises:
        ModelError: Ray or pandas cannot be imported.
    """
    missing = [name for name in ("ray", "pandas") if find_spec(name) is None]
    if missing:
        message = (
            f"[explanations] engines > 1 needs Ray Data, but {' and '.join(missing)} cannot be "
            "imported; `pip install 'ray[data]==2.60.0'`, or set engines = 1"
        )
        raise ModelError(message)


def on_cluster(settings: ExplanationSettings) -> bool:
    """Returns whether the engines run on an existing cluster, whose GPUs are not known here."""
    return settings.engines > 1 and bool(os.environ.get(ADDRESS))


def load_engines(model: str, settings: ExplanationSettings) -> tuple[Loaded, Serve]:
    """Loads `settings.engines` copies of the model; returns what `load_engine` does.

    Raises:
        ModelError: Ray is missing, it has too few GPUs, or an engine does not load.
    """
    check_ray()
    cpu = is_cpu_build()
    arguments = llm_arguments(model, settings, cpu)
    started = time.perf_counter()
    with ExitStack() as stack:
        stack.enter_context(_joined_ray(settings))
        if not cpu:
            _check_gpus(settings)
        engines = _Engines(settings, arguments, cpu)
        engines.load()
        ray_session = stack.pop_all()  # which `serve` ends
    loaded = Loaded(
        seconds=time.perf_counter() - started,
        memory_bytes=engines.memory().now,
        device=f"{settings.engines} x {'cpu' if cpu else 'cuda'}",
        dtype=arguments["dtype"],
    )

    def serve(requests: Iterator[Any], beat: Heartbeat) -> Iterator[Any]:
        with ray_session:
            yield from engines.serve(requests, beat)
            engines.end()

    return loaded, serve


class _Engines(PartWriter):
    """Loaded engines that answer the rows of one Ray dataset."""

    def __init__(self, settings: ExplanationSettings, arguments: dict[str, Any], cpu: bool) -> None:
        from ray.util.queue import Queue
        from transformers import AutoTokenizer

        model = arguments["model"]
        tokenizer = AutoTokenizer.from_pretrained(model, revision=settings.revision)
        super().__init__(tokenizer, settings)
        self._names = map(str, count())
        self._rows: list[dict[str, Any]] = []
        self._queue = Queue(actor_options={"num_cpus": 0, "label_selector": _this_node()})
        self._answers = _answers(self._queue, _processor(settings, arguments, cpu))

    def load(self) -> None:
        """Writes one short text: Ray loads the engines when it needs the first row."""
        from ray.exceptions import RayError

        self.send(Prompt([], {"type": "boolean"}, seed=0), tokens=[0])
        self._hand_over()
        try:
            next(self._answers)
        except RayError as error:
            message = f"{_cause(error)} (with engines = 1 the log has all of vLLM's messages)"
            raise ModelError(message) from error

    def end(self) -> None:
        """Ends the dataset, and with it the engines."""
        self._queue.put([])
        for _ in self._answers:
            pass

    def begin(self, prompts: list[Prompt], beat: Heartbeat) -> None:
        """Begins a part; a prompt that is too long for the model is not sent."""
        super().begin(prompts, beat)
        self._hand_over()

    def send(self, prompt: Prompt, tokens: list[int]) -> str:
        """Makes a row of a tokenized prompt and returns the name of its answer."""
        name = next(self._names)
        sampling = {
            "temperature": prompt.temperature,
            "max_tokens": self.settings.max_tokens,
            "seed": prompt.seed,
            "structured_outputs": {"json": json.dumps(prompt.schema)},
        }
        row = {"name": name, "tokenized_prompt": tokens, "sampling_params": sampling}
        self._rows.append({**row, NOT_SENT: ""})
        return name

    def step(self) -> None:
        """Waits for the next block of answers and records them."""
        for row in next(self._answers):
            if row[NOT_SENT]:
                continue
            written, last = row["num_generated_tokens"], row["generated_tokens"][-1]
            cut = written == self.settings.max_tokens and last != self.tokenizer.eos_token_id
            reason = "length" if cut else "stop"
            text, prompt_tokens = row["generated_text"], row["num_input_tokens"]
            self.finished[row["name"]] = Generated(text, reason, prompt_tokens, written)

    def _hand_over(self) -> None:
        """Queues the rows in full batches: Ray would wait for the missing rows of another."""
        rows, self._rows = self._rows, []
        rows += [rows[0] | {NOT_SENT: "filler"} for _ in range(-len(rows) % BATCH_ROWS)]
        for start in range(0, len(rows), BATCH_ROWS):
            self._queue.put(rows[start : start + BATCH_ROWS])


def _answers(queue: Any, processor: Any) -> Iterator[list[dict[str, Any]]]:  # noqa: ANN401
    """Yields blocks of answers to the queued batches, until an empty batch is queued."""
    import ray.data

    column = processor.DATA_COLUMN
    # Ray keeps rows back until they fill a block, except a task's last rows: so each batch is
    # padded to more than a block.
    padded_length = 2 * ray.data.DataContext.get_current().target_max_block_size

    def batches(_: dict[str, Any]) -> Iterator[dict[str, Any]]:
        while prompts := queue.get():
            yield {"prompts": json.dumps(prompts).ljust(padded_length)}

    def rows(batch: dict[str, Any]) -> list[dict[str, Any]]:
        return [{column: prompt} for prompt in json.loads(batch["prompts"])]

    processor.preprocess = processor.postprocess = None  # each would be a step of its own
    node = _this_node()
    source = ray.data.from_items([{"id": 0}]).flat_map(batches, num_cpus=0, label_selector=node)
    answered = processor(source.flat_map(rows, num_cpus=SEPARATE_CPUS))
    for block in answered.iter_batches(batch_size=None, prefetch_batches=0, batch_format="pyarrow"):
        yield block[column].to_pylist()


def _processor(settings: ExplanationSettings, arguments: dict[str, Any], cpu: bool) -> Any:  # noqa: ANN401
    """Returns Ray Data's processor over `settings.engines` engines."""
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    # Ray has its own argument for the model; a cluster's machines need not have this package.
    left_out = {"model", "worker_extension_cls"}
    on_cpu = cpu_environment(threads=1) if cpu else {}  # engines may share a machine
    config = vLLMEngineProcessorConfig(
        model_source=arguments["model"],
        engine_kwargs={name: value for name, value in arguments.items() if name not in left_out},
        runtime_env={"env_vars": ENVIRONMENT | on_cpu},
        placement_group_config={"bundles": [{"CPU": 1}]} if cpu else None,  # None: a GPU
        concurrency=(settings.engines, settings.engines),
        batch_size=BATCH_ROWS,
        max_concurrent_batches=max(1, settings.chunk // BATCH_ROWS),
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
        log_engine_metrics=False,
    )
    return build_processor(config)


@contextmanager
def _joined_ray(settings: ExplanationSettings) -> Iterator[None]:
    """Joins or starts Ray, and leaves or ends it; Ray's output goes to its own logs."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.environ.update(RAY_ENVIRONMENT)
    import ray.data  # reads the variables above

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
        context.target_max_block_size = BATCH_ROWS * (8 * settings.max_model_len + ROW_BYTES)
        context.wait_for_min_actors_s = int(settings.load_seconds)
        context.execution_no_progress_timeout_s = -1  # the parent applies `hang_seconds`
        yield


def _check_gpus(settings: ExplanationSettings) -> None:
    """Checks that Ray has a GPU for each engine and tensor-parallel rank."""
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
    """Returns what was raised at the end of the traceback that Ray gives as a message."""
    end = re.split(r"^  File .*$", str(error), flags=re.MULTILINE)[-1].splitlines()
    return " ".join(" ".join(line for line in end if line[:4].strip()).split())[:CAUSE_LENGTH]


def _this_node() -> dict[str, str]:
    """Returns the label that keeps the queue on this machine, whatever else the cluster loses."""
    import ray

    return {"ray.io/node-id": ray.get_runtime_context().get_node_id()}
