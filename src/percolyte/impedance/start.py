"""Where a fit starts when nobody says: values that the features of a measurement allow.

A parameter's unit says how it is made of a resistance and a time: F is s/ohm, H is
ohm s, F s^(a-1) is s^a/ohm. Resistances are drawn between the smallest and the
largest impedance, times between the shortest and the longest 1/ω, all by
logarithms and as a Latin hypercube (M. D. McKay et al., Technometrics 21 (1979)
239). Each draw is then scaled as a whole to the size of what was measured.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from percolyte.impedance.measurement import Floats
from percolyte.impedance.misfit import Member, Misfit
from percolyte.impedance.model import Parameter

_POWERS = {"ohm": (1.0, 0.0), "S": (-1.0, 0.0), "F": (-1.0, 1.0), "H": (1.0, 1.0), "s": (0.0, 1.0), "Hz": (0.0, -1.0)}
_TYPICAL_EXPONENT = 0.8
"""Of a constant phase element, where the unit of its factor depends on it."""
_PART = re.compile(r"(/?)\s*([A-Za-z]+)(?:\^?\(?(-?[0-9a-z/.+-]+)\)?)?")
EXPONENTS = (0.5, 1.0)
"""Where an exponent between 0 and 1 starts."""


def powers(unit: str) -> tuple[float, float]:
    """Powers of ohm and of second in a unit; lengths and what is unknown count for nothing."""
    ohm = second = 0.0
    for over, name, exponent in _PART.findall(unit):
        power = _number(exponent) * (-1.0 if over else 1.0)
        own = _POWERS.get(name, (0.0, 0.0))
        ohm, second = ohm + power * own[0], second + power * own[1]
    return ohm, second


def _number(exponent: str) -> float:
    """'' is 1, '-1/2' is -0.5, 'a-1' is -0.2."""
    if not exponent:
        return 1.0
    total = 0.0
    for sign, term in re.findall(r"([+-]?)([^+-]+)", exponent):
        above, _, below = term.partition("/")
        size = _TYPICAL_EXPONENT if above.isalpha() else float(above)
        total += (-1.0 if sign == "-" else 1.0) * size / float(below or 1.0)
    return total


def drawn(misfit: Misfit, problems: NDArray[np.intp], number: int, rng: np.random.Generator) -> Floats:
    """Candidates (A, number, P) for the problems named (A)."""
    parameters = misfit.parameters
    unit_cube = _latin_hypercube(number, 2 * len(parameters), rng)
    values = np.empty((len(problems), number, len(parameters)))
    resistances = np.log([_resistances(misfit, int(problem)) for problem in problems])[:, :, None]
    times = np.log(_times(misfit.members))
    for k, parameter in enumerate(parameters):
        ohm, second = powers(parameter.unit)
        u, v = unit_cube[:, 2 * k], unit_cube[:, 2 * k + 1]
        if parameter.logarithmic:
            size = ohm * (resistances[:, 0] + u * (resistances[:, 1] - resistances[:, 0]))
            values[:, :, k] = np.exp(size + second * (times[0] + v * (times[1] - times[0])))
        else:
            values[:, :, k] = _between(parameter, u)
    return values


def _latin_hypercube(number: int, dimensions: int, rng: np.random.Generator) -> Floats:
    places = np.array([rng.permutation(number) for _ in range(dimensions)]).T
    return (places + rng.random((number, dimensions))) / number


def _between(parameter: Parameter, u: Floats) -> Floats:
    low, high = parameter.low, parameter.high
    if not parameter.unit and (low, high) == (0.0, 1.0):
        low, high = EXPONENTS
    if np.isfinite([low, high]).all():
        return low + u * (high - low)
    anchor = low if np.isfinite(low) else high if np.isfinite(high) else 0.0
    away = -1.0 if np.isfinite(high) else 1.0
    return anchor + away * 10.0 ** (4.0 * u - 2.0) if np.isfinite([low, high]).any() else 2.0 * u - 1.0


def _resistances(misfit: Misfit, problem: int) -> tuple[float, float]:
    """From a third of the smallest impedance to the largest real part, in ohm, over all members."""
    low, high = np.inf, 0.0
    for member in misfit.members:
        rows, used = member.rows[problem], member.used[problem]
        if member.paired:
            size = np.hypot(rows[::2], rows[1::2])[used[::2]]
            part = np.abs(rows[::2])[used[::2]]
        else:
            size = part = np.abs(rows[used]) ** (-1.0 if member.admittance else 1.0)
        low, high = min(low, size.min() / 3.0), max(high, part.max())
    return max(low, 1e-12), max(high, 3.0 * low, 1e-12)


def _times(members: tuple[Member, ...]) -> tuple[float, float]:
    scales: list[Any] = []
    for member in members:
        points = member.points[member.points > 0.0]
        scales.append(1.0 / points if member.paired else points)
    every = np.concatenate(scales)
    return float(every.min()), float(every.max())


def resized(misfit: Misfit, values: Floats, problem: NDArray[np.intp], held: NDArray[np.bool_]) -> Floats:
    """Each candidate (A, P) with its resistances multiplied by what brings the models nearest to the spectra.

    The factor is the median of measured over computed size, which a blocked end does not rule. What is held (A, P) stays.
    """
    ratios = []
    for member in misfit.members:
        if member.paired:
            rows, _ = member.computed(values[:, list(member.places)] * member.factors)
            measured = member.rows[problem]
            with np.errstate(all="ignore"):
                ratio = np.log(np.hypot(measured[:, ::2], measured[:, 1::2]) / np.hypot(rows[:, ::2], rows[:, 1::2]))
            ratios.append(np.where(member.used[problem][:, ::2] & np.isfinite(ratio), ratio, 0.0))
    if not ratios:
        return values
    factor = np.exp(np.median(np.concatenate(ratios, axis=1), axis=1))
    ohm = np.array([powers(item.unit)[0] if item.logarithmic else 0.0 for item in misfit.parameters])
    return np.where(held, values, values * factor[:, None] ** ohm)
