"""A batch of fitted spectra as the columns of tables, and as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from percolyte import units
from percolyte.errors import counted
from percolyte.impedance.batch import Entry, FileResult, Number
from percolyte.impedance.composite import MISFIT
from percolyte.impedance.conditions import Condition
from percolyte.impedance.estimates import Estimate
from percolyte.impedance.trends import DIMENSIONS, Course
from percolyte.units import ACTIVATION_ENERGY, AREA, AREA_RESISTANCE, CONDUCTIVITY, TEMPERATURE, THICKNESS, Dimension

Columns = dict[str, list[Any]]
MOST_SAID = 12
"""Courses that the console lists."""
MOST_PEAKS = 4
"""Peaks of the relaxation times that have columns, those of the largest resistance first."""
_CONDITIONS: dict[str, Dimension | None] = {"sample": None, **DIMENSIONS, "area": AREA, "thickness": THICKNESS}
_TEXTS = {
    "file", "measured at", "sample", "outcome", "notes", "Kramers-Kronig", "points to look at", "over the cycles", "over", "held",
    "quantity", "law", "fitted",
}  # fmt: skip


def table(rows: Sequence[Mapping[str, Any]]) -> Columns:
    """Rows as columns under every heading that one of them has."""
    headings = list(dict.fromkeys(heading for row in rows for heading in row))
    return {heading: [row.get(heading, "" if heading in _TEXTS else None) for row in rows] for heading in headings}


def batch_columns(entries: Sequence[Entry], results: Sequence[FileResult]) -> Columns:
    """One row a spectrum, and one a file that could not be read; the unit of every number is in its heading."""
    used = [name for name in _CONDITIONS if any(getattr(one.condition, name) is not None for one in entries)]
    unequal = _under_unequal(entries)
    rows = [_row(one, used, compared=one.result.file not in unequal) for one in entries]
    rows += [{"file": one.name, "outcome": "not read", "notes": one.problem} for one in results if one.problem]
    order = list(dict.fromkeys(heading for row in rows for heading in row if heading != "notes"))
    found = table(rows)
    return {heading: found[heading] for heading in (*order, *(["notes"] if "notes" in found else []))}


def _under_unequal(entries: Sequence[Entry]) -> set[str]:
    """Files whose cycles were measured under different conditions, so that a change between them is no drift."""
    seen: dict[str, Condition] = {}
    return {one.result.file for one in entries if seen.setdefault(one.result.file, one.condition) != one.condition}


def _row(one: Entry, conditions: Sequence[str], *, compared: bool) -> dict[str, Any]:
    fitted = one.fitted
    row: dict[str, Any] = {"file": one.result.name, "cycle": fitted.cycle}
    row |= {"measured at": fitted.measured_at} if fitted.measured_at else {}
    row |= condition_columns(one.condition, conditions)
    row |= {"points": fitted.points, "outcome": fitted.outcome}
    for name, number in (*fitted.quantities.items(), *fitted.parameters.items()):
        row |= number_columns(name, number)
    row["residual / %"] = 100.0 * fitted.noise
    row |= _tests(one, compared)
    row["peaks of relaxation times"] = len(fitted.peaks)
    largest = sorted(fitted.peaks, key=lambda peak: -peak.resistance)
    for place, peak in enumerate(largest[:MOST_PEAKS], start=1):
        row |= {
            f"peak {place}, time constant / s": peak.time_constant,
            f"peak {place}, resistance / ohm": peak.resistance,
        }
    return {**row, "notes": "; ".join(fitted.warnings)}


def _tests(one: Entry, compared: bool) -> dict[str, Any]:
    """Kramers and Kronig, and the cycles of the file compared where their conditions are the same."""
    tested, repeated = one.fitted.tested, one.result.repeated
    row: dict[str, Any] = {"Kramers-Kronig": "too few points"}
    if tested is not None:
        row = {"Kramers-Kronig": tested.verdict, "Kramers-Kronig residual / %": 100.0 * tested.residual,
               "points to look at": ", ".join(map(str, tested.outliers)),
               "drift within the spectrum / %": None if tested.drift is None else 100.0 * tested.drift}  # fmt: skip
    if repeated is not None and compared:
        row |= {"over the cycles": repeated.verdict, "change over the cycles / %": 100.0 * repeated.change}
    return row


def condition_columns(condition: Condition, names: Sequence[str]) -> dict[str, Any]:
    """What was stated, in the units that people write."""
    row: dict[str, Any] = {}
    for name in names:
        dimension, value = _CONDITIONS[name], getattr(condition, name)
        if dimension is None:
            row[name] = value or ""
        else:
            unit = _unit(dimension)
            row[f"{name} / {unit}"] = None if value is None else float(units.to(value, unit))
    return row


def _unit(dimension: Dimension) -> str:
    return "degC" if dimension is TEMPERATURE else dimension.unit


def unit_of(unit: str) -> str:
    """The unit that people read behind an SI unit: conductivities are in mS/cm, resistances of interfaces in ohm cm2."""
    return {"S/m": CONDUCTIVITY.unit, "ohm m2": AREA_RESISTANCE.unit, "J/mol": ACTIVATION_ENERGY.unit}.get(
        unit, unit or "1"
    )


def number_columns(name: str, number: Number) -> dict[str, float | None]:
    """Value and both ends of the interval."""
    unit = unit_of(number.unit)
    ends = (("", number.value), (", 2.5 %", number.low), (", 97.5 %", number.high))
    factor = 1.0 if unit == (number.unit or "1") else float(units.to(1.0, unit))
    return {f"{name}{end} / {unit}": None if value is None else value * factor for end, value in ends}


def point_columns(found: Sequence[Course]) -> Columns:
    """Every point of every series: condition, quantity and the law there."""
    rows = []
    for course in found:
        over = course.series.over
        for place, one, number in course.points:
            unit = _unit(DIMENSIONS[over])
            row: dict[str, Any] = {"over": over, "held": course.series.held, f"{over} / {unit}": float(units.to(place, unit)),
                                   "file": one.result.name, "cycle": one.fitted.cycle, "quantity": course.quantity}  # fmt: skip
            row |= number_columns("value", number)
            shown = unit_of(number.unit)
            row |= {f"{law.law} / {shown}": float(units.to(law.at(place), shown)) for law in course.laws}
            rows.append(row)
    return table(rows)


def law_columns(found: Sequence[Course]) -> Columns:
    """Every law of every series with its intervals."""
    rows = []
    for course in found:
        for fit, law in (
            *(("through the values", one) for one in course.laws),
            *(("all spectra at once", one) for one in course.joint),
        ):
            row: dict[str, Any] = {"over": course.series.over, "held": course.series.held, "quantity": course.quantity,
                                   "law": law.law, "fitted": fit, "points": law.points}  # fmt: skip
            row |= number_columns(law.slope.name, _plain(law.slope))
            if law.ideal is not None:
                row |= number_columns("T0", _plain(law.ideal))
            rows.append({**row, "scatter about the law / %": 100.0 * law.scatter, "notes": "; ".join(law.warnings)})
        rows += [
            {
                "over": course.series.over,
                "held": course.series.held,
                "quantity": course.quantity,
                "notes": problem,
            }
            for problem in course.problems
        ]
    return table(rows)


def _plain(one: Estimate) -> Number:
    return Number(one.value, one.low, one.high, one.unit)


def amount_text(results: Sequence[FileResult], entries: Sequence[Entry]) -> str:
    """How many spectra of how many files, and how many files were not read."""
    unread = sum(bool(one.problem) for one in results)
    said = f"{counted(len(entries), 'spectrum', 'spectra')} of {counted(len(results) - unread, 'file')}"
    return f"{said}; {counted(unread, 'more file')} not read" if unread else said


def batch_text(entries: Sequence[Entry], found: Sequence[Course]) -> Iterator[str]:
    """How many fits miss, what the laws of the first series say, and from how many spectra none should be taken unseen."""
    missed = sum(one.fitted.noise > MISFIT for one in entries)
    if missed:
        yield f"{missed} of {len(entries)} fits miss their spectrum by more than {100.0 * MISFIT:.0f} % of |Z|: it is not of this cell"
    for course in found[:MOST_SAID]:
        for text in law_texts(course):
            yield f"{course.quantity.replace('_', ' ')} {course.series.title}: {text}"
    if len(found) > MOST_SAID:
        yield f"and {len(found) - MOST_SAID} more, which page and laws.csv list"
    doubtful = [
        one for one in entries if one.fitted.tested and one.fitted.tested.verdict in ("drifting", "inconsistent")
    ]
    if doubtful:
        yield f"{len(doubtful)} of {len(entries)} spectra break the Kramers-Kronig relations; the table says which"


_LAWS = {
    "arrhenius": "σT = A exp(−E/RT), E",
    "vogel": "σ√T = A exp(−B/R(T − T₀)), B",
    "activated": "R = A exp(E/RT), E",
    "power": "y = A xⁿ, n",
    "exponential": "y = A exp(kx), k",
}


def law_texts(course: Course) -> Iterator[str]:
    """Every law of a course with its slope and interval; a Vogel law without T₀ is the Arrhenius law again."""
    joint = {law.law: law for law in course.joint}
    for law in course.laws or course.joint:
        if law.ideal is not None and law.ideal.value is None:
            continue
        said = f"{_LAWS[law.law]} = {_interval(law.slope)}"
        said += f", T₀ = {_interval(law.ideal)}" if law.ideal is not None else ""
        said += f"; scatter {100.0 * law.scatter:.2g} %, {law.points} points"
        yield said + (f"; all spectra at once: {_interval(joint[law.law].slope)}" if law.law in joint else "")


def _interval(one: Estimate) -> str:
    value, low, high = one.value, one.low, one.high
    if value is None:
        return f"not known ({one.why})"
    if one.unit == "J/mol":
        value, low, high = (float(units.to(end, "eV")) for end in (value, low, high))
    unit = {"J/mol": " eV"}.get(one.unit, f" {one.unit}" if one.unit else "")
    return f"{value:.4g}{unit} (95 %: {low:.4g} to {high:.4g})"
