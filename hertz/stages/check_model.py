"""Checks whether the configured language model can start, before any work that would be lost.

The checks start no engine and do not import vLLM. An engine that dies later ends no run.
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
    """Checks the run's language model.

    Raises:
        ModelError: If vLLM, Ray, a demanded GPU or the model is missing, if the model lacks a chat
            template or memory, or if the engine's grammar refuses the schema of the answers.
    """
    check_language_model(run.settings.policy, run.settings.explanations)


def check_language_model(policy: Policy, settings: ExplanationSettings) -> None:
    """Checks a language model without a run, with the errors of `check_model`."""
    if not settings.model:
        return
    cpu = is_cpu_build()
    if settings.engines > 1:
        check_ray()
    _check_device(settings, cpu)
    model = find_language_model(settings)
    check_files(model, settings)
    if not on_cluster(settings):  # a cluster's machines have other memory than this one
        _check_memory(model, settings, cpu)
    for language in settings.languages:
        check_schema(response_schema(policy, language), language)


def check_schema(schema: dict[str, Any], language: str) -> None:
    """Checks whether the engine's grammar accepts the schema of the answers.

    Raises:
        ModelError: If it does not; the message contains the grammar's own error.
    """
    import xgrammar

    try:
        xgrammar.Grammar.from_json_schema(json.dumps(schema), any_whitespace=False)
    except (RuntimeError, ValueError) as error:
        lines = str(error).strip().splitlines()
        message = (
            f"the schema of answers in {language!r} is refused by xgrammar: "
            f"{lines[-1] if lines else type(error).__name__}; report this bug, or leave the "
            "language out of [explanations] languages"
        )
        raise ModelError(message) from error


def _check_device(settings: ExplanationSettings, cpu_build: bool) -> None:
    """Checks that the installed vLLM and the GPUs fit the settings."""
    wanted = settings.tensor_parallel_size * settings.engines
    described = (
        f"[explanations] device = {settings.device!r} with tensor_parallel_size = "
        f"{settings.tensor_parallel_size} and engines = {settings.engines}"
    )
    if cpu_build and (settings.device == "cuda" or settings.tensor_parallel_size > 1):
        message = (
            f"{described} demands a GPU, but the installed vLLM is the CPU build; run "
            '`requirements/setup gpu` on a machine with a GPU, or set device = "auto" and '
            "tensor_parallel_size = 1"
        )
        raise ModelError(message)
    if not cpu_build and settings.device == "cpu":
        message = (
            f"{described}: the installed vLLM is built for CUDA; run `requirements/setup cpu`, "
            'or set device = "auto"'
        )
        raise ModelError(message)
    if not cpu_build and not on_cluster(settings) and (found := _gpus()) < wanted:
        message = (
            f"{described} needs {wanted} GPU(s), this machine shows {found}; check `nvidia-smi` "
            "and CUDA_VISIBLE_DEVICES, install the CPU build (`requirements/setup cpu`), "
            f"{NO_MODEL}"
        )
        raise ModelError(message)


def _check_memory(model: LanguageModel, settings: ExplanationSettings, cpu: bool) -> None:
    """Checks that the weights, and on a CPU the engine's cache, fit into the free memory."""
    if settings.load_format == "dummy":
        return  # there are no weights to measure
    dtype = "float32" if cpu and settings.dtype == "auto" else settings.dtype
    needed = weight_bytes(model, FLOAT_BYTES.get(dtype)) // settings.tensor_parallel_size
    if cpu:
        needed = settings.engines * (needed + cpu_cache_gib() * GIB)
    free = psutil.virtual_memory().available if cpu else _free_video_memory(settings)
    if needed > free:
        message = (
            f"language model {model.name!r} needs at least {needed / GIB:.1f} GiB of "
            f"{'memory' if cpu else 'video memory on each GPU'} as {dtype}, {free / GIB:.1f} GiB "
            'are free; use a smaller or quantized model, dtype = "bfloat16", more GPUs '
            f"(tensor_parallel_size), {NO_MODEL}"
        )
        raise ModelError(message)


def _gpus() -> int:
    """Returns the number of GPUs that this machine shows."""
    import torch

    return torch.cuda.device_count()


def _free_video_memory(settings: ExplanationSettings) -> int:
    """Returns the bytes that the engine may use of the GPU with the least free memory."""
    import torch

    gpus = range(settings.tensor_parallel_size * settings.engines)
    free = min(torch.cuda.mem_get_info(gpu)[0] for gpu in gpus)
    return int(free * settings.gpu_memory_utilization)
