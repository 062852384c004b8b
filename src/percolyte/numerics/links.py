"""The graph of the parts of all blocks, the finest of the multigrid."""

from __future__ import annotations

from typing import Any

from percolyte.numerics.blocks import facing, opposite, pairs, part_of
from percolyte.numerics.grid import compiled, face_below, outer_face


@compiled
def link(grid: Any, shape: Any, parts: Any, first: Any, graph: Any) -> None:
    """Fill the graph of parts: an edge wherever voxels of two parts conduct to each other."""
    planes, rows, columns = shape
    # reaching into the tuples inside the loops would cost more than the rest
    start, lower, weight, ground, key = graph
    uniform = grid.table.size == 0
    sides = grid.periodic[1] or grid.periodic[2]
    written = 0
    b = 0
    for i in range(planes):
        for j in range(rows):
            for k in range(columns):
                code = parts[b]
                for p in range(first[b + 1] - first[b]):
                    u = first[b] + p
                    key[u] = i << 42 | j << 21 | k
                    ground[u] = 0.0
                    begin = written
                    for axis in range(3):
                        if (i if axis == 0 else j if axis == 1 else k) == 0:
                            continue
                        a = b - (rows * columns if axis == 0 else columns if axis == 1 else 1)
                        both = facing(code, parts[a], axis)
                        if both == 0:
                            continue
                        if first[b + 1] - first[b] == 1 and first[a + 1] - first[a] == 1:
                            lower[written] = first[a]
                            weight[written] = pairs(both) if uniform else conductance_of(grid, axis, i, j, k, both)
                            written += 1
                            continue
                        for s in range(8):
                            if both >> (4 * s) & 8 and part_of(code, s) == p:
                                x, y, z = 2 * i + 1 + (s >> 2), 2 * j + 1 + (s >> 1 & 1), 2 * k + 1 + (s & 1)
                                v = first[a] + part_of(parts[a], s | (4 >> axis))
                                g = 1.0 if uniform else face_below(grid, axis, x, y, z)
                                written = add(lower, weight, begin, written, v, g)
                    if sides and (j == rows - 1 or k == columns - 1):
                        written = link_sides(grid, shape, parts, first, (b, p, i, j, k), lower, weight, begin, written)
                    if p > 0 and not uniform:
                        for s in range(8):
                            for axis in range(3):
                                t = s ^ (4 >> axis)
                                if part_of(code, s) == p and part_of(code, t) < p:
                                    o = max(s, t)
                                    x, y, z = 2 * i + 1 + (o >> 2), 2 * j + 1 + (o >> 1 & 1), 2 * k + 1 + (o & 1)
                                    v = first[b] + part_of(code, t)
                                    g = 1.0 if uniform else face_below(grid, axis, x, y, z)
                                    written = add(lower, weight, begin, written, v, g)
                    if i == 0 or i == planes - 1:
                        for s in range(8):
                            if part_of(code, s) == p:
                                x, y, z = 2 * i + 1 + (s >> 2), 2 * j + 1 + (s >> 1 & 1), 2 * k + 1 + (s & 1)
                                ground[u] += outer_face(grid, x, y, z)
                    start[u + 1] = written
                b += 1


@compiled
def link_sides(
    grid: Any, shape: Any, parts: Any, first: Any, place: Any, lower: Any, weight: Any, begin: int, written: int
) -> int:
    """Edges of a part, its `place` its block, its number and where the block is, to those on the opposite sides."""
    b, p, i, j, k = place
    for axis in (1, 2):
        a, both, bit = opposite(grid, shape, parts, axis, b, j if axis == 1 else k)
        for s in range(8):
            if both >> (4 * s) & 8 and part_of(parts[b], s | bit) == p:
                x, y, z = 2 * i + 1 + (s >> 2), (1 if axis == 1 else 2 * j + 1), (1 if axis == 2 else 2 * k + 1)
                g = face_below(grid, axis, x, y + (s >> 1 & 1), z + (s & 1))
                written = add(lower, weight, begin, written, first[a] + part_of(parts[a], s), g)
    return written


@compiled
def conductance_of(grid: Any, axis: int, i: int, j: int, k: int, both: Any) -> float:
    """Of all faces between two blocks that `facing` found."""
    total = 0.0
    for s in range(8):
        if both >> (4 * s) & 8:
            total += face_below(grid, axis, 2 * i + 1 + (s >> 2), 2 * j + 1 + (s >> 1 & 1), 2 * k + 1 + (s & 1))
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
