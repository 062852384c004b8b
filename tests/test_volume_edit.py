"""Editing a volume: the grid and the labels change, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.microstructure.edit import (
    coarsen,
    crop,
    merge,
    permute,
    ranges_from,
    refine,
    relabel,
    remove_specks,
    resample,
    rotate,
)
from percolyte.microstructure.volume import Volume

VOXEL = (1e-6, 2e-6, 3e-6)


def some_volume(shape: tuple[int, int, int] = (6, 8, 10)) -> Volume:
    labels = np.random.default_rng(1).integers(0, 3, shape).astype(np.uint8)
    return Volume(labels, VOXEL, {"void": 0, "active": 1, "electrolyte": 2}, "measured", "random voxels")


def test_a_crop_holds_the_voxels_of_its_ranges() -> None:
    volume = some_volume()
    part = crop(volume, ranges_from("1:3, :, 4:"))
    assert np.array_equal(part.labels, volume.labels[1:3, :, 4:])


@pytest.mark.parametrize("text", ["0:7, :, :", "3:3, :, :", ":, :", "4, :, :", "a:b, :, :", "-1:3, :, :"])
def test_a_range_that_is_not_in_the_volume_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        crop(some_volume(), ranges_from(text))


def test_axes_in_another_order_take_their_voxel_lengths_along() -> None:
    volume = permute(some_volume(), (2, 0, 1))
    assert volume.labels.shape == (10, 6, 8)
    assert volume.voxel == (3e-6, 1e-6, 2e-6)
    assert np.array_equal(permute(volume, (1, 2, 0)).labels, some_volume().labels)


def test_a_range_from_behind_is_not_said_to_leave_the_volume() -> None:
    with pytest.raises(InputError, match="the range 5:2 of axis 0 holds nothing; write for example 0:6"):
        crop(some_volume(), ranges_from("5:2, :, :"))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_four_quarter_turns_are_none_and_one_swaps_the_edges(axis: int) -> None:
    volume = some_volume()
    once = rotate(volume, axis)
    assert once.size[axis] == volume.size[axis]
    assert sorted(once.size) == sorted(volume.size)
    assert once.size != volume.size
    again = rotate(once, axis, 3)
    assert np.array_equal(again.labels, volume.labels)
    assert again.voxel == volume.voxel


def test_coarsening_undoes_refining() -> None:
    volume = some_volume()
    again = coarsen(refine(volume, 3), 3)
    assert np.array_equal(again.labels, volume.labels)
    assert again.voxel == pytest.approx(volume.voxel)


def test_coarsening_favours_no_phase_where_blocks_are_evenly_divided() -> None:
    """Half of every block is of each phase: each phase gets half of the blocks."""
    labels = np.zeros((16, 16, 16), dtype=np.uint8)
    labels[::2] = 1
    coarse = coarsen(Volume(labels, VOXEL, {"a": 0, "b": 1}, "assumed", "plates"), 2)
    assert coarse.fractions == {"a": 0.5, "b": 0.5}


def test_cubic_voxels_keep_the_edges_and_the_fractions() -> None:
    """Voxels of 1 x 2 x 3 µm become cubes of 1 µm without loss."""
    volume = some_volume()
    cubic = resample(volume, 1e-6)
    assert cubic.labels.shape == (6, 16, 30)
    assert cubic.size == pytest.approx(volume.size)
    assert cubic.fractions == pytest.approx(volume.fractions)


def test_other_labels_and_merged_phases() -> None:
    volume = some_volume()
    swapped = relabel(volume, {"active": 2, "electrolyte": 1})
    assert np.array_equal(swapped.mask("active"), volume.mask("active"))
    solid = merge(volume, ["active", "electrolyte"], "solid")
    assert solid.phases == {"void": 0, "solid": 1}
    assert np.array_equal(solid.mask("solid"), volume.mask("active", "electrolyte"))


def test_a_speck_takes_the_phase_around_it_and_larger_parts_stay() -> None:
    labels = np.full((9, 9, 9), 2, dtype=np.uint8)
    labels[:, :, 6:] = 0
    labels[2, 2, 2] = 1
    labels[5:7, 5:7, 2:4] = 1
    labels[4, 4, 8] = 1
    cleaned = remove_specks(Volume(labels, VOXEL, {"void": 0, "a": 1, "e": 2}, "measured", ""), 8)
    assert cleaned.labels[2, 2, 2] == 2
    assert cleaned.labels[4, 4, 8] == 0
    assert np.count_nonzero(cleaned.mask("a")) == 8


def test_a_volume_that_is_one_speck_stays() -> None:
    labels = np.ones((2, 2, 2), dtype=np.uint8)
    assert np.array_equal(remove_specks(Volume(labels, VOXEL, {"a": 1}, "measured", ""), 100).labels, labels)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda volume: permute(volume, (0, 0, 1)),
        lambda volume: rotate(volume, 3),
        lambda volume: coarsen(volume, 7),
        lambda volume: coarsen(volume, 0),
        lambda volume: refine(volume, 0),
        lambda volume: refine(volume, 100_000),
        lambda volume: resample(volume, 1e-12),
        lambda volume: resample(volume, 0.0),
        lambda volume: resample(volume, 1.0),
        lambda volume: relabel(volume, {"active": 2}),
        lambda volume: relabel(volume, {"active": 256}),
        lambda volume: relabel(volume, {"carbon": 5}),
        lambda volume: merge(volume, [], "solid"),
        lambda volume: merge(volume, ["active"], "void"),
    ],
)
def test_what_makes_no_volume_is_refused(wrong: Callable[[Volume], Volume]) -> None:
    with pytest.raises(InputError):
        wrong(some_volume())
