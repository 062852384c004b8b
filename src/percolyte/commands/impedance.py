"""Commands on measured impedance."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from percolyte.commands.shared import Figure, Json, Table, note, print_json
from percolyte.errors import InputError

app = typer.Typer(help="Measured impedance: read, check and fit the files of instruments.", no_args_is_help=True)

Area = Annotated[str | None, typer.Option(help="Area of the cell, such as '0.785 cm2'; above what the file states.")]
Thickness = Annotated[str | None, typer.Option(help="Thickness of the layer measured, such as '100 um'.")]
Temperature = Annotated[str | None, typer.Option(help="Temperature of the cell, such as '25 degC'.")]
ImaginaryColumn = Annotated[
    str | None, typer.Option("--imaginary", help="What the column of the imaginary part holds: im or minus-im.")
]
BulkArc = Annotated[
    bool, typer.Option(help="Of a separator whose bulk shows an arc, a constant phase element beside it.")
]
Cycle = Annotated[int | None, typer.Option(help="Read one cycle of the file.")]


def stated(area: str | None, thickness: str | None, temperature: str | None, imaginary: str | None) -> dict[str, Any]:
    """The options about a file as the arguments of the readers."""
    from percolyte import units

    return {
        "area": None if area is None else units.parse(area, units.AREA),
        "thickness": None if thickness is None else units.parse(thickness, units.THICKNESS),
        "temperature": None if temperature is None else units.parse(temperature, units.TEMPERATURE),
        "imaginary": imaginary,
    }


@app.callback()
def _group() -> None:
    """A group of commands, however few."""


@app.command("read")
def read(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of an instrument, or a folder of them.")],
    area: Area = None,
    thickness: Thickness = None,
    temperature: Temperature = None,
    imaginary: ImaginaryColumn = None,
    cycle: Cycle = None,
    out: Annotated[Path | None, typer.Option(help="Write all points as a table: .csv, .parquet or .xlsx.")] = None,
    as_json: Json = False,
) -> None:
    """The impedance spectra of a file or folder, one for each cycle, and how their sign is known."""
    from percolyte.impedance.readers.reading import read_folder, read_spectra, read_spectrum
    from percolyte.interchange.table import check_table_name, write_table
    from percolyte.report.measured_impedance import spectra_columns, spectra_text, spectrum_json

    if out is not None:
        check_table_name(out)
    arguments = stated(area, thickness, temperature, imaginary)
    refused: list[Any] = []
    if file.is_dir():
        if cycle is not None:
            raise InputError("--cycle chooses from one file; name the file instead of its folder")
        spectra, problems = read_folder(file, **arguments)
        refused = [{"where": problem.where, "what": problem.what} for problem in problems]
        for problem in problems:
            note(f"not read: {problem}")
    elif cycle is not None:
        spectra = (read_spectrum(file, cycle=cycle, **arguments),)
    else:
        spectra = read_spectra(file, **arguments)
    if out is not None:
        write_table(out, spectra_columns(spectra), {"source": str(file)})
        note(f"written: {out}")
    if as_json:
        data = {"outcome": "done", "spectra": [spectrum_json(spectrum) for spectrum in spectra]}
        print_json({**data, "refused": refused} if file.is_dir() else data)
        return
    typer.echo(spectra_text(spectra))


@app.command("check")
def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="File of an instrument; several cycles are compared too.")
    ],
    cycle: Cycle = None,
    imaginary: ImaginaryColumn = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Whether spectra can be trusted: Kramers-Kronig relations, points that stand out, drift from cycle to cycle."""
    from percolyte.impedance.drift import check_drift
    from percolyte.impedance.readers.reading import read_spectra, read_spectrum
    from percolyte.impedance.validity import check_spectrum
    from percolyte.report.impedance_checks import drift_json, drift_text, validity_json, validity_text

    wanted = (
        None
        if cycle is None
        else (read_spectrum(file, cycle=cycle, imaginary=stated(None, None, None, imaginary)["imaginary"]),)
    )
    spectra = wanted or read_spectra(file, imaginary=stated(None, None, None, imaginary)["imaginary"])
    found = [check_spectrum(spectrum) for spectrum in spectra]
    drift = check_drift(spectra) if len(spectra) > 1 else None
    if figure is not None:
        from percolyte.report.figures import save
        from percolyte.report.impedance_figures import residual_figure

        save(residual_figure(found[0]), figure)
        note(f"written: {figure}" + (f" (cycle {spectra[0].cycle})" if len(spectra) > 1 else ""))
    if as_json:
        print_json(
            {"outcome": "done", "spectra": [validity_json(one) for one in found], "drift": drift and drift_json(drift)}
        )
    else:
        typer.echo("\n".join([*(validity_text(one) for one in found), *([drift_text(drift)] if drift else [])]))


@app.command("drt")
def drt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of an instrument; several cycles become a map.")],
    area: Area = None,
    thickness: Thickness = None,
    cycle: Cycle = None,
    imaginary: ImaginaryColumn = None,
    out: Table = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Distribution of relaxation times: peaks with resistance, time constant and capacitance, and what each may be."""
    from percolyte.impedance.drt import relaxation_map, relaxation_times
    from percolyte.impedance.readers.reading import read_spectra, read_spectrum
    from percolyte.interchange.table import write_table
    from percolyte.report.impedance_checks import (
        relaxation_columns,
        relaxation_json,
        relaxation_text,
        unnamed_processes,
    )

    arguments = stated(area, thickness, None, imaginary)
    spectra = read_spectra(file, **arguments) if cycle is None else (read_spectrum(file, cycle=cycle, **arguments),)
    found = [relaxation_times(spectrum) for spectrum in spectra]
    if out is not None:
        write_table(out, relaxation_columns(relaxation_map(spectra)), {"source": str(file)})
        note(f"written: {out}")
    if figure is not None:
        from percolyte.report.figures import save
        from percolyte.report.impedance_figures import relaxation_figure, relaxation_map_figure

        labels = [str(spectrum.cycle) for spectrum in spectra]
        single = len(spectra) == 1
        drawn = (
            relaxation_figure(found[0]) if single else relaxation_map_figure(relaxation_map(spectra), labels, "cycle")
        )
        save(drawn, figure)
        note(f"written: {figure}")
    if as_json:
        print_json({"outcome": "done", "spectra": [relaxation_json(one) for one in found]})
    else:
        typer.echo("\n".join(relaxation_text(one) for one in found))
        if missing := unnamed_processes(spectra[0]):
            note(missing)


@app.command("batch")
def batch(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of measured files, all of one kind of cell.")
    ],
    terminals: Annotated[str, typer.Option(help="Cell of every file: ion-blocking, electron-blocking, separator, ...")],
    thickness: Annotated[str, typer.Option(help="Of the layer measured, such as '100 um'.")],
    area: Annotated[str, typer.Option(help="Of the cells, such as '0.785 cm2'.")],
    out: Annotated[Path, typer.Option(help="Folder for tables, page and the results that a later run goes on from.")],
    contact: Annotated[str, typer.Option(help="What contacts add in series: none, resistance or arc.")] = "none",
    bulk_arc: BulkArc = False,
    temperatures: Annotated[
        str | None,
        typer.Option(help="Of each spectrum in order, or of all: '25 degC, 40 degC'; above what the files state."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fit every file of a folder: a table (CSV, Parquet, XLSX), a page, activation energies; interrupted runs go on."""
    from percolyte.files import write_whole
    from percolyte.impedance.batch import run_batch
    from percolyte.impedance.cells import MeasuredCell
    from percolyte.interchange.table import write_table
    from percolyte.nouns import read_noun
    from percolyte.report.impedance_batch import at_temperatures, batch_columns, batch_page

    layer = (
        {"electrolyte": {"thickness": thickness, "arc": bulk_arc}}
        if terminals == "separator"
        else {"thickness": thickness}
    )
    cell = read_noun(MeasuredCell, {"terminals": terminals, "area": area, "contact": contact, **layer})
    if not folder.is_dir():
        raise InputError(
            f"{folder} is no folder; name the folder that holds the files, or fit one file with `percolyte eis fit`"
        )
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise InputError(f"{folder} holds no file; name the folder that the measured files are in")
    with typer.progressbar(length=len(files), label="fitting", file=sys.stderr) as bar:
        results = run_batch(files, cell, out, progress=lambda done, _, __: bar.update(done - bar.pos))
    if temperatures is not None:
        results = at_temperatures(results, temperatures)
    for name in ("results.csv", "results.parquet", "results.xlsx"):
        write_table(out / name, batch_columns(results), {"folder": str(folder), "cell": cell.model_dump_json()})
    write_whole(out / "report.html", batch_page(results, f"{folder.name}: {terminals}").encode())
    for one in results:
        if one.problem:
            note(f"not read: {one.file}: {one.problem}")
    if as_json:
        print_json({"outcome": "done", "files": [asdict(one) for one in results]})
        return
    spectra = sum(len(one.spectra) for one in results)
    typer.echo(
        f"{spectra} spectra of {len(results)} files; {out / 'results.csv'}, .parquet, .xlsx and {out / 'report.html'}"
    )
