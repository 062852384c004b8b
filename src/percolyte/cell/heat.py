"""The heat that a cell gives off: irreversible, reversible, and what concentration gradients hold.

    q = I (U - V) - I T dU/dT + q_mix,    I > 0 on discharge, q > 0 warms

U is the open-circuit voltage of the mean stoichiometries and dU/dT its entropy
coefficient. On discharge a cell whose U rises with temperature takes up heat;
on charge it gives as much back. q_mix is what the gradients of concentration
in the particles and across the electrodes take up as they build, and give back
as they level out; it is stated as a total, from the first law,

    Q = ∫ (U_c - T dU_c/dT) dn_c + ∫ (U_a - T dU_a/dT) dn_a - ∫ V dq,

each integral over the lithium n that every shell of every particle took in, at
its own stoichiometry. Q needs nothing but where the lithium was before and
after, so that it holds at rest and while the temperature changes, too.

Source: D. Bernardi, E. Pawlikowski, J. Newman, J. Electrochem. Soc. 132 (1985)
5-12, for one reaction in each material and no change of phase or of heat
capacity; heat of mixing: K. E. Thomas, J. Newman, J. Electrochem. Soc. 150
(2003) A176-A192.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.runner import running_integral
from percolyte.cell.simulation import Profile, Simulation

if TYPE_CHECKING:
    from percolyte.cell.model import Curve
    from percolyte.cell.porous import Floats

POINTS = 4097
"""Of the tables of the curves, as many as the kernel has."""
TIE = 1e-7
"""Volts over all sites by which a flat potential is tilted, so that every potential has its stoichiometry."""


@dataclass(frozen=True)
class Heat:
    """The heat of one simulation per cell area; positive warms the cell."""

    irreversible: Any
    """I (U - V) at each row, W/m2."""
    reversible: Any
    """-I T dU/dT at each row, W/m2."""
    irreversible_total: float
    """J/m2."""
    reversible_total: float
    total: float
    """By the first law, J/m2."""

    @property
    def mixing(self) -> float:
        """Total less the two others, J/m2: negative while gradients of concentration hold heat back."""
        return self.total - self.irreversible_total - self.reversible_total


def heat_of(cell: Cell, found: Simulation, temperature: Any = None) -> Heat:
    """The heat of a simulation of this cell; `temperature` in K of each row, where it is not that of the cell.

    The rows take the lithium of each electrode to be shared between its
    particle classes as at rest; the total takes it where it is. Limits: an
    infinitely slow cycle has no heat; without entropy coefficients the
    reversible heat is zero.
    """
    kelvin = np.full_like(found.time, cell.temperature) if temperature is None else temperature
    irreversible = found.current * sum(found.losses.values())
    reversible = -found.current * kelvin * _entropy_of_cell(cell, found)
    return Heat(
        irreversible=irreversible,
        reversible=reversible,
        irreversible_total=_over_time(found, irreversible),
        reversible_total=_over_time(found, reversible),
        total=heat_between(cell, found.before, found.after, _last(found.charge), _last(found.energy)),
    )


def heat_between(
    cell: Cell, before: Sequence[Profile], after: Sequence[Profile], charge: float, energy: float
) -> float:
    """All heat in J/m2 between two distributions of the lithium, by the first law; see the head of this module.

    `charge` and `energy` are those given out in between.
    """
    given = sum(
        _released(electrode, cell.temperature, old, new)
        for electrode, old, new in zip(cell.porous, before, after, strict=True)
    )
    if not isinstance(cell.anode, PorousElectrode):
        given -= (cell.anode.potential - cell.temperature * cell.anode_entropy) * charge
    return given - energy


def _over_time(found: Simulation, power: Floats) -> float:
    """J/m2 of W/m2, step by step of the protocol, as power jumps between them."""
    ends = np.flatnonzero(np.diff(found.step)) + 1
    pieces = zip(np.split(power, ends), np.split(found.time, ends), strict=True)
    return sum(_last(running_integral(values, time)) for values, time in pieces)


def _last(values: Floats) -> float:
    return float(values[-1]) if values.size else 0.0


def _released(electrode: PorousElectrode, temperature: float, before: Profile, after: Profile) -> float:
    """∫ (U - T dU/dT) dn over all particles, J/m2."""
    found = 0.0
    for index, (held, part) in enumerate(zip(electrode.sites, electrode.classes, strict=True)):
        enthalpy = _enthalpy(part.potential, part.entropy, temperature)
        found += held * float((after.mean(enthalpy(after.x)) - before.mean(enthalpy(before.x)))[index])
    return found


@lru_cache(maxsize=64)
def _enthalpy(potential: Curve, entropy: Curve | None, temperature: float) -> Any:
    """∫ (U - T dU/dT) dx from x = 0, of the curves as a spline through the points of a table."""
    from scipy.interpolate import CubicSpline

    x = np.linspace(0.0, 1.0, POINTS)
    return CubicSpline(x, potential(x) - (temperature * entropy(x) if entropy else 0.0)).antiderivative()


def _entropy_of_cell(cell: Cell, found: Simulation) -> Floats:
    """dU/dT of the cell at rest after the charge of each row, V/K."""
    change: Floats = np.full_like(found.charge, -cell.anode_entropy)
    for sign, electrode, before in zip((1.0, -1.0), cell.porous, found.before, strict=False):
        change += sign * _entropy_at_rest(electrode, before, sign * found.charge)
    return change


def _entropy_at_rest(electrode: PorousElectrode, before: Profile, inserted: Floats) -> Floats:
    """dU/dT of an electrode that has taken in so much lithium, C/m2, and rests.

    Its classes are at one potential; each counts by its share of the next lithium.
    """
    parts, sites = electrode.classes, electrode.sites
    if all(part.entropy is None for part in parts):
        return np.zeros_like(inserted)
    x = _shared(parts)
    steps = np.array([held * np.diff(one) for held, one in zip(sites, x, strict=True)])
    middle = [0.5 * (one[1:] + one[:-1]) for one in x]
    changes = [
        part.entropy(one) if part.entropy else np.zeros_like(one) for part, one in zip(parts, middle, strict=True)
    ]
    moved = steps.sum(axis=0)
    some = moved > 0.0
    mean = (steps * changes).sum(axis=0)[some] / moved[some]
    start = np.dot(sites, before.mean(before.x))
    return np.asarray(np.interp(start + inserted, np.dot(sites, middle)[some], mean))


def _shared(parts: Sequence[ParticleClass]) -> list[Floats]:
    """Stoichiometry of each class at the potentials of all tables, from empty to full."""
    x = np.linspace(0.0, 1.0, POINTS)
    falling = [np.minimum.accumulate(np.asarray(part.potential(x))) - TIE * x for part in parts]
    depth = np.unique(-np.concatenate(falling))
    return [np.interp(depth, -volts, x) for volts in falling]
