"""Compiled sweeps of the solver over the voxels.

A sweep takes the planes from `start` to `stop`, and does as much as it can with a plane
while it is in the cache: what needs a plane and its neighbours follows one plane behind. On
the first and the last plane it waits for the sweeps on both sides, and is made up for by the
function of the same name with `_ends`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from percolyte.numerics.aggregation import OVERCORRECTION
from percolyte.numerics.blocks import part_of
from percolyte.numerics.grid import (
    PLANES,
    compiled,
    decode,
    inlined,
    inverse_diagonal_row,
    product_row,
    residual_row,
    wrap,
)


def _chebyshev(low: float, high: float = 2.0) -> tuple[float, float]:
    """c0, c1 of z = (c0 + c1 D⁻¹A) D⁻¹r with the roots of degree two on [low, high]."""
    middle, half = (high + low) / 2, (high - low) / 2
    first, second = 1 / (middle - half * np.sqrt(0.5)), 1 / (middle + half * np.sqrt(0.5))
    return first + second, -first * second


C0, C1 = (np.float32(c) for c in _chebyshev(0.5))


@compiled
def rows_like(u: Any) -> Any:
    """Work rows: one in the precision of u between two of 32 bits."""
    columns = u.shape[2]
    return np.zeros(columns, np.float32), np.zeros(columns, u.dtype), np.zeros(columns, np.float32)


@inlined
def kept_row(faces: Any, i: int, j: int, spare: Any) -> Any:
    """Where `scaled_residual` leaves 1/diag(A) for `smooth_plane`; the spare row where it is quickly found again."""
    return spare if faces is None else faces[i % PLANES, 3, j]


@compiled
def scaled_residual(grid: Any, faces: Any, u: Any, z: Any, i: int, rows: Any, t: Any) -> None:
    """Plane i of -D⁻¹A(u + z) into t; no z stands for zero. The plane before is decoded, this one is not yet."""
    decode(grid, i, faces)
    if i == 0 or i == u.shape[0] - 1:
        t[:] = 0.0
        return
    spare, row, other = rows
    for j in range(1, u.shape[1] - 1):
        inverse = kept_row(faces, i, j, spare)
        inverse_diagonal_row(grid, faces, i, j, inverse)
        if z is None:
            product_row(grid, faces, i, j, u[i - 1], u[i], u[i + 1], row)
            for k in range(1, row.size - 1):
                t[j, k] = -inverse[k] * row[k]
        else:
            residual_row(grid, faces, i, j, u, z, other)
            for k in range(1, other.size - 1):
                t[j, k] = inverse[k] * other[k]
    wrap(grid, t)


@compiled
def smooth_plane(grid: Any, faces: Any, ring: Any, i: int, rows: Any, fresh: bool, z: Any) -> None:
    """Add (c0 + c1 D⁻¹A) t to plane i of z, or to zero if `fresh`; the ring holds t on that plane and its neighbours."""
    spare, _, row = rows
    below, here, above = ring[(i - 1) % 3], ring[i % 3], ring[(i + 1) % 3]
    for j in range(1, z.shape[1] - 1):
        inverse = kept_row(faces, i, j, spare)
        if faces is None:
            inverse_diagonal_row(grid, faces, i, j, inverse)
        product_row(grid, faces, i, j, below, here, above, row)
        if fresh:
            for k in range(1, row.size - 1):
                z[i, j, k] = C0 * here[j, k] + C1 * inverse[k] * row[k]
        else:
            for k in range(1, row.size - 1):
                z[i, j, k] += C0 * here[j, k] + C1 * inverse[k] * row[k]
    wrap(grid, z[i])


@compiled
def beside(grid: Any, faces: Any, u: Any, z: Any, edges: Any, start: int, stop: int) -> None:
    """The scaled residual just before and just after some planes, before another thread changes z there."""
    rows = rows_like(u)
    for i, edge in ((start - 1, edges[0]), (stop, edges[1])):
        decode(grid, max(i - 1, 0), faces)
        scaled_residual(grid, faces, u, z, i, rows, edge)


@compiled
def go_down(
    grid: Any, faces: Any, u: Any, z: Any, parts: Any, first: Any, coarse: Any, edges: Any, start: int, stop: int
) -> None:
    """Smooth z from zero, and add what it leaves, -A(u + z), to each part; `edges` is what `beside` found."""
    ring = np.zeros((3, *z.shape[1:]), np.float32)
    rows = rows_like(u)
    left = np.zeros((2, z.shape[2]), np.float32)
    ring[(start - 1) % 3] = edges[0]
    decode(grid, start - 1, faces)
    scaled_residual(grid, faces, u, None, start, rows, ring[start % 3])
    for i in range(start, stop):
        if i + 1 < stop:
            scaled_residual(grid, faces, u, None, i + 1, rows, ring[(i + 1) % 3])
        else:
            ring[(i + 1) % 3] = edges[1]
        smooth_plane(grid, faces, ring, i, rows, True, z)
        if i - 1 > start:
            restrict_plane(grid, faces, u, z, parts, first, coarse, i - 1, left)


@compiled
def go_down_ends(
    grid: Any, faces: Any, u: Any, z: Any, parts: Any, first: Any, coarse: Any, start: int, stop: int
) -> None:
    left = np.zeros((2, z.shape[2]), np.float32)
    for i in range(start, stop, max(stop - start - 1, 1)):
        decode(grid, i - 1, faces)
        decode(grid, i, faces)
        restrict_plane(grid, faces, u, z, parts, first, coarse, i, left)


@compiled
def restrict_plane(
    grid: Any, faces: Any, u: Any, z: Any, parts: Any, first: Any, coarse: Any, i: int, left: Any
) -> None:
    """Add -A(u + z) on plane i to each part."""
    rows, columns = z.shape[1:]
    across, along = (rows - 1) // 2, (columns - 1) // 2
    for j in range(across):
        residual_row(grid, faces, i, 2 * j + 1, u, z, left[0])
        if 2 * j + 2 < rows - 1:
            residual_row(grid, faces, i, 2 * j + 2, u, z, left[1])
        else:
            left[1] = 0.0
        b = ((i - 1) // 2 * across + j) * along
        for k in range(along):
            count = first[b + k + 1] - first[b + k]
            if count == 1:
                coarse[first[b + k]] += (
                    left[0, 2 * k + 1] + left[0, 2 * k + 2] + left[1, 2 * k + 1] + left[1, 2 * k + 2]
                )
            elif count > 1:
                for s in range(4):
                    p = part_of(parts[b + k], 4 * ((i - 1) & 1) + s)
                    if p < 15:
                        coarse[first[b + k] + p] += left[s >> 1, 2 * k + 1 + (s & 1)]


@compiled
def prolong_plane(grid: Any, z: Any, parts: Any, first: Any, coarse: Any, i: int, added: Any) -> None:
    """Add the coarse solution, enlarged, to the voxels of plane i."""
    boost = np.float32(OVERCORRECTION)
    rows, columns = z.shape[1:]
    across, along = (rows - 1) // 2, (columns - 1) // 2
    for j in range(across):
        b = ((i - 1) // 2 * across + j) * along
        for k in range(along):
            value = boost * coarse[max(first[b + k + 1] - 1, 0)]
            added[0, 2 * k + 1] = added[0, 2 * k + 2] = added[1, 2 * k + 1] = added[1, 2 * k + 2] = value
        for k in range(along):
            if first[b + k + 1] - first[b + k] > 1:
                for s in range(4):
                    p = part_of(parts[b + k], 4 * ((i - 1) & 1) + s)
                    if p < 15:
                        added[s >> 1, 2 * k + 1 + (s & 1)] = boost * coarse[first[b + k] + p]
        for t in range(min(2, rows - 2 - 2 * j)):
            for k in range(1, columns - 1):
                z[i, 2 * j + 1 + t, k] += added[t, k] if grid.voxels[i, 2 * j + 1 + t, k] > 0 else np.float32(0)
    wrap(grid, z[i])


@compiled
def prolong_ends(grid: Any, z: Any, parts: Any, first: Any, coarse: Any, start: int, stop: int) -> None:
    """The two first and the two last planes, which the sweeps on both sides need before they start."""
    added = np.zeros((2, z.shape[2]), np.float32)
    for i in range(start, stop):
        if i < start + 2 or i >= stop - 2:
            prolong_plane(grid, z, parts, first, coarse, i, added)


@compiled
def go_up(
    grid: Any,
    faces: Any,
    u: Any,
    z: Any,
    p: Any,
    parts: Any,
    first: Any,
    coarse: Any,
    edges: Any,
    start: int,
    stop: int,
) -> tuple[float, float, float]:
    """Add the coarse solution to z, smooth it, and find `products`."""
    ring = np.zeros((3, *z.shape[1:]), np.float32)
    rows = rows_like(u)
    added = np.zeros((2, z.shape[2]), np.float32)
    own = cross = along = 0.0
    ring[(start - 1) % 3] = edges[0]
    decode(grid, start - 1, faces)
    scaled_residual(grid, faces, u, z, start, rows, ring[start % 3])
    for i in range(start, stop):
        if i + 2 < stop - 2:
            prolong_plane(grid, z, parts, first, coarse, i + 2, added)
        if i + 1 < stop:
            scaled_residual(grid, faces, u, z, i + 1, rows, ring[(i + 1) % 3])
        else:
            ring[(i + 1) % 3] = edges[1]
        smooth_plane(grid, faces, ring, i, rows, False, z)
        if i - 1 > start:
            a, b, c = products(grid, faces, u, z, p, i - 1, rows)
            own += a
            cross += b
            along += c
    return own, cross, along


@compiled
def go_up_ends(grid: Any, faces: Any, u: Any, z: Any, p: Any, start: int, stop: int) -> tuple[float, float, float]:
    rows = rows_like(u)
    own = cross = along = 0.0
    for i in range(start, stop, max(stop - start - 1, 1)):
        decode(grid, i - 1, faces)
        decode(grid, i, faces)
        a, b, c = products(grid, faces, u, z, p, i, rows)
        own += a
        cross += b
        along += c
    return own, cross, along


@compiled
def products(grid: Any, faces: Any, u: Any, z: Any, p: Any, i: int, rows: Any) -> tuple[float, float, float]:
    """What plane i adds to z·Az, p·Az and -z·Au."""
    _, own_row, row = rows
    own = cross = along = 0.0
    for j in range(1, z.shape[1] - 1):
        product_row(grid, faces, i, j, z[i - 1], z[i], z[i + 1], row)
        product_row(grid, faces, i, j, u[i - 1], u[i], u[i + 1], own_row)
        a = b = c = z[0, 0, 0]
        for k in range(1, row.size - 1):
            a += z[i, j, k] * row[k]
            b += p[i, j, k] * row[k]
            c -= z[i, j, k] * own_row[k]
        own += a
        cross += b
        along += c
    return own, cross, along


@compiled
def advance(
    grid: Any, faces: Any, u: Any, z: Any, p: Any, turn: float, length: float, start: int, stop: int
) -> tuple[float]:
    """New direction p = z + turn p, a step u += length p along it, and the energy of u."""
    turn32, length32 = np.float32(turn), np.float32(length)
    total = 0.0
    for i in range(start, stop):
        for j in range(1, z.shape[1] - 1):
            for k in range(1, z.shape[2] - 1):
                value = z[i, j, k] + turn32 * p[i, j, k]
                p[i, j, k] = value
                u[i, j, k] += length32 * value
        wrap(grid, u[i])
        decode(grid, i, faces)
        if i > start:
            total += dissipation(grid, faces, u, i)
    return (total,)


@compiled
def advance_ends(grid: Any, faces: Any, u: Any, start: int, stop: int) -> tuple[float]:
    decode(grid, start - 1, faces)
    decode(grid, start, faces)
    return (dissipation(grid, faces, u, start),)


@compiled
def dissipation(grid: Any, faces: Any, u: Any, i: int) -> float:
    """Σ g (rise of u)² over the faces of plane i towards lower indices, and over the outlet."""
    total = 0.0
    last = u.shape[0] - 2
    voxels = grid.voxels
    for j in range(1, u.shape[1] - 1):
        line = u[0, 0, 0]
        if faces is None:
            for k in range(1, u.shape[2] - 1):
                here = u[i, j, k]
                rise = here - u[i, j, k - 1]
                line += rise * rise * (voxels[i, j, k - 1] > 0) * (voxels[i, j, k] > 0)
                rise = here - u[i, j - 1, k]
                line += rise * rise * (voxels[i, j - 1, k] > 0) * (voxels[i, j, k] > 0)
                rise = here - u[i - 1, j, k]
                line += rise * rise * (voxels[i - 1, j, k] > 0) * (voxels[i, j, k] > 0)
            for k in range(1, u.shape[2] - 1):
                if i == 1:
                    line += np.float32(2) * u[i, j, k] ** 2
                if i == last and voxels[i, j, k] > 0:
                    line += np.float32(2) * (np.float32(1) - u[i, j, k]) ** 2
        else:
            before, now = (i - 1) % PLANES, i % PLANES
            for k in range(1, u.shape[2] - 1):
                here = u[i, j, k]
                line += faces[now, 2, j, k - 1] * (here - u[i, j, k - 1]) ** 2
                line += faces[now, 1, j - 1, k] * (here - u[i, j - 1, k]) ** 2
                line += faces[before, 0, j, k] * (here - u[i - 1, j, k]) ** 2
                if i == last:
                    line += faces[now, 0, j, k] * (1.0 - here) ** 2
        total += line
    return total


@compiled
def fill_planes(grid: Any, u: Any, profile: Any, start: int, stop: int) -> None:
    """Set u to the profile where it conducts."""
    for i in range(start, stop):
        for j in range(1, u.shape[1] - 1):
            for k in range(1, u.shape[2] - 1):
                u[i, j, k] = profile[i] if grid.voxels[i, j, k] > 0 else 0.0
        wrap(grid, u[i])
