"""The table of language models in Markdown, with the one that the service made by hand.

The service is the dating service that Hertz was first made for; its table is in service.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from importlib.resources import files

import orjson

from hertz.cli.compare_models.results import Measured

BY_HAND = "the service, by hand"
SHOWN_CHECKS = 3  # in a row


def _service_rows() -> tuple[Measured, ...]:
    """Returns the rows of service.toml."""
    text = files("hertz.cli.compare_models").joinpath("service.toml").read_text(encoding="utf-8")
    return tuple(Measured(source=BY_HAND, **row) for row in tomllib.loads(text)["models"])


SERVICE = _service_rows()


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def _support(row: Measured) -> str:
    return {True: "yes", False: "no", None: "-"}[row.vllm]


COLUMNS: dict[str, Callable[[Measured], str]] = {
    "model": lambda row: _escaped(name(row)),
    "vLLM": _support,
    "load, s": lambda row: _seconds(row.load_s),
    "a report alone, s": lambda row: _seconds(row.single_s),
    "a report in a batch, s": lambda row: _seconds(row.batch_s),
    "tokens/s": lambda row: _whole(row.tokens_per_s),
    "MB loaded": lambda row: _whole(row.loaded_mb),
    "MB inferring": lambda row: _whole(row.inferring_mb),
    "valid JSON": lambda row: _share(row.valid),
    "grounded": lambda row: _share(row.grounded),
    "accepted": lambda row: _share(row.accepted),
    "": lambda row: _escaped(remark(row)),
}
SERVICE_COLUMNS = (*list(COLUMNS)[:4], "MB loaded", "MB inferring", "")


def markdown(rows: Sequence[Measured], notes: Sequence[str]) -> str:
    """Returns both tables in Markdown, with what the figures depend on.

    Args:
        rows: Models that were measured.
        notes: Lines about the reports and the machine.
    """
    devices = ", ".join(dict.fromkeys(f"{row.device} ({row.dtype})" for row in rows if row.device))
    on_cpu = any(row.device == "cpu" for row in rows)
    memory = "resident memory of its process" if on_cpu else "GPU memory, 4 GiB of cache included"
    remarks = [*notes, f"device: {devices or 'none'}; MB: {memory}"]
    if any(row.dummy for row in rows):
        remarks.append("dummy: random weights of the model's shape: only speed and memory are real")
    return "\n".join(
        [
            "# Language models, measured",
            "",
            *_table(rows, tuple(COLUMNS)),
            "",
            *(f"- {line}" for line in remarks),
            "",
            "## The service's own table, made by hand, for comparison",
            "",
            *_table(SERVICE, SERVICE_COLUMNS),
            "",
            "Its machine and reports were different (870-1,200 characters, one at a time).",
            "",
        ]
    )


def name(row: Measured) -> str:
    """Returns the name of a model as the table shows it."""
    return f"{row.model} (dummy)" if row.dummy else row.model


def remark(row: Measured) -> str:
    """Returns why figures are missing, or which checks failed most often."""
    if row.error:
        return row.error
    failed = orjson.loads(row.failed_checks or "{}")
    most = [f"{check} {count}" for check, count in list(failed.items())[:SHOWN_CHECKS]]
    return f"failed: {', '.join(most)}" if most else ""


def _table(rows: Sequence[Measured], columns: Sequence[str]) -> list[str]:
    """Returns the lines of a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |"]
    lines.append("|---|---|" + "---:|" * (len(columns) - 3) + "---|")
    lines += ["| " + " | ".join(COLUMNS[column](row) for column in columns) + " |" for row in rows]
    return lines


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
