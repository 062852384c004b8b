"""Measures of an image larger than the memory, slab by slab: what needs no more than a few planes at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from percolyte.microstructure.clusters import Clusters, SlabClusters
from percolyte.microstructure.distances import Floats, Mask, distance_inside
from percolyte.microstructure.image import Image, as_labels, label_counts, names_present, read_values, voxel_of
from percolyte.microstructure.interfaces import MARGIN, interface_areas, triple_lines
from percolyte.microstructure.measure import Estimate, Measures
from percolyte.microstructure.memory import BYTES, check_memory, room
from percolyte.microstructure.networks import Roles, without_roles
from percolyte.microstructure.slab_particles import SlabParticles
from percolyte.microstructure.volume import Labels, Lengths, check_axis, label_of, phases_of

WORK = 24.0
"""Bytes a voxel of a slab while it is measured, beside the values of the file."""
WORK_ON_PARTICLES = 48.0
"""The same while its particles are told apart, in the slab and in the planes around that their distances need."""
AROUND = 4
"""Planes before and after a slab that are looked at for the distances at first."""
LARGEST_SLAB = 1024**3
"""Bytes beyond which a thicker slab gains nothing."""


@dataclass(frozen=True)
class SlabVolume:
    """A volume of which a few planes are in memory at a time."""

    image: Image
    voxel: Lengths
    phases: Mapping[str, int]

    @property
    def source(self) -> str:
        return self.image.source

    def label(self, name: str) -> int:
        return label_of(self.phases, name, self.source)

    def planes(self, start: int, stop: int) -> Labels:
        values = read_values(self.image, (slice(start, stop), slice(None), slice(None)))
        return as_labels(values, self.source)

    def masks(self, *names: str) -> Mask:
        """Which labels are those of the phases, 256."""
        chosen = np.zeros(256, dtype=np.bool_)
        chosen[[self.label(name) for name in names]] = True
        return chosen


def slab_volume(image: Image, voxel: Lengths | None = None, phases: Mapping[str, int] | None = None) -> SlabVolume:
    """The image as a volume; voxel length and names as for `volume_of`, with its errors."""
    length = voxel_of(image, voxel)
    counts = label_counts(image)
    return SlabVolume(image, length, phases_of(counts, phases or names_present(image, counts), image.source))


def fits(image: Image) -> bool:
    """Whether the image can be measured as a whole (`measure`)."""
    return (1.0 + BYTES["measure"]) * math.prod(image.shape) <= room()


def measure_in_slabs(volume: SlabVolume, roles: Roles, axis: int = 0) -> Measures:
    """Fractions, percolation, utilisation, interface areas and three-phase lines, as `measure` finds them.

    One slab of planes across axis 0 is in memory at a time, with four planes of
    its neighbours; clusters and particles are joined from slab to slab. The
    distances within particles need as many planes around a slab as the largest
    particle is deep; where the memory does not hold these, utilisation is left
    out. So is what needs the whole at once: shortest ways, active area, sizes of
    particles, and the sub-volumes from which errors are estimated.

    Errors: `InputError` where not even four planes fit into the free memory.
    """
    check_axis(axis, volume.source)
    roles.check(volume)
    networks = SlabNetworks(volume, roles)
    count = len(volume.phases)
    table = np.zeros(256, dtype=np.uint8)
    table[list(volume.phases.values())] = np.arange(count)
    areas, lines = np.zeros((count,) * 2), np.zeros((count,) * 3)
    start = 0
    for window, before, after in _windows(_slabs(volume, networks.work)):
        stop = start + len(window) - before - after
        networks.add(window[before : len(window) - after], start)
        classes = table[window]
        areas += interface_areas(classes, count, volume.voxel, before, after)
        lines += triple_lines(classes, count, volume.voxel, before, after)
        start = stop
    return _measures(volume, axis, networks, areas, lines)


class SlabNetworks:
    """The clusters of the phases, of what carries ions and of what carries electrons, and the particles between."""

    def __init__(self, volume: SlabVolume, roles: Roles) -> None:
        self.volume, self.roles = volume, roles
        self._phases, self._ions, self._electrons = SlabClusters(), SlabClusters(), SlabClusters()
        self._particles = SlabParticles(volume.voxel) if roles.active and roles.ionic else None
        self._around = AROUND
        self.work = WORK + (WORK_ON_PARTICLES if self._particles else 0.0)
        """Bytes a voxel."""

    def add(self, labels: Labels, start: int) -> None:
        """The next slab, whose first plane is `start`."""
        self._phases.add(labels)
        numbers = []
        for clusters, names in ((self._ions, self.roles.ionic), (self._electrons, self.roles.electronic)):
            mask = self.volume.masks(*names)[labels]
            numbers.append(np.where(mask, clusters.add(mask), np.int32(-1)))
        if self._particles is None:
            return
        distance = self._distance(start, start + len(labels))
        if distance is None:
            self._particles = None
        else:
            self._particles.add(distance, numbers)

    def _distance(self, start: int, stop: int) -> Floats | None:
        """Within the active material, from the plane before a slab to the one after it; None where memory is short.

        So many planes around are read that none beyond them could be nearer.
        """
        shape, step = self.volume.image.shape, self.volume.voxel[0]
        while True:
            low, high = max(0, start - self._around), min(shape[0], stop + self._around)
            if (high - low) * shape[1] * shape[2] * WORK > room():
                return None
            inside = distance_inside(
                self.volume.masks(*self.roles.active)[self.volume.planes(low, high)], self.volume.voxel
            )
            first, last = max(start - 1, 0), min(stop + 1, shape[0])
            at = np.arange(first, last)
            away = np.minimum(at - low + 1 if low > 0 else np.inf, high - at if high < shape[0] else np.inf) * step
            found = inside[first - low : last - low]
            if (found.max(axis=(1, 2)) <= away).all():
                return np.pad(found, [(int(start == 0), int(stop == shape[0])), (0, 0), (0, 0)])
            self._around *= 2

    def phases(self) -> dict[str, Clusters]:
        table = self._phases.table()
        return {name: table.of(label) for name, label in self.volume.phases.items()}

    def percolation(self, axis: int) -> tuple[dict[str, float], float | None]:
        """Percolating share of what carries ions and electrons, and the utilisation of the active material."""
        shares: dict[str, float] = {}
        through: list[Mask] = []
        for carrier, clusters, names in (
            ("ions", self._ions, self.roles.ionic),
            ("electrons", self._electrons, self.roles.electronic),
        ):
            table, merged = clusters.merged()
            found = table.of(1)
            through.append(found.crossing(axis)[merged])
            if names:
                shares[carrier] = found.percolating_fraction(axis)
        return shares, None if self._particles is None else self._particles.utilisation(through)


def _slabs(volume: SlabVolume, work: float) -> Iterator[Labels]:
    """Labels of so many planes at a time as the memory holds, whole chunks of the file where it has such."""
    image = volume.image
    per_voxel = work + np.dtype(image.values.dtype).itemsize
    check_memory((MARGIN, *image.shape[1:]), per_voxel, image.source)
    planes = max(MARGIN, int(min(room(), LARGEST_SLAB) / (per_voxel * image.shape[1] * image.shape[2])))
    chunk = (getattr(image.values, "chunks", None) or (1,))[0]
    planes -= planes % chunk if planes >= chunk else 0
    for start in range(0, image.shape[0], planes):
        yield volume.planes(start, min(start + planes, image.shape[0]))


def _windows(slabs: Iterator[Labels]) -> Iterator[tuple[Labels, int, int]]:
    """Each slab with planes of its neighbours, and how many these are before and after it."""
    slab = next(slabs)
    before = slab[:0]
    for following in slabs:
        after = following[:MARGIN]
        yield np.concatenate([before, slab, after]), len(before), len(after)
        before, slab = slab[-MARGIN:].copy(), following
    yield np.concatenate([before, slab]), len(before), 0


def _measures(
    volume: SlabVolume,
    axis: int,
    networks: SlabNetworks,
    areas: NDArray[np.float64],
    lines: NDArray[np.float64],
) -> Measures:
    image, voxel, names = volume.image, volume.voxel, list(volume.phases)
    size = math.prod(n * h for n, h in zip(image.shape, voxel, strict=True))
    of = networks.phases()
    percolation, utilisation = networks.percolation(axis)

    def only(value: float) -> Estimate:
        return Estimate(float(value), None)

    return Measures(
        source=image.source,
        shape=image.shape,
        voxel=voxel,
        axis=axis,
        volume_fraction={name: only(found.sizes.sum() / math.prod(image.shape)) for name, found in of.items()},
        percolating_fraction={
            name: (
                only(found.percolating_fraction(0)),
                only(found.percolating_fraction(1)),
                only(found.percolating_fraction(2)),
            )
            for name, found in of.items()
        },
        interface_area={
            (one, other): only(areas[a, b] / size) for (a, one), (b, other) in combinations(enumerate(names), 2)
        },
        triple_line={
            (names[a], names[b], names[c]): only(lines[a, b, c] / size)
            for a, b, c in combinations(range(len(names)), 3)
        },
        largest_cluster={name: only(found.largest_fraction) for name, found in of.items()},
        closed_fraction={name: only(found.closed_fraction) for name, found in of.items()},
        geodesic_tortuosity={},
        utilisation=None if utilisation is None else only(utilisation),
        active_area=None,
        contact_fraction=None,
        percolation={carrier: only(share) for carrier, share in percolation.items()},
        particles=None,
        particle_median=None,
        notes=(_left_out(image, utilisation is not None), *without_roles(volume, networks.roles)),
    )


def _left_out(image: Image, utilised: bool) -> str:
    """What the reader does not find here, and how to get it."""
    blocks = math.ceil(((1.0 + BYTES["measure"]) * math.prod(image.shape) / room()) ** (1.0 / 3.0))
    part = int(min(*image.shape, (room() / (1.0 + BYTES["measure"])) ** (1.0 / 3.0)))
    without = "particle sizes" if utilised else "particles, utilisation"
    return (
        f"the image is larger than the memory and was measured slab by slab, without {without}, active area, "
        f"shortest ways and errors; for these measure blocks of voxels (--coarsen {max(2, blocks)}) "
        f"or a part (--crop {', '.join([f'0:{part}'] * 3)})"
    )
