"""One parameter over a series of measurements: against temperature, pressure, state of charge or composition.

Every law is a straight line, ln(y) + s(x) = a + b ξ(x), once at most one
number in ξ is given. That number is scanned, so that the intervals are
those of the profile and no start is needed.

| law | for | equation |
| --- | --- | --- |
| arrhenius | σ of crystals and glasses over T | σT = A exp(-E/RT) |
| vogel | σ of polymers over T | σ √T = A exp(-B/R(T - T₀)) |
| activated | resistances of interfaces over T | R = A exp(E/RT) |
| power | over pressure or a volume fraction | y = A xⁿ |
| exponential | over state of charge or composition | y = A exp(kx) |
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from percolyte.errors import InputError, Problem
from percolyte.impedance.estimates import Estimate, Fit
from percolyte.impedance.measurement import Floats
from percolyte.units import GAS_CONSTANT

Law: TypeAlias = Literal["arrhenius", "vogel", "activated", "power", "exponential"]

SCANNED = 4000
"""Values of T₀ between zero and the lowest temperature."""
LARGEST = 600.0
"""Logarithm beyond which a number is none."""
_SLOPES = {"arrhenius": ("activation_energy", "J/mol"), "vogel": ("vtf_energy", "J/mol"), "activated": ("activation_energy", "J/mol"), "power": ("exponent", ""),
           "exponential": ("rate", "")}  # fmt: skip


@dataclass(frozen=True)
class Trend:
    """A law fitted to a series."""

    law: Law
    prefactor: Estimate
    slope: Estimate
    """E, B, n or k."""
    ideal: Estimate | None
    """T₀ of the Vogel law, K."""
    scatter: float
    """Root mean square distance of ln y from the law."""
    points: int
    warnings: tuple[str, ...]
    best_ideal: float = 0.0
    """T₀ of the best Vogel law in K, for drawing, also where it is not known; zero for the other laws."""

    def at(self, x: float) -> float:
        """The law's y; it holds between the points that it was fitted to."""
        xi, shift = _axis(self.law, np.array([float(x)]), np.array([self.best_ideal]))
        along = _sign(self.law) * _optimum(self.slope) * xi[0, 0] - shift[0]
        return _exp(math.log(_optimum(self.prefactor)) + float(along))


def _optimum(item: Estimate) -> float:
    return math.sqrt(item.low * item.high) if item.value is None else item.value


def _exp(x: float) -> float:
    """exp(x), held where a float ends: points that follow no law at all can lead there."""
    return math.exp(min(max(x, -LARGEST), LARGEST))


def fit_series(x: Sequence[float] | Floats, values: Sequence[Estimate] | Floats, law: Law) -> Trend:
    """A law through one value for each x: temperature in K, or pressure, state of charge, fraction.

    Values are estimates of fits, each weighed by its error, or bare numbers of equal relative error. Intervals are
    widened by the scatter about the law where that is larger than the errors say: samples and temperatures differ by
    more than the noise of one spectrum. Estimates without a value are left out and named.

    The activation energy is that of σT, not of σ, which would be RT less. Limit: points on the law give its numbers.
    Errors: InputError for too few or impossible points.
    """
    where, logs, errors, left = _points(np.asarray(x, float), values, law)
    thetas = np.linspace(0.0, where.min() * (1.0 - 1e-3), SCANNED) if law == "vogel" else np.zeros(1)
    xi, shift = _axis(law, where, thetas)
    line = _Line.through(xi, logs + shift, 1.0 / errors**2)
    degrees = where.size - (3 if law == "vogel" else 2)
    best = int(line.cost.argmin())
    scatter, room = _room(
        line.cost[best], degrees, isinstance(values, np.ndarray) or not isinstance(values[0], Estimate)
    )
    inside = line.cost <= line.cost[best] + room
    reach = np.sqrt(np.maximum(line.cost[best] + room - line.cost, 0.0))
    sign = _sign(law)
    name, unit = _SLOPES[law]
    slope = _estimate(
        name, unit, sign * line.slope, line.slope_error * reach, best, inside, scatter * line.slope_error[best]
    )
    a = _estimate("prefactor", "", line.level, line.level_error * reach, best, inside, scatter * line.level_error[best])
    a = Estimate("prefactor", "", _exp(a.value or 0.0), _exp(a.low), _exp(a.high), a.error)
    ideal = None
    if law == "vogel":
        kept = thetas[inside]
        why = "an Arrhenius law fits as well" if kept[0] == 0.0 else ""
        ideal = Estimate("vtf_temperature", "K", None if why else float(thetas[best]), float(kept[0]), float(kept[-1]),
                         float(kept[-1] - kept[0]) / 4.0, why, "profile")  # fmt: skip
    residual = logs + shift - line.level[best] - line.slope[best] * xi[best]
    rms = float(np.sqrt(np.mean(residual**2)))
    said = (*left, *_said(law, scatter, rms, ideal, where))
    return Trend(law, a, slope, ideal, rms, where.size, said, float(thetas[best]))


def series_of(fits: Sequence[Fit], name: str) -> tuple[Estimate, ...]:
    """One parameter of every fit."""
    return tuple(fit[name] for fit in fits)


def _points(x: Floats, values: Sequence[Estimate] | Floats, law: Law) -> tuple[Floats, Floats, Floats, list[str]]:
    """x, ln y, its errors, and what was left out."""
    if len(x) != len(values):
        raise InputError(f"{len(x)} places and {len(values)} values: give one value for each place")
    if not isinstance(values, np.ndarray) and len(values) and isinstance(values[0], Estimate):
        numbers = np.array([np.nan if item.value is None else item.value for item in values])
        errors = np.array([item.error for item in values])
    else:
        numbers, errors = np.asarray(values, float), np.ones(len(x))
    known = ~np.isnan(numbers)
    left = [f"the point at {place:g} has no value and was left out" for place in x[~known]]
    x, numbers, errors = x[known], numbers[known], errors[known]
    problems = [Problem("", f"{number:g} at {place:g}: values must be positive") for place, number in zip(x, numbers, strict=True)
                if not (np.isfinite(number) and number > 0.0)]  # fmt: skip
    if law != "exponential":
        problems += [
            Problem("", f"{place:g} is no place for the {law} law: it must be positive")
            for place in x
            if not place > 0.0
        ]
    least = 4 if law == "vogel" else 3
    if np.unique(x).size < least:
        problems.append(
            Problem("", f"{np.unique(x).size} different places with a value; the {law} law needs at least {least}")
        )
    if problems:
        raise InputError(problems)
    return x, np.log(numbers), np.where(np.isfinite(errors) & (errors > 0.0), errors, 1e-6), left


def _axis(law: Law, x: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """ξ (G, M) for the values of T₀, and s (M), which is added to ln y."""
    across = x[None, :] + np.zeros((theta.size, 1))
    if law == "arrhenius":
        return 1.0 / (GAS_CONSTANT * across), np.log(x)
    if law == "activated":
        return 1.0 / (GAS_CONSTANT * across), np.zeros_like(x)
    if law == "vogel":
        return 1.0 / (GAS_CONSTANT * (across - theta[:, None])), 0.5 * np.log(x)
    return (np.log(across) if law == "power" else across), np.zeros_like(x)


def _sign(law: Law) -> float:
    return -1.0 if law in ("arrhenius", "vogel") else 1.0


@dataclass(frozen=True)
class _Line:
    """Weighted straight lines, one for each T₀, all (G)."""

    level: Floats
    slope: Floats
    level_error: Floats
    slope_error: Floats
    cost: Floats

    @classmethod
    def through(cls, xi: Floats, y: Floats, weight: Floats) -> _Line:
        total = weight.sum()
        centre, mean = xi @ weight / total, y @ weight / total
        apart = xi - centre[:, None]
        spread = apart**2 @ weight
        slope = apart @ (weight * (y - mean)) / spread
        cost = (y - mean - slope[:, None] * apart) ** 2 @ weight
        return cls(mean - slope * centre, slope, np.sqrt(1.0 / total + centre**2 / spread), np.sqrt(1.0 / spread), cost)


def _room(cost: float, degrees: int, bare: bool) -> tuple[float, float]:
    """Scatter over the errors stated, and by how much the cost may rise inside an interval of 95 %."""
    from scipy.special import stdtrit

    scatter = math.sqrt(cost / degrees)
    if not bare:
        scatter = max(1.0, scatter)
    return scatter, float((stdtrit(degrees, 0.975) * scatter) ** 2)


def _estimate(name: str, unit: str, values: Floats, reach: Floats, best: int, inside: Floats, error: float) -> Estimate:
    low, high = (values - reach)[inside].min(), (values + reach)[inside].max()
    basis: Literal["linear", "profile"] = "profile" if values.size > 1 else "linear"
    return Estimate(name, unit, float(values[best]), float(low), float(high), float(error), basis=basis)


def _said(law: Law, scatter: float, rms: float, ideal: Estimate | None, x: Floats) -> list[str]:
    said = []
    if scatter > 2.0:
        said.append(
            f"the points scatter by {100.0 * rms:.2g} % about the law, {scatter:.3g} times their errors: the intervals follow the scatter"
        )
    if ideal is not None and ideal.value is None:
        said.append("T₀ may be zero: an Arrhenius law fits as well, and the Vogel law has a number too many")
    if law in ("arrhenius", "vogel", "activated") and x.max() - x.min() < 15.0:
        said.append(f"the temperatures span {x.max() - x.min():.0f} K only: the energy is an extrapolation")
    return said
