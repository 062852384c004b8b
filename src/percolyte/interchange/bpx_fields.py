"""The fields of a BPX file: numbers, curves and tables, each refused with its place in the file."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from percolyte.errors import InputError, Problem, suggestion
from percolyte.interchange.curves import joined, thinned
from percolyte.interchange.expression import parse_expression

OURS = "percolyte"
ENTROPY = "Entropic change coefficient [V.K-1]"


def section_of(data: Any, name: str, where: str) -> dict[str, Any]:
    """A section that must be there."""
    found = data.get(name) if isinstance(data, dict) else None
    if not isinstance(found, dict):
        raise InputError([Problem(where or name, f"has no section {name!r}; is it a BPX file?")])
    return found


def known_fields(section: dict[str, Any], names: set[str], where: str) -> dict[str, Any]:
    """The section, refused if it has a field of another name."""
    problems = [
        Problem(f"{where}.{name}", f"is no field of BPX 1.1{suggestion(name, names)}")
        for name in section
        if name not in names
    ]
    if problems:
        raise InputError(problems)
    return section


def number_of(
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


def extra_of(extras: Mapping[str, Any], name: str, default: float, *, least: float = 0.0) -> float:
    """A number of what BPX has no field for."""
    return number_of(extras, name, f"User-defined.{OURS}", default=default, least=least)


def curve_of(value: Any, where: str) -> Callable[[Any], Any]:
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


def table_of(curve: Callable[[Any], Any], error: float) -> dict[str, list[float]]:
    """A function over 0 <= x <= 1 as few points that straight lines join within an error."""
    x, y = thinned(curve, error)
    return {"x": [round(float(value), 8) for value in x], "y": [float(f"{value:.7g}") for value in y]}


def note_activation(section: Mapping[str, Any], losses: list[str]) -> None:
    """Say that activation energies are left out."""
    if any("ctivation energy" in name and section[name] for name in section):
        losses.append("activation energies are left out; the cell is at the reference temperature")
