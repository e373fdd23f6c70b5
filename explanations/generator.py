"""Texts from a language model: vLLM, offline, in a child process of its own.

In: conversations, one JSON schema and one seed each. Out: what the model wrote, in order. The
engine lives in a child, so that its memory goes with it and its death is only an error here.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from explanations.settings import ExplanationSettings
from matching.errors import GenerationError, HertzError, ModelError

Conversation = list[dict[str, str]]
CPU_ENVIRONMENT = {  # before torch is imported: without the thread setting, 24 times slower
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}
ENVIRONMENT = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}
CAUSE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Generated:
    """One answer. `finish_reason` is "too_long" where the prompt left no room and was not sent."""

    text: str
    finish_reason: str
    prompt_tokens: int
    output_tokens: int


class Generator(Protocol):
    """Whatever writes texts: `VllmGenerator`, or a recording of one."""

    def generate(
        self, conversations: Sequence[Conversation], schema: dict[str, Any], seeds: Sequence[int]
    ) -> list[Generated]:
        """Write one text for each conversation, in order."""
        ...


class VllmGenerator:
    """A vLLM engine in a spawned child process; a context manager that ends it.

    Args:
        model: Folder or Hugging Face id.
        settings: Sampling and memory.
    """

    def __init__(self, model: str, settings: ExplanationSettings) -> None:
        self._model = model
        self._worker = Worker(_engine, (model, settings), f"language model {model!r}")

    @property
    def pid(self) -> int | None:
        """Process id of the engine."""
        return self._worker.pid

    def __enter__(self) -> Self:
        """Load the model.

        Raises:
            ModelError: it cannot be loaded; the message says why.
        """
        if Path(self._model).is_absolute() and not Path(self._model).is_dir():
            message = f"language model {self._model!r}: no such folder; check `model`"
            raise ModelError(message)
        self._worker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.close()

    def generate(
        self, conversations: Sequence[Conversation], schema: dict[str, Any], seeds: Sequence[int]
    ) -> list[Generated]:
        """Write one text for each conversation, in order.

        Raises:
            GenerationError: the engine died or refused the whole batch.
        """
        answer = self._worker.ask((list(conversations), schema, list(seeds)))
        return [Generated(*item) for item in answer]


class Worker:
    """A child process that loads something once and then answers requests one at a time.

    `load(*args)` runs in the child and returns the function that answers. Only plain values cross.
    """

    def __init__(
        self, load: Callable[..., Callable[[Any], Any]], args: tuple[Any, ...], name: str
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, load, args), name="hertz-model"
        )
        self._theirs = theirs
        self._name = name

    @property
    def pid(self) -> int | None:
        """Process id of the child, once started."""
        return self._process.pid

    def start(self) -> None:
        """Start the child and wait until it has loaded.

        Raises:
            ModelError: it could not load.
        """
        self._process.start()
        self._theirs.close()  # so that the child's death ends the pipe
        self._receive(ModelError, "could not be loaded")

    def ask(self, request: Any) -> Any:  # noqa: ANN401  plain values, whatever the child takes
        """The child's answer.

        Raises:
            GenerationError: the child died or failed.
        """
        try:
            self._ours.send(request)
        except OSError as error:
            message = f"{self._name}: its process is gone; the log above it says why"
            raise GenerationError(message) from error
        return self._receive(GenerationError, "failed while writing")

    def close(self) -> None:
        """End the child; it answers no more."""
        self._ours.close()
        if self._process.pid is None:
            return
        self._process.join(timeout=10)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _receive(self, kind: type[ModelError | GenerationError], what: str) -> Any:  # noqa: ANN401
        try:
            ok, answer = self._ours.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            code = self._process.exitcode or 0
            cause = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            hint = " (out of memory?)" if code == -9 else ""
            message = f"{self._name} {what}: its process died, {cause}{hint}"
            raise kind(message) from error
        if not ok:
            message = f"{self._name} {what}: {answer}"
            raise kind(message)
        return answer


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


def _serve(
    pipe: Connection, load: Callable[..., Callable[[Any], Any]], args: tuple[Any, ...]
) -> None:
    """The child's life: load, say so, answer until the pipe closes."""
    loaded = False
    try:
        answer = load(*args)
        pipe.send((True, None))
        loaded = True
        while True:
            pipe.send((True, answer(pipe.recv())))
    except (EOFError, BrokenPipeError):
        return  # the parent has closed or died
    except Exception as error:  # whatever the engine raises ends in words there
        pipe.send((False, _cause(error, with_message=not loaded)))


def _cause(error: Exception, with_message: bool) -> str:
    """An error in one line. Once there are prompts, a message might quote them: its type alone."""
    lines = str(error).strip().splitlines()
    if isinstance(error, HertzError) or not with_message or not lines:
        return str(error) if isinstance(error, HertzError) else type(error).__name__
    return f"{type(error).__name__}: {lines[0][:CAUSE_LENGTH]}"


def _engine(model: str, settings: ExplanationSettings) -> Callable[[Any], list[tuple[Any, ...]]]:
    """Load vLLM in this process; returns the function that writes."""
    cpu = is_cpu_build()
    warnings.simplefilter("ignore")  # what the engine's libraries tell each other
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if cpu:
        os.environ.update(CPU_ENVIRONMENT)
    import vllm
    from vllm.platforms import current_platform

    if not cpu and not current_platform.device_type:
        message = (
            "vLLM is built for CUDA, but this machine shows no GPU; install the CPU build "
            '(`requirements/setup cpu`), or set `model = ""` for the template voice alone'
        )
        raise ModelError(message)
    llm = vllm.LLM(
        model=model,
        revision=settings.revision,
        dtype="float32" if cpu and settings.dtype == "auto" else settings.dtype,
        max_model_len=settings.max_model_len,
        max_num_batched_tokens=65536 if cpu else None,  # on a CPU a split prompt breaks seeds
        gpu_memory_utilization=settings.gpu_memory_utilization,
        enforce_eager=cpu,
        enable_prefix_caching=True,
        generation_config="vllm",
        seed=settings.seed,
        structured_outputs_config={"backend": "xgrammar", "disable_any_whitespace": True},
        disable_log_stats=True,
        use_tqdm_on_load=False,
    )
    return lambda request: _write(llm, settings, *request)


def _write(
    llm: Any,  # noqa: ANN401  vllm.LLM, imported in the child only
    settings: ExplanationSettings,
    conversations: list[Conversation],
    schema: dict[str, Any],
    seeds: list[int],
) -> list[tuple[Any, ...]]:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    room = settings.max_model_len - settings.max_tokens
    template = llm.get_tokenizer().apply_chat_template
    lengths = [
        len(template(talk, tokenize=True, add_generation_prompt=True, return_dict=False))
        for talk in conversations
    ]
    fits = [at for at, length in enumerate(lengths) if length <= room]
    sampling = [
        SamplingParams(
            temperature=settings.temperature,
            max_tokens=settings.max_tokens,
            seed=seeds[at],
            structured_outputs=StructuredOutputsParams(json=schema),
        )
        for at in fits
    ]
    written: list[tuple[Any, ...]] = [("", "too_long", length, 0) for length in lengths]
    outputs = llm.chat([conversations[at] for at in fits], sampling, use_tqdm=False) if fits else []
    for at, output in zip(fits, outputs, strict=True):
        first = output.outputs[0]
        written[at] = (first.text, str(first.finish_reason), lengths[at], len(first.token_ids))
    return written
