"""What a measurement can say about the parameters of its model, and what it cannot.

Three looks at an optimum, each of a whole batch of problems at once:

- the linear one: covariance κ (JᵀJ)⁻¹ of the coordinates u (ln p for what spans
  decades), and the eigenvalues of JᵀJ scaled to a diagonal of ones. Where their
  ratio is that of rounding, the measurement is blind to a direction;
- the profile: F least over all other parameters, as a function of one. Its 95 %
  interval is where 2(F - F₀)/κ < t² (D. M. Bates and D. G. Watts, Nonlinear
  Regression Analysis and Its Applications, 1988, chapter 6); it holds where the
  linear one is too narrow, and has no end where the measurement sets none;
- the exchange: two parameters whose values can be swapped without any change of the
  response, such as the two rails of an electrode between two different contacts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from percolyte.impedance.measurement import Floats
from percolyte.impedance.misfit import Misfit
from percolyte.numerics.least_squares import Solution, solve, weights

BLIND = 1e-13
"""Ratio of eigenvalues at which only rounding is left: a blind direction."""
SHARE = 0.05
"""A parameter belongs to a blind direction if its component is at least this."""
REACH = np.log(1e4)
"""How far a profile of a logarithm goes from the optimum before it counts as without end."""
PRECISION = 1e-6
"""Relative error below which no measurement is taken to be, however well it is met: that of numbers of 32 bits is 1e-7."""
CLOSE = 0.01
"""How closely the end of a profile meets its threshold, relative in units of standard errors."""
ROUNDS = 25
LOCAL = 0.01
"""Values for which 2F/κ is lower by more show that an optimum was a local one."""


@dataclass(frozen=True)
class Linear:
    """The neighbourhood of the optimum of B problems, as the linear model sees it."""

    scatter: Floats
    """κ, by which 2(F - F₀) is divided to be compared with t² (B); the variance of the residuals if they are plain."""
    degrees: NDArray[np.intp]
    """Rows less parameters (B)."""
    covariance: Floats
    """Of u, without what a blind direction adds (B, P, P)."""
    errors: Floats
    """Standard errors of u (B, P); infinite in a blind direction, nan at a bound, zero where known."""
    condition: Floats
    """Square root of the ratio of the largest to the least eigenvalue (B)."""
    blind: tuple[tuple[tuple[int, ...], ...], ...]
    """For each problem its blind directions: the parameters that have a part in each."""


def linear(misfit: Misfit, found: Solution, opened: NDArray[np.bool_], cutoff: Floats) -> Linear:
    """Covariance and blind directions at the optimum; `opened` (P) are the parameters that were free to move.

    For a robust loss κ = mean ψ²/mean ψ' with ψ = ρ'/2, and the covariance is
    κ/mean ψ' (JᵀJ)⁻¹ (P. J. Huber, Robust Statistics, 1981, eq. 7.6.5).
    """
    rows = misfit.used.sum(axis=1)
    moving = found.free & opened
    degrees = np.maximum(rows - opened.sum(), 1)
    weight = weights(found.residuals, cutoff)
    psi = weight * found.residuals
    steep = (misfit.used * weight * (2.0 * weight - 1.0)).sum(axis=1) / rows
    steep = np.maximum(steep, 0.1)
    scatter = np.maximum((psi**2).sum(axis=1) / degrees / steep, (PRECISION * typical(misfit)) ** 2)
    normal = found.jacobian.swapaxes(1, 2) @ found.jacobian
    size = np.sqrt(np.einsum("bpp->bp", normal))
    inverse = np.where(moving & (size > 0.0), 1.0 / np.where(size > 0.0, size, 1.0), 0.0)
    matrix = normal * inverse[:, :, None] * inverse[:, None, :]
    still = ~moving
    np.einsum("bpp->bp", matrix)[...] += still
    eigenvalues, vectors = np.linalg.eigh(matrix)
    dark = eigenvalues < BLIND * eigenvalues[:, -1:]
    kept = np.where(dark, 0.0, 1.0 / np.where(dark, 1.0, eigenvalues))
    covariance = (vectors * kept[:, None, :]) @ vectors.swapaxes(1, 2) * inverse[:, :, None] * inverse[:, None, :]
    covariance *= (scatter / steep)[:, None, None]
    errors = np.sqrt(np.einsum("bpp->bp", covariance))
    taking_part = (np.abs(vectors) >= SHARE) & dark[:, None, :]
    blind = taking_part.any(axis=2) | (moving & (size == 0.0))
    errors = np.where(blind, np.inf, np.where(opened & ~found.free, np.nan, errors))
    return Linear(
        scatter,
        degrees,
        covariance,
        errors,
        np.sqrt(eigenvalues[:, -1] / np.maximum(eigenvalues[:, 0], 1e-32)),
        _directions(taking_part, dark),
    )


def typical(misfit: Misfit) -> Floats:
    """Size of what was measured over the noise expected, of each problem."""
    sizes = [np.where(member.used, np.abs(member.rows) / member.noise, 0.0) for member in misfit.members]
    mean: Floats = np.concatenate(sizes, axis=1).mean(axis=1)
    return mean


def _directions(taking_part: NDArray[np.bool_], dark: NDArray[np.bool_]) -> Any:
    found: list[tuple[tuple[int, ...], ...]] = [()] * len(dark)
    for problem in np.flatnonzero(dark.any(axis=1)):
        found[problem] = tuple(
            tuple(int(k) for k in np.flatnonzero(taking_part[problem, :, column]))
            for column in np.flatnonzero(dark[problem])
        )
    return tuple(found)


def exchanges(misfit: Misfit, values: Floats, opened: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """Pairs of parameters that can be swapped without any change of the response, whatever their values.

    Tested near `values` (P), but away from where parameters are equal or exponents at their bounds by chance.
    Limit: the rails of case (c) can, those of (a) and (b) cannot, nor parameters that different measurements depend on.
    """
    seen_by = {
        k: frozenset(number for number, member in enumerate(misfit.members) if k in member.places)
        for k in np.flatnonzero(opened & misfit.logarithmic).tolist()
    }
    alike: dict[Any, list[int]] = {}
    for k, members in seen_by.items():
        alike.setdefault((misfit.parameters[k].unit, members), []).append(k)
    pairs = [pair for group in alike.values() for pair in combinations(group, 2)]
    if not pairs:
        return ()
    turn = 0.618 * np.arange(values.size) % 1.0
    bounded = np.isfinite(misfit.low) & np.isfinite(misfit.high)
    width = np.where(bounded, misfit.high - np.where(bounded, misfit.low, 0.0), 0.0)
    apart = np.where(bounded, misfit.low + width * (0.5 + 0.4 * turn), values * np.exp(0.5 * turn))
    trials = np.tile(np.where(opened, apart, values), (2 * len(pairs), 1))
    for row, (i, j) in enumerate(pairs):
        one = max(apart[i], apart[j])
        other = 1.7 * one
        trials[2 * row, [i, j]] = one, other
        trials[2 * row + 1, [i, j]] = other, one
    change = np.zeros(len(pairs))
    for number, member in enumerate(misfit.members):
        rows = [row for row, (i, _) in enumerate(pairs) if number in seen_by[i]]
        if rows:
            own = trials.reshape(len(pairs), 2, -1)[rows][:, :, member.places].reshape(2 * len(rows), -1)
            residuals, _ = misfit.of_member(member, own * member.factors, np.zeros(len(own), np.intp))
            change[rows] = np.maximum(change[rows], np.abs(residuals[::2] - residuals[1::2]).max(axis=1))
    # residuals are over the noise model, so that a change of 1e-9 is one of 1e-9 of the response
    return tuple(pair for pair, moved in zip(pairs, change, strict=True) if moved < 1e-9)


@dataclass(frozen=True)
class Task:
    """A profile to walk: of which problem and parameter, from where and how far."""

    problem: int
    parameter: int
    side: float
    """-1 down, 1 up."""


@dataclass
class _Walk:
    """Where the walks of many profiles stand: distances in u, and √(2(F - F₀)/κ) there."""

    inside: Floats
    inside_rise: Floats
    outside: Floats
    """Infinite as long as nothing beyond the threshold is known."""
    outside_rise: Floats
    distance: Floats


def profile_ends(
    misfit: Misfit, found: Solution, about: Linear, tasks: Sequence[Task], opened: Any, cutoff: Floats, quantile: Floats
) -> tuple[Floats, dict[int, Floats]]:
    """Where, in u, the 95 % interval of every task ends; infinite where there is none within reach.

    Also, by problem, values met on the way that fit better than its optimum, which then
    was a local one. `quantile` (B) is t. The other parameters follow; each new point starts from where
    the last one inside ended, moved on as the linear model says. Between a point
    inside and one outside √(F - F₀) is interpolated, as it is nearly straight.
    """
    problem, parameter, side = (
        np.array(column) for column in zip(*((t.problem, t.parameter, t.side) for t in tasks), strict=True)
    )
    logarithmic = misfit.logarithmic
    coordinates = _coordinates(found.values, logarithmic)
    origin, place = coordinates[problem, parameter], coordinates[problem].copy()
    farthest = _farthest(misfit, origin, parameter, side)
    threshold, scatter, base = quantile[problem], about.scatter[problem], found.cost[problem]
    walk = _Walk(*(np.zeros(len(tasks)) for _ in range(5)))
    walk.outside[:] = np.inf
    walk.distance[:] = np.minimum(_first_step(misfit, found, about, problem, parameter) * threshold, farthest)
    ends = np.where(farthest <= 0.0, origin, np.nan)
    going = np.isnan(ends)
    better: dict[int, Floats] = {}
    for _ in range(ROUNDS):
        now = np.flatnonzero(going)
        if not now.size:
            break
        target = place[now].copy()
        shift = origin[now] + side[now] * walk.distance[now] - target[np.arange(now.size), parameter[now]]
        target += _along(about, problem[now], parameter[now]) * shift[:, None]
        held = np.arange(now.size), parameter[now]
        target[held] = origin[now] + side[now] * walk.distance[now]
        values, cost = _constrained(misfit, target, problem[now], held, opened, cutoff)
        rise = np.sqrt(np.maximum(2.0 * (cost - base[now]) / np.maximum(scatter[now], 1e-300), 0.0))
        lower = 2.0 * (base[now] - cost) > LOCAL * scatter[now]
        better |= dict(zip(problem[now[lower]].tolist(), values[lower], strict=True))
        inner = rise < threshold[now]
        place[now[inner]] = _coordinates(values[inner], logarithmic)
        _narrow(walk, now, rise, inner)
        met = np.abs(rise - threshold[now]) < CLOSE * threshold[now]
        open_ended = inner & (walk.distance[now] >= farthest[now])
        going[now[met | open_ended]] = False
        ends[now[met]] = (origin + side * walk.distance)[now[met]]
        ends[now[open_ended]] = side[now[open_ended]] * np.inf
        _next_distance(walk, now, threshold[now], farthest[now])
    ends = np.where(going, origin + side * np.where(np.isfinite(walk.outside), walk.outside, farthest), ends)
    return ends, better


def move_on(misfit: Misfit, found: Solution, better: dict[int, Floats], opened: Any, cutoff: Floats) -> None:
    """Optima from values that fit better, in place of those that were local ones."""
    problem, values = np.array(list(better)), np.array(list(better.values()))
    low, high = (np.where(opened, bound, values) for bound in (misfit.low, misfit.high))
    best = solve(
        lambda v, index: misfit(v, problem[index]),
        values,
        misfit.logarithmic,
        low=low,
        high=high,
        cutoff=cutoff[problem],
    )
    for row, target in enumerate(problem):
        if best.cost[row] < found.cost[target]:
            found.replace(int(target), best, row)


def _coordinates(values: Floats, logarithmic: NDArray[np.bool_]) -> Floats:
    return np.where(logarithmic, np.log(np.where(logarithmic, np.maximum(values, 1e-300), 1.0)), values)


def _farthest(misfit: Misfit, origin: Floats, parameter: Any, side: Floats) -> Any:
    """Distance to the bound of each task, or to the end of reach."""
    logarithmic = misfit.logarithmic[parameter]
    bound = np.where(side > 0, misfit.high[parameter], misfit.low[parameter])
    distance = np.abs(np.where(np.isfinite(bound), bound, origin + side * 1e3 * (1.0 + np.abs(origin))) - origin)
    return np.where(logarithmic, REACH, distance)


def _first_step(misfit: Misfit, found: Solution, about: Linear, problem: Any, parameter: Any) -> Any:
    """Standard error, or where there is none, that of the parameter alone; at most a factor of e."""
    size = np.sqrt((found.jacobian[problem, :, parameter] ** 2).sum(axis=1))
    alone = np.sqrt(about.scatter[problem]) / np.maximum(size, 1e-300)
    error = about.errors[problem, parameter]
    step = np.where(np.isfinite(error) & (error > 0.0), error, 10.0 * alone)
    return np.minimum(np.maximum(step, 1e-12), np.where(misfit.logarithmic[parameter], 0.5, np.inf))


def _along(about: Linear, problem: Any, parameter: Any) -> Floats:
    """How the others follow one parameter in the linear model."""
    rows = about.covariance[problem, parameter]
    own = rows[np.arange(len(rows)), parameter]
    slope = np.where(own[:, None] > 0.0, rows / np.where(own > 0.0, own, 1.0)[:, None], 0.0)
    return np.clip(slope, -5.0, 5.0)


def _constrained(
    misfit: Misfit, place: Floats, problem: Any, held: Any, opened: Any, cutoff: Floats
) -> tuple[Floats, Floats]:
    """Optima over the other parameters. Values and F."""
    logarithmic = misfit.logarithmic
    values = np.where(logarithmic, np.exp(np.where(logarithmic, np.clip(place, -200.0, 200.0), 0.0)), place)
    values = np.clip(values, misfit.low, misfit.high)
    low = np.where(opened, misfit.low, values)
    high = np.where(opened, misfit.high, values)
    low[held] = high[held] = values[held]
    found = solve(
        lambda v, index: misfit(v, problem[index]),
        values,
        logarithmic,
        low=low,
        high=high,
        cutoff=cutoff[problem],
        iterations=100,
    )
    return found.values, found.cost


def _narrow(walk: _Walk, now: Any, rise: Floats, inner: NDArray[np.bool_]) -> None:
    into, out = now[inner], now[~inner]
    walk.inside[into], walk.inside_rise[into] = walk.distance[into], rise[inner]
    walk.outside[out], walk.outside_rise[out] = walk.distance[out], rise[~inner]


def _next_distance(walk: _Walk, now: Any, threshold: Floats, farthest: Floats) -> None:
    """Outwards in growing steps until something lies beyond, then between the two."""
    inside, rise = walk.inside[now], walk.inside_rise[now]
    outside, outer = walk.outside[now], walk.outside_rise[now]
    bounded = np.isfinite(outside)
    growth = np.clip(1.05 * threshold / np.maximum(rise, 1e-300), 1.3, 3.0)
    width = np.where(bounded, outside, 0.0) - inside
    share = (threshold - rise) / np.where(bounded, outer - rise, 1.0)
    # where the profile is bent, interpolation alone would creep
    between = inside + np.clip(share, 0.1, 0.9) * width
    walk.distance[now] = np.where(bounded, between, np.minimum(inside * growth, farthest))


def alternatives(
    misfit: Misfit,
    found: Solution,
    about: Linear,
    problem: int,
    direction: Sequence[int],
    ends: Floats,
    opened: Any,
    cutoff: Floats,
) -> Floats:
    """Other values (K, P) that fit as well along a blind direction, spread over the interval of its first parameter."""
    first = direction[0]
    origin = _coordinates(found.values, misfit.logarithmic)[problem]
    low, high = np.clip(ends, origin[first] - 3.0, origin[first] + 3.0)
    places = np.tile(origin, (7, 1))
    places[:, first] = np.linspace(low, high, 7)
    held = np.arange(7), np.full(7, first)
    values, cost = _constrained(misfit, places, np.full(7, problem), held, opened, cutoff)
    # as well as the optimum: within a hundredth of what an interval of 95 % admits
    equal = 2.0 * (cost - found.cost[problem]) <= 0.01 * max(about.scatter[problem], 1e-300)
    answer: Floats = values[equal]
    return answer
