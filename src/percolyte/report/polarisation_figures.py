"""Runs of direct current: measured and fitted, where they end, what is left."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from percolyte.impedance.leakage import Leakage
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.polarisation import SHORTEST
from percolyte.impedance.samples import Contacts
from percolyte.impedance.transference import Transference
from percolyte.impedance.transient import Polarised, RunFound
from percolyte.report.figures import ACCENT, FAINT, INK, STYLE, styled
from percolyte.report.fit_figures import draw_residuals, draw_transient, fitted_curve
from percolyte.report.impedance_figures import draw_nyquist


def polarised_figure(found: Polarised) -> Figure:
    """One column a run: response over what was applied with the fit and where it ends, residuals below."""
    fit = found.composite.fit
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(5.6, 4.2 * len(found.runs)), 5.0), layout="constrained")
        panels = figure.subplots(2, len(found.runs), squeeze=False, height_ratios=(2.6, 1.0), sharex="col")
        for column, one in enumerate(found.runs):
            above, below = panels[:, column]
            draw_transient(above, below, one.run, fit.computed[column], fit.residuals[column])
            _ends(above, one)
            above.set_title(one.file.label, fontsize=9, color=INK)
            above.set_xlabel("")
        figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
        return figure


def _ends(axes: Axes, one: RunFound) -> None:
    """Where the run ends, and how long it had to last to show it."""
    final = one.final if one.run.mode == "galvanostatic" else 1.0 / one.final
    axes.axhline(final, color=FAINT, linewidth=0.9, linestyle="--", label="end of the fit")
    axes.axvline(SHORTEST * one.relaxation, color=FAINT, linewidth=0.9, linestyle=":", label=f"{SHORTEST:g} RC")


def transference_figure(found: Transference) -> Figure:
    """The run with its first and steady current, and the spectra before and after where there are any, residuals below."""
    spectra = [("before", found.before.fit), ("after", found.after.fit)]
    fits = [(when, fit) for when, fit in spectra if fit is not None]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.6 + 3.9 * len(fits), 5.0), layout="constrained")
        panels = figure.subplots(2, 1 + len(fits), squeeze=False, height_ratios=(2.6, 1.0))
        above, below = panels[:, 0]
        draw_transient(above, below, found.run, found.fit.computed[0], found.fit.residuals[0])
        for current, name, lift in (
            (found.first_current, "first current", 3),
            (found.steady_current, "steady current", -10),
        ):
            level = current / found.run.applied
            above.axhline(level, color=FAINT, linewidth=0.9, linestyle="--")
            above.annotate(name, (1.0, level), xycoords=("axes fraction", "data"), xytext=(0, lift),
                           textcoords="offset points", ha="right", fontsize=8, color=FAINT)  # fmt: skip
        above.margins(y=0.09)
        above.set_title(found.run.source, fontsize=9, color=INK)
        above.legend(fontsize=8, loc="center left")
        for column, (when, fit) in enumerate(fits, start=1):
            spectrum = fit.measurements[0]
            assert isinstance(spectrum, MeasuredSpectrum)
            draw_nyquist(panels[0, column], spectrum, fitted_curve(fit, 0), 0.7)
            draw_residuals(panels[1, column], spectrum, fit.computed[0], fit.residuals[0])
            panels[0, column].set_title(f"{when}: {spectrum.source}", fontsize=9, color=INK)
        return figure


def leakage_figure(found: Leakage) -> Figure:
    """The current in logarithms, its end, and the bounds of what is left for the electrons."""
    run = found.run
    with mpl.rc_context(STYLE):
        figure, axes = styled(6.4, 3.6)
        axes.plot(
            run.time, np.abs(run.response), "o", color=ACCENT, markersize=3.5, markerfacecolor="white", label="measured"
        )
        axes.axhspan(
            max(found.current_low, 1e-3 * found.current), found.current_high, color=ACCENT, alpha=0.15, linewidth=0,
            label="residual current lies here",
        )  # fmt: skip
        axes.axhline(found.current, color=INK, linewidth=1.0, linestyle="--", label="mean of the end")
        axes.set(xscale="log", yscale="log", xlabel="time (s)", ylabel="current (A)")
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set_title(run.source, fontsize=9, color=INK)
        axes.legend(fontsize=8, loc="upper right")
        return figure


def contacts_figure(found: Contacts) -> Figure:
    """Area-specific resistance against thickness, a line for each pressure, down to the contacts at zero thickness."""
    with mpl.rc_context(STYLE):
        figure, axes = styled(5.8, 3.8)
        samples = found.samples
        colours = mpl.colormaps["viridis"](np.linspace(0.15, 0.8, len(found.series)))
        for (pressure, one), colour in zip(found.series.items(), colours, strict=True):
            own = np.ones(samples.thickness.size, bool) if pressure is None else samples.pressure == pressure
            ends = np.array([0.0, samples.thickness[own].max()])
            label = "measured" if pressure is None else f"{1e-6 * pressure:.3g} MPa"
            axes.plot(1e6 * ends, 1e4 * (one.contact_resistance + ends / one.conductivity), color=colour, linewidth=1.2)
            axes.plot(1e6 * samples.thickness[own], 1e4 * samples.resistance[own], "o", color=colour, markersize=4.5,
                      markerfacecolor="white", label=label)  # fmt: skip
            if one.contact_interval is not None:
                low, high = (1e4 * (end - one.contact_resistance) for end in one.contact_interval)
                axes.errorbar(
                    [0.0], [1e4 * one.contact_resistance], [[-low], [high]], color=colour, capsize=3, linewidth=1.2
                )
        axes.axhline(0.0, color=FAINT, linewidth=0.8)
        axes.set(xlabel="thickness (µm)", ylabel="resistance (Ω cm²)")
        axes.set_title("at zero thickness: the contacts, 95 %", fontsize=9, color=INK)
        axes.legend(fontsize=8, loc="upper left")
        return figure
