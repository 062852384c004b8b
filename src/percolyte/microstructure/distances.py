"""Distances within a volume: to the edge of a phase, and along a phase from one side to the other."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.microstructure.volume import Lengths

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
FAR = np.float32(1e30)


def distance_inside(mask: Mask, voxel: Lengths) -> Floats:
    """Distance (m) of each voxel of the mask to the nearest voxel outside it, between centres; 0 outside.

    Exact: the squared distance is separable, min over y of (x - y)² + f(y) on
    each line, which is the lower envelope of parabolas (Felzenszwalb and
    Huttenlocher, Theory of Computing 8 (2012) 415, section 2). The sides of the
    volume are no edge; a mask that fills the volume is `inf` from every edge.
    """
    squared = np.where(mask, FAR, np.float32(0.0))
    for axis in (2, 1, 0):
        _squared_along(np.moveaxis(squared, axis, 2), np.float32(voxel[axis] ** 2))
    squared[squared >= FAR] = np.inf
    return np.sqrt(squared, out=squared)


@njit(cache=True, nogil=True)
def _squared_along(squared: Floats, step: np.float32) -> None:
    """Lower envelope of the parabolas of each line along the last axis, in place; `step` is a squared length."""
    ni, nj, n = squared.shape
    line = np.empty(n, dtype=np.float32)
    apex = np.empty(n, dtype=np.int32)
    start = np.empty(n + 1, dtype=np.float32)
    for i in range(ni):
        for j in range(nj):
            last = -1
            for q in range(n):
                line[q] = squared[i, j, q] / step
            for q in range(n):
                if line[q] >= FAR / step:
                    continue
                crossing = np.float32(-1.0)
                while last >= 0:
                    p = apex[last]
                    crossing = ((line[q] - line[p]) / np.float32(q - p) + np.float32(q + p)) * np.float32(0.5)
                    if crossing > start[last]:
                        break
                    last -= 1
                last += 1
                apex[last] = q
                start[last] = crossing if last > 0 else np.float32(-1.0)
            if last < 0:
                continue
            start[last + 1] = np.float32(n)
            p = 0
            for q in range(n):
                while start[p + 1] < q:
                    p += 1
                away = np.float32(q - apex[p])
                squared[i, j, q] = step * (away * away + line[apex[p]])


def path_lengths(mask: Mask, voxel: Lengths, axis: int) -> Floats:
    """Length (m) of the shortest way within the mask from the first side of an axis; `inf` where there is none.

    Solves |∇u| = 1 with u = 0 on the side by first-order upwind differences
    (Rouy and Tourin, SIAM J. Numer. Anal. 29 (1992) 867), so that ways are
    Euclidean and not along the faces of voxels. Straight ways are exact; ways
    oblique to the grid and around corners come out up to 5 % too long. Steps go
    through faces only.
    """
    lengths = np.where(mask, np.inf, -1.0).astype(np.float32)
    padded = np.pad(lengths, 1, constant_values=-1.0)
    _march(padded, np.array(voxel, dtype=np.float32), axis)
    found = padded[1:-1, 1:-1, 1:-1]
    found[~mask] = np.inf
    return found


@njit(cache=True, nogil=True)
def _march(padded: Floats, voxel: Floats, axis: int) -> None:
    """Update the neighbours of voxels that became nearer, those within one more voxel's length first; -1 is no way."""
    ni, nj, nk = padded.shape
    u = padded.reshape(-1)
    steps = (nj * nk, nk, 1)
    waiting = np.zeros(u.size, dtype=np.bool_)
    front, later = np.empty(u.size, dtype=np.int64), np.empty(u.size, dtype=np.int64)
    count, postponed = 0, 0
    for i in range(1, ni - 1):
        for j in range(1, nj - 1):
            for k in range(1, nk - 1):
                here = (i * nj + j) * nk + k
                if (i, j, k)[axis] == 1 and u[here] > 0.0:
                    u[here] = np.float32(0.5) * voxel[axis]
                    front[count] = here
                    count += 1
    shortest = voxel.min()
    tolerance = np.float32(1e-3) * shortest
    limit = voxel[axis]
    while count > 0:
        while count > 0:
            count -= 1
            here = front[count]
            waiting[here] = False
            for direction in range(6):
                there = here + (steps[direction // 2] if direction % 2 else -steps[direction // 2])
                if u[there] <= u[here]:
                    continue
                nearer = _upwind(u, there, steps, voxel)
                if nearer >= u[there] - tolerance:
                    continue
                u[there] = nearer
                if waiting[there]:
                    continue
                waiting[there] = True
                if nearer <= limit:
                    front[count] = there
                    count += 1
                else:
                    later[postponed] = there
                    postponed += 1
        front, later = later, front
        count, postponed = postponed, 0
        limit += shortest


@njit(cache=True, nogil=True)
def _upwind(u: Floats, here: int, steps: tuple[int, int, int], voxel: Floats) -> np.float32:
    """The u with Σ ((u - u_d) / h_d)² = 1 over the axes d whose nearer neighbour lies below it."""
    a, b, c = (
        (_nearer(u, here, steps[0]), voxel[0]),
        (_nearer(u, here, steps[1]), voxel[1]),
        (_nearer(u, here, steps[2]), voxel[2]),
    )
    if b[0] < a[0]:
        a, b = b, a
    if c[0] < b[0]:
        b, c = c, b
        if b[0] < a[0]:
            a, b = b, a
    # relative to the nearest, where single precision loses nothing
    total = np.float32(1.0) / (a[1] * a[1])
    linear = square = np.float32(0.0)
    rise = a[1]
    for near, length in (b, c):
        away = near - a[0]
        if away >= rise:
            break
        weight = np.float32(1.0) / (length * length)
        total += weight
        linear += weight * away
        square += weight * away * away
        rise = (linear + math.sqrt(max(linear * linear - total * (square - np.float32(1.0)), np.float32(0.0)))) / total
    return np.float32(a[0] + rise)


@njit(cache=True, nogil=True)
def _nearer(u: Floats, here: int, step: int) -> np.float32:
    """The nearer of two neighbours along an axis; -1 is no way."""
    back, front = u[here - step], u[here + step]
    if back < 0.0:
        back = np.float32(np.inf)
    return np.float32(back if front < 0.0 or back < front else front)
