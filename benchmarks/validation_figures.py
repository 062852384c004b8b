"""Figures of the tables that validation.py computes: published points hollow, computed ones filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from validation_sampling import FIGURES, Row, published, read

COLOURS = ("#3b5b92", "#c9773f", "#4f8a5b", "#8a5a83", "#b59a2c", "#7a7f87", "#2f2f2f")
STYLE = {
    "svg.hashsalt": "percolyte",
    "svg.fonttype": "path",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


@dataclass(frozen=True)
class Panel:
    x: str
    y: str
    title: str = ""
    log: str = ""
    """Axes with a logarithmic scale: "", "x", "y" or "xy"."""
    names: Mapping[float, str] = field(default_factory=dict)
    """Names in the place of numbers on the x axis; computed points are not joined then."""
    limits: tuple[float, float] | None = None
    """Of the y axis."""
    ticks: tuple[float, ...] = ()
    """Numbers to be shown on a logarithmic x axis."""
    legend: str = "best"
    """A place, "outside" below the panels, or "none"."""
    spans: tuple[tuple[float, float], ...] = ()
    """Published ranges of x, one for each computed series."""


SEA = "active material in the layer, vol%"
PANELS: Mapping[str, Mapping[str, Panel]] = {
    "thresholds": {
        "thresholds": Panel(
            "",
            "filled fraction at the threshold",
            names={1: "sites", 2: "bonds", 3: "overlapping\nspheres", 4: "voids\nbetween them"},
            limits=(0.0, 0.35),
        ),
    },
    "minnmann": {
        "conductivity": Panel(SEA, "effective conductivity, mS/cm", "σ$_{eff}$", log="y"),
        "factor": Panel(SEA, "tortuosity factor φσ$_0$/σ$_{eff}$", "tortuosity factor", log="y", legend="none"),
    },
    "hlushkou": {
        "factor": Panel(
            "",
            "tortuosity factor of the electrolyte",
            "tortuosity factor",
            names={1: "with voids", 2: "voids filled"},
            limits=(1.0, 3.8),
        ),
        "chords": Panel(
            "",
            "mean chord, µm",
            "chords",
            names={1: "LiCoO$_2$", 2: "electrolyte", 3: "void"},
            limits=(0.0, 7.0),
        ),
    },
    "kaiser": {
        "factor": Panel(
            "electrolyte in the solids, volume fraction",
            "tortuosity factor",
            log="xy",
            ticks=(0.4, 0.5, 0.6, 0.7),
        ),
    },
    "froboese": {
        "conductivity": Panel(
            "glass in the solids, vol%",
            "effective conductivity at 80 °C, mS/cm",
            "granules half as large as the glass",
            log="y",
            limits=(0.001, 0.8),
        ),
        "open": Panel(
            "glass in the solids, vol%",
            "",
            "as large as the glass, seams open",
            log="y",
            limits=(0.001, 0.8),
            legend="none",
        ),
    },
    "bielefeld2019": {
        "threshold": Panel("diameter of the active particles, µm", "threshold, vol% of the layer", "40 % connected"),
        "area": Panel(
            "active material in the solids, vol%",
            "active area, 10$^5$ m²/m³",
            "between both networks",
            limits=(0.0, 8.0),
            spans=((58.0, 66.0), (68.0, 76.0)),
        ),
    },
    "bielefeld2020": {
        "factor": Panel(
            "electrolyte in the layer, volume fraction",
            "tortuosity factor",
            "over the electrolyte",
            log="xy",
            ticks=(0.25, 0.3, 0.4, 0.5),
        ),
        "binder": Panel("binder per volume of active material", "tortuosity factor", "with binder", limits=(0.0, 14.0)),
        "area": Panel(
            "binder per volume of active material", "active area lost, %", "with binder", limits=(0.0, 100.0)
        ),
    },
    "recent": {
        "bazzoun": Panel("NMC811 in the solids, vol%", "ions, mS/cm", "Bazzoun 2026", log="y"),
        "lee": Panel("PTFE, wt%", "ions, mS/cm", "Lee 2025", log="y"),
        "ketter": Panel("NCM83 in the solids, vol%", "effective conductivity, mS/cm", "sizes of Ketter 2025", log="y"),
    },
    "strauss": {
        "inactive": Panel("D50 of NCM622, µm", "inactive, % of the active material", limits=(-3.0, 105.0)),
        "electrons": Panel("D50 of NCM622, µm", "electronic conductivity, mS/cm", log="y"),
    },
    "shi": {
        "contact": Panel("void, vol%", "active surface at void, %", limits=(0.0, 70.0)),
    },
    "pressing": {
        "density": Panel("pressure, MPa", "relative density, %", "density", limits=(40.0, 100.0)),
        "conductivity": Panel("pressure, MPa", "ionic conductivity, mS/cm", "Cronau 2021", log="y"),
    },
    "law-size-ratio": {
        "utilisation": Panel(
            "D$_{active}$/D$_{electrolyte}$",
            "utilisation, %",
            "active material at percolating electrolyte",
            log="x",
            limits=(0.0, 105.0),
            ticks=(0.5, 1, 2, 3, 5, 8),
        ),
        "conductivity": Panel(
            "D$_{active}$/D$_{electrolyte}$",
            "σ$_{eff}$/σ$_0$ of ions",
            "ionic conductivity",
            log="xy",
            ticks=(0.5, 1, 2, 3, 5, 8),
            legend="none",
        ),
    },
    "law-porosity": {
        "47.5": Panel("void, vol%", "σ$_{eff}$/σ$_0$ of ions", "47.5 % active in the solids", log="y", legend="none"),
        "60": Panel("void, vol%", "σ$_{eff}$/σ$_0$ of ions", "60 % active in the solids", log="y"),
    },
    "law-electrons": {
        "connected": Panel(
            "diameter of the active particles, µm",
            "connected, %",
            "active material that leads through",
            log="x",
            limits=(0.0, 105.0),
            ticks=(2, 4, 8, 16),
        ),
        "conductivity": Panel(
            "diameter of the active particles, µm",
            "σ$_{eff}$/σ$_0$ of electrons",
            "electronic conductivity",
            log="xy",
            ticks=(2, 4, 8, 16),
        ),
    },
    "law-carbon": {
        "alone": Panel(
            "carbon, vol%",
            "carbon that leads through, %",
            "in electrolyte alone",
            limits=(-3.0, 105.0),
            legend="outside",
        ),
        "active": Panel(
            "carbon, vol%",
            "carbon that leads through, %",
            "with 30 vol% active material",
            limits=(-3.0, 105.0),
            legend="none",
        ),
    },
    "law-binder": {
        "conductivity": Panel(
            "binder, vol%", "ionic conductivity over that without", limits=(0.0, 1.1), legend="outside"
        ),
    },
}


def draw(name: str) -> None:
    """docs/figures/NAME.svg, the same bytes each time."""
    panels, rows, points = PANELS[name], read(name), published(name)
    with mpl.rc_context(STYLE):
        height = 3.9 if any(panel.legend == "outside" for panel in panels.values()) else 3.3
        figure = Figure(figsize=(0.4 + 3.5 * max(len(panels), 1.35), height), layout="constrained")
        for axes, (key, panel) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
            found = [row for row in rows if row.panel == key]
            known = [point for point in points if point.panel == key]
            _panel(axes, panel, found, known)
        figure.savefig(FIGURES / f"{name}.svg", metadata={"Date": None, "Creator": None})


def _panel(axes: Axes, panel: Panel, rows: list[Row], points: list[Row]) -> None:
    series = list(dict.fromkeys(row.series for row in (*rows, *points)))
    for number, name in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        computed = [
            row for row in rows if (row.series == name and row.y > 0.0) or (row.series == name and not panel.log)
        ]
        known = [point for point in points if point.series == name]
        shift = 0.12 * (number - 0.5 * (len(series) - 1)) if panel.names else 0.0
        label = name if computed else f"{name} (published)" if "published" not in name else name
        if computed:
            _bars(axes, computed, shift, colour, label=label, marker="o", linestyle="" if panel.names else "-")
        if known:
            _bars(axes, known, shift, colour, label="" if computed else label, marker="D", linestyle="", hollow=True)
    for colour, (low, high) in zip(COLOURS, panel.spans, strict=False):
        axes.axvspan(low, high, color=colour, alpha=0.15, linewidth=0, label="its maximum (published)")
    _scales(axes, panel)
    if panel.legend == "outside":
        figure = axes.get_figure()
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, handlelength=1.4)
    elif panel.legend != "none" and len(series) > 1:
        axes.legend(loc=panel.legend, handlelength=1.4, borderaxespad=0.3)


def _bars(axes: Axes, rows: list[Row], shift: float, colour: str, *, hollow: bool = False, **style: Any) -> None:
    lows = [max(0.0, row.y - row.low) for row in rows]
    highs = [max(0.0, row.high - row.y) for row in rows]
    many = len(rows) > 20
    axes.errorbar(
        [row.x + shift for row in rows],
        [row.y for row in rows],
        yerr=(lows, highs),
        color=colour,
        markersize=0 if many else 6 if hollow else 4,
        markerfacecolor="white" if hollow else colour,
        markeredgewidth=1.2,
        elinewidth=3.0 if hollow else 0.9,
        ecolor=(*mpl.colors.to_rgb(colour), 0.3) if hollow else colour,
        capsize=0 if hollow or many else 2,
        linewidth=1.2,
        zorder=2 if hollow else 3,
        **style,
    )


def _scales(axes: Axes, panel: Panel) -> None:
    axes.set(xlabel=panel.x, ylabel=panel.y)
    axes.set_title(panel.title, fontsize=9, loc="left")
    if "x" in panel.log:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xticks(panel.ticks, [f"{tick:g}" for tick in panel.ticks])
        axes.minorticks_off()
    if "y" in panel.log:
        axes.set_yscale("log")
        low, high = axes.get_ylim()
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100.0 * low else (1.0,)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    if panel.names:
        axes.set_xticks(list(panel.names), list(panel.names.values()))
        axes.set_xlim(min(panel.names) - 0.6, max(panel.names) + 0.6)
    if panel.limits:
        axes.set_ylim(*panel.limits)
