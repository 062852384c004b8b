"""Results of the cell model as tables: one column a quantity, with its unit in the heading."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from percolyte import units
from percolyte.report.layout import converted

if TYPE_CHECKING:
    from percolyte.cell.heat import Heat
    from percolyte.cell.rate import RatePoint
    from percolyte.cell.simulation import Simulation
    from percolyte.cell.spectrum import Spectrum
    from percolyte.cell.thick import LoadingSweep, RagonePoint

Columns: TypeAlias = dict[str, Any]
"""Heading to the values of a column, an array or a list."""


def curve_columns(found: Simulation) -> Columns:
    """One row a time step; the headings are those that `read_cycler` knows."""
    return {
        "Test Time / s": found.time,
        "Voltage / V": found.voltage,
        "Current / mA cm-2": found.current / 10.0,
        "Charge / mAh cm-2": found.charge / 3.6e4,
    }


def simulation_columns(found: Simulation, heat: Heat, temperature: Any = None) -> Columns:
    """The curve, its protocol step from one on, the temperature where it moves, every loss, and the heat."""
    warmth = {} if temperature is None else {"Temperature / degC": temperature - units.ZERO_CELSIUS}
    losses = {f"Loss to {name} / mV": 1000.0 * volts for name, volts in found.losses.items()}
    return {
        **curve_columns(found),
        "Protocol step": found.step + 1,
        **warmth,
        **losses,
        "Irreversible heat / W m-2": heat.irreversible,
        "Reversible heat / W m-2": heat.reversible,
    }


def spectrum_columns(found: Spectrum) -> Columns:
    """Frequency, then total and parts."""
    columns: Columns = {"Frequency / Hz": found.frequency}
    for name, z in {"total": found.impedance, **found.parts}.items():
        columns[f"Real impedance of {name} / ohm cm2"] = 1e4 * z.real
        columns[f"Imaginary impedance of {name} / ohm cm2"] = 1e4 * z.imag
    return columns


def rate_columns(points: Sequence[RatePoint]) -> Columns:
    """One row a discharge."""
    runs = [point.simulation for point in points]
    return {
        "C-rate / h-1": [point.c_rate for point in points],
        "Areal capacity / mAh cm-2": [run.areal_capacity / 3.6e4 for run in runs],
        "Specific capacity / mAh g-1": [run.specific_capacity / 3600.0 for run in runs],
        "Areal energy / mWh cm-2": [run.areal_energy / 3.6e4 for run in runs],
        "Utilisation / %": [100.0 * run.utilisation for run in runs],
        "Specific energy / Wh kg-1": [converted(point.specific_energy, "Wh/kg") for point in points],
        "Energy density / Wh L-1": [converted(point.energy_density, "Wh/L") for point in points],
        "Mean specific power / W kg-1": [point.specific_power for point in points],
        "Heat / mWh cm-2": [point.heat.total / 3.6e4 for point in points],
        "Irreversible heat / mWh cm-2": [point.heat.irreversible_total / 3.6e4 for point in points],
        "Reversible heat / mWh cm-2": [point.heat.reversible_total / 3.6e4 for point in points],
        "Heat of mixing / mWh cm-2": [point.heat.mixing / 3.6e4 for point in points],
        "Outcome": [run.outcome for run in runs],
    }


def sweep_columns(sweep: LoadingSweep) -> Columns:
    """One row a discharge, rate by rate."""
    points = [point for row in sweep.by_rate for point in row]
    return {
        "C-rate / h-1": [point.c_rate for point in points],
        "Current / mA cm-2": [point.current / 10.0 for point in points],
        "Loading / mg cm-2": [converted(point.loading, "mg/cm2") for point in points],
        "Thickness / um": [converted(point.thickness, "um") for point in points],
        "Reversible capacity / mAh cm-2": [point.reversible / 3.6e4 for point in points],
        "Delivered capacity / mAh cm-2": [point.delivered / 3.6e4 for point in points],
        "Delivered share / %": [100.0 * point.utilisation for point in points],
        "Specific energy / Wh kg-1": [converted(point.specific_energy, "Wh/kg") for point in points],
        "Energy density / Wh L-1": [converted(point.energy_density, "Wh/L") for point in points],
        "Outcome": [point.outcome for point in points],
    }


def ragone_columns(points: Sequence[RagonePoint]) -> Columns:
    """One row a power."""
    return {
        "Specific power / W kg-1": [point.specific_power for point in points],
        "Power / mW cm-2": [point.power / 10.0 for point in points],
        "Specific energy / Wh kg-1": [converted(point.specific_energy, "Wh/kg") for point in points],
        "Areal energy / mWh cm-2": [point.areal_energy / 3.6e4 for point in points],
        "Outcome": [point.outcome for point in points],
    }
