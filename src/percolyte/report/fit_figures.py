"""A fit of measured impedance: Nyquist plots with equal scales, what direct current does, and the residuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from percolyte.impedance.estimates import Fit
from percolyte.impedance.measurement import MeasuredSpectrum, Polarisation
from percolyte.impedance.posterior import Posterior
from percolyte.report.figures import ACCENT, FAINT, INK, STYLE
from percolyte.report.impedance_figures import draw_nyquist, nyquist_shape

DECADES = 5.0
"""Ratio of the ends beyond which samples are drawn over their logarithm."""
ROOM = 7
"""Parameters of a corner figure."""
CURVE = 400
"""Points of a fitted curve, so that it is drawn as one."""


def fit_figure(fit: Fit, labels: Sequence[str]) -> Figure:
    """One column a measurement: measured and fitted above, residuals below."""
    number = len(fit.measurements)
    width = 5.6 if number == 1 else 4.2
    shape = max((nyquist_shape(one) for one in fit.measurements if isinstance(one, MeasuredSpectrum)), default=0.7)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width * number, 0.82 * width * shape + 2.6), layout="constrained")
        panels = figure.subplots(2, number, squeeze=False, height_ratios=(0.82 * width * shape, 1.2))
        for column, (measured, label) in enumerate(zip(fit.measurements, labels, strict=True)):
            above, below = panels[:, column]
            if isinstance(measured, MeasuredSpectrum):
                draw_nyquist(above, measured, fitted_curve(fit, column), shape)
                draw_residuals(below, measured, fit.computed[column], fit.residuals[column])
            else:
                draw_transient(above, below, measured, fit.computed[column], fit.residuals[column])
                above.legend(fontsize=8, loc="best")
            above.set_title(_shortened(label, 48 if number > 1 else 60), fontsize=8.5, color=INK)
        return figure


def fitted_curve(fit: Fit, place: int) -> Any:
    """The model of one spectrum of a fit at many frequencies of its range."""
    measured = fit.measurements[place]
    assert isinstance(measured, MeasuredSpectrum)
    used = measured.omega[measured.used]
    return fit.response(place, np.geomspace(used.max(), used.min(), CURVE))


def _shortened(label: str, most: int) -> str:
    """A long name of a file without its middle."""
    return label if len(label) <= most else f"{label[: most // 2]}…{label[-(most // 2 - 1) :]}"


def draw_residuals(axes: Axes, measured: MeasuredSpectrum, computed: Any, residuals: Any) -> None:
    """Both parts of what the fit leaves, in % of |Z|."""
    size = np.abs(computed)
    used = measured.used
    for part, colour, label in ((residuals.real, ACCENT, "Re"), (residuals.imag, INK, "Im")):
        axes.plot(
            measured.frequency[used],
            100.0 * (part / size)[used],
            ".-",
            color=colour,
            linewidth=0.7,
            markersize=4,
            label=label,
        )
    axes.axhline(0.0, color=FAINT, linewidth=0.8)
    axes.set(xscale="log", xlabel="frequency (Hz)", ylabel="residual (% of |Z|)")
    axes.legend(fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.1)


def draw_transient(above: Axes, below: Axes, measured: Polarisation, computed: Any, residuals: Any) -> None:
    """One run, time in logarithm, which shows its beginning too."""
    response = measured.response / measured.applied
    above.plot(measured.time, response, "o", color=ACCENT, markersize=3.5, markerfacecolor="white", label="measured")
    above.plot(measured.time, computed, color=INK, linewidth=1.3, label="fit")
    above.set(xscale="log", xlabel="time (s)", ylabel="V/I (Ω)" if measured.mode == "galvanostatic" else "I/V (S)")
    above.yaxis.set_major_formatter(EngFormatter(sep=""))
    left = 100.0 * residuals / np.abs(computed).max()
    below.plot(measured.time, left, ".-", color=ACCENT, linewidth=0.6, markersize=3.5)
    below.axhline(0.0, color=FAINT, linewidth=0.8)
    below.set(xscale="log", xlabel="time (s)", ylabel="residual\n(% of largest)")


def corner_figure(posterior: Posterior, fit: Fit) -> Figure:
    """Samples of the posterior: each parameter on the diagonal with its 95 % interval, each pair below it."""
    names = _drawn_names(posterior.names)
    samples = posterior.samples[:, [posterior.names.index(name) for name in names]]
    number, units = len(names), {one.name: one.unit for one in fit.parameters}
    columns = [_axis(samples[:, k]) for k in range(number)]
    with mpl.rc_context({**STYLE, "font.size": 8}):
        figure = Figure(figsize=(1.3 + 1.6 * number, 1.0 + 1.6 * number), layout="constrained")
        panels = figure.subplots(number, number, squeeze=False)
        for row in range(number):
            for column in range(number):
                axes = panels[row, column]
                if column > row:
                    axes.set_axis_off()
                    continue
                if column == row:
                    _histogram(
                        axes, samples[:, row], columns[row], posterior.interval(names[row]), fit.values[names[row]]
                    )
                else:
                    (x, x_log), (y, y_log) = columns[column], columns[row]
                    axes.hist2d(samples[:, column], samples[:, row], bins=[x, y], cmap="Greys", rasterized=True)
                    axes.plot(fit.values[names[column]], fit.values[names[row]], "+", color=ACCENT, markersize=8)
                    axes.set(xscale="log" if x_log else "linear", yscale="log" if y_log else "linear")
                _name_axes(axes, row, column, names, units)
        if len(names) < len(posterior.names):
            left_out = len(posterior.names) - len(names)
            figure.text(
                0.98, 0.98, f"{left_out} more parameters are not drawn", ha="right", va="top", fontsize=9, color=INK
            )
        return figure


def _drawn_names(names: Sequence[str]) -> tuple[str, ...]:
    """What a figure has room for: first what all cells share."""
    shared = [name for name in names if "(" not in name]
    return tuple(names) if len(names) <= ROOM else tuple(shared or names)[:ROOM]


def _axis(values: Any) -> tuple[Any, bool]:
    """Edges of the bins of a parameter, and whether they are even in its logarithm."""
    low, high = np.quantile(values, [0.001, 0.999])
    wide = bool(low > 0.0 and high > DECADES * low)
    return (np.geomspace(low, high, 41) if wide else np.linspace(low, high + 1e-12 * abs(high), 41)), wide


def _histogram(axes: Axes, values: Any, axis: tuple[Any, bool], interval: tuple[float, float], best: float) -> None:
    edges, wide = axis
    axes.hist(values, bins=edges, color=FAINT, alpha=0.6)
    axes.axvspan(*interval, color=ACCENT, alpha=0.15, linewidth=0)
    axes.axvline(best, color=ACCENT, linewidth=1.0)
    axes.set(xscale="log" if wide else "linear", yticks=[], xlim=(edges[0], edges[-1]))


def _name_axes(axes: Axes, row: int, column: int, names: Sequence[str], units: Mapping[str, str]) -> None:
    """Names and numbers at the left and the bottom only; the height of a histogram says nothing."""
    labelled: list[tuple[Axis, str, bool]] = [(axes.xaxis, names[column], row == len(names) - 1)]
    labelled += [(axes.yaxis, names[row], column == 0)] if column < row else []
    for axis, name, there in labelled:
        unit = f"\n({units[name]})" if units[name] else ""
        axis.set_label_text(f"{_shortened(name, 36).replace('_', ' ').replace(' ', chr(10))}{unit}" if there else "")
        axis.set_tick_params(labelleft=there, labelbottom=there)
        if axis.get_scale() == "linear":
            axis.set_major_locator(MaxNLocator(3))
            if not 0.01 < max(abs(end) for end in axis.get_view_interval()) < 1e4:
                axis.set_major_formatter(EngFormatter(sep=""))
    axes.tick_params(axis="x", labelrotation=30)
