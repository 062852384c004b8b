"""Which description of a cell its measurement supports: descriptions compared, and what to try where one misses.

A description is a cell with its options: the contacts, the double layer, the charge transfer, the arc of the bulk. All
that are asked about are fitted to the same points with the same loss, and ranked by `comparison.compare`. Where a fit
clearly misses something, `hints` says which option, or which other cell, meets the measurement far better.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal, TypeAlias

from percolyte.errors import InputError
from percolyte.impedance.cells import TERMINALS, MeasuredCell, Terminals, impedance_model
from percolyte.impedance.comparison import SOME, Comparison, compare
from percolyte.impedance.composite import MISFIT, MeasurementFile, bare_composite, fit_measurements
from percolyte.impedance.conductivity import conductivities
from percolyte.impedance.estimates import NO_NOISE, Estimate, Fit, percent
from percolyte.impedance.fit import Loss, Profile, fit
from percolyte.impedance.measurement import MeasuredSpectrum
from percolyte.impedance.misfit import Measurement
from percolyte.impedance.posterior import Posterior, with_posterior
from percolyte.impedance.validity import check_spectrum
from percolyte.nouns import replace as replace_noun

Question: TypeAlias = Literal["contact", "double_layer", "charge_transfer", "arc"]

CLOSER = 2.0
"""A description that meets the measurement this many times closer does so far better."""
AT_ONCE = 3
"""Files of a joint fit, up to which each is tried as another cell."""


@dataclass(frozen=True)
class Answer:
    """One way to describe one part of a cell."""

    words: str
    option: str
    """As on the command line; empty where it is the default."""
    value: Any


ANSWERS: Mapping[Question, tuple[Answer, ...]] = {
    "double_layer": (
        Answer("constant phase", "", "constant-phase"),
        Answer("capacitor", "--double-layer capacitor", "capacitor"),
    ),
    "charge_transfer": (Answer("", "", False), Answer("charge transfer", "--charge-transfer", True)),
    "arc": (Answer("bulk resistor", "", False), Answer("bulk arc", "--bulk-arc", True)),
    "contact": (
        Answer("", "", "none"),
        Answer("contact resistance", "--contact resistance", "resistance"),
        Answer("contact arc", "--contact arc", "arc"),
    ),
}
"""What can be asked of a cell, and its answers, the default first."""

FAMILIES: Mapping[Terminals, tuple[Terminals, ...]] = {
    "ion-blocking": ("electron-blocking", "mixed-ion-blocking", "mixed-electron-blocking"),
    "electrode": ("symmetric-electrodes",),
    "lithium-symmetric": (),
    "steel-electron-blocking": (),
    "separator": (),
}
"""Cells whose spectra differ, and those whose spectra are alike to each."""


@dataclass(frozen=True, eq=False)
class CellFit:
    """Cells as they are described, fitted to what was measured in them."""

    cells: tuple[MeasuredCell, ...]
    fit: Fit
    conductivities: Mapping[str, Estimate]
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Choice:
    """Descriptions of the same cells, compared."""

    comparison: Comparison
    options: Mapping[str, str]
    """How each is written on the command line; empty where all is default."""
    fits: Mapping[str, CellFit]
    """Of every description, without profiles."""

    @property
    def cells(self) -> tuple[MeasuredCell, ...]:
        """As the chosen description has them."""
        return self.fits[self.comparison.chosen].cells


def fit_cells(
    cells: Sequence[MeasuredCell],
    measurements: Sequence[Measurement],
    *,
    loss: Loss = "automatic",
    profile: Profile = "automatic",
) -> CellFit:
    """Fit files of one composite together, or one cell of any kind by itself; options as of `fit`."""
    files = [one for one in cells if isinstance(one, MeasurementFile)]
    if len(files) == len(cells):
        together = fit_measurements(files, measurements, loss=loss, profile=profile)
        return CellFit(tuple(cells), together.fit, together.conductivities, together.warnings)
    if len(cells) != 1 or not isinstance(measurements[0], MeasuredSpectrum):
        raise InputError("cells of several files are fitted as measurements of one composite, a separator by itself")
    (cell,), spectrum = cells, measurements[0]
    found, said = _one(cell, spectrum, loss, profile)
    checked = check_spectrum(spectrum)
    said += [] if checked.verdict in ("consistent", "noisy") else [f"{spectrum.source}: {checked.words[0]}"]
    return CellFit((cell,), found, conductivities(found, cell), (*found.warnings, *said))


def with_samples(found: CellFit, posterior: Posterior) -> CellFit:
    """The same with intervals from samples of the posterior."""
    fit = with_posterior(found.fit, posterior)
    if not found.cells:
        return replace(found, fit=fit)
    first = found.cells[0]
    layer = bare_composite(first) if isinstance(first, MeasurementFile) else first
    return replace(found, fit=fit, conductivities=conductivities(fit, layer))


def _one(cell: MeasuredCell, spectrum: MeasuredSpectrum, loss: Loss, profile: Profile) -> tuple[Fit, list[str]]:
    """The fit of one cell; of two arcs in series that a spectrum cannot name, the faster is that of the bulk."""
    model = impedance_model(cell)
    found = fit(spectrum, model, loss=loss, profile=profile)
    bulk, contact = (
        [f"{part}_{name}" for name in ("resistance", "cpe", "exponent")] for part in ("electrolyte", "contact")
    )
    values = dict(found.values)
    if cell.terminals != "separator" or not {*bulk, *contact} <= values.keys():
        return found, _nameless_arc(cell, found)
    if _time(*(values[name] for name in bulk)) > _time(*(values[name] for name in contact)):
        exchanged = {own: values[other] for own, other in zip((*bulk, *contact), (*contact, *bulk), strict=True)}
        found = fit(spectrum, model, start=values | exchanged, loss=loss, profile=profile)
    return found, ["two arcs in series: a spectrum does not name them, and the faster one is taken for the bulk; the other "
                   "may be contacts or grain boundaries"]  # fmt: skip


def _nameless_arc(cell: MeasuredCell, found: Fit) -> list[str]:
    """What to try where all of a separator went into the arc of its contacts."""
    unknown = {one.name for one in found.estimates if one.value is None}
    if cell.terminals != "separator" or cell.contact != "arc" or "electrolyte_resistance" not in unknown:
        return []
    return ["no resistance stands before the arc, which may as well be that of the bulk: --bulk-arc without --contact arc then "
            "gives the conductivity"]  # fmt: skip


def _time(resistance: float, q: float, exponent: float) -> float:
    """Logarithm of the time constant of an arc, τ = (R Q)^(1/a)."""
    return math.log(resistance * q) / max(exponent, 1e-3)


def choose(cells: Sequence[MeasuredCell], measurements: Sequence[Measurement], asked: Sequence[Question]) -> Choice:
    """Fit every description that answers the questions asked, and rank them; what is not asked stays as the cells say.

    Holds where residuals are noise: else the largest description is preferred, as the sentence of the comparison says.
    Limit: of a spectrum of one of the descriptions with noise, that one, or one with as much support and fewer numbers.
    Errors: InputError where there is nothing to choose.
    """
    described = dict(_descriptions(cells, asked))
    if len(described) < 2:
        raise InputError("there is nothing to compare: leave out options that state the description, such as --contact")
    # one loss for all: robust where one description shows wild points, unless another meets the points to rounding
    losses: tuple[Loss, ...] = ("automatic", "robust", "plain")
    for loss in losses:
        fits = {name: fit_cells(own, measurements, loss=loss, profile="never") for name, (_, own) in described.items()}
        if len({one.fit.robust for one in fits.values()}) == 1:
            break
    comparison = compare({name: one.fit for name, one in fits.items()})
    return Choice(comparison, {name: option for name, (option, _) in described.items()}, fits)


def questions(cells: Sequence[MeasuredCell]) -> tuple[Question, ...]:
    """What can be asked of these cells."""
    composites = any(TERMINALS[one.terminals].composites for one in cells)
    return ("double_layer", "charge_transfer", "contact") if composites else ("arc", "contact")


def _descriptions(
    cells: Sequence[MeasuredCell], asked: Sequence[Question]
) -> Iterator[tuple[str, tuple[str, tuple[MeasuredCell, ...]]]]:
    """Name, options and cells of every combination of answers."""
    for answers in product(*(_answers(question, cells) for question in asked)):
        name = " + ".join(answer.words for answer in answers if answer.words) or "no contact"
        option = " ".join(answer.option for answer in answers if answer.option)
        given = list(zip(asked, answers, strict=True))
        yield name, (option, tuple(_described(cell, {q: a.value for q, a in given}) for cell in cells))


def _answers(question: Question, cells: Sequence[MeasuredCell]) -> tuple[Answer, ...]:
    """Without a resistance in series where it could be had for the rails, or for the bulk, without any change."""
    answers = ANSWERS[question]
    alike = {TERMINALS[one.terminals].case for one in cells} in ({"a"}, {"b"}, {""})
    return tuple(answer for answer in answers if not (alike and answer.value == "resistance"))


def _described(cell: MeasuredCell, answers: Mapping[Question, Any]) -> MeasuredCell:
    """The cell with these answers."""
    interface = {name: value for name, value in answers.items() if name in ("double_layer", "charge_transfer")}
    changes: dict[str, Any] = {"contact": answers["contact"]} if "contact" in answers else {}
    changes |= {"interface": replace_noun(cell.interface, **interface)} if interface else {}
    if "arc" in answers and cell.electrolyte is not None:
        changes["electrolyte"] = replace_noun(cell.electrolyte, arc=answers["arc"])
    return replace_noun(cell, **changes)


def hints(found: CellFit, measurements: Sequence[Measurement]) -> list[str]:
    """What to try where a fit clearly misses something: the option, and the cell, that meet the measurement far better.

    Nothing where the residuals are noise below a tenth of |Z|, or where nothing is CLOSER.
    """
    if not (any(NO_NOISE in said for said in found.fit.warnings) or max(found.fit.noise) > MISFIT):
        return []
    held = any(isinstance(one, MeasurementFile) and one.contact_resistance is not None for one in found.cells)
    asked = [question for question in questions(found.cells) if not (held and question == "contact")]
    options = choose(found.cells, measurements, asked)
    chosen = options.comparison.chosen
    best, left = options.fits[chosen].fit, f"the residuals are {_left(found.fit)} of |Z|"
    said = []
    if options.options[chosen] and _closer(best, found.fit) > CLOSER:
        said.append(f"{left}; with {options.options[chosen]} they are {_left(best)}: --compare shows every description")
    said += _series(found.cells)
    words, other = _best_other(_other_cells(found, measurements))
    if other is None or _closer(other, found.fit) < CLOSER or other.aicc > best.aicc + SOME:
        return said
    hint = f"{left}; {words} they are {_left(other)}: check which cell it was"
    return [hint, *_series(found.cells)] if _closer(other, best) > CLOSER else [*said, hint]


def _series(cells: Sequence[MeasuredCell]) -> list[str]:
    """What files of one kind of cell that do not agree may be."""
    if len(cells) == 1 or len({one.terminals for one in cells}) > 1:
        return []
    return ["files of one kind of cell were fitted as one composite in one state; a series over temperature or pressure is fitted "
            "with `percolyte eis batch`"]  # fmt: skip


def _best_other(others: Sequence[tuple[str, Fit]]) -> tuple[str, Fit | None]:
    """The simplest of those with as much support as the best, and the words of all that are as simple."""
    least = min((other.aicc for _, other in others), default=math.inf)
    supported = [(words, other) for words, other in others if other.aicc <= least + SOME]
    simple = min((other.free for _, other in supported), default=0)
    alike = [(words, other) for words, other in supported if other.free == simple]
    return " or ".join(words for words, _ in alike), alike[0][1] if alike else None


def _closer(one: Fit, than: Fit) -> float:
    """How many times smaller the residuals of a fit of the same points are, in the mean of their logarithms."""
    return math.exp(min((one.log_likelihood - than.log_likelihood) / than.rows, 50.0))


def _left(fit: Fit) -> str:
    return " and ".join(percent(noise) for noise in fit.noise)


def _other_cells(found: CellFit, measurements: Sequence[Measurement]) -> list[tuple[str, Fit]]:
    """Fits of one file taken for another cell, the others as they are."""
    if len(found.cells) == 1:
        return _other_families(found.cells[0], measurements[0])
    if len(found.cells) > AT_ONCE:
        return []
    tried = []
    for number, (cell, measured) in enumerate(zip(found.cells, measurements, strict=True)):
        for terminals in ("ion-blocking", "electron-blocking", "electrode"):
            changed = _as(cell, terminals)
            if isinstance(measured, MeasuredSpectrum) and terminals != cell.terminals and changed is not None:
                cells = [*found.cells[:number], changed, *found.cells[number + 1 :]]
                other = fit_cells(cells, measurements, profile="never").fit
                tried.append((f"with --terminals {terminals} for {measured.source}", other))
    return tried


def _other_families(cell: MeasuredCell, measured: Measurement) -> list[tuple[str, Fit]]:
    tried = []
    for terminals, alike in FAMILIES.items():
        changed = None if cell.terminals in (terminals, *alike) else _as(cell, terminals)
        if changed is not None and isinstance(measured, MeasuredSpectrum):
            written = f"{terminals} --bulk-arc" if terminals == "separator" else terminals
            names = " or ".join((f"with --terminals {written}", *alike[:1]))
            tried.append((names, _one(changed, measured, "automatic", "never")[0]))
    return tried


def _as(cell: MeasuredCell, terminals: Terminals) -> MeasuredCell | None:
    """The same layer between other contacts; nothing where it cannot be."""
    try:
        if TERMINALS[terminals].composites and cell.thickness is not None:
            return replace_noun(cell, terminals=terminals)
        if TERMINALS[terminals].composites:
            assert cell.electrolyte is not None
            return MeasuredCell(terminals=terminals, area=cell.area, thickness=cell.electrolyte.thickness)
        assert cell.thickness is not None
        return MeasuredCell.model_validate(
            {"terminals": terminals, "area": cell.area, "electrolyte": {"thickness": cell.thickness, "arc": True}}
        )
    except InputError:
        return None
