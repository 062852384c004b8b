"""A cell with a single-ion electrolyte through one step of a protocol: the compiled equations.

Each porous electrode solves its charge balance (`percolyte.cell.charge_balance`) with
the reactions (`percolyte.cell.reaction`) at its particles (`percolyte.cell.diffusion`);
the other electrode, porous or planar, enters only through the current I, which is
an unknown of Newton's method where a step controls something else. Time steps are
backward differentiation formulas (`percolyte.cell.bdf`) whose order and size follow
from the error of the stoichiometry at the surfaces.

J > 0 puts lithium into the particles; I > 0 discharges the cell.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from percolyte.cell.bdf import MOST_ORDER, new_formula, set_formula
from percolyte.cell.charge_balance import (
    LOCAL_MOST,
    NEWTON_MOST,
    assemble,
    react,
    set_spread,
    solve_potentials,
    terminal,
    update,
)
from percolyte.cell.control import CURRENT, DONE, FAILED, FULL, HIGH, LOW, PROFILE, VOLTAGE
from percolyte.cell.limits import approach, ending, interpolate, share_to_limit, target_gap
from percolyte.cell.losses import losses
from percolyte.cell.porous import LEVELS
from percolyte.cell.time_step import accept, first_step, hold, miss, prepare, room, settle
from percolyte.units import FARADAY, GAS_CONSTANT

NEWTON_TOLERANCE = 1e-6
"""Volts by which the potentials of a step may still be off."""
FAR, FARTHEST = 2.0, 1e15
"""Volts of one of Newton's steps by which a time step, and the start of a run, is given up."""
CURVATURE = 40.0
"""Error after a Newton step over the square of the step, 1/V; F/RT, the steepest of the laws."""
GROWTH = (1.0, 3.0, 2.0, 1.5)
"""Most by which a step may grow after one of an order; the formulas are stable up to 2.4 and 1.53."""
COLUMNS = 15
"""Stored for each accepted step: t, V, I, charge, E_cathode, E_anode, then losses
in V of separator and series resistance, and for cathode and anode each of
ionic, electronic, kinetic with film, diffusion."""


class Planar(NamedTuple):
    """An electrode of one surface at fixed potential: Li, Li-In, a plated collector."""

    potential: float
    exchange: float
    """i0 per geometric area, A/m2."""
    film: float
    temperature: float


@njit(cache=True, error_model="numpy")
def planar_potential(p: Any, richness: float, total: float) -> tuple[float, float]:
    """Potential against the electrolyte at a discharge current, and its derivative; i0 is so many times that at rest."""
    thermal = 2.0 * GAS_CONSTANT * p.temperature / FARADAY
    exchange = p.exchange * richness
    ratio = total / (2.0 * exchange)
    value = p.potential + thermal * math.asinh(ratio) + p.film * total
    return value, thermal / math.sqrt(1.0 + ratio * ratio) * 0.5 / exchange + p.film


@njit(cache=True, error_model="numpy")
def solve_cell(
    c: Any,
    cs: Any,
    porous: bool,
    a: Any,
    sa: Any,
    p: Any,
    series: float,
    mode: int,
    goal: float,
    total: float,
    far: float,
    most: int,
) -> tuple[int, float, float, float, float]:
    """Newton for both electrodes and the current that meets the goal: iterations, I, V, E_cathode, E_anode.

    The iterations are negative where it failed, also by a step of more than
    `far` volts after the first. The charge balance is linear in
    the unknowns, so that ΣaJh = I holds to rounding after a full step.
    """
    controlled = mode not in (CURRENT, PROFILE)
    last, volts, high, low = 0.0, 0.0, 0.0, 0.0
    for iteration in range(1, NEWTON_MOST + 1):
        worst = react(c, cs, most)
        assemble(c, cs, total)
        solve_potentials(cs)
        if porous:
            worst = max(worst, react(a, sa, most))
            assemble(a, sa, -total)
            solve_potentials(sa)
        change = 0.0
        if controlled:
            change, gap = correction(c, cs, porous, a, sa, p, series, mode, goal, total)
            worst = max(worst, gap)
        step, held = update(c, cs, change)
        worst = max(worst, step)
        if porous:
            step, stopped = update(a, sa, -change)
            worst, held = max(worst, step), held or stopped
        total += change
        if not (worst < far or (iteration == 1 and worst < FARTHEST)):
            return -iteration, total, 0.0, 0.0, 0.0
        # the error left behind is of second order in the step, and falls at least as fast again as the last one did
        left = min(CURVATURE * worst, 1.0, worst / last if last > 0.0 and worst < 1e-2 * last else 1.0) * worst
        if not held and left < NEWTON_TOLERANCE:
            high = terminal(c, cs.points.trial, total)
            low = terminal(a, sa.points.trial, -total) if porous else planar_potential(p, 1.0, total)[0]
            return iteration, total, high - low - total * series, high, low
        last = worst
    return -NEWTON_MOST, total, volts, high, low


@njit(cache=True, error_model="numpy")
def correction(
    c: Any, cs: Any, porous: bool, a: Any, sa: Any, p: Any, series: float, mode: int, goal: float, total: float
) -> tuple[float, float]:
    """Change of the current towards the goal, and how far the goal is, V."""
    high = terminal(c, cs.points.trial, total) + terminal(c, cs.points.rhs, 0.0)
    rise = terminal(c, cs.points.sense, 1.0)
    if porous:
        low = terminal(a, sa.points.trial, -total) + terminal(a, sa.points.rhs, 0.0)
        fall = -terminal(a, sa.points.sense, 1.0)
    else:
        low, fall = planar_potential(p, 1.0, total)
    volts, slope = high - low - total * series, rise - fall - series
    gap, by_current = target_gap(mode, goal, volts, slope, total)
    change = -gap / by_current
    return change, abs(change * slope)


@njit(cache=True, error_model="numpy")
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


@njit(cache=True, error_model="numpy")
def start(
    c: Any, cs: Any, porous: bool, a: Any, sa: Any, p: Any, series: float, mode: int, goal: float, guess: float,
    f: Any, low_limit: float, high_limit: float, counts: Any,
) -> tuple[bool, float, float, float, float]:  # fmt: skip
    """Currents and potentials at the start of a step, at the stoichiometries as they are: success, I, V, E, E.

    A current too large to start from at once is approached from below.
    """
    f.numbers[0] = 0.0
    f.c[:] = 0.0
    f.p[:] = 0.0
    f.c[0] = f.p[0] = 1.0
    total, ease = guess, 1.0
    while True:
        prepare(c, cs, f, 0.0)
        react(c, cs, 0)
        set_spread(c, cs)
        if porous:
            prepare(a, sa, f, 0.0)
            react(a, sa, 0)
            set_spread(a, sa)
        used, total, volts, high, low = solve_cell(
            c, cs, porous, a, sa, p, series, mode, goal, ease * guess, FARTHEST, 0
        )
        counts[1] += abs(used)
        if used > 0:
            settle(c, cs)
            if porous:
                settle(a, sa)
            beyond = (volts <= low_limit and total > 0.0) or (volts >= high_limit and total < 0.0)
            if ease == 1.0 or beyond:
                break
            ease = min(1.0, 1.5 * ease)
            continue
        counts[2] += 1
        if mode not in (CURRENT, PROFILE) or ease < 1e-5 or counts[2] > 50:
            return False, total, volts, high, low
        ease *= 0.1
        cs.current[0] *= 0.1
        if porous:
            sa.current[0] *= 0.1
    hold(cs)
    if porous:
        hold(sa)
    return True, total, volts, high, low


@njit(cache=True, error_model="numpy")
def next_step(
    c: Any, cs: Any, porous: bool, a: Any, sa: Any, f: Any, h: float, past: Any, order: int, levels: int,
    error: float, rtol: float,
) -> tuple[int, float]:  # fmt: skip
    """Order of the next step, and its size over this one: the order that allows the longest."""
    best, growth = order, 0.85 * max(error, 1e-5) ** (-1.0 / (order + 1.0))
    for other in (order - 1, order + 1):
        if other < 1 or other > min(MOST_ORDER, levels - 1):
            continue
        set_formula(f, h, past, other, other + 1)
        off = miss_cell(c, cs, porous, a, sa, f)
        reach = 0.8 * max(off / rtol, 1e-5) ** (-1.0 / (other + 1.0))
        if reach > growth:
            best, growth = other, reach
    return best, min(max(growth, 0.3), GROWTH[best])


@njit(cache=True, error_model="numpy")
def prepare_cell(c: Any, cs: Any, porous: bool, a: Any, sa: Any, f: Any, w: float) -> None:
    """`prepare` for both electrodes."""
    prepare(c, cs, f, w)
    if porous:
        prepare(a, sa, f, w)


@njit(cache=True, error_model="numpy")
def miss_cell(c: Any, cs: Any, porous: bool, a: Any, sa: Any, f: Any) -> float:
    """`miss` of the worse electrode."""
    off = miss(c, cs, f)
    return max(off, miss(a, sa, f)) if porous else off


@njit(cache=True, error_model="numpy")
def room_cell(c: Any, cs: Any, porous: bool, a: Any, sa: Any, f: Any) -> float:
    """`room` in the electrode that has less."""
    share = room(c, cs, f)
    return min(share, room(a, sa, f)) if porous else share


@njit(cache=True, error_model="numpy")
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
    f, other = new_formula(), new_formula()
    past, charges = np.ones(LEVELS), np.zeros(LEVELS)
    for level in range(1, LEVELS):
        cs.q[level] = cs.q[0]
        if porous:
            sa.q[level] = sa.q[0]
    begin = goal if mode == CURRENT else (values[0] if mode == PROFILE else guess)
    fine, total, volts, high, low = start(
        c, cs, porous, a, sa, p, series, mode, goal, begin, f, low_limit, high_limit, counts
    )
    if not fine:
        return 0, FAILED
    record(out[0], 0.0, volts, total, 0.0, high, low, series, c, cs, porous, a, sa, p)
    end = ending(mode, low_limit, high_limit, longest, 0.0, 0.0, 0.0, volts, total, 0.0)
    if end in (LOW, HIGH):
        return 1, end
    h = first_step(c, total, guess, rtol)
    if porous:
        h = min(h, first_step(a, total, guess, rtol))
    h = min(max(h, 1e-6), largest)
    t, rows, order, levels, most = 0.0, 1, 1, 1, LOCAL_MOST
    while True:
        h = min(h, longest - t)
        set_formula(f, h, past, order, min(order + 1, levels))
        share = room_cell(c, cs, porous, a, sa, f) if levels > 2 and h > 1e-3 else 1.0
        if share < 1.0:
            h *= max(0.9 * share, 0.1)
            set_formula(f, h, past, order, min(order + 1, levels))
        prepare_cell(c, cs, porous, a, sa, f, h / past[0] if levels > 1 else 0.0)
        begin = interpolate(times, values, t + h) if mode == PROFILE else total
        far = FAR if h > 1e-6 else FARTHEST
        used, found, ahead, high, low = solve_cell(c, cs, porous, a, sa, p, series, mode, goal, begin, far, most)
        counts[1] += abs(used)
        if used < 0:
            counts[2] += 1
            if h < 1e-9:
                return rows, FAILED
            # by themselves reactions may run away from each other
            h, most = 0.25 * h, 0
            continue
        error = miss_cell(c, cs, porous, a, sa, f) / rtol
        if error > 1.5 and h > 1e-6:
            h *= max(0.25, 0.8 * error ** (-1.0 / (order + 1.0)))
            counts[2] += 1
            continue
        share = share_to_limit(mode, low_limit, high_limit, taper, ahead, volts, found, total)
        if share != 1.0 and h > 1e-7:
            h *= min(max(share, 0.02), 0.98)
            counts[2] += 1
            continue
        # the same formula as for the particles, so that charge and lithium agree to rounding
        charge = f.c[0] * charges[0] + f.c[1] * charges[1] + f.c[2] * charges[2] + f.numbers[0] * found
        if most_charge > 0.0 and abs(charge) > most_charge * (1.0 + 1e-12):
            h *= (most_charge - abs(charges[0])) / abs(found * h)
            continue
        gam = f.numbers[0]
        order, growth = next_step(c, cs, porous, a, sa, other, h, past, order, levels, error, rtol)
        accept(c, cs, gam)
        if porous:
            accept(a, sa, gam)
        t, total, fallen, volts = t + h, found, volts, ahead
        charges[2], charges[1], charges[0] = charges[1], charges[0], charge
        past[2], past[1], past[0] = past[1], past[0], h
        levels = min(levels + 1, LEVELS + 1)
        counts[0] += 1
        record(out[rows], t, volts, total, charge, high, low, series, c, cs, porous, a, sa, p)
        rows += 1
        end = ending(mode, low_limit, high_limit, longest, most_charge, taper, t, volts, total, charge)
        if end != DONE:
            return rows, end
        if rows >= out.shape[0]:
            return rows, FULL
        h = min(h * growth, largest)
        if mode != VOLTAGE:
            h = approach(h, past[0], low_limit, high_limit, volts, fallen, total)
