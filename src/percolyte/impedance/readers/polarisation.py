"""From a table of time, voltage and current to one run at constant current or voltage.

What is controlled is known from the technique, else it is the one of the two
that stays where it is. Rest before the step is left out, and time counts from
the last row of it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError
from percolyte.impedance.measurement import Floats, Polarisation
from percolyte.impedance.readers.contents import Table
from percolyte.impedance.readers.headings import locate
from percolyte.impedance.readers.spectra import RUN_EXAMPLE, Stated

Mode = Literal["galvanostatic", "potentiostatic"]
STEADY = 0.02
"""Relative spread of what is controlled, ranges switched and noise included."""
RESTING = 0.01
"""Share of the largest current below which the cell rests."""
FEWEST = 5
_TECHNIQUES: dict[str, Mode] = {
    "chronoamperometry": "potentiostatic", "chronoa": "potentiostatic", "chronopotentiometry": "galvanostatic",
    "chronop": "galvanostatic", "constant voltage": "potentiostatic", "constant current": "galvanostatic",
}  # fmt: skip


@np.errstate(over="ignore", invalid="ignore")
def run_of(table: Table, stated: Stated, source: str, mode: Mode | None) -> Polarisation:
    """The one step of a table.

    Errors: InputError for missing columns, cells that hold no number, time that does not rise, fewer
    than FEWEST points, several steps, and a mode that neither technique nor data tell.
    """
    located = locate(list(table.columns))
    if not located.is_polarisation:
        shown = ", ".join(repr(heading) for heading in list(table.columns)[:8])
        raise InputError(
            f"has no columns of time, voltage and current among {shown}; headings are such as {RUN_EXAMPLE!r}"
        )
    time, voltage, current = (
        table.columns[located.columns[name][0]] * located.columns[name][1].factor
        for name in ("time", "voltage", "current")
    )
    _refuse_rows(table, time, voltage, current)
    working = np.abs(current) > RESTING * np.max(np.abs(current))
    first, last = _working(working)
    used = slice(first, last + 1)
    start = float(time[first - 1] if first else _zero(time))
    mode, known = _mode(table.technique, voltage[used], current[used], mode)
    if mode == "potentiostatic":
        last = _held(voltage, current, used) - 1
        used = slice(first, last + 1)
    if last + 1 - first < FEWEST:
        raise InputError(f"has {last + 1 - first} points with current, which is no run; record more")
    controlled, response = (current[used], voltage[used]) if mode == "galvanostatic" else (voltage[used], current[used])
    applied = float(np.median(controlled))
    if np.max(np.abs(controlled - applied)) > STEADY * abs(applied):
        held = "current" if mode == "galvanostatic" else "voltage"
        advice = f"as a run at constant {held} is wanted" if known == "stated" else "or state the mode"
        raise InputError(
            f"is no single step: the {held} goes from {controlled.min():.4g} to {controlled.max():.4g}; cut out one step, {advice}"
        )
    notes = [*table.notes, f"{mode}: {known}"]
    notes += [f"{first} rows of rest before the step are left out"] if first else []
    notes += [f"{time.size - 1 - last} rows of rest after it are left out"] if last < time.size - 1 else []
    return Polarisation(
        mode, time[used] - start, response, applied, source, stated.area or table.area, stated.thickness or table.thickness,
        stated.temperature or table.temperature, table.measured_at, tuple(notes),
    )  # fmt: skip


def _refuse_rows(table: Table, time: Floats, voltage: Floats, current: Floats) -> None:
    bad = ~(np.isfinite(time) & np.isfinite(voltage) & np.isfinite(current))
    if bad.any():
        raise InputError(f"{table.place(int(np.flatnonzero(bad)[0]))} holds no number; correct or delete it")
    if (np.diff(time) < 0.0).any():
        place = int(np.flatnonzero(np.diff(time) < 0.0)[0])
        raise InputError(f"time falls after {time[place]:g} s, as where another run begins; cut out one run")
    if not np.abs(current).max(initial=0.0) > 0.0:
        raise InputError("has no current; a run at constant current or voltage has some")


def _working(working: NDArray[np.bool_]) -> tuple[int, int]:
    """First and last row of the one stretch in which current flows."""
    rows = np.flatnonzero(working)
    return int(rows[0]), int(rows[-1])


def _held(voltage: Floats, current: Floats, used: slice) -> int:
    """End of the rows at the voltage applied: a residual current can be less than what else counts as rest."""
    applied = float(np.median(voltage[used]))
    held = (np.abs(voltage - applied) <= STEADY * abs(applied)) & (current != 0.0)
    gone = np.flatnonzero(~held[used.stop :])
    return int(used.stop + gone[0]) if gone.size else voltage.size


def _zero(time: Floats) -> float:
    """Start of the step where there is no rest before: zero, unless the clock began long before the first row."""
    if time.size == 1:
        return 0.0
    return 0.0 if 0.0 <= time[0] <= time[1] - time[0] + 1e-9 or time[0] <= 0.01 * time[-1] else float(time[0])


def _mode(technique: str, voltage: Floats, current: Floats, stated: Mode | None) -> tuple[Mode, str]:
    """What was held constant, and how that is known."""
    if stated is not None:
        return stated, "stated"
    for name, mode in _TECHNIQUES.items():
        if name in technique.lower():
            return mode, f"the technique is {technique}"
    spread = [float(np.ptp(values) / max(abs(float(np.median(values))), 1e-300)) for values in (current, voltage)]
    if min(spread) > STEADY or max(spread) < 3.0 * min(spread) or max(spread) == 0.0:
        raise InputError(
            "does not tell whether current or voltage was held constant; state it: --mode galvanostatic or potentiostatic, "
            "or mode = 'galvanostatic' in a design"
        )
    return ("galvanostatic", "the current is constant") if spread[0] < spread[1] else ("potentiostatic", "the voltage is constant")  # fmt: skip
