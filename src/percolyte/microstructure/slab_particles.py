"""Particles of a volume of which one slab after another is in memory, and which of them both networks reach."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.microstructure.distances import Floats, Ints, Mask
from percolyte.microstructure.pairs import Keys, empty_pairs, grown_pairs, pair_key, pair_of, raise_pair
from percolyte.microstructure.particles import climb, joined_tops, passes
from percolyte.microstructure.volume import Lengths


class SlabParticles:
    """The particles that `separate` tells apart in the whole, and what each touches.

    In a slab the ways up end at tops, or leave it for a voxel of the next or the
    one before; such exits are linked to the top of that voxel once it is known.
    Memory goes with the number of tops and exits, not with that of voxels.
    """

    def __init__(self, voxel: Lengths) -> None:
        self._voxel = voxel
        self._peaks = [np.zeros(1, dtype=np.float32)]
        self._links = [np.zeros(1, dtype=np.int64)]
        self._counts = [np.zeros(1, dtype=np.int64)]
        self._passes: list[tuple[Keys, Floats]] = []
        self._touches: list[tuple[Keys, ...]] = []
        self._known = 1
        self._last: tuple[Floats, Ints, list[Ints]] | None = None
        self._waiting: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    def add(self, distance: Floats, networks: list[Ints]) -> None:
        """The next slab: the distance inside the particles with a plane before and after it, zero beyond the
        volume, and the number of each voxel's cluster in the networks of ions and of electrons, -1 in none.
        """
        height = np.pad(distance, [(0, 0), (1, 1), (1, 1)])
        tops = np.zeros(height.shape, dtype=np.int32)
        peaks, exits = climb(height, tops)
        inner = np.where(tops > 0, tops + np.int32(self._known - 1), 0)[1:-1, 1:-1, 1:-1].astype(np.int32)
        total = len(peaks) - 1 + len(exits)
        self._peaks.append(np.concatenate([peaks[1:], np.zeros(len(exits), dtype=np.float32)]))
        self._counts.append(np.bincount(inner.ravel(), minlength=self._known + total)[self._known :])
        self._link(exits, len(peaks) - 1, inner, height.shape)
        planes = distance[1:-1]
        if self._last is not None:
            before = self._last
            planes = np.concatenate([before[0][None], planes])
            networks = [np.concatenate([one[None], more]) for one, more in zip(before[2], networks, strict=True)]
            inner = np.concatenate([before[1][None], inner])
        self._last = planes[-1].copy(), inner[-1].copy(), [network[-1].copy() for network in networks]
        self._passes.append(passes(np.pad(planes, 1), np.pad(inner, 1)))
        self._touches.append(tuple(_touching(inner, network) for network in networks))
        self._known += total

    def _link(self, exits: NDArray[np.int64], tops: int, inner: Ints, shape: tuple[int, ...]) -> None:
        """Exits of this slab to tops of the one before, and of that one to tops of this."""
        if self._waiting is not None:
            numbers, places = self._waiting
            links = np.concatenate(self._links)
            links[numbers] = inner[0].reshape(-1)[places]
            self._links = [links]
        plane, rest = np.divmod(exits, shape[1] * shape[2])
        places = (rest // shape[2] - 1) * (shape[2] - 2) + rest % shape[2] - 1
        own = self._known + np.arange(tops + len(exits))
        backward = plane == 0
        if self._last is not None:
            own[tops:][backward] = self._last[1].reshape(-1)[places[backward]]
        self._links.append(own)
        self._waiting = self._known + tops + np.flatnonzero(~backward), places[~backward]

    def sizes(self) -> NDArray[np.int64]:
        """Voxels of each particle, once the last slab is added."""
        return self._sizes(self._particle_of_top())[1:]

    def utilisation(self, through: list[Mask]) -> float | None:
        """Volume share of the particles that touch both networks where these lead through; None without particles.

        `through` says of each number that the networks gave whether its cluster leads through.
        """
        particle = self._particle_of_top()
        sizes = self._sizes(particle)
        if len(sizes) == 1:
            return None
        reached = np.arange(len(sizes)) > 0
        for leads, found in zip(through, zip(*self._touches, strict=True), strict=True):
            top, cluster = pair_of(np.concatenate(found))
            touched = np.zeros(len(sizes), dtype=np.bool_)
            touched[particle[top[leads[cluster]]]] = True
            reached &= touched
        return int(sizes[reached].sum()) / int(sizes.sum())

    def _sizes(self, particle: Ints) -> NDArray[np.int64]:
        sizes = np.zeros(int(particle.max()) + 1, dtype=np.int64)
        np.add.at(sizes, particle, np.concatenate(self._counts))
        return sizes

    def _particle_of_top(self) -> Ints:
        """The particle of each top and exit, numbered as in the whole; 0 of number 0."""
        links = np.concatenate(self._links)
        while not np.array_equal(links, further := links[links]):
            links = further
        peak = np.flatnonzero(links == np.arange(len(links)))
        top = np.searchsorted(peak, links)
        keys, saddles = (np.concatenate(part) for part in zip(*self._passes, strict=True))
        one, other = (top[number] for number in pair_of(keys))
        apart = one != other
        ordered = pair_key(np.minimum(one, other), np.maximum(one, other))
        return joined_tops(np.concatenate(self._peaks)[peak], ordered[apart], saddles[apart], self._voxel)[top]


@njit(cache=True, nogil=True)
def _touching(tops: Ints, network: Ints) -> Keys:
    """Each top and each cluster in which it has a voxel, or at which it has a face, as pairs."""
    ni, nj, nk = tops.shape
    top, cluster = tops.reshape(-1), network.reshape(-1)
    keys, values = empty_pairs(1024)
    used, here = 0, 0
    for i in range(ni):
        for j in range(nj):
            for k in range(nk):
                if top[here] > 0 and cluster[here] >= 0:
                    used += raise_pair(keys, values, pair_key(top[here], cluster[here]), np.float32(0.0))
                for step, inside in ((1, k + 1 < nk), (nk, j + 1 < nj), (nj * nk, i + 1 < ni)):
                    if not inside or top[here + step] == top[here]:
                        continue
                    for one, other in ((here, here + step), (here + step, here)):
                        if top[one] > 0 and cluster[other] >= 0:
                            used += raise_pair(keys, values, pair_key(top[one], cluster[other]), np.float32(0.0))
                if 2 * used + 16 > len(keys):
                    keys, values = grown_pairs(keys, values)
                here += 1
    return keys[keys >= 0]
