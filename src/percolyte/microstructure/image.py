"""A voxel image in a file: known by shape and type, read only where and when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.microstructure.edit import checked_ranges, majority, shape_text
from percolyte.microstructure.memory import check_memory
from percolyte.microstructure.volume import Labels, Lengths, Origin, Volume, along_axes, volume_from

SLAB = 64 * 1024 * 1024
"""Bytes of the image that are in memory at a time while it is read in parts."""


@dataclass(frozen=True)
class Image:
    """Values on a regular grid, still in their file."""

    values: Any
    """Anything with shape, dtype and slices: an array, a dataset of HDF5 or Zarr, pages of a file."""
    source: str
    voxel: Lengths | None = None
    phases: Mapping[str, int] | None = None
    origin: Origin = "measured"
    about_voxel: str = "the file states no voxel length"
    """Why there is none, for the message that asks for it."""
    shape: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        shape = tuple(int(length) for length in self.values.shape)
        object.__setattr__(self, "shape", shape)
        if np.dtype(self.values.dtype).kind not in "buif":
            raise InputError(f"holds {self.values.dtype}, not numbers", source=self.source)
        if len(shape) != 3:
            raise InputError(_not_a_volume(shape), source=self.source)
        if 0 in shape:
            raise InputError(f"is empty: {shape_text(shape)} voxels", source=self.source)

    def lazy(self) -> Any:
        """The values as a Dask array of slabs across axis 0."""
        import dask.array as da

        per_plane = self.shape[1] * self.shape[2] * self.values.dtype.itemsize
        return da.from_array(self.values, chunks=(max(1, SLAB // per_plane), -1, -1), lock=True)


def _not_a_volume(shape: Sequence[int]) -> str:
    if len(shape) == 2:
        return f"is one picture of {shape_text(shape)}, not a volume; give a stack, or the folder of its slices"
    if len(shape) == 4 and shape[-1] in (3, 4):
        return f"is a colour image ({shape_text(shape)}); export one channel, or the labels, as grey values"
    return f"has the shape {shape_text(shape) or 'of a single number'}; a volume has three axes"


def volume_of(
    image: Image,
    voxel: Lengths | float | None = None,
    phases: Mapping[str, int] | None = None,
    *,
    ranges: Sequence[slice] | None = None,
    coarsen: int = 1,
) -> Volume:
    """The image, or a part of it, or its blocks of coarsen³ voxels, as a volume in memory.

    The given voxel length and phases stand above those of the file. Only the
    result needs memory: the part is read from the file, and blocks are taken
    slab by slab.

    Errors: `InputError` for values that are no labels, a result larger than the
    free memory, a missing voxel length, and labels and names that disagree.
    """
    length = voxel_of(image, voxel)
    labels = read_labels(image, ranges=ranges, coarsen=coarsen)
    length = (length[0] * coarsen, length[1] * coarsen, length[2] * coarsen)
    names = phases or names_present(image, np.bincount(labels.ravel(), minlength=256))
    return volume_from(labels, length, names, origin=image.origin, source=image.source)


def voxel_of(image: Image, voxel: Lengths | float | None) -> Lengths:
    """The given voxel length, one or three, or that of the file."""
    length = image.voxel if voxel is None else along_axes(voxel, "voxel")
    if length is None:
        how = "give the length of a voxel, --voxel '0.5 um' or in Python voxel=0.5e-6"
        raise InputError(f"{image.about_voxel}; {how}", source=image.source)
    return length


def names_present(image: Image, counts: NDArray[np.int64]) -> dict[str, int] | None:
    """The phase names of the file whose labels are in the image, or in a part of it."""
    if image.phases is None:
        return None
    return {name: label for name, label in image.phases.items() if counts[label]}


def read_labels(image: Image, *, ranges: Sequence[slice] | None = None, coarsen: int = 1) -> Labels:
    """The labels of an image, or of a part of it, in memory."""
    part = checked_ranges(ranges or [slice(None)] * 3, image.shape)
    if coarsen < 1:
        raise InputError(f"blocks of {coarsen} voxels do not exist; write 1 for the image as it is, or 2 and more")
    shape = tuple((r.stop - r.start) // coarsen for r in part)
    if 0 in shape:
        raise InputError(f"blocks of {coarsen} voxels do not fit into {shape_text(image.shape)}", source=image.source)
    check_memory(shape, 1, image.source)
    labels = np.empty(shape, dtype=np.uint8)
    thick = coarsen * max(1, SLAB // (image.values.dtype.itemsize * image.shape[1] * image.shape[2] * coarsen))
    for start in range(part[0].start, part[0].start + shape[0] * coarsen, thick):
        stop = min(start + thick, part[0].start + shape[0] * coarsen)
        slab = as_labels(read_values(image, (slice(start, stop), part[1], part[2])), image.source)
        first = (start - part[0].start) // coarsen
        labels[first : first + (stop - start) // coarsen] = slab if coarsen == 1 else majority(slab, coarsen)
    return labels


def read_values(image: Image, ranges: Sequence[slice]) -> NDArray[Any]:
    """Values of a part of the image, in memory; a file that breaks off is refused."""
    part = checked_ranges(ranges, image.shape)
    check_memory(tuple(r.stop - r.start for r in part), image.values.dtype.itemsize, image.source)
    with _whole_or_refused(image.source):
        return np.asarray(image.values[part])


@contextmanager
def _whole_or_refused(source: str) -> Iterator[None]:
    """Every reading library has its own errors for a damaged file: say it in one way."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"cannot be read, the file is damaged: {error}", source=source) from None


def label_fractions(counts: NDArray[np.int64]) -> dict[int, float]:
    """Share of each label that an image has."""
    return {int(label): float(counts[label] / counts.sum()) for label in np.flatnonzero(counts)}


def label_counts(image: Image) -> NDArray[np.int64]:
    """Voxels of each label from 0 to 255, read in chunks; the image may be larger than the memory."""
    import dask.array as da

    def count(block: NDArray[Any]) -> NDArray[np.int64]:
        return np.bincount(as_labels(block, image.source).ravel(), minlength=256)[:, None, None]

    lazy = image.lazy()
    per_block = da.map_blocks(count, lazy, dtype=np.int64, chunks=(256, 1, 1))
    with _whole_or_refused(image.source):
        return np.asarray(per_block.reshape(-1, 256).sum(axis=0).compute(scheduler="threads"))


def as_labels(values: NDArray[Any], source: str) -> Labels:
    """Whole numbers from 0 to 255 as uint8; anything else is not labels."""
    if values.dtype == np.bool_ or values.dtype == np.uint8:
        return values.astype(np.uint8)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 255):
        raise InputError(
            f"holds values from {low:g} to {high:g}; labels are whole numbers from 0 to 255 ({_rather(values)})",
            source=source,
        )
    labels = values.astype(np.uint8)
    if values.dtype.kind == "f" and not np.array_equal(labels, values):
        raise InputError(f"holds fractions, not whole labels ({_rather(values)})", source=source)
    return labels


def _rather(values: NDArray[Any]) -> str:
    """What values that are no labels are likely to be: cameras do not write whole numbers of 32 bits."""
    if values.dtype.kind in "iu" and values.dtype.itemsize > 2 and values.min() >= 0:
        return (
            "these look like numbers of particles, which `percolyte conduct VOLUME --particles` takes beside the volume"
        )
    return "grey values become labels with `percolyte segment`"
