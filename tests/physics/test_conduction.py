"""Conduction in voxel images: exact cases, sphere arrays, bounds, direct solution, random walk, convergence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.csgraph
import scipy.sparse.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from percolyte.transport.voxel_image import face_resistances
from percolyte.transport.voxels import conduct, conduct_axes
from tests.images import H, Labels, a_volume, blobs, effective, sphere_array


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


@pytest.mark.parametrize("length", [1, 2, 5, 30])
def test_more_channels_than_the_coarsest_graph_has_nodes_conduct_their_share(length: int) -> None:
    """256 straight channels that never meet."""
    labels = np.zeros((length, 33, 33))
    labels[:, 1::2, 1::2] = 1
    found = conduct(a_volume(labels), {"1": 2.0})
    assert found.effective_conductivity == pytest.approx(2.0 * 256 / 33**2, rel=1e-6)


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


def test_the_three_axes_are_the_diagonal_of_the_tensor() -> None:
    labels = np.broadcast_to((np.arange(12) % 3 == 0)[:, None, None], (12, 9, 10))
    found = conduct_axes(a_volume(labels), {"0": 1.0, "1": 5.0}, errors=False)
    assert [c.axis for c in found] == [0, 1, 2]
    exact = [1.0 / (2.0 / 3.0 + 1.0 / 15.0), 7.0 / 3.0, 7.0 / 3.0]
    assert [c.effective_conductivity for c in found] == pytest.approx(exact, rel=1e-6)
