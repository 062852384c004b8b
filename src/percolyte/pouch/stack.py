"""The layers of a cell: from resolved numbers to what is stacked, counted and weighed.

`CellInputs` holds the numbers of a design after every material is looked up;
each may be a float or an array, so that the same equations serve one design
and a million. `build_stack` turns them into layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import ClassVar, Literal

import numpy as np

from percolyte.electrode import Electrode, build_electrode
from percolyte.pouch.convention import Convention
from percolyte.separator import Separator
from percolyte.units import Number


@dataclass(frozen=True)
class ComponentInputs:
    """One component of a composite; capacity only for active material (C/kg)."""

    mass_fraction: Number
    density: Number
    role: str
    specific_capacity: Number | None = None


@dataclass(frozen=True)
class CompositeInputs:
    """A composite electrode: recipe, one amount, one density."""

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("thickness", "loading", "areal_capacity", "np_ratio"),
        ("porosity", "density"),
    )

    recipe: Mapping[str, ComponentInputs]
    initial_efficiency: Number
    mean_voltage: Number
    thickness: Number | None = None
    loading: Number | None = None
    areal_capacity: Number | None = None
    np_ratio: Number | None = None
    porosity: Number | None = None
    density: Number | None = None

    def build(self, areal_capacity: Number | None = None) -> Electrode:
        """The electrode layer; `areal_capacity` stands in for an N/P ratio."""
        return build_electrode(
            {name: part.mass_fraction for name, part in self.recipe.items()},
            {name: part.density for name, part in self.recipe.items()},
            active={n: p.specific_capacity for n, p in self.recipe.items() if p.specific_capacity is not None},
            initial_efficiency=self.initial_efficiency,
            thickness=self.thickness,
            loading=self.loading,
            areal_capacity=self.areal_capacity if areal_capacity is None else areal_capacity,
            porosity=self.porosity,
            density=self.density,
        )


@dataclass(frozen=True)
class FoilAnodeInputs:
    """A metal foil (kind 'lithium') or no anode material at all (kind 'none')."""

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("thickness", "np_ratio"),)

    kind: Literal["lithium", "none"]
    material: str
    density: Number
    specific_capacity: Number
    mean_voltage: Number
    thickness: Number | None = None
    np_ratio: Number | None = None
    initial_efficiency: Number = 1.0
    growth: Number = 1.0
    """Share of the lithiated foil's thickness that the lithium has added."""


@dataclass(frozen=True)
class CollectorInputs:
    material: str
    thickness: Number
    density: Number


@dataclass(frozen=True)
class SeparatorInputs:
    electrolyte: str
    thickness: Number
    density: Number
    conductivity: Number
    composition: Mapping[str, float]
    """Mass fractions of electrolyte, binder and scaffold."""


@dataclass(frozen=True)
class PouchInputs:
    width: Number
    height: Number
    cathode_sheets: Number
    other_mass: Number
    overhang: Number
    rim: Number
    package_thickness: Number
    package_density: Number
    mean_voltage: Number | None


@dataclass(frozen=True)
class CellInputs:
    """Every number of a cell, looked up and in SI, with its convention."""

    cathode: CompositeInputs
    separator: SeparatorInputs
    anode: CompositeInputs | FoilAnodeInputs
    cathode_collector: CollectorInputs
    anode_collector: CollectorInputs
    plate: CollectorInputs | None
    """Between the cells of a bipolar stack; None: both foils back to back."""
    pouch: PouchInputs
    convention: Convention
    prices: Mapping[str, Number] = field(default_factory=dict)
    """USD/kg of each substance that has a price."""


@dataclass(frozen=True)
class AnodeLayer:
    """What stands on the anode side of one unit cell."""

    name: str
    thickness: Number
    areal_mass: Number
    areal_capacity: Number
    """Reversible, C/m2; of a foil all its lithium; zero without anode material."""
    first_charge_capacity: Number
    electrode: Electrode | None
    plated_thickness: Number
    """By which a full charge makes a foil grow: plated lithium, or what an alloy swells; zero in a composite."""
    lithium_loss: Number
    """1 - initial efficiency of the anode."""


@dataclass(frozen=True)
class Layer:
    """A kind of layer: how many there are, and each one's thickness, area and mass."""

    name: str
    count: Number
    thickness: Number
    area: Number
    areal_mass: Number
    composition: Mapping[str, Number]
    """Mass fractions by substance."""

    @property
    def mass(self) -> Number:
        return self.count * self.area * self.areal_mass


@dataclass(frozen=True)
class Stack:
    """Everything between the pouch films."""

    inputs: CellInputs
    cathode: Electrode
    separator: Separator
    anode: AnodeLayer
    layers: tuple[Layer, ...]
    unit_cells: Number
    """Cathode-separator-anode units in the cell."""
    in_series: Number
    """How many of them add up their voltages; the others add up their capacities."""
    area: Number
    """Cathode area of one unit cell, m2."""


def least(*numbers: Number) -> Number:
    """The smallest of floats, or element by element of arrays."""
    return reduce(np.minimum, numbers)


def build_stack(inputs: CellInputs) -> Stack:
    """Layers of the whole cell, their counts and areas, by its convention."""
    cathode = inputs.cathode.build()
    separator = Separator(
        inputs.separator.electrolyte,
        inputs.separator.thickness,
        inputs.separator.density,
        inputs.separator.conductivity,
    )
    anode = _anode(inputs, cathode)
    pouch, convention = inputs.pouch, inputs.convention
    counts = _count(convention, pouch.cathode_sheets)
    area = pouch.width * pouch.height
    wide = (pouch.width + 2.0 * pouch.overhang) * (pouch.height + 2.0 * pouch.overhang)
    anode_mass = anode.electrode.mass_fractions if anode.electrode else {anode.name: 1.0}
    layers = [
        Layer("cathode", counts.unit_cells, cathode.thickness, area, cathode.areal_mass, cathode.mass_fractions),
        Layer(
            "separator",
            counts.unit_cells,
            separator.thickness,
            wide,
            separator.areal_mass,
            inputs.separator.composition,
        ),
        Layer("anode", counts.anodes, anode.thickness, wide, anode.areal_mass, anode_mass),
        _foil("cathode collector", inputs.cathode_collector, counts.cathode_foils, area),
        _foil("anode collector", inputs.anode_collector, counts.anode_foils, wide),
    ]
    if inputs.plate is not None and convention.stacking == "bipolar":
        layers[3] = _foil("cathode collector", inputs.cathode_collector, 1.0, area)
        layers[4] = _foil("anode collector", inputs.anode_collector, 1.0, wide)
        layers.append(_foil("bipolar plate", inputs.plate, counts.unit_cells - 1.0, wide))
    return Stack(inputs, cathode, separator, anode, tuple(layers), counts.unit_cells, counts.in_series, area)


@dataclass(frozen=True)
class _Counts:
    unit_cells: Number
    in_series: Number
    anodes: Number
    cathode_foils: Number
    anode_foils: Number


def _count(convention: Convention, sheets: Number) -> _Counts:
    """How often each layer occurs; `sheets` cathode sheets, or cells in series."""
    if convention.stacking == "single":
        share = 1.0 if convention.collectors == "full" else 0.5
        return _Counts(1.0, 1.0, 1.0, share, share)
    if convention.stacking == "bipolar":
        return _Counts(sheets, sheets, sheets, sheets, sheets)
    ends = 2.0 if convention.end_anodes == "coated" else 0.0
    return _Counts(2.0 * sheets, 1.0, 2.0 * sheets + ends, sheets, sheets + 1.0)


def _foil(name: str, foil: CollectorInputs, count: Number, area: Number) -> Layer:
    return Layer(name, count, foil.thickness, area, foil.thickness * foil.density, {foil.material: 1.0})


def _anode(inputs: CellInputs, cathode: Electrode) -> AnodeLayer:
    if isinstance(inputs.anode, FoilAnodeInputs):
        return _foil_anode(inputs.anode, inputs.convention, cathode)
    wanted = inputs.anode
    balanced = None
    if wanted.np_ratio is not None:
        first = inputs.convention.np_basis == "first charge"
        balanced = wanted.np_ratio * (cathode.first_charge_capacity if first else cathode.areal_capacity)
        balanced = balanced * wanted.initial_efficiency if first else balanced
    electrode = wanted.build(balanced)
    return AnodeLayer(
        name="anode",
        thickness=electrode.thickness,
        areal_mass=electrode.areal_mass,
        areal_capacity=electrode.areal_capacity,
        first_charge_capacity=electrode.first_charge_capacity,
        electrode=electrode,
        plated_thickness=0.0,
        lithium_loss=1.0 - electrode.initial_efficiency,
    )


def _foil_anode(foil: FoilAnodeInputs, convention: Convention, cathode: Electrode) -> AnodeLayer:
    """Foil of N/P or thickness; what the cathode plates comes on top of it."""
    per_thickness = foil.density * foil.specific_capacity
    thickness = 0.0 if foil.thickness is None else foil.thickness
    if foil.np_ratio is not None:
        first = convention.np_basis == "first charge"
        own = foil.np_ratio - 1.0 if convention.lithium == "reserve" else foil.np_ratio
        thickness = own * (cathode.first_charge_capacity if first else cathode.areal_capacity) / per_thickness
    capacity = thickness * per_thickness
    return AnodeLayer(
        name=foil.material,
        thickness=thickness,
        areal_mass=thickness * foil.density,
        areal_capacity=capacity,
        first_charge_capacity=capacity / foil.initial_efficiency,
        electrode=None,
        plated_thickness=foil.growth * cathode.areal_capacity / per_thickness,
        lithium_loss=1.0 - foil.initial_efficiency,
    )
