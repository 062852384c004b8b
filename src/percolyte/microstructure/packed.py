"""What packed values would take once unpacked, known before they are: a small file may hold far more than it declares."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from percolyte.errors import InputError
from percolyte.microstructure.memory import check_memory, room

if TYPE_CHECKING:
    from tifffile import TiffPageSeries

HARMLESS = 256 * 1024 * 1024
"""Bytes that a chunk may unpack to without being looked at."""
PIECE = 1024 * 1024
MOST_TIMES = {"zlib": 1032, "gzip": 1032, "lzma": 10_000, "bz2": 2_000_000, "zstd": 45_000, "lz4": 255, "blosc": 10_000}
"""By how much each way of packing can shrink what is all the same; more than that no file holds."""
LZF_TIMES = 264 / 3
TIFF_PACKINGS = {8: "zlib", 32946: "zlib", 34925: "lzma"}
"""Compressions of TIFF that are unpacked to the end, however long that is; the others stop at the declared size."""


def check_unpacked(packing: str, stored: int, read: Callable[[], bytes], declared: float, source: str) -> None:
    """Refuse a chunk of `stored` bytes that unpacks to more than `declared` bytes.

    `read` gets its bytes, where it could unpack to more than is harmless.
    """
    if stored * MOST_TIMES[packing] <= max(HARMLESS, declared):
        return
    try:
        size = _unpacked_size(packing, read(), declared)
    except (ValueError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"cannot be read, the file is damaged: {error}", source=source) from None
    if size > declared:
        raise InputError(
            f"holds a chunk that unpacks to more than the {declared:,.0f} bytes that it declares; "
            "the file is damaged, or was made to fill the memory",
            source=source,
        )


def _unpacked_size(packing: str, data: bytes, enough: float) -> float:
    """Bytes that a chunk unpacks to, or any number above `enough`, without keeping them."""
    if packing == "blosc":
        return int.from_bytes(data[4:8], "little")
    if packing == "lz4":
        return int.from_bytes(data[:4], "little")
    if packing == "zstd":
        return _zstd_size(data)
    if packing in ("zlib", "gzip"):
        return _deflated_size(data, enough)
    unpacker: Any = bz2.BZ2Decompressor() if packing == "bz2" else lzma.LZMADecompressor()
    size = len(unpacker.decompress(data, PIECE))
    while size <= enough and not unpacker.eof and not unpacker.needs_input:
        size += len(unpacker.decompress(b"", PIECE))
    return size


def _deflated_size(data: bytes, enough: float) -> float:
    unpacker = zlib.decompressobj(wbits=47)  # zlib's or gzip's own header
    size, rest = 0, data
    while size <= enough and rest and not unpacker.eof:
        size += len(unpacker.decompress(rest, PIECE))
        rest = unpacker.unconsumed_tail
    return size


def _zstd_size(data: bytes) -> float:
    """The size that a frame states (RFC 8878, section 3.1.1.1); one that states none may be of any."""
    descriptor = data[4]
    width = (1 if descriptor & 32 else 0, 2, 4, 8)[descriptor >> 6]
    start = 5 + (0 if descriptor & 32 else 1) + (0, 1, 2, 4)[descriptor & 3]
    stated = int.from_bytes(data[start : start + width], "little") + (256 if width == 2 else 0)
    return stated if width else float("inf")


def check_tiff(series: TiffPageSeries, path: Path) -> None:
    """Refuse a stack with a strip or tile that unpacks to more than its size."""
    packing = TIFF_PACKINGS.get(series.keyframe.compression)
    declared = float(np.prod(series.keyframe.chunks) * np.dtype(series.dtype).itemsize)
    check_memory(series.keyframe.chunks, np.dtype(series.dtype).itemsize, str(path))
    if packing is None:
        return
    for page in series.pages:
        if page is None:
            continue
        for place, stored in zip(page.dataoffsets, page.databytecounts, strict=False):
            check_unpacked(packing, stored, _part_of(path, place, stored), declared, str(path))


def check_hdf5(dataset: Any, path: Path) -> None:
    """Refuse a dataset with a chunk that unpacks to more than its size, or than the memory holds."""
    if dataset.chunks is None:
        return
    check_memory(dataset.chunks, dataset.dtype.itemsize, str(path))
    declared = float(np.prod(dataset.chunks) * dataset.dtype.itemsize)
    properties = dataset.id.get_create_plist()
    filters = [properties.get_filter(number)[0] for number in range(properties.get_nfilters())]
    deflated, short = filters.count(1), filters.count(32000)
    if deflated + short > 1:
        raise InputError("holds chunks that are packed twice; pack them once", source=str(path))

    def check(chunk: Any) -> None:
        if deflated:
            # a checksum may follow
            check_unpacked(
                "zlib",
                chunk.size,
                lambda: dataset.id.read_direct_chunk(chunk.chunk_offset)[1],
                declared + 64,
                str(path),
            )
        elif short and chunk.size * LZF_TIMES > room():
            raise InputError(
                "holds a chunk that may unpack to more than the memory; use smaller ones", source=str(path)
            )

    dataset.id.chunk_iter(check)


def check_zarr(array: Any, folder: Path, codecs: list[str]) -> None:
    """Refuse an array with a chunk that unpacks to more than its size, or than the memory holds."""
    check_memory(array.shards or array.chunks, array.dtype.itemsize, str(folder))
    packings = [name for name in codecs if name in MOST_TIMES]
    if len(packings) > 1:
        raise InputError("holds chunks that are packed twice; pack them once", source=str(folder))
    if not packings:
        return
    # filters may hand on numbers of another type, of at most eight bytes
    plain = not {"delta", "fixedscaleoffset", "packbits"} & set(codecs)
    declared = float(np.prod(array.chunks) * (array.dtype.itemsize if plain else 8))
    for file in folder.rglob("*"):
        if file.is_file() and not file.name.startswith(".") and file.name != "zarr.json":
            for place, stored in _chunks_within(file, array):
                check_unpacked(packings[0], stored, _part_of(file, place, stored), declared + 64, str(file))


def _chunks_within(file: Path, array: Any) -> Iterator[tuple[int, int]]:
    """Place and bytes of the chunks in a file: one, or those that the index at the end of a shard lists."""
    size = file.stat().st_size
    if array.shards is None:
        yield 0, size
        return
    count = int(np.prod(np.array(array.shards) // np.array(array.chunks)))
    if size < 16 * count + 4:
        raise InputError("is a shard without an index; the store is damaged", source=str(file))
    # a checksum of four bytes follows the index
    index = np.frombuffer(_part_of(file, size - 16 * count - 4, 16 * count)(), dtype="<u8").reshape(count, 2)
    for place, stored in index.tolist():
        if place < size:
            yield place, min(stored, size - place)


def _part_of(file: Path, place: int, count: int) -> Callable[[], bytes]:
    def read() -> bytes:
        with file.open("rb") as opened:
            opened.seek(place)
            return opened.read(count)

    return read
