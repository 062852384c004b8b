"""From a resolved design to the cell that is simulated: electrodes, separator, windows.

Every number that neither the design nor the library gives is assumed here,
and enters the ledger as such. Lithium is conserved between the pouch and the
cell model: unless the design states the site concentration, it is the one by
which the stoichiometry window holds exactly the reversible capacity.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from percolyte import units
from percolyte.design import ActiveMaterial, Cathode, CompositeAnode, LithiumAnode
from percolyte.electrode import Electrode as Layer
from percolyte.errors import InputError, Problem
from percolyte.files import inside, read_text
from percolyte.materials.open_circuit import OpenCircuitPotential
from percolyte.materials.substance import PROPERTIES, Substance
from percolyte.pouch.stack import Stack
from percolyte.resolution import Resolved
from percolyte.sources import Ledger
from percolyte.transport.effective import Transport
from percolyte.units import FARADAY, GAS_CONSTANT, text

if TYPE_CHECKING:
    from percolyte.cell.kernel import Electrode, Floats, Planar

    Curve: TypeAlias = Callable[[Floats], Floats]

Kinetics = Literal["butler-volmer", "linear", "marcus"]
CELLS, SHELLS, GRADING = 20, 15, 1.5
"""Default mesh: cells across an electrode, shells of a particle, and how much finer the outer shells are."""
ASSUMED_RADIUS, ASSUMED_EXCHANGE, ASSUMED_DIFFUSIVITY, ASSUMED_ELECTRONIC = 2.5e-6, 1.0, 1e-14, 1.0
ASSUMED_METAL_EXCHANGE = 10.0
KNEE = -100.0
"""Slope in V of the potential beyond the discharged end of a library curve: 1 V within 1 % of the sites."""
CUT_OFF = 2.5
"""Default lower voltage limit in V, where the open-circuit voltage allows it."""


@dataclass(frozen=True)
class ParticleClass:
    """Particles of one material and one size."""

    name: str
    radius: float
    volume_fraction: float
    """Of the electrode, the part that takes part."""
    diffusivity: float
    site_concentration: float
    exchange: float
    potential: Curve
    """U(x) over 0 <= x <= 1."""
    charged: float
    discharged: float
    film: float = 0.0
    contact: float = 1.0
    """Share of the surface in contact with electrolyte."""
    diffusivity_ratio: Curve | None = None
    """D(x)/D(0.5), where the diffusivity varies."""
    exchange_ratio: Curve | None = None
    """i0(x)/i0(0.5), where it is not the square-root law."""
    trusted: tuple[float, float] = (0.0, 1.0)
    """Stoichiometries for which the source gives U."""
    diffusivity_activation: float = 0.0
    """J/mol, about the temperature of the cell that holds these particles."""
    exchange_activation: float = 0.0


@dataclass(frozen=True)
class PorousElectrode:
    """A composite electrode as the cell model sees it."""

    thickness: float
    ionic: float
    electronic: float
    classes: tuple[ParticleClass, ...]
    kinetics: Kinetics = "butler-volmer"
    reorganisation: float = 50e3
    """Of Marcus' law, J/mol."""
    ionic_activation: float = 0.0
    """J/mol, about the temperature of the cell."""

    def mesh(self, temperature: float, cells: int = CELLS, shells: int = SHELLS) -> Electrode:
        """The electrode on a mesh of so many cells and shells."""
        from percolyte.cell import kernel

        x = np.linspace(0.0, 1.0, kernel.TABLE)
        tables = [_table(part.potential, x) for part in self.classes]
        per_class = np.array
        return kernel.Electrode(
            cells=cells,
            thickness=self.thickness,
            ionic=self.ionic,
            electronic=self.electronic,
            temperature=temperature,
            area=per_class([3.0 * part.volume_fraction * part.contact / part.radius for part in self.classes]),
            radius=per_class([part.radius for part in self.classes]),
            diffusivity=per_class([part.diffusivity for part in self.classes]),
            site_concentration=per_class([part.site_concentration for part in self.classes]),
            exchange=per_class([part.exchange for part in self.classes]),
            film=per_class([part.film for part in self.classes]),
            current_scale=per_class([part.contact for part in self.classes]),
            potential_table=np.array([value for value, _ in tables]),
            slope_table=np.array([slope for _, slope in tables]),
            law=("butler-volmer", "linear", "marcus").index(self.kinetics),
            reorganisation=self.reorganisation / (GAS_CONSTANT * temperature),
            diffusivity_table=_ratios([part.diffusivity_ratio for part in self.classes], x),
            exchange_table=_ratios([part.exchange_ratio for part in self.classes], x),
            edges=1.0 - (1.0 - np.linspace(0.0, 1.0, shells + 1)) ** GRADING,
        )

    @property
    def capacity(self) -> float:
        """Lithium exchanged over the windows of all classes, C/m2."""
        return self.thickness * sum(
            FARADAY * part.site_concentration * part.volume_fraction * abs(part.discharged - part.charged)
            for part in self.classes
        )


def _ratios(curves: list[Curve | None], x: Floats) -> Floats:
    """Tables of ratios, one where a class has no curve of its own; empty if none has."""
    if all(curve is None for curve in curves):
        return np.empty((0, 0))
    return np.array([np.ones_like(x) if curve is None else np.asarray(curve(x), dtype=float) for curve in curves])


def _table(potential: Callable[[Floats], Floats], x: Floats) -> tuple[Floats, Floats]:
    """Values and slopes of a function on a uniform grid, slopes by central differences."""
    step = 1e-5
    low, high = np.clip(x - step, 0.0, 1.0), np.clip(x + step, 0.0, 1.0)
    return np.asarray(potential(x)), (np.asarray(potential(high)) - np.asarray(potential(low))) / (high - low)


@dataclass(frozen=True)
class Cell:
    """Everything the cell model needs, scalars in SI."""

    cathode: PorousElectrode
    anode: PorousElectrode | Planar
    separator_resistance: float
    """Of the electrolyte layer, ohm m2."""
    contact_resistance: float
    temperature: float
    areal_capacity: float
    """Reversible, C/m2; 1C discharges it in an hour."""
    loading: float
    """Active material of the cathode, kg/m2."""
    cut_off: float
    upper_limit: float
    separator_activation: float = 0.0
    """J/mol, about `temperature`."""

    @property
    def one_c(self) -> float:
        """The current density of 1C, A/m2."""
        return self.areal_capacity / 3600.0

    @property
    def series_resistance(self) -> float:
        return self.separator_resistance + self.contact_resistance

    def at(self, temperature: float) -> Cell:
        """The same cell at another temperature: every property by its Arrhenius law.

        p(T) = p(T0) exp(-E/R (1/T - 1/T0)); a conductivity also with T0/T. The
        open-circuit potentials stay as they are.
        """
        inverse = (1.0 / temperature - 1.0 / self.temperature) / GAS_CONSTANT
        cool = self.temperature / temperature

        def scaled(electrode: PorousElectrode) -> PorousElectrode:
            parts = tuple(
                replace(
                    part,
                    diffusivity=part.diffusivity * math.exp(-part.diffusivity_activation * inverse),
                    exchange=part.exchange * math.exp(-part.exchange_activation * inverse),
                )
                for part in electrode.classes
            )
            ionic = electrode.ionic
            if electrode.ionic_activation:
                ionic *= cool * math.exp(-electrode.ionic_activation * inverse)
            return replace(electrode, ionic=ionic, classes=parts)

        resistance = self.separator_resistance
        if self.separator_activation:
            resistance /= cool * math.exp(-self.separator_activation * inverse)
        anode = (
            scaled(self.anode)
            if isinstance(self.anode, PorousElectrode)
            else self.anode._replace(temperature=temperature)
        )
        return replace(
            self, cathode=scaled(self.cathode), anode=anode, separator_resistance=resistance, temperature=temperature
        )

    def open_circuit_voltage(self, *, charged: bool) -> float:
        """At rest at one end of the windows."""
        return _rest(self.cathode, charged) - _rest(self.anode, charged)


def _rest(electrode: PorousElectrode | Planar, charged: bool) -> float:
    """Potential of an electrode at rest, the mean over its classes."""
    if not isinstance(electrode, PorousElectrode):
        return float(electrode.potential)
    ends = [part.charged if charged else part.discharged for part in electrode.classes]
    values = [float(part.potential(np.array([x]))[0]) for part, x in zip(electrode.classes, ends, strict=True)]
    return sum(values) / len(values)


def build_cell(resolved: Resolved, stack: Stack, transport: Transport) -> Cell:
    """The cell of a design.

    Errors: InputError where an open-circuit potential or a conductivity is
    known neither from the design nor from the library.
    """
    from percolyte.cell.kernel import Planar

    design, ledger = resolved.design, resolved.ledger
    cathode = _porous(resolved, "cathode", design.cathode, stack.cathode, transport.ionic, transport.electronic)
    anode: PorousElectrode | Planar
    if isinstance(design.anode, CompositeAnode) and stack.anode.electrode is not None:
        ionic, electronic = _anode_transport(resolved, stack.anode.electrode)
        anode = _porous(resolved, "anode", design.anode, stack.anode.electrode, ionic, electronic)
        anode = _balance(anode, float(stack.cathode.areal_capacity))
    else:
        assert not isinstance(design.anode, CompositeAnode)
        metal = resolved.substances[design.anode.material if isinstance(design.anode, LithiumAnode) else "Li"]
        potential = metal.default("mean_voltage")
        anode = Planar(
            potential=potential.number if potential else 0.0,
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
    )
    empty, full = cell.open_circuit_voltage(charged=False), cell.open_circuit_voltage(charged=True)
    if empty >= full:
        raise InputError(
            f"the open-circuit voltage would rise from {full:.3f} V charged to {empty:.3f} V discharged; "
            "check the stoichiometry window [charged, discharged]",
            source=design.label,
        )
    return replace(cell, cut_off=CUT_OFF if empty > CUT_OFF + 0.1 else empty - 0.5, upper_limit=full + 0.3)


def _separator_activation(resolved: Resolved, stack: Stack) -> float:
    datum = resolved.substances[stack.separator.electrolyte].default("activation_energy")
    return 0.0 if datum is None else datum.number


def _porous(
    resolved: Resolved, side: str, written: Cathode, layer: Layer, ionic: float | None, electronic: float | None
) -> PorousElectrode:
    ledger = resolved.ledger
    if ionic is None or ionic <= 0.0:
        raise InputError(
            [Problem(f"{side}.recipe", f'no ionic conduction is known; give [{side}.transport] with kind = "given"')],
            source=resolved.design.label,
        )
    if electronic is None or electronic <= 0.0:
        why = "no conductor of known conductivity; taken high enough not to limit"
        ledger.add(f"{side}.transport.electronic", text(ASSUMED_ELECTRONIC, units.CONDUCTIVITY), "assumed", why)
        electronic = ASSUMED_ELECTRONIC
    classes: list[ParticleClass] = []
    for name in layer.active:
        fraction = float(layer.volume_fractions[name]) * min(1.0, 1.0 / float(layer.densification))
        classes += _classes(resolved, side, written.active, resolved.substances[name], fraction, layer)
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
    part = ParticleClass(
            name=substance.name,
            radius=0.0,
            volume_fraction=fraction * own.utilisation,
            diffusivity=_value(ledger, f"{where}.diffusivity", own.diffusivity, substance, "diffusivity", ASSUMED_DIFFUSIVITY),
            site_concentration=concentration,
            exchange=_value(
                ledger, f"{where}.exchange_current_density", own.exchange_current_density, substance,
                "exchange_current_density", ASSUMED_EXCHANGE,
            ),
            potential=potential,
            charged=charged,
            discharged=discharged,
            film=own.film_resistance,
            contact=own.contact_fraction,
            trusted=trusted,
            diffusivity_activation=own.diffusivity_activation_energy or 0.0,
            exchange_activation=own.exchange_activation_energy or 0.0,
        )  # fmt: skip
    _warn_of_temperature(resolved, where, own)
    part = _from_room(part, resolved.design.temperature)
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
    if abs(temperature - 298.15) < 3.0:
        return
    for name in ("diffusivity", "exchange"):
        if getattr(own, f"{name}_activation_energy") is None:
            at = text(temperature, units.TEMPERATURE, digits=4)
            why = f"no {name}_activation_energy in the design; wrong by a factor of several far from 25 degC"
            resolved.ledger.add(f"{where}.{name} at {at}", "as at 25 degC", "assumed", why)


def _from_room(part: ParticleClass, temperature: float) -> ParticleClass:
    """Properties stated at 25 degC, moved to the temperature of the cell."""
    inverse = (1.0 / temperature - 1.0 / 298.15) / GAS_CONSTANT
    return replace(
        part,
        diffusivity=part.diffusivity * math.exp(-part.diffusivity_activation * inverse),
        exchange=part.exchange * math.exp(-part.exchange_activation * inverse),
    )


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
        x, volts = _read_potential(resolved, side, own.open_circuit_potential)
        resolved.ledger.add(where, own.open_circuit_potential, "yours", "the design file")
        window = (x[0], x[-1]) if side == "cathode" else (x[-1], x[0])
        return _continued(_smooth(x, volts), x[0], x[-1]), window, (x[0], x[-1]), None
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
    return _continued(curve, low, high, empty=window[1]), window, (low, high), curve


def _continued(
    potential: Callable[[Floats], Floats], low: float, high: float, *, empty: float | None = None
) -> Callable[[Floats], Floats]:
    """U(x) beyond its range by the slope at its ends, which no source backs.

    At `empty`, the end that the source gives for the discharged electrode, the
    capacity of the material is used up: beyond it the potential leaves by KNEE.
    """
    step = 1e-4 * (high - low)
    ends = np.asarray(potential(np.array([low, low + step, high - step, high])), dtype=float)
    first, last = (ends[1] - ends[0]) / step, (ends[3] - ends[2]) / step
    if empty == high:
        last = min(last, KNEE)
    elif empty == low:
        first = min(first, KNEE)

    def extended(x: Floats) -> Floats:
        within = np.asarray(potential(np.clip(x, low, high)), dtype=float)
        return np.asarray(within + np.minimum(x - low, 0.0) * first + np.maximum(x - high, 0.0) * last)

    return extended


def _smooth(x: list[float], volts: list[float]) -> Callable[[Floats], Floats]:
    """A table as a smooth curve that stays monotone where the table is."""
    from scipy.interpolate import PchipInterpolator

    curve = PchipInterpolator(np.array(x), np.array(volts))
    return lambda at: np.asarray(curve(at), dtype=float)


def _read_potential(resolved: Resolved, side: str, name: str) -> tuple[list[float], list[float]]:
    """Two columns, stoichiometry and volts; a heading line is allowed."""
    path = inside(resolved.design.folder, name)
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        words = line.replace(",", " ").replace(";", " ").split()
        if not words or line.lstrip().startswith("#"):
            continue
        try:
            row = (float(words[0]), float(words[1]))
        except (ValueError, IndexError):
            if not rows and number == 1:
                continue
            raise InputError(
                f"line {number} is not two numbers, stoichiometry and volts: {line[:60]!r}", source=str(path)
            ) from None
        rows.append(row)
    rows.sort()
    x = [row[0] for row in rows]
    problems = []
    if len(rows) < 5:
        problems.append(Problem("", f"has {len(rows)} points; five at least make a potential"))
    if any(not (math.isfinite(a) and math.isfinite(b) and 0.0 <= a <= 1.0 and -1.0 <= b <= 6.0) for a, b in rows):
        problems.append(Problem("", "has a stoichiometry outside 0 to 1, or a potential outside -1 V to 6 V"))
    if any(b - a < 1e-9 for a, b in pairwise(x)):
        problems.append(Problem("", "gives two potentials for one stoichiometry"))
    if any(b[1] > a[1] + 1e-6 for a, b in pairwise(rows)):
        problems.append(Problem("", "rises with stoichiometry somewhere; the potential of lithium insertion falls"))
    if problems:
        raise InputError(problems, source=str(path))
    return x, [row[1] for row in rows]


def _anode_transport(resolved: Resolved, layer: Layer) -> tuple[float | None, float | None]:
    from percolyte.resolution import electrode_transport

    found = electrode_transport(resolved, "anode", layer)
    return found.ionic, found.electronic


def _balance(anode: PorousElectrode, capacity: float) -> PorousElectrode:
    """Charged stoichiometries that hold what the cathode gives, the discharged ones as they are."""
    share = min(1.0, capacity / anode.capacity) if anode.capacity > 0.0 else 1.0
    classes = tuple(
        replace(part, charged=part.discharged + share * (part.charged - part.discharged)) for part in anode.classes
    )
    return replace(anode, classes=classes)
