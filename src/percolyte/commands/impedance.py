"""Commands on measured impedance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from percolyte.commands.shared import Json, note, print_json
from percolyte.errors import InputError

app = typer.Typer(help="Measured impedance: read the files of instruments.", no_args_is_help=True)

Area = Annotated[str | None, typer.Option(help="Area of the cell, such as '0.785 cm2'; above what the file states.")]
Thickness = Annotated[str | None, typer.Option(help="Thickness of the layer measured, such as '100 um'.")]
Temperature = Annotated[str | None, typer.Option(help="Temperature of the cell, such as '25 degC'.")]
ImaginaryColumn = Annotated[
    str | None, typer.Option("--imaginary", help="What the column of the imaginary part holds: im or minus-im.")
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
    out: Annotated[Path | None, typer.Option(help="Write all points as a table: .csv or .parquet.")] = None,
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
