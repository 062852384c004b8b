"""A fit of measured impedance: Nyquist plots with equal scales, what direct current does, and the residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from percolyte.impedance.estimates import Fit
from percolyte.impedance.measurement import MeasuredSpectrum, Polarisation
from percolyte.report.figures import ACCENT, FAINT, INK, STYLE, WARNING


def fit_figure(fit: Fit, labels: Sequence[str]) -> Figure:
    """One column a measurement: measured and fitted above, residuals below."""
    number = len(fit.measurements)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(5.2, 3.9 * number), 5.4), layout="constrained")
        panels = figure.subplots(2, number, squeeze=False, height_ratios=(2.4, 1.0))
        for column, (measured, label) in enumerate(zip(fit.measurements, labels, strict=True)):
            above, below = panels[:, column]
            if isinstance(measured, MeasuredSpectrum):
                draw_nyquist(above, measured, fit.computed[column])
                draw_residuals(below, measured, fit.computed[column], fit.residuals[column])
            else:
                draw_transient(above, below, measured, fit.computed[column], fit.residuals[column])
                above.legend(fontsize=8, loc="best")
            above.set_title(label, fontsize=9, color=INK)
        return figure


def draw_nyquist(axes: Axes, measured: MeasuredSpectrum, computed: Any) -> None:
    """One spectrum with equal scales, points left out as crosses, decades filled."""
    used = measured.used
    z = measured.impedance
    axes.plot(z.real[used], -z.imag[used], "o", color=ACCENT, markersize=4, markerfacecolor="white", label="measured")
    if not used.all():
        axes.plot(z.real[~used], -z.imag[~used], "x", color=WARNING, markersize=5, label="left out")
    axes.plot(computed.real, -computed.imag, color=INK, linewidth=1.2, label="fit")
    axes.set(xlabel="Re Z (ohm)", ylabel="−Im Z (ohm)")
    axes.set_aspect("equal", adjustable="datalim")
    for decade in range(int(np.floor(np.log10(measured.frequency.min()))), 8):
        place = int(np.argmin(np.abs(np.log10(measured.frequency) - decade)))
        if abs(np.log10(measured.frequency[place]) - decade) < 0.05 and used[place]:
            axes.plot(z.real[place], -z.imag[place], "o", color=ACCENT, markersize=4)
    axes.legend(fontsize=8, loc="best", title="filled: decades", title_fontsize=8)


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
    axes.legend(fontsize=8, ncols=2, loc="best")


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
