"""Connected parts of a phase: which of them lead through the volume, and which particles both networks reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np
from numba import njit

from percolyte.errors import InputError
from percolyte.materials.library import Library
from percolyte.microstructure.clusters import Clusters, Connected, connected
from percolyte.microstructure.distances import Mask
from percolyte.microstructure.particles import Particles, separate
from percolyte.microstructure.volume import Labels, Volume, check_axis


class Named(Protocol):
    """What has phases: a volume, or one that is read slab by slab."""

    @property
    def phases(self) -> Mapping[str, int]: ...

    @property
    def source(self) -> str: ...

    def label(self, name: str) -> int: ...


@dataclass(frozen=True)
class Roles:
    """Which phases are active material, which conduct ions and which electrons."""

    active: tuple[str, ...]
    ionic: tuple[str, ...]
    electronic: tuple[str, ...]

    def check(self, volume: Named) -> None:
        """Refuse a name that is no phase of the volume."""
        for name in (*self.active, *self.ionic, *self.electronic):
            volume.label(name)


ACTIVE, CARBON = "active", "carbon"
CARRY_IONS = ("electrolyte", "shell", "coating")
"""A shell is electrolyte; a coating lets ions through, as it is made to."""


def roles_of(
    volume: Named,
    active: Iterable[str] | None = None,
    ionic: Iterable[str] | None = None,
    electronic: Iterable[str] | None = None,
) -> Roles:
    """Roles by the names of phases that `pack` gives or of substances of the library, unless said otherwise.

    Ions go through the electrolyte, its shell and coatings, electrons through the active material and the carbon.
    """
    known = recognised(volume)
    kinds = {name: known.get(name, name) for name in volume.phases}

    def named(given: Iterable[str] | None, *usual: str) -> tuple[str, ...]:
        return tuple(given) if given is not None else tuple(name for name, kind in kinds.items() if kind in usual)

    actives = named(active, ACTIVE)
    conductors = tuple(dict.fromkeys((*actives, *named(None, CARBON))))
    roles = Roles(actives, named(ionic, *CARRY_IONS), conductors if electronic is None else tuple(electronic))
    roles.check(volume)
    both = sorted({*roles.active} & {*roles.ionic})
    if both:
        raise InputError(f"'{both[0]}' cannot be active material and electrolyte at once", source=volume.source)
    return roles


def recognised(volume: Named) -> dict[str, str]:
    """The phases of a volume that bear the name of a substance of the library, and what it is in a microstructure."""
    library = Library()
    usual = (ACTIVE, CARBON, *CARRY_IONS)
    found = {name: library.find(name) for name in volume.phases if name not in usual and not name.isdecimal()}
    return {name: substance.phase for name, substance in found.items() if substance and substance.phase in usual}


@dataclass(frozen=True)
class Networks:
    """The ways of ions and electrons along an axis, and the particles of active material between them."""

    volume: Volume
    roles: Roles
    axis: int
    known_particles: Particles | None = None
    """Of the active material, where a larger volume around this one has told them apart."""

    def __post_init__(self) -> None:
        check_axis(self.axis, self.volume.source)

    @cached_property
    def phases(self) -> Connected:
        """Connected parts of every phase."""
        return connected(self.volume.labels)

    @property
    def ionic(self) -> Clusters:
        """Connected parts of all phases together that carry ions."""
        return self._ions[1]

    @property
    def electronic(self) -> Clusters:
        return self._electrons[1]

    @cached_property
    def through_ions(self) -> Mask:
        """Voxels through which ions pass from side to side."""
        image, found = self._ions
        return found.crossing(self.axis)[image.number]

    @cached_property
    def through_electrons(self) -> Mask:
        image, found = self._electrons
        return found.crossing(self.axis)[image.number]

    @cached_property
    def _ions(self) -> tuple[Connected, Clusters]:
        return self._network(self.roles.ionic)

    @cached_property
    def _electrons(self) -> tuple[Connected, Clusters]:
        return self._network(self.roles.electronic)

    def _network(self, names: tuple[str, ...]) -> tuple[Connected, Clusters]:
        if len(names) == 1:
            return self.phases, self.phases.of(self.volume.label(names[0]))
        together = connected(self.volume.mask(*names))
        return together, together.of(1)

    @cached_property
    def particles(self) -> Particles:
        """Particles of active material, told apart at their necks."""
        if self.known_particles is not None:
            return self.known_particles
        return separate(self.volume.mask(*self.roles.active), self.volume.voxel)

    def within(self, ranges: tuple[slice, ...]) -> Networks:
        """Those of a part of the volume by itself; particles that its sides cut stay what they are in the whole."""
        part = replace(self.volume, labels=np.ascontiguousarray(self.volume.labels[ranges]))
        known = np.ascontiguousarray(self.particles[ranges]) if self.roles.active else None
        return Networks(part, self.roles, self.axis, known)

    @cached_property
    def live(self) -> Mask:
        """Active material of particles that touch both the percolating ionic and the percolating electronic network."""
        networks = IONIC * self.through_ions.view(np.uint8) + ELECTRONIC * self.through_electrons.view(np.uint8)
        return _reached(self.particles, networks, int(self.particles.max()))[self.particles]

    @property
    def dead(self) -> Mask:
        """Active material that the cell cannot use."""
        return (self.particles > 0) & ~self.live

    @property
    def utilisation(self) -> float:
        """Volume share of the active material that is live."""
        return int(np.count_nonzero(self.live)) / max(1, int(np.count_nonzero(self.particles)))


INERT = ("void", "binder", "coating", "scaffold")
"""What a phase is that nobody expects to conduct."""


def without_roles(volume: Named, roles: Roles) -> Iterator[str]:
    """What is left out for want of a role, and which phases may have it."""
    left_out = "utilisation, active area and contact fraction are left out"
    given = (*roles.active, *roles.ionic, *roles.electronic)
    if not given:
        yield (
            f"no phase has a role by its name: ways and percolation of ions and electrons, {left_out}; name the labels, "
            "such as --phases active=1,electrolyte=2,void=0, or give --active, --ionic and --electronic"
        )
        return
    if not roles.active:
        yield f"no phase is active material: particles, {left_out}; name it with --active"
    if not roles.ionic:
        yield f"no phase carries ions: their ways, {left_out}; name it with --ionic"
    if not roles.electronic:
        yield "no phase carries electrons: their ways are left out; name it with --electronic"
    library = Library()
    kinds = {name: library.find(name) for name in volume.phases if name not in given}
    idle = [name for name, found in kinds.items() if (found.phase if found else name) not in INERT]
    if idle:
        to_electrons, to_ions = (",".join((*names, *idle)) for names in (roles.electronic, roles.ionic))
        are = "has" if len(idle) == 1 else "have"
        yield f"{', '.join(idle)} {are} no role; if it conducts, write --electronic {to_electrons}, or --ionic {to_ions}"


IONIC, ELECTRONIC = 1, 2


@njit(cache=True, nogil=True)
def _reached(particles: Particles, networks: Labels, last: int) -> Mask:
    """Whether each particle has a voxel in, or a face at, both networks; particle 0 is none."""
    ni, nj, nk = particles.shape
    particle, network = particles.reshape(-1), networks.reshape(-1)
    touched = np.zeros(last + 1, dtype=np.uint8)
    here = 0
    for i in range(ni):
        for j in range(nj):
            for k in range(nk):
                touched[particle[here]] |= network[here]
                for step, inside in ((1, k + 1 < nk), (nk, j + 1 < nj), (nj * nk, i + 1 < ni)):
                    if inside and particle[here + step] != particle[here]:
                        touched[particle[here]] |= network[here + step]
                        touched[particle[here + step]] |= network[here]
                here += 1
    reached: Mask = touched == IONIC | ELECTRONIC
    reached[0] = False
    return reached
