"""Measures of volumes against geometry: planes, spheres, channels and networks whose numbers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from percolyte.errors import InputError
from percolyte.microstructure.clusters import Clusters, connected
from percolyte.microstructure.distances import distance_inside, path_lengths
from percolyte.microstructure.edit import permute
from percolyte.microstructure.interfaces import interface_areas, triple_lines
from percolyte.microstructure.measure import Reach, measure, measure_reach, measure_widths, representative_error
from percolyte.microstructure.networks import Networks, Roles, roles_of
from percolyte.microstructure.particles import particle_sizes, separate
from percolyte.microstructure.sizes import chord_lengths, spheres
from percolyte.microstructure.volume import Lengths, Volume

UNIT: Lengths = (1.0, 1.0, 1.0)
Mask = NDArray[np.bool_]


def ball(shape: tuple[int, int, int], radius: float, centre: tuple[float, ...], voxel: Lengths = UNIT) -> Mask:
    """Voxels whose centre lies in a sphere; `centre` is measured from the middle."""
    places = np.indices(shape).reshape(3, -1).T + 0.5 - np.array(shape) / 2
    away = places * np.array(voxel) - np.array(centre)
    inside: Mask = (np.linalg.norm(away, axis=1) < radius).reshape(shape)
    return inside


def volume_with(labels: NDArray[np.uint8], voxel: Lengths = (1e-6, 1e-6, 1e-6), **phases: int) -> Volume:
    return Volume(labels, voxel, phases, "assumed", "a test")


# areas and lines


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_area_of_a_plane_along_the_grid_is_exact(axis: int) -> None:
    labels = np.zeros((9, 10, 11), dtype=np.uint8)
    labels.swapaxes(0, axis)[:4] = 1
    voxel = (1.0, 2.0, 0.5)
    area = math.prod(length * h for d, (length, h) in enumerate(zip((9, 10, 11), voxel, strict=True)) if d != axis)
    assert interface_areas(labels, 2, voxel)[0, 1] == pytest.approx(area, rel=1e-12)


@pytest.mark.parametrize("normal", [(2, 1, 0), (1, 1, 1), (1, 2, 3), (0.3, 0.2, 1), (5, 1, 0)])
def test_the_area_of_an_oblique_plane_is_within_2_percent(normal: tuple[float, float, float]) -> None:
    """The stated error of the local normal in a window of three voxels."""
    n = np.array(normal) / np.linalg.norm(normal)
    places = np.indices((48, 48, 48)) - 23.5
    labels = (np.tensordot(n, places, 1) > 0.3).astype(np.uint8)
    steepest = int(np.argmax(n))
    footprint = np.count_nonzero(np.diff(labels.astype(np.int8), axis=steepest))
    assert interface_areas(labels, 2, UNIT)[0, 1] == pytest.approx(footprint / n[steepest], rel=0.02)


@pytest.mark.parametrize(("radius", "tolerance"), [(3, 0.03), (5, 0.025), (10, 0.01), (20, 0.005)])
def test_the_area_of_a_sphere_converges(radius: int, tolerance: float) -> None:
    """The staircase alone is 50 % too large at every radius."""
    labels = ball((2 * radius + 8,) * 3, radius, (0.2, -0.3, 0.1)).astype(np.uint8)
    assert interface_areas(labels, 2, UNIT)[0, 1] == pytest.approx(4 * math.pi * radius**2, rel=tolerance)


def test_the_area_of_a_sphere_of_flat_voxels_is_that_of_the_sphere() -> None:
    """16 voxels of half the height across the radius, 8 of the whole: the coarser direction limits to 2 %."""
    labels = ball((24, 24, 44), 8.0, (0.2, -0.3, 0.1), (1.0, 1.0, 0.5)).astype(np.uint8)
    assert interface_areas(labels, 2, (1.0, 1.0, 0.5))[0, 1] == pytest.approx(4 * math.pi * 64, rel=0.02)


def test_the_line_where_a_plane_meets_a_sphere_is_a_circle() -> None:
    """In the plane of the grid the staircase is 27 % too long; obliquely to it the tangent is good to 5 %."""
    shape, radius = (40, 40, 40), 15.0
    sphere = ball(shape, radius, (0.2, -0.3, 0.1))
    height = np.indices(shape) - 19.5
    for half, tolerance in ((height[0] > 0, 0.01), (height[0] + 0.7 * height[1] - 0.4 * height[2] > 0, 0.05)):
        classes = np.where(sphere, 1, np.where(half, 2, 0)).astype(np.uint8)
        lines = triple_lines(classes, 3, UNIT)
        assert lines[0, 1, 2] == lines.sum()
        assert lines.sum() == pytest.approx(2 * math.pi * radius, rel=tolerance)


def test_areas_and_lines_scale_with_the_voxel() -> None:
    labels = np.random.default_rng(0).integers(0, 3, (12, 12, 12)).astype(np.uint8)
    one, three = (interface_areas(labels, 3, (h, h, h)) for h in (1.0, 3.0))
    assert three == pytest.approx(9.0 * one)
    assert triple_lines(labels, 3, (3.0, 3.0, 3.0)) == pytest.approx(3.0 * triple_lines(labels, 3, UNIT))


# distances, ways and widths


@pytest.mark.parametrize("voxel", [UNIT, (1e-6, 2e-6, 5e-7)])
def test_distances_are_those_of_scipy(voxel: Lengths) -> None:
    mask = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(20, 25, 30)), 2) > 0
    expected = ndimage.distance_transform_edt(mask, sampling=voxel)
    assert distance_inside(mask, voxel) == pytest.approx(expected, rel=1e-6)


def test_a_full_volume_is_infinitely_far_from_an_edge() -> None:
    assert np.isinf(distance_inside(np.ones((3, 4, 5), dtype=np.bool_), UNIT)).all()


def test_the_way_through_an_open_volume_is_straight() -> None:
    lengths = path_lengths(np.ones((30, 6, 7), dtype=np.bool_), (2.0, 1.0, 1.0), 0)
    assert lengths[-1] == pytest.approx(59.0)


def test_the_way_through_a_narrow_channel_is_its_length() -> None:
    """One voxel wide, with right angles: 4 along axis 0, 8 across, 5 along axis 0."""
    mask = np.zeros((10, 10, 3), dtype=np.bool_)
    mask[:5, 1, 1] = mask[4, 1:10, 1] = mask[4:, 9, 1] = True
    lengths = path_lengths(mask, UNIT, 0)
    assert lengths[9, 9, 1] == pytest.approx(0.5 + 4 + 8 + 5)
    assert np.isinf(lengths[~mask]).all()


def test_the_way_around_corners_is_nearly_euclidean() -> None:
    """From one opening to another in a room of 19 x 39: first order, up to 5 % too long, never shorter."""
    mask = np.ones((40, 40, 3), dtype=np.bool_)
    for wall, opening in ((0, 39), (20, 0), (39, 39)):
        mask[wall] = False
        mask[wall, opening] = True
    exact = 0.5 + math.hypot(20, 39) + math.hypot(19, 39)
    assert exact <= path_lengths(mask, UNIT, 0)[39, 39, 1] <= 1.05 * exact


def test_the_width_of_a_gap_is_right_to_half_a_voxel_and_so_is_its_bottleneck() -> None:
    """A gap of 9 voxels with a neck of 3 near its entrance; widths are right to half a voxel, β = (3.5/9.5)²."""
    labels = np.zeros((60, 15, 20), dtype=np.uint8)
    labels[:, 3:12] = 1
    labels[4:8] = 0
    labels[4:8, 6:9] = 1
    gap = labels == 1
    within, entering = spheres(gap, UNIT, 0)
    assert within.distribution().quantile(0.5) == 9.5
    assert entering.distribution().quantile(0.5) == 3.5
    found = measure_widths(volume_with(labels, wall=0, gap=1), "gap")
    assert found.constriction.value == pytest.approx((3.5 / 9.5) ** 2)
    assert found.median.value == pytest.approx(9.5e-6)


def test_a_straight_channel_has_no_constriction_and_a_closed_one_lets_nothing_in() -> None:
    labels = np.zeros((20, 12, 12), dtype=np.uint8)
    labels[:, 3:9, 3:9] = 1
    assert measure_widths(volume_with(labels, wall=0, pore=1), "pore").constriction.value == pytest.approx(1.0)
    labels[0] = 0
    assert measure_widths(volume_with(labels, wall=0, pore=1), "pore").constriction.value == 0.0


def test_wide_phases_are_measured_in_blocks_to_one_block() -> None:
    """A gap of 40 voxels is measured in blocks of several voxels."""
    mask = np.zeros((16, 60, 16), dtype=np.bool_)
    mask[:, 10:50] = True
    assert spheres(mask, UNIT, 0)[0].distribution().quantile(0.5) == pytest.approx(40.0, abs=6.0)


def test_a_volume_without_an_edge_has_no_width() -> None:
    found = measure_widths(volume_with(np.ones((8, 8, 8), dtype=np.uint8), a=1), "a")
    assert math.isnan(found.median.value)
    assert math.isnan(found.constriction.value)


def test_chords_of_a_gap_are_its_width_and_cut_ones_do_not_count() -> None:
    mask = np.zeros((6, 12, 6), dtype=np.bool_)
    mask[:, 3:8] = True
    assert chord_lengths(mask, (1.0, 2.0, 1.0), 1).quantile(0.5) == 10.0
    assert len(chord_lengths(mask, UNIT, 0).diameters) == 0


def test_the_mean_chord_is_four_volumes_over_the_surface() -> None:
    """4 V / S = 4 R / 3 for a sphere; the voxels' edge is good to 2 % at 20 voxels of radius."""
    found = chord_lengths(ball((48, 48, 48), 20.0, (0.2, 0.1, 0.3)), UNIT, 1)
    by_number = np.diff(found.cumulative, prepend=0.0) / found.diameters
    assert 1.0 / by_number.sum() == pytest.approx(4 * 20.0 / 3, rel=0.02)


# particles and networks


def test_touching_spheres_are_two_particles_of_their_size() -> None:
    mask = ball((32, 32, 60), 11.0, (0, 0, -11.2)) | ball((32, 32, 60), 9.0, (0, 0, 8.2))
    particles = separate(mask, UNIT)
    assert particles.max() == 2
    assert particle_sizes(particles, UNIT).diameters == pytest.approx([18.0, 22.0], rel=0.01)


def test_spheres_that_overlap_by_most_of_their_radius_are_one_particle() -> None:
    mask = ball((32, 32, 60), 11.0, (0, 0, -3)) | ball((32, 32, 60), 9.0, (0, 0, 4))
    assert separate(mask, UNIT).max() == 1


def test_a_rod_and_a_rough_block_are_one_particle() -> None:
    rod = np.zeros((50, 20, 20), dtype=np.bool_)
    rod[:] = ball((1, 20, 20), 6.3, (0, 0.2, 0.4))
    assert separate(rod, UNIT).max() == 1
    assert separate(np.ones((5, 6, 7), dtype=np.bool_), UNIT).max() == 1


def test_particles_cut_by_a_side_are_left_out_and_large_ones_count_more() -> None:
    """In 40³ a cube of 20 is whole in 20³ of 40³ places: weight 8; one of 10 in 30³: weight 64/27."""
    mask = np.zeros((40, 40, 40), dtype=np.bool_)
    mask[2:22, 2:22, 2:22] = True
    mask[28:38, 28:38, 28:38] = True
    mask[30:40, :5, :5] = True
    found = particle_sizes(separate(mask, UNIT), UNIT)
    assert len(found.diameters) == 2
    small, large = 10**3 * 64 / 27, 20**3 * 8
    assert found.cumulative[0] == pytest.approx(small / (small + large))


def clusters(mask: Mask) -> Clusters:
    return connected(mask).of(1)


def two_particles() -> NDArray[np.uint8]:
    """Two blocks of active material between electrolyte on the left; the second touches only an enclosed part of it."""
    labels = np.zeros((12, 12, 12), dtype=np.uint8)
    labels[:, :3] = 2
    labels[:, 3:6] = 1
    labels[:, 7:11] = 1
    labels[5:7, 11] = 2
    return labels


def test_a_particle_that_no_ion_reaches_is_dead() -> None:
    """Active: 12·3·12 voxels beside the percolating electrolyte, 12·4·12 beside an enclosed piece of it."""
    volume = volume_with(two_particles(), void=0, active=1, electrolyte=2)
    networks = Networks(volume, roles_of(volume), 0)
    assert networks.utilisation == pytest.approx(3 / 7)
    assert networks.dead[:, 7:11].all()
    assert not networks.dead[:, :7].any()
    found = measure(volume, roles_of(volume))
    assert found.utilisation is not None
    assert found.active_area is not None
    assert found.active_area.value == pytest.approx(144e-12 / 1728e-18)
    assert found.percolation["ions"].value == pytest.approx(36 * 12 / (36 * 12 + 24))


def test_active_material_that_no_electron_reaches_is_dead_until_carbon_does() -> None:
    labels = two_particles()
    labels[5, 3:6] = 0
    volume = volume_with(labels, void=0, active=1, electrolyte=2)
    assert Networks(volume, Roles(("active",), ("electrolyte",), ("active",)), 0).utilisation == 0.0
    labels[5, 5] = 3
    bridged = volume_with(labels, void=0, active=1, electrolyte=2, carbon=3)
    networks = Networks(bridged, roles_of(bridged), 0)
    assert networks.electronic.percolating_fraction(0) == 1.0
    assert networks.utilisation == pytest.approx(33 / (33 + 48))


def test_voxels_that_share_an_edge_are_not_connected() -> None:
    mask = np.zeros((4, 4, 1), dtype=np.bool_)
    mask[[0, 1, 2, 3], [0, 1, 2, 3]] = True
    assert clusters(mask).percolating_fraction(0) == 0.0
    mask[[1, 2, 3], [0, 1, 2]] = True
    assert clusters(mask).percolating_fraction(0) == 1.0


def test_a_closed_pore_touches_no_side() -> None:
    mask = np.zeros((9, 9, 9), dtype=np.bool_)
    mask[4, 4, 4] = mask[0, 0, 0] = mask[8, 2, 2:4] = True
    assert clusters(mask).closed_fraction == 0.25
    assert clusters(mask).largest_fraction == 0.5


def test_the_parts_of_every_phase_are_those_of_scipy() -> None:
    labels = random_volume().labels
    found = connected(labels)
    for label in range(3):
        expected, count = ndimage.label(labels == label)
        mine = found.number[labels == label]
        assert len(np.unique(mine)) == count
        assert len(np.unique(mine + 10**6 * expected[labels == label])) == count
        assert sorted(found.of(label).sizes[found.labels == label]) == sorted(np.bincount(expected.ravel())[1:])


def test_parts_have_their_share_of_a_plane_and_none_of_what_lies_between_them() -> None:
    """A plane at a quarter of the height, 8 x 8 faces for each of the four lower parts, and a plane in the cut."""
    labels = np.zeros((16, 16, 16), dtype=np.uint8)
    labels[4:] = 1
    labels[8:] = 2
    found = measure(volume_with(labels, (1.0, 1.0, 1.0), a=0, b=1, c=2), Roles((), (), ()))
    assert found.interface_area["a", "b"].parts == pytest.approx((64 / 512,) * 4 + (0.0,) * 4)
    assert found.interface_area["b", "c"].value == pytest.approx(256 / 4096)
    assert found.interface_area["b", "c"].parts == (0.0,) * 8


# the whole


def random_volume() -> Volume:
    field = ndimage.gaussian_filter(np.random.default_rng(3).normal(size=(40, 44, 48)), 2.5)
    labels = np.digitize(field, np.quantile(field, [0.2, 0.6])).astype(np.uint8)
    return volume_with(labels, (1e-6, 1e-6, 1e-6), void=0, electrolyte=1, active=2)


def test_axes_in_another_order_change_no_measure() -> None:
    volume = random_volume()
    one = measure(volume, roles_of(volume), axis=0)
    other = measure(permute(volume, (1, 2, 0)), roles_of(volume), axis=2)
    assert one.utilisation is not None
    assert other.utilisation is not None
    assert other.utilisation.value == pytest.approx(one.utilisation.value, abs=0.01)  # ties at necks fall otherwise
    for pair, area in one.interface_area.items():
        assert other.interface_area[pair].value == pytest.approx(area.value, rel=1e-6)
    assert other.geodesic_tortuosity["ions"].value == pytest.approx(one.geodesic_tortuosity["ions"].value, rel=2e-3)
    assert other.percolating_fraction["void"][1].value == one.percolating_fraction["void"][2].value


def test_every_number_that_depends_on_the_size_carries_its_sub_volumes() -> None:
    volume = random_volume()
    found = measure(volume, roles_of(volume))
    fraction = found.volume_fraction["active"]
    assert len(fraction.parts) == 8
    assert np.mean(fraction.parts) == pytest.approx(fraction.value, rel=1e-12)
    area = found.interface_area["electrolyte", "active"]
    assert area.error == pytest.approx(np.std(area.parts, ddof=1) / math.sqrt(8))
    assert found.utilisation is not None
    assert len(found.utilisation.parts) == 8


@pytest.mark.parametrize("grain", [1, 4])
def test_the_error_of_a_fraction_is_that_of_independent_grains(grain: int) -> None:
    """σ² = φ (1 - φ) A / V with A one grain; the variance of few blocks is known to a factor of two."""
    coarse = np.random.default_rng(5).random((96 // grain,) * 3) < 0.3
    labels = coarse.repeat(grain, 0).repeat(grain, 1).repeat(grain, 2).astype(np.uint8)
    error = representative_error(volume_with(labels, a=0, b=1), "b")
    exact = math.sqrt(0.3 * 0.7 * grain**3 / 96**3)
    assert error is not None
    assert 0.7 * exact < error < 2.0 * exact


def test_a_volume_that_does_not_percolate_is_a_result() -> None:
    labels = np.zeros((16, 8, 8), dtype=np.uint8)
    labels[:6], labels[9:] = 2, 1
    found = measure(
        volume_with(labels, void=0, active=1, electrolyte=2), Roles(("active",), ("electrolyte",), ("active",))
    )
    assert found.utilisation is not None
    assert found.utilisation.value == 0.0
    assert found.percolation["ions"].value == 0.0
    assert "ions" not in found.geodesic_tortuosity
    assert any("no way for ions" in note for note in found.notes)


def test_one_phase_alone_and_voxels_that_are_no_cubes_are_noted() -> None:
    full = measure(volume_with(np.ones((16, 16, 16), dtype=np.uint8), (1e-6, 1e-6, 2e-6), active=1), Roles((), (), ()))
    assert full.percolating_fraction["active"][0].value == 1.0
    assert full.volume_fraction["active"].error == 0.0
    assert any("one phase only" in note for note in full.notes)
    assert any("not cubes" in note for note in full.notes)


def test_shells_and_coatings_carry_ions_by_their_names() -> None:
    labels = np.broadcast_to(np.array([0, 1, 2, 3, 4], np.uint8), (8, 8, 5))
    found = roles_of(volume_with(labels, active=0, LiNbO3=1, coating=2, electrolyte=3, shell=4))
    assert found == Roles(("active",), ("LiNbO3", "coating", "electrolyte", "shell"), ("active",))


def test_axes_and_roles_that_do_not_exist_are_refused() -> None:
    volume = random_volume()
    with pytest.raises(InputError, match="is not an axis"):
        measure(volume, roles_of(volume), axis=3)
    with pytest.raises(InputError, match="no phase 'carbonn'"):
        roles_of(volume, electronic=["active", "carbonn"])
    with pytest.raises(InputError, match="at once"):
        roles_of(volume, active=["active"], ionic=["active"])


def test_what_is_reached_is_the_same_number_without_the_rest() -> None:
    labels = np.random.default_rng(1).choice(np.array([0, 1, 2], np.uint8), (24, 24, 24), p=[0.1, 0.4, 0.5])
    volume = volume_with(labels, void=0, active=1, electrolyte=2)
    whole = measure(volume, roles_of(volume))
    found = measure_reach(volume, roles_of(volume))
    assert whole.utilisation is not None
    assert whole.contact_fraction is not None
    assert found == Reach(whole.utilisation.value, whole.contact_fraction.value)
    assert measure_reach(volume_with(labels, void=0, solid=1, other=2), Roles((), (), ())) == Reach(None, None)
