"""Particles drawn on a grid of voxels: the compiled part.

The gauge of a particle at a point is the factor by which the particle must
grow about its centre to reach the point: below one inside, one on the surface.
Every function here leaves, for each voxel, the least squared gauge of all
particles and the particle whose it is. `periodic` says of each axis whether
the grid goes on around it, or ends.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True)
def draw_ellipsoids(
    best: Any, owner: Any, first: int, centres: Any, forms: Any, extents: Any, voxel: Any, periodic: Any, reach: float
) -> None:
    """Gauge² = dᵀ F d, d from the centre; `forms` holds F as xx, yy, zz, xy, xz, yz, `extents` the half widths."""
    shape = best.shape
    for i in range(len(centres)):
        f = forms[i]
        lows, highs = bounds(centres[i], reach * extents[i], voxel, shape, periodic)
        for a in range(lows[0], highs[0] + 1):
            x, ix = (a + 0.5) * voxel[0] - centres[i, 0], a % shape[0]
            for b in range(lows[1], highs[1] + 1):
                y, iy = (b + 0.5) * voxel[1] - centres[i, 1], b % shape[1]
                constant = f[0] * x * x + f[1] * y * y + 2.0 * f[3] * x * y
                half = f[4] * x + f[5] * y
                room = half * half - f[2] * (constant - reach * reach)
                if room <= 0.0:
                    continue
                middle, width = centres[i, 2] - half / f[2], np.sqrt(room) / f[2]
                low = max(lows[2], int(np.ceil((middle - width) / voxel[2] - 0.5)))
                high = min(highs[2], int(np.floor((middle + width) / voxel[2] - 0.5)))
                for c in range(low, high + 1):
                    z, iz = (c + 0.5) * voxel[2] - centres[i, 2], c % shape[2]
                    gauge = np.float32(constant + z * (2.0 * half + f[2] * z))
                    if gauge < best[ix, iy, iz]:
                        best[ix, iy, iz] = gauge
                        owner[ix, iy, iz] = first + i


@njit(cache=True)
def draw_polyhedra(
    best: Any, owner: Any, first: int, centres: Any, planes: Any, extents: Any, voxel: Any, periodic: Any, reach: float
) -> None:
    """Gauge = max_k p_k·d; `planes` holds for each particle the normals over their distances from the centre."""
    shape = best.shape
    faces = planes.shape[1]
    start = np.empty(faces)
    for i in range(len(centres)):
        lows, highs = bounds(centres[i], reach * extents[i], voxel, shape, periodic)
        for a in range(lows[0], highs[0] + 1):
            x, ix = (a + 0.5) * voxel[0] - centres[i, 0], a % shape[0]
            for b in range(lows[1], highs[1] + 1):
                y, iy = (b + 0.5) * voxel[1] - centres[i, 1], b % shape[1]
                for k in range(faces):
                    start[k] = planes[i, k, 0] * x + planes[i, k, 1] * y
                for c in range(lows[2], highs[2] + 1):
                    z, iz = (c + 0.5) * voxel[2] - centres[i, 2], c % shape[2]
                    gauge = 0.0
                    for k in range(faces):
                        gauge = max(gauge, start[k] + planes[i, k, 2] * z)
                    squared = np.float32(gauge * gauge)
                    if gauge < reach and squared < best[ix, iy, iz]:
                        best[ix, iy, iz] = squared
                        owner[ix, iy, iz] = first + i


@njit(cache=True)
def delay_seams(growth: Any, owner: Any, free: Any, periodic: Any, factor: float) -> None:
    """Multiply the growth where two particles meet beyond their own size, in one of each pair of voxels."""
    shape = growth.shape
    for a in range(shape[0]):
        for b in range(shape[1]):
            for c in range(shape[2]):
                if not free[a, b, c] or not 1.0 < growth[a, b, c] < np.inf:
                    continue
                for axis in range(3):
                    x, y, z = a + (axis == 0), b + (axis == 1), c + (axis == 2)
                    ends = x == shape[0] or y == shape[1] or z == shape[2]
                    if ends and not periodic[axis]:
                        continue
                    x, y, z = x % shape[0], y % shape[1], z % shape[2]
                    grown = free[x, y, z] and 1.0 < growth[x, y, z] < np.inf
                    if grown and owner[x, y, z] != owner[a, b, c]:
                        growth[a, b, c] *= factor
                        break


@njit(cache=True)
def bounds(centre: Any, extent: Any, voxel: Any, shape: Any, periodic: Any) -> tuple[Any, Any]:
    """First and last voxel of the box around a particle, no voxel twice."""
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    for axis in range(3):
        low[axis] = int(np.ceil((centre[axis] - extent[axis]) / voxel[axis] - 0.5))
        high[axis] = int(np.floor((centre[axis] + extent[axis]) / voxel[axis] - 0.5))
        if not periodic[axis]:
            low[axis], high[axis] = max(low[axis], 0), min(high[axis], shape[axis] - 1)
        elif high[axis] - low[axis] >= shape[axis]:
            middle = int(np.floor(centre[axis] / voxel[axis]))
            low[axis] = middle - (shape[axis] - 1) // 2
            high[axis] = low[axis] + shape[axis] - 1
    return low, high


@njit(cache=True)
def draw_two_nearest(
    nearest: Any, second: Any, centres: Any, radii: Any, voxel: Any, periodic: Any, reach: float
) -> None:
    """Distances to the surfaces of the nearest sphere and of the one after it, where they are below `reach`."""
    shape = nearest.shape
    extent = np.empty(3)
    for i in range(len(centres)):
        extent[:] = radii[i] + reach
        lows, highs = bounds(centres[i], extent, voxel, shape, periodic)
        for a in range(lows[0], highs[0] + 1):
            x, ix = (a + 0.5) * voxel[0] - centres[i, 0], a % shape[0]
            for b in range(lows[1], highs[1] + 1):
                y, iy = (b + 0.5) * voxel[1] - centres[i, 1], b % shape[1]
                for c in range(lows[2], highs[2] + 1):
                    z, iz = (c + 0.5) * voxel[2] - centres[i, 2], c % shape[2]
                    gap = np.float32(np.sqrt(x * x + y * y + z * z) - radii[i])
                    if gap > reach:
                        continue
                    if gap < nearest[ix, iy, iz]:
                        second[ix, iy, iz] = nearest[ix, iy, iz]
                        nearest[ix, iy, iz] = gap
                    elif gap < second[ix, iy, iz]:
                        second[ix, iy, iz] = gap


@njit(cache=True)
def draw_grains(
    best: Any, owner: Any, seeds: Any, parent: Any, particles: Any, voxel: Any, periodic: Any, reach: float
) -> None:
    """The nearest seed of a voxel's own particle, of those within `reach`; `best` is the squared distance."""
    shape = best.shape
    extent = np.full(3, reach)
    for i in range(len(seeds)):
        lows, highs = bounds(seeds[i], extent, voxel, shape, periodic)
        for a in range(lows[0], highs[0] + 1):
            x, ix = (a + 0.5) * voxel[0] - seeds[i, 0], a % shape[0]
            for b in range(lows[1], highs[1] + 1):
                y, iy = (b + 0.5) * voxel[1] - seeds[i, 1], b % shape[1]
                for c in range(lows[2], highs[2] + 1):
                    z, iz = (c + 0.5) * voxel[2] - seeds[i, 2], c % shape[2]
                    squared = np.float32(x * x + y * y + z * z)
                    if particles[ix, iy, iz] == parent[i] and squared < best[ix, iy, iz]:
                        best[ix, iy, iz] = squared
                        owner[ix, iy, iz] = i + 1
