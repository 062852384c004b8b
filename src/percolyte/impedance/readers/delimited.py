"""Tables in rows of words: found by their headings, whatever stands above and below them.

This reads every export that is a table in text (CSV, CH Instruments, Parstat,
PowerSuite) and, given rows of words, the tables of other formats.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from percolyte import units
from percolyte.errors import InputError, Problem, UnitError
from percolyte.impedance.readers.contents import Contents, Table, number
from percolyte.impedance.readers.headings import MOST, RUN, Quantity, locate, of_a_run, with_units
from percolyte.impedance.readers.spectra import EXAMPLE, RUN_EXAMPLE

SEARCHED = 1000
"""Rows in which the first headings are looked for."""
MOST_TABLES = 1000
_DIVISIONS = ("\t", ";", ",", " ")
_STATED = re.compile(r"[#;\"\s]*((?:electrode |cell |sample )?area|thickness|temperature|date)\b\s*(?:[(\[](.*?)[)\]])?\s*[:=,;\t]\s*([^;,\t\"]+)", re.I)  # fmt: skip
Rows = Sequence[Sequence[str]]


def recognises(contents: Contents) -> bool:
    """Any text: the last resort."""
    return contents.is_text


def tables(contents: Contents) -> list[Table]:
    """Every table of a text; without headings, three columns of numbers are frequency, real and imaginary part."""
    rows = divided(contents.lines)
    found = list(tables_in(rows, _maker(contents.text[:2000]), 1))
    if not found:
        if problems := _incomplete_run(contents.lines):
            raise InputError(problems)
        found = [_without_headings(rows)]
    around = _stated(contents.lines[:SEARCHED])
    return [replace(table, **around) for table in found]


def divided(lines: Sequence[str]) -> Rows:
    """Lines as rows of words, divided by what makes headings or numbers of most of them."""
    ranked = []
    for division in _DIVISIONS:
        head = [_words(line, division) for line in lines[:SEARCHED]]
        shares = [_share(row) if len(row) > 1 else 0.0 for row in head]
        headings = (locate(row) for row, share in zip(head, shares, strict=True) if len(row) > 1 and share < 0.5)
        used = max((len(found.columns) for found in headings if found.is_spectrum or found.is_polarisation), default=0)
        numeric = sum(len(row) > 2 and share == 1.0 for row, share in zip(head, shares, strict=True))
        ranked.append((used, numeric, -_DIVISIONS.index(division)))
    division = _DIVISIONS[-max(ranked)[2]]
    return [_words(line, division) for line in lines]


def _words(line: str, division: str) -> list[str]:
    if division == " ":
        return line.split()
    if '"' in line:
        try:
            return [word.strip() for word in next(csv.reader([line], delimiter=division, skipinitialspace=True))]
        except (csv.Error, StopIteration):
            return []
    words = [word.strip() for word in line.split(division)]
    return words[:-1] if words and not words[-1] else words


def tables_in(rows: Rows, source_format: str, line: int | None = None) -> Iterator[Table]:
    """The tables below headings of a spectrum or of a polarisation run; the first row is this line of the file, if any."""
    start, count = 0, 0
    while start < len(rows) and count < MOST_TABLES:
        place = _next_headings(rows, start)
        if place is None:
            return
        row, headings, first = place
        table, start = _table(rows, row, headings, first, line)
        count += 1
        if table is not None:
            yield replace(table, source_format=source_format)


def _next_headings(rows: Rows, start: int) -> tuple[int, list[str], int] | None:
    """Row of the next headings, the headings with units, and the row of the first numbers."""
    for row in range(start, min(len(rows), start + SEARCHED)):
        if len(rows[row]) < 2 or len(rows[row]) > MOST:
            continue
        headings = list(rows[row])
        joined = with_units(headings, rows[row + 1]) if row + 1 < len(rows) and _share(rows[row + 1]) < 0.5 else None
        for names, below in ((joined, 2), (headings, 1)):
            if names is not None:
                located = locate(names)
                if located.is_spectrum or located.is_polarisation or _nearly(names):
                    return row, names, row + below
    return None


def _nearly(headings: Sequence[str]) -> bool:
    """Whether these would be the headings of a spectrum if their units were known."""
    located = locate(headings)
    found = located.columns.keys() | {unknown.quantity for unknown in located.unknown.values()}
    return bool(located.unknown) and {"frequency", "real", "imaginary"} <= found


NO_NUMBERS = {"nan", "-nan", "inf", "-inf", "+inf", "n/a", "#n/a", "na", "null", "none"}
"""What programs write where a number is missing: a row of them is one of the table, and no end of it."""


def _share(row: Sequence[str]) -> float:
    """Share of the words that are numbers."""
    words = [word for word in row[:MOST] if word]
    return sum(number(word) == number(word) for word in words) / len(words) if words else 0.0


def _table(rows: Rows, row: int, headings: list[str], first: int, line: int | None) -> tuple[Table | None, int]:
    """The rows of numbers below headings, and the row after them."""
    names = _different(headings)
    said, before = ("row", 1) if line is None else ("line", line)
    places: list[int] = []
    values: list[list[float]] = []
    notes: list[str] = []
    end = first
    while end < len(rows):
        words = rows[end]
        if any(words):
            if _share(words) < 0.5 and not all(word.lower() in NO_NUMBERS for word in words if word):
                break
            if len(words) > len(names):
                raise InputError([Problem(f"{said} {end + before}", f"has {len(words)} values below {len(names)} headings; divide columns by tabs or semicolons where numbers have decimal commas")])  # fmt: skip
            places.append(end + before)
            values.append([number(word) for word in words] + [np.nan] * (len(names) - len(words)))
        end += 1
    if end < len(rows) and not locate(rows[end]).columns:
        notes.append(f"{said} {end + before} ends the table: {' '.join(rows[end])[:60]!r}")
    if not values:
        return None, max(end, row + 1)
    columns = dict(zip(names, np.array(values).T, strict=True))
    lines = () if line is None else tuple(places)
    return Table(columns, "", notes=tuple(notes), lines=lines), max(end, row + 1)


def _different(headings: Sequence[str]) -> list[str]:
    """Headings as keys: the second of two equal ones gets a number, and is not used."""
    seen: dict[str, int] = {}
    names = []
    for heading in headings:
        seen[heading] = seen.get(heading, 0) + 1
        names.append(heading if seen[heading] == 1 else f"{heading} #{seen[heading]}")
    return names


def _incomplete_run(lines: Sequence[str]) -> list[Problem]:
    """What is missing in the first headings that would be those of a run of direct current."""
    for line, below in pairwise(line for line in lines[:SEARCHED] if line.strip()):
        for division in _DIVISIONS:
            headings = _words(line, division)
            named = of_a_run(headings) if _share(headings) < 0.5 <= _share(_words(below, division)) else {}
            if "time" in named and len(named) > 1:
                return _missing_in(named)
    return []


def _missing_in(named: Mapping[Quantity, tuple[str, bool]]) -> list[Problem]:
    """Columns of a run that are not there, and those without a unit."""
    there = " and ".join(name for name in RUN if name in named)
    absent = [name for name in RUN if name not in named]
    unitless = [(name, heading) for name, (heading, known) in named.items() if not known]
    return [
        *(Problem("", f"has {there} and no column of {name}; a run starts with headings such as {RUN_EXAMPLE!r}") for name in absent),
        *(Problem(f"column {heading!r}", f"names no unit of {name} that is known; write for example '{name} / {RUN[name]}'") for name, heading in unitless),
    ]  # fmt: skip


def _without_headings(rows: Rows) -> Table:
    """Rows of three numbers."""
    filled = [row for row in rows if any(row)]
    values = [[number(word) for word in row[:3]] for row in filled if len(row) >= 3]
    if len(values) != len(filled) or not values or not np.isfinite(values).all():
        raise InputError(
            f"holds no spectrum that can be recognised, and no run of direct current; a table starts with headings such as {EXAMPLE!r}, "
            f"or {RUN_EXAMPLE!r}"
        )
    columns = dict(zip(("freq", "Re(Z)", "Im(Z)"), np.array(values).T, strict=True))
    note = "there are no headings; the columns are taken as frequency, real and imaginary part"
    return Table(columns, "table without headings", notes=(note,))


def _maker(head: str) -> str:
    if "Instrument Model:" in head and "CHI" in head:
        return "CH Instruments text"
    if "Zre (ohms)" in head and "Elapsed Time (s)" in head:
        return "Parstat text"
    if re.match(r"\W*Frequency\t\s*Zre\t\s*Zimg", head):
        return "PowerSuite text"
    if "Real Impedance / ohm" in head:
        return "Battery Data Format"
    return "table"


def _stated(lines: Sequence[str]) -> dict[str, Any]:
    """Area, thickness, temperature and date from lines such as `# area: 0.785 cm2`."""
    kinds = {"area": units.AREA, "thickness": units.LENGTH, "temperature": units.TEMPERATURE}
    found: dict[str, Any] = {}
    problems = []
    for row, line in enumerate(lines, start=1):
        match = _STATED.match(line[:200])
        if match is None:
            continue
        name = match[1].lower().split()[-1]
        if name == "date":
            found.setdefault("measured_at", match[3].strip())
            continue
        value = f"{match[3].strip()} {match[2] or ''}".strip()
        if not value[:1].isdigit():
            continue
        try:
            found.setdefault(name, units.parse(value, kinds[name]))
        except UnitError as error:
            problems.append(Problem(f"line {row}, {name}", str(error)))
    if problems:
        raise InputError(problems)
    return found
