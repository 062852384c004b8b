"""Effective transport of a composite layer, by the means that the design chooses, and what other means say of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from percolyte import units
from percolyte.design import (
    Cathode,
    Design,
)
from percolyte.electrode import Electrode
from percolyte.errors import InputError, Problem
from percolyte.impedance.composite import ImpedanceTransport, fit_composite, transport_of_composite
from percolyte.layer_microstructure import recipe_and_look
from percolyte.lookup import Resolver
from percolyte.materials.substance import Substance
from percolyte.microstructure.powders import median
from percolyte.pouch.stack import Stack
from percolyte.resolution import Resolved
from percolyte.sources import Origin
from percolyte.transport.composite_volume import volume_source
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
from percolyte.transport.microstructure import Component, volume_transport
from percolyte.transport.surrogate import ignored, surrogate_transport
from percolyte.units import text


def cell_transport(resolved: Resolved, stack: Stack) -> tuple[Transport, Transport | None]:
    """Effective transport of the cathode, and of a composite anode; None where the anode is none."""
    anode = stack.anode.electrode
    return (
        electrode_transport(resolved, "cathode", stack.cathode),
        None if anode is None else electrode_transport(resolved, "anode", anode),
    )


def electrode_transport(resolved: Resolved, side: str, layer: Electrode) -> Transport:
    """Effective transport of a composite, from the user's choice: given, from a volume, or by closed forms.

    Carriers without any known conductor are left unknown, and `unknown` says why; so are electrons where a
    network of carbon carries them whose conductivity nobody has stated.

    Errors: InputError where an electrolyte has no conductivity, and for what the chosen means cannot do.
    """
    design = resolved.design
    written = design.cathode if side == "cathode" else design.anode
    assert isinstance(written, Cathode)
    resolver = Resolver(design)
    resolver.ledger = resolved.ledger
    ionic, electronic, why = _carriers(resolver, resolved.substances, side, layer)
    choice = written.transport
    if isinstance(choice, MicrostructureTransport):
        found = _volume_transport(resolver, side, written, layer, choice, ionic, electronic)
    elif isinstance(choice, ImpedanceTransport):
        found = _measured_transport(resolver, side, choice, ionic)
    elif isinstance(choice, SurrogateTransport):
        found = _surrogate_transport(resolver, side, written, layer, ionic, electronic)
    else:
        found = resolve_transport(choice, ionic, electronic)
    alternatives = _alternatives(design, resolved, side, layer, ionic, electronic)
    if why["electronic"]:
        # no conduction through what is known says nothing of the rest; of a volume this was judged already
        alternatives = tuple(dataclasses.replace(other, electronic=other.electronic or None) for other in alternatives)
        if found.kind == "closure":
            found = dataclasses.replace(found, electronic=found.electronic or None)
    reasons = {carrier: why[carrier] for carrier in why if why[carrier] and getattr(found, carrier) is None}
    return dataclasses.replace(found, alternatives=alternatives, unknown={**reasons, **found.unknown})


def _carriers(
    resolver: Resolver, substances: Mapping[str, Substance], side: str, layer: Electrode
) -> tuple[tuple[Phase, ...], tuple[Phase, ...], dict[str, str]]:
    """What conducts ions and electrons with a known conductivity, and why that may be too little to tell."""
    ionic, electronic, silent, network = [], [], [], []
    for name, fraction in layer.volume_fractions.items():
        substance, share = substances[name], float(fraction)
        if "electrolyte" in substance.roles:
            where = f"{side}.recipe.{name}.ionic_conductivity"
            ionic.append(Phase(name, share, resolver.conductivity(where, substance)))
        elif substance.kind not in ("cathode", "anode", "carbon"):
            continue
        elif substance.default("electronic_conductivity") is not None:
            sigma = resolver.take(f"{side}.recipe.{name}", None, substance, "electronic_conductivity")
            electronic.append(Phase(name, share, sigma, substance.kind))
        else:
            silent.append(name)
            if substance.kind == "carbon" and share > CARBON_THRESHOLD:
                network.append(name)
    if resolver.problems:
        raise InputError(resolver.problems, source=resolver.design.label)
    why = f"the electronic conductivity of {' and '.join(silent)} is not known" if silent else ""
    if network:
        # carbon carries the electrons; what is known of the rest says nothing about the whole
        electronic.clear()
        why = f"{', '.join(network)} carries the electrons, and its own conductivity is not known"
    elif silent and electronic:
        why = f"{', '.join(phase.name for phase in electronic)} alone does not percolate, and {why}"
    return tuple(ionic), tuple(electronic), {"ionic": "the recipe has no electrolyte", "electronic": why}


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
    aside = Resolver(design)
    try:
        found = _surrogate_transport(aside, side, written, layer, ionic, electronic)
    except InputError:  # the table does not hold this recipe
        return forms
    means = f"table of sphere packings, from particle sizes{_assumed_sizes(aside, side)}"
    means += ", seams open" if written.microstructure.seams == "open" else ""
    if found.ignored:
        means += "; ignores part of the microstructure"
    factor = found.ionic_tortuosity_factor
    return (
        *forms,
        Alternative(means, found.ionic, factor, found.electronic, found.ionic_error, found.electronic_error),
    )


def _assumed_sizes(resolver: Resolver, side: str) -> str:
    """What is to be said where the design states no sizes of its particles."""
    sizes = (f"{side}.microstructure", f"{side}.active.particle_radius")
    found = (entry.where.startswith(sizes) for entry in resolver.ledger.entries if entry.origin == "assumed")
    return "; sizes assumed" if any(found) else ""


def _measured_transport(
    resolver: Resolver, side: str, choice: ImpedanceTransport, ionic: tuple[Phase, ...]
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
    resolver: Resolver,
    side: str,
    written: Cathode,
    layer: Electrode,
    ionic: tuple[Phase, ...],
    electronic: tuple[Phase, ...],
) -> Transport:
    """Transport by the table of sphere packings; what it says enters the ledger, but for what the design states itself."""
    volumes = {name: float(part) for name, part in layer.volume_fractions.items()}
    try:
        fractions, look = recipe_and_look(resolver, side, written, volumes, layer)
        if look.active is None or look.electrolyte is None:
            raise InputError("the table is of active material and electrolyte; the recipe lacks one of them")
        ratio = median(look.active.sizes) / median(look.electrolyte.sizes)
        active, electrolyte, carbon = (fractions.get(name, 0.0) for name in ("active", "electrolyte", "carbon"))
        found = surrogate_transport(active, electrolyte, ratio, ionic, electronic, carbon, look.seams)
        unseen = ignored(look, written.microstructure.model_fields_set, fractions)
        said = found.statement + _assumed_sizes(resolver, side)
        found = dataclasses.replace(found, ignored=unseen, statement=said)
    except InputError as error:
        raise InputError([_placed(problem, side) for problem in error.problems], source=resolver.design.label) from None
    errors = {"ionic": found.ionic_error, "electronic": found.electronic_error}
    # nothing in the table shows that the carbon percolates, on which the electrons rest then
    electrons: Origin = "assumed" if carbon > CARBON_THRESHOLD else "computed"
    origins: dict[str, Origin] = {"ionic": "computed", "electronic": electrons}
    for carrier, value in (("ionic", found.ionic), ("electronic", found.electronic)):
        if value is not None:
            relative = errors[carrier]
            note = "" if relative is None else f"error: {units.error_text(relative)}"
            shown = text(value, units.CONDUCTIVITY, digits=4)
            resolver.ledger.add(f"{side}.transport.{carrier}", shown, origins[carrier], found.statement, note)
    _enter_shares(resolver, side, written, found, "computed", found.statement)
    return found


def _enter_shares(
    resolver: Resolver, side: str, written: Cathode, found: Transport, origin: Origin, source: str
) -> None:
    """Utilisation and contact of a microstructure in the ledger, unless the design states its own."""
    for name, share in (("utilisation", found.utilisation), ("contact_fraction", found.contact_fraction)):
        if share is not None and name not in written.active.model_fields_set:
            shown = text(share.value, units.FRACTION, digits=4)
            resolver.ledger.add(f"{side}.active.{name}", shown, origin, source, f"error: {share}")


def _volume_transport(
    resolver: Resolver,
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
            fractions, look = recipe_and_look(resolver, side, written, volumes, layer)
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
