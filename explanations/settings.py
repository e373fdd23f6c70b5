"""Settings of the explanations: how many, by which model, with what sampling."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ExplanationSettings(BaseModel):
    """The `[explanations]` part of hertz.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    top: int = Field(10, ge=1, description="Best matches of each user and category to explain")
    model: str = Field(
        "bundled",
        description='Language model: "bundled", a Hugging Face id or a folder; "": template only',
    )
    revision: str | None = Field(None, description="Revision of a Hugging Face model")
    languages: tuple[str, ...] = Field(
        ("en",), description="What the model writes; other languages come from the template"
    )
    budget: int = Field(
        32, ge=0, description="Most valuable pairs, which the model writes; the others: template"
    )
    temperature: float = Field(
        0.0, ge=0, le=2, description="0 always takes the likeliest word: best for a small model"
    )
    max_tokens: int = Field(256, ge=32, description="Longest answer of the model, in tokens")
    seed: int = Field(7, ge=0, description="Added to each prompt's own seed")
    max_model_len: int = Field(4096, ge=256, description="Longest prompt and answer together")
    dtype: str = Field("auto", description="auto: float32 on a CPU, the model's own on a GPU")
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1)
    chunk: int = Field(256, ge=1, description="Prompts written between two checkpoints")
