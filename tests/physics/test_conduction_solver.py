"""How the conduction solver gets there: bounds, rounding, iterations, threads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from percolyte.transport.voxels import conduct
from tests.images import a_volume, blobs, effective


def test_sheets_that_conduct_badly_across_take_few_iterations() -> None:
    """The multigrid merges along what conducts, so that no direction is slow: graphite's ratio of 1e3 and more."""
    labels = blobs((48, 48, 48), 0.5, seed=3)
    for across in (1e-3, 1e-6):
        for axis in (0, 2):
            found = conduct(a_volume(labels), {"0": 0.1, "1": (1.0, 1.0, across)}, axis=axis, errors=False)
            assert found.converged
            assert found.iterations <= 15, (across, axis)


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


def test_threads_and_the_orientation_of_the_axis_change_nothing() -> None:
    labels = blobs((40, 33, 26), 0.45, seed=2)
    for sigma in ({"1": 1.0}, {"0": 0.01, "1": 1.0}):
        alone = effective(labels, sigma, threads=1, rtol=1e-6)
        assert effective(labels, sigma, threads=3, rtol=1e-6) == pytest.approx(alone, rel=2e-6)
        assert effective(labels[::-1], sigma, rtol=1e-6) == pytest.approx(alone, rel=2e-6)
        assert effective(np.moveaxis(labels, 0, 2), sigma, axis=2, rtol=1e-6) == pytest.approx(alone, rel=2e-6)
