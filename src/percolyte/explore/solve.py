"""Which value of one variable meets a target?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from percolyte import units
from percolyte.errors import InputError, RunError, UnitError
from percolyte.explore.vary import dimension_of, evaluate_many, value_at
from percolyte.pouch.stack import CellInputs
from percolyte.units import Dimension, text

QUANTITIES: dict[str, Dimension] = {
    "specific_energy": units.SPECIFIC_ENERGY,
    "energy_density": units.ENERGY_DENSITY,
    "areal_capacity": units.AREAL_CAPACITY,
    "capacity": units.CAPACITY,
    "energy": units.ENERGY,
}
"""What a target may be set for."""

POINTS = 400


@dataclass(frozen=True)
class Solution:
    """Every value of a variable between two limits at which a quantity meets a target."""

    path: str
    quantity: str
    target: float
    values: tuple[float, ...]
    """Ascending, SI."""
    increases: bool
    """Whether the quantity rises with the variable at the first value."""


def target_quantity(target: str) -> tuple[str, float]:
    """'400 Wh/kg' -> ('specific_energy', 1.44e6): the unit tells the quantity."""
    for name, dimension in QUANTITIES.items():
        try:
            return name, units.parse(target, dimension)
        except UnitError as error:
            reason = str(error)
            if "too" in reason:
                raise
    examples = ", ".join(f"'{dimension.example}'" for dimension in QUANTITIES.values())
    raise InputError(f"'{target}' is no target; write one such as {examples}")


def default_span(inputs: CellInputs, path: str) -> tuple[float, float]:
    """Limits to search between, where the user gives none."""
    dimension = dimension_of(path)
    if dimension.unit == "%":
        return (0.01 if ".recipe." in path else 0.0), 0.98
    now = value_at(inputs, path)
    if now is not None and float(np.mean(now)) > 0.0:
        return float(np.mean(now)) / 20.0, float(np.mean(now)) * 20.0
    return units.parse(dimension.example, dimension) / 20.0, units.parse(dimension.example, dimension) * 20.0


def solve_for(inputs: CellInputs, path: str, quantity: str, target: float, span: tuple[float, float]) -> Solution:
    """All roots of quantity(variable) = target between the limits.

    The quantity is scanned at 400 points spaced evenly (by ratio where both
    limits are positive), and every change of sign is refined to 1e-12.

    Errors: RunError with outcome 'target not reached', which names the nearest
    value that can be had and where.
    """
    from scipy.optimize import brentq

    low, high = span
    if not low < high:
        raise InputError(f"the lower limit of {path} is not below the upper one")
    grid = np.geomspace(low, high, POINTS) if low > 0.0 else np.linspace(low, high, POINTS)

    def excess(value: Any) -> Any:
        return evaluate_many(inputs, {path: np.atleast_1d(value)}, (quantity,))[quantity] - target

    gap = excess(grid)
    if np.all(np.isnan(gap)):
        raise RunError("target not reached", f"no cell between {_show(path, low)} and {_show(path, high)} is possible")
    if float(np.nanmax(gap) - np.nanmin(gap)) <= 1e-12 * target:
        raise RunError(
            "target not reached", f"{path} has no influence on the {quantity.replace('_', ' ')} of this design"
        )
    crossed = np.flatnonzero(np.signbit(gap[:-1]) != np.signbit(gap[1:]))
    steps = [int(step) for step in crossed if np.isfinite(gap[step]) and np.isfinite(gap[step + 1])]
    if not steps:
        nearest = int(np.nanargmin(np.abs(gap)))
        best = text(float(gap[nearest] + target), QUANTITIES[quantity], digits=4)
        raise RunError(
            "target not reached",
            f"{path} between {_show(path, low)} and {_show(path, high)} does not give "
            f"{text(target, QUANTITIES[quantity], digits=4)}; the nearest is {best} at {_show(path, float(grid[nearest]))}",
        )
    roots = [brentq(lambda x: float(excess(x)[0]), grid[i], grid[i + 1], xtol=1e-300, rtol=1e-12) for i in steps]
    first = steps[0]
    return Solution(path, quantity, target, tuple(float(root) for root in roots), bool(gap[first + 1] > gap[first]))


def _show(path: str, value: float) -> str:
    return text(value, dimension_of(path), digits=4)
