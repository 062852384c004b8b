"""Consistency of published cells: which rows of a table contradict themselves?

A table has one cell a row and names its columns with units, such as
`loading_mg_cm2`; columns that the table itself derived are left alone. Four
rules, each from conservation of mass, charge or energy.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from percolyte import units
from percolyte.errors import InputError, UnitError
from percolyte.files import read_text
from percolyte.materials.library import Library
from percolyte.units import Dimension, text

Severity = Literal["impossible", "contradiction", "doubtful"]

COLUMNS: dict[str, tuple[str, ...]] = {
    "material": ("cathode_material", "material", "cam", "cathode_active_material"),
    "loading": ("loading", "mass_loading", "am_loading", "cathode_loading"),
    "capacity": ("initial_capacity", "capacity", "specific_capacity", "discharge_capacity", "cam_capacity"),
    "areal_capacity": ("areal_capacity_stated", "areal_capacity"),
    "thickness": ("electrode_thickness", "cathode_thickness", "thickness"),
    "specific_energy": ("energy", "specific_energy"),
    "energy_density": ("energy", "energy_density"),
    "voltage": ("cell_voltage", "voltage"),
}
"""What each quantity is called at the head of a column, before its unit."""

_DIMENSIONS: dict[str, Dimension] = {
    "loading": units.LOADING,
    "capacity": units.SPECIFIC_CAPACITY,
    "areal_capacity": units.AREAL_CAPACITY,
    "thickness": units.LENGTH,
    "specific_energy": units.SPECIFIC_ENERGY,
    "energy_density": units.ENERGY_DENSITY,
    "voltage": units.VOLTAGE,
}
_UNITS = {
    "um": "um", "mm": "mm", "cm": "cm", "mg_cm2": "mg/cm2", "g_cm2": "g/cm2", "g_m2": "g/m2", "mAh_g": "mAh/g", "Ah_kg": "Ah/kg",
    "mAh_cm2": "mAh/cm2", "Ah_m2": "Ah/m2", "Wh_kg": "Wh/kg", "Wh_L": "Wh/L", "V": "V",
}  # fmt: skip
"""Endings of column names and the unit that each means."""

ROUNDING = 0.05
"""Relative difference that rounding in print may cause: half a digit of two."""
DENSE_SHARE = 0.95
"""Share of active material by weight beyond which no pressed composite conducts ions."""
LIGHT, HEAVY = 800.0, 4000.0
"""Mean density in kg/m3 outside which Wh/L and Wh/kg cannot describe one cell."""


@dataclass(frozen=True)
class Finding:
    """One row that contradicts itself, and how."""

    row: str
    severity: Severity
    rule: str
    message: str


@dataclass(frozen=True)
class _Cell:
    """The numbers of one row in SI; absent ones are missing."""

    name: str
    material: str
    numbers: dict[str, tuple[float, float, str]]
    """Low end, high end, qualifier."""

    def value(self, quantity: str) -> float | None:
        found = self.numbers.get(quantity)
        return None if found is None else found[0]


@dataclass(frozen=True)
class Checked:
    """What was found in a table, and how much of it could be checked."""

    findings: tuple[Finding, ...]
    rows: int
    checkable: int
    """Rows with enough numbers for some rule."""
    columns: dict[str, str]
    """Quantity -> column that it was read from."""
    unread: tuple[str, ...]
    """Entries of these columns that are no number, with their row."""


def check_literature(path: str | os.PathLike[str], library: Library | None = None) -> Checked:
    """Check every row of a CSV table of published cells.

    Errors: InputError if the file is no table, or has no column that is known.
    """
    content = read_text(path)
    reader = csv.DictReader(io.StringIO(content), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        raise InputError(f"is not a CSV table: {error}", source=str(path)) from None
    columns = _find_columns(list(reader.fieldnames or ()))
    if not columns.keys() - {"material"}:
        known = "loading_mg_cm2, initial_capacity_mAh_g, areal_capacity_stated_mAh_cm2, electrode_thickness_um, energy_Wh_kg, energy_Wh_L"
        raise InputError(f"has no column that can be checked; name its columns for example {known}", source=str(path))
    library = library or Library()
    cells = [_read_row(row, columns, number) for number, row in enumerate(rows, start=2)]
    findings = [finding for cell in cells for finding in _check(cell, library)]
    return Checked(
        findings=tuple(findings),
        rows=len(rows),
        checkable=sum(_checkable(cell) for cell in cells),
        columns={quantity: column for quantity, (column, _) in columns.items()},
        unread=tuple(_unread(rows, columns)),
    )


def _unread(rows: list[dict[str, str]], columns: dict[str, tuple[str, str]]) -> Iterator[str]:
    """Text where a number belongs."""
    for number, row in enumerate(rows, start=2):
        for quantity, (column, unit) in columns.items():
            entry = (row.get(column) or "").strip()
            if quantity != "material" and entry and _number(entry, unit) is None:
                yield f"line {number}, {column}: {entry[:30]!r}"


def _checkable(cell: _Cell) -> bool:
    """Whether a row has the numbers that some rule needs."""
    given = cell.numbers.keys()
    needs = (
        {"loading", "capacity", "areal_capacity"},
        {"loading", "thickness"},
        {"specific_energy", "loading", "areal_capacity"},
        {"specific_energy", "loading", "capacity"},
        {"specific_energy", "energy_density"},
    )
    return any(need <= given for need in needs)


def _find_columns(names: list[str]) -> dict[str, tuple[str, str]]:
    """Quantity -> (column, unit)."""
    found: dict[str, tuple[str, str]] = {}
    for quantity, stems in COLUMNS.items():
        for stem in stems:
            for name in names:
                if quantity == "material" and name.casefold() == stem:
                    found.setdefault(quantity, (name, ""))
                unit = _UNITS.get(name[len(stem) + 1 :]) if name.casefold().startswith(stem + "_") else None
                if unit and quantity in _DIMENSIONS and _fits(unit, _DIMENSIONS[quantity]):
                    found.setdefault(quantity, (name, unit))
    return found


def _fits(unit: str, dimension: Dimension) -> bool:
    try:
        units.parse(f"1 {unit}", dimension.unbounded)
    except UnitError:
        return False
    return True


def _read_row(row: dict[str, str], columns: dict[str, tuple[str, str]], number: int) -> _Cell:
    numbers: dict[str, tuple[float, float, str]] = {}
    for quantity, (column, unit) in columns.items():
        if quantity == "material":
            continue
        low = _number(row.get(column), unit)
        if low is None:
            continue
        stem = column[: -len(unit.replace("/", "_")) - 1]
        high = _number(row.get(f"{stem}_max_{unit.replace('/', '_')}"), unit)
        qualifier = (
            row.get(f"{re.sub('_stated$', '', stem)}_qualifier")
            or row.get(f"{stem.rsplit('_', 1)[-1]}_qualifier")
            or ""
        )
        numbers[quantity] = (low, low if high is None else high, qualifier.strip())
    name = row.get("row_id") or f"line {number}"
    material = (row.get(columns["material"][0]) or "").strip() if "material" in columns else ""
    return _Cell(name.strip(), material, numbers)


def _number(raw: str | None, unit: str) -> float | None:
    try:
        value = float(raw) if raw and raw.strip() else None
    except ValueError:
        return None
    return None if value is None or not 0.0 < value < 1e12 else float(units.si(value, unit))


def _check(cell: _Cell, library: Library) -> Iterator[Finding]:
    yield from _charge(cell)
    yield from _density(cell, library)
    yield from _mass(cell)
    yield from _mean_density(cell)


def _charge(cell: _Cell) -> Iterator[Finding]:
    """Loading × capacity = areal capacity."""
    loading, capacity, stated = (cell.numbers.get(name) for name in ("loading", "capacity", "areal_capacity"))
    if loading is None or capacity is None or stated is None:
        return
    low, high = loading[0] * capacity[0], loading[1] * capacity[1]
    too_small = high < stated[0] * (1 - ROUNDING)
    too_large = low > stated[1] * (1 + ROUNDING) and stated[2] not in (">", ">=")
    if too_small or too_large:
        said = f"{stated[2]} {_say(stated[0], units.AREAL_CAPACITY)}".strip()
        yield Finding(
            cell.name,
            "contradiction",
            "loading × capacity = areal capacity",
            f"{_say(loading[0], units.LOADING)} × {_say(capacity[0], units.SPECIFIC_CAPACITY)} is "
            f"{_say(low, units.AREAL_CAPACITY)}, but {said} is stated",
        )


def _density(cell: _Cell, library: Library) -> Iterator[Finding]:
    """Active material per electrode volume stays below that of a pore-free composite."""
    loading, thickness = cell.value("loading"), cell.value("thickness")
    if loading is None or thickness is None:
        return
    crystal = _crystal_density(cell.material, library)
    density = loading / thickness
    if crystal is None:
        return
    electrolyte = library.material("Li6PS5Cl").need("density").number
    most = DENSE_SHARE / (DENSE_SHARE / crystal + (1.0 - DENSE_SHARE) / electrolyte)
    shown = f"{_say(loading, units.LOADING)} in {_say(thickness, units.THICKNESS)} is {_say(density, units.DENSITY)} of {cell.material}"
    if density > most:
        yield Finding(
            cell.name,
            "impossible",
            "density below pore-free",
            f"{shown}; a pore-free composite with {100 * DENSE_SHARE:g} wt% of it holds {_say(most, units.DENSITY)}",
        )
    elif density < 0.05 * crystal:
        yield Finding(
            cell.name,
            "doubtful",
            "density below pore-free",
            f"{shown}, {100 * density / crystal:.2g} % of the crystal's {_say(crystal, units.DENSITY)}: "
            "the thickness may be that of a scaffold or of the whole cell",
        )


def _crystal_density(material: str, library: Library) -> float | None:
    """Of the active material, where the library knows it by this name."""
    name = re.sub(r"^(SC|PC|c)-", "", material.split("(")[0].strip())
    try:
        datum = library.material(name).default("density")
    except InputError:
        return None
    return None if datum is None else datum.number


def _mass(cell: _Cell) -> Iterator[Finding]:
    """Wh/kg implies a mass per area that is more than the active material's."""
    energy, areal, loading = cell.value("specific_energy"), cell.value("areal_capacity"), cell.value("loading")
    capacity = cell.value("capacity")
    if areal is None and loading is not None and capacity is not None:
        areal = loading * capacity
    if energy is None or areal is None or loading is None:
        return
    voltage = cell.value("voltage") or 4.0
    implied = areal * voltage / energy
    if implied < loading:
        yield Finding(
            cell.name,
            "impossible",
            "Wh/kg and implied mass",
            f"{_say(energy, units.SPECIFIC_ENERGY)} with {_say(areal, units.AREAL_CAPACITY)} at {voltage:g} V implies "
            f"{_say(implied, units.LOADING)} of cell, less than its {_say(loading, units.LOADING)} of active material",
        )


def _mean_density(cell: _Cell) -> Iterator[Finding]:
    """Wh/L ÷ Wh/kg is the mean density of the cell."""
    mass, volume = cell.value("specific_energy"), cell.value("energy_density")
    if mass is None or volume is None:
        return
    density = volume / mass
    if not LIGHT <= density <= HEAVY:
        yield Finding(
            cell.name,
            "impossible",
            "Wh/L ÷ Wh/kg = density",
            f"{_say(volume, units.ENERGY_DENSITY)} and {_say(mass, units.SPECIFIC_ENERGY)} imply a mean density of "
            f"{_say(density, units.DENSITY)}; cells have 1.8 to 3.7 g/cm3",
        )


def _say(value: float, dimension: Dimension) -> str:
    return text(value, dimension, digits=3)
