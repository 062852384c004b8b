"""TIFF stacks: their pages, their voxel length, and what a hostile or broken one would do."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from percolyte import units
from percolyte.errors import InputError, UnitError
from percolyte.microstructure.edit import shape_text
from percolyte.microstructure.image import Image
from percolyte.microstructure.packed import check_tiff
from percolyte.microstructure.record import Record, record_from, record_text
from percolyte.microstructure.volume import Lengths, Volume

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

PLAIN = {1, 8, 32946, 32773, 34925}
"""Compressions that tifffile reads by itself (none, deflate, PackBits, LZMA); Pillow reads the rest."""
COLOUR = {2, 5, 6, 8}
"""Photometric interpretations with several values a pixel."""
LARGEST_IMAGEJ = 2**32 - 2**20


@dataclass(frozen=True)
class Pages:
    """Slices of a stack, each read when it is asked for."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    read: Callable[[range], NDArray[Any]]
    """The slices of a range, one after another."""

    @property
    def ndim(self) -> int:
        return 3

    def __getitem__(self, ranges: tuple[slice, ...]) -> NDArray[Any]:
        first, *rest = ranges
        chosen = range(*first.indices(self.shape[0]))
        slices = self.read(chosen).reshape(len(chosen), *self.shape[1:])
        return slices[(slice(None), *rest)]


def open_tiff(path: Path) -> Image:
    """A TIFF stack as an image; its pages are axis 0."""
    import tifffile

    try:
        with _complaints() as complaints, tifffile.TiffFile(path) as file:
            series = file.series[0]
            shape = _stack_shape(series, str(path))
            _check_whole(series, path)
            check_tiff(series, path)
            values = _values(path, series, shape)
            described = _description(file)
            voxel, about = _voxel(file, series)
    except OSError:
        raise
    except InputError:
        # what is left of a file that is cut off looks like one picture
        if not complaints:
            raise
    except Exception:  # tifffile lets through whatever a damaged header provokes
        raise InputError("is no TIFF file that can be read, or is cut off", source=str(path)) from None
    if complaints:
        raise InputError(f"is damaged or cut off: {complaints[0]}", source=str(path))
    if described is not None:
        return Image(values, str(path), described.voxel, described.phases, described.origin)
    return Image(values, str(path), voxel, about_voxel=about)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What tifffile logs while it reads: a broken chain of pages is an entry there, not an error."""
    found: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: found.append(re.sub(r"<tifffile\.(\w+).*?> ?", "", record.getMessage()))  # type: ignore[method-assign]
    logger = logging.getLogger("tifffile")
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


def _stack_shape(series: TiffPageSeries, source: str) -> tuple[int, int, int]:
    if "S" in series.axes or series.keyframe.photometric in COLOUR:
        raise InputError(
            f"is a colour image ({shape_text(series.shape)}); export one channel, or the labels, as grey values",
            source=source,
        )
    kept = [(axis, length) for axis, length in zip(series.axes, series.shape, strict=True) if length > 1]
    for axis, what in (("C", "channels"), ("T", "times")):
        if len(kept) > 3 and axis in dict(kept):
            raise InputError(f"holds {dict(kept)[axis]} {what}; export one of them as a stack", source=source)
    shape = tuple(length for _, length in kept) if len(kept) > 3 or len(series.shape) > 3 else series.shape
    if len(shape) != 3:
        one = "one picture, not a volume; give a stack, or the folder of its slices"
        raise InputError(f"is {one}" if len(shape) < 3 else f"has {len(shape)} axes, not three", source=source)
    return shape[0], shape[1], shape[2]


def _check_whole(series: TiffPageSeries, path: Path) -> None:
    """Every strip that a page names lies within the file, and all of them can hold what is declared."""
    size = path.stat().st_size
    strips = [
        strip
        for page in series.pages
        if page is not None
        for strip in zip(page.dataoffsets, page.databytecounts, strict=False)
    ]
    end = max((offset + count for offset, count in strips), default=0)
    if series.dataoffset is not None:
        end = max(end, series.dataoffset + series.nbytes)
    if end > size:
        raise InputError(
            f"is cut off: its pages need {end:,} bytes, and it has {size:,}; copy it again", source=str(path)
        )
    stored = sum(count for _, count in strips)
    if series.dataoffset is None and series.keyframe.compression == 1 and stored * 8 < series.size:
        raise InputError(
            f"declares {shape_text(series.shape)} voxels and holds {stored:,} bytes of them; copy it again",
            source=str(path),
        )


def _values(path: Path, series: TiffPageSeries, shape: tuple[int, int, int]) -> Any:
    import tifffile

    keyframe = series.keyframe
    if series.dataoffset is not None and keyframe.bitspersample >= 8:
        stored = np.dtype(series.dtype).newbyteorder(keyframe.parent.byteorder)
        return np.memmap(path, dtype=stored, mode="r", offset=series.dataoffset, shape=shape)
    if keyframe.compression in PLAIN:
        return Pages(shape, np.dtype(series.dtype), lambda chosen: tifffile.imread(path, key=chosen, series=0))
    return Pages(shape, np.dtype(series.dtype), lambda chosen: np.stack([_pillow_page(path, page) for page in chosen]))


def _pillow_page(path: Path, number: int) -> NDArray[Any]:
    from PIL import Image as Pillow

    with Pillow.open(path) as picture:
        picture.seek(number)
        return np.asarray(picture)


def _description(file: TiffFile) -> Record | None:
    """What percolyte wrote beside the labels."""
    return record_from((file.imagej_metadata or {}).get("Info"), file.filename)


def _voxel(file: TiffFile, series: TiffPageSeries) -> tuple[Lengths | None, str]:
    """Voxel length by ImageJ or OME metadata, else why there is none.

    The resolution of a plain TIFF is that of a printer or scanner, and is not read.
    """
    if file.is_ome:
        return _ome_voxel(file.ome_metadata or "")
    if file.is_imagej:
        return _imagej_voxel(file.imagej_metadata or {}, series)
    return None, "the file states no voxel length"


def _ome_voxel(xml: str) -> tuple[Lengths | None, str]:
    lengths = []
    for axis in "ZYX":
        value = re.search(rf'PhysicalSize{axis}="([^"]*)"', xml)
        unit = re.search(rf'PhysicalSize{axis}Unit="([^"]*)"', xml)
        if value is None:
            return None, f"the OME metadata state no voxel length along {axis}"
        lengths.append((value[1], unit[1] if unit else "um"))
    return _lengths(lengths, "OME")


def _imagej_voxel(metadata: dict[str, Any], series: TiffPageSeries) -> tuple[Lengths | None, str]:
    unit = str(metadata.get("unit", "")).replace("\\u00B5", "u")
    tags = series.keyframe.tags
    per_unit = [tags[name].value if name in tags else (0, 1) for name in ("YResolution", "XResolution")]
    if unit.lower() in ("", "pixel", "pixels", "voxel") or any(0 in pair for pair in per_unit):
        return None, "ImageJ's metadata state no voxel length with a unit"
    if "spacing" not in metadata:
        return None, "ImageJ's metadata state the pixel length, but not the distance of the slices"
    (y, y_per), (x, x_per) = per_unit
    return _lengths([(str(metadata["spacing"]), unit), (repr(y_per / y), unit), (repr(x_per / x), unit)], "ImageJ")


_UNIT_NAMES = {"micron": "um", "microns": "um", "micrometer": "um", "nanometer": "nm"}


def _lengths(texts: Sequence[tuple[str, str]], whose: str) -> tuple[Lengths | None, str]:
    try:
        z, y, x = (units.parse(f"{number} {_UNIT_NAMES.get(unit, unit)}", units.LENGTH) for number, unit in texts)
    except UnitError as error:
        return None, f"the voxel length in {whose}'s metadata cannot be used ({error})"
    return (z, y, x), ""


def write_tiff(volume: Volume, path: Path) -> None:
    """A stack that ImageJ opens with its voxel length; phase names are in its image info."""
    import tifffile

    if volume.labels.nbytes > LARGEST_IMAGEJ:
        raise InputError("a TIFF of ImageJ holds at most 4 GiB; write .zarr or .h5 instead", source=str(path))
    z, y, x = (float(units.to(length, "um")) for length in volume.voxel)
    tifffile.imwrite(
        path,
        volume.labels,
        imagej=True,
        resolution=(1 / x, 1 / y),
        metadata={"axes": "ZYX", "spacing": z, "unit": "um", "Info": record_text(volume)},
        compression="zlib",
    )
