"""The command on a folder of measured impedance."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from percolyte.commands.impedance import BulkArc, Exclude, ImaginaryColumn, point_numbers
from percolyte.commands.shared import Json, can_hold, note, parsed, print_json, read_options
from percolyte.errors import InputError, Problem

if TYPE_CHECKING:
    from percolyte.impedance.batch import Entry, FileResult
    from percolyte.impedance.cells import MeasuredCell
    from percolyte.impedance.conditions import Conditions
    from percolyte.impedance.readers.spectra import Imaginary
    from percolyte.impedance.trends import Course

app = typer.Typer()


@app.command("batch")
def batch(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of measured files of one kind of cell, or one file of many cycles.")
    ],
    terminals: Annotated[str, typer.Option(help="Cell of every file: ion-blocking, electron-blocking, separator, ...")],
    out: Annotated[Path, typer.Option(help="Folder for tables, page, figures and the results that a later run goes on from.")],
    thickness: Annotated[
        str | None, typer.Option(help="Of the layer measured, such as '100 um', where the conditions do not state it.")
    ] = None,
    area: Annotated[
        str | None, typer.Option(help="Of the cells, such as '0.785 cm2', where the conditions do not state it.")
    ] = None,
    contact: Annotated[str, typer.Option(help="What contacts add in series: none, resistance or arc.")] = "none",
    bulk_arc: BulkArc = False,
    conditions: Annotated[
        Path | None,
        typer.Option(help="Table (CSV) with the columns file[, cycle] and temperature / degC, pressure / MPa, state_of_charge / %, "
                          "composition / %, sample, area / cm2, thickness / um; above options and files."),
    ] = None,
    temperatures: Annotated[
        str | None,
        typer.Option(help="Instead of a table: '25 degC, 40 degC', of each spectrum in order, or one of all."),
    ] = None,
    imaginary: ImaginaryColumn = None,
    exclude: Exclude = None,
    figures: Annotated[bool, typer.Option(help="Draw every spectrum: about as long as fitting it.")] = True,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Fit every file of a folder: tables, a page with figures, laws over the conditions; interrupted runs go on."""
    from percolyte import units
    from percolyte.impedance.batch import Reading, entries_of, run_batch
    from percolyte.impedance.conditions import Conditions, in_order, read_conditions
    from percolyte.report.batch_page import courses_of, draw_spectra, write_batch
    from percolyte.report.impedance_batch import amount_text, batch_text

    can_hold(out / "report.html")
    if conditions is not None and temperatures is not None:
        raise InputError("--temperatures and --conditions say the same; keep the table, with a column temperature")
    kelvins = (
        [
            parsed({"temperatures": word}, {"temperatures": units.TEMPERATURE})["temperatures"]
            for word in temperatures.split(",")
        ]
        if temperatures is not None
        else []
    )
    reading = Reading(cast("Imaginary | None", imaginary), tuple(point_numbers(exclude)))
    if folder.resolve() == out.resolve():
        raise InputError(
            "--out is the folder of the measured files, where the tables would be read as such; name another"
        )
    files = _files(folder, conditions)
    stated = Conditions() if conditions is None else read_conditions(conditions, files)
    for_note = stated.without_row(files)
    cell = _cell(terminals, {"thickness": thickness, "area": area}, contact, bulk_arc, stated, files)
    results = []
    with typer.progressbar(length=len(files), label="fitting", file=sys.stderr) as bar:
        for one, new in run_batch(files, cell, out, stated, reading):
            if figures:
                draw_spectra(one, out, anew=new)
            results.append(one)
            bar.update(1)
    if not any(one.spectra for one in results):
        raise InputError([Problem(one.name, one.problem) for one in results], source=str(folder))
    if kelvins:
        stated = in_order([(one.name, fitted.cycle) for one in results for fitted in one.spectra], kelvins)
    entries = entries_of(results, stated)
    found = courses_of(entries, cell)
    about = {"folder": str(folder), "cell": cell.model_dump_json()}
    written = write_batch(out, results, entries, found, f"{folder.name}: {terminals}", about)
    _say(results, for_note, conditions)
    if as_json:
        print_json({"outcome": "done", "files": _json(results, entries), "laws": _laws_json(found)})
        return
    typer.echo(
        "\n".join(
            [
                *batch_text(entries, found),
                f"{amount_text(results, entries)}, in {out}: {', '.join(written)}",
            ]
        )
    )


def _files(folder: Path, conditions: Path | None) -> list[Path]:
    """What is to be fitted: not the table of conditions, and no hidden files."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder and no file; name the folder that holds the measured files")
    beside = None if conditions is None else conditions.resolve()
    files = sorted(path for path in folder.iterdir()
                   if path.is_file() and not path.name.startswith(".") and path.resolve() != beside)  # fmt: skip
    if not files:
        raise InputError(f"{folder} holds no file; name the folder that the measured files are in")
    return files


def _cell(
    terminals: str,
    options: dict[str, str | None],
    contact: str,
    bulk_arc: bool,
    stated: Conditions,
    files: Sequence[Path],
) -> MeasuredCell:
    """The cell of the options; what they leave out must be stated by the table for every file."""
    from percolyte import units
    from percolyte.impedance.cells import MeasuredCell

    found: dict[str, Any] = dict(options)
    problems = []
    for name, dimension in (("thickness", units.THICKNESS), ("area", units.AREA)):
        if options[name] is None:
            value = stated.everywhere(name, files)
            found[name] = None if value is None else units.text(value, dimension)
            if value is None:
                problems.append(Problem(f"--{name}", f"is missing; write --{name} '{dimension.example}', or a column {name} / {dimension.unit} with an entry for every file"))  # fmt: skip
    if problems:
        raise InputError(problems)
    thickness = found["thickness"]
    layer = {"electrolyte": {"thickness": thickness, "arc": bulk_arc}} if terminals == "separator" else {"thickness": thickness}  # fmt: skip
    return read_options(MeasuredCell, {"terminals": terminals, "area": found["area"], "contact": contact, **layer})


def _say(results: Sequence[FileResult], rowless: Sequence[str], conditions: Path | None) -> None:
    from percolyte.impedance.conditions import listed_briefly

    for one in results:
        if one.problem:
            note(f"not read: {one.file}: {one.problem}")
    if rowless:
        note(f"{conditions} has no row for {listed_briefly(rowless)}: options and files alone say what they are of")


def _laws_json(found: Sequence[Course]) -> list[dict[str, Any]]:
    return [
        {
            "quantity": one.quantity,
            "over": one.series.over,
            "held": one.series.held,
            "joint": joint,
            **asdict(law),
        }
        for one in found
        for joint, laws in ((False, one.laws), (True, one.joint))
        for law in laws
    ]


def _json(results: Sequence[FileResult], entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Every file with its spectra, without the curves, which the folder keeps."""
    files: dict[str, dict[str, Any]] = {one.file: {**asdict(one), "spectra": []} for one in results}
    for entry in entries:
        spectrum = {name: value for name, value in asdict(entry.fitted).items() if name != "curves"}
        files[entry.result.file]["spectra"].append({**spectrum, "conditions_SI": entry.condition.model_dump()})
    return [{name: value for name, value in one.items() if name != "state"} for one in files.values()]
