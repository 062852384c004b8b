"""What a volume tells about its electrode, each number with what its sub-volumes say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from percolyte.microstructure.distances import path_lengths
from percolyte.microstructure.interfaces import Floats, Regions, areas_by_region, lines_by_region
from percolyte.microstructure.memory import BYTES, check_memory
from percolyte.microstructure.networks import Networks, Roles, without_roles
from percolyte.microstructure.particles import SizeDistribution, particle_sizes
from percolyte.microstructure.sizes import chord_lengths, constriction, spheres
from percolyte.microstructure.volume import Labels, Lengths, Volume, check_axis

LEAST = 16
"""Voxels along an axis below which it is not halved into sub-volumes."""
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

    source: str
    shape: tuple[int, ...]
    voxel: Lengths
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
    particle_median: Estimate | None
    """Median diameter of the particles by volume, m."""
    notes: tuple[str, ...]


def measure(volume: Volume, roles: Roles, axis: int = 0) -> Measures:
    """Fractions, percolation, areas, lines, ways and utilisation of a volume along an axis.

    Areas and lines are free of the voxel staircase (`interfaces.py`); phases are
    connected through faces; particles are told apart at their necks
    (`particles.py`). Errors are standard errors over sub-volumes, in which ways
    are looked for anew and particles and surfaces are those of the whole; those of
    the shortest ways are over columns from side to side, and those of the volume
    fractions follow from the integral range (`representative_error`).

    Errors: `InputError` for an axis or a role that the volume has not, and for a
    volume that the free memory cannot measure (35 bytes a voxel). A phase
    that does not percolate is a result: its fraction is 0.
    """
    check_axis(axis, volume.source)
    roles.check(volume)
    check_memory(volume.labels.shape, BYTES["measure"], volume.source)
    networks = Networks(volume, roles, axis)
    halves = _halves(volume.labels.shape)
    parts = [networks.within(ranges) for ranges in halves]
    surface, *surfaces = _surfaces(networks, halves, parts)
    whole = dict(_numbers(networks, surface))
    of_parts = [dict(_numbers(part, found)) for part, found in zip(parts, surfaces, strict=True)]
    estimates = {key: _estimate(value, [part.get(key, math.nan) for part in of_parts]) for key, value in whole.items()}
    estimates |= _geodesic_tortuosities(networks)
    fractions = {
        name: replace(estimates["volume fraction", name], error=representative_error(volume, name))
        for name in volume.phases
    }

    def of(what: str) -> dict[Key, Estimate]:
        return {key[1:]: estimate for key, estimate in estimates.items() if key[0] == what}

    return Measures(
        source=volume.source,
        shape=volume.labels.shape,
        voxel=volume.voxel,
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
        particle_median=_particle_median(networks, parts) if roles.active else None,
        notes=tuple(_notes(volume, networks, estimates)),
    )


class Reach(NamedTuple):
    """What ions and electrons reach of the active material; None where the volume has not the roles for it."""

    utilisation: float | None
    contact_fraction: float | None


def measure_reach(volume: Volume, roles: Roles, axis: int = 0) -> Reach:
    """Two of the numbers of `measure`, without their errors, in a fraction of its time.

    Errors: those of `measure`.
    """
    check_axis(axis, volume.source)
    roles.check(volume)
    check_memory(volume.labels.shape, BYTES["measure"], volume.source)
    networks = Networks(volume, roles, axis)
    if not (roles.active and roles.ionic and networks.particles.any()):
        return Reach(None, None)
    (surface,) = _surfaces(networks, [], [])
    areas = dict(_areas(networks, surface.areas / math.prod(volume.size)))
    return Reach(networks.utilisation, areas.get(("contact fraction",)))


def _particle_median(networks: Networks, parts: Sequence[Networks]) -> Estimate:
    """Of the particles that lie within the volume, and of those within each part."""
    found = [particle_sizes(each.particles, networks.volume.voxel).quantile(0.5) for each in (networks, *parts)]
    return _estimate(found[0], found[1:])


def _estimate(value: float, parts: list[float]) -> Estimate:
    known = [part for part in parts if math.isfinite(part)]
    error = float(np.std(known, ddof=1) / math.sqrt(len(known))) if len(known) > 1 else None
    return Estimate(value, error, tuple(known))


def _halves(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Ranges of voxels of the volume halved along each axis that is long enough: eight parts of a cube."""
    if max(shape) < LEAST:
        return []
    return list(product(*(_both_halves(length) for length in shape)))


def _both_halves(length: int) -> list[slice]:
    half = length // 2
    return [slice(0, half), slice(half, 2 * half)] if length >= LEAST else [slice(0, length)]


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


def _numbers(networks: Networks, surfaces: Surfaces) -> Iterator[tuple[Key, float]]:
    """The numbers of the whole volume, or of a part of it."""
    volume, roles = networks.volume, networks.roles
    for name in volume.phases:
        found = networks.phases.of(volume.label(name))
        yield ("volume fraction", name), float(found.sizes.sum()) / volume.labels.size
        for along in range(3):
            yield ("percolating fraction", name, str(along)), found.percolating_fraction(along)
        yield ("largest cluster", name), found.largest_fraction
        yield ("closed fraction", name), found.closed_fraction
    if roles.ionic:
        yield ("percolation", "ions"), networks.ionic.percolating_fraction(networks.axis)
    if roles.electronic:
        yield ("percolation", "electrons"), networks.electronic.percolating_fraction(networks.axis)
    if roles.active and roles.ionic and networks.particles.any():
        yield ("utilisation",), networks.utilisation
    yield from _areas(networks, surfaces.areas / math.prod(volume.size))
    names = list(volume.phases)
    for a, b, c in combinations(range(len(names)), 3):
        yield ("triple line", names[a], names[b], names[c]), float(surfaces.lines[a, b, c]) / math.prod(volume.size)


def _areas(networks: Networks, areas: Floats) -> Iterator[tuple[Key, float]]:
    """Areas per volume between phases, and where connected parts of them meet."""
    roles, names = networks.roles, list(networks.volume.phases)
    for (a, one), (b, other) in combinations(enumerate(names), 2):
        yield ("interface area", one, other), float(areas[2 * a : 2 * a + 2, 2 * b : 2 * b + 2].sum())
    if not (roles.active and roles.ionic):
        return
    live = [2 * names.index(name) + 1 for name in roles.active]
    ions = [2 * names.index(name) + 1 for name in roles.ionic]
    touched = float(areas[np.ix_(live, ions)].sum())
    yield ("active area",), touched
    around = [2 * at + odd for at, name in enumerate(names) if name not in roles.active for odd in (0, 1)]
    surface = float(areas[np.ix_(live, around)].sum())
    if surface > 0.0:
        yield ("contact fraction",), touched / surface


@dataclass(frozen=True)
class Surfaces:
    """What interfaces there are in a volume; phases in their order, 2 p + 1 the connected part of phase p."""

    areas: Floats
    """m²"""
    lines: Floats
    """m"""


def _surfaces(networks: Networks, halves: Sequence[tuple[slice, ...]], parts: Sequence[Networks]) -> Iterator[Surfaces]:
    """Of the whole volume, and of each part: all from one sweep."""
    volume = networks.volume
    table = np.zeros(256, dtype=np.uint8)
    table[list(volume.phases.values())] = np.arange(len(volume.phases))
    classes = table[volume.labels]
    half = np.array([n // 2 if n >= LEAST else n for n in volume.labels.shape])
    state = np.zeros_like(classes)
    if networks.roles.active and networks.roles.ionic:
        state |= _connected_voxels(networks)
        for ranges, part in zip(halves, parts, strict=True):
            state[ranges] |= _connected_voxels(part) << 1
    areas = areas_by_region(classes, len(volume.phases), volume.voxel, Regions(state, half))
    lines = lines_by_region(classes, len(volume.phases), volume.voxel, half)
    yield Surfaces(areas[0], lines[0])
    for ranges in halves:
        place = 1 + sum(bit for bit, r in zip((4, 2, 1), ranges, strict=True) if r.start > 0)
        yield Surfaces(areas[place], lines[place])


def _connected_voxels(networks: Networks) -> Labels:
    """1 where ions pass from side to side, and in live active material."""
    return (networks.through_ions | networks.live).view(np.uint8)


def _geodesic_tortuosities(networks: Networks) -> dict[Key, Estimate]:
    """Mean over the far side of the shortest way to it, over the distance of the sides; 1 for straight channels.

    The parts are the quarters of the far side.
    """
    volume, axis = networks.volume, networks.axis
    found: dict[Key, Estimate] = {}
    for carrier, names in (("ions", networks.roles.ionic), ("electrons", networks.roles.electronic)):
        if not names:
            continue
        through = networks.through_ions if carrier == "ions" else networks.through_electrons
        last = tuple(slice(-1, None) if d == axis else slice(None) for d in range(3))
        lengths = path_lengths(through, volume.voxel, axis)[last]
        tortuosity = (lengths + 0.5 * volume.voxel[axis]) / volume.size[axis]
        if np.isfinite(tortuosity).any():
            of_parts = [_finite_mean(tortuosity[ranges]) for ranges in _columns(lengths.shape, axis)]
            found["geodesic tortuosity", carrier] = _estimate(_finite_mean(tortuosity), of_parts)
    return found


def _finite_mean(values: NDArray[np.floating]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _notes(volume: Volume, networks: Networks, estimates: Mapping[Key, Estimate]) -> Iterator[str]:
    """What a reader should know before using the numbers."""
    if len(volume.phases) == 1:
        yield "the volume holds one phase only"
    if len(set(volume.voxel)) > 1:
        yield "the voxels are not cubes; every length and area takes that into account"
    yield from without_roles(volume, networks.roles)
    for key, estimate in estimates.items():
        if key[0] == "percolation" and estimate.value == 0.0:
            yield f"no way for {key[1]} leads from side to side of axis {networks.axis}"
        if estimate.error is not None and key[0] in ("utilisation", "active area", "percolation"):
            mean = float(np.mean(estimate.parts))
            if abs(mean - estimate.value) > max(2.0 * estimate.error, 0.05 * abs(estimate.value)):
                what = " of ".join(key)
                scale, unit = (1e-6, "m2/cm3") if key[0] == "active area" else (100.0, "%")
                whole, parts = (f"{scale * value:.4g} {unit}" for value in (estimate.value, mean))
                yield f"{what} still depends on the size of the volume: {whole}, in its parts {parts}"


@dataclass(frozen=True)
class Widths:
    """How wide a phase is along an axis; diameters in m, shares by volume."""

    spheres: SizeDistribution
    chords: tuple[SizeDistribution, SizeDistribution, SizeDistribution]
    """Along each axis."""
    constriction: Estimate
    """(r_min / r_max)² along the axis; nan where the phase is absent."""
    median: Estimate
    """Median diameter of the spheres."""
    median_chords: tuple[Estimate, Estimate, Estimate]
    """Median chord along each axis."""


def measure_widths(volume: Volume, name: str, axis: int = 0) -> Widths:
    """Sizes, chords and constriction of a phase: the slower measures, for one phase at a time.

    Errors: `InputError` for a phase or an axis that the volume has not.
    """
    check_axis(axis, volume.source)
    check_memory(volume.labels.shape, BYTES["measure"], volume.source)
    mask, voxel = volume.mask(name), volume.voxel
    within, entering = spheres(mask, voxel, axis)
    columns = [
        (within.distribution(ranges), entering.distribution(ranges)) for ranges in _columns(within.mask.shape, axis)
    ]
    whole = within.distribution()
    chords = [chord_lengths(mask, voxel, along) for along in range(3)]
    of_columns = [
        [chord_lengths(mask[ranges], voxel, along).quantile(0.5) for ranges in _columns(mask.shape, axis)]
        for along in range(3)
    ]
    medians = [_estimate(found.quantile(0.5), parts) for found, parts in zip(chords, of_columns, strict=True)]
    return Widths(
        spheres=whole,
        chords=(chords[0], chords[1], chords[2]),
        constriction=_estimate(constriction(whole, entering.distribution()), [constriction(*each) for each in columns]),
        median=_estimate(whole.quantile(0.5), [inside.quantile(0.5) for inside, _ in columns]),
        median_chords=(medians[0], medians[1], medians[2]),
    )


def _columns(shape: tuple[int, ...], axis: int) -> list[tuple[slice, ...]]:
    """Quarters of the volume that reach from side to side of an axis."""
    across = [[slice(None)] if d == axis else _both_halves(length) for d, length in enumerate(shape)]
    return list(product(*across))
