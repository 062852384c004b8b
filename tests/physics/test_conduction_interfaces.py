"""Conduction across interfaces: contacts of particles, and the area of a staircase."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from percolyte.errors import InputError
from percolyte.microstructure.particles import read_particles, told_apart
from percolyte.microstructure.volume import Volume
from percolyte.numerics.kinds import colours
from percolyte.transport.voxels import conduct
from tests.images import H, a_volume, effective, sphere_array


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_particles_in_a_row_add_their_contacts(axis: int) -> None:
    """L/σ_eff = L/σ + (n - 1) R, whatever phase stands beside them."""
    row, resistance = np.repeat([1, 2, 3, 4], [3, 5, 4, 8]), 7.0 * H
    particles = np.moveaxis(np.broadcast_to(row[:, None, None], (20, 6, 5)), 0, axis)
    found = effective(
        np.ones(particles.shape), {"1": 2.0}, axis=axis, interfaces={("1", "1"): resistance}, particles=particles
    )
    assert 20.0 * H / found == pytest.approx(20.0 * H / 2.0 + 3.0 * resistance, rel=1e-6)


def test_particles_resist_whatever_the_number_of_their_phase() -> None:
    row = np.repeat([1, 2], 10)
    particles = np.broadcast_to(row[:, None, None], (20, 4, 4))
    for label in (1, 2, 3, 6, 200):
        name = str(label)
        found = effective(
            np.full(particles.shape, label), {name: 1.0}, interfaces={(name, name): 10.0 * H}, particles=particles
        )
        assert 20.0 * H / found == pytest.approx(30.0 * H, rel=1e-6)


def test_interfaces_beyond_what_numbers_hold_are_taken_as_less() -> None:
    particles = np.broadcast_to((np.arange(24) // 4)[:, None, None], (24, 24, 24)) + 6 * (np.arange(24) // 5)
    found = conduct(
        a_volume(np.ones(particles.shape)), {"1": 1.0}, interfaces={("1", "1"): 1e30}, particles=particles, errors=False
    )
    assert found.converged
    assert 0.0 < found.effective_conductivity < 1e-9
    assert "1e+12 voxels" in found.notes[0]


def test_an_interface_that_no_face_lies_in_is_said_to_change_nothing() -> None:
    labels = np.broadcast_to(np.array([1] * 3 + [2] * 2 + [1] * 3)[:, None, None], (8, 4, 4))
    particles = np.broadcast_to(np.array([1] * 3 + [0] * 2 + [2] * 3)[:, None, None], (8, 4, 4))
    found = conduct(a_volume(labels), {"1": 1.0, "2": 1.0}, interfaces={("1", "1"): 1e-4}, particles=particles)
    assert found.effective_conductivity == pytest.approx(1.0)
    assert "no two particles of 1 touch, so that the interface between them changes nothing" in found.notes


@pytest.mark.parametrize("fraction", [0.1, 0.4])
def test_spheres_hide_behind_the_right_interface(fraction: float) -> None:
    """With R = r (1/σ₀ - 1/σ₁) a sphere leaves the field as if it were not there (Torquato and Rintoul, Phys. Rev.
    Lett. 75 (1995) 4067). First order in the voxels, 1.7 % at 24 a cell; faces of the staircase with the same R
    would conduct 17 % too well at any resolution."""
    apart = []
    for n in (24, 48):
        radius = (3.0 * fraction / (4.0 * math.pi)) ** (1.0 / 3.0) * n * H
        interfaces = {("0", "1"): radius * (1.0 - 1e-3)}
        apart.append(1.0 - effective(sphere_array("SC", fraction, n), {"0": 1.0, "1": 1e3}, interfaces=interfaces))
    assert 0.0 < apart[1] < 0.6 * apart[0] < 0.6 * 0.02


@pytest.mark.parametrize("normal", [(1, 0, 0), (1, 1, 0), (2, 1, 0), (1, 1, 1), (1, 2, 0)])
def test_a_tilted_boundary_resists_by_its_area(normal: tuple[int, int, int]) -> None:
    """A boundary that resists more than all else has the conductance area/R. Planes are found to 2 %, within three
    voxels of the sides worse: 4 % for both. The staircase itself has 1.4 to 3 times the area."""
    length = 30 * sum(normal[1:]) // normal[0] + 12
    places = np.indices((length, 30, 30)) - np.array([length / 2.0, 14.5, 14.5])[:, None, None, None]
    particles = (np.tensordot(normal, places, axes=1) > 0.2).astype(np.int32)
    found = effective(np.ones(particles.shape), {"1": 1.0}, interfaces={("1", "1"): 1e5 * H}, particles=particles)
    area = math.hypot(*normal) / normal[0]
    assert length * H / found == pytest.approx(1e5 * H / area + length * H, rel=0.04 if sum(normal) > 1 else 1e-6)


def test_spheres_that_touch_are_told_apart_and_resist_at_their_necks() -> None:
    """Overlapping spheres in a row: their contact's resistance adds R over the neck's area, wherever it is cut."""
    x, y, z = (np.arange(n) + 0.5 for n in (48, 24, 24))
    inside = [
        (x[:, None, None] - middle) ** 2 + (y[:, None] - 12.0) ** 2 + (z - 12.0) ** 2 <= 13.0**2
        for middle in (12.0, 36.0)
    ]
    volume = a_volume(inside[0] | inside[1])
    particles = told_apart(volume, ["1"])
    assert particles.max() == 2
    neck = int(np.count_nonzero((particles[:-1] > 0) & (particles[1:] > 0) & (particles[:-1] != particles[1:])))
    own, resistance = effective(volume.labels, {"1": 1.0}), 1000.0 * H
    found = effective(volume.labels, {"1": 1.0}, interfaces={("1", "1"): resistance}, particles=particles)
    # the current spreads evenly over a neck that resists much more than the spheres: 1 %
    assert 48.0 * H * (1.0 / found - 1.0 / own) == pytest.approx(resistance * 24 * 24 / neck, rel=0.01)


def test_particles_come_from_a_file_of_the_same_shape(tmp_path: Path) -> None:
    volume = a_volume(np.ones((5, 6, 7)))
    numbers = np.arange(5 * 6 * 7).reshape(5, 6, 7) + 70_000
    np.save(tmp_path / "particles.npy", numbers)
    assert np.array_equal(read_particles(tmp_path / "particles.npy", volume, ["1"]), numbers)
    for wrong, said in ((numbers[1:], "4 x 6 x 7"), (numbers - 70_001, "from -1"), (numbers / 2.0, "whole numbers")):
        np.save(tmp_path / "wrong.npy", wrong)
        with pytest.raises(InputError, match=said):
            read_particles(tmp_path / "wrong.npy", volume, ["1"])


def test_numbers_of_something_else_are_refused_as_particles(tmp_path: Path) -> None:
    labels = np.repeat(np.array([1, 2], np.uint8), 4)[:, None, None] * np.ones((1, 3, 3), np.uint8)
    volume = Volume(labels, (H, H, H), {"active": 1, "electrolyte": 2}, "assumed", "layers")
    along = np.arange(8)[:, None, None] * np.ones((1, 3, 3), np.int64)
    for wrong, said in (
        (labels, "1 particle number in 'electrolyte'"),
        (0 * labels, "0 particle numbers in 'electrolyte'"),
        (along % 4 + 1, "4 of the 4 particles of 'electrolyte' lie in 'active' too; give the file of `percolyte pack"),
    ):
        np.save(tmp_path / "particles.npy", wrong)
        with pytest.raises(InputError, match=said):
            read_particles(tmp_path / "particles.npy", volume, ["electrolyte"])
    np.save(tmp_path / "particles.npy", along)
    assert np.array_equal(read_particles(tmp_path / "particles.npy", volume, ["electrolyte"]), along)
    cored = Volume(labels, (H, H, H), {"shell": 1, "electrolyte": 2}, "assumed", "layers")
    np.save(tmp_path / "particles.npy", along % 4 + 1)
    assert read_particles(tmp_path / "particles.npy", cored, ["electrolyte"]).max() == 4


@pytest.mark.parametrize("number", [2, 30, 10_000])
def test_particles_that_touch_differ_in_colour_and_one_particle_has_one(number: int) -> None:
    """Single voxels have six neighbours, so that seven colours always do."""
    labels = np.ones((12, 13, 14), np.uint8)
    labels[5] = 2
    particles = np.random.default_rng(1).integers(0, number, labels.shape).astype(np.int32)
    if number == 30:
        particles = np.kron(particles[::4, ::4, ::4], np.ones((4, 4, 4), np.int32))[:12, :13, :14]
    bounded = np.arange(256) == 1
    colour = colours(labels, particles, bounded, (False, True, False))
    for axis in range(3):
        n = labels.shape[axis]
        last = n if axis == 1 else n - 1  # the sides of axis 1 meet
        (a, b), (p, q), (c, d) = (
            (x.take(range(last), axis), x.take(range(1, last + 1), axis, mode="wrap"))
            for x in (labels, particles, colour)
        )
        inside = (a == 1) & (b == 1)
        np.testing.assert_array_equal((c != d)[inside], (p != q)[inside])
    assert colour.max() <= (6 if number == 10_000 else 30)
    assert not colour[labels == 2].any()
