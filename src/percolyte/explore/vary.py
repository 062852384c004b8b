"""Changing numbers of a resolved cell by their path in the design.

A path such as 'separator.thickness' or 'cathode.recipe.NMC811' names one
number. Its new value may be an array: the result is then an array too, one
entry a design, from the same equations that serve a single one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from percolyte import units
from percolyte.electrode import DENSEST
from percolyte.errors import InputError, suggestion
from percolyte.pouch.energy import PouchEnergy, pouch_energy
from percolyte.pouch.stack import CellInputs, build_stack
from percolyte.units import Dimension, Number

_DESIGN_NAMES = {
    "cathode_collector": "cathode.collector",
    "anode_collector": "anode.collector",
    "plate": "pouch.bipolar_plate",
    "pouch.rim": "pouch.package.rim",
    "pouch.package_thickness": "pouch.package.thickness",
    "pouch.package_density": "pouch.package.density",
}
"""Where the design file writes what the resolved cell holds elsewhere."""

DIMENSIONS: dict[str, Dimension] = {
    "thickness": units.THICKNESS,
    "loading": units.LOADING,
    "areal_capacity": units.AREAL_CAPACITY,
    "np_ratio": units.RATIO,
    "porosity": units.FRACTION,
    "density": units.DENSITY,
    "specific_capacity": units.SPECIFIC_CAPACITY,
    "initial_efficiency": units.FRACTION,
    "mean_voltage": units.VOLTAGE,
    "conductivity": units.CONDUCTIVITY,
    "width": units.DISTANCE,
    "height": units.DISTANCE,
    "cathode_sheets": units.RATIO,
    "other_mass": units.FRACTION,
    "overhang": units.DISTANCE,
    "rim": units.DISTANCE,
    "package_thickness": units.THICKNESS,
    "package_density": units.DENSITY,
}
"""What kind of number each field of the resolved cell is."""

CHUNK = 16384
"""Designs worked on together, so that the intermediate arrays stay in the cache."""


def paths(inputs: CellInputs) -> list[str]:
    """Every path that may be varied in this cell, in the words of the design file."""
    return sorted({_renamed(path, _DESIGN_NAMES) for path in _walk(inputs, "") if path != "cathode.np_ratio"})


def _renamed(path: str, names: Mapping[str, str]) -> str:
    """A path with its head in the other of the two namings."""
    for old, new in names.items():
        if path == old or path.startswith(old + "."):
            return new + path[len(old) :]
    return path


def _walk(node: Any, prefix: str) -> Iterator[str]:
    if isinstance(node, Mapping):
        for name, part in node.items():
            yield prefix + name
            yield from _walk(part, f"{prefix}{name}.")
    elif is_dataclass(node):
        if getattr(node, "kind", "") == "none":
            return
        choices = {name for names in getattr(node, "exactly_one", ()) for name in names}
        for field in fields(node):
            value = getattr(node, field.name)
            if is_dataclass(value) or field.name == "recipe":
                yield from _walk(value, f"{prefix}{field.name}.")
            elif field.name in DIMENSIONS and (
                value is not None or field.name in choices or field.name == "mean_voltage"
            ):
                yield prefix + field.name


def dimension_of(path: str) -> Dimension:
    """What kind of number stands at a path."""
    *head, last = path.split(".")
    if (len(head) == 2 and head[1] == "recipe") or last not in DIMENSIONS:
        return units.FRACTION
    return DIMENSIONS[last]


def value_at(inputs: CellInputs, path: str) -> Number | None:
    """The number at a path; None where the design states it by another field."""
    node: Any = inputs
    for name in _parts(inputs, path):
        node = node[name] if isinstance(node, Mapping) else getattr(node, name)
    value: Number | None = getattr(node, "mass_fraction", node)
    return value


def _parts(inputs: CellInputs, path: str) -> list[str]:
    """The path in steps; names of substances may hold points."""
    known = paths(inputs)
    if path not in known:
        tried = suggestion(path, known) or "; try one of " + ", ".join(known)
        raise InputError(f"{path!r} is not a number of this design{tried}")
    path = _renamed(path, {new: old for old, new in _DESIGN_NAMES.items()})
    head = path.split(".")
    if len(head) > 2 and head[1] == "recipe":
        recipe = getattr(inputs, head[0]).recipe
        rest = path.split(".recipe.", 1)[1]
        name = max((name for name in recipe if rest == name or rest.startswith(name + ".")), key=len)
        return (
            [head[0], "recipe", name, *rest[len(name) :].lstrip(".").split(".")]
            if rest != name
            else [head[0], "recipe", name]
        )
    return head


def vary(inputs: CellInputs, path: str, value: Number) -> CellInputs:
    """The cell with another number, or array of numbers, at one path.

    A field of an exactly-one set replaces the field that was given. A mass
    fraction takes from, or gives to, the electrolyte of the recipe; without
    electrolyte, all other components in proportion.
    """
    parts = _parts(inputs, path)
    if parts[1] == "recipe" and len(parts) == 3:
        electrode = getattr(inputs, parts[0])
        return replace(inputs, **{parts[0]: replace(electrode, recipe=_rebalance(electrode.recipe, parts[2], value))})
    changed: CellInputs = _set(inputs, parts, value)
    return changed


def _set(node: Any, parts: list[str], value: Number) -> Any:
    name, *rest = parts
    if isinstance(node, Mapping):
        return {**node, name: _set(node[name], rest, value)}
    if rest:
        return replace(node, **{name: _set(getattr(node, name), rest, value)})
    cleared = {other: None for names in getattr(node, "exactly_one", ()) if name in names for other in names}
    return replace(node, **{**cleared, name: value})


def _rebalance(recipe: Mapping[str, Any], name: str, value: Number) -> dict[str, Any]:
    electrolytes = [other for other, part in recipe.items() if part.role == "electrolyte" and other != name]
    givers = electrolytes or [other for other in recipe if other != name]
    if not givers:
        raise InputError(f"the recipe is {name} alone; there is nothing to exchange it for")
    held = sum(recipe[other].mass_fraction for other in givers)
    factor = (held + recipe[name].mass_fraction - value) / held
    changed = {other: replace(recipe[other], mass_fraction=recipe[other].mass_fraction * factor) for other in givers}
    return {**recipe, **changed, name: replace(recipe[name], mass_fraction=value)}


def energies(inputs: CellInputs, changes: Mapping[str, Number]) -> PouchEnergy:
    """The energy of a cell with some numbers replaced, by arrays for many designs."""
    for path, value in changes.items():
        inputs = vary(inputs, path, value)
    return pouch_energy(build_stack(inputs))


def _out_of_bounds(values: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where some number lies outside the bounds of its kind."""
    outside = np.zeros(next(iter(values.values())).shape, dtype=bool)
    for path, array in values.items():
        kind = dimension_of(path)
        outside |= ~((array >= kind.low) & (array <= kind.high))
        if kind.positive:
            outside |= array <= 0.0
    return outside


def evaluate_many(
    inputs: CellInputs,
    changes: Mapping[str, Number],
    quantities: tuple[str, ...] = ("specific_energy", "energy_density"),
) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """Chosen quantities of many designs, in chunks that fit the cache.

    `changes` maps paths to arrays of one shape, SI; the result has that shape.
    A design that cannot be (a number out of its bounds, a negative mass
    fraction, an electrode more than 25 % denser than matter) is NaN.

    Errors: InputError for no changes, an unknown path or an unknown quantity.
    """
    if not changes:
        raise InputError("no number is varied; name at least one path, such as 'separator.thickness'")
    unknown = [
        name for name in quantities if not hasattr(PouchEnergy, name) and name not in PouchEnergy.__annotations__
    ]
    if unknown:
        raise InputError(
            f"{unknown[0]!r} is not a quantity{suggestion(unknown[0], ['specific_energy', *PouchEnergy.__annotations__])}"
        )
    arrays = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in changes.values()))
    shape = arrays[0].shape
    flat = [array.reshape(-1) for array in arrays]
    found = {name: np.empty(flat[0].size) for name in quantities}
    for start in range(0, flat[0].size, CHUNK):
        part = slice(start, start + CHUNK)
        cell = inputs
        for path, array in zip(changes, flat, strict=True):
            cell = vary(cell, path, array[part])
        stack = build_stack(cell)
        energy = pouch_energy(stack)
        impossible = _out_of_bounds({path: array[part] for path, array in zip(changes, flat, strict=True)})
        impossible = impossible | (stack.cathode.densification > DENSEST)
        if stack.anode.electrode is not None:
            impossible = impossible | (stack.anode.electrode.densification > DENSEST)
        for component in cell.cathode.recipe.values():
            impossible = impossible | (np.asarray(component.mass_fraction) < 0.0)
        for name in quantities:
            found[name][part] = np.where(impossible, np.nan, getattr(energy, name))
    return {name: values.reshape(shape) for name, values in found.items()}
