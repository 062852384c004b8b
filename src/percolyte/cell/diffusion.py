"""Diffusion in the particles of an electrode: one implicit step makes x_s linear in J, x_s = a + b J.

Fick's law in a sphere. Where D is constant a particle is a sum of relaxations of its surface,

    x_s = Σ q_n + w_∞ ĵ,   dq_n/dt = -r_n q_n D/R² + w_n ĵ D/R²,

with ĵ the flux times R/D over the site concentration (see `sphere_modes` in
`percolyte.cell.model`): one of them is the mean, the others stand for the
sphere to five digits. Where D varies, it is cut into shells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from percolyte.cell.porous import TABLE


@njit(cache=True, error_model="numpy")
def relative_diffusivity(tables: Any, j: int, x: float) -> float:
    """D(x)/D(0.5), linear between the points of its table."""
    if tables.size == 0:
        return 1.0
    position = min(max(x, 0.0), 1.0) * (TABLE - 1)
    i = min(int(position), TABLE - 2)
    return float(tables[j, i] + (position - i) * (tables[j, i + 1] - tables[j, i]))


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def eliminate_modes(e: Any, s: Any, f: Any) -> None:
    """Implicit step of every particle of constant D: x_s = a + b J."""
    gam = f.numbers[0]
    modes = e.modes.shape[1] - 1
    damp = np.empty(modes)
    for j in range(e.parts.size):
        pace, intake = e.parts[j].pace, e.parts[j].intake
        answer = e.modes[1, modes] * intake / pace
        for m in range(modes):
            damp[m] = 1.0 / (1.0 + gam * pace * e.modes[0, m])
            s.respond[j, m] = gam * intake * e.modes[1, m] * damp[m]
            answer += s.respond[j, m]
        for k in range(e.volumes.size):
            known = 0.0
            for m in range(modes):
                value = (f.c[0] * s.q[0, k, j, m] + f.c[1] * s.q[1, k, j, m] + f.c[2] * s.q[2, k, j, m]) * damp[m]
                s.work[k, j, m] = value
                known += value
            s.reactions[k, j].a = known
            s.reactions[k, j].b = answer


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def shell_mesh(edges: Any) -> tuple[Any, Any]:
    """Volumes of the shells over 4π, and conductances of the faces within."""
    shells = edges.size - 1
    volume, conductance = np.empty(shells), np.zeros(shells)
    for m in range(shells):
        volume[m] = (edges[m + 1] ** 3 - edges[m] ** 3) / 3.0
    for m in range(1, shells):
        lo, mid, hi = edges[m - 1], edges[m], edges[m + 1]
        below = 0.6 * (mid**5 - lo**5) / (mid**3 - lo**3)
        above = 0.6 * (hi**5 - mid**5) / (hi**3 - mid**3)
        # exact for the parabola that a constant current ends in
        conductance[m] = 2.0 * mid**3 / (above - below)
    return volume, conductance


@njit(cache=True, error_model="numpy")
def eliminate_shells(e: Any, s: Any, f: Any, w: float) -> None:
    """Implicit diffusion step of every particle of varying D, outward: x_s = a + b J.

    D is taken at stoichiometries extrapolated in time; `w` is the step over the last one.
    `work` and `upper` keep the eliminated right-hand sides and upper diagonals
    for `back_substitute`; the last entry of `upper` keeps the last pivot.
    """
    gam, q = f.numbers[0], s.q
    shells = e.edges.size - 1
    y1m, y2m, y1n, y2n = surface_moments(e.edges)
    volume, conductance = shell_mesh(e.edges)
    next_x = np.empty(shells)
    for j in range(e.parts.size):
        pace, intake = e.parts[j].pace, e.parts[j].intake
        for k in range(e.volumes.size):
            for m in range(shells):
                next_x[m] = q[0, k, j, m] + w * (q[0, k, j, m] - q[1, k, j, m])
            known, kept, left, pivot = 0.0, 1.0, 0.0, 1.0
            for m in range(shells):
                right = 0.0
                if m < shells - 1:
                    middle = 0.5 * (next_x[m] + next_x[m + 1])
                    right = gam * pace * conductance[m + 1] * relative_diffusivity(e.diffusivity_table, j, middle)
                # sums of positive terms only, so that fast diffusion loses no lithium to rounding
                own = volume[m] + left * kept
                pivot = 1.0 / (own + right)
                kept = own * pivot
                s.upper[k, j, m] = right * pivot if m < shells - 1 else pivot
                past = f.c[0] * q[0, k, j, m] + f.c[1] * q[1, k, j, m] + f.c[2] * q[2, k, j, m]
                known = (volume[m] * past + left * known) * pivot
                s.work[k, j, m] = known
                left = right
            at_surface = relative_diffusivity(
                e.diffusivity_table, j, 1.5 * next_x[shells - 1] - 0.5 * next_x[shells - 2]
            )
            an, bn = s.work[k, j, shells - 1], gam * intake * s.upper[k, j, shells - 1]
            factor = s.upper[k, j, shells - 2]
            am, bm = s.work[k, j, shells - 2] + factor * an, factor * bn
            slope = intake / (pace * at_surface)
            spread = y2n - y2m
            s.reactions[k, j].a = an - (an - am) / spread * y2n
            s.reactions[k, j].b = bn - slope * y1n - ((bn - bm) - slope * (y1n - y1m)) / spread * y2n


@njit(cache=True, error_model="numpy", fastmath={"contract"})
def advance_particles(e: Any, s: Any, gam: float) -> None:
    """The modes or shells at the end of an accepted step, as the newest level."""
    q, current = s.q, s.current[0]
    for j in range(e.parts.size):
        intake = e.parts[j].intake
        for k in range(e.volumes.size):
            for m in range(q.shape[3]):
                q[2, k, j, m] = q[1, k, j, m]
                q[1, k, j, m] = q[0, k, j, m]
            if e.diffusivity_table.size == 0:
                drawn = current[k, j]
                for m in range(s.q.shape[3]):
                    q[0, k, j, m] = s.work[k, j, m] + s.respond[j, m] * drawn
                continue
            last = e.edges.size - 2
            value = s.work[k, j, last] + gam * intake * s.upper[k, j, last] * current[k, j]
            q[0, k, j, last] = value
            for m in range(last - 1, -1, -1):
                value = s.work[k, j, m] + s.upper[k, j, m] * value
                q[0, k, j, m] = value


@njit(cache=True, error_model="numpy")
def mean_of(e: Any, s: Any, k: int, j: int) -> float:
    """Mean stoichiometry of a particle."""
    if e.diffusivity_table.size == 0:
        return float(s.q[0, k, j, 0])
    mean = 0.0
    for m in range(e.edges.size - 1):
        mean += (e.edges[m + 1] ** 3 - e.edges[m] ** 3) * s.q[0, k, j, m]
    return mean
