"""Non-negative solutions of the equation of relaxation times, with the ends that a spectrum shows.

    Z(ω) = R∞ + iωL + 1/(Q (iω)^a) + ∫ γ(ln τ)/(1 + iωτ) d ln τ,   γ ≥ 0,                       (1)

over τ from 1/ω of the fastest point to that of the slowest, with γ straight between nodes and zero beyond both ends.
Rows are weighted with 1/|Z|, as for a noise in proportion to it; a point that lies far off all others is discounted
(Cauchy's loss). L and the blocking end, a capacitor (a = 1) or a constant phase element, are there only if the evidence
for them outweighs that of the numbers they add in N (the criterion of G. Schwarz, Ann. Stat. 6 (1978) 461-464).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from percolyte.impedance.measurement import Complexes, Floats

if TYPE_CHECKING:
    from percolyte.numerics.regularisation import Regularised

PER_DECADE = 12
"""Nodes; an ideal RC between two of them is met to 0.1 % of its |Z|."""
LEAST_EXPONENT, EXPONENTS = 0.4, ((0.6, 0.03), (0.06, 0.003))
"""Of a blocking end; how far from the last one, and how closely, it is sought in turn."""
NEARLY_ONE = 0.01
"""A blocking end whose exponent is nearer to 1 is a capacitor."""
OUTLYING, LEAST_OUTLYING = 6.0, 0.02
"""Standard deviations and share of |Z| beyond which a point is discounted: both, so that neither noise nor smoothing is."""
MOST_OUTLYING = 0.15
"""Share of the points, beyond which none is discounted."""
BEND = 2.385
"""Cutoff of Cauchy's loss over the standard deviation: 95 % efficient on normal residuals."""
MEDIAN = 1.1774
"""Median of |r| over the standard deviation of each part, for normal residuals of both parts."""
ROUNDS = 4
"""How often at most points are discounted and the rest solved anew."""


def _nodes(omega: Floats) -> tuple[Floats, float]:
    fastest, slowest = -math.log(omega.max()), -math.log(omega.min())
    count = 1 + math.ceil(PER_DECADE * (slowest - fastest) / math.log(10.0))
    logarithms, spacing = np.linspace(fastest, slowest, count, retstep=True)
    return logarithms, float(spacing)


def kernel_of(omega: Floats, logarithms: Floats, spacing: float) -> Complexes:
    """Impedance (N, M) of a hat of height 1 at each node: three Gauss points on either side, exact to 1e-9."""
    points, weights = np.polynomial.legendre.leggauss(3)
    kernel = np.zeros((omega.size, logarithms.size), complex)
    for side in (-1.0, 1.0):
        for away, weight in zip((points + 1.0) / 2.0, weights / 2.0, strict=True):
            tau = np.exp(logarithms + side * away * spacing)
            kernel += spacing * weight * (1.0 - away) / (1.0 + 1j * np.outer(omega, tau))
    return kernel


@dataclass(frozen=True)
class Ends:
    """What stands beside the distribution."""

    inductance: bool = False
    exponent: float | None = None
    """Of the blocking end."""

    @property
    def count(self) -> int:
        """Columns."""
        return 1 + self.inductance + (self.exponent is not None)

    @property
    def numbers(self) -> int:
        """That are found, with the exponent where it is not that of a capacitor."""
        return self.count + (self.exponent not in (None, 1.0))

    def columns(self, omega: Floats) -> Complexes:
        s = 1j * omega
        parts = [np.ones_like(s), *([s] if self.inductance else []), *([s**-self.exponent] if self.exponent else [])]
        return np.stack(parts, axis=1)


@dataclass(frozen=True, eq=False)
class Solved:
    """A solution of (1) with these ends."""

    ends: Ends
    found: Regularised
    scale: Floats
    """Unit of each unknown."""
    evidence: float
    """Less the price of the numbers of the ends."""

    @property
    def unknowns(self) -> Floats:
        return self.found.unknowns * self.scale


@dataclass(frozen=True, eq=False)
class Relaxations:
    """Rows of (1), weighted."""

    omega: Floats
    impedance: Complexes
    weight: Floats
    """Of each point: 1/|Z|, less where it is discounted."""
    logarithms: Floats
    spacing: float
    kernel: Complexes
    """Not weighted."""

    @classmethod
    def of(cls, omega: Floats, impedance: Complexes) -> Relaxations:
        logarithms, spacing = _nodes(omega)
        return cls(
            omega, impedance, 1.0 / np.abs(impedance), logarithms, spacing, kernel_of(omega, logarithms, spacing)
        )

    def solved(self, ends: Ends, near: Regularised | None = None) -> Solved:
        """The solution with these ends, which is `near` another one."""
        from percolyte.numerics.regularisation import regularise

        kernel, data = self.kernel * self.weight[:, None], self.impedance * self.weight
        beside = ends.columns(self.omega) * self.weight[:, None]
        scale = np.full(ends.count + kernel.shape[1], 1.0 / np.linalg.norm(kernel, axis=0).max())
        scale[: ends.count] = 1.0 / np.linalg.norm(beside, axis=0)
        matrix = np.hstack([beside, kernel]) * scale
        rows = np.concatenate([data.real, data.imag])
        found = regularise(np.vstack([matrix.real, matrix.imag]), rows, ends.count, near=near)
        return Solved(ends, found, scale, found.evidence - 0.5 * ends.numbers * math.log(rows.size))

    def best(self) -> Solved:
        """With the ends for which there is most evidence: each is looked for again where the other was found."""
        best = self._blocked(self.solved(Ends()))
        inductive = self.solved(Ends(inductance=True, exponent=best.ends.exponent))
        if inductive.evidence < best.evidence:
            return best
        return inductive if inductive.ends.exponent else self._blocked(inductive)

    def _blocked(self, plain: Solved) -> Solved:
        """The same with a blocking end, where there is evidence for one: first a capacitor, then any exponent."""
        inductance = plain.ends.inductance
        blocked = self.solved(Ends(inductance, 1.0))
        if blocked.evidence < plain.evidence:
            return plain
        refined = blocked
        # the strength found beside that of a poor exponent is not yet the best: the second search starts from a good one
        for reach, close in EXPONENTS:
            middle = refined.ends.exponent or 1.0
            exponent = self._exponent(refined, max(middle - reach, LEAST_EXPONENT), min(middle + reach, 1.0), close)
            refined = self.solved(Ends(inductance, exponent))
        nearly = 1.0 - (refined.ends.exponent or 1.0) < NEARLY_ONE
        return blocked if nearly else max(blocked, refined, key=lambda one: one.evidence)

    def _exponent(self, start: Solved, low: float, high: float, close: float) -> float:
        """The one of largest evidence."""
        near = start.found

        def evidence(exponent: float) -> float:
            nonlocal near
            near = self.solved(Ends(start.ends.inductance, exponent), near).found
            return near.evidence

        return _highest(evidence, low, high, close)


def _highest(height: Callable[[float], float], low: float, high: float, close: float) -> float:
    """Where a function of one top is highest, by golden section (J. Kiefer, Proc. Am. Math. Soc. 4 (1953) 502)."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    places = [high - ratio * (high - low), low + ratio * (high - low)]
    heights = [height(place) for place in places]
    while high - low > close:
        if heights[0] < heights[1]:
            low, places[0], heights[0] = places[0], places[1], heights[1]
            places[1] = low + ratio * (high - low)
            heights[1] = height(places[1])
        else:
            high, places[1], heights[1] = places[1], places[0], heights[0]
            places[0] = high - ratio * (high - low)
            heights[0] = height(places[0])
    return 0.5 * (low + high)


def solve_robustly(problem: Relaxations) -> tuple[Solved, NDArray[np.bool_]]:
    """The solution with points far off all others discounted, and which these are."""
    wild, plain = np.zeros(problem.omega.size, bool), problem.weight
    best = problem.best()
    for _ in range(ROUNDS):
        columns = np.hstack([best.ends.columns(problem.omega), problem.kernel])
        residual = (problem.impedance - columns @ best.unknowns) * plain
        size = max(float(np.median(np.abs(residual))) / MEDIAN, 1e-12)
        now = _apart_from_neighbours(problem.omega, residual, max(OUTLYING * size, LEAST_OUTLYING))
        if (now == wild).all():
            break
        wild = now
        loss = 1.0 / np.sqrt(1.0 + (np.abs(residual) / (BEND * size)) ** 2)
        problem = replace(problem, weight=plain * np.where(wild, loss, 1.0))
        best = problem.best()
    return best, wild


def _apart_from_neighbours(omega: Floats, residual: Complexes, least: float) -> NDArray[np.bool_]:
    """Points off by more than `least`, from the fit and from their neighbours on both sides.

    Where neighbours are off together, at an end of the range, or where many points are, it is the model that misses.
    """
    order = np.argsort(omega)
    ordered = residual[order]
    alone = np.zeros_like(residual)
    alone[order[1:-1]] = ordered[1:-1] - 0.5 * (ordered[:-2] + ordered[2:])
    found: NDArray[np.bool_] = (np.abs(residual) > least) & (np.abs(alone) > least)
    return found if found.mean() <= MOST_OUTLYING else np.zeros_like(found)
