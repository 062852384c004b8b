"""Samples of densities whose moments are known."""

from __future__ import annotations

import numpy as np
import pytest

from percolyte.numerics.ensemble import Floats, sample


def test_samples_of_stretched_normal_densities_have_their_moments() -> None:
    covariance = np.array([[1.0, 0.99e3], [0.99e3, 1e6]])
    inverse, mean = np.linalg.inv(covariance), np.array([[3.0, -5.0], [0.0, 7.0]])

    def density(places: Floats) -> Floats:
        off = places - mean[:, None, :]
        height: Floats = -0.5 * np.einsum("bwp,pq,bwq->bw", off, inverse, off)
        return height

    rng = np.random.default_rng(3)
    start = mean[:, None, :] + rng.standard_normal((2, 40, 2))
    found = sample(density, start, 3000, burn=500, rng=rng)
    flat = found.places.reshape(2, -1, 2)
    assert (found.effective > 2000).all()
    # standard error of a mean is 1/sqrt(effective), about 0.02 of the spread
    assert (flat.mean(axis=1) - mean) / np.sqrt(np.diag(covariance)) == pytest.approx(np.zeros((2, 2)), abs=0.08)
    for one in flat:
        assert np.cov(one.T) == pytest.approx(covariance, rel=0.1)
    assert (found.accepted > 0.5).all()


def test_nothing_is_sampled_outside_the_support() -> None:
    def density(places: Floats) -> Floats:
        inside = ((places >= 0.0) & (places <= 1.0)).all(axis=2)
        return np.where(inside, 0.0, -np.inf)

    rng = np.random.default_rng(1)
    places = sample(density, rng.random((1, 20, 3)), 2000, burn=100, rng=rng).places
    assert places.min() >= 0.0
    assert places.max() <= 1.0
    # a uniform density has mean 1/2 and variance 1/12
    assert places.mean(axis=(0, 1, 2)) == pytest.approx([0.5] * 3, abs=0.03)
    assert places.var(axis=(0, 1, 2)) == pytest.approx([1 / 12] * 3, rel=0.1)


def test_too_few_walkers_are_refused() -> None:
    with pytest.raises(ValueError, match="4 walkers"):
        sample(lambda places: places[:, :, 0], np.zeros((1, 4, 3)), 10, burn=0, rng=np.random.default_rng(0))
