"""Distances within a volume: to the edge of a phase, and along a phase from one side to the other."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.microstructure.volume import Labels, Lengths

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]
Two = tuple[np.float32, np.float32, np.int32, np.int32]
"""Squared distances to two parts, the nearer first, and their numbers."""
Steps = tuple[np.float32, np.float32, np.float32]
FAR = np.float32(1e30)
LINES = 64
"""Lines that are taken together, which lie side by side in memory."""
WALL, OPEN, WAITING = 0, 1, 2
"""States of a voxel while ways are followed."""


def distance_inside(mask: Mask, voxel: Lengths) -> Floats:
    """Distance (m) of each voxel of the mask to the nearest voxel outside it, between centres; 0 outside.

    Exact: the squared distance is separable, the min over y of (x - y)² + f(y)
    on the lines along each axis (Felzenszwalb and Huttenlocher, Theory of
    Computing 8 (2012) 415, section 2), and no y is farther than the least value
    found so far. The sides of the volume are no edge; a mask that fills the
    volume is `inf` from every edge.
    """
    ni, nj, nk = mask.shape
    squared = np.where(mask, FAR, np.float32(0.0))
    _from_ends(squared, np.float32(voxel[2]))
    _squared_along(squared, np.float32(voxel[1] ** 2))
    _squared_along(squared.reshape(1, ni, nj * nk), np.float32(voxel[0] ** 2))
    squared[squared >= FAR] = np.inf
    return np.sqrt(squared, out=squared)


@njit(cache=True, nogil=True)
def _from_ends(squared: Floats, length: np.float32) -> None:
    """Squared distance to the nearer end of each run of the mask along the last axis, in place."""
    ni, nj, n = squared.shape
    for i in range(ni):
        for j in range(nj):
            line = squared[i, j]
            last = -1
            for k in range(n + 1):
                if k < n and line[k] > 0.0:
                    continue
                for inner in range(last + 1, k):
                    away = min(inner - last if last >= 0 else n, k - inner if k < n else n)
                    line[inner] = (np.float32(away) * length) ** 2 if away < n else FAR
                last = k


@njit(cache=True, nogil=True, fastmath=True)
def _squared_along(squared: Floats, step: np.float32) -> None:
    """The squared distances along the middle axis as well, in place, many lines at a time; `step` is a squared length."""
    ni, n, nk = squared.shape
    before = np.empty((n, LINES), dtype=np.float32)
    best = np.empty(LINES, dtype=np.float32)
    for i in range(ni):
        for first in range(0, nk, LINES):
            width = min(LINES, nk - first)
            before[:, :width] = squared[i, :, first : first + width]
            for q in range(n):
                best[:width] = before[q, :width]
                away = 1
                while away < n and step * np.float32(away * away) < best[:width].max():
                    more = step * np.float32(away * away)
                    if q >= away:
                        for line in range(width):
                            best[line] = min(best[line], before[q - away, line] + more)
                    if q + away < n:
                        for line in range(width):
                            best[line] = min(best[line], before[q + away, line] + more)
                    away += 1
                squared[i, q, first : first + width] = best[:width]


def two_nearest(parts: Ints, voxel: Lengths, reach: float) -> tuple[Floats, Floats]:
    """Distance (m) of each voxel to the nearest part and to the nearest other one, between centres.

    Parts have numbers from 1. Exact up to `reach`, `inf` beyond. Separable as
    `distance_inside` is: a part that is one of the two nearest to a voxel is one
    of the two nearest to the point of a line next to it, since whichever were
    nearer there would be nearer to the voxel too. Limit: the second distance is
    `inf` where there is one part only.
    """
    found = parts > 0
    nearest = np.where(found, np.float32(0.0), FAR)
    second = np.full(parts.shape, FAR)
    one, other = parts.astype(np.int32), np.zeros(parts.shape, np.int32)
    for axis in (2, 1, 0):
        low, high = np.moveaxis(nearest, axis, 2), np.moveaxis(second, axis, 2)
        a, b = np.moveaxis(one, axis, 2), np.moveaxis(other, axis, 2)
        _two_along(low, high, a, b, np.float32(voxel[axis] ** 2), np.float32(reach**2))
    for squared in (nearest, second):
        squared[squared >= FAR] = np.inf
        np.sqrt(squared, out=squared)
    return nearest, second


@njit(cache=True, nogil=True)
def _two_along(nearest: Floats, second: Floats, one: Ints, other: Ints, step: np.float32, limit: np.float32) -> None:
    """The two least squared distances along the last axis as well, with their parts, in place."""
    ni, nj, n = nearest.shape
    for i in range(ni):
        for j in range(nj):
            # of the line as it was, which the loop overwrites
            low, high = nearest[i, j].copy(), second[i, j].copy()
            a, b = one[i, j].copy(), other[i, j].copy()
            for q in range(n):
                best = (low[q], high[q], a[q], b[q])
                away = 1
                while away < n and step * np.float32(away * away) <= min(best[1], limit):
                    more = step * np.float32(away * away)
                    for p in (q - away, q + away):
                        if 0 <= p < n:
                            best = _entered(best, low[p] + more, a[p], limit)
                            best = _entered(best, high[p] + more, b[p], limit)
                    away += 1
                nearest[i, j, q], second[i, j, q], one[i, j, q], other[i, j, q] = best


@njit(cache=True, nogil=True)
def _entered(best: Two, squared: np.float32, part: np.int32, limit: np.float32) -> Two:
    """The two nearest parts with one more candidate."""
    low, high, a, b = best
    if squared > limit:
        return best
    if part == a:
        return min(low, squared), high, a, b
    if squared < low:
        return squared, low, part, a
    if squared < high:
        return low, squared, a, part
    return best


def path_lengths(mask: Mask, voxel: Lengths, axis: int) -> Floats:
    """Length (m) of the shortest way within the mask from the first side of an axis; `inf` where there is none.

    Solves |∇u| = 1 with u = 0 on the side by first-order upwind differences
    (Rouy and Tourin, SIAM J. Numer. Anal. 29 (1992) 867), so that ways are
    Euclidean and not along the faces of voxels. Straight ways are exact; ways
    oblique to the grid and around corners come out up to 5 % too long. Steps go
    through faces only.
    """
    order = (axis, *(other for other in range(3) if other != axis))
    # the side comes first in memory, so that the front of the ways lies close together in it
    state = np.pad(mask.view(np.uint8).transpose(order), 1)
    lengths = np.full(state.shape, np.inf, dtype=np.float32)
    first, second, third = (np.float32(voxel[each]) for each in order)
    _march(lengths, state, (first, second, third))
    return lengths[1:-1, 1:-1, 1:-1].transpose(np.argsort(order))


@njit(cache=True, nogil=True)
def _march(lengths: Floats, state: Labels, voxel: Steps) -> None:
    """Solve for the neighbours of voxels that became nearer, in their order, those within one more voxel's length first.

    A voxel is solved for once its turn comes, not at each neighbour's: by then most know their final values.
    """
    _, nj, nk = lengths.shape
    u, state_of = lengths.reshape(-1), state.reshape(-1)
    most = np.count_nonzero(state_of) + 1
    front, later = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    first, end, postponed = 0, 0, 0
    for here in range(nj * nk, 2 * nj * nk):
        if state_of[here] == OPEN:
            u[here] = np.float32(0.5) * voxel[0]
            there = here + nj * nk
            if state_of[there] == OPEN:
                state_of[there] = WAITING
                front[end] = there
                end += 1
    one = np.float32(1.0)
    squares = (one / voxel[0] ** 2, one / voxel[1] ** 2, one / voxel[2] ** 2)
    shortest = min(voxel[0], voxel[1], voxel[2])
    tolerance = np.float32(1e-3) * shortest
    # one that lies higher by ε is lowered by ε²/2h at most, which is below the tolerance
    slight = np.float32(0.04) * shortest
    limit = voxel[0]
    while first != end:
        while first != end:
            here = front[first]
            first = first + 1 if first + 1 < most else 0
            state_of[here] = OPEN
            nearer = _upwind(u, here, nj * nk, nk, voxel, squares)
            if nearer >= u[here] - tolerance:
                continue
            u[here] = nearer
            for step in (-nj * nk, -nk, -1, 1, nk, nj * nk):
                there = here + step
                if state_of[there] != OPEN or u[there] <= nearer + slight:
                    continue
                state_of[there] = WAITING
                if nearer <= limit:
                    front[end] = there
                    end = end + 1 if end + 1 < most else 0
                else:
                    later[postponed] = there
                    postponed += 1
        front, later = later, front
        first, end, postponed = 0, postponed, 0
        limit += shortest


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "arcp", "contract"})
def _upwind(u: Floats, here: int, plane: int, row: int, voxel: Steps, squares: Steps) -> np.float32:
    """The u with Σ ((u - u_d) / h_d)² = 1 over the axes d whose nearer neighbour lies below it.

    Without branches, which cost more than what they would spare: a neighbour at
    or above the solution without it, taken at the height of that solution,
    changes nothing. `squares` are the 1/h².
    """
    a, of_a, per_a = min(u[here - plane], u[here + plane]), voxel[0], squares[0]
    b, of_b, per_b = min(u[here - row], u[here + row]), voxel[1], squares[1]
    c, per_c = min(u[here - 1], u[here + 1]), squares[2]
    a, of_a, per_a, b, per_b = (b, of_b, per_b, a, per_a) if b < a else (a, of_a, per_a, b, per_b)
    a, of_a, per_a, c, per_c = (c, voxel[2], per_c, a, per_a) if c < a else (a, of_a, per_a, c, per_c)
    b, per_b, c, per_c = (c, per_c, b, per_b) if c < b else (b, per_b, c, per_c)
    one, zero = np.float32(1.0), np.float32(0.0)
    # relative to the nearest, where single precision loses nothing
    away = min(b - a, of_a)
    total, linear, square = per_a + per_b, per_b * away, per_b * away * away
    rise = (linear + math.sqrt(max(linear * linear - total * (square - one), zero))) / total
    away = min(c - a, rise)
    total, linear, square = total + per_c, linear + per_c * away, square + per_c * away * away
    rise = (linear + math.sqrt(max(linear * linear - total * (square - one), zero))) / total
    return np.float32(a + rise)
