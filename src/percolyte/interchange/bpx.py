"""Cells as BPX files (Battery Parameter eXchange, 1.1) and back.

BPX states a liquid-electrolyte cell in JSON with SI units. A solid-state cell
fits with a transference number of one; what BPX has no field for goes, once
more and in full, to its 'User-defined' section under 'percolyte', so that a
file written here is read back to the same cell, while other programs find the
nearest cell that BPX can state in the standard fields.

Reference: the BPX schema, version 1.1, of the Faraday Institution.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.errors import InputError, Problem, suggestion
from percolyte.files import read_text
from percolyte.interchange.curves import joined, thinned
from percolyte.interchange.expression import parse_expression
from percolyte.units import ENTROPY_COEFFICIENT, FARADAY

VERSION = "1.1.0"
SEPARATOR = 30e-6
"""Thickness in m that the separator is given, for the cell knows only its resistance."""
LEAST_RESISTANCE = 1e-9
"""ohm m2; stands for none."""
POTENTIAL_ERROR, RATIO_ERROR, ENTROPY_ERROR = 2e-5, 1e-4, 1e-8
MOST_ENTROPY = ENTROPY_COEFFICIENT.high
METAL_THICKNESS, METAL_SHARE, METAL_SURPLUS = 1e-7, 0.5, 100.0
"""The dummy electrode that stands for a foil: thickness in m, volume fraction of
its particles, and how many times the capacity of the cell it holds."""
OURS = "percolyte"
ENTROPY = "Entropic change coefficient [V.K-1]"


@dataclass(frozen=True)
class BpxCell:
    """What a BPX file says, as a cell."""

    cell: Cell
    title: str
    references: str
    sources: dict[str, str]
    losses: list[str]
    """What the file says and the cell cannot hold, or what had to be taken as known."""


def write_bpx(
    cell: Cell,
    path: str | os.PathLike[str],
    *,
    title: str = "",
    references: str = "",
    sources: Mapping[str, str] | None = None,
    area: float = 1.0,
) -> list[str]:
    """Write a cell as BPX 1.1; the sentences say what BPX cannot say of it.

    `area` in m2 scales the capacity only. Errors: InputError for an area that
    is not positive, or a path that cannot be written.
    """
    data, losses = bpx_data(cell, title=title, references=references, sources=sources, area=area)
    if cell.salt is not None:
        losses.append("the salt that moves; the file is of the cell with a transference number of one")
    try:
        Path(path).write_text(json.dumps(data, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", source=str(path)) from None
    return losses


def bpx_data(
    cell: Cell,
    *,
    title: str = "",
    references: str = "",
    sources: Mapping[str, str] | None = None,
    area: float = 1.0,
) -> tuple[dict[str, Any], list[str]]:
    """The tables of the BPX file, and the sentences on what it cannot say."""
    if not (math.isfinite(area) and area > 0.0):
        raise InputError(f"the area is {area} m2; it is a positive number")
    planar = None if isinstance(cell.anode, PorousElectrode) else cell.anode
    resistance = max(cell.series_resistance + (planar.film if planar else 0.0), LEAST_RESISTANCE)
    porous = list(cell.porous)
    # twice the best conductor of the cell, so that every transport efficiency is below one
    conductivity = 2.0 * max(SEPARATOR / resistance, *(side.ionic for side in porous))
    cathode = _electrode(cell.cathode, conductivity)
    anode = _electrode(cell.anode, conductivity) if isinstance(cell.anode, PorousElectrode) else _dummy(cell)
    header = {
        "BPX": VERSION,
        "Title": title or "Solid-state cell",
        "Description": "Written by percolyte; the electrolyte is a single-ion conductor.",
        "References": references,
        "Model": "DFN",
    }
    data = {
        "Header": {name: value for name, value in header.items() if value},
        "Parameterisation": {
            "Cell": {
                "Electrode area [m2]": area,
                # of one face, without effect but for heat, which PyBaMM's reader asks for
                "External surface area [m2]": 2.0 * area,
                "Volume [m3]": area * (SEPARATOR + sum(side.thickness for side in porous)),
                "Number of electrode pairs connected in parallel to make a cell": 1,
                "Lower voltage cut-off [V]": cell.cut_off,
                "Upper voltage cut-off [V]": cell.upper_limit,
                "Nominal cell capacity [A.h]": cell.one_c * area,
                "Reference temperature [K]": cell.temperature,
            },
            "Electrolyte": {
                "Cation transference number": 1.0,
                "Diffusivity [m2.s-1]": 1e-11,
                "Conductivity [S.m-1]": conductivity,
            },
            "Negative electrode": anode,
            "Positive electrode": cathode,
            "Separator": {
                "Thickness [m]": SEPARATOR,
                "Porosity": 0.5,
                "Transport efficiency": SEPARATOR / resistance / conductivity,
            },
            "User-defined": _extras(cell, dict(sources or {})),
        },
        "State": {
            "Initial conditions": {
                "Initial state-of-charge": 1.0,
                "Initial temperature [K]": cell.temperature,
                "Initial electrolyte concentration [mol.m-3]": 1000.0,
            },
            "Thermal environment": {"Ambient temperature [K]": cell.temperature},
        },
    }
    return data, _losses(cell, porous)


def _electrode(side: PorousElectrode, conductivity: float) -> dict[str, Any]:
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
        diffusivity = _table(lambda x: part.diffusivity * np.asarray(ratio(x)), RATIO_ERROR * part.diffusivity)
    return {
        "Particle radius [m]": part.radius,
        "Surface area per unit volume [m-1]": 3.0 * part.volume_fraction / part.radius,
        "Minimum stoichiometry": min(part.charged, part.discharged),
        "Maximum stoichiometry": max(part.charged, part.discharged),
        "Maximum concentration [mol.m-3]": part.site_concentration,
        "Diffusivity [m2.s-1]": diffusivity,
        "OCP [V]": _table(part.potential, POTENTIAL_ERROR),
        ENTROPY: 0.0 if part.entropy is None else _table(part.entropy, ENTROPY_ERROR),
        "Reaction rate constant [mol.m-2.s-1]": 2.0 * part.exchange * part.contact / FARADAY,
    }


def _table(curve: Callable[[Any], Any], error: float) -> dict[str, list[float]]:
    x, y = thinned(curve, error)
    return {"x": [round(float(value), 8) for value in x], "y": [float(f"{value:.7g}") for value in y]}


def _dummy(cell: Cell) -> dict[str, Any]:
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


def _extras(cell: Cell, sources: dict[str, str]) -> dict[str, Any]:
    """What BPX has no field for. Only numbers, tables and 'description' are allowed there."""
    ours: dict[str, Any] = {
        "description": "What the standard fields cannot say; the cell is read back from here.",
        "Separator resistance [Ohm.m2]": cell.separator_resistance,
        "Contact resistance [Ohm.m2]": cell.contact_resistance,
        "Active material of the cathode [kg.m-2]": cell.loading,
    }
    if isinstance(cell.anode, PorousElectrode):
        ours["Negative electrode"] = _electrode_extras(cell.anode)
    else:
        ours["Planar anode"] = {
            "description": "The negative electrode of the standard fields is a dummy for this foil.",
            "Potential [V]": cell.anode.potential,
            ENTROPY: cell.anode_entropy,
            "Exchange-current density [A.m-2]": cell.anode.exchange,
            "Film resistance [Ohm.m2]": cell.anode.film,
        }
    ours["Positive electrode"] = _electrode_extras(cell.cathode)
    if sources:
        ours["Sources"] = {name: {"description": said} for name, said in sources.items()}
    # names by which PyBaMM's reader finds the charged and the discharged state
    return {
        "Open-circuit voltage at 0% SOC [V]": cell.open_circuit_voltage(charged=False),
        "Open-circuit voltage at 100% SOC [V]": cell.open_circuit_voltage(charged=True),
        OURS: ours,
    }


_KINETICS = ("butler-volmer", "linear", "marcus")


def _electrode_extras(side: PorousElectrode) -> dict[str, Any]:
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
        found["Exchange-current density over that at 0.5"] = _table(part.exchange_ratio, RATIO_ERROR)
    return found


def _losses(cell: Cell, porous: list[PorousElectrode]) -> list[str]:
    """What the standard fields of BPX cannot say of this cell."""
    found = [
        "BPX has one electrolyte; the separator's own resistance is written as a transport efficiency, "
        "and its thickness is nominal",
        "the potentials are tables, within 0.02 mV of the curves where straight lines join the points",
        "BPX keeps one text of references; sources of single values are in the 'User-defined' section",
        "the porosity is what the active material leaves; binder, additives and voids are not told apart",
    ]
    if cell.contact_resistance:
        found.append("BPX has no contact resistance; it is part of the separator's in the standard fields")
    if not isinstance(cell.anode, PorousElectrode):
        found.append("BPX has no planar electrode; the negative electrode is a thin dummy of constant potential")
    parts = [part for side in porous for part in side.classes]
    if any(part.contact != 1.0 for part in parts):
        found.append("BPX has no contact fraction; the reaction rate constant is multiplied by it")
    if any(part.film for part in parts):
        found.append("BPX has no film resistance on the particles; other programs leave it out")
    if any(part.exchange_ratio is not None for part in parts):
        found.append(
            "BPX knows only i0 proportional to sqrt(x (1 - x)); the rate constant is right at x = 0.5 for other programs"
        )
    if any(side.kinetics != "butler-volmer" for side in porous):
        found.append("BPX knows only Butler-Volmer kinetics; other programs use it in place of the cell's own law")
    return found


# --- reading ---------------------------------------------------------------------------

_CELL = {
    "Electrode area [m2]", "External surface area [m2]", "Volume [m3]", "Density [kg.m-3]",
    "Number of electrode pairs connected in parallel to make a cell", "Lower voltage cut-off [V]",
    "Upper voltage cut-off [V]", "Nominal cell capacity [A.h]", "Reference temperature [K]",
    "Specific heat capacity [J.K-1.kg-1]",
}  # fmt: skip
_ELECTROLYTE = {
    "Cation transference number", "Diffusivity [m2.s-1]", "Diffusivity activation energy [J.mol-1]",
    "Conductivity [S.m-1]", "Conductivity activation energy [J.mol-1]",
}  # fmt: skip
_LAYER = {"Thickness [m]", "Porosity", "Transport efficiency"}
_PARTICLE = {
    "Minimum stoichiometry", "Maximum stoichiometry", "Maximum concentration [mol.m-3]", "Particle radius [m]",
    "Surface area per unit volume [m-1]", "Diffusivity [m2.s-1]", "Diffusivity activation energy [J.mol-1]",
    "OCP [V]", "OCP (delithiation) [V]", "OCP (lithiation) [V]", "OCP hysteresis decay constant",
    ENTROPY, "Reaction rate constant [mol.m-2.s-1]",
    "Reaction rate constant activation energy [J.mol-1]",
}  # fmt: skip
_ELECTRODE = _LAYER | {"Conductivity [S.m-1]", "Particle"}
_HYSTERESIS = ("OCP (delithiation) [V]", "OCP (lithiation) [V]")


def read_bpx(path: str | os.PathLike[str], *, single_ion: bool = False) -> BpxCell:
    """A cell from a BPX file.

    `single_ion` takes a cell with another transference number than one as if
    it were one; the losses then say so. The cell starts charged, at the
    reference temperature.

    Errors: InputError for what is not BPX, and for what the cell model cannot
    represent: a transference number below one (without `single_ion`), single
    particle models, hysteresis, degradation, another temperature than that of
    reference.
    """
    source = str(path)
    try:
        data = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"is not JSON: {error}", source=source) from None
    try:
        return cell_from_bpx(data, single_ion=single_ion)
    except InputError as error:
        raise InputError(error.problems, source=source) from None


def cell_from_bpx(data: Any, *, single_ion: bool = False) -> BpxCell:
    """A cell from the tables of a BPX file; see `read_bpx`."""
    losses: list[str] = []
    header = _section(data, "Header", "")
    _check_header(header)
    given = _section(data, "Parameterisation", "")
    cell = _known(_section(given, "Cell", "Cell"), _CELL, "Cell")
    extras = _ours(given)
    temperature = _number(cell, "Reference temperature [K]", "Cell", default=298.15)
    salt = _state(data, temperature, losses)
    conductivity = _electrolyte(given, salt, single_ion, losses)
    separator = _known(_section(given, "Separator", "Separator"), _LAYER, "Separator")
    through = _number(separator, "Transport efficiency", "Separator") * conductivity
    resistance = _number(separator, "Thickness [m]", "Separator") / through
    cathode = _read_electrode(given, "Positive electrode", conductivity, extras, losses)
    foil = extras.get("Planar anode")
    anode = _read_foil(foil, temperature) if isinstance(foil, dict) else None
    area = _number(cell, "Electrode area [m2]", "Cell")
    pairs = _number(cell, "Number of electrode pairs connected in parallel to make a cell", "Cell")
    loading = extras.get("Active material of the cathode [kg.m-2]")
    if loading is None:
        losses.append("BPX does not say the mass of active material; capacities per gram are not known")
    if "Validation" in data:
        losses.append("the validation data of the file are not part of the cell")
    found = Cell(
        cathode=cathode,
        anode=anode or _read_electrode(given, "Negative electrode", conductivity, extras, losses),
        separator_resistance=_extra(extras, "Separator resistance [Ohm.m2]", resistance),
        contact_resistance=_extra(extras, "Contact resistance [Ohm.m2]", 0.0, least=0.0),
        temperature=temperature,
        areal_capacity=_number(cell, "Nominal cell capacity [A.h]", "Cell") * 3600.0 / (area * pairs),
        loading=math.nan if loading is None else _extra(extras, "Active material of the cathode [kg.m-2]", 0.0),
        cut_off=_number(cell, "Lower voltage cut-off [V]", "Cell"),
        upper_limit=_number(cell, "Upper voltage cut-off [V]", "Cell"),
        anode_entropy=_extra(foil, ENTROPY, 0.0, least=-MOST_ENTROPY) if isinstance(foil, dict) else 0.0,
    )
    sources = {
        str(name): str(said.get("description", ""))
        for name, said in (extras.get("Sources") or {}).items()
        if isinstance(said, dict)
    }
    title, references = str(header.get("Title") or ""), str(header.get("References") or "")
    return BpxCell(found, title, references, sources, list(dict.fromkeys(losses)))


def _check_header(header: dict[str, Any]) -> None:
    version = str(header.get("BPX", ""))
    if not version.startswith("1."):
        raise InputError([Problem("Header.BPX", f"is {version or 'missing'}; BPX 1.x is read; convert an older file with the bpx package")])  # fmt: skip
    if header.get("Model") not in ("DFN", "SPMe"):
        raise InputError([Problem("Header.Model", f"is {header.get('Model')!r}; only DFN and SPMe state a whole cell")])


def _section(data: Any, name: str, where: str) -> dict[str, Any]:
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise InputError([Problem(where or name, f"has no section {name!r}; is it a BPX file?")])
    return found


def _known(section: dict[str, Any], names: set[str], where: str) -> dict[str, Any]:
    problems = [
        Problem(f"{where}.{name}", f"is no field of BPX 1.1{suggestion(name, names)}")
        for name in section
        if name not in names
    ]
    if problems:
        raise InputError(problems)
    return section


def _number(
    section: Mapping[str, Any], name: str, where: str, *, default: float | None = None, least: float | None = None
) -> float:
    """A number that is finite and, unless `least` says else, positive."""
    value = section.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError([Problem(f"{where}.{name}", "is missing" if value is None else f"{value!r:.40} is no number")])
    if not math.isfinite(value) or (value < least if least is not None else value <= 0.0):
        lowest = "positive" if least is None else f"at least {least:g}"
        raise InputError([Problem(f"{where}.{name}", f"is {value}; it is a number, {lowest}")])
    return float(value)


def _extra(extras: Mapping[str, Any], name: str, default: float, *, least: float = 0.0) -> float:
    return _number(extras, name, f"User-defined.{OURS}", default=default, least=least)


def _ours(given: dict[str, Any]) -> dict[str, Any]:
    extras = (given.get("User-defined") or {}).get(OURS, {})
    return extras if isinstance(extras, dict) else {}


def _state(data: Any, temperature: float, losses: list[str]) -> float:
    """Checks the state; the salt concentration, mol/m3."""
    state = data.get("State") or {}
    degradation = state.get("Degradation")
    if degradation and any(value for value in degradation.values()):
        raise InputError([Problem("State.Degradation", "is not represented; give the cell as it is after ageing")])
    first, outside = state.get("Initial conditions") or {}, state.get("Thermal environment") or {}
    for section, name in ((first, "Initial temperature [K]"), (outside, "Ambient temperature [K]")):
        value = section.get(name)
        if value is not None and abs(value - temperature) > 0.1:
            raise InputError(
                [Problem(f"State...{name}", f"is {value} K and the reference {temperature} K; the model is isothermal")]
            )
    charge = first.get("Initial state-of-charge")
    if charge is not None and charge != 1.0:
        losses.append(f"the file starts at a state of charge of {charge}; the cell starts charged")
    return _number(first, "Initial electrolyte concentration [mol.m-3]", "State.Initial conditions", default=1000.0)


def _electrolyte(given: dict[str, Any], salt: float, single_ion: bool, losses: list[str]) -> float:
    """The conductivity of the electrolyte, at the salt concentration that a single-ion conductor keeps."""
    section = _known(_section(given, "Electrolyte", "Electrolyte"), _ELECTROLYTE, "Electrolyte")
    share = _number(section, "Cation transference number", "Electrolyte", least=-10.0)
    if share != 1.0:
        if not single_ion:
            raise InputError(
                [
                    Problem(
                        "Electrolyte.Cation transference number",
                        f"is {share:g}; the cell model is for a single-ion electrolyte, where it is 1. "
                        "Read with single_ion=True to take it as one, without gradients of salt",
                    )
                ]
            )
        losses.append(
            f"the transference number {share:g} is taken as 1; gradients of salt and their losses are left out"
        )
    _note_activation(section, losses)
    value = section.get("Conductivity [S.m-1]")
    if isinstance(value, str | dict):
        found = float(_curve(value, "Electrolyte.Conductivity [S.m-1]")(np.array([salt]))[0])
        losses.append(f"the conductivity of the electrolyte is taken at {salt:g} mol/m3")
        return _number({"Conductivity [S.m-1]": found}, "Conductivity [S.m-1]", "Electrolyte")
    return _number(section, "Conductivity [S.m-1]", "Electrolyte")


def _note_activation(section: Mapping[str, Any], losses: list[str]) -> None:
    if any("ctivation energy" in name and section[name] for name in section):
        losses.append("activation energies are left out; the cell is at the reference temperature")


def _curve(value: Any, where: str) -> Callable[[Any], Any]:
    """A number, an expression in x, or a table, as a function."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | dict):
        raise InputError([Problem(where, "is missing; it is a number, an expression in x, or a table with x and y")])
    if isinstance(value, int | float):
        return parse_expression(repr(float(value)))
    if isinstance(value, str):
        try:
            return parse_expression(value)
        except InputError as error:
            raise InputError([Problem(where, error.problems[0].what)]) from None
    x, y = value.get("x"), value.get("y")
    if not (isinstance(x, list) and isinstance(y, list) and len(x) == len(y) >= 2):
        raise InputError([Problem(where, "is a table of two lists, x and y, of the same length, two at least")])
    try:
        rows = sorted((float(a), float(b)) for a, b in zip(x, y, strict=True))
    except (TypeError, ValueError):
        raise InputError([Problem(where, "holds something else than numbers")]) from None
    at, values = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if not (np.isfinite(at).all() and np.isfinite(values).all() and (np.diff(at) > 0.0).all()):
        raise InputError([Problem(where, "has two values at one x, or a number that is not finite")])
    return joined(at, values)


def _read_foil(section: Mapping[str, Any], temperature: float) -> Any:
    from percolyte.cell.kernel import Planar

    where = f"User-defined.{OURS}.Planar anode"
    return Planar(
        potential=_number(section, "Potential [V]", where, least=-10.0),
        exchange=_number(section, "Exchange-current density [A.m-2]", where),
        film=_number(section, "Film resistance [Ohm.m2]", where, default=0.0, least=0.0),
        temperature=temperature,
    )


def _read_electrode(
    given: dict[str, Any], name: str, conductivity: float, extras: dict[str, Any], losses: list[str]
) -> PorousElectrode:
    section = _known(_section(given, name, name), _ELECTRODE | _PARTICLE, name)
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
        thickness=_number(section, "Thickness [m]", name),
        ionic=_number(section, "Transport efficiency", name) * conductivity,
        electronic=_number(section, "Conductivity [S.m-1]", name),
        classes=tuple(
            _read_particle(label, _known(part, _PARTICLE, where), where, own_particles.get(label) or {}, name, losses)
            for label, part, where in parts
        ),
        kinetics=law,
        reorganisation=_number(own, "Reorganisation energy [J.mol-1]", name, default=50e3),
    )


def _read_particle(
    label: str, part: dict[str, Any], where: str, own: Mapping[str, Any], side: str, losses: list[str]
) -> ParticleClass:
    for name in _HYSTERESIS:
        if part.get(name) is not None:
            raise InputError([Problem(f"{where}.{name}", "hysteresis is not represented; leave only 'OCP [V]'")])
    _note_activation(part, losses)
    radius = _number(part, "Particle radius [m]", where)
    low, high = (
        _number(part, "Minimum stoichiometry", where, least=0.0),
        _number(part, "Maximum stoichiometry", where, least=0.0),
    )
    if not low < high <= 1.0:
        raise InputError([Problem(where, f"the stoichiometries {low:g} to {high:g} are not rising within 0 to 1")])
    potential = _curve(part.get("OCP [V]"), f"{where}.OCP [V]")
    _check_finite(potential, low, high, f"{where}.OCP [V]")
    contact = _number(own, "Contact fraction", f"User-defined.{OURS}", default=1.0)
    diffusivity, ratio = _read_diffusivity(part.get("Diffusivity [m2.s-1]"), f"{where}.Diffusivity [m2.s-1]")
    exchange_ratio = own.get("Exchange-current density over that at 0.5")
    charged, discharged = (low, high) if side == "Positive electrode" else (high, low)
    return ParticleClass(
        name=str(own.get("description") or label),
        radius=radius,
        volume_fraction=_number(part, "Surface area per unit volume [m-1]", where) * radius / 3.0,
        diffusivity=diffusivity,
        site_concentration=_number(part, "Maximum concentration [mol.m-3]", where),
        exchange=_number(part, "Reaction rate constant [mol.m-2.s-1]", where) * FARADAY / 2.0 / contact,
        potential=potential,
        charged=charged,
        discharged=discharged,
        film=_number(own, "Film resistance [Ohm.m2]", f"User-defined.{OURS}", default=0.0, least=0.0),
        contact=contact,
        diffusivity_ratio=ratio,
        exchange_ratio=None if exchange_ratio is None else _curve(exchange_ratio, f"User-defined.{OURS}"),
        trusted=(
            _number(own, "Lowest stoichiometry of the source", where, default=low, least=0.0),
            _number(own, "Highest stoichiometry of the source", where, default=high),
        ),
        entropy=_read_entropy(part.get(ENTROPY), f"{where}.{ENTROPY}"),
    )


def _read_entropy(value: Any, where: str) -> Callable[[Any], Any] | None:
    """dU/dT over the stoichiometry; None where the file gives none, or zero."""
    if value is None or (value == 0.0 and not isinstance(value, bool)):
        return None
    curve = _curve(value, where)
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
        return _number({"D": value}, "D", where), None
    curve = _curve(value, where)
    middle = float(curve(np.array([0.5]))[0])
    found = curve(np.linspace(0.0, 1.0, 1001))
    if not np.isfinite(found).all() or middle <= 0.0 or found.min() <= 0.0:
        raise InputError([Problem(where, "is not positive for every x from 0 to 1")])
    if np.ptp(found) <= 1e-12 * middle:
        return middle, None
    return middle, lambda x: np.asarray(curve(np.clip(x, 0.0, 1.0)) / middle, dtype=float)
