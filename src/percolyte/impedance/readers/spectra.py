"""From a table with headings to spectra: columns, direct-current rows, cycles, sign, and what is refused.

The sign of the imaginary part is known from, in this order: what the user
states; the format or a heading with a minus; the phase beside it; and else the
data, which are taken as they are where most of the points are capacitive. A
spectrum that is inductive throughout is refused until its sign is stated,
because a file that holds -Im under another heading looks the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError, Problem
from percolyte.impedance.measurement import Complexes, Floats, MeasuredSpectrum
from percolyte.impedance.readers.contents import Table
from percolyte.impedance.readers.headings import Located, locate

Imaginary = Literal["im", "minus-im"]
"""What the column of the imaginary part holds: Im(Z), or -Im(Z)."""
COLUMNS: tuple[Imaginary, ...] = get_args(Imaginary)
Sign = Literal["stated", "declared", "inferred"]
"""How the sign of the imaginary part is known: by the user, by the file, by the data alone."""
EXAMPLE = "Frequency / Hz,Real Impedance / ohm,Imaginary Impedance / ohm"
RUN_EXAMPLE = "Test Time / s,Voltage / V,Current / A"
MOST_CYCLES = 10_000
AGREE = 0.02
"""Relative distance at which real and imaginary part agree with modulus and phase; makers print four digits or more."""


@dataclass(frozen=True)
class Stated:
    """What the user says of a file, above what stands in it; None where the file is asked."""

    area: float | None = None
    thickness: float | None = None
    temperature: float | None = None
    imaginary: Imaginary | None = None

    def __post_init__(self) -> None:
        for name in ("area", "thickness", "temperature"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0.0):
                raise InputError(f"the {name} is {value}; it is a positive number in SI units")
        if self.imaginary not in (None, *COLUMNS):
            raise InputError(f"{self.imaginary!r} is no sign of the imaginary part; write im or minus-im")


@np.errstate(over="ignore", invalid="ignore")
def spectra_of(table: Table, stated: Stated, source: str) -> list[MeasuredSpectrum]:
    """One spectrum for each cycle of a table.

    Errors: InputError for missing columns or units, cells that hold no number, frequencies that are
    not positive or occur twice, fewer than two points, and a sign that cannot be known.
    """
    located = _columns(table)
    frequency = _values(table, located, "frequency")
    impedance, sign, notes = _impedance(table, located, stated)
    notes = [*table.notes, *_assumed_units(located), *notes]
    alternating = (frequency != 0.0) | (np.abs(impedance) > 0.0)
    if not alternating.all():
        notes.append(f"{int((~alternating).sum())} rows without a frequency are of direct current, and left out")
    _refuse_rows(table, frequency, impedance, alternating)
    cycle = _values(table, located, "cycle") if "cycle" in located.columns else np.ones(frequency.size)
    parts = list(_cycles(cycle, frequency, np.flatnonzero(alternating)))
    numbers = _cycle_numbers([float(cycle[rows[0]]) for rows in parts])
    spectra = []
    for number, rows in zip(numbers, parts, strict=True):
        _refuse_points(frequency[rows], f"cycle {number}" if len(parts) > 1 else "")
        spectra.append(
            MeasuredSpectrum(
                frequency=frequency[rows], impedance=impedance[rows], source=source, source_format=table.source_format,
                cycle=number, area=stated.area or table.area, thickness=stated.thickness or table.thickness,
                temperature=stated.temperature or table.temperature, measured_at=table.measured_at, notes=tuple(notes),
            )
        )  # fmt: skip
    if not spectra:
        raise InputError("holds headings of a spectrum and no points below them")
    return _signed(spectra, sign)


def _columns(table: Table) -> Located:
    located = locate(list(table.columns))
    if located.is_spectrum:
        return located
    if located.is_polarisation:
        raise InputError(
            "holds a run of time, voltage and current, and no spectrum; read it with `percolyte eis polarise`, `transference` or `leakage`"
        )
    problems = [
        Problem(f"column {heading!r}", f"{found.unit!r} is no unit of {_NAMED[found.quantity]}; write for example {_NAMED[found.quantity]} / {_EXAMPLES[found.quantity]}")
        for heading, found in located.unknown.items()
        if found.quantity in _EXAMPLES
    ]  # fmt: skip
    shown = ", ".join(repr(heading) for heading in list(table.columns)[:8])
    missing = [name for name in ("frequency", "real", "imaginary") if name not in located.columns]
    told = f"has no column for {' and '.join(missing)} among {shown}; headings are such as {EXAMPLE!r}"
    raise InputError(problems or told)


_NAMED = {"frequency": "Frequency", "real": "Real Impedance", "imaginary": "Imaginary Impedance", "modulus": "|Z|", "phase": "Phase(Z)"}  # fmt: skip
_EXAMPLES = {"frequency": "Hz", "real": "ohm", "imaginary": "ohm", "modulus": "ohm", "phase": "deg"}


def _values(table: Table, located: Located, quantity: Literal["frequency", "real", "imaginary", "modulus", "phase", "cycle"]) -> Floats:  # fmt: skip
    heading, meaning = located.columns[quantity]
    return np.asarray(table.columns[heading] * (-meaning.factor if meaning.negative else meaning.factor))


def _assumed_units(located: Located) -> list[str]:
    bare = [heading for heading, meaning in located.columns.values() if not meaning.has_unit]
    return [f"no unit in {', '.join(map(repr, bare))}; Hz, ohm and degrees are assumed"] if bare else []


def _impedance(table: Table, located: Located, stated: Stated) -> tuple[Complexes, Sign, list[str]]:
    """Impedance in ohm, how its sign is known, and notes."""
    columns = located.columns
    notes: list[str] = []
    if {"real", "imaginary"} <= columns.keys():
        real, imaginary = _values(table, located, "real"), _values(table, located, "imaginary")
        factor, sign, note = _sign(table, located, real, imaginary, stated)
        impedance = real + 1j * factor * imaginary
        notes.append(note)
        area_specific = {columns["real"][1].per_area, columns["imaginary"][1].per_area}
    else:
        phase = _values(table, located, "phase")
        if not columns["phase"][1].has_unit:
            raise InputError(f"column {columns['phase'][0]!r} names no unit; write Phase(Z) / deg or Phase(Z) / rad")
        factor = -1.0 if stated.imaginary == "minus-im" else 1.0
        sign = "stated" if stated.imaginary else "declared" if columns["phase"][1].negative else "inferred"
        impedance = _values(table, located, "modulus") * np.exp(1j * np.radians(factor * phase))
        notes.append(f"impedance from modulus and phase; sign of the imaginary part: {sign}")
        area_specific = {columns["modulus"][1].per_area}
    if area_specific == {True}:
        area = stated.area or table.area
        if area is None:
            raise InputError(
                "holds the impedance times the area; write the area of the cell, such as --area '0.785 cm2'"
            )
        return np.asarray(impedance / area), sign, [*notes, "divided by the area, because the columns are per area"]
    if len(area_specific) > 1:
        raise InputError("has one part of the impedance in ohm and the other times an area; give both in ohm")
    return impedance, sign, notes


def _sign(table: Table, located: Located, real: Floats, imaginary: Floats, stated: Stated) -> tuple[float, Sign, str]:
    """Factor of the column that gives Im(Z), how that is known, and the note on it."""
    heading, meaning = located.columns["imaginary"]
    if stated.imaginary is not None:
        # the heading's own minus is already in the values
        factor = -1.0 if (stated.imaginary == "minus-im") != meaning.negative else 1.0
        return factor, "stated", f"sign of the imaginary part: stated, the column {heading!r} holds {stated.imaginary}"
    if meaning.negative:
        return 1.0, "declared", f"sign of the imaginary part: declared, the heading {heading!r} is minus Im(Z)"
    if table.sign:
        return 1.0, "declared", f"sign of the imaginary part: declared, {table.sign}"
    if "phase" in located.columns:
        turned = _turned(np.radians(_values(table, located, "phase")), real, imaginary)
        phase = located.columns["phase"][0]
        if turned is True:
            return (
                -1.0,
                "declared",
                f"sign of the imaginary part: inferred, {heading!r} holds -Im(Z), as {phase!r} shows",
            )
        if turned is False and bool(np.median(imaginary) < 0.0):
            return 1.0, "declared", f"sign of the imaginary part: inferred, {heading!r} holds Im(Z), as {phase!r} shows"
    return (
        1.0,
        "inferred",
        f"sign of the imaginary part: inferred, {heading!r} holds Im(Z), because most points are capacitive",
    )


def _turned(phase: Floats, real: Floats, imaginary: Floats) -> bool | None:
    """Whether the phase is that of the conjugate; None where it is of neither."""
    good = np.isfinite(phase) & np.isfinite(real) & np.isfinite(imaginary) & (np.hypot(real, imaginary) > 0.0)
    measured = np.arctan2(imaginary[good], real[good])
    if not measured.size:
        return None
    same, other = (float(np.median(np.abs(np.angle(np.exp(1j * (measured - p)))))) for p in (phase[good], -phase[good]))
    if min(same, other) > AGREE or abs(same - other) < AGREE:
        return None
    return other < same


def _refuse_rows(table: Table, frequency: Floats, impedance: Complexes, alternating: NDArray[np.bool_]) -> None:
    """What cannot be a point of a spectrum, every kind named with its first row."""
    zero = alternating & (frequency == 0.0)
    negative = frequency < 0.0
    empty = ~np.isfinite(frequency) | ~np.isfinite(np.abs(impedance))
    problems = []
    for rows, what in ((zero, "is zero"), (negative, "is negative"), (empty, "or impedance is no number")):
        if rows.any():
            places = np.flatnonzero(rows)
            more = f" and {places.size - 1} more" if places.size > 1 else ""
            problems.append(
                Problem(f"{table.place(int(places[0]))}{more}", f"the frequency {what}; correct or delete it")
            )
    if problems:
        raise InputError(problems)


def _cycles(cycle: Floats, frequency: Floats, rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Rows of each cycle: by the column of cycles, and where the first frequency returns."""
    _, first, member, counts = np.unique(cycle[rows], return_index=True, return_inverse=True, return_counts=True)
    if counts.size > MOST_CYCLES:
        raise InputError(f"has more than {MOST_CYCLES:,} cycles; export a part of them")
    together = np.split(rows[np.argsort(member, kind="stable")], np.cumsum(counts)[:-1]) if rows.size else []
    for place in np.argsort(first):
        chosen = together[place]
        starts = np.flatnonzero(np.isclose(frequency[chosen], frequency[chosen[0]], rtol=1e-6, atol=0.0))
        pieces = np.split(chosen, starts[1:]) if starts.size <= MOST_CYCLES else [chosen]
        yield from pieces if min(piece.size for piece in pieces) > 1 else [chosen]


def _cycle_numbers(values: Sequence[float]) -> list[int]:
    """The file's own numbers where they are whole and differ, else 1, 2, 3."""
    own = [int(value) for value in values if np.isfinite(value) and abs(value) < 1e9 and value == int(value)]
    return own if len(own) == len(values) == len(set(own)) and min(own, default=0) > 0 else list(range(1, len(values) + 1))  # fmt: skip


def _refuse_points(frequency: Floats, where: str) -> None:
    if frequency.size < 2:
        raise InputError([Problem(where, "has one point, which is no spectrum; measure over a range of frequencies")])
    values, counts = np.unique(frequency, return_counts=True)
    if (counts > 1).any():
        twice = float(values[counts > 1][0])
        rows = ", ".join(str(int(place) + 1) for place in np.flatnonzero(frequency == twice)[:4])
        raise InputError(
            [Problem(where, f"measured {twice:g} Hz more than once (points {rows}); keep one of them, or give a column 'cycle number' that tells repeated sweeps apart")]
        )  # fmt: skip


def _signed(spectra: list[MeasuredSpectrum], sign: Sign) -> list[MeasuredSpectrum]:
    """The spectra, unless they are inductive throughout, or mostly with a sign that nothing tells."""
    inductive = float(np.mean(np.concatenate([spectrum.impedance.imag for spectrum in spectra]) > 0.0))
    if sign == "stated" or inductive <= 0.5 or (sign == "declared" and inductive < 1.0):
        return spectra
    share = "throughout" if inductive == 1.0 else f"in {100 * inductive:.0f} % of the points"
    raise InputError(
        f"has a positive imaginary part {share}, as an inductor has, or a file that holds the other sign; "
        "state what the column holds: --imaginary minus-im for -Im(Z), --imaginary im for Im(Z)"
    )
