"""The hyperbolic tangent over its argument, as a function of the square, with its slope: what a line or a slab needs.

With u = sqrt(v), T = tanh(u)/u and D = v dT/dv = (1 - v T² - T)/2 give

    coth(u)/u = 1/(v T),   1 - T = 2D + v T²,   tanh(u)/(u - tanh u) = T/(1 - T),

the last two without loss of digits however small v is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Complexes = NDArray[np.complex128]

SMALL = 4e-3
"""|v| below which D comes from its series: above, D is right to 1e-13; below, five terms leave (0.41 |v|)^5 ~ 1e-14."""
_SERIES = (-1 / 3, 4 / 15, -17 / 105, 248 / 2835, -1382 / 31185)
"""Of D in powers of v, from the first."""


def tanh_ratio(v: Complexes) -> tuple[Complexes, Complexes]:
    """T = tanh(sqrt v)/sqrt v and D = v dT/dv, for any v but zero and the negative real axis; neither overflows.

    Limits: v -> 0 gives T = 1 - v/3, D = -v/3; |v| -> ∞ gives T = 1/sqrt(v), D = -T/2.
    """
    u: Complexes = np.sqrt(v)
    tangent: Complexes = np.tanh(u)
    ratio = tangent / u
    slope: Complexes = 0.5 * (1.0 - tangent * tangent - ratio)
    small = np.abs(v) < SMALL
    if small.any():
        part = v[small]
        inner = _SERIES[-1] * part + _SERIES[-2]
        for coefficient in _SERIES[-3::-1]:
            inner = inner * part + coefficient
        slope[small] = inner * part
    return ratio, slope
