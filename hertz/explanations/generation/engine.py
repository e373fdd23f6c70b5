"""What runs in the language model's own process: vLLM, written to so that its batch never empties.

In: parts, each a list of prompts. Out: what the model wrote, a list a part, in order. Up to two
parts are in the engine at a time: when the older one is done, the next is taken before going on.
Whether there is a next one the part says itself, so that the batches depend on the parts alone and
never on timing: the same parts give the same texts where vLLM's arithmetic allows it.
"""

from __future__ import annotations

import logging
import os
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import psutil

from hertz.core.errors import ModelError
from hertz.explanations.generation.child_process import Beat, Serve
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
CPU_STEP = 8192  # tokens
PARTS_AT_ONCE = 2
MEMORY = "memory"  # a request of its own


def parts_at_once(settings: ExplanationSettings) -> int:
    """How many parts are being written at a time."""
    return PARTS_AT_ONCE * settings.engines


def is_cpu_build() -> bool:
    """Is the installed vLLM the one for CPUs?

    Raises:
        ModelError: no vLLM is installed.
    """
    for name, cpu in (("vllm-cpu", True), ("vllm", False)):
        try:
            distribution(name)
        except PackageNotFoundError:
            continue
        return cpu
    message = (
        'vLLM is not installed; run `make nightly`, or set `model = ""` in [explanations] '
        "for the template voice alone"
    )
    raise ModelError(message)


def cpu_cache_gib() -> int:
    """Memory of the engine's cache on a CPU: what the environment says, else enough for a 1 B."""
    return int(os.environ.get(CPU_CACHE) or 1)


def cpu_environment(threads: int) -> dict[str, str]:
    """What vLLM needs on a CPU, set before torch is imported.

    Threads that wait sleep: where they spin, two other busy processes make two of them slower than
    a single one (measured). More threads than cores would be slower by far.
    """
    return {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        CPU_CACHE: str(cpu_cache_gib()),
        THREADS: str(threads),
        "OMP_WAIT_POLICY": "passive",
    }


def cpu_threads() -> int:
    """What the environment says, else the cores that this process may use, containers counted."""
    from joblib import cpu_count  # a fifth of a second, on a CPU alone

    return int(os.environ.get(THREADS) or cpu_count(only_physical_cores=True))


def load_engine(model: str, settings: ExplanationSettings) -> tuple[dict[str, Any], Serve]:
    """Load vLLM in this process.

    Returns:
        What `generator.Loaded` says of it, and the function that answers parts.

    Raises:
        ModelError: There is no vLLM for this machine.
    """
    cpu = is_cpu_build()
    warnings.simplefilter("ignore")  # what the engine's libraries tell each other
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if cpu:
        os.environ.update(cpu_environment(cpu_threads()))
    started = time.perf_counter()
    import vllm
    from vllm.platforms import current_platform

    if not cpu and not current_platform.device_type:
        message = (
            "vLLM is built for CUDA, but this machine shows no GPU; install the CPU build "
            '(`requirements/setup cpu`), or set `model = ""` for the template voice alone'
        )
        raise ModelError(message)
    engine = _Engine(vllm.LLM(**llm_arguments(model, settings, cpu)), settings)
    device = "cpu" if cpu else str(current_platform.get_device_name())
    told = {
        "seconds": time.perf_counter() - started,
        "device": device,
        "dtype": str(engine.llm.model_config.dtype).removeprefix("torch."),
    }
    return told | engine.memory(), engine.serve


def llm_arguments(model: str, settings: ExplanationSettings, cpu: bool) -> dict[str, Any]:
    """What `vllm.LLM` is made with."""
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
        "worker_extension_cls": "hertz.explanations.generation.engine.MemoryOfWorker",
    }


class MemoryOfWorker:
    """A method that vLLM adds to each of its workers, wherever they run."""

    def memory_of_worker(self) -> tuple[int, int]:
        """Bytes of video memory in use on the worker's device, and the worker's peak of tensors."""
        import torch

        if not torch.cuda.is_available():
            return 0, 0
        free, total = torch.cuda.mem_get_info()
        return total - free, torch.cuda.max_memory_reserved()


class _Part:
    """Prompts that were handed over together, until all are answered."""

    def __init__(self) -> None:
        self.written: list[tuple[Any, ...]] = []
        self.waiting = 0


class PartByPart(ABC):
    """Parts of prompts in, their texts out in the same order; subclasses do the writing.

    Args:
        tokenizer: The model's.
        settings: Its sampling, and how many engines there are.
    """

    def __init__(self, tokenizer: Any, settings: ExplanationSettings) -> None:  # noqa: ANN401
        self.tokenizer, self.settings = tokenizer, settings
        self.parts: list[_Part] = []
        self.places: dict[str, tuple[_Part, int]] = {}

    def serve(self, requests: Iterator[Any], beat: Beat) -> Iterator[Any]:
        """Answer requests: `MEMORY`, or (prompts, whether another part follows)."""
        at_once = parts_at_once(self.settings)
        for request in requests:
            if request == MEMORY:
                yield self.memory()
                continue
            prompts, more = request
            self.admit(prompts, beat)
            while self.parts and not (more and len(self.parts) < at_once):
                while self.parts[0].waiting:
                    self.step()
                    beat()
                yield self.parts.pop(0).written

    @abstractmethod
    def memory(self) -> dict[str, int]:
        """Bytes in use now and at most."""

    @abstractmethod
    def send(self, tokens: list[int], schema: dict[str, Any], seed: int, temperature: float) -> str:
        """Begin to write; the name that the answer will have."""

    @abstractmethod
    def step(self) -> None:
        """Write on, and take what is finished."""

    def admit(self, prompts: list[tuple[Any, ...]], beat: Beat) -> None:
        """Begin a part. What is too long for the model is not sent."""
        room = self.settings.max_model_len - self.settings.max_tokens
        part = _Part()
        self.parts.append(part)
        for at, (conversation, *how) in enumerate(prompts):
            tokens = self.tokenizer.apply_chat_template(
                conversation, tokenize=True, add_generation_prompt=True, return_dict=False
            )
            part.written.append(("", "too_long", len(tokens), 0, 0))
            if len(tokens) > room:
                continue
            self.places[self.send(tokens, *how)] = (part, at)
            part.waiting += 1
            beat()

    def take(self, name: str, *answer: str | int) -> None:
        """An answer: text, why it ended, tokens of the prompt, of the text, of the cached."""
        part, at = self.places.pop(name)
        part.written[at] = answer
        part.waiting -= 1


class _Engine(PartByPart):
    """A model loaded in this process."""

    def __init__(self, llm: Any, settings: ExplanationSettings) -> None:  # noqa: ANN401  vllm.LLM
        super().__init__(llm.get_tokenizer(), settings)
        self.llm = llm

    def memory(self) -> dict[str, int]:
        """Bytes in use now and at most: video memory, on a CPU that of this engine's processes."""
        found = self.llm.collective_rpc("memory_of_worker")
        now, peak = (sum(worker[at] for worker in found) for at in (0, 1))
        return {"now": now, "peak": max(now, peak)} if now else resident()

    def send(self, tokens: list[int], schema: dict[str, Any], seed: int, temperature: float) -> str:
        """Begin to write; the name that the answer will have."""
        from vllm import SamplingParams, TokensPrompt
        from vllm.sampling_params import StructuredOutputsParams

        sampling = SamplingParams(
            temperature=temperature,
            max_tokens=self.settings.max_tokens,
            seed=seed,
            structured_outputs=StructuredOutputsParams(json=schema),
        )
        prompt = TokensPrompt(prompt_token_ids=tokens)
        (name,) = self.llm.enqueue(prompt, sampling, use_tqdm=False)
        return str(name).partition("-")[0]  # the engine adds to its own ids

    def step(self) -> None:
        """Write one token of every text under way, and take what is finished."""
        for output in self.llm.llm_engine.step():
            first = output.outputs[0]
            self.take(
                output.request_id,
                first.text,
                str(first.finish_reason),
                len(output.prompt_token_ids),
                len(first.token_ids),
                output.num_cached_tokens or 0,
            )


def resident() -> dict[str, int]:
    """Memory of this process and those it started: what is resident, and the sum of the peaks."""
    found = {"now": 0, "peak": 0}
    here = psutil.Process()
    for process in [here, *here.children(recursive=True)]:
        lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
        kilobytes = {line.split(":")[0]: line.split()[1] for line in lines if line.endswith(" kB")}
        found["now"] += 1024 * int(kilobytes.get("VmRSS", 0))
        found["peak"] += 1024 * int(kilobytes.get("VmHWM", 0))
    return found
