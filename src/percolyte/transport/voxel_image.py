"""A labelled image whose voxels and interfaces resist, and how far it is from the material.

The error of voxel size and sub-volumes is larger than the solver's, and is
estimated from a coarsened image, and from the scatter of sub-volumes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from percolyte.microstructure.volume import Volume
from percolyte.transport.conduction import Interfaces

if TYPE_CHECKING:
    from percolyte.numerics.conduction import Network, Solution

SMALLEST = 8
"""Voxels an edge of the smallest image that is solved to estimate an error."""
ROUGH = 1e-3
"""Relative error of the solver in those images."""
TORCH = "torch:"
"""Before the name of a device of PyTorch."""


@dataclass(frozen=True)
class Machine:
    """What solves: threads of the CPU, or a device of PyTorch."""

    threads: int
    device: str

    def solve(self, network: Network, rtol: float, *, bounds: bool = False) -> Solution:
        from percolyte.numerics import conduction

        if self.device == "cpu":
            return conduction.solve(network, rtol, threads=self.threads, bounds=bounds)
        from percolyte.numerics import device

        return device.solve(network, rtol, device=self.device.removeprefix(TORCH), bounds=bounds)


@dataclass(frozen=True)
class Image:
    """A labelled image with the inlet at the first plane, and what its voxels and interfaces resist."""

    labels: NDArray[np.uint8]
    particles: NDArray[np.int32] | None
    voxel: tuple[float, float, float]
    resistivity: NDArray[np.float64]
    """ohm m along each axis for each of 256 labels; infinite where it insulates."""
    contact: NDArray[np.float64] | None
    """ohm m² of faces across each axis, between two labels, or between two particles of one label on the diagonal."""
    periodic: tuple[bool, bool, bool]
    """Axes along which the structure repeats."""

    def network(self, threads: int) -> tuple[Network, float]:
        """The network of the image, and the ohms that its unit of resistance stands for."""
        from percolyte.numerics.conduction import build_network

        lengths = np.array(self.voxel)[:, None]
        areas = math.prod(self.voxel) / lengths
        half = 0.5 * lengths / areas * self.resistivity
        unit = 2.0 * float(half.min())
        contact = None if self.contact is None else self.contact / areas[:, :, None] / unit
        network = build_network(
            self.labels, half / unit, contact, self.particles, periodic=self.periodic, threads=threads
        )
        return network, unit

    def effective(self, conductance: float) -> float:
        """Conductivity of the image from its conductance in S."""
        shape, voxel = self.labels.shape, self.voxel
        return float(conductance * shape[0] * voxel[0] / (shape[1] * voxel[1] * shape[2] * voxel[2]))

    def across(self, network: Network, solution: Solution, unit: float) -> tuple[float, float]:
        """Mean current density along the second and the third axis over the mean field, where the structure repeats."""
        from percolyte.numerics.fields import across

        lengths = [n * h for n, h in zip(self.labels.shape, self.voxel, strict=True)]
        current = [across(network.grid, solution.potential, side) if self.periodic[side] else 0.0 for side in (1, 2)]
        # the section across one side is the first axis by the other side, and the first axis is also the field's length
        return current[0] / unit / lengths[2], current[1] / unit / lengths[1]

    def conductivity(self, rtol: float, machine: Machine) -> float:
        """Effective conductivity, zero where nothing percolates."""
        network, unit = self.network(machine.threads)
        if not network.percolates:
            return 0.0
        return self.effective(machine.solve(network, rtol).conductance / unit)

    def part(self, box: tuple[slice, ...]) -> Image:
        particles = None if self.particles is None else np.ascontiguousarray(self.particles[box])
        return replace(self, labels=np.ascontiguousarray(self.labels[box]), particles=particles)

    def sampled(self, every: int) -> Image:
        """The image as it would be at a multiple of the voxel length: one voxel of each block."""
        inside = slice((every - 1) // 2, None, every)
        x, y, z = self.voxel
        return replace(self.part((inside, inside, inside)), voxel=(every * x, every * y, every * z))


def image_of(
    volume: Volume,
    sigma: Mapping[str, tuple[float, ...]],
    axis: int,
    interfaces: Interfaces,
    particles: NDArray[Any] | None,
    periodic: Collection[int],
) -> Image:
    """The volume with `axis` first; labels that conduct alike stay apart only where an interface is between them."""
    order = [axis, *(other for other in range(3) if other != axis)]
    resistivity = np.full((3, 256), math.inf)
    for name, each in sigma.items():
        resistivity[:, volume.label(name)] = [1.0 / each[along] for along in order]
    contact = face_resistances(volume, interfaces, particles)[order] if any(interfaces.values()) else None
    bounded = contact is not None and particles is not None and contact.diagonal(axis1=1, axis2=2).any()
    first, second, third = (volume.voxel[along] for along in order)
    _, lateral, other = (along in periodic for along in order)
    return Image(
        np.ascontiguousarray(np.moveaxis(volume.labels, axis, 0)),
        np.ascontiguousarray(np.moveaxis(particles, axis, 0), dtype=np.int32)
        if bounded and particles is not None
        else None,
        (first, second, third),
        resistivity,
        contact,
        (False, lateral, other),
    )


def face_resistances(volume: Volume, interfaces: Interfaces, particles: NDArray[Any] | None) -> NDArray[np.float64]:
    """Resistance (ohm m²) of the voxels' faces across each axis between each two labels: (3, 256, 256).

    The faces have more area than the surface whose staircase they are, half as much again
    for a sphere at any resolution; each therefore resists more, by the mean of its kind.
    """
    from percolyte.microstructure.interfaces import face_projections

    resistance = np.zeros((256, 256))
    for (a, b), value in interfaces.items():
        resistance[volume.label(a), volume.label(b)] = resistance[volume.label(b), volume.label(a)] = value
    between = resistance > 0.0
    number, projected = face_projections(volume.labels, between, volume.voxel)
    faces: NDArray[np.float64] = resistance * np.divide(
        number, projected, out=np.ones_like(number), where=projected > 0.0
    )
    for label in np.flatnonzero(between.diagonal()):
        assert particles is not None
        # particles whose numbers lie 255 apart look like one, and are left out of the mean where they touch
        classes = np.where(volume.labels == label, particles % 255 + 1, 0).astype(np.uint8)
        inside = np.ones((256, 256), np.bool_)
        inside[0] = inside[:, 0] = False
        number, projected = face_projections(classes, inside, volume.voxel).sum(axis=(2, 3))
        faces[:, label, label] *= np.divide(number, projected, out=np.ones_like(number), where=projected > 0.0)
    return faces


def image_errors(image: Image, effective: float, machine: Machine) -> tuple[float | None, float | None]:
    """What voxel size and sub-volume contribute to the relative error.

    Voxel size: with σ, σ₂ and σ₄ of the image at one, two and four times the voxel
    length, 2 max(|σ - σ₂|, |σ₂ - σ₄|/2)/σ. A staircase errs in first order, for which
    half of it would do; the factor of two covers differences that happen to be small
    and the slower convergence near percolation.

    Sub-volumes: standard deviation over the octants over √8, relative to their mean.
    """
    if min(image.labels.shape) < 4 * SMALLEST:
        return None, None
    second, fourth = (image.sampled(every).conductivity(ROUGH, machine) for every in (2, 4))
    resolution = 2.0 * max(abs(effective - second), abs(second - fourth) / 2.0) / effective
    cuts = [(slice(0, n // 2), slice(n // 2, None)) for n in image.labels.shape]
    closed = replace(image, periodic=(False, False, False))
    octants = [closed.part(box).conductivity(ROUGH, machine) for box in itertools.product(*cuts)]
    mean = float(np.mean(octants))
    return resolution, float(np.std(octants, ddof=1)) / math.sqrt(8.0) / mean if mean > 0.0 else math.inf
