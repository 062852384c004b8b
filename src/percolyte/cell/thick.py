"""How thick an electrode pays: capacity and energy against loading, thickness and rate.

Every point is a design of its own: the pouch is built again around the
changed electrode, and the cell model discharges it. What is not stated per
cathode, such as an N/P ratio, follows; what is stated in absolute numbers, such
as the thickness of a lithium foil, stays.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from percolyte.cell.build import build_cell
from percolyte.cell.model import Cell
from percolyte.cell.protocol import Current, Step
from percolyte.cell.run import simulate
from percolyte.cell.simulation import Simulation
from percolyte.errors import InputError
from percolyte.explore.vary import dimension_of, vary
from percolyte.layer_transport import cell_transport
from percolyte.pouch.energy import PouchEnergy, pouch_energy
from percolyte.pouch.stack import Stack, build_stack
from percolyte.resolution import Resolved
from percolyte.sources import Ledger
from percolyte.units import text

AMOUNTS = ("cathode.loading", "cathode.thickness", "cathode.areal_capacity")
"""What a sweep may vary."""
DELIVERED = 0.8
"""Share of the reversible capacity that an electrode must still deliver."""
THINNEST, THICKEST, SCAN = 5e-6, 2e-3, 16
"""Thicknesses between which a critical one is sought, and how many are tried first."""
PUBLISHED = Path(__file__).with_name("published_thick.csv")


@dataclass(frozen=True)
class ThickCell:
    """One design of a sweep, ready to be discharged."""

    cell: Cell
    stack: Stack
    energy: PouchEnergy

    @property
    def mass_per_area(self) -> float:
        """Mass of the whole pouch over the area of all its unit cells, kg/m2."""
        return float(self.energy.mass) / float(self.stack.area * self.stack.unit_cells)

    @property
    def volume_per_area(self) -> float:
        """m3/m2, alike."""
        return float(self.energy.volume) / float(self.stack.area * self.stack.unit_cells)


@dataclass(frozen=True)
class ThickPoint:
    """One electrode discharged at one rate; SI."""

    loading: float
    """Active material of the cathode, kg/m2."""
    thickness: float
    reversible: float
    """Areal capacity of the design, C/m2."""
    current: float
    """A/m2."""
    c_rate: float
    delivered: float
    """C/m2."""
    areal_energy: float
    """J/m2."""
    specific_energy: float
    """J/kg of the pouch by the design's convention."""
    energy_density: float
    """J/m3."""
    outcome: str

    @property
    def utilisation(self) -> float:
        """Delivered over reversible capacity."""
        return self.delivered / self.reversible


@dataclass(frozen=True)
class LoadingSweep:
    """Discharges of one design over amounts of cathode (rows) and rates (columns)."""

    path: str
    amounts: tuple[float, ...]
    rates: tuple[Current, ...]
    points: tuple[tuple[ThickPoint, ...], ...]

    @property
    def by_rate(self) -> tuple[tuple[ThickPoint, ...], ...]:
        """The same with one row a rate."""
        return tuple(zip(*self.points, strict=True))


@dataclass(frozen=True)
class Optimum:
    """Where an energy over the amounts of a sweep is largest, at one rate."""

    rate: Current
    amount: float
    value: float
    at_edge: bool
    """Whether the largest is the first or the last of the sweep, so that the true one may lie beyond."""


@dataclass(frozen=True)
class CriticalThickness:
    """The thickest electrode that still delivers a share of its capacity."""

    thickness: float
    areal_capacity: float
    """Reversible, of that electrode, C/m2."""
    outcome: Literal["found", "thicker than sought", "never"]


@dataclass(frozen=True)
class RagonePoint:
    """One discharge at constant power; SI, per cathode area and per mass."""

    power: float
    areal_energy: float
    specific_power: float
    specific_energy: float
    outcome: str


@dataclass(frozen=True)
class PublishedElectrode:
    """A thick electrode as published; SI, None where not stated."""

    material: str
    electrolyte: str
    loading: float
    thickness: float | None
    temperature: float | None
    rate: Current | None
    specific_capacity: float
    areal_capacity: float
    """Delivered, C/m2: loading × specific capacity."""
    doubt: str
    source: str


@dataclass(frozen=True)
class Comparison:
    """A published electrode, and the design at its loading and rate."""

    published: PublishedElectrode
    computed: ThickPoint


def design_with(resolved: Resolved, path: str, amount: float) -> ThickCell:
    """The design with another amount of cathode: pouch, energy and cell model.

    Errors: InputError for a path that is no amount of cathode, and where the cell model lacks a value.
    """
    if path not in AMOUNTS:
        raise InputError(f"{path!r} is no amount of cathode; write one of {', '.join(AMOUNTS)}")
    kind = dimension_of(path)
    if not (math.isfinite(amount) and 0.0 < amount <= kind.high):
        raise InputError(f"{path} of {amount!r} is not between zero and {text(kind.high, kind)}")
    inputs = vary(resolved.inputs, path, amount)
    changed = replace(resolved, inputs=inputs, ledger=Ledger())  # the ledger is of the design as written
    stack = build_stack(inputs)
    cell = build_cell(changed, stack, *cell_transport(changed, stack))
    return ThickCell(cell, stack, pouch_energy(stack))


def discharged(design: ThickCell, rate: Current) -> ThickPoint:
    """One discharge from the charged state to the cut-off, and what it means for the pouch."""
    cell = design.cell
    current = rate.density(cell.one_c)
    found: Simulation = simulate(cell, [Step("current", Current(current), until_voltage=cell.cut_off)])
    return ThickPoint(
        loading=cell.loading,
        thickness=cell.cathode.thickness,
        reversible=cell.areal_capacity,
        current=current,
        c_rate=current / cell.one_c,
        delivered=found.areal_capacity,
        areal_energy=found.areal_energy,
        specific_energy=found.areal_energy / design.mass_per_area,
        energy_density=found.areal_energy / design.volume_per_area,
        outcome=found.outcome,
    )


def loading_sweep(
    resolved: Resolved,
    amounts: Sequence[float],
    rates: Sequence[float | Current],
    *,
    path: str = "cathode.loading",
) -> LoadingSweep:
    """Capacity and energy of a design over amounts of cathode, at each of some rates.

    `amounts` are loadings in kg/m2, or thicknesses in m or areal capacities in C/m2 with their `path`;
    `rates` are C-rates, or `Current(a)` for a current density of a A/m2. At slow rates the delivered
    capacity is that of the design; at fast ones it no longer grows with the loading.

    Errors: InputError for no amounts or rates, or rates that are not positive; see also `design_with`.
    """
    wanted = tuple(_rate(rate) for rate in rates)
    if not len(amounts) or not wanted:
        raise InputError("nothing to sweep; give at least one amount of cathode and one rate")
    rows = []
    for amount in amounts:
        design = design_with(resolved, path, float(amount))
        rows.append(tuple(discharged(design, rate) for rate in wanted))
    return LoadingSweep(path, tuple(float(amount) for amount in amounts), wanted, tuple(rows))


def _rate(rate: float | Current) -> Current:
    found = rate if isinstance(rate, Current) else Current(float(rate), c_rate=True)
    if not (math.isfinite(found.value) and found.value > 0.0):
        raise InputError("rates are positive: C-rates such as 0.1, 1, 3, or Current(20.0) in A/m2")
    return found


def optimum(
    sweep: LoadingSweep, quantity: Literal["specific_energy", "energy_density", "areal_energy"] = "specific_energy"
) -> tuple[Optimum, ...]:
    """The amount of cathode that gives the most energy, for each rate of a sweep.

    Between the amounts it is the vertex of the parabola through the best one and its neighbours.
    """
    found = []
    amounts = np.array(sweep.amounts)
    order = np.argsort(amounts)
    for column, rate in enumerate(sweep.rates):
        values = np.array([getattr(sweep.points[row][column], quantity) for row in order])
        x, best = amounts[order], int(np.argmax(values))
        if best in (0, len(x) - 1):
            found.append(Optimum(rate, float(x[best]), float(values[best]), at_edge=True))
            continue
        near = slice(best - 1, best + 2)
        a, b, c = np.polyfit(x[near] - x[best], values[near], 2)
        found.append(Optimum(rate, float(x[best] - b / (2.0 * a)), float(c - b * b / (4.0 * a)), at_edge=False))
    return tuple(found)


def critical_thickness(
    resolved: Resolved, rate: float | Current, *, delivered: float = DELIVERED, rtol: float = 1e-3
) -> CriticalThickness:
    """The largest cathode thickness that still delivers a share of the reversible capacity.

    Tries thicknesses from `THICKEST` down, for at a fixed current density a very thin electrode, at its
    high C-rate, may fall short as well; then bisects to `rtol`. Limit: flat potential, fast reaction and
    diffusion give `percolyte.transport.reaction_zone.critical_thickness`.
    """
    if not 0.0 < delivered < 1.0:
        raise InputError("the share to deliver lies between 0 and 1, such as 0.8")
    wanted = _rate(rate)

    def enough(thickness: float) -> bool:
        point = discharged(design_with(resolved, "cathode.thickness", thickness), wanted)
        return point.utilisation >= delivered

    tried = [float(value) for value in np.geomspace(THICKEST, THINNEST, SCAN)]
    good = next((index for index, value in enumerate(tried) if enough(value)), None)
    if good is None:
        return CriticalThickness(0.0, 0.0, "never")
    low, high = tried[good], tried[max(good - 1, 0)]
    while high / low - 1.0 > rtol:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if enough(middle) else (low, middle)
    capacity = design_with(resolved, "cathode.thickness", low).cell.areal_capacity
    return CriticalThickness(low, capacity, "found" if good else "thicker than sought")


def ragone(cell: Cell, mass_per_area: float, powers: Sequence[float] | None = None) -> tuple[RagonePoint, ...]:
    """Energy against power: discharges at constant power to the cut-off.

    `powers` in W/m2 of cathode, by default from C/10 to 10C at the charged voltage; `mass_per_area` in
    kg/m2 as `ThickCell.mass_per_area`. Power beyond what the cell can give delivers nothing. Limit: at
    vanishing power the energy is that of the open circuit.
    """
    if mass_per_area <= 0.0:
        raise InputError("the mass per area must be positive, in kg/m2")
    if powers is None:
        powers = [float(p) for p in cell.open_circuit_voltage(charged=True) * cell.one_c * np.geomspace(0.1, 10.0, 9)]
    if any(not power > 0.0 for power in powers):
        raise InputError("powers must be positive, in W/m2")
    points = []
    for power in powers:
        found = simulate(cell, [Step("power", goal=power, until_voltage=cell.cut_off)])
        points.append(
            RagonePoint(
                power=power,
                areal_energy=found.areal_energy,
                specific_power=power / mass_per_area,
                specific_energy=found.areal_energy / mass_per_area,
                outcome=found.outcome if found.time.size else "more power than the cell can give",
            )
        )
    return tuple(points)


@cache
def published() -> tuple[PublishedElectrode, ...]:
    """Published thick electrodes of solid-state cells, each with its source."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return tuple(_published(row) for row in csv.DictReader(file))


def _published(row: dict[str, str]) -> PublishedElectrode:
    """One row, from the units of its columns to SI."""

    def number(name: str, factor: float, offset: float = 0.0) -> float | None:
        return float(row[name]) * factor + offset if row[name] else None

    loading, capacity = float(row["loading_mg_cm2"]) * 1e-2, float(row["capacity_mAh_g"]) * 3600.0
    c_rate, current = number("c_rate", 1.0), number("current_density_mA_cm2", 10.0)
    specific = number("specific_current_mA_g", 1.0)
    if current is None and specific is not None:
        current = specific * loading
    rate = Current(c_rate, c_rate=True) if c_rate else Current(current) if current else None
    return PublishedElectrode(
        material=row["material"],
        electrolyte=row["electrolyte"],
        loading=loading,
        thickness=number("thickness_um", 1e-6),
        temperature=number("temperature_C", 1.0, 273.15),
        rate=rate,
        specific_capacity=capacity,
        areal_capacity=loading * capacity,
        doubt=row["doubt"],
        source=f"{row['source']} (as reported in {row['via']})" if row["via"] else row["source"],
    )


def compare_published(resolved: Resolved, *, materials: Sequence[str] | None = None) -> tuple[Comparison, ...]:
    """The design at the loading and rate of each published electrode, side by side.

    `materials` are active materials to keep, all without it; rows that state no rate are left out. The
    published cells differ from the design in electrolyte, temperature and recipe: the table says how the
    design would stand beside them, not whether the model reproduces them.
    """
    rows = [row for row in published() if row.rate and (materials is None or row.material in materials)]
    return tuple(
        Comparison(row, discharged(design_with(resolved, "cathode.loading", row.loading), row.rate))
        for row in rows
        if row.rate
    )
