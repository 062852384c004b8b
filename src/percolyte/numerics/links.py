"""The graph of the parts of all blocks, the finest of the multigrid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32

from percolyte.numerics.blocks import LOWEST, facing, opposite, pairs, part_of, steps
from percolyte.numerics.grid import PLANES, compiled, decode, inlined, outer_face


@compiled
def link(grid: Any, shape: Any, parts: Any, first: Any, faces: Any, graph: Any) -> None:
    """Fill the graph of parts: an edge wherever voxels of two parts conduct to each other."""
    planes, rows, columns = shape
    # reaching into the tuples inside the loops would cost more than the rest
    start, lower, weight, ground, key = graph
    sides = grid.periodic[1] or grid.periodic[2]
    step = steps(shape)
    summed = faces is not None and not sides  # a border that repeats looks like voxels of the last blocks
    sums = np.zeros((3, columns), np.float32)
    written = 0
    b = 0
    for i in range(planes):
        for x in range(2 * i, min(2 * i + 3, grid.voxels.shape[0])):
            decode(grid, x, faces)
        for j in range(rows):
            add_up(faces, i, j, sums)
            for k in range(columns):
                code = parts[b]
                place = (i, j, k)
                count = first[b + 1] - first[b]
                for p in range(count):
                    u = first[b] + p
                    mine = only(code, p) if count > 1 else code
                    key[u] = i << 42 | j << 21 | k
                    begin = written
                    for axis in range(3):
                        if place[axis] == 0:
                            continue
                        a = b - step[axis]
                        both = facing(mine, parts[a], axis)
                        if both == 0:
                            continue
                        if count == 1 and first[a + 1] - first[a] == 1 and (summed or faces is None):
                            lower[written] = first[a]
                            weight[written] = sums[axis, k] if summed else pairs(both)
                            written += 1
                        else:
                            for q in range(4):
                                s = LOWEST[axis, q]
                                if both >> (4 * s) & 8:
                                    v = first[a] + part_of(parts[a], s | (4 >> axis))
                                    written = add(lower, weight, begin, written, v, face_of(faces, axis, place, s))
                    if sides and (j == rows - 1 or k == columns - 1):
                        row = lower, weight, begin
                        written = link_sides(grid, shape, parts, first, faces, b, mine, place, row, written)
                    if p > 0 and faces is not None:
                        for s in range(8):
                            for axis in range(3):
                                t = s ^ (4 >> axis)
                                if part_of(code, s) == p and part_of(code, t) < p:
                                    g = face_of(faces, axis, place, max(s, t))
                                    written = add(lower, weight, begin, written, first[b] + part_of(code, t), g)
                    ground[u] = ground_of(grid, mine, place) if i == 0 or i == planes - 1 else 0.0
                    start[u + 1] = written
                b += 1


@inlined
def only(code: Any, p: int) -> Any:
    """The code of a block of which part p alone conducts."""
    other = code ^ (uint32(p) * uint32(0x11111111))
    other = (other | other >> uint32(1) | other >> uint32(2) | other >> uint32(3)) & uint32(0x11111111)
    return code | other * uint32(15)


@compiled
def add_up(faces: Any, i: int, j: int, sums: Any) -> None:
    """Conductance of each block of a row to its lower neighbour along each axis."""
    if faces is None:
        return
    here, after, before = faces[(2 * i + 1) % PLANES], faces[(2 * i + 2) % PLANES], faces[2 * i % PLANES, 0]
    y = 2 * j + 1
    for k in range(sums.shape[1]):
        z = 2 * k + 1
        sums[0, k] = before[y, z] + before[y, z + 1] + before[y + 1, z] + before[y + 1, z + 1]
        sums[1, k] = here[1, y - 1, z] + here[1, y - 1, z + 1] + after[1, y - 1, z] + after[1, y - 1, z + 1]
        sums[2, k] = here[2, y, z - 1] + here[2, y + 1, z - 1] + after[2, y, z - 1] + after[2, y + 1, z - 1]


@inlined
def face_of(faces: Any, axis: int, place: Any, s: int) -> float:
    """Conductance of the face of voxel s of a block towards the previous voxel along an axis."""
    x, y, z = 2 * place[0] + 1 + (s >> 2), 2 * place[1] + 1 + (s >> 1 & 1), 2 * place[2] + 1 + (s & 1)
    if faces is None:
        return 1.0
    return float(faces[(x - (axis == 0)) % PLANES, axis, y - (axis == 1), z - (axis == 2)])


@compiled
def link_sides(
    grid: Any, shape: Any, parts: Any, first: Any, faces: Any, b: int, mine: Any, place: Any, row: Any, written: int
) -> int:
    """Edges of a part of block b, `mine` its code with this part alone, to those on the opposite sides."""
    i, j, k = place
    lower, weight, begin = row
    for axis in (1, 2):
        a, both, _ = opposite(grid, shape, parts, axis, b, mine, place[axis])
        for q in range(4):
            s = LOWEST[axis, q]
            if both >> (4 * s) & 8:
                g = face_of(faces, axis, (i, 0 if axis == 1 else j, 0 if axis == 2 else k), s)
                written = add(lower, weight, begin, written, first[a] + part_of(parts[a], s), g)
    return written


@compiled
def ground_of(grid: Any, mine: Any, place: Any) -> float:
    """Conductance of a part to inlet and outlet."""
    total = 0.0
    for s in range(8):
        if part_of(mine, s) < 15:
            x, y, z = 2 * place[0] + 1 + (s >> 2), 2 * place[1] + 1 + (s >> 1 & 1), 2 * place[2] + 1 + (s & 1)
            total += outer_face(grid, x, y, z)
    return total


@compiled
def add(lower: Any, weight: Any, begin: int, end: int, v: int, conductance: float) -> int:
    """Add an edge to the row that runs from `begin` to `end`; the new end."""
    for e in range(begin, end):
        if lower[e] == v:
            weight[e] += conductance
            return end
    lower[end] = v
    weight[end] = conductance
    return end + 1
