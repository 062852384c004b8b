"""Figures of a result, drawn without a display and the same bytes every time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from percolyte import units
from percolyte.errors import InputError
from percolyte.evaluation import Evaluation
from percolyte.explore.sensitivity import Swing, tornado
from percolyte.explore.vary import evaluate_many, value_at
from percolyte.materials.substance import Substance
from percolyte.materials.temperature import conductivity_at
from percolyte.pouch.cost import Cost
from percolyte.pouch.stack import CellInputs, FoilAnodeInputs

COLOURS = {
    "cathode": "#3b5b92",
    "separator": "#e0a93b",
    "anode": "#8a8f98",
    "cathode collector": "#c3c9d1",
    "anode collector": "#c9773f",
    "bipolar plate": "#6b7a5e",
    "package": "#5f5a78",
    "plated lithium": "#b9c2c9",
    "rim and overhang": "#eceae4",
    "other": "#d9d3c7",
}
"""One colour for each part of a cell, the same in every figure."""

INK, FAINT, ACCENT, WARNING = "#22262b", "#8b9097", "#2b6f6b", "#b3402e"
STYLE: Any = {
    "font.size": 9.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "percolyte",
    "svg.fonttype": "path",
    "legend.frameon": False,
}
FORMATS = (".svg", ".png", ".pdf")


def styled(width: float, height: float) -> tuple[Figure, Axes]:
    """An empty figure of this size in inches, with one pair of axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def svg(figure: Figure) -> str:
    """The figure as SVG text, without date, reproducible."""
    buffer = BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue().decode()


def check_figure_name(path: Path) -> None:
    """InputError for a name whose ending is no format of a figure."""
    if path.suffix not in FORMATS:
        raise InputError(f"{path} is no figure file; end its name with {', '.join(FORMATS)}")


def save(figure: Figure, path: Path) -> None:
    """The figure as a file, by its ending."""
    check_figure_name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"Date": None} if path.suffix == ".svg" else None
    with mpl.rc_context(STYLE):
        figure.savefig(path, dpi=max(160.0, figure.dpi), metadata=metadata)


def stack_figure(e: Evaluation) -> Figure:
    """Cross-section of the repeating unit, thicknesses to scale."""
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, 2.5)
        left = 0.0
        labels: list[tuple[float, str, str]] = []
        for name, label, thickness in _unit_layers(e):
            axes.add_patch(
                Rectangle((left, 0), thickness, 1, facecolor=COLOURS[name], edgecolor="white", linewidth=0.8)
            )
            labels.append((left + thickness / 2, f"{label}\n{thickness:.3g} µm", name))
            left += thickness
        _spread_labels(axes, labels, left)
        axes.set(xlim=(-0.005 * left, 1.005 * left), ylim=(-0.1, 2.0), yticks=[], xlabel="thickness (µm), to scale")
        axes.spines["left"].set_visible(False)
        return figure


def _unit_layers(e: Evaluation) -> list[tuple[str, str, float]]:
    """Part, label, thickness in um of the layers across one repeating unit."""
    counted = {layer.name: float(units.to(layer.thickness, "um")) for layer in e.stack.layers}
    inputs = e.inputs
    anode = e.stack.anode
    anode_label = (
        anode.name
        if isinstance(inputs.anode, FoilAnodeInputs)
        else " + ".join(name for name, part in inputs.anode.recipe.items() if part.role == "active")
    )
    half = [
        ("cathode", " + ".join(e.stack.cathode.active), counted["cathode"]),
        ("separator", inputs.separator.electrolyte, counted["separator"]),
    ]
    if counted["anode"] > 0.0:
        half.append(("anode", anode_label, counted["anode"]))
    if inputs.convention.thickness_state == "charged":
        half.append(("plated lithium", "plated Li", float(units.to(anode.plated_thickness, "um"))))
    positive = ("cathode collector", inputs.cathode_collector.material, counted["cathode collector"])
    negative = ("anode collector", inputs.anode_collector.material, counted["anode collector"])
    if inputs.convention.stacking == "parallel":
        return [negative, *half[::-1], positive, *half, negative]
    return [positive, *half, negative]


def _spread_labels(axes: Axes, labels: Sequence[tuple[float, str, str]], width: float) -> None:
    """Labels above the layers, on three heights so that thin layers stay readable."""
    for index, (middle, label, name) in enumerate(labels):
        height = 1.12 + 0.3 * (index % 3)
        axes.plot([middle, middle], [0.9, height], color=FAINT, linewidth=0.7)
        align = "left" if middle < 0.03 * width else "right" if middle > 0.97 * width else "center"
        axes.text(
            middle, height + 0.02, label, ha=align, va="bottom", fontsize=8, color=INK, linespacing=1.05, gid=name
        )


def breakdown_figure(e: Evaluation) -> Figure:
    """Shares of mass, thickness, volume and materials cost as stacked bars."""
    energy, cost = e.energy, e.cost
    bars: list[tuple[str, Mapping[str, Any]]] = [
        (f"mass\n{units.to(float(energy.mass), 'g'):.3g} g", energy.masses),
        (f"thickness\n{units.to(float(sum(energy.thicknesses.values())), 'mm'):.3g} mm", energy.thicknesses),
        (f"volume\n{units.to(float(energy.volume), 'mL'):.3g} mL", energy.volumes),
    ]
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, 3.3)
        for row, (_, parts) in enumerate(bars):
            _stacked_bar(axes, row, parts, COLOURS)
        labels = [label for label, _ in bars]
        if cost.prices:
            _stacked_bar(axes, len(bars), cost.by_substance, _substance_colours(e))
            labels.append(
                f"{'materials' if cost.value is not None else 'priced part of'} cost\n{cost.priced_part:.3g} USD"
            )
        axes.set(xlim=(0, 100), yticks=range(len(labels)), yticklabels=labels, xlabel="share (%)")
        axes.invert_yaxis()
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        used = [name for name in COLOURS if any(float(parts.get(name, 0)) > 0 for _, parts in bars)]
        axes.legend(
            [Rectangle((0, 0), 1, 1, facecolor=COLOURS[name]) for name in used],
            used,
            ncols=4,
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            fontsize=8,
        )
        return figure


def _stacked_bar(axes: Axes, row: int, parts: Mapping[str, Any], colours: Mapping[str, str]) -> None:
    whole = sum(float(part) for part in parts.values())
    left = 0.0
    for name, part in parts.items():
        share = 100.0 * float(part) / whole
        if share <= 0.0:
            continue
        colour = colours.get(name, "#d9d3c7")
        axes.barh(row, share, left=left, color=colour, edgecolor="white", linewidth=0.6, height=0.62)
        known = name in COLOURS
        if share >= (4.0 if known else 7.0):
            told = f"{share:.0f}" if known else f"{name} {share:.0f}"
            axes.text(left + share / 2, row, told, ha="center", va="center", fontsize=8, color=_contrast(colour))
        left += share


def _substance_colours(e: Evaluation) -> dict[str, str]:
    """A substance takes the colour of the part that it makes most of."""
    colours: dict[str, str] = {"package": COLOURS["package"]}
    for layer in sorted(e.stack.layers, key=lambda layer: float(layer.mass)):
        for name in sorted(layer.composition, key=lambda name: float(layer.composition[name])):
            colours[name] = COLOURS[layer.name]
    colours[e.stack.separator.electrolyte] = COLOURS["separator"]
    return colours


def _contrast(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 140 else INK


MAP_SIZE = 61


def map_figure(e: Evaluation) -> Figure | None:
    """Wh/kg and Wh/L over active content and separator thickness.

    The axes are those of Fig. 20 in Wang et al. 2021. None for a cathode whose
    active content cannot be exchanged for electrolyte.
    """
    recipe = e.inputs.cathode.recipe
    electrolytes = [name for name, part in recipe.items() if part.role == "electrolyte"]
    if len(e.stack.cathode.active) != 1 or not electrolytes:
        return None
    path = f"cathode.recipe.{e.stack.cathode.active[0]}"
    fixed = sum(float(part.mass_fraction) for part in recipe.values() if part.role not in ("active", "electrolyte"))
    contents = np.linspace(0.60, min(0.95, 0.99 - fixed), MAP_SIZE)
    thicknesses = np.geomspace(10e-6, 200e-6, MAP_SIZE)
    x, y = np.meshgrid(thicknesses, contents)
    found = evaluate_many(e.inputs, {"separator.thickness": x, path: y})
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.4), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, name, unit in zip(panels, found, ("Wh/kg", "Wh/L"), strict=True):
            values = np.asarray(units.to(found[name], unit))
            image = axes.contourf(x * 1e6, y * 100, values, levels=18, cmap="YlGnBu")
            lines = axes.contour(x * 1e6, y * 100, values, levels=_round_levels(values), colors=INK, linewidths=0.9)
            for label in axes.clabel(lines, fontsize=8, fmt="%g", inline=False):
                label.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
            _mark_design(axes, e, path)
            axes.set_xscale("log")
            axes.set_xticks([10, 20, 50, 100, 200], ["10", "20", "50", "100", "200"])
            axes.set_xlabel("separator thickness (µm)")
            axes.set_title(unit, fontsize=9.5, color=INK)
            figure.colorbar(image, ax=axes, pad=0.02)
        panels[0].set_ylabel(f"{e.stack.cathode.active[0]} in the cathode (wt%)")
        return figure


def _round_levels(values: Any) -> list[float]:
    """Four to ten round targets inside the span of a map: multiples of 25, 50 or 100."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    step = next((step for step in (25.0, 50.0, 100.0) if (high - low) / step <= 10.0), 200.0)
    return [float(level) for level in np.arange(np.ceil(low / step) * step, high, step)]


def _mark_design(axes: Axes, e: Evaluation, path: str) -> None:
    content = value_at(e.inputs, path)
    axes.plot(
        float(units.to(float(e.stack.separator.thickness), "um")),
        100 * float(np.mean(content if content is not None else np.nan)),
        marker="o",
        markersize=7,
        markerfacecolor=WARNING,
        markeredgecolor="white",
    )


def tornado_figure(inputs: CellInputs) -> Figure:
    """Which inputs move the specific energy most, each by a tenth."""
    swings = tornado(inputs)[::-1]
    base = float(
        evaluate_many(inputs, {"pouch.other_mass": np.array([float(inputs.pouch.other_mass)])})["specific_energy"][0]
    )
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, 0.6 + 0.27 * max(len(swings), 3))
        for row, swing in enumerate(swings):
            _tornado_row(axes, row, swing, base)
        axes.axvline(float(units.to(base, "Wh/kg")), color=INK, linewidth=0.8)
        axes.set(
            yticks=range(len(swings)),
            yticklabels=[label_of(swing.path) for swing in swings],
            xlabel="specific energy (Wh/kg)",
        )
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.plot([], [], color="#7fa8a5", linewidth=7, label="input 10 % lower")
        axes.plot([], [], color=ACCENT, linewidth=7, label="input 10 % higher")
        axes.legend(loc="lower right", fontsize=8)
        return figure


def _tornado_row(axes: Axes, row: int, swing: Swing, base: float) -> None:
    for end, colour in ((swing.low, "#7fa8a5"), (swing.high, ACCENT)):
        start, stop = float(units.to(base, "Wh/kg")), float(units.to(end, "Wh/kg"))
        axes.barh(row, stop - start, left=start, color=colour, height=0.62)


def label_of(path: str) -> str:
    """'cathode.recipe.NMC811.density' -> 'NMC811 density, cathode'."""
    head, *rest = path.split(".")
    if rest and rest[0] == "recipe":
        last = rest[-1] if rest[-1] in ("density", "specific_capacity") else ""
        name = ".".join(rest[1:-1] if last else rest[1:])
        return f"{name} {last.replace('_', ' ') or 'content'}, {head}"
    return f"{head.replace('_', ' ')} {' '.join(rest).replace('_', ' ')}"


def cost_figure(cost: Cost) -> Figure | None:
    """The materials cost at each price's low and high end, and the range of all."""
    swings = cost.tornado[:8][::-1]
    if not swings:
        return None
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, 0.9 + 0.27 * len(swings))
        scale = float(units.to(1.0 / cost.energy, "USD/kWh"))
        base = cost.priced_part * scale
        for row, (_, low, high) in enumerate(swings):
            axes.barh(row, (low - cost.priced_part) * scale, left=base, color="#7fa8a5", height=0.62)
            axes.barh(row, (high - cost.priced_part) * scale, left=base, color=ACCENT, height=0.62)
        axes.axvspan(
            cost.low * scale, cost.high * scale, color="#f3ead2", zorder=0, label="5 % to 95 % of all together"
        )
        axes.axvline(base, color=INK, linewidth=0.8)
        labels = [
            f"{name}, {cost.prices[name].low:.3g} to {cost.prices[name].high:.3g} USD/kg" for name, _, _ in swings
        ]
        axes.set(yticks=range(len(swings)), yticklabels=labels, xlabel="materials cost (USD/kWh)")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower right", fontsize=8)
        return figure


def convention_figure(rows: Sequence[tuple[str, float, float]], own: str) -> Figure:
    """The same layers under every preset: name, Wh/kg, Wh/L."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 0.7 + 0.3 * len(rows)), layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, column, unit in zip(panels, (1, 2), ("Wh/kg", "Wh/L"), strict=True):
            values = [float(row[column]) for row in rows]
            colours = [COLOURS["cathode"] if row[0] == own else "#b7c3d6" for row in rows]
            axes.barh(range(len(rows)), values, color=colours, height=0.62)
            for index, value in enumerate(values):
                axes.text(value, index, f" {value:.0f}", va="center", fontsize=8)
            axes.set(
                xlabel=unit, xlim=(0, 1.15 * max(values)), yticks=range(len(rows)), yticklabels=[row[0] for row in rows]
            )
            axes.tick_params(axis="y", length=0)
        panels[0].invert_yaxis()
        return figure


def arrhenius_figure(substances: Sequence[Substance]) -> Figure:
    """Ionic conductivity against temperature, with every published point.

    Lines follow the default value and its activation energy or VTF law; a
    substance without either is drawn by its points alone.
    """
    shown = [substance for substance in substances if substance.data("ionic_conductivity")]
    if not shown:
        raise InputError(f"none of {', '.join(s.name for s in substances)} has an ionic conductivity to draw")
    cycle = mpl.colormaps["tab10"]
    with mpl.rc_context(STYLE):
        figure, axes = styled(8.4, 4.4)
        for index, substance in enumerate(shown):
            _arrhenius_line(axes, substance, cycle(index % 10))
        axes.set_yscale("log")
        axes.set(xlabel="1000 / T (1/K)", ylabel="ionic conductivity (S/cm)")
        title = "line: default and its law\nfilled: default, open: also published"
        axes.legend(fontsize=8, title=title, title_fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        top = axes.secondary_xaxis("top", functions=(_kelvin_axis, _kelvin_axis_inverse))
        top.set_xticks([-20, 0, 25, 50, 80, 100], ["-20", "0", "25", "50", "80", "100 °C"])
        axes.set_xlim(1000 / 383.15, 1000 / 248.15)
        return figure


def _kelvin_axis(x: Any) -> Any:
    return 1000.0 / np.maximum(x, 0.5) - units.ZERO_CELSIUS


def _kelvin_axis_inverse(celsius: Any) -> Any:
    return 1000.0 / np.maximum(np.asarray(celsius) + units.ZERO_CELSIUS, 1.0)


def _arrhenius_line(axes: Axes, substance: Substance, colour: Any) -> None:
    data = substance.data("ionic_conductivity")
    for datum in data:
        at = 1000.0 / (datum.temperature or 298.15)
        filled = colour if datum.default or len(data) == 1 else "white"
        axes.plot(at, datum.number / 100.0, "o", color=colour, markerfacecolor=filled, markersize=6, zorder=3)
    temperatures = np.linspace(248.15, 383.15, 60)
    label = substance.name
    if substance.default("activation_energy") or (
        substance.default("vtf_energy") and substance.default("vtf_temperature")
    ):
        values = [conductivity_at(substance, float(t))[0] / 100.0 for t in temperatures]
        axes.plot(1000.0 / temperatures, values, color=colour, linewidth=1.4, label=label)
    else:
        axes.plot([], [], "o", color=colour, label=f"{label} (no law known)")
