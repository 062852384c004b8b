"""Commands on measured impedance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from percolyte.commands.shared import Figure, Json, Table, can_hold, note, parsed, print_json, write_figure
from percolyte.errors import InputError, Problem, suggestion

app = typer.Typer(help="Measured impedance: read, check and fit the files of instruments.", no_args_is_help=True)

Area = Annotated[str | None, typer.Option(help="Area of the cell, such as '0.785 cm2'; above what the file states.")]
Thickness = Annotated[str | None, typer.Option(help="Thickness of the layer measured, such as '100 um'.")]
Temperature = Annotated[str | None, typer.Option(help="Temperature of the cell, such as '25 degC'.")]


def _imaginary(written: str | None) -> str | None:
    """What the column of the imaginary part holds, once it is known to be one of both."""
    from percolyte.impedance.readers.spectra import COLUMNS

    if written not in (None, *COLUMNS):
        near = suggestion(str(written), COLUMNS)
        raise InputError([Problem("--imaginary", f"'{written}' is not one of {', '.join(COLUMNS)}{near}")])
    return written


ImaginaryColumn = Annotated[
    str | None,
    typer.Option(
        "--imaginary", callback=_imaginary, help="What the column of the imaginary part holds: im or minus-im."
    ),
]
BulkArc = Annotated[
    bool, typer.Option(help="Of a separator whose bulk shows an arc, a constant phase element beside it.")
]
Exclude = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Points to leave out, such as 3,7; `eis check` names some."),
]
Cycle = Annotated[int | None, typer.Option(help="Read one cycle of the file.")]


def stated(area: str | None, thickness: str | None, temperature: str | None, imaginary: str | None) -> dict[str, Any]:
    """The options about a file as the arguments of the readers."""
    from percolyte import units

    dimensions = {"area": units.AREA, "thickness": units.THICKNESS, "temperature": units.TEMPERATURE}
    values = parsed({"area": area, "thickness": thickness, "temperature": temperature}, dimensions)
    return {**dict.fromkeys(dimensions), **values, "imaginary": imaginary}


def point_numbers(written: str | None) -> list[int]:
    """'3,7' as whole numbers from one on."""
    words = [word.strip() for word in written.split(",")] if written else []
    if not all(word.isdecimal() and int(word) for word in words):
        raise InputError(f"--exclude '{written}' is no list of points; write their numbers from 1 on, such as 3,7")
    return [int(word) for word in words]


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
        can_hold(out)
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
    area: Area = None,
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

    arguments = stated(area, None, None, imaginary)
    spectra = read_spectra(file, **arguments) if cycle is None else (read_spectrum(file, cycle=cycle, **arguments),)
    found = [check_spectrum(spectrum) for spectrum in spectra]
    drift = check_drift(spectra) if len(spectra) > 1 else None
    if figure is not None:
        from percolyte.report.impedance_figures import residual_figure

        write_figure(residual_figure(found[0]), figure)
        if len(spectra) > 1:
            note(f"the figure is of cycle {spectra[0].cycle}")
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
        from percolyte.report.impedance_figures import relaxation_figure, relaxation_map_figure

        labels = [str(spectrum.cycle) for spectrum in spectra]
        single = len(spectra) == 1
        drawn = (
            relaxation_figure(found[0]) if single else relaxation_map_figure(relaxation_map(spectra), labels, "cycle")
        )
        write_figure(drawn, figure)
    if as_json:
        print_json({"outcome": "done", "spectra": [relaxation_json(one) for one in found]})
    else:
        typer.echo("\n".join(relaxation_text(one) for one in found))
        if missing := unnamed_processes(spectra[0]):
            note(missing)
