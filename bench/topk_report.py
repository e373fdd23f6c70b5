"""Shows the measurements of `bench/topk.py`: a Markdown table, growth exponents, a picture."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def exponent(runs: list[dict[str, Any]], name: str) -> float:
    """Returns the least-squares slope of log seconds over log users."""
    points = [(math.log(r["users"]), math.log(r["cpu_seconds"][name])) for r in runs]
    return float(np.polyfit(*zip(*points, strict=True), 1)[0]) if len(points) > 1 else math.nan


def table(runs: list[dict[str, Any]]) -> str:
    """Returns a Markdown table of CPU seconds by size, then the ratios."""
    names = list(dict.fromkeys(n for run in runs for n in run["cpu_seconds"]))
    lines = ["| CPU seconds, one thread | " + " | ".join(f"{r['users']:,}" for r in runs) + " |"]
    lines.append("|---|" + "---:|" * len(runs))
    for name in names:
        cells = [f"{r['cpu_seconds'][name]:,.1f}" if name in r["cpu_seconds"] else "" for r in runs]
        note = next((r["notes"][name] for r in runs if name in r["notes"]), "")
        lines.append(f"| {name}{f' ({note})' if note else ''} | " + " | ".join(cells) + " |")
    for name in runs[0]["ratios"]:
        cells = [str(r["ratios"][name]) for r in runs]
        lines.append(f"| ratio: {name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    lines.append("| peak MB | " + " | ".join(f"{r['peak_mb']:,}" for r in runs) + " |")
    return "\n".join(lines)


def plot(runs: list[dict[str, Any]], path: str) -> None:
    """Plots CPU seconds against users, both on logarithmic scales."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    ours = {"Hertz, full score": "#c1121f", "Hertz, cosine only": "#f08a5d"}
    for name in dict.fromkeys(n for run in runs for n in run["cpu_seconds"]):
        points = [(r["users"], r["cpu_seconds"][name]) for r in runs if name in r["cpu_seconds"]]
        mine = name in ours
        style = {"color": ours[name], "linewidth": 3} if mine else {"linewidth": 1.2, "ls": "--"}
        axes.plot(*zip(*points, strict=True), marker="o", label=name, **style)
    axes.set(xscale="log", yscale="log", xlabel="users", ylabel="CPU seconds, one thread")
    axes.set_xticks([r["users"] for r in runs], [f"{r['users']:,}" for r in runs])
    axes.set_title("Everyone's 50 best of everyone (d = 384)")
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    handles, labels = axes.get_legend_handles_labels()
    slowest = sorted(zip(labels, handles, strict=True), key=lambda entry: -entry[1].get_ydata()[-1])
    figure.legend(
        [handle for _, handle in slowest],
        [label for label, _ in slowest],
        loc="outside right upper",
        fontsize=9,
    )
    figure.savefig(path, dpi=120)
