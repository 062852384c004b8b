"""The tangent ratio against forty digits, on both sides of where its series takes over."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from percolyte.numerics.hyperbolic import SMALL, tanh_ratio


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.5, 0.85, 1.0, 1.5])
def test_the_ratio_and_its_slope_are_right_from_the_smallest_to_the_largest_argument(angle: float) -> None:
    """Angles in right angles: 1 is a capacitor, below it constant phase elements, 1.5 an inductive interface."""
    size = np.concatenate([np.geomspace(1e-14, 1e13, 82), SMALL * np.array([0.999, 1.001])])
    v = size * np.exp(0.5j * np.pi * angle)
    ratio, slope = tanh_ratio(v)
    with mpmath.workdps(40):
        for value, t, d in zip(v, ratio, slope, strict=True):
            u = mpmath.sqrt(mpmath.mpmathify(value))
            exact = mpmath.tanh(u) / u
            assert abs(t / exact - 1) < 1e-14
            # above the series the slope is a difference, of which 1e-16 against 4e-3/3 is left
            assert abs(d / ((1 - mpmath.tanh(u) ** 2 - exact) / 2) - 1) < 2e-13
