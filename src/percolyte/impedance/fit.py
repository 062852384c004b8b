"""Parameters of impedance models from measurements, with what the measurements cannot tell.

`fit` takes one measurement, `fit_all` thousands of one model, `fit_jointly` several
measurements whose models share parameters. All three solve

    Σ ρ((measured - computed)/noise) = least

by `numerics.least_squares`, judge the optimum by `identifiability`, and say in words
what they found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError, Problem, suggestion
from percolyte.impedance.estimates import Estimate, Fit, assembled
from percolyte.impedance.measurement import Floats, Polarisation
from percolyte.impedance.misfit import (
    TOGETHER,
    Measurement,
    Misfit,
    Model,
    Weighting,
    from_residuals,
    member_of,
    together,
)
from percolyte.impedance.model import Parameter
from percolyte.impedance.start import drawn, resized
from percolyte.numerics.least_squares import ITERATIONS, Solution, solve

__all__ = ["Estimate", "Fit", "Measured", "fit", "fit_all", "fit_jointly"]

Loss: TypeAlias = Literal["automatic", "plain", "robust"]
Profile: TypeAlias = Literal["automatic", "always", "never"]

DRAWN, KEPT, DRAWS = 48, 4, 4
"""Candidates of each draw, how many of them are followed to their optimum, and how often at most."""
TOGETHER_AT_MOST = 250
"""Measurements that advance together: more gain nothing, and their candidates would fill the memory."""
AGREEING = 1e-4
"""Two optima whose F differ relatively by less are the same."""
BEND = 2.385
"""Cutoff of the robust loss over the standard deviation: 95 % efficient on normal residuals."""
OUTLYING = 5.0
"""A residual beyond this many standard deviations makes the loss robust."""
FROM_MEDIAN = 1.4826
"""Standard deviation over the median of |r|, for normal residuals."""


@dataclass(frozen=True)
class Measured:
    """One measurement of a joint fit, and its model."""

    measurement: Measurement
    model: Model
    own: Sequence[str] = ()
    """Parameters that it does not share with the others of that name, such as its contact resistance."""
    factors: Mapping[str, float] = field(default_factory=dict)
    """What multiplies a shared parameter here, such as the ratio of two pellets' thickness over area for a resistance."""
    label: str = ""
    """Tells its own parameters from those of the others; its number if not given."""


@dataclass(frozen=True)
class _Options:
    known: Mapping[str, float]
    larger: Sequence[tuple[str, str]]
    weighting: Weighting
    loss: Loss
    profile: Profile
    elsewhere: bool = True


def fit(
    measurement: Measurement,
    model: Model,
    *,
    start: Mapping[str, float] | None = None,
    known: Mapping[str, float] | None = None,
    larger: Sequence[tuple[str, str]] = (),
    weighting: Weighting = "modulus",
    loss: Loss = "automatic",
    profile: Profile = "automatic",
) -> Fit:
    """Parameters of one spectrum or polarisation run.

    start: where to begin. What it leaves out is drawn from what the measurement shows, until two draws lead to the same
        optimum; so is everything where a start leads to residuals that are no noise, and the better optimum is kept.
    known: parameters that are held at these values.
    larger: pairs (larger, smaller) of parameters that the measurement cannot tell apart but you can.
    weighting: noise like |Z| ("modulus"), like each part ("proportional"), the same everywhere ("unit"), or
        noise² = α² + β²|Z|² with α and β from the residuals ("residuals"). Its size always comes from the residuals.
    loss: "robust" discounts wild points (Cauchy), "automatic" does so where a point lies beyond five standard deviations.
    profile: intervals from the profile of F where the linear ones may not hold ("automatic": error above 5 %, badly
        conditioned, or at a bound), for every parameter, or never.

    Points that the spectrum excludes take no part. Limit: a spectrum of the model itself gives back its parameters.
    Errors: InputError for what cannot be fitted.
    """
    return fit_all(
        [measurement], model, start=start, known=known, larger=larger, weighting=weighting, loss=loss, profile=profile
    )[0]


def fit_all(
    measurements: Iterable[Measurement],
    model: Model,
    *,
    start: Mapping[str, float] | Sequence[Mapping[str, float]] | None = None,
    known: Mapping[str, float] | None = None,
    larger: Sequence[tuple[str, str]] = (),
    weighting: Weighting = "modulus",
    loss: Loss = "automatic",
    profile: Profile = "automatic",
) -> tuple[Fit, ...]:
    """Many measurements of one model, each fitted for itself but all at once; options as of `fit`.

    `start` may be one for all or one for each. Those with the same points advance together as arrays.
    """
    measurements = tuple(measurements)
    starts = list(start) if isinstance(start, Sequence) else [start or {}] * len(measurements)
    options = _Options(known or {}, larger, weighting, loss, profile)
    problems = [
        Problem(where, text)
        for number, item in enumerate(measurements)
        for where, text in _problems_of(item, model, len(measurements) > 1 and number + 1)
    ]
    if not measurements:
        problems.append(Problem("", "there is no measurement to fit"))
    if len(starts) != len(measurements):
        problems.append(Problem("start", f"give one for all or one for each of the {len(measurements)} measurements"))
    problems += _problems_with_names(model.parameters, options, starts)
    if problems:
        raise InputError(problems)
    fits: dict[int, Fit] = {}
    for places in _alike(measurements):
        member = member_of([measurements[k] for k in places], model, weighting, range(len(model.parameters)))
        misfit = Misfit((member,), tuple(model.parameters))
        found = _fitted(misfit, [starts[k] for k in places], [(measurements[k],) for k in places], options)
        fits |= dict(zip(places, found, strict=True))
    return tuple(fits[k] for k in range(len(measurements)))


def fit_jointly(
    measured: Sequence[Measured],
    *,
    start: Mapping[str, float] | None = None,
    known: Mapping[str, float] | None = None,
    larger: Sequence[tuple[str, str]] = (),
    weighting: Weighting = "modulus",
    loss: Loss = "automatic",
    profile: Profile = "automatic",
    elsewhere: bool = True,
) -> Fit:
    """One set of parameters for several measurements of one material: spectra with different contacts, polarisation runs.

    Parameters of the same name are one, but for those that a measurement calls its `own`; these get its label behind
    their name. Each measurement weighs by the noise that its own residuals show. Options as of `fit`. `elsewhere` says whether to
    look for another optimum where a complete start leads to residuals that are no noise.
    Limit: a joint fit of one measurement is the fit of it.
    """
    parameters, places = _united(measured)
    options = _Options(known or {}, larger, weighting, loss, profile, elsewhere)
    problems = [
        Problem(where, text)
        for number, item in enumerate(measured)
        for where, text in _problems_of(item.measurement, item.model, number + 1)
    ]
    problems += [
        Problem(
            name,
            f"is no parameter of measurement {number + 1}{suggestion(name, [p.name for p in item.model.parameters])}",
        )
        for number, item in enumerate(measured)
        for name in (*item.own, *item.factors)
        if name not in [p.name for p in item.model.parameters]
    ]
    if not measured:
        problems.append(Problem("", "there is no measurement to fit"))
    problems += _problems_with_names(parameters, options, [start or {}])
    if problems:
        raise InputError(problems)
    members = []
    for item, own in zip(measured, places, strict=True):
        member = member_of([item.measurement], item.model, weighting, own)
        factors = np.array([item.factors.get(parameter.name, 1.0) for parameter in item.model.parameters])
        members.append(replace(member, factors=factors))
    misfit = Misfit(tuple(members), parameters)
    return _fitted(misfit, [start or {}], [tuple(item.measurement for item in measured)], options)[0]


def _united(measured: Sequence[Measured]) -> tuple[tuple[Parameter, ...], list[list[int]]]:
    """All parameters once, and where those of each measurement stand."""
    names: dict[str, Parameter] = {}
    places = []
    for number, item in enumerate(measured):
        own = []
        for parameter in item.model.parameters:
            label = f" ({item.label or number + 1})" if parameter.name in item.own else ""
            names.setdefault(parameter.name + label, replace(parameter, name=parameter.name + label))
            own.append(list(names).index(parameter.name + label))
        places.append(own)
    return tuple(names.values()), places


def _alike(measurements: Sequence[Measurement]) -> list[list[int]]:
    """Numbers of the measurements, those with the same points together as far as memory is worth it."""
    groups: dict[Any, list[int]] = {}
    for number, item in enumerate(measurements):
        points = item.time if isinstance(item, Polarisation) else item.frequency
        groups.setdefault((type(item), points.tobytes()), []).append(number)
    return [
        group[first : first + TOGETHER_AT_MOST]
        for group in groups.values()
        for first in range(0, len(group), TOGETHER_AT_MOST)
    ]


def _problems_of(item: Measurement, model: Model, number: int | bool) -> list[tuple[str, str]]:
    """What keeps a measurement from being fitted; `number` names it among several."""
    where = item.source or (f"measurement {number}" if number else "")
    points: NDArray[Any]
    values: NDArray[Any]
    if isinstance(item, Polarisation):
        points, values, used = item.time, item.response, np.ones(item.time.shape, bool)
        words = "time", "response"
        if not item.applied:
            return [(where, "the applied current or voltage is zero; state what was applied")]
    else:
        points, values, used = item.frequency, item.impedance, item.used
        words = "frequency", "impedance"
    if points.shape != values.shape:
        return [(where, f"{words[0]} and {words[1]} have different lengths, {points.size} and {values.size}")]
    said = []
    least = -np.inf if isinstance(item, Polarisation) else 0.0
    wrong = np.flatnonzero(used & ~(np.isfinite(values) & np.isfinite(points) & (points > least)))
    if wrong.size:
        which = ", ".join(str(k + 1) for k in wrong[:5])
        said.append((where, f"point {which} has a {words[0]} or {words[1]} that is no usable number; exclude it"))
    rows = int(used.sum()) * (1 if isinstance(item, Polarisation) else 2)
    if rows <= len(model.parameters):
        said.append((where, f"{int(used.sum())} points cannot fix {len(model.parameters)} parameters; measure more points "
                            "or choose a simpler model"))  # fmt: skip
    return said


def _problems_with_names(
    parameters: Sequence[Parameter], options: _Options, starts: Sequence[Mapping[str, float]]
) -> list[Problem]:
    names = {parameter.name: parameter for parameter in parameters}
    given = [("known", name, value) for name, value in options.known.items()]
    given += [("start", name, value) for start in starts for name, value in start.items()]
    problems = {}
    for where, name, value in given:
        if name not in names:
            problems[where, name] = (
                f"there is no parameter {name!r}{suggestion(name, names) or '; there are ' + ', '.join(names)}"
            )
        elif not (
            np.isfinite(value)
            and names[name].low <= value <= names[name].high
            and (value > 0.0 or not names[name].logarithmic)
        ):
            problems[where, name] = (
                f"{name} cannot be {value:g}; give a value above {names[name].low:g} and up to {names[name].high:g}"
            )
    for pair in options.larger:
        for name in pair:
            if name not in names:
                problems["larger", name] = f"there is no parameter {name!r}{suggestion(name, names)}"
    if len(options.known) == len(names):
        problems["known", ""] = "all parameters are known; leave at least one to fit"
    return [Problem(where, text) for (where, _), text in problems.items()]


def _fitted(
    misfit: Misfit,
    starts: Sequence[Mapping[str, float]],
    measured: Sequence[tuple[Measurement, ...]],
    options: _Options,
) -> list[Fit]:
    """The fits of all problems of `misfit`."""
    opened = np.array([parameter.name not in options.known for parameter in misfit.parameters])
    found = _searched(misfit, [{**start, **options.known} for start in starts], opened, elsewhere=options.elsewhere)
    if len(misfit.members) > 1 or options.weighting == "residuals":
        misfit, found = _weighted_anew(misfit, found, opened, options.weighting)
    cutoff = np.full(len(found.values), np.inf)
    if options.loss != "plain":
        found, cutoff = _discounted(misfit, found, opened, options.loss)
    _sort(misfit, found, options.larger)
    return assembled(misfit, found, cutoff, opened, measured, larger=options.larger, profile=options.profile)


def _solved(
    misfit: Misfit,
    values: Floats,
    opened: NDArray[np.bool_],
    problem: NDArray[np.intp] | None = None,
    cutoff: Floats | float = np.inf,
    iterations: int = ITERATIONS,
) -> Solution:
    """Optima from these values, of all problems or of those named; what is not opened stays."""
    function = misfit if problem is None else lambda v, index: misfit(v, problem[index])
    if opened.all():
        low, high = misfit.low, misfit.high
    else:
        low, high = np.where(opened, misfit.low, values), np.where(opened, misfit.high, values)
    return solve(function, values, misfit.logarithmic, low=low, high=high, cutoff=cutoff, iterations=iterations)


def _searched(
    misfit: Misfit, starts: Sequence[Mapping[str, float]], opened: NDArray[np.bool_], *, elsewhere: bool
) -> Solution:
    """The optimum of each problem: from its start where that is complete and leads to one, else the best of many draws."""
    names = [parameter.name for parameter in misfit.parameters]
    given = np.array([[start.get(name, np.nan) for name in names] for start in starts])
    partial = np.isnan(given).any(axis=1)
    # what is drawn replaces all of this, so that nothing need be solved where all is drawn
    first = np.where(np.isnan(given), 1.0, given)
    found = _solved(misfit, first, opened, iterations=0 if partial.all() else ITERATIONS)
    lowest = np.full((len(given), 2), np.inf)
    lowest[~partial, 0] = np.where(found.converged, found.cost, np.inf)[~partial]
    # a start can lead to a valley that holds no answer: its residuals show it
    doubtful = (together(misfit, found.residuals) > TOGETHER) | ~found.converged
    drawing = np.flatnonzero(partial | (doubtful & elsewhere))
    given[~partial] = np.where(opened, np.nan, given[~partial])
    for draw in range(DRAWS):
        if not drawing.size:
            break
        values, problem = _candidates(misfit, given, drawing, np.random.default_rng(draw))
        best = _solved(misfit, values, opened, problem)
        for row, target in enumerate(problem):
            cost = best.cost[row] if best.converged[row] else np.inf
            if cost < lowest[target, 0] * (1.0 - AGREEING) or np.isinf(lowest[target, 0]):
                found.replace(int(target), best, row)
            lowest[target] = np.sort([*lowest[target], cost])[:2]
        apart = lowest[drawing, 1] > (1.0 + AGREEING) * lowest[drawing, 0] + 1e-20
        doubtful = together(misfit, found.residuals)[drawing] > TOGETHER
        drawing = drawing[apart | doubtful | ~np.isfinite(lowest[drawing, 0])]
    return found


def _candidates(misfit: Misfit, given: Floats, drawing: NDArray[np.intp], rng: Any) -> tuple[Floats, NDArray[np.intp]]:
    """The best of many draws for each problem, and which problem each is for."""
    values = drawn(misfit, drawing, DRAWN, rng)
    values = np.where(np.isnan(given[drawing])[:, None, :], values, given[drawing][:, None, :])
    flat, problem = values.reshape(-1, values.shape[2]), np.repeat(drawing, DRAWN)
    flat = resized(misfit, flat, problem, ~np.isnan(given[drawing]).repeat(DRAWN, axis=0))
    with np.errstate(all="ignore"):
        cost = (misfit(flat, problem)[0] ** 2).sum(axis=1).reshape(len(drawing), DRAWN)
    order = np.argsort(np.where(np.isfinite(cost), cost, np.inf), axis=1)[:, :KEPT]
    rows = (np.arange(len(drawing))[:, None] * DRAWN + order).ravel()
    return flat[rows], problem[rows]


def _weighted_anew(
    misfit: Misfit, found: Solution, opened: NDArray[np.bool_], weighting: Weighting
) -> tuple[Misfit, Solution]:
    """Noise of each member from its own residuals, in turn with the optimum."""
    lost = opened.sum() / misfit.used.sum(axis=1)
    for _ in range(6):
        noise = []
        for member, part in zip(misfit.members, misfit.split(found.residuals), strict=True):
            rows = np.maximum(member.used.sum(axis=1), 1)
            if weighting == "residuals" and member.paired:
                shape = from_residuals(member, part * member.noise)
            else:
                shape = member.noise * np.sqrt((part**2).sum(axis=1) / rows)[:, None]
            # a member that the model meets exactly must not take all the weight
            noise.append(np.maximum(shape / np.sqrt(1.0 - lost)[:, None], 1e-10 * np.abs(member.rows)))
        change = max(
            np.abs(np.log(new / member.noise)).max() for new, member in zip(noise, misfit.members, strict=True)
        )
        misfit = misfit.with_noise(noise)
        found = _solved(misfit, found.values, opened)
        if change < 0.01:
            break
    return misfit, found


def _discounted(misfit: Misfit, found: Solution, opened: NDArray[np.bool_], loss: Loss) -> tuple[Solution, Floats]:
    """The optimum with wild points discounted, and the cutoff of each problem: infinite where there are none."""
    used = misfit.used
    size = _deviation(used, found.residuals, opened)
    largest = np.abs(found.residuals).max(axis=1)
    wild = np.full(len(size), loss == "robust") if loss == "robust" else largest > OUTLYING * size
    # differences of rounding have no distribution
    wild &= size > 1e-10 / misfit.noise.min(axis=1)
    cutoff = np.full(len(size), np.inf)
    problem = np.flatnonzero(wild)
    if problem.size:
        best = found
        for _ in range(4):
            cutoff[problem] = BEND * _deviation(
                used[problem], best.residuals[problem] if best is found else best.residuals, opened
            )
            values = best.values[problem] if best is found else best.values
            best = _solved(misfit, values, opened, problem, cutoff[problem])
        for row, target in enumerate(problem):
            found.replace(int(target), best, row)
    return found, cutoff


def _deviation(used: NDArray[np.bool_], residuals: Floats, opened: NDArray[np.bool_]) -> Floats:
    """Standard deviation of the residuals of each problem from their median size."""
    rows = used.sum(axis=1)
    sizes = np.sort(np.where(used, np.abs(residuals), np.inf), axis=1)
    middle: Floats = np.take_along_axis(sizes, (rows // 2)[:, None], axis=1)[:, 0]
    deviation: Floats = FROM_MEDIAN * middle * np.sqrt(rows / np.maximum(rows - opened.sum(), 1))
    return deviation


def _sort(misfit: Misfit, found: Solution, larger: Sequence[tuple[str, str]]) -> None:
    """Exchange the values of a pair that stand the other way round, where that leaves the response as it is."""
    names = [parameter.name for parameter in misfit.parameters]
    for big, small in larger:
        i, j = names.index(big), names.index(small)
        if (found.values[:, i] >= found.values[:, j]).all():
            continue
        swapped = found.values.copy()
        swapped[:, [i, j]] = swapped[:, [j, i]]
        moved = misfit(swapped, np.arange(len(swapped)))[0] - found.residuals
        turned = (found.values[:, i] < found.values[:, j]) & (np.abs(moved).max(axis=1) < 1e-9)
        found.values[turned] = swapped[turned]
        found.jacobian[turned] = found.jacobian[turned][:, :, _exchanged(len(names), i, j)]


def _exchanged(number: int, i: int, j: int) -> list[int]:
    order = list(range(number))
    order[i], order[j] = j, i
    return order
