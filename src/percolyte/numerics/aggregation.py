"""Conduction on a graph, solved approximately by aggregation multigrid with K-cycles.

Nodes that are strongly connected inside 2×2×2 parent blocks merge into one node of
the next coarser graph; an edge there conducts what all edges between the merged
nodes do. Diagonals are sums of conductances, never differences, so that a
contrast of 1e9 does not cancel. On each level one forward and one backward
Gauss-Seidel sweep surround the coarse correction, which is at most two steps of
flexible conjugate gradients on the coarse graph (K-cycle: Y. Notay and P. S.
Vassilevski, Numer. Linear Algebra Appl. 15 (2008) 473; A. Napov and Y. Notay,
SIAM J. Sci. Comput. 34 (2012) A1079).

Each edge is stored once, at its node of higher number. Nearly all nodes have at most
three such edges, one for each axis, so the solver keeps three for each node, with
zeros where there are fewer, and the few others apart: loops of fixed length run
twice as fast. The sweeps take the others along with the old values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import uint64
from numpy.typing import NDArray

from percolyte.numerics.blocks import STRONG, unite
from percolyte.numerics.grid import compiled, inlined

SMALLEST = 100
"""Nodes of the graph that is solved directly."""
SLOW = 0.8
"""A coarsening that leaves more than this share of the nodes is left out."""
_HALVED = (1 << 62) - 1 - (1 << 20) - (1 << 41)
"""Clears the bits that cross from one axis into the next when a key is halved."""
OVERCORRECTION = 1.8
"""A correction that is constant on each aggregate is too stiff, and falls short by about this factor (D. Braess,
Computing 55 (1995) 379, who takes the same; measured: one to two iterations fewer, from 1.5 to 2.2 alike)."""
ENOUGH = 0.25
"""A second step of the K-cycle follows where the first leaves more than this of the residual."""


class Graph(NamedTuple):
    """A resistor network with some nodes grounded."""

    start: NDArray[np.int64]
    """Edges start[u]:start[u + 1] lead from u to nodes of lower number."""
    lower: NDArray[np.int32]
    weight: NDArray[np.float32]
    ground: NDArray[np.float32]
    """Conductance of each node to ground."""
    key: NDArray[np.int64]
    """Place of the node's block, 21 bits an axis."""


class Hierarchy(NamedTuple):
    """All graphs, from fine to coarse, their nodes numbered through."""

    first: NDArray[np.int64]
    """Level l holds the nodes first[l]:first[l + 1]."""
    lower: NDArray[np.uint32]
    """Three neighbours of lower number for each node; the node itself where it has fewer."""
    weight: NDArray[np.float32]
    """Conductances to them; zero to itself."""
    inverse: NDArray[np.float32]
    """One over the diagonal of the matrix."""
    ground: NDArray[np.float32]
    """Conductance of each node to ground."""
    first_other: NDArray[np.int64]
    """Level l has the other edges first_other[l]:first_other[l + 1]."""
    others: NDArray[np.uint32]
    """Their two nodes."""
    other_weight: NDArray[np.float32]
    parent: NDArray[np.uint32]
    """The node of the next level that a node merges into."""
    direct: NDArray[np.float64]
    """Inverse matrix of the last level."""
    right: NDArray[np.float32]
    """Right-hand side, solution and three work vectors of the cycle."""
    solution: NDArray[np.float32]
    kept: NDArray[np.float32]
    product: NDArray[np.float32]
    spare: NDArray[np.float32]


def empty_graph(nodes: int, edges: int) -> Graph:
    return Graph(
        np.zeros(nodes + 1, np.int64),
        np.empty(edges, np.int32),
        np.empty(edges, np.float32),
        np.zeros(nodes, np.float32),
        np.empty(nodes, np.int64),
    )


def build_hierarchy(graph: Graph) -> Hierarchy:
    """Coarsen a graph of grounded clusters until it can be solved directly."""
    graphs, parents = [graph], []
    key = graph.key
    while graph.ground.size > SMALLEST:
        together = not key.any()
        key = key >> 1 & _HALVED
        parent, nodes = merge(graph, key, 0.0 if together else STRONG)
        if nodes > SLOW * graph.ground.size and not together:
            continue
        if nodes == graph.ground.size:
            # many clusters, one node each: no edges are left, so that one sweep solves them and nothing is left to correct
            parent, nodes = np.zeros_like(parent), 1
        coarse = empty_graph(nodes, graph.lower.size)
        edges = condense(graph, parent, key, coarse)
        key = coarse.key
        graph = coarse._replace(lower=coarse.lower[:edges].copy(), weight=coarse.weight[:edges].copy())
        graphs.append(graph)
        parents.append(parent)
    return _stacked(graphs, parents)


def _stacked(graphs: list[Graph], parents: list[NDArray[np.int32]]) -> Hierarchy:
    first = np.cumsum([0] + [graph.ground.size for graph in graphs])
    lower, weight = np.empty((first[-1], 3), np.uint32), np.empty((first[-1], 3), np.float32)
    diagonal, parent = np.zeros(first[-1], np.float32), np.zeros(first[-1], np.uint32)
    others, other_weights = [], []
    for level, graph in enumerate(graphs):
        begin, end = first[level : level + 2]
        most = int(np.maximum(np.diff(graph.start) - 3, 0).sum())
        others.append(np.empty((most, 2), np.uint32))
        other_weights.append(np.empty(most, np.float32))
        place(graph, begin, lower, weight, diagonal, others[-1], other_weights[-1])
        if level < len(parents):
            np.add(parents[level], end, out=parent[begin:end], casting="unsafe")
    return Hierarchy(
        first,
        lower,
        weight,
        np.divide(1.0, diagonal, out=diagonal),
        np.concatenate([graph.ground for graph in graphs]),
        np.cumsum([0] + [edges.size for edges in other_weights]),
        np.concatenate(others),
        np.concatenate(other_weights),
        parent,
        inverse_matrix(graphs[-1]),
        *(np.zeros(first[-1], np.float32) for _ in range(5)),
    )


@compiled
def place(graph: Any, begin: int, lower: Any, weight: Any, diagonal: Any, others: Any, other_weight: Any) -> None:
    """The three strongest edges of each node to its places, the others to their list, and the diagonal."""
    written = 0
    for u in range(graph.ground.size):
        here = begin + u
        total = diagonal[here] + graph.ground[u]
        for q in range(3):
            lower[here, q], weight[here, q] = here, 0.0
        few = graph.start[u + 1] - graph.start[u] <= 3
        for e in range(graph.start[u], graph.start[u + 1]):
            v, w = begin + graph.lower[e], graph.weight[e]
            total += w
            diagonal[v] += w
            if few:
                q = e - graph.start[u]
                lower[here, q], weight[here, q] = v, w
                continue
            for q in range(3):
                if w > weight[here, q]:
                    v, lower[here, q] = lower[here, q], v
                    w, weight[here, q] = weight[here, q], w
            if w > 0.0:
                others[written, 0], others[written, 1], other_weight[written] = here, v, w
                written += 1
        diagonal[here] = total


@compiled
def inverse_matrix(graph: Any) -> Any:
    """Inverse of the matrix of a small graph by Gauss-Jordan elimination.

    Not by LAPACK, whose threads take longer to start than the work takes. No pivot
    is needed, as the matrix is diagonally dominant.
    """
    n = graph.ground.size
    matrix = np.zeros((n, n))
    for u in range(n):
        matrix[u, u] += graph.ground[u]
        for e in range(graph.start[u], graph.start[u + 1]):
            v = graph.lower[e]
            matrix[u, u] += graph.weight[e]
            matrix[v, v] += graph.weight[e]
            matrix[u, v] = matrix[v, u] = -graph.weight[e]
    for u in range(n):
        pivot = 1.0 / matrix[u, u]
        matrix[u, u] = 1.0
        for w in range(n):
            matrix[u, w] *= pivot
        for v in range(n):
            factor = matrix[v, u]
            if v != u and factor != 0.0:
                matrix[v, u] = 0.0
                for w in range(n):
                    matrix[v, w] -= factor * matrix[u, w]
    return matrix


@compiled
def merge(graph: Any, key: Any, strong: float) -> tuple[Any, int]:
    """Aggregates: nodes joined by strong edges within one parent block. Parent of each node, and how many."""
    n = graph.ground.size
    best = np.zeros_like(graph.ground)
    for u in range(n):
        most = best[u]
        for e in range(graph.start[u], graph.start[u + 1]):
            v = graph.lower[e]
            most = max(most, graph.weight[e])
            best[v] = max(best[v], graph.weight[e])
        best[u] = most
    parent = np.empty(n, np.int32)
    for u in range(n):
        parent[u] = u
        for e in range(graph.start[u], graph.start[u + 1]):
            v = graph.lower[e]
            w = graph.weight[e]
            if key[u] == key[v] and w * w >= strong * strong * best[u] * best[v]:
                unite(parent, u, v)
    nodes = 0
    for u in range(n):
        if parent[u] == u:
            parent[u] = -1 - nodes
            nodes += 1
        else:
            parent[u] = parent[parent[u]]
    for u in range(n):
        parent[u] = -1 - parent[u]
    return parent, nodes


@compiled
def condense(graph: Any, parent: Any, key: Any, coarse: Any) -> int:
    """Galerkin product with piecewise constant functions: parallel conductances add up. The number of edges."""
    n, nodes = graph.ground.size, coarse.ground.size
    begin = np.zeros(nodes + 1, np.int64)
    for u in range(n):
        coarse.key[parent[u]] = key[u]
        coarse.ground[parent[u]] += graph.ground[u]
        for e in range(graph.start[u], graph.start[u + 1]):
            a, b = parent[u], parent[graph.lower[e]]
            if a != b:
                begin[max(a, b) + 1] += 1
    for c in range(nodes):
        begin[c + 1] += begin[c]
    other = np.empty(begin[nodes], np.int32)
    weight = np.empty(begin[nodes], graph.weight.dtype)
    place = begin[:-1].copy()
    for u in range(n):
        for e in range(graph.start[u], graph.start[u + 1]):
            a, b = parent[u], parent[graph.lower[e]]
            if a != b:
                high = max(a, b)
                other[place[high]] = min(a, b)
                weight[place[high]] = graph.weight[e]
                place[high] += 1
    seen = np.full(nodes, -1, np.int64)
    written = 0
    for c in range(nodes):
        row = written
        for e in range(begin[c], begin[c + 1]):
            v = other[e]
            if seen[v] >= row:
                coarse.weight[seen[v]] += weight[e]
            else:
                seen[v] = written
                coarse.lower[written] = v
                coarse.weight[written] = weight[e]
                written += 1
        coarse.start[c + 1] = written
    return written


@compiled
def solve_level(h: Any, level: int) -> None:
    """Approximate solution of a level for its right-hand side, which is used up: one K-cycle."""
    begin, end = h.first[level], h.first[level + 1]
    if level == h.first.size - 2:
        solve_directly(h, begin, end)
        return
    cycle_down(h, level)
    solve_level(h, level + 1)
    cycle_up(h, level)
    length, along, size = multiply(h, level)
    if length <= 0.0:
        return
    solution, kept = h.solution[begin:end], h.kept[begin:end]
    kept[:] = solution
    left = subtract(h.right[begin:end], along / length, h.product[begin:end])
    if left <= ENOUGH * ENOUGH * size:
        combine(solution, along / length, kept, 0.0)
        return
    cycle_down(h, level)
    solve_level(h, level + 1)
    cycle_up(h, level)
    cross, own, second = second_lengths(h, level)
    rest = own - cross * cross / length
    if rest <= 0.0:
        second, rest = 0.0, 1.0
    combine(solution, along / length - cross * second / (length * rest), kept, second / rest)


@compiled
def subtract(right: Any, factor: float, product: Any) -> float:
    """Take a multiple of the product off the right-hand side; the square of what is left."""
    factor32 = np.float32(factor)
    left = 0.0
    for u in range(right.size):
        value = right[u] - factor32 * product[u]
        right[u] = value
        left += np.float64(value) * value
    return left


@compiled
def combine(solution: Any, one: float, kept: Any, other: float) -> None:
    """The best solution from both steps."""
    one32, other32 = np.float32(one), np.float32(other)
    for u in range(solution.size):
        solution[u] = one32 * kept[u] + other32 * solution[u]


@compiled
def solve_directly(h: Any, begin: int, end: int) -> None:
    for u in range(begin, end):
        total = 0.0
        for v in range(begin, end):
            total += h.direct[u - begin, v - begin] * h.right[v]
        h.solution[u] = total


@inlined
def nodes(h: Any, level: int) -> tuple[Any, Any]:
    """First node of a level and of the next; unsigned, as are all node numbers, so that none is taken to count from the end."""
    return uint64(h.first[level]), uint64(h.first[level + 1])


@compiled
def cycle_down(h: Any, level: int) -> None:
    """Forward Gauss-Seidel from zero; its residual becomes the coarse right-hand side."""
    begin, end = nodes(h, level)
    right, solution, parent = h.right, h.solution, h.parent
    right[h.first[level + 1] : h.first[level + 2]] = 0.0
    for u in range(begin, end):
        a, b, c = h.lower[u, 0], h.lower[u, 1], h.lower[u, 2]
        p, q, r = h.weight[u, 0], h.weight[u, 1], h.weight[u, 2]
        value = (right[u] + p * solution[a] + q * solution[b] + r * solution[c]) * h.inverse[u]
        solution[u] = value
        # what nodes of higher number add is all that the sweep leaves of the residual
        right[parent[a]] += p * value
        right[parent[b]] += q * value
        right[parent[c]] += r * value
    for e in range(h.first_other[level], h.first_other[level + 1]):
        u, v = h.others[e, 0], h.others[e, 1]
        right[parent[u]] += h.other_weight[e] * solution[v]
        right[parent[v]] += h.other_weight[e] * solution[u]


@compiled
def cycle_up(h: Any, level: int) -> None:
    """Coarse correction, enlarged, and backward Gauss-Seidel."""
    begin, end = nodes(h, level)
    solution, spare = h.solution, h.spare
    boost = np.float32(OVERCORRECTION)
    for u in range(begin, end):
        solution[u] += boost * solution[h.parent[u]]
        spare[u] = 0.0
    add_others(h, level)
    for back in range(end - begin):
        u = end - uint64(1) - back
        a, b, c = h.lower[u, 0], h.lower[u, 1], h.lower[u, 2]
        p, q, r = h.weight[u, 0], h.weight[u, 1], h.weight[u, 2]
        known = h.right[u] + p * solution[a] + q * solution[b] + r * solution[c]
        value = (known + spare[u]) * h.inverse[u]  # the node before gave the last term: nothing else waits for it
        solution[u] = value
        spare[a] += p * value
        spare[b] += q * value
        spare[c] += r * value


@compiled
def add_others(h: Any, level: int) -> None:
    """What the solution drives through the other edges, into `spare`."""
    for e in range(h.first_other[level], h.first_other[level + 1]):
        u, v = h.others[e, 0], h.others[e, 1]
        h.spare[u] += h.other_weight[e] * h.solution[v]
        h.spare[v] += h.other_weight[e] * h.solution[u]


@compiled
def multiply(h: Any, level: int) -> tuple[float, float, float]:
    """A times the solution, into `product`; solution·product, solution·right, right·right.

    From differences, so that a current that enters one node is what leaves the other, however coarse the numbers.
    """
    begin, end = nodes(h, level)
    solution, product = h.solution, h.product
    length = along = size = 0.0
    for u in range(begin, end):
        value = solution[u]
        a, b, c = h.lower[u, 0], h.lower[u, 1], h.lower[u, 2]
        over_a, over_b, over_c = value - solution[a], value - solution[b], value - solution[c]
        to_a, to_b, to_c = h.weight[u, 0] * over_a, h.weight[u, 1] * over_b, h.weight[u, 2] * over_c
        to_ground = h.ground[u] * value
        product[u] = to_ground + to_a + to_b + to_c
        product[a] -= to_a
        product[b] -= to_b
        product[c] -= to_c
        length += value * to_ground + over_a * to_a + over_b * to_b + over_c * to_c
        along += value * h.right[u]
        size += h.right[u] * h.right[u]
    for e in range(h.first_other[level], h.first_other[level + 1]):
        u, v = h.others[e, 0], h.others[e, 1]
        over = solution[u] - solution[v]
        current = h.other_weight[e] * over
        product[u] += current
        product[v] -= current
        length += over * current
    return length, along, size


@compiled
def second_lengths(h: Any, level: int) -> tuple[float, float, float]:
    """solution·product of the first step, solution·A solution, solution·right."""
    begin, end = nodes(h, level)
    solution = h.solution
    cross = own = along = 0.0
    for u in range(begin, end):
        value = solution[u]
        a, b, c = h.lower[u, 0], h.lower[u, 1], h.lower[u, 2]
        over_a, over_b, over_c = value - solution[a], value - solution[b], value - solution[c]
        cross += value * h.product[u]
        along += value * h.right[u]
        within = h.weight[u, 0] * over_a * over_a + h.weight[u, 1] * over_b * over_b + h.weight[u, 2] * over_c * over_c
        own += h.ground[u] * value * value + within
    for e in range(h.first_other[level], h.first_other[level + 1]):
        over = solution[h.others[e, 0]] - solution[h.others[e, 1]]
        own += h.other_weight[e] * over * over
    return cross, own, along
