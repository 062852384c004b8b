"""Closed forms for the effective conductivity of a composite.

Each takes the conductivity of one phase and its volume fraction in the whole
layer, pores included, and returns the effective conductivity in the same
unit. They assume a random, isotropic, macroscopically uniform mixture: no
grain boundaries, no contact resistance. Floats or arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from percolyte.units import Number


def bruggeman(conductivity: Number, fraction: Number, exponent: float = 1.5) -> Number:
    """σ_eff = σ φ^α, the differential effective-medium form.

    Holds for spherical insulating inclusions of widely different sizes with
    α = 1.5; measured solid-state composites want larger α. Limit: φ = 1 gives σ.
    Source: D. A. G. Bruggeman, Ann. Phys. 416 (1935) 636-664.
    """
    return conductivity * fraction**exponent


def maxwell(conductivity: Number, fraction: Number) -> Number:
    """σ_eff = σ 2φ/(3 - φ): separate insulating spheres in a conductor.

    Upper Hashin-Shtrikman bound for one conducting phase. Limits: φ = 1 gives
    σ; dilute spheres, φ = 1 - c, give σ (1 - 3c/2).
    Source: J. C. Maxwell, A Treatise on Electricity and Magnetism (1873), art. 314;
    Z. Hashin, S. Shtrikman, J. Appl. Phys. 33 (1962) 3125-3131.
    """
    return conductivity * 2.0 * fraction / (3.0 - fraction)


def percolation(conductivity: Number, fraction: Number, threshold: float, exponent: float = 2.0) -> Number:
    """σ_eff = σ ((φ - φ_c)/(1 - φ_c))^t above the threshold φ_c, else zero.

    t = 2.0 is the universal exponent of conduction in three dimensions; the
    scaling holds near φ_c, and the form is exact again at φ = 1.
    Source: D. Stauffer, A. Aharony, Introduction to Percolation Theory, 2nd ed. (1994).
    """
    reach = np.clip((np.asarray(fraction) - threshold) / (1.0 - threshold), 0.0, None)
    return _like(fraction, conductivity * reach**exponent)


def effective_medium(conductivities: tuple[Number, ...], fractions: tuple[Number, ...]) -> Number:
    """Bruggeman's symmetric effective medium: Σ φ_i (σ_i - σ)/(σ_i + 2σ) = 0.

    Phases are treated alike, so that a conducting phase percolates at φ = 1/3.
    What the fractions leave open to one is an insulating phase. Limits: one
    phase gives its own σ; σ_i all equal give σ_i; two phases agree with the
    root of the quadratic. Solved by bisection between zero and the largest σ_i.
    Source: R. Landauer, J. Appl. Phys. 23 (1952) 779-784.
    """
    sigma = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (*conductivities, *fractions)))
    conducting, share = sigma[: len(conductivities)], sigma[len(conductivities) :]
    rest = 1.0 - np.sum(share, axis=0)
    low, high = np.zeros_like(rest), np.maximum.reduce(conducting)

    def excess(value: Any) -> Any:
        flow = sum(
            f * (s - value) / np.maximum(s + 2.0 * value, 1e-300) for f, s in zip(share, conducting, strict=True)
        )
        return flow - rest / 2.0

    for _ in range(200):
        middle = (low + high) / 2.0
        below = excess(middle) > 0.0
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return _like(fractions[0], (low + high) / 2.0)


def tortuosity_factor(conductivity: Number, effective: Number, fraction: Number) -> Number:
    """κ = φ σ/σ_eff, the factor by which a straight channel of the same φ conducts better.

    φ is the total volume fraction of the phase in the layer, pores included.
    This is not the ratio of path lengths, whose square it would be in a single
    winding channel. Limit: straight channels give one.
    """
    return fraction * conductivity / effective


def _like(given: Number, value: Any) -> Number:
    """A float for a float, an array for an array."""
    return np.asarray(value) if isinstance(given, np.ndarray) else float(value)
