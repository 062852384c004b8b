"""Images larger than the memory: slab by slab the same numbers as at once, and words for what is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.microstructure import slabs
from percolyte.microstructure.clusters import SlabClusters, connected
from percolyte.microstructure.files import open_image, write_volume
from percolyte.microstructure.measure import measure
from percolyte.microstructure.networks import Roles
from percolyte.microstructure.slabs import fits, measure_in_slabs
from percolyte.microstructure.volume import Volume


def some_volume(planes: int = 42) -> Volume:
    field = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(planes, 24, 28)), 1.5)
    labels = np.digitize(field, np.quantile(field, [0.25, 0.6])).astype(np.uint8)
    return Volume(labels, (1e-6, 2e-6, 1e-6), {"void": 0, "electrolyte": 1, "active": 2}, "measured", "a test")


def with_memory(monkeypatch: pytest.MonkeyPatch, available: int) -> None:
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": available}))


@pytest.mark.parametrize("planes", [1, 4, 7, 42])
def test_clusters_joined_from_slabs_are_those_of_the_whole(planes: int) -> None:
    labels = some_volume().labels
    joined, whole = SlabClusters(), connected(labels)
    for start in range(0, len(labels), planes):
        joined.add(labels[start : start + planes])
    table = joined.table()
    for label in range(3):
        one, other = table.of(label), whole.of(label)
        mine = sorted(zip(one.sizes, one.sides, strict=True))
        assert [pair for pair in mine if pair[0]] == [
            pair for pair in sorted(zip(other.sizes, other.sides, strict=True)) if pair[0]
        ]


@pytest.mark.parametrize("name", ["v.zarr", "v.h5", "v.tif", "v.npy"])
def test_slab_by_slab_gives_the_numbers_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Sums of the same floats in another order: equal to rounding."""
    volume = some_volume()
    write_volume(volume, tmp_path / name)
    image = open_image(tmp_path / name)
    # five planes of 25 bytes a voxel
    monkeypatch.setattr(slabs, "LARGEST_SLAB", 5 * 25 * 24 * 28)
    assert [len(slab) for slab in slabs._slabs(image)][:2] == [5, 5]
    found, whole = measure_in_slabs(image), measure(volume, Roles((), (), ()))
    for pair, area in whole.interface_area.items():
        assert found.interface_area[pair].value == pytest.approx(area.value, rel=1e-12)
    for triple, line in whole.triple_line.items():
        assert found.triple_line[triple].value == pytest.approx(line.value, rel=1e-12)
    for name_of_phase in volume.phases:
        assert found.volume_fraction[name_of_phase].value == whole.volume_fraction[name_of_phase].value
        assert found.largest_cluster[name_of_phase].value == whole.largest_cluster[name_of_phase].value
        assert found.closed_fraction[name_of_phase].value == whole.closed_fraction[name_of_phase].value
        for along in range(3):
            mine, other = (each.percolating_fraction[name_of_phase][along].value for each in (found, whole))
            assert mine == other


def measured(path: Path, *words: str) -> Any:
    done = CliRunner().invoke(app, ["measure", str(path), *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_command_measures_what_does_not_fit_and_says_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = some_volume()
    write_volume(volume, tmp_path / "v.zarr")
    whole = measured(tmp_path / "v.zarr")
    # the whole needs 33 bytes a voxel of 28,224, some 931 kB
    with_memory(monkeypatch, 600_000)
    assert not fits(open_image(tmp_path / "v.zarr"))
    found = measured(tmp_path / "v.zarr")
    assert found["percolating_fraction"] == whole["percolating_fraction"]
    assert found["interface_area_per_volume_per_m"] == pytest.approx(whole["interface_area_per_volume_per_m"])
    assert found["utilisation"] is None
    (note,) = found["notes"]
    assert "without particles, utilisation" in note
    assert "--coarsen 2" in note
    coarse = measured(tmp_path / "v.zarr", "--coarsen", "2")
    assert coarse["utilisation"] is not None


def test_planes_that_do_not_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_volume(some_volume(), tmp_path / "v.zarr")
    with_memory(monkeypatch, 50_000)
    with pytest.raises(InputError, match="--coarsen"):
        measure_in_slabs(open_image(tmp_path / "v.zarr"))
