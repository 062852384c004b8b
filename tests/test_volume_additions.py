"""Phases added to an imported volume: how much, where, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from percolyte.cli import app
from percolyte.errors import InputError
from percolyte.microstructure.distances import two_nearest
from percolyte.microstructure.files import read_volume
from percolyte.microstructure.imported import Added, add, addition_from
from percolyte.microstructure.volume import Volume

VOXEL = 1e-7
Bools = NDArray[np.bool_]


def volume_of(active: Bools, **others: Bools) -> Volume:
    """Active material in void, with other phases from label 2 on."""
    labels = active.astype(np.uint8)
    for label, mask in enumerate(others.values(), start=2):
        labels[mask] = label
    phases = {"void": 0, "active": 1} | {name: label for label, name in enumerate(others, start=2)}
    return Volume(labels, (VOXEL,) * 3, phases, "measured", "drawn")


def plane(height: int = 8) -> Volume:
    active = np.zeros((20, 30, 30), dtype=bool)
    active[:height] = True
    return volume_of(active)


def from_centre(*centre: float, shape: tuple[int, int, int] = (60, 60, 60)) -> NDArray[np.float64]:
    """Distance of each voxel's centre to a point, in voxels."""
    return np.asarray(np.sqrt(sum((at + 0.5 - c) ** 2 for at, c in zip(np.indices(shape), centre, strict=True))))


def two_spheres() -> Volume:
    """Of 12 voxels radius, touching in the middle of the volume."""
    return volume_of((from_centre(30, 30, 18) < 12.2) | (from_centre(30, 30, 42) < 12.2))


def grains(edge: int = 48) -> Volume:
    """Spheres of 6 voxels radius at random, which overlap in part."""
    active = np.zeros((edge,) * 3, dtype=bool)
    for centre in np.random.default_rng(3).random((55, 3)) * edge:
        active |= from_centre(*centre, shape=active.shape) < 6.0
    return volume_of(active)


def added(volume: Volume, *texts: str, seed: int = 1) -> Added:
    return add(volume, [addition_from(text) for text in texts], seed)


def refusal(volume: Volume, *texts: str) -> str:
    with pytest.raises(InputError) as caught:
        added(volume, *texts)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "coating=3.3 %",
        "carbon=2.7 %",
        "carbon=2 %; kind=fibres; diameter=150 nm; length=2 um",
        "binder=1.2 %",
        "binder=1.2 %; kind=patches; diameter=0.3 um",
        "electrolyte=31 %",
        "electrolyte=17 %; kind=infiltration",
    ],
)
def test_every_volume_fraction_is_met_to_the_voxel_and_taken_from_the_void_alone(text: str) -> None:
    volume = grains()
    found = added(volume, text)
    addition = addition_from(text)
    assert addition.fraction is not None
    assert found.volume.fractions[addition.phase] == pytest.approx(addition.fraction, abs=0.5 / volume.labels.size)
    assert found.fractions[addition.phase] == found.volume.fractions[addition.phase]
    changed = found.volume.labels != volume.labels
    assert np.all(volume.labels[changed] == 0)
    assert np.array_equal(changed, found.volume.mask(addition.phase))


def test_several_additions_find_their_shares_beside_each_other() -> None:
    found = added(
        grains(), "coating=2 %", "carbon=1 %", "carbon=1 %; kind=fibres; length=4 um", "binder=1 %", "electrolyte=20 %"
    )
    for phase, share in {"coating": 0.02, "carbon": 0.02, "binder": 0.01, "electrolyte": 0.2}.items():
        # two roundings for carbon, which is added twice
        assert found.volume.fractions[phase] == pytest.approx(share, abs=1.0 / found.volume.labels.size)
    assert sum(found.volume.fractions.values()) == pytest.approx(1.0, abs=1e-12)


def test_a_phase_may_fill_the_room_to_the_last_voxel() -> None:
    volume = plane()
    assert added(volume, "electrolyte=60 %").volume.phases == {"active": 1, "electrolyte": 2}


@pytest.mark.parametrize(
    ("thickness", "layers"),
    [("20 nm", [0.2]), ("0.1 um", [1.0]), ("150 nm", [1.0, 0.5]), ("0.3 um", [1.0, 1.0, 1.0])],
)
def test_a_coating_of_a_plane_has_its_thickness_exactly(thickness: str, layers: list[float]) -> None:
    coating = added(plane(), f"coating={thickness}").volume.mask("coating")
    profile = coating.mean(axis=(1, 2))
    assert profile[8 : 8 + len(layers)].tolist() == pytest.approx(layers, abs=1e-12)
    assert np.count_nonzero(coating) == round(sum(layers) * 900)


@pytest.mark.parametrize("thickness", [1.0, 2.0, 3.0, 8.0])
def test_a_coating_of_a_sphere_ends_at_its_thickness_to_the_voxel(thickness: float) -> None:
    away = from_centre(30, 30, 30)
    coating = added(volume_of(away < 15.0), f"coating={thickness * 0.1:g} um").volume.mask("coating")
    assert away[coating].max() - 15.0 < thickness + 1.0
    assert away[~coating & (away >= 15.0)].min() - 15.0 > thickness - 1.0
    shell = 4.0 / 3.0 * np.pi * ((15.0 + thickness) ** 3 - 15.0**3)
    # distances are to centres of voxels; the farther away, the more centres on the curved surface may be the nearest one
    error = 0.12 if thickness <= 3.0 else 0.25
    assert np.count_nonzero(coating) == pytest.approx(shell, abs=error * 4.0 * np.pi * (15.0 + thickness) ** 2)


def test_a_coating_thinner_than_a_voxel_has_the_volume_of_area_times_thickness_and_says_so() -> None:
    away = from_centre(30, 30, 30)
    found = added(volume_of(away < 20.0), "coating=10 nm")
    # the area of a sphere of 20 voxels radius is good to 1 %, that without the correction for stairs to 50 %
    assert np.count_nonzero(found.volume.mask("coating")) == pytest.approx(0.1 * 4.0 * np.pi * 20.0**2, rel=0.02)
    assert away[found.volume.mask("coating")].max() < 21.0
    assert len(found.notes) == 1
    assert "thinner than a voxel of 0.1 um" in found.notes[0]
    assert not added(volume_of(away < 20.0), "coating=0.1 um").notes


def test_a_thin_coating_favours_no_side() -> None:
    away = from_centre(30, 30, 30)
    coating = np.argwhere(added(volume_of(away < 20.0), "coating=30 nm").volume.mask("coating"))
    # the mean of some 1500 points on a sphere of 20 voxels radius scatters by 20 / sqrt(3) / sqrt(1500) = 0.3 voxels
    assert np.abs(coating.mean(axis=0) - 29.5).max() < 1.2


def test_films_of_binder_sit_in_the_neck() -> None:
    films = np.argwhere(added(two_spheres(), "binder=0.2 %").volume.mask("binder")) - 29.5
    assert len(films) == 432
    # two spheres of radius R leave a gap of 2 z at √(2 R z) from the axis: 432 voxels fill it up to the radius 8, where z = 2.7
    assert np.abs(films[:, 2]).max() < 2.7
    assert np.hypot(films[:, 0], films[:, 1]).max() < 8.5


def test_patches_of_binder_lie_anywhere_on_the_surface() -> None:
    patches = added(two_spheres(), "binder=0.2 %; kind=patches; diameter=0.3 um").volume.mask("binder")
    nearest = np.minimum(from_centre(30, 30, 18), from_centre(30, 30, 42))[patches]
    assert nearest.max() < 12.2 + 3.0
    assert np.ptp(np.argwhere(patches)[:, 2]) > 40


def test_the_two_nearest_parts_are_those_that_all_pairs_show() -> None:
    random = np.random.default_rng(0)
    parts = np.where(random.random((9, 10, 11)) < 0.04, random.integers(1, 6, (9, 10, 11)), 0).astype(np.int32)
    voxel = (1.0, 2.0, 1.5)
    places, owners = np.argwhere(parts) * voxel, parts[parts > 0]
    apart = np.linalg.norm(np.argwhere(parts >= 0)[:, None] * voxel - places, axis=2)
    by_part = np.sort([apart[:, owners == part].min(axis=1) for part in np.unique(owners)], axis=0)
    for found, expected in zip(two_nearest(parts, voxel, 5.0), by_part, strict=False):
        near = expected <= 5.0
        assert np.count_nonzero(near) > 500
        assert found.ravel()[near] == pytest.approx(expected[near], rel=1e-6)  # single precision
        assert np.all(np.isinf(found.ravel()[~near]))


def test_there_is_no_second_part_where_there_is_one() -> None:
    parts = np.ones((4, 4, 4), dtype=np.int32)
    nearest, second = two_nearest(parts, (1.0, 1.0, 1.0), 10.0)
    assert np.all(nearest == 0.0)
    assert np.all(np.isinf(second))


def test_infiltration_comes_from_its_side_and_leaves_closed_pores_empty() -> None:
    active = np.zeros((20, 20, 20), dtype=bool)
    active[8:16, 8:16, 8:16] = True
    active[10:14, 10:14, 10:14] = False
    volume = volume_of(active)
    from_separator = added(volume, "electrolyte=30 %; kind=infiltration").volume.mask("electrolyte")
    # 30 % of 20 planes are six: the front is flat before it meets the block
    assert np.array_equal(from_separator.mean(axis=(1, 2)), np.repeat([1.0, 0.0], [6, 14]))
    from_collector = added(volume, "electrolyte=15 %; kind=infiltration; side=collector").volume.mask("electrolyte")
    assert np.array_equal(from_collector.mean(axis=(1, 2)), np.repeat([0.0, 1.0], [17, 3]))
    said = refusal(volume, "electrolyte=94 %; kind=infiltration")
    assert "'void' is 93.6 %, as far as it is open to the separator" in said


def test_electrolyte_wets_the_active_material_and_leaves_the_widest_pores() -> None:
    away = from_centre(30, 30, 30)
    electrolyte = added(volume_of(away < 15.0), "electrolyte=20 %").volume.mask("electrolyte")
    outer = (15.0**3 + 0.2 * 60**3 / (4.0 / 3.0 * np.pi)) ** (1.0 / 3.0)
    assert away[electrolyte].max() == pytest.approx(outer, abs=1.0)


def test_a_phase_goes_on_and_into_the_phases_that_are_named() -> None:
    slab = np.zeros((20, 30, 30), dtype=bool)
    active, sulfide, glass = slab.copy(), slab.copy(), slab.copy()
    active[:5], sulfide[5:10], glass[10:15] = True, True, True
    volume = volume_of(active, LPSCl=sulfide, glass=glass)
    coating = added(volume, "LiNbO3=0.1 um; on=glass; into=LPSCl, void").volume.mask("LiNbO3")
    assert np.flatnonzero(coating.all(axis=(1, 2))).tolist() == [9, 15]
    assert np.count_nonzero(coating) == 2 * 900


def test_substances_of_the_library_lie_as_what_they_are() -> None:
    assert added(plane(), "LiNbO3=20 nm", "Li6PS5Cl=20 %").volume.phases["Li6PS5Cl"] == 2
    assert addition_from("LiNbO3=20 nm").shape == addition_from("coating=20 nm").shape
    assert addition_from("Li6PS5Cl=20 %").shape == addition_from("electrolyte=20 %").shape
    assert addition_from("PTFE=1 %").shape == addition_from("binder=1 %").shape


def test_the_seed_decides_and_nothing_else() -> None:
    texts = ("coating=20 nm", "carbon=1 %; kind=fibres; length=1 um", "binder=1 %")
    first, again, other = (added(grains(), *texts, seed=seed).volume.labels for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_new_phase_takes_no_label_of_another() -> None:
    labels = plane().labels * np.uint8(3)
    volume = Volume(labels, (VOXEL,) * 3, {"void": 0, "active": 3}, "measured", "drawn")
    found = added(volume, "carbon=1 %", "coating=1 %").volume
    assert found.phases == {"void": 0, "active": 3, "carbon": 1, "coating": 5}
    assert found.fractions["active"] == volume.fractions["active"]
    full = Volume(
        np.arange(256, dtype=np.uint8).reshape(4, 8, 8), (VOXEL,) * 3, {f"p{k}": k for k in range(256)}, "measured", ""
    )
    assert "no label is left for 'carbon'" in refusal(full, "carbon=1 %; into=p0")


def test_more_of_a_phase_joins_what_there_is() -> None:
    once = added(grains(), "carbon=1 %").volume
    twice = added(once, "carbon=1 %")
    size = once.labels.size
    assert twice.volume.fractions["carbon"] == pytest.approx(0.02, abs=1.0 / size)
    assert twice.fractions["carbon"] == pytest.approx(0.01, abs=0.5 / size)


def test_the_origin_says_what_was_added() -> None:
    found = added(grains(), "carbon=2 %", "coating=0.2 um", seed=7).volume
    assert found.source == "drawn, with carbon 2 %, coating 0.2 um added (seed 7)"
    assert found.origin == "assumed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("carbon=2 %; into=pore", "no phase 'pore' in this volume; it has 'void', 'active'; write into=NAME"),
        ("coating=20 nm; on=activ", "no phase 'activ' in this volume; it has 'void', 'active'; write on=NAME"),
        ("coating=20 nm; on=activ", "did you mean 'active'?"),
        ("carbon=2 %; into=carbon", "'carbon' is the phase that is added"),
        ("carbon=70 %", "asks for 70 % of the volume, and 'void' is 60 %"),
        ("carbon=0.00001 %", "is less than one of 18000 voxels"),
        ("carbon=0 %", "0 % adds nothing"),
        ("carbon=-2 %", "'-2 %' is too small"),
        ("carbon=120 %", "'120 %' is too large"),
        ("coating=0 nm", "'0 nm' is too small"),
        ("coating=20", "'20' has no unit; write a share such as '2 %' or a thickness such as '20 nm'"),
        ("carbon=20 nm", "is the thickness of a layer, and particles have none"),
        ("carbon=2 %; kind=fibre", "'fibre' is not one of"),
        ("carbon=2 %; diametre=20 nm", "did you mean 'diameter'?"),
        ("carbon=2 %; fibres", "'fibres' is not FIELD=VALUE"),
        ("carbon", "is not NAME=AMOUNT"),
        ("carbon; kind=films", "is not NAME=AMOUNT"),
        ("carbon=2 %; kind=films; kind=layer", "'kind' is written twice"),
        ("dust=2 %; diameter=1 um", "how it lies is not known from its name; write kind="),
        ("dust=2 %", "how it lies is not known from its name"),
        ("binder=1 %", "films lie between two particles, and 'active' is one; take kind=patches"),
        ("coating=20 nm; on=void; into=void", "'void' cannot be what it lies on and what it replaces"),
        (
            "electrolyte=2 um",
            "2 um is too thick: 'void' ends 1.2 um from the surface; write 1.2 um or less, or a share",
        ),
        (
            "carbon=2 %; diameter=1.5 um",
            "particles of 1.5 um are wider than half the volume; write diameter=1 um or less",
        ),
        (
            "carbon=2 %; diameter=0.9 nm",
            "are below a hundredth of a voxel; write diameter=0.001 um or more, or kind=films",
        ),
        ("carbon=2 %; kind=fibres", "fibres of 6 um are longer than the volume; write length=3 um or less"),
        ("carbon=2 %; kind=fibres; diameter=0.5 um; length=0.2 um", "are shorter than their diameter of 0.5 um"),
    ],
)
def test_what_cannot_be_added_is_refused_with_what_to_write(text: str, said: str) -> None:
    assert said in refusal(plane(), text)


def test_a_surface_that_no_free_voxel_touches_is_refused() -> None:
    active, shell = np.zeros((20, 20, 20), dtype=bool), np.zeros((20, 20, 20), dtype=bool)
    active[8:12, 8:12, 8:12] = True
    shell[6:14, 6:14, 6:14] = True
    volume = volume_of(active, electrolyte=shell & ~active)
    assert "'active' touches no 'void'" in refusal(volume, "coating=20 nm")
    coating = added(volume, "coating=0.1 um; into=void,electrolyte").volume.mask("coating")
    assert np.all(volume.labels[coating] == volume.phases["electrolyte"])
    # a cube of 4 voxels has 96 faces, of which the rounded edges count for less
    assert 48 < np.count_nonzero(coating) <= 96


def test_particles_that_leave_on_one_side_come_in_on_the_other() -> None:
    active = np.zeros((40, 40, 40), dtype=bool)
    active[20, 20, 20] = True
    carbon = added(volume_of(active), "carbon=20 %; diameter=1 um").volume.mask("carbon")
    for axis in range(3):
        turned = np.moveaxis(carbon, axis, 0)
        # strangers agree on 0.2² + 0.8² = 68 % of their voxels, neighbours within spheres of 10 voxels on some 94 %
        assert np.mean(turned[0] == turned[-1]) > 0.85


def test_binder_lies_on_the_coating_of_active_material() -> None:
    volume = grains()
    bare = added(volume, "binder=1 %; kind=patches; diameter=0.2 um").volume.mask("binder")
    coated = added(volume, "coating=0.2 um", "binder=1 %; kind=patches; diameter=0.2 um").volume
    beside = np.zeros_like(bare)
    for axis in range(3):
        for way in (1, -1):
            beside |= np.roll(coated.mask("coating"), way, axis)
    assert np.count_nonzero(coated.mask("binder")) == np.count_nonzero(bare)
    assert np.mean(beside[coated.mask("binder")]) > 0.5
    assert "name what covers it in on=" in refusal(volume, "coating=0.3 um", "binder=1 %; kind=patches; on=active")


def test_every_problem_of_all_additions_is_said_at_once() -> None:
    said = refusal(plane(), "carbon=2 %; into=pore", "coating=20 nm; on=NMC")
    assert "carbon: no phase 'pore'" in said
    assert "coating: no phase 'NMC'" in said


def test_every_absurd_size_of_all_additions_is_said_at_once() -> None:
    said = refusal(
        plane(), "carbon=2 %; kind=fibres; diameter=9 um; length=7 um", "binder=1 %; kind=patches; diameter=5 um"
    )
    assert said.startswith("drawn: 4 problems")


def test_a_coating_is_thinner_than_the_particles_and_as_thick_as_they_are_still_drawn() -> None:
    sphere = volume_of(from_centre(30, 30, 30) < 8.2)
    assert "the largest particle has a radius of 0.7" in refusal(sphere, "coating=1.2 um")
    assert added(sphere, "coating=0.7 um").fractions["coating"] > 0.0
    assert added(sphere, "electrolyte=1.2 um").fractions["electrolyte"] > 0.0


def test_voxels_that_are_no_cubes_are_refused_with_the_way_out() -> None:
    slices = Volume(plane().labels, (VOXEL, VOXEL, 2 * VOXEL), {"void": 0, "active": 1}, "measured", "drawn")
    assert "--resample '0.1 um'" in refusal(slices, "carbon=1 %")


def test_a_surface_needs_active_material_or_a_name() -> None:
    volume = Volume(plane().labels, (VOXEL,) * 3, {"void": 0, "grey": 1}, "measured", "drawn")
    assert "write on=, followed by one of 'void', 'grey'" in refusal(volume, "coating=20 nm")
    assert added(volume, "coating=0.1 um; on=grey").fractions["coating"] == pytest.approx(0.05, abs=1e-12)


def test_the_command_adds_and_says_what(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", grains().labels)
    words = ["--voxel", "0.1 um", "--phases", "void=0,active=1", "--add", "coating=20 nm", "--add", "carbon=2 %"]
    out = tmp_path / "out.tif"
    done = CliRunner().invoke(app, ["volume", str(tmp_path / "v.npy"), *words, "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["added_volume_fraction"]["carbon"] == pytest.approx(0.02, abs=1e-5)
    assert "thinner than a voxel" in found["warnings"][0]
    assert "added: carbon 2 vol%" in done.stderr
    assert read_volume(out).phases == {"void": 0, "active": 1, "coating": 5, "carbon": 3}
