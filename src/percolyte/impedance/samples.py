"""Total resistances of samples that differ in thickness, pressure or number of layers: the layer and its contacts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from percolyte import units
from percolyte.errors import InputError, Problem, UnitError, suggestion
from percolyte.files import pointed, read_rows
from percolyte.impedance.contact import ThicknessSeries, film_contact_area, fraction_in_contact, thickness_series
from percolyte.impedance.measurement import Floats
from percolyte.impedance.series import Trend, fit_series
from percolyte.units import Dimension

LEAST_PRESSURES = 3
LEAST_COLUMNS = 2
EXAMPLE = "Thickness / um,Resistance / ohm"
_COUNT = Dimension("number of layers", "", "3", low=1.0, high=1e4)
_DIMENSIONS: Mapping[str, tuple[Dimension, ...]] = {
    "thickness": (units.THICKNESS,),
    "layers": (_COUNT,),
    "resistance": (units.RESISTANCE, units.AREA_RESISTANCE),
    "pressure": (units.PRESSURE,),
}


@dataclass(frozen=True, eq=False)
class Samples:
    """One row a sample."""

    thickness: Floats
    """m, of all layers together."""
    resistance: Floats
    """Area-specific, ohm m2."""
    pressure: Floats | None = None
    """Pa"""


@dataclass(frozen=True, eq=False)
class Contacts:
    """What samples say of the layer and of its contacts, at each pressure."""

    samples: Samples
    series: Mapping[float | None, ThicknessSeries]
    """By pressure in Pa, None without; resistances area-specific in ohm m2."""
    trend: Trend | None
    """Of the contact resistance over pressure, where three pressures or more show one."""


def read_samples(path: str | os.PathLike[str], *, area: float | None = None, layer: float | None = None) -> Samples:
    """A CSV table of thickness (or layers, each `layer` m thick), resistance and perhaps pressure, units in the headings.

    Commas are decimal where semicolons or tabs divide.

    Errors: InputError with every cell and heading that cannot be used, and what is missing.
    """
    filled, commas = read_rows(path)
    rows = [
        (line, [pointed(word) if commas else word for word in row])
        for line, row in filled
        if not row[0].startswith("#")
    ]
    problems: list[Problem] = []
    columns = _columns(rows[0][1] if rows else [], problems)
    values = {name: _values(rows[1:], *found, problems) for name, found in columns.items()}
    problems += [] if problems and len(columns) < LEAST_COLUMNS else _missing(columns, area, layer)
    if problems:
        raise InputError(problems, source=str(path))
    resistance = values["resistance"] * (1.0 if columns["resistance"][2] is units.AREA_RESISTANCE else area or 1.0)
    thickness = values["thickness"] if "thickness" in values else values["layers"] * (layer or 1.0)
    return Samples(thickness, resistance, values.get("pressure"))


def _columns(headings: Sequence[str], problems: list[Problem]) -> dict[str, tuple[int, str, Dimension]]:
    """Place, unit and dimension of each quantity."""
    found: dict[str, tuple[int, str, Dimension]] = {}
    for place, heading in enumerate(headings):
        name, _, unit = (part.strip() for part in heading.partition("/"))
        name = name.lower()
        if name not in _DIMENSIONS:
            near = suggestion(name, _DIMENSIONS)
            problems += [Problem(heading.strip(), f"is no column that is known{near}")] if near else []
            continue
        fitting = [dimension for dimension in _DIMENSIONS[name] if _holds(unit, dimension)]
        if fitting:
            found[name] = (place, unit, fitting[0])
        else:
            example = _DIMENSIONS[name][0].unit
            problems.append(Problem(heading.strip(), f"has no unit of a {name}; write '{name.title()} / {example}'"))
    return found


def _holds(unit: str, dimension: Dimension) -> bool:
    try:
        units.parse(f"1 {unit}".strip(), dimension.unbounded)
    except UnitError:
        return False
    return True


def _values(
    rows: Sequence[tuple[int, Sequence[str]]], place: int, unit: str, dimension: Dimension, problems: list[Problem]
) -> Floats:
    found = []
    for line, row in rows:
        try:
            found.append(units.parse(f"{row[place] if place < len(row) else ''} {unit}".strip(), dimension))
        except UnitError as error:
            problems.append(Problem(f"line {line}", str(error)))
    return np.array(found)


def _missing(
    columns: Mapping[str, tuple[int, str, Dimension]], area: float | None, layer: float | None
) -> list[Problem]:
    said = []
    if "resistance" not in columns or not columns.keys() & {"thickness", "layers"}:
        said.append(
            Problem(
                "", f"a column of thickness (or layers) or of resistance is missing; headings are such as '{EXAMPLE}'"
            )
        )
    elif columns["resistance"][2] is units.RESISTANCE and area is None:
        said.append(
            Problem("--area", "is missing, as the resistances are in ohm; write for example --area '0.785 cm2'")
        )
    if "layers" in columns and "thickness" not in columns and layer is None:
        said.append(
            Problem(
                "--layer",
                "is missing, as the table counts layers; write the thickness of one, such as --layer '100 um'",
            )
        )
    return said


def contacts(samples: Samples) -> Contacts:
    """R A = R_s + L/σ at each pressure, and the power law of R_s over pressure.

    Holds as `thickness_series`; contacts whose spots yield go as p^-0.95 (M. G. Cooper, B. B. Mikic, M. M. Yovanovich,
    Int. J. Heat Mass Transfer 12 (1969) 279-300). Limit: samples on lines give these back.
    Errors: InputError where a pressure has fewer than two thicknesses or resistances that do not grow.
    """
    if samples.pressure is None:
        return Contacts(samples, {None: thickness_series(samples.thickness, samples.resistance, 1.0)}, None)
    series: dict[float | None, ThicknessSeries] = {}
    problems = []
    for pressure in np.unique(samples.pressure):
        own = samples.pressure == pressure
        try:
            series[float(pressure)] = thickness_series(samples.thickness[own], samples.resistance[own], 1.0)
        except InputError as error:
            where = units.text(float(pressure), units.PRESSURE, digits=3)
            problems += [Problem(f"at {where}", str(problem)) for problem in error.problems]
    if problems:
        raise InputError(problems)
    positive = [(p, one.contact_resistance) for p, one in series.items() if p and one.contact_resistance > 0.0]
    if len(positive) < LEAST_PRESSURES:
        return Contacts(samples, series, None)
    pressures, resistances = np.array(positive).T
    return Contacts(samples, series, fit_series(pressures, resistances, "power"))


@dataclass(frozen=True)
class Asked:
    """What is known of contacts besides, to say what they are; SI."""

    layer: float | None = None
    conductivity: float | None = None
    """Of a layer alone."""
    spot: float | None = None
    """Radius."""
    film_thickness: float | None = None
    film_conductivity: float | None = None

    def __post_init__(self) -> None:
        if (self.film_thickness is None) != (self.film_conductivity is None):
            raise InputError("a film takes both --film-thickness '10 nm' and --film-conductivity '1e-6 S/cm'")
        if self.conductivity is not None and self.layer is None:
            raise InputError("--conductivity is that of one of several layers; write --layer '100 um' too")


@dataclass(frozen=True)
class Meaning:
    """What a contact resistance could be, each alone."""

    share_of_thinnest: float | None
    """Contacts over the resistance of the thinnest sample."""
    between_layers: float | None
    """Area-specific resistance of one contact between layers, ohm m2."""
    fraction_in_spots: float | None
    """Of each of two equal contacts with perfect conductors that spots touch."""
    fraction_in_film: float | None
    """Of each of two equal contacts that a film of stated thickness covers alone; above one even all of it resists more than was measured."""
    impossible: bool = False
    """Negative beyond its error, where no contacts between layers explain it."""


def meaning(samples: Samples, one: ThicknessSeries, asked: Asked) -> Meaning:
    """Constriction and film, and layers that touch: R_between = l/σ_seen - l/σ, σ of the layer alone.

    Holds for two equal contacts with perfect conductors, as between steel or lithium. A contact resistance that is
    negative beyond its error is neither spots nor a film; it is possible for stacked layers only, the contacts at the ends less one between.
    """
    each = 0.5 * max(one.contact_resistance, 0.0)
    thinnest = float(samples.thickness.min()) / one.conductivity
    between = spots = film = None
    if asked.layer is not None and asked.conductivity is not None:
        between = asked.layer / one.conductivity - asked.layer / asked.conductivity
    if one.negative:
        return Meaning(None, between, None, None, asked.layer is None)
    if asked.spot is not None:
        spots = fraction_in_contact(each, asked.spot, one.conductivity, np.inf)
    if asked.film_thickness is not None and asked.film_conductivity is not None and each > 0.0:
        film = float(film_contact_area(each, asked.film_thickness, asked.film_conductivity))
    return Meaning(2.0 * each / (2.0 * each + thinnest), between, spots, film)
