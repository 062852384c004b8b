"""The residual current of a separator between contacts that block ions: its electronic conductivity.

What flows after a voltage step is first the charging of the contacts, then ions that come to rest over hours, in the end the
electrons. The end is judged by three means of the current at times in the ratio 1 : 2 : 4, since what remains of it
falls about as a power of time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.measurement import Floats, Polarisation
from percolyte.impedance.polarisation import electronic_conductivity

WINDOW = 0.8
"""The current is averaged from this share of each of the three times on."""
FEWEST = 3
"""Points of each mean."""
SETTLED = 0.1
"""What is still to fall, over the current, up to which the end counts as reached."""
DOUBTFUL = 1e-4
"""S/m: far above the electronic conductivity of an electrolyte that a cell could rest with."""


@dataclass(frozen=True)
class Leakage:
    """Electronic conductivity of a layer, with bounds."""

    run: Polarisation

    current: float
    """Mean of the end of the run, A."""
    current_low: float
    """What it falls to as a power of time; at least zero."""
    current_high: float
    """Mean and two standard errors."""
    conductivity: float | None
    """S/m; none where the current still falls, so that there is an upper limit only."""
    low: float
    high: float
    falling: float
    """What is still to fall as a power of time, over the current."""

    @property
    def words(self) -> str:
        left = f"as a power of time {100.0 * min(self.falling, 1.0):.2g} % of the current at the end are still to fall"
        if self.conductivity is None:
            return f"{left}: ions still move, and what is left for the electrons is an upper limit; hold the voltage longer"
        return left

    @property
    def warnings(self) -> tuple[str, ...]:
        """What makes it doubtful that electrons carry the current."""
        if (self.conductivity or self.low) <= DOUBTFUL:
            return ()
        return (
            f"above {0.01 * DOUBTFUL:.0e} S/cm the current is hardly that of electrons through an electrolyte: contacts such as lithium pass "
            "ions, or the cell is short-circuited; steel or carbon blocks ions",
        )


def leakage_current(run: Polarisation, thickness: float, area: float) -> Leakage:
    """σ_e = I L/(V A) of the end of a run at constant voltage, L in m and A in m2.

    With means x_1, x_2, x_3 of the current before a quarter, a half and the end of the time, a law a + b t^-n ends at
    a = x_3 - (x_3 - x_2)²/(x_3 - 2 x_2 + x_1); an exponential ends higher. So the end lies between a and x_3.
    Holds for a small voltage, and for contacts that pass no ion at it. Limits: a constant current is its own end; a power law gives
    its constant exactly, with equal windows in ln t.
    Errors: InputError for a run at constant current, a current against the voltage, or fewer than 3 points in a mean.
    """
    if run.mode != "potentiostatic":
        raise InputError(
            "was run at constant current; the residual current is read at constant voltage", source=run.source
        )
    current = run.response * math.copysign(1.0, run.applied)
    means, errors = zip(*(_mean(run, current, share) for share in (0.25, 0.5, 1.0)), strict=True)
    first, second, last = means
    if not last > 0.0:
        raise InputError(
            f"ends with a current of {last:.3g} A against the voltage, which is no leakage; correct the offset of the instrument",
            source=run.source,
        )
    noise = 2.0 * errors[2]
    end = _end(first, second, last) if abs(second - last) > 2.0 * math.hypot(errors[1], errors[2]) else last
    low, high = max(min(end, last) - noise, 0.0), last + noise
    falling = 1.0 - end / last
    sigma = (
        float(electronic_conductivity(abs(run.applied), one, thickness=thickness, area=area))
        for one in (last, low, high)
    )
    value, least, most = sigma
    settled = falling < SETTLED and low > 0.0
    return Leakage(run, last, low, high, value if settled else None, least, most, falling)


def _mean(run: Polarisation, current: Floats, share: float) -> tuple[float, float]:
    """Mean about a share of the end, and its standard error; windows are alike in ln t."""
    top = share * run.time[-1]
    inside = (run.time <= top * (1.0 + 1e-9)) & (run.time >= WINDOW * top * (1.0 - 1e-9))
    count = int(inside.sum())
    if count < FEWEST:
        raise InputError(
            f"has {count} points before {top:.3g} s; at least {FEWEST} are needed before a quarter, a half and the end of the time",
            source=run.source,
        )
    scatter = np.diff(current[inside])
    # half the mean square of differences: the fall within the window is no noise
    return float(current[inside].mean()), math.sqrt(float(np.mean(scatter**2)) / 2.0 / count)


def _end(first: float, second: float, last: float) -> float:
    """Aitken's limit of three values; the last one where they do not fall ever more slowly towards one."""
    curvature = last - 2.0 * second + first
    if last >= second:
        return last
    if curvature <= 0.0:
        return 0.0
    return float(last - (last - second) ** 2 / curvature)
