"""Figures of a batch: one of each spectrum, trends over a condition, and the relaxation times along a series."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    EngFormatter,
    Formatter,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from percolyte import units
from percolyte.errors import counted
from percolyte.impedance.batch import Curves, Entry, Fitted
from percolyte.impedance.drt import RelaxationMap, side_by_side
from percolyte.impedance.estimates import percent
from percolyte.impedance.measurement import Complexes, Floats
from percolyte.impedance.trends import DIMENSIONS, Course, Series
from percolyte.report.figures import ACCENT, FAINT, INK, STYLE, WARNING, styled
from percolyte.report.impedance_batch import unit_of
from percolyte.report.impedance_figures import CATHODE, draw_bode, draw_nyquist, relaxation_map_figure
from percolyte.units import ZERO_CELSIUS

IMAGINARY = "#c9773f"
COLOURS = (ACCENT, WARNING, CATHODE, "#e0a93b", "#5f5a78", INK, "#6b7a5e", IMAGINARY)
MANY = len(COLOURS)
"""Curves of one trend figure that are told apart by name; more have the colours of a scale."""
LINEAR = 3.0
"""Ratio of the ends of a trend up to which its axis is linear."""
FEW_DECADES = 200.0
"""Ratio of the ends of an axis below which powers of ten are too few ticks."""
LONGEST = 28
"""Letters of the name of a file beside a map."""
AXES = {"state_of_charge": "state of charge (%)", "composition": "composition (%)", "pressure": "pressure (MPa)"}
PANELS = {"left": 0.075, "right": 0.99, "bottom": 0.09, "top": 0.93, "wspace": 0.34, "hspace": 0.34}


def figure_name(file: str, cycle: int) -> str:
    """File name of the figure of one spectrum, which no other has."""
    name = Path(file).name
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name)
    other = "" if plain == name else f"-{sha256(name.encode(errors='surrogateescape')).hexdigest()[:8]}"
    return f"{plain}{other}-{cycle}.svg"


def spectrum_figure(fitted: Fitted, title: str) -> Figure:
    """Nyquist plot with one scale, Bode plot, residuals of fit and Kramers-Kronig test, relaxation times."""
    curves = fitted.curves
    measured = fitted.spectrum
    model = np.array(curves.fitted_real) + 1j * np.array(curves.fitted_imaginary)
    with mpl.rc_context({**STYLE, "font.size": 8.5, "xtick.minor.visible": False}):
        # places are set by hand: a layout that is computed doubles the time
        figure = Figure(figsize=(10.2, 5.6))
        (nyquist, modulus, tested), (relaxations, phase, residuals) = figure.subplots(2, 3, gridspec_kw=PANELS)
        draw_nyquist(nyquist, measured, model[np.argsort(measured.frequency)], 0.85)
        draw_bode(modulus, phase, measured, model)
        modulus.set_xlabel("frequency (Hz)")
        _ticks(modulus, EngFormatter(sep=""))
        left = (measured.impedance - model) / np.abs(model)
        _residuals(residuals, curves, left, f"fit: {percent(fitted.noise)} of |Z|", ())
        _tests(tested, fitted)
        _relaxations(relaxations, fitted)
        for axes in (modulus, phase, tested, residuals, relaxations):
            axes.xaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_minor_locator(NullLocator())
        figure.suptitle(title, fontsize=9.5, x=PANELS["left"], ha="left", y=0.985)
        return figure


def _residuals(axes: Axes, curves: Curves, residual: Complexes, title: str, outliers: Sequence[int]) -> None:
    frequency = np.array(curves.frequency)
    axes.axhline(0.0, color=FAINT, linewidth=0.8)
    for part, colour, label in ((residual.real, CATHODE, "Re"), (residual.imag, IMAGINARY, "Im")):
        axes.plot(frequency, 100.0 * part, color=colour, linewidth=0.9, label=label)
        for point in outliers:
            axes.plot(frequency[point - 1], 100.0 * part[point - 1], "o", color=WARNING, markersize=8, fillstyle="none")
    axes.set(xscale="log", xlabel="frequency (Hz)", ylabel="residual (% of |Z|)")
    axes.set_title(title, fontsize=8.5, loc="left")
    axes.legend(fontsize=7.5, ncols=2, loc="best")


def _tests(axes: Axes, fitted: Fitted) -> None:
    if fitted.tested is None:
        _absent(axes, "too few points for a Kramers-Kronig test")
        return
    residual = np.array(fitted.curves.tested_real) + 1j * np.array(fitted.curves.tested_imaginary)
    title = f"Kramers-Kronig: {fitted.tested.verdict}, {100.0 * fitted.tested.residual:.2g} % of |Z|"
    _residuals(axes, fitted.curves, residual, title, fitted.tested.outliers)


def _relaxations(axes: Axes, fitted: Fitted) -> None:
    times, density = np.array(fitted.curves.time_constant), np.array(fitted.curves.density)
    if not times.size:
        _absent(axes, "too few points for relaxation times")
        return
    axes.plot(times, density, color=ACCENT, linewidth=1.4)
    axes.fill_between(times, density, color=ACCENT, alpha=0.15, linewidth=0)
    for peak in fitted.peaks:
        axes.axvline(peak.time_constant, color=FAINT, linewidth=0.7, linestyle=":" if peak.cut else "-")
    axes.set(xscale="log", xlabel="time constant (s)", ylabel="Ω per unit of ln τ", ylim=(0.0, None))
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_title(f"relaxation times: {counted(len(fitted.peaks), 'peak')}", fontsize=8.5, loc="left")


def _absent(axes: Axes, why: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", va="center", fontsize=8.5, color=FAINT)


def trend_figure(found: Sequence[Course]) -> Figure:
    """One quantity over one condition, a curve for each series, with 95 % bars and the law that was fitted."""
    first = found[0]
    over = first.series.over
    names = len(found) <= MANY
    scale = mpl.colormaps["viridis"](np.linspace(0.0, 0.9, len(found)))
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, 3.8)
        for number, course in enumerate(found):
            colour = COLOURS[number] if names else scale[number]
            places = np.array([place for place, _, _ in course.points])
            values = [one for _, _, one in course.points]
            unit = unit_of(values[0].unit)
            middle, low, high = (
                np.array([np.nan if end is None else units.to(end, unit) for end in ends], float)
                for ends in zip(*((one.value, one.low, one.high) for one in values), strict=True)
            )
            reach = np.nan_to_num([middle - low, high - middle]).clip(0.0)
            label = course.series.held or "measured"
            axes.errorbar(_across(over, places), middle, reach, fmt="o", color=colour, markersize=4, linewidth=1.0,
                          capsize=2, label=label)  # fmt: skip
            between = np.linspace(places.min(), places.max(), 100)
            # a Vogel law without T₀ is the Arrhenius law again
            known = [law for law in course.laws if law.ideal is None or law.ideal.value is not None]
            for law, style in zip(known, ("-", "--"), strict=False):
                axes.plot(
                    _across(over, between),
                    [units.to(law.at(x), unit) for x in between],
                    style,
                    color=colour,
                    linewidth=0.9,
                )
        axes.set_ylabel(f"{first.quantity.replace('_', ' ')}\n({unit})")
        bottom, top = axes.get_ylim()
        if over == "temperature" or bottom <= 0.0 or top > LINEAR * bottom:
            axes.set_yscale("log")
            _ticks(axes, FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlabel("1000 / T (1/K)" if over == "temperature" else AXES[over])
        if over == "temperature":
            _celsius_above(axes)
        if names and (len(found) > 1 or first.series.held):
            axes.legend(fontsize=8, loc="best")
        return figure


def _ticks(axes: Axes, form: Formatter) -> None:
    """Of a logarithmic axis that spans few decades: 1, 2 and 5 of each."""
    low, high = axes.get_ylim()
    axes.yaxis.set_minor_formatter(NullFormatter())
    if high < FEW_DECADES * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(form)


def _celsius_above(axes: Axes) -> None:
    """Temperatures along the upper edge, where 1000/T is whole degrees."""
    above = axes.twiny()
    low, high = axes.get_xlim()
    celsius = MaxNLocator(6, integer=True).tick_values(1000.0 / high - ZERO_CELSIUS, 1000.0 / low - ZERO_CELSIUS)
    ticks = [(1000.0 / (one + ZERO_CELSIUS), one) for one in celsius if low < 1000.0 / (one + ZERO_CELSIUS) < high]
    above.set(xlim=(low, high), xticks=[x for x, _ in ticks], xticklabels=[f"{one:g}" for _, one in ticks])
    above.set_xlabel("temperature (°C)")


def _across(over: str, places: Floats) -> Floats:
    return np.asarray(1000.0 / places if over == "temperature" else units.to(places, DIMENSIONS[over].unit))


def map_figure(entries: Sequence[Entry], labels: list[str], quantity: str) -> Figure | None:
    """Relaxation times of spectra in their order, each as the share of its own resistance; None without two of them."""
    drawn = [(one, label) for one, label in zip(entries, labels, strict=True) if one.fitted.curves.time_constant]
    if len(drawn) < 2:
        return None
    each = [(np.array(one.fitted.curves.time_constant), np.array(one.fitted.curves.density)) for one, _ in drawn]
    shares = [(times, density / max(float(np.trapezoid(density, np.log(times))), 1e-300)) for times, density in each]
    short = [
        label if len(label) <= LONGEST else f"{label[: LONGEST // 2]}…{label[-LONGEST // 2 :]}" for _, label in drawn
    ]
    return relaxation_map_figure(RelaxationMap(*side_by_side(shares), ()), short, quantity, "share per unit of ln τ")


def series_map(series: Series) -> Figure | None:
    """Relaxation times along a series, rows named by its condition."""
    labels = [units.text(place, DIMENSIONS[series.over], digits=4) for place in series.places]
    return map_figure(series.entries, labels, series.over.replace("_", " "))
