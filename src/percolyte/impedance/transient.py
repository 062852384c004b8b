"""Runs of direct current on a composite: conductivities, chemical diffusion coefficient, and what each run is worth.

The full solution of `polarisation` is fitted; how far each run got, what its last point alone would say and what the
square-root law says stand beside it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.composite import (
    BLOCKED,
    CompositeFit,
    MeasurementFile,
    fit_measurements,
    model_of,
    own_values,
)
from percolyte.impedance.drift import Linearity, linearity
from percolyte.impedance.estimates import Estimate, Fit
from percolyte.impedance.measurement import Polarisation
from percolyte.impedance.polarisation import (
    SQUARE_ROOT,
    Duration,
    StepResponse,
    duration,
    relaxation_time,
    square_root_law,
)

ROOM = 298.15
"""K, for the amplitude where no temperature is stated."""


@dataclass(frozen=True)
class SquareRoot:
    """V/I = R_0 + 4 G sqrt(t/(π T)) over the points where it holds, or why there is none."""

    until: float
    """s, 0.05 T."""
    points: int = 0
    first: float | None = None
    """R_0, ohm."""
    diffusion: float | None = None
    """L²/T from the slope and the rise of the whole run, m2/s."""
    why: str = ""


@dataclass(frozen=True, eq=False)
class RunFound:
    """What one run says by itself."""

    file: MeasurementFile
    run: Polarisation
    relaxation: float
    """T in s."""
    final: float
    """Resistance that the fitted run ends with, everything in series, ohm."""
    duration: Duration
    last: float
    """L/(R A) of the last point alone, everything in series, S/m."""
    square_root: SquareRoot
    linearity: Linearity

    @property
    def passing(self) -> str:
        """The conductivity that the end of the run shows."""
        return "electronic_conductivity" if BLOCKED[self.file.terminals] == "ions" else "ionic_conductivity"


@dataclass(frozen=True, eq=False)
class Polarised:
    """What runs on one composite say together, and each for itself."""

    composite: CompositeFit
    runs: tuple[RunFound, ...]
    diffusion: Estimate
    """L²/[(R_i + R_e) C] of the first layer, m2/s."""
    warnings: tuple[str, ...]


def polarised(files: Sequence[MeasurementFile], runs: Sequence[Polarisation]) -> Polarised:
    """Fit all runs of one composite together, and judge each.

    Holds as `fit_measurements` and `StepResponse` do. Limit: runs of the model give back its numbers.
    Errors: InputError for what cannot be fitted.
    """
    found = fit_measurements(files, runs)
    each = tuple(_of_run(one, files[0], run, found.fit) for one, run in zip(files, runs, strict=True))
    assert files[0].thickness is not None
    assert found.relaxation is not None
    diffusion = diffusion_of("chemical_diffusion_coefficient", files[0].thickness, found.relaxation)
    return Polarised(found, each, diffusion, (*found.warnings, *_not_counted(files)))


def _of_run(one: MeasurementFile, first: MeasurementFile, run: Polarisation, fit: Fit) -> RunFound:
    model = model_of(one, run)
    assert isinstance(model, StepResponse)
    assert one.thickness is not None
    values = own_values(one, first, model, fit)
    scale = float(relaxation_time(values[0], values[1], values[2]))
    (end,), _ = model.evaluate(values, np.array([1e3 * scale]))
    final = float(end if run.mode == "galvanostatic" else 1.0 / end)
    last = float(run.response[-1] / run.applied)
    resistance = last if run.mode == "galvanostatic" else 1.0 / last
    volts = float(np.max(np.abs(run.response))) if run.mode == "galvanostatic" else abs(run.applied)
    return RunFound(
        one,
        run,
        scale,
        final,
        duration(model, values, float(run.time.max())),
        one.thickness / (one.area * resistance),
        _square_root(run, scale, final, one.thickness),
        linearity(volts, run.temperature or ROOM, "step"),
    )


def _square_root(run: Polarisation, scale: float, final: float, thickness: float) -> SquareRoot:
    """The law at constant current, with D = π (L s/4G)², s the slope and G the rise from R_0 to the end."""
    until = SQUARE_ROOT * scale
    if run.mode == "potentiostatic":
        return SquareRoot(until, why="at constant voltage a series resistance bends it from the first moment")
    early = int(np.count_nonzero(run.time < until))
    try:
        first, slope = square_root_law(run.time, run.response / run.applied, scale)
    except InputError as error:
        return SquareRoot(until, early, why=str(error))
    rise = final - first
    if not (rise > 0.0 and slope > 0.0):
        return SquareRoot(until, early, first, why="the points before that do not rise")
    return SquareRoot(until, early, first, math.pi * (thickness * slope / (4.0 * rise)) ** 2)


def diffusion_of(name: str, thickness: float, time: Estimate) -> Estimate:
    """D = L²/T, with the ends of the interval of T turned around."""
    low, high = (thickness**2 / end if end > 0.0 else math.inf for end in (time.high, time.low))
    value = None if time.value is None else thickness**2 / time.value
    why = f"the run does not show how fast it relaxes: {time.why}" if time.why else ""
    return Estimate(name, "m2/s", value, low, high, time.error, why, time.basis)


def _not_counted(files: Sequence[MeasurementFile]) -> list[str]:
    """Layers that direct current goes through and that were taken to resist nothing."""
    return [
        f"{one.label}: electrolyte layers and lithium were fitted without resistance, as a part of the composite; state it, "
        "such as --contact-resistance '20 ohm cm2' for all of them together"
        for one in files
        if one.terminals == "lithium-symmetric" and one.contact == "none" and one.electrolyte is None
    ]
