"""Properties of a cell from measured discharges, with what the data cannot tell.

Least squares over the whole cell model, on the differences of
`percolyte.cell.measured`: they stay smooth when the model ends sooner or later
than the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from percolyte import units
from percolyte.cell.measured import Discharge, differences, problems_with, simulated
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.simulation import Simulation
from percolyte.errors import InputError, Problem, suggestion
from percolyte.units import Dimension, text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

VOLTAGE_ERROR, CHARGE_ERROR = 2e-3, 5e-3
"""Least errors of measurement and model that a fit reckons with: volts, and relative."""
STEP = 0.05
"""Change of ln p by which derivatives are taken on the way."""
ERROR_STEP = 0.3
"""The same for the errors at the end: wide, so that the noise of the time steps does not pass for knowledge."""
WIDEST = math.log(1e3)
"""How far ln p may move from its start."""
WIDE = 10.0
"""Ratio of the ends of a 95 % interval beyond which a parameter is not fixed by the data."""
ALIKE = 0.95
"""Correlation beyond which two parameters cannot be told apart."""
START_FILM, START_SERIES = 1e-3, 1e-4
"""Where a fit starts a resistance that the cell has as zero, ohm m2."""


@dataclass(frozen=True)
class Fitted:
    """One property: its value and what the data allow it to be."""

    name: str
    value: float
    start: float
    low: float
    """Ends of the 95 % interval."""
    high: float
    standard_error: float
    """Of ln p: 0.1 is about 10 %."""
    dimension: Dimension

    def __str__(self) -> str:
        ends = " to ".join(text(end, self.dimension.unbounded, digits=3) for end in (self.low, self.high))
        return f"{self.name}: {text(self.value, self.dimension.unbounded, digits=4)} (95 %: {ends})"


@dataclass(frozen=True)
class Fit:
    """The cell that fits best, and how far it can be believed."""

    outcome: Literal["done", "no convergence"]
    cell: Cell
    parameters: tuple[Fitted, ...]
    correlation: Any
    """Of ln p, in the order of `parameters`; square, ones on its diagonal."""
    voltage_error: float
    """Root mean square over all points, V."""
    charge_errors: tuple[float, ...]
    """Relative, model over measurement less one, for each discharge."""
    simulations: tuple[Simulation, ...]
    warnings: tuple[str, ...]
    evaluations: int
    """Simulations of the whole set."""

    def __getitem__(self, name: str) -> Fitted:
        return next(item for item in self.parameters if item.name == name)


@dataclass(frozen=True)
class _Property:
    """How a property is read from a cell, and set in it."""

    dimension: Dimension
    get: Callable[[Cell], float]
    put: Callable[[Cell, float], Cell]
    start: float = 0.0
    most: float = math.inf


def properties(cell: Cell) -> dict[str, _Property]:
    """The properties of this cell that can be fitted, by name.

    A property of the particles belongs to every class of its electrode: the
    first class has the value, the others keep their ratio to it.
    """
    found = {
        "series resistance": _Property(
            units.AREA_RESISTANCE,
            lambda c: c.contact_resistance,
            lambda c, value: replace(c, contact_resistance=value),
            START_SERIES,
        ),
        "separator resistance": _Property(
            units.AREA_RESISTANCE,
            lambda c: c.separator_resistance,
            lambda c, value: replace(c, separator_resistance=value),
            START_SERIES,
        ),
    }
    for side in ("cathode", "anode"):
        if isinstance(getattr(cell, side), PorousElectrode):
            found |= _electrode_properties(side)
        else:
            found[f"{side} exchange current density"] = _Property(
                units.CURRENT_DENSITY,
                lambda c: float(c.anode.exchange),  # type: ignore[union-attr]
                lambda c, value: replace(c, anode=c.anode._replace(exchange=value)),  # type: ignore[union-attr]
            )
    return found


def _electrode_properties(side: str) -> dict[str, _Property]:
    particle = {
        "exchange current density": ("exchange", units.CURRENT_DENSITY, 0.0, math.inf),
        "solid diffusivity": ("diffusivity", units.DIFFUSIVITY, 0.0, math.inf),
        "contact fraction": ("contact", units.FRACTION, 0.0, 1.0),
        "film resistance": ("film", units.AREA_RESISTANCE, START_FILM, math.inf),
    }
    found = {}
    for word, field in (("ionic conductivity", "ionic"), ("electronic conductivity", "electronic")):
        found[f"{side} {word}"] = _Property(units.CONDUCTIVITY, _of_electrode(side, field), _in_electrode(side, field))
    for word, (field, dimension, start, most) in particle.items():
        found[f"{side} {word}"] = _Property(
            dimension, _of_particles(side, field), _in_particles(side, field), start, most
        )
    return found


def _of_electrode(side: str, field: str) -> Callable[[Cell], float]:
    return lambda cell: float(getattr(getattr(cell, side), field))


def _in_electrode(side: str, field: str) -> Callable[[Cell, float], Cell]:
    def put(cell: Cell, value: float) -> Cell:
        return _with_side(cell, side, replace(getattr(cell, side), **{field: value}))

    return put


def _of_particles(side: str, field: str) -> Callable[[Cell], float]:
    return lambda cell: float(getattr(getattr(cell, side).classes[0], field))


def _in_particles(side: str, field: str) -> Callable[[Cell, float], Cell]:
    def put(cell: Cell, value: float) -> Cell:
        electrode: PorousElectrode = getattr(cell, side)
        first = float(getattr(electrode.classes[0], field))

        def changed(part: ParticleClass) -> ParticleClass:
            own = float(getattr(part, field)) * value / first if first else value
            changes: dict[str, Any] = {field: min(own, 1.0) if field == "contact" else own}
            return replace(part, **changes)

        return _with_side(cell, side, replace(electrode, classes=tuple(changed(part) for part in electrode.classes)))

    return put


def _with_side(cell: Cell, side: str, electrode: PorousElectrode) -> Cell:
    return replace(cell, cathode=electrode) if side == "cathode" else replace(cell, anode=electrode)


def fit_cell(
    cell: Cell,
    data: Sequence[Discharge],
    names: Sequence[str],
    *,
    voltage_error: float = VOLTAGE_ERROR,
    charge_error: float = CHARGE_ERROR,
    starts: Mapping[str, float] | None = None,
) -> Fit:
    """Properties of a cell that make it discharge as measured.

    Minimises Σ (ΔV/voltage_error)² + Σ (ΔQ/Q/charge_error)² over the logarithms
    of the named properties, from the values of `cell` or from `starts`, within
    a factor of 1000. Standard errors are those of the linearised model,
    s² (JᵀJ)⁻¹, where s² is the mean square of the residuals or one, whichever is
    larger: a fit is not better known than the errors stated. 95 % intervals by
    Student's t.

    Holds for discharges that start at rest and charged, at the temperature of
    the cell. Limit: data of the model itself give back its properties.
    Intervals are too narrow where the model misses something; a warning says
    when the residuals look like that.

    Errors: InputError for an unknown name, data that cannot be used, or more
    properties than data.
    """
    known = properties(cell)
    _check(known, data, names)
    began = {name: (starts or {}).get(name) or known[name].get(cell) or known[name].start for name in names}
    chosen = [known[name] for name in names]
    origin = np.log([began[name] for name in names])
    highest = np.minimum(WIDEST, np.log([item.most for item in chosen]) - origin)
    count = 0

    def model(shifts: Floats) -> tuple[Cell, list[Simulation]]:
        nonlocal count
        count += 1
        trial = cell
        for item, value in zip(chosen, np.exp(origin + shifts), strict=True):
            trial = item.put(trial, float(min(value, item.most)))
        return trial, [simulated(trial, curve) for curve in data]

    def residuals(shifts: Floats) -> Floats:
        _, runs = model(shifts)
        rows = [differences(run, curve) for run, curve in zip(runs, data, strict=True)]
        return np.concatenate([np.append(volts / voltage_error, charge / charge_error) for volts, charge in rows])

    def jacobian(shifts: Floats, step: float = STEP) -> Floats:
        columns = []
        for index in range(len(names)):
            up, down = shifts.copy(), shifts.copy()
            up[index] = min(shifts[index] + step, highest[index])
            down[index] -= step
            columns.append((residuals(up) - residuals(down)) / (up[index] - down[index]))
        return np.array(columns).T

    from scipy.optimize import least_squares

    lowest = np.full(len(names), -WIDEST)
    # scipy wants the start strictly inside; a contact fraction of one starts a little below
    start = np.minimum(0.0, highest - 1e-3)
    found = least_squares(
        residuals, start, jacobian, bounds=(lowest, np.maximum(highest, 1e-9)), xtol=1e-5, ftol=1e-6, max_nfev=60
    )
    best, runs = model(found.x)
    slopes = jacobian(found.x, ERROR_STEP)
    errors, correlation = _uncertainty(slopes, found.fun)
    parameters = _intervals(names, chosen, began, found.x + origin, errors, found.fun.size)
    rows = [differences(run, curve) for run, curve in zip(runs, data, strict=True)]
    return Fit(
        outcome="done" if found.status > 0 else "no convergence",
        cell=best,
        parameters=parameters,
        correlation=correlation,
        voltage_error=float(np.sqrt(np.mean(np.concatenate([volts for volts, _ in rows]) ** 2))),
        charge_errors=tuple(float(charge) for _, charge in rows),
        simulations=tuple(runs),
        warnings=(
            *_unfixed(parameters),
            *_pairs(parameters, correlation),
            *_at_bounds(names, found.x, highest),
            *_misfit([volts for volts, _ in rows], voltage_error),
        ),
        evaluations=count,
    )


def _check(known: Mapping[str, _Property], data: Sequence[Discharge], names: Sequence[str]) -> None:
    problems = [
        Problem(name, f"cannot be fitted{suggestion(name, known) or '; it is one of ' + ', '.join(known)}")
        for name in names
        if name not in known
    ]
    if not names or len(set(names)) != len(names):
        problems.append(Problem("", "name the properties to fit, each once, such as 'cathode ionic conductivity'"))
    if not data:
        problems.append(Problem("", "there is no discharge to fit"))
    problems += problems_with(data)
    if problems:
        raise InputError(problems)


def _uncertainty(slopes: Floats, residuals: Floats) -> tuple[Floats, Floats]:
    """Standard errors of ln p and their correlations.

    The bounds of a factor of 1000 enter as knowledge of that width, so that a
    property that does not matter leaves the others as well known as they are.
    """
    _, singular, rows = np.linalg.svd(slopes, full_matrices=False)
    spare = max(1, residuals.size - slopes.shape[1])
    scatter = max(1.0, float(residuals @ residuals) / spare)
    covariance = (rows.T / (singular**2 / scatter + 1.0 / WIDEST**2)) @ rows
    errors = np.sqrt(np.diag(covariance))
    return errors, covariance / np.outer(errors, errors)


def _intervals(
    names: Sequence[str],
    chosen: Sequence[_Property],
    began: Mapping[str, float],
    logs: Floats,
    errors: Floats,
    size: int,
) -> tuple[Fitted, ...]:
    from scipy.stats import t

    reach = float(t.ppf(0.975, max(1, size - len(names)))) * errors
    found = []
    for name, item, log, error, far in zip(names, chosen, logs, errors, reach, strict=True):
        low, value, high = (min(math.exp(end), item.most) for end in (log - far, log, log + far))
        found.append(Fitted(name, value, began[name], low, high, float(error), item.dimension))
    return tuple(found)


def _is_wide(item: Fitted) -> bool:
    return 2.0 * 1.96 * item.standard_error > math.log(WIDE)


def _unfixed(parameters: Sequence[Fitted]) -> list[str]:
    return [
        f"the data do not fix the {item.name}: its 95 % interval is wider than a factor of {WIDE:g}; keep it at a known value"
        for item in parameters
        if _is_wide(item)
    ]


def _pairs(parameters: Sequence[Fitted], correlation: Floats) -> list[str]:
    """Pairs of which the data hold a combination; one that matters with one that does not is no such pair."""
    return [
        f"{one.name} and {other.name} cannot be told apart (correlation {correlation[i, j]:.2f}): "
        "the data fix a combination of the two better than either; keep one at a known value"
        for (i, one), (j, other) in combinations(enumerate(parameters), 2)
        if abs(correlation[i, j]) > ALIKE and _is_wide(one) == _is_wide(other)
    ]


def _at_bounds(names: Sequence[str], shifts: Floats, highest: Floats) -> list[str]:
    return [
        f"the {name} ended at the edge of what was tried; start it elsewhere, or leave it out"
        for name, shift, top in zip(names, shifts, highest, strict=True)
        if shift < -0.99 * WIDEST or shift > top - 2e-3
    ]


def _misfit(rows: Sequence[Floats], voltage_error: float) -> list[str]:
    """Neighbouring residuals that go together, where they exceed the stated error."""
    size = float(np.sqrt(np.mean(np.concatenate(rows) ** 2)))
    together = sum(float(row[1:] @ row[:-1]) for row in rows) / max(sum(float(row @ row) for row in rows), 1e-300)
    if size > voltage_error and together > 0.5:
        return [
            f"the misfit, {1000 * size:.1f} mV, is not random (neighbours correlate by {together:.2f}): the model misses "
            "something, and the intervals are too narrow"
        ]
    return []
