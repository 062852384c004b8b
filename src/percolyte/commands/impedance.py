"""Commands on measured impedance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from percolyte.commands.shared import Figure, Json, Table, note, print_json
from percolyte.errors import InputError, Problem

if TYPE_CHECKING:
    from percolyte.impedance.estimates import Estimate, Fit

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
    from percolyte.report.impedance_checks import relaxation_columns, relaxation_json, relaxation_text

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


@app.command("fit")
def fit(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Measurements of one composite.")],
    terminals: Annotated[
        list[str] | None,
        typer.Option(help="Cell of each file, or of all: ion-blocking, electron-blocking, electrode, ..."),
    ] = None,
    thickness: Annotated[
        list[str] | None, typer.Option(help="Of the layer measured, such as '100 um'; of each or all.")
    ] = None,
    area: Annotated[list[str] | None, typer.Option(help="Of the cell, such as '0.785 cm2'; of each or all.")] = None,
    method: Annotated[
        list[str] | None, typer.Option(help="impedance, or polarisation for direct current; of each or all.")
    ] = None,
    contact: Annotated[str, typer.Option(help="What contacts add in series: none, resistance or arc.")] = "none",
    contact_resistance: Annotated[
        str | None, typer.Option(help="Of both contacts, known: such as '2 ohm cm2'.")
    ] = None,
    charge_transfer: Annotated[
        bool, typer.Option(help="A charge transfer resistance beside the double layer.")
    ] = False,
    bulk_arc: BulkArc = False,
    circuit: Annotated[
        str | None, typer.Option(help="For experts: a circuit such as R0-p(R1,CPE1) instead of a cell.")
    ] = None,
    cycle: Cycle = None,
    imaginary: ImaginaryColumn = None,
    exclude: Annotated[
        str | None,
        typer.Option(help="Points to leave out, counted from 1, such as 3,7; `percolyte eis check` names some."),
    ] = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Conductivities of a composite or separator from its impedance, several cells fitted together."""
    from percolyte.report.impedance_fits import fit_json, fit_text

    if (circuit is None) == (terminals is None):
        cell = "--terminals ion-blocking (or another cell)"
        raise InputError(f"say what the files are of: {cell}, or --circuit 'R0-p(R1,CPE1)', and not both")
    options = {"terminals": terminals, "thickness": thickness, "area": area, "method": method}
    common: dict[str, Any] = {"contact": contact if contact_resistance is None else "resistance"}
    common |= {"contact_resistance": contact_resistance} if contact_resistance is not None else {}
    common |= {"arc": bulk_arc} if "separator" in (terminals or []) else {}
    common |= {"interface": {"charge_transfer": True}} if charge_transfer else {}
    common |= {"cycle": cycle} if cycle is not None else {}
    left_out = _numbers(exclude)
    common |= {"exclude": left_out} if left_out and circuit is None else {}
    found = (
        _circuit_fit(files, circuit, left_out, cycle, imaginary)
        if circuit is not None
        else _cell_fit(files, of_each(files, options), common, imaginary)
    )
    if figure is not None:
        from percolyte.report.figures import save
        from percolyte.report.fit_figures import fit_figure

        save(fit_figure(found.fit, [file.name for file in files]), figure)
        note(f"written: {figure}")
    if as_json:
        print_json(fit_json(found.fit, found.conductivities, found.warnings))
    else:
        typer.echo(fit_text(found.fit, found.conductivities, found.warnings, [file.name for file in files]))


@dataclass(frozen=True)
class _Fitted:
    fit: Fit
    conductivities: Mapping[str, Estimate]
    warnings: tuple[str, ...]


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


def _numbers(written: str | None) -> list[int]:
    """'3,7' as whole numbers."""
    try:
        return [int(word) for word in written.split(",")] if written else []
    except ValueError:
        raise InputError(f"--exclude '{written}' is no list of points; write their numbers, such as 3,7") from None


def _circuit_fit(
    files: Sequence[Path], circuit: str, left_out: Sequence[int], cycle: int | None, imaginary: Any
) -> _Fitted:
    from percolyte.impedance.circuit import parse_circuit
    from percolyte.impedance.fit import fit as fit_one
    from percolyte.impedance.readers.reading import read_spectrum
    from percolyte.impedance.validity import exclude

    model = parse_circuit(circuit)
    if len(files) > 1:
        raise InputError("a circuit is fitted to one file; cells (--terminals) are fitted to several together")
    spectrum = read_spectrum(files[0], cycle=cycle, imaginary=imaginary)
    found = fit_one(exclude(spectrum, [number - 1 for number in left_out], "left out as asked"), model)
    return _Fitted(found, {}, found.warnings)


def _cell_fit(
    files: Sequence[Path], tables: Sequence[dict[str, str]], common: Mapping[str, Any], imaginary: Any
) -> _Fitted:
    """The named cells of the files, fitted together; a separator by itself."""
    from percolyte.impedance.cells import MeasuredCell, impedance_model
    from percolyte.impedance.composite import MeasurementFile, fit_measurements, read_measurement
    from percolyte.impedance.conductivity import conductivities
    from percolyte.impedance.fit import fit as fit_one
    from percolyte.impedance.readers.reading import read_spectrum
    from percolyte.nouns import read_noun

    if tables[0].get("terminals") == "separator":
        if len(files) > 1:
            raise InputError("a separator is fitted by itself; name one file")
        plain = {"terminals": "separator", "area": tables[0].get("area"), "contact": common["contact"]}
        layer = {"electrolyte": {"thickness": tables[0].get("thickness"), "arc": common["arc"]}}
        cell = read_noun(MeasuredCell, {**plain, **layer}, source=str(files[0]))
        found = fit_one(read_spectrum(files[0], cycle=common.get("cycle"), imaginary=imaginary), impedance_model(cell))
        return _Fitted(found, conductivities(found, cell), found.warnings)
    nouns = [
        read_noun(MeasurementFile, {"file": file.name, **table, **common}, source=str(file))
        for file, table in zip(files, tables, strict=True)
    ]
    read_in = [read_measurement(noun, file, imaginary=imaginary) for noun, file in zip(nouns, files, strict=True)]
    together = fit_measurements(nouns, read_in)
    return _Fitted(together.fit, together.conductivities, together.warnings)
