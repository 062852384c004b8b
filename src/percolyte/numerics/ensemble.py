"""Samples of a probability density, by an ensemble of walkers that step along lines through each other.

A walker x steps to y + z (x - y), where y is a walker of the other half and z has a
density ~ 1/√z between 1/2 and 2; the step is taken with probability

    min(1, z^(P-1) p(y + z (x - y))/p(x)).

Nothing has to be tuned to how the density is stretched (J. Goodman and J. Weare,
Commun. Appl. Math. Comput. Sci. 5 (2010) 65, eq. 7). Half of all walkers of all
densities step at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
LogDensity: TypeAlias = Callable[[Floats], Floats]
"""Places (B, W, P) -> logarithms of the density (B, W), up to a constant; -inf where it is zero."""
LONGEST = 2.0
"""Largest z."""


@dataclass(frozen=True)
class Samples:
    """Places of all walkers of all densities after each step that counts."""

    places: Floats
    """(B, steps, W, P)"""
    accepted: Floats
    """Share of the steps that were taken (B); far from 0 and 1 if all is well."""
    correlation_time: Floats
    """Steps after which a walker has forgotten where it was (B, P)."""

    @property
    def effective(self) -> Floats:
        """Independent samples that these are worth (B, P)."""
        _, steps, walkers, _ = self.places.shape
        worth: Floats = steps * walkers / self.correlation_time
        return worth


def sample(density: LogDensity, start: Floats, steps: int, *, burn: int, rng: np.random.Generator) -> Samples:
    """Samples of B densities from walkers that start at (B, W, P); the first `burn` steps are thrown away.

    W is even and at least 2P, and the walkers span all dimensions. Limit: of a normal density, mean and covariance.
    """
    number, walkers, dimensions = start.shape
    if walkers % 2 or walkers < 2 * dimensions:
        raise ValueError(f"{walkers} walkers: an even number, at least twice the {dimensions} dimensions")
    place = start.copy()
    height = density(place)
    kept = np.empty((number, steps, walkers, dimensions))
    taken = np.zeros(number)
    halves = slice(0, walkers // 2), slice(walkers // 2, None)
    for step in range(-burn, steps):
        for own, other in (halves, halves[::-1]):
            moved = _stretch(density, place, height, own, other, rng)
            taken += moved.mean(axis=1) / 2.0 if step >= 0 else 0.0
        if step >= 0:
            kept[:, step] = place
    return Samples(kept, taken / steps, _correlation_time(kept))


def _stretch(density: LogDensity, place: Floats, height: Floats, own: slice, other: slice, rng: Any) -> Any:
    """Step of half the walkers along lines through the other half. Which moved."""
    here, there = place[:, own], place[:, other]
    shape = here.shape[:2]
    partner = np.take_along_axis(there, rng.integers(there.shape[1], size=shape)[:, :, None], axis=1)
    z = (1.0 + (LONGEST - 1.0) * rng.random(shape)) ** 2 / LONGEST
    proposed = partner + z[:, :, None] * (here - partner)
    new = density(proposed)
    gain = (place.shape[2] - 1.0) * np.log(z) + new - height[:, own]
    moved = np.log(rng.random(shape)) < gain
    place[:, own] = np.where(moved[:, :, None], proposed, here)
    height[:, own] = np.where(moved, new, height[:, own])
    return moved


def _correlation_time(places: Floats) -> Floats:
    """Integrated autocorrelation time, summed until the lag is five times it (A. Sokal's window)."""
    steps = places.shape[1]
    centred = places - places.mean(axis=(1, 2), keepdims=True)
    spectrum = np.fft.rfft(centred, n=2 * steps, axis=1)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, :steps].mean(axis=2)
    correlation = correlation / np.where(correlation[:, :1] > 0.0, correlation[:, :1], 1.0)
    times = 2.0 * np.cumsum(correlation, axis=1) - 1.0
    enough = np.arange(steps)[:, None] >= 5.0 * times
    window = np.where(enough.any(axis=1), enough.argmax(axis=1), steps - 1)
    return np.maximum(np.take_along_axis(times, window[:, None, :], axis=1)[:, 0], 1.0)
