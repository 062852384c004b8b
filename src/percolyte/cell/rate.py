"""Rate capability of a design: energy at C-rates, what limits it, and what would help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from percolyte.cell.heat import Heat, heat_of
from percolyte.cell.model import Cell, PorousElectrode
from percolyte.cell.run import rate_capability
from percolyte.cell.simulation import Simulation
from percolyte.pouch.energy import PouchEnergy
from percolyte.pouch.stack import Stack

RATES = (0.1, 0.33, 1.0, 2.0, 3.0)
"""C-rates of a report."""
DIAGNOSIS_RATE = 1.0


@dataclass(frozen=True)
class Sensitivity:
    """Relative change of the delivered energy over that of one property."""

    name: str
    elasticity: float
    """d ln E/d ln p at the rate of the diagnosis."""

    @property
    def gain(self) -> float:
        """Relative change of the energy where the property is a tenth larger."""
        return float(1.1**self.elasticity - 1.0)


@dataclass(frozen=True)
class Diagnosis:
    """What limits a cell at one rate."""

    c_rate: float
    losses: dict[str, float]
    """Mean volts lost to each process over the discharge."""
    sensitivities: tuple[Sensitivity, ...]
    """Most influential first."""
    limiting: str
    sentence: str


@dataclass(frozen=True)
class RatePoint:
    """One discharge, and what it means for the whole cell."""

    c_rate: float
    simulation: Simulation
    specific_energy: float
    """J/kg of the cell by its convention."""
    energy_density: float
    """J/m3."""
    specific_power: float
    """Mean, W/kg."""
    heat: Heat


@dataclass(frozen=True)
class RateCapability:
    """Discharges of one design at several rates."""

    cell: Cell
    points: tuple[RatePoint, ...]
    diagnosis: Diagnosis


def rate_of_design(cell: Cell, stack: Stack, energy: PouchEnergy, rates: Sequence[float] = RATES) -> RateCapability:
    """Discharges at the given rates, each with Wh/kg under the design's convention."""
    area = float(stack.area * stack.unit_cells)
    points = []
    for rate, found in zip(rates, rate_capability(cell, rates), strict=True):
        delivered = found.areal_energy * area
        hours = float(found.time[-1]) if found.time.size else 0.0
        points.append(
            RatePoint(
                c_rate=rate,
                simulation=found,
                specific_energy=delivered / float(energy.mass),
                energy_density=delivered / float(energy.volume),
                specific_power=delivered / float(energy.mass) / hours if hours > 0.0 else 0.0,
                heat=heat_of(cell, found),
            )
        )
    return RateCapability(cell, tuple(points), diagnose(cell))


def mean_losses(found: Simulation) -> dict[str, float]:
    """Mean volts lost to each process, over the charge passed in one discharge."""
    if found.charge.size < 2 or found.charge[-1] == 0.0:
        return dict.fromkeys(found.losses, 0.0)
    return {name: float(np.trapezoid(volts, found.charge) / found.charge[-1]) for name, volts in found.losses.items()}


def diagnose(cell: Cell, c_rate: float = DIAGNOSIS_RATE) -> Diagnosis:
    """Mean losses and sensitivities at one rate, and a sentence on what limits the cell.

    The limiting process is the one whose property, improved by a tenth, gives
    the most energy: it counts lost capacity as well as lost voltage.
    """
    found = rate_capability(cell, [c_rate])[0]
    base = found.areal_energy
    losses = mean_losses(found)
    sensitivities = []
    for name, change in _properties(cell).items():
        moved = rate_capability(change(1.1), [c_rate])[0].areal_energy
        sensitivities.append(
            Sensitivity(name, float(np.log(moved / base) / np.log(1.1)) if base > 0 and moved > 0 else 0.0)
        )
    sensitivities.sort(key=lambda item: -abs(item.elasticity))
    sentence = f"At {c_rate:g}C the cell delivers {100 * found.utilisation:.0f} % of its reversible capacity; "
    sentence += _say_salt(found) + _say_limit(sensitivities) + _say_loss(losses)
    limiting = SALT_DEPLETION if _ended_by_salt(found) else sensitivities[0].name
    return Diagnosis(c_rate, losses, tuple(sensitivities), limiting, sentence)


SALT_DEPLETION = "salt depletion"
FULL_DISCHARGE = 0.98
"""Of the reversible capacity, from which lack of salt has cost none."""


def _ended_by_salt(found: Simulation) -> bool:
    """Whether a discharge ended early with part of the cell short of salt."""
    return found.salt is not None and found.salt.short and found.utilisation < FULL_DISCHARGE


def _say_salt(found: Simulation) -> str:
    if found.salt is None or not _ended_by_salt(found):
        return ""
    where = 1e6 * found.salt.position[int(found.salt.concentration_end.argmin())]
    return f"salt depletion ends the discharge, the least salt lies {where:.0f} um from the lithium; "


STRONG, ALIKE = 0.05, 0.8
"""Elasticity above which a property limits, and the ratio from which two limit alike."""


def _say_limit(found: list[Sensitivity]) -> str:
    first, second = found[0], found[1]
    also = f" and the {second.name} alike" if abs(second.elasticity) > ALIKE * abs(first.elasticity) else ""
    gain = f"(a tenth more gives {100 * abs(first.gain):.2g} % more energy)"
    if abs(first.elasticity) < STRONG:
        return f"nothing limits it strongly, most the {first.name}{also} {gain}. "
    return f"it is limited most by the {first.name}{also} {gain}. "


def _say_loss(losses: dict[str, float]) -> str:
    largest = max(losses, key=lambda name: losses[name])
    return f"Most voltage, {1000 * losses[largest]:.0f} mV on average, goes to {largest}."


def _properties(cell: Cell) -> dict[str, Callable[[float], Cell]]:
    """Each property that may limit, and the cell with it a factor better."""
    found: dict[str, Callable[[float], Cell]] = {
        "separator conductivity": lambda f: replace(cell, separator_resistance=cell.separator_resistance / f),
    }
    if cell.salt is not None:
        salt = cell.salt
        found["salt diffusivity"] = lambda f: replace(
            cell, salt=replace(salt, electrolyte=salt.electrolyte.diffusing(f))
        )
    sides = [("cathode", cell.cathode)]
    if isinstance(cell.anode, PorousElectrode):
        sides.append(("anode", cell.anode))
    else:
        metal = cell.anode
        found["anode exchange current density"] = lambda f: replace(
            cell, anode=metal._replace(exchange=metal.exchange * f)
        )
    for side, electrode in sides:
        found |= {
            f"{side} ionic conductivity": _scaled(cell, side, electrode, "ionic"),
            f"{side} electronic conductivity": _scaled(cell, side, electrode, "electronic"),
            f"{side} exchange current density": _scaled(cell, side, electrode, "exchange"),
            f"{side} solid diffusivity": _scaled(cell, side, electrode, "diffusivity"),
        }
    return found


def _scaled(cell: Cell, side: str, electrode: PorousElectrode, name: str) -> Callable[[float], Cell]:
    """The cell with one property of one electrode, or of all its particles, multiplied."""

    def change(factor: float) -> Cell:
        if name in ("ionic", "electronic"):
            changed = replace(electrode, **{name: getattr(electrode, name) * factor})
        else:
            parts = tuple(replace(part, **{name: getattr(part, name) * factor}) for part in electrode.classes)
            changed = replace(electrode, classes=parts)
        return replace(cell, cathode=changed) if side == "cathode" else replace(cell, anode=changed)

    return change
