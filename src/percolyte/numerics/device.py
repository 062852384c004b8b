"""The solver of `conduction.py` on a device of PyTorch, such as a GPU.

The same flexible conjugate gradients with the same aggregation multigrid, whose
graphs are made on the CPU (`aggregation.py`). Two things differ, as a GPU does
nothing well one after the other: graphs are smoothed by the Chebyshev polynomial of
the voxels instead of Gauss-Seidel sweeps, and every K-cycle takes both of its
steps, so that no number is waited for. The coarsest graphs are left out in favour of
a larger one that is solved directly.

Faces are kept as conductances, also where all conduct alike. Sums are 64-bit. On a
GPU they are added in no fixed order, so that last digits differ from run to run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from percolyte.errors import InputError
from percolyte.numerics.aggregation import OVERCORRECTION, Hierarchy
from percolyte.numerics.conduction import Network, Solution, hierarchy_of, solution
from percolyte.numerics.descent import descend
from percolyte.numerics.grid import Grid, outlet_value
from percolyte.numerics.sweeps import C0, C1

DIRECT = 1000
"""Nodes of a graph that is solved by its inverse matrix."""


def known_device(name: str) -> torch.device:
    """The device of this name, once it is known to work."""
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"PyTorch cannot use '{name}': {reason}; write for example torch:cuda, or cpu") from None


@dataclass(frozen=True)
class _Level:
    """One graph, its edges from `upper` to `lower`."""

    upper: Tensor
    lower: Tensor
    weight: Tensor
    diagonal: Tensor
    parent: Tensor
    nodes: int

    def product(self, x: Tensor) -> Tensor:
        """A x."""
        out = self.diagonal * x
        out.index_add_(0, self.upper, self.weight * x[self.lower], alpha=-1.0)
        return out.index_add_(0, self.lower, self.weight * x[self.upper], alpha=-1.0)

    def smoothed(self, right: Tensor) -> Tensor:
        """(c0 + c1 D⁻¹A) D⁻¹ right."""
        scaled = right / self.diagonal
        return float(C0) * scaled + float(C1) * (self.product(scaled) / self.diagonal)

    def matrix(self) -> Tensor:
        dense = torch.diag(self.diagonal.double())
        for one, other in ((self.upper, self.lower), (self.lower, self.upper)):
            dense.index_put_((one, other), -self.weight.double(), accumulate=True)
        return dense


class _Graphs:
    """The multigrid on the device."""

    def __init__(self, hierarchy: Hierarchy, device: torch.device, precision: torch.dtype) -> None:
        self.levels = [_level(hierarchy, 0, device, precision)]
        while self.levels[-1].nodes > DIRECT and len(self.levels) < hierarchy.first.size - 1:
            self.levels.append(_level(hierarchy, len(self.levels), device, precision))
        self.inverse = torch.linalg.inv(self.levels[-1].matrix()).to(precision)

    def cycle(self, number: int, right: Tensor) -> Tensor:
        """Smoothing around the correction of the next graph."""
        level = self.levels[number]
        x = level.smoothed(right)
        coarse = x.new_zeros(self.levels[number + 1].nodes)
        coarse.index_add_(0, level.parent, right - level.product(x))
        x += self.solve(number + 1, coarse)[level.parent]
        return x + level.smoothed(right - level.product(x))

    def solve(self, number: int, right: Tensor) -> Tensor:
        """Two steps of flexible conjugate gradients: one K-cycle."""
        if number == len(self.levels) - 1:
            return self.inverse @ right
        level = self.levels[number]
        first = self.cycle(number, right)
        product = level.product(first)
        length, along = dot(first, product), dot(first, right)
        left = right - (ratio(along, length) * product).to(right.dtype)
        second = self.cycle(number, left)
        cross, rest = dot(second, product), dot(second, left)
        step = ratio(rest, dot(second, level.product(second)) - ratio(cross * cross, length))
        return ((ratio(along, length) - ratio(cross, length) * step) * first + step * second).to(right.dtype)


def _level(h: Hierarchy, number: int, device: torch.device, precision: torch.dtype) -> _Level:
    begin, end = h.first[number : number + 2]
    rows, columns = np.nonzero(h.weight[begin:end])
    others = slice(*h.first_other[number : number + 2])
    upper = np.concatenate([rows, h.others[others, 0] - begin])
    lower = np.concatenate([h.lower[begin:end][rows, columns], h.others[others, 1]]) - begin
    weight = np.concatenate([h.weight[begin:end][rows, columns], h.other_weight[others]])
    # a sum in 64 bits, so that what leaves a good conductor through a poor one is not lost
    diagonal = h.ground[begin:end] + sum(np.bincount(ends, weight, end - begin) for ends in (upper, lower))

    def sent(values: NDArray[Any]) -> Tensor:
        return torch.from_numpy(values).to(device)

    return _Level(
        sent(upper.astype(np.int64)),
        sent(lower.astype(np.int64)),
        sent(weight).to(precision),
        sent(diagonal).to(precision),
        sent((h.parent[begin:end] - end).astype(np.int64)),
        int(end - begin),
    )


def dot(one: Tensor, other: Tensor) -> Tensor:
    return torch.sum(one * other, dtype=torch.float64)


def ratio(above: Tensor, below: Tensor) -> Tensor:
    """Zero where rounding has left nothing to divide by, which is not waited for."""
    return torch.where(below > 0.0, above / below, torch.zeros_like(above))


class _Voxels:
    """The operator between the voxels, inside a border of one."""

    def __init__(self, network: Network, device: torch.device) -> None:
        self.faces = _faces(network.grid, device)
        diagonal = torch.zeros_like(self.faces[0])
        for axis, conductance in enumerate(self.faces):
            diagonal += conductance + conductance.roll(1, axis)
        diagonal[0] = diagonal[-1] = 0.0
        self.inverse = torch.where(diagonal > 0.0, 1.0 / diagonal, 0.0)
        self.inside = torch.nonzero(diagonal.view(-1)).view(-1)
        self.part = torch.from_numpy(_part_of_voxel(network)).to(device).view(-1)[self.inside].long()
        self.parts = int(network.first[-1])

    def product(self, u: Tensor) -> Tensor:
        """A u; zero in the border."""
        out = torch.zeros_like(u)
        for axis, conductance in enumerate(self.faces):
            n = u.shape[axis] - 1
            current = conductance.narrow(axis, 0, n) * u.diff(dim=axis)
            out.narrow(axis, 0, n).sub_(current)
            out.narrow(axis, 1, n).add_(current)
        out[0] = out[-1] = 0.0
        return out

    def smoothed(self, right: Tensor) -> Tensor:
        """(c0 + c1 D⁻¹A) D⁻¹ right, in 32 bits."""
        scaled = (self.inverse * right).float()
        return float(C0) * scaled + float(C1) * self.inverse * self.product(scaled)

    def dissipation(self, u: Tensor) -> float:
        """Σ g (rise of u)²."""
        total = 0.0
        for axis, conductance in enumerate(self.faces):
            rise = u.diff(dim=axis)
            total += float(dot(conductance.narrow(axis, 0, rise.shape[axis]) * rise, rise))
        return total

    def start(self, precision: torch.dtype) -> Tensor:
        """The best potential that is constant on each plane."""
        planes = self.faces[0][:-1].sum(dim=(1, 2), dtype=torch.float64)
        profile = torch.cumsum(torch.cat([planes.new_zeros(1), 1.0 / planes]), 0)
        u = ((profile / profile[-1])[:, None, None] * (self.inverse > 0.0)).to(precision)
        u[-1] = 1.0
        return u

    def corrected(self, graphs: _Graphs, right: Tensor) -> Tensor:
        """One multigrid cycle: about A⁻¹ right."""
        z = self.smoothed(right)
        coarse = torch.zeros(self.parts, dtype=graphs.inverse.dtype, device=z.device)
        left = (right - self.product(z)).view(-1)[self.inside]
        coarse.index_add_(0, self.part, left.to(coarse.dtype))
        z.view(-1)[self.inside] += OVERCORRECTION * graphs.solve(0, coarse)[self.part].float()
        return z + self.smoothed(right - self.product(z))


def _faces(grid: Grid, device: torch.device) -> list[Tensor]:
    """Conductance from each voxel, border included, to the next along each axis; zero from the last."""
    voxels = torch.from_numpy(grid.voxels).to(device)
    if grid.table.size:
        kinds, table = voxels.long(), torch.from_numpy(grid.table).to(device)
        faces = [table[axis][kinds, kinds.roll(-1, axis)] for axis in range(3)]
        for axis, conductance in enumerate(faces):
            conductance.narrow(axis, conductance.shape[axis] - 1, 1).zero_()
        return faces
    here = (voxels > 0).float()
    faces = [here * here.roll(-1, axis) for axis in range(3)]
    faces[0][0], faces[0][-2] = 2.0 * here[1], 2.0 * here[-2]
    return faces


def _part_of_voxel(network: Network) -> NDArray[np.int32]:
    """Number of the part of each voxel, border included; what it is outside of the parts means nothing."""
    codes, first = network.parts.reshape(network.blocks), network.first[:-1].reshape(network.blocks)
    part = np.zeros([2 * n for n in network.blocks], np.int32)
    for s in range(8):
        part[s >> 2 :: 2, s >> 1 & 1 :: 2, s & 1 :: 2] = first + (codes >> np.uint32(4 * s) & np.uint32(15))
    inner = tuple(n - 2 for n in network.padded)
    return np.pad(part[: inner[0], : inner[1], : inner[2]], 1)


class _Search:
    """The potential and the search for a better one, as `descent.System`."""

    def __init__(self, voxels: _Voxels, graphs: _Graphs, precision: torch.dtype) -> None:
        self.voxels, self.graphs = voxels, graphs
        self.u = voxels.start(precision)
        self.z = self.p = torch.zeros_like(voxels.inverse)

    def correct(self) -> tuple[float, float, float]:
        right = -self.voxels.product(self.u)
        self.z = self.voxels.corrected(self.graphs, right)
        product = self.voxels.product(self.z)
        own, cross, along = torch.stack([dot(self.z, product), dot(self.p, product), dot(self.z, right)]).tolist()
        return own, cross, along

    def advance(self, turn: float, length: float) -> float:
        self.p = self.z.add_(self.p, alpha=turn)
        self.u.add_(self.p, alpha=length)
        return self.voxels.dissipation(self.u)


def solve(network: Network, tolerance: float = 1e-4, *, device: str, most: int = 200, bounds: bool = False) -> Solution:
    """As `conduction.solve`, on a device of PyTorch."""
    place = known_device(device)
    hierarchy = hierarchy_of(network)
    with torch.inference_mode():
        precision = torch.float64 if network.grid.table.size else torch.float32
        voxels = _Voxels(network, place)
        search = _Search(voxels, _Graphs(hierarchy, place, precision), precision)
        found = descend(search, voxels.dissipation(search.u), tolerance, most)
    potential = search.u.cpu().numpy()
    potential[-1] = outlet_value(network.grid)
    return solution(network, hierarchy, found, potential, bounds)
