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

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
Residuals: TypeAlias = Callable[[Floats, NDArray[np.intp]], tuple[Floats, Floats]]
"""Values (A, P) and which problems they are for (A) -> residuals (A, M) and ∂r/∂v (A, M, P)."""

ITERATIONS = 200
SMALL = 1e-10
"""A step that promises less than this share of F, and keeps it, is the last: the values are then within about
1e-5 √M of their standard errors of the optimum."""
DAMPING = 1e-3
"""λ at the start."""
LEAST_DAMPING = 1e-14
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
    state = _State(
        index, place, residuals, jacobian, _cost(residuals, cutoff), DAMPING * ones, 2.0 * ones, low, high, cutoff
    )
    best = (place.copy(), state.cost.copy(), residuals.copy(), jacobian.copy())
    converged, spent = np.zeros(number, bool), np.ones(number, np.intp)
    free = np.ones(start.shape, bool)
    going = np.isfinite(state.cost)
    for count in range(2, iterations + 2):
        if not going.all():
            state = state.only(going)
        if not state.index.size:
            break
        ended, held = _advance(state, evaluate)
        spent[state.index], converged[state.index], free[state.index] = count, ended, ~held
        going = ~ended
        if ended.any() or count > iterations:
            for kept, now in zip(best, (state.place, state.cost, state.residuals, state.jacobian), strict=True):
                kept[state.index] = now
    values = np.where(logarithmic, np.exp(np.where(logarithmic, best[0], 0.0)), best[0])
    return Solution(values, *best[1:], free, converged, spent)


def _coordinates(values: Floats, logarithmic: Mask) -> Floats:
    """Logarithms where they are moved, with bounds that the exponential can take."""
    with np.errstate(divide="ignore"):
        logs = np.log(
            np.where(logarithmic, values, 1.0), where=logarithmic & (values > 0.0), out=np.full(values.shape, -np.inf)
        )
    return np.where(logarithmic, np.clip(logs, -FARTHEST, FARTHEST), values)


def _cost(residuals: Floats, cutoff: Floats) -> Floats:
    """F of each problem; infinite where a residual is not a number."""
    square = residuals * residuals
    bent = np.isfinite(cutoff)
    if bent.any():
        bend = cutoff[bent, None] ** 2
        square[bent] = bend * np.log1p(square[bent] / bend)
    cost = 0.5 * square.sum(axis=1)
    return np.where(np.isfinite(cost), cost, np.inf)


def weights(residuals: Floats, cutoff: Floats) -> Floats:
    """ρ'(r)/2r: one for plain least squares, small for a residual beyond the cutoff."""
    return 1.0 / (1.0 + (residuals / cutoff[:, None]) ** 2)


def _advance(state: _State, evaluate: Residuals) -> tuple[Mask, Mask]:
    """One step of every problem. Which have ended, and which coordinates are held."""
    weighted = state.jacobian
    if np.isfinite(state.cutoff).any():
        weighted = weights(state.residuals, state.cutoff)[:, :, None] * weighted
    across = weighted.swapaxes(1, 2)
    gradient = (across @ state.residuals[:, :, None])[:, :, 0]
    curvature = across @ state.jacobian
    held = ((state.place <= state.low) & (gradient > 0.0)) | ((state.place >= state.high) & (gradient < 0.0))
    held |= state.low == state.high
    step = _step(gradient, curvature, held, state.damping)
    target = np.clip(state.place + np.clip(step, -LONGEST, LONGEST), state.low, state.high)
    step = target - state.place
    promised = -(step * (gradient + 0.5 * (curvature @ step[:, :, None])[:, :, 0])).sum(axis=1)
    residuals, jacobian = evaluate(target, state.index)
    cost = _cost(residuals, state.cutoff)
    gained = state.cost - cost
    better = gained >= 0.0
    tiny = SMALL * state.cost
    ended = (promised <= tiny) & (np.abs(gained) <= tiny) & (state.damping <= DAMPED)
    ended |= (np.abs(step) <= 1e-13 * (1.0 + np.abs(state.place))).all(axis=1)
    _adapt(state, gained / np.maximum(promised, 1e-300), better)
    for kept, new in (
        (state.place, target),
        (state.residuals, residuals),
        (state.jacobian, jacobian),
        (state.cost, cost),
    ):
        kept[better] = new[better]
    return ended, held


def _step(gradient: Floats, curvature: Floats, held: Mask, damping: Floats) -> Floats:
    """Damped Gauss-Newton step in coordinates scaled to a diagonal of ones; zero where held."""
    diagonal = np.einsum("bpp->bp", curvature)
    # a value without any effect has no scale of its own
    scale = 1.0 / np.sqrt(np.maximum(diagonal, 1e-24 * diagonal.max(axis=1, keepdims=True) + 1e-300))
    scale = np.where(held, 0.0, scale)
    matrix = curvature * scale[:, :, None] * scale[:, None, :]
    np.einsum("bpp->bp", matrix)[...] = 1.0 + damping[:, None]
    step: Floats = -scale * np.linalg.solve(matrix, (scale * gradient)[:, :, None]).astype(float, copy=False)[:, :, 0]
    return step


def _adapt(state: _State, ratio: Any, better: Mask) -> None:
    """Less damping the better the promise was kept, and ever faster growing damping while it is not."""
    shrunk = state.damping * np.clip(1.0 - (2.0 * np.clip(ratio, 0.0, 1.0) - 1.0) ** 3, 0.03, 2.0)
    state.damping = np.where(better, np.maximum(shrunk, LEAST_DAMPING), state.damping * state.growth)
    state.growth = np.where(better, 2.0, 2.0 * state.growth)
