"""The report's plots: SVG elements, drawn by matplotlib, without words, fonts or fixed colors.

Every color is a custom property of the page (`--c0` ...), so that one drawing serves light and
dark; the page adds the words, to translate them. A plot's `name` makes its ids unique in the page.
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from hertz.reports.figures import Histogram, ScoreFigures
from hertz.reports.runs import RunRecord

if TYPE_CHECKING:
    from matplotlib import RcParams
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = 8
WIDTH, HEIGHT = 5.2, 2.3  # inches of 72 units: readable at the width of a phone

_INK, _RULE = "#010101", "#020202"  # stand for the page's colors, in plots.mplstyle too


def score_plot(name: str, now: ScoreFigures, last: ScoreFigures | None, color: int) -> str:
    """Draws the histogram of mutual scores, with the last snapshot's as an outline."""
    figure, axes = _axes()
    heights, edges = _shares(now.histogram)
    axes.stairs(heights, edges, fill=True, color=_color(color), alpha=0.75)
    if last:
        heights, edges = _shares(last.histogram)
        axes.stairs(heights, edges, color=_INK, linewidth=1)
    axes.axvline(now.median, color=_INK, linewidth=0.9, linestyle=(0, (3, 3)))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return _svg(figure, name)


def lorenz_plot(name: str, curves: Sequence[Sequence[float]]) -> str:
    """Draws the share of all list entries that the least listed users have, one line a category."""
    figure, axes = _axes()
    axes.plot([0, 1], [0, 1], color=_INK, linewidth=0.9, linestyle=(0, (3, 3)))
    for number, curve in enumerate(curves):
        if curve:
            axes.plot(np.linspace(0, 1, len(curve)), curve, color=_color(number))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axis.set_ticks([0, 0.25, 0.5, 0.75, 1])
    axes.set(xlim=(0, 1), ylim=(-0.02, 1.02))
    return _svg(figure, name)


def seconds_plot(name: str, runs: Sequence[RunRecord], stages: Sequence[str]) -> str:
    """Draws the seconds of each stage, one bar a run; a run that was not published has a cross."""
    figure, axes = _axes()
    places, base = np.arange(len(runs)), np.zeros(len(runs))
    for number, stage in enumerate(stages):
        seconds = np.array([run.seconds.get(stage, 0.0) for run in runs])
        axes.bar(places, seconds, 0.72, base, color=_color(number), linewidth=0)
        base += seconds
    _cross(axes, runs, places, base)
    _name_runs(axes, runs)
    axes.set_ylim(0, None)
    return _svg(figure, name)


def quality_plot(
    name: str, series: Sequence[Sequence[float | None]], runs: Sequence[RunRecord]
) -> str:
    """Draws shares from 0 to 1 of the last runs, one line a figure, with gaps at None."""
    figure, axes = _axes()
    for number, values in enumerate(series):
        shown = np.array([np.nan if value is None else value for value in values])
        axes.plot(np.arange(len(runs)), shown, "o-", color=_color(number))
    _name_runs(axes, runs)
    axes.set_ylim(-0.02, 1.04)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return _svg(figure, name)


@functools.cache
def _style() -> RcParams:
    """Reads the package's matplotlib style."""
    import matplotlib as mpl

    path = str(resources.files("hertz.reports") / "plots.mplstyle")
    return mpl.rc_params_from_file(path, use_default_template=False)


def _axes() -> tuple[Figure, Axes]:
    """Returns an empty figure with axes; matplotlib takes a second to import, so it is late."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_style()):
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axes = figure.add_axes((0.115, 0.13, 0.835, 0.83))
    axes.tick_params(length=0)
    axes.locator_params(axis="x", nbins=6)  # each tick costs milliseconds
    axes.locator_params(axis="y", nbins=4)
    return figure, axes


def _shares(histogram: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """Returns the share of scores in each bin, and the edges of the bins."""
    counts = np.array(histogram.counts, dtype=np.float64)
    edges = histogram.start + histogram.width * np.arange(len(counts) + 1)
    return counts / counts.sum(), edges


def _cross(axes: Axes, runs: Sequence[RunRecord], places: np.ndarray, tops: np.ndarray) -> None:
    """Marks the bars of runs that were not published with a cross above."""
    lost = np.array([run.outcome != "published" for run in runs], dtype=bool)
    above = tops[lost] + 0.05 * max(float(tops.max()), 1.0)
    axes.plot(places[lost], above, "x", color=_INK, markersize=4.5, clip_on=False)


def _name_runs(axes: Axes, runs: Sequence[RunRecord]) -> None:
    """Labels about every third run with its month and day, the last run always among them."""
    shown = range((len(runs) - 1) % 3, len(runs), 3)
    names = [f"{runs[at].run_id[4:6]}-{runs[at].run_id[6:8]}" for at in shown]
    axes.set_xticks(list(shown), names)
    axes.set_xlim(-0.7, max(len(runs), 4) - 0.3)


def _color(number: int) -> str:
    return f"#0300{number % COLORS:02x}"


def _svg(figure: Figure, name: str) -> str:
    """Returns the drawing as SVG that takes its colors, font and width from the page."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    out = io.StringIO()
    with mpl.rc_context(_style()):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    return _restyled(out.getvalue(), name)


def _restyled(drawing: str, name: str) -> str:
    """Returns matplotlib's SVG without its head, fonts and colors, all ids prefixed."""
    body = drawing[drawing.index("</defs>") + len("</defs>") :]
    body = re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#", f"url(#{name}-", body)
    body = re.sub(r'xlink:href="#', f'href="#{name}-', body)
    body = re.sub(r' transform="rotate\(-0 [^"]*"', "", body)
    body = re.sub(r" font-family: [^;\"]+;", "", body)
    body = body.replace(_INK, "var(--soft)").replace(_RULE, "var(--rule)")
    body = re.sub(r"#0300(\w\w)", lambda found: f"var(--c{int(found[1], 16)})", body)
    body = re.sub(r"\s*\n\s*", " ", body)
    size = f"0 0 {WIDTH * 72:g} {HEIGHT * 72:g}"
    return f'<svg viewBox="{size}" aria-hidden="true" focusable="false">{body}'
