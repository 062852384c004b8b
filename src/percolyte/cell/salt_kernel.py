"""A separator and a porous cathode filled with a binary salt in a polymer: the compiled equations.

The anions take no part in any reaction, so that their flux alone carries the
salt balance, and is nil at both ends of the cell:

    ε dc/dt = d/dx [s D dc/dx + (1 - t+) i_e / F],
    i_e = -s κ dφ_e/dx + s κ χ dlnc/dx,   χ = (2RT/F)(1 - t+)(1 + dlnf/dlnc),

with ε the volume fraction and s the effective-transport factor of the
electrolyte. This is the concentrated-solution form of Doyle, Fuller and
Newman, J. Electrochem. Soc. 140 (1993) 1526. In the separator i_e = I, so that
c alone is unknown there. In the cathode i_s + i_e = I leaves Φ = φ_s - φ_e,

    i_e = (dΦ/dx + χ dlnc/dx + I/σ) / (1/sκ + 1/σ),   -di_e/dx = Σ a_m J_m,

and J goes out of Newton's system as in `percolyte.cell.kernel`, which is the
limit t+ = 1. What is left is one block-tridiagonal solve with blocks of (c, Φ).

x runs from the lithium (0) through the separator to the collector; J > 0 puts
lithium into the particles; I > 0 is ionic current from lithium to cathode.
A mesh without cathode cells ends at a second lithium electrode.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from percolyte.cell.kernel import (
    CAPACITY,
    CURRENT,
    FAILED,
    FARADAY,
    FULL,
    GAS_CONSTANT,
    HIGH,
    LEVELS,
    LOW,
    NEWTON_MOST,
    PROFILE,
    TAPER,
    TIME,
    VOLTAGE,
    Floats,
    Formula,
    accept,
    exchange_current,
    hold,
    interpolate,
    mean_of,
    miss,
    overpotential,
    potential,
    prepare,
    relaxed,
    set_formula,
    settle,
    target_gap,
)

NEWTON_TOLERANCE = 2e-7
"""Volts."""
DRY = 1e-6
"""Concentration at a lithium surface, over that at rest, at which the salt counts as used up."""
LITTLE = 1e-3
"""Concentration over that at rest below which a failed step is put down to a lack of salt."""
TINY = 1e-120
"""Concentration over that at rest below which none falls."""
LOOSER = 2.5
"""Error allowed in ln(c) per step, over that in the stoichiometry; a hundredth of c at rest is added to c."""

DEPLETED = 8
"""How a step ends without salt; the other ends have the numbers of `percolyte.cell.kernel`."""

COLUMNS = 19
"""Stored for each accepted step: those of `percolyte.cell.kernel`, then volts
lost to the concentration of the salt, c at the lithium, c at the other end, least c."""


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
def set_transport(
    m: Any, salt: Any, total: float, electronic: float, c1: float, c2: float, gam: float, phi: Any
) -> None:
    """Balances of salt (row 0) and charge (row 1) of every cell, without the reactions.

    In the cathode the row of charge, times (1 - t+)/F of the cell, is added to
    that of salt: else the two are all but the same where c is small, and the
    blocks are lost to rounding. Rows of charge of the separator hold nothing.
    """
    n = m.width.size
    low, mid, up, rhs = salt.lower, salt.middle, salt.upper, salt.rhs
    low[:], mid[:], up[:], rhs[:] = 0.0, 0.0, 0.0, 0.0
    for k in range(n):
        held = m.fraction[k] * m.width[k]
        mid[k, 0, 0] = held
        rhs[k, 0] = -held * (salt.cn[k] - c1 * salt.c[k] - c2 * salt.cm[k])
        salt.anions[k] = properties(m, salt.cn[k])[4] if k >= m.separator else 0.0
        if k < m.separator:
            mid[k, 1, 1] = 1.0
    if m.separator < n:
        rhs[m.separator, 1] = total
    for k in range(n - 1):
        flux, fl, fr, t, tl, tr, current, il, ir, ip = crossing(m, k, total, electronic, salt.cn, phi)
        for side in range(2):
            sign = gam if side == 0 else -gam
            excess = (t - salt.anions[k + side]) / FARADAY
            rhs[k + side, 0] += sign * (flux + excess * current)
            by_left = sign * (fl + tl * current / FARADAY + excess * il)
            by_right = sign * (fr + tr * current / FARADAY + excess * ir)
            by_phi = sign * excess * ip
            if side == 0:
                mid[k, 0, 0] -= by_left
                up[k, 0, 0] -= by_right
                mid[k, 0, 1] += by_phi
                up[k, 0, 1] -= by_phi
            else:
                low[k + 1, 0, 0] -= by_left
                mid[k + 1, 0, 0] -= by_right
                low[k + 1, 0, 1] += by_phi
                mid[k + 1, 0, 1] -= by_phi
        if k >= m.separator:
            rhs[k, 1] -= current
            rhs[k + 1, 1] += current
            mid[k, 1, 0] += il
            up[k, 1, 0] += ir
            mid[k, 1, 1] -= ip
            up[k, 1, 1] += ip
            low[k + 1, 1, 0] -= il
            mid[k + 1, 1, 0] -= ir
            low[k + 1, 1, 1] += ip
            mid[k + 1, 1, 1] -= ip


@njit(cache=True, error_model="numpy")
def add_reactions(m: Any, e: Any, salt: Any, s: Any, gam: float) -> float:
    """Reactions into both rows, with their J taken out of the unknowns; the largest residual, V."""
    thermal = 2.0 * GAS_CONSTANT * e.temperature / FARADAY
    worst = 0.0
    for q in range(m.width.size - m.separator):
        k = m.separator + q
        richness = (salt.cn[k] / m.rest) ** m.order
        for j in range(e.parts.size):
            current = s.reactions[q, j].trial
            surface = s.reactions[q, j].a + s.reactions[q, j].b * current
            u, du = potential(e.curves, j, surface)
            i0, di0 = exchange_current(e.parts[j].exchange, e.curves, j, surface)
            i0, di0 = i0 * richness, di0 * richness
            ratio = current / (2.0 * i0)
            y, rise = overpotential(ratio, e.law, e.reorganisation)
            gap = u - thermal * y - e.parts[j].film * current - s.points[q].trial
            slope = (
                du * s.reactions[q, j].b
                - thermal * rise * (0.5 / i0 - ratio / i0 * di0 * s.reactions[q, j].b)
                - e.parts[j].film
            )
            by_salt = thermal * rise * ratio * m.order / salt.cn[k]
            salt.residual[q, j, 0], salt.residual[q, j, 1], salt.residual[q, j, 2] = gap, slope, by_salt
            worst = larger(worst, abs(gap))
            area = e.parts[j].area * m.width[k]
            for row in range(2):
                share = area if row == 1 else area * gam * salt.anions[k] / FARADAY
                salt.middle[k, row, 1] += share / slope
                salt.middle[k, row, 0] -= share / slope * by_salt
                salt.rhs[k, row] += share * (gap / slope - current)
    return worst


@njit(cache=True, error_model="numpy")
def solve_blocks(lower: Any, middle: Any, upper: Any, rhs: Any) -> None:
    """Block-tridiagonal elimination with blocks of two; the solution takes the place of `rhs`."""
    n = rhs.shape[0]
    for k in range(n):
        a, b, c, d = middle[k, 0, 0], middle[k, 0, 1], middle[k, 1, 0], middle[k, 1, 1]
        r0, r1 = rhs[k, 0], rhs[k, 1]
        if k > 0:
            l00, l01, l10, l11 = lower[k, 0, 0], lower[k, 0, 1], lower[k, 1, 0], lower[k, 1, 1]
            u = upper[k - 1]
            a -= l00 * u[0, 0] + l01 * u[1, 0]
            b -= l00 * u[0, 1] + l01 * u[1, 1]
            c -= l10 * u[0, 0] + l11 * u[1, 0]
            d -= l10 * u[0, 1] + l11 * u[1, 1]
            r0 -= l00 * rhs[k - 1, 0] + l01 * rhs[k - 1, 1]
            r1 -= l10 * rhs[k - 1, 0] + l11 * rhs[k - 1, 1]
        inverse = 1.0 / (a * d - b * c)
        rhs[k, 0], rhs[k, 1] = (d * r0 - b * r1) * inverse, (a * r1 - c * r0) * inverse
        for q in range(2):
            u0, u1 = upper[k, 0, q], upper[k, 1, q]
            upper[k, 0, q], upper[k, 1, q] = (d * u0 - b * u1) * inverse, (a * u1 - c * u0) * inverse
    for k in range(n - 2, -1, -1):
        for q in range(2):
            rhs[k, q] -= upper[k, q, 0] * rhs[k + 1, 0] + upper[k, q, 1] * rhs[k + 1, 1]


@njit(cache=True, error_model="numpy")
def larger(worst: float, value: float) -> float:
    """The larger of two, or what is no number, which `max` would lose."""
    return worst if value <= worst or worst != worst else value


@njit(cache=True, error_model="numpy")
def update_salt(m: Any, salt: Any, thermal: float) -> tuple[float, bool]:
    """Add Newton's step to c, which stays above a tenth of itself; largest change as volts, and whether it was cut."""
    worst, cut = 0.0, False
    for k in range(m.width.size):
        now, step = salt.cn[k], salt.rhs[k, 0]
        worst = larger(worst, thermal * abs(step) / (now + DRY * m.rest))
        if step < -0.9 * now:
            cut = cut or 0.1 * now > TINY * m.rest
            step = max(-0.9 * now, min(TINY * m.rest - now, 0.0))
            salt.rhs[k, 0] = step
        salt.cn[k] = now + step
    return worst, cut


@njit(cache=True, error_model="numpy")
def update_electrode(m: Any, e: Any, salt: Any, s: Any) -> tuple[float, bool]:
    """Add Newton's step to Φ and J; J stops short of an empty or a full particle."""
    worst, cut = 0.0, False
    for q in range(m.width.size - m.separator):
        k = m.separator + q
        rise = salt.rhs[k, 1]
        worst = larger(worst, abs(rise))
        s.points[q].trial += rise
        richness = (salt.cn[k] / m.rest) ** m.order
        for j in range(e.parts.size):
            gap, slope, by_salt = salt.residual[q, j]
            surface = s.reactions[q, j].a + s.reactions[q, j].b * s.reactions[q, j].trial
            i0, _ = exchange_current(e.parts[j].exchange, e.curves, j, surface)
            step = relaxed(
                s.reactions[q, j].trial, (rise - gap - by_salt * salt.rhs[k, 0]) / slope, 0.5 / (i0 * richness)
            )
            moved = surface + s.reactions[q, j].b * step
            if moved > 1.0005 and surface < 1.0005:
                step *= max(0.1, 0.9 * (1.0005 - surface) / (moved - surface))
                cut = True
            elif moved < -0.0005 and surface > -0.0005:
                step *= max(0.1, 0.9 * (surface + 0.0005) / (surface - moved))
                cut = True
            s.reactions[q, j].trial += step
    return worst, cut


@njit(cache=True, error_model="numpy")
def solve(m: Any, e: Any, salt: Any, s: Any, total: float, c1: float, c2: float, gam: float) -> int:
    """Newton for c, Φ and J at a given current; iterations, negative if it failed.

    What crosses a face cancels in the sums over all cells, so that charge and
    salt of the whole are conserved to rounding after a full step.
    """
    thermal = 2.0 * GAS_CONSTANT * e.temperature / FARADAY
    for iteration in range(1, NEWTON_MOST + 1):
        set_transport(m, salt, total, e.electronic, c1, c2, gam, s.points.trial)
        residual = add_reactions(m, e, salt, s, gam)
        solve_blocks(salt.lower, salt.middle, salt.upper, salt.rhs)
        salted, dried = update_salt(m, salt, thermal)
        moved, stopped = update_electrode(m, e, salt, s)
        worst = larger(larger(residual, salted), moved)
        if not (worst < 1e6):
            return -iteration
        if worst < NEWTON_TOLERANCE and not dried and not stopped:
            return iteration
    return -NEWTON_MOST


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
    thermal = 2.0 * GAS_CONSTANT * p.temperature / FARADAY
    i0 = p.exchange * (c / m.rest) ** m.order
    return float(p.potential + thermal * math.asinh(total / (2.0 * i0)) + p.film * total)


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
    """Volts lost to each process after a step; they add up as those of `percolyte.cell.kernel`.

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


@njit(cache=True, error_model="numpy")
def salt_miss(m: Any, salt: Any, f: Any) -> float:
    """Root mean square of the estimated relative error of the concentrations."""
    square = 0.0
    for k in range(m.width.size):
        guess = f.p[0] * salt.c[k] + f.p[1] * salt.cm[k] + f.p[2] * salt.cmm[k]
        square += ((salt.cn[k] - guess) / (salt.cn[k] + 0.01 * m.rest)) ** 2
    return float(f.numbers[1] * math.sqrt(square / m.width.size))


@njit(cache=True, error_model="numpy")
def estimate(m: Any, e: Any, salt: Any, s: Any, f: Any, rtol: float) -> float:
    """Error of a step over the one allowed, of particles or salt, whichever is worse."""
    error = salt_miss(m, salt, f) / LOOSER
    if m.width.size > m.separator:
        error = max(error, miss(e, s, f))
    return error / rtol


@njit(cache=True, error_model="numpy")
def too_far(row: Any, before: Any, least: float, was: float, dry: float, low: float, high: float, mode: int) -> float:
    """Share of the step at which a limit of salt or voltage is reached; zero if none is."""
    total = row[2]
    if least < dry:
        return (was - dry) / (was - least) if was > dry else 0.5
    if mode == VOLTAGE or total == 0.0:
        return 0.0
    limit = low if total > 0.0 else high
    beyond = limit - row[1] if total > 0.0 else row[1] - limit
    return (before[1] - limit) / (before[1] - row[1]) if beyond > 1e-6 else 0.0


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
def find_current(
    mode: int, goal: float, guess: float, slope: float, m: Any, salt: Any, e: Any, s: Any, p: Any,
    contact: float, c1: float, c2: float, gam: float, row: Any,
) -> tuple[int, float, float, float]:  # fmt: skip
    """The current that meets a goal in voltage, power or resistance, by secants.

    Iterations (negative: failed), least salt at a lithium surface, the current,
    and dV/dI for the next step, zero where it is not known yet.
    """
    total, used = guess, 0
    before, volts_before, known = 0.0, 0.0, False
    for _ in range(30):
        now = solve(m, e, salt, s, total, c1, c2, gam)
        used += abs(now)
        if now < 0:
            return -used, 0.0, total, slope
        least = measure(m, e, salt, s, p, contact, total, row)
        if least <= 0.0:
            total = 0.5 * (total + before)
            continue
        volts = row[1]
        if known and total != before:
            slope = (volts - volts_before) / (total - before)
        gap, change = target_gap(mode, goal, volts, slope, total)
        if abs(gap) < 1e-7 * max(1.0, abs(goal)):
            return used, least, total, slope
        before, volts_before, known = total, volts, True
        if slope < 0.0 and change != 0.0:
            total -= gap / change
        else:
            total = 1.001 * total + 1e-4
    return -used, 0.0, total, slope


@njit(cache=True, error_model="numpy")
def limit_passed(mode: int, row: Any, last: Any, h: float, charge: float, taper: float, most: float) -> float:
    """Size of the step that ends on the limit of a tapering current or of charge; zero if this one does not pass it."""
    total = abs(row[2])
    if mode == VOLTAGE and total < 0.999 * taper and abs(last[2]) > taper and h > 1e-6:
        share = math.log(abs(last[2]) / taper) / math.log(abs(last[2]) / max(total, 1e-300))
        return h * min(max(share, 0.02), 0.98)
    if most > 0.0 and abs(charge) > most * (1.0 + 1e-12):
        return float((most - abs(last[3])) / total)
    return 0.0


@njit(cache=True, error_model="numpy")
def ending(
    mode: int, row: Any, low: float, high: float, least: float, dry: float, longest: float, most: float, taper: float
) -> int:
    """How a step ends with this row; zero if it goes on."""
    t, volts, total, charge = row[0], row[1], row[2], row[3]
    if mode != VOLTAGE and total > 0.0 and volts <= low + 1e-6:
        return LOW
    if mode != VOLTAGE and total < 0.0 and volts >= high - 1e-6:
        return HIGH
    if least < 2.0 * dry:
        return DEPLETED
    if t >= longest * (1.0 - 1e-12):
        return TIME
    if most > 0.0 and abs(charge) >= most * (1.0 - 1e-9):
        return CAPACITY
    return TAPER if mode == VOLTAGE and abs(total) <= taper else 0


@njit(cache=True, error_model="numpy")
def run_step(
    m: Any, salt: Any, e: Any, s: Any, p: Any, contact: float,
    mode: int, goal: float, times: Any, values: Any, guess: float,
    low: float, high: float, longest: float, most: float, taper: float,
    rtol: float, largest: float, out: Any, counts: Any,
) -> tuple[int, int]:  # fmt: skip
    """One protocol step from where the cell stands; rows written, and how it ended.

    As `percolyte.cell.kernel.run_step`; `rtol` scales the errors allowed, and
    the limits are met by shortening the last step.
    """
    f = Formula(np.zeros(LEVELS), np.zeros(LEVELS + 1), np.zeros(2))
    past = np.ones(LEVELS)
    f.c[0] = f.p[0] = 1.0
    t, charge, earlier = 0.0, 0.0, 0.0
    h = 1e-3
    taken, rows = 0, 0
    was, dry = m.rest, DRY * m.rest
    total, slope = guess, 0.0
    s.q[1:] = s.q[0]
    salt.cm[:] = salt.c
    while True:
        h = min(h, longest - t)
        if rows > 0:
            set_formula(f, h, past, min(taken + 1, 2), min(taken + 1, 3))
        w = h / past[0] if taken > 0 else 0.0
        c1, c2, gam = f.c[0], f.c[1], f.numbers[0]
        prepare(e, s, f, w)
        predict(m, salt, w)
        if mode in (CURRENT, PROFILE):
            total = goal if mode == CURRENT else interpolate(times, values, t + h if rows > 0 else 0.0)
            used = solve(m, e, salt, s, total, c1, c2, gam)
            least = measure(m, e, salt, s, p, contact, total, out[rows]) if used > 0 else 0.0
        else:
            start = total if rows == 0 else out[rows - 1, 2]
            used, least, total, slope = find_current(
                mode, goal, start, slope, m, salt, e, s, p, contact, c1, c2, gam, out[rows]
            )
        counts[1] += abs(used)
        if used < 0:
            counts[2] += 1
            if rows == 0 or h < 1e-9:
                return rows, DEPLETED if rows > 0 and salt.c.min() < LITTLE * m.rest else FAILED
            h *= 0.25
            continue
        error = estimate(m, e, salt, s, f, rtol) if rows > 0 else 0.0
        if error > 1.3 and h > 1e-6:
            h *= max(0.25, 0.85 * error ** (-1.0 / 3.0))
            counts[2] += 1
            continue
        share = too_far(out[rows], out[rows - 1], least, was, dry, low, high, mode) if rows > 0 else 0.0
        if share != 0.0 and h > 1e-7:
            h *= min(max(share, 0.02), 0.98)
            counts[2] += 1
            continue
        if least <= dry:
            return rows, DEPLETED
        # the same formula as for the particles, so that charge and lithium agree to rounding
        reached = c1 * charge + c2 * earlier + gam * total
        if rows > 0:
            shorter = limit_passed(mode, out[rows], out[rows - 1], h, reached, taper, most)
            if shorter > 0.0:
                h = shorter
                counts[2] += 1
                continue
        if rows == 0:
            settle(e, s)
            for level in range(1, LEVELS + 1):
                hold(s, level)
        else:
            accept(e, s, gam)
            accept_salt(salt)
            earlier, charge = charge, reached
            t += h
            past[1], past[0] = past[0], h
            taken += 1
            counts[0] += 1
        out[rows, 0], out[rows, 3] = t, charge
        add_losses(m, e, salt, s, p, contact, out[rows])
        was = least
        end = ending(mode, out[rows], low, high, least, dry, longest, most, taper)
        rows += 1
        if end != 0:
            return rows, end
        if rows >= out.shape[0]:
            return rows, FULL
        if taken > 0:
            growth = 0.9 * max(error, 1e-4) ** (-1.0 / 3.0)
            if growth > 1.15 or growth < 0.95:
                h *= min(max(growth, 0.3), 2.0 if taken > 3 else 3.0)
            h = min(h, largest)
