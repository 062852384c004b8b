"""The reaction at the surface of a particle: potential, law of charge transfer, and Newton's step in it.

Butler-Volmer with α = 1/2, turned around, is explicit in the current density,

    Φ = U(x_s) - (2RT/F) asinh(J/2i0(x_s)) - r J,

with x_s the stoichiometry of the surface and r the resistance of the interphase;
J > 0 puts lithium into the particle.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from percolyte.cell.porous import BUTLER_VOLMER, LINEAR, TABLE


@njit(cache=True, error_model="numpy", forceinline=True)
def curve(curves: Any, j: int, x: float) -> tuple[float, float, float, float]:
    """U(x), dU/dx, i0/i0(0.5) and its slope by cubic Hermite between the points; constant i0 beyond them."""
    inside = min(max(x, 0.0), 1.0)
    position = inside * (TABLE - 1)
    i = min(int(position), TABLE - 2)
    s = position - i
    h = 1.0 / (TABLE - 1)
    d0, d1 = curves[j, i, 1] * h, curves[j, i + 1, 1] * h
    rise = curves[j, i + 1, 0] - curves[j, i, 0]
    c2, c3 = 3.0 * rise - 2.0 * d0 - d1, d0 + d1 - 2.0 * rise
    u = curves[j, i, 0] + s * (d0 + s * (c2 + s * c3))
    du = (d0 + s * (2.0 * c2 + 3.0 * s * c3)) * (TABLE - 1)
    d0, d1 = curves[j, i, 3] * h, curves[j, i + 1, 3] * h
    rise = curves[j, i + 1, 2] - curves[j, i, 2]
    c2, c3 = 3.0 * rise - 2.0 * d0 - d1, d0 + d1 - 2.0 * rise
    r = curves[j, i, 2] + s * (d0 + s * (c2 + s * c3))
    dr = (d0 + s * (2.0 * c2 + 3.0 * s * c3)) * (TABLE - 1)
    if x < 0.01 or x > 0.99:
        low, low_slope = wall(x)
        high, high_slope = wall(1.0 - x)
        u += (x - inside) * du + low - high
        du += low_slope + high_slope
        if x != inside:
            dr = 0.0
    return u, du, r, dr


@njit(cache=True, error_model="numpy")
def wall(x: float) -> tuple[float, float]:
    """Steep rise of the potential where a site fraction runs out, and its slope.

    25 mV e-folding over 1e-4: the walls stand for the logarithm of
    an ideal solution, and keep x within (0, 1).
    """
    a, b, c = 205.0568621937484, 6910.192179565431, -7.7e-4
    z = -b * (x - c)
    if z < -40.0:
        return 0.0, 0.0
    if z > 36.7:
        return a * z, -a * b
    e = math.exp(z)
    return a * math.log1p(e), -a * b * e / (1.0 + e)


@njit(cache=True, error_model="numpy")
def potential(curves: Any, j: int, x: float) -> tuple[float, float]:
    """U(x) and dU/dx, with walls at 0 and 1."""
    u, du, _, _ = curve(curves, j, x)
    return u, du


@njit(cache=True, error_model="numpy")
def exchange_current(i0: float, curves: Any, j: int, x: float) -> tuple[float, float]:
    """i0(x) and its derivative."""
    _, _, r, dr = curve(curves, j, x)
    return i0 * r, i0 * dr


@njit(cache=True, error_model="numpy", forceinline=True)
def overpotential(ratio: float, law: int, reorganisation: float) -> tuple[float, float]:
    """Y = Fη/2RT for w = J/2i0, and dy/dw.

    Butler-Volmer with α = 1/2: w = sinh y. Linear: w = y. Marcus, symmetric:
    w = sinh(y) exp(-y²RT/λ), up to nine tenths of the largest current that it
    allows and straight on from there. All three have w = y at small y.
    """
    if law == LINEAR:
        return ratio, 1.0
    size = abs(ratio)
    root = math.sqrt(1.0 + size * size)
    y = math.log(size + root) if size > 1e-4 else size
    if law == BUTLER_VOLMER:
        return math.copysign(y, ratio), 1.0 / root
    b = 1.0 / reorganisation
    end = 0.45 * reorganisation
    top = 0.9 * math.sinh(end) * math.exp(-b * end * end)
    goal = min(size, top)
    z = min(y, end)
    for _ in range(40):
        gauss = math.exp(-b * z * z)
        rise = gauss * (math.cosh(z) - 2.0 * b * z * math.sinh(z))
        change = (math.sinh(z) * gauss - goal) / rise
        z = min(z - change, end)
        if abs(change) < 1e-13 * (1.0 + z):
            break
    gauss = math.exp(-b * z * z)
    slope = 1.0 / (gauss * (math.cosh(z) - 2.0 * b * z * math.sinh(z)))
    z += (size - goal) * slope
    return math.copysign(z, ratio), slope


@njit(cache=True, error_model="numpy", forceinline=True)
def reaction(
    curves: Any, j: int, exchange: float, film: float, thermal: float, law: int, reorganisation: float,
    current: float, surface: float, b: float,
) -> tuple[float, float, float]:  # fmt: skip
    """Φ at which a class reacts with J, its derivative, and 1/2i0."""
    u, du, r, dr = curve(curves, j, surface)
    inverse = 0.5 / (exchange * r)
    ratio = current * inverse
    y, rise = overpotential(ratio, law, reorganisation)
    slope = du * b - thermal * rise * inverse * (1.0 - 2.0 * ratio * exchange * dr * b) - film
    return u - thermal * y - film * current, slope, inverse


@njit(cache=True, error_model="numpy")
def relaxed(current: float, step: float, inverse: float) -> float:
    """Newton's step in J, taken along asinh(J/2i0) where it shrinks J; `inverse` is 1/2i0.

    Newton on an inverse sine overshoots without bound when |J| is large and
    the root lies towards zero; a change of less than a tenth in the argument
    is left as it is, so that the charge balance stays exact at the end.
    """
    w = current * inverse
    change = step * inverse / math.sqrt(1.0 + w * w)
    if abs(change) < 0.1 or w * change >= 0.0:
        return step
    y = math.asinh(w)
    goal = y + change
    return (math.sinh(goal) if goal * y > 0.0 else goal) / inverse - current


@njit(cache=True, error_model="numpy")
def bounded(current: float, step: float, inverse: float, surface: float, b: float) -> float:
    """Newton's step in J, held back where the inverse sine or an empty or full surface asks for it."""
    return within(relaxed(current, step, inverse), surface, b)


@njit(cache=True, error_model="numpy")
def within(step: float, surface: float, b: float) -> float:
    """A step in J, held back where it would leave a surface empty or full."""
    moved = surface + b * step
    if moved > 1.0005 and surface < 1.0005:
        step *= max(0.1, 0.9 * (1.0005 - surface) / (moved - surface))
    elif moved < -0.0005 and surface > -0.0005:
        step *= max(0.1, 0.9 * (surface + 0.0005) / (surface - moved))
    return step
