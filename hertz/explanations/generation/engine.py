"""The code that runs in the language model's own process: vLLM, with a batch that never runs empty.

In: parts, each a list of prompts. Out: the answers, one list a part, in order. Two parts are in
the engine at a time, and each says whether another follows: so the batches depend on the parts and
never on timing, and the same parts give the same texts where vLLM's arithmetic allows it.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from hertz.core.errors import ModelError
from hertz.explanations.generation.child_process import Heartbeat, Serve
from hertz.explanations.generation.messages import MEMORY, Generated, Loaded, Memory, Part, Prompt
from hertz.explanations.settings import ExplanationSettings

CPU_CACHE = "VLLM_CPU_KVCACHE_SPACE"
THREADS = "OMP_NUM_THREADS"
ENVIRONMENT = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}
CPU_STEP = 8192  # most prompt tokens of one step on a CPU
PARTS_AT_ONCE = 2  # of each engine


def parts_at_once(settings: ExplanationSettings) -> int:
    """Returns how many parts are written at the same time."""
    return PARTS_AT_ONCE * settings.engines


def is_cpu_build() -> bool:
    """Returns whether the installed vLLM is the build for CPUs.

    Raises:
        ModelError: No vLLM is installed.
    """
    for name, cpu in (("vllm-cpu", True), ("vllm", False)):
        with suppress(PackageNotFoundError):
            distribution(name)
            return cpu
    message = (
        'vLLM is not installed; run `make nightly`, or set `model = ""` in [explanations] '
        "for the template voice alone"
    )
    raise ModelError(message)


def cpu_cache_gib() -> int:
    """Returns the memory of the engine's cache on a CPU: as the environment has it, else 1 GiB."""
    return int(os.environ.get(CPU_CACHE) or 1)


def cpu_environment(threads: int) -> dict[str, str]:
    """Returns the variables that vLLM needs on a CPU, to be set before torch is imported.

    Idle threads sleep: where they spin, two other busy processes make two threads slower than one
    (measured). More threads than cores would be slower by far.
    """
    return {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        CPU_CACHE: str(cpu_cache_gib()),
        THREADS: str(threads),
        "OMP_WAIT_POLICY": "passive",
    }


def cpu_threads() -> int:
    """Returns the threads of an engine on a CPU: OMP_NUM_THREADS, else the cores it may use."""
    from joblib import cpu_count  # takes a fifth of a second, and only a CPU needs it

    return int(os.environ.get(THREADS) or cpu_count(only_physical_cores=True))


def load_engine(model: str, settings: ExplanationSettings) -> tuple[Loaded, Serve]:
    """Loads vLLM in this process; returns what was loaded, and the function that answers parts.

    Raises:
        ModelError: The installed vLLM does not fit this machine.
    """
    cpu = is_cpu_build()
    warnings.simplefilter("ignore")  # of the engine's libraries
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if cpu:
        os.environ.update(cpu_environment(cpu_threads()))
    started = time.perf_counter()
    import vllm  # reads the variables above; importing it takes seconds
    from vllm.platforms import current_platform

    if not cpu and not current_platform.device_type:
        message = (
            "vLLM is built for CUDA, but this machine shows no GPU; install the CPU build "
            '(`requirements/setup cpu`), or set `model = ""` for the template voice alone'
        )
        raise ModelError(message)
    engine = _Engine(vllm.LLM(**llm_arguments(model, settings, cpu)), settings)
    loaded = Loaded(
        seconds=time.perf_counter() - started,
        memory_bytes=engine.memory().now,
        device="cpu" if cpu else str(current_platform.get_device_name()),
        dtype=str(engine.llm.model_config.dtype).removeprefix("torch."),
    )
    return loaded, engine.serve


def llm_arguments(model: str, settings: ExplanationSettings, cpu: bool) -> dict[str, Any]:
    """Returns the arguments of `vllm.LLM`; `cpu` says whether it is the build for CPUs."""
    return {
        "enforce_eager": cpu,
        "use_tqdm_on_load": False,
        **settings.engine,
        "model": model,
        "revision": settings.revision,
        "dtype": "float32" if cpu and settings.dtype == "auto" else settings.dtype,
        "quantization": settings.quantization,
        "load_format": settings.load_format,
        "tensor_parallel_size": settings.tensor_parallel_size,
        "max_model_len": settings.max_model_len,
        # On a CPU a split prompt breaks seeds, and a long step would look like a hang.
        "enable_chunked_prefill": False if cpu else None,
        "max_num_batched_tokens": max(CPU_STEP, settings.max_model_len) if cpu else None,
        "gpu_memory_utilization": settings.gpu_memory_utilization,
        "enable_prefix_caching": True,
        "generation_config": "vllm",
        "seed": settings.seed,
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "disable_log_stats": True,
        "worker_extension_cls": "hertz.explanations.generation.engine.WorkerMemory",
    }


class WorkerMemory:
    """A method that vLLM adds to each of its workers, wherever they run."""

    def memory_of_worker(self) -> tuple[int, int]:
        """Returns the bytes in use on the worker's GPU, and the worker's own peak of tensors."""
        import torch  # the worker has imported it; this module must not

        if not torch.cuda.is_available():
            return 0, 0
        free, total = torch.cuda.mem_get_info()
        return total - free, torch.cuda.max_memory_reserved()


class PartWriter(ABC):
    """Answers parts of prompts in their order; subclasses do the writing."""

    def __init__(self, tokenizer: Any, settings: ExplanationSettings) -> None:  # noqa: ANN401
        self.tokenizer = tokenizer
        self.settings = settings
        self._parts: list[list[str]] = []  # names of the answers of the parts that are begun
        self.finished: dict[str, Generated] = {}  # by name, until their part is complete
        self._too_long = count()

    def serve(self, requests: Iterator[Any], beat: Heartbeat) -> Iterator[Any]:
        """Yields the answer to each request: `MEMORY`, or a `Part`."""
        at_once = parts_at_once(self.settings)
        for request in requests:
            if request == MEMORY:
                yield self.memory()
                continue
            part: Part = request
            self.begin(part.prompts, beat)
            while self._parts and not (part.more and len(self._parts) < at_once):
                while not all(name in self.finished for name in self._parts[0]):
                    self.step()
                    beat()
                yield [self.finished.pop(name) for name in self._parts.pop(0)]

    def memory(self) -> Memory:
        """Returns the bytes in use by this process and those it started."""
        return resident_memory()

    @abstractmethod
    def send(self, prompt: Prompt, tokens: list[int]) -> str:
        """Begins to write the answer to a tokenized prompt and returns the answer's name."""

    @abstractmethod
    def step(self) -> None:
        """Writes on, and records the answers that are finished."""

    def begin(self, prompts: list[Prompt], beat: Heartbeat) -> None:
        """Begins a part; a prompt that is too long for the model is not sent."""
        room = self.settings.max_model_len - self.settings.max_tokens
        names: list[str] = []
        self._parts.append(names)
        for prompt in prompts:
            tokens = self.tokenizer.apply_chat_template(
                prompt.conversation, tokenize=True, add_generation_prompt=True, return_dict=False
            )
            if len(tokens) > room:
                names.append(f"too long {next(self._too_long)}")
                self.finished[names[-1]] = Generated("", "too_long", len(tokens), 0)
            else:
                names.append(self.send(prompt, tokens))
                beat()


class _Engine(PartWriter):
    """A model that is loaded in this process."""

    def __init__(self, llm: Any, settings: ExplanationSettings) -> None:  # noqa: ANN401  vllm.LLM
        super().__init__(llm.get_tokenizer(), settings)
        self.llm = llm

    def memory(self) -> Memory:
        """Returns the GPU memory in use; on a CPU that of this process and those it started."""
        found = self.llm.collective_rpc("memory_of_worker")
        now = sum(in_use for in_use, _ in found)
        peak = sum(reserved for _, reserved in found)
        return Memory(now, max(now, peak)) if now else super().memory()

    def send(self, prompt: Prompt, tokens: list[int]) -> str:
        """Gives the engine a tokenized prompt and returns the name of its answer."""
        from vllm import SamplingParams, TokensPrompt  # loaded by `load_engine`
        from vllm.sampling_params import StructuredOutputsParams

        sampling = SamplingParams(
            temperature=prompt.temperature,
            max_tokens=self.settings.max_tokens,
            seed=prompt.seed,
            structured_outputs=StructuredOutputsParams(json=prompt.schema),
        )
        (name,) = self.llm.enqueue(TokensPrompt(prompt_token_ids=tokens), sampling, use_tqdm=False)
        return str(name).partition("-")[0]  # the engine appends to its own ids

    def step(self) -> None:
        """Writes one token of every text, and records the answers that are finished."""
        for output in self.llm.llm_engine.step():
            first = output.outputs[0]
            self.finished[output.request_id] = Generated(
                first.text,
                str(first.finish_reason),
                len(output.prompt_token_ids),
                len(first.token_ids),
                output.num_cached_tokens or 0,
            )


def resident_memory() -> Memory:
    """Returns the resident memory of this process and those it started, and the sum of peaks."""
    now = peak = 0
    here = psutil.Process()
    for process in [here, *here.children(recursive=True)]:
        lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
        kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith(" kB")}
        now += 1024 * int(kilobytes.get("VmRSS", 0))
        peak += 1024 * int(kilobytes.get("VmHWM", 0))
    return Memory(now, peak)
