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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from percolyte.cell.model import Cell, PorousElectrode
from percolyte.errors import InputError, Problem
from percolyte.files import read_text
from percolyte.interchange.bpx_electrodes import (
    LAYER,
    MOST_ENTROPY,
    electrode_extras,
    electrode_fields,
    foil_fields,
    read_electrode,
    read_foil,
)
from percolyte.interchange.bpx_fields import (
    ENTROPY,
    OURS,
    curve_of,
    extra_of,
    known_fields,
    note_activation,
    number_of,
    section_of,
)

VERSION = "1.1.0"
SEPARATOR = 30e-6
"""Thickness in m that the separator is given, for the cell knows only its resistance."""
LEAST_RESISTANCE = 1e-9
"""ohm m2; stands for none."""
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
    cathode = electrode_fields(cell.cathode, conductivity)
    anode = electrode_fields(cell.anode, conductivity) if isinstance(cell.anode, PorousElectrode) else foil_fields(cell)
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


def _extras(cell: Cell, sources: dict[str, str]) -> dict[str, Any]:
    """What BPX has no field for. Only numbers, tables and 'description' are allowed there."""
    ours: dict[str, Any] = {
        "description": "What the standard fields cannot say; the cell is read back from here.",
        "Separator resistance [Ohm.m2]": cell.separator_resistance,
        "Contact resistance [Ohm.m2]": cell.contact_resistance,
        "Active material of the cathode [kg.m-2]": cell.loading,
    }
    if isinstance(cell.anode, PorousElectrode):
        ours["Negative electrode"] = electrode_extras(cell.anode)
    else:
        ours["Planar anode"] = {
            "description": "The negative electrode of the standard fields is a dummy for this foil.",
            "Potential [V]": cell.anode.potential,
            ENTROPY: cell.anode_entropy,
            "Exchange-current density [A.m-2]": cell.anode.exchange,
            "Film resistance [Ohm.m2]": cell.anode.film,
        }
    ours["Positive electrode"] = electrode_extras(cell.cathode)
    if sources:
        ours["Sources"] = {name: {"description": said} for name, said in sources.items()}
    # names by which PyBaMM's reader finds the charged and the discharged state
    return {
        "Open-circuit voltage at 0% SOC [V]": cell.open_circuit_voltage(charged=False),
        "Open-circuit voltage at 100% SOC [V]": cell.open_circuit_voltage(charged=True),
        OURS: ours,
    }


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
    header = section_of(data, "Header", "")
    _check_header(header)
    given = section_of(data, "Parameterisation", "")
    cell = known_fields(section_of(given, "Cell", "Cell"), _CELL, "Cell")
    extras = _ours(given)
    temperature = number_of(cell, "Reference temperature [K]", "Cell", default=298.15)
    salt = _state(data, temperature, losses)
    conductivity = _electrolyte(given, salt, single_ion, losses)
    separator = known_fields(section_of(given, "Separator", "Separator"), LAYER, "Separator")
    through = number_of(separator, "Transport efficiency", "Separator") * conductivity
    resistance = number_of(separator, "Thickness [m]", "Separator") / through
    cathode = read_electrode(given, "Positive electrode", conductivity, extras, losses)
    foil = extras.get("Planar anode")
    anode = read_foil(foil, temperature) if isinstance(foil, dict) else None
    area = number_of(cell, "Electrode area [m2]", "Cell")
    pairs = number_of(cell, "Number of electrode pairs connected in parallel to make a cell", "Cell")
    loading = extras.get("Active material of the cathode [kg.m-2]")
    if loading is None:
        losses.append("BPX does not say the mass of active material; capacities per gram are not known")
    if "Validation" in data:
        losses.append("the validation data of the file are not part of the cell")
    found = Cell(
        cathode=cathode,
        anode=anode or read_electrode(given, "Negative electrode", conductivity, extras, losses),
        separator_resistance=extra_of(extras, "Separator resistance [Ohm.m2]", resistance),
        contact_resistance=extra_of(extras, "Contact resistance [Ohm.m2]", 0.0, least=0.0),
        temperature=temperature,
        areal_capacity=number_of(cell, "Nominal cell capacity [A.h]", "Cell") * 3600.0 / (area * pairs),
        loading=math.nan if loading is None else extra_of(extras, "Active material of the cathode [kg.m-2]", 0.0),
        cut_off=number_of(cell, "Lower voltage cut-off [V]", "Cell"),
        upper_limit=number_of(cell, "Upper voltage cut-off [V]", "Cell"),
        anode_entropy=extra_of(foil, ENTROPY, 0.0, least=-MOST_ENTROPY) if isinstance(foil, dict) else 0.0,
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
    return number_of(first, "Initial electrolyte concentration [mol.m-3]", "State.Initial conditions", default=1000.0)


def _electrolyte(given: dict[str, Any], salt: float, single_ion: bool, losses: list[str]) -> float:
    """The conductivity of the electrolyte, at the salt concentration that a single-ion conductor keeps."""
    section = known_fields(section_of(given, "Electrolyte", "Electrolyte"), _ELECTROLYTE, "Electrolyte")
    share = number_of(section, "Cation transference number", "Electrolyte", least=-10.0)
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
    note_activation(section, losses)
    value = section.get("Conductivity [S.m-1]")
    if isinstance(value, str | dict):
        found = float(curve_of(value, "Electrolyte.Conductivity [S.m-1]")(np.array([salt]))[0])
        losses.append(f"the conductivity of the electrolyte is taken at {salt:g} mol/m3")
        return number_of({"Conductivity [S.m-1]": found}, "Conductivity [S.m-1]", "Electrolyte")
    return number_of(section, "Conductivity [S.m-1]", "Electrolyte")
