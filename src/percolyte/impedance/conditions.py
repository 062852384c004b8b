"""Under what each spectrum of a batch was measured, from a table that a person keeps.

One row a file, or one a cycle of a file; the first column that is needed is `file`. Units stand in the headings
(`temperature / degC`), or behind each entry. What a row leaves empty is as the options or the file say.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from percolyte.errors import InputError, Problem, suggestion
from percolyte.files import pointed, read_rows
from percolyte.impedance.cells import MeasuredCell
from percolyte.impedance.readers.headings import divisions
from percolyte.impedance.readers.reading import read_spectra
from percolyte.nouns import Noun, read_noun, replace
from percolyte.units import Area, Fraction, Pressure, Temperature, Thickness

SERIES = ("temperature", "pressure", "state_of_charge", "composition")
"""What a series may be over."""
EXAMPLE = "file,cycle,temperature / degC,pressure / MPa"
NAMED = 12
"""Files of a long list that a message names."""


class Condition(Noun):
    """What is known of one spectrum; None where nothing is said."""

    temperature: Temperature | None = None
    pressure: Pressure | None = None
    state_of_charge: Fraction | None = None
    composition: Fraction | None = None
    """Share of one component, of which the unit (wt%, vol%, mol%) is the table's own affair."""
    sample: Annotated[str, Field(max_length=200)] | None = None
    """Spectra of one sample make a series of their own."""
    area: Area | None = None
    thickness: Thickness | None = None
    """Of the layer measured."""

    def of_cell(self, cell: MeasuredCell) -> MeasuredCell:
        """The cell with the area and thickness stated here."""
        changes: dict[str, Any] = {} if self.area is None else {"area": self.area}
        if self.thickness is not None and cell.thickness is None:
            assert cell.electrolyte is not None
            changes["electrolyte"] = replace(cell.electrolyte, thickness=self.thickness)
        elif self.thickness is not None:
            changes["thickness"] = self.thickness
        return replace(cell, **changes) if changes else cell


@dataclass(frozen=True)
class Conditions:
    """Of every file by its name, and of single cycles."""

    of_files: Mapping[str, Condition] = field(default_factory=dict)
    of_cycles: Mapping[tuple[str, int], Condition] = field(default_factory=dict)
    source: str = ""

    def of(self, file: str, cycle: int) -> Condition:
        """What is said of one cycle: its own row, and for the rest that of its file."""
        own, common = self.of_cycles.get((file, cycle), Condition()), self.of_files.get(file, Condition())
        return Condition(**{**_said(common), **_said(own)})

    @property
    def files(self) -> set[str]:
        return {*self.of_files, *(file for file, _ in self.of_cycles)}

    def cycles(self, file: str) -> set[int]:
        """Cycles that have a row."""
        return {cycle for name, cycle in self.of_cycles if name == file}

    def everywhere(self, name: str, files: Sequence[Path]) -> float | None:
        """One of the values of an area or thickness, if the table states it of every file; else None."""
        stated = []
        for file in files:
            cycles = [self.of(file.name, cycle) for cycle in self.cycles(file.name) or {0}]
            stated += [getattr(one, name) for one in cycles]
        return None if None in stated or not stated else stated[0]

    def geometry(self, file: str) -> str:
        """Areas and thicknesses of a file as text: a result holds for these alone."""
        rows = {"": self.of_files.get(file), **{str(c): self.of_cycles[file, c] for c in sorted(self.cycles(file))}}
        return " ".join(f"{cycle}:{one.area} {one.thickness}" for cycle, one in rows.items()
                        if one is not None and (one.area or one.thickness))  # fmt: skip

    def without_row(self, files: Sequence[Path]) -> list[str]:
        """Files that no row names."""
        return sorted({file.name for file in files} - self.files) if self.source else []

    def missing(self, files: Sequence[Path]) -> list[Problem]:
        """Rows of files and cycles that are not there."""
        names, rowless = [file.name for file in files], self.without_row(files)
        without = f"; without a row are {listed_briefly(rowless)}" if rowless else ""
        problems = [
            Problem(name, f"there is no such file{suggestion(name, names) or without}")
            for name in sorted(self.files - set(names))
        ]
        return problems + [problem for file in files for problem in self._cycles_missing(file)]

    def _cycles_missing(self, file: Path) -> list[Problem]:
        """Rows of cycles that a file does not hold; a file that cannot be read says so when it is fitted."""
        wanted = self.cycles(file.name)
        try:
            held = {spectrum.cycle for spectrum in read_spectra(file)} if wanted else set()
        except InputError:
            return []
        missing, there = (", ".join(map(str, sorted(some))) for some in (wanted - held, held))
        return [Problem(file.name, f"there is no cycle {missing}; the file holds {there}")] if missing else []


def _said(one: Condition) -> dict[str, Any]:
    return {name: value for name in one.model_fields_set if (value := getattr(one, name)) is not None}


def listed_briefly(names: Sequence[str]) -> str:
    """The first dozen, and how many more."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def in_order(spectra: Iterable[tuple[str, int]], temperatures: Sequence[float]) -> Conditions:
    """Temperatures in K of spectra (file, cycle) in their order, or one for all.

    Errors: InputError for another number of them.
    """
    spectra = list(spectra)
    if len(temperatures) not in (1, len(spectra)):
        raise InputError(f"--temperatures names {len(temperatures)} for {len(spectra)} spectra; write one for all, one "
                         "for each, or a table for --conditions, which goes by the names of the files")  # fmt: skip
    each = temperatures if len(temperatures) > 1 else [*temperatures] * len(spectra)
    return Conditions(of_cycles={one: Condition(temperature=kelvin) for one, kelvin in zip(spectra, each, strict=True)})


def read_conditions(path: str | os.PathLike[str], files: Sequence[Path] | None = None) -> Conditions:
    """The conditions of a CSV table, divided by commas, semicolons or tabs, of `files` where they are given.

    Errors: InputError with every problem of the table: headings that are not known or have no unit, entries that are
    no such quantity, rows given twice, rows of files and cycles that are not there.
    """
    source = str(path)
    filled, commas = read_rows(path)
    if not filled:
        raise InputError(f"is empty; its first line is such as {EXAMPLE!r}", source=source)
    headings = filled[0][1]
    columns, problems = _columns(headings)
    numeric = {place for name, (place, _) in columns.items() if name not in ("file", "sample")}
    of_files: dict[str, Condition] = {}
    of_cycles: dict[tuple[str, int], Condition] = {}
    if not problems:
        for number, row in filled[1:]:
            words = [pointed(word) if commas and place in numeric else word for place, word in enumerate(row)]
            problems += _take(number, words, headings, columns, of_files, of_cycles)
        if len(filled) == 1:
            problems.append(Problem("", "holds no row below its headings"))
    found = Conditions(of_files, of_cycles, source)
    problems += found.missing(files) if files is not None else []
    if problems:
        raise InputError(problems, source=source)
    return found


def _columns(headings: Sequence[str]) -> tuple[dict[str, tuple[int, str]], list[Problem]]:
    """Place and unit of each quantity."""
    known = ["file", "cycle", *Condition.model_fields]
    columns: dict[str, tuple[int, str]] = {}
    problems = []
    for place, heading in enumerate(headings):
        names = ((_plain(name), unit.strip()) for name, unit in (*divisions(heading), (heading, "")))
        name, unit = next((found for found in names if found[0] in known), ("", ""))
        if not name:
            near = suggestion(_plain(heading), known) or f"; known are {', '.join(known)}"
            problems.append(Problem(f"column {place + 1}", f"{heading!r} is no quantity that is known{near}"))
        elif name in columns:
            problems.append(Problem(f"column {place + 1}", f"{name} has a column already: {headings[columns[name][0]]!r}"))  # fmt: skip
        else:
            columns[name] = place, unit
    if "file" not in columns:
        problems.append(Problem("", f"has no column 'file'; its first line is such as {EXAMPLE!r}"))
    return columns, problems


def _plain(name: str) -> str:
    return "_".join(name.strip().lower().replace("_", " ").split())


def _take(
    number: int,
    row: Sequence[str],
    headings: Sequence[str],
    columns: Mapping[str, tuple[int, str]],
    of_files: dict[str, Condition],
    of_cycles: dict[tuple[str, int], Condition],
) -> list[Problem]:
    """One row into the conditions, and what is wrong with it."""
    where = f"line {number}"
    if len(row) > len(headings):
        return [Problem(where, f"has {len(row)} entries below {len(headings)} headings; a number has a point, and a name "
                               "that holds a comma stands in quotes")]  # fmt: skip
    entries = {name: row[place] for name, (place, _) in columns.items() if place < len(row)}
    file, cycle = entries.pop("file", ""), entries.pop("cycle", "")
    problems = [] if file else [Problem(where, "names no file")]
    whole = not cycle or (cycle.isdecimal() and int(cycle) > 0)
    if not whole:
        problems.append(Problem(f"{where}, cycle", f"{cycle!r} is no whole number; write for example 2"))
    condition = Condition()
    try:
        condition = read_noun(Condition, {name: word if name == "sample" else _entry(word, columns[name][1])
                                          for name, word in entries.items() if word})  # fmt: skip
    except InputError as error:
        problems += [Problem(f"{where}, {one.where}", one.what) for one in error.problems]
    if not file or not whole:
        return problems
    if (file, int(cycle)) in of_cycles if cycle else file in of_files:
        return [*problems, Problem(where, f"{file}{f', cycle {cycle}' if cycle else ''} has a row already")]
    if cycle:
        of_cycles[file, int(cycle)] = condition
    else:
        of_files[file] = condition
    return problems


def _entry(word: str, unit: str) -> Any:
    """An entry with the unit of its heading; a bare number stays one, so that it is asked for its unit."""
    if unit:
        return f"{word} {unit}"
    try:
        return float(word)
    except ValueError:
        return word
