"""Widths of a phase: chords, inscribed spheres, and the bottlenecks between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.microstructure.distances import Floats, Mask, distance_inside
from percolyte.microstructure.particles import SizeDistribution
from percolyte.microstructure.volume import Lengths

WIDEST = 2.5
"""Voxels of a block's inscribed radius: wider phases are measured on blocks of voxels, a tenth less exactly."""
LEVELS = 8
"""Steps a voxel in which the width of a way is followed."""


def chord_lengths(mask: Mask, voxel: Lengths, axis: int) -> SizeDistribution:
    """Lengths of the straight lines along an axis within the mask, weighted by length.

    Those that a side of the volume cuts are left out. Their number-weighted mean
    in an isotropic structure is 4 φ / S_V (Underwood, Quantitative Stereology, 1970).
    """
    counts = _count_chords(np.moveaxis(mask, axis, 2))
    lengths = np.flatnonzero(counts)
    if len(lengths) == 0:
        return SizeDistribution(np.zeros(0), np.zeros(0))
    share = np.cumsum(counts[lengths] * lengths)
    return SizeDistribution(lengths.astype(np.float64) * voxel[axis], share / share[-1])


@njit(cache=True, nogil=True)
def _count_chords(mask: Mask) -> NDArray[np.int64]:
    """Number of the chords of each length in voxels along the last axis."""
    ni, nj, nk = mask.shape
    counts = np.zeros(nk + 1, dtype=np.int64)
    for i in range(ni):
        for j in range(nj):
            start = 0
            for k in range(nk):
                if not mask[i, j, k]:
                    if start > 0 and k > start:
                        counts[k - start] += 1
                    start = k + 1
    return counts


@dataclass(frozen=True)
class Spheres:
    """Radius of the largest sphere around each voxel of a mask."""

    radius: Floats
    mask: Mask
    voxel: Lengths

    def distribution(self, ranges: tuple[slice, ...] = (slice(None),) * 3) -> SizeDistribution:
        """Shares of the volume, or of a part of it, by diameter; a full volume has none.

        A gap of n voxels has the largest distance n/2 or (n + 1)/2 between centres: its width is right to half a voxel.
        """
        radius = self.radius[ranges]
        values, counts = np.unique(radius[self.mask[ranges] & np.isfinite(radius)], return_counts=True)
        share = np.cumsum(counts)
        diameters = np.where(values > 0.0, 2.0 * values.astype(np.float64) - 0.5 * min(self.voxel), 0.0)
        return SizeDistribution(diameters, share / max(1, share[-1] if len(share) else 1))


def spheres(mask: Mask, voxel: Lengths, axis: int) -> tuple[Spheres, Spheres]:
    """The largest spheres within the mask around its voxels, and those that come in from the first side of an axis.

    The continuous size distribution, by opening with spheres, and what mercury
    porosimetry sees (Münch and Holzer, J. Am. Ceram. Soc. 91 (2008) 4059).
    Voxels that nothing reaches from the side count as of no width.
    """
    mask, voxel = _at_hand(mask, voxel)
    distance = distance_inside(mask, voxel)
    bounded = np.minimum(distance, max(n * h for n, h in zip(mask.shape, voxel, strict=True)))
    way = _widest_way(np.pad(bounded, 1), np.float32(min(voxel) / LEVELS), axis)
    return (
        Spheres(_largest_sphere(distance, voxel), mask, voxel),
        Spheres(_largest_sphere(way, voxel), mask, voxel),
    )


def constriction(within: SizeDistribution, entering: SizeDistribution) -> float:
    """Constriction factor β = (r_min / r_max)², 1 for a straight channel, towards 0 with bottlenecks.

    r_max is the median of the widths, r_min that of the intrusion widths
    (Holzer et al., J. Mater. Sci. 48 (2013) 2934, eq. 2); 0 where half of the
    phase cannot be reached.
    """
    widest = within.quantile(0.5)
    return (entering.quantile(0.5) / widest) ** 2 if widest > 0.0 else math.nan


def _at_hand(mask: Mask, voxel: Lengths) -> tuple[Mask, Lengths]:
    """The mask, or its blocks by majority where it is wide enough to lose nothing."""
    from percolyte.microstructure.edit import majority

    distance = distance_inside(mask, voxel)
    finite = distance[mask & np.isfinite(distance)]
    wide = float(np.quantile(finite[:: max(1, len(finite) // 100_000)], 0.9)) / min(voxel) if len(finite) else 0.0
    factor = min(max(1, int(wide / WIDEST)), min(mask.shape))
    if factor == 1:
        return mask, voxel
    blocks = majority(mask.astype(np.uint8), factor).astype(np.bool_)
    return blocks, (voxel[0] * factor, voxel[1] * factor, voxel[2] * factor)


@njit(cache=True, nogil=True)
def _widest_way(distance: Floats, level: np.float32, axis: int) -> Floats:
    """Radius of the largest sphere that reaches each voxel from the first side; buckets from wide to narrow."""
    ni, nj, nk = distance.shape
    height = distance.reshape(-1)
    way = np.zeros(height.size, dtype=np.float32)
    levels = int(height.max() / level) + 2
    head = np.full(levels, -1, dtype=np.int64)
    behind = np.empty(height.size, dtype=np.int64)
    for i in range(1, ni - 1):
        for j in range(1, nj - 1):
            for k in range(1, nk - 1):
                here = (i * nj + j) * nk + k
                if (i, j, k)[axis] == 1 and height[here] > 0.0:
                    way[here] = height[here]
                    bucket = int(way[here] / level)
                    behind[here], head[bucket] = head[bucket], here
    for bucket in range(levels - 1, -1, -1):
        while head[bucket] >= 0:
            here = head[bucket]
            head[bucket] = behind[here]
            for step in (-nj * nk, -nk, -1, 1, nk, nj * nk):
                there = here + step
                if height[there] > 0.0 and way[there] == 0.0:
                    way[there] = min(way[here], height[there])
                    lower = min(bucket, int(way[there] / level))
                    behind[there], head[lower] = head[lower], there
    return way.reshape(distance.shape)[1:-1, 1:-1, 1:-1].copy()


@njit(cache=True, nogil=True)
def _largest_sphere(radius: Floats, voxel: Lengths) -> Floats:
    """Largest radius of the spheres around all voxels that hold each voxel.

    A sphere that a neighbour's sphere holds is not drawn, nor one within a
    region of equal radius: its neighbours' spheres cover it.
    """
    ni, nj, nk = radius.shape
    away = np.empty((3, 3, 3), dtype=np.float32)
    for i, j, k in np.ndindex(3, 3, 3):
        square = ((i - 1) * voxel[0]) ** 2 + ((j - 1) * voxel[1]) ** 2 + ((k - 1) * voxel[2]) ** 2
        away[i, j, k] = 0.999 * math.sqrt(square)
    largest = radius.copy()
    for i in range(ni):
        for j in range(nj):
            for k in range(nk):
                r = radius[i, j, k]
                if r > 0.0 and np.isfinite(r) and not _covered(radius, i, j, k, away):
                    _draw(largest, i, j, k, r, voxel)
    return largest


@njit(cache=True, nogil=True)
def _covered(radius: Floats, i: int, j: int, k: int, away: Floats) -> bool:
    """Whether a neighbour's sphere holds this one, or every neighbour has one at least as large."""
    ni, nj, nk = radius.shape
    r = radius[i, j, k]
    inner = True
    for a in range(max(0, i - 1), min(ni, i + 2)):
        for b in range(max(0, j - 1), min(nj, j + 2)):
            for c in range(max(0, k - 1), min(nk, k + 2)):
                other = radius[a, b, c]
                if other > r and other >= r + away[a - i + 1, b - j + 1, c - k + 1]:
                    return True
                inner = inner and other >= r
    return inner


@njit(cache=True, nogil=True)
def _draw(largest: Floats, i: int, j: int, k: int, r: Any, voxel: Lengths) -> None:
    """Raise every voxel nearer than r to r: no voxel that near lies outside the phase."""
    ni, nj, nk = largest.shape
    ri = _steps(r * r, voxel[0])
    for a in range(max(0, i - ri), min(ni, i + ri + 1)):
        left = r * r - ((a - i) * voxel[0]) ** 2
        rj = _steps(left, voxel[1])
        for b in range(max(0, j - rj), min(nj, j + rj + 1)):
            rk = _steps(left - ((b - j) * voxel[1]) ** 2, voxel[2])
            line = largest[a, b]
            for c in range(max(0, k - rk), min(nk, k + rk + 1)):
                line[c] = max(line[c], r)


@njit(cache=True, nogil=True)
def _steps(square: float, length: float) -> int:
    """The most steps of a length whose square stays below a square."""
    return math.ceil(math.sqrt(square) / length - 1e-6) - 1
