"""Energy, mass and volume of a cell under its convention."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from percolyte.electrode import total
from percolyte.pouch.convention import Convention
from percolyte.pouch.stack import AnodeLayer, FoilAnodeInputs, Stack, least
from percolyte.units import Number


@dataclass(frozen=True)
class PouchEnergy:
    """What the cell delivers, weighs and occupies; SI, floats or arrays."""

    convention: Convention
    areal_capacity: Number
    """Capacity counted by the convention per cathode area of one unit cell, C/m2."""
    np_ratio: Number | None
    capacity: Number
    """Of the whole cell, C."""
    voltage: Number
    """Mean discharge voltage of the whole cell, V."""
    energy: Number
    mass: Number
    volume: Number
    masses: dict[str, Number]
    thicknesses: dict[str, Number]
    volumes: dict[str, Number]
    """Of each kind of layer; what the rim and the overhang enclose is listed as such."""
    separator_resistance: Number
    """Area-specific, ohm m2."""

    @property
    def specific_energy(self) -> Number:
        return self.energy / self.mass

    @property
    def energy_density(self) -> Number:
        return self.energy / self.volume

    @property
    def cathode_mass_fraction(self) -> Number:
        """Mass of the cathode composite over that of the cell."""
        return self.masses["cathode"] / self.mass


def pouch_energy(stack: Stack) -> PouchEnergy:
    """Wh/kg and Wh/L of a stack: E = Q U, over all that the convention counts.

    Holds for the mean voltage and full use of the reversible capacity, that is
    for a slow discharge; rate losses are not in it. Limit: without package,
    rim, overhang and other mass, a stack of many sheets has the specific
    energy of a unit cell with half foils.
    """
    inputs, pouch = stack.inputs, stack.inputs.pouch
    areal = counted_capacity(stack)
    voltage = pouch.mean_voltage
    if voltage is None:
        voltage = inputs.cathode.mean_voltage - inputs.anode.mean_voltage
    voltage = voltage * stack.in_series
    capacity = areal * stack.area * (stack.unit_cells / stack.in_series)
    outer = (pouch.width + 2.0 * (pouch.overhang + pouch.rim)) * (pouch.height + 2.0 * (pouch.overhang + pouch.rim))
    masses = {layer.name: layer.mass for layer in stack.layers}
    thicknesses = {layer.name: layer.count * layer.thickness for layer in stack.layers}
    volumes = {layer.name: layer.count * layer.thickness * layer.area for layer in stack.layers}
    if inputs.convention.thickness_state == "charged":
        thicknesses["plated lithium"] = stack.unit_cells * stack.anode.plated_thickness
        volumes["plated lithium"] = thicknesses["plated lithium"] * stack.area
    if inputs.convention.package is not None:
        thicknesses["package"] = 2.0 * pouch.package_thickness
        volumes["package"] = outer * thicknesses["package"]
        masses["package"] = volumes["package"] * pouch.package_density
    volume = outer * total(thicknesses.values())
    around = volume - total(volumes.values())
    # what rounding leaves of nothing is nothing
    volumes["rim and overhang"] = np.multiply(around, around > 1e-9 * volume)[()]
    weighed = total(masses.values())
    masses["other"] = weighed * pouch.other_mass
    return PouchEnergy(
        convention=inputs.convention,
        areal_capacity=areal,
        np_ratio=np_ratio(stack),
        capacity=capacity,
        voltage=voltage,
        energy=capacity * voltage,
        mass=weighed * (1.0 + pouch.other_mass),
        volume=volume,
        masses=masses,
        thicknesses=thicknesses,
        volumes=volumes,
        separator_resistance=stack.separator.area_specific_resistance,
    )


def counted_capacity(stack: Stack) -> Number:
    """Areal capacity that the convention counts, C/m2 of cathode.

    Reversible: the least of the cathode's own, of what the first cycle of the
    anode leaves of the cathode's lithium, and of what a host anode can take.
    """
    basis = stack.inputs.convention.capacity_basis
    cathode, anode = stack.cathode, stack.anode
    if basis == "first charge":
        return cathode.first_charge_capacity
    limits = [cathode.areal_capacity]
    if anode.electrode is not None:
        limits += [cathode.first_charge_capacity * (1.0 - anode.lithium_loss), anode.areal_capacity]
    reversible = least(*limits)
    return reversible * cathode.initial_efficiency if basis == "delivered" else reversible


def np_ratio(stack: Stack) -> Number | None:
    """Negative over positive areal capacity on the basis of the convention.

    None for a cell without anode material, whose lithium all comes from the cathode.
    """
    anode, cathode, convention = stack.anode, stack.cathode, stack.inputs.convention
    if isinstance(stack.inputs.anode, FoilAnodeInputs) and stack.inputs.anode.kind == "none":
        return None
    first = convention.np_basis == "first charge"
    positive = cathode.first_charge_capacity if first else cathode.areal_capacity
    ratio = _anode_capacity(anode, first=first) / positive
    return ratio + 1.0 if anode.electrode is None and convention.lithium == "reserve" else ratio


def _anode_capacity(anode: AnodeLayer, *, first: bool) -> Number:
    return anode.first_charge_capacity if first else anode.areal_capacity
