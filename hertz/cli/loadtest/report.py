"""Results of a load test: figures, a comparison with another load test, and a plot.

Two sets of times are compared by a permutation test: p is the share of 2,000 seeded permutations
whose means differ at least as much; p >= 0.01 is reported as "no significant change".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hertz.cli.loadtest.client import Rounds

PERMUTATIONS = 2000
TEST = f"permutation test on the means, {PERMUTATIONS:,} permutations"


def figures(rounds: Rounds) -> dict[str, Any]:
    """Returns the figures of both rounds, and the second's average divided by the first's."""
    first, second = _figures(rounds.first), _figures(rounds.second)
    ratio = round(second["avg_ms"] / first["avg_ms"], 3)
    return {"first": first, "second": second, "second_over_first": ratio}


def p_value(a: list[float], b: list[float]) -> float:
    """Returns the p value of the difference between the means of two sets of times."""
    pooled = np.array(a + b)
    size = len(a)
    rng = np.random.default_rng(0)
    total = pooled.sum()

    def gap(left: float) -> float:
        return abs(left / size - (total - left) / (len(pooled) - size))

    seen = gap(float(pooled[:size].sum())) * (1 - 1e-9)  # sums in another order differ in a bit
    drawn = (float(rng.permutation(pooled)[:size].sum()) for _ in range(PERMUTATIONS))
    return (sum(gap(left) >= seen for left in drawn) + 1) / (PERMUTATIONS + 1)


def compare(before: list[float], now: list[float]) -> dict[str, Any]:
    """Returns the ratio of two means, its p value, and the verdict in words."""
    ratio = float(np.mean(now) / np.mean(before))
    p = p_value(before, now)
    change = f"significantly {'slower' if ratio > 1 else 'faster'}"
    verdict = "no significant change" if p >= 0.01 else change
    return {"ratio": round(ratio, 3), "p": round(p, 4), "verdict": verdict, "test": TEST}


def lines(name: str, found: dict[str, Any], within: dict[str, Any]) -> list[str]:
    """Returns the lines for people: a test's two rounds, and whether they differ."""
    shown = [f"{name:<22}{'avg':>9}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}  ms"]
    for part in ("first", "second"):
        numbers = "".join(f"{value:9.2f}" for value in found[part].values())
        shown.append(f"  {part + ' round':<20}{numbers}")
    return [*shown, f"  second over first: {words(within)}"]


def words(comparison: dict[str, Any]) -> str:
    """Returns a comparison in words."""
    return "{ratio} times: {verdict} (p = {p}, {test})".format(**comparison)


def plot(path: Path, runs: dict[str, dict[str, dict[str, Any]]]) -> None:
    """Draws the sorted times of each test, one line for each round and load test.

    Args:
        path: PNG file to write.
        runs: Load test -> test -> fields of `Rounds`; the first load test is drawn opaque.
    """
    from matplotlib.figure import Figure

    tests = list(next(iter(runs.values())))
    figure = Figure(figsize=(5 * len(tests), 3.6), layout="constrained")
    for place, test in enumerate(tests, start=1):
        axes = figure.add_subplot(1, len(tests), place)
        for alpha, (run, found) in zip((1, 0.4), runs.items(), strict=False):
            for style, (part, times) in zip("-:", found.get(test, {}).items(), strict=False):
                share = np.linspace(0, 100, len(times))
                axes.plot(share, np.sort(times), style, alpha=alpha, label=f"{run}, {part} round")
        axes.set(title=test, xlabel="requests, %", ylabel="ms", ylim=(0, None))
        axes.legend(fontsize="small")
    figure.savefig(path, dpi=120)


def _figures(times: list[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    found = {"avg_ms": np.mean(times), "p50_ms": p50, "p95_ms": p95, "p99_ms": p99}
    return {name: round(float(v), 3) for name, v in (found | {"max_ms": max(times)}).items()}
