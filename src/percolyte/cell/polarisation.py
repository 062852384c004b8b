"""Lithium | electrolyte | lithium with a salt in a polymer: limiting current, Sand's time, and polarisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from percolyte.cell import control
from percolyte.cell.electrolyte import SaltElectrolyte, check_fractions, mesh, positive
from percolyte.cell.model import sphere_modes
from percolyte.cell.porous import BUTLER_VOLMER, PART, TABLE, Electrode, new_state
from percolyte.cell.runner import SALT_TOLERANCE, STORAGE, compiled
from percolyte.units import FARADAY

if TYPE_CHECKING:
    from percolyte.cell.kernel import Planar

CELLS = 40


@dataclass(frozen=True)
class Polarisation:
    """Lithium | electrolyte | lithium at constant current, one row an accepted time step; SI."""

    outcome: Literal["time", "salt depleted", "voltage limit", "no convergence"]
    time: Any
    voltage: Any
    """Of the electrode where lithium dissolves against the other, V."""
    position: Any
    concentration_end: Any
    """At those positions, mol/m3."""
    stripped_concentration: Any
    """At the surface where lithium dissolves, against time."""
    plated_concentration: Any
    salt_error: float
    steps: int


def limiting_current(electrolyte: SaltElectrolyte, thickness: float, *, factor: float = 1.0) -> float:
    """Largest steady current through a layer between two lithium electrodes, A/m2.

    i = 2 F s D c / ((1 - t+) L), at which the linear steady profile falls to
    zero at the plated side. Holds for constant properties, taken at c at rest.
    With D = 2 D+ D-/(D+ + D-) of an ideal solution it is 4 F D+ c/L. Limit:
    t+ = 1 has none (infinity).

    Source: Brissot, Rosso, Chazalviel, Lascaud, J. Power Sources 81-82 (1999) 925.
    """
    c = electrolyte.concentration
    anions = 1.0 - electrolyte.at("transference_number", c)
    positive("thickness", thickness)
    if anions <= 0.0:
        return math.inf
    return 2.0 * FARADAY * factor * electrolyte.at("diffusivity", c) * c / (anions * thickness)


def sand_time(electrolyte: SaltElectrolyte, current: float, *, factor: float = 1.0, fraction: float = 1.0) -> float:
    """Time after which the salt at a plated surface is used up, s.

    τ = π ε s D (F c / 2 (1 - t+) i)². Holds for constant properties while the
    other end is far, that is well above the limiting current. Limit: t+ = 1
    never (infinity).

    Source: Sand, Phil. Mag. 1 (1901) 45; with the transference number as in
    Brissot, Rosso, Chazalviel, Lascaud, J. Power Sources 81-82 (1999) 925.
    """
    c = electrolyte.concentration
    anions = 1.0 - electrolyte.at("transference_number", c)
    positive("current", current)
    if anions <= 0.0:
        return math.inf
    ratio = FARADAY * c / (2.0 * anions * current)
    return math.pi * fraction * factor * electrolyte.at("diffusivity", c) * ratio * ratio


def polarise(
    electrolyte: SaltElectrolyte,
    thickness: float,
    current: float,
    duration: float,
    *,
    lithium: Planar | None = None,
    temperature: float = 298.15,
    factor: float = 1.0,
    fraction: float = 1.0,
    cells: int = CELLS,
    rtol: float = SALT_TOLERANCE,
) -> Polarisation:
    """Constant current through a layer of electrolyte between two lithium electrodes.

    `lithium` gives kinetics and interphase of both; without it they cost
    nothing. Below `limiting_current` a linear profile is reached after some
    L²/D, above it the salt is used up, at `sand_time` if that is short.

    Limit: the steady voltage of a small current is 1 + Ne times the first one,
    Ne = 2 κ R T (1 - t+)² (1 + dlnf/dlnc) / (F² D c), Balsara and Newman,
    J. Electrochem. Soc. 162 (2015) A2720.

    Errors: InputError for a thickness, current or duration that is not positive.
    """
    for name, value in (("thickness", thickness), ("current", current), ("duration", duration)):
        positive(name, value)
    check_fractions({"factor": factor, "fraction": fraction})
    kernel = compiled()
    from percolyte.cell import salt_kernel
    from percolyte.cell.salt import new_salt

    lithium = kernel.Planar(0.0, 1e12, 0.0, temperature) if lithium is None else lithium
    none = _no_electrode(lithium.temperature)
    layer = mesh(electrolyte, [(cells, thickness, fraction, factor)], lithium.temperature)
    salt = new_salt(layer, 1)
    held = layer.fraction * layer.width
    start = float(held @ salt.c)
    out, counts = np.zeros((STORAGE, salt_kernel.COLUMNS)), np.zeros(3)
    never = np.zeros(1)
    written, end = salt_kernel.run_step(
        layer, salt, none, new_state(none, np.zeros(1)), lithium, 0.0, control.CURRENT, current, never, never,
        current, -10.0, 10.0, duration, 0.0, 0.0, rtol, duration / 60.0, out, counts,
    )  # fmt: skip
    rows = out[:written]
    ends: dict[int, Literal["time", "salt depleted", "voltage limit"]] = {
        control.TIME: "time", control.LOW: "voltage limit", control.DEPLETED: "salt depleted"
    }  # fmt: skip
    return Polarisation(
        outcome=ends.get(int(end), "no convergence"),
        time=rows[:, 0],
        voltage=-rows[:, 1],
        position=np.cumsum(layer.width) - 0.5 * layer.width,
        concentration_end=salt.c.copy(),
        stripped_concentration=rows[:, 16],
        plated_concentration=rows[:, 17],
        salt_error=(float(held @ salt.c) - start) / start,
        steps=int(counts[0]),
    )


def _no_electrode(temperature: float) -> Any:
    """A porous electrode without a cell."""
    return Electrode(
        volumes=np.zeros(0), ionic=1.0, electronic=1.0, temperature=temperature, law=BUTLER_VOLMER,
        reorganisation=1.0, parts=np.ones(1, PART).view(np.recarray), curves=np.ones((1, TABLE, 4)),
        diffusivity_table=np.empty((0, 0)), edges=np.linspace(0.0, 1.0, 4), modes=sphere_modes(1.0),
    )  # fmt: skip
