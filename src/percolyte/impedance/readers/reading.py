"""The files of impedance instruments: the format is known by the content, and one spectrum is made of each cycle."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from percolyte.errors import InputError, Problem, counted
from percolyte.impedance.measurement import MeasuredSpectrum, Polarisation
from percolyte.impedance.readers import (
    autolab,
    biologic,
    delimited,
    eclab,
    gamry,
    i2b,
    ivium,
    palmsens,
    versastudio,
    workbook,
    zview,
)
from percolyte.impedance.readers.contents import Contents, Table, contents_of
from percolyte.impedance.readers.headings import locate
from percolyte.impedance.readers.polarisation import Mode, run_of
from percolyte.impedance.readers.spectra import Imaginary, Stated, spectra_of

FORMATS: tuple[ModuleType, ...] = (
    biologic,
    workbook,
    ivium,
    palmsens,
    eclab,
    gamry,
    zview,
    autolab,
    versastudio,
    i2b,
    delimited,
)
"""Each has `recognises(contents)` and `tables(contents)`; the first that recognises a file reads it."""


def read_spectra(
    path: str | os.PathLike[str],
    *,
    area: float | None = None,
    thickness: float | None = None,
    temperature: float | None = None,
    imaginary: Imaginary | None = None,
) -> tuple[MeasuredSpectrum, ...]:
    """The impedance spectra of one file, in the order measured.

    `area` (m2), `thickness` (m) and `temperature` (K) stand above what the file
    says. `imaginary` states whether the column of the imaginary part holds
    Im(Z) or -Im(Z), where neither format nor heading nor phase tells. What was
    found and decided is in the notes of each spectrum.

    Errors: InputError that says what is wrong with the file and what to do, whatever the file holds.
    """
    stated = Stated(area, thickness, temperature, imaginary)
    source = str(path)
    contents = contents_of(path)
    try:
        found: list[MeasuredSpectrum] = []
        tables = _tables(contents)
        for table in [table for table in tables if not _is_run(table)] or tables:
            found += spectra_of(table, stated, contents.name)
        return tuple(_renumbered(found))
    except InputError as error:
        raise InputError(error.problems, source=source) from None


def read_folder(
    folder: str | os.PathLike[str], **stated: Any
) -> tuple[tuple[MeasuredSpectrum, ...], tuple[Problem, ...]]:
    """The spectra of every file of a folder, in the order of the names, and what is wrong with the files that are refused.

    Arguments as in `read_spectra`. Folders within and hidden files are passed over.

    Errors: InputError where the folder cannot be read, and where it holds no spectrum.
    """
    try:
        files = sorted(path for path in Path(folder).iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(folder)) from None
    spectra: list[MeasuredSpectrum] = []
    refused: list[Problem] = []
    for file in files:
        try:
            spectra += read_spectra(file, **stated)
        except InputError as error:
            refused += [Problem(file.name, str(problem)) for problem in error.problems]
    if not spectra:
        raise InputError(refused or "holds no file", source=str(folder))
    return tuple(spectra), tuple(refused)


def read_polarisation(
    path: str | os.PathLike[str],
    *,
    mode: Mode | None = None,
    area: float | None = None,
    thickness: float | None = None,
    temperature: float | None = None,
) -> Polarisation:
    """The run at constant current or voltage in one file; arguments as in `read_spectra`.

    `mode` states what was held constant where neither technique nor data tell.

    Errors: InputError that says what is wrong with the file and what to do, whatever the file holds.
    """
    stated = Stated(area, thickness, temperature)
    contents = contents_of(path)
    try:
        tables = _tables(contents)
        runs = [table for table in tables if _is_run(table)]
        if not runs and any(locate(list(table.columns)).is_spectrum for table in tables):
            raise InputError(
                "is an impedance spectrum, where a run of time, voltage and current is wanted; fit it with `percolyte eis fit`"
            )
        if len(tables) == 1 and not runs:
            runs = tables
        if len(runs) != 1:
            raise InputError(f"holds {len(runs)} tables of time, voltage and current, where one is wanted")
        return run_of(runs[0], stated, contents.name, mode)
    except InputError as error:
        raise InputError(error.problems, source=str(path)) from None


def _tables(contents: Contents) -> list[Table]:
    for reader in FORMATS:
        if reader.recognises(contents):
            tables: list[Table] = reader.tables(contents)
            if tables:
                return tables
            raise InputError("holds no table of numbers")
    raise InputError("is a binary file of no instrument that is known; export it as text (.mpt, .txt or .csv)")


def _is_run(table: Table) -> bool:
    located = locate(list(table.columns))
    return located.is_polarisation and not located.is_spectrum


def _renumbered(spectra: Sequence[MeasuredSpectrum]) -> list[MeasuredSpectrum]:
    """Cycles 1, 2, 3 where the tables of a file would give one number twice."""
    numbers = [spectrum.cycle for spectrum in spectra]
    if len(set(numbers)) == len(numbers):
        return list(spectra)
    return [replace(spectrum, cycle=place) for place, spectrum in enumerate(spectra, start=1)]


def read_spectrum(path: str | os.PathLike[str], *, cycle: int | None = None, area: float | None = None, thickness: float | None = None, temperature: float | None = None, imaginary: Imaginary | None = None) -> MeasuredSpectrum:  # fmt: skip
    """The one spectrum of a file, or the one of a cycle; see `read_spectra`.

    Errors: as `read_spectra`, and InputError that names the cycles where there are several and none is chosen.
    """
    spectra = read_spectra(path, area=area, thickness=thickness, temperature=temperature, imaginary=imaginary)
    chosen = [spectrum for spectrum in spectra if cycle is None or spectrum.cycle == cycle]
    if len(chosen) == 1:
        return chosen[0]
    cycles = ", ".join(str(spectrum.cycle) for spectrum in spectra[:12]) + (", ..." if len(spectra) > 12 else "")
    wanted = "where one is wanted" if cycle is None else f"and none is cycle {cycle}"
    raise InputError(
        f"holds {counted(len(spectra), 'spectrum', 'spectra')} (cycle{'s' * (len(spectra) > 1)} {cycles}) {wanted}; choose one with --cycle {spectra[0].cycle}, or fit all with `percolyte eis batch`",
        source=str(path),
    )
