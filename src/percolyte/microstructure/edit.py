"""Verbs that make another volume of a volume: cut, turn, change the grid, change the labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from percolyte import units
from percolyte.errors import InputError
from percolyte.microstructure.memory import check_memory
from percolyte.microstructure.volume import Labels, Volume, check_axis


def crop(volume: Volume, ranges: Sequence[slice]) -> Volume:
    """The part within a range of voxels on each axis, such as `slice(0, 100)`."""
    return replace(volume, labels=np.ascontiguousarray(volume.labels[checked_ranges(ranges, volume.labels.shape)]))


def checked_ranges(ranges: Sequence[slice], shape: Sequence[int]) -> tuple[slice, ...]:
    """Ranges of voxels with both ends filled in; refused where they leave the image or hold nothing."""
    if len(ranges) != len(shape):
        raise InputError(f"{len(ranges)} ranges for {len(shape)} axes; write for example 0:100, 0:100, 0:100")
    filled = [
        slice(r.start or 0, length if r.stop is None else r.stop) for r, length in zip(ranges, shape, strict=True)
    ]
    for axis, (r, length) in enumerate(zip(filled, shape, strict=True)):
        if r.start >= r.stop:
            raise InputError(f"the range {r.start}:{r.stop} of axis {axis} holds nothing; write for example 0:{length}")
        if not 0 <= r.start < r.stop <= length:
            raise InputError(f"the range {r.start}:{r.stop} of axis {axis} is not within 0:{length}")
    return tuple(filled)


def ranges_from(text: str) -> tuple[slice, ...]:
    """'0:100, 20:120, :' -> one range of voxels for each axis."""
    ranges = []
    for part in text.split(","):
        start, colon, stop = (word.strip() for word in part.partition(":"))
        if not colon or not all(word == "" or word.isdecimal() for word in (start, stop)):
            raise InputError(f"'{part.strip()}' is not a range of voxels; write for example 0:100, 20:120, :")
        ranges.append(slice(int(start) if start else None, int(stop) if stop else None))
    return tuple(ranges)


def order_from(text: str) -> tuple[int, ...]:
    """'2,0,1' -> an order of the axes."""
    words = [word.strip() for word in text.split(",")]
    if sorted(words) != ["0", "1", "2"]:
        raise InputError(f"'{text}' is not an order of the axes 0, 1 and 2; write for example 2,0,1")
    return tuple(map(int, words))


def turn_from(text: str) -> tuple[int, int]:
    """'0:1' -> an axis, and quarter turns about it."""
    axis, _, turns = (word.strip() for word in text.partition(":"))
    if axis not in ("0", "1", "2") or not turns.isdecimal():
        raise InputError(f"'{text}' is not AXIS:TURNS with the axis 0, 1 or 2; write for example 0:1")
    return int(axis), int(turns)


def merger_from(text: str) -> tuple[list[str], str]:
    """'solid=active,carbon' -> phases, and the name that they get together."""
    into, _, rest = (word.strip() for word in text.partition("="))
    names = [name.strip() for name in rest.split(",") if name.strip()]
    if not (into and names):
        raise InputError(f"'{text}' is not NAME=PHASE,PHASE; write for example solid=active,carbon")
    return names, into


def permute(volume: Volume, order: Sequence[int]) -> Volume:
    """The axes in another order: (2, 0, 1) makes the last axis the first."""
    if sorted(order) != [0, 1, 2]:
        raise InputError(f"{tuple(order)} is not an order of the axes; write for example 2,0,1")
    first, second, third = (volume.voxel[axis] for axis in order)
    return replace(volume, labels=np.ascontiguousarray(volume.labels.transpose(order)), voxel=(first, second, third))


def rotate(volume: Volume, axis: int, quarter_turns: int = 1) -> Volume:
    """Turned about an axis by quarter turns, which move voxels without mixing them."""
    check_axis(axis)
    first, second = (other for other in range(3) if other != axis)
    voxel = list(volume.voxel)
    if quarter_turns % 2:
        voxel[first], voxel[second] = voxel[second], voxel[first]
    turned = np.ascontiguousarray(np.rot90(volume.labels, quarter_turns, axes=(first, second)))
    return replace(volume, labels=turned, voxel=(voxel[0], voxel[1], voxel[2]))


def coarsen(volume: Volume, factor: int) -> Volume:
    """Blocks of factor³ voxels become one with the label that most of them have; what fills no block is cut off."""
    if factor < 1 or factor > min(volume.labels.shape):
        raise InputError(f"blocks of {factor} voxels do not fit into {shape_text(volume.labels.shape)}")
    dx, dy, dz = volume.voxel
    return replace(volume, labels=majority(volume.labels, factor), voxel=(dx * factor, dy * factor, dz * factor))


def majority(labels: Labels, factor: int) -> Labels:
    """The most frequent label of each block of factor³ voxels.

    Of labels that are equally frequent a block takes the lowest or the highest,
    by turns like the fields of a chessboard, so that no phase gains.
    """
    shape = tuple(length // factor for length in labels.shape)
    blocks = labels[tuple(slice(0, length * factor) for length in shape)]
    blocks = blocks.reshape(shape[0], factor, shape[1], factor, shape[2], factor)
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    most = np.zeros(shape, dtype=np.int64)
    lowest, highest = np.zeros((2, *shape), dtype=np.uint8)
    for label in present:
        count = np.count_nonzero(blocks == label, axis=(1, 3, 5))
        lowest[count > most] = label
        highest[count >= np.maximum(most, 1)] = label
        np.maximum(most, count, out=most)
    i, j, k = np.indices(shape, sparse=True)
    chosen: Labels = np.where((i + j + k) % 2 == 0, lowest, highest)
    return chosen


def refine(volume: Volume, factor: int) -> Volume:
    """Every voxel becomes factor³ voxels of its label."""
    if factor < 1:
        raise InputError(f"{factor} parts of a voxel are none; write 2 or more")
    check_memory([length * factor for length in volume.labels.shape], 2, volume.source, "take a smaller --refine")
    labels = volume.labels
    for axis in range(3):
        labels = labels.repeat(factor, axis=axis)
    dx, dy, dz = volume.voxel
    return replace(volume, labels=labels, voxel=(dx / factor, dy / factor, dz / factor))


def resample(volume: Volume, voxel: float) -> Volume:
    """Cubic voxels of this length (m), each with the label at its centre; the edges of the volume stay to one voxel."""
    if not 0.0 < voxel <= min(volume.size):
        raise InputError(
            f"a voxel of {units.text(voxel, units.LENGTH, digits=4)} does not fit into the volume; "
            "write a length above zero and below its edges"
        )
    check_memory([max(1, round(edge / voxel)) for edge in volume.size], 1, volume.source, "take a larger --resample")
    places = [
        np.minimum(((np.arange(max(1, round(edge / voxel))) + 0.5) * voxel / own).astype(np.int64), length - 1)
        for edge, own, length in zip(volume.size, volume.voxel, volume.labels.shape, strict=True)
    ]
    return replace(volume, labels=volume.labels[np.ix_(*places)], voxel=(voxel, voxel, voxel))


def relabel(volume: Volume, labels: Mapping[str, int]) -> Volume:
    """Other labels for the named phases; the rest keep theirs."""
    table = np.arange(256, dtype=np.uint8)
    named = replace(volume, phases={**volume.phases, **labels})
    for name in labels:
        table[volume.label(name)] = named.label(name)
    return replace(named, labels=table[volume.labels])


def merge(volume: Volume, names: Sequence[str], into: str) -> Volume:
    """The named phases become one, with the label of the first of them."""
    if not names:
        raise InputError(f"no phase to merge into '{into}'")
    table = np.arange(256, dtype=np.uint8)
    table[[volume.label(name) for name in names]] = volume.label(names[0])
    phases = {name: label for name, label in volume.phases.items() if name not in names}
    if into in phases:
        raise InputError(f"'{into}' is a phase that is not merged; name it too, or choose another name")
    return replace(volume, labels=table[volume.labels], phases={**phases, into: volume.label(names[0])})


def remove_specks(volume: Volume, smallest: int) -> Volume:
    """Connected parts of fewer than `smallest` voxels take the label of the phase that touches most of their faces."""
    labels = volume.labels.copy()
    for label in volume.phases.values():
        _remove_specks_of(labels, label, smallest)
    return replace(volume, labels=labels)


def _remove_specks_of(labels: Labels, label: int, smallest: int) -> None:
    from scipy.ndimage import label as connected

    parts, count = connected(labels == label)
    small = np.bincount(parts.ravel()) < smallest
    small[0] = False
    if not small.any():
        return
    touching = np.zeros((count + 1, 256), dtype=np.int64)
    for axis in range(3):
        for here, there in _neighbours(axis):
            speck = small[parts[here]] & (labels[there] != label)
            np.add.at(touching, (parts[here][speck], labels[there][speck]), 1)
    taken = touching.argmax(axis=1).astype(np.uint8)
    specks = (small & touching.any(axis=1))[parts]
    labels[specks] = taken[parts[specks]]


def _neighbours(axis: int) -> list[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Views on the voxels and on their neighbours, both ways along an axis."""
    front, back = [slice(None)] * 3, [slice(None)] * 3
    front[axis], back[axis] = slice(None, -1), slice(1, None)
    return [(tuple(front), tuple(back)), (tuple(back), tuple(front))]


def shape_text(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
