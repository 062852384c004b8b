"""Effective conductance of a voxel image: flexible conjugate gradients with an aggregation multigrid.

Each iteration (`descent.py`) smooths the correction with a Chebyshev polynomial of degree two in
D⁻¹A on the voxels (`sweeps.py`), corrects it on the graph of connected parts of 2×2×2 blocks
(`aggregation.py`), and smooths again. The conductance is the dissipated energy

    G = Σ_faces g (u_i - u_j)²,

which is never below the exact one for any u with the right boundary values
(Dirichlet's principle), and whose error is the square of that of u.

Fields are 32-bit; sums are 64-bit. Where faces differ much, u itself is 64-bit, as the
drops inside a good conductor are tiny beside those of a poor one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from percolyte.numerics import sweeps
from percolyte.numerics.aggregation import Hierarchy, build_hierarchy, empty_graph, solve_level
from percolyte.numerics.blocks import (
    CODES,
    COUNTS,
    join,
    keep_through,
    reached,
    split_general,
    split_uniform,
    tally,
)
from percolyte.numerics.bounds import lower_bound
from percolyte.numerics.descent import Descent, descend
from percolyte.numerics.grid import Grid, count_faces, mark, outlet_value, plane_conductances, ring_like, wrap_voxels
from percolyte.numerics.kinds import grid_of_kinds
from percolyte.numerics.links import link
from percolyte.numerics.slabs import Slabs


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
    periodic: tuple[bool, bool, bool] = (False, False, False),
    threads: int = 1,
) -> Network:
    """Network of an image from the resistances across half a voxel and across interfaces.

    `half[axis, label]` and `contact[axis, label, label]` are those of one face; infinite
    means no conduction. The least resistance between two voxels is to be about one.
    `periodic` tells along which axes but the first the structure repeats, at least three voxels wide.
    """
    shape = labels.shape
    blocks = tuple((n + 1) // 2 for n in shape)
    number = math.prod(blocks)
    parts, first = np.empty(number, np.uint32), np.empty(number + 1, np.int32)
    conducting = np.isfinite(half).all(axis=0)
    alike = np.unique(half[:, conducting]).size <= 1 and contact is None
    with Slabs(shape[0], threads) as slabs:
        if alike:
            nothing = np.empty((0, 0, 0), np.float32), np.empty(0, np.float32)
            grid = Grid(np.zeros(tuple(n + 2 for n in shape), np.uint8), *nothing, periodic)
            slabs.run(mark, labels, conducting, grid.voxels, offset=0)
            split_uniform(grid.voxels, parts, first, CODES, COUNTS)
        else:
            resisting = np.zeros((3, 256, 256)) if contact is None else contact
            grid = grid_of_kinds(labels, half, resisting, particles, periodic)
            split_general(grid, parts, first)
        parent = np.empty(first[-1], np.int32)
        links = join(grid, blocks, parts, first, parent, COUNTS)
        status = np.empty(parent.size, np.uint8)
        reached(blocks, (shape[0] - 1) % 2, parts, first, parent, status)
        counts = np.zeros((256, 4), np.int64)
        tally(labels, conducting, blocks, parts, first, status, counts)
        keep_through(grid, blocks, parts, first, status)
        wrap_voxels(grid)
        if alike:
            slabs.run(count_faces, grid.voxels, offset=0)
    return Network(grid, parts, first, links, counts)


def hierarchy_of(network: Network) -> Hierarchy:
    """The graphs of a network's parts, from fine to coarse."""
    graph = empty_graph(int(network.first[-1]), network.links)
    link(network.grid, network.blocks, network.parts, network.first, ring_like(network.grid), graph)
    edges = graph.start[-1]
    return build_hierarchy(graph._replace(lower=graph.lower[:edges], weight=graph.weight[:edges]))


def solve(
    network: Network, tolerance: float = 1e-4, *, threads: int = 1, most: int = 200, bounds: bool = False
) -> Solution:
    """Conductance of a network that percolates, to an estimated relative error."""
    hierarchy = hierarchy_of(network)
    with Slabs(network.padded[0] - 2, threads) as slabs:
        u, energy = _start(network, tolerance, slabs)
        found = descend(_Voxels(network, hierarchy, slabs, u), energy, tolerance, most)
    return solution(network, hierarchy, found, u, bounds)


def solution(
    network: Network, hierarchy: Hierarchy, found: Descent, u: NDArray[np.floating[Any]], bounds: bool
) -> Solution:
    """What was found, with a lower bound if asked for."""
    lower = None
    if bounds:
        lower = lower_bound(network.grid, network.blocks, network.parts, network.first, hierarchy, u)
    return Solution(found.energy, found.iterations, found.error, found.converged, lower, u)


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
    slabs.run(sweeps.fill_planes, network.grid, u, profile / profile[-1])
    return u, 1.0 / float(profile[-1])


class _Voxels:
    """The voxels of a network on their way to balanced currents, as `descent.System`."""

    def __init__(self, network: Network, hierarchy: Hierarchy, slabs: Slabs, u: NDArray[np.floating[Any]]) -> None:
        self.grid, self.parts, self.hierarchy, self.slabs = network.grid, network.parts, hierarchy, slabs
        self.first, self.number = network.first, int(network.first[-1])
        self.u = u
        self.z, self.p = np.zeros(u.shape, np.float32), np.zeros(u.shape, np.float32)
        self.beside = [np.zeros((2, *u.shape[1:]), np.float32) for _ in slabs.bounds[1:]]
        self.rings = [ring_like(network.grid) for _ in slabs.bounds[1:]]

    def correct(self) -> tuple[float, float, float]:
        """One multigrid cycle."""
        h, z, slabs = self.hierarchy, self.z, self.slabs
        image = self.grid, self.rings, self.u
        blocks = self.parts, self.first
        self._look_beside(None)
        h.right[: self.number] = 0.0
        slabs.run(sweeps.go_down, *image, z, *blocks, h.right, self.beside)
        slabs.run(sweeps.go_down_ends, *image, z, *blocks, h.right)
        solve_level(h, 0)
        slabs.run(sweeps.prolong_ends, self.grid, z, *blocks, h.solution)
        self._look_beside(z)
        inner = slabs.totals(sweeps.go_up, *image, z, self.p, *blocks, h.solution, self.beside)
        ends = slabs.totals(sweeps.go_up_ends, *image, z, self.p)
        own, cross, along = (a + b for a, b in zip(inner, ends, strict=True))
        return own, cross, along

    def _look_beside(self, z: NDArray[np.float32] | None) -> None:
        if len(self.beside) > 1:
            self.slabs.run(sweeps.beside, self.grid, self.rings, self.u, z, self.beside)

    def advance(self, turn: float, length: float) -> float:
        image = self.grid, self.rings, self.u
        (inner,) = self.slabs.totals(sweeps.advance, *image, self.z, self.p, turn, length)
        (ends,) = self.slabs.totals(sweeps.advance_ends, *image)
        return inner + ends
