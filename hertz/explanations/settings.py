"""Settings of the explanations: their number, the model, the sampling and the engines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from hertz.core.strict import Strict

HERTZ_SETS = {  # arguments of vllm.LLM that have a setting or must have a certain value
    "model", "revision", "dtype", "max_model_len", "max_num_batched_tokens", "seed",
    "gpu_memory_utilization", "enable_prefix_caching", "generation_config", "disable_log_stats",
    "structured_outputs_config", "load_format", "quantization", "tensor_parallel_size",
    "worker_extension_cls", "enable_chunked_prefill",
}  # fmt: skip


class ExplanationSettings(Strict):
    """The `[explanations]` part of hertz.toml."""

    top: int = Field(10, ge=1, description="Best matches of each user and category to explain")
    model: str = Field(
        "bundled",
        description='Language model: "bundled", a Hugging Face id or a folder; "": template only',
    )
    revision: str | None = Field(None, description="Revision of a Hugging Face model")
    languages: tuple[str, ...] = Field(
        ("en",), description="What the model writes; other languages come from the template"
    )

    budget: int = Field(32, ge=0, description="Number of pairs that the model writes about")
    budget_tokens: int = Field(0, ge=0, description="Most tokens of the model a run; 0: no limit")
    budget_minutes: float = Field(
        0,
        ge=0,
        description="Most minutes of the model a run; 0: no limit. The texts then depend on the "
        "machine's speed",
    )

    temperature: float = Field(
        0.0, ge=0, le=2, description="0 always takes the likeliest word: best for a small model"
    )
    retries: int = Field(1, ge=0, le=10, description="Further tries for a text that is refused")
    retry_temperature: float = Field(
        0.7, gt=0, le=2, description="Of further tries: at 0 they would give the same text again"
    )
    max_tokens: int = Field(320, ge=32, description="Longest answer of the model, in tokens")
    seed: int = Field(7, ge=0, description="Added to each prompt's own seed")
    max_model_len: int = Field(4096, ge=256, description="Longest prompt and answer together")
    chunk: int = Field(
        768, ge=3, description="Most prompts of each engine that are repeated after a kill"
    )

    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="cuda: refuse to run where there is no GPU; cpu: refuse a CUDA vLLM"
    )
    dtype: str = Field("auto", description="auto: float32 on a CPU, the model's own on a GPU")
    quantization: str | None = Field(None, description="If the model's config does not name it")
    tensor_parallel_size: int = Field(1, ge=1, description="GPUs that share one copy of the model")
    engines: int = Field(
        1,
        ge=1,
        description="Copies of the model, each on GPUs of its own; more than 1 needs Ray Data "
        "(`pip install 'ray[data]'`), on this machine or the cluster that RAY_ADDRESS names",
    )
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1)
    load_format: Literal["auto", "dummy"] = Field(
        "auto", description="dummy: random weights, to measure a model by its config alone"
    )
    engine: dict[str, Any] = Field(
        default_factory=dict, description="Further arguments of vllm.LLM, as they are named there"
    )
    load_seconds: float = Field(1800, gt=0, description="Longest time to load the model")
    hang_seconds: float = Field(
        600, gt=0, description="Time without a sign of life after which an engine is ended"
    )

    @field_validator("engine")
    @classmethod
    def _sets_no_argument_of_hertz(cls, engine: dict[str, Any]) -> dict[str, Any]:
        taken = sorted(HERTZ_SETS & engine.keys())
        if taken:
            message = f"{', '.join(taken)}: Hertz sets these itself; see docs/explanations.md"
            raise ValueError(message)
        return engine
