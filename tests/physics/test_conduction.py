"""Conduction in voxel images: exact cases, sphere arrays, bounds, direct solution, random walk, convergence."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.microstructure.particles import read_particles, told_apart
from percolyte.microstructure.volume import Volume
from percolyte.numerics.conduction import build_network
from percolyte.numerics.kinds import colours
from percolyte.report.conduction import axes_json, conduction_json, conduction_text, tensor_text, write_fields
from percolyte.transport.voxels import (
    Connection,
    conduct,
    conduct_axes,
    conductivity_tensor,
    face_resistances,
    transport_of,
)

H = 1e-6
Labels = NDArray[np.uint8]


def a_volume(labels: Any, voxel: tuple[float, float, float] = (H, H, H)) -> Volume:
    """Label n is phase 'n'."""
    labels = np.ascontiguousarray(labels, dtype=np.uint8)
    return Volume(labels, voxel, {str(n): n for n in range(int(labels.max()) + 1)}, "generated", "test")


def effective(
    labels: Any, sigma: dict[str, float], voxel: tuple[float, float, float] = (H, H, H), **options: Any
) -> float:
    return float(conduct(a_volume(labels, voxel), sigma, errors=False, **options).effective_conductivity)


def sphere_array(kind: str, fraction: float, n: int) -> Labels:
    """One cubic cell of n voxels an edge: 1 inside the spheres."""
    centres = {
        "SC": [(0.5, 0.5, 0.5)],
        "BCC": [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5)],
        "FCC": [(0.0, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5)],
    }[kind]
    radius = (3.0 * fraction / (4.0 * math.pi * len(centres))) ** (1.0 / 3.0)
    middles = (np.arange(n) + 0.5) / n
    inside = np.zeros((n, n, n), bool)
    for centre in centres:
        x, y, z = ((middles - c + 0.5) % 1.0 - 0.5 for c in centre)
        inside |= x[:, None, None] ** 2 + y[:, None] ** 2 + z**2 <= radius**2
    return inside.astype(np.uint8)


def blobs(shape: tuple[int, int, int], fraction: float, seed: int, length: float = 2.0) -> Labels:
    """A random two-phase image: the upper `fraction` of a smoothed noise is 1."""
    noise = scipy.ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), length, mode="wrap")
    return (noise >= np.quantile(noise, 1.0 - fraction)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 4), (2, 2, 2), (7, 1, 3), (33, 20, 17)])
def test_a_full_block_conducts_like_its_phase(shape: tuple[int, int, int]) -> None:
    found = conduct(a_volume(np.ones(shape), (H, 2 * H, 3 * H)), {"1": 0.3}, axis=0)
    assert found.effective_conductivity == pytest.approx(0.3, rel=1e-6)
    assert found.tortuosity_factor == pytest.approx(1.0, rel=1e-6)


@given(
    layers=st.lists(st.integers(0, 2), min_size=2, max_size=20),
    sigma=st.tuples(*[st.floats(1e-3, 1e3)] * 3),
    axis=st.integers(0, 2),
)
@settings(max_examples=20)
def test_layers_conduct_in_series_across_and_in_parallel_along(
    layers: list[int], sigma: tuple[float, float, float], axis: int
) -> None:
    labels = np.moveaxis(np.broadcast_to(np.array(layers)[:, None, None], (len(layers), 6, 5)), 0, axis)
    values = {str(n): sigma[n] for n in range(1 + max(layers))}
    each = np.array([sigma[n] for n in layers])
    across, along = 1.0 / np.mean(1.0 / each), float(np.mean(each))
    assert effective(labels, values, axis=axis) == pytest.approx(across, rel=1e-6)
    assert effective(labels, values, axis=(axis + 1) % 3, rtol=1e-7) == pytest.approx(along, rel=1e-6)


@pytest.mark.parametrize("voxel", [(H, H, H), (H, 3 * H, 0.5 * H)])
def test_a_straight_channel_conducts_its_share(voxel: tuple[float, float, float]) -> None:
    labels = np.zeros((20, 10, 10))
    labels[:, 2:5, 3:8] = 1
    labels[4:9, 8, 8] = 1  # floats
    found = conduct(a_volume(labels, voxel), {"1": 2.0})
    assert found.effective_conductivity == pytest.approx(2.0 * 0.15, rel=1e-6)
    assert found.tortuosity_factor_percolating == pytest.approx(1.0, rel=1e-6)
    assert found.volume_fraction == pytest.approx(0.1525)
    assert found.percolating_fraction == pytest.approx(0.15)


def test_a_checkerboard_conducts_the_geometric_mean() -> None:
    """Keller 1964. Harmonic faces let no current through edges: 3 % at 32 voxels a cell and a contrast of 10."""
    x, y = np.indices((64, 64)) // 32
    labels = np.broadcast_to(((x + y) % 2)[:, :, None], (64, 64, 2))
    assert effective(labels, {"0": 1.0, "1": 10.0}) == pytest.approx(math.sqrt(10.0), rel=0.03)


ARRAYS = [
    ("SC", 0.1, 0.0, 0.85711, 112),
    ("SC", 0.3, 0.0, 0.60566, 80),
    ("SC", 0.5, 0.0, 0.3737, 80),
    ("BCC", 0.3, 0.0, 0.60827, 96),
    ("BCC", 0.5, 0.0, 0.39576, 96),
    ("FCC", 0.3, 0.0, 0.60839, 128),
    ("SC", 0.3, 10.0, 1.88774, 80),
    ("BCC", 0.5, 10.0, 2.8448, 96),
    ("SC", 0.3, 1e8, 2.33288, 80),
]
"""Lattice, fraction, conductivity of the spheres over that around them, effective over that around them from
multipole expansions (Rayleigh 1892; McPhedran and McKenzie 1978; McKenzie et al. 1978) computed to order 13,
voxels a cell for at least 64 a diameter."""


@pytest.mark.parametrize(("kind", "fraction", "spheres", "exact", "n"), ARRAYS)
def test_sphere_arrays_conduct_as_the_multipole_expansion_says(
    kind: str, fraction: float, spheres: float, exact: float, n: int
) -> None:
    """A staircase of voxels errs in first order: 2.5 % at 64 voxels a diameter, 3 % for perfect conductors."""
    found = effective(sphere_array(kind, fraction, n), {"0": 1.0, "1": spheres})
    assert found == pytest.approx(exact, rel=0.03 if spheres > 1e6 else 0.025)


@pytest.mark.parametrize(("fraction", "exact"), [(0.3, 0.60566), (0.5, 0.3737)])
def test_two_resolutions_extrapolate_to_the_exact_array(fraction: float, exact: float) -> None:
    """First order: 0.7 % from 64 and 96 voxels a cell."""
    coarse, fine = (effective(sphere_array("SC", fraction, n), {"0": 1.0}) for n in (64, 96))
    assert fine + (fine - coarse) * 64.0 / 32.0 == pytest.approx(exact, rel=0.007)


@pytest.mark.parametrize(("kind", "fraction", "spheres", "exact", "n"), ARRAYS[:6])
def test_the_estimated_error_contains_the_true_one(
    kind: str, fraction: float, spheres: float, exact: float, n: int
) -> None:
    for size in (48, n):
        found = conduct(a_volume(sphere_array(kind, fraction, size)), {"0": 1.0})
        assert found.relative_error is not None
        assert found.relative_error.sampling == pytest.approx(0.0, abs=1e-3)  # by symmetry
        true = abs(exact / found.effective_conductivity - 1.0)
        assert true <= found.relative_error.total <= max(0.01, 10.0 * true)


@given(fraction=st.floats(0.35, 0.8), seed=st.integers(0, 99), contrast=st.floats(2.0, 20.0))
@settings(max_examples=8)
def test_random_media_stay_within_the_bounds(fraction: float, seed: int, contrast: float) -> None:
    """Hashin and Shtrikman 1962 for isotropic media, 3 % allowed for voxels; Wiener's bounds without allowance."""
    labels = blobs((32, 32, 32), fraction, seed)
    high, low, f = contrast, 1.0, float(labels.mean())
    found = [c.effective_conductivity for c in conduct_axes(a_volume(labels), {"0": 1.0, "1": contrast}, errors=False)]
    upper = high + (1.0 - f) / (1.0 / (low - high) + f / (3.0 * high))
    lower = low + f / (1.0 / (high - low) + (1.0 - f) / (3.0 * low))
    assert 0.97 * lower <= np.mean(found) <= 1.03 * upper
    assert 1.0 / (f / high + (1.0 - f) / low) <= min(found) <= max(found) <= f * high + (1.0 - f) * low


def direct(
    labels: Labels,
    sigma: dict[int, tuple[float, float, float]],
    voxel: tuple[float, float, float],
    contact: NDArray[np.float64],
    particles: NDArray[np.int32],
    periodic: tuple[int, ...] = (),
) -> float:
    """The same equations in doubles, assembled face by face and solved by elimination."""
    number = np.arange(labels.size).reshape(labels.shape)
    area = [voxel[1] * voxel[2], voxel[0] * voxel[2], voxel[0] * voxel[1]]
    rho = {n: [1.0 / s if s > 0.0 else math.inf for s in each] for n, each in sigma.items()}
    matrix, right, energy = scipy.sparse.lil_array((labels.size, labels.size)), np.zeros(labels.size), 0.0
    for place in np.ndindex(*labels.shape):
        u, a = number[place], int(labels[place])
        for axis in range(3):
            other = tuple(p + (axis == q) for q, p in enumerate(place))
            if axis in periodic:
                other = tuple(p % n for p, n in zip(other, labels.shape, strict=True))
            if other[axis] < labels.shape[axis]:
                v, b = number[other], int(labels[other])
                r = 0.5 * voxel[axis] * (rho[a][axis] + rho[b][axis])
                if a != b or particles[place] != particles[other]:
                    r += contact[axis, a, b]
                g = area[axis] / r
                matrix[u, u] += g
                matrix[v, v] += g
                matrix[u, v] -= g
                matrix[v, u] -= g
        outer = 2.0 * area[0] / (voxel[0] * rho[a][0])
        if place[0] == 0:
            matrix[u, u] += outer
        if place[0] == labels.shape[0] - 1:
            matrix[u, u] += outer
            right[u] += outer
            energy += outer
    # what floats decides nothing but has no solution of its own
    bonds = matrix.tocsr()
    bonds.eliminate_zeros()
    cluster = scipy.sparse.csgraph.connected_components(bonds)[1].reshape(labels.shape) + 1
    cluster *= np.vectorize(lambda n: sigma[n][0])(labels) > 0.0
    ends = np.intersect1d(cluster[0], cluster[-1])
    keep = np.flatnonzero(np.isin(cluster, ends[ends > 0]))
    if keep.size == 0:
        return 0.0
    csc = matrix.tocsc()[keep][:, keep]
    solution = scipy.sparse.linalg.spsolve(csc, right[keep])
    outlet = right[keep]
    conductance = outlet @ (1.0 - solution)
    return float(conductance * labels.shape[0] * voxel[0] / (labels.shape[1] * labels.shape[2] * area[0]))


@given(seed=st.integers(0, 10**6), contrast=st.sampled_from([1.0, 30.0, 1e6]))
@settings(max_examples=25)
def test_a_small_image_agrees_with_elimination(seed: int, contrast: float) -> None:
    """Any phases, directions, voxel shapes, interfaces, particles, sides; 1e-6, of which 1e-7 from 32-bit conductances."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(2, 9, 3))
    labels = rng.integers(0, 4, shape).astype(np.uint8)
    labels[0, 0, 0] = 3
    particles = rng.integers(0, 3, shape).astype(np.int32)
    along = (1.0, 20.0, 0.3) if seed % 5 else (1.0, 1.0, 1.0)
    sigma = {0: (0.0, 0.0, 0.0), 1: (1.0, 1.0, 1.0), 2: (contrast,) * 3, 3: along}
    voxel = (H, H, H) if seed % 2 else (H, 2.0 * H, 0.7 * H)
    volume = replace(a_volume(labels, voxel), phases={str(n): n for n in range(4)})
    interfaces = {} if seed % 3 else {("1", "2"): 3.0 * H, ("1", "1"): 0.5 * H}
    periodic = tuple(axis for axis in (1, 2) if seed >> axis & 1 and shape[axis] > 2)
    contact = face_resistances(volume, interfaces, particles)
    found = conduct(
        volume,
        {str(n): each for n, each in sigma.items()},
        interfaces=interfaces,
        particles=particles,
        periodic=periodic,
        rtol=1e-8,
        errors=False,
    )
    apart = particles if interfaces else np.zeros_like(particles)
    exact = direct(labels, sigma, voxel, contact, apart, periodic)
    assert found.effective_conductivity == pytest.approx(exact, rel=1e-6)


@given(
    values=st.tuples(*[st.floats(1e-3, 1e3)] * 3),
    axis=st.integers(0, 2),
    voxel=st.sampled_from([(H, H, H), (H, 3 * H, H)]),
)
@settings(max_examples=10)
def test_a_block_conducts_along_each_axis_as_its_tensor_says(
    values: tuple[float, float, float], axis: int, voxel: tuple[float, float, float]
) -> None:
    found = conduct(a_volume(np.ones((6, 5, 7)), voxel), {"1": values}, axis=axis, errors=False, rtol=1e-7)
    assert found.effective_conductivity == pytest.approx(values[axis], rel=1e-6)
    assert found.tortuosity_factor == pytest.approx(1.0, rel=1e-6)


def test_sheets_that_conduct_badly_across_take_few_iterations() -> None:
    """The multigrid merges along what conducts, so that no direction is slow: graphite's ratio of 1e3 and more."""
    labels = blobs((48, 48, 48), 0.5, seed=3)
    for across in (1e-3, 1e-6):
        for axis in (0, 2):
            found = conduct(a_volume(labels), {"0": 0.1, "1": (1.0, 1.0, across)}, axis=axis, errors=False)
            assert found.converged
            assert found.iterations <= 15, (across, axis)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_particles_in_a_row_add_their_contacts(axis: int) -> None:
    """L/σ_eff = L/σ + (n - 1) R, whatever phase stands beside them."""
    row, resistance = np.repeat([1, 2, 3, 4], [3, 5, 4, 8]), 7.0 * H
    particles = np.moveaxis(np.broadcast_to(row[:, None, None], (20, 6, 5)), 0, axis)
    found = effective(
        np.ones(particles.shape), {"1": 2.0}, axis=axis, interfaces={("1", "1"): resistance}, particles=particles
    )
    assert 20.0 * H / found == pytest.approx(20.0 * H / 2.0 + 3.0 * resistance, rel=1e-6)


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
    assert np.array_equal(read_particles(tmp_path / "particles.npy", volume), numbers)
    for wrong, said in ((numbers[1:], "4 x 6 x 7"), (numbers - 70_001, "from -1"), (numbers / 2.0, "whole numbers")):
        np.save(tmp_path / "wrong.npy", wrong)
        with pytest.raises(InputError, match=said):
            read_particles(tmp_path / "wrong.npy", volume)


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


def test_a_potential_in_32_bits_gives_what_one_in_64_bits_gives() -> None:
    """The first where its rounding is below what is asked; the solver leaves 1e-4 of each."""
    volume = a_volume(blobs((40, 40, 40), 0.5, seed=4))
    loose, tight = (conduct(volume, {"0": 0.01, "1": 1.0}, errors=False, rtol=rtol) for rtol in (1e-4, 1e-8))
    assert tight.effective_conductivity <= loose.effective_conductivity * (1.0 + 1e-7)
    assert loose.effective_conductivity <= tight.effective_conductivity * (1.0 + 2e-4)


@given(seed=st.integers(0, 10**6), contrast=st.sampled_from([1.0, 30.0, 1e4]), rtol=st.sampled_from([1e-1, 1e-2, 1e-4]))
@settings(max_examples=15)
def test_two_bounds_enclose_the_conductivity(seed: int, contrast: float, rtol: float) -> None:
    """However early the solver stops, and whatever the sides are; 1e-6 for rounding in 32 bits."""
    labels = blobs((28, 25, 23), 0.5, seed)
    sigma = {"1": 1.0} if contrast == 1.0 else {"0": 1.0, "1": contrast}
    periodic = (1, 2)[: seed % 3]
    exact = conduct(a_volume(labels), sigma, periodic=periodic, rtol=1e-8, errors=False).effective_conductivity
    found = conduct(a_volume(labels), sigma, periodic=periodic, rtol=rtol)
    assert found.lower_bound is not None
    assert found.lower_bound <= exact * (1.0 + 1e-6)
    assert exact <= found.effective_conductivity * (1.0 + 1e-6)
    assert found.lower_bound >= found.effective_conductivity * (1.0 - 100.0 * rtol)


@pytest.mark.parametrize(
    ("sigma", "most"),
    [
        ({"1": 1.0}, 6),
        ({"0": 1e-3, "1": 1.0}, 6),
        ({"0": 1e-8, "1": 1.0}, 20),
        ({"0": 1e-9, "1": 1.0}, 20),
        ({"0": 1.0, "1": 1e-9}, 20),
    ],
)
def test_extreme_contrasts_take_few_iterations(sigma: dict[str, float], most: int) -> None:
    labels = blobs((48, 48, 48), 0.4, seed=3)
    found = conduct(a_volume(labels), sigma, errors=False)
    assert found.converged
    assert found.iterations <= most
    finer = conduct(a_volume(labels), sigma, errors=False, rtol=1e-7)
    assert found.effective_conductivity == pytest.approx(finer.effective_conductivity, rel=3e-4)


def test_rods_that_float_in_a_near_insulator_conduct_like_perfect_ones() -> None:
    """The energy of the first guess is far above the last: differences from it say nothing of what is left."""
    rng = np.random.default_rng(3)
    labels = np.zeros((48, 48, 48), np.uint8)
    for place, axis, length in zip(
        rng.integers(0, 48, (100, 3)), rng.integers(0, 3, 100), rng.integers(20, 30, 100), strict=True
    ):
        rod = [slice(p, p + 1) for p in place]
        rod[axis] = slice(place[axis], place[axis] + length)
        labels[tuple(rod)] = 1
    good, perfect = (conduct(a_volume(labels), {"0": 1.0, "1": s}, errors=False) for s in (1e9, 5e11))
    assert perfect.relative_error is not None
    assert 0.0 < perfect.relative_error.solver <= 1e-4
    # both are left with 1e-4, estimated within a factor of two, and rods of 1e9 lack 1e-6 of those of 5e11
    assert perfect.effective_conductivity == pytest.approx(good.effective_conductivity, rel=3e-4)


def test_the_number_of_iterations_grows_neither_with_size_nor_towards_percolation() -> None:
    for fraction in (0.2, 0.5):
        counts = [
            conduct(a_volume(blobs((n, n, n), fraction, seed=1)), {"1": 1.0}, errors=False).iterations
            for n in (32, 64, 96)
        ]
        assert max(counts) <= 7, (fraction, counts)


@pytest.mark.parametrize("fraction", [0.18, 0.5, 0.9])
def test_more_than_rounding_allows_may_be_asked_for(fraction: float) -> None:
    """Steps beyond it once made the potential worse again."""
    volume = a_volume(blobs((64, 64, 64), fraction, seed=1))
    loose, tight = (conduct(volume, {"1": 1.0}, errors=False, rtol=rtol) for rtol in (1e-5, 1e-8))
    assert tight.converged
    assert tight.effective_conductivity <= loose.effective_conductivity * (1.0 + 1e-7)
    assert tight.effective_conductivity >= loose.effective_conductivity * (1.0 - 2e-5)


def test_a_volume_that_does_not_percolate_is_a_result() -> None:
    labels = np.zeros((10, 10, 10))
    labels[:6, 2:4, 2:4] = 1
    labels[8:, 7, 7] = 1
    labels[4, 8, 8] = 1
    found = conduct(a_volume(labels), {"1": 1.0})
    assert (found.percolates, found.effective_conductivity, found.tortuosity_factor) == (False, 0.0, None)
    assert found.relative_error is None
    assert found.connections["1"] == Connection(0.0, inlet_only=24 / 27, outlet_only=2 / 27, isolated=1 / 27)


def test_sites_of_a_cubic_lattice_percolate_at_the_known_threshold() -> None:
    """0.3116 (Wang et al., Phys. Rev. E 87 (2013) 052107); 0.003 at 128 sites an edge, where single images scatter by 0.002."""
    half = np.full((3, 256), math.inf)
    half[:, 1] = 0.5
    found = []
    for seed in range(6):
        field = np.random.default_rng(seed).random((128, 128, 128), dtype=np.float32)
        low, high = 0.29, 0.33
        while high - low > 2e-4:
            middle = (low + high) / 2.0
            percolates = build_network((field < middle).astype(np.uint8), half).percolates
            low, high = (low, middle) if percolates else (middle, high)
        found.append(low)
    assert np.mean(found) == pytest.approx(0.3116, abs=0.003)


@pytest.mark.parametrize("sigma", [{"1": 1.0}, {"1": 1.0, "2": 2.0}])
def test_connections_agree_with_an_independent_labelling(sigma: dict[str, float]) -> None:
    rng = np.random.default_rng(5)
    labels = rng.choice(3, size=(25, 22, 19), p=[0.64, 0.3, 0.06]).astype(np.uint8)
    cluster, _ = scipy.ndimage.label(np.isin(labels, [int(name) for name in sigma]))
    inlet, outlet = (np.isin(cluster, cluster[end][cluster[end] > 0]) for end in (0, -1))
    found = conduct(a_volume(labels), sigma, errors=False).connections["1"]
    phase = labels == 1
    assert found.inlet_only == pytest.approx((inlet & ~outlet)[phase].mean())
    assert found.outlet_only == pytest.approx((outlet & ~inlet)[phase].mean())
    assert found.isolated == pytest.approx((~outlet & ~inlet)[phase].mean())
    assert found.through == pytest.approx((outlet & inlet)[phase].mean())


def test_threads_and_the_orientation_of_the_axis_change_nothing() -> None:
    labels = blobs((40, 33, 26), 0.45, seed=2)
    for sigma in ({"1": 1.0}, {"0": 0.01, "1": 1.0}):
        alone = effective(labels, sigma, threads=1, rtol=1e-6)
        assert effective(labels, sigma, threads=3, rtol=1e-6) == pytest.approx(alone, rel=2e-6)
        assert effective(labels[::-1], sigma, rtol=1e-6) == pytest.approx(alone, rel=2e-6)
        assert effective(np.moveaxis(labels, 0, 2), sigma, axis=2, rtol=1e-6) == pytest.approx(alone, rel=2e-6)


@pytest.mark.parametrize("shape", [(30, 24, 20), (21, 19, 23)])
@pytest.mark.parametrize("sigma", [{"1": 1.0}, {"0": 0.01, "1": 1.0}])
def test_a_structure_that_repeats_may_be_cut_anywhere(sigma: dict[str, float], shape: tuple[int, int, int]) -> None:
    """Even and odd sizes, on one thread and two; the solver leaves 1e-7, 32-bit fields the square root of 1e-7."""
    labels = blobs(shape, 0.45, seed=4)
    moved = np.roll(labels, (5, 8), axis=(1, 2))
    one, other = (
        conduct(a_volume(each), sigma, periodic=(1, 2), rtol=1e-7, errors=False, fields=True, threads=threads)
        for each, threads in ((labels, 1), (moved, 2))
    )
    assert other.effective_conductivity == pytest.approx(one.effective_conductivity, rel=1e-6)
    assert other.connections["1"] == one.connections["1"]
    assert one.fields is not None
    assert other.fields is not None
    assert one.fields.power.sum() == pytest.approx(1.0, rel=1e-5)
    rolled = {"shift": (5, 8), "axis": (1, 2)}
    for name in ("power", "potential"):
        theirs = getattr(other.fields, name)
        scale = np.nanmax(theirs)
        np.testing.assert_allclose(
            np.roll(getattr(one.fields, name), **rolled) / scale, theirs / scale, rtol=0.0, atol=1e-3
        )
    currents = [np.roll(one.fields.current_density, (5, 8), axis=(2, 3)), other.fields.current_density]
    scale = np.abs(currents[1]).max()
    np.testing.assert_allclose(currents[0] / scale, currents[1] / scale, rtol=0.0, atol=1e-3)
    closed = conduct(a_volume(labels), sigma, errors=False)
    assert abs(closed.effective_conductivity / one.effective_conductivity - 1.0) > 0.01


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_fields_find_the_bottleneck(axis: int) -> None:
    labels = np.zeros((24, 16, 18))
    labels[:, 2:14, 2:16] = 1
    labels[15] = 0
    labels[15, 7:9, 8:10] = 1  # in the middle, so that no mean current runs sideways
    sigma, length = 2.0, 24 * H
    found = conduct(a_volume(np.moveaxis(labels, 0, axis)), {"1": sigma}, axis=axis, fields=True, rtol=1e-7)
    fields, bottleneck = found.fields, found.bottleneck
    assert fields is not None
    assert bottleneck is not None
    assert bottleneck.plane == 15
    assert bottleneck.position[axis] == pytest.approx(15.5 * H)
    np.testing.assert_allclose(fields.plane_currents, 1.0, rtol=1e-3)
    assert fields.power.sum() == pytest.approx(1.0, rel=1e-5)
    mean = fields.current_density.mean(axis=(1, 2, 3), dtype=float)
    assert mean[axis] == pytest.approx(found.effective_conductivity / length, rel=1e-3)
    assert np.abs(np.delete(mean, axis)).max() < 1e-3 * mean[axis]
    along = np.nanmean(np.moveaxis(fields.potential, axis, 0), axis=(1, 2))
    assert np.all(np.diff(along) > 0.0)
    assert np.isnan(fields.potential[np.moveaxis(labels, 0, axis) == 0]).all()


def test_every_problem_of_the_arguments_is_named() -> None:
    volume = Volume(np.ones((4, 4, 4), np.uint8), (H, H, H), {"void": 0, "electrolyte": 1}, "generated", "test")
    with pytest.raises(InputError) as caught:
        conduct(
            volume,
            {"electrolite": -1.0, "void": math.nan},
            axis=3,
            interfaces={
                ("electrolyte", "electrolyte"): -1.0,
                ("void", "electrolyte"): 1.0,
                ("electrolyte", "void"): 1.0,
            },
            periodic=(1, 5),
            rtol=0.0,
        )
    text = str(caught.value)
    for words in (
        "did you mean 'electrolyte'",
        "-1.0 S/m",
        "nan S/m",
        "no phase conducts",
        "-1.0 ohm m2",
        "particles",
        "given twice",
        "3 is not an axis",
        "5 is not an axis",
        "rtol",
    ):
        assert words in text
    for wrong, said in (((1.0, 0.0, 1.0), "in all directions or in none"), ((1.0, 2.0), "three axes")):
        with pytest.raises(InputError, match=said):
            conduct(volume, {"electrolyte": wrong})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="not that of the image"):
        conduct(volume, {"electrolyte": 1.0}, particles=np.zeros((2, 2, 2), np.int32))
    with pytest.raises(InputError, match="at least 3"):
        conduct(replace(volume, labels=volume.labels[:, :2]), {"electrolyte": 1.0}, periodic=(1,))


def test_a_vanishing_conductivity_is_taken_as_none_and_said() -> None:
    labels = np.zeros((8, 8, 8))
    labels[:4] = 1
    found = conduct(a_volume(labels), {"0": 1e-14, "1": 1.0}, errors=False)
    assert not found.percolates
    assert "0 conducts less than 1e-12" in found.notes[0]


def test_the_three_axes_are_the_diagonal_of_the_tensor() -> None:
    labels = np.broadcast_to((np.arange(12) % 3 == 0)[:, None, None], (12, 9, 10))
    found = conduct_axes(a_volume(labels), {"0": 1.0, "1": 5.0}, errors=False)
    assert [c.axis for c in found] == [0, 1, 2]
    exact = [1.0 / (2.0 / 3.0 + 1.0 / 15.0), 7.0 / 3.0, 7.0 / 3.0]
    assert [c.effective_conductivity for c in found] == pytest.approx(exact, rel=1e-6)


def test_layers_at_45_degrees_lead_current_across_the_field() -> None:
    """Exact for voxels: the mean and the harmonic mean of the faces' conductances, half their sum along the field, half
    their difference across it.

    Inlet and outlet turn the current within about a period, so what they add falls as one over the length: lengths of n
    and 2n extrapolate to the infinite structure. The solver leaves 1e-7 of the energy, 3e-4 of a current.
    """
    n, resistance = 24, np.array([1.0, 0.625, 0.25, 0.625])
    mean, harmonic = float(np.mean(1.0 / resistance)), 1.0 / float(np.mean(resistance))
    tensors = []
    for length in (n, 2 * n):
        layers = (np.arange(length)[:, None, None] + np.arange(n)[:, None] + np.zeros(6, int)) % 4 // 2
        volume = a_volume(layers, (H, H, 2 * H))
        axes = conduct_axes(volume, {"0": 1.0, "1": 4.0}, periodic=(0, 1, 2), rtol=1e-7, errors=False)
        tensors.append(np.array(conductivity_tensor(axes), float))
    short, long = tensors
    assert short[0, 1] == pytest.approx(short[1, 0], abs=3e-4)
    assert 2.0 * long[1, 0] - short[1, 0] == pytest.approx((harmonic - mean) / 2.0, abs=3e-4)
    assert 2.0 / long[0, 0] - 1.0 / short[0, 0] == pytest.approx(2.0 / (mean + harmonic), abs=3e-4)
    assert long[2, :2] == pytest.approx(0.0, abs=3e-4)
    assert long[:2, 2] == pytest.approx(0.0, abs=3e-4)


def test_the_tensor_is_undefined_where_sides_are_closed() -> None:
    volume = a_volume(blobs((12, 12, 12), 0.6, seed=2))
    half_open = conduct_axes(volume, {"1": 1.0}, periodic=(1,), errors=False)
    tensor = conductivity_tensor(half_open)
    assert [[value is None for value in row] for row in tensor] == [
        [False, True, True],
        [False, False, False],
        [True, True, False],
    ]
    closed = conduct_axes(volume, {"1": 1.0}, errors=False)
    assert "not defined with closed sides" in tensor_text(closed)
    assert axes_json(closed)["conductivity_tensor_S_per_m"][0][1:] == [None, None]
    assert axes_json(half_open)["axes"][0]["tensor_column_S_per_m"][1] == tensor[1][0]
    assert tensor_text(half_open).count("closed") == 4


def test_the_result_prints_with_its_error_and_its_conventions(tmp_path: Path) -> None:
    labels = blobs((33, 32, 32), 0.5, seed=1)
    found = conduct(a_volume(labels), {"1": 0.2}, fields=True)
    data = json.loads(json.dumps(conduction_json(found), allow_nan=False))
    assert data["tortuosity_factor"] == pytest.approx(labels.mean() * 0.2 / data["effective_conductivity_S_per_m"])
    assert data["relative_error"] == pytest.approx(math.hypot(*data["relative_error_parts"].values()))
    assert data["lower_bound_S_per_m"] <= data["effective_conductivity_S_per_m"]
    shown = conduction_text(found)
    for words in ("mS/cm", "φ σ/σ_eff", "voxel size", "from end to end", "bottleneck"):
        assert words in shown
    write_fields(found, tmp_path / "fields.npz")
    assert np.load(tmp_path / "fields.npz")["potential_V"].shape == labels.shape
    labels[5] = 0
    dead = conduct(a_volume(labels), {"1": 0.2})
    assert conduction_json(dead)["relative_error"] is None
    assert "does not percolate" in conduction_text(dead)
    with pytest.raises(InputError, match="no fields"):
        write_fields(dead, tmp_path / "none.npz")


def test_later_steps_receive_a_transport_that_says_where_it_is_from() -> None:
    labels = np.zeros((16, 8, 8))
    labels[:, :4] = 1
    ionic = conduct(a_volume(labels), {"1": 0.2})
    electronic = conduct(a_volume(labels), {"0": 10.0}, errors=False, interfaces={("0", "1"): 1e-3})
    found = transport_of(ionic, electronic)
    assert found.kind == "microstructure"
    assert found.ionic == pytest.approx(0.1)
    assert found.electronic == pytest.approx(5.0)
    assert found.ionic_tortuosity_factor == pytest.approx(1.0)
    assert "axis 0" in found.statement
    assert "1 mS/cm" in found.statement
    assert "10 ohm cm2 between 0 and 1" in found.statement
