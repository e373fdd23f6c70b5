"""The stage before all others where a language model is to write: would it start at all?

What the configuration gets wrong ends the run here, before any work is done that would be thrown
away. What goes wrong later (an engine that dies in the night) leaves texts to the template voice.
No engine is started and vLLM is not imported.
"""

from __future__ import annotations

import json
from typing import Any

import psutil

from hertz.core.errors import ModelError
from hertz.explanations.generation.engine import cpu_cache_gib, is_cpu_build
from hertz.explanations.generation.ray_engine import check_ray, on_cluster
from hertz.explanations.prompts.prompts import response_schema
from hertz.explanations.settings import ExplanationSettings
from hertz.policy.model import Policy
from hertz.stages.run import Run
from hertz.storage.models.language import (
    NO_MODEL,
    LanguageModel,
    check_files,
    find_language_model,
    weight_bytes,
)

GIB = 1 << 30
FLOAT_BYTES = {"float32": 4, "float": 4, "bfloat16": 2, "float16": 2, "half": 2}


def check_model(run: Run) -> None:
    """Check the run's language model.

    Raises:
        ModelError: No vLLM, no Ray where several engines are wanted, no GPU where one is demanded,
            no such model, a model that cannot chat, too little memory for it, or a schema of
            answers that the engine's grammar refuses.
    """
    check_language_model(run.settings.policy, run.settings.explanations)


def check_language_model(policy: Policy, settings: ExplanationSettings) -> None:
    """The same for settings without a run: see `check_model`."""
    if not settings.model:
        return
    cpu = is_cpu_build()
    if settings.engines > 1:
        check_ray()
    _check_device(settings, cpu)
    model = find_language_model(settings)
    check_files(model, settings)
    if not on_cluster(settings):  # this machine's memory says nothing of others
        _check_memory(model, settings, cpu)
    for language in settings.languages:
        check_schema(response_schema(policy, language), language)


def check_schema(schema: dict[str, Any], language: str) -> None:
    """Whether the engine's grammar takes the schema of the answers.

    Raises:
        ModelError: It does not; the message has the grammar's own words.
    """
    import xgrammar

    try:
        xgrammar.Grammar.from_json_schema(json.dumps(schema), any_whitespace=False)
    except (RuntimeError, ValueError) as error:
        lines = str(error).strip().splitlines()
        message = (
            f"the schema of answers in {language!r} is refused by xgrammar: "
            f"{lines[-1] if lines else type(error).__name__}; tell Hertz's makers, or leave the "
            "language out of [explanations] languages"
        )
        raise ModelError(message) from error


def _check_device(settings: ExplanationSettings, cpu_build: bool) -> None:
    wanted = settings.tensor_parallel_size * settings.engines
    demanded = settings.device == "cuda" or settings.tensor_parallel_size > 1
    told = (
        f"device = {settings.device!r} with tensor_parallel_size = {settings.tensor_parallel_size}"
        f" and engines = {settings.engines}"
    )
    if cpu_build and demanded:
        message = (
            f"[explanations] {told} demands a GPU, but the installed vLLM is the CPU build; run "
            '`requirements/setup gpu` on a machine with a GPU, or set device = "auto" and '
            "tensor_parallel_size = 1"
        )
        raise ModelError(message)
    if not cpu_build and settings.device == "cpu":
        message = (
            f"[explanations] {told}: the installed vLLM is built for CUDA; run "
            '`requirements/setup cpu`, or set device = "auto"'
        )
        raise ModelError(message)
    if not cpu_build and not on_cluster(settings) and (found := _gpus()) < wanted:
        message = (
            f"[explanations] {told} needs {wanted} GPU(s), this machine shows {found}; check "
            f"`nvidia-smi` and CUDA_VISIBLE_DEVICES, install the CPU build "
            f"(`requirements/setup cpu`), {NO_MODEL}"
        )
        raise ModelError(message)


def _check_memory(model: LanguageModel, settings: ExplanationSettings, cpu: bool) -> None:
    """Weights, and on a CPU the engine's cache, against what is free."""
    if settings.load_format == "dummy":
        return  # its weights are not there to be measured
    dtype = "float32" if cpu and settings.dtype == "auto" else settings.dtype
    needed = weight_bytes(model, FLOAT_BYTES.get(dtype)) // settings.tensor_parallel_size
    if cpu:
        needed = settings.engines * (needed + cpu_cache_gib() * GIB)
    free = psutil.virtual_memory().available if cpu else _free_video_memory(settings)
    if needed > free:
        message = (
            f"language model {model.name!r} needs at least {needed / GIB:.1f} GiB of "
            f"{'memory' if cpu else 'video memory on each GPU'} as {dtype}, {free / GIB:.1f} GiB "
            'are free; take a smaller or quantised model, dtype = "bfloat16", more GPUs '
            f"(tensor_parallel_size), {NO_MODEL}"
        )
        raise ModelError(message)


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


def _free_video_memory(settings: ExplanationSettings) -> int:
    """Bytes that the engine may take of the fullest of its GPUs."""
    import torch

    gpus = range(settings.tensor_parallel_size * settings.engines)
    free = [torch.cuda.mem_get_info(at)[0] for at in gpus]
    return int(min(free) * settings.gpu_memory_utilization)
