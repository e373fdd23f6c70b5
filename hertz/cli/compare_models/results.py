"""The row of figures that each language model gets, and its form in Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson
import polars as pl

_TYPES = {"str": pl.String, "bool": pl.Boolean, "int": pl.Int64, "float": pl.Float64}
TEXTS: dict[str, Any] = {
    "model": pl.String,
    "report": pl.Int64,
    "category": pl.String,
    "language": pl.String,
    "title": pl.String,
    "content": pl.String,
    "failed_checks": pl.List(pl.String),
}


@dataclass
class Measured:
    """A model's row of the table; None stands for a figure that is not known.

    Attributes:
        source: "measured", or where the figures come from instead.
        dummy: Whether the weights are random, so that only speed and memory mean something.
        vllm: Whether vLLM loaded the model; None if that was not tried.
        error: Why there are no (more) figures.
        load_s: Seconds from the start of its process until it could write.
        single_s: Median seconds for a report, one at a time.
        batch_s: Seconds for a report, all at once.
        loaded_mb: Memory before the first report: of the GPU, or of the process without one.
        inferring_mb: The same memory while the reports are written.
        reports: Number of reports that were written at once.
        cached_tokens: Prompt tokens that the prefix cache had.
        valid: Share of the answers that have the form of the JSON schema.
        grounded: Share of the texts in which every claim is true.
        accepted: Share of the texts that pass all checks.
        failed_checks: Number of texts that failed each check, as a JSON object.
    """

    model: str
    source: str = "measured"
    dummy: bool = False
    vllm: bool | None = None
    error: str | None = None
    device: str | None = None
    dtype: str | None = None
    load_s: float | None = None
    single_s: float | None = None
    batch_s: float | None = None
    tokens_per_s: float | None = None
    loaded_mb: float | None = None
    inferring_mb: float | None = None
    reports: int | None = None
    output_tokens: int | None = None
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    valid: float | None = None
    grounded: float | None = None
    accepted: float | None = None
    failed_checks: str | None = None

    @property
    def label(self) -> str:
        """Name of the model in tables and figures."""
        return f"{self.model} (dummy)" if self.dummy else self.model

    @property
    def support(self) -> str | None:
        """Whether vLLM loaded the model, as a word; None if that was not tried."""
        return None if self.vllm is None else "yes" if self.vllm else "no"

    @property
    def remark(self) -> str:
        """Why figures are missing, or the three checks that failed most often."""
        failed = list(orjson.loads(self.failed_checks or "{}").items())[:3]
        most = ", ".join(f"{check} {count}" for check, count in failed)
        return self.error or (f"failed: {most}" if most else "")


SCHEMA: dict[str, Any] = {
    field.name: _TYPES[str(field.type).removesuffix(" | None")] for field in fields(Measured)
}


def frame(rows: Sequence[Measured]) -> pl.DataFrame:
    """Returns the rows as a table."""
    return pl.DataFrame([asdict(row) for row in rows], SCHEMA)
