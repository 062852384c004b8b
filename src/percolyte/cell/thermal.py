"""A cell that warms itself: one temperature for all of it, coupled to the protocol.

    C dT/dt = q - h (T - T_ambient)

with C and h per cathode area. q is all heat by the first law: irreversible,
reversible, and that of concentration gradients (see `percolyte.cell.heat`).
Time is split into slices: a slice runs at one temperature, the next one at
the temperature that the heat of the slice leads to (first order in the slice).
Open-circuit potentials follow the temperature along their entropy coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from percolyte.cell.control import TIME
from percolyte.cell.heat import heat_between
from percolyte.cell.model import SHELLS, Cell, PorousElectrode
from percolyte.cell.protocol import Step
from percolyte.cell.run import collect
from percolyte.cell.runner import TOLERANCE, Runner
from percolyte.cell.simulation import Simulation
from percolyte.errors import InputError

SLICES = 60
"""Slices of one discharge at the rate of the step."""


@dataclass(frozen=True)
class ThermalModel:
    """Heat capacity and cooling per cathode area of one unit cell."""

    heat_capacity: float
    """J/(m2 K)."""
    cooling: float
    """W/(m2 K)."""
    ambient: float
    """K."""

    def after(self, temperature: float, heat: float, duration: float) -> float:
        """Temperature after a time with constant heat in W/m2; exact for this linear law.

        Limits: no cooling gives T + qt/C; a long time gives T_ambient + q/h.
        """
        if self.cooling == 0.0:
            return temperature + heat * duration / self.heat_capacity
        final = self.ambient + heat / self.cooling
        return final + (temperature - final) * math.exp(-self.cooling * duration / self.heat_capacity)


@dataclass(frozen=True)
class ThermalSimulation:
    """A simulation with the temperature of each of its rows, K."""

    simulation: Simulation
    temperature: Any


class _ThermalRunner(Runner):
    """A runner whose step is cut into slices, each at its own temperature."""

    def __init__(self, cell: Cell, thermal: ThermalModel, cells: int | None, shells: int, rtol: float) -> None:
        super().__init__(cell, cells=cells, shells=shells, rtol=rtol)
        self.reference, self.thermal = cell, thermal
        self.temperature = cell.temperature
        self.history: list[Any] = []

    def run(self, step: Step) -> tuple[Any, int]:
        """The step in slices; rows and ending as of a whole step."""
        slice_time = self._slice(step)
        parts, left, passed, elapsed, given = [], step.duration, 0.0, 0.0, 0.0
        while True:
            duration = slice_time if left is None else min(slice_time, left)
            before = self.profiles()
            part = replace(step, duration=duration, until_charge=_rest_of(step.until_charge, passed))
            rows, end = super().run(part)
            if rows.shape[0]:
                self._warm(rows, heat_between(self.reference, before, self.profiles(), *rows[-1, [3, 15]]))
                rows[:, 0] += elapsed
                rows[:, 3] += passed
                rows[:, 15] += given
                elapsed, passed, given = (float(rows[-1, column]) for column in (0, 3, 15))
                parts.append(rows)
            if left is not None:
                left -= duration
            if end != TIME or (left is not None and left <= 1e-9):
                return (np.concatenate(parts) if parts else rows), end

    def _slice(self, step: Step) -> float:
        drawn = abs(step.current.density(self.cell.one_c)) if step.mode == "current" else self.cell.one_c
        whole = self.cell.areal_capacity / drawn if drawn else (step.duration or 3600.0)
        return min(whole, step.duration or whole) / SLICES

    def _warm(self, rows: Any, heat: float) -> None:
        """The temperature that the heat of a slice in J/m2 leads to, and the cell at it."""
        duration = float(rows[-1, 0] - rows[0, 0])
        self.history.append(np.full(rows.shape[0], self.temperature))
        if duration <= 0.0:
            return
        self.temperature = self.thermal.after(self.temperature, heat / duration, duration)
        if not 150.0 < self.temperature < 1000.0:
            raise InputError(f"the cell would reach {self.temperature:.0f} K; give it more cooling or heat capacity")
        self.cell = self.reference.at(self.temperature)
        self.cathode = _at(self.cathode, self.cell.cathode, self.temperature)
        if isinstance(self.cell.anode, PorousElectrode):
            self.anode = _at(self.anode, self.cell.anode, self.temperature)
        else:
            self.planar = self.cell.anode


def _rest_of(limit: float | None, passed: float) -> float | None:
    return None if limit is None else max(limit - abs(passed), 1e-12)


def _at(mesh: Any, electrode: PorousElectrode, temperature: float) -> Any:
    """The mesh of an electrode with its properties at another temperature, and as many unknowns as before."""
    warmed = electrode.mesh(temperature, mesh.volumes.size - 1, mesh.edges.size - 1)
    return warmed._replace(modes=mesh.modes)


def simulate_thermal(
    cell: Cell,
    protocol: Sequence[Step],
    thermal: ThermalModel,
    *,
    cells: int | None = None,
    shells: int = SHELLS,
    rtol: float = TOLERANCE,
) -> ThermalSimulation:
    """Run a protocol with the temperature as an unknown, from the temperature of the cell.

    Holds for a cell thin against its heat conduction (Biot number small).
    Limits: infinite heat capacity, or strong cooling with a cell at ambient
    temperature, is the isothermal cell.
    """
    runner = _ThermalRunner(cell, thermal, cells, shells, rtol)
    found = collect(runner, protocol)
    return ThermalSimulation(found, np.concatenate(runner.history) if runner.history else np.zeros(0))
