"""A separator and a porous cathode filled with a salt through one step of a protocol: the compiled equations.

They are the balances of `percolyte.cell.salt_balance` in the steps of
`percolyte.cell.kernel`, which is the limit t+ = 1.

x runs from the lithium (0) through the separator to the collector; J > 0 puts
lithium into the particles; I > 0 is ionic current from lithium to cathode.
A mesh without cathode cells ends at a second lithium electrode.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from percolyte.cell.bdf import new_formula, set_formula
from percolyte.cell.control import CURRENT, DEPLETED, DONE, FAILED, FULL, HIGH, LOW, PROFILE
from percolyte.cell.limits import ending, interpolate, share_to_limit, target_gap
from percolyte.cell.porous import LEVELS
from percolyte.cell.salt import DRY, accept_salt, predict, salt_miss
from percolyte.cell.salt_balance import solve
from percolyte.cell.salt_voltage import add_losses, measure
from percolyte.cell.time_step import accept, hold, miss, prepare, settle

LITTLE = 1e-3
"""Concentration over that at rest below which a failed step is put down to a lack of salt."""
LOOSER = 2.5
"""Error allowed in ln(c) per step, over that in the stoichiometry; a hundredth of c at rest is added to c."""
COLUMNS = 19
"""Stored for each accepted step: those of `percolyte.cell.kernel`, then volts
lost to the concentration of the salt, c at the lithium, c at the other end, least c."""


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
def estimate(m: Any, e: Any, salt: Any, s: Any, f: Any, rtol: float) -> float:
    """Error of a step over the one allowed, of particles or salt, whichever is worse."""
    error = salt_miss(m, salt, f) / LOOSER
    if m.width.size > m.separator:
        error = max(error, miss(e, s, f))
    return error / rtol


@njit(cache=True, error_model="numpy")
def share_to_end(
    row: Any, before: Any, least: float, was: float, dry: float, mode: int, low: float, high: float, taper: float
) -> float:
    """Share of a step after which it uses up the salt at a lithium surface, or meets another limit; one if it does not."""
    if least < dry:
        return (was - dry) / (was - least) if was > dry else 0.5
    return share_to_limit(mode, low, high, taper, row[1], before[1], row[2], before[2])


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
    f = new_formula()
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
        share = share_to_end(out[rows], out[rows - 1], least, was, dry, mode, low, high, taper) if rows > 0 else 1.0
        if share != 1.0 and h > 1e-7:
            h *= min(max(share, 0.02), 0.98)
            counts[2] += 1
            continue
        if least <= dry:
            return rows, DEPLETED
        # the same formula as for the particles, so that charge and lithium agree to rounding
        reached = c1 * charge + c2 * earlier + gam * total
        if rows > 0 and most > 0.0 and abs(reached) > most * (1.0 + 1e-12):
            h = (most - abs(charge)) / abs(total)
            counts[2] += 1
            continue
        if rows == 0:
            settle(e, s)
            hold(s)
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
        end = ending(mode, low, high, longest, most, taper, t, out[rows, 1], total, charge)
        if least < 2.0 * dry and end not in (LOW, HIGH):
            end = DEPLETED
        rows += 1
        if end != DONE:
            return rows, end
        if rows >= out.shape[0]:
            return rows, FULL
        if taken > 0:
            growth = 0.9 * max(error, 1e-4) ** (-1.0 / 3.0)
            if growth > 1.15 or growth < 0.95:
                h *= min(max(growth, 0.3), 2.0 if taken > 3 else 3.0)
            h = min(h, largest)
