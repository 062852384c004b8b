"""Particles of a phase: told apart at their necks or read from a file, counted and sized."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.microstructure.clusters import root
from percolyte.microstructure.distances import Floats, Ints, Mask, distance_inside
from percolyte.microstructure.edit import shape_text
from percolyte.microstructure.files import open_image
from percolyte.microstructure.image import read_values
from percolyte.microstructure.volume import Lengths, Volume

NECK = 0.8
"""Particles are two where the neck is narrower than this share of the smaller one's inscribed sphere."""
LEAST_DEPTH = 0.5
"""Voxels by which a neck must be narrower: less is the roughness of the voxels."""

Particles = Ints


def separate(mask: Mask, voxel: Lengths) -> Particles:
    """Number of the particle of each voxel of the mask, from 1; 0 outside.

    A watershed on the distance to the edge: each voxel belongs to the top that
    the steepest way up from it leads to, and two tops that meet at the distance
    s, with inscribed radii p ≥ q, stay two particles if s < 0.8 q. Parts that do
    not touch through faces are always different particles.
    """
    distance = np.pad(distance_inside(mask, voxel), 1)
    tops = np.zeros(distance.shape, dtype=np.int32 if distance.size < 2**31 else np.int64)
    peaks = _climb(distance, tops)
    one, other, saddles = _saddles(distance, tops)
    level = np.round(np.minimum(saddles / min(voxel), 4000.0) * 16.0).astype(np.uint16)
    falling = np.argsort(~level, kind="stable")
    depth = np.float32(LEAST_DEPTH * min(voxel))
    particle = _joined(peaks, one[falling], other[falling], saddles[falling], depth)
    return particle[tops[1:-1, 1:-1, 1:-1]]


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
def _climb(distance: Floats, tops: Ints) -> Floats:
    """Number the top above each voxel, outside 0; returns the heights of the tops. Of equals the first is higher."""
    _, nj, nk = distance.shape
    height, up = distance.reshape(-1), tops.reshape(-1)
    count = 0
    for here in range(height.size):
        if height[here] == 0.0:
            continue
        highest, way = height[here], 0
        for step in (-nj * nk, -nk, -1, 1, nk, nj * nk):
            there = height[here + step]
            if there > highest or (there == highest and way == 0 and step < 0):
                highest, way = there, step
        count += way == 0
        up[here] = count if way == 0 else -(here + way)
    peaks = np.zeros(count + 1, dtype=np.float32)
    for first in range(height.size):
        top = first
        while up[top] < 0:
            top = -up[top]
        number, here = up[top], first
        peaks[number] = max(peaks[number], height[top])
        while up[here] < 0:
            after = -up[here]
            up[here] = number
            here = after
    return peaks


@njit(cache=True, nogil=True)
def _saddles(distance: Floats, tops: Ints) -> tuple[Ints, Ints, Floats]:
    """Both tops and the lower distance of each two neighbouring voxels that belong to different tops."""
    _, nj, nk = distance.shape
    height, top = distance.reshape(-1), tops.reshape(-1)
    found = 0
    one = np.empty(height.size // 8 + 16, dtype=np.int32)
    other = np.empty_like(one)
    saddles = np.empty(len(one), dtype=np.float32)
    for here in range(height.size):
        if top[here] == 0:
            continue
        for step in (1, nk, nj * nk):
            there = top[here + step]
            if there == 0 or there == top[here]:
                continue
            if found == len(one):
                one, other = np.concatenate((one, one)), np.concatenate((other, other))
                saddles = np.concatenate((saddles, saddles))
            one[found], other[found] = top[here], there
            saddles[found] = min(height[here], height[here + step])
            found += 1
    return one[:found], other[:found], saddles[:found]


@njit(cache=True, nogil=True)
def _joined(peaks: Floats, one: Ints, other: Ints, saddles: Floats, depth: np.float32) -> Particles:
    """The particle of each top, with the saddles between tops in falling order."""
    parent = np.arange(len(peaks), dtype=np.int32)
    for pair in range(len(saddles)):
        a, b = root(parent, one[pair]), root(parent, other[pair])
        low, high = (a, b) if peaks[a] <= peaks[b] else (b, a)
        if a != b and (saddles[pair] >= NECK * peaks[low] or peaks[low] - saddles[pair] < depth):
            parent[low] = high
    number = np.zeros(len(peaks), dtype=np.int32)
    count = 0
    for top in range(1, len(peaks)):
        if parent[top] == top:
            count += 1
            number[top] = count
    for top in range(1, len(peaks)):
        number[top] = number[root(parent, top)]
    return number


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
