"""Measures of an image larger than the memory, slab by slab: what needs no more than a few planes at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.microstructure.clusters import ClusterTable, SlabClusters
from percolyte.microstructure.image import Image, as_labels, label_counts, names_present, read_values, voxel_of
from percolyte.microstructure.interfaces import MARGIN, interface_areas, triple_lines
from percolyte.microstructure.measure import MEMORY, Estimate, Measures
from percolyte.microstructure.memory import check_memory, room
from percolyte.microstructure.volume import Labels, Lengths, phases_of

WORK = 24.0
"""Bytes a voxel of a slab while it is measured, beside the values of the file."""
LARGEST_SLAB = 1024**3
"""Bytes beyond which a thicker slab gains nothing."""


def fits(image: Image) -> bool:
    """Whether the image can be measured as a whole (`measure`)."""
    return (1.0 + MEMORY) * math.prod(image.shape) <= room()


def measure_in_slabs(
    image: Image, voxel: Lengths | None = None, phases: Mapping[str, int] | None = None, axis: int = 0
) -> Measures:
    """Fractions, percolation of every phase, interface areas and three-phase lines, as `measure` finds them.

    One slab of planes across axis 0 is in memory at a time, with four planes of
    its neighbours; clusters are joined from slab to slab. Left out is what needs
    the whole at once: particles, utilisation, active area, shortest ways, and
    the sub-volumes from which errors are estimated.

    Errors: `InputError` where not even four planes fit into the free memory.
    """
    if axis not in (0, 1, 2):
        raise InputError(f"{axis} is not an axis; the axes are 0, 1 and 2", source=image.source)
    length = voxel_of(image, voxel)
    counts = label_counts(image)
    names = phases_of(counts, phases or names_present(image, counts), image.source)
    table = np.zeros(256, dtype=np.uint8)
    table[list(names.values())] = np.arange(len(names))
    found = SlabClusters()
    areas, lines = np.zeros((len(names),) * 2), np.zeros((len(names),) * 3)
    for window, before, after in _windows(table[slab] for slab in _slabs(image)):
        found.add(window[before : len(window) - after])
        areas += interface_areas(window, len(names), length, before, after)
        lines += triple_lines(window, len(names), length, before, after)
    return _measures(image, length, axis, list(names), found.table(), areas, lines)


def _slabs(image: Image) -> Iterator[Labels]:
    """Labels of so many planes at a time as the memory holds, whole chunks of the file where it has such."""
    per_plane = (WORK + np.dtype(image.values.dtype).itemsize) * image.shape[1] * image.shape[2]
    check_memory((MARGIN, *image.shape[1:]), WORK + np.dtype(image.values.dtype).itemsize, image.source)
    planes = max(MARGIN, int(min(room(), LARGEST_SLAB) / per_plane))
    chunk = (getattr(image.values, "chunks", None) or (1,))[0]
    planes -= planes % chunk if planes >= chunk else 0
    for start in range(0, image.shape[0], planes):
        stop = min(start + planes, image.shape[0])
        yield as_labels(read_values(image, (slice(start, stop), slice(None), slice(None))), image.source)


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
    image: Image,
    voxel: Lengths,
    axis: int,
    names: list[str],
    clusters: ClusterTable,
    areas: NDArray[np.float64],
    lines: NDArray[np.float64],
) -> Measures:
    size = math.prod(n * h for n, h in zip(image.shape, voxel, strict=True))
    of = {name: clusters.of(place) for place, name in enumerate(names)}

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
        utilisation=None,
        active_area=None,
        contact_fraction=None,
        percolation={},
        particles=None,
        notes=(_left_out(image),),
    )


def _left_out(image: Image) -> str:
    """What the reader does not find here, and how to get it."""
    blocks = math.ceil(((1.0 + MEMORY) * math.prod(image.shape) / room()) ** (1.0 / 3.0))
    part = int(min(*image.shape, (room() / (1.0 + MEMORY)) ** (1.0 / 3.0)))
    return (
        "the image is larger than the memory and was measured slab by slab, without particles, utilisation, active area, "
        f"shortest ways and errors; for these measure blocks of voxels (--coarsen {max(2, blocks)}) "
        f"or a part (--crop {', '.join([f'0:{part}'] * 3)})"
    )
