"""Effective conductance of a voxel image: flexible conjugate gradients with an aggregation multigrid.

Each iteration smooths the correction with a Chebyshev polynomial of degree two in
D⁻¹A on the voxels, corrects it on the graph of connected parts of 2×2×2 blocks
(`aggregation.py`), and smooths again. The conductance is the dissipated energy

    G = Σ_faces g (u_i - u_j)²,

which is never below the exact one for any u with the right boundary values
(Dirichlet's principle), and whose error is the square of that of u.

Fields are 32-bit; sums are 64-bit. Where faces differ much, u itself is 64-bit, as the
drops inside a good conductor are tiny beside those of a poor one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from percolyte.numerics.aggregation import OVERCORRECTION, Hierarchy, build_hierarchy, empty_graph, solve_level
from percolyte.numerics.blocks import (
    CODES,
    COUNTS,
    NONE,
    join,
    keep_through,
    link,
    part_of,
    reached,
    split_general,
    split_uniform,
    tally,
)
from percolyte.numerics.bounds import lower_bound
from percolyte.numerics.grid import (
    Grid,
    compiled,
    count_faces,
    decode,
    inverse_diagonal_row,
    mark,
    outlet_value,
    plane_conductances,
    product_row,
    residual_row,
    ring_like,
)
from percolyte.numerics.kinds import grid_of_kinds


def _chebyshev(low: float, high: float = 2.0) -> tuple[float, float]:
    """c0, c1 of z = (c0 + c1 D⁻¹A) D⁻¹r with the roots of degree two on [low, high]."""
    middle, half = (high + low) / 2, (high - low) / 2
    first, second = 1 / (middle - half * np.sqrt(0.5)), 1 / (middle + half * np.sqrt(0.5))
    return first + second, -first * second


ROUNDING = 1e-8
"""A drop of the energy below this share of it is rounding."""
C0, C1 = (np.float32(c) for c in _chebyshev(0.5))


@compiled
def scaled_residual(grid: Any, faces: Any, u: Any, z: Any, zero: bool, i: int, rows: Any, t: Any) -> None:
    """Plane i of -D⁻¹A(u + z) into t; z is known to be zero or not. The plane before is decoded, this one is not yet."""
    decode(grid, i, faces)
    if i == 0 or i == u.shape[0] - 1:
        t[:] = 0.0
        return
    inverse, row, other = rows
    below, here, above = u[i - 1], u[i], u[i + 1]
    z_below, z_here, z_above = z[i - 1], z[i], z[i + 1]
    for j in range(1, u.shape[1] - 1):
        inverse_diagonal_row(grid, faces, i, j, inverse)
        if zero:
            product_row(grid, faces, i, j, below, here, above, row)
            for k in range(1, row.size - 1):
                t[j, k] = -inverse[k] * row[k]
        else:
            residual_row(grid, faces, i, j, (below, here, above), (z_below, z_here, z_above), other)
            for k in range(1, row.size - 1):
                t[j, k] = inverse[k] * other[k]


@compiled
def smooth(grid: Any, faces: Any, u: Any, z: Any, zero: bool, edges: Any, start: int, stop: int) -> None:
    """Add -(c0 + c1 D⁻¹A) D⁻¹A(u + z) to z on the planes from start to stop.

    `edges` holds the scaled residual of the planes on both sides, found before
    another thread changes z there.
    """
    rows, columns = z.shape[1:]
    ring = np.zeros((3, rows, columns), np.float32)
    inverse, row, other = rows_like(u, columns)
    ring[(start - 1) % 3] = edges[0]
    decode(grid, start - 1, faces)
    scaled_residual(grid, faces, u, z, zero, start, (inverse, row, other), ring[start % 3])
    for i in range(start, stop):
        if i + 1 < stop:
            scaled_residual(grid, faces, u, z, zero, i + 1, (inverse, row, other), ring[(i + 1) % 3])
        else:
            ring[(i + 1) % 3] = edges[1]
        below, here, above = ring[(i - 1) % 3], ring[i % 3], ring[(i + 1) % 3]
        for j in range(1, rows - 1):
            inverse_diagonal_row(grid, faces, i, j, inverse)
            product_row(grid, faces, i, j, below, here, above, other)
            if zero:
                for k in range(1, columns - 1):
                    z[i, j, k] = C0 * here[j, k] + C1 * inverse[k] * other[k]
            else:
                for k in range(1, columns - 1):
                    z[i, j, k] += C0 * here[j, k] + C1 * inverse[k] * other[k]


@compiled
def rows_like(u: Any, columns: int) -> Any:
    """Work rows: one in the precision of u between two of 32 bits."""
    return np.zeros(columns, np.float32), np.zeros(columns, u.dtype), np.zeros(columns, np.float32)


@compiled
def smoothing_edges(grid: Any, faces: Any, u: Any, z: Any, zero: bool, edges: Any, start: int, stop: int) -> None:
    """The scaled residual just before and just after some planes, for `smooth`."""
    rows = rows_like(u, u.shape[2])
    for i, edge in ((start - 1, edges[0]), (stop, edges[1])):
        decode(grid, max(i - 1, 0), faces)
        scaled_residual(grid, faces, u, z, zero, i, rows, edge)


@compiled
def restrict(grid: Any, faces: Any, u: Any, z: Any, parts: Any, first: Any, coarse: Any, start: int, stop: int) -> None:
    """Sum of -A(u + z) over each part of the block planes from start to stop."""
    planes, rows, columns = u.shape
    across, along = (rows - 1) // 2, (columns - 1) // 2
    row = np.zeros(columns, np.float32)
    left = np.zeros((4, columns), np.float32)
    decode(grid, 2 * start, faces)
    for i in range(start, stop):
        decode(grid, 2 * i + 1, faces)
        decode(grid, 2 * i + 2, faces)
        for j in range(across):
            for q in range(4):
                x, y = 2 * i + 1 + (q >> 1), 2 * j + 1 + (q & 1)
                if x < planes - 1 and y < rows - 1:
                    around, correction = (u[x - 1], u[x], u[x + 1]), (z[x - 1], z[x], z[x + 1])
                    residual_row(grid, faces, x, y, around, correction, left[q])
                else:
                    left[q] = 0.0
            for k in range(1, columns):
                row[k] = left[0, k] + left[1, k] + left[2, k] + left[3, k]
            b = (i * across + j) * along
            for k in range(along):
                count = first[b + k + 1] - first[b + k]
                if count == 1:
                    coarse[first[b + k]] = row[2 * k + 1] + row[2 * k + 2]
                elif count > 1:
                    coarse[first[b + k] : first[b + k + 1]] = 0.0
                    for s in range(8):
                        p = part_of(parts[b + k], s)
                        if p < 15:
                            coarse[first[b + k] + p] += left[s >> 1, 2 * k + 1 + (s & 1)]


@compiled
def prolong(field: Any, parts: Any, first: Any, coarse: Any, start: int, stop: int) -> None:
    """Add the coarse solution, enlarged, to every voxel of its part."""
    boost = np.float32(OVERCORRECTION)
    across, along = (field.shape[1] - 1) // 2, (field.shape[2] - 1) // 2
    for i in range(start, stop):
        for j in range(across):
            b = (i * across + j) * along
            for k in range(along):
                code = parts[b + k]
                x, y, z = 2 * i + 1, 2 * j + 1, 2 * k + 1
                if code == 0:
                    value = boost * coarse[first[b + k]]
                    field[x, y, z] += value
                    field[x, y, z + 1] += value
                    field[x, y + 1, z] += value
                    field[x, y + 1, z + 1] += value
                    field[x + 1, y, z] += value
                    field[x + 1, y, z + 1] += value
                    field[x + 1, y + 1, z] += value
                    field[x + 1, y + 1, z + 1] += value
                elif code != NONE:
                    for s in range(8):
                        p = part_of(code, s)
                        if p < 15:
                            field[x + (s >> 2), y + (s >> 1 & 1), z + (s & 1)] += boost * coarse[first[b + k] + p]


@compiled
def products(grid: Any, faces: Any, u: Any, z: Any, p: Any, start: int, stop: int) -> tuple[float, float, float]:
    """z·Az, p·Az and -z·Au."""
    _, own_row, row = rows_like(u, u.shape[2])
    own = cross = along = 0.0
    decode(grid, start - 1, faces)
    for i in range(start, stop):
        decode(grid, i, faces)
        below, here, above = z[i - 1], z[i], z[i + 1]
        u_below, u_here, u_above = u[i - 1], u[i], u[i + 1]
        for j in range(1, z.shape[1] - 1):
            product_row(grid, faces, i, j, below, here, above, row)
            product_row(grid, faces, i, j, u_below, u_here, u_above, own_row)
            a = b = c = z[0, 0, 0]
            for k in range(1, row.size - 1):
                a += here[j, k] * row[k]
                b += p[i, j, k] * row[k]
                c -= here[j, k] * own_row[k]
            own += a
            cross += b
            along += c
    return own, cross, along


@compiled
def advance(u: Any, z: Any, p: Any, turn: float, length: float, start: int, stop: int) -> None:
    """New direction p = z + turn p, and a step u += length p along it."""
    turn32, length32 = np.float32(turn), np.float32(length)
    for i in range(start, stop):
        for j in range(1, z.shape[1] - 1):
            for k in range(1, z.shape[2] - 1):
                value = z[i, j, k] + turn32 * p[i, j, k]
                p[i, j, k] = value
                u[i, j, k] += length32 * value


@compiled
def dissipation(grid: Any, faces: Any, u: Any, start: int, stop: int) -> tuple[float]:
    """Σ g (rise of u)² over the faces of these planes towards lower indices, and over the outlet."""
    total = 0.0
    last = u.shape[0] - 2
    voxels = grid.voxels
    decode(grid, start - 1, faces)
    for i in range(start, stop):
        decode(grid, i, faces)
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
                before, now = (i - 1) % 3, i % 3
                for k in range(1, u.shape[2] - 1):
                    here = u[i, j, k]
                    line += faces[now, 2, j, k - 1] * (here - u[i, j, k - 1]) ** 2
                    line += faces[now, 1, j - 1, k] * (here - u[i, j - 1, k]) ** 2
                    line += faces[before, 0, j, k] * (here - u[i - 1, j, k]) ** 2
                    if i == last:
                        line += faces[now, 0, j, k] * (1.0 - here) ** 2
            total += line
    return (total,)


@compiled
def fill_planes(grid: Any, u: Any, profile: Any, start: int, stop: int) -> None:
    """Set u to the profile where it conducts."""
    for i in range(start, stop):
        for j in range(1, u.shape[1] - 1):
            for k in range(1, u.shape[2] - 1):
                u[i, j, k] = profile[i] if grid.voxels[i, j, k] > 0 else 0.0


class Slabs:
    """Runs compiled sweeps over the planes of an image, one slab a thread."""

    def __init__(self, planes: int, threads: int) -> None:
        slabs = max(1, min(threads, planes // 8))
        self.bounds = [round(planes / 2 * s / slabs) * 2 for s in range(slabs)] + [planes]
        self.pool = ThreadPoolExecutor(slabs) if slabs > 1 else None

    def __enter__(self) -> Slabs:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            self.pool.shutdown()

    def run(self, sweep: Callable[..., Any], *arguments: Any, offset: int = 1, block: int = 1) -> list[Any]:
        """sweep(*arguments, start, stop) for each slab; an argument that is a list holds one item a slab."""
        limits = [offset + -(-bound // block) for bound in self.bounds]
        jobs = [
            (*(a[s] if isinstance(a, list) else a for a in arguments), start, stop)
            for s, (start, stop) in enumerate(pairwise(limits))
        ]
        if self.pool is None:
            return [sweep(*jobs[0])]
        return [future.result() for future in [self.pool.submit(sweep, *job) for job in jobs]]

    def totals(self, sweep: Callable[..., Any], *arguments: Any) -> list[float]:
        return [sum(parts) for parts in zip(*self.run(sweep, *arguments), strict=True)]


@dataclass(frozen=True)
class Network:
    """The clusters of an image that reach inlet and outlet."""

    grid: Grid
    parts: NDArray[np.uint32]
    first: NDArray[np.int32]
    links: int
    """At most so many links between parts."""
    counts: NDArray[np.int64]
    """Voxels for each label and each of ISOLATED, INLET_ONLY, OUTLET_ONLY, THROUGH; insulating ones are isolated."""

    @property
    def percolates(self) -> bool:
        return bool(self.first[-1] > 0)

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape with the border."""
        return self.grid.voxels.shape

    @property
    def blocks(self) -> tuple[int, ...]:
        """Number of 2×2×2 blocks along each axis."""
        return tuple((n - 1) // 2 for n in self.padded)


@dataclass(frozen=True)
class Solution:
    conductance: float
    """Dissipated power at a drop of one."""
    iterations: int
    error: float
    """Estimated relative error of the conductance."""
    converged: bool
    """Whether the error is as asked, or as small as rounding allows."""
    lower: float | None
    """A conductance that the exact one is not below, if asked for; `conductance` it is not above."""
    potential: NDArray[np.floating[Any]]
    """With its border."""


def build_network(
    labels: NDArray[np.uint8],
    half: NDArray[np.float64],
    contact: NDArray[np.float64] | None = None,
    particles: NDArray[Any] | None = None,
    *,
    threads: int = 1,
) -> Network:
    """Network of an image from the resistances across half a voxel and across interfaces.

    `half[axis, label]` and `contact[axis, label, label]` are those of one face; infinite
    means no conduction. The least resistance between two voxels is to be about one.
    """
    shape = labels.shape
    blocks = tuple((n + 1) // 2 for n in shape)
    number = math.prod(blocks)
    parts, first = np.empty(number, np.uint32), np.empty(number + 1, np.int32)
    conducting = np.isfinite(half).all(axis=0)
    alike = np.unique(half[:, conducting]).size <= 1 and contact is None
    with Slabs(shape[0], threads) as slabs:
        if alike:
            grid = Grid(np.zeros(tuple(n + 2 for n in shape), np.uint8), np.empty((0, 0, 0), np.float32))
            slabs.run(mark, labels, conducting, grid.voxels, offset=0)
            split_uniform(grid.voxels, parts, first, CODES, COUNTS)
        else:
            grid = grid_of_kinds(labels, half, np.zeros((3, 256, 256)) if contact is None else contact, particles)
            split_general(grid, parts, first)
        parent = np.empty(first[-1], np.int32)
        links = join(not alike, blocks, parts, first, parent, COUNTS)
        status = np.empty(parent.size, np.uint8)
        reached(blocks, (shape[0] - 1) % 2, parts, first, parent, status)
        counts = np.zeros((256, 4), np.int64)
        tally(labels, conducting, blocks, parts, first, status, counts)
        keep_through(grid, blocks, parts, first, status)
        if alike:
            slabs.run(count_faces, grid.voxels, offset=0)
    return Network(grid, parts, first, links, counts)


def solve(
    network: Network, tolerance: float = 1e-4, *, threads: int = 1, most: int = 200, bounds: bool = False
) -> Solution:
    """Conductance of a network that percolates, to an estimated relative error."""
    padded = network.padded
    graph = empty_graph(int(network.first[-1]), network.links)
    link(network.grid, network.blocks, network.parts, network.first, graph)
    edges = graph.start[-1]
    hierarchy = build_hierarchy(graph._replace(lower=graph.lower[:edges], weight=graph.weight[:edges]))
    del graph
    with Slabs(padded[0] - 2, threads) as slabs:
        u, energy = _start(network, tolerance, slabs)
        z, p = np.zeros(padded, np.float32), np.zeros(padded, np.float32)
        sides = [np.zeros((2, *padded[1:]), np.float32) for _ in slabs.bounds[1:]]
        rings = [ring_like(network.grid) for _ in slabs.bounds[1:]]
        drops: list[float] = []
        error, square = math.inf, 0.0
        while error > tolerance and len(drops) < most:
            _precondition(network, hierarchy, rings, u, z, sides, slabs)
            own, cross, along = slabs.totals(products, network.grid, rings, u, z, p)
            turn = -cross / square if square > 0.0 else 0.0
            square = own + turn * cross
            drop = along * along / square if square > 0.0 else 0.0
            if drop <= ROUNDING * energy:
                error = ROUNDING
                break
            slabs.run(advance, u, z, p, turn, along / square)
            drops.append(drop)
            before, (energy,) = energy, slabs.totals(dissipation, network.grid, rings, u)
            error = _remaining(drops) / energy
            if energy >= before:  # further steps would add rounding, not take energy away
                error = drop / energy
                break
    converged = error <= tolerance or len(drops) < most
    del z, p
    grid, parts, first = network.grid, network.parts, network.first
    lower = lower_bound(grid, network.blocks, parts, first, hierarchy, u) if bounds else None
    return Solution(energy, len(drops), error, converged, lower, u)


def rounds_to(grid: Grid) -> float:
    """Relative error of the energy that 32 bits of u may cause; too high a guess rather than too low.

    The best faces waste the square of the rounding, 3e-8, over all voxels, where the poorest may carry the current.
    """
    conducting = grid.table[grid.table > 0.0]
    contrast = float(conducting.max() / conducting.min()) if conducting.size else 0.0
    return contrast * float(max(grid.voxels.shape)) ** 2 * 100.0 * 3e-8**2


def _start(network: Network, tolerance: float, slabs: Slabs) -> tuple[NDArray[np.floating[Any]], float]:
    """The best potential that is constant on each plane, exact for layers across the axis, and its energy."""
    u = np.zeros(network.padded, np.float32 if rounds_to(network.grid) < tolerance else np.float64)
    u[-1] = outlet_value(network.grid)
    planes = np.empty(u.shape[0] - 1)
    plane_conductances(network.grid, 0, planes.size, planes)
    profile = np.concatenate([[0.0], np.cumsum(1.0 / planes)])
    slabs.run(fill_planes, network.grid, u, profile / profile[-1])
    return u, 1.0 / float(profile[-1])


def _precondition(
    network: Network,
    hierarchy: Hierarchy,
    rings: list[NDArray[np.float32] | None],
    u: NDArray[np.floating[Any]],
    z: NDArray[np.float32],
    sides: list[NDArray[np.float32]],
    slabs: Slabs,
) -> None:
    """One cycle: z is about the solution of A z = -A u."""
    grid, parts, first = network.grid, network.parts, network.first

    def smooth_once(zero: bool) -> None:
        if len(sides) > 1:
            slabs.run(smoothing_edges, grid, rings, u, z, zero, sides)
        slabs.run(smooth, grid, rings, u, z, zero, sides)

    smooth_once(zero=True)
    slabs.run(restrict, grid, rings, u, z, parts, first, hierarchy.right, offset=0, block=2)
    solve_level(hierarchy, 0)
    slabs.run(prolong, z, parts, first, hierarchy.solution, offset=0, block=2)
    smooth_once(zero=False)


def _remaining(drops: list[float]) -> float:
    """Energy still to fall: the geometric tail of the last drops.

    Twice the ratio of the last drops, as what is left last is what falls slowest.
    """
    if len(drops) < 3:
        return math.inf
    a, b, c = drops[-3:]
    ratio = max(b / a, c / b)
    ratio = min(2.0 * ratio, (1.0 + ratio) / 2.0, 0.98)
    return c * ratio / (1.0 - ratio)
