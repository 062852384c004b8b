"""Particles of a phase: told apart at their necks or read from a file, counted and sized."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.microstructure.distances import Floats, Mask, distance_inside
from percolyte.microstructure.edit import shape_text
from percolyte.microstructure.files import open_image
from percolyte.microstructure.image import read_values
from percolyte.microstructure.volume import Lengths, Volume

NECK = 0.8
"""Particles are two where the neck is narrower than this share of the smaller one's inscribed sphere."""
LEAST_DEPTH = 0.5
"""Voxels by which a neck must be narrower: less is the roughness of the voxels."""

Particles = NDArray[np.int32]


def separate(mask: Mask, voxel: Lengths) -> Particles:
    """Number of the particle of each voxel of the mask, from 1; 0 outside.

    A watershed on the distance to the edge: from its ridges down, voxels join
    the particle of their highest neighbour, and two particles that meet at the
    distance s, with inscribed radii p ≥ q, stay two if s < 0.8 q. Parts that do
    not touch through faces are always different particles.
    """
    distance = np.pad(distance_inside(mask, voxel), 1)
    order = np.flatnonzero(distance)
    level = np.round(np.minimum(distance.ravel()[order] / min(voxel), 4000.0) * 16.0).astype(np.uint16)
    order = order[np.argsort(~level, kind="stable")]
    found = _flood(distance, order, np.float32(LEAST_DEPTH * min(voxel)))
    return np.ascontiguousarray(found[1:-1, 1:-1, 1:-1])


def told_apart(volume: Volume, names: Iterable[str]) -> Particles:
    """The particles of each of these phases by `separate`; 0 elsewhere. Numbers repeat from phase to phase."""
    particles = np.zeros(volume.labels.shape, np.int32)
    for name in names:
        particles += separate(volume.mask(name), volume.voxel)
    return particles


def read_particles(path: str | os.PathLike[str], volume: Volume) -> Particles:
    """The number of each voxel's particle from a file in any format of a volume.

    Errors: `InputError` for another shape than the volume's, and for what are no
    whole numbers from 0 to 2³¹ - 1.
    """
    image = open_image(path)
    if image.shape != volume.labels.shape:
        shapes = f"{shape_text(image.shape)} voxels, the volume {shape_text(volume.labels.shape)}"
        raise InputError(f"has {shapes}; particles are numbered voxel by voxel", source=image.source)
    values = read_values(image, [slice(None)] * 3)
    if values.dtype.kind not in "bui" or values.min() < 0 or values.max() > np.iinfo(np.int32).max:
        raise InputError(
            f"holds {values.dtype} from {values.min()} to {values.max()}; particles have whole numbers from 0",
            source=image.source,
        )
    return values.astype(np.int32)


@njit(cache=True, nogil=True)
def _root(parent: Particles, basin: int) -> int:
    while parent[basin] != basin:
        parent[basin] = parent[parent[basin]]
        basin = parent[basin]
    return basin


@njit(cache=True, nogil=True)
def _flood(distance: Floats, order: NDArray[np.int64], depth: np.float32) -> Particles:
    """Voxels in falling order of distance join basins, start them, or join two that are one particle."""
    _, nj, nk = distance.shape
    height = distance.reshape(-1)
    basins = np.zeros(height.size, dtype=np.int32)
    parent = np.zeros(len(order) // 4 + 16, dtype=np.int32)
    peak = np.zeros(len(parent), dtype=np.float32)
    count = 0
    for here in order:
        highest, chosen = np.float32(-1.0), 0
        for step in (-nj * nk, -nk, -1, 1, nk, nj * nk):
            basin = basins[here + step]
            if basin and height[here + step] > highest:
                highest, chosen = height[here + step], basin
        if chosen == 0:
            count += 1
            if count == len(parent):
                parent = np.concatenate((parent, np.zeros_like(parent)))
                peak = np.concatenate((peak, np.zeros_like(peak)))
            parent[count], peak[count] = count, height[here]
            basins[here] = count
            continue
        basins[here] = chosen
        for step in (-nj * nk, -nk, -1, 1, nk, nj * nk):
            if basins[here + step]:
                one, other = _root(parent, basins[here]), _root(parent, basins[here + step])
                lower = min(peak[one], peak[other])
                if one != other and (height[here] >= NECK * lower or lower - height[here] < depth):
                    low, high = (one, other) if peak[one] <= peak[other] else (other, one)
                    parent[low] = high
    number = np.zeros(count + 1, dtype=np.int32)
    particles = 0
    for here in order:
        basin = _root(parent, basins[here])
        if number[basin] == 0:
            particles += 1
            number[basin] = particles
        basins[here] = number[basin]
    return basins.reshape(distance.shape)


@dataclass(frozen=True)
class SizeDistribution:
    """Diameters (m) in rising order, and the share of the volume up to each."""

    diameters: NDArray[np.float64]
    cumulative: NDArray[np.float64]

    def quantile(self, share: float) -> float:
        """The diameter up to which this share of the volume lies: 0.5 gives d50."""
        if len(self.diameters) == 0:
            return float("nan")
        place = int(np.searchsorted(self.cumulative, share))
        return float(self.diameters[min(place, len(self.diameters) - 1)])


def particle_sizes(particles: Particles, voxel: Lengths) -> SizeDistribution:
    """Diameters of spheres of the particles' volumes, weighted by volume.

    Particles that a side cuts are left out, and the others count by the inverse
    chance that they are not cut, Π L / (L - w) with w their extent along an edge
    L (Miles 1974; Lantuéjoul 1980), so that large ones are not under-represented.
    """
    from scipy.ndimage import find_objects

    counts = np.bincount(particles.ravel())
    edges = np.array(particles.shape)
    kept: list[tuple[float, float]] = []
    for number, box in enumerate(find_objects(particles), start=1):
        if box is None or any(side.start == 0 or side.stop == edge for side, edge in zip(box, edges, strict=True)):
            continue
        extent = np.array([side.stop - side.start for side in box])
        kept.append((float(counts[number]), float(np.prod(edges / (edges - extent)))))
    if not kept:
        return SizeDistribution(np.zeros(0), np.zeros(0))
    volumes, weights = np.array(sorted(kept)).T
    share = np.cumsum(volumes * weights)
    return SizeDistribution(np.cbrt(6.0 / np.pi * volumes * np.prod(voxel)), share / share[-1])
