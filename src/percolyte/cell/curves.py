"""Curves against stoichiometry from tables, and how they go on beyond their range."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from percolyte.errors import InputError, Problem
from percolyte.files import inside, read_pairs
from percolyte.resolution import Resolved
from percolyte.units import ENTROPY_COEFFICIENT

if TYPE_CHECKING:
    from percolyte.cell.model import Curve
    from percolyte.cell.porous import Floats

KNEE = -100.0
"""Slope in V of the potential beyond the discharged end of a library curve: 1 V within 1 % of the sites."""


def continued(
    potential: Callable[[Floats], Floats], low: float, high: float, *, empty: float | None = None
) -> Callable[[Floats], Floats]:
    """U(x) beyond its range by the slope at its ends, which no source backs.

    At `empty`, the end that the source gives for the discharged electrode, the
    capacity of the material is used up: beyond it the potential leaves by KNEE.
    """
    step = 1e-4 * (high - low)
    ends = np.asarray(potential(np.array([low, low + step, high - step, high])), dtype=float)
    first, last = (ends[1] - ends[0]) / step, (ends[3] - ends[2]) / step
    if empty == high:
        last = min(last, KNEE)
    elif empty == low:
        first = min(first, KNEE)

    def extended(x: Floats) -> Floats:
        within = np.asarray(potential(np.clip(x, low, high)), dtype=float)
        return np.asarray(within + np.minimum(x - low, 0.0) * first + np.maximum(x - high, 0.0) * last)

    return extended


def smooth(x: list[float], volts: list[float]) -> Callable[[Floats], Floats]:
    """A table as a smooth curve that stays monotone where the table is."""
    from scipy.interpolate import PchipInterpolator

    curve = PchipInterpolator(np.array(x), np.array(volts))
    return lambda at: np.asarray(curve(at), dtype=float)


def read_potential(resolved: Resolved, side: str, name: str) -> tuple[list[float], list[float]]:
    """Stoichiometry and volts of a file, a falling potential of lithium insertion."""
    x, volts, path = _read_table(resolved, name, "volts")
    problems = []
    if any(not -1.0 <= value <= 6.0 for value in volts):
        problems.append(Problem("", "has a potential outside -1 V to 6 V"))
    if any(b > a + 1e-6 for a, b in pairwise(volts)):
        problems.append(Problem("", "rises with stoichiometry somewhere; the potential of lithium insertion falls"))
    if problems:
        raise InputError(problems, source=path)
    return x, volts


def read_entropy(resolved: Resolved, name: str) -> Curve:
    """dU/dT in V/K from a file, at its ends beyond them."""
    x, values, path = _read_table(resolved, name, "V/K")
    most = ENTROPY_COEFFICIENT.high
    if any(abs(value) > most for value in values):
        raise InputError(
            f"has a value beyond {most:g} V/K; the second column is in V/K, so that -0.1 mV/K is -1e-4", source=path
        )
    curve = smooth(x, values)
    return lambda at: curve(np.clip(at, x[0], x[-1]))


def _read_table(resolved: Resolved, name: str, what: str) -> tuple[list[float], list[float], str]:
    """Two columns, stoichiometry and another quantity; a heading line is allowed."""
    path = inside(resolved.design.folder, name)
    rows = read_pairs(path, f"stoichiometry and {what}")
    rows.sort()
    problems = []
    if len(rows) < 5:
        problems.append(Problem("", f"has {len(rows)} points; five at least make a curve"))
    if any(not 0.0 <= a <= 1.0 for a, _ in rows):
        problems.append(Problem("", "has a stoichiometry outside 0 to 1"))
    if any(b[0] - a[0] < 1e-9 for a, b in pairwise(rows)):
        problems.append(Problem("", "gives two values for one stoichiometry"))
    if problems:
        raise InputError(problems, source=str(path))
    return [row[0] for row in rows], [row[1] for row in rows], str(path)


def varying(resolved: Resolved, where: str, name: str | None, unit: str) -> tuple[float, Curve] | None:
    """A property given as a table against stoichiometry: its value at 0.5, and the ratio to it."""
    if name is None:
        return None
    x, values, path = _read_table(resolved, name, unit)
    if min(values) <= 0.0:
        raise InputError("has a value that is not positive", source=path)
    curve = smooth(x, [math.log(value) for value in values])
    middle = float(curve(np.array([min(max(0.5, x[0]), x[-1])]))[0])
    resolved.ledger.add(where, name, "yours", "the design file")
    return math.exp(middle), lambda at: np.asarray(np.exp(curve(np.clip(at, x[0], x[-1])) - middle))
