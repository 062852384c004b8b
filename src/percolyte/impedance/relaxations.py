"""Non-negative solutions of the equation of relaxation times, with the ends that a spectrum shows.

    Z(ω) = R∞ + iωL + 1/(Q (iω)^a) + ∫ γ(ln τ)/(1 + iωτ) d ln τ,   γ ≥ 0,                       (1)

over τ from 1/ω of the fastest point to that of the slowest, with γ straight between nodes and zero beyond both ends.
Rows are weighted with 1/|Z|, as for a noise in proportion to it; a point that lies far off all others is discounted
(Cauchy's loss). L and the blocking end, a capacitor (a = 1) or a constant phase element, are there only if the evidence
for them outweighs that of the numbers they add in N (the criterion of G. Schwarz, Ann. Stat. 6 (1978) 461-464).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from percolyte.impedance.measurement import Complexes, Floats

if TYPE_CHECKING:
    from percolyte.numerics.regularisation import Regularised

PER_DECADE = 12
"""Nodes; an ideal RC between two of them is met to 0.1 % of its |Z|."""
LEAST_EXPONENT, REACHES, CLOSE = 0.4, (0.1, 0.02), 0.1
"""Of a blocking end; how far from the last one it is sought in turn, and how closely as a share of that."""
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

    def solved(self, ends: Ends, near: Regularised | None = None, *, held: bool = False) -> Solved:
        """The solution with these ends, which is `near` another one, and at its strength if that is `held`."""
        from percolyte.numerics.regularisation import regularise

        kernel, data = self.kernel * self.weight[:, None], self.impedance * self.weight
        beside = ends.columns(self.omega) * self.weight[:, None]
        scale = np.full(ends.count + kernel.shape[1], 1.0 / np.linalg.norm(kernel, axis=0).max())
        scale[: ends.count] = 1.0 / np.linalg.norm(beside, axis=0)
        matrix = np.hstack([beside, kernel]) * scale
        rows = np.concatenate([data.real, data.imag])
        found = regularise(np.vstack([matrix.real, matrix.imag]), rows, ends.count, near=near, held=held)
        return Solved(ends, found, scale, found.evidence - 0.5 * ends.numbers * math.log(rows.size))

    def best(self) -> Solved:
        """With the ends for which there is most evidence: each is looked for again where the other was found."""
        best = self._blocked(self.solved(Ends()))
        inductive = self.solved(Ends(inductance=True, exponent=best.ends.exponent))
        if inductive.evidence < best.evidence:
            return best
        return inductive if inductive.ends.exponent else self._blocked(inductive)

    def _blocked(self, plain: Solved) -> Solved:
        """The same with a blocking end, where there is evidence for one: of the slope that is seen, or a capacitor."""
        from percolyte.numerics.regularisation import FORGOTTEN

        inductance = plain.ends.inductance
        seen = self.solved(Ends(inductance, self._slope()))
        if seen.evidence < plain.evidence:
            seen = self.solved(Ends(inductance, 1.0))
        if seen.evidence < plain.evidence:
            return plain
        refined = seen
        for reach in REACHES:
            refined = self._refined(refined, reach)
        nearly = 1.0 - (refined.ends.exponent or 1.0) < NEARLY_ONE
        capacitor = self.solved(Ends(inductance, 1.0), refined.found, held=True)
        if nearly or capacitor.evidence > refined.evidence - FORGOTTEN:
            capacitor = self.solved(Ends(inductance, 1.0), refined.found)
        return capacitor if nearly else max(capacitor, refined, key=lambda one: one.evidence)

    def _slope(self) -> float:
        """The exponent of the slow end if nothing else were there: -d ln|Im Z|/d ln ω over its last decade."""
        slow = self.omega < 10.0 * self.omega.min()
        size = np.log(np.abs(self.impedance.imag[slow]) + 1e-300)
        slope = float(np.polyfit(np.log(self.omega[slow]), size, 1)[0]) if slow.sum() > 2 else -1.0
        return min(max(-slope, LEAST_EXPONENT), 1.0)

    def _refined(self, start: Solved, reach: float) -> Solved:
        """The same with the exponent of largest evidence at the strength of the start, and the strength then climbed anew.

        At its top in the strength the evidence changes with the exponent as it does where the strength is held. An exponent
        found at half of the reach or farther is sought anew from there.
        """
        from scipy.optimize import minimize_scalar

        near, middle = start, start.ends.exponent or 1.0

        def lack(exponent: float) -> float:
            nonlocal near
            near = self.solved(Ends(start.ends.inductance, exponent), near.found, held=True)
            return -near.evidence

        bounds = max(middle - reach, LEAST_EXPONENT), min(middle + reach, 1.0)
        exponent = float(minimize_scalar(lack, bounds=bounds, method="bounded", options={"xatol": CLOSE * reach}).x)
        found = self.solved(Ends(start.ends.inductance, exponent), near.found)
        if found.evidence <= start.evidence:
            return start
        return found if abs(exponent - middle) < 0.5 * reach else self._refined(found, reach)


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
