"""One porous electrode with a single-ion electrolyte: the compiled equations.

Ohm's law in both phases, i_s + i_e = I, leaves one potential a cell of the
mesh, Φ = φ_s - φ_e, with

    i_e = (dΦ/dx + I/σ) / (1/κ + 1/σ),   -di_e/dx = Σ a_m J_m,

where m counts the particle classes. Each particle obeys Fick's law in a sphere;
an implicit step makes its surface stoichiometry linear in its own current
density, x_s = A + B J, so that Butler-Volmer with α = 1/2, turned around,

    Φ = U(x_s) - (2RT/F) asinh(J/2i0(x_s)) - r J,

is explicit in J. Newton's method on (Φ, J) then needs one scalar tridiagonal
solve. The other electrode enters only through the current I.

Time steps are BDF2 of variable size. x runs from the separator (0) to the
collector (L); J > 0 puts lithium into the particles; I > 0 is ionic current
from the separator into the electrode (discharge of a cathode).

All of it stands in one file on purpose: the cache of compiled code notices
changes in the file of a function, not in the files that it imports from.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FARADAY = 96485.33212
GAS_CONSTANT = 8.314462618
NEWTON_MOST = 60
TABLE = 4097
"""Points of the tabulated potential and diffusivity over 0 <= x <= 1."""
BUTLER_VOLMER, LINEAR, MARCUS = range(3)
EDGE = 1e-3
"""Width in stoichiometry of the rounding of i0 and of the walls at x = 0 and 1."""


class Electrode(NamedTuple):
    """A porous electrode on its mesh, all in SI; arrays over particle classes."""

    cells: int
    thickness: float
    ionic: float
    electronic: float
    temperature: float
    area: Floats
    """Electrochemically active area per electrode volume, 1/m."""
    radius: Floats
    diffusivity: Floats
    """At x = 0.5 where it varies; then `diffusivity_table` holds the ratio to it."""
    site_concentration: Floats
    exchange: Floats
    """i0 at x = 0.5, A/m2; without a table i0(x) = 2 i0 sqrt(x (1 - x))."""
    law: int
    """BUTLER_VOLMER, LINEAR or MARCUS."""
    reorganisation: float
    """Energy of Marcus' law over RT."""
    film: Floats
    """Resistance of the interphase per active area, ohm m2."""
    current_scale: Floats
    """Current density into the diffusing sphere over J: 1 where all of its surface is active."""
    potential_table: Floats
    """U at x = i/(TABLE - 1), volts: classes × TABLE."""
    slope_table: Floats
    """dU/dx at the same points."""
    diffusivity_table: Floats
    """D/D(0.5) at the same points; an empty array where D is constant."""
    exchange_table: Floats
    """i0(x)/i0(0.5) at the same points; an empty array for the square-root law."""
    edges: Floats
    """Edges of the radial shells, 0 to 1, finer towards the surface."""


@njit(cache=True)
def potential(tables: Any, slopes: Any, j: int, x: float) -> tuple[float, float]:
    """U(x) and dU/dx by cubic Hermite between the points, with walls at 0 and 1.

    The walls, 25 mV e-folding over a tenth of EDGE, stand for the logarithm
    of an ideal solution; they keep x within (0, 1).
    """
    inside = min(max(x, 0.0), 1.0)
    position = inside * (TABLE - 1)
    i = min(int(position), TABLE - 2)
    s = position - i
    h = 1.0 / (TABLE - 1)
    u0, u1, d0, d1 = tables[j, i], tables[j, i + 1], slopes[j, i] * h, slopes[j, i + 1] * h
    c2 = 3.0 * (u1 - u0) - 2.0 * d0 - d1
    c3 = 2.0 * (u0 - u1) + d0 + d1
    value = u0 + s * (d0 + s * (c2 + s * c3))
    slope = (d0 + s * (2.0 * c2 + 3.0 * s * c3)) / h
    if x != inside:
        value += (x - inside) * slope
    low, low_slope = wall(x)
    high, high_slope = wall(1.0 - x)
    return value + low - high, slope + low_slope + high_slope


@njit(cache=True)
def wall(x: float) -> tuple[float, float]:
    """Steep rise of the potential where a site fraction runs out, and its slope."""
    a, b, c = 205.0568621937484, 6910.192179565431, -7.7e-4
    z = -b * (x - c)
    if z < -40.0:
        return 0.0, 0.0
    if z > 36.7:
        return a * z, -a * b
    e = math.exp(z)
    return a * math.log1p(e), -a * b * e / (1.0 + e)


@njit(cache=True)
def rounded_root(x: float) -> tuple[float, float]:
    """sqrt(x) with a finite slope at zero, and its derivative."""
    r2 = x * x + EDGE * EDGE
    q = 1.0 / math.sqrt(math.sqrt(r2))
    return x * q, q * (1.0 - 0.5 * x * x / r2)


@njit(cache=True)
def exchange_current(i0: float, tables: Any, j: int, x: float) -> tuple[float, float]:
    """i0(x), from its table or 2 i0 sqrt(x (1 - x)) rounded at the ends, and its derivative."""
    inside = min(max(x, 0.0), 1.0)
    if tables.size > 0:
        position = inside * (TABLE - 1)
        i = min(int(position), TABLE - 2)
        rise = tables[j, i + 1] - tables[j, i]
        return max(i0 * (tables[j, i] + (position - i) * rise), 1e-6 * i0), i0 * rise * (TABLE - 1)
    a, da = rounded_root(inside)
    b, db = rounded_root(1.0 - inside)
    value = 2.0 * i0 * a * b
    if value < 1e-6 * i0:
        return 1e-6 * i0, 0.0
    return value, 2.0 * i0 * (da * b - a * db)


@njit(cache=True)
def overpotential(ratio: float, law: int, reorganisation: float) -> tuple[float, float]:
    """Y = Fη/2RT for w = J/2i0, and dy/dw.

    Butler-Volmer with α = 1/2: w = sinh y. Linear: w = y. Marcus, symmetric:
    w = sinh(y) exp(-y²RT/λ), up to nine tenths of the largest current that it
    allows and straight on from there. All three have w = y at small y.
    """
    if law == LINEAR:
        return ratio, 1.0
    y = math.asinh(ratio)
    if law == BUTLER_VOLMER:
        return y, 1.0 / math.sqrt(1.0 + ratio * ratio)
    b = 1.0 / reorganisation
    end = 0.45 * reorganisation
    top = 0.9 * math.sinh(end) * math.exp(-b * end * end)
    goal = min(abs(ratio), top)
    z = min(abs(y), end)
    for _ in range(40):
        gauss = math.exp(-b * z * z)
        rise = gauss * (math.cosh(z) - 2.0 * b * z * math.sinh(z))
        change = (math.sinh(z) * gauss - goal) / rise
        z = min(z - change, end)
        if abs(change) < 1e-13 * (1.0 + z):
            break
    gauss = math.exp(-b * z * z)
    slope = 1.0 / (gauss * (math.cosh(z) - 2.0 * b * z * math.sinh(z)))
    z += (abs(ratio) - goal) * slope
    return math.copysign(z, ratio), slope


@njit(cache=True)
def relative_diffusivity(tables: Any, j: int, x: float) -> float:
    """D(x)/D(0.5), linear between the points of its table."""
    if tables.size == 0:
        return 1.0
    position = min(max(x, 0.0), 1.0) * (TABLE - 1)
    i = min(int(position), TABLE - 2)
    return float(tables[j, i] + (position - i) * (tables[j, i + 1] - tables[j, i]))


@njit(cache=True)
def surface_moments(edges: Any) -> tuple[float, float, float, float]:
    """First and second moments of y = r - 1 over the last two shells."""
    n = edges.size - 1
    out = np.empty(4)
    for q in range(2):
        lo, hi = edges[n - 2 + q], edges[n - 1 + q]
        volume = (hi**3 - lo**3) / 3.0
        c3, c4, c5 = (hi**3 - lo**3) / 3.0, (hi**4 - lo**4) / 4.0, (hi**5 - lo**5) / 5.0
        out[2 * q] = (c4 - c3) / volume
        out[2 * q + 1] = (c5 - 2.0 * c4 + c3) / volume
    return out[0], out[1], out[2], out[3]


@njit(cache=True)
def eliminate(
    e: Any, x: Any, xm: Any, c1: float, c2: float, gam: float, w: float, work: Any, upper: Any, a: Any, b: Any
) -> None:
    """Implicit diffusion step of every particle, outward: x_s = a + b J.

    `work` and `upper` keep the eliminated right-hand sides and upper diagonals
    for `back_substitute`; the last entry of `upper` keeps the last pivot.
    """
    shells = e.edges.size - 1
    y1m, y2m, y1n, y2n = surface_moments(e.edges)
    volume = np.empty(shells)
    conductance = np.zeros(shells)
    for m in range(shells):
        volume[m] = (e.edges[m + 1] ** 3 - e.edges[m] ** 3) / 3.0
    for m in range(1, shells):
        lo, mid, hi = e.edges[m - 1], e.edges[m], e.edges[m + 1]
        below = 0.6 * (mid**5 - lo**5) / (mid**3 - lo**3)
        above = 0.6 * (hi**5 - mid**5) / (hi**3 - mid**3)
        # exact for the parabola that a constant current ends in
        conductance[m] = 2.0 * mid**3 / (above - below)
    constant = e.diffusivity_table.size == 0
    for j in range(e.radius.size):
        rate = e.diffusivity[j] / (e.radius[j] * e.radius[j])
        intake = e.current_scale[j] / (FARADAY * e.site_concentration[j] * e.radius[j])
        for k in range(e.cells):
            dprev = 0.0
            kept = 1.0
            left = 0.0
            pivot = 1.0
            fresh = k == 0 or not constant
            for m in range(shells):
                right = 0.0
                if m < shells - 1:
                    right = gam * rate * conductance[m + 1]
                    if not constant:
                        middle = 0.5 * (x[k, j, m] + x[k, j, m + 1])
                        before = 0.5 * (xm[k, j, m] + xm[k, j, m + 1])
                        right *= relative_diffusivity(e.diffusivity_table, j, middle + w * (middle - before))
                if fresh:
                    # sums of positive terms only, so that fast diffusion loses no lithium to rounding
                    own = volume[m] + left * kept
                    pivot = 1.0 / (own + right)
                    kept = own * pivot
                    upper[k, j, m] = right * pivot if m < shells - 1 else pivot
                    work[k, j, shells + m] = pivot
                else:
                    upper[k, j, m] = upper[0, j, m]
                    pivot = work[0, j, shells + m]
                dprev = (volume[m] * (c1 * x[k, j, m] + c2 * xm[k, j, m]) + left * dprev) * pivot
                work[k, j, m] = dprev
                left = right
            at_surface = 1.0
            if not constant:
                now = 1.5 * x[k, j, shells - 1] - 0.5 * x[k, j, shells - 2]
                before = 1.5 * xm[k, j, shells - 1] - 0.5 * xm[k, j, shells - 2]
                at_surface = relative_diffusivity(e.diffusivity_table, j, now + w * (now - before))
            an, bn = work[k, j, shells - 1], gam * intake * upper[k, j, shells - 1]
            factor = upper[k, j, shells - 2]
            am, bm = work[k, j, shells - 2] + factor * an, factor * bn
            slope = intake / (rate * at_surface)
            spread = y2n - y2m
            a[k, j] = an - (an - am) / spread * y2n
            b[k, j] = bn - slope * y1n - ((bn - bm) - slope * (y1n - y1m)) / spread * y2n


@njit(cache=True)
def back_substitute(e: Any, gam: float, current: Any, work: Any, upper: Any, out: Any) -> None:
    """Stoichiometry of every shell once the current densities are known."""
    shells = e.edges.size - 1
    for j in range(e.radius.size):
        intake = e.current_scale[j] / (FARADAY * e.site_concentration[j] * e.radius[j])
        for k in range(e.cells):
            value = work[k, j, shells - 1] + gam * intake * upper[k, j, shells - 1] * current[k, j]
            out[k, j, shells - 1] = value
            for m in range(shells - 2, -1, -1):
                value = work[k, j, m] + upper[k, j, m] * value
                out[k, j, m] = value


@njit(cache=True)
def relaxed(current: float, step: float, i0: float) -> float:
    """Newton's step in J, taken along asinh(J/2i0) where it shrinks J.

    Newton on an inverse sine overshoots without bound when |J| is large and
    the root lies towards zero; a change of less than a tenth in the argument
    is left as it is, so that the charge balance stays exact at the end.
    """
    w = current / (2.0 * i0)
    change = step / (2.0 * i0 * math.sqrt(1.0 + w * w))
    if abs(change) < 0.1 or w * change >= 0.0:
        return step
    y = math.asinh(w)
    goal = y + change
    return 2.0 * i0 * (math.sinh(goal) if goal * y > 0.0 else goal) - current


@njit(cache=True)
def solve_currents(
    e: Any, total: float, a: Any, b: Any, phi: Any, current: Any, tolerance: float
) -> tuple[int, float, float]:
    """Newton for Φ and J at a given total current; iterations (negative: failed), E, dE/dI.

    E = φ_s(collector) - φ_e(separator face), V. The charge balance is linear in
    the unknowns, so that ΣaJh = I holds to rounding after every full step.
    """
    n, classes = e.cells, e.radius.size
    h = e.thickness / n
    thermal = 2.0 * GAS_CONSTANT * e.temperature / FARADAY
    inverse = 1.0 / e.ionic + 1.0 / e.electronic
    g = 1.0 / (h * inverse)
    shift = total / e.electronic / inverse
    diagonal, rhs, sense = np.empty(n), np.empty(n), np.empty(n)
    residual, slope, exchange = np.empty((n, classes)), np.empty((n, classes)), np.empty((n, classes))
    done = False
    iterations = 0
    last = 0.0
    while iterations < NEWTON_MOST:
        iterations += 1
        worst = 0.0
        clipped = False
        for k in range(n):
            left = total if k == 0 else g * (phi[k] - phi[k - 1]) + shift
            right = 0.0 if k == n - 1 else g * (phi[k + 1] - phi[k]) + shift
            balance = right - left
            diagonal[k] = -(g if k > 0 else 0.0) - (g if k < n - 1 else 0.0)
            correction = 0.0
            for j in range(classes):
                surface = a[k, j] + b[k, j] * current[k, j]
                u, du = potential(e.potential_table, e.slope_table, j, surface)
                i0, di0 = exchange_current(e.exchange[j], e.exchange_table, j, surface)
                exchange[k, j] = i0
                ratio = current[k, j] / (2.0 * i0)
                y, rise = overpotential(ratio, e.law, e.reorganisation)
                slope[k, j] = du * b[k, j] - thermal * rise * (0.5 / i0 - ratio / i0 * di0 * b[k, j]) - e.film[j]
                residual[k, j] = u - thermal * y - e.film[j] * current[k, j] - phi[k]
                worst = max(worst, abs(residual[k, j]))
                balance += e.area[j] * h * current[k, j]
                slope[k, j] = 1.0 / slope[k, j]
                response = e.area[j] * h * slope[k, j]
                diagonal[k] += response
                correction += response * residual[k, j]
            rhs[k] = -balance + correction
        for k in range(n):
            # from here on `diagonal` holds the inverse pivots
            if k > 0:
                q = g * diagonal[k - 1]
                diagonal[k] -= q * g
                rhs[k] -= q * rhs[k - 1]
            diagonal[k] = 1.0 / diagonal[k]
        rhs[n - 1] *= diagonal[n - 1]
        for k in range(n - 2, -1, -1):
            rhs[k] = (rhs[k] - g * rhs[k + 1]) * diagonal[k]
        for k in range(n):
            worst = max(worst, abs(rhs[k]))
            phi[k] += rhs[k]
            for j in range(classes):
                # δJ follows from Φ + δΦ = P + P' δJ, and J stops short of an empty or a full surface
                surface = a[k, j] + b[k, j] * current[k, j]
                full = (rhs[k] - residual[k, j]) * slope[k, j]
                step = relaxed(current[k, j], full, exchange[k, j])
                clipped = clipped or step != full
                moved = surface + b[k, j] * step
                if moved > 1.0005 and surface < 1.0005:
                    step *= max(0.1, 0.9 * (1.0005 - surface) / (moved - surface))
                    clipped = True
                elif moved < -0.0005 and surface > -0.0005:
                    step *= max(0.1, 0.9 * (surface + 0.0005) / (surface - moved))
                    clipped = True
                current[k, j] += step
        if not (worst < 1e15):
            return -iterations, 0.0, 0.0
        # the error left behind falls at least as fast again as the last one did
        if not clipped and (worst < tolerance or (worst < 1e-2 * last and worst * worst < tolerance * last)):
            done = True
            break
        last = worst
    share = 1.0 / e.electronic / inverse
    # the same elimination for dΦ/dI
    sense[:] = 0.0
    sense[0] = 1.0 - share if n > 1 else 1.0
    if n > 1:
        sense[n - 1] += share
    for k in range(1, n):
        sense[k] -= g * diagonal[k - 1] * sense[k - 1]
    sense[n - 1] *= diagonal[n - 1]
    for k in range(n - 2, -1, -1):
        sense[k] = (sense[k] - g * sense[k + 1]) * diagonal[k]
    first = total if n == 1 else g * (phi[1] - phi[0]) + shift
    if n == 1:
        first = 0.0
    value = phi[0] - (0.75 * total + 0.25 * first) * 0.5 * h / e.ionic
    derivative = sense[0] - 0.75 * 0.5 * h / e.ionic
    if n > 1:
        derivative -= 0.25 * (g * (sense[1] - sense[0]) + share) * 0.5 * h / e.ionic
    for k in range(1, n):
        value -= (total - (g * (phi[k] - phi[k - 1]) + shift)) * h / e.electronic
        face = g * (sense[k] - sense[k - 1]) + share
        derivative -= (1.0 - face) * h / e.electronic
    at_end = 0.0 if n == 1 else g * (phi[n - 1] - phi[n - 2]) + shift
    value -= (total - 0.25 * at_end) * 0.5 * h / e.electronic
    derivative -= 0.5 * h / e.electronic
    if n > 1:
        derivative += 0.25 * (g * (sense[n - 1] - sense[n - 2]) + share) * 0.5 * h / e.electronic
    return iterations if done else -iterations, value, derivative


class State(NamedTuple):
    """Where an electrode stands: three levels of time, currents, potentials, scratch."""

    x: Floats
    """Stoichiometry: cells × classes × shells, now."""
    xm: Floats
    xmm: Floats
    xn: Floats
    phi: Floats
    current: Floats
    """J, A/m2 of active area: cells × classes."""
    before: Floats
    earlier: Floats
    trial: Floats
    trial_phi: Floats
    a: Floats
    b: Floats
    work: Floats
    upper: Floats


def new_state(e: Electrode, x: Floats) -> State:
    """A rested electrode; `x` is the stoichiometry of each class."""
    n, classes, shells = e.cells, e.radius.size, e.edges.size - 1
    now = np.broadcast_to(np.asarray(x, dtype=float).reshape(1, classes, 1), (n, classes, shells)).copy()
    flat = (n, classes)
    return State(
        now, now.copy(), now.copy(), now.copy(), np.zeros(n), np.zeros(flat), np.zeros(flat), np.zeros(flat), np.zeros(flat), np.zeros(n),
        np.zeros(flat), np.zeros(flat), np.zeros((n, classes, 2 * shells)), np.zeros((n, classes, shells)),
    )  # fmt: skip


class Planar(NamedTuple):
    """An electrode of one surface at fixed potential: Li, Li-In, a plated collector."""

    potential: float
    exchange: float
    """i0 per geometric area, A/m2."""
    film: float
    temperature: float


CURRENT, VOLTAGE, POWER, RESISTANCE, PROFILE = range(5)
"""What a protocol step controls."""

DONE, TIME, LOW, HIGH, CAPACITY, TAPER, FAILED, FULL = range(8)
"""How a protocol step ends: running, time, lower or upper voltage, capacity,
current fallen to its limit, no convergence, out of storage."""

COLUMNS = 15
"""Stored for each accepted step: t, V, I, charge, E_cathode, E_anode, then losses
in V of separator and series resistance, and for cathode and anode each of
ionic, electronic, kinetic with film, diffusion."""


@njit(cache=True)
def planar_potential(p: Any, total: float) -> tuple[float, float]:
    """Potential against the electrolyte at a discharge current, and its derivative."""
    thermal = 2.0 * GAS_CONSTANT * p.temperature / FARADAY
    ratio = total / (2.0 * p.exchange)
    value = p.potential + thermal * math.asinh(ratio) + p.film * total
    return value, thermal / math.sqrt(1.0 + ratio * ratio) * 0.5 / p.exchange + p.film


@njit(cache=True)
def losses(e: Any, s: Any, total: float, out: Any) -> None:
    """Volts lost in one electrode to ions, electrons, kinetics and film, and diffusion.

    Each is the power dissipated there over the current, so that they add up
    to the distance of E from the potential of the mean stoichiometries,
    weighted by the local current.
    """
    out[:] = 0.0
    if total == 0.0:
        return
    n = e.cells
    h = e.thickness / n
    inverse = 1.0 / e.ionic + 1.0 / e.electronic
    shells = e.edges.size - 1
    weights = np.empty(shells)
    for m in range(shells):
        weights[m] = e.edges[m + 1] ** 3 - e.edges[m] ** 3
    before = total
    for k in range(n):
        after = 0.0 if k == n - 1 else (s.phi[k + 1] - s.phi[k]) / (h * inverse) + total / e.electronic / inverse
        square = (before * before + before * after + after * after) / 3.0
        rest0, rest1 = total - before, total - after
        out[0] += square * h / e.ionic / total
        out[1] += (rest0 * rest0 + rest0 * rest1 + rest1 * rest1) / 3.0 * h / e.electronic / total
        before = after
        for j in range(e.radius.size):
            current = s.current[k, j]
            surface = s.a[k, j] + s.b[k, j] * current
            share = e.area[j] * h * current / total
            mean = 0.0
            for m in range(shells):
                mean += weights[m] * s.x[k, j, m]
            at_mean, _ = potential(e.potential_table, e.slope_table, j, mean)
            at_surface, _ = potential(e.potential_table, e.slope_table, j, surface)
            out[2] += share * (at_surface - s.phi[k])
            out[3] += share * (at_mean - at_surface)


@njit(cache=True)
def solve_electrode(e: Any, s: Any, total: float, tolerance: float) -> tuple[int, float, float]:
    """Φ and J of one electrode at a current, starting from the trial values."""
    return solve_currents(e, total, s.a, s.b, s.trial_phi, s.trial, tolerance)


@njit(cache=True)
def cell_voltage(
    c: Any, cs: Any, porous: bool, a: Any, sa: Any, p: Any, series: float, total: float, tolerance: float
) -> tuple[int, float, float, float, float]:
    """Newton iterations, V, dV/dI, E of the cathode, E of the anode at a current."""
    used, high, rise = solve_electrode(c, cs, total, tolerance)
    if used < 0:
        return used, 0.0, 0.0, 0.0, 0.0
    if porous:
        more, low, fall = solve_electrode(a, sa, -total, tolerance)
        if more < 0:
            return more, 0.0, 0.0, 0.0, 0.0
        used += more
        fall = -fall
    else:
        low, fall = planar_potential(p, total)
    return used, high - low - total * series, rise - fall - series, high, low


@njit(cache=True)
def target_gap(mode: int, goal: float, volts: float, slope: float, total: float) -> tuple[float, float]:
    """How far the controlled quantity is from its goal, and the derivative by current."""
    if mode == VOLTAGE:
        return volts - goal, slope
    if mode == POWER:
        return volts * total - goal, volts + slope * total
    return volts - goal * total, slope - goal


@njit(cache=True)
def find_current(
    mode: int,
    goal: float,
    guess: float,
    c: Any,
    cs: Any,
    porous: bool,
    a: Any,
    sa: Any,
    p: Any,
    series: float,
    tolerance: float,
) -> tuple[int, float, float, float, float]:
    """The current that meets a goal in voltage, power or resistance: iterations, I, V, E, E."""
    total = guess
    used = 0
    scale = 1e-9 * max(1.0, abs(goal))
    for _ in range(25):
        now, volts, slope, high, low = cell_voltage(c, cs, porous, a, sa, p, series, total, tolerance)
        if now < 0:
            return -1, total, 0.0, 0.0, 0.0
        used += now
        gap, change = target_gap(mode, goal, volts, slope, total)
        if abs(gap) < max(scale, 1e-7):
            return used, total, volts, high, low
        if change == 0.0:
            return -1, total, 0.0, 0.0, 0.0
        total -= gap / change
    return -1, total, 0.0, 0.0, 0.0


@njit(cache=True)
def interpolate(times: Any, values: Any, t: float) -> float:
    """Profile of current against time, linear between its points."""
    if t <= times[0]:
        return float(values[0])
    i = np.searchsorted(times, t)
    if i >= times.size:
        return float(values[-1])
    w = (t - times[i - 1]) / (times[i] - times[i - 1])
    return float(values[i - 1] + w * (values[i] - values[i - 1]))


@njit(cache=True)
def prepare(e: Any, s: Any, c1: float, c2: float, gam: float, w: float, grow: float, bend: float, back: float) -> None:
    """Eliminate the particles for a step, and extrapolate the unknowns."""
    eliminate(e, s.x, s.xm, c1, c2, gam, w, s.work, s.upper, s.a, s.b)
    for k in range(e.cells):
        s.trial_phi[k] = s.phi[k]
        for j in range(e.radius.size):
            rise = s.current[k, j] - s.before[k, j]
            s.trial[k, j] = s.current[k, j] + grow * rise + bend * (rise - back * (s.before[k, j] - s.earlier[k, j]))


@njit(cache=True)
def step_error(e: Any, s: Any, gam: float, b0: float, b1: float, b2: float, factor: float) -> float:
    """Mean square of the estimated error of the outermost shells, after the step."""
    back_substitute(e, gam, s.trial, s.work, s.upper, s.xn)
    last = e.edges.size - 2
    square = 0.0
    for k in range(e.cells):
        for j in range(e.radius.size):
            guess = b0 * s.x[k, j, last] + b1 * s.xm[k, j, last] + b2 * s.xmm[k, j, last]
            square += (factor * (s.xn[k, j, last] - guess)) ** 2
    return float(square / (e.cells * e.radius.size))


@njit(cache=True)
def accept(s: Any, moved: bool) -> None:
    """Take the trial values over; with `moved`, time has gone on too."""
    if moved:
        s.xmm[:] = s.xm
        s.xm[:] = s.x
        s.x[:] = s.xn
    s.earlier[:] = s.before
    s.before[:] = s.current
    s.current[:] = s.trial
    s.phi[:] = s.trial_phi


@njit(cache=True)
def record(row: Any, t: float, volts: float, total: float, charge: float, high: float, low: float, series: float,
           c: Any, cs: Any, porous: bool, a: Any, sa: Any, p: Any) -> None:  # fmt: skip
    row[0], row[1], row[2], row[3], row[4], row[5] = t, volts, total, charge, high, low
    row[6] = series * total
    losses(c, cs, total, row[7:11])
    row[11:15] = 0.0
    if porous:
        losses(a, sa, -total, row[11:15])
        row[11:15] *= -1.0
    else:
        row[13] = low - p.potential


@njit(cache=True)
def run_step(
    c: Any, cs: Any, porous: bool, a: Any, sa: Any, p: Any, series: float,
    mode: int, goal: float, times: Any, values: Any, guess: float,
    low_limit: float, high_limit: float, longest: float, most_charge: float, taper: float,
    rtol: float, largest: float, out: Any, counts: Any,
) -> tuple[int, int]:  # fmt: skip
    """One protocol step from where the electrodes stand; rows written, and how it ended.

    `guess` is the current to start from; `counts` collects steps, Newton
    iterations and rejected steps. Voltage limits are met to 1e-6 V by
    shortening the last step.
    """
    tolerance = 2e-7
    t, charge, earlier = 0.0, 0.0, 0.0
    total = goal if mode == CURRENT else (values[0] if mode == PROFILE else guess)
    taken, rows = 0, 0
    h, h1, h2 = 1e-3, 0.0, 0.0
    cs.xm[:] = cs.x
    sa.xm[:] = sa.x
    volts, last_volts, last_total, lowest, highest = 0.0, 0.0, 0.0, 0.0, 0.0
    started = False
    ease = 1.0
    while True:
        if t + h > longest:
            h = longest - t
        w = h / h1 if taken > 0 else 0.0
        gam = h * (1.0 + w) / (1.0 + 2.0 * w) if started else 0.0
        c1 = (1.0 + w) ** 2 / (1.0 + 2.0 * w) if taken > 0 else 1.0
        c2 = -w * w / (1.0 + 2.0 * w) if taken > 0 else 0.0
        grow = w if taken > 0 else 0.0
        # Newton's polynomial through three levels
        back = h1 / h2 if taken > 2 else 0.0
        bend = w * (h + h1) / (h1 + h2) if taken > 2 else 0.0
        prepare(c, cs, c1, c2, gam, w, grow, bend, back)
        if porous:
            prepare(a, sa, c1, c2, gam, w, grow, bend, back)
        if not started:
            cs.trial_phi[:] = cs.phi
        if mode in (CURRENT, PROFILE):
            if mode == PROFILE:
                total = interpolate(times, values, t + h if started else 0.0)
            elif not started:
                total = goal * ease
            used, volts, _, lowest, highest = cell_voltage(c, cs, porous, a, sa, p, series, total, tolerance)
        else:
            used, total, volts, lowest, highest = find_current(
                mode, goal, total, c, cs, porous, a, sa, p, series, tolerance
            )
        counts[1] += abs(used)
        if used < 0:
            counts[2] += 1
            if not started and mode == CURRENT and ease > 1e-5 and counts[2] < 50:
                # a current too large to start from at once is approached from below
                ease *= 0.1
                cs.current[:] *= 0.1
                if porous:
                    sa.current[:] *= 0.1
                continue
            if not started or h < 1e-9:
                return rows, FAILED
            h *= 0.25
            continue
        if not started:
            beyond = (volts <= low_limit and total > 0.0) or (volts >= high_limit and total < 0.0)
            if ease < 1.0 and not beyond:
                accept(cs, False)
                if porous:
                    accept(sa, False)
                ease = min(1.0, 1.5 * ease)
                cs.before[:] = cs.current
                sa.before[:] = sa.current
                continue
            started = True
            accept(cs, False)
            cs.before[:] = cs.current
            if porous:
                accept(sa, False)
                sa.before[:] = sa.current
            record(out[0], 0.0, volts, total, 0.0, lowest, highest, series, c, cs, porous, a, sa, p)
            rows = 1
            last_volts, last_total = volts, total
            if volts <= low_limit and total > 0.0:
                return rows, LOW
            if volts >= high_limit and total < 0.0:
                return rows, HIGH
            continue
        if taken >= 2:
            b0 = (h + h1) * (h + h1 + h2) / (h1 * (h1 + h2))
            b1 = -h * (h + h1 + h2) / (h1 * h2)
            b2 = h * (h + h1) / ((h1 + h2) * h2)
            own = (h * (h + h1)) ** 2 / (6.0 * (2.0 * h + h1))
            factor = own / (own + h * (h + h1) * (h + h1 + h2) / 6.0)
        else:
            b0 = 1.0 + (h / h1 if taken == 1 else 0.0)
            b1 = -h / h1 if taken == 1 else 0.0
            b2, factor = 0.0, 0.5
        square = step_error(c, cs, gam, b0, b1, b2, factor)
        if porous:
            square = max(square, step_error(a, sa, gam, b0, b1, b2, factor))
        error = math.sqrt(square) / rtol
        if error > 1.3 and h > 1e-6:
            h *= max(0.25, 0.85 * error ** (-1.0 / 3.0))
            counts[2] += 1
            continue
        crossing = 0.0
        if mode != VOLTAGE:
            if volts < low_limit - 1e-6 and total > 0.0:
                crossing = low_limit
            elif volts > high_limit + 1e-6 and total < 0.0:
                crossing = high_limit
        if crossing != 0.0 and h > 1e-7:
            share = (last_volts - crossing) / (last_volts - volts)
            h *= min(max(share, 0.02), 0.98)
            counts[2] += 1
            continue
        # the same formula as for the particles, so that charge and lithium agree to rounding
        reached = c1 * charge + c2 * earlier + gam * total
        if mode == VOLTAGE and abs(total) < 0.999 * taper and abs(last_total) > taper and h > 1e-6:
            share = math.log(abs(last_total) / taper) / math.log(abs(last_total) / max(abs(total), 1e-300))
            h *= min(max(share, 0.02), 0.98)
            counts[2] += 1
            continue
        if most_charge > 0.0 and abs(reached) > most_charge * (1.0 + 1e-12):
            h *= (most_charge - abs(charge)) / abs(total * h)
            continue
        accept(cs, True)
        if porous:
            accept(sa, True)
        t += h
        earlier, charge = charge, reached
        taken += 1
        counts[0] += 1
        h2, h1 = h1, h
        record(out[rows], t, volts, total, charge, lowest, highest, series, c, cs, porous, a, sa, p)
        rows += 1
        last_volts, last_total = volts, total
        if mode != VOLTAGE and volts <= low_limit + 1e-6 and total > 0.0:
            return rows, LOW
        if mode != VOLTAGE and volts >= high_limit - 1e-6 and total < 0.0:
            return rows, HIGH
        if t >= longest * (1.0 - 1e-12):
            return rows, TIME
        if most_charge > 0.0 and abs(charge) >= most_charge * (1.0 - 1e-9):
            return rows, CAPACITY
        if mode == VOLTAGE and abs(total) <= taper:
            return rows, TAPER
        if rows >= out.shape[0]:
            return rows, FULL
        growth = 0.9 * max(error, 1e-4) ** (-1.0 / 3.0)
        if growth > 1.15 or growth < 0.95:
            h *= min(max(growth, 0.3), 2.0 if taken > 3 else 3.0)
        h = min(h, largest)
