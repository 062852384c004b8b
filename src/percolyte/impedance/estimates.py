"""The result of a fit: estimates with intervals or with the reason why there is none, and warnings in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from percolyte import units
from percolyte.impedance.identifiability import (
    PRECISION,
    Linear,
    Task,
    alternatives,
    exchanges,
    linear,
    move_on,
    profile_ends,
    typical,
)
from percolyte.impedance.measurement import Floats
from percolyte.impedance.misfit import TOGETHER, Measurement, Misfit, together
from percolyte.impedance.model import Parameter
from percolyte.numerics.least_squares import Solution

WIDE = 10.0
"""Ratio of the ends of a 95 % interval beyond which a parameter is not known."""
UNSURE = 0.05
"""Relative standard error beyond which an interval is taken from the profile."""
ILL = 300.0
"""Condition number of the scaled Jacobian beyond which all intervals are."""
MOVES = 3
"""How often a profile may lead to a better optimum before its intervals are taken as they are."""
NO_NOISE = "the residuals are no noise"
"""How a warning begins where the model misses something."""
NEAR = 6.0
"""Two exchangeable values nearer than this many standard errors of their difference may be equal."""


@dataclass(frozen=True)
class Estimate:
    """One parameter: its value with a 95 % interval, or why it has none."""

    name: str
    unit: str
    value: float | None
    low: float
    """Ends of the 95 % interval; zero or infinite where the measurement sets none."""
    high: float
    error: float
    """Standard error: of ln p where p spans decades, else of p."""
    why: str = ""
    """Why there is no value."""
    basis: Literal["linear", "profile", "posterior", "known"] = "linear"
    """What the interval is from."""

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name}: not known; {self.why}"
        if self.basis == "known":
            return f"{self.name}: {_text(self.value, self.unit)} (given)"
        return f"{self.name}: {_text(self.value, self.unit)} (95 %: {_span(self.low, self.high, self.unit)})"


@dataclass(frozen=True, eq=False)
class Fit:
    """The optimum of one measurement or several, and how far it can be believed."""

    outcome: Literal["done", "no convergence"]
    measurements: tuple[Measurement, ...]
    parameters: tuple[Parameter, ...]
    optimum: Floats
    """Values that fit best, also of parameters that are not known (P): for drawing and for starting, not for reporting."""
    estimates: tuple[Estimate, ...]
    covariance: Floats
    """Of ln p where p spans decades, else of p; without blind directions (P, P)."""
    computed: tuple[Any, ...]
    """Response of the optimum at the points of each measurement: impedance, or response over applied."""
    residuals: tuple[Any, ...]
    """Measured less computed, of each measurement, excluded points included."""
    noise: tuple[float, ...]
    """Root mean square of the residuals of each measurement over |Z|, each part for itself, or over its largest response."""
    rows: int
    """Numbers that were fitted."""
    log_likelihood: float
    condition: float
    """Of the Jacobian scaled to columns of length one."""
    alternatives: tuple[Mapping[str, float], ...]
    """Other values that fit as well."""
    cutoff: float
    """Of the robust loss, in units of the expected noise; infinite where it was plain."""
    evaluations: int
    warnings: tuple[str, ...]
    misfit: Misfit
    """What was made small, for further questions."""
    problem: int
    """Which of the problems of `misfit`."""

    def __getitem__(self, name: str) -> Estimate:
        return next(item for item in self.estimates if item.name == name)

    @property
    def robust(self) -> bool:
        """Whether wild points were discounted."""
        return math.isfinite(self.cutoff)

    @property
    def values(self) -> Mapping[str, float]:
        """The optimum by name."""
        return dict(zip((item.name for item in self.parameters), self.optimum.tolist(), strict=True))

    def response(self, number: int, points: Floats) -> Any:
        """What the optimum gives for measurement `number` at other angular frequencies (rad/s), or times (s): (N)."""
        member = self.misfit.members[number]
        values = self.optimum[list(member.places)] * member.factors
        found: Any = member.model.evaluate(values, points)[0]
        return found

    @property
    def free(self) -> int:
        """Parameters that were fitted, and the size of the noise."""
        return sum(item.basis != "known" for item in self.estimates) + 1

    @property
    def aicc(self) -> float:
        """Akaike's criterion, corrected for few data (C. M. Hurvich and C.-L. Tsai, Biometrika 76 (1989) 297)."""
        k = self.free
        return 2.0 * (k - self.log_likelihood) + 2.0 * k * (k + 1.0) / max(self.rows - k - 1.0, 1e-9)

    @property
    def bic(self) -> float:
        """Schwarz's criterion (Ann. Stat. 6 (1978) 461)."""
        return self.free * math.log(self.rows) - 2.0 * self.log_likelihood


def percent(share: float) -> str:
    """Residuals for people to read: '0.34 %', and '220 %' where the digits are two."""
    return units.text(share, units.FRACTION, digits=2)


def assembled(
    misfit: Misfit,
    found: Solution,
    cutoff: Floats,
    opened: NDArray[np.bool_],
    measured: Sequence[tuple[Measurement, ...]],
    *,
    larger: Sequence[tuple[str, str]],
    profile: Literal["automatic", "always", "never"],
) -> list[Fit]:
    """The fits of all problems."""
    from scipy.special import stdtrit

    pairs = exchanges(misfit, found.values[0], opened)
    for _ in range(MOVES):
        about = linear(misfit, found, opened, cutoff)
        quantile: Floats = np.asarray(stdtrit(about.degrees, 0.975), float)
        chosen = _chosen(misfit, found, about, opened, pairs, profile)
        ends, better = _ends(misfit, found, about, opened, cutoff, quantile, chosen)
        if not better:
            break
        move_on(misfit, found, better, opened, cutoff)
    intervals = np.where(misfit.logarithmic[:, None], np.exp(np.clip(ends, -700.0, 700.0)), ends)
    intervals = np.where(np.isinf(ends) & misfit.logarithmic[:, None], np.where(ends < 0, 0.0, np.inf), intervals)
    intervals = np.clip(intervals, misfit.low[:, None], misfit.high[:, None])
    shared = _Shared(misfit, found, about, opened, cutoff, pairs, tuple(larger), chosen, ends, intervals,
                     together(misfit, found.residuals), typical(misfit))  # fmt: skip
    rows = _per_member(misfit, found, measured)
    likelihood = _log_likelihood(misfit, found)
    return [
        shared.fit(problem, measured[problem], rows[problem], float(likelihood[problem]))
        for problem in range(len(found.values))
    ]


def _chosen(misfit: Misfit, found: Solution, about: Linear, opened: Any, pairs: Any, profile: str) -> NDArray[np.bool_]:
    """Which intervals are taken from the profile, (B, P)."""
    every = np.broadcast_to(opened, found.values.shape)
    if profile != "automatic":
        return every & (profile == "always")
    scale = np.where(misfit.logarithmic, 1.0, np.maximum(np.abs(found.values), 1e-300))
    with np.errstate(invalid="ignore"):
        unsure = ~(about.errors / scale <= UNSURE)
    chosen = every & (unsure | (about.condition > ILL)[:, None])
    for i, j in pairs:
        variance = about.covariance[:, i, i] + about.covariance[:, j, j] - 2.0 * about.covariance[:, i, j]
        near = np.abs(np.log(found.values[:, i] / found.values[:, j])) < NEAR * np.sqrt(np.maximum(variance, 0.0))
        chosen[:, [i, j]] |= near[:, None]
    return chosen


def _ends(
    misfit: Misfit, found: Solution, about: Linear, opened: Any, cutoff: Floats, quantile: Floats, chosen: Any
) -> tuple[Floats, dict[int, Floats]]:
    """Ends of the 95 % intervals in u, (B, P, 2), and values that fit better by problem."""
    logarithmic = misfit.logarithmic
    place = np.where(logarithmic, np.log(np.where(logarithmic, found.values, 1.0)), found.values)
    reach = quantile[:, None] * np.where(np.isnan(about.errors), np.inf, about.errors)
    ends = np.stack([place - reach, place + reach], axis=-1)
    bounds = np.where(logarithmic, np.inf, misfit.high), np.where(logarithmic, -np.inf, misfit.low)
    ends = np.clip(ends, bounds[1][:, None], bounds[0][:, None])
    ends = np.where((opened | np.zeros_like(chosen))[:, :, None], ends, place[:, :, None])
    better: dict[int, Floats] = {}
    if chosen.any():
        tasks = [Task(int(b), int(p), side) for b, p in zip(*np.nonzero(chosen), strict=True) for side in (-1.0, 1.0)]
        walked, better = profile_ends(misfit, found, about, tasks, opened, cutoff, quantile)
        for task, end in zip(tasks, walked, strict=True):
            ends[task.problem, task.parameter, int(task.side > 0)] = end
    return ends, better


def _log_likelihood(misfit: Misfit, found: Solution) -> Floats:
    """Of normal residuals whose size is the one most likely, but not below that of rounding."""
    used = misfit.used
    rows = used.sum(axis=1)
    variance = np.maximum(2.0 * found.cost / rows, (PRECISION * typical(misfit)) ** 2)
    logs = np.where(used, np.log(misfit.noise), 0.0).sum(axis=1)
    likelihood: Floats = -0.5 * rows * (np.log(2.0 * np.pi * variance) + 1.0) - logs
    return likelihood


def _per_member(misfit: Misfit, found: Solution, measured: Any) -> list[list[tuple[Any, Any, float]]]:
    """For each problem and member: computed response, residuals, and their size."""
    answers: list[list[tuple[Any, Any, float]]] = [[] for _ in measured]
    for position, (member, part) in enumerate(zip(misfit.members, misfit.split(found.residuals), strict=True)):
        left = part * member.noise
        rows = member.rows + left
        if not member.used.all():
            rows, _ = member.computed(found.values[:, list(member.places)] * member.factors)
        if member.paired:
            size = np.repeat(np.hypot(rows[:, ::2], rows[:, 1::2]), 2, axis=1)
        else:
            size = np.broadcast_to(np.abs(rows).max(axis=1, keepdims=True), rows.shape)
        count = np.maximum(member.used.sum(axis=1), 1)
        noise = np.sqrt(((left / np.maximum(size, 1e-300)) ** 2).sum(axis=1) / count)
        for problem, answer in enumerate(answers):
            own = rows[problem].view(complex) if member.paired else rows[problem]
            true = measured[problem][position]
            taken = true.impedance if member.paired else true.response / true.applied
            answer.append((own, taken - own, float(noise[problem])))
    return answers


@dataclass(frozen=True)
class _Shared:
    """What the fits of a batch have in common."""

    misfit: Misfit
    found: Solution
    about: Linear
    opened: NDArray[np.bool_]
    cutoff: Floats
    pairs: tuple[tuple[int, int], ...]
    larger: tuple[tuple[str, str], ...]
    chosen: NDArray[np.bool_]
    ends: Floats
    intervals: Floats
    together: Floats
    typical: Floats

    def fit(self, problem: int, measured: tuple[Measurement, ...], rows: Any, likelihood: float) -> Fit:
        found, parameters = self.found, self.misfit.parameters
        estimates = {k: self._estimate(problem, k) for k in range(len(parameters))}
        others: list[Floats] = []
        warnings: list[str] = []
        for direction in self.about.blind[problem]:
            # where two exchangeable values meet, the response is blind to their difference at that point only
            if any(self.equal(problem, pair) for pair in self.pairs if set(pair) <= set(direction)):
                continue
            others += self._blind(problem, direction, estimates, warnings)
        for pair in self.pairs:
            others += self._exchanged(problem, pair, estimates, warnings)
        warnings += self._at_bounds(problem, estimates)
        robust = bool(np.isfinite(self.cutoff[problem]))
        warnings += self._judged(problem, robust)
        names = [item.name for item in parameters]
        return Fit(
            outcome="done" if found.converged[problem] else "no convergence",
            measurements=measured,
            parameters=parameters,
            optimum=found.values[problem],
            estimates=tuple(estimates[k] for k in range(len(parameters))),
            covariance=np.where(np.outer(self.opened, self.opened), self.about.covariance[problem], 0.0),
            computed=tuple(row[0] for row in rows),
            residuals=tuple(row[1] for row in rows),
            noise=tuple(row[2] for row in rows),
            rows=int(self.misfit.used[problem].sum()),
            log_likelihood=likelihood,
            condition=float(self.about.condition[problem]),
            alternatives=tuple(dict(zip(names, other.tolist(), strict=True)) for other in others),
            cutoff=float(self.cutoff[problem]),
            evaluations=int(found.iterations[problem]),
            warnings=tuple(warnings),
            misfit=self.misfit,
            problem=problem,
        )

    def equal(self, problem: int, pair: tuple[int, int]) -> bool:
        """Whether the intervals of two parameters overlap."""
        (i, j), intervals = pair, self.intervals[problem]
        return bool(intervals[i, 0] <= intervals[j, 1] and intervals[j, 0] <= intervals[i, 1])

    def _estimate(self, problem: int, k: int) -> Estimate:
        parameter = self.misfit.parameters[k]
        value = float(self.found.values[problem, k])
        if not self.opened[k]:
            return Estimate(parameter.name, parameter.unit, value, value, value, 0.0, basis="known")
        low, high = (float(end) for end in self.intervals[problem, k])
        error = float(self.about.errors[problem, k])
        basis: Literal["linear", "profile"] = "profile" if self.chosen[problem, k] else "linear"
        why = _unknown(parameter, low, high)
        return Estimate(parameter.name, parameter.unit, None if why else value, low, high, error, why, basis)

    def _blind(self, problem: int, direction: tuple[int, ...], estimates: Any, warnings: list[str]) -> Iterator[Floats]:
        names = _listed([self.misfit.parameters[k].name for k in direction])
        if len(direction) == 1:
            warnings.append(f"the measurement does not depend on {names}: keep it at a known value or leave it out")
        else:
            warnings.append(
                f"{names} cannot be told apart, not even without noise: along a line of their values the response "
                "does not change; keep one of them at a known value"
            )
        for k in direction:
            span = _span(estimates[k].low, estimates[k].high, estimates[k].unit)
            others = [self.misfit.parameters[j].name for j in direction if j != k]
            why = f"it trades against {_listed(others)}" if others else "the measurement does not depend on it"
            estimates[k] = replace(estimates[k], value=None, why=f"{why}; {span} fits equally well")
        yield from alternatives(
            self.misfit,
            self.found,
            self.about,
            problem,
            direction,
            self.ends[problem, direction[0]],
            self.opened,
            self.cutoff,
        )

    def _exchanged(self, problem: int, pair: tuple[int, int], estimates: Any, warnings: list[str]) -> Iterator[Floats]:
        """Two values of which the measurement does not say which is which."""
        i, j = pair
        one, other = estimates[i], estimates[j]
        if self.equal(problem, pair):
            warnings.append(
                f"{one.name} and {other.name} are equal within their errors, where the response depends on their "
                "difference in second order only: the intervals hold for both, and neither is known better"
            )
            low, high = min(one.low, other.low), max(one.high, other.high)
            for k, item in ((i, one), (j, other)):
                why = item.why or _unknown(self.misfit.parameters[k], low, high)
                middle = math.sqrt(self.found.values[problem, i] * self.found.values[problem, j])
                estimates[k] = replace(item, value=None if why else middle, low=low, high=high, why=why)
            return
        if (one.name, other.name) in self.larger or (other.name, one.name) in self.larger:
            return
        warnings.append(
            f"{one.name} and {other.name} can be exchanged without any change of the response: it cannot say which of the "
            f"two is which; say which is the larger one, or fit it jointly with a measurement that can tell"
        )
        for k, item, twin in ((i, one, other), (j, other, one)):
            spans = " or ".join(_span(x.low, x.high, x.unit) for x in sorted((item, twin), key=lambda x: x.low))
            low, high = min(one.low, other.low), max(one.high, other.high)
            estimates[k] = replace(
                item, value=None, low=low, high=high, why=f"it can be exchanged with {twin.name}: {spans}"
            )
        swapped = self.found.values[problem].copy()
        swapped[[i, j]] = swapped[[j, i]]
        yield swapped

    def _at_bounds(self, problem: int, estimates: Mapping[int, Estimate]) -> list[str]:
        held = np.flatnonzero(~self.found.free[problem] & self.opened)
        return [
            f"{estimates[int(k)].name} ended at its bound, {_text(float(self.found.values[problem, k]), estimates[int(k)].unit)}"
            for k in held
        ]

    def _judged(self, problem: int, robust: bool) -> list[str]:
        """What the residuals say of the fit as a whole."""
        found, said = self.found, []
        if not found.converged[problem]:
            said.append("the fit did not converge: its numbers are where it stopped")
        used = self.misfit.used[problem]
        residuals = found.residuals[problem]
        if robust:
            wild = int((np.abs(residuals[used]) > 2.0 * self.cutoff[problem]).sum())
            said.append(
                f"{wild} of {int(used.sum())} numbers lie more than five standard deviations off and were discounted "
                "(robust loss)"
            )
        size = math.sqrt(2.0 * found.cost[problem] / max(int(used.sum()), 1))
        if self.together[problem] > TOGETHER and size > PRECISION * float(self.typical[problem]):
            said.append(
                f"{NO_NOISE} (neighbours correlate by {self.together[problem]:.2f}): the model misses something, "
                "and the intervals are too narrow"
            )
        return said


def _unknown(parameter: Parameter, low: float, high: float) -> str:
    """Why an interval is no knowledge of the parameter, or nothing."""
    if not parameter.logarithmic:
        whole = low <= parameter.low and high >= parameter.high and math.isfinite(parameter.high - parameter.low)
        return "the measurement does not narrow it down" if whole or math.isinf(high - low) else ""
    if low <= 0.0 and math.isinf(high):
        return "the measurement sets it no limit"
    if low <= 0.0:
        return f"there is only an upper limit: at most {_text(high, parameter.unit)} (95 %)"
    if math.isinf(high):
        return f"there is only a lower limit: at least {_text(low, parameter.unit)} (95 %)"
    if high > WIDE * low:
        return f"its 95 % interval is wider than a factor of {WIDE:g}: {_span(low, high, parameter.unit)}"
    return ""


def _text(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}".strip()


def _span(low: float, high: float, unit: str) -> str:
    if math.isinf(high):
        return f"anything above {_text(low, unit)}" if low > 0.0 else "anything"
    return f"{low:.4g} to {_text(high, unit)}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
