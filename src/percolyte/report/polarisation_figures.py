"""Runs of direct current: measured and fitted, where they end, what is left."""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from percolyte.impedance.polarisation import SHORTEST
from percolyte.impedance.transient import Polarised, RunFound
from percolyte.report.figures import FAINT, INK, STYLE
from percolyte.report.fit_figures import draw_transient


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
