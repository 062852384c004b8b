"""What a volume tells about its electrode, each number with what its sub-volumes say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, product

import numpy as np

from percolyte.errors import InputError
from percolyte.microstructure.distances import path_lengths
from percolyte.microstructure.interfaces import interface_areas, triple_lines
from percolyte.microstructure.memory import check_memory
from percolyte.microstructure.networks import Clusters, Networks, Roles, clusters
from percolyte.microstructure.particles import SizeDistribution, particle_sizes
from percolyte.microstructure.sizes import chord_lengths, constriction, intrusion_widths, widths
from percolyte.microstructure.volume import Volume

LEAST = 16
"""Voxels along an axis below which it is not halved into sub-volumes."""
MEMORY = 32.0
"""Bytes a voxel that measuring takes beside the labels, at most."""
Key = tuple[str, ...]
"""A quantity and what it is of: ("interface area", "active", "electrolyte")."""


@dataclass(frozen=True)
class Estimate:
    """A number of the whole volume, and the same of its halves, quarters or eighths."""

    value: float
    error: float | None
    """Standard error; None where the volume is too small to be divided."""
    parts: tuple[float, ...] = ()
    """The value of each sub-volume. Where their mean differs from the whole, the number still depends on the size."""


@dataclass(frozen=True)
class Measures:
    """Numbers of a volume, SI; a number that a volume has not is missing."""

    axis: int
    volume_fraction: Mapping[str, Estimate]
    percolating_fraction: Mapping[str, tuple[Estimate, Estimate, Estimate]]
    """Share of each phase in clusters from side to side, for each axis."""
    interface_area: Mapping[tuple[str, str], Estimate]
    """m²/m³"""
    triple_line: Mapping[tuple[str, str, str], Estimate]
    """m/m³"""
    largest_cluster: Mapping[str, Estimate]
    closed_fraction: Mapping[str, Estimate]
    """Share of each phase in clusters that touch no side."""
    geodesic_tortuosity: Mapping[str, Estimate]
    """Mean length of the shortest ways from side to side over their distance, of the ways of "ions" and "electrons"."""
    utilisation: Estimate | None
    active_area: Estimate | None
    """Between connected active material and percolating electrolyte, m²/m³."""
    contact_fraction: Estimate | None
    """The same over the whole surface of those particles, contacts between active particles left out."""
    percolation: Mapping[str, Estimate]
    """Percolating share of the phases that carry "ions", and of those that carry "electrons", along the axis."""
    particles: SizeDistribution | None
    notes: tuple[str, ...]


def measure(volume: Volume, roles: Roles, axis: int = 0) -> Measures:
    """Fractions, percolation, areas, lines, ways and utilisation of a volume along an axis.

    Areas and lines are free of the voxel staircase (`interfaces.py`); phases are
    connected through faces; particles are told apart at their necks
    (`particles.py`). Errors are standard errors over sub-volumes, but those of
    the volume fractions, which follow from the integral range
    (`representative_error`).

    Errors: `InputError` for an axis or a role that the volume has not, and for a
    volume that the free memory cannot measure (32 bytes a voxel). A phase
    that does not percolate is a result: its fraction is 0.
    """
    if axis not in (0, 1, 2):
        raise InputError(f"{axis} is not an axis; the axes are 0, 1 and 2", source=volume.source)
    roles.check(volume)
    check_memory(volume.labels.shape, MEMORY, volume.source)
    networks = Networks(volume, roles, axis)
    whole = dict(_numbers(networks))
    parts = [dict(_numbers(Networks(part, roles, axis))) for part in sub_volumes(volume)]
    estimates = {key: _estimate(value, [part.get(key, math.nan) for part in parts]) for key, value in whole.items()}
    fractions = {
        name: replace(estimates["volume fraction", name], error=representative_error(volume, name))
        for name in volume.phases
    }

    def of(what: str) -> dict[Key, Estimate]:
        return {key[1:]: estimate for key, estimate in estimates.items() if key[0] == what}

    return Measures(
        axis=axis,
        volume_fraction=fractions,
        percolating_fraction={
            name: tuple(estimates["percolating fraction", name, str(along)] for along in range(3))  # type: ignore[misc]
            for name in volume.phases
        },
        interface_area={(a, b): estimate for (a, b), estimate in of("interface area").items()},
        triple_line={(a, b, c): estimate for (a, b, c), estimate in of("triple line").items()},
        largest_cluster={name: estimate for (name,), estimate in of("largest cluster").items()},
        closed_fraction={name: estimate for (name,), estimate in of("closed fraction").items()},
        geodesic_tortuosity={name: estimate for (name,), estimate in of("geodesic tortuosity").items()},
        utilisation=estimates.get(("utilisation",)),
        active_area=estimates.get(("active area",)),
        contact_fraction=estimates.get(("contact fraction",)),
        percolation={carrier: estimate for (carrier,), estimate in of("percolation").items()},
        particles=particle_sizes(networks.particles, volume.voxel) if roles.active else None,
        notes=tuple(_notes(volume, networks, estimates)),
    )


def _estimate(value: float, parts: list[float]) -> Estimate:
    known = [part for part in parts if math.isfinite(part)]
    error = float(np.std(known, ddof=1) / math.sqrt(len(known))) if len(known) > 1 else None
    return Estimate(value, error, tuple(known))


def sub_volumes(volume: Volume) -> list[Volume]:
    """The volume halved along each axis that is long enough: eight parts of a cube."""
    halves = [
        [slice(0, length // 2), slice(length // 2, 2 * (length // 2))] if length >= LEAST else [slice(None)]
        for length in volume.labels.shape
    ]
    if all(len(half) == 1 for half in halves):
        return []
    return [replace(volume, labels=np.ascontiguousarray(volume.labels[ranges])) for ranges in product(*halves)]


def representative_error(volume: Volume, name: str) -> float | None:
    """Standard error of a phase's volume fraction φ, for how far this volume stands for the material.

    σ² = φ (1 - φ) A / V with the integral range A (Lantuéjoul, J. Microsc. 161
    (1991) 387, eq. 12; Kanit et al., Int. J. Solids Struct. 40 (2003) 3647).
    A comes from the variance among blocks of a half, a third and a quarter of the
    edge, each of which would give the same A in a large volume; the largest is
    taken. Limit case: independent voxels, A is the volume of one.
    """
    mask = volume.mask(name)
    fraction = float(mask.mean())
    if not 0.0 < fraction < 1.0:
        return 0.0
    ranges = []
    for parts in (2, 3, 4):
        blocks = [length // parts if length >= 8 * parts else 0 for length in mask.shape]
        if 0 in blocks:
            continue
        kept = mask[tuple(slice(0, block * parts) for block in blocks)]
        means = kept.reshape(parts, blocks[0], parts, blocks[1], parts, blocks[2]).mean(axis=(1, 3, 5))
        ranges.append(float(means.var(ddof=1)) * math.prod(blocks) / (fraction * (1.0 - fraction)))
    return math.sqrt(fraction * (1.0 - fraction) * max(ranges) / mask.size) if ranges else None


def _numbers(networks: Networks) -> Iterator[tuple[Key, float]]:
    """Every number that depends on the size of the volume."""
    volume, roles, axis = networks.volume, networks.roles, networks.axis
    for name, fraction in volume.fractions.items():
        yield ("volume fraction", name), fraction
    for name in volume.phases:
        yield from _connection(volume, name)
    if roles.ionic:
        yield from _ways("ions", networks.ionic, volume, axis)
    if roles.electronic:
        yield from _ways("electrons", networks.electronic, volume, axis)
    if roles.active and roles.ionic and networks.particles.any():
        yield ("utilisation",), networks.utilisation
    yield from _surfaces(networks)


def _connection(volume: Volume, name: str) -> Iterator[tuple[Key, float]]:
    found = clusters(volume.mask(name))
    for along in range(3):
        yield ("percolating fraction", name, str(along)), found.percolating_fraction(along)
    yield ("largest cluster", name), found.largest_fraction
    yield ("closed fraction", name), found.closed_fraction


def _ways(carrier: str, found: Clusters, volume: Volume, axis: int) -> Iterator[tuple[Key, float]]:
    fraction = found.percolating_fraction(axis)
    yield ("percolation", carrier), fraction
    if fraction > 0.0:
        yield ("geodesic tortuosity", carrier), _geodesic_tortuosity(found, volume, axis)


def _geodesic_tortuosity(found: Clusters, volume: Volume, axis: int) -> float:
    """Mean over the far side of the shortest way to it, over the distance of the sides; 1 for straight channels."""
    lengths = np.take(path_lengths(found.through(axis), volume.voxel, axis), -1, axis=axis)
    reached = lengths[np.isfinite(lengths)]
    return float(reached.mean() + 0.5 * volume.voxel[axis]) / volume.size[axis]


def _surfaces(networks: Networks) -> Iterator[tuple[Key, float]]:
    """Areas and lines per volume; connected and lost parts of a phase are classes of their own on the way."""
    volume, roles, names = networks.volume, networks.roles, list(networks.volume.phases)
    table = np.zeros(256, dtype=np.uint8)
    table[[volume.label(name) for name in names]] = 2 * np.arange(len(names))
    classes = table[volume.labels]
    if roles.active and roles.ionic:
        classes += networks.ionic.through(networks.axis)
        classes += networks.live
    size = math.prod(volume.size)
    areas = interface_areas(classes, 2 * len(names), volume.voxel) / size
    lines = triple_lines(classes // 2, len(names), volume.voxel) / size
    for (a, one), (b, other) in combinations(enumerate(names), 2):
        yield ("interface area", one, other), float(areas[2 * a : 2 * a + 2, 2 * b : 2 * b + 2].sum())
    for a, b, c in combinations(range(len(names)), 3):
        yield ("triple line", names[a], names[b], names[c]), float(lines[a, b, c])
    if roles.active and roles.ionic:
        live = [2 * names.index(name) + 1 for name in roles.active]
        ions = [2 * names.index(name) + 1 for name in roles.ionic]
        touched = float(areas[np.ix_(live, ions)].sum())
        yield ("active area",), touched
        around = [2 * at + odd for at, name in enumerate(names) if name not in roles.active for odd in (0, 1)]
        surface = float(areas[np.ix_(live, around)].sum())
        if surface > 0.0:
            yield ("contact fraction",), touched / surface


def _notes(volume: Volume, networks: Networks, estimates: Mapping[Key, Estimate]) -> Iterator[str]:
    """What a reader should know before using the numbers."""
    if len(volume.phases) == 1:
        yield "the volume holds one phase only"
    if len(set(volume.voxel)) > 1:
        yield "the voxels are not cubes; every length and area takes that into account"
    for key, estimate in estimates.items():
        if key[0] == "percolation" and estimate.value == 0.0:
            yield f"no way for {key[1]} leads from side to side of axis {networks.axis}"
        if estimate.error is not None and key[0] in ("utilisation", "active area", "percolation"):
            mean = float(np.mean(estimate.parts))
            if abs(mean - estimate.value) > max(2.0 * estimate.error, 0.05 * abs(estimate.value)):
                what = " of ".join(key)
                yield f"{what} still depends on the size of the volume: {estimate.value:.4g}, in its parts {mean:.4g}"


@dataclass(frozen=True)
class Widths:
    """How wide a phase is along an axis; diameters in m, shares by volume."""

    spheres: SizeDistribution
    chords: tuple[SizeDistribution, SizeDistribution, SizeDistribution]
    constriction: Estimate
    """(r_min / r_max)² along the axis; nan where the phase is absent."""
    median: Estimate
    """Median diameter of the spheres."""


def measure_widths(volume: Volume, name: str, axis: int = 0) -> Widths:
    """Sizes, chords and constriction of a phase: the slower measures, for one phase at a time.

    Errors: `InputError` for a phase or an axis that the volume has not.
    """
    if axis not in (0, 1, 2):
        raise InputError(f"{axis} is not an axis; the axes are 0, 1 and 2", source=volume.source)
    check_memory(volume.labels.shape, MEMORY, volume.source)
    mask, voxel = volume.mask(name), volume.voxel
    spheres = widths(mask, voxel)
    medians, factors = [], []
    for part in sub_volumes(volume):
        within = widths(part.mask(name), voxel)
        medians.append(within.quantile(0.5))
        factors.append(constriction(within, intrusion_widths(part.mask(name), voxel, axis)))
    factor = constriction(spheres, intrusion_widths(mask, voxel, axis))
    return Widths(
        spheres=spheres,
        chords=(chord_lengths(mask, voxel, 0), chord_lengths(mask, voxel, 1), chord_lengths(mask, voxel, 2)),
        constriction=_estimate(factor, factors),
        median=_estimate(spheres.quantile(0.5), medians),
    )
