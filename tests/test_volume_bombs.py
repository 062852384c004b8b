"""Small files that would unpack to far more than they declare are refused before they are."""

from __future__ import annotations

import lzma
import struct
import zlib
from pathlib import Path
from typing import Any

import h5py
import numcodecs  # type: ignore[import-untyped]
import numpy as np
import psutil
import pytest
import tifffile
import zarr
from PIL import Image as Pillow
from PIL import PngImagePlugin
from scipy.io import savemat
from zarr.codecs import GzipCodec

from percolyte.errors import InputError
from percolyte.microstructure import packed
from percolyte.microstructure.files import open_image, read_volume, write_volume
from percolyte.microstructure.memory import ROOM
from percolyte.microstructure.volume import Volume

VOXEL = (1e-6, 1e-6, 1e-6)
TOO_MUCH = bytes(4 * 1024 * 1024)
"""A thousand times what the small images declare."""


@pytest.fixture(autouse=True)
def _little_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bombs of the tests are small: so is what passes unseen."""
    monkeypatch.setattr(packed, "HARMLESS", 100_000)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_volume(path, voxel=VOXEL)
    return str(caught.value)


def bomb_tiff(path: Path, compression: str) -> None:
    """A stack of one strip of 16 x 16 a page, the second of which unpacks to 4 MiB."""
    tifffile.imwrite(path, np.zeros((2, 16, 16), dtype=np.uint8), compression=compression, metadata=None)
    data = zlib.compress(TOO_MUCH) if compression == "zlib" else lzma.compress(TOO_MUCH)
    with tifffile.TiffFile(path, mode="r+") as file:
        page: Any = file.pages[1]
        end = path.stat().st_size
        page.tags["StripOffsets"].overwrite(end)
        page.tags["StripByteCounts"].overwrite(len(data))
    with path.open("ab") as opened:
        opened.write(data)


@pytest.mark.parametrize("compression", ["zlib", "lzma"])
def test_a_tiff_strip_that_unpacks_to_more_than_its_page_is_refused(tmp_path: Path, compression: str) -> None:
    bomb_tiff(tmp_path / "v.tif", compression)
    assert "unpacks to more than the 256 bytes" in refusal(tmp_path / "v.tif")


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_hdf5_chunk_that_unpacks_to_more_than_its_size_is_refused(tmp_path: Path, shuffle: bool) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        made = file.create_dataset("labels", (4, 8, 8), "u1", chunks=(4, 8, 8), compression="gzip", shuffle=shuffle)
        made.id.write_direct_chunk((0, 0, 0), zlib.compress(TOO_MUCH))
    assert "unpacks to more than the" in refusal(tmp_path / "v.h5")


def test_an_hdf5_chunk_larger_than_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading one voxel unpacks the whole chunk."""
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file.create_dataset("labels", (4, 9000, 9000), "u1", chunks=(4, 9000, 9000), compression="gzip")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10**8 / ROOM}))
    with pytest.raises(InputError, match="4 x 9000 x 9000 voxels need"):
        open_image(tmp_path / "v.h5")


CODECS = {
    "zlib": numcodecs.Zlib(),
    "gzip": numcodecs.GZip(),
    "bz2": numcodecs.BZ2(),
    "lzma": numcodecs.LZMA(),
    "zstd": numcodecs.Zstd(),
    "lz4": numcodecs.LZ4(),
    "blosc": numcodecs.Blosc(),
}


@pytest.mark.parametrize("codec", CODECS)
def test_a_zarr_chunk_that_unpacks_to_more_than_its_size_is_refused(tmp_path: Path, codec: str) -> None:
    labels = np.random.default_rng(0).integers(0, 3, (32, 32, 32)).astype(np.uint8)
    zarr.create_array(
        str(tmp_path / "v.zarr"), data=labels, chunks=(32, 32, 32), zarr_format=2, compressors=CODECS[codec]
    )
    assert np.array_equal(read_volume(tmp_path / "v.zarr", voxel=VOXEL).labels, labels)
    (chunk,) = (file for file in (tmp_path / "v.zarr").rglob("*") if file.is_file() and file.name[0] != ".")
    chunk.write_bytes(CODECS[codec].encode(TOO_MUCH))
    assert "unpacks to more than the" in refusal(tmp_path / "v.zarr")


def test_a_chunk_within_a_shard_that_unpacks_to_more_than_its_size_is_refused(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 3, (16, 16, 16)).astype(np.uint8)
    zarr.create_array(
        str(tmp_path / "v.zarr"),
        data=labels,
        chunks=(8, 16, 16),
        shards=(16, 16, 16),
        compressors=GzipCodec(),
    )
    assert np.array_equal(read_volume(tmp_path / "v.zarr", voxel=VOXEL).labels, labels)
    (shard,) = (file for file in (tmp_path / "v.zarr" / "c").rglob("*") if file.is_file())
    bomb = numcodecs.GZip().encode(TOO_MUCH)
    index = struct.pack("<4Q", 0, len(bomb), 0, len(bomb))
    shard.write_bytes(bomb + index + bytes(4))
    assert "unpacks to more than the" in refusal(tmp_path / "v.zarr")


def test_a_zarr_chunk_larger_than_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zarr.create_array(str(tmp_path / "v.zarr"), shape=(4, 9000, 9000), dtype="u1", chunks=(4, 9000, 9000))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10**8 / ROOM}))
    with pytest.raises(InputError, match="4 x 9000 x 9000 voxels need"):
        open_image(tmp_path / "v.zarr")


def test_a_png_that_packs_more_than_its_pixels_is_read_as_declared(tmp_path: Path) -> None:
    """Pillow unpacks into the declared picture and stops there."""
    folder = tmp_path / "slices"
    folder.mkdir()
    for number in range(2):
        Pillow.new("L", (4, 4), 1).save(folder / f"{number}.png")
    data = (folder / "1.png").read_bytes()
    at = data.index(b"IDAT")
    length = struct.unpack(">I", data[at - 4 : at])[0]
    bomb = zlib.compress(bytes(10**7))
    chunk = b"IDAT" + bomb
    (folder / "1.png").write_bytes(
        data[: at - 4]
        + struct.pack(">I", len(bomb))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + data[at + 8 + length :]
    )
    assert read_volume(folder, voxel=VOXEL).labels.shape == (2, 4, 4)


def test_a_png_that_hides_a_bomb_in_its_text_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "slices"
    folder.mkdir()
    text = PngImagePlugin.PngInfo()
    text.add_text("a", "x" * 10**7, zip=True)
    Pillow.new("L", (4, 4)).save(folder / "0.png", pnginfo=text)
    assert "is no picture that can be read" in refusal(folder)


def test_a_matlab_variable_that_declares_more_than_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    savemat(tmp_path / "v.mat", {"labels": np.zeros((300, 300, 300), dtype=np.uint8)}, do_compression=True)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 10**7}))
    assert "300 x 300 x 300 voxels need" in refusal(tmp_path / "v.mat")


def test_a_matlab_description_as_long_as_a_volume_is_not_read(tmp_path: Path) -> None:
    savemat(
        tmp_path / "v.mat",
        {"labels": np.ones((2, 2, 2), dtype=np.uint8), "percolyte": np.zeros((4097, 4097), dtype=np.uint8)},
        do_compression=True,
    )
    assert open_image(tmp_path / "v.mat").phases is None


@pytest.mark.parametrize("name", ["v.tif", "v.h5", "v.zarr", "v.mat"])
def test_what_percolyte_writes_is_never_a_bomb(tmp_path: Path, name: str) -> None:
    """All one label shrinks most."""
    volume = Volume(np.ones((128, 128, 160), dtype=np.uint8), VOXEL, {"a": 1}, "measured", "a test")
    write_volume(volume, tmp_path / name)
    assert read_volume(tmp_path / name).labels.all()
