"""A lower bound of the conductance, from currents that balance everywhere.

Among all currents C that balance in every voxel, the true ones dissipate least
(Thomson's principle): with I the total current,

    G ≥ I² / Σ_faces C²/g.

The currents of an approximate potential u do not quite balance. What is left over
in each voxel is led away over the hierarchy of the multigrid: the excess of a part,
or of a node, goes along the edges of the next coarser graph, and inside a part or
node along a tree. Each lead is short, so that the bound lies about as far below
the conductance as the energy of u lies above it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from percolyte.numerics.aggregation import Hierarchy
from percolyte.numerics.blocks import STRONG, best_face, part_of
from percolyte.numerics.fields import current_below
from percolyte.numerics.grid import Grid, compiled, face_below, inlined


def lower_bound(
    grid: Grid,
    shape: tuple[int, ...],
    parts: NDArray[np.uint32],
    first: NDArray[np.int32],
    h: Hierarchy,
    u: NDArray[np.floating[Any]],
) -> float:
    """A conductance that the network has at least, from its potential u (a drop of one)."""
    nodes, others = int(h.first[-1]), int(h.first_other[-1])
    excess, ground_flow = np.zeros(nodes), np.zeros(nodes)
    flow, other_flow = np.zeros((nodes, 3)), np.zeros(others)
    gather_excess(grid, shape, parts, first, u, excess)
    lead_away(h, excess, flow, other_flow, ground_flow)
    nodes, others = int(h.first[1]), int(h.first_other[1])
    drives = (
        h.lower[:nodes],
        over(flow[:nodes], h.weight[:nodes]),
        h.others[:others],
        other_flow[:others] / h.other_weight[:others],
    )
    ground = over(ground_flow[:nodes], h.ground[:nodes])
    current, dissipated = balanced(grid, shape, parts, first, u, drives, ground)
    return float(current**2 / dissipated)


def over(flow: NDArray[np.float64], conductance: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """The drive behind a flow; zero where nothing conducts."""
    drive = np.zeros_like(flow)
    np.divide(flow, conductance, out=drive, where=conductance > 0.0)
    return drive


@compiled
def excess_of(grid: Any, u: Any, i: int, j: int, k: int) -> float:
    """Current into a voxel minus current out of it."""
    here = np.float64(u[i, j, k])
    total = 0.0
    voxels = grid.voxels
    if grid.table.size == 0:
        total += (u[i - 1, j, k] - here) * (voxels[i - 1, j, k] > 0) + (u[i + 1, j, k] - here) * (
            voxels[i + 1, j, k] > 0
        )
        total += (u[i, j - 1, k] - here) * (voxels[i, j - 1, k] > 0) + (u[i, j + 1, k] - here) * (
            voxels[i, j + 1, k] > 0
        )
        total += (u[i, j, k - 1] - here) * (voxels[i, j, k - 1] > 0) + (u[i, j, k + 1] - here) * (
            voxels[i, j, k + 1] > 0
        )
        if i == 1:
            total -= 2.0 * here
        if i == u.shape[0] - 2:
            total += 2.0 * (1.0 - here)
    else:
        for axis in range(3):
            x, y, z = int(axis == 0), int(axis == 1), int(axis == 2)
            total += face_below(voxels, grid.table, axis, i, j, k) * (u[i - x, j - y, k - z] - here)
            total += face_below(voxels, grid.table, axis, i + x, j + y, k + z) * (u[i + x, j + y, k + z] - here)
    return float(total)


@compiled
def gather_excess(grid: Any, shape: Any, parts: Any, first: Any, u: Any, excess: Any) -> None:
    """Excess of each part, into the first nodes."""
    b = 0
    for i in range(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                if first[b + 1] > first[b]:
                    for s in range(8):
                        p = part_of(parts[b], s)
                        if p < 15:
                            x, y, z = 2 * i + 1 + (s >> 2), 2 * j + 1 + (s >> 1 & 1), 2 * k + 1 + (s & 1)
                            excess[first[b] + p] += excess_of(grid, u, x, y, z)
                b += 1


@compiled
def lead_away(h: Any, excess: Any, flow: Any, other_flow: Any, ground_flow: Any) -> None:
    """Flows along all edges that take the excess of every node to ground; positive away from the higher node."""
    last = h.first.size - 2
    for u in range(h.first[last]):
        excess[h.parent[u]] += excess[u]
    begin, end = h.first[last], h.first[last + 1]
    potential = np.zeros(h.first[-1])
    for u in range(begin, end):
        for v in range(begin, end):
            potential[u] += h.direct[u - begin, v - begin] * excess[v]
    for u in range(begin, end):
        ground_flow[u] = h.ground[u] * potential[u]
        excess[u] -= ground_flow[u]
        for q in range(3):
            v = h.lower[u, q]
            flow[u, q] = h.weight[u, q] * (potential[u] - potential[v])
            excess[u] -= flow[u, q]
            excess[v] += flow[u, q]
    for e in range(h.first_other[last], h.first_other[last + 1]):
        u, v = h.others[e, 0], h.others[e, 1]
        other_flow[e] = h.other_weight[e] * (potential[u] - potential[v])
    for level in range(last - 1, -1, -1):
        spread_level(h, level, excess, flow, other_flow, ground_flow)


@inlined
def flow_between(h: Any, flow: Any, other_flow: Any, u: int, v: int) -> float:
    """Flow from u to v of a level over the conductance between them."""
    high, low = max(u, v), min(u, v)
    sign = 1.0 if u > v else -1.0
    for q in range(3):
        if h.lower[high, q] == low and h.weight[high, q] > 0.0:
            return float(sign * flow[high, q] / h.weight[high, q])
    e = place_of(h.others, high, low)
    return float(sign * other_flow[e] / h.other_weight[e])


@compiled
def place_of(others: Any, high: int, low: int) -> int:
    """Number of the edge between two nodes among the others, which stand in the order of their higher node."""
    start, stop = 0, others.shape[0]
    while start < stop:
        middle = (start + stop) // 2
        if others[middle, 0] < high:
            start = middle + 1
        else:
            stop = middle
    while others[start, 1] != low:
        start += 1
    return start


@compiled
def spread_level(h: Any, level: int, excess: Any, flow: Any, other_flow: Any, ground_flow: Any) -> None:
    """Flows of a level: those between parents shared in proportion to conductance, the rest along trees."""
    begin, end = h.first[level], h.first[level + 1]
    for u in range(begin, end):
        if h.ground[u] > 0.0:
            ground_flow[u] = ground_flow[h.parent[u]] * h.ground[u] / h.ground[h.parent[u]]
            excess[u] -= ground_flow[u]
        for q in range(3):
            v = h.lower[u, q]
            if h.parent[u] != h.parent[v]:
                flow[u, q] = h.weight[u, q] * flow_between(h, flow, other_flow, h.parent[u], h.parent[v])
                excess[u] -= flow[u, q]
                excess[v] += flow[u, q]
    for e in range(h.first_other[level], h.first_other[level + 1]):
        u, v = h.others[e, 0], h.others[e, 1]
        if h.parent[u] != h.parent[v]:
            other_flow[e] = h.other_weight[e] * flow_between(h, flow, other_flow, h.parent[u], h.parent[v])
            excess[u] -= other_flow[e]
            excess[v] += other_flow[e]
    depth, tree = grow_trees(h, level)
    for d in range(depth.max(), 0, -1):
        for u in range(begin, end):
            if depth[u - begin] != d:
                continue
            # an edge is u's own, another node's that leads to u, or one of the others
            edge = tree[u - begin]
            if edge < 3 * h.first[-1]:
                owner, q = edge // 3, edge % 3
                onward = h.lower[owner, q] if owner == u else owner
                flow[owner, q] = excess[u] if owner == u else -excess[u]
            else:
                e = edge - 3 * h.first[-1]
                owner = h.others[e, 0]
                onward = h.others[e, 1] if owner == u else owner
                other_flow[e] = excess[u] if owner == u else -excess[u]
            excess[onward] += excess[u]
            excess[u] = 0.0


@compiled
def grow_trees(h: Any, level: int) -> tuple[Any, Any]:
    """A tree in each aggregate: depth of each node, and the edge towards the root; strong edges first."""
    begin, end = h.first[level], h.first[level + 1]
    lower, weight, parent = h.lower, h.weight, h.parent
    depth = np.full(end - begin, -1, np.int64)
    tree = np.full(end - begin, -1, np.int64)
    best = np.zeros(end - begin, weight.dtype)
    rooted = np.zeros(h.first[level + 2] - end, np.bool_)
    for u in range(begin, end):
        if not rooted[parent[u] - end]:
            rooted[parent[u] - end] = True
            depth[u - begin] = 0
        for q in range(3):
            v = lower[u, q]
            best[u - begin] = max(best[u - begin], weight[u, q])
            best[v - begin] = max(best[v - begin], weight[u, q])
    for strong in (STRONG, 0.0):
        grown = depth.min() < 0
        while grown:
            grown = False
            for u in range(begin, end):
                for q in range(3):
                    v = lower[u, q]
                    a, b = u - begin, v - begin
                    w = weight[u, q]
                    one_in = (depth[a] < 0) != (depth[b] < 0) and parent[u] == parent[v]
                    if one_in and w > 0.0 and w * w >= strong * strong * best[a] * best[b]:
                        graft(depth, tree, a, b, 3 * u + q)
                        grown = True
            for e in range(h.first_other[level], h.first_other[level + 1]):
                u, v = h.others[e, 0], h.others[e, 1]
                a, b = u - begin, v - begin
                w = h.other_weight[e]
                one_in = (depth[a] < 0) != (depth[b] < 0) and parent[u] == parent[v]
                if one_in and w * w >= strong * strong * best[a] * best[b]:
                    graft(depth, tree, a, b, 3 * h.first[-1] + e)
                    grown = True
    return depth, tree


@compiled
def graft(depth: Any, tree: Any, a: int, b: int, edge: int) -> None:
    """Let a tree grow along an edge, from the end that is in it to the one that is not yet."""
    new, old = (a, b) if depth[a] < 0 else (b, a)
    depth[new] = depth[old] + 1
    tree[new] = edge


@inlined
def drive_between(lower: Any, drive: Any, others: Any, other_drive: Any, u: int, v: int) -> float:
    """Flow over conductance from part u to part v."""
    high, low = max(u, v), min(u, v)
    sign = 1.0 if u > v else -1.0
    for q in range(3):
        if lower[high, q] == low:
            return float(sign * drive[high, q])
    return float(sign * other_drive[place_of(others, high, low)])


@inlined
def part_beyond(grid: Any, shape: Any, parts: Any, first: Any, b: int, s: int, axis: int, step: int, edge: bool) -> int:
    """The part beyond the lower (step 0) or upper face of voxel s of block b, at the edge that opposite; -1 for none."""
    bit = 4 >> axis
    across = shape[1] * shape[2] if axis == 0 else shape[2] if axis == 1 else 1
    a, t = b, s ^ bit
    if edge:
        a = b + (1 - 2 * step) * (shape[axis] - 1) * across
        t = s if grid.voxels.shape[axis] % 2 else s ^ bit
    elif (s & bit == 0) == (step == 0):
        a = b + (2 * step - 1) * across
    q = part_of(parts[a], t)
    return int(first[a] + q) if q < 15 else -1


@compiled
def balanced(grid: Any, shape: Any, parts: Any, first: Any, u: Any, drives: Any, ground: Any) -> tuple[float, float]:
    """Total current of the balanced currents, and the power that they dissipate."""
    current = dissipated = 0.0
    lower, drive, others, other_drive = drives
    voxels, table = grid.voxels, grid.table
    left = np.empty(8)
    b = 0
    for i in range(shape[0]):
        for j in range(shape[1]):
            for k in range(shape[2]):
                code = parts[b]
                for s in range(8):
                    p = part_of(code, s)
                    if p == 15:
                        continue
                    node = first[b] + p
                    x, y, z = 2 * i + 1 + (s >> 2), 2 * j + 1 + (s >> 1 & 1), 2 * k + 1 + (s & 1)
                    left[s] = excess_of(grid, u, x, y, z)
                    for axis in range(3):
                        place = x if axis == 0 else y if axis == 1 else z
                        for step in range(2):
                            edge = place + step == 1 or place + step == u.shape[axis] - 1
                            outer = edge and axis == 0
                            other = -1
                            if edge and axis > 0 and not grid.periodic[axis]:
                                continue
                            if not outer:
                                other = part_beyond(grid, shape, parts, first, b, s, axis, step, edge)
                                if other < 0 or other == node:
                                    continue
                            g, rise = current_below(
                                voxels,
                                table,
                                u,
                                axis,
                                x + step * (axis == 0),
                                y + step * (axis == 1),
                                z + step * (axis == 2),
                            )
                            if g == 0.0:
                                continue
                            if outer:
                                away = g * ground[node]
                            else:
                                away = g * drive_between(lower, drive, others, other_drive, node, other)
                            left[s] -= away
                            # a current towards lower indices is g rise; `away` opposes it at step 1
                            if step == 0:
                                dissipated += (g * rise + away) ** 2 / g
                            elif outer:
                                current += g * rise - away
                                dissipated += (g * rise - away) ** 2 / g
                if first[b + 1] > first[b]:
                    dissipated += dissipated_inside(grid, u, code, i, j, k, left)
                b += 1
    return current, dissipated


@compiled
def dissipated_inside(grid: Any, u: Any, code: int, i: int, j: int, k: int, left: Any) -> float:
    """Power of the faces inside the parts of a block, with what is left over led along a tree in each part."""
    voxels, table = grid.voxels, grid.table
    onward = np.full(8, -1, np.int64)
    order = np.empty(8, np.int64)
    count = 0
    conductance, rises = np.zeros((8, 3)), np.zeros((8, 3))
    best = np.zeros(8)
    for s in range(8):
        if part_of(code, s) == 15:
            continue
        x, y, z = 2 * i + 1 + (s >> 2), 2 * j + 1 + (s >> 1 & 1), 2 * k + 1 + (s & 1)
        best[s] = best_face(voxels, table, x, y, z)
        for axis in range(3):
            if s & (4 >> axis) and part_of(code, s) == part_of(code, s ^ (4 >> axis)):
                conductance[s, axis], rises[s, axis] = current_below(voxels, table, u, axis, x, y, z)
    for seed in range(8):
        if part_of(code, seed) == 15 or onward[seed] >= 0:
            continue
        onward[seed] = seed
        order[count] = seed
        head = count
        count += 1
        while head < count:
            s = order[head]
            head += 1
            for axis in range(3):
                t = s ^ (4 >> axis)
                g = conductance[max(s, t), axis]
                if onward[t] < 0 and g > 0.0 and g * g >= STRONG * STRONG * best[s] * best[t]:
                    onward[t] = s
                    order[count] = t
                    count += 1
    extra = np.zeros((8, 3))
    for place in range(count - 1, -1, -1):
        s = order[place]
        t = onward[s]
        if t != s:
            axis = 0 if s ^ t == 4 else 1 if s ^ t == 2 else 2
            extra[max(s, t), axis] = left[s] if s > t else -left[s]
            left[t] += left[s]
    total = 0.0
    for s in range(8):
        for axis in range(3):
            g = conductance[s, axis]
            if g > 0.0:
                total += (g * rises[s, axis] + extra[s, axis]) ** 2 / g
    return total
