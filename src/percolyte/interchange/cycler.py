"""Measured charge and discharge data, from the files that cyclers export and from published curves.

One reader for all of them: the line of headings is found, each heading is
split into a quantity and its unit, and what cannot be known from the file is
asked for. Headings are those of the makers' exports: EC-Lab text (.mpt) of
BioLogic, Neware text and CSV, the Battery Data Format (BDF) labels
`Test Time / s`, `Voltage / V`, `Current / A`, and any table, as text or
Parquet, whose headings name their units.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from percolyte.cell.measured import Discharge
from percolyte.cell.model import Cell
from percolyte.design import Measured, Sign
from percolyte.errors import InputError, Problem
from percolyte.files import inside
from percolyte.interchange.table import parquet_as_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

LARGEST = 512 * 1024 * 1024
"""Bytes of the longest file that is read."""
SEARCHED = 1000
"""Lines in which headings are looked for."""
RESTING = 1e-3
"""Share of the largest current below which the cell rests."""
JUMP = 0.2
"""Relative change of the current that starts another discharge."""
STEADY = 0.05
"""Relative spread of the current of a discharge that is called constant."""
FEWEST = 5
"""Points of the shortest discharge."""


@dataclass(frozen=True)
class Record:
    """What a cycler measured; current and charge per area of electrode, SI."""

    time: Any
    """s; not a number where the file has none."""
    voltage: Any
    current: Any
    """A/m2, positive on discharge."""
    charge: Any
    """C/m2 passed since the start, positive on discharge."""
    notes: tuple[str, ...]
    """What was found and decided, such as the convention of the sign."""


# What a heading may be called, lower case without spaces and units; the first found is used
_NAMES: dict[str, tuple[str, ...]] = {
    "time": ("testtime", "totaltime", "time", "elapsedtime", "runtime", "t", "recordtime", "relativetime"),
    "voltage": ("ecell", "ewe-ece", "voltage", "cellvoltage", "ewe", "<ewe>", "u", "e", "v", "potential", "volt"),
    "current": ("<i>", "i", "current", "cur", "currentdensity", "j"),
    "capacity": ("capacity", "charge", "q", "capacitydensity", "arealcapacity", "specificcapacity"),
    "step": ("steptype", "stepname", "state", "status"),
}
_UNITS: dict[str, dict[str, float]] = {
    "time": {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "h": 3600.0, "hr": 3600.0,
             "hours": 3600.0, "ms": 1e-3, "h:min:s.ms": 1.0, "h:m:s": 1.0, "hh:mm:ss": 1.0},
    "voltage": {"v": 1.0, "mv": 1e-3, "volt": 1.0, "volts": 1.0},
    "current": {"a": 1.0, "ma": 1e-3, "ua": 1e-6, "amp": 1.0, "ampere": 1.0},
    "capacity": {"ah": 3600.0, "mah": 3.6, "a.h": 3600.0, "ma.h": 3.6, "uah": 3.6e-3, "c": 1.0, "as": 1.0},
}  # fmt: skip
_PER_AREA = {"/cm2": 1e4, "cm-2": 1e4, ".cm-2": 1e4, "/m2": 1.0, "m-2": 1.0, ".m-2": 1.0}
_PER_MASS = {"/g": 1e3, "g-1": 1e3, ".g-1": 1e3}
_HEADING = re.compile(r"(.+?)\s*(?:[\[(]\s*([^\])]*)\s*[\])]|/\s*(.+)|_(\w+))\s*")


def read_cycler(
    path: str | os.PathLike[str],
    *,
    area: float | None = None,
    sign: Sign | None = None,
    current: float | None = None,
    loading: float | None = None,
) -> Record:
    """Time, voltage, current and charge from a file of a cycler, or of one published discharge.

    `area` in m2 divides currents in amperes; headings in mA/cm2 need none.
    `loading` of active material in kg/m2 multiplies capacities in mAh/g.
    `current` in A/m2 is that of the one discharge in a file without a column for
    it. `sign` says which current is positive where the data cannot: it is
    otherwise the direction in which the voltage falls on discharge, and the notes
    say which was found. Charge is the integral of the current over time, or the
    capacity column where there is no time.

    Errors: InputError for a file without a line of headings with units, for a
    missing voltage, current, or time and capacity, for an area, loading or
    current that is needed, and for a sign that cannot be found.
    """
    source = str(path)
    text = _text(Path(path))
    try:
        return parse_cycler(text, area=area, sign=sign, current=current, loading=loading)
    except InputError as error:
        raise InputError(error.problems, source=source) from None


def _text(path: Path) -> str:
    """The file as text; makers write UTF-8, UTF-16 with a mark, or an 8-bit code page."""
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"is larger than {LARGEST >> 20} MiB; export fewer columns or cycles", source=str(path))
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(path)) from None
    if path.suffix == ".parquet":
        return parquet_as_text(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data[:4096]:
        raise InputError("is a binary file; export it as text (.mpt, .txt or .csv)", source=str(path))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def parse_cycler(
    text: str,
    *,
    area: float | None = None,
    sign: Sign | None = None,
    current: float | None = None,
    loading: float | None = None,
) -> Record:
    """The same from the text of a file; see `read_cycler`."""
    for name, value in (("electrode area", area), ("loading", loading), ("current density", current)):
        if value is not None and not (np.isfinite(value) and value > 0.0):
            raise InputError(f"the {name} is {value}; it is a positive number in SI units")
    lines = text.splitlines()
    row, delimiter, columns = _headings(lines, needs_current=current is None)
    notes = [_kind(lines, row, delimiter)]
    table = _table(lines[row + 1 :], delimiter, columns)
    voltage = table["voltage"]
    time = _continuous(table["time"], notes) if "time" in columns else np.full(voltage.size, np.nan)
    if current is not None:
        drawn = np.full(voltage.size, current)
    else:
        drawn = _areal(table["current"], columns["current"], area, loading)
        drawn = _signed(drawn, voltage, table.get("step"), sign, notes)
    if "time" in columns:
        charge = np.concatenate([[0.0], np.cumsum(0.5 * (drawn[1:] + drawn[:-1]) * np.diff(time))])
        notes.append("charge is the integral of the current over time")
    else:
        charge = _from_capacity(_areal(table["capacity"], columns["capacity"], area, loading), drawn)
        notes.append("charge is the capacity column of the file")
    return Record(time, voltage, drawn, charge, tuple(notes))


@dataclass(frozen=True)
class _Column:
    """Where a quantity stands, and the factor from its unit to SI."""

    index: int
    heading: str
    factor: float
    per: Literal["cell", "area", "mass"] = "cell"


def _headings(lines: list[str], *, needs_current: bool) -> tuple[int, str, dict[str, _Column]]:
    """The line of headings, what divides it, and the columns that are used."""
    needed = {"voltage", "current"} if needs_current else {"voltage"}
    best: tuple[int, str, dict[str, _Column], list[Problem]] | None = None
    for row, line in enumerate(lines[:SEARCHED]):
        for delimiter in ("\t", ";", ","):
            words = line.split(delimiter)
            if len(words) < 2:
                continue
            columns, problems = _columns(words)
            if needed <= columns.keys() and ("time" in columns or "capacity" in columns):
                return row, delimiter, columns
            if best is None or len(columns) + len(problems) > len(best[2]) + len(best[3]):
                best = (row, delimiter, columns, problems)
    if best is None or not (best[2] or best[3]):
        raise InputError(
            "has no line of headings; the first line should be such as 'Test Time / s,Voltage / V,Current / A'"
        )
    row, _, columns, problems = best
    missing = sorted(needed - columns.keys(), reverse=True)
    missing += [] if "time" in columns or "capacity" in columns else ["time or capacity"]
    unnamed = [problem for problem in problems if problem.where]
    raise InputError(
        [
            Problem(
                f"line {row + 1}",
                f"has no column for {', '.join(missing)} with a known unit: {lines[row].strip()[:120]!r}{_STATED * (missing == ['current'])}",
            ),
            *unnamed,
        ]
    )


def _columns(words: list[str]) -> tuple[dict[str, _Column], list[Problem]]:
    """The quantities among the headings; problems name headings without a usable unit."""
    found: dict[str, tuple[int, _Column]] = {}
    problems = []
    for index, word in enumerate(words):
        heading = word.strip().strip('"').replace("\N{GREEK SMALL LETTER MU}", "u").replace("\N{MICRO SIGN}", "u")
        match = _HEADING.fullmatch(heading)
        name = re.sub(r"[\s_]", "", match[1] if match else heading).lower()
        unit = re.sub(r"[\s*·]", "", next((part for part in match.groups()[1:] if part), "") if match else "").lower()
        quantity = next((key for key, names in _NAMES.items() if name in names), None)
        if quantity is None:
            continue
        rank = _NAMES[quantity].index(name)
        if quantity == "step":
            column: _Column | None = _Column(index, heading, 1.0)
        else:
            column = _column(index, heading, quantity, unit.replace("²", "2").replace("^", ""))
        if column is None:
            problems.append(Problem(f"column {heading!r}", f"names no unit of {quantity} that is known; write for example {_EXAMPLES[quantity]!r}"))  # fmt: skip
        elif quantity not in found or rank < found[quantity][0]:
            found[quantity] = (rank, column)
    return {name: column for name, (_, column) in found.items()}, problems


_STATED = "; the current of one discharge may be stated beside its file instead"
_EXAMPLES = {
    "time": "Test Time / s",
    "voltage": "Voltage / V",
    "current": "Current / A",
    "capacity": "Capacity / Ah",
}


def _column(index: int, heading: str, quantity: str, unit: str) -> _Column | None:
    if unit in _UNITS[quantity]:
        return _Column(index, heading, _UNITS[quantity][unit])
    per: Literal["area", "mass"]
    for per, endings in (("area", _PER_AREA), ("mass", _PER_MASS)):
        for ending, factor in endings.items():
            inner = unit.removesuffix(ending)
            if inner != unit and inner in _UNITS[quantity] and quantity in ("current", "capacity"):
                return _Column(index, heading, _UNITS[quantity][inner] * factor, per)
    return None


def _kind(lines: list[str], row: int, delimiter: str) -> str:
    if lines[0].strip().startswith(("EC-Lab ASCII FILE", "BT-Lab ASCII FILE")):
        return "BioLogic EC-Lab text"
    line = lines[row].lower()
    if "test time / s" in line and "voltage / v" in line:
        return "Battery Data Format"
    if any(word in line for word in ("dchg. cap", "step type", "time(h:min:s.ms)", "record index")):
        return "Neware text"
    return f"table divided by {'tabs' if delimiter == chr(9) else repr(delimiter)}"


def _table(lines: list[str], delimiter: str, columns: dict[str, _Column]) -> dict[str, Any]:
    """The columns as arrays; lines that are no data at the end of a file are left out."""
    wanted = list(columns.items())
    last = max(column.index for _, column in wanted)
    rows: dict[str, list[Any]] = {name: [] for name, _ in wanted}
    bad: list[str] = []
    for line in lines:
        words = [word.strip().strip('"') for word in line.split(delimiter)]
        if len(words) <= last:
            bad += [line] if line.strip() else []
            continue
        try:
            values = [
                words[c.index] if name == "step" else _value(words[c.index], delimiter) * c.factor for name, c in wanted
            ]
        except ValueError:
            bad.append(line)
            continue
        for (name, _), value in zip(wanted, values, strict=True):
            rows[name].append(value)
    count = len(rows["voltage"])
    if count < FEWEST or len(bad) > count:
        shown = f"; the first other line is {bad[0].strip()[:80]!r}" if bad else ""
        raise InputError(f"has {count} lines of numbers below its headings{shown}")
    return {name: np.array(values) for name, values in rows.items()}


def _value(word: str, delimiter: str) -> float:
    """A number, with a decimal comma where commas do not divide, or a clock time in s."""
    if delimiter != ",":
        word = word.replace(",", ".")
    if ":" in word:
        parts = [float(part) for part in word.split(":")]
        if len(parts) > 3:
            raise ValueError(word)
        total = 0.0
        for part in parts:
            total = 60.0 * total + part
        return total
    value = float(word)
    if not np.isfinite(value):
        raise ValueError(word)
    return value


def _areal(values: Floats, column: _Column, area: float | None, loading: float | None) -> Floats:
    """A current or capacity per area of electrode, from what the file has it per."""
    if column.per == "mass":
        if loading is None:
            raise InputError(f"column {column.heading!r} is per mass; give the loading of active material")
        return values * loading
    if column.per == "area":
        return values
    if area is None:
        raise InputError(f"column {column.heading!r} is of the whole cell; give the area of the electrode")
    return values / area


def _continuous(time: Any, notes: list[str]) -> Floats:
    """Time that starts anew with every step, as one."""
    falls = np.diff(time) < 0.0
    if not falls.any():
        return np.asarray(time - time[0], dtype=float)
    notes.append(f"the time starts anew {int(falls.sum())} times; the pieces are put one after the other")
    return np.asarray(np.concatenate([[0.0], np.cumsum(np.where(falls, 0.0, np.diff(time)))]), dtype=float)


def _signed(current: Floats, voltage: Floats, step: Any, sign: Sign | None, notes: list[str]) -> Floats:
    """Current that is positive on discharge, and a note on how that was known."""
    if step is not None and not (current < 0.0).any():
        words = np.char.lower(step.astype(str))
        out = np.char.find(words, "dis") >= 0
        out |= np.char.find(words, "dchg") >= 0
        if out.any() and not out.all():
            notes.append("the current has no sign; the type of step says which rows are discharge")
            return np.asarray(np.where(out, current, -current), dtype=float)
    if sign is None:
        sign = _sign_of(current, voltage)
        notes.append(f"sign of the current: {sign}, because the voltage falls on discharge")
    else:
        notes.append(f"sign of the current: {sign}, as given")
    return current if sign == "discharge positive" else -current


def _sign_of(current: Floats, voltage: Floats) -> Sign:
    """Which sign lets the voltage fall: the sum of the changes within the runs of one sign."""
    moved = {1: 0.0, -1: 0.0}
    range_of = {1: 0.0, -1: 0.0}
    for first, last in _runs(current):
        side = 1 if current[first] > 0.0 else -1
        moved[side] += float(voltage[last - 1] - voltage[first])
        range_of[side] += float(np.ptp(voltage[first:last]))
    balance = moved[1] - moved[-1]
    # a column without sign shows as voltage that both rises and falls under one sign
    mixed = any(abs(moved[side]) < 0.5 * range_of[side] for side in (1, -1))
    if balance == 0.0 or mixed or moved[1] * moved[-1] > 0.0:
        raise InputError(
            "the voltage does not tell which current discharges; say sign 'charge positive' or 'discharge positive'"
        )
    return "charge positive" if balance > 0.0 else "discharge positive"


def _runs(current: Floats) -> list[tuple[int, int]]:
    """First and past-last rows of each stretch of one sign, apart from rest, without a jump."""
    size = np.abs(current)
    floor = RESTING * float(size.max()) if size.size else 0.0
    kind = np.where(size <= floor, 0, np.sign(current)).astype(int)
    jump = np.abs(np.diff(size)) > JUMP * np.maximum(size[:-1], size[1:])
    cuts = np.flatnonzero((np.diff(kind) != 0) | jump) + 1
    edges = [0, *cuts.tolist(), current.size]
    return [(a, b) for a, b in pairwise(edges) if kind[a] != 0 and b - a >= 2]


def _from_capacity(capacity: Floats, current: Floats) -> Floats:
    """Charge from a column that counts up within each step, or over the whole test."""
    change = np.diff(capacity)
    # a fall back to zero is the start of the next step
    change = np.where((change < 0.0) & (capacity[1:] <= 0.5 * capacity[:-1]), 0.0, np.abs(change))
    return np.concatenate([[0.0], np.cumsum(change * np.sign(current[1:]))])


def discharges(record: Record) -> tuple[tuple[Discharge, ...], tuple[str, ...]]:
    """The constant-current discharges of a record, each from zero charge, and notes on what was left out.

    A discharge is a stretch of positive current without rest or jump. The fit
    takes each to start at rest and charged; whether it did is not checked here.
    """
    found: list[Discharge] = []
    left = {"shorter than five points": 0, "not at constant current": 0}
    for first, last in _runs(record.current):
        if record.current[first] < 0.0:
            continue
        current = record.current[first:last]
        middle = float(np.median(current))
        low, high = np.percentile(current, [5, 95])
        if last - first < FEWEST:
            left["shorter than five points"] += 1
        elif high - low > STEADY * middle:
            left["not at constant current"] += 1
        else:
            charge = record.charge[first:last] - record.charge[first]
            found.append(Discharge(middle, charge, record.voltage[first:last], f"discharge {len(found) + 1}"))
    if not found:
        raise InputError("there is no discharge at constant current in the data")
    return tuple(found), tuple(f"{count} discharges left out: {why}" for why, count in left.items() if count)


def measured_discharges(
    data: Sequence[tuple[Path, Measured]], cell: Cell, *, source: str = ""
) -> tuple[tuple[Discharge, ...], tuple[str, ...]]:
    """The discharges of every file, each file in its folder, and notes on what was found and left out.

    C-rates are those of `cell`, and capacities in mAh/g count by its loading.

    Errors: InputError with the problems of all files.
    """
    found: list[Discharge] = []
    notes: list[str] = []
    problems: list[Problem] = []
    for folder, measured in data:
        try:
            curves, more = _discharges_in(folder, measured, cell)
        except InputError as error:
            problems += [Problem(measured.file, str(problem)) for problem in error.problems]
        else:
            alone = len(curves) == 1
            found += [replace(one, label=measured.file if alone else f"{measured.file}, {one.label}") for one in curves]
            notes += [f"{measured.file}: {note}" for note in more]
    if problems:
        raise InputError(problems, source=source)
    return tuple(found), tuple(notes)


def _discharges_in(folder: Path, measured: Measured, cell: Cell) -> tuple[tuple[Discharge, ...], tuple[str, ...]]:
    current = measured.current if measured.c_rate is None else measured.c_rate * cell.one_c
    path = inside(folder, measured.file)
    record = read_cycler(path, area=measured.area, sign=measured.sign, current=current, loading=cell.loading)
    found, left = discharges(record)
    return found, (*record.notes, *left)
