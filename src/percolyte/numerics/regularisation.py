"""Non-negative least squares with a smoothness penalty, its strength chosen by the data, and samples of all that fits.

With rows weighted to one common variance σ², the unknowns x minimise

    |A x - b|² + λ |D x|²,   x ≥ 0,                                                           (1)

D the second difference along the unknowns that are smooth, which are zero beyond both ends; the others stand
first and bear no penalty. In normal form, G = AᵀA + λ DᵀD and c = Aᵀb, this is the linear complementarity problem
G x - c ≥ 0, x ≥ 0, xᵀ(G x - c) = 0, solved by exchanging whole blocks of unknowns between zero and positive
(L. F. Portugal, J. J. Júdice, L. N. Vicente, Math. Comput. 63 (1994) 625-643). From a near start it takes two or
three Cholesky factorisations.

The strength maximises the evidence p(b|λ), that is the likelihood of the data once x and σ² are integrated out
(D. J. C. MacKay, Neural Comput. 4 (1992) 415-447), about the positive unknowns P (m of them smooth, q of the others,
N rows):

    2 ln p = -(N - q) ln S - ln |G_PP| + m ln λ + ln |(DᵀD)_PP|,   S = |A x - b|² + λ |D x|².     (2)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

STRENGTHS = np.logspace(3.0, -10.0, 27)
"""Tried for λ, where DᵀD has the trace of AᵀA: from nearly a straight line to what only rounding would notice."""
MIDDLE = 12
"""Of them, the index of 1e-3, tried first."""
FORGOTTEN = 12.0
"""Fall of ln p below its largest, beyond which strengths on that side weigh nothing and are not tried."""
PATIENCE = 5
"""Block exchanges without progress before single ones, which cannot cycle."""
MOST_EXCHANGES = 1000
"""Of a draw."""
SETTLING = 25
"""Exchanges in the search of the strength, beyond which rounding keeps unknowns from settling; mostly it takes fewer than ten."""
LOST = 1e-13
"""Of a pivot, below which rounding has taken it."""


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _factorise(matrix: Floats, index: NDArray[np.int64], lower: Floats) -> float:
    """Cholesky factor of the rows and columns in `index`, and ln of the determinant.

    Zeros before the first entry of a row are passed over, so that a banded matrix takes few operations. An unknown whose pivot is lost to rounding is held at zero, and the determinant is infinite.
    """
    logarithm = 0.0
    for i in range(index.size):
        start = 0
        while matrix[index[i], index[start]] == 0.0 and start < i:
            lower[i, start] = 0.0
            start += 1
        for j in range(start, i + 1):
            total = 0.0
            for k in range(start, j):
                total += lower[i, k] * lower[j, k]
            total = matrix[index[i], index[j]] - total
            if j < i:
                lower[i, j] = total / lower[j, j]
            else:
                kept = total > LOST * matrix[index[i], index[i]]
                lower[i, i] = np.sqrt(total) if kept else np.inf
                logarithm += 2.0 * np.log(lower[i, i])
    return logarithm


@njit(cache=True, nogil=True)
def _solve_factored(lower: Floats, right: Floats) -> None:
    """Solve L Lᵀ x = right in place."""
    size = right.size
    for i in range(size):
        for k in range(i):
            right[i] -= lower[i, k] * right[k]
        right[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        right[i] /= lower[i, i]
        for k in range(i):
            right[k] -= lower[i, k] * right[i]


@njit(cache=True, nogil=True)
def _wrong(matrix: Floats, right: Floats, index: NDArray[np.int64], x: Floats, positive: Flags) -> Flags:
    """Unknowns below zero, and those at zero that the gradient would raise."""
    wrong = np.zeros(x.size, np.bool_)
    for i in range(x.size):
        if positive[i]:
            wrong[i] = x[i] < 0.0
        else:
            slope, size = -right[i], abs(right[i])
            for j in index:
                slope += matrix[i, j] * x[j]
                size = max(size, abs(matrix[i, j] * x[j]))
            wrong[i] = slope < -1e-12 * size
    return wrong


@njit(cache=True, nogil=True)
def nonnegative(
    matrix: Floats, right: Floats, positive: Flags, lower: Floats, most: int = MOST_EXCHANGES
) -> tuple[Floats, float]:
    """Least ½ xᵀG x - cᵀx with x ≥ 0, for symmetric positive G (n, n) and c (n,): x and ln |G_PP|.

    `positive` (n,) says where to start and is left with the unknowns above zero, `lower` (n, n) with their factor. Where the
    unknowns do not settle within `most` exchanges, the determinant is infinite.
    """
    x = np.zeros(right.size)
    determinant = 0.0
    fewest, patience = right.size + 1, PATIENCE
    for _ in range(most):
        index = np.flatnonzero(positive)
        part = right[index]
        determinant = _factorise(matrix, index, lower)
        _solve_factored(lower, part)
        x[:] = 0.0
        x[index] = part
        wrong = _wrong(matrix, right, index, x, positive)
        count = wrong.sum()
        if count == 0:
            return x, determinant
        if count < fewest:
            fewest, patience = count, PATIENCE
        elif patience > 0:
            patience -= 1
        else:
            wrong[: np.flatnonzero(wrong)[-1]] = False
        positive ^= wrong
    return np.maximum(x, 0.0), np.inf


@njit(cache=True, nogil=True)
def _drawn(matrix: Floats, right: Floats, start: Flags, noise: Floats, positive: Flags, lower: Floats) -> Floats:
    """Solutions (k, n) for the right-hand sides c + noise (k, n), each found from the same start."""
    found = np.empty_like(noise)
    for row in range(noise.shape[0]):
        positive[:] = start
        found[row] = nonnegative(matrix, right + noise[row], positive, lower)[0]
    return found


@dataclass(frozen=True, eq=False)
class Regularised:
    """The solution of (1) at the strength of largest evidence, and what its samples need."""

    unknowns: Floats
    """(n,)"""
    variance: float
    """σ² = S/(N - q) of the weighted rows."""
    evidence: float
    """Largest ln p(b|λ) of (2), up to a constant of the number of rows."""
    strength: float
    """λ, where D is scaled so that DᵀD has the trace of AᵀA."""
    weights: Floats
    """p(λ|b) of each of STRENGTHS, with every decade equally likely beforehand; their sum is 1."""
    matrix: Floats
    data: Floats
    differences: Floats
    """D, scaled."""


@lru_cache(maxsize=16)
def second_differences(size: int, first: int) -> tuple[Floats, Floats]:
    """D (size - first, size) and DᵀD: zeros for the first unknowns, second differences of the others, zero beyond the ends."""
    smooth = size - first
    differences = np.hstack(
        [np.zeros((smooth, first)), 2.0 * np.eye(smooth) - np.eye(smooth, k=1) - np.eye(smooth, k=-1)]
    )
    penalty = differences.T @ differences
    differences.flags.writeable = penalty.flags.writeable = False
    return differences, penalty


def regularise(
    matrix: Floats, data: Floats, first: int, *, near: Regularised | None = None, held: bool = False
) -> Regularised:
    """Solve (1) for the strength of largest evidence (2).

    matrix (N, n) and data (N,), weighted to equal variance; the `first` unknowns bear no penalty. `near` is the solution of
    nearly the same problem: from its strength the evidence is climbed to the nearest top, for a comparison, or taken at that strength if it is `held`
    (climbed all the same where unknowns do not settle there); `sampled` needs all that weigh. Those are tried from the middle to both sides, until the evidence has fallen by FORGOTTEN. Limit: without
    noise the strength falls until rounding ends it, and a single spike stays one.

    On nine simulated spectra of relaxation times with 0.1, 0.5 and 2 % of noise, the solution of largest evidence was 6, 13
    and 20 % further from the truth (area between the integrals) than that of the best strength there was, in the median;
    generalised cross-validation 13, 15 and 13 %, the L-curve 14, 32 and 48 %, exchange of real and imaginary part 31, 35
    and 30 %. In the worst tenth of draws generalised cross-validation fell 18 to 25 % behind the evidence.
    """
    differences, penalty = second_differences(matrix.shape[1], first)
    normal, right = matrix.T @ matrix, matrix.T @ data
    scale = np.trace(normal[first:, first:]) / np.trace(penalty)
    differences, penalty = np.sqrt(scale) * differences, scale * penalty
    positive, lower = np.ones(right.size, bool), np.zeros_like(normal)
    start, fall = MIDDLE, FORGOTTEN
    if near is not None:
        if near.unknowns.size != right.size:
            raise ValueError(f"near has {near.unknowns.size} unknowns, not {right.size}")
        positive, start, fall = near.unknowns > 0.0, int(np.argmax(near.weights)), 0.0
    evidence = np.full(STRENGTHS.size, -np.inf)
    found = {}

    def fell(at: int) -> bool:
        """Whether there is too little evidence at this strength to go on."""
        strength = STRENGTHS[at]
        x, determinant = nonnegative(normal + strength * penalty, right, positive, lower, SETTLING)
        residual = matrix @ x - data
        total = float(residual @ residual + strength * (x @ penalty @ x))
        index = np.flatnonzero(positive)
        smooth = index[index >= first]
        freedom = data.size - (index.size - smooth.size)
        prior = smooth.size * np.log(strength) + _factorise(penalty, smooth, lower)
        evidence[at] = 0.5 * (prior - determinant - freedom * np.log(total))
        found[at] = total / freedom, x
        return bool(evidence[at] < np.max(evidence) - fall)

    fell(start)
    for way in (
        () if held and np.isfinite(evidence[start]) else (range(start + 1, STRENGTHS.size), range(start - 1, -1, -1))
    ):
        next(filter(fell, way), None)
    best = int(np.argmax(evidence))
    weights = np.exp(evidence - evidence[best])
    variance, unknowns = found[best]
    return Regularised(
        unknowns,
        variance,
        float(evidence[best]),
        float(STRENGTHS[best]),
        weights / weights.sum(),
        matrix,
        data,
        differences,
    )


def sampled(found: Regularised, count: int, seed: int) -> Floats:
    """(count, n) solutions spread as the data allow, the same for the same seed.

    Data and vanishing differences are drawn anew with variance σ², and (1) is solved for each draw, λ and σ²
    themselves drawn from what the data say of them. Without bounds this is exactly the posterior distribution; with them,
    its mass below zero is projected onto zero in the metric of G (J. M. Bardsley, P. C. Hansen, SIAM J. Sci. Comput.
    42 (2020) A1269-A1288).
    """
    random = np.random.default_rng(seed)
    normal, right = found.matrix.T @ found.matrix, found.matrix.T @ found.data
    penalty = found.differences.T @ found.differences
    positive, lower = np.ones(right.size, bool), np.zeros_like(normal)
    drawn = []
    for strength, times in zip(STRENGTHS, random.multinomial(count, found.weights), strict=True):
        if not times:
            continue
        system = normal + strength * penalty
        x, _ = nonnegative(system, right, positive, lower)
        residual = found.matrix @ x - found.data
        total = residual @ residual + strength * (x @ penalty @ x)
        deviation = np.sqrt(total / random.chisquare(found.data.size, times))[:, None]
        noise = random.standard_normal((times, found.data.size)) @ found.matrix
        noise += np.sqrt(strength) * random.standard_normal((times, len(found.differences))) @ found.differences
        drawn.append(_drawn(system, right, positive.copy(), deviation * noise, positive, lower))
    return random.permutation(np.concatenate(drawn))
