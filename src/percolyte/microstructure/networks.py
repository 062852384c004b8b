"""Connected parts of a phase: which of them lead through the volume, and which particles both networks reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.microstructure.distances import Mask
from percolyte.microstructure.particles import Particles, separate
from percolyte.microstructure.volume import Volume


@dataclass(frozen=True)
class Clusters:
    """Parts of a mask that are connected through faces of voxels."""

    number: Particles
    """Number of the cluster of each voxel, from 1; 0 outside the mask."""
    sizes: NDArray[np.int64]
    """Voxels of each cluster; 0 for the outside."""

    def through(self, axis: int) -> Mask:
        """Voxels of clusters that touch both sides of an axis."""
        return self._through_clusters(axis)[self.number]

    def percolating_fraction(self, axis: int) -> float:
        """Share of the mask in clusters from side to side; 0 for an empty mask."""
        return float(self.sizes[self._through_clusters(axis)].sum() / max(1, self.sizes.sum()))

    def _through_clusters(self, axis: int) -> Mask:
        first, last = (self._of(np.take(self.number, side, axis=axis)) for side in (0, -1))
        return first & last

    def _of(self, part: Particles) -> Mask:
        """Clusters with a voxel in a part of the volume, the outside not counted."""
        found = np.zeros(len(self.sizes), dtype=np.bool_)
        found[part] = True
        found[0] = False
        return found

    @property
    def largest_fraction(self) -> float:
        """Share of the mask in its largest cluster."""
        return float(self.sizes.max() / max(1, self.sizes.sum()))

    @property
    def closed_fraction(self) -> float:
        """Share of the mask in clusters that touch no side of the volume, such as closed pores."""
        sides = [np.take(self.number, side, axis=axis) for axis in range(3) for side in (0, -1)]
        open_clusters = np.logical_or.reduce([self._of(side) for side in sides])
        return float(self.sizes[~open_clusters].sum() / max(1, self.sizes.sum()))


def clusters(mask: Mask) -> Clusters:
    """The connected parts of a mask; voxels that share an edge or a corner only are not connected."""
    from scipy.ndimage import label

    number, count = label(mask)
    sizes = np.bincount(number.ravel(), minlength=count + 1)
    sizes[0] = 0
    return Clusters(number.astype(np.int32, copy=False), sizes)


@dataclass(frozen=True)
class Roles:
    """Which phases are active material, which conduct ions and which electrons."""

    active: tuple[str, ...]
    ionic: tuple[str, ...]
    electronic: tuple[str, ...]

    def check(self, volume: Volume) -> None:
        """Refuse a name that is no phase of the volume."""
        for name in (*self.active, *self.ionic, *self.electronic):
            volume.label(name)


ACTIVE, ELECTROLYTE, CARBON = "active", "electrolyte", "carbon"


def roles_of(
    volume: Volume,
    active: Iterable[str] | None = None,
    ionic: Iterable[str] | None = None,
    electronic: Iterable[str] | None = None,
) -> Roles:
    """Roles by the names `active`, `electrolyte` and `carbon`, unless said otherwise.

    Electrons go through the active material and the carbon.
    """

    def named(given: Iterable[str] | None, *usual: str) -> tuple[str, ...]:
        return tuple(given) if given is not None else tuple(name for name in usual if name in volume.phases)

    actives = named(active, ACTIVE)
    roles = Roles(actives, named(ionic, ELECTROLYTE), named(electronic, *actives, CARBON))
    roles.check(volume)
    both = sorted({*roles.active} & {*roles.ionic})
    if both:
        raise InputError(f"'{both[0]}' cannot be active material and electrolyte at once", source=volume.source)
    return roles


@dataclass(frozen=True)
class Networks:
    """The ways of ions and electrons along an axis, and the particles of active material between them."""

    volume: Volume
    roles: Roles
    axis: int

    @cached_property
    def ionic(self) -> Clusters:
        return clusters(self.volume.mask(*self.roles.ionic))

    @cached_property
    def electronic(self) -> Clusters:
        return clusters(self.volume.mask(*self.roles.electronic))

    @cached_property
    def particles(self) -> Particles:
        """Particles of active material, told apart at their necks."""
        return separate(self.volume.mask(*self.roles.active), self.volume.voxel)

    @cached_property
    def live(self) -> Mask:
        """Active material of particles that touch both the percolating ionic and the percolating electronic network."""
        ions, electrons = self.ionic.through(self.axis), self.electronic.through(self.axis)
        return _reached(self.particles, ions, electrons)[self.particles]

    @property
    def dead(self) -> Mask:
        """Active material that the cell cannot use."""
        return (self.particles > 0) & ~self.live

    @property
    def utilisation(self) -> float:
        """Volume share of the active material that is live."""
        return float(self.live.sum() / max(1, (self.particles > 0).sum()))


@njit(cache=True, nogil=True)
def _reached(particles: Particles, ions: Mask, electrons: Mask) -> Mask:
    """Whether each particle has a voxel in, or a face at, both networks; particle 0 is none."""
    ni, nj, nk = particles.shape
    ionic = np.zeros(particles.max() + 1, dtype=np.bool_)
    electronic = np.zeros_like(ionic)
    for i in range(ni):
        for j in range(nj):
            for k in range(nk):
                here = particles[i, j, k]
                electronic[here] |= electrons[i, j, k]
                for there in ((i + 1, j, k), (i, j + 1, k), (i, j, k + 1)):
                    if there[0] < ni and there[1] < nj and there[2] < nk:
                        other = particles[there]
                        ionic[here] |= ions[there]
                        ionic[other] |= ions[i, j, k]
                        electronic[here] |= electrons[there]
                        electronic[other] |= electrons[i, j, k]
    reached = ionic & electronic
    reached[0] = False
    return reached
