"""The voltage of a cell with a salt, and what it loses to each process."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from percolyte.cell.diffusion import mean_of
from percolyte.cell.kernel import planar_potential
from percolyte.cell.reaction import exchange_current, overpotential, potential
from percolyte.cell.salt import crossing, face, properties
from percolyte.units import FARADAY, GAS_CONSTANT


@njit(cache=True, error_model="numpy")
def surface_salt(m: Any, c: Any, first: int, second: int, total: float) -> float:
    """Concentration at a lithium surface that a current leaves, from the means of the two cells next to it.

    No anion crosses the surface, s D dc/dx = -(1 - t+) I/F there; a parabola through that slope and both means.
    """
    _, _, d, _, t, _, _, _ = properties(m, c[first])
    slope = -t * total / (FARADAY * d * m.factor[first])
    return float(c[first] - slope * m.width[first] / 3.0 - (c[second] - c[first]) / 6.0)


@njit(cache=True, error_model="numpy")
def separator_drop(m: Any, c: Any, at_lithium: float, total: float) -> tuple[float, float]:
    """φ_e at the end of the separator less that at the lithium: by Ohm's law, and by the gradient of c."""
    kappa, _, _, _, _, _, chi, _ = properties(m, c[0])
    ohmic = -total * m.width[0] / (2.0 * m.factor[0] * kappa)
    gradient = chi * math.log(c[0] / at_lithium)
    for k in range(min(m.separator, m.width.size - 1)):
        gap, _, kappa, _, _, _, _, _, chi, _ = face(m, k, c[k], c[k + 1])
        if k == m.separator - 1:
            gap = 0.5 * m.width[k] / m.factor[k]
        ohmic -= total * gap / kappa
        gradient += chi * math.log(c[k + 1] / c[k])
    return ohmic, gradient


@njit(cache=True, error_model="numpy")
def cathode_drop(m: Any, e: Any, salt: Any, s: Any, total: float) -> float:
    """φ_s(collector) - φ_e(separator face) without χ ln c of the first half cell, which `separator_drop` counts."""
    first = m.separator
    n = m.width.size - first
    h = m.width[first]
    after = 0.0
    if n > 1:
        after = crossing(m, first, total, e.electronic, salt.cn, s.points.trial)[6]
    _, _, kappa, _, _, _, _, _, _, _ = face(m, first - 1, salt.cn[first - 1], salt.cn[first])
    value = s.points.trial[0] - (0.75 * total + 0.25 * after) * 0.5 * h / (m.factor[first] * kappa)
    last = 0.0
    for k in range(n - 1):
        last = crossing(m, first + k, total, e.electronic, salt.cn, s.points.trial)[6]
        value -= (total - last) * h / e.electronic
    return float(value - (total - 0.25 * last) * 0.5 * h / e.electronic)


@njit(cache=True, error_model="numpy")
def lithium_potential(m: Any, p: Any, c: float, total: float) -> float:
    """φ_s - φ_e of a lithium surface that a current leaves."""
    return float(planar_potential(p, (c / m.rest) ** m.order, total)[0])


@njit(cache=True, error_model="numpy")
def measure(m: Any, e: Any, salt: Any, s: Any, p: Any, contact: float, total: float, row: Any) -> float:
    """Fill a row from the trial state; the least concentration at a lithium surface, and no voltage if it is nil."""
    c, last = salt.cn, m.width.size - 1
    near = surface_salt(m, c, 0, 1, total)
    if total >= 0.0:
        # no salt is taken away here: what a steep profile of before extrapolates to is no lack of it
        near = max(near, 0.1 * c[0])
    far, least = c[last], near
    if m.width.size == m.separator:
        far = surface_salt(m, c, last, last - 1, -total)
        least = min(near, far)
    row[2], row[16], row[17] = total, near, far
    if least <= 0.0:
        return least
    row[18] = min(least, c.min())
    ohmic, gradient = separator_drop(m, c, near, total)
    if m.width.size == m.separator:
        kappa, _, _, _, _, _, chi, _ = properties(m, c[last])
        ohmic -= total * m.width[last] / (2.0 * m.factor[last] * kappa)
        gradient += chi * math.log(far / c[last])
        row[4] = lithium_potential(m, p, far, -total)
    else:
        row[4] = cathode_drop(m, e, salt, s, total)
    row[5] = lithium_potential(m, p, near, total)
    row[1] = row[4] + ohmic + gradient - row[5] - contact * total
    return least


@njit(cache=True, error_model="numpy")
def add_losses(m: Any, e: Any, salt: Any, s: Any, p: Any, contact: float, row: Any) -> None:
    """Volts lost to each process after a step; they add up as those of `percolyte.cell.losses`.

    Ions and kinetics as in the salt of the rested cell; what its concentration
    changes in them, and its gradient, makes the loss to the salt.
    """
    total, near = row[2], row[16]
    row[6:16] = 0.0
    thermal = 2.0 * GAS_CONSTANT * e.temperature / FARADAY
    ohmic, gradient = separator_drop(m, salt.c, near, total)
    at_rest = properties(m, m.rest)[0]
    for k in range(m.separator):
        row[6] += total * m.width[k] / (m.factor[k] * at_rest)
    row[13] = thermal * math.asinh(total / (2.0 * p.exchange)) + p.film * total
    row[15] = -ohmic - row[6] - gradient + row[5] - p.potential - row[13]
    row[6] += contact * total
    if total != 0.0 and m.width.size > m.separator:
        add_cathode_losses(m, e, salt, s, at_rest, total, row)


@njit(cache=True, error_model="numpy")
def add_cathode_losses(m: Any, e: Any, salt: Any, s: Any, at_rest: float, total: float, row: Any) -> None:
    """Power dissipated in the cathode over the current: ions, electrons, kinetics, diffusion, salt."""
    thermal = 2.0 * GAS_CONSTANT * e.temperature / FARADAY
    cells = m.width.size - m.separator
    before = total
    for q in range(cells):
        k = m.separator + q
        h = m.width[k]
        after = 0.0
        if q < cells - 1:
            after = crossing(m, k, total, e.electronic, salt.c, s.phi[0])[6]
            chi = face(m, k, salt.c[k], salt.c[k + 1])[8]
            row[15] -= after * chi * math.log(salt.c[k + 1] / salt.c[k]) / total
        square = (before * before + before * after + after * after) / 3.0 * h / total
        rest0, rest1 = total - before, total - after
        row[7] += square / (m.factor[k] * at_rest)
        row[15] += square / m.factor[k] * (1.0 / properties(m, salt.c[k])[0] - 1.0 / at_rest)
        row[8] += (rest0 * rest0 + rest0 * rest1 + rest1 * rest1) / 3.0 * h / e.electronic / total
        before = after
        for j in range(e.parts.size):
            current, surface, part = s.current[0, q, j], s.surface[0, q, j], e.parts[j]
            share = part.area * h * current / total
            at_mean, _ = potential(e.curves, j, mean_of(e, s, q, j))
            at_surface, _ = potential(e.curves, j, surface)
            i0, _ = exchange_current(part.exchange, e.curves, j, surface)
            kinetic = thermal * overpotential(current / (2.0 * i0), e.law, e.reorganisation)[0] + part.film * current
            row[9] += share * kinetic
            row[10] += share * (at_mean - at_surface)
            row[15] += share * (at_surface - s.phi[0, q] - kinetic)
