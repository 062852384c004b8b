"""All values that a measurement allows, as samples of their probability.

With an even prior of u (ln p for what spans decades) inside the bounds, and of ln σ
for the unknown size σ of the noise, which is integrated out,

    p(u) ~ F(u)^(-M/2),   F = ½ Σ ρ(r),

M rows (A. Gelman et al., Bayesian Data Analysis, 3rd ed., 2013, section 14.2). A
logarithm without bounds is kept within a factor of 1000 of the optimum: along a
blind direction the prior is all that there is, and no prior that never ends can be sampled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from percolyte.impedance.estimates import Fit
from percolyte.impedance.measurement import Floats
from percolyte.numerics.ensemble import sample

FACTOR = math.log(1e3)
ENSEMBLES, WALKERS, STEPS, BURN = 2, 32, 800, 200
"""Ensembles that never meet, walkers of each, and their steps that count and that do not."""
ENOUGH = 400.0
"""Independent samples, for the ends of a 95 % interval to be known within about a tenth of its width."""
LONGEST = 4
"""Times STEPS that a run takes at most where fewer are not enough."""
MIXED = 1.05
"""R-hat up to which parts of the samples tell the same."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """Samples of the parameters that were fitted."""

    names: tuple[str, ...]
    samples: Floats
    """Values (K, P)"""
    effective: Floats
    """Independent samples that they are worth (P)."""
    r_hat: Floats
    """Spread of all over the spread within the halves of each ensemble (P): 1 where they tell the same."""
    accepted: float
    """Share of the steps that were taken."""
    warnings: tuple[str, ...]

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Between the quantiles that leave the same probability on both sides."""
        column = self.samples[:, self.names.index(name)]
        low, high = np.quantile(column, [0.5 - level / 2.0, 0.5 + level / 2.0])
        return float(low), float(high)

    @property
    def words(self) -> str:
        """How far the samples can be believed."""
        said = "agree" if self.r_hat.max() <= MIXED else "do not agree"
        return (
            f"{len(self.samples)} samples worth {self.effective.min():.0f} independent ones at least; "
            f"{2 * ENSEMBLES} separate parts of them {said} (R-hat at most {self.r_hat.max():.3f}); "
            f"{100.0 * self.accepted:.0f} % of the steps were taken"
        )

    def median(self) -> Mapping[str, float]:
        return dict(zip(self.names, np.median(self.samples, axis=0).tolist(), strict=True))


def sample_posterior(
    fit: Fit, *, walkers: int = WALKERS, steps: int = STEPS, burn: int = BURN, seed: int = 0
) -> Posterior:
    """Samples around the optimum of a fit, by an ensemble of walkers.

    Holds for plain residuals; those of a robust fit are weighed as it weighed them. Limit: where the linear model
    holds, the intervals are those of the fit. Exchangeable parameters: each walker stays with one of the two.
    `walkers` is the number in each ensemble, and is raised to twice that of the parameters where it is less.
    """
    misfit, known = fit.misfit, {item.name for item in fit.estimates if item.basis == "known"}
    opened = np.array([parameter.name not in known for parameter in misfit.parameters])
    logarithmic = misfit.logarithmic
    origin = np.where(logarithmic, np.log(np.where(logarithmic, fit.optimum, 1.0)), fit.optimum)
    low = np.where(logarithmic, origin - FACTOR, misfit.low)[opened]
    high = np.where(logarithmic, origin + FACTOR, misfit.high)[opened]
    cutoff = fit.cutoff

    def values_of(places: Floats) -> Floats:
        every = np.tile(origin, (*places.shape[:-1], 1))
        every[..., opened] = places
        values: Floats = np.where(logarithmic, np.exp(np.where(logarithmic, every, 0.0)), every)
        return values

    def density(places: Floats) -> Floats:
        flat = places.reshape(-1, places.shape[2])
        inside = ((flat >= low) & (flat <= high)).all(axis=1)
        height = np.full(len(flat), -np.inf)
        if inside.any():
            residuals, _ = misfit(values_of(flat[inside]), np.full(int(inside.sum()), fit.problem))
            square = residuals**2
            if math.isfinite(cutoff):
                square = cutoff**2 * np.log1p(square / cutoff**2)
            height[inside] = -0.5 * fit.rows * np.log(square.sum(axis=1))
        return height.reshape(places.shape[:2])

    rng = np.random.default_rng(seed)
    width = np.array([_width(item.error) for item in fit.estimates])[opened]
    count = int(opened.sum())
    start = origin[opened] + width * rng.standard_normal((ENSEMBLES, max(walkers, 2 * count), count))
    found = sample(density, np.clip(start, low, high), steps, burn=burn, rng=rng)
    values = values_of(found.places.reshape(-1, count))[:, opened]
    effective, mixing = found.effective.sum(axis=0), _r_hat(found.places)
    names = tuple(parameter.name for parameter, free in zip(misfit.parameters, opened, strict=True) if free)
    said = []
    if poor := [name for name, worth in zip(names, effective, strict=True) if worth < ENOUGH]:
        said.append(
            f"the samples are worth only {effective.min():.0f} independent ones where {ENOUGH:.0f} are wanted "
            f"({', '.join(poor)}): take more steps, or fewer parameters"
        )
    if apart := [name for name, ratio in zip(names, mixing, strict=True) if ratio > MIXED]:
        said.append(
            f"separate parts of the samples do not agree (R-hat up to {mixing.max():.2f}: {', '.join(apart)}): take more "
            "steps, or fewer parameters"
        )
    return Posterior(names, values, effective, mixing, float(found.accepted.mean()), tuple(said))


def sample_enough(fit: Fit) -> Posterior:
    """Samples of which enough are independent, or as many as a run of LONGEST times the steps gives."""
    posterior = sample_posterior(fit)
    times = 1
    while posterior.warnings and times < LONGEST:
        times *= 4
        posterior = sample_posterior(fit, steps=times * STEPS, burn=times * BURN)
    return posterior


def with_posterior(fit: Fit, posterior: Posterior) -> Fit:
    """The fit with intervals between the quantiles of the samples; what has no value keeps its reason."""
    estimates = []
    for item in fit.estimates:
        if item.name in posterior.names:
            low, high = posterior.interval(item.name)
            item = replace(item, low=low, high=high, basis="posterior")
        estimates.append(item)
    return replace(fit, estimates=tuple(estimates))


def _r_hat(places: Floats) -> Floats:
    """R-hat (P) of places (B, steps, W, P), the halves of each ensemble against each other.

    sqrt(1 + B/W), B the variance of the means of the parts and W the mean of their variances (A. Gelman et al.,
    Bayesian Data Analysis, 3rd ed., 2013, section 11.4, for many samples). Limit: 1 for parts of one distribution.
    """
    half = places.shape[1] // 2
    parts = np.concatenate([places[:, :half], places[:, half : 2 * half]]).reshape(2 * len(places), -1, places.shape[3])
    within = np.maximum(parts.var(axis=1).mean(axis=0), 1e-300)
    ratio: Floats = np.sqrt(1.0 + parts.mean(axis=1).var(axis=0, ddof=1) / within)
    return ratio


def _width(error: float) -> float:
    """Spread of the walkers at the start: the standard error, or half a unit where there is none."""
    return min(error, 0.5) if math.isfinite(error) and error > 0.0 else 0.5
