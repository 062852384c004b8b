"""Measured discharges beside those of the cell model, and how far apart they are.

A discharge is simulated at its current to the voltage where the measured one
ended. Compared are the voltage at equal shares of the delivered charge, and the
delivered charge itself: two numbers that stay defined when the model ends
sooner or later than the data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from percolyte import units
from percolyte.cell.model import Cell
from percolyte.cell.protocol import Current, Step
from percolyte.cell.run import simulate
from percolyte.cell.simulation import Simulation
from percolyte.errors import InputError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

POINTS = 40
"""Voltages compared for each discharge."""
RTOL = 2e-5
"""Finer time steps than a simulation's default, so that derivatives are not noise."""
_SHARES = np.linspace(0.01, 0.99, POINTS)


@dataclass(frozen=True)
class Discharge:
    """One measured discharge at constant current, from the rested, charged cell."""

    current: float
    """A/m2, positive."""
    charge: Any
    """C/m2, rising from 0."""
    voltage: Any
    label: str = ""

    def __str__(self) -> str:
        return self.label or f"discharge at {units.text(self.current, units.CURRENT_DENSITY, digits=3)}"


@dataclass(frozen=True)
class Comparison:
    """A measured discharge, and the model's at the same current and end voltage."""

    discharge: Discharge
    simulation: Simulation
    c_rate: float
    voltage_error: float
    """Root mean square over equal shares of the delivered charge, V."""
    charge_error: float
    """Relative: delivered by the model over measured, less one."""


def compare(cell: Cell, data: Sequence[Discharge]) -> tuple[Comparison, ...]:
    """Every measured discharge beside the model's.

    Voltage errors are √(mean (V_model(s Q_model) - V_measured(s Q_measured))²) over shares s of 1 % to
    99 %. Holds for discharges from the rested, charged cell at the cell's temperature. Limit: data of
    the model itself differ by what straight lines between their points cost.

    Errors: InputError for data that are no discharge.
    """
    problems = problems_with(data)
    if problems:
        raise InputError(problems)
    found = []
    for curve in data:
        run = simulated(cell, curve)
        volts, charge = differences(run, curve)
        found.append(Comparison(curve, run, curve.current / cell.one_c, float(np.sqrt(np.mean(volts**2))), charge))
    return tuple(found)


def problems_with(data: Sequence[Discharge]) -> list[Problem]:
    """What keeps data from being discharges at constant current."""
    problems = []
    for curve in data:
        charge, volts = np.asarray(curve.charge, dtype=float), np.asarray(curve.voltage, dtype=float)
        if charge.size != volts.size or charge.size < 5 or not (np.isfinite(charge).all() and np.isfinite(volts).all()):
            problems.append(Problem(str(curve), "needs five points at least, as many charges as voltages, all finite"))
        elif not (np.diff(charge) >= 0.0).all() or charge[-1] <= 0.0:
            problems.append(Problem(str(curve), "the charge must rise from 0"))
        if not (math.isfinite(curve.current) and curve.current > 0.0):
            problems.append(Problem(str(curve), "the current density of a discharge is positive, in A/m2"))
    return problems


def simulated(cell: Cell, curve: Discharge) -> Simulation:
    """The cell discharged at the measured current to the measured end voltage."""
    step = Step("current", Current(curve.current), until_voltage=float(np.asarray(curve.voltage)[-1]))
    return simulate(cell, [step], rtol=RTOL)


def differences(run: Simulation, curve: Discharge) -> tuple[Floats, float]:
    """Model less measurement: volts at equal shares of the charge, and the relative charge."""
    charge, volts = np.asarray(curve.charge, dtype=float), np.asarray(curve.voltage, dtype=float)
    delivered = float(run.charge[-1]) if run.charge.size else 0.0
    measured = np.interp(_SHARES * charge[-1], charge, volts)
    return _at_shares(run, delivered) - measured, delivered / float(charge[-1]) - 1.0


def _at_shares(run: Simulation, delivered: float) -> Floats:
    """Voltage of the model, smooth between its time steps."""
    from scipy.interpolate import PchipInterpolator

    if run.charge.size < 3 or delivered <= 0.0:
        return np.full(POINTS, float(run.voltage[0]) if run.voltage.size else 0.0)
    return np.asarray(PchipInterpolator(run.charge, run.voltage)(_SHARES * delivered), dtype=float)
