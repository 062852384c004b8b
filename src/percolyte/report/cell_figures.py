"""Figures of the cell model: curves, losses, heat, measured data, rates, thicknesses, impedance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from percolyte import units
from percolyte.report.figures import ACCENT, COLOURS, FAINT, INK, STYLE, WARNING, styled

if TYPE_CHECKING:
    from percolyte.cell.measured import Comparison
    from percolyte.cell.rate import RateCapability, RatePoint
    from percolyte.cell.spectrum import Spectrum
    from percolyte.cell.thick import LoadingSweep, RagonePoint, ThickPoint

LOSS_COLOURS = {
    "separator and contacts": "#e0a93b",
    "ions in the cathode": "#274673",
    "electrons in the cathode": "#5b7db1",
    "kinetics of the cathode": "#8ea9cf",
    "diffusion in the cathode particles": "#c3d2e6",
    "ions in the anode": "#4f545b",
    "electrons in the anode": "#7a8088",
    "kinetics of the anode": "#a9aeb5",
    "diffusion in the anode particles": "#d4d7da",
    "salt concentration": "#b5533c",
}


def rate_figure(rate: RateCapability) -> Figure:
    """Voltage curves at each rate, and the energy that remains at each power (Ragone)."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.2), layout="constrained")
        curves, ragone = figure.subplots(1, 2, width_ratios=(3, 2))
        shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(rate.points)))
        for point, shade in zip(rate.points, shades, strict=True):
            found = point.simulation
            curves.plot(found.charge / 3.6e4, found.voltage, color=shade, linewidth=1.5, label=f"{point.c_rate:g}C")
        curves.set(xlabel="areal capacity (mAh/cm²)", ylabel="cell voltage (V)")
        curves.legend(fontsize=8)
        power = [point.specific_power for point in rate.points]
        energy = [float(units.to(point.specific_energy, "Wh/kg")) for point in rate.points]
        ragone.plot(power, energy, "-", color=FAINT, linewidth=1.0)
        ragone.scatter(power, energy, c=shades, s=34, zorder=3)
        for x, y, point in zip(power, energy, rate.points, strict=True):
            ragone.annotate(f"{point.c_rate:g}C", (x, y), textcoords="offset points", xytext=(6, 4), fontsize=8)
        ragone.set(xlabel="mean specific power (W/kg)", ylabel="specific energy (Wh/kg)", xscale="log")
        ragone.margins(x=0.18, y=0.1)
        ragone.set_ylim(bottom=0.0)
        return figure


def loss_figure(point: RatePoint) -> Figure:
    """Where the voltage goes during one discharge, from the rest voltage down to the cell's."""
    found = point.simulation
    charge = found.charge / 3.6e4
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, 3.2)
        bottom = found.voltage
        for name, colour in LOSS_COLOURS.items():
            volts = found.losses.get(name)
            if volts is None or float(np.max(volts)) < 5e-4:
                continue
            axes.fill_between(charge, bottom, bottom + volts, color=colour, linewidth=0, label=name)
            bottom = bottom + volts
        axes.plot(charge, found.voltage, color=INK, linewidth=1.5, label="cell voltage")
        axes.plot(charge, bottom, color=INK, linewidth=0.8, linestyle="--", label="without losses")
        low, high = float(np.percentile(found.voltage, 3)), float(np.max(bottom))
        axes.set(
            xlabel="areal capacity (mAh/cm²)", ylabel="voltage (V)", ylim=(low - 0.15, high + 0.05), xlim=(0, None)
        )
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0), reverse=True)
        return figure


def heat_figure(point: RatePoint) -> Figure:
    """Heat given off during one discharge: irreversible, reversible, and both."""
    charge, heat = point.simulation.charge / 3.6e4, point.heat
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, 2.6)
        axes.axhline(0.0, color=FAINT, linewidth=0.8)
        axes.plot(charge, heat.irreversible, linewidth=1.2, color=WARNING, label="irreversible")
        axes.plot(charge, heat.reversible, linewidth=1.2, color=ACCENT, label="reversible")
        axes.plot(charge, heat.irreversible + heat.reversible, color=INK, linewidth=1.5, label="both")
        axes.set(xlabel="areal capacity (mAh/cm²)", ylabel="heat (W/m²)", xlim=(0, None))
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure


def loading_figure(sweep: LoadingSweep) -> Figure:
    """Areal capacity and Wh/kg against loading at each rate, with published thick electrodes."""
    from percolyte.cell.thick import published

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.6), layout="constrained")
        capacity, energy = figure.subplots(1, 2)
        shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(sweep.rates)))
        loading = units.to(np.array(sweep.amounts), "mg/cm2")
        for rate, points, shade in zip(sweep.rates, sweep.by_rate, shades, strict=True):
            label = f"{rate.value:g}C" if rate.c_rate else f"{rate.value / 10:g} mA/cm²"
            delivered = units.to(np.array([point.delivered for point in points]), "mAh/cm2")
            capacity.plot(loading, delivered, color=shade, linewidth=1.6, label=label)
            specific = units.to(np.array([point.specific_energy for point in points]), "Wh/kg")
            energy.plot(loading, specific, color=shade, linewidth=1.6)
            energy.plot(loading[int(np.argmax(specific))], specific.max(), "o", color=shade)
        known = [one for one in published() if not one.doubt and one.loading <= 1.1 * max(sweep.amounts)]
        capacity.plot(
            [units.to(one.loading, "mg/cm2") for one in known],
            [units.to(one.areal_capacity, "mAh/cm2") for one in known],
            "o", markerfacecolor="white", color=WARNING, markersize=5, label="published, any material and rate",
        )  # fmt: skip
        capacity.set(xlabel="loading (mg/cm²)", ylabel="delivered capacity (mAh/cm²)")
        energy.set(xlabel="loading (mg/cm²)", ylabel="specific energy (Wh/kg)")
        capacity.set_ylim(0, 1.3 * max(units.to(point.reversible, "mAh/cm2") for point in sweep.by_rate[0]))
        figure.legend(fontsize=8, loc="outside upper center", ncols=1 + len(sweep.rates))
        return figure


def critical_figure(sweep: LoadingSweep, critical: ThickPoint, share: float, own: float) -> Figure:
    """Delivered share and capacity against thickness at one rate, the critical thickness and the design's own."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.2), layout="constrained")
        shares, capacity = figure.subplots(1, 2)
        (points,) = sweep.by_rate
        thickness = [1e6 * point.thickness for point in points]
        shares.plot(thickness, [100 * point.utilisation for point in points], color=ACCENT, linewidth=1.6)
        shares.axhline(100 * share, color=FAINT, linewidth=0.8, linestyle="--")
        capacity.plot(thickness, [point.reversible / 3.6e4 for point in points], color=FAINT, label="reversible")
        capacity.plot(
            thickness, [point.delivered / 3.6e4 for point in points], color=ACCENT, linewidth=1.6, label="delivered"
        )
        now = min(points, key=lambda point: abs(point.thickness - own))
        critical_label = f"critical, {1e6 * critical.thickness:.3g} µm at {critical.c_rate:.3g}C"
        for point, colour, face, label in (
            (now, INK, "white", "this design"),
            (critical, WARNING, WARNING, critical_label),
        ):
            at, style = 1e6 * point.thickness, {"color": colour, "markerfacecolor": face}
            shares.plot(at, 100 * point.utilisation, "o", label=label, **style)
            capacity.plot(at, point.delivered / 3.6e4, "o", **style)
        for axes in (shares, capacity):
            axes.set(xlabel="cathode thickness (µm)", ylim=(0, None), xlim=(0, None))
        shares.set_ylabel("delivered share of the capacity (%)")
        capacity.set_ylabel("areal capacity (mAh/cm²)")
        shares.legend(fontsize=8, loc="lower left")
        capacity.legend(fontsize=8, loc="upper left")
        return figure


def ragone_figure(points: Sequence[RagonePoint]) -> Figure:
    """Energy against power, with the duration of each discharge."""
    with mpl.rc_context(STYLE):
        figure, axes = styled(6.4, 3.8)
        power = np.array([point.specific_power for point in points])
        energy = np.array([float(units.to(point.specific_energy, "Wh/kg")) for point in points])
        axes.plot(power, energy, "o-", color=ACCENT, linewidth=1.6, markersize=5)
        for x, y in zip(power, energy, strict=True):
            axes.annotate(_duration(y / x), (x, y), (5, 5), textcoords="offset points", fontsize=8)
        axes.set(xlabel="specific power (W/kg)", ylabel="specific energy (Wh/kg)", xscale="log")
        axes.margins(x=0.1, y=0.12)
        axes.set_ylim(bottom=0.0)
        return figure


def _duration(hours: float) -> str:
    if hours <= 0.0:
        return "none"
    return next(
        f"{per * hours:.2g} {unit}"
        for per, unit in ((1, "h"), (60, "min"), (3600, "s"))
        if per * hours >= 1 or unit == "s"
    )


MARKS = 24
"""Points drawn of a measured curve; its file may have thousands."""


def measured_figure(rate: RateCapability, found: Sequence[Comparison]) -> Figure:
    """Measured discharges on the model's at the same currents, and delivered capacity against rate."""
    rates = sorted({_told(one.c_rate) for one in found})
    shades = dict(zip(rates, mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(rates))), strict=True))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.6, 3.4), layout="constrained")
        curves, capability = figure.subplots(1, 2, width_ratios=(3, 2))
        for one in found:
            shade, run, curve = shades[_told(one.c_rate)], one.simulation, one.discharge
            curves.plot(run.charge / 3.6e4, run.voltage, color=shade, linewidth=1.3)
            rows = np.searchsorted(curve.charge, np.linspace(0.0, 1.0, MARKS) * curve.charge[-1])
            curves.plot(np.asarray(curve.charge)[rows] / 3.6e4, np.asarray(curve.voltage)[rows], "o", **_open(shade))
            capability.plot(one.c_rate, curve.charge[-1] / 3.6e4, "o", **_open(shade))
            capability.plot(one.c_rate, run.areal_capacity / 3.6e4, "x", color=shade, markersize=5)
        capability.plot(
            [point.c_rate for point in rate.points],
            [point.simulation.areal_capacity / 3.6e4 for point in rate.points],
            color=FAINT, linewidth=1.0, zorder=0, label=f"model to {rate.cell.cut_off:g} V",
        )  # fmt: skip
        capability.plot([], [], "x", color=INK, markersize=5, label="model, measured end")
        capability.plot([], [], "o", **_open(INK), label="measured")
        for value, shade in shades.items():
            curves.plot([], [], color=shade, label=f"{value:g}C")
        curves.set(xlabel="areal capacity (mAh/cm²)", ylabel="cell voltage (V)")
        capability.set(xlabel="C-rate", ylabel="delivered (mAh/cm²)", xscale="log", ylim=(0, None))
        curves.legend(fontsize=8, loc="lower left", ncols=1 + len(rates) // 7)
        capability.legend(fontsize=8, loc="lower left")
        return figure


def _told(c_rate: float) -> float:
    """Two digits: the currents of one rate differ a little from cycle to cycle."""
    return float(f"{c_rate:.2g}")


def _open(colour: Any) -> dict[str, Any]:
    """A mark of measured data."""
    return {"markerfacecolor": "white", "color": colour, "markersize": 4, "markeredgewidth": 0.9}


def salt_figure(rate: RateCapability) -> Figure:
    """Where the salt is at the end of the discharge at each rate."""
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, 3.0)
        shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(rate.points)))
        for point, shade in zip(rate.points, shades, strict=True):
            salt = point.simulation.salt
            if salt is not None:
                axes.plot(
                    1e6 * salt.position, salt.concentration_end, color=shade, linewidth=1.5, label=f"{point.c_rate:g}C"
                )
                axes.axhline(salt.rest, color=FAINT, linewidth=0.8, linestyle="--")
        if rate.cell.salt is not None:
            axes.axvline(1e6 * rate.cell.salt.separator_thickness, color=FAINT, linewidth=1.0)
        axes.set(xlabel="distance from the lithium (µm)", ylabel="salt (mol/m³)", ylim=(0, None), xlim=(0, None))
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
        return figure


def nyquist_figure(spectrum: Spectrum) -> Figure:
    """The spectrum of the cell and of its parts in the complex plane, both axes to one scale, with its decades marked."""
    parts = {name: np.conj(units.to(part, "ohm*cm2")) for name, part in spectrum.parts.items()}
    cell = np.conj(units.to(spectrum.impedance, "ohm*cm2"))
    drawn = np.concatenate([_dense(z) for z in (cell, *parts.values())])
    left, right, top = min(0.0, drawn.real.min()), drawn.real.max(), drawn.imag.max()
    width = right - left
    with mpl.rc_context(STYLE):
        figure, axes = styled(7.6, min(0.85 + 6.2 * (top / width + 0.17), 6.4))
        for name, z in parts.items():
            axes.plot(
                z.real, z.imag, ".-", color=COLOURS[name.split(" and ")[0]], linewidth=1.0, markersize=4, label=name
            )
        axes.plot(cell.real, cell.imag, color=INK, linewidth=1.8, label="cell")
        _label_decades(axes, spectrum.frequency, cell / width, drawn / width, width)
        axes.set(xlabel="Re Z (Ω cm²)", ylabel="−Im Z (Ω cm²)", aspect="equal")
        axes.set(xlim=(left - 0.04 * width, right + 0.06 * width), ylim=(-0.09 * width, top + 0.08 * width))
        figure.legend(fontsize=8, loc="outside upper center", ncols=4)
        return figure


def _dense(z: Any) -> Any:
    """The straight lines between the points of a spectrum, as more points."""
    at = np.linspace(0.0, len(z) - 1, 8 * len(z))
    return np.interp(at, range(len(z)), z)


def _label_decades(axes: Axes, frequency: Any, cell: Any, drawn: Any, width: float) -> None:
    """Every second decade marked on the curve, its label beside it where no curve passes.

    Impedances are in shares of the width; decades that crowd together at one end are marked once.
    """
    taken, marks = drawn, np.array([np.inf])
    box = np.array([-0.042, -0.02, 0.0, 0.02, 0.042, -0.015j, 0.015j])
    around = np.exp(1j * np.linspace(0.0, 2.0 * np.pi, 25))
    powers = np.log10(frequency)
    for power in range(int(np.ceil(powers.min())), int(np.floor(powers.max())) + 1, 2):
        z = cell[int(np.argmin(np.abs(powers - power)))]
        if np.abs(marks - z).min() < 0.04:
            continue
        places = np.concatenate([z + far * (0.07 * around.real + 0.04j * around.imag) for far in (1.0, 1.4, 2.0)])
        room = np.abs((places[:, None] + box)[:, :, None] - taken).min(axis=(1, 2))
        best = places[int(np.argmax(np.minimum(room, 0.015) - 0.05 * np.abs(places - z)))]
        taken, marks = np.append(taken, best + box), np.append(marks, z)
        axes.plot(width * z.real, width * z.imag, "o", color=INK, markersize=4)
        axes.text(width * best.real, width * best.imag, f"$10^{{{power}}}$ Hz", ha="center", va="center", fontsize=8)
