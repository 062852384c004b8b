"""`percolyte eis fit`: conductivities from measured impedance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from percolyte.commands.impedance import Cycle, Exclude, ImaginaryColumn, point_numbers
from percolyte.commands.shared import Figure, Json, figure_name, parsed, print_result, read_options, write_figure
from percolyte.errors import InputError, Problem, suggestion

if TYPE_CHECKING:
    from percolyte.impedance.cells import MeasuredCell
    from percolyte.impedance.choice import CellFit, Choice, Question
    from percolyte.impedance.measurement import MeasuredSpectrum
    from percolyte.impedance.misfit import Measurement
    from percolyte.impedance.posterior import Posterior

app = typer.Typer()

SAME_TEMPERATURE = 2.0
"""Kelvins by which the files of one joint fit may differ."""
PROFILES: Mapping[str, Literal["automatic", "always", "never"]] = {
    "auto": "automatic", "covariance": "never", "profile": "always", "posterior": "automatic"
}  # fmt: skip
"""What --intervals can be, and which profiles it walks."""
CONTACTS = ("none", "resistance", "arc", "auto")
CELL, MODEL = "The cell", "What its spectrum shows"


@app.command("fit")
def fit(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", help="Measurements of one composite at one temperature; series: `eis batch`."
        ),
    ],
    terminals: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CELL", rich_help_panel=CELL, help="ion-blocking, electron-blocking, electrode, separator, ..."
        ),
    ] = None,
    thickness: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", rich_help_panel=CELL, help="Of the layer measured, such as '100 um'."),
    ] = None,
    area: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", rich_help_panel=CELL, help="Such as '0.785 cm2'.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", rich_help_panel=CELL, help="impedance, or polarisation: direct current."),
    ] = None,
    circuit: Annotated[
        str | None,
        typer.Option(metavar="TEXT", rich_help_panel=CELL, help="Instead of a cell, such as 'R0-p(R1,CPE1)'."),
    ] = None,
    contact: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", rich_help_panel=MODEL, help="none (default), resistance, arc, or auto: choose."),
    ] = None,
    contact_resistance: Annotated[
        str | None,
        typer.Option(metavar="TEXT", rich_help_panel=MODEL, help="Of both contacts, known, such as '2 ohm cm2'."),
    ] = None,
    double_layer: Annotated[
        str | None,
        typer.Option(metavar="TEXT", rich_help_panel=MODEL, help="constant-phase (default) or capacitor."),
    ] = None,
    charge_transfer: Annotated[
        bool, typer.Option("--charge-transfer", rich_help_panel=MODEL, help="A resistance beside the double layer.")
    ] = False,
    bulk_arc: Annotated[
        bool, typer.Option("--bulk-arc", rich_help_panel=MODEL, help="Of a separator: its bulk shows an arc.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option("--compare", rich_help_panel=MODEL, help="Fit every description, rank them, take the best."),
    ] = False,
    cycle: Cycle = None,
    imaginary: ImaginaryColumn = None,
    exclude: Exclude = None,
    intervals: Annotated[str, typer.Option(metavar="TEXT", help="auto, covariance, profile or posterior.")] = "auto",
    figure: Figure = None,
    corner: Annotated[
        Path | None,
        typer.Option(
            metavar="FIGURE",
            callback=figure_name,
            help="The posterior, each pair of parameters.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Conductivities of a composite or separator from its impedance.

    Several cells of one composite are fitted together. --terminals, --thickness, --area and --method are given once for
    all files, or once for each.
    """
    from percolyte.report.impedance_fits import fit_json, fit_text

    each = {"terminals": terminals, "thickness": thickness, "area": area, "method": method}
    if contact and len(contact) > 1:
        raise InputError(f"--contact is given {len(contact)} times and holds for all files; give it once")
    model = {"contact": contact[0] if contact else None, "contact_resistance": contact_resistance, "double_layer": double_layer,
             "charge_transfer": charge_transfer or None, "bulk_arc": bulk_arc or None}  # fmt: skip
    stated = {name: value for name, value in model.items() if value is not None}
    _check(files, circuit, each, stated, compare=compare, intervals=intervals, corner=corner)
    points = _Points(cycle, imaginary, point_numbers(exclude))
    if circuit is not None:
        found = _circuit_fit(files, circuit, area or [], points, PROFILES[intervals])
    else:
        found = _cell_fit(files, of_each(files, each), stated, points, compare=compare, profile=PROFILES[intervals])
    if intervals == "posterior":
        found = found.sampled()
    labels = [file.name for file in files]
    _draw(found, labels, figure, corner)
    about = (found.cell.fit, found.cell.conductivities, found.warnings)
    print_result(fit_json(*about, **found.more), fit_text(*about, labels, **found.more), as_json=as_json)


@dataclass(frozen=True)
class _Points:
    """Which points of the files are fitted."""

    cycle: int | None
    imaginary: Any
    left_out: Sequence[int]


@dataclass(frozen=True)
class _Found:
    """A fit, with what else was asked about it."""

    cell: CellFit
    hints: Sequence[str] = ()
    choice: Choice | None = None
    posterior: Posterior | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        return (*self.cell.warnings, *self.hints, *(self.posterior.warnings if self.posterior else ()))

    @property
    def more(self) -> dict[str, Any]:
        """What the report shows besides the fit."""
        return {"choice": self.choice, "posterior": self.posterior}

    def sampled(self) -> _Found:
        """The same with intervals from the posterior."""
        from percolyte.impedance.choice import with_samples
        from percolyte.impedance.posterior import sample_enough

        posterior = sample_enough(self.cell.fit)
        return replace(self, cell=with_samples(self.cell, posterior), posterior=posterior)


def _check(
    files: Sequence[Path],
    circuit: str | None,
    each: Mapping[str, list[str] | None],
    stated: Mapping[str, Any],
    *,
    compare: bool,
    intervals: str,
    corner: Path | None,
) -> None:
    """Refuse options that do not go together, all of them at once."""
    problems = []
    if (circuit is None) == (each["terminals"] is None):
        cell = "--terminals ion-blocking (or another cell)"
        problems.append(Problem("", f"say what the files are of: {cell}, or --circuit 'R0-p(R1,CPE1)', and not both"))
    if circuit is not None:
        of_cells = [name for name, value in {**each, **stated}.items() if value and name not in ("terminals", "area")]
        of_cells += ["compare"] if compare else []
        problems += [Problem(_option(name), "is of a cell, not of a circuit; leave it out") for name in of_cells]
    if intervals not in PROFILES:
        near = suggestion(intervals, PROFILES)
        problems.append(Problem("--intervals", f"'{intervals}' is not one of {', '.join(PROFILES)}{near}"))
    if stated.get("contact", "none") not in CONTACTS:
        near = suggestion(stated["contact"], CONTACTS)
        problems.append(Problem("--contact", f"'{stated['contact']}' is not one of {', '.join(CONTACTS)}{near}"))
    if corner is not None and intervals != "posterior":
        problems.append(Problem("--corner", "shows samples of the posterior; write --intervals posterior too"))
    if "contact_resistance" in stated and stated.get("contact", "resistance") != "resistance":
        problems.append(Problem("--contact-resistance", f"is known, so that --contact {stated['contact']} says something else; leave one of them out"))  # fmt: skip
    problems += _misplaced(each["terminals"] or [], stated)
    if "separator" in (each["terminals"] or []) and {*(each["method"] or [])} - {"impedance"}:
        problems.append(Problem("--method", "of a separator is impedance alone; a run of direct current on one is read with `percolyte eis leakage` or `percolyte eis transference`"))  # fmt: skip
    twice = {file.name for file in files if files.count(file) > 1}
    problems += [
        Problem(name, "is named twice, which would count its noise as less; name it once") for name in sorted(twice)
    ]
    if problems:
        raise InputError(problems)


def _misplaced(terminals: Sequence[str], stated: Mapping[str, Any]) -> list[Problem]:
    """Options that are of another cell."""
    if not terminals:
        return []
    bare = "separator" in terminals
    composite = ("contact_resistance", "double_layer", "charge_transfer")
    wrong, whose = (composite, "of a composite") if bare else (("bulk_arc",), "of a separator")
    cell = "a separator" if bare else ", ".join(terminals)
    return [
        Problem(_option(name), f"is {whose}, and {cell} has none; leave it out") for name in wrong if name in stated
    ]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _draw(found: _Found, labels: Sequence[str], figure: Path | None, corner: Path | None) -> None:
    if figure is None and corner is None:
        return
    from percolyte.report.fit_figures import corner_figure, fit_figure

    if figure is not None:
        write_figure(fit_figure(found.cell.fit, labels), figure)
    if corner is not None and found.posterior is not None:
        write_figure(corner_figure(found.posterior, found.cell.fit), corner)


def of_each(files: Sequence[Path], options: Mapping[str, list[str] | None]) -> list[dict[str, str]]:
    """The options of every file, each given once for all or once for each."""
    problems = [
        Problem(
            f"--{name}", f"is given {len(values)} times for {len(files)} files; give it once for all, or once for each"
        )
        for name, values in options.items()
        if values and len(values) not in (1, len(files))
    ]
    problems += [
        Problem(f"--{name}", f"'{value}' holds several; write " + " ".join(f"--{name} {part}" for part in split))
        for name in ("terminals", "method")
        for value in options.get(name) or []
        if len(split := [part.strip() for part in value.split(",")]) > 1
    ]
    problems += [
        Problem(f"--{name}", f"is missing; write for example --{name} '{example}'")
        for name, example in (("thickness", "100 um"), ("area", "0.785 cm2"))
        if options["terminals"] and not options[name]
    ]
    if problems:
        raise InputError(problems)
    return [
        {name: values[number if len(values) > 1 else 0] for name, values in options.items() if values}
        for number in range(len(files))
    ]


def _circuit_fit(files: Sequence[Path], circuit: str, areas: Sequence[str], points: _Points, profile: Any) -> _Found:
    from percolyte import units
    from percolyte.impedance.choice import CellFit
    from percolyte.impedance.circuit import parse_circuit
    from percolyte.impedance.fit import fit as fit_one

    model = parse_circuit(circuit)
    if len(files) > 1:
        raise InputError("a circuit is fitted to one file; cells (--terminals) are fitted to several together")
    if len(areas) > 1:
        raise InputError(f"--area is given {len(areas)} times for one file; give it once")
    area = parsed({"area": areas[0]}, {"area": units.AREA})["area"] if areas else None
    found = fit_one(_spectrum(files[0], points, area), model, profile=profile)
    return _Found(CellFit((), found, {}, found.warnings))


def _spectrum(file: Path, points: _Points, area: float | None) -> MeasuredSpectrum:
    from percolyte.impedance.readers.reading import read_spectrum
    from percolyte.impedance.validity import leave_out

    spectrum = read_spectrum(file, cycle=points.cycle, area=area, imaginary=points.imaginary)
    return leave_out(spectrum, points.left_out)


def _cell_fit(
    files: Sequence[Path],
    tables: Sequence[dict[str, str]],
    stated: Mapping[str, Any],
    points: _Points,
    *,
    compare: bool,
    profile: Any,
) -> _Found:
    """The named cells of the files, fitted together; a separator by itself."""
    from percolyte.impedance.choice import choose, fit_cells, hints

    cells, measured = _read(files, tables, stated, points)
    asked = _asked(cells, stated, compare=compare)
    choice = choose(cells, measured, asked) if asked else None
    found = fit_cells(cells if choice is None else choice.cells, measured, profile=profile)
    return _Found(found, hints(found, measured), choice)


def _asked(cells: Sequence[MeasuredCell], stated: Mapping[str, Any], *, compare: bool) -> list[Question]:
    """What is to be chosen: the contact for `--contact auto`, of a separator the arc too, with --compare all that is not stated."""
    from percolyte.impedance.choice import questions

    held = {"arc" if name == "bulk_arc" else name for name, value in stated.items() if value != "auto"}
    held |= {"contact"} if "contact_resistance" in stated else set()
    composites = any(one.terminals != "separator" for one in cells)
    # one arc of a separator is that of its contacts or of its bulk: neither can be asked about alone
    about_contacts: Sequence[Question] = ("contact",) if composites else questions(cells)
    wanted = questions(cells) if compare else about_contacts if stated.get("contact") == "auto" else ()
    found: list[Question] = [question for question in wanted if question not in held]
    if compare and not found:
        raise InputError(
            "--compare: every option states how the cell is described; leave out those that are to be chosen"
        )
    return found


def _read(
    files: Sequence[Path], tables: Sequence[dict[str, str]], stated: Mapping[str, Any], points: _Points
) -> tuple[Sequence[MeasuredCell], Sequence[Measurement]]:
    """The cells of the files, and what was measured in them."""
    from percolyte.impedance.cells import MeasuredCell
    from percolyte.impedance.composite import MeasurementFile, read_measurement

    contact = "resistance" if "contact_resistance" in stated else stated.get("contact", "none")
    contact = "none" if contact == "auto" else contact
    if any(table.get("terminals") == "separator" for table in tables):
        if len(files) > 1:
            raise InputError(
                "a separator is fitted by itself; name one file, or fit a folder with `percolyte eis batch`"
            )
        plain = {"terminals": "separator", "area": tables[0].get("area"), "contact": contact}
        layer = {"electrolyte": {"thickness": tables[0].get("thickness"), "arc": "bulk_arc" in stated}}
        cell = read_options(MeasuredCell, {**plain, **layer}, source=str(files[0]))
        return [cell], [_spectrum(files[0], points, cell.area)]
    interface = {name: stated[name] for name in ("double_layer", "charge_transfer") if name in stated}
    common: dict[str, Any] = {"contact": contact, **({"interface": interface} if interface else {})}
    known = {"contact_resistance": stated.get("contact_resistance"), "cycle": points.cycle, "exclude": points.left_out}
    common |= {name: value for name, value in known.items() if value}
    nouns = [
        read_options(MeasurementFile, {"file": file.name, **table, **common}, source=str(file))
        for file, table in zip(files, tables, strict=True)
    ]
    measured = [
        read_measurement(noun, file, imaginary=points.imaginary) for noun, file in zip(nouns, files, strict=True)
    ]
    _one_temperature(measured)
    return nouns, measured


def _one_temperature(measured: Sequence[Measurement]) -> None:
    """Refuse files that state different temperatures: their conductivities differ."""
    known = [one.temperature for one in measured if one.temperature is not None]
    if known and max(known) - min(known) > SAME_TEMPERATURE:
        listed = ", ".join(f"{one.source}: {one.temperature:.4g} K" for one in measured if one.temperature is not None)
        raise InputError(
            f"one fit is of one composite at one temperature, and these are not ({listed}); fit each file by itself, or all "
            "files of a folder with `percolyte eis batch`, which gives the activation energy"
        )
