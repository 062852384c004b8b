"""Particles of a phase: told apart at their necks or read from a file, counted and sized."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.errors import InputError, counted
from percolyte.microstructure.clusters import root
from percolyte.microstructure.distances import Floats, Ints, Mask, distance_inside
from percolyte.microstructure.edit import shape_text
from percolyte.microstructure.files import open_image
from percolyte.microstructure.image import read_values
from percolyte.microstructure.pairs import empty_pairs, grown_pairs, pair_key, pair_of, raise_pair
from percolyte.microstructure.volume import Lengths, Volume

NECK = 0.8
"""Particles are two where the neck is narrower than this share of the smaller one's inscribed sphere."""
LEAST_DEPTH = 0.5
"""Voxels by which a neck must be narrower: less is the roughness of the voxels."""
EVERY_PARTICLE = (
    "give the file of `percolyte pack --particles` of this very volume, or one in which each particle has a number "
    "of its own from 1, and all else 0"
)

Particles = Ints


def separate(mask: Mask, voxel: Lengths) -> Particles:
    """Number of the particle of each voxel of the mask, from 1; 0 outside.

    A watershed on the distance to the edge: each voxel belongs to the top that
    the steepest way up from it leads to, and two tops that meet at the distance
    s, with inscribed radii p ≥ q, stay two particles if s < 0.8 q. Parts that do
    not touch through faces are always different particles.
    """
    inside = distance_inside(mask, voxel)
    distance = np.pad(inside, 1)
    tops = np.zeros(distance.shape, dtype=np.int32 if distance.size < 2**31 else np.int64)
    peaks, _ = climb(distance, tops)
    particle = joined_tops(peaks, *passes(distance, tops), voxel)
    # in the place of the distances, which are as large
    return np.take(particle, tops[1:-1, 1:-1, 1:-1], out=inside.view(np.int32), mode="clip")


def told_apart(volume: Volume, names: Iterable[str]) -> Particles:
    """The particles of each of these phases by `separate`; 0 elsewhere. Numbers repeat from phase to phase."""
    particles = np.zeros(volume.labels.shape, np.int32)
    for name in names:
        particles += separate(volume.mask(name), volume.voxel)
    return particles


def read_particles(path: str | os.PathLike[str], volume: Volume, names: Iterable[str]) -> Particles:
    """The number of each voxel's particle, of these phases at least, from a file in any format of a volume.

    Errors: `InputError` for another shape than the volume's, for what are no
    whole numbers from 0 to 2³¹ - 1, and for numbers of something else: fewer than
    two in one of the phases, or one that is in another phase too.
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
    particles = values.astype(np.int32)
    wrong = [what for name in names for what in _misnumbered(particles, volume, name)]
    if wrong:
        raise InputError(f"{'; '.join(wrong)}; {EVERY_PARTICLE}", source=image.source)
    return particles


def _misnumbered(particles: Particles, volume: Volume, name: str) -> Iterator[str]:
    """Why these are not the particles of a phase."""
    own = _numbers(particles, volume, name)
    if len(own) < 2:
        yield f"holds {counted(len(own), 'particle number')} in '{name}', and an interface lies between two particles"
    for other in volume.phases:
        # a shell is the outer part of electrolyte particles
        if other == name or "shell" in (name, other):
            continue
        shared = np.intersect1d(own, _numbers(particles, volume, other))
        if len(shared):
            yield f"{len(shared)} of the {counted(len(own), 'particle')} of '{name}' lie in '{other}' too"


def _numbers(particles: Particles, volume: Volume, name: str) -> Particles:
    """The particles that have a voxel in a phase."""
    found = np.unique(particles[volume.mask(name)])
    return found[found > 0]


@njit(cache=True, nogil=True)
def climb(distance: Floats, tops: Ints) -> tuple[Floats, NDArray[np.int64]]:
    """Number the top above each voxel, outside 0; of equals the first is higher.

    Returns the heights of the tops, 0 first, and the exits: voxels of the first
    and the last plane, where ways leave a slab of a larger volume. These have the
    numbers behind those of the tops.
    """
    _, nj, nk = distance.shape
    height, up = distance.reshape(-1), tops.reshape(-1)
    count = 0
    for here in range(nj * nk, height.size - nj * nk):
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
    exits = np.empty(2 * nj * nk, dtype=np.int64)
    left = 0
    for first in range(nj * nk, height.size - nj * nk):
        top = first
        while up[top] < 0:
            top = -up[top]
        if up[top] == 0 and height[top] > 0.0:
            exits[left] = top
            left += 1
            up[top] = count + left
        number, here = up[top], first
        if number <= count:
            peaks[number] = max(peaks[number], height[top])
        while up[here] < 0:
            after = -up[here]
            up[here] = number
            here = after
    return peaks, exits[:left]


@njit(cache=True, nogil=True)
def passes(distance: Floats, tops: Ints) -> tuple[NDArray[np.int64], Floats]:
    """Each two tops that meet, as `pair_key`, and the largest of the lower distances where they do."""
    _, nj, nk = distance.shape
    height, top = distance.reshape(-1), tops.reshape(-1)
    keys, highest = empty_pairs(1024)
    used = 0
    for here in range(height.size):
        if top[here] == 0:
            continue
        for step in (1, nk, nj * nk):
            there = top[here + step]
            if there == 0 or there == top[here]:
                continue
            key = pair_key(min(top[here], there), max(top[here], there))
            used += raise_pair(keys, highest, key, min(height[here], height[here + step]))
            if 2 * used > len(keys):
                keys, highest = grown_pairs(keys, highest)
    return keys[keys >= 0], highest[keys >= 0]


def joined_tops(peaks: Floats, keys: NDArray[np.int64], saddles: Floats, voxel: Lengths) -> Particles:
    """The particle of each top, from 1, by the `passes` between tops.

    They are looked at from the widest to the narrowest, and of equal ones those
    first that lie first in the volume, in whatever order they come.
    """
    falling = np.lexsort((keys, -saddles))
    return _joined(peaks, keys[falling], saddles[falling], np.float32(LEAST_DEPTH * min(voxel)))


@njit(cache=True, nogil=True)
def _joined(peaks: Floats, keys: NDArray[np.int64], saddles: Floats, depth: np.float32) -> Particles:
    parent = np.arange(len(peaks), dtype=np.int32)
    for pair in range(len(saddles)):
        one, other = pair_of(keys[pair])
        a, b = root(parent, one), root(parent, other)
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
    counts, first, last = _boxes(particles, int(particles.max(initial=0)))
    edges = np.array(particles.shape)
    whole = (counts > 0) & (first > 0).all(axis=1) & (last < edges - 1).all(axis=1)
    if not whole.any():
        return SizeDistribution(np.zeros(0), np.zeros(0))
    extent = (last - first + 1)[whole]
    volumes, weights = counts[whole].astype(np.float64), np.prod(edges / (edges - extent), axis=1)
    rising = np.lexsort((weights, volumes))
    share = np.cumsum((volumes * weights)[rising])
    return SizeDistribution(np.cbrt(6.0 / np.pi * volumes[rising] * np.prod(voxel)), share / share[-1])


@njit(cache=True, nogil=True)
def _boxes(particles: Particles, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Voxels of each particle, and the first and the last along each axis; particle 0 is none."""
    ni, nj, nk = particles.shape
    counts = np.zeros(most + 1, dtype=np.int64)
    first, last = np.full((most + 1, 3), max(ni, nj, nk)), np.zeros((most + 1, 3), dtype=np.int64)
    for i in range(ni):
        for j in range(nj):
            for k in range(nk):
                number = particles[i, j, k]
                if number == 0:
                    continue
                counts[number] += 1
                for axis, place in enumerate((i, j, k)):
                    first[number, axis] = min(first[number, axis], place)
                    last[number, axis] = max(last[number, axis], place)
    return counts, first, last
