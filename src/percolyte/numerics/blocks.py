"""Blocks of 2×2×2 voxels split into connected parts, and the clusters that the parts form.

A part is a set of voxels of one block that are connected inside it. Merging only
such voxels keeps the topology of the network: strands that pass the same block
without touching stay apart. Clusters are found on the parts, of which there are
some twenty times fewer than voxels.

The parts of a block are one 32-bit code: four bits a voxel hold the number of its
part, 15 where it does not conduct. Voxel s of a block lies at s >> 2, s >> 1 & 1,
s & 1. Parts are numbered in the order of their blocks; `first[b]` is the number of
the first part of block b.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint32
from numpy.typing import NDArray

from percolyte.numerics.grid import compiled, face_below, inlined

NONE = np.uint32(0xFFFFFFFF)
"""A block without conducting voxels."""
INLET, OUTLET = 1, 2
ISOLATED, INLET_ONLY, OUTLET_ONLY, THROUGH = range(4)
STRONG = 0.1
"""Voxels or parts are merged across a face if it conducts at least this share of the
geometric mean of the best faces on both sides (measured: with a rule that looks at one
side alone, fibres in a poor conductor take 98 iterations instead of 6)."""

_SHIFT = np.array([16, 8, 4], dtype=np.uint32)
_PAIRS = np.array([0x00008888, 0x00880088, 0x08080808], dtype=np.uint32)
"""Top bits of the voxels of a block that face its lower neighbour along each axis; the
voxels of the neighbour lie `_SHIFT` bits higher."""
LOWEST = np.array([[0, 1, 2, 3], [0, 1, 4, 5], [0, 2, 4, 6]])
"""The numbers of these voxels."""


def _connected_patterns() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Code and number of parts for each of the 256 patterns of conducting voxels."""
    codes, counts = np.empty(256, np.uint32), np.empty(256, np.uint8)
    for pattern in range(256):
        part = [15] * 8
        count = 0
        for seed in range(8):
            if not pattern >> seed & 1 or part[seed] != 15:
                continue
            stack = [seed]
            while stack:
                s = stack.pop()
                part[s] = count
                stack += [s ^ bit for bit in (1, 2, 4) if pattern >> (s ^ bit) & 1 and part[s ^ bit] == 15]
            count += 1
        codes[pattern] = sum(part[s] << 4 * s for s in range(8))
        counts[pattern] = count
    return codes, counts


CODES, COUNTS = _connected_patterns()


@compiled
def split_uniform(faces: Any, parts: Any, first: Any, codes: Any, counts: Any) -> None:
    """Parts of each block where all faces conduct alike."""
    planes, rows, columns = faces.shape
    total = 0
    b = 0
    for i in range(1, planes - 1, 2):
        for j in range(1, rows - 1, 2):
            for k in range(1, columns - 1, 2):
                pattern = (
                    (faces[i, j, k] > 0)
                    | (faces[i, j, k + 1] > 0) << 1
                    | (faces[i, j + 1, k] > 0) << 2
                    | (faces[i, j + 1, k + 1] > 0) << 3
                    | (faces[i + 1, j, k] > 0) << 4
                    | (faces[i + 1, j, k + 1] > 0) << 5
                    | (faces[i + 1, j + 1, k] > 0) << 6
                    | (faces[i + 1, j + 1, k + 1] > 0) << 7
                )
                parts[b] = codes[pattern]
                first[b] = total
                total += counts[pattern]
                b += 1
    first[b] = total


@compiled
def split_general(grid: Any, parts: Any, first: Any) -> None:
    """Parts of each block, joined across strong faces only."""
    voxels, table = grid.voxels, grid.table
    planes, rows, columns = voxels.shape
    whole = one_part(table)
    best = np.empty(8, np.float32)
    part = np.empty(8, np.int64)
    number = np.empty(8, np.int64)
    total = 0
    b = 0
    for i in range(1, planes - 1, 2):
        for j in range(1, rows - 1, 2):
            for k in range(1, columns - 1, 2):
                kind = voxels[i, j, k]
                alike = whole[kind] and i < planes - 2 and j < rows - 2 and k < columns - 2
                for s in range(1, 8):
                    alike &= voxels[i + (s >> 2), j + (s >> 1 & 1), k + (s & 1)] == kind
                if alike:
                    parts[b] = 0
                    first[b] = total
                    total += 1
                    b += 1
                    continue
                for s in range(8):
                    x, y, z = i + (s >> 2), j + (s >> 1 & 1), k + (s & 1)
                    part[s] = s
                    outside = x == planes - 1 or y == rows - 1 or z == columns - 1
                    if outside or voxels[x, y, z] == 0:
                        best[s] = -1.0
                    else:
                        best[s] = best_face(voxels, table, x, y, z)
                for s in range(8):
                    for axis in range(3):
                        other = s ^ (4 >> axis)
                        if other < s and best[s] > 0.0 and best[other] > 0.0:
                            g = face_below(voxels, table, axis, i + (s >> 2), j + (s >> 1 & 1), k + (s & 1))
                            if g * g >= STRONG * STRONG * best[s] * best[other]:
                                replaced = part[s]
                                for t in range(8):
                                    if part[t] == replaced:
                                        part[t] = part[other]
                code = uint32(0)
                count = 0
                number[:] = -1
                for s in range(8):
                    if best[s] < 0.0:
                        code |= uint32(15 << (4 * s))
                        continue
                    if number[part[s]] < 0:
                        number[part[s]] = count
                        count += 1
                    code |= uint32(number[part[s]] << (4 * s))
                parts[b] = code
                first[b] = total
                total += count
                b += 1
    first[b] = total


@compiled
def one_part(table: Any) -> Any:
    """Whether a block of one kind alone is surely one part.

    A face towards another kind conducts at most twice as well as one within the kind.
    """
    whole = np.zeros(table.shape[1], np.bool_)
    for kind in range(1, table.shape[1] - 1):
        inside = table[:, kind, kind]
        whole[kind] = inside.min() >= 2.0 * STRONG * inside.max()
    return whole


@compiled
def best_face(voxels: Any, table: Any, i: int, j: int, k: int) -> float:
    """The largest conductance of a voxel's faces."""
    best = 0.0
    for axis in range(3):
        x, y, z = i + (axis == 0), j + (axis == 1), k + (axis == 2)
        best = max(best, face_below(voxels, table, axis, i, j, k), face_below(voxels, table, axis, x, y, z))
    return best


@compiled
def root(parent: Any, u: int) -> int:
    """The representative of u's cluster, with the path to it halved."""
    while parent[u] != u:
        parent[u] = parent[parent[u]]
        u = parent[u]
    return int(u)


@compiled
def unite(parent: Any, u: int, v: int) -> None:
    u, v = root(parent, u), root(parent, v)
    if u < v:
        parent[v] = u
    else:
        parent[u] = v


@compiled
def part_of(code: int, s: int) -> int:
    """Number of the part of voxel s within its block; 15 for none."""
    return int((code >> (4 * s)) & 15)


@inlined
def steps(shape: Any) -> tuple[int, int, int]:
    """How far the number of a block is from that of its lower neighbour along each axis."""
    return shape[1] * shape[2], shape[2], 1


@compiled
def facing(code: Any, lower: Any, axis: int) -> Any:
    """Top bits of the voxels of a block that conduct and face conducting voxels of the lower neighbour."""
    return ~code & (~lower >> _SHIFT[axis]) & _PAIRS[axis]


@compiled
def pairs(both: Any) -> Any:
    """Number of pairs that `facing` found."""
    return (both >> uint32(3)) * uint32(0x11111111) >> uint32(28) & uint32(15)


@compiled
def coherent(code: Any, counts: Any) -> bool:
    """Whether all voxels of a block that conduct are connected inside it, across strong faces or weak."""
    insulating = code & (code >> uint32(1)) & (code >> uint32(2)) & (code >> uint32(3)) & uint32(0x11111111)
    bits = insulating ^ uint32(0x11111111)
    bits = (bits | bits >> uint32(3)) & uint32(0x03030303)
    bits = (bits | bits >> uint32(6)) & uint32(0x000F000F)
    return bool(counts[(bits | bits >> uint32(12)) & uint32(0xFF)] == 1)


@compiled
def opposite(grid: Any, shape: Any, parts: Any, axis: int, b: int, code: Any, place: int) -> tuple[int, Any, int]:
    """What block b of that code, the last along an axis, meets on the opposite side, if the structure repeats.

    The number of the block there, the voxels of that block that meet a voxel of b, both conducting, as `facing` gives
    them, and what distinguishes the number of a voxel of b from that of the voxel it meets.
    """
    if not grid.periodic[axis] or place < shape[axis] - 1:
        return -1, uint32(0), 0
    a = b - (shape[axis] - 1) * steps(shape)[axis]
    if grid.voxels.shape[axis] % 2 == 0:
        return a, facing(parts[a], code, axis), 4 >> axis
    return a, ~parts[a] & ~code & _PAIRS[axis], 0


@compiled
def join(grid: Any, shape: Any, parts: Any, first: Any, parent: Any, counts: Any) -> int:
    """Unite the parts that touch into clusters; the largest number of links between parts.

    The number counts, for each pair of touching blocks, as many pairs of parts as
    can meet, and so bounds the length of the list that `link` writes.
    """
    planes, rows, columns = shape
    weak = grid.table.size > 0  # parts of one block may touch
    sides = grid.periodic[1] or grid.periodic[2]
    step = steps(shape)
    bound = 0
    for u in range(parent.size):
        parent[u] = u
    b = 0
    for i in range(planes):
        for j in range(rows):
            for k in range(columns):
                code = parts[b]
                if code != NONE:
                    count = first[b + 1] - first[b]
                    one = count == 1 or (weak and coherent(code, counts))
                    if count > 1 and weak:
                        bound += count * (count - 1) // 2
                        unite_inside(code, first[b], count, one, parent)
                    place = (i, j, k)
                    for axis in range(3):
                        if place[axis] == 0:
                            continue
                        a = b - step[axis]
                        both = facing(code, parts[a], axis)
                        if both == 0:
                            continue
                        others = first[a + 1] - first[a]
                        bound += min(4, count * others)
                        if count == 1 and others == 1:
                            unite(parent, first[b], first[a])
                            continue
                        once = one and (others == 1 or (weak and coherent(parts[a], counts)))
                        for q in range(4):
                            s = LOWEST[axis, q]
                            if both >> (4 * s) & 8:
                                t = s | (4 >> axis)
                                unite(parent, first[b] + part_of(code, s), first[a] + part_of(parts[a], t))
                                if once:
                                    break
                    if sides and (j == rows - 1 or k == columns - 1):
                        bound += join_sides(grid, shape, parts, first, b, place, parent)
                b += 1
    return bound


@compiled
def join_sides(grid: Any, shape: Any, parts: Any, first: Any, b: int, place: Any, parent: Any) -> int:
    """Unite the parts of a block with those that they meet on the opposite sides; what `join` counts."""
    bound = 0
    for axis in (1, 2):
        a, both, bit = opposite(grid, shape, parts, axis, b, parts[b], place[axis])
        if both == 0:
            continue
        bound += min(4, (first[b + 1] - first[b]) * (first[a + 1] - first[a]))
        for s in range(8):
            if both >> (4 * s) & 8:
                unite(parent, first[b] + part_of(parts[b], s | bit), first[a] + part_of(parts[a], s))
    return bound


@compiled
def unite_inside(code: Any, base: int, count: int, one: bool, parent: Any) -> None:
    """Unite the parts of a block that touch, all of them if they are known to be one."""
    if one:
        for p in range(1, count):
            unite(parent, base + p, base)
        return
    for s in range(8):
        for axis in range(3):
            t = s ^ (4 >> axis)
            p, q = part_of(code, s), part_of(code, t)
            if t < s and p != q and p < 15 and q < 15:
                unite(parent, base + p, base + q)


@compiled
def reached(shape: Any, last: int, parts: Any, first: Any, parent: Any, status: Any) -> None:
    """Status of every part: which outer faces of axis 0 its cluster reaches.

    `last` is the place of the outlet's plane within the last blocks, 0 or 1.
    """
    planes, rows, columns = shape
    status[:] = ISOLATED
    for i in (0, planes - 1):
        for b in range(i * rows * columns, (i + 1) * rows * columns):
            for s in range(8):
                p = part_of(parts[b], s)
                if p == 15:
                    continue
                if i == 0 and s < 4:
                    status[root(parent, first[b] + p)] |= INLET
                if i == planes - 1 and s >> 2 == last:
                    status[root(parent, first[b] + p)] |= OUTLET
    for u in range(parent.size):
        status[u] = status[root(parent, u)]


@compiled
def tally(labels: Any, conducting: Any, shape: Any, parts: Any, first: Any, status: Any, counts: Any) -> None:
    """Number of voxels for each label and status, into `counts`; insulating ones are isolated."""
    lanes = np.zeros((4, 256), np.int64)  # neighbours of one label would wait for each other
    for i in range(labels.shape[0]):
        for j in range(labels.shape[1]):
            for k in range(labels.shape[2]):
                lanes[k & 3, labels[i, j, k]] += 1
    for label in range(256):
        counts[label, THROUGH if conducting[label] else ISOLATED] = lanes[:, label].sum()
    b = 0
    for i in range(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                for u in range(first[b], first[b + 1]):
                    if status[u] == THROUGH:
                        continue
                    for s in range(8):
                        if part_of(parts[b], s) == u - first[b]:
                            label = labels[2 * i + (s >> 2), 2 * j + (s >> 1 & 1), 2 * k + (s & 1)]
                            counts[label, THROUGH] -= 1
                            counts[label, status[u]] += 1
                b += 1


@compiled
def keep_through(grid: Any, shape: Any, parts: Any, first: Any, status: Any) -> int:
    """Take all clusters out that do not reach inlet and outlet, and number the parts anew; their count."""
    total = 0
    start = first[0]
    number = np.empty(16, np.int64)
    for b in range(parts.size):
        end = first[b + 1]
        kept = 0
        for u in range(start, end):
            kept += status[u] == THROUGH
        if kept < end - start:
            number[:] = 15
            kept = 0
            for u in range(start, end):
                if status[u] == THROUGH:
                    number[u - start] = kept
                    kept += 1
            code = uint32(0)
            i, j, k = b // (shape[1] * shape[2]), b // shape[2] % shape[1], b % shape[2]
            for s in range(8):
                old = part_of(parts[b], s)
                if number[old] == 15 and old < 15:
                    grid.voxels[2 * i + 1 + (s >> 2), 2 * j + 1 + (s >> 1 & 1), 2 * k + 1 + (s & 1)] = 0
                code |= uint32(number[old] << (4 * s))
            parts[b] = code
        first[b] = total
        total += kept
        start = end
    first[parts.size] = total
    return total
