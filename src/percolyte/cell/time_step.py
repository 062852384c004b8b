"""A step of one electrode in time: its first size, prediction, error, and what it leaves behind."""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from percolyte.cell.charge_balance import set_spread
from percolyte.cell.diffusion import advance_particles, eliminate_modes, eliminate_shells
from percolyte.cell.porous import LEVELS

OVER = 1e-3
"""Stoichiometry by which the surfaces may be expected beyond empty or full in a step."""
FIRST = 1.0
"""Movement of the surface in the first step, over the error allowed."""


@njit(cache=True, error_model="numpy")
def first_step(e: Any, total: float, before: float, rtol: float) -> float:
    """Time in which a surface moves by a few times the error allowed: Δx = 2 ĵ sqrt(tD/πR²), s."""
    area = 0.0
    for j in range(e.parts.size):
        area += e.parts[j].area
    drawn = max(abs(total - before), abs(total), 1e-30) / (area * e.volumes.sum())
    shortest = 1e300
    for j in range(e.parts.size):
        pace, intake = e.parts[j].pace, e.parts[j].intake
        shortest = min(shortest, math.pi * pace * (FIRST * rtol / (drawn * intake)) ** 2)
    return shortest


@njit(cache=True, error_model="numpy")
def prepare(e: Any, s: Any, f: Any, w: float) -> None:
    """Eliminate the particles for a step, and extrapolate the unknowns; `w` is the step over the last one."""
    if e.diffusivity_table.size == 0:
        eliminate_modes(e, s, f)
    else:
        eliminate_shells(e, s, f, w)
    set_spread(e, s)
    p0, p1, p2, p3 = f.p[0], f.p[1], f.p[2], f.p[3]
    for k in range(e.volumes.size):
        s.points[k].trial = p0 * s.phi[0, k] + p1 * s.phi[1, k] + p2 * s.phi[2, k] + p3 * s.phi[3, k]
        for j in range(e.parts.size):
            s.reactions[k, j].trial = (
                p0 * s.current[0, k, j] + p1 * s.current[1, k, j] + p2 * s.current[2, k, j] + p3 * s.current[3, k, j]
            )


@njit(cache=True, error_model="numpy")
def room(e: Any, s: Any, f: Any) -> float:
    """Share of a step in which no surface runs full or empty by its predictor; one at most."""
    share = 1.0
    for k in range(e.volumes.size):
        for j in range(e.parts.size):
            now = s.surface[0, k, j]
            ahead = 0.0
            for i in range(LEVELS + 1):
                ahead += f.p[i] * s.surface[i, k, j]
            if ahead > 1.0 + OVER and now < 1.0:
                share = min(share, (1.0 + OVER - now) / (ahead - now))
            elif ahead < -OVER and now > 0.0:
                share = min(share, (now + OVER) / (now - ahead))
    return share


@njit(cache=True, error_model="numpy")
def miss(e: Any, s: Any, f: Any) -> float:
    """Root mean square of the error of the surfaces that a formula would leave, by its predictor."""
    square = 0.0
    for k in range(e.volumes.size):
        for j in range(e.parts.size):
            off = s.reactions[k, j].a + s.reactions[k, j].b * s.reactions[k, j].trial
            for i in range(LEVELS + 1):
                off -= f.p[i] * s.surface[i, k, j]
            square += off * off
    return float(f.numbers[1] * math.sqrt(square / (e.volumes.size * e.parts.size)))


@njit(cache=True, error_model="numpy")
def accept(e: Any, s: Any, gam: float) -> None:
    """Take the trial values over as the newest level of time."""
    for k in range(e.volumes.size):
        for level in range(LEVELS, 0, -1):
            s.phi[level, k] = s.phi[level - 1, k]
            for j in range(e.parts.size):
                s.surface[level, k, j] = s.surface[level - 1, k, j]
                s.current[level, k, j] = s.current[level - 1, k, j]
    settle(e, s)
    advance_particles(e, s, gam)


@njit(cache=True, error_model="numpy")
def hold(s: Any) -> None:
    """Make the past levels equal to the newest."""
    for level in range(1, LEVELS + 1):
        s.surface[level] = s.surface[0]
        s.current[level] = s.current[0]
        s.phi[level] = s.phi[0]


@njit(cache=True, error_model="numpy")
def settle(e: Any, s: Any) -> None:
    """Take the trial values over at the same time."""
    for k in range(e.volumes.size):
        s.phi[0, k] = s.points[k].trial
        for j in range(e.parts.size):
            s.current[0, k, j] = s.reactions[k, j].trial
            s.surface[0, k, j] = s.reactions[k, j].a + s.reactions[k, j].b * s.reactions[k, j].trial
