"""Conductances between the voxels of an image, and the finite-volume operator that they make.

Current balance on cubes whose faces conduct, u in the middle of each voxel:

    (A u)_i = Σ_j g_ij (u_i - u_j) = 0,

with u = 0 and u = 1 on the two outer faces of axis 0, half a voxel from the first
and the last middle, and no current through the other outer faces. A full block
therefore conducts exactly like the continuum.

Every field has a border of one voxel. The border of a potential holds the outer
values, so that one expression serves inside and at the boundary. Where the structure
repeats along an axis, it holds those of the opposite side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

_Function = TypeVar("_Function", bound=Callable[..., Any])
_OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"reassoc", "nsz", "arcp", "contract"},
}
"""Sums may be reordered; infinities stay what they are."""


def compiled(function: _Function) -> _Function:
    """Machine code on first use, kept on disk, run without the interpreter's lock."""
    return cast(_Function, njit(**_OPTIONS)(function))


def inlined(function: _Function) -> _Function:
    """The same, copied into its callers: a call for each row would cost as much as the row."""
    return cast(_Function, njit(inline="always", **_OPTIONS)(function))


class Grid(NamedTuple):
    """What conducts, voxel by voxel, inside a border of one voxel; zero where nothing does."""

    voxels: NDArray[np.uint8]
    """Where all faces conduct alike (1): the number of conducting faces of each voxel, those
    at inlet and outlet counted twice because half a voxel conducts double. Else the kind of
    each voxel, with a kind of its own for the border at inlet and outlet."""
    table: NDArray[np.float32]
    """Conductance of a face by axis and the kinds on both sides; empty where all conduct alike."""
    series: NDArray[np.float32]
    """If at most `FEW` kinds conduct, each alike along all axes, and interfaces do not resist: resistance of half a voxel
    along the first axis by kind, then by how much faces across each axis conduct better than across the first. Else empty."""
    periodic: tuple[bool, bool, bool] = (False, False, False)
    """Axes along which the structure repeats; never the first, which has inlet and outlet."""


def outlet_value(grid: Grid) -> float:
    """The value of the border at the outlet: with counted faces it stands for both of a double face."""
    return 1.0 if grid.table.size else 2.0


@compiled
def wrap(grid: Any, plane: Any) -> None:
    """Give the border of a plane the values of the opposite sides, where the structure repeats."""
    rows, columns = plane.shape
    if grid.periodic[1]:
        for k in range(columns):
            plane[0, k] = plane[rows - 2, k]
            plane[rows - 1, k] = plane[1, k]
    if grid.periodic[2]:
        for j in range(rows):
            plane[j, 0] = plane[j, columns - 2]
            plane[j, columns - 1] = plane[j, 1]


@compiled
def wrap_voxels(grid: Any) -> None:
    for i in range(1, grid.voxels.shape[0] - 1):
        wrap(grid, grid.voxels[i])


@compiled
def mark(labels: Any, conducting: Any, voxels: Any, start: int, stop: int) -> None:
    """1 inside the border where a voxel conducts; `start` and `stop` count planes of the image."""
    for i in range(start, stop):
        for j in range(labels.shape[1]):
            for k in range(labels.shape[2]):
                voxels[i + 1, j + 1, k + 1] = conducting[labels[i, j, k]]


@compiled
def count_faces(faces: Any, start: int, stop: int) -> None:
    """Replace each mark by the number of conducting faces of the voxel.

    In place: a mark and a count are both above zero, as every voxel that is left has a face.
    """
    planes, rows, columns = faces.shape
    row = np.zeros(columns, np.uint8)
    for i in range(start + 1, stop + 1):
        outer = np.uint8((2 if i == 1 else 0) + (2 if i == planes - 2 else 0))
        for j in range(1, rows - 1):
            for k in range(1, columns - 1):
                count = outer + (faces[i - 1, j, k] > 0) + (faces[i + 1, j, k] > 0) + (faces[i, j - 1, k] > 0)
                count += (faces[i, j + 1, k] > 0) + (faces[i, j, k - 1] > 0) + (faces[i, j, k + 1] > 0)
                row[k] = count if faces[i, j, k] > 0 else 0
            faces[i, j, 1 : columns - 1] = row[1 : columns - 1]


PLANES = 4
"""Planes whose faces are known at a time: a sweep is one ahead with one thing and one behind with another."""
FEW = 3
"""So many kinds that conduct need no table."""
SMALLEST = 1e-30
"""Least conductance of a face, well within 32 bits."""


def face_table(half: NDArray[np.float64], contact: NDArray[np.float64]) -> NDArray[np.float32]:
    """Conductance of a face from the resistances in series across it, by axis and the kinds on both sides.

    1/g = half[axis, a] + half[axis, b] + contact[axis, a, b], the last the resistance of the
    interface between two kinds. A half of infinite resistance makes g = 0, a finite one
    never, so that voxels that conduct are connected across every face.
    """
    g = 1.0 / (half[:, :, None] + half[:, None, :] + contact)
    return np.where(g > 0.0, np.maximum(g, SMALLEST), 0.0).astype(np.float32)


def series(half: NDArray[np.float64], contact: NDArray[np.float64]) -> NDArray[np.float32]:
    """`Grid.series` from the resistances of `face_table`."""
    within = half[:, 1:-1]
    alike = np.allclose(within * within[:1, :1], within[:1] * within[:, :1], rtol=1e-12, atol=0.0)
    if within.shape[1] > FEW or contact[:, 1:-1, 1:-1].any() or not alike:
        return np.empty(0, np.float32)
    insulating = np.full(FEW - within.shape[1], np.inf)
    return np.concatenate([[np.inf], within[0], insulating, within[0, 0] / within[:, 0]]).astype(np.float32)


@inlined
def pick(kind: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """The value of a kind; a chain of choices takes a third of the time of a look into a table."""
    return a if kind == 0 else b if kind == 1 else c if kind == 2 else d


@compiled
def decode(grid: Any, i: int, faces: Any) -> None:
    """Conductances from the voxels of plane i to the next along each axis, into a ring of `PLANES`."""
    if faces is None:
        return
    voxels, table, series = grid.voxels, grid.table, grid.series
    along_0, along_1, along_2 = faces[i % PLANES, 0], faces[i % PLANES, 1], faces[i % PLANES, 2]
    above = voxels[min(i + 1, voxels.shape[0] - 1)]
    here = voxels[i]
    if series.size and 0 < i < voxels.shape[0] - 2:
        a, b, c, d, x, y, z = series[0], series[1], series[2], series[3], series[4], series[5], series[6]
        for j in range(voxels.shape[1] - 1):
            for k in range(voxels.shape[2] - 1):
                half = pick(here[j, k], a, b, c, d)
                along_0[j, k] = x / (half + pick(above[j, k], a, b, c, d))
                along_1[j, k] = y / (half + pick(here[j + 1, k], a, b, c, d))
                along_2[j, k] = z / (half + pick(here[j, k + 1], a, b, c, d))
    else:
        for j in range(voxels.shape[1] - 1):
            for k in range(voxels.shape[2] - 1):
                kind = here[j, k]
                along_0[j, k] = table[0, kind, above[j, k]]
                along_1[j, k] = table[1, kind, here[j + 1, k]]
                along_2[j, k] = table[2, kind, here[j, k + 1]]


def ring_like(grid: Grid) -> NDArray[np.float32] | None:
    """Room for `decode` and one field more; None where all faces conduct alike, for which the sweeps are compiled by themselves."""
    return np.zeros((PLANES, 4, *grid.voxels.shape[1:]), np.float32) if grid.table.size else None


@inlined
def face_below(voxels: Any, table: Any, axis: int, i: int, j: int, k: int) -> float:
    """Conductance of the face towards the previous voxel along an axis, both voxels conducting.

    It takes the arrays of a grid one by one, as reaching into the tuple costs more than the rest.
    """
    if table.size == 0:
        return 1.0
    x, y, z = i - (axis == 0), j - (axis == 1), k - (axis == 2)
    return float(table[axis, voxels[i, j, k], voxels[x, y, z]])


@compiled
def outer_face(grid: Any, i: int, j: int, k: int) -> float:
    """Conductance from a conducting voxel to inlet and outlet together."""
    total = 0.0
    last = grid.voxels.shape[0] - 2
    if i == 1:
        total += face_below(grid.voxels, grid.table, 0, 1, j, k) if grid.table.size else 2.0
    if i == last:
        total += face_below(grid.voxels, grid.table, 0, last + 1, j, k) if grid.table.size else 2.0
    return total


@inlined
def product_row(grid: Any, faces: Any, i: int, j: int, below: Any, here: Any, above: Any, out: Any) -> None:
    """Row j of plane i of A u, from the planes i - 1, i and i + 1 of u; zero where nothing conducts.

    `faces` holds what `decode` made of the planes i - 1 and i.
    """
    if faces is None:
        for k in range(1, here.shape[1] - 1):
            count = np.float32(grid.voxels[i, j, k])
            around = below[j, k] + above[j, k] + here[j - 1, k] + here[j + 1, k] + here[j, k - 1] + here[j, k + 1]
            out[k] = count * here[j, k] - around if count > 0 else np.float32(0)
    else:
        last, now = (i - 1) % PLANES, i % PLANES
        for k in range(1, here.shape[1] - 1):
            u = here[j, k]
            out[k] = (
                faces[last, 0, j, k] * (u - below[j, k])
                + faces[now, 0, j, k] * (u - above[j, k])
                + faces[now, 1, j - 1, k] * (u - here[j - 1, k])
                + faces[now, 1, j, k] * (u - here[j + 1, k])
                + faces[now, 2, j, k - 1] * (u - here[j, k - 1])
                + faces[now, 2, j, k] * (u - here[j, k + 1])
            )


@inlined
def residual_row(grid: Any, faces: Any, i: int, j: int, u: Any, z: Any, out: Any) -> None:
    """Row j of plane i of -A(u + z)."""
    below, here, above = u[i - 1], u[i], u[i + 1]
    z_below, z_here, z_above = z[i - 1], z[i], z[i + 1]
    if faces is None:
        for k in range(1, here.shape[1] - 1):
            count = np.float32(grid.voxels[i, j, k])
            around = below[j, k] + above[j, k] + here[j - 1, k] + here[j + 1, k] + here[j, k - 1] + here[j, k + 1]
            around += z_below[j, k] + z_above[j, k] + z_here[j - 1, k] + z_here[j + 1, k]
            around += z_here[j, k - 1] + z_here[j, k + 1]
            out[k] = around - count * (here[j, k] + z_here[j, k]) if count > 0 else np.float32(0)
    else:
        last, now = (i - 1) % PLANES, i % PLANES
        for k in range(1, here.shape[1] - 1):
            v = here[j, k] + z_here[j, k]
            out[k] = (
                faces[last, 0, j, k] * (below[j, k] + z_below[j, k] - v)
                + faces[now, 0, j, k] * (above[j, k] + z_above[j, k] - v)
                + faces[now, 1, j - 1, k] * (here[j - 1, k] + z_here[j - 1, k] - v)
                + faces[now, 1, j, k] * (here[j + 1, k] + z_here[j + 1, k] - v)
                + faces[now, 2, j, k - 1] * (here[j, k - 1] + z_here[j, k - 1] - v)
                + faces[now, 2, j, k] * (here[j, k + 1] + z_here[j, k + 1] - v)
            )


@inlined
def inverse_diagonal_row(grid: Any, faces: Any, i: int, j: int, out: Any) -> None:
    """Row j of plane i of 1/diag(A); zero where nothing conducts."""
    if faces is None:
        for k in range(1, out.size - 1):
            count = np.float32(grid.voxels[i, j, k])
            out[k] = np.float32(1) / count if count > 0 else np.float32(0)
    else:
        last, now = (i - 1) % PLANES, i % PLANES
        for k in range(1, out.size - 1):
            total = (
                faces[last, 0, j, k]
                + faces[now, 0, j, k]
                + faces[now, 1, j - 1, k]
                + faces[now, 1, j, k]
                + faces[now, 2, j, k - 1]
                + faces[now, 2, j, k]
            )
            out[k] = np.float32(1) / total if total > 0 else np.float32(0)


@compiled
def plane_conductances(grid: Any, start: int, stop: int, out: Any) -> None:
    """Conductance from plane i to plane i + 1, border included, into out[i]."""
    voxels = grid.voxels
    last = out.size
    for i in range(start, stop):
        total = 0.0
        for j in range(1, voxels.shape[1] - 1):
            for k in range(1, voxels.shape[2] - 1):
                if grid.table.size:
                    total += grid.table[0, voxels[i, j, k], voxels[i + 1, j, k]]
                elif i == 0:
                    total += 2.0 * (voxels[1, j, k] > 0)
                elif i == last - 1:
                    total += 2.0 * (voxels[last - 1, j, k] > 0)
                else:
                    total += (voxels[i, j, k] > 0) & (voxels[i + 1, j, k] > 0)
        out[i] = total
