"""Volumes in files: what is written is read again, and what cannot be used is refused with what to do."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import dask.array
import h5py
import numpy as np
import psutil
import pytest
import scipy.io
import tifffile
import zarr
from numpy.typing import NDArray
from PIL import Image as Pillow

from percolyte.errors import InputError
from percolyte.microstructure.files import open_image, read_volume, write_volume
from percolyte.microstructure.image import label_counts, label_fractions
from percolyte.microstructure.volume import Lengths, Volume, phases_from, volume_from, voxel_from

HALF: Lengths = (5e-7, 5e-7, 5e-7)
PHASES = {"active": 1, "electrolyte": 2, "void": 0}


def some_labels(shape: tuple[int, ...] = (7, 9, 11)) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 3, shape).astype(np.uint8)


def some_volume() -> Volume:
    return Volume(some_labels(), (5e-7, 4e-7, 3e-7), PHASES, "generated", "seed 0")


def refusal(path: Path | str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_volume(path, **{"voxel": HALF, **options})
    return str(caught.value)


@pytest.mark.parametrize("name", ["v.tif", "v.tiff", "v.npy", "v.h5", "v.zarr", "v.mat", "slices"])
def test_every_format_gives_back_labels_voxel_names_and_origin(tmp_path: Path, name: str) -> None:
    volume = some_volume()
    write_volume(volume, tmp_path / name)
    again = read_volume(tmp_path / name)
    assert np.array_equal(again.labels, volume.labels)
    assert again.voxel == volume.voxel
    assert again.phases == volume.phases
    assert again.origin == "generated"


@pytest.mark.parametrize("name", ["v.tif", "v.npy", "v.h5", "v.zarr", "v.mat", "slices"])
def test_a_part_is_read_without_the_rest_and_blocks_take_their_majority(tmp_path: Path, name: str) -> None:
    labels = np.zeros((8, 4, 4), dtype=np.uint8)
    labels[2:6, :, :3] = 1
    write_volume(Volume(labels, HALF, {"a": 0, "b": 1}, "measured", ""), tmp_path / name)
    part = read_volume(tmp_path / name, ranges=[slice(2, 6), slice(None), slice(1, 4)])
    assert np.array_equal(part.labels, labels[2:6, :, 1:4])
    blocks = read_volume(tmp_path / name, coarsen=4)
    assert blocks.labels.ravel().tolist() in ([0, 1], [0, 0], [1, 0])
    assert blocks.voxel == (2e-6, 2e-6, 2e-6)


def test_imagej_voxel_length_is_honoured(tmp_path: Path) -> None:
    file = tmp_path / "v.tif"
    metadata = {"axes": "ZYX", "spacing": 0.8, "unit": "micron"}
    tifffile.imwrite(file, some_labels(), imagej=True, resolution=(1 / 0.2, 1 / 0.4), metadata=metadata)
    assert read_volume(file).voxel == pytest.approx((8e-7, 4e-7, 2e-7), rel=1e-6)  # a ratio of 32-bit integers


def test_ome_voxel_length_is_honoured(tmp_path: Path) -> None:
    file = tmp_path / "v.ome.tif"
    metadata = {
        "axes": "ZYX",
        "PhysicalSizeX": 20.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.03,
        "PhysicalSizeZ": 0.04,
    }
    tifffile.imwrite(file, some_labels(), ome=True, metadata=metadata)
    assert read_volume(file).voxel == pytest.approx((4e-8, 3e-8, 2e-8))


def test_ome_zarr_takes_its_finest_level_and_scale(tmp_path: Path) -> None:
    group = zarr.open_group(str(tmp_path / "v.zarr"), mode="w")
    group.create_array("0", data=some_labels())
    axes: Any = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
    level: Any = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.4, 0.3, 0.2]}]}
    group.attrs["multiscales"] = [{"axes": axes, "datasets": [level]}]
    assert read_volume(tmp_path / "v.zarr").voxel == pytest.approx((4e-7, 3e-7, 2e-7))


def test_the_users_voxel_length_stands_above_that_of_the_file(tmp_path: Path) -> None:
    write_volume(some_volume(), tmp_path / "v.tif")
    assert read_volume(tmp_path / "v.tif", voxel=HALF).voxel == HALF


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"axes": "ZYX"}, "no voxel length with a unit"),
        ({"axes": "ZYX", "unit": "pixel", "spacing": 1.0}, "no voxel length with a unit"),
        ({"axes": "ZYX", "unit": "um"}, "not the distance of the slices"),
        ({"axes": "ZYX", "unit": "furlong", "spacing": 1.0}, "furlong"),
    ],
)
def test_a_missing_unit_is_asked_for(tmp_path: Path, metadata: dict[str, Any], said: str) -> None:
    tifffile.imwrite(tmp_path / "v.tif", some_labels(), imagej=True, resolution=(2.0, 2.0), metadata=metadata)
    message = refusal(tmp_path / "v.tif", voxel=None)
    assert said in message
    assert "--voxel '0.5 um'" in message


def test_one_bit_images_hold_the_labels_0_and_1(tmp_path: Path) -> None:
    labels = some_labels((4, 8, 16)) > 0
    tifffile.imwrite(tmp_path / "v.tif", labels, photometric="minisblack")
    assert np.array_equal(read_volume(tmp_path / "v.tif", voxel=HALF).labels, labels)


def test_pages_packed_with_lzw_are_read(tmp_path: Path) -> None:
    labels = some_labels()
    first, *rest = (Pillow.fromarray(page) for page in labels)
    first.save(tmp_path / "v.tif", save_all=True, append_images=rest, compression="tiff_lzw")
    assert np.array_equal(read_volume(tmp_path / "v.tif", voxel=HALF).labels, labels)


def test_slices_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in range(12):
        Pillow.fromarray(np.full((3, 4), number, dtype=np.uint8)).save(tmp_path / f"s{number}.png")
    assert read_volume(tmp_path, voxel=HALF).labels[:, 0, 0].tolist() == list(range(12))


def test_matlab_of_both_kinds_gives_the_axes_of_matlab(tmp_path: Path) -> None:
    labels = some_labels((2, 3, 4))
    scipy.io.savemat(tmp_path / "old.mat", {"labels": labels.astype(np.float64), "note": "x"})
    with h5py.File(tmp_path / "new.mat", "w", userblock_size=512) as file:
        file["labels"] = labels.transpose()
    for name in ("old.mat", "new.mat"):
        assert np.array_equal(read_volume(tmp_path / name, voxel=HALF).labels, labels)


@pytest.mark.parametrize("name", ["v.tif", "v.npy", "v.h5", "v.zarr", "v.mat", "slices"])
def test_labels_of_every_format_are_counted_in_chunks(tmp_path: Path, name: str) -> None:
    write_volume(some_volume(), tmp_path / name)
    counts = np.bincount(some_labels().ravel()) / some_labels().size
    assert label_fractions(label_counts(open_image(tmp_path / name))) == pytest.approx(dict(enumerate(counts)))


def test_fractions_of_an_image_in_chunks_are_those_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_volume(some_volume(), tmp_path / "v.zarr")
    monkeypatch.setattr("percolyte.microstructure.image.SLAB", 99)
    image = open_image(tmp_path / "v.zarr")
    assert isinstance(image.lazy(), dask.array.Array)
    assert image.lazy().numblocks[0] == 7
    counts = np.bincount(some_labels().ravel()) / some_labels().size
    assert label_fractions(label_counts(image)) == pytest.approx(dict(enumerate(counts)))
    assert np.array_equal(read_volume(tmp_path / "v.zarr", coarsen=1).labels, some_labels())


def test_a_volume_larger_than_the_memory_says_what_it_needs_and_how_to_read_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zarr.create_array(str(tmp_path / "v.zarr"), shape=(4000, 4000, 4000), dtype="u1", chunks=(128, 128, 128))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 8 * 1024**3}))
    message = refusal(tmp_path / "v.zarr")
    assert "4000 x 4000 x 4000 voxels need 59.6 GiB of memory, and 6.4 GiB are free" in message
    # 59.6/6.4 is between 2³ and 3³; a part may be 4000 (6.4/59.6)^(1/3) long
    assert "--crop 0:1901,0:1901,0:1901" in message
    assert "--coarsen 3" in message
    part = read_volume(tmp_path / "v.zarr", voxel=HALF, ranges=[slice(0, 9)] * 3)
    assert part.labels.shape == (9, 9, 9)


def npy_header(shape: tuple[int, ...]) -> bytes:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


def damaged(folder: Path, kind: str) -> Path:
    """A file of a kind that must be refused."""
    file = folder / kind
    labels = some_labels()
    match kind:
        case "declared.npy":
            file.write_bytes(npy_header((10**6, 10**6, 10**6)) + bytes(100))
        case "pickled.npy":
            file.write_bytes(npy_header((1,)).replace(b"'|u1'", b"'|O' ") + pickle.dumps([1]))
        case "flat.npy":
            np.save(file, labels[0])
        case "four.npy":
            np.save(file, np.zeros((2, 2, 2, 2), dtype=np.uint8))
        case "empty.npy":
            np.save(file, labels[:0])
        case "colour.npy":
            np.save(file, np.zeros((5, 6, 7, 3), dtype=np.uint8))
        case "fraction.npy":
            np.save(file, labels * 0.5)
        case "nan.npy":
            np.save(file, np.full((2, 2, 2), np.nan))
        case "wide.npy":
            np.save(file, labels.astype(np.uint16) * 200)
        case "grey.npy":
            np.save(file, np.arange(64, dtype=np.uint8).reshape(4, 4, 4))
        case "text.npy" | "text.tif" | "text.h5" | "text.mat":
            file.write_text("not what the name says")
        case "nothing.tif":
            file.write_bytes(b"")
        case "cut-packed.tif":
            noise = np.random.default_rng(0).integers(0, 3, (40, 40, 40)).astype(np.uint8)
            tifffile.imwrite(file, noise, compression="deflate", metadata=None, photometric="minisblack")
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        case "cut.npy" | "cut.h5" | "cut.mat" | "cut.tif":
            write_volume(some_volume(), folder / f"whole.{kind[4:]}")
            data = (folder / f"whole.{kind[4:]}").read_bytes()
            file.write_bytes(data[: int(0.6 * len(data))])
        case "colour.tif":
            tifffile.imwrite(file, np.zeros((5, 6, 7, 3), dtype=np.uint8), photometric="rgb")
        case "single.tif":
            tifffile.imwrite(file, labels[0])
        case "channels.tif":
            tifffile.imwrite(file, np.zeros((5, 2, 6, 7), dtype=np.uint8), imagej=True, metadata={"axes": "ZCYX"})
        case "objects.h5":
            with h5py.File(file, "w") as store:
                store.create_dataset("a", data=[[["x"]]], dtype=h5py.string_dtype())
        case "elsewhere.h5":
            with h5py.File(file, "w") as store:
                store.create_dataset("a", (2, 2, 2), "u1", external=[(str(folder / "other.raw"), 0, 8)])
        case "link.h5":
            with h5py.File(file, "w") as store:
                store["a"] = h5py.ExternalLink(str(folder / "other.h5"), "/a")
        case "two.h5":
            with h5py.File(file, "w") as store:
                store["a"], store["b"] = labels, labels
        case "packed.zip":
            file.write_bytes(b"PK\x03\x04")
        case "slice.png":
            Pillow.fromarray(labels[0]).save(file)
        case "word.docx":
            file.write_bytes(b"x")
        case "colour" | "mixed" | "bare":
            file.mkdir()
            if kind != "bare":
                Pillow.new("L", (4, 4)).save(file / "1.png")
                Pillow.new("RGB" if kind == "colour" else "L", (4, 5)).save(file / "2.png")
        case "pickle.zarr":
            store = zarr.create_array(str(file), data=labels, zarr_format=2)
            meta = json.loads((file / ".zarray").read_text())
            meta["filters"] = [{"id": "pickle"}]
            (file / ".zarray").write_text(json.dumps(meta))
        case "broken.zarr":
            file.mkdir()
            (file / "zarr.json").write_text("{")
    return file


REFUSED = {
    "declared.npy": "cut off",
    "pickled.npy": "can run code",
    "flat.npy": "is one picture of 9 x 11",
    "four.npy": "has the shape 2 x 2 x 2 x 2",
    "empty.npy": "is empty",
    "colour.npy": "is a colour image",
    "fraction.npy": "fractions, not whole labels",
    "nan.npy": "holds values from nan to nan",
    "wide.npy": "holds values from 0 to 400; labels are whole numbers from 0 to 255",
    "grey.npy": "percolyte segment",
    "text.npy": "no array of NumPy",
    "text.tif": "no TIFF file",
    "text.h5": "no HDF5 file",
    "text.mat": "no MATLAB file",
    "nothing.tif": "is empty",
    "cut.npy": "cut off",
    "cut.h5": "cut off",
    "cut.mat": "damaged",
    "cut.tif": "cut off",
    "cut-packed.tif": "is damaged or cut off",
    "colour.tif": "is a colour image",
    "single.tif": "one picture, not a volume",
    "channels.tif": "holds 2 channels",
    "objects.h5": "not numbers",
    "elsewhere.h5": "takes its values from other files",
    "link.h5": "holds no array of three axes",
    "two.h5": "name one, for example two.h5:/a",
    "packed.zip": "is an archive; unpack it",
    "slice.png": "one picture, not a volume",
    "word.docx": "known are .tif, .npy, .h5, .zarr, .mat",
    "colour": "is a colour image",
    "mixed": "is 5 x 4 uint8, but 1.png is 4 x 4 uint8",
    "bare": "holds no slices",
    "pickle.zarr": "is packed with pickle",
    "broken.zarr": "is no JSON",
    "absent.tif": "there is no such file",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_used_is_refused_with_a_reason(tmp_path: Path, kind: str) -> None:
    message = refusal(damaged(tmp_path, kind))
    assert REFUSED[kind] in message
    assert kind in message
    assert "\n" not in message


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
@pytest.mark.parametrize("style", ["imagej", "plain", "packed", "ome", "pillow"])
def test_a_tiff_cut_off_anywhere_is_refused(tmp_path: Path, style: str, share: float) -> None:
    labels, file = some_labels((9, 40, 50)), tmp_path / "v.tif"
    match style:
        case "imagej":
            tifffile.imwrite(file, labels, imagej=True)
        case "plain":
            tifffile.imwrite(file, labels)
        case "packed":
            tifffile.imwrite(file, labels, compression="zlib")
        case "ome":
            tifffile.imwrite(file, labels, ome=True)
        case "pillow":
            first, *rest = (Pillow.fromarray(page) for page in labels)
            first.save(file, save_all=True, append_images=rest, compression="tiff_lzw")
    assert read_volume(file, voxel=HALF).labels.shape == labels.shape
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    refusal(file)


def test_a_tiff_that_declares_far_more_than_it_holds_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "v.tif"
    tifffile.imwrite(file, np.zeros((2, 16, 16), dtype=np.uint8), compression="zlib", metadata=None)
    data = file.read_bytes()
    for tag in (256, 257):  # width and height, as 32-bit integers
        entry = (
            struct.pack("<HHII", tag, 4, 1, 16)
            if struct.pack("<HHII", tag, 4, 1, 16) in data
            else struct.pack("<HHIHH", tag, 3, 1, 16, 0)
        )
        assert entry in data
        data = data.replace(entry, struct.pack("<HHII", tag, 4, 1, 10**6))
    file.write_bytes(data)
    assert "GiB" in refusal(file) or "cut off" in refusal(file)


@pytest.mark.parametrize("kind", ["cut.mat", "wide.npy"])
def test_counting_labels_refuses_what_reading_refuses(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError) as caught:
        label_counts(open_image(damaged(tmp_path, kind)))
    assert REFUSED[kind] in str(caught.value)


def test_a_cut_off_file_leaves_the_one_that_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_volume(some_volume(), tmp_path / "v.npy")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space"):
        write_volume(some_volume(), tmp_path / "v.npy")
    assert read_volume(tmp_path / "v.npy").labels.shape == (7, 9, 11)


def test_a_folder_or_store_that_exists_is_not_replaced(tmp_path: Path) -> None:
    for name in ("slices", "v.zarr"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
        with pytest.raises(InputError, match="exists already"):
            write_volume(some_volume(), tmp_path / name)
        assert (tmp_path / name / "mine.txt").read_text() == "mine"


def test_a_zarr_array_outside_its_store_is_refused(tmp_path: Path) -> None:
    write_volume(some_volume(), tmp_path / "v.zarr")
    write_volume(some_volume(), tmp_path / "w.zarr")
    assert "leads out of" in refusal(f"{tmp_path / 'v.zarr'}:/../w.zarr")


def test_every_label_without_a_name_and_every_name_without_a_label_is_told() -> None:
    with pytest.raises(InputError) as caught:
        volume_from(some_labels(), HALF, {"active": 1, "carbon": 7}, source="v.tif")
    told = str(caught.value)
    assert "label 7 for 'carbon' is not in the image; it has 0, 1, 2" in told
    assert "label 0 (" in told
    assert "add NAME=2" in told


@pytest.mark.parametrize("text", ["0 um", "-1 um", "0.5", "1 um, 2 um", "x", "nan um", "1 S"])
def test_a_voxel_length_that_is_none_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="write for example"):
        voxel_from(text)


def test_one_or_three_voxel_lengths_are_read() -> None:
    assert voxel_from("0.5 um") == HALF
    assert voxel_from("100 nm, 0.2 um,0.3um") == (1e-7, 2e-7, 3e-7)


def test_python_takes_one_voxel_length_for_three_and_no_text(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", some_labels())
    assert read_volume(tmp_path / "v.npy", voxel=5e-7).voxel == HALF
    for wrong in ("0.5 um", (5e-7, 5e-7)):
        with pytest.raises(InputError, match=r"neither a length in m nor three"):
            read_volume(tmp_path / "v.npy", voxel=wrong)  # type: ignore[arg-type]


def test_a_volume_shows_itself_in_a_line() -> None:
    shown = repr(volume_from(some_labels(), HALF, source="v.tif"))
    assert "voxels of 0.5 um, " in shown
    assert shown.endswith("measured: v.tif)")
    assert len(shown) < 100


@pytest.mark.parametrize("text", ["1,5 um", "0,5 um, 0,5 um, 1 um", "0,5 um, 1 um"])
def test_a_decimal_comma_in_a_voxel_length_is_known_as_one(text: str) -> None:
    with pytest.raises(InputError, match="use a point, not a comma"):
        voxel_from(text)


def test_phases_that_share_a_label_are_named_beside_all_else_that_is_wrong() -> None:
    with pytest.raises(InputError, match=r"'active' and 'carbon' share the label 1") as caught:
        volume_from(some_labels(), HALF, {"active": 1, "carbon": 1, "electrolyte": 2}, source="v.tif")
    assert "label 0 (" in str(caught.value)


@pytest.mark.parametrize("text", ["active", "active=", "=1", "active=300", "active=-1", "active=1,active=2", ""])
def test_phases_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        phases_from(text)


def test_where_a_volume_is_missing_volumes_are_named_and_nothing_else(tmp_path: Path) -> None:
    for name in ("notes.txt", "table.csv", "cathode.tif"):
        (tmp_path / name).write_text("x")
    with pytest.raises(InputError, match="did you mean 'cathode"):
        open_image(tmp_path / "cathod.tif")
    with pytest.raises(InputError, match=r"holds cathode\.tif$"):
        open_image(tmp_path / "scan.npy")


def test_phases_are_names_with_labels() -> None:
    assert phases_from("active=1, my phase=2,void=0") == {"active": 1, "my phase": 2, "void": 0}
    assert phases_from("active=1, active=1") == {"active": 1}
