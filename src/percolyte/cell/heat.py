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

from percolyte.cell.model import Cell, ParticleClass, PorousElectrode, shell_edges, tabulated
from percolyte.cell.run import Profiles, Simulation
from percolyte.units import FARADAY

if TYPE_CHECKING:
    from percolyte.cell.kernel import Floats
    from percolyte.cell.model import Curve

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
        irreversible_total=float(np.trapezoid(irreversible, found.time)),
        reversible_total=float(np.trapezoid(reversible, found.time)),
        total=heat_between(cell, found.before, found.after, found.charge, found.voltage),
    )


def heat_between(cell: Cell, before: Profiles, after: Profiles, charge: Floats, voltage: Floats) -> float:
    """All heat in J/m2 between two distributions of the lithium, by the first law; see the head of this module."""
    given = _released(cell.cathode, cell.temperature, before.cathode, after.cathode)
    passed = float(charge[-1] - charge[0]) if charge.size else 0.0
    if isinstance(cell.anode, PorousElectrode):
        given += _released(cell.anode, cell.temperature, before.anode, after.anode)
    else:
        given -= (cell.anode.potential - cell.temperature * cell.anode_entropy) * passed
    return given - float(np.trapezoid(voltage, charge))


def _released(electrode: PorousElectrode, temperature: float, before: Floats, after: Floats) -> float:
    """∫ (U - T dU/dT) dn over all shells of all particles, J/m2; profiles are cells × classes × shells."""
    weights = np.diff(shell_edges(before.shape[2]) ** 3)
    found = 0.0
    for index, part in enumerate(electrode.classes):
        enthalpy = _enthalpy(part.potential, part.entropy, temperature)
        rise = enthalpy(after[:, index]) - enthalpy(before[:, index])
        found += _sites(electrode, part) * float((rise @ weights).mean())
    return found


@lru_cache(maxsize=64)
def _enthalpy(potential: Curve, entropy: Curve | None, temperature: float) -> Any:
    """∫ (U - T dU/dT) dx from x = 0, of the potential as the kernel interpolates it."""
    from scipy.interpolate import CubicHermiteSpline

    from percolyte.cell.kernel import TABLE

    values, slopes = tabulated(potential, TABLE)
    if entropy is not None:
        change, bend = tabulated(entropy, TABLE)
        values, slopes = values - temperature * change, slopes - temperature * bend
    return CubicHermiteSpline(np.linspace(0.0, 1.0, TABLE), values, slopes).antiderivative()


def _sites(electrode: PorousElectrode, part: ParticleClass) -> float:
    """Charge of all lithium sites of a class, C/m2."""
    return FARADAY * part.site_concentration * part.volume_fraction * electrode.thickness


def _entropy_of_cell(cell: Cell, found: Simulation) -> Floats:
    """dU/dT of the cell at rest after the charge of each row, V/K."""
    cathode = _entropy_at_rest(cell.cathode, found.before.cathode, found.charge)
    if isinstance(cell.anode, PorousElectrode):
        return cathode - _entropy_at_rest(cell.anode, found.before.anode, -found.charge)
    return cathode - cell.anode_entropy


def _entropy_at_rest(electrode: PorousElectrode, before: Floats, inserted: Floats) -> Floats:
    """dU/dT of an electrode that has taken in so much lithium, C/m2, and rests.

    Its classes are at one potential; each counts by its share of the next lithium.
    """
    parts = electrode.classes
    if all(part.entropy is None for part in parts):
        return np.zeros_like(inserted)
    sites = [_sites(electrode, part) for part in parts]
    x = _shared(parts)
    steps = [held * np.diff(one) for held, one in zip(sites, x, strict=True)]
    middle = [0.5 * (one[1:] + one[:-1]) for one in x]
    changes = [
        part.entropy(one) if part.entropy else np.zeros_like(one) for part, one in zip(parts, middle, strict=True)
    ]
    held, moved = np.dot(sites, middle), np.sum(steps, axis=0)
    weights = np.diff(shell_edges(before.shape[2]) ** 3)
    start = float(np.dot(sites, (before @ weights).mean(axis=0)))
    some = moved > 0.0
    mean = np.sum(np.multiply(steps, changes), axis=0)[some] / moved[some]
    return np.asarray(np.interp(start + inserted, held[some], mean))


def _shared(parts: Sequence[ParticleClass]) -> list[Floats]:
    """Stoichiometry of each class at the potentials of all tables, from empty to full."""
    from percolyte.cell.kernel import TABLE

    x = np.linspace(0.0, 1.0, TABLE)
    falling = [np.minimum.accumulate(tabulated(part.potential, TABLE)[0]) - TIE * x for part in parts]
    depth = np.unique(-np.concatenate(falling))
    return [np.interp(depth, -volts, x) for volts in falling]
