"""The balances of salt and charge across a separator and a porous cathode, by Newton's method.

The anions take no part in any reaction, so that their flux alone carries the
salt balance, and is nil at both ends of the cell:

    ε dc/dt = d/dx [s D dc/dx + (1 - t+) i_e / F],
    i_e = -s κ dφ_e/dx + s κ χ dlnc/dx,   χ = (2RT/F)(1 - t+)(1 + dlnf/dlnc),

with ε the volume fraction and s the effective-transport factor of the
electrolyte. This is the concentrated-solution form of Doyle, Fuller and
Newman, J. Electrochem. Soc. 140 (1993) 1526. In the separator i_e = I, so that
c alone is unknown there. In the cathode i_s + i_e = I leaves Φ = φ_s - φ_e,

    i_e = (dΦ/dx + χ dlnc/dx + I/σ) / (1/sκ + 1/σ),   -di_e/dx = Σ a_m J_m,

and J goes out of Newton's system as in `percolyte.cell.charge_balance`, which is the
limit t+ = 1. What is left is one block-tridiagonal solve with blocks of (c, Φ).
"""

from __future__ import annotations

from typing import Any

from numba import njit

from percolyte.cell.charge_balance import NEWTON_MOST
from percolyte.cell.reaction import exchange_current, overpotential, potential, relaxed, within
from percolyte.cell.salt import DRY, TINY, crossing, properties
from percolyte.units import FARADAY, GAS_CONSTANT

NEWTON_TOLERANCE = 2e-7
"""Volts."""


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
            full = relaxed(
                s.reactions[q, j].trial, (rise - gap - by_salt * salt.rhs[k, 0]) / slope, 0.5 / (i0 * richness)
            )
            step = within(full, surface, s.reactions[q, j].b)
            cut = cut or step != full
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
