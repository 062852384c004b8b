"""Currents and dissipated power, voxel by voxel and plane by plane, from a potential."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from percolyte.numerics.grid import Grid, compiled, inlined


@inlined
def current_below(voxels: Any, table: Any, u: Any, axis: int, i: int, j: int, k: int) -> tuple[float, float]:
    """Conductance towards the previous voxel along an axis, border included, and u's rise across it.

    It takes the arrays of a grid one by one, as reaching into the tuple costs more than the rest.
    """
    x, y, z = i - (axis == 0), j - (axis == 1), k - (axis == 2)
    if table.size:
        return np.float64(table[axis, voxels[i, j, k], voxels[x, y, z]]), np.float64(u[i, j, k]) - u[x, y, z]
    if axis == 0 and i == 1:
        return 2.0 * (voxels[i, j, k] > 0), np.float64(u[i, j, k])
    if axis == 0 and i == u.shape[0] - 1:
        return 2.0 * (voxels[x, y, z] > 0), 1.0 - u[x, y, z]
    return np.float64((voxels[i, j, k] > 0) & (voxels[x, y, z] > 0)), np.float64(u[i, j, k]) - u[x, y, z]


@compiled
def _fields(grid: Any, u: Any, current: Any, power: Any, planes: Any) -> None:
    voxels, table = grid.voxels, grid.table
    for i in range(1, u.shape[0]):
        for j in range(1, u.shape[1] - 1):
            for k in range(1, u.shape[2] - 1):
                for axis in range(3):
                    g, rise = current_below(voxels, table, u, axis, i, j, k)
                    if i < u.shape[0] - 1:
                        current[axis, i - 1, j - 1, k - 1] += 0.5 * g * rise
                        share = 1.0 if axis == 0 and i == 1 else 0.5
                        power[i - 1, j - 1, k - 1] += share * g * rise * rise
                    elif axis > 0:
                        continue
                    x, y, z = i - (axis == 0), j - (axis == 1), k - (axis == 2)
                    y, z = y or u.shape[1] - 2, z or u.shape[2] - 2  # a side that conducts leads to the opposite one
                    if x > 0:
                        current[axis, x - 1, y - 1, z - 1] += 0.5 * g * rise
                        share = 1.0 if i == u.shape[0] - 1 else 0.5
                        power[x - 1, y - 1, z - 1] += share * g * rise * rise
                    if axis == 0:
                        planes[i - 1] += g * rise


@compiled
def _total(grid: Any, u: Any, axis: int) -> Any:
    voxels, table = grid.voxels, grid.table
    total = 0.0
    for i in range(1, u.shape[0] - 1):
        for j in range(1, u.shape[1] - 1):
            for k in range(1, u.shape[2] - 1):
                g, rise = current_below(voxels, table, u, axis, i, j, k)
                total += g * rise
    return total


def across(grid: Grid, u: NDArray[np.floating[Any]], axis: int) -> float:
    """Mean current through the image's sections across an axis along which it repeats, positive towards rising u.

    Its error is of first order in that of u, that of the conductance of second.
    """
    total = float(_total(grid, u, axis))
    return total / float(u.shape[axis] - 2)


def fields(
    grid: Grid, u: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float64]]:
    """Current through each voxel along each axis, its power, and the current from plane to plane.

    A voxel's current is the mean over its two faces; its power half of that of its
    faces, all of that at inlet and outlet, so that the powers add up to the
    conductance. Currents are positive towards rising u.
    """
    shape = tuple(n - 2 for n in u.shape)
    current, power = np.zeros((3, *shape), np.float32), np.zeros(shape, np.float32)
    planes = np.zeros(shape[0] + 1)
    _fields(grid, u, current, power, planes)
    return current, power, planes
