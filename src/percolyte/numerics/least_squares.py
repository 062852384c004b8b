"""Nonlinear least squares for many small problems at once.

Problem b has values v (P) and residuals r(v) (M); sought is the least of

    F = ½ Σ_m ρ(r_m),   ρ(r) = r²   or   ρ(r) = c² ln(1 + r²/c²),

the second for residuals with outliers (Cauchy's loss: D. F. Andrews et al. in
P. W. Holland and R. E. Welsch, Commun. Stat. A 6 (1977) 813). Values that span
decades are moved by their logarithm. The method is Levenberg and Marquardt's: in
the coordinates u (v or ln v), with J = ∂r/∂u and w = ρ'(r)/2r,

    (JᵀWJ + λ diag JᵀWJ) δ = -JᵀWr,

where λ falls after a step that did what the linear model promised, and rises
after one that did not, which is taken back (D. W. Marquardt, J. Soc. Ind. Appl.
Math. 11 (1963) 431; factors of H. B. Nielsen, IMM-REP-1999-05, Technical
University of Denmark). A coordinate at a bound that the gradient would drive
outwards is held there. All problems advance together as arrays, and a problem that
has ended leaves them, so that it costs nothing while others go on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from percolyte.numerics.grid import compiled

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Residuals: TypeAlias = Callable[[Floats, NDArray[np.intp]], tuple[Floats, Floats]]
"""Values (A, P) and which problems they are for (A) -> residuals (A, M) and ∂r/∂v (A, M, P)."""

ITERATIONS = 200
SMALL = 1e-10
"""A step that promises less than this share of F is not worth taking: the values are then within about 1e-5 √M of
their standard errors of the optimum."""
DAMPING = 1e-3
"""λ at the start."""
LEAST_DAMPING = 1e-14
LEAST_CHANGE = 0.03
"""Factor of λ after a step that kept its promise."""
LEAST_STEP = 1e-13
"""A step that is relatively shorter changes nothing."""
DAMPED = 1e-6
"""With a larger λ a small step says nothing about flat directions yet."""
LONGEST = 2.5
"""Longest step of a logarithm: a factor of 12."""
FARTHEST = 200.0
"""Bound of |ln v| where there is none: exp(200) can still be squared."""


@dataclass(frozen=True)
class Solution:
    """Where each problem ended."""

    values: Floats
    """(B, P)"""
    cost: Floats
    """F, (B)"""
    residuals: Floats
    """(B, M)"""
    jacobian: Floats
    """∂r/∂u (B, M, P): with respect to the logarithm of a value that is moved by it."""
    free: Mask
    """Which values are not at a bound, (B, P)."""
    converged: Mask
    """(B)"""
    iterations: NDArray[np.intp]
    """Evaluations, (B)."""

    def replace(self, problem: int, other: Solution, row: int) -> None:
        """Put what another solution found in its row in place of a problem."""
        for part in fields(self):
            getattr(self, part.name)[problem] = getattr(other, part.name)[row]


@dataclass
class _State:
    """The problems still under way."""

    index: NDArray[np.intp]
    place: Floats
    residuals: Floats
    jacobian: Floats
    cost: Floats
    damping: Floats
    growth: Floats
    low: Floats
    high: Floats
    cutoff: Floats

    @property
    def steps(self) -> tuple[Floats, ...]:
        """What a step is computed from."""
        return (
            self.place,
            self.residuals,
            self.jacobian,
            self.cost,
            self.damping,
            self.low,
            self.high,
            self.cutoff,
        )

    @property
    def judged(self) -> tuple[Floats, ...]:
        """What a step changes, and the cutoff."""
        return self.place, self.residuals, self.jacobian, self.cost, self.damping, self.growth, self.cutoff

    def only(self, mask: Mask) -> Self:
        return type(self)(*(getattr(self, field.name)[mask] for field in fields(self)))


def solve(
    function: Residuals,
    start: Floats,
    logarithmic: Mask,
    *,
    low: Floats | float = -np.inf,
    high: Floats | float = np.inf,
    cutoff: Floats | float = np.inf,
    iterations: int = ITERATIONS,
) -> Solution:
    """Least squares from `start` (B, P), within bounds that broadcast to it.

    `logarithmic` (P) says which values are moved by their logarithm; they are
    positive. Equal bounds hold a value. `cutoff` (B) is c of the robust loss, in
    units of the residuals; infinite for plain least squares.

    Holds where r is smooth; the optimum found is the one downhill from the start.
    Limit: a linear problem ends at its normal equations. A problem whose
    residuals are not finite at the start does not converge, and neither
    does one that still moves after `iterations`.
    """
    low, high = (_coordinates(np.broadcast_to(np.asarray(end, float), start.shape), logarithmic) for end in (low, high))
    place = np.clip(_coordinates(start, logarithmic), low, high)
    number = len(start)
    cutoff = np.broadcast_to(np.asarray(cutoff, float), number)

    def evaluate(place: Floats, index: NDArray[np.intp]) -> tuple[Floats, Floats]:
        values = np.where(logarithmic, np.exp(np.where(logarithmic, place, 0.0)), place)
        residuals, slopes = function(values, index)
        return residuals, slopes * np.where(logarithmic, values, 1.0)[:, None, :]

    index = np.arange(number)
    residuals, jacobian = evaluate(place, index)
    ones = np.ones(number)
    state = _State(index, place, residuals, jacobian, np.empty(number), DAMPING * ones, 2.0 * ones, low, high, cutoff)
    _costs(residuals, cutoff, state.cost)
    best = (place.copy(), state.cost.copy(), residuals.copy(), jacobian.copy())
    converged, spent = np.zeros(number, bool), np.ones(number, np.intp)
    free = np.ones(start.shape, bool)
    going = np.isfinite(state.cost)
    for count in range(2, iterations + 3):
        if not going.all():
            state = state.only(going)
        if not state.index.size:
            break
        target, promised, held, ended = _propose(*state.steps)
        free[state.index] = ~held
        if ended.any() or count > iterations + 1:
            for kept, now in zip(best, (state.place, state.cost, state.residuals, state.jacobian), strict=True):
                kept[state.index] = now
            converged[state.index] = ended
        going = ~ended
        if not going.all():
            state, target, promised = state.only(going), target[going], promised[going]
            going = np.ones(state.index.size, bool)
        if state.index.size and count <= iterations + 1:
            spent[state.index] = count
            _judge(*evaluate(target, state.index), target, promised, *state.judged)
    values = np.where(logarithmic, np.exp(np.where(logarithmic, best[0], 0.0)), best[0])
    return Solution(values, *best[1:], free, converged, spent)


def _coordinates(values: Floats, logarithmic: Mask) -> Floats:
    """Logarithms where they are moved, with bounds that the exponential can take."""
    with np.errstate(divide="ignore"):
        logs = np.log(
            np.where(logarithmic, values, 1.0), where=logarithmic & (values > 0.0), out=np.full(values.shape, -np.inf)
        )
    return np.where(logarithmic, np.clip(logs, -FARTHEST, FARTHEST), values)


def weights(residuals: Floats, cutoff: Floats) -> Floats:
    """ρ'(r)/2r: one for plain least squares, small for a residual beyond the cutoff."""
    return 1.0 / (1.0 + (residuals / cutoff[:, None]) ** 2)


@compiled
def _cost(residuals: Any, cutoff: float) -> float:
    """F of one problem; infinite where a residual is not a number."""
    cost = 0.0
    if math.isinf(cutoff):
        for r in residuals:
            cost += 0.5 * r * r
    else:
        for r in residuals:
            cost += 0.5 * cutoff * cutoff * math.log1p((r / cutoff) ** 2)
    return cost if math.isfinite(cost) else math.inf


@compiled
def _costs(residuals: Any, cutoff: Any, cost: Any) -> None:
    for b in range(cost.size):
        cost[b] = _cost(residuals[b], cutoff[b])


@compiled
def _propose(
    place: Any, residuals: Any, jacobian: Any, cost: Any, damping: Any, low: Any, high: Any, cutoff: Any
) -> tuple[Any, Any, Any, Any]:
    """Where each problem would go, what the linear model promises there, what is held, and which have arrived."""
    number, size = place.shape
    target, held = place.copy(), np.zeros((number, size), np.bool_)
    promised, ended = np.zeros(number), np.zeros(number, np.bool_)
    for b in range(number):
        gradient, curvature = _normal_equations(residuals[b], jacobian[b], cutoff[b])
        for p in range(size):
            outwards = (place[b, p] <= low[b, p] and gradient[p] > 0.0) or (
                place[b, p] >= high[b, p] and gradient[p] < 0.0
            )
            held[b, p] = outwards or low[b, p] == high[b, p]
        step = _step(gradient, curvature, held[b], damping[b])
        still = whole = True
        for p in range(size):
            moved = min(max(step[p], -LONGEST), LONGEST)
            target[b, p] = min(max(place[b, p] + moved, low[b, p]), high[b, p])
            # a step cut short says nothing of what a whole one would gain
            whole = whole and target[b, p] == place[b, p] + step[p]
            step[p] = target[b, p] - place[b, p]
            still = still and abs(step[p]) <= LEAST_STEP * (1.0 + abs(place[b, p]))
        for p in range(size):
            promised[b] -= step[p] * gradient[p]
            for q in range(size):
                promised[b] -= 0.5 * step[p] * curvature[p, q] * step[q]
        ended[b] = still or (whole and promised[b] <= SMALL * cost[b] and damping[b] <= DAMPED)
    return target, promised, held, ended


@compiled
def _normal_equations(residuals: Any, jacobian: Any, cutoff: float) -> tuple[Any, Any]:
    """Gradient JᵀWr and curvature JᵀWJ of one problem."""
    rows, size = jacobian.shape
    gradient, curvature = np.zeros(size), np.zeros((size, size))
    for m in range(rows):
        weight = 1.0 / (1.0 + (residuals[m] / cutoff) ** 2)
        for p in range(size):
            slope = weight * jacobian[m, p]
            if slope != 0.0:  # of many measurements, each depends on few values
                gradient[p] += slope * residuals[m]
                for q in range(p + 1):
                    curvature[p, q] += slope * jacobian[m, q]
    for p in range(size):
        for q in range(p):
            curvature[q, p] = curvature[p, q]
    return gradient, curvature


@compiled
def _step(gradient: Any, curvature: Any, held: Any, damping: float) -> Any:
    """Damped Gauss-Newton step by Cholesky's factors, in coordinates scaled to a diagonal of ones; zero where held."""
    size = gradient.size
    scale, factor, step = np.zeros(size), np.zeros((size, size)), np.zeros(size)
    largest = 0.0
    for p in range(size):
        largest = max(largest, curvature[p, p])
    for p in range(size):
        if not held[p]:
            # a value without any effect has no scale of its own
            scale[p] = 1.0 / math.sqrt(max(curvature[p, p], 1e-24 * largest + 1e-300))
    for p in range(size):
        for q in range(p + 1):
            entry = 1.0 + damping if p == q else curvature[p, q] * scale[p] * scale[q]
            for k in range(q):
                entry -= factor[p, k] * factor[q, k]
            # where rounding has eaten a flat direction, its pivot is that of rounding
            factor[p, q] = math.sqrt(max(entry, 1e-16)) if p == q else entry / factor[q, q]
    for p in range(size):
        entry = -scale[p] * gradient[p]
        for k in range(p):
            entry -= factor[p, k] * step[k]
        step[p] = entry / factor[p, p]
    for p in range(size - 1, -1, -1):
        entry = step[p]
        for k in range(p + 1, size):
            entry -= factor[k, p] * step[k]
        step[p] = entry / factor[p, p]
    for p in range(size):
        step[p] *= scale[p]
    return step


@compiled
def _judge(
    new_residuals: Any, new_jacobian: Any, target: Any, promised: Any,
    place: Any, residuals: Any, jacobian: Any, cost: Any, damping: Any, growth: Any, cutoff: Any,
) -> None:  # fmt: skip
    """Take each step that does not make F larger; less damping the better its promise was kept, more where it was not."""
    for b in range(cost.size):
        new = _cost(new_residuals[b], cutoff[b])
        if new <= cost[b]:
            ratio = min((cost[b] - new) / max(promised[b], 1e-300), 1.0)
            change = min(max(1.0 - (2.0 * ratio - 1.0) ** 3, LEAST_CHANGE), 2.0)
            damping[b] = max(damping[b] * change, LEAST_DAMPING)
            growth[b] = 2.0
            place[b], residuals[b], jacobian[b], cost[b] = target[b], new_residuals[b], new_jacobian[b], new
        else:
            damping[b] *= growth[b]
            growth[b] *= 2.0
