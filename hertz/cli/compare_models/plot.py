"""The table of language models as a figure: seconds, memory and shares, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hertz.cli.compare_models.results import SERVICE, Measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS: dict[str, dict[str, str]] = {  # title -> field -> name in the legend
    "seconds to load": {"load_s": "loading"},
    "seconds a report": {"single_s": "one at a time", "batch_s": "in a batch"},
    "memory, GB": {"loaded_mb": "loaded", "inferring_mb": "inferring"},
    "share of the reports": {"valid": "valid JSON", "grounded": "grounded", "accepted": "accepted"},
}
SHARES = PANELS["share of the reports"]
COLORS = ("#1d3557", "#e76f51", "#2a9d8f")


def plot(path: Path, rows: Sequence[Measured]) -> None:
    """Draws a bar for each figure; the service's table is pale, random weights are hatched."""
    from matplotlib.figure import Figure

    shown = [*rows, *SERVICE]
    figure = Figure(figsize=(16, 1.6 + 0.5 * len(shown)), layout="constrained")
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (title, fields) in zip(panels, PANELS.items(), strict=True):
        _bars(axes, shown, fields)
        axes.set(title=title, xlim=(0, 1) if fields is SHARES else (0, None))
        axes.margins(x=0.1)
        axes.axhline(len(rows) - 0.5, color="black", linewidth=0.8)
        axes.grid(axis="x", alpha=0.3)
        if len(fields) > 1:
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.04), ncols=3, frameon=False)
    panels[0].set_yticks(range(len(shown)), [_label(row) for row in shown])
    panels[0].invert_yaxis()
    figure.suptitle("Language models as measured; below the line the service's own table")
    figure.savefig(path, dpi=120)


def _bars(axes: Axes, rows: Sequence[Measured], fields: dict[str, str]) -> None:
    """Draws one panel."""
    height = 0.8 / len(fields)
    for number, (field, label) in enumerate(fields.items()):
        known = [(at, row) for at, row in enumerate(rows) if getattr(row, field) is not None]
        shift = (number - (len(fields) - 1) / 2) * height
        scale = 1000 if field.endswith("_mb") else 1
        bars = axes.barh(
            [at + shift for at, _ in known],
            values := [getattr(row, field) / scale for _, row in known],
            0.9 * height,
            color=COLORS[number],
            label=label,
        )
        for bar, (_, row) in zip(bars, known, strict=True):
            bar.set(alpha=1 if row.source == "measured" else 0.35, edgecolor="white")
            bar.set_hatch("//" if row.dummy else None)
        shown = [f"{value:.0%}" if field in SHARES else f"{value:.3g}" for value in values]
        axes.bar_label(bars, shown, padding=2, fontsize="x-small")


def _label(row: Measured) -> str:
    short = row.label.rsplit("/", 1)[-1]
    return f"{short}\n{'failed' if row.vllm else 'not loaded'}" if row.error else short
