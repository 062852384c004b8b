"""Conductances between the voxels of an image, and the finite-volume operator that they make.

Current balance on cubes whose faces conduct, u in the middle of each voxel:

    (A u)_i = Σ_j g_ij (u_i - u_j) = 0,

with u = 0 and u = 1 on the two outer faces of axis 0, half a voxel from the first
and the last middle, and no current through the other outer faces. A full block
therefore conducts exactly like the continuum.

Every field has a border of one voxel. The border of a potential holds the outer
values, so that one expression serves inside and at the boundary.
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
    """Conductance of every face, in one of two forms, inside a border of one voxel."""

    faces: NDArray[np.uint8]
    """Where all faces conduct alike (1): the number of conducting faces of each voxel, those
    at inlet and outlet counted twice because half a voxel conducts double. Else empty."""
    along_0: NDArray[np.float32]
    """Where they differ: conductance between voxel i and i + 1 along each axis. Else empty."""
    along_1: NDArray[np.float32]
    along_2: NDArray[np.float32]


def outlet_value(grid: Grid) -> float:
    """The value of the border at the outlet: with counted faces it stands for both of a double face."""
    return 2.0 if grid.faces.size else 1.0


@compiled
def mark(labels: Any, conducting: Any, faces: Any, start: int, stop: int) -> None:
    """1 inside the border where a voxel conducts; `start` and `stop` count planes of the image."""
    for i in range(start, stop):
        for j in range(labels.shape[1]):
            for k in range(labels.shape[2]):
                faces[i + 1, j + 1, k + 1] = conducting[labels[i, j, k]]


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


@compiled
def silence(grid: Any, i: int, j: int, k: int) -> None:
    """Make a voxel conduct nowhere."""
    if grid.faces.size:
        grid.faces[i, j, k] = 0
    else:
        grid.along_0[i - 1, j, k] = grid.along_0[i, j, k] = 0.0
        grid.along_1[i, j - 1, k] = grid.along_1[i, j, k] = 0.0
        grid.along_2[i, j, k - 1] = grid.along_2[i, j, k] = 0.0


@compiled
def face_conductances(labels: Any, particles: Any, half: Any, contact: Any, grid: Any, start: int, stop: int) -> None:
    """Conductance of every face from the resistances in series across it.

    1/g = half[axis, a] + half[axis, b] + contact, where a and b are the labels on
    both sides. `contact[axis, a, b]` is the resistance of the interface between two
    phases, or with a = b between two particles of one phase. A half of infinite
    resistance makes g = 0.
    """
    planes, rows, columns = labels.shape
    bounded = particles.size > 0
    for i in range(start, stop):
        for j in range(rows):
            for k in range(columns):
                a = labels[i, j, k]
                if i == 0:
                    grid.along_0[0, j + 1, k + 1] = 1.0 / half[0, a]
                if i == planes - 1:
                    grid.along_0[planes, j + 1, k + 1] = 1.0 / half[0, a]
                for axis in range(3):
                    x, y, z = i + (axis == 0), j + (axis == 1), k + (axis == 2)
                    if x == planes or y == rows or z == columns:
                        continue
                    b = labels[x, y, z]
                    resistance = half[axis, a] + half[axis, b]
                    if a != b or (bounded and particles[i, j, k] != particles[x, y, z]):
                        resistance += contact[axis, a, b]
                    if axis == 0:
                        grid.along_0[i + 1, j + 1, k + 1] = 1.0 / resistance
                    elif axis == 1:
                        grid.along_1[i + 1, j + 1, k + 1] = 1.0 / resistance
                    else:
                        grid.along_2[i + 1, j + 1, k + 1] = 1.0 / resistance


@compiled
def face_below(grid: Any, axis: int, i: int, j: int, k: int) -> float:
    """Conductance of the face towards the previous voxel along an axis, both voxels conducting."""
    if grid.faces.size:
        return 1.0
    if axis == 0:
        return float(grid.along_0[i - 1, j, k])
    if axis == 1:
        return float(grid.along_1[i, j - 1, k])
    return float(grid.along_2[i, j, k - 1])


@compiled
def outer_face(grid: Any, i: int, j: int, k: int) -> float:
    """Conductance from a conducting voxel to inlet and outlet together."""
    total = 0.0
    last = max(grid.faces.shape[0], grid.along_0.shape[0]) - 2
    if i == 1:
        total += 2.0 if grid.faces.size else grid.along_0[0, j, k]
    if i == last:
        total += 2.0 if grid.faces.size else grid.along_0[last, j, k]
    return total


@inlined
def product_row(grid: Any, i: int, j: int, below: Any, here: Any, above: Any, out: Any) -> None:
    """Row j of plane i of A u, from the planes i - 1, i and i + 1 of u; zero where nothing conducts."""
    if grid.faces.size:
        for k in range(1, here.shape[1] - 1):
            count = np.float32(grid.faces[i, j, k])
            around = below[j, k] + above[j, k] + here[j - 1, k] + here[j + 1, k] + here[j, k - 1] + here[j, k + 1]
            out[k] = count * here[j, k] - around if count > 0 else np.float32(0)
    else:
        for k in range(1, here.shape[1] - 1):
            u = here[j, k]
            out[k] = (
                grid.along_0[i - 1, j, k] * (u - below[j, k])
                + grid.along_0[i, j, k] * (u - above[j, k])
                + grid.along_1[i, j - 1, k] * (u - here[j - 1, k])
                + grid.along_1[i, j, k] * (u - here[j + 1, k])
                + grid.along_2[i, j, k - 1] * (u - here[j, k - 1])
                + grid.along_2[i, j, k] * (u - here[j, k + 1])
            )


@inlined
def inverse_diagonal_row(grid: Any, i: int, j: int, out: Any) -> None:
    """Row j of plane i of 1/diag(A); zero where nothing conducts."""
    if grid.faces.size:
        for k in range(1, out.size - 1):
            count = np.float32(grid.faces[i, j, k])
            out[k] = np.float32(1) / count if count > 0 else np.float32(0)
    else:
        for k in range(1, out.size - 1):
            total = grid.along_0[i - 1, j, k] + grid.along_0[i, j, k]
            total += grid.along_1[i, j - 1, k] + grid.along_1[i, j, k]
            total += grid.along_2[i, j, k - 1] + grid.along_2[i, j, k]
            out[k] = np.float32(1) / total if total > 0 else np.float32(0)


@compiled
def plane_conductances(grid: Any, start: int, stop: int, out: Any) -> None:
    """Conductance from plane i - 1 to plane i of the image, border included, into out[i - 1]."""
    last = out.size
    for i in range(start, stop):
        total = 0.0
        if grid.faces.size:
            for j in range(1, grid.faces.shape[1] - 1):
                for k in range(1, grid.faces.shape[2] - 1):
                    if i == 0:
                        total += 2.0 * (grid.faces[1, j, k] > 0)
                    elif i == last - 1:
                        total += 2.0 * (grid.faces[last - 1, j, k] > 0)
                    else:
                        total += (grid.faces[i, j, k] > 0) & (grid.faces[i + 1, j, k] > 0)
        else:
            for j in range(1, grid.along_0.shape[1] - 1):
                for k in range(1, grid.along_0.shape[2] - 1):
                    total += grid.along_0[i, j, k]
        out[i] = total
