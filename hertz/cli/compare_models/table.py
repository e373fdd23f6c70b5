"""The table of language models in Markdown, with the one that the service made by hand.

The service is the dating service that Hertz was first made for; its table is in service.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files

from hertz.cli.compare_models.results import Measured

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
_FILE = files(__package__).joinpath("service.toml").read_text(encoding="utf-8")
SERVICE = tuple(Measured(source=BY_HAND, **row) for row in tomllib.loads(_FILE)["models"])


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
