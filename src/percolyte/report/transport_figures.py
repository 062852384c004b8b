"""Effective transport of a composite by every means, side by side."""

from __future__ import annotations

import math
import textwrap

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from percolyte import units
from percolyte.report.figures import ACCENT, FAINT, STYLE
from percolyte.transport.effective import Transport

LABELS = {
    "given": "given in the design",
    "closure": "closed forms, as the design uses them",
    "microstructure": "voxel volume",
    "impedance": "measured impedance",
    "surrogate": "table of sphere packings, from particle sizes",
}
Row = tuple[str, float | None, float | None]
"""Means, conductivity in S/m, relative error."""


def transport_figure(transport: Transport) -> Figure | None:
    """Ionic and electronic conductivity of one recipe: what the design uses, then the other means; None without any."""
    own = LABELS[transport.kind]
    others = transport.alternatives
    if transport.ionic is None and transport.electronic is None:
        return None
    ionic: list[Row] = [
        (own, transport.ionic, transport.ionic_error),
        *((o.means, o.ionic, o.ionic_error) for o in others),
    ]
    electronic: list[Row] = [
        (own, transport.electronic, transport.electronic_error),
        *((o.means, o.electronic, o.electronic_error) for o in others),
    ]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 0.9 + 0.45 * len(ionic)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        _panel(left, ionic, "ionic conductivity (mS/cm)")
        _panel(right, electronic, "electronic conductivity (mS/cm)")
        left.set_yticks(range(len(ionic)), [textwrap.fill(name, 40) for name, _, _ in ionic], fontsize=8)
        left.get_yticklabels()[0].set_fontweight("bold")
        left.set_ylim(len(ionic) - 0.4, -0.6)
        return figure


def _panel(axes: Axes, rows: list[Row], label: str) -> None:
    """One dot a row on a logarithmic axis; what conducts nothing, or is unknown, is said in words."""
    axes.set(xscale="log", xlabel=label)
    shown = [float(units.to(value, "mS/cm")) for _, value, _ in rows if value]
    _scale(axes, min(shown, default=0.1) / 3.0, 3.0 * max(shown, default=1.0))
    for place, (_, value, error) in enumerate(rows):
        axes.axhline(place, color=FAINT, linewidth=0.4, zorder=0)
        if not value:
            words = "unknown" if value is None else "does not percolate"
            axes.text(0.5, place, words, transform=axes.get_yaxis_transform(), fontsize=8, ha="center", va="center",
                      backgroundcolor="white")  # fmt: skip
            continue
        at = float(units.to(value, "mS/cm"))
        if error:
            # a factor on both sides: an error of 80 % must not reach zero on this axis
            axes.plot([at / (1.0 + error), at * (1.0 + error)], [place, place], color=ACCENT, linewidth=1.6)
        axes.plot(at, place, "o", color=ACCENT, markersize=6, markerfacecolor=ACCENT if place == 0 else "white")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _scale(axes: Axes, low: float, high: float) -> None:
    """Logarithmic from low to high, with as many numbers as have room beside each other."""
    decades = math.log10(high / low)
    steps = (1.0, 2.0, 5.0) if decades < 1.3 else (1.0, 3.0) if decades < 2.0 else (1.0,)
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=5))
    axes.xaxis.set_major_formatter(FuncFormatter(_number))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", labelsize=8.5)


def _number(value: float, _: int | None = None) -> str:
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    digits, power = f"{value:.0e}".split("e")
    factor = "" if digits == "1" else rf"{digits}{{\times}}"
    return f"${factor}10^{{{int(power)}}}$"
