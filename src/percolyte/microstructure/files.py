"""Volumes in files: TIFF, folders of slices, NPY, HDF5, Zarr and MATLAB, read as data and nothing else."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from percolyte import units
from percolyte.errors import InputError, UnitError, suggestion
from percolyte.files import LARGEST, inside, read_text
from percolyte.microstructure.edit import shape_text
from percolyte.microstructure.image import Image, volume_of
from percolyte.microstructure.memory import check_memory
from percolyte.microstructure.packed import check_hdf5, check_zarr
from percolyte.microstructure.record import record_from, record_text
from percolyte.microstructure.tiff import Pages, open_tiff, write_tiff
from percolyte.microstructure.volume import Lengths, Volume

SLICES = (".png", ".tif", ".tiff", ".bmp")
HDF5 = (".h5", ".hdf5", ".hdf", ".nxs")
_INNER = re.compile(r"(.+\.(?:h5|hdf5|hdf|nxs|mat|zarr)):/?(.+)", re.IGNORECASE)
SAFE_CODECS = {
    "blosc", "bytes", "bz2", "crc32c", "delta", "fixedscaleoffset", "gzip", "lz4", "lzma", "packbits",
    "sharding_indexed", "shuffle", "transpose", "zlib", "zstd",
}  # fmt: skip
"""Codecs of Zarr that only unpack numbers; among the others is pickle, which runs code."""


def read_volume(
    path: str | os.PathLike[str],
    *,
    voxel: Lengths | float | None = None,
    phases: Mapping[str, int] | None = None,
    ranges: Sequence[slice] | None = None,
    coarsen: int = 1,
) -> Volume:
    """A volume of a file; `voxel` (m, one length or three) and `phases` stand above those that the file states.

    `ranges` reads a part, and `coarsen` takes blocks of voxels, of images larger
    than the memory too.

    Errors: `InputError` that names the file and what to write instead.
    """
    return volume_of(open_image(path), voxel, phases, ranges=ranges, coarsen=coarsen)


def named_parts(path: str | os.PathLike[str]) -> tuple[Path, str | None]:
    """'file.h5:/dataset' as the file and the dataset; None for a name without one."""
    named = _INNER.fullmatch(os.fspath(path))
    return (Path(named[1]), named[2]) if named else (Path(path), None)


def open_image(path: str | os.PathLike[str]) -> Image:
    """The image in a file or folder, labels or grey values, not yet read.

    `file.h5:/dataset` names a dataset of HDF5, Zarr or MATLAB; without the name
    the file must hold exactly one volume.
    """
    place, inner = named_parts(path)
    if not place.exists():
        raise InputError(f"there is no such file{_instead(place)}", source=str(place))
    kind = place.suffix.lower()
    if kind == ".zarr":
        return _open_zarr(place, inner)
    if place.is_dir():
        return _open_folder(place)
    if place.stat().st_size == 0:
        raise InputError("is empty", source=str(place))
    if kind in (".tif", ".tiff"):
        return open_tiff(place)
    if kind == ".npy":
        return _open_npy(place)
    if kind in HDF5:
        return _open_hdf5(place, inner)
    if kind == ".mat":
        return _open_mat(place, inner)
    if kind in (".zip", ".npz", ".gz", ".tar", ".7z", ".rar"):
        raise InputError("is an archive; unpack it, and give the file or folder that was in it", source=str(place))
    if kind in SLICES:
        raise InputError("is one picture, not a volume; give the folder of its slices", source=str(place))
    raise InputError(
        f"has no ending of a volume; known are .tif, .npy, .h5, .zarr, .mat and folders of {', '.join(SLICES)}",
        source=str(place),
    )


def _instead(place: Path) -> str:
    """What volumes there are where one is missing."""
    endings = (".tif", ".tiff", ".npy", ".mat", ".zarr", *HDF5)
    near = sorted(item.name for item in place.parent.glob("*") if item.suffix.lower() in endings)
    listed = f"; {place.parent} holds {', '.join(near[:5])}{', ...' if len(near) > 5 else ''}" if near else ""
    return suggestion(place.name, near) or listed


def _open_npy(path: Path) -> Image:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        if "Python objects" in str(error):
            reason = "holds Python objects, which can run code when read; save a plain array of numbers"
        elif "pickled" in str(error):
            reason = "is no array of NumPy; save one with numpy.save"
        else:
            reason = f"is no array that can be read, or is cut off: {str(error)[:200]}"
        raise InputError(reason, source=str(path)) from None
    return _beside(path.with_suffix(".json"), values, path)


def _beside(file: Path, values: Any, path: Path) -> Image:
    """An image whose description, if any, is a file beside it."""
    record = record_from(read_text(file), str(file)) if file.exists() else None
    if record is None:
        return Image(values, str(path), about_voxel=f"{path.suffix or 'a folder of slices'} states no voxel length")
    return Image(values, str(path), record.voxel, record.phases, record.origin)


def _open_folder(folder: Path) -> Image:
    files = sorted((file for file in folder.iterdir() if file.suffix.lower() in SLICES), key=_by_number)
    if not files:
        raise InputError(f"holds no slices ({', '.join(SLICES)})", source=str(folder))
    kinds = {file.suffix.lower() for file in files}
    if len(kinds) > 1:
        raise InputError(f"holds slices of several formats ({', '.join(sorted(kinds))}); keep one", source=str(folder))
    shape, dtype = _slice_header(files[0])
    for file in files[1:]:
        if _slice_header(file) != (shape, dtype):
            other, kind = _slice_header(file)
            raise InputError(
                f"is {shape_text(other)} {kind}, but {files[0].name} is {shape_text(shape)} {dtype}; "
                "keep only the slices of one volume in the folder",
                source=str(file),
            )
    pages = Pages((len(files), *shape), dtype, lambda chosen: np.stack([_read_slice(files[i]) for i in chosen]))
    return _beside(folder / "volume.json", pages, folder)


def _by_number(file: Path) -> list[tuple[int, str]]:
    """slice_2 before slice_10."""
    return [(int(word or 0), text) for text, word in re.findall(r"(\D*)(\d*)", file.stem)]


_MODES = {"1": "bool", "L": "uint8", "P": "uint8", "I;16": "uint16", "I;16B": ">u2", "I": "int32", "F": "float32"}
"""Pillow's names of pictures with one value a pixel."""


def _slice_header(file: Path) -> tuple[tuple[int, int], np.dtype[Any]]:
    """Shape and type of a slice, without its pixels."""
    with _picture(file) as picture:
        if picture.mode not in _MODES:
            raise InputError("is a colour image; export one channel, or the labels, as grey values", source=str(file))
        width, height = picture.size
        return (height, width), np.dtype(_MODES[picture.mode])


def _read_slice(file: Path) -> NDArray[Any]:
    with _picture(file) as picture:
        try:
            return np.asarray(picture)
        except (OSError, ValueError, SyntaxError) as error:
            raise InputError(f"cannot be read, the file is damaged: {error}", source=str(file)) from None


def _picture(file: Path) -> Any:
    import warnings

    from PIL import Image as Pillow

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            return Pillow.open(file)
    except (OSError, ValueError, SyntaxError, Pillow.DecompressionBombWarning, Pillow.DecompressionBombError) as error:
        raise InputError(f"is no picture that can be read: {error}", source=str(file)) from None


def _open_hdf5(path: Path, inner: str | None) -> Image:
    import h5py

    try:
        file = h5py.File(path, "r")
    except (OSError, ValueError) as error:
        raise InputError(f"is no HDF5 file that can be read, or is cut off: {error}", source=str(path)) from None
    dataset = _one_of(_hdf5_volumes(file, path), inner, path)
    check_hdf5(dataset, path)
    record = record_from(dataset.attrs.get("percolyte"), str(path))
    if record is not None:
        return Image(dataset, f"{path}:{dataset.name}", record.voxel, record.phases, record.origin)
    # the attribute of ImageJ's HDF5 plug-in and of ilastik
    stated = np.atleast_1d(dataset.attrs.get("element_size_um", ()))
    return Image(dataset, f"{path}:{dataset.name}", _micrometres(stated))


def _hdf5_volumes(file: Any, path: Path) -> dict[str, Any]:
    """Every dataset of three or more axes in the file itself; links to other files are not followed."""
    import h5py

    found: dict[str, Any] = {}

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and len(item.shape or ()) >= 3:
            if item.external or item.is_virtual:
                raise InputError(
                    f"the dataset '{name}' takes its values from other files; copy them in", source=str(path)
                )
            found[name] = item

    file.visititems(look)
    return found


def _one_of(found: Mapping[str, Any], inner: str | None, path: Path) -> Any:
    """The named dataset, or the only one."""
    names = ", ".join(f"'{name}' ({shape_text(item.shape)})" for name, item in found.items())
    if not found:
        raise InputError("holds no array of three axes", source=str(path))
    if inner is None:
        if len(found) > 1:
            raise InputError(f"holds {names}; name one, for example {path.name}:/{next(iter(found))}", source=str(path))
        return next(iter(found.values()))
    if inner.strip("/") not in found:
        raise InputError(f"holds no volume '{inner}'; it holds {names}", source=str(path))
    return found[inner.strip("/")]


def _micrometres(stated: Sequence[Any] | NDArray[Any]) -> Lengths | None:
    """Three lengths in µm as text of a file states them, or None where they are none."""
    try:
        z, y, x = (units.parse(f"{float(length)!r} um", units.LENGTH) for length in stated)
    except (ValueError, TypeError, UnitError):
        return None
    return z, y, x


def _open_mat(path: Path, inner: str | None) -> Image:
    """MATLAB before 7.3 by scipy, 7.3 as the HDF5 that it is, with MATLAB's order of the axes."""
    import h5py
    from scipy.io import loadmat, whosmat

    if h5py.is_hdf5(path):
        image = _open_hdf5(path, inner)
        return Image(_Reversed(image.values), image.source, about_voxel="a MATLAB file states no voxel length")
    try:
        listed = {name: _MatArray(path, name, shape, kind) for name, shape, kind in whosmat(path)}
        short = "percolyte" in listed and np.prod(listed["percolyte"].shape, dtype=float) <= LARGEST
        written = loadmat(path, variable_names=["percolyte"])["percolyte"] if short else [""]
    except Exception as error:  # scipy lets through whatever a damaged file provokes
        raise InputError(f"is no MATLAB file that can be read, or is cut off: {error}", source=str(path)) from None
    values = _one_of({name: array for name, array in listed.items() if len(array.shape) >= 3}, inner, path)
    record = record_from(str(written[0]), str(path))
    if record is None:
        return Image(values, str(path), about_voxel="a MATLAB file states no voxel length")
    return Image(values, str(path), record.voxel, record.phases, record.origin)


@dataclass(frozen=True)
class _Reversed:
    """A dataset that MATLAB wrote, with the axes in MATLAB's order."""

    stored: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.stored.shape[::-1])

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        return self.stored.dtype

    def __getitem__(self, ranges: tuple[slice, ...]) -> NDArray[Any]:
        return np.asarray(self.stored[ranges[::-1]]).transpose()


@dataclass(frozen=True)
class _MatArray:
    """A variable of an older MATLAB file, loaded as a whole on first use."""

    path: Path
    name: str
    shape: tuple[int, ...]
    kind: str

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        names = {"double": "float64", "single": "float32", "logical": "bool"}
        known = self.kind in names or self.kind.startswith(("int", "uint"))
        return np.dtype(names.get(self.kind, self.kind) if known else "object")

    @cached_property
    def _values(self) -> NDArray[Any]:
        from scipy.io import loadmat

        return np.asarray(loadmat(self.path, variable_names=[self.name])[self.name])

    def __getitem__(self, ranges: tuple[slice, ...]) -> NDArray[Any]:
        check_memory(self.shape, self.dtype.itemsize, str(self.path))
        return self._values[ranges]


def _open_zarr(path: Path, inner: str | None) -> Image:
    import zarr

    place = inside(path, inner) if inner else path
    _check_codecs(path)
    try:
        found = zarr.open(str(place), mode="r")
    except Exception as error:  # zarr lets through whatever damaged metadata provoke
        raise InputError(f"is no Zarr array that can be read: {error}", source=str(place)) from None
    if isinstance(found, zarr.Array):
        _check_array(found, place)
        record = record_from(found.attrs.get("percolyte"), str(place))
        if record is not None:
            return Image(found, str(place), record.voxel, record.phases, record.origin)
        return Image(found, str(place), about_voxel="a Zarr array states no voxel length")
    attributes: Any = found.attrs.asdict()
    scales = attributes.get("ome", attributes).get("multiscales")
    if scales and inner is None:
        return _open_ome_zarr(path, scales)
    arrays = {name: array for name, array in found.arrays() if len(array.shape) >= 3}
    array = _one_of(arrays, None, path)
    _check_array(array, place / array.path)
    return Image(array, str(place), about_voxel="a Zarr array states no voxel length")


def _check_array(array: Any, folder: Path) -> None:
    """Refuse an array whose chunks are not what it declares."""
    described = next(file for file in (folder / "zarr.json", folder / ".zarray") if file.exists())
    check_zarr(array, folder, list(_codecs(json.loads(read_text(described)))))


def _open_ome_zarr(path: Path, scales: Any) -> Image:
    """The finest level of an OME-Zarr image, with its scale."""
    try:
        level = scales[0]["datasets"][0]
        image = _open_zarr(path, str(level["path"]))
        (scale,) = (item["scale"] for item in level["coordinateTransformations"] if item["type"] == "scale")
        texts = [
            f"{float(length)!r} {axis['unit'].replace('meter', 'm').replace('micro', 'u').replace('nano', 'n')}"
            for length, axis in zip(scale, scales[0]["axes"], strict=True)
            if axis["type"] == "space"
        ]
        z, y, x = (units.parse(text, units.LENGTH) for text in texts)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise InputError(
            f"its OME metadata cannot be read; name the array and give the voxel length, for example {path.name}:/0",
            source=str(path),
        ) from None
    return replace(image, voxel=(z, y, x))


def _check_codecs(path: Path) -> None:
    """Refuse a store whose codecs could run code, before anything of it is opened."""
    for file in [*path.rglob("zarr.json"), *path.rglob(".zarray"), *path.rglob(".zmetadata")]:
        try:
            unknown = set(_codecs(json.loads(read_text(file)))) - SAFE_CODECS
        except (ValueError, RecursionError):
            raise InputError("is no JSON; the store is damaged", source=str(file)) from None
        if unknown:
            raise InputError(
                f"is packed with {', '.join(sorted(unknown))}; only {', '.join(sorted(SAFE_CODECS))} are read",
                source=str(file),
            )


def _codecs(metadata: Any, *, inside_codec: bool = False) -> Iterator[str]:
    """Names of the codecs anywhere in the metadata of a store, of format 2 or 3."""
    if isinstance(metadata, list):
        for item in metadata:
            yield from _codecs(item, inside_codec=inside_codec)
    elif isinstance(metadata, dict):
        if inside_codec:
            yield str(metadata.get("id", metadata.get("name"))).removeprefix("numcodecs.")
        for key, value in metadata.items():
            if key != "attributes":
                yield from _codecs(value, inside_codec=key in ("codecs", "index_codecs", "filters", "compressor"))


def write_volume(volume: Volume, path: str | os.PathLike[str]) -> None:
    """A file of the format that the ending names; without an ending a folder of slices.

    Voxel length, phase names and origin go with it: in the file's own metadata,
    or as `volume.json` in the folder, or as `NAME.json` beside `NAME.npy`.
    A file that exists is replaced when the new one is whole; a folder or a
    Zarr store is not replaced.
    """
    place = Path(path)
    check_volume_name(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.stem}.part{place.suffix}")
    _WRITERS[place.suffix.lower()](volume, beside)
    beside.replace(place)
    if place.suffix.lower() == ".npy":
        place.with_suffix(".json").write_text(record_text(volume), encoding="utf-8")


def check_volume_name(place: Path) -> None:
    """Refuse a name that no volume can be written under."""
    kind = place.suffix.lower()
    if kind not in _WRITERS:
        raise InputError(
            f"has no ending of a volume; write one of {', '.join(_WRITERS)[:-2]}, or a folder", source=str(place)
        )
    if kind in ("", ".zarr") and place.exists():
        raise InputError("exists already; choose another name, or remove it first", source=str(place))
    if kind == ".npy":
        _check_beside(place.with_suffix(".json"))


def _check_beside(path: Path) -> None:
    """Refuse to write the description of an array over a file that is none."""
    if path.exists() and record_from(read_text(path), str(path)) is None:
        raise InputError(
            "describes no volume, and the description of the array would be written over it; name the array otherwise",
            source=str(path),
        )


def _write_npy(volume: Volume, path: Path) -> None:
    np.save(path, volume.labels, allow_pickle=False)


def _write_hdf5(volume: Volume, path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("labels", data=volume.labels, chunks=True, compression="gzip", compression_opts=1)
        dataset.attrs["percolyte"] = record_text(volume)
        dataset.attrs["element_size_um"] = [float(units.to(length, "um")) for length in volume.voxel]


def _write_zarr(volume: Volume, path: Path) -> None:
    import zarr

    array = zarr.create_array(str(path), data=volume.labels, chunks=tuple(min(128, n) for n in volume.labels.shape))
    array.attrs["percolyte"] = record_text(volume)


def _write_mat(volume: Volume, path: Path) -> None:
    from scipy.io import savemat

    savemat(path, {"labels": volume.labels, "percolyte": record_text(volume)}, do_compression=True)


def _write_folder(volume: Volume, path: Path) -> None:
    from PIL import Image as Pillow

    path.mkdir()
    for number, labels in enumerate(volume.labels):
        Pillow.fromarray(labels).save(path / f"slice_{number:05d}.png")
    (path / "volume.json").write_text(record_text(volume), encoding="utf-8")


_WRITERS: dict[str, Callable[[Volume, Path], None]] = {
    ".tif": write_tiff,
    ".tiff": write_tiff,
    ".npy": _write_npy,
    ".h5": _write_hdf5,
    ".hdf5": _write_hdf5,
    ".zarr": _write_zarr,
    ".mat": _write_mat,
    "": _write_folder,
}
