"""The figures of each language model: a row, and the rows in Parquet and in Markdown.

The tables include that of the dating service that Hertz was first made for (service.toml).
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.resources import files
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
BY_HAND = "the service, by hand"
COLUMNS = {  # title -> figure of a row, and its format
    "model": ("label", ""),
    "vLLM": ("support", ""),
    "load, s": ("load_s", ",.2f"),
    "a report alone, s": ("single_s", ",.2f"),
    "a report in a batch, s": ("batch_s", ",.2f"),
    "tokens/s": ("tokens_per_s", ",.0f"),
    "MB loaded": ("loaded_mb", ",.0f"),
    "MB inferring": ("inferring_mb", ",.0f"),
    "valid JSON": ("valid", ".0%"),
    "grounded": ("grounded", ".0%"),
    "accepted": ("accepted", ".0%"),
    "": ("remark", ""),
}
SERVICE_COLUMNS = (*list(COLUMNS)[:4], "MB loaded", "MB inferring", "")


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


_FILE = files(__package__).joinpath("service.toml").read_text(encoding="utf-8")
SERVICE = tuple(Measured(source=BY_HAND, **row) for row in tomllib.loads(_FILE)["models"])
SCHEMA: dict[str, Any] = {
    field.name: _TYPES[str(field.type).removesuffix(" | None")] for field in fields(Measured)
}


def frame(rows: Sequence[Measured]) -> pl.DataFrame:
    """Returns the rows as a table."""
    return pl.DataFrame([asdict(row) for row in rows], SCHEMA)


def markdown(rows: Sequence[Measured], notes: Sequence[str]) -> str:
    """Returns both tables in Markdown, with notes about the reports and the machine."""
    devices = ", ".join(dict.fromkeys(f"{row.device} ({row.dtype})" for row in rows if row.device))
    on_cpu = any(row.device == "cpu" for row in rows)
    memory = "resident memory of its process" if on_cpu else "GPU memory, 4 GiB of cache included"
    remarks = [*notes, f"device: {devices or 'none'}; MB: {memory}"]
    if any(row.dummy for row in rows):
        remarks.append("dummy: random weights of the model's shape: only speed and memory are real")
    listed = "\n".join(f"- {line}" for line in remarks)
    return (
        f"# Language models, measured\n\n{_table(rows, tuple(COLUMNS))}\n\n{listed}\n\n"
        "## The service's own table, made by hand, for comparison\n\n"
        f"{_table(SERVICE, SERVICE_COLUMNS)}\n\n"
        "Its machine and reports were different (870-1,200 characters, one at a time).\n"
    )


def _table(rows: Sequence[Measured], columns: Sequence[str]) -> str:
    """Returns a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |"]
    lines.append("|---|---|" + "---:|" * (len(columns) - 3) + "---|")
    lines += ["| " + " | ".join(_cell(row, column) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(row: Measured, column: str) -> str:
    figure, form = COLUMNS[column]
    value = getattr(row, figure)
    return "-" if value is None else format(value, form).replace("|", "\\|")
