"""Many files of one kind of cell, fitted one after another, with what is done kept on disk.

Each file becomes one line of JSON in `results.jsonl` as soon as it is done. A run that
was interrupted goes on with the files that are not there, or that have changed since.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from percolyte.errors import InputError
from percolyte.impedance.cells import MeasuredCell, impedance_model
from percolyte.impedance.composite import contact_note
from percolyte.impedance.conductivity import conductivities
from percolyte.impedance.fit import fit_all
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.readers.reading import read_spectra

STORE = "results.jsonl"
Number = dict[str, float | None]


@dataclass(frozen=True)
class Fitted:
    """What one spectrum of a batch gave; conductivities in S/m with their 95 % interval, None where not known."""

    cycle: int
    measured_at: str
    temperature: float | None
    """K"""
    points: int
    outcome: str
    conductivities: dict[str, Number]
    parameters: dict[str, Number]
    noise: float
    """Root mean square of the residuals over |Z|."""
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class FileResult:
    """One file of a batch."""

    file: str
    state: str
    """Size, time of the last change and what was fitted: whether the result still holds."""
    source_format: str
    spectra: tuple[Fitted, ...]
    problem: str
    """Why it was not read, or empty."""


def run_batch(
    files: Sequence[Path],
    cell: MeasuredCell,
    folder: Path,
    *,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> tuple[FileResult, ...]:
    """Fit every spectrum of every file to one cell; the results in the order of the files.

    `folder` keeps the results. A file that cannot be read is a result that says why. `progress` is called with the
    number done, the number of all, and the name of the file at hand.

    Errors: OSError where the folder cannot be written.
    """
    store = folder / STORE
    folder.mkdir(parents=True, exist_ok=True)
    known = {(one.file, one.state): one for one in stored(store)}
    found = []
    with store.open("a", encoding="utf-8") as journal:
        if known and not store.read_bytes().endswith(b"\n"):
            journal.write("\n")  # an interruption cut the last line off; what follows must not be lost with it
        for number, file in enumerate(files):
            progress(number, len(files), file.name)
            key = (str(file), _state(file, cell))
            if key not in known:
                known[key] = _result(file, key[1], cell)
                journal.write(json.dumps(asdict(known[key]), ensure_ascii=False) + "\n")
                journal.flush()
            found.append(known[key])
    progress(len(files), len(files), "")
    return tuple(found)


def stored(store: Path) -> Iterator[FileResult]:
    """The results that a folder keeps; a line that an interruption cut off is passed over."""
    if not store.exists():
        return
    for line in store.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            data = json.loads(line)
            spectra = tuple(Fitted(**{**one, "warnings": tuple(one["warnings"])}) for one in data["spectra"])
            yield FileResult(**{**data, "spectra": spectra})
        except (ValueError, TypeError, KeyError):
            continue


def _state(file: Path, cell: MeasuredCell) -> str:
    about = file.stat()
    return f"{about.st_size} {about.st_mtime_ns} {cell.model_dump_json()}"


def _result(file: Path, state: str, cell: MeasuredCell) -> FileResult:
    try:
        spectra = read_spectra(file, area=cell.area, thickness=cell.thickness)
        return FileResult(str(file), state, spectra[0].source_format, _fitted(spectra, cell), "")
    except InputError as error:
        return FileResult(str(file), state, "", (), "; ".join(problem.what for problem in error.problems))


def _fitted(spectra: Sequence[MeasuredSpectrum], cell: MeasuredCell) -> tuple[Fitted, ...]:
    found = []
    for spectrum, fit in zip(spectra, fit_all(spectra, impedance_model(cell)), strict=True):
        found.append(
            Fitted(
                cycle=spectrum.cycle,
                measured_at=spectrum.measured_at,
                temperature=spectrum.temperature,
                points=int(spectrum.used.sum()),
                outcome=fit.outcome,
                conductivities={name: _number(one) for name, one in conductivities(fit, cell).items()},
                parameters={one.name: _number(one) for one in fit.estimates},
                noise=fit.noise[0],
                warnings=(*fit.warnings, *contact_note(cell)),
            )
        )
    return tuple(found)


def _number(one: Any) -> Number:
    finite = {
        name: value if abs(value) < float("inf") else None for name, value in (("low", one.low), ("high", one.high))
    }
    return {"value": one.value, **finite}
