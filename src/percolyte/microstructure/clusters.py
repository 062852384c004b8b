"""Connected parts of every phase of an image, as a whole or slab by slab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.microstructure.distances import Ints, Mask
from percolyte.microstructure.volume import Labels

Counts = NDArray[np.int64]
FIRST, LAST = 1, 2
ALONG = FIRST | LAST
"""Bits of the sides of axis 0; those of axis d stand 2 d places higher."""


@dataclass(frozen=True)
class Clusters:
    """Parts of one phase that are connected through faces of voxels."""

    sizes: Counts
    """Voxels of each cluster; 0 for those of other phases."""
    sides: Labels
    """Which sides of the volume each touches, as bits."""

    def crossing(self, axis: int) -> Mask:
        """The clusters that touch both sides of an axis."""
        both = ALONG << 2 * axis
        crossing: Mask = (self.sizes > 0) & ((self.sides & both) == both)
        return crossing

    def percolating_fraction(self, axis: int) -> float:
        """Share of the phase in clusters from side to side; 0 for an absent phase."""
        return self._share(self.crossing(axis))

    @property
    def largest_fraction(self) -> float:
        """Share of the phase in its largest cluster."""
        return float(self.sizes.max() / max(1, self.sizes.sum()))

    @property
    def closed_fraction(self) -> float:
        """Share of the phase in clusters that touch no side of the volume, such as closed pores."""
        return self._share(self.sides == 0)

    def _share(self, chosen: Mask) -> float:
        return float(self.sizes[chosen].sum() / max(1, self.sizes.sum()))


@dataclass(frozen=True)
class ClusterTable:
    """All clusters of an image, each with the label of its voxels."""

    labels: Labels
    sizes: Counts
    sides: Labels

    def of(self, label: int) -> Clusters:
        """Those of one label."""
        return Clusters(np.where(self.labels == label, self.sizes, 0), self.sides)


@dataclass(frozen=True)
class Connected(ClusterTable):
    """The clusters of an image in memory."""

    number: Ints
    """Of each voxel, the place of its cluster in the table."""

    def through(self, label: int, axis: int) -> Mask:
        """Voxels of clusters of a label that touch both sides of an axis."""
        return self.of(label).crossing(axis)[self.number]


def connected(labels: Labels | Mask) -> Connected:
    """The connected parts of equal labels; voxels that share an edge or a corner only are not connected."""
    values = np.ascontiguousarray(labels).view(np.uint8)
    number = np.empty(values.shape, dtype=np.int32)
    sizes, of_cluster = _number(values, number)
    sides = np.zeros(len(sizes), dtype=np.uint8)
    for axis in range(3):
        for place, side in ((0, FIRST), (-1, LAST)):
            sides[np.take(number, place, axis=axis)] |= np.uint8(side << 2 * axis)
    return Connected(of_cluster, sizes, sides, number)


class SlabClusters:
    """The clusters of an image of which one slab after another along axis 0 is in memory.

    Each slab is numbered by itself, and what touches the slab before is joined
    with it. Memory goes with the number of clusters, not with that of voxels.
    """

    def __init__(self) -> None:
        self._tables: list[ClusterTable] = []
        self._touching = [np.zeros((2, 0), dtype=np.int64)]
        self._first: Counts | None = None
        self._plane = np.zeros((0, 0), dtype=np.uint8)
        self._numbers: Counts = np.zeros(0, dtype=np.int64)
        self._known = 0

    def add(self, slab: Labels | Mask) -> Ints:
        """The next slab; returns numbers of its voxels, which `merged` makes those of clusters."""
        found = connected(slab)
        ends = found.number[[0, -1]].astype(np.int64) + self._known
        if self._first is None:
            self._first = np.unique(ends[0])
        else:
            same = self._plane == slab[0]
            self._touching.append(np.unique(np.stack([self._numbers[same], ends[0][same]]), axis=1))
        self._plane, self._numbers = np.array(slab[-1]), ends[1]
        self._tables.append(ClusterTable(found.labels, found.sizes, found.sides & ~np.uint8(ALONG)))
        self._known += len(found.sizes)
        return found.number + np.int32(self._known - len(found.sizes))

    def table(self) -> ClusterTable:
        """All clusters, once the last slab is added."""
        return self.merged()[0]

    def merged(self) -> tuple[ClusterTable, Ints]:
        """All clusters, and which of them each number is that `add` gave."""
        table = _concatenated(self._tables)
        table.sides[self._first] |= np.uint8(FIRST)
        table.sides[self._numbers] |= np.uint8(LAST)
        return _joined(table, np.concatenate(self._touching, axis=1))


def _concatenated(tables: Sequence[ClusterTable]) -> ClusterTable:
    return ClusterTable(
        np.concatenate([table.labels for table in tables]),
        np.concatenate([table.sizes for table in tables]),
        np.concatenate([table.sides for table in tables]),
    )


def _joined(table: ClusterTable, touching: NDArray[np.int64]) -> tuple[ClusterTable, Ints]:
    """One cluster of those that touch each other, directly or through others, and which each is in."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    total = len(table.sizes)
    links = coo_array((np.ones(touching.shape[1], dtype=np.bool_), (touching[0], touching[1])), shape=(total, total))
    count, cluster = connected_components(links, directed=False)
    labels, sides = np.zeros((2, count), dtype=np.uint8)
    sizes = np.zeros(count, dtype=np.int64)
    labels[cluster] = table.labels
    np.add.at(sizes, cluster, table.sizes)
    np.bitwise_or.at(sides, cluster, table.sides)
    return ClusterTable(labels, sizes, sides), cluster


@njit(cache=True, nogil=True)
def root(parent: Ints, member: int) -> int:
    """The representative of the set that holds a member; ways to it are shortened."""
    while parent[member] != member:
        parent[member] = parent[parent[member]]
        member = parent[member]
    return member


@njit(cache=True, nogil=True)
def _number(labels: Labels, number: Ints) -> tuple[Counts, Labels]:
    """Number the clusters voxel by voxel; returns the size and the label of each."""
    parent = _provisional(labels, number)
    final = np.empty_like(parent)
    count = 0
    for member in range(len(parent)):
        if parent[member] == member:
            final[member] = count
            count += 1
        else:
            final[member] = final[root(parent, member)]
    sizes = np.zeros(count, dtype=np.int64)
    of_cluster = np.zeros(count, dtype=np.uint8)
    flat, label = number.reshape(-1), labels.reshape(-1)
    for here in range(flat.size):
        cluster = final[flat[here]]
        flat[here] = cluster
        sizes[cluster] += 1
        of_cluster[cluster] = label[here]
    return sizes, of_cluster


@njit(cache=True, nogil=True)
def _provisional(labels: Labels, number: Ints) -> Ints:
    """A number for each voxel, and which numbers are of one cluster: each points to a lower one, or to itself."""
    ni, nj, nk = labels.shape
    parent = np.empty(1024, dtype=np.int32)
    count = 0
    for i in range(ni):
        for j in range(nj):
            for k in range(nk):
                label = labels[i, j, k]
                found = -1
                if k > 0 and labels[i, j, k - 1] == label:
                    found = number[i, j, k - 1]
                if j > 0 and labels[i, j - 1, k] == label:
                    found = _united(parent, found, number[i, j - 1, k])
                if i > 0 and labels[i - 1, j, k] == label:
                    found = _united(parent, found, number[i - 1, j, k])
                if found < 0:
                    if count == len(parent):
                        parent = np.concatenate((parent, parent))
                    found = count
                    parent[count] = count
                    count += 1
                number[i, j, k] = found
    return parent[:count]


@njit(cache=True, nogil=True)
def _united(parent: Ints, one: int, other: int) -> int:
    """The number of the two sets as one; -1 is none."""
    if one < 0 or one == other:
        return other
    a, b = root(parent, one), root(parent, other)
    low = min(a, b)
    parent[max(a, b)] = low
    return low
