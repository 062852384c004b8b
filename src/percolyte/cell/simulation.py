"""What a cell did: its voltage and losses against time, and where lithium and salt were."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

Outcome = Literal["done", "no convergence"]
SHORT = 0.01
"""Concentration over that at rest below which a cell is short of salt."""
LOSSES = (
    "separator and contacts",
    "ions in the cathode",
    "electrons in the cathode",
    "kinetics of the cathode",
    "diffusion in the cathode particles",
    "ions in the anode",
    "electrons in the anode",
    "kinetics of the anode",
    "diffusion in the anode particles",
)
"""Where voltage is lost, in the order of the columns of `percolyte.cell.kernel`."""
SALT_LOSS = "salt concentration"
"""The column after them in a cell with a salt: gradients of c, and what a c other than that at rest changes."""


@dataclass(frozen=True)
class StepResult:
    """How one step of a protocol went."""

    words: str
    end: str
    """Why it ended; 'limit passed at once' where there was nothing to do."""
    duration: float
    """s"""
    end_voltage: float
    charge: float
    """C/m2, positive on discharge."""
    energy: float
    """J/m2, positive on discharge."""


@dataclass(frozen=True)
class Profile:
    """Where the lithium of one electrode is.

    In particles of constant diffusivity, whose state is the mean and the
    surface, the stoichiometry is the parabola between them that a steady
    current ends in: exact then and at rest, too much held in between for some
    R²/(20 D) after a change of the current.
    """

    average: Any
    """Mean stoichiometry of the particles: points across × classes."""
    surface: Any
    """At their surfaces, likewise."""
    shells: Any
    """Of the shells, where the diffusivity varies: points across × classes × shells; else None."""
    across: Any
    """Share of each point across in the thickness."""
    edges: Any
    """Of the shells, over the radius."""

    @property
    def x(self) -> Any:
        """Stoichiometry: points across × classes × points of a particle."""
        if self.shells is not None:
            return self.shells
        rise = self.surface - self.average
        return self.average[:, :, None] + rise[:, :, None] * 2.5 * (_gauss()[0] ** 2 - 0.6)

    def mean(self, values: Any) -> Any:
        """The mean of each class, of values of the shape of `x`."""
        points = np.diff(self.edges**3) if self.shells is not None else _gauss()[1]
        return np.einsum("kjm,k,m->j", values, self.across, points)


@lru_cache(maxsize=1)
def _gauss() -> tuple[Any, Any]:
    """Radii in a sphere and their shares in its volume, by Gauss and Legendre; exact for a parabola squared."""
    x, weights = np.polynomial.legendre.leggauss(6)
    radius = 0.5 * (x + 1.0)
    return radius, 1.5 * radius**2 * weights


@dataclass(frozen=True)
class SaltHistory:
    """What the salt of a polymer did, one row an accepted time step; SI."""

    rest: float
    """Concentration of the rested cell, mol/m3."""
    position: Any
    """Centres of the cells from the lithium, m; the separator comes first."""
    concentration_end: Any
    """At those positions."""
    anode_concentration: Any
    """At the surface of the lithium, against time."""
    collector_concentration: Any
    """In the last cell of the cathode, against time."""
    least_concentration: Any
    """Anywhere, against time."""
    error: float
    """Relative error of the amount of salt."""
    beyond: bool
    """Whether the salt left the concentrations of a table."""
    depleted: bool
    """Whether a step ended for lack of salt at the lithium."""

    @property
    def short(self) -> bool:
        """Whether somewhere less than a hundredth of the salt was left at some time, or a step ended for lack of it."""
        least = self.least_concentration
        return self.depleted or bool(least.size and least.min() < SHORT * self.rest)


@dataclass(frozen=True)
class Simulation:
    """What a cell did, one row an accepted time step; SI."""

    outcome: Outcome
    time: Any
    voltage: Any
    current: Any
    """A/m2, positive on discharge."""
    charge: Any
    """C/m2 passed since the start, positive on discharge."""
    energy: Any
    """J/m2 given out since the start."""
    step: Any
    """Number of the protocol step of each row."""
    losses: dict[str, Any]
    """Volts lost at each time to each process, see `LOSSES`."""
    areal_capacity: float
    """Discharged, in all steps together, C/m2."""
    areal_energy: float
    """Discharged, J/m2."""
    charged_capacity: float
    charged_energy: float
    utilisation: float
    """Discharged capacity over the reversible one."""
    specific_capacity: float
    """Discharged C per kg of active material of the cathode."""
    lithium_error: float
    """Relative error of the lithium inventory."""
    beyond: bool
    """Whether a particle surface left the stoichiometries for which its potential is known."""
    protocol: tuple[StepResult, ...]
    before: tuple[Profile, ...]
    """Of the porous electrodes, the cathode first."""
    after: tuple[Profile, ...]
    steps: int
    iterations: int
    salt: SaltHistory | None = None
    """Where anions move too; None for a single-ion electrolyte."""

    @property
    def model(self) -> Literal["single-ion electrolyte", "salt in a polymer"]:
        """Which equations were solved."""
        return "single-ion electrolyte" if self.salt is None else "salt in a polymer"
