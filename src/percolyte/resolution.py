"""From a design to numbers: every material looked up, every number accounted for.

The only place where the design, the user's own values and the materials
library meet. Each number taken enters the ledger with its origin and source.
"""

from __future__ import annotations

import dataclasses
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
    SeparatorLayer,
)
from percolyte.electrode import Electrode, pore_free_density, volume_fractions
from percolyte.errors import InputError, Problem
from percolyte.impedance.composite import ImpedanceTransport, fit_composite, transport_of_composite
from percolyte.materials.library import Library
from percolyte.materials.substance import PROPERTIES, Datum, Substance
from percolyte.materials.temperature import conductivity_at
from percolyte.microstructure.densification import composite_porosity, pressed_porosity
from percolyte.microstructure.pack import Microstructure
from percolyte.microstructure.powders import ConstantSize, SizeShare, SizeTable, median
from percolyte.microstructure.shapes import Spheres
from percolyte.nouns import replace
from percolyte.pouch.stack import (
    CellInputs,
    CollectorInputs,
    ComponentInputs,
    CompositeInputs,
    FoilAnodeInputs,
    PouchInputs,
    SeparatorInputs,
    Stack,
)
from percolyte.separator import Filler, film
from percolyte.sources import Ledger, Origin
from percolyte.transport.effective import (
    CARBON_THRESHOLD,
    Alternative,
    MicrostructureTransport,
    Phase,
    SurrogateTransport,
    Transport,
    closed_forms,
    resolve_transport,
)
from percolyte.transport.microstructure import Component, volume_source, volume_transport
from percolyte.transport.surrogate import surrogate_transport
from percolyte.units import TEMPERATURE, Dimension, text


@dataclass(frozen=True)
class Resolved:
    """A design with every material looked up."""

    design: Design
    inputs: CellInputs
    ledger: Ledger
    substances: dict[str, Substance]


class _Resolver:
    """Looks numbers up and keeps the ledger; problems are gathered, not raised one by one."""

    def __init__(self, design: Design) -> None:
        self.design = design
        self.library: Library = design.library
        self.ledger = Ledger()
        self.substances: dict[str, Substance] = {}
        self.problems: list[Problem] = []

    def substance(self, name: str) -> Substance:
        found = self.library.material(name)
        self.substances[found.name] = found
        return found

    def yours(self, where: str, value: float, dimension: Dimension, note: str = "") -> float:
        self.ledger.add(where, text(value, dimension, digits=6), "yours", "the design file", note)
        return value

    def optional(self, where: str, value: float | None, dimension: Dimension) -> float | None:
        return None if value is None else self.yours(where, value, dimension)

    def assumed(self, where: str, value: float, dimension: Dimension, why: str) -> float:
        self.ledger.add(where, text(value, dimension, digits=6), "assumed", why)
        return value

    def take(self, where: str, own: float | None, substance: Substance, name: str) -> float:
        """The user's own value if there is one, else the library's default."""
        dimension = PROPERTIES[name]
        if own is not None:
            return self.yours(f"{where}.{name}", own, dimension)
        try:
            datum = substance.need(name)
        except InputError as error:
            self.problems += [Problem(where, problem.what) for problem in error.problems]
            return 1.0
        self.look_up(f"{where}.{name}", substance, name, datum, datum.number)
        return datum.number

    def look_up(self, where: str, substance: Substance, name: str, datum: Datum, value: float) -> None:
        """Enter a library value, with the values that contradict it."""
        dimension = PROPERTIES[name]
        others = [
            other.shown(dimension) + (" (doubtful)" if other.doubt else "")
            for other in substance.data(name)
            if other is not datum
        ]
        notes = [datum.conditions, datum.note, datum.doubt]
        if others:
            notes.append("published too: " + ", ".join(dict.fromkeys(others)))
        origin: Origin = "library" if datum.source else "yours"
        shown = text(value, dimension, digits=6)
        self.ledger.add(
            where, shown, origin, f"{substance.name}: {datum.said}", "; ".join(note for note in notes if note)
        )


def resolve(design: Design) -> Resolved:
    """Numbers and their sources for a design.

    Errors: InputError that names every value that neither the design nor the
    library gives.
    """
    resolver = _Resolver(design)
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


def _enter_pouch(resolver: _Resolver) -> None:
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


def _collector(resolver: _Resolver, where: str, collector: Collector) -> CollectorInputs:
    foil = resolver.substance(collector.material)
    return CollectorInputs(
        foil.name,
        resolver.yours(f"{where}.thickness", collector.thickness, units.THICKNESS),
        resolver.take(where, None, foil, "density"),
    )


def _composite(resolver: _Resolver, where: str, electrode: Cathode) -> CompositeInputs:
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
    resolver: _Resolver,
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
    resolver: _Resolver, where: str, own: float | None, active: list[Substance], weights: list[float], name: str
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


def _anode(resolver: _Resolver, design: Design) -> CompositeInputs | FoilAnodeInputs:
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


def _growth(resolver: _Resolver, metal: Substance) -> float:
    """Share of a lithiated foil's thickness that the lithium has added: all of lithium's own, ΔV/(1 + ΔV) of an alloy's."""
    if metal.default("volume_change") is None:
        return 1.0
    change = resolver.take("anode", None, metal, "volume_change")
    return change / (1.0 + change)


def _capacity_name(metal: Substance) -> str:
    """A metal whose practical capacity depends on its use counts with the theoretical one."""
    return "specific_capacity" if metal.default("specific_capacity") is not None else "theoretical_capacity"


def _separator(resolver: _Resolver, design: Design) -> SeparatorInputs:
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
        else _sigma(resolver, "separator.conductivity", electrolyte)
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


def _bilayer(resolver: _Resolver, first: SeparatorInputs, layer: SecondLayer) -> SeparatorInputs:
    """Two electrolyte layers as one: thicknesses, masses and resistances add up."""
    electrolyte = resolver.substance(layer.electrolyte)
    if "electrolyte" not in electrolyte.roles:
        what = f"{layer.electrolyte} is of kind {electrolyte.kind}, which conducts no ions; name an electrolyte"
        resolver.problems.append(Problem("separator.second.electrolyte", what))
    where = "separator.second"
    thickness = resolver.yours(f"{where}.thickness", layer.thickness, units.THICKNESS)
    density = resolver.take(where, layer.density, electrolyte, "density")
    if layer.conductivity is None:
        sigma = _sigma(resolver, f"{where}.conductivity", electrolyte)
    else:
        sigma = resolver.yours(f"{where}.conductivity", layer.conductivity, units.CONDUCTIVITY)
    own, other = first.thickness * first.density, thickness * density
    whole = first.thickness + thickness
    share = float(own / (own + other))
    composition = {name: share * part for name, part in first.composition.items()}
    composition[electrolyte.name] = composition.get(electrolyte.name, 0.0) + 1.0 - share
    resistance = first.thickness / first.conductivity + thickness / sigma
    return SeparatorInputs(first.electrolyte, whole, (own + other) / whole, whole / resistance, composition)


def _sigma(resolver: _Resolver, where: str, substance: Substance) -> float:
    """Ionic conductivity of a substance at the temperature of the design."""
    try:
        datum = substance.need("ionic_conductivity")
        value, how = conductivity_at(substance, resolver.design.temperature)
    except InputError as error:
        resolver.problems += [Problem(where, problem.what) for problem in error.problems]
        return 1.0
    resolver.look_up(where, substance, "ionic_conductivity", datum, datum.number)
    if how:
        at = text(resolver.design.temperature, TEMPERATURE, digits=4)
        if value == datum.number:
            shown = f"{text(value, units.CONDUCTIVITY, digits=4)} ({how})"
            resolver.ledger.add(f"{where} at {at}", shown, "assumed", how)
        else:
            resolver.ledger.add(f"{where} at {at}", text(value, units.CONDUCTIVITY, digits=4), "computed", how)
    return value


def electrode_transport(resolved: Resolved, side: str, layer: Electrode) -> Transport:
    """Effective transport of a composite, from the user's choice: given, from a volume, or by closed forms.

    Carriers without any known conductor are left unknown, and the ledger says so; so are electrons where a
    network of carbon carries them whose conductivity nobody has stated.
    """
    design = resolved.design
    written = design.cathode if side == "cathode" else design.anode
    resolver = _Resolver(design)
    resolver.ledger = resolved.ledger
    ionic, electronic, unknown = [], [], []
    for name, fraction in layer.volume_fractions.items():
        substance = resolved.substances[name]
        share = float(fraction)
        if "electrolyte" in substance.roles:
            ionic.append(Phase(name, share, _sigma(resolver, f"{side}.recipe.{name}.ionic_conductivity", substance)))
        elif substance.default("electronic_conductivity") is not None and substance.kind in (
            "cathode",
            "anode",
            "carbon",
        ):
            sigma = resolver.take(f"{side}.recipe.{name}", None, substance, "electronic_conductivity")
            electronic.append(Phase(name, share, sigma, substance.kind))
        elif substance.kind == "carbon" and share > CARBON_THRESHOLD:
            unknown.append(name)
    if resolver.problems:
        raise InputError(resolver.problems, source=design.label)
    if unknown:
        # a network of carbon carries the electrons; what is known of the rest says nothing about the whole
        electronic.clear()
    assert isinstance(written, Cathode)
    carriers = tuple(ionic), tuple(electronic)
    choice = written.transport
    if isinstance(choice, MicrostructureTransport):
        found = _volume_transport(resolver, side, written, layer, choice, *carriers)
    elif isinstance(choice, ImpedanceTransport):
        found = _measured_transport(resolver, side, choice, tuple(ionic))
    elif isinstance(choice, SurrogateTransport):
        found = _surrogate_transport(resolver, side, written, layer, *carriers)
    else:
        found = resolve_transport(choice, *carriers)
    return dataclasses.replace(found, alternatives=_alternatives(design, resolved, side, layer, *carriers))


def _alternatives(
    design: Design,
    resolved: Resolved,
    side: str,
    layer: Electrode,
    ionic: tuple[Phase, ...],
    electronic: tuple[Phase, ...],
) -> tuple[Alternative, ...]:
    """What closed forms and particle sizes say of the same recipe; nothing of it enters the ledger."""
    written = design.cathode if side == "cathode" else design.anode
    assert isinstance(written, Cathode)
    forms = closed_forms(ionic, electronic)
    if isinstance(written.transport, SurrogateTransport):
        return forms
    aside = _Resolver(design)
    try:
        found = _surrogate_transport(aside, side, written, layer, ionic, electronic)
    except InputError:  # the table does not hold this recipe
        return forms
    said = "; sizes assumed" if any(entry.origin == "assumed" for entry in aside.ledger.entries) else ""
    means = f"table of sphere packings, from particle sizes{said}"
    return (*forms, Alternative(means, found.ionic, found.ionic_tortuosity_factor, found.electronic))


def _measured_transport(
    resolver: _Resolver, side: str, choice: ImpedanceTransport, ionic: tuple[Phase, ...]
) -> Transport:
    """Transport from measured impedance; the ledger names files, dates and intervals, or why nothing is known."""
    try:
        fitted = fit_composite(choice.measurements, resolver.design.folder)
    except InputError as error:
        raise InputError([_placed(problem, side) for problem in error.problems], source=resolver.design.label) from None
    found = transport_of_composite(fitted, ionic)
    for name, estimate in fitted.conductivities.items():
        where = f"{side}.transport.{name.removesuffix('_conductivity')}"
        low, high = (text(end, units.CONDUCTIVITY, digits=4) for end in (estimate.low, estimate.high))
        if estimate.value is None:
            resolver.ledger.add(where, "not known", "measured", found.statement, estimate.why)
        else:
            shown = text(estimate.value, units.CONDUCTIVITY, digits=4)
            resolver.ledger.add(where, shown, "measured", found.statement, f"95 %: {low} to {high}")
    return found


def _surrogate_transport(
    resolver: _Resolver,
    side: str,
    written: Cathode,
    layer: Electrode,
    ionic: tuple[Phase, ...],
    electronic: tuple[Phase, ...],
) -> Transport:
    """Transport by the table of sphere packings; what it says enters the ledger, but for what the design states itself."""
    volumes = {name: float(part) for name, part in layer.volume_fractions.items()}
    try:
        fractions, look = _recipe_and_look(resolver, side, written, volumes, layer)
        if look.active is None or look.electrolyte is None:
            raise InputError("the table is of active material and electrolyte; the recipe lacks one of them")
        ratio = median(look.active.sizes) / median(look.electrolyte.sizes)
        active, electrolyte, carbon = (fractions.get(name, 0.0) for name in ("active", "electrolyte", "carbon"))
        found = surrogate_transport(active, electrolyte, ratio, ionic, electronic, carbon)
    except InputError as error:
        raise InputError([_placed(problem, side) for problem in error.problems], source=resolver.design.label) from None
    errors = {"ionic": found.ionic_error, "electronic": found.electronic_error}
    for carrier, value in (("ionic", found.ionic), ("electronic", found.electronic)):
        if value is not None:
            relative = errors[carrier]
            note = "" if relative is None else f"error: {100 * relative:.2g} %"
            shown = text(value, units.CONDUCTIVITY, digits=4)
            resolver.ledger.add(f"{side}.transport.{carrier}", shown, "computed", found.statement, note)
    _enter_shares(resolver, side, written, found, "computed", found.statement)
    return found


def _enter_shares(
    resolver: _Resolver, side: str, written: Cathode, found: Transport, origin: Origin, source: str
) -> None:
    """Utilisation and contact of a microstructure in the ledger, unless the design states its own."""
    for name, share in (("utilisation", found.utilisation), ("contact_fraction", found.contact_fraction)):
        if share is not None and name not in written.active.model_fields_set:
            shown = text(share.value, units.FRACTION, digits=4)
            resolver.ledger.add(f"{side}.active.{name}", shown, origin, source, f"error: {share}")


def _volume_transport(
    resolver: _Resolver,
    side: str,
    written: Cathode,
    layer: Electrode,
    choice: MicrostructureTransport,
    ionic: tuple[Phase, ...],
    electronic: tuple[Phase, ...],
) -> Transport:
    """Transport from a volume; what it says enters the ledger, but for what the design states itself."""
    components = {
        name: Component(resolver.substance(name).phase, float(part)) for name, part in layer.volume_fractions.items()
    }
    volumes = {name: component.fraction for name, component in components.items()}
    try:
        if choice.volume is None:
            fractions, look = _recipe_and_look(resolver, side, written, volumes, layer)
        else:
            fractions, look = {}, written.microstructure
        source = volume_source(choice, resolver.design.folder, fractions, look)
        found = volume_transport(source, components, ionic, electronic, choice.interfaces)
    except InputError as error:
        raise InputError([_placed(problem, side) for problem in error.problems], source=resolver.design.label) from None
    structure = found.structure
    assert structure is not None
    for (one, other), resistance in structure.interfaces.items():
        said = f"particles {structure.particles}" if one == other else ""
        resolver.yours(f"{side}.transport.interfaces.{one}-{other}", resistance, units.AREA_RESISTANCE, said)
    origin: Origin = "computed" if structure.volume.origin == "generated" else structure.volume.origin
    for carrier, conduction in (("ionic", structure.ionic), ("electronic", structure.electronic)):
        if conduction is not None:
            shown = text(conduction.effective_conductivity, units.CONDUCTIVITY, digits=4)
            error_said = "" if conduction.relative_error is None else f"error: {conduction.relative_error}"
            resolver.ledger.add(f"{side}.transport.{carrier}", shown, origin, structure.volume.source, error_said)
    _enter_shares(resolver, side, written, found, origin, structure.volume.source)
    return found


def _placed(problem: Problem, side: str) -> Problem:
    """A problem of a volume, with its place in the design."""
    table, _, _ = problem.where.partition(".")
    place = [side] if table in ("recipe", "microstructure") else [side, "transport"]
    return Problem(".".join([*place, problem.where] if problem.where else [*place, "volume"]), problem.what)


ASSUMED_RADIUS, ASSUMED_ELECTROLYTE_DIAMETER = 2.5e-6, 2e-6


def layer_microstructure(resolved: Resolved, stack: Stack, name: str) -> tuple[dict[str, float], Microstructure]:
    """Volume fractions of the phases of a layer, and how its particles look.

    `name` is cathode, anode or separator. Sizes that the design does not state
    are those of the cell model for active material, and assumed for the
    electrolyte; the ledger says so.

    Errors: InputError where the layer is no composite of particles.
    """
    design = resolved.design
    written = getattr(design, name, None)
    layer = {"cathode": stack.cathode, "anode": stack.anode.electrode}.get(name)
    if name == "separator":
        volumes = _separator_volumes(resolved)
    elif layer is None or not isinstance(written, Cathode):
        raise InputError(f"'{name}' is no composite layer of this design; write cathode", source=design.label)
    else:
        volumes = {name: float(fraction) for name, fraction in layer.volume_fractions.items()}
    resolver = _Resolver(design)
    resolver.ledger = resolved.ledger
    assert isinstance(written, Cathode | SeparatorLayer)
    return _recipe_and_look(resolver, name, written, volumes, layer)


def _recipe_and_look(
    resolver: _Resolver,
    name: str,
    written: Cathode | SeparatorLayer,
    volumes: dict[str, float],
    layer: Electrode | None,
) -> tuple[dict[str, float], Microstructure]:
    """Volume fractions by phase of a microstructure, and its look with the sizes that the design leaves out."""
    fractions: dict[str, float] = {}
    for component, volume in volumes.items():
        phase = resolver.substance(component).phase
        fractions[phase] = fractions.get(phase, 0.0) + volume
    look = written.microstructure
    if look.active is None and isinstance(written, Cathode) and layer is not None:
        look = replace(look, active=Spheres(sizes=_active_sizes(resolver, name, written, layer)))
    if look.electrolyte is None and "electrolyte" in fractions:
        where, why = f"{name}.microstructure.electrolyte.diameter", "the design states no size"
        diameter = resolver.assumed(where, ASSUMED_ELECTROLYTE_DIAMETER, units.DIAMETER, why)
        look = replace(look, electrolyte=Spheres(sizes=ConstantSize(diameter=diameter)))
    return fractions, look


def _separator_volumes(resolved: Resolved) -> dict[str, float]:
    """Volume fractions of the components of the separator, the voids left out."""
    layer = resolved.inputs.separator
    if resolved.design.separator.second is not None:
        raise InputError("a bilayer separator is packed one layer at a time", source=resolved.design.label)
    densities = {name: resolved.substances[name].need("density").number for name in layer.composition}
    porosity = max(0.0, float(1.0 - layer.density / pore_free_density(layer.composition, densities)))
    return {name: float(part) for name, part in volume_fractions(layer.composition, densities, porosity).items()}


def _active_sizes(resolver: _Resolver, side: str, written: Cathode, layer: Electrode) -> ConstantSize | SizeTable:
    """Sizes of the active particles as the cell model knows them."""
    if written.active.sizes is not None:
        shares = tuple(SizeShare(diameter=2.0 * size.radius, share=size.share) for size in written.active.sizes)
        return SizeTable(sizes=shares)
    substance = resolver.substance(layer.active[0])
    if written.active.particle_radius is None and substance.default("particle_radius") is None:
        why = "neither the design nor the library states a size"
        return ConstantSize(
            diameter=2.0 * resolver.assumed(f"{side}.active.particle_radius", ASSUMED_RADIUS, units.RADIUS, why)
        )
    radius = resolver.take(f"{side}.active", written.active.particle_radius, substance, "particle_radius")
    return ConstantSize(diameter=2.0 * radius)
