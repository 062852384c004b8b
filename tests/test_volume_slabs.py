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
from percolyte.microstructure.distances import distance_inside
from percolyte.microstructure.files import open_image, write_volume
from percolyte.microstructure.image import Image
from percolyte.microstructure.measure import measure
from percolyte.microstructure.networks import Roles
from percolyte.microstructure.particles import separate
from percolyte.microstructure.slab_particles import SlabParticles
from percolyte.microstructure.slabs import fits, measure_in_slabs, slab_volume
from percolyte.microstructure.volume import Volume
from percolyte.report.measures import measures_text


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
    assert [len(slab) for slab in slabs._slabs(slab_volume(image), slabs.WORK)][:2] == [5, 5]
    found, whole = measure_in_slabs(slab_volume(image), Roles((), (), ())), measure(volume, Roles((), (), ()))
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


def composite(seed: int, planes: int = 42) -> Volume:
    """Void, electrolyte, active material, coating and carbon, with particles of many sizes across many slabs."""
    fields = [
        ndimage.gaussian_filter(np.random.default_rng(10 * seed + place).normal(size=(planes, 24, 28)), width)
        for place, width in enumerate((2.5, 1.0))
    ]
    labels = np.digitize(fields[0], np.quantile(fields[0], [0.15, 0.5])).astype(np.uint8)
    labels[(labels == 1) & (fields[1] > np.quantile(fields[1], 0.6))] = 3
    labels[(labels == 0) & (fields[1] < np.quantile(fields[1], 0.3))] = 4
    phases = {"void": 0, "electrolyte": 1, "active": 2, "coating": 3, "carbon": 4}
    return Volume(labels, (1e-6, 2e-6, 1.5e-6), phases, "measured", "a test")


ROLES = Roles(("active",), ("electrolyte", "coating"), ("active", "carbon"))


@pytest.mark.parametrize("planes", [4, 5, 9, 21])
@pytest.mark.parametrize("seed", range(4))
def test_phases_together_and_utilisation_are_those_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, seed: int, planes: int
) -> None:
    volume = composite(seed)
    monkeypatch.setattr(slabs, "LARGEST_SLAB", planes * (slabs.WORK + slabs.WORK_ON_PARTICLES + 1) * 24 * 28)
    monkeypatch.setattr(slabs, "AROUND", 1)
    for axis in range(3):
        whole = measure(volume, ROLES, axis)
        found = measure_in_slabs(slab_volume(Image(volume.labels, "a test", volume.voxel, volume.phases)), ROLES, axis)
        assert whole.utilisation is not None
        assert found.utilisation is not None
        assert found.utilisation.value == whole.utilisation.value
        assert "utilisation" in measures_text(found)
        assert {name: share.value for name, share in found.percolation.items()} == {
            name: share.value for name, share in whole.percolation.items()
        }


@pytest.mark.parametrize("planes", [1, 2, 5, 42])
def test_particles_told_apart_in_slabs_have_the_volumes_of_those_of_the_whole(planes: int) -> None:
    """In the same order too, as tops are numbered through the volume."""
    volume = composite(1)
    mask = volume.mask("active")
    distance = np.pad(distance_inside(mask, volume.voxel), [(1, 1), (0, 0), (0, 0)])
    found = SlabParticles(volume.voxel)
    for start in range(0, len(mask), planes):
        none = np.full(mask[start : start + planes].shape, -1, dtype=np.int32)
        found.add(distance[start : start + planes + 2], [none, none])
    counts = np.bincount(separate(mask, volume.voxel).ravel())[1:]
    assert list(found.sizes()) == list(counts)


def test_particles_deeper_than_the_memory_leave_utilisation_out(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.full((60, 24, 28), 2, dtype=np.uint8)
    labels[::59], labels[:, 0] = 1, 0
    image = Image(labels, "a test", (1e-6,) * 3, {"void": 0, "electrolyte": 1, "active": 2})
    with_memory(monkeypatch, 700_000)
    found = measure_in_slabs(slab_volume(image), Roles(("active",), ("electrolyte",), ("active",)))
    assert found.utilisation is None
    assert found.percolation["electrons"].value == 0.0
    assert "without particles, utilisation" in found.notes[0]


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
    assert found["utilisation"] == whole["utilisation"]
    assert found["carrier_percolating_fraction"] == whole["carrier_percolating_fraction"]
    assert found["active_area_per_volume_per_m"] is None
    (note,) = found["notes"]
    assert "without particle sizes, active area" in note
    assert "--coarsen 2" in note
    coarse = measured(tmp_path / "v.zarr", "--coarsen", "2")
    assert coarse["utilisation"] is not None


def test_planes_that_do_not_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_volume(some_volume(), tmp_path / "v.zarr")
    with_memory(monkeypatch, 50_000)
    with pytest.raises(InputError, match="--coarsen"):
        measure_in_slabs(slab_volume(open_image(tmp_path / "v.zarr")), Roles((), (), ()))
