"""From a design to the numbers of its cell: every material looked up, every number accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from percolyte import units
from percolyte.design import (
    Cathode,
    Collector,
    CompositeAnode,
    Design,
    LithiumAnode,
    NoAnode,
    SecondLayer,
)
from percolyte.electrode import volume_fractions
from percolyte.errors import InputError, Problem
from percolyte.lookup import Resolver
from percolyte.materials.substance import Substance
from percolyte.microstructure.densification import composite_porosity, pressed_porosity
from percolyte.pouch.stack import (
    CellInputs,
    CollectorInputs,
    ComponentInputs,
    CompositeInputs,
    FoilAnodeInputs,
    PouchInputs,
    SeparatorInputs,
)
from percolyte.separator import Filler, film
from percolyte.sources import Ledger
from percolyte.units import text


@dataclass(frozen=True)
class Resolved:
    """A design with every material looked up."""

    design: Design
    inputs: CellInputs
    ledger: Ledger
    substances: dict[str, Substance]


def resolve(design: Design) -> Resolved:
    """Numbers and their sources for a design.

    Errors: InputError that names every value that neither the design nor the
    library gives.
    """
    resolver = Resolver(design)
    cathode = _composite(resolver, "cathode", design.cathode)
    anode = _anode(resolver, design)
    pouch, convention = design.pouch, design.pouch.choices
    package = convention.package
    inputs = CellInputs(
        cathode=cathode,
        separator=_separator(resolver, design),
        anode=anode,
        cathode_collector=_collector(resolver, "cathode.collector", design.cathode.collector),
        anode_collector=_collector(resolver, "anode.collector", design.anode.collector),
        plate=_collector(resolver, "pouch.bipolar_plate", pouch.bipolar_plate) if pouch.bipolar_plate else None,
        pouch=PouchInputs(
            width=pouch.width or 0.01,
            height=pouch.height or 0.01,
            cathode_sheets=float(pouch.cathode_sheets or 1),
            other_mass=convention.other_mass,
            overhang=convention.overhang,
            rim=package.rim if package else 0.0,
            package_thickness=package.thickness if package else 0.0,
            package_density=package.density if package else 1.0,
            mean_voltage=resolver.optional("pouch.mean_voltage", pouch.mean_voltage, units.VOLTAGE),
        ),
        convention=convention,
    )
    _enter_pouch(resolver)
    if resolver.problems:
        raise InputError(resolver.problems, source=design.label)
    return Resolved(design, inputs, resolver.ledger, resolver.substances)


def _enter_pouch(resolver: Resolver) -> None:
    """The convention's choices, each with whose it is."""
    pouch, convention = resolver.design.pouch, resolver.design.pouch.choices
    for name, dimension in (("width", units.DISTANCE), ("height", units.DISTANCE)):
        resolver.optional(f"pouch.{name}", getattr(pouch, name), dimension)
    if pouch.cathode_sheets is not None:
        resolver.ledger.add("pouch.cathode_sheets", str(pouch.cathode_sheets), "yours", "the design file")
    for name in type(convention).model_fields:
        if name in ("name", "overrides", "source"):
            continue
        value = getattr(convention, name)
        own = name in convention.overrides
        source = "the design file" if own else convention.source
        resolver.ledger.add(f"pouch.{name}", say_choice(name, value), "yours" if own else "convention", source)


def say_choice(name: str, value: Any) -> str:
    """A choice of the convention in words."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return text(value, units.DISTANCE if name == "overhang" else units.FRACTION, digits=4)
    return f"{text(value.thickness, units.THICKNESS)}, {text(value.density, units.DENSITY)}, rim {text(value.rim, units.DISTANCE)}"


def _collector(resolver: Resolver, where: str, collector: Collector) -> CollectorInputs:
    foil = resolver.substance(collector.material)
    return CollectorInputs(
        foil.name,
        resolver.yours(f"{where}.thickness", collector.thickness, units.THICKNESS),
        resolver.take(where, None, foil, "density"),
    )


def _composite(resolver: Resolver, where: str, electrode: Cathode) -> CompositeInputs:
    """A composite electrode; its active materials are those of kind cathode or anode."""
    own = electrode.active
    recipe: dict[str, ComponentInputs] = {}
    parts = {name: resolver.substance(name) for name in electrode.recipe}
    active = [name for name, part in parts.items() if part.kind in ("cathode", "anode")]
    if not active:
        kinds = ", ".join(f"{name} is of kind {part.kind}" for name, part in parts.items())
        resolver.problems.append(Problem(f"{where}.recipe", f"holds no active material: {kinds}"))
    given = sorted(own.model_fields_set)
    if len(active) > 1 and given:
        resolver.problems.append(
            Problem(
                f"{where}.active",
                f"{' and '.join(active)} are both active materials, so {', '.join(given)} is ambiguous; "
                f'give each its values in [materials."{active[0]}"] and so on',
            )
        )
    for name, part in parts.items():
        is_active = name in active
        if part.name in recipe:
            resolver.problems.append(Problem(f"{where}.recipe", f"{name} is {part.name} again; write it once"))
        at = f"{where}.recipe.{name}"
        resolver.yours(at, electrode.recipe[name], units.FRACTION)
        recipe[part.name] = ComponentInputs(
            mass_fraction=electrode.recipe[name],
            density=resolver.take(at, own.density if is_active else None, part, "density"),
            role="active" if is_active else part.kind,
            specific_capacity=resolver.take(at, own.specific_capacity, part, "specific_capacity")
            if is_active
            else None,
        )
    substances = [parts[name] for name in active]
    weights = [electrode.recipe[name] for name in active]
    return CompositeInputs(
        recipe=recipe,
        initial_efficiency=_mean(resolver, where, own.initial_efficiency, substances, weights, "initial_efficiency"),
        mean_voltage=_mean(resolver, where, own.mean_voltage, substances, weights, "mean_voltage"),
        thickness=resolver.optional(f"{where}.thickness", electrode.thickness, units.THICKNESS),
        loading=resolver.optional(f"{where}.loading", electrode.loading, units.LOADING),
        areal_capacity=resolver.optional(f"{where}.areal_capacity", electrode.areal_capacity, units.AREAL_CAPACITY),
        np_ratio=resolver.optional(f"{where}.np_ratio", getattr(electrode, "np_ratio", None), units.RATIO),
        porosity=resolver.optional(f"{where}.porosity", electrode.porosity, units.FRACTION)
        if electrode.pressing_pressure is None
        else _pressed(resolver, where, electrode.pressing_pressure, parts, recipe),
        density=resolver.optional(f"{where}.density", electrode.density, units.DENSITY),
    )


def _pressed(
    resolver: Resolver,
    where: str,
    pressure: float,
    parts: dict[str, Substance],
    recipe: dict[str, ComponentInputs],
) -> float:
    """Porosity of a composite from the pressure it was pressed with."""
    resolver.yours(f"{where}.pressing_pressure", pressure, units.PRESSURE)
    volumes = volume_fractions(
        {name: part.mass_fraction for name, part in recipe.items()},
        {name: part.density for name, part in recipe.items()},
    )
    soft = [part for part in parts.values() if "electrolyte" in part.roles]
    if not soft:
        what = "nothing in the recipe yields to pressure, as there is no electrolyte; state the porosity instead"
        resolver.problems.append(Problem(f"{where}.pressing_pressure", what))
        return 0.0
    main = max(soft, key=lambda part: volumes[part.name])
    loose = resolver.take(f"{where}.recipe.{main.name}", None, main, "loose_porosity")
    scale = resolver.take(f"{where}.recipe.{main.name}", None, main, "heckel_pressure")
    active = sum(float(volumes[name]) for name, part in recipe.items() if part.role == "active")
    porosity = composite_porosity(pressed_porosity(pressure, loose, scale), active)
    how = "Heckel's law of the electrolyte, and no less than the voids between touching active particles"
    resolver.ledger.add(f"{where}.porosity", text(porosity, units.FRACTION, digits=4), "computed", how)
    return porosity


def _mean(
    resolver: Resolver, where: str, own: float | None, active: list[Substance], weights: list[float], name: str
) -> float:
    """A property of the active materials together, weighted by capacity for a blend."""
    if name == "initial_efficiency" and own is None and any(part.default(name) is None for part in active):
        return resolver.assumed(
            f"{where}.initial_efficiency", 1.0, units.FRACTION, "no value known; no first-cycle loss assumed"
        )
    values = [resolver.take(f"{where}.active", own, part, name) for part in active]
    if len(values) <= 1:
        return values[0] if values else 1.0
    capacities = [(part.default("specific_capacity") or part.need("specific_capacity")).number for part in active]
    shares = [weight * capacity for weight, capacity in zip(weights, capacities, strict=True)]
    return sum(share * value for share, value in zip(shares, values, strict=True)) / sum(shares)


def _anode(resolver: Resolver, design: Design) -> CompositeInputs | FoilAnodeInputs:
    anode = design.anode
    if isinstance(anode, CompositeAnode):
        return _composite(resolver, "anode", anode)
    metal = resolver.substance(anode.material if isinstance(anode, LithiumAnode) else "Li")
    thickness = ratio = None
    if isinstance(anode, LithiumAnode):
        if metal.default("maximum_concentration") is not None:
            resolver.problems.append(
                Problem(
                    "anode.material", f'{metal.name} is no foil but a powder; write kind = "composite" with a recipe'
                )
            )
        thickness = resolver.optional("anode.thickness", anode.thickness, units.THICKNESS)
        ratio = resolver.optional("anode.np_ratio", anode.np_ratio, units.RATIO)
    return FoilAnodeInputs(
        kind="none" if isinstance(anode, NoAnode) else "lithium",
        material=metal.name,
        density=resolver.take("anode", None, metal, "density"),
        specific_capacity=resolver.take("anode", None, metal, _capacity_name(metal)),
        mean_voltage=resolver.take("anode", None, metal, "mean_voltage"),
        thickness=thickness,
        np_ratio=ratio,
        growth=_growth(resolver, metal),
    )


def _growth(resolver: Resolver, metal: Substance) -> float:
    """Share of a lithiated foil's thickness that the lithium has added: all of lithium's own, ΔV/(1 + ΔV) of an alloy's."""
    if metal.default("volume_change") is None:
        return 1.0
    change = resolver.take("anode", None, metal, "volume_change")
    return change / (1.0 + change)


def _capacity_name(metal: Substance) -> str:
    """A metal whose practical capacity depends on its use counts with the theoretical one."""
    return "specific_capacity" if metal.default("specific_capacity") is not None else "theoretical_capacity"


def _separator(resolver: Resolver, design: Design) -> SeparatorInputs:
    """Density and conductivity as measured on the film, or from what it is made of."""
    layer = design.separator
    electrolyte = resolver.substance(layer.electrolyte)
    if "electrolyte" not in electrolyte.roles:
        what = f"{layer.electrolyte} is of kind {electrolyte.kind}, which conducts no ions; name an electrolyte"
        resolver.problems.append(Problem("separator.electrolyte", what))
    fillers = tuple(
        Filler(part.name, filler.mass_fraction, resolver.take(f"separator.{name}", None, part, "density"))
        for name, filler in (("binder", layer.binder), ("scaffold", layer.scaffold))
        if filler is not None
        for part in [resolver.substance(filler.material)]
    )
    held = sum(filler.mass_fraction for filler in fillers)
    if held >= 1.0:
        resolver.problems.append(
            Problem("separator", f"binder and scaffold make {100 * held:g} % of it; no electrolyte is left")
        )
        held, fillers = 0.0, ()
    thickness = resolver.yours("separator.thickness", layer.thickness, units.THICKNESS)
    own_density = layer.density
    own_sigma = layer.conductivity
    density = resolver.take("separator", own_density, electrolyte, "density")
    sigma = (
        resolver.yours("separator.conductivity", own_sigma, units.CONDUCTIVITY)
        if own_sigma
        else resolver.conductivity("separator.conductivity", electrolyte)
    )
    if fillers or layer.porosity:
        made_density, made_sigma = film(density, sigma, fillers, layer.porosity)
        if own_density is None:
            density = made_density
        if own_sigma is None:
            sigma = made_sigma
            resolver.ledger.add("separator.conductivity of the film", text(sigma, units.CONDUCTIVITY, digits=4), "computed",
                                "Bruggeman, exponent 1.5, on the volume fraction that fillers and pores leave")  # fmt: skip
    composition = {electrolyte.name: 1.0 - held} | {filler.name: filler.mass_fraction for filler in fillers}
    first = SeparatorInputs(electrolyte.name, thickness, density, sigma, composition)
    return first if layer.second is None else _bilayer(resolver, first, layer.second)


def _bilayer(resolver: Resolver, first: SeparatorInputs, layer: SecondLayer) -> SeparatorInputs:
    """Two electrolyte layers as one: thicknesses, masses and resistances add up."""
    electrolyte = resolver.substance(layer.electrolyte)
    if "electrolyte" not in electrolyte.roles:
        what = f"{layer.electrolyte} is of kind {electrolyte.kind}, which conducts no ions; name an electrolyte"
        resolver.problems.append(Problem("separator.second.electrolyte", what))
    where = "separator.second"
    thickness = resolver.yours(f"{where}.thickness", layer.thickness, units.THICKNESS)
    density = resolver.take(where, layer.density, electrolyte, "density")
    if layer.conductivity is None:
        sigma = resolver.conductivity(f"{where}.conductivity", electrolyte)
    else:
        sigma = resolver.yours(f"{where}.conductivity", layer.conductivity, units.CONDUCTIVITY)
    own, other = first.thickness * first.density, thickness * density
    whole = first.thickness + thickness
    share = float(own / (own + other))
    composition = {name: share * part for name, part in first.composition.items()}
    composition[electrolyte.name] = composition.get(electrolyte.name, 0.0) + 1.0 - share
    resistance = first.thickness / first.conductivity + thickness / sigma
    return SeparatorInputs(first.electrolyte, whole, (own + other) / whole, whole / resistance, composition)
