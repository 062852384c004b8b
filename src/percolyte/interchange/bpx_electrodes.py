"""Electrodes and particles as BPX states them, and back.

A foil is a thin dummy electrode of constant potential in the standard fields.
What BPX has no field for goes to the extras, from which it is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.errors import InputError, Problem
from percolyte.interchange.bpx_fields import (
    ENTROPY,
    OURS,
    curve_of,
    known_fields,
    note_activation,
    number_of,
    section_of,
    table_of,
)
from percolyte.units import ENTROPY_COEFFICIENT, FARADAY

POTENTIAL_ERROR, RATIO_ERROR, ENTROPY_ERROR = 2e-5, 1e-4, 1e-8
MOST_ENTROPY = ENTROPY_COEFFICIENT.high
METAL_THICKNESS, METAL_SHARE, METAL_SURPLUS = 1e-7, 0.5, 100.0
"""The dummy electrode that stands for a foil: thickness in m, volume fraction of
its particles, and how many times the capacity of the cell it holds."""
_KINETICS = ("butler-volmer", "linear", "marcus")
LAYER = {"Thickness [m]", "Porosity", "Transport efficiency"}
_PARTICLE = {
    "Minimum stoichiometry", "Maximum stoichiometry", "Maximum concentration [mol.m-3]", "Particle radius [m]",
    "Surface area per unit volume [m-1]", "Diffusivity [m2.s-1]", "Diffusivity activation energy [J.mol-1]",
    "OCP [V]", "OCP (delithiation) [V]", "OCP (lithiation) [V]", "OCP hysteresis decay constant",
    ENTROPY, "Reaction rate constant [mol.m-2.s-1]",
    "Reaction rate constant activation energy [J.mol-1]",
}  # fmt: skip
_ELECTRODE = LAYER | {"Conductivity [S.m-1]", "Particle"}
_HYSTERESIS = ("OCP (delithiation) [V]", "OCP (lithiation) [V]")


def electrode_fields(side: PorousElectrode, conductivity: float) -> dict[str, Any]:
    """The standard fields of an electrode in an electrolyte of that conductivity, S/m."""
    found: dict[str, Any] = {
        "Thickness [m]": side.thickness,
        "Porosity": max(1e-3, 1.0 - sum(part.volume_fraction for part in side.classes)),
        "Transport efficiency": side.ionic / conductivity,
        "Conductivity [S.m-1]": side.electronic,
    }
    if len(side.classes) == 1:
        return found | _particle(side.classes[0])
    return found | {"Particle": {name: _particle(part) for name, part in _named(side)}}


def _named(side: PorousElectrode) -> list[tuple[str, ParticleClass]]:
    """Each class under a name of its own; sizes of one material are numbered."""
    names = [part.name for part in side.classes]
    return [
        (part.name if names.count(part.name) == 1 else f"{part.name} {number}", part)
        for number, part in enumerate(side.classes, start=1)
    ]


def _particle(part: ParticleClass) -> dict[str, Any]:
    """BPX's i0 is F K sqrt(x (1 - x)) over the whole surface, ours 2 i0(0.5) sqrt(x (1 - x)) over that in contact."""
    diffusivity: Any = part.diffusivity
    ratio = part.diffusivity_ratio
    if ratio is not None:
        diffusivity = table_of(lambda x: part.diffusivity * np.asarray(ratio(x)), RATIO_ERROR * part.diffusivity)
    return {
        "Particle radius [m]": part.radius,
        "Surface area per unit volume [m-1]": 3.0 * part.volume_fraction / part.radius,
        "Minimum stoichiometry": min(part.charged, part.discharged),
        "Maximum stoichiometry": max(part.charged, part.discharged),
        "Maximum concentration [mol.m-3]": part.site_concentration,
        "Diffusivity [m2.s-1]": diffusivity,
        "OCP [V]": table_of(part.potential, POTENTIAL_ERROR),
        ENTROPY: 0.0 if part.entropy is None else table_of(part.entropy, ENTROPY_ERROR),
        "Reaction rate constant [mol.m-2.s-1]": 2.0 * part.exchange * part.contact / FARADAY,
    }


def foil_fields(cell: Cell) -> dict[str, Any]:
    """A thin electrode of constant potential, of one surface per face, that hardly empties."""
    metal: Any = cell.anode
    sites = METAL_SURPLUS * cell.areal_capacity / (FARADAY * METAL_SHARE * METAL_THICKNESS)
    return {
        "Thickness [m]": METAL_THICKNESS,
        "Porosity": 1.0 - METAL_SHARE,
        "Transport efficiency": 1.0,
        "Conductivity [S.m-1]": 1e7,
        "Particle radius [m]": 3.0 * METAL_SHARE * METAL_THICKNESS,
        "Surface area per unit volume [m-1]": 1.0 / METAL_THICKNESS,
        "Minimum stoichiometry": 0.5 - 1.0 / METAL_SURPLUS,
        "Maximum stoichiometry": 0.5,
        "Maximum concentration [mol.m-3]": sites,
        "Diffusivity [m2.s-1]": 1e-11,
        "OCP [V]": {"x": [0.0, 1.0], "y": [metal.potential, metal.potential]},
        ENTROPY: cell.anode_entropy,
        "Reaction rate constant [mol.m-2.s-1]": 2.0 * metal.exchange / FARADAY,
    }


def electrode_extras(side: PorousElectrode) -> dict[str, Any]:
    """What the standard fields cannot say of an electrode."""
    return {
        "Kinetics": {"description": side.kinetics},
        "Reorganisation energy [J.mol-1]": side.reorganisation,
        "Particle": {name: _particle_extras(part) for name, part in _named(side)},
    }


def _particle_extras(part: ParticleClass) -> dict[str, Any]:
    found: dict[str, Any] = {
        "description": part.name,
        "Contact fraction": part.contact,
        "Film resistance [Ohm.m2]": part.film,
        "Lowest stoichiometry of the source": part.trusted[0],
        "Highest stoichiometry of the source": part.trusted[1],
    }
    if part.exchange_ratio is not None:
        found["Exchange-current density over that at 0.5"] = table_of(part.exchange_ratio, RATIO_ERROR)
    return found


def read_foil(section: Mapping[str, Any], temperature: float) -> Any:
    """The foil of the extras."""
    from percolyte.cell.kernel import Planar

    where = f"User-defined.{OURS}.Planar anode"
    return Planar(
        potential=number_of(section, "Potential [V]", where, least=-10.0),
        exchange=number_of(section, "Exchange-current density [A.m-2]", where),
        film=number_of(section, "Film resistance [Ohm.m2]", where, default=0.0, least=0.0),
        temperature=temperature,
    )


def read_electrode(
    given: dict[str, Any], name: str, conductivity: float, extras: dict[str, Any], losses: list[str]
) -> PorousElectrode:
    """The electrode of that name; `conductivity` is that of the electrolyte, S/m, and `losses` takes what is left out."""
    section = known_fields(section_of(given, name, name), _ELECTRODE | _PARTICLE, name)
    ours = extras.get(name)
    own: dict[str, Any] = ours if isinstance(ours, dict) else {}
    own_particles = own.get("Particle") or {}
    blend = section.get("Particle")
    if blend is None:
        label = next(iter(own_particles), name.split()[0].lower())
        parts = [(label, {key: value for key, value in section.items() if key in _PARTICLE}, name)]
    else:
        parts = [(label, part, f"{name}.Particle.{label}") for label, part in blend.items()]
    law = (own.get("Kinetics") or {}).get("description", "butler-volmer")
    if law not in _KINETICS:
        raise InputError(
            [Problem(f"User-defined.{OURS}.{name}.Kinetics", f"{law!r} is none of {', '.join(_KINETICS)}")]
        )
    return PorousElectrode(
        thickness=number_of(section, "Thickness [m]", name),
        ionic=number_of(section, "Transport efficiency", name) * conductivity,
        electronic=number_of(section, "Conductivity [S.m-1]", name),
        classes=tuple(
            _read_particle(
                label, known_fields(part, _PARTICLE, where), where, own_particles.get(label) or {}, name, losses
            )
            for label, part, where in parts
        ),
        kinetics=law,
        reorganisation=number_of(own, "Reorganisation energy [J.mol-1]", name, default=50e3),
    )


def _read_particle(
    label: str, part: dict[str, Any], where: str, own: Mapping[str, Any], side: str, losses: list[str]
) -> ParticleClass:
    for name in _HYSTERESIS:
        if part.get(name) is not None:
            raise InputError([Problem(f"{where}.{name}", "hysteresis is not represented; leave only 'OCP [V]'")])
    note_activation(part, losses)
    radius = number_of(part, "Particle radius [m]", where)
    low, high = (
        number_of(part, "Minimum stoichiometry", where, least=0.0),
        number_of(part, "Maximum stoichiometry", where, least=0.0),
    )
    if not low < high <= 1.0:
        raise InputError([Problem(where, f"the stoichiometries {low:g} to {high:g} are not rising within 0 to 1")])
    potential = curve_of(part.get("OCP [V]"), f"{where}.OCP [V]")
    _check_finite(potential, low, high, f"{where}.OCP [V]")
    contact = number_of(own, "Contact fraction", f"User-defined.{OURS}", default=1.0)
    diffusivity, ratio = _read_diffusivity(part.get("Diffusivity [m2.s-1]"), f"{where}.Diffusivity [m2.s-1]")
    exchange_ratio = own.get("Exchange-current density over that at 0.5")
    charged, discharged = (low, high) if side == "Positive electrode" else (high, low)
    return ParticleClass(
        name=str(own.get("description") or label),
        radius=radius,
        volume_fraction=number_of(part, "Surface area per unit volume [m-1]", where) * radius / 3.0,
        diffusivity=diffusivity,
        site_concentration=number_of(part, "Maximum concentration [mol.m-3]", where),
        exchange=number_of(part, "Reaction rate constant [mol.m-2.s-1]", where) * FARADAY / 2.0 / contact,
        potential=potential,
        charged=charged,
        discharged=discharged,
        film=number_of(own, "Film resistance [Ohm.m2]", f"User-defined.{OURS}", default=0.0, least=0.0),
        contact=contact,
        diffusivity_ratio=ratio,
        exchange_ratio=None if exchange_ratio is None else curve_of(exchange_ratio, f"User-defined.{OURS}"),
        trusted=(
            number_of(own, "Lowest stoichiometry of the source", where, default=low, least=0.0),
            number_of(own, "Highest stoichiometry of the source", where, default=high),
        ),
        entropy=_read_entropy(part.get(ENTROPY), f"{where}.{ENTROPY}"),
    )


def _read_entropy(value: Any, where: str) -> Callable[[Any], Any] | None:
    """dU/dT over the stoichiometry; None where the file gives none, or zero."""
    if value is None or (value == 0.0 and not isinstance(value, bool)):
        return None
    curve = curve_of(value, where)
    found = curve(np.linspace(0.0, 1.0, 1001))
    if not np.abs(found).max() <= MOST_ENTROPY:
        raise InputError([Problem(where, f"is not within {MOST_ENTROPY:g} V/K of zero for every x from 0 to 1")])
    return curve


def _check_finite(potential: Callable[[Any], Any], low: float, high: float, where: str) -> None:
    """The window counts; towards 0 and 1 an expression may grow, but must stay a number."""
    x = np.linspace(0.0, 1.0, 1001)
    volts = potential(x)
    within = volts[(x >= low) & (x <= high)]
    if not np.isfinite(volts).all() or within.min() < -10.0 or within.max() > 10.0:
        raise InputError(
            [Problem(where, f"is not a potential in volts for x = 0 to 1: {volts.min():g} to {volts.max():g}")]
        )


def _read_diffusivity(value: Any, where: str) -> tuple[float, Callable[[Any], Any] | None]:
    """D at x = 0.5, and its ratio to that where it varies."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_of({"D": value}, "D", where), None
    curve = curve_of(value, where)
    middle = float(curve(np.array([0.5]))[0])
    found = curve(np.linspace(0.0, 1.0, 1001))
    if not np.isfinite(found).all() or middle <= 0.0 or found.min() <= 0.0:
        raise InputError([Problem(where, "is not positive for every x from 0 to 1")])
    if np.ptp(found) <= 1e-12 * middle:
        return middle, None
    return middle, lambda x: np.asarray(curve(np.clip(x, 0.0, 1.0)) / middle, dtype=float)
