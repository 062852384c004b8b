"""Commands on the cell model: simulation, rates, diagnosis, impedance, exchange, fit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from percolyte.commands.shared import (
    DesignFile,
    Figure,
    Json,
    Table,
    built,
    c_rate_of,
    c_rates_of,
    keep_inputs,
    note,
    print_json,
    save_table,
    say_assumed,
    wanted_current,
)
from percolyte.errors import InputError

if TYPE_CHECKING:
    from percolyte.cell.protocol import Step
    from percolyte.cell.simulation import Simulation
    from percolyte.design import Design, Measured

app = typer.Typer()


@app.command()
def simulate(
    design: DesignFile,
    c_rate: Annotated[
        float | None, typer.Option("--c-rate", parser=c_rate_of, help="Discharge at this rate, 1/h.")
    ] = None,
    current: Annotated[str | None, typer.Option(help="Discharge at this current density, such as '5 mA/cm2'.")] = None,
    cutoff: Annotated[str | None, typer.Option(help="Lower voltage limit, such as '2.5 V'.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Steps, such as 'discharge at 1C until 2.5 V; rest for 1 h', or a file of them.")
    ] = None,
    out: Table = None,
    as_json: Json = False,
) -> None:
    """Voltage and capacity of a discharge, or of a whole protocol."""
    from percolyte import units
    from percolyte.cell.heat import heat_of
    from percolyte.report.cells import simulation_json, simulation_text
    from percolyte.report.columns import simulation_columns

    if sum(given is not None for given in (c_rate, current, protocol)) > 1:
        raise InputError("give only one of --c-rate, --current and --protocol")
    if protocol is not None and cutoff is not None:
        raise InputError("the steps of --protocol have their own limits, such as 'until 2.5 V'; leave out --cutoff")
    model = built(design)
    written, cell = model.design, model.cell
    limit = cell.cut_off if cutoff is None else units.parse(cutoff, units.VOLTAGE)
    _check_cutoff(limit, cell)
    steps = _steps(written, c_rate, current, protocol, limit)
    found, temperature = _run_steps(written, cell, steps)
    heat = heat_of(cell, found, temperature)
    save_table(out, simulation_columns(found, heat, temperature), written)
    if as_json:
        print_json({**simulation_json(found, heat, temperature=temperature), "assumed": model.assumed})
    else:
        typer.echo(simulation_text(found, heat, temperature))
        say_assumed(model.assumed)
    if found.outcome == "no convergence":
        note("a step could not be solved; what came before it is above")
        sys.exit(1)


def _steps(
    written: Design, c_rate: float | None, current: str | None, protocol: str | None, limit: float
) -> list[Step]:
    """What to run: the options, else the design's own protocol, else 1C."""
    from percolyte.cell.protocol import Step, parse_protocol
    from percolyte.files import read_text

    if protocol is not None:
        path = Path(protocol)
        if path.is_file():
            return parse_protocol(read_text(path), path.parent)
        return parse_protocol(protocol)
    if c_rate is None and current is None and written.protocol is not None:
        return parse_protocol("\n".join(written.protocol), written.folder)
    return [Step("current", wanted_current(c_rate, current), until_voltage=limit)]


def _run_steps(written: Design, cell: Any, steps: list[Step]) -> tuple[Simulation, Any]:
    """The simulation, and the temperatures where the design has a thermal model."""
    from percolyte.cell.run import simulate as run_protocol
    from percolyte.cell.thermal import ThermalModel, simulate_thermal

    if written.thermal is None:
        return run_protocol(cell, steps), None
    thermal = ThermalModel(written.thermal.heat_capacity, written.thermal.cooling, written.temperature)
    found = simulate_thermal(cell, steps, thermal)
    return found.simulation, found.temperature


def _check_cutoff(limit: float, cell: Any) -> None:
    full = cell.open_circuit_voltage(charged=True)
    if not -1.0 <= limit < full:
        raise InputError(f"the cut-off {limit:g} V is not below the {full:.3f} V at which the charged cell rests")


@app.command()
def rate(
    design: DesignFile,
    c_rates: Annotated[str, typer.Option("--c-rates", help="Rates with commas, such as 0.1,1,3.")] = "0.1,0.33,1,2,3",
    cutoff: Annotated[str | None, typer.Option(help="Lower voltage limit, such as '2.5 V'.")] = None,
    out: Table = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Capacity and energy of discharges at several C-rates."""
    from dataclasses import replace

    from percolyte import units
    from percolyte.cell.rate import rate_of_design
    from percolyte.pouch.energy import pouch_energy
    from percolyte.report.cells import rate_points_json, rates_text
    from percolyte.report.columns import rate_columns

    rates = c_rates_of(c_rates)
    model = built(design)
    limit = model.cell.cut_off if cutoff is None else units.parse(cutoff, units.VOLTAGE)
    _check_cutoff(limit, model.cell)
    cell = replace(model.cell, cut_off=limit)
    found = rate_of_design(cell, model.stack, pouch_energy(model.stack), rates)
    save_table(out, rate_columns(found.points), model.design)
    if figure is not None:
        from percolyte.report.cell_figures import rate_figure
        from percolyte.report.figures import save

        save(rate_figure(found), figure)
        note(f"written: {figure}")
    if as_json:
        listed = rate_points_json(found.points)
        print_json({"outcome": "done", "cut_off_V": limit, "rates": listed, "assumed": model.assumed})
    else:
        typer.echo(rates_text(found.points))
        typer.echo(f"down to {limit:g} V, starting charged and at rest")
        typer.echo(found.diagnosis.sentence)
        say_assumed(model.assumed)


@app.command()
def diagnose(
    design: DesignFile,
    c_rate: Annotated[float, typer.Option("--c-rate", parser=c_rate_of, help="Rate of the discharge, 1/h.")] = 1.0,
    as_json: Json = False,
) -> None:
    """What limits a cell at a rate, and what would help."""
    from percolyte.cell.rate import diagnose as diagnose_cell
    from percolyte.report.cells import diagnosis_json, diagnosis_text

    found = diagnose_cell(built(design).cell, wanted_current(c_rate, None).value)
    if as_json:
        print_json(diagnosis_json(found))
    else:
        typer.echo(diagnosis_text(found))


@app.command()
def impedance(
    design: DesignFile,
    frequencies: Annotated[
        str, typer.Option(help="From, to, points per decade, such as '1e6 Hz, 1e-3 Hz, 10'.")
    ] = "1e6 Hz, 1e-3 Hz, 10",
    discharged: Annotated[
        str, typer.Option(help="Share of the reversible capacity taken out, such as '50 %'.")
    ] = "50 %",
    double_layer: Annotated[float, typer.Option(help="Capacitance per active area, F/m2; 0.1 is an assumption.")] = 0.1,
    out: Table = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """The impedance of a cell at rest, from the same equations."""
    from percolyte import units
    from percolyte.cell.spectrum import frequency_range
    from percolyte.cell.spectrum import impedance as spectrum_of
    from percolyte.report.cells import spectrum_json, spectrum_text
    from percolyte.report.columns import spectrum_columns

    words = [word.strip() for word in frequencies.split(",")]
    if len(words) != 3 or not words[2].isdigit():
        raise InputError("--frequencies: write from, to and points per decade, such as '1e6 Hz, 1e-3 Hz, 10'")
    grid = frequency_range(
        units.parse(words[0], units.FREQUENCY), units.parse(words[1], units.FREQUENCY), int(words[2])
    )
    model = built(design)
    found = spectrum_of(
        model.cell, grid, depth_of_discharge=units.parse(discharged, units.FRACTION), double_layer=double_layer
    )
    save_table(out, spectrum_columns(found), model.design)
    if figure is not None:
        from percolyte.report.cell_figures import nyquist_figure
        from percolyte.report.figures import save

        save(nyquist_figure(found), figure)
        note(f"written: {figure}")
    if as_json:
        print_json({**spectrum_json(found), "double_layer_F_per_m2": double_layer, "assumed": model.assumed})
    else:
        typer.echo(spectrum_text(found))
        say_assumed(model.assumed)


@app.command()
def export(
    design: DesignFile,
    to: Annotated[str, typer.Option("--to", help="bpx or pybamm.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
) -> None:
    """The cell for other programs; what they cannot hold is said."""
    keep_inputs([out], design)
    model = built(design)
    if to == "pybamm":
        from percolyte.interchange.pybamm import export_pybamm

        lost = export_pybamm(model.cell, out)
    elif to == "bpx":
        from percolyte.interchange.bpx import write_bpx

        lost = write_bpx(model.cell, out, title=model.design.name)
    else:
        raise InputError(f"--to {to!r} is not known; write bpx or pybamm")
    typer.echo(f"written: {out}")
    for sentence in lost:
        typer.echo(f"lost: {sentence}")


@app.command()
def fit(
    design: DesignFile,
    properties: Annotated[
        list[str], typer.Option("--property", help="What to fit, such as 'cathode solid diffusivity'; repeat it.")
    ],
    data: Annotated[
        list[Path] | None,
        typer.Argument(metavar="DATA", help="Cycler files; without any, those that the design names under measured."),
    ] = None,
    area: Annotated[str | None, typer.Option(help="Of the electrode of DATA, such as '1.13 cm2'.")] = None,
    sign: Annotated[
        str | None, typer.Option(help="'charge positive' or 'discharge positive', where DATA does not tell.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Properties of a cell from measured discharges, with intervals and what cannot be told apart."""
    from percolyte.cell.fit import fit_cell
    from percolyte.interchange.cycler import measured_discharges
    from percolyte.report.cells import fit_json, fit_text

    model = built(design)
    curves, notes = measured_discharges(_data(model.design, data or [], area, sign), model.cell)
    result = fit_cell(model.cell, curves, properties)
    if as_json:
        print_json(fit_json(result, notes))
    else:
        typer.echo(fit_text(result, notes))


def _data(design: Design, files: list[Path], area: str | None, sign: str | None) -> list[tuple[Path, Measured]]:
    """Folder and description of the data to fit: the files named, else the design's own."""
    from percolyte.design import Measured
    from percolyte.nouns import read_noun

    given = {name: text for name, text in (("area", area), ("sign", sign)) if text is not None}
    if files:
        return [(path.parent, read_noun(Measured, {"file": path.name, **given})) for path in files]
    if given:
        raise InputError(f"--{' and --'.join(given)} describe files named after DESIGN; [[measured]] has its own")
    if not design.measured:
        raise InputError("there are no data to fit; name cycler files after DESIGN, or in its tables [[measured]]")
    return [(design.folder, one) for one in design.measured]
