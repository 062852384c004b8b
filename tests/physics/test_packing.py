"""Packed spheres and generated volumes: exact limits, random close packing, and what pressing leaves."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.microstructure.additions import THINNEST_CHAIN, Aggregates, add_filler
from percolyte.microstructure.aggregates import grow_aggregates
from percolyte.microstructure.clusters import connected
from percolyte.microstructure.densification import composite_porosity, pressed_porosity
from percolyte.microstructure.distances import distance_inside
from percolyte.microstructure.pack import Microstructure, Packed, pack, redraw
from percolyte.microstructure.powders import ConstantSize, LognormalSizes, SizeShare, SizeTable, draw, largest, median
from percolyte.microstructure.pressing import press, take_out
from percolyte.microstructure.scene import LABELS, Population, Scene
from percolyte.microstructure.shapes import Drawing, Ellipsoids, Polycrystals, Polyhedra, Spheres
from percolyte.microstructure.spheres import SpherePacking, disperse_spheres, pack_spheres
from percolyte.transport.voxels import conduct

UM = 1e-6
FIVE = Spheres(sizes=ConstantSize(diameter=5 * UM))
TWO = Spheres(sizes=ConstantSize(diameter=2 * UM))
COMPOSITE = {"active": 0.45, "electrolyte": 0.4, "carbon": 0.02, "binder": 0.01, "coating": 0.02}


@cache
def equal_spheres(density: float, number: int = 1500) -> SpherePacking:
    edge = (number * math.pi / 6.0 / density) ** (1.0 / 3.0)
    centres = np.random.default_rng(1).random((number, 3)) * edge
    return pack_spheres(np.full(number, 0.5), (edge, edge, edge), centres=centres)


def small(fractions: dict[str, float] | None = None, seed: int = 1, size: float = 20 * UM, **look: Any) -> Packed:
    """A cube of 40 voxels on a side."""
    microstructure = Microstructure(**{"active": FIVE, "electrolyte": TWO, **look})
    return pack(COMPOSITE if fractions is None else fractions, microstructure, (size, size, size), size / 40, seed)


def gaps(packing: SpherePacking) -> NDArray[np.float64]:
    """Distance of every two spheres over their diameter (equal spheres), by all pairs."""
    apart = packing.centres[:, None, :] - packing.centres[None, :, :]
    apart -= np.round(apart / packing.box) * packing.box
    distance = np.linalg.norm(apart, axis=2)[np.triu_indices(len(apart), 1)]
    return np.asarray(distance / (2.0 * packing.radii[0]))


def test_below_random_close_packing_no_sphere_overlaps_another() -> None:
    packing = equal_spheres(0.58)
    assert packing.density == pytest.approx(0.58, rel=1e-12)
    # a contact counts as touching at an overlap of 0.1 % of the radius on average, so that the worst may be a few times that
    assert gaps(packing).min() > 0.995
    assert packing.overlap < 1e-3


def test_the_contacts_are_those_that_all_pairs_show() -> None:
    packing = equal_spheres(0.66)
    touching = gaps(packing)
    assert packing.coordination == pytest.approx(2.0 * np.count_nonzero(touching < 1.0) / len(packing.radii), abs=0.05)
    assert packing.overlap == pytest.approx(np.mean(1.0 - touching[touching < 1.0]), rel=0.02)


def test_at_random_close_packing_a_sphere_has_six_contacts() -> None:
    """Isostatic: C. S. O'Hern et al., Phys. Rev. E 68 (2003) 011306; six at jamming, and growing as a root above."""
    below, above = equal_spheres(0.60).coordination, equal_spheres(0.645).coordination
    # rattlers, some 2 to 5 % of the spheres, have none; a root of the distance to jamming adds up to 0.7 at 0.645
    assert 5.7 < above < 6.8
    assert below < 5.7


def test_the_overlap_beyond_random_close_packing_says_where_it_lies() -> None:
    """Bernal and Mason 1960: 64 vol%; the third power of the shrinkage by the mean overlap gives it back."""
    packing = equal_spheres(0.68)
    # the mean overlap counts contacts that jamming does not have, and undershoots by a third
    assert packing.density * (1.0 - packing.overlap) ** 3 == pytest.approx(0.64, abs=0.015)


def test_spheres_of_very_different_sizes_keep_apart_too() -> None:
    random = np.random.default_rng(3)
    radii = np.concatenate([np.full(20, 1.0), np.full(3000, 0.1)])
    edge = (4.0 / 3.0 * math.pi * np.sum(radii**3) / 0.5) ** (1.0 / 3.0)
    packing = pack_spheres(radii, (edge, edge, edge), centres=random.random((len(radii), 3)) * edge)
    apart = packing.centres[:20, None, :] - packing.centres[None, :, :]
    apart -= np.round(apart / edge) * edge
    distance = np.linalg.norm(apart, axis=2) - radii[:20, None] - radii
    distance[np.arange(20), np.arange(20)] = 1.0
    assert distance.min() > -0.01 * 0.1


def test_walls_hold_spheres_inside_and_open_axes_wrap_around() -> None:
    random = np.random.default_rng(4)
    packing = pack_spheres(np.full(200, 0.5), (6.0, 6.0, 6.0), centres=random.random((200, 3)) * 6.0, periodic=False)
    assert packing.centres[:, 0].min() > 0.495
    assert packing.centres[:, 0].max() < 5.505
    assert packing.centres[:, 1].min() < 0.5


@pytest.mark.parametrize(
    "sizes",
    [
        ConstantSize(diameter=3 * UM),
        LognormalSizes(d50=3 * UM, spread=1.5),
        SizeTable(sizes=(SizeShare(diameter=3 * UM, share=0.7), SizeShare(diameter=8 * UM, share=0.3))),
    ],
)
def test_drawn_particles_have_the_volume_and_the_median_that_was_asked(sizes: Any) -> None:
    volume = (60 * UM) ** 3
    radii = draw(sizes, volume, np.random.default_rng(1))
    volumes = 4.0 / 3.0 * math.pi * radii**3
    assert np.sum(volumes) == pytest.approx(volume, rel=1e-12)
    order = np.argsort(radii)
    middle = radii[order][np.searchsorted(np.cumsum(volumes[order]), 0.5 * volume)]
    # thousands of particles; a whole number of them is scaled by less than 1 %
    assert 2.0 * middle == pytest.approx(median(sizes), rel=0.01)
    assert 2.0 * radii.max() <= 1.01 * largest(sizes)


def test_the_spread_is_the_root_of_d84_over_d16() -> None:
    radii = np.sort(draw(LognormalSizes(d50=3 * UM, spread=1.5), (60 * UM) ** 3, np.random.default_rng(1)))
    share = np.cumsum(radii**3) / np.sum(radii**3)
    d16, d84 = (radii[np.searchsorted(share, part)] for part in (0.1587, 0.8413))
    # cutting the tails at two standard deviations narrows it by 4 %
    assert math.sqrt(d84 / d16) == pytest.approx(1.5, rel=0.05)


@pytest.mark.parametrize(
    "shape",
    [
        Ellipsoids(sizes=ConstantSize(diameter=20.0 * UM), elongation=2.0, flatness=1.5),
        Polyhedra(sizes=ConstantSize(diameter=20.0 * UM), faces=8),
        Polyhedra(sizes=ConstantSize(diameter=20.0 * UM), faces=30),
    ],
)
def test_a_particle_of_any_shape_has_the_volume_of_its_sphere(shape: Any) -> None:
    drawing = Drawing((80, 80, 80), (0.5 * UM,) * 3, (True, True, True))
    drawing.particles(shape, np.full((1, 3), 20.0 * UM), np.full(1, 10.0 * UM), 1.0, 1, seed=2)
    volume = np.count_nonzero(drawing.best < 1.0) * (0.5 * UM) ** 3
    # 2 %: the staircase of 40 voxels a diameter, and 2000 rays for the volume of a polyhedron
    assert volume == pytest.approx(math.pi / 6.0 * (20.0 * UM) ** 3, rel=0.02)


def test_every_volume_fraction_is_met_to_the_voxel() -> None:
    packed = small()
    voxels = packed.volume.labels.size
    for phase, fraction in COMPOSITE.items():
        assert packed.fractions[phase] == pytest.approx(fraction, abs=1.0 / voxels)
    assert sum(packed.fractions.values()) == pytest.approx(1.0, abs=1e-12)


def test_the_limits_of_the_recipe_are_exact() -> None:
    assert small({"electrolyte": 1.0}).fractions == {"electrolyte": 1.0}
    assert small({}).fractions == {"void": 1.0}
    assert small({"active": 0.5}).fractions == {"void": 0.5, "active": 0.5}
    assert "void" not in small({"active": 0.5, "electrolyte": 0.5}).fractions


def test_one_particle_is_one_sphere() -> None:
    size, diameter = 20 * UM, 8 * UM
    packed = small(
        {"active": math.pi / 6.0 * (diameter / size) ** 3}, active=Spheres(sizes=ConstantSize(diameter=diameter))
    )
    assert packed.particle_numbers == {"active": 1, "electrolyte": 0}
    at = np.argwhere(packed.volume.labels == 1) * packed.volume.voxel[0]
    # nearest images to one of its voxels, which are then whole
    at = at[0] + (at - at[0] + size / 2) % size - size / 2
    reach = np.linalg.norm(at - at.mean(axis=0), axis=1).max()
    # the furthest voxel centre lies within half a diagonal of the surface
    assert reach == pytest.approx(0.5 * diameter, abs=0.87 * packed.volume.voxel[0])


def test_the_same_seed_gives_the_same_volume_and_another_seed_another() -> None:
    first, again, other = small(), small(), small(seed=2)
    assert np.array_equal(first.volume.labels, again.volume.labels)
    assert np.array_equal(first.particles, again.particles)
    assert not np.array_equal(first.volume.labels, other.volume.labels)


def test_particles_drawn_on_their_own_voxels_again_are_the_same_volume() -> None:
    look: dict[str, Any] = {
        "carbon": {"kind": "fibres", "diameter": 1 * UM, "length": 5 * UM},
        "shell": 0.2,
        "seams": "open",
    }
    packed = small(**look)
    again = redraw(packed.placed, packed.volume.voxel[0])
    assert np.array_equal(again.volume.labels, packed.volume.labels)
    assert np.array_equal(again.particles, packed.particles)


def test_particles_lie_where_they_lay_on_finer_voxels() -> None:
    """One in ten voxels of the coarser image, those at the surfaces, may tell otherwise."""
    packed = small({"active": 0.45, "electrolyte": 0.4})
    finer = redraw(packed.placed, 0.5 * packed.volume.voxel[0])
    assert finer.volume.labels.shape == (80, 80, 80)
    assert finer.fractions == pytest.approx(packed.fractions, abs=1e-5)
    middles = finer.particles[::2, ::2, ::2], packed.particles
    assert np.mean(middles[0] == middles[1]) > 0.8
    active = finer.volume.mask("active").reshape(40, 2, 40, 2, 40, 2).mean(axis=(1, 3, 5))
    assert np.mean((active > 0.5) == packed.volume.mask("active")) > 0.95


def test_opposite_faces_fit_together() -> None:
    labels = small(size=40 * UM).volume.labels
    for axis in range(3):
        turned = np.moveaxis(labels, axis, 0)
        across = np.mean(turned[0] == turned[-1])
        inside = np.mean(turned[:-1] == turned[1:])
        # strangers agree on 0.45² + 0.4² + ... = 37 % of their voxels; neighbours of one particle on far more
        assert across == pytest.approx(inside, abs=0.08)


def test_particles_are_numbered_and_each_is_of_one_phase() -> None:
    packed = small()
    last = packed.particle_numbers["active"]
    assert set(np.unique(packed.volume.labels[(packed.particles > 0) & (packed.particles <= last)])) == {1}
    assert set(np.unique(packed.volume.labels[packed.particles > last])) == {2}
    assert np.all(packed.particles[np.isin(packed.volume.labels, [1, 2])] > 0)


def test_a_gradient_follows_the_thickness() -> None:
    look = Microstructure(active=Spheres(sizes=ConstantSize(diameter=3 * UM)), electrolyte=TWO, gradient=0.5)
    packed = pack({"active": 0.4, "electrolyte": 0.5}, look, (60 * UM, 30 * UM, 30 * UM), UM, 1)
    active = packed.volume.labels == 1
    middle = (np.arange(6) + 0.5) / 6
    profile = active.reshape(6, 10, 30, 30).mean(axis=(1, 2, 3))
    slope = np.polyfit(middle[1:-1], profile[1:-1], 1)[0]
    # 750 particles scatter around the slope asked, and the walls turn them away
    assert slope == pytest.approx(0.4 * 2 * 0.5, rel=0.25)
    assert packed.fractions["active"] == pytest.approx(0.4, abs=1e-5)


def test_a_coating_lies_on_the_active_material_and_a_shell_around_the_electrolyte() -> None:
    labels = small({"active": 0.4, "coating": 0.05, "electrolyte": 0.4}).volume.labels
    beside = np.zeros_like(labels, dtype=bool)
    for axis in range(3):
        for way in (1, -1):
            beside |= np.roll(labels == 1, way, axis)
    assert np.mean(beside[labels == 5]) > 0.9
    packed = small({"electrolyte": 0.85}, electrolyte=FIVE, shell=0.3)
    assert packed.fractions["shell"] == pytest.approx(0.3 * 0.85, abs=1e-4)
    outside = np.zeros_like(beside)
    for axis in range(3):
        for way in (1, -1):
            outside |= np.roll(packed.particles, way, axis) != packed.particles
    # half of the voxels of a particle 10 voxels across lie at its surface, so that a shell of 30 % is among them
    assert np.mean(outside[packed.volume.labels == 6]) > 0.95


def test_a_shell_also_lies_between_its_particle_and_the_active_material() -> None:
    packed = small({"active": 0.4, "electrolyte": 0.45}, electrolyte=FIVE, shell=0.6)
    labels = packed.volume.labels
    faces = np.zeros((256, 256))
    for axis in range(3):
        np.add.at(faces, (labels, np.roll(labels, 1, axis)), 1.0)
        np.add.at(faces, (labels, np.roll(labels, -1, axis)), 1.0)
    active, core, shell = (LABELS[name] for name in ("active", "electrolyte", "shell"))
    assert faces[active, shell] > 20.0 * faces[active, core]
    thin = small({"active": 0.4, "electrolyte": 0.45}, shell=0.1)
    assert "shells of some 0.035 um are thinner than a voxel" in " ".join(thin.warnings)


def test_fibres_are_long_where_particles_of_carbon_are_not() -> None:
    from scipy import ndimage

    def longest(form: dict[str, Any]) -> float:
        packed = small({"active": 0.4, "electrolyte": 0.4, "carbon": 0.01}, size=20 * UM, carbon=form)
        parts, number = ndimage.label(packed.volume.labels == 3, np.ones((3, 3, 3)))
        return float(np.median([np.linalg.norm(np.ptp(np.argwhere(parts == k + 1), axis=0)) for k in range(number)]))

    fibres = longest({"kind": "fibres", "diameter": "0.5 um", "length": "8 um"})
    particles = longest({"kind": "particles", "diameter": "0.5 um"})
    assert particles < 2.0
    assert fibres > 6.0  # voxels of 0.5 um: of a fibre of 16, part is cut off by the faces of the cube


def test_aggregates_touch_without_overlap_and_have_the_dimension_of_aggregation_by_diffusion() -> None:
    """Number of spheres as radius of gyration^1.8; 40 aggregates a size leave the slope to 0.1, once in 3 of them."""
    random = np.random.default_rng(1)
    radii = []
    for generations in (4, 5, 6, 7):
        centres, touching = grow_aggregates(40, generations, random)
        ends = np.take_along_axis(centres[:, None], touching.transpose(0, 2, 1)[..., None], axis=2)
        assert np.linalg.norm(ends[:, 0] - ends[:, 1], axis=-1) == pytest.approx(1.0, abs=1e-9)
        apart = np.linalg.norm(centres[0][:, None] - centres[0], axis=-1)[~np.eye(2**generations, dtype=bool)]
        assert apart.min() > 1.0 - 1e-9
        radii.append(np.sqrt(np.mean(np.sum(centres**2, axis=-1))))
    slope = np.polyfit(np.log(radii), np.log(2.0 ** np.arange(4, 8)), 1)[0]
    assert slope == pytest.approx(1.8, abs=0.15)
    pair, _ = grow_aggregates(1, 1, random)
    assert np.linalg.norm(pair[0], axis=1) == pytest.approx(0.5)


def test_an_aggregate_on_voxels_is_in_one_piece() -> None:
    for seed in range(3):
        scene = Scene(np.zeros((60, 60, 60), np.uint8), UM, (True, True, True), np.random.default_rng(seed))
        spheres = 32 * np.pi / 6.0 * THINNEST_CHAIN**3
        add_filler(scene, "carbon", Aggregates(diameter=0.1 * UM, primaries=32), spheres / 60**3)
        # in one of eight images no side cuts it
        carbon = connected(np.tile(scene.labels == LABELS["carbon"], (2, 2, 2))).of(1)
        assert carbon.sizes.max() == pytest.approx(spheres, rel=0.02)


def test_aggregates_lead_through_where_round_particles_do_not() -> None:
    def leads(form: dict[str, Any]) -> float:
        packed = small({"active": 0.3, "electrolyte": 0.5, "carbon": 0.12}, size=20 * UM, carbon=form)
        return connected(packed.volume.mask("carbon")).of(1).percolating_fraction(0)

    assert leads({"kind": "aggregates", "diameter": "0.5 um", "primaries": 32}) > 0.5
    assert leads({"kind": "particles", "diameter": "0.5 um"}) == 0.0


def test_films_of_binder_lie_nearer_to_contacts_than_patches() -> None:
    from scipy import ndimage

    def neighbours(form: dict[str, Any]) -> float:
        """Active particles within two voxels of a voxel of binder, on average."""
        packed = small({"active": 0.5, "electrolyte": 0.3, "binder": 0.01}, binder=form)
        count = np.zeros(packed.particles.shape)
        for k in range(1, packed.particle_numbers["active"] + 1):
            count += ndimage.binary_dilation(packed.particles == k, iterations=2)
        return float(np.mean(count[packed.volume.labels == 4]))

    assert neighbours({"kind": "films"}) > 1.9
    assert neighbours({"kind": "patches", "diameter": "1 um"}) < 1.9


def test_channels_run_straight_along_the_thickness() -> None:
    channels = {"kind": "channels", "diameter": "5 um", "share": 1.0}
    labels = small({"active": 0.3, "electrolyte": 0.3}, skeleton=channels).volume.labels
    channel = np.all(labels == 2, axis=0)
    # all electrolyte is in them; the last plane of voxels is cut where the count ends
    assert np.mean(channel) == pytest.approx(0.3, abs=0.01)
    void = {"kind": "channels", "of": "void", "diameter": "5 um", "share": 0.5}
    labels = small({"active": 0.4, "electrolyte": 0.3}, skeleton=void).volume.labels
    assert np.mean(np.all(labels == 0, axis=0)) == pytest.approx(0.15, abs=0.01)


def test_round_pores_are_as_large_as_asked() -> None:
    from scipy import ndimage

    packed = small({"electrolyte": 0.98}, pores={"diameter": "4 um"})
    parts, number = ndimage.label(packed.volume.labels == 0)
    largest_part = np.bincount(parts.ravel())[1:].max() * packed.volume.voxel[0] ** 3
    # five pores of 2 vol% together; two may have met, and one may be cut by the faces of the cube
    assert 1 <= number <= 10
    assert largest_part == pytest.approx(math.pi / 6.0 * (4 * UM) ** 3, rel=0.25)


def slab(wetted: bool) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Labels around a plate whose middle is the periodic side of axis 1, and whose voxels are, with 50 % of electrolyte."""
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[:, [0, 1, 28, 29]] = LABELS["active"] if wetted else LABELS["reserved"]
    scene = Scene(labels, UM / 5, (True, True, True), np.random.default_rng(1))
    places = np.array([(x, y, z) for x in (1.5, 4.5) for y in (1.9, 4.1) for z in (1.5, 4.5)]) * UM
    owner = press(scene, scene.count(0.5), 0, Population(TWO, places, np.full(8, UM), 1, 1), NOBODY, seams_open=False)
    return scene.labels, owner


NOBODY = Population(TWO, np.empty((0, 3)), np.empty(0), 1, 1)


def test_electrolyte_flows_along_a_rigid_surface_first_and_alike_on_both_sides_of_the_periodic_box() -> None:
    (plain, _), (wet, owner) = slab(wetted=False), slab(wetted=True)
    soft = LABELS["electrolyte"]
    assert np.count_nonzero(wet == soft) == np.count_nonzero(plain == soft) == round(0.5 * wet.size)
    assert np.array_equal(owner > 0, wet == soft)
    near, bare = np.mean(wet[:, [2, 27]] == soft), np.mean(plain[:, [2, 27]] == soft)
    assert near > bare + 0.1
    # a last tie between mirror images goes to one of them
    assert np.count_nonzero((wet != wet[:, ::-1]) & (wet > 0)) <= 8


def test_particles_taken_out_have_their_volume_within_half_a_particle() -> None:
    radii = np.geomspace(0.5, 2.0, 200) * UM
    everyone = Population(TWO, np.arange(600.0).reshape(200, 3), radii, 7, 1)
    whole = 4.0 / 3.0 * math.pi * np.sum(radii**3)
    for share in (0.0, 0.25, 1.0):
        left, out = take_out(everyone, share * whole, np.random.default_rng(1))
        assert len(left.radii) + len(out.radii) == 200
        assert not np.isin(out.centres[:, 0], left.centres[:, 0]).any()
        volume = 4.0 / 3.0 * math.pi * np.sum(out.radii**3)
        assert volume == pytest.approx(share * whole, abs=2.0 / 3.0 * math.pi * radii.max() ** 3)


def test_pockets_are_of_composites_only_and_as_wide_as_an_electrolyte_particle() -> None:
    composite = small({"active": 0.35, "electrolyte": 0.5}, size=24 * UM)
    alone = small({"electrolyte": 0.85}, size=24 * UM)
    # the widest ball of void: of a whole particle where one is missing, 2 um, and of a gap between three elsewhere
    widest = [2.0 * distance_inside(each.volume.mask("void"), each.volume.voxel).max() for each in (composite, alone)]
    assert widest[0] > 1.8 * UM
    assert widest[1] < 1.8 * UM


def test_open_seams_keep_apart_what_met_only_by_flowing() -> None:
    """Two particles in a row of rigid ones with room between them: joined by flow, or by a contact pressed before."""

    def joined(gap: float, seams_open: bool) -> bool:
        labels = np.zeros((60, 20, 20), np.uint8)
        labels[:, :2] = labels[:, :, :2] = LABELS["active"]
        scene = Scene(labels, UM, (False, False, False), np.random.default_rng(1))
        centres = np.array([[22.0 - 0.5 * gap, 11.0, 11.0], [38.0 + 0.5 * gap, 11.0, 11.0]]) * UM
        soft = Population(TWO, centres, np.full(2, 8.0) * UM, 1, 1)
        missing = soft.chosen(np.zeros(2, bool))
        press(scene, 9500, 0, soft, missing, seams_open=seams_open)
        _, number = scipy.ndimage.label(scene.labels == LABELS["electrolyte"])
        return bool(number == 1)

    assert [joined(4.0, seams_open) for seams_open in (False, True)] == [True, False]
    assert [joined(-4.0, seams_open) for seams_open in (False, True)] == [True, True]


def test_without_void_all_seams_close() -> None:
    opened, closed = (
        small({"active": 0.4, "electrolyte": 0.6}, size=16 * UM, seams=seams).volume.labels
        for seams in ("open", "closed")
    )
    assert np.array_equal(opened, closed)


def test_open_seams_keep_the_fractions_and_hinder_ions_where_electrolyte_is_scarce() -> None:
    """Electrons do not know of them."""
    closed, opened = (
        small({"active": 0.52, "electrolyte": 0.26}, size=20 * UM, electrolyte=FIVE, seams=seams)
        for seams in ("closed", "open")
    )
    assert opened.fractions == closed.fractions
    assert np.array_equal(opened.volume.mask("active"), closed.volume.mask("active"))
    ions = [conduct(packed.volume, {"electrolyte": 1.0}, errors=False) for packed in (closed, opened)]
    assert ions[1].effective_conductivity < 0.8 * ions[0].effective_conductivity


def test_dispersed_particles_touch_none_of_their_neighbours() -> None:
    edge = (800 * math.pi / 6.0 / 0.5) ** (1.0 / 3.0)
    centres = np.random.default_rng(1).random((800, 3)) * edge
    packing = disperse_spheres(np.full(800, 0.5), (edge, edge, edge), centres=centres, seed=1)
    assert gaps(packing).min() > 1.0
    # the hard-sphere fluid by Carnahan and Starling (1969): neighbours at contact, and so in a thin shell of 2 %
    density = 0.5
    contact = (1.0 - density / 2.0) / (1.0 - density) ** 3
    expected = 24.0 * density * contact * 0.02 * (1.0 - 5.0 * density * 0.02)
    within = 2.0 * np.count_nonzero(gaps(packing) < 1.02) / 800
    # a thousand pairs scatter by 3 %; the pair function falls steeply from contact, over 2 % by a tenth
    assert within == pytest.approx(expected, rel=0.15)


def test_the_pores_of_a_scaffold_are_as_wide_as_asked() -> None:
    def width(pore: float) -> float:
        look = Microstructure(active=TWO, electrolyte=TWO, skeleton={"kind": "scaffold", "pore": pore})
        labels = pack({"electrolyte": 0.5}, look, (60 * UM,) * 3, UM, 1).volume.labels
        changes = sum(np.count_nonzero(np.diff(labels.astype(int), axis=axis)) for axis in range(3))
        return 3.0 * labels.size * UM / changes

    # a line crosses the zeros of waves of length 2 w at random angles 1/(sqrt(3) w) times per length (S. O. Rice, 1945);
    # 10 % as the waves scatter by 20 % in length and only some 10 pores fit along an edge
    assert width(6 * UM) == pytest.approx(math.sqrt(3.0) * 6 * UM, rel=0.1)
    assert width(10 * UM) > width(6 * UM)


def test_grains_fill_their_particles_and_no_others() -> None:
    packed = small(
        {"active": 0.4, "electrolyte": 0.4}, active=Polycrystals(sizes=ConstantSize(diameter=8 * UM), grain=3 * UM)
    )
    assert packed.grains is not None
    active = packed.volume.labels == 1
    assert np.all(packed.grains[active] > 0)
    assert np.all(packed.grains[~active] == 0)
    for grain in np.unique(packed.grains[active]):
        assert len(np.unique(packed.particles[packed.grains == grain])) == 1


def test_one_edge_stands_for_three_and_text_for_none() -> None:
    look = Microstructure(active=FIVE, electrolyte=TWO)
    assert pack({"active": 0.3, "electrolyte": 0.3}, look, size=10 * UM, voxel=UM).volume.labels.shape == (10, 10, 10)
    for wrong in ({"size": "20 um", "voxel": UM}, {"size": 20 * UM, "voxel": "1 um"}):
        with pytest.raises(InputError, match=r"write for example 0\.5e-6"):
            pack({"active": 0.3, "electrolyte": 0.3}, look, **wrong)  # type: ignore[arg-type]


def refusal(fractions: dict[str, float], **look: Any) -> str:
    with pytest.raises(InputError) as caught:
        small(fractions, **look)
    return str(caught.value)


def test_what_cannot_be_packed_is_said_with_its_reason() -> None:
    assert "72 vol% of active material cannot be packed" in refusal({"active": 0.72, "electrolyte": 0.2})
    assert "vol% together" in refusal({"active": 0.6, "electrolyte": 0.5})
    assert "microstructure.active: particles of up to 15 um need edges of at least twice that" in refusal(
        {"active": 0.4}, active=Spheres(sizes=ConstantSize(diameter=15 * UM))
    )
    assert "microstructure.electrolyte: the size of the particles is missing" in refusal(
        {"electrolyte": 0.4}, electrolyte=None
    )
    assert "write at most 0.28" in refusal({"active": 0.5, "electrolyte": 0.4}, gradient=0.5)
    assert "particles are more than" in refusal(
        {"electrolyte": 0.9}, electrolyte=Spheres(sizes=ConstantSize(diameter=5e-9))
    )
    assert "foil cannot be placed" in refusal({"foil": 0.1})
    assert "microstructure.pores: pores of 30 um need edges of at least twice that" in refusal(
        {"electrolyte": 0.8}, pores={"diameter": "30 um"}
    )
    assert "needs active material" in refusal({"coating": 0.1, "electrolyte": 0.5})


def test_a_wide_distribution_of_sizes_packs_more_densely_than_equal_spheres() -> None:
    two = SizeTable(sizes=(SizeShare(diameter=5 * UM, share=0.7), SizeShare(diameter=1.2 * UM, share=0.3)))
    assert small({"active": 0.72}, active=Spheres(sizes=two)).placed.overlap < 0.01


def test_porosity_falls_with_pressure_from_the_loose_powder_to_nothing() -> None:
    assert pressed_porosity(0.0, 0.5, 2e8) == 0.5
    assert pressed_porosity(2e8, 0.5, 2e8) == pytest.approx(0.5 / math.e, rel=1e-12)
    assert composite_porosity(0.1, 0.0) == 0.1
    assert composite_porosity(0.1, 0.5) == 0.1
    # active material alone is left at random close packing
    assert composite_porosity(0.0, 1.0) == pytest.approx(0.36, abs=1e-12)
