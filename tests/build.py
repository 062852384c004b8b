"""Builders: a small valid design, as tables of a file or as a Design, with changes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from percolyte.design import Design, design_from
from percolyte.errors import InputError
from percolyte.evaluation import Evaluation, evaluate
from percolyte.pouch.stack import CellInputs
from percolyte.resolution import resolve

_BASE: dict[str, Any] = {
    "format": 1,
    "name": "test cell",
    "temperature": "25 degC",
    "cathode": {
        "thickness": "70 um",
        "porosity": "10 %",
        "collector": {"material": "Al", "thickness": "15 um"},
        "recipe": {"NMC811": "80 %", "Li6PS5Cl": "17 %", "VGCF": "2 %", "PTFE": "1 %"},
        "active": {
            "specific_capacity": "200 mAh/g",
            "mean_voltage": "3.7 V",
            "initial_efficiency": "90 %",
            "density": "4.78 g/cm3",
        },
    },
    "separator": {
        "electrolyte": "Li6PS5Cl",
        "thickness": "30 um",
        "conductivity": "2 mS/cm",
        "density": "1.64 g/cm3",
    },
    "anode": {"kind": "lithium", "np_ratio": 2.0, "collector": {"material": "Cu", "thickness": "8 um"}},
    "pouch": {"convention": "pouch", "width": "102 mm", "height": "52 mm", "cathode_sheets": 22},
}

GRAPHITE_ANODE: dict[str, Any] = {
    "kind": "composite",
    "np_ratio": 1.1,
    "porosity": "10 %",
    "collector": {"material": "Cu", "thickness": "8 um"},
    "recipe": {"graphite": "80 %", "Li6PS5Cl": "20 %"},
    "active": {
        "specific_capacity": "350 mAh/g",
        "mean_voltage": "0.1 V",
        "initial_efficiency": "94 %",
        "density": "2.2 g/cm3",
    },
}
NO_ANODE: dict[str, Any] = {"kind": "none", "collector": {"material": "Cu", "thickness": "8 um"}}

BARE_STACK: dict[str, Any] = {
    "convention": "unit-cell",
    "stacking": "parallel",
    "end_anodes": "bare",
    "width": "102 mm",
    "height": "52 mm",
}
"""Double-coated sheets with nothing around them."""


def a_design_data(**changes: Any) -> dict[str, Any]:
    """The tables of a valid design file; `changes` go into its tables, None takes a field out.

    A recipe, and a table of another kind or convention, is replaced as a whole.
    """
    return _merged(_BASE, changes)


def _merged(table: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = deepcopy(dict(table))
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(name), Mapping) and not _whole(name, value):
            merged[name] = _merged(merged[name], value)
        else:
            merged[name] = deepcopy(value)
    return merged


def _whole(name: str, value: Mapping[str, Any]) -> bool:
    return name == "recipe" or bool(value.get("kind") or value.get("convention"))


def a_design(**changes: Any) -> Design:
    return design_from(a_design_data(**changes))


def inputs_of(**changes: Any) -> CellInputs:
    """The numbers of a design after every look-up."""
    return resolve(a_design(**changes)).inputs


def evaluated(**changes: Any) -> Evaluation:
    return evaluate(a_design(**changes))


def problems_with(data: Mapping[str, Any], folder: Path | None = None) -> dict[str, str]:
    """Every problem of a design's tables, from reading to evaluating: place -> message."""
    with pytest.raises(InputError) as caught:
        evaluate(design_from(data, folder=folder))
    found: dict[str, str] = {}
    for problem in caught.value.problems:
        found[problem.where] = f"{found[problem.where]}; {problem.what}" if problem.where in found else problem.what
    return found


def write_toml(path: Path, data: Mapping[str, Any]) -> Path:
    path.write_text(tomlkit.dumps(data), encoding="utf-8")
    return path


def wh_per_kg(evaluation: Evaluation) -> float:
    return float(evaluation.energy.specific_energy) / 3600.0


def wh_per_l(evaluation: Evaluation) -> float:
    return float(evaluation.energy.energy_density) / 3.6e6
