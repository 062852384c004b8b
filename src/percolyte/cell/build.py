"""From a resolved design to the cell that is simulated.

Every number that neither the design nor the library gives is assumed here,
and enters the ledger as such. Lithium is conserved between the pouch and the
cell model: unless the design states the site concentration, it is the one by
which the stoichiometry window holds exactly the reversible capacity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from percolyte import units
from percolyte.cell.curves import continued, read_entropy, read_potential, smooth, varying
from percolyte.cell.electrolyte import Filling, SaltElectrolyte, check_fractions
from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.design import ActiveMaterial, Cathode, CompositeAnode, LithiumAnode, NoAnode
from percolyte.electrode import Electrode as Layer
from percolyte.errors import InputError, Problem
from percolyte.layer_microstructure import ASSUMED_RADIUS
from percolyte.materials.open_circuit import EntropyCoefficientCurve, OpenCircuitPotential
from percolyte.materials.substance import PROPERTIES, Substance
from percolyte.nouns import replace as replace_noun
from percolyte.pouch.stack import Stack
from percolyte.resolution import Resolved
from percolyte.sources import Ledger, Origin
from percolyte.transport.effective import Transport
from percolyte.units import FARADAY, GAS_CONSTANT, text

if TYPE_CHECKING:
    from percolyte.cell.kernel import Planar
    from percolyte.cell.model import Curve
    from percolyte.cell.porous import Floats

ROOM = 298.15
"""Temperature in K for which potentials, diffusivities and exchange currents are stated."""
RISE = 2e-5
"""Volts by which a potential may rise with stoichiometry unmentioned."""
ASSUMED_EXCHANGE, ASSUMED_DIFFUSIVITY, ASSUMED_ELECTRONIC = 1.0, 1e-14, 1.0
ASSUMED_METAL_EXCHANGE = 10.0
CUT_OFF = 2.5
"""Default lower voltage limit in V of cells that charge above 3.2 V against lithium, less the potential of another
metal; of others 0.5 V below their discharged rest."""


def build_cell(resolved: Resolved, stack: Stack, transport: Transport, anode_transport: Transport | None) -> Cell:
    """The cell of a design, with the transport of its cathode, and of its anode where that is a composite.

    Errors: InputError where an open-circuit potential or a conductivity is
    known neither from the design nor from the library.
    """
    from percolyte.cell.kernel import Planar

    design, ledger = resolved.design, resolved.ledger
    cathode = _porous(resolved, "cathode", design.cathode, stack.cathode, transport)
    anode: PorousElectrode | Planar
    anode_entropy = 0.0
    if isinstance(design.anode, CompositeAnode) and stack.anode.electrode is not None:
        assert anode_transport is not None
        anode = _porous(resolved, "anode", design.anode, stack.anode.electrode, anode_transport)
        anode = _balance(anode, float(stack.cathode.areal_capacity))
    else:
        assert not isinstance(design.anode, CompositeAnode)
        metal = resolved.substances[design.anode.material if isinstance(design.anode, LithiumAnode) else "Li"]
        potential = metal.default("mean_voltage")
        anode_entropy = _metal_entropy(ledger, design.anode, metal)
        anode = Planar(
            potential=(potential.number if potential else 0.0) + (design.temperature - ROOM) * anode_entropy,
            exchange=_value(
                ledger, "anode.exchange_current_density", design.anode.exchange_current_density, metal,
                "exchange_current_density", ASSUMED_METAL_EXCHANGE,
            ),
            film=0.0,
            temperature=design.temperature,
        )  # fmt: skip
    cell = Cell(
        cathode=cathode,
        anode=anode,
        separator_resistance=float(stack.separator.area_specific_resistance),
        contact_resistance=design.contact_resistance,
        temperature=design.temperature,
        areal_capacity=float(stack.cathode.areal_capacity),
        loading=float(stack.cathode.loading),
        cut_off=0.0,
        upper_limit=0.0,
        separator_activation=_separator_activation(resolved, stack),
        anode_entropy=anode_entropy,
        salt=_filling(resolved, stack, cathode.ionic),
    )
    empty, full = cell.open_circuit_voltage(charged=False), cell.open_circuit_voltage(charged=True)
    if empty >= full:
        raise InputError(
            f"the open-circuit voltage would rise from {full:.3f} V charged to {empty:.3f} V discharged; "
            "check the stoichiometry window [charged, discharged]",
            source=design.label,
        )
    cut_off = CUT_OFF - (cell.anode.potential if isinstance(cell.anode, Planar) else 0.0)
    return replace(cell, cut_off=cut_off if full > cut_off + 0.7 else empty - 0.5, upper_limit=full + 0.3)


def _filling(resolved: Resolved, stack: Stack, cathode_conductivity: float) -> Filling | None:
    """The salt of a polymer; None for a transference number of one, where it does not move."""
    salt = resolved.design.salt
    if salt is None:
        _note_anions(resolved)
    if salt is None or salt.transference_number == 1.0:
        return None
    fractions, recipe = stack.cathode.volume_fractions, stack.inputs.cathode.recipe
    filling = Filling(
        SaltElectrolyte(
            conductivity=float(stack.separator.conductivity),
            diffusivity=salt.diffusivity,
            transference_number=salt.transference_number,
            concentration=salt.concentration,
            thermodynamic_factor=salt.thermodynamic_factor,
        ),
        separator_thickness=float(stack.separator.thickness),
        cathode_fraction=sum(float(fractions[name]) for name, part in recipe.items() if part.role == "electrolyte"),
    )
    separator, cathode = filling.factors(float(stack.separator.area_specific_resistance), cathode_conductivity)
    check_fractions({"separator transport factor": separator, "cathode transport factor": cathode})
    return filling


def _note_anions(resolved: Resolved) -> None:
    """Anions that move, by the library, but are left out of the cell, are stated as an assumption."""
    for name, substance in resolved.substances.items():
        datum = substance.default("transference_number")
        if datum is not None and datum.number < 1.0:
            why = f"the library has {text(datum.number, units.FRACTION)} ({datum.said}); a table [salt] lets the anions move"
            shown = "100 %: simulated as a single-ion conductor, as the design has no [salt]"
            resolved.ledger.add(f"{name}.transference_number", shown, "assumed", why)


def _separator_activation(resolved: Resolved, stack: Stack) -> float:
    datum = resolved.substances[stack.separator.electrolyte].default("activation_energy")
    return 0.0 if datum is None else datum.number


def _porous(resolved: Resolved, side: str, written: Cathode, layer: Layer, transport: Transport) -> PorousElectrode:
    ledger = resolved.ledger
    active = written.active
    _refuse_blocked(transport, side, resolved.design.label)
    active = _reached(active, transport)
    ionic, electronic = transport.ionic, transport.electronic
    if ionic is None or ionic <= 0.0:
        raise InputError(
            [Problem(f"{side}.recipe", f'no ionic conduction is known; give [{side}.transport] with kind = "given"')],
            source=resolved.design.label,
        )
    if electronic is None or electronic <= 0.0:
        why = transport.unknown.get("electronic") or f"nothing is conducted ({transport.statement})"
        shown, said = text(ASSUMED_ELECTRONIC, units.CONDUCTIVITY), f"{why}; taken high enough not to limit"
        ledger.add(f"{side}.transport.electronic", shown, "assumed", said)
        electronic = ASSUMED_ELECTRONIC
    classes: list[ParticleClass] = []
    for name in layer.active:
        fraction = float(layer.volume_fractions[name]) * min(1.0, 1.0 / float(layer.densification))
        classes += _classes(resolved, side, active, resolved.substances[name], fraction, layer)
    if len(layer.active) > 1:
        classes = _equilibrated(classes, rising=side == "cathode")
    return PorousElectrode(
        float(layer.thickness),
        ionic,
        electronic,
        tuple(classes),
        kinetics=written.active.kinetics,
        reorganisation=written.active.reorganisation_energy or 50e3,
        ionic_activation=_ionic_activation(resolved, layer),
    )


def _refuse_blocked(transport: Transport, side: str, label: str) -> None:
    """A microstructure through which the cell cannot work, said by what blocks it."""
    blocked = [
        f"{carriers} find no way from the separator to the collector"
        for carriers, conductivity in (("ions", transport.ionic), ("electrons", transport.electronic))
        if conductivity == 0.0
    ]
    if not blocked and transport.utilisation is not None and transport.utilisation.value == 0.0:
        blocked = ["no particle of active material touches both percolating networks"]
    if blocked and transport.kind in ("microstructure", "surrogate"):
        problems = [Problem(f"{side}.transport", f"{what} ({transport.statement})") for what in blocked]
        raise InputError(problems, source=label)


def _reached(active: ActiveMaterial, transport: Transport) -> ActiveMaterial:
    """Utilisation and contact of the microstructure, unless the design states its own."""
    contact = transport.contact_fraction
    found = {} if transport.utilisation is None else {"utilisation": transport.utilisation.value}
    if contact is not None and contact.value > 0.0:
        found["contact_fraction"] = contact.value
    return replace_noun(active, **{name: value for name, value in found.items() if name not in active.model_fields_set})


def _ionic_activation(resolved: Resolved, layer: Layer) -> float:
    """Activation energy of the electrolyte in a composite, J/mol; zero where unknown."""
    for name in layer.mass_fractions:
        datum = resolved.substances[name].default("activation_energy")
        if datum is not None and "electrolyte" in resolved.substances[name].roles:
            return datum.number
    return 0.0


def _equilibrated(classes: list[ParticleClass], *, rising: bool) -> list[ParticleClass]:
    """A blend at one potential at each end of its window.

    The charged end is the one that overcharges no material, the discharged
    end the one that overdischarges none.
    """

    def ends(which: str) -> list[float]:
        return [float(part.potential(np.array([getattr(part, which)]))[0]) for part in classes]

    pick, other = (min, max) if rising else (max, min)
    charged, discharged = pick(ends("charged")), other(ends("discharged"))
    return [
        replace(part, charged=_stoichiometry(part, charged), discharged=_stoichiometry(part, discharged))
        for part in classes
    ]


def _stoichiometry(part: ParticleClass, volts: float) -> float:
    """The x of a falling potential, within the window of the material."""
    low, high = sorted((part.charged, part.discharged))
    x = np.linspace(low, high, 4001)
    return float(np.interp(-volts, -np.asarray(part.potential(x)), x))


def _classes(
    resolved: Resolved, side: str, own: ActiveMaterial, substance: Substance, fraction: float, layer: Layer
) -> list[ParticleClass]:
    """The particle classes of one active material."""
    ledger = resolved.ledger
    where = f"{side}.active" if len(layer.active) == 1 else f"{side}.recipe.{substance.name}"
    potential, window, trusted, curve = _potential(resolved, side, own, substance)
    charged, discharged = own.stoichiometry or window
    capacity = _capacity(layer, substance, own)
    density = float(layer.densities[substance.name])
    stated = own.maximum_concentration
    if stated is None:
        concentration = capacity * density / (FARADAY * abs(discharged - charged))
        shown = text(concentration, units.CONCENTRATION, digits=6)
        why = "specific capacity × density over the stoichiometry window, so that lithium is conserved"
        ledger.add(f"{where}.maximum_concentration", shown, "computed", why, _other_concentration(curve, substance))
    else:
        concentration = stated
        ledger.add(
            f"{where}.maximum_concentration", text(stated, units.CONCENTRATION, digits=6), "yours", "the design file"
        )
    sizes = _sizes(ledger, where, own, substance)
    diffusivity = varying(resolved, f"{where}.diffusivity_table", own.diffusivity_table, "m2/s")
    exchange = varying(resolved, f"{where}.exchange_table", own.exchange_table, "A/m2")
    part = ParticleClass(
            name=substance.name,
            radius=0.0,
            volume_fraction=fraction * own.utilisation,
            diffusivity=diffusivity[0]
            if diffusivity
            else _value(ledger, f"{where}.diffusivity", own.diffusivity, substance, "diffusivity", ASSUMED_DIFFUSIVITY),
            site_concentration=concentration,
            exchange=exchange[0]
            if exchange
            else _value(
                ledger, f"{where}.exchange_current_density", own.exchange_current_density, substance,
                "exchange_current_density", ASSUMED_EXCHANGE,
            ),
            potential=potential,
            charged=charged,
            discharged=discharged,
            film=own.film_resistance,
            contact=own.contact_fraction,
            trusted=trusted,
            diffusivity_ratio=diffusivity[1] if diffusivity else None,
            exchange_ratio=exchange[1] if exchange else None,
            diffusivity_activation=own.diffusivity_activation_energy or 0.0,
            exchange_activation=own.exchange_activation_energy or 0.0,
            entropy=_entropy(resolved, where, own, substance),
        )  # fmt: skip
    _warn_of_temperature(resolved, where, own)
    part = _from_room(part, resolved.design.temperature)
    _warn_of_rise(resolved, where, part)
    return [replace(part, radius=radius, volume_fraction=part.volume_fraction * share) for radius, share in sizes]


def _sizes(ledger: Ledger, where: str, own: ActiveMaterial, substance: Substance) -> list[tuple[float, float]]:
    """Radius and share of each size; one size unless the design states more."""
    if own.sizes is None:
        name = "particle_radius"
        return [(_value(ledger, f"{where}.{name}", own.particle_radius, substance, name, ASSUMED_RADIUS), 1.0)]
    shown = ", ".join(f"{100 * size.share:g} % of {text(size.radius, units.RADIUS)}" for size in own.sizes)
    ledger.add(f"{where}.sizes", shown, "yours", "the design file")
    return [(size.radius, size.share) for size in own.sizes]


def _warn_of_temperature(resolved: Resolved, where: str, own: ActiveMaterial) -> None:
    """Properties without an activation energy stay as at 25 degC, and the ledger says so."""
    temperature = resolved.design.temperature
    if abs(temperature - ROOM) < 3.0:
        return
    for name in ("diffusivity", "exchange"):
        if getattr(own, f"{name}_activation_energy") is None:
            at = text(temperature, units.TEMPERATURE, digits=4)
            why = f"no {name}_activation_energy in the design; wrong by a factor of several far from 25 degC"
            resolved.ledger.add(f"{where}.{name} at {at}", "as at 25 degC", "assumed", why)


def _from_room(part: ParticleClass, temperature: float) -> ParticleClass:
    """Properties stated at 25 degC, moved to the temperature of the cell."""
    inverse = (1.0 / temperature - 1.0 / ROOM) / GAS_CONSTANT
    return replace(
        part.warmed(temperature - ROOM),
        diffusivity=part.diffusivity * math.exp(-part.diffusivity_activation * inverse),
        exchange=part.exchange * math.exp(-part.exchange_activation * inverse),
    )


def _warn_of_rise(resolved: Resolved, where: str, part: ParticleClass) -> None:
    """An entropy coefficient may outweigh the slope of a flat potential; the ledger says where it makes it rise."""
    temperature = resolved.design.temperature
    if part.entropy is None or temperature == ROOM:
        return
    x = np.linspace(min(part.charged, part.discharged), max(part.charged, part.discharged), 1001)
    volts = np.asarray(part.potential(x))
    rise = volts - np.minimum.accumulate(volts)
    if rise.max() > RISE:
        at = text(temperature, units.TEMPERATURE, digits=4)
        shown = f"rises by {1e3 * rise.max():.2g} mV up to x = {x[rise.argmax()]:.3g}"
        why = "the entropy coefficient outweighs the slope of the potential; at rest lithium would gather there, not spread"
        resolved.ledger.add(f"{where}.open_circuit_potential at {at}", shown, "assumed", why)


def _other_concentration(curve: OpenCircuitPotential | None, substance: Substance) -> str:
    """What the library says of the site concentration, where it is not used."""
    words = []
    datum = substance.default("maximum_concentration")
    if datum is not None:
        words.append(f"the library has {text(datum.number, units.CONCENTRATION, digits=6)}")
    if curve is not None and curve.maximum_concentration is not None:
        words.append(f"the source of the potential {text(curve.maximum_concentration, units.CONCENTRATION, digits=6)}")
    return ", ".join(words) + ("; the window is stretched to the stated capacity" if words else "")


def _capacity(layer: Layer, substance: Substance, own: ActiveMaterial) -> float:
    """Reversible capacity of one active material in C/kg."""
    if len(layer.active) == 1:
        return float(layer.specific_capacity)
    return substance.need("specific_capacity").number


def _value(ledger: Ledger, where: str, own: float | None, substance: Substance, name: str, assumed: float) -> float:
    """The design's value, else the library's, else an assumed one; the ledger says which."""
    dimension = PROPERTIES[name]
    datum = substance.default(name)
    if own is not None:
        ledger.add(where, text(own, dimension, digits=5), "yours", "the design file")
        return own
    if datum is not None:
        note = "; ".join(word for word in (datum.conditions, datum.note, datum.doubt) if word)
        ledger.add(where, text(datum.number, dimension, digits=5), "library", f"{substance.name}: {datum.said}", note)
        return datum.number
    ledger.add(
        where,
        text(assumed, dimension, digits=5),
        "assumed",
        f"{substance.name} has no {name.replace('_', ' ')} in the library",
    )
    return assumed


def _potential(
    resolved: Resolved, side: str, own: ActiveMaterial, substance: Substance
) -> tuple[Callable[[Floats], Floats], tuple[float, float], tuple[float, float], OpenCircuitPotential | None]:
    """U(x), its window (charged, discharged), the trusted range, and the library's curve if used."""
    where = f"{side}.active.open_circuit_potential"
    if own.open_circuit_potential is not None:
        x, volts = read_potential(resolved, side, own.open_circuit_potential)
        resolved.ledger.add(where, own.open_circuit_potential, "yours", "the design file")
        window = (x[0], x[-1]) if side == "cathode" else (x[-1], x[0])
        return continued(smooth(x, volts), x[0], x[-1]), window, (x[0], x[-1]), None
    curve = substance.potential
    if curve is None:
        reason = substance.absent.get("open_circuit_potential", "none is in the library")
        raise InputError(
            [
                Problem(
                    where,
                    f"{substance.name} has no open-circuit potential ({reason}); give a file of two columns, x and volts",
                )
            ],
            source=resolved.design.label,
        )
    low, high = curve.range
    if curve.discharged_charged is not None:
        window = (curve.discharged_charged[1], curve.discharged_charged[0])
    else:
        window = (low, high) if side == "cathode" else (high, low)
    resolved.ledger.add(
        where,
        f"x = {low:g} to {high:g}",
        "library",
        f"{substance.name}: {curve.source or 'your own'}",
        curve.note or "",
    )
    return continued(curve, low, high, empty=window[1]), window, (low, high), curve


def _entropy(resolved: Resolved, where: str, own: ActiveMaterial, substance: Substance) -> Curve | None:
    """dU/dT of an active material: the design's, else the library's; None is taken as zero, and the ledger says so."""
    ledger, at = resolved.ledger, f"{where}.entropy_coefficient"
    if own.entropy_table is not None:
        ledger.add(f"{where}.entropy_table", own.entropy_table, "yours", "the design file")
        return read_entropy(resolved, own.entropy_table)
    if own.entropy_coefficient is not None:
        value = own.entropy_coefficient
        ledger.add(at, text(value, units.ENTROPY_COEFFICIENT, digits=5), "yours", "the design file")
        return lambda x: np.full(np.shape(x), value)
    if substance.entropy is None:
        _assume_no_entropy(ledger, at, substance)
        return None
    _enter_entropy(ledger, at, substance, substance.entropy)
    return substance.entropy


def _metal_entropy(ledger: Ledger, anode: LithiumAnode | NoAnode, metal: Substance) -> float:
    """dU/dT of a foil or of plated lithium, V/K."""
    at, stated = "anode.entropy_coefficient", metal.entropy
    if isinstance(anode, LithiumAnode) and anode.entropy_coefficient is not None:
        ledger.add(at, text(anode.entropy_coefficient, units.ENTROPY_COEFFICIENT, digits=5), "yours", "the design file")
        return anode.entropy_coefficient
    if stated is None:
        _assume_no_entropy(ledger, at, metal)
        return 0.0
    if stated.value is None:
        raise InputError(
            [Problem(at, f"{metal.name} is a foil of one potential; its entropy coefficient is one value, not a curve")]
        )
    _enter_entropy(ledger, at, metal, stated)
    return stated.value


def _assume_no_entropy(ledger: Ledger, at: str, substance: Substance) -> None:
    reason = substance.absent.get("entropy_coefficient", "none is in the library")
    why = f"{substance.name} has no entropy coefficient ({reason}); no reversible heat from it"
    ledger.add(at, text(0.0, units.ENTROPY_COEFFICIENT), "assumed", why)


def _enter_entropy(ledger: Ledger, at: str, substance: Substance, curve: EntropyCoefficientCurve) -> None:
    shown = [text(end, units.ENTROPY_COEFFICIENT, digits=3) for end in curve.span]
    note = "; ".join(word for word in (curve.temperature, curve.note, curve.doubt) if word)
    origin: Origin = "library" if curve.source else "yours"
    ledger.add(at, " to ".join(dict.fromkeys(shown)), origin, f"{substance.name}: {curve.said}", note)


def _balance(anode: PorousElectrode, capacity: float) -> PorousElectrode:
    """Charged stoichiometries that hold what the cathode gives, the discharged ones as they are."""
    share = min(1.0, capacity / anode.capacity) if anode.capacity > 0.0 else 1.0
    classes = tuple(
        replace(part, charged=part.discharged + share * (part.charged - part.discharged)) for part in anode.classes
    )
    return replace(anode, classes=classes)
