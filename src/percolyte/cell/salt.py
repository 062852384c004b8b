"""The salt of a polymer on its mesh: properties, what crosses a face, and its levels of time."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from percolyte.cell.porous import Floats

DRY = 1e-6
"""Concentration at a lithium surface, over that at rest, at which the salt counts as used up."""
TINY = 1e-120
"""Concentration over that at rest below which none falls."""


class Electrolyte(NamedTuple):
    """The electrolyte on its mesh, SI; arrays over cells unless said otherwise."""

    separator: int
    """Cells of the separator; the rest are those of the cathode."""
    width: Floats
    fraction: Floats
    factor: Floats
    rest: float
    """Concentration of the rested cell, mol/m3."""
    order: float
    """i0 goes with c to this power."""
    low: float
    """First concentration of the tables, and their step."""
    step: float
    tables: Floats
    """κ, D, 1 - t+ and χ (V) against c: 4 × points."""


class Salt(NamedTuple):
    """Concentrations at three levels of time and on trial, and the blocks of Newton's system."""

    c: Floats
    cm: Floats
    cmm: Floats
    cn: Floats
    lower: Floats
    middle: Floats
    upper: Floats
    rhs: Floats
    anions: Floats
    """1 - t+ of the cathode's cells."""
    residual: Floats
    """Of each reaction, V, with its derivatives by J and c: cathode cells × classes × 3."""


def new_salt(m: Electrolyte, classes: int) -> Salt:
    """A rested electrolyte."""
    n = m.width.size
    c = np.full(n, m.rest)
    block = (n, 2, 2)
    return Salt(
        c, c.copy(), c.copy(), c.copy(), np.zeros(block), np.zeros(block), np.zeros(block), np.zeros((n, 2)),
        np.zeros(n), np.zeros((n - m.separator, classes, 3)),
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def properties(m: Any, c: float) -> tuple[float, float, float, float, float, float, float, float]:
    """κ, D, 1 - t+, χ at a concentration, each followed by its derivative; constant beyond the tables."""
    points = m.tables.shape[1]
    position = (c - m.low) / m.step
    scale = 1.0 / m.step if 0.0 < position < points - 1 else 0.0
    position = min(max(position, 0.0), points - 1.0)
    i = min(int(position), points - 2)
    w = position - i
    k, d, t, x = m.tables[0, i], m.tables[1, i], m.tables[2, i], m.tables[3, i]
    dk, dd, dt, dx = m.tables[0, i + 1] - k, m.tables[1, i + 1] - d, m.tables[2, i + 1] - t, m.tables[3, i + 1] - x
    return k + w * dk, dk * scale, d + w * dd, dd * scale, t + w * dt, dt * scale, x + w * dx, dx * scale


@njit(cache=True, error_model="numpy")
def face(
    m: Any, k: int, left: float, right: float
) -> tuple[float, float, float, float, float, float, float, float, float, float]:
    """Distance over s between the centres of cells k and k+1, weight of the left one, and the properties between.

    The concentration on the face is the one at which s dc/dx is the same on both sides.
    """
    before, after = 0.5 * m.width[k] / m.factor[k], 0.5 * m.width[k + 1] / m.factor[k + 1]
    weight = after / (before + after)
    kappa, dk, d, dd, t, dt, chi, dx = properties(m, weight * left + (1.0 - weight) * right)
    return before + after, weight, kappa, dk, d, dd, t, dt, chi, dx


@njit(cache=True, error_model="numpy")
def crossing(
    m: Any, k: int, total: float, electronic: float, c: Any, phi: Any
) -> tuple[float, float, float, float, float, float, float, float, float, float]:
    """What crosses the face between cells k and k+1.

    Diffusion towards the left in mol/(m2 s) and its derivatives by c left and c
    right; 1 - t+ and the same; the current towards the right in A/m2, the same,
    and its derivative by Φ right.
    """
    gap, weight, kappa, dk, d, dd, t, dt, chi, dx = face(m, k, c[k], c[k + 1])
    other = 1.0 - weight
    rise = c[k + 1] - c[k]
    current, by_left, by_right, by_phi = total, 0.0, 0.0, 0.0
    if k >= m.separator:
        j = k - m.separator
        logs = math.log(c[k + 1] / c[k])
        by_phi = 1.0 / (gap / kappa + m.width[k] / electronic)
        current = (phi[j + 1] - phi[j] + chi * logs + total * m.width[k] / electronic) * by_phi
        by_face = (dx * logs + current * gap * dk / (kappa * kappa)) * by_phi
        by_left = by_face * weight - chi / c[k] * by_phi
        by_right = by_face * other + chi / c[k + 1] * by_phi
    by_face = dd * rise / gap
    return (
        d * rise / gap, by_face * weight - d / gap, by_face * other + d / gap,
        t, dt * weight, dt * other, current, by_left, by_right, by_phi,
    )  # fmt: skip


@njit(cache=True, error_model="numpy")
def predict(m: Any, salt: Any, w: float) -> None:
    """Extrapolate the concentrations for a step, but not below a tenth."""
    for k in range(m.width.size):
        salt.cn[k] = max(salt.c[k] + w * (salt.c[k] - salt.cm[k]), 0.1 * salt.c[k], TINY * m.rest)


@njit(cache=True, error_model="numpy")
def accept_salt(salt: Any) -> None:
    """Take the trial concentrations over as a step in time."""
    salt.cmm[:] = salt.cm
    salt.cm[:] = salt.c
    salt.c[:] = salt.cn


@njit(cache=True, error_model="numpy")
def salt_miss(m: Any, salt: Any, f: Any) -> float:
    """Root mean square of the estimated relative error of the concentrations."""
    square = 0.0
    for k in range(m.width.size):
        guess = f.p[0] * salt.c[k] + f.p[1] * salt.cm[k] + f.p[2] * salt.cmm[k]
        square += ((salt.cn[k] - guess) / (salt.cn[k] + 0.01 * m.rest)) ** 2
    return float(f.numbers[1] * math.sqrt(square / m.width.size))
