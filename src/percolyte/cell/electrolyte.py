"""The electrolyte of a cell in which anions move too: a binary salt in a polymer, and the layers that it fills."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from percolyte.errors import InputError, Problem
from percolyte.units import FARADAY, GAS_CONSTANT

Table: TypeAlias = tuple[tuple[float, float], ...]
Property: TypeAlias = float | Table
"""A constant, or points (c in mol/m3, value) in the order of c, straight between them and constant beyond."""

POINTS = 2049
"""Of the kernel's tables against c, where a property varies."""


@dataclass(frozen=True)
class SaltElectrolyte:
    """A binary 1:1 salt in a polymer, without pores or fillers, at one temperature; SI.

    Conductivity, diffusivity, transference number and thermodynamic factor are
    the four of concentrated-solution theory (Doyle, Fuller, Newman,
    J. Electrochem. Soc. 140 (1993) 1526), each a constant or a table against c.
    The transference number is that of the cation against the polymer: neither
    the current fraction of Bruce and Vincent nor a ratio of self-diffusivities.

    Errors: InputError that names every value that cannot be used.
    """

    conductivity: Property
    """κ, S/m."""
    diffusivity: Property
    """D of the salt (of both ions together), m2/s."""
    transference_number: Property
    """t+; at most 1, and negative where clusters carry the current."""
    concentration: float
    """c of the rested cell, mol/m3."""
    thermodynamic_factor: Property = 1.0
    """1 + dlnf/dlnc; 1 for an ideal solution."""
    exchange_order: float = 0.5
    """i0 goes with (c/c at rest) to this power, at lithium and particles alike; 0 for none."""

    def __post_init__(self) -> None:
        problems = [problem for name in _BOUNDS for problem in _faults(name, getattr(self, name))]
        for name in ("concentration", "exchange_order"):
            value = getattr(self, name)
            if (
                not _numbers((value,))
                or not math.isfinite(value)
                or value < 0.0
                or (name == "concentration" and value == 0.0)
            ):
                kind = "a positive number of mol/m3, such as 1200" if name == "concentration" else "0.5, or 0 for none"
                problems.append(Problem(name, f"{value!r} is not {kind}"))
        if problems:
            raise InputError(problems)

    def diffusing(self, factor: float) -> SaltElectrolyte:
        """The same with its salt diffusing that much faster."""
        value = self.diffusivity
        faster = tuple((c, factor * d) for c, d in value) if isinstance(value, tuple) else factor * value
        return replace(self, diffusivity=faster)

    def at(self, name: str, c: float) -> float:
        """One of the four properties at a concentration."""
        return float(_curve(getattr(self, name), np.array([c]))[0])


_BOUNDS = {
    "conductivity": (1e-12, 1e3),
    "diffusivity": (1e-20, 1e-3),
    "transference_number": (-10.0, 1.0),
    "thermodynamic_factor": (1e-3, 1e3),
}
"""What the four properties may be."""


def _faults(name: str, value: Property) -> list[Problem]:
    low, high = _BOUNDS[name]
    rows = value if isinstance(value, tuple) else ((0.0, value),)
    if not rows or not all(isinstance(row, tuple) and len(row) == 2 and _numbers(row) for row in rows):
        return [Problem(name, "is neither a number nor a table ((c, value), (c, value), ...) with c in mol/m3")]
    found = [
        Problem(name, f"{number!r} is not between {low:g} and {high:g}, in SI units")
        for _, number in rows
        if not (math.isfinite(number) and low <= number <= high)
    ]
    if any(not (math.isfinite(c) and c >= 0.0) for c, _ in rows) or any(b[0] <= a[0] for a, b in pairwise(rows)):
        found.append(Problem(name, "the concentrations of its table do not rise from zero or more"))
    return found


def _numbers(row: tuple[object, ...]) -> bool:
    return all(isinstance(number, Real) for number in row)


def _curve(value: Property, c: Any) -> Any:
    """The property at an array of concentrations."""
    if not isinstance(value, tuple):
        return np.full(c.shape, float(value))
    x, y = zip(*value, strict=True)
    return np.interp(c, x, y)


@dataclass(frozen=True)
class Filling:
    """A salt electrolyte in the layers of a cell; SI.

    The effective-transport factors s, of conductivity and diffusivity alike,
    are those that the effective conductivities of the cell stand for:
    L/(κ R) in the separator and σ_ion/κ in the cathode.
    """

    electrolyte: SaltElectrolyte
    separator_thickness: float
    cathode_fraction: float
    """Volume fraction of the electrolyte in the cathode."""
    separator_fraction: float = 1.0

    def __post_init__(self) -> None:
        positive("separator_thickness", self.separator_thickness)
        check_fractions({"cathode_fraction": self.cathode_fraction, "separator_fraction": self.separator_fraction})

    def factors(self, separator_resistance: float, cathode_conductivity: float) -> tuple[float, float]:
        """S of the separator and of the cathode."""
        kappa = self.electrolyte.at("conductivity", self.electrolyte.concentration)
        thickness = self.separator_thickness
        separator = thickness / (kappa * separator_resistance) if separator_resistance > 0.0 else 1.0
        return separator, cathode_conductivity / kappa


def positive(name: str, value: float) -> None:
    """A length, time or current that is none is refused."""
    if not (math.isfinite(value) and value > 0.0):
        raise InputError([Problem(name, f"{value!r} is not a positive number in SI units")])


def check_fractions(given: dict[str, float]) -> None:
    """All of them between 0 and 1, with rounding let pass."""
    problems = [
        Problem(
            name,
            f"{value:.4g} is not between 0 and 1; a factor above 1 means that the cell's effective conductivity "
            "is higher than the electrolyte's",
        )
        for name, value in given.items()
        if not 0.0 < value <= 1.001
    ]
    if problems:
        raise InputError(problems)


def mesh(electrolyte: SaltElectrolyte, layers: list[tuple[int, float, float, float]], temperature: float) -> Any:
    """Layers (cells, thickness, fraction, factor) on their cells, and the properties as tables against c."""
    from percolyte.cell.salt import Electrolyte

    counts, thicknesses, fractions, factors = (np.array(part) for part in zip(*layers, strict=True))
    if counts[0] < 2 or counts.min() < 1:
        raise InputError("a mesh needs two cells at least in the separator, and one in the cathode")
    c, step = _grid(electrolyte)
    anions = 1.0 - _curve(electrolyte.transference_number, c)
    thermal = 2.0 * GAS_CONSTANT * temperature / FARADAY
    tables = [
        _curve(electrolyte.conductivity, c),
        _curve(electrolyte.diffusivity, c),
        anions,
        thermal * anions * _curve(electrolyte.thermodynamic_factor, c),
    ]
    return Electrolyte(
        separator=int(counts[0]),
        width=np.repeat(thicknesses / counts, counts),
        fraction=np.repeat(fractions, counts),
        factor=np.repeat(factors, counts),
        rest=electrolyte.concentration,
        order=electrolyte.exchange_order,
        low=float(c[0]),
        step=step,
        tables=np.array(tables),
    )


def _tables(electrolyte: SaltElectrolyte) -> Iterable[Table]:
    values = [getattr(electrolyte, field.name) for field in fields(electrolyte)]
    return [value for value in values if isinstance(value, tuple) and len(value) > 1]


def _grid(electrolyte: SaltElectrolyte) -> tuple[Any, float]:
    """Concentrations of the kernel's tables: over all that the properties' own tables cover."""
    tables = _tables(electrolyte)
    if not tables:
        return np.array([0.0, 1.0]), 1.0
    low, high = min(table[0][0] for table in tables), max(table[-1][0] for table in tables)
    return np.linspace(low, high, POINTS), (high - low) / (POINTS - 1)


def known_range(electrolyte: SaltElectrolyte) -> tuple[float, float]:
    """Concentrations that every table covers."""
    tables = list(_tables(electrolyte))
    return max((table[0][0] for table in tables), default=0.0), min(
        (table[-1][0] for table in tables), default=math.inf
    )
