"""One composite measured in several cells: files read, fitted together, and taken as its transport."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from percolyte.errors import InputError, Problem
from percolyte.files import inside
from percolyte.impedance.cells import TERMINALS, MeasuredCell, electrolyte_resistance, impedance_model
from percolyte.impedance.conductivity import QUANTILE, conductivities
from percolyte.impedance.estimates import Estimate, Fit, percent
from percolyte.impedance.fit import Loss, Measured, Profile, fit_jointly
from percolyte.impedance.measurement import Floats, MeasuredSpectrum, Polarisation
from percolyte.impedance.misfit import Measurement, Model
from percolyte.impedance.polarisation import (
    FIRST,
    RELAXATION,
    RISE,
    Blocked,
    Mode,
    Relaxation,
    StepResponse,
    duration,
)
from percolyte.impedance.tlm import ELECTRONS, IONS
from percolyte.impedance.validity import check_spectrum, leave_out
from percolyte.nouns import Noun
from percolyte.nouns import replace as changed
from percolyte.transport.closures import tortuosity_factor
from percolyte.transport.effective import Phase, Transport
from percolyte.units import AreaResistance, CellTemperature, Conductivity

if TYPE_CHECKING:
    from percolyte.impedance.readers.spectra import Imaginary

ALONG = {IONS, ELECTRONS}
"""Parameters that grow with L/A."""
WITHIN = {"interface_capacitance", "interface_cpe"}
"""Parameters that grow with the volume of the layer."""
ACROSS = {"charge_transfer_resistance", "diffusion_resistance", "warburg_coefficient"}
"""Parameters that shrink with it."""
MISFIT = 0.1
"""Residuals over |Z| beyond which a measurement is not of the cell that it is said to be of."""
BLOCKED: dict[str, Blocked] = {
    "ion-blocking": "ions",
    "lithium-symmetric": "electrons",
    "electron-blocking": "electrons",
}
"""Which carrier the terminals stop in a run at constant current or voltage."""
SHARED = ALONG | WITHIN | ACROSS | {"interface_exponent", "diffusion_time"}
"""What is of the composite, and not of one cell."""


class MeasurementFile(MeasuredCell):
    """A file of a measured composite, and the cell that it was measured in."""

    file: str
    """Beside the design."""
    method: Literal["impedance", "polarisation"] = "impedance"
    """A spectrum, or a run at constant current or voltage."""
    mode: Mode | None = None
    """What was held constant in a run, where neither the technique nor the data tell."""
    temperature: CellTemperature | None = None
    """Of the cell while it was measured; above what the file states."""
    cycle: Annotated[int, Field(ge=1)] | None = None
    """Where the file holds several spectra."""
    exclude: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """Points of a spectrum that are left out of the fit, counted from 1 in the order of the file."""
    contact_resistance: AreaResistance | None = None
    """Of both contacts together, known from elsewhere."""
    electrolyte_conductivity: Conductivity | None = None
    """Of the electrolyte layers in series, known from elsewhere."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.contact_resistance is not None and self.contact != "resistance":
            raise ValueError("contact_resistance: is that of a contact; write contact = 'resistance' too")
        if self.electrolyte_conductivity is not None and self.electrolyte is None:
            raise ValueError(
                "electrolyte_conductivity: is that of a layer; write electrolyte = { thickness = '500 um' }"
            )
        if self.method == "polarisation" and self.terminals not in BLOCKED:
            raise ValueError(f"terminals: direct current is read between {', '.join(BLOCKED)}, not '{self.terminals}'")
        if self.mode is not None and self.method != "polarisation":
            raise ValueError("mode: is that of a run of direct current; write method = 'polarisation' too")
        if not TERMINALS[self.terminals].composites:
            raise ValueError(f"terminals: '{self.terminals}' holds no composite, which is what is asked for here")
        return self

    @property
    def label(self) -> str:
        return self.file if self.cycle is None else f"{self.file}, cycle {self.cycle}"

    @property
    def known(self) -> dict[str, float]:
        """Parameters in ohm that are held; direct current counts electrolyte layers among the contacts."""
        found = {}
        if self.contact_resistance is not None:
            found["contact_resistance"] = self.contact_resistance / self.area
        if self.electrolyte_conductivity is not None:
            found["electrolyte_resistance"] = electrolyte_resistance(self, self.electrolyte_conductivity)
        return found if self.method == "impedance" else self._in_series(found)

    def _in_series(self, known: Mapping[str, float]) -> dict[str, float]:
        """What direct current meets besides the composite, where all of it is known."""
        parts = {"contact_resistance": self.contact != "none", "electrolyte_resistance": self.electrolyte is not None}
        wanted = {name for name, there in parts.items() if there}
        if not wanted or wanted - known.keys():
            return {}
        layers = TERMINALS[self.terminals].electrolytes * known.get("electrolyte_resistance", 0.0)
        return {"contact_resistance": known.get("contact_resistance", 0.0) + layers}


class ImpedanceTransport(Noun):
    """Effective conductivities of the composite from measured impedance."""

    kind: Literal["impedance"] = "impedance"
    measurements: tuple[MeasurementFile, ...]

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.measurements:
            raise ValueError("measurements: is empty; write for example { file = 'a.mpt', terminals = 'ion-blocking', "
                             "area = '0.785 cm2', thickness = '100 um' }")  # fmt: skip
        return self


@dataclass(frozen=True, eq=False)
class CompositeFit:
    """What several measurements together say of one composite."""

    files: tuple[MeasurementFile, ...]
    measurements: tuple[Measurement, ...]
    fit: Fit
    conductivities: Mapping[str, Estimate]
    """`ionic_conductivity` and `electronic_conductivity` of the composite in S/m."""
    warnings: tuple[str, ...]
    relaxation: Estimate | None = None
    """T of the first layer in s, where all are runs of direct current."""


def fit_composite(files: Sequence[MeasurementFile], folder: Path) -> CompositeFit:
    """Fit all measurements of a composite together.

    Rails, interface and diffusion are those of one material: resistances along the layer scale with L/A, capacitances
    with L A, resistances of the interface with 1/(L A) from cell to cell. Contacts, electrolyte layers and leads
    belong to each cell.

    Holds where all cells hold the same composite at one temperature. Limit: one file is the fit of it.

    Errors: InputError for files that cannot be read or fitted, each named.
    """
    dated = tuple((one, inside(folder, one.file).stat().st_mtime_ns) for one in files)
    return _fitted(dated, folder)


@lru_cache(maxsize=32)
def _fitted(dated: tuple[tuple[MeasurementFile, int], ...], folder: Path) -> CompositeFit:
    files = tuple(one for one, _ in dated)
    found: list[Measurement] = []
    problems = []
    for number, one in enumerate(files, start=1):
        try:
            found.append(read_measurement(one, inside(folder, one.file)))
        except InputError as error:
            problems += [Problem(f"measurements.{number}.file", str(problem)) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return fit_measurements(files, found)


def read_measurement(one: MeasurementFile, path: Path, imaginary: Imaginary | None = None) -> Measurement:
    """The spectrum or run of a file, with the area and thickness of its cell."""
    from percolyte.impedance.readers.reading import read_polarisation, read_spectrum

    if one.method == "polarisation":
        return read_polarisation(
            path, mode=one.mode, area=one.area, thickness=one.thickness, temperature=one.temperature
        )
    spectrum = read_spectrum(
        path,
        cycle=one.cycle,
        area=one.area,
        thickness=one.thickness,
        temperature=one.temperature,
        imaginary=imaginary,
    )
    return leave_out(spectrum, one.exclude)


def fit_measurements(
    files: Sequence[MeasurementFile],
    measurements: Sequence[Measurement],
    *,
    loss: Loss = "automatic",
    profile: Profile = "automatic",
) -> CompositeFit:
    """The same for files that have been read; options as of `fit`.

    Errors: InputError where a stated contact resistance is more than a whole spectrum.
    """
    _refuse_contacts(files, measurements)
    first = files[0]
    measured: list[Measured] = []
    known: dict[str, float] = {}
    for one, measurement in zip(files, measurements, strict=True):
        model = model_of(one, measurement)
        names = [parameter.name for parameter in model.parameters]
        own = tuple(name for name in names if name not in SHARED and len(files) > 1)
        factors = {name: factor for name, factor in _factors(one, first).items() if name in names}
        measured.append(Measured(measurement, model, own, factors, one.label))
        known |= {
            f"{name} ({one.label})" if name in own else name: value
            for name, value in one.known.items()
            if name in names
        }
    direct = any(isinstance(measurement, Polarisation) for measurement in measurements)
    # a short run bends what its last points say of the end: the linear intervals would be too narrow
    asked: Profile = "always" if direct and profile == "automatic" else profile
    fit = fit_jointly(measured, known=known, loss=loss, profile=asked)
    found = CompositeFit(
        tuple(files), tuple(measurements), fit, conductivities(fit, bare_composite(first)), fit.warnings
    )
    runs = [measurement for measurement in measurements if isinstance(measurement, Polarisation)]
    if len(runs) == len(files):
        found = _as_far_as_shown(found, _relaxation(files, runs))
    return replace(found, warnings=(*found.warnings, *_left_open(found)))


def _refuse_contacts(files: Sequence[MeasurementFile], measurements: Sequence[Measurement]) -> None:
    """A part in series with the rest, all of it passive, cannot exceed |Z| anywhere."""
    problems = []
    for one, measurement in zip(files, measurements, strict=True):
        if one.contact_resistance is None or not isinstance(measurement, MeasuredSpectrum):
            continue
        stated = one.contact_resistance / one.area
        least = float(np.abs(measurement.impedance[measurement.used]).min(initial=math.inf))
        if stated > least:
            problems.append(Problem(one.label, f"the stated contact resistance, {stated:.4g} ohm, exceeds the smallest |Z| measured, "
                                    f"{least:.4g} ohm; check it, its unit and the area: ohm cm2 are those of both contacts together"))  # fmt: skip
    if problems:
        raise InputError(problems)


def _relaxation(files: Sequence[MeasurementFile], runs: Sequence[Polarisation]) -> Estimate:
    """T of the first layer; it goes with the square of the thickness.

    By R_0 and G of each run, so that it is known where a series resistance hides the rails, and by the profile, as a short run
    bends what it says of T.
    """
    thickness = files[0].thickness or 0.0
    own = (FIRST, RISE) if len(files) > 1 else ()
    parts = [
        Measured(run, Relaxation(run.mode), own, {RELAXATION: (one.thickness or 0.0) ** 2 / thickness**2}, one.label)
        for one, run in zip(files, runs, strict=True)
    ]
    return fit_jointly(parts, profile="always")[RELAXATION]


def _as_far_as_shown(found: CompositeFit, time: Estimate) -> CompositeFit:
    """Without conductivities where a run looks the same before its relaxation as after it."""
    found = replace(found, relaxation=time)
    if time.low > 0.0:
        return found
    why = (
        "the runs do not show their relaxation: it was over before the first point, or has hardly begun, and then the end is not seen; "
        "record faster, or longer"
    )
    unknown = {
        name: replace(one, value=None, low=0.0, high=math.inf, why=why) for name, one in found.conductivities.items()
    }
    return replace(found, conductivities=unknown, warnings=(*found.warnings, why))


def model_of(one: MeasurementFile, measurement: Measurement) -> Model:
    """What describes the measurement of a cell."""
    if isinstance(measurement, MeasuredSpectrum):
        return impedance_model(one)
    series = one.contact != "none" or one.electrolyte is not None
    return StepResponse(measurement.mode, BLOCKED[one.terminals], contact=series)


def bare_composite(cell: MeasuredCell) -> MeasuredCell:
    """The composite of a cell without what is in series with it."""
    return changed(MeasuredCell(terminals="ion-blocking", area=cell.area, thickness=cell.thickness),
                   free_electrons=cell.free_electrons)  # fmt: skip


def _factors(cell: MeasuredCell, first: MeasuredCell) -> dict[str, float]:
    """What multiplies the parameters of the first cell here."""
    assert cell.thickness is not None
    assert first.thickness is not None
    along = (cell.thickness / cell.area) / (first.thickness / first.area)
    volume = (cell.thickness * cell.area) / (first.thickness * first.area)
    return {**dict.fromkeys(ALONG, along), **dict.fromkeys(WITHIN, volume), **dict.fromkeys(ACROSS, 1.0 / volume)}


def own_values(one: MeasurementFile, first: MeasurementFile, model: Model, fit: Fit) -> Floats:
    """The optimum for the model of one measurement among several, of which `first` is the first, (P)."""
    factors, values = _factors(one, first), fit.values
    names = [parameter.name for parameter in model.parameters]
    own = [values.get(f"{name} ({one.label})", values.get(name, 0.0) * factors.get(name, 1.0)) for name in names]
    return np.array(own)


def contact_note(cell: MeasuredCell) -> list[str]:
    """What a cell between alike contacts leaves open where its contacts are taken not to resist."""
    if cell.terminals not in ("ion-blocking", "electron-blocking") or cell.contact != "none":
        return []
    return [
        f"{TERMINALS[cell.terminals].layers} was fitted without contact resistance: one that is there would be taken for a part of "
        "the rails, as the spectrum is the same; state it, or measure between the other terminals too"
    ]


def _left_open(found: CompositeFit) -> list[str]:
    """What the cells and the length of the runs leave open."""
    files, measurements, fit = found.files, found.measurements, found.fit
    shown = found.relaxation is None or found.relaxation.low > 0.0
    said = []
    for one, measurement in zip(files, measurements, strict=True):
        if isinstance(measurement, MeasuredSpectrum):
            validity = check_spectrum(measurement)
            said += [] if validity.verdict in ("consistent", "noisy") else [f"{one.label}: {validity.words[0]}"]
        elif shown:
            model = model_of(one, measurement)
            assert isinstance(model, StepResponse)
            run = duration(model, own_values(one, files[0], model, fit), float(measurement.time.max()))
            said += [] if run.sufficient else [f"{one.label}: {run}"]
    said += [
        f"{one.label}: the residuals are {percent(noise)} of {'|Z|' if one.method == 'impedance' else 'the largest response'}: "
        "it is not of this cell; check its terminals, area and thickness"
        for one, noise in zip(files, fit.noise, strict=True)
        if noise > MISFIT
    ]
    if len({one.terminals for one in files}) == 1:
        said += contact_note(files[0])
    return said


def transport_of_composite(found: CompositeFit, ionic: tuple[Phase, ...]) -> Transport:
    """What later steps take; `ionic` are the electrolytes of the recipe, whose own conductivity gives the tortuosity factor."""
    ions, electrons = (found.conductivities.get(f"{name}_conductivity") for name in ("ionic", "electronic"))
    fraction = sum(phase.fraction for phase in ionic)
    own = sum(phase.fraction * phase.conductivity for phase in ionic) / fraction if fraction else 0.0
    value = None if ions is None else ions.value
    unknown = {
        carrier: "no measurement shows it" if one is None else one.why
        for carrier, one in (("ionic", ions), ("electronic", electrons))
        if one is None or one.value is None
    }
    sources = "; ".join(
        ", ".join(part for part in (one.label, measured.measured_at, TERMINALS[one.terminals].layers) if part)
        for one, measured in zip(found.files, found.measurements, strict=True)
    )
    return Transport(
        kind="impedance",
        ionic=value,
        electronic=None if electrons is None else electrons.value,
        ionic_tortuosity_factor=float(tortuosity_factor(own, value, fraction)) if own and value else None,
        statement=f"fitted to measured impedance ({sources})",
        ionic_error=_relative(ions),
        electronic_error=_relative(electrons),
        unknown=unknown,
        measured=found,
    )


def _relative(estimate: Estimate | None) -> float | None:
    """Standard error from the 95 % interval."""
    if estimate is None or estimate.value is None or not 0.0 < estimate.low <= estimate.high < math.inf:
        return None
    return math.log(estimate.high / estimate.low) / (2.0 * QUANTILE)
