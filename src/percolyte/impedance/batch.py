"""Many files of one kind of cell, fitted one after another, with what is done kept on disk.

Each file becomes one line of JSON in `results.jsonl` as soon as it is done. A run that
was interrupted goes on with the files that are not there, or that have changed since.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.cells import MeasuredCell, impedance_model
from percolyte.impedance.composite import contact_note
from percolyte.impedance.conditions import Condition, Conditions
from percolyte.impedance.conductivity import conductivities
from percolyte.impedance.drift import check_drift
from percolyte.impedance.drt import RelaxationTimes, relaxation_times
from percolyte.impedance.estimates import Fit
from percolyte.impedance.fit import fit_all
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.readers.reading import read_spectra
from percolyte.impedance.readers.spectra import Imaginary
from percolyte.impedance.validity import Validity, check_spectrum, leave_out
from percolyte.nouns import replace

if TYPE_CHECKING:
    from pydantic import TypeAdapter

STORE = "results.jsonl"
INTERFACES = ("contact_resistance", "lithium_resistance", "charge_transfer_resistance")
"""Parameters that are told per area too: of all contacts, of one lithium interface, of a whole composite."""
DIGITS = 7
"""Of the curves that are kept for figures."""


@dataclass(frozen=True)
class Reading:
    """How every file is read."""

    imaginary: Imaginary | None = None
    """What the column of the imaginary part holds, where the user says so."""
    left_out: tuple[int, ...] = ()
    """Points of every spectrum that take no part, counted from 1."""

    def spectra(self, file: Path, area: float | None) -> list[MeasuredSpectrum]:
        return [leave_out(one, self.left_out) for one in read_spectra(file, area=area, imaginary=self.imaginary)]


AS_WRITTEN = Reading()


@dataclass(frozen=True)
class Number:
    """A value with its 95 % interval; None for what is not known."""

    value: float | None
    low: float | None
    high: float | None
    unit: str


@dataclass(frozen=True)
class Tested:
    """What the Kramers-Kronig relations say of a spectrum."""

    verdict: str
    residual: float
    """Root mean square of real and imaginary part over |Z|."""
    outliers: tuple[int, ...]
    """Points to look at, counted from 1 in the order of the file."""
    drift: float | None
    """Relative change of |Z| within the spectrum, where the verdict is that it drifts."""


@dataclass(frozen=True)
class PeakFound:
    """One peak of the distribution of relaxation times: s, ohm, F."""

    time_constant: float
    resistance: float
    capacitance: float
    cut: bool
    """Whether it leans on an end of the range, so that its numbers are bounds."""


@dataclass(frozen=True)
class Curves:
    """What the figures of a spectrum show, in Hz, ohm and s."""

    frequency: tuple[float, ...]
    real: tuple[float, ...]
    imaginary: tuple[float, ...]
    fitted_real: tuple[float, ...]
    fitted_imaginary: tuple[float, ...]
    tested_real: tuple[float, ...]
    """Kramers-Kronig residuals over |Z|; empty where the spectrum cannot be tested."""
    tested_imaginary: tuple[float, ...]
    time_constant: tuple[float, ...]
    """Empty where there is no distribution."""
    density: tuple[float, ...]
    """ohm per unit of ln τ"""


@dataclass(frozen=True)
class Fitted:
    """What one spectrum of a batch gave."""

    cycle: int
    measured_at: str
    temperature: float | None
    """As the file states it, K."""
    points: int
    outcome: str
    conductivities: dict[str, Number]
    resistances: dict[str, Number]
    """Of interfaces, times the area of the cell."""
    parameters: dict[str, Number]
    noise: float
    """Root mean square of the residuals over |Z|."""
    tested: Tested | None
    """None for too few points."""
    peaks: tuple[PeakFound, ...]
    warnings: tuple[str, ...]
    curves: Curves
    left_out: tuple[int, ...] = ()
    """Points that took no part, counted from 1."""

    @property
    def quantities(self) -> dict[str, Number]:
        """What is followed over conditions."""
        return {**self.conductivities, **self.resistances}

    @property
    def spectrum(self) -> MeasuredSpectrum:
        """As it was measured, to the digits that are kept."""
        curves = self.curves
        z = np.array(curves.real) + 1j * np.array(curves.imaginary)
        return leave_out(MeasuredSpectrum(np.array(curves.frequency), z), self.left_out)


@dataclass(frozen=True)
class Repeated:
    """The cycles of one file compared, first to last."""

    verdict: str
    change: float
    """Of |Z| from the first to the last, relative, at the frequency where it is largest."""
    words: str


@dataclass(frozen=True)
class FileResult:
    """One file of a batch."""

    file: str
    state: str
    """Size, time of the last change and what was fitted: whether the result still holds."""
    source_format: str
    spectra: tuple[Fitted, ...]
    repeated: Repeated | None
    """None for a single spectrum."""
    problem: str
    """Why it was not read, or empty."""

    @property
    def name(self) -> str:
        return Path(self.file).name


@dataclass(frozen=True)
class Entry:
    """One spectrum of a batch, and under what it was measured."""

    result: FileResult
    fitted: Fitted
    condition: Condition

    @property
    def label(self) -> str:
        alone = len(self.result.spectra) == 1
        return self.result.name if alone else f"{self.result.name}, cycle {self.fitted.cycle}"


def run_batch(
    files: Sequence[Path],
    cell: MeasuredCell,
    folder: Path,
    conditions: Conditions | None = None,
    reading: Reading = AS_WRITTEN,
) -> Iterator[tuple[FileResult, bool]]:
    """Fit every spectrum of every file to one cell; each result in the order of the files, and whether it is new.

    `folder` keeps the results. A file that cannot be read is a result that says why. `conditions` state areas and
    thicknesses of single files or cycles, which stand above those of `cell`. A file that has not all of the points left out is a
    result that says so.

    Errors: OSError where the folder cannot be written.
    """
    stated = conditions or Conditions()
    store = folder / STORE
    folder.mkdir(parents=True, exist_ok=True)
    known = {(one.file, one.state): one for one in stored(store)}
    with store.open("a", encoding="utf-8") as journal:
        if store.stat().st_size and not store.read_bytes().endswith(b"\n"):
            journal.write("\n")  # an interruption cut the last line off; what follows must not be lost with it
        for file in files:
            key = (str(file), _state(file, cell, stated, reading))
            new = key not in known
            if new:
                known[key] = _result(file, key[1], cell, stated, reading)
                journal.write(json.dumps(asdict(known[key]), ensure_ascii=False) + "\n")
                journal.flush()
            yield known[key], new


def stored(store: Path) -> Iterator[FileResult]:
    """The results that a folder keeps; a line that an interruption cut off, or of another format, is passed over."""
    if not store.exists():
        return
    for line in store.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            yield _adapter().validate_json(line)
        except ValueError:
            continue


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[FileResult]:
    from pydantic import TypeAdapter

    return TypeAdapter(FileResult)


def entries_of(results: Sequence[FileResult], conditions: Conditions) -> list[Entry]:
    """Every spectrum in order, with what the conditions say of it, and the temperature of its file where they say none."""
    entries = []
    for one in results:
        for fitted in one.spectra:
            condition = conditions.of(one.name, fitted.cycle)
            if condition.temperature is None and fitted.temperature is not None:
                condition = replace(condition, temperature=fitted.temperature)
            entries.append(Entry(one, fitted, condition))
    return entries


def _state(file: Path, cell: MeasuredCell, conditions: Conditions, reading: Reading) -> str:
    about = file.stat()
    read = "" if reading == AS_WRITTEN else f"{reading.imaginary or ''} without {reading.left_out}"
    parts = (about.st_size, about.st_mtime_ns, cell.model_dump_json(), conditions.geometry(file.name), read)
    return " ".join(str(part) for part in parts).strip()


def _result(file: Path, state: str, cell: MeasuredCell, conditions: Conditions, reading: Reading) -> FileResult:
    try:
        area = conditions.of(file.name, 0).of_cell(cell).area
        spectra = [_placed(one, file, cell, conditions) for one in reading.spectra(file, area)]
        fitted, noise = _fitted(spectra, cell, file, conditions)
        return FileResult(str(file), state, spectra[0].source_format, fitted, _repeated(spectra, noise), "")
    except InputError as error:
        return FileResult(str(file), state, "", (), None, "; ".join(str(problem) for problem in error.problems))


def _placed(one: MeasuredSpectrum, file: Path, cell: MeasuredCell, conditions: Conditions) -> MeasuredSpectrum:
    """The spectrum with the area and thickness of its cell."""
    from dataclasses import replace as with_fields

    own = conditions.of(file.name, one.cycle).of_cell(cell)
    layer = own.thickness if own.electrolyte is None or own.thickness is not None else own.electrolyte.thickness
    return with_fields(one, area=own.area, thickness=layer)


def _fitted(
    spectra: Sequence[MeasuredSpectrum], cell: MeasuredCell, file: Path, conditions: Conditions
) -> tuple[tuple[Fitted, ...], list[float]]:
    """The spectra of one file, and the noise of those that could be tested."""
    found = []
    noise = []
    for spectrum, fit in zip(spectra, fit_all(spectra, impedance_model(cell)), strict=True):
        own = conditions.of(file.name, spectrum.cycle).of_cell(cell)
        validity, relaxations = _judged(spectrum)
        noise += [validity.noise] if validity else []
        peaks = relaxations.peaks if relaxations else ()
        found.append(
            Fitted(
                cycle=spectrum.cycle,
                measured_at=spectrum.measured_at,
                temperature=spectrum.temperature,
                points=int(spectrum.used.sum()),
                outcome=fit.outcome,
                conductivities={name: _number(one) for name, one in conductivities(fit, own).items()},
                resistances={one.name: _number(one, own.area) for one in fit.estimates if one.name in INTERFACES},
                parameters={one.name: _number(one) for one in fit.estimates},
                noise=fit.noise[0],
                tested=_tested(validity) if validity else None,
                peaks=tuple(
                    PeakFound(one.time_constant.value, one.resistance.value, one.capacitance, bool(one.cut))
                    for one in peaks
                ),
                warnings=(*fit.warnings, *contact_note(own)),
                curves=_curves(spectrum, fit, validity, relaxations),
                left_out=tuple(place + 1 for place in sorted(spectrum.excluded)),
            )
        )
    return tuple(found), noise


def _judged(spectrum: MeasuredSpectrum) -> tuple[Validity | None, RelaxationTimes | None]:
    """Kramers-Kronig test and relaxation times, where there are points enough."""
    validity = relaxations = None
    try:
        validity = check_spectrum(spectrum)
        relaxations = relaxation_times(spectrum)
    except InputError:
        pass
    return validity, relaxations


def _tested(found: Validity) -> Tested:
    residual = found.residual[found.spectrum.used]
    return Tested(
        verdict=found.verdict,
        residual=float(np.sqrt(0.5 * np.mean(np.abs(residual) ** 2))),
        outliers=tuple(place + 1 for place in found.outliers),
        drift=found.drift if found.verdict == "drifting" else None,
    )


def _curves(
    spectrum: MeasuredSpectrum, fit: Fit, validity: Validity | None, relaxations: RelaxationTimes | None
) -> Curves:
    empty = np.empty(0, complex)
    tested = validity.residual if validity else empty
    times, density = (relaxations.time_constant, relaxations.density) if relaxations else (empty.real, empty.real)
    parts = (spectrum.frequency, spectrum.impedance.real, spectrum.impedance.imag, fit.computed[0].real, fit.computed[0].imag,
             tested.real, tested.imag, times, density)  # fmt: skip
    return Curves(*(tuple(float(f"{value:.{DIGITS}g}") for value in part) for part in parts))


def _repeated(spectra: Sequence[MeasuredSpectrum], noise: Sequence[float]) -> Repeated | None:
    """The drift over the cycles of a file, where they have frequencies in common."""
    if len(spectra) < 2 or len(noise) < len(spectra):
        return None
    try:
        found = check_drift(spectra, noise=math.sqrt(float(np.mean(np.square(noise)))))
    except InputError:
        return None
    most = found.change.real[np.argmax(np.abs(found.change.real))]
    return Repeated(found.verdict, math.expm1(most), "; ".join(found.words))


def _number(one: Any, area: float | None = None) -> Number:
    """An estimate, or a resistance in ohm times the area."""
    factor, unit = (1.0, one.unit) if area is None else (area, "ohm m2")
    low, high = (end * factor if math.isfinite(end) else None for end in (one.low, one.high))
    return Number(None if one.value is None else one.value * factor, low, high, unit)
