"""Commands on the cell model: simulation, rates, diagnosis, impedance, loadings, exchange, fit."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from percolyte.commands.shared import DesignFile, Json, note, print_json
from percolyte.errors import InputError

if TYPE_CHECKING:
    from percolyte.cell.protocol import Step
    from percolyte.cell.run import Simulation
    from percolyte.design import Design
    from percolyte.pouch.stack import Stack

app = typer.Typer()


@dataclass(frozen=True)
class _Built:
    """A design, what it resolves to, and its cell model."""

    design: Design
    stack: Stack
    cell: Any
    assumed: list[str]


def _cell(design: str) -> _Built:
    """The cell model of a design, with what had to be assumed for it."""
    from percolyte.cell.build import build_cell
    from percolyte.design import read_design
    from percolyte.examples import find_design
    from percolyte.pouch.stack import build_stack
    from percolyte.resolution import electrode_transport, resolve

    written = read_design(find_design(design))
    resolved = resolve(written)
    stack = build_stack(resolved.inputs)
    cell = build_cell(resolved, stack, electrode_transport(resolved, "cathode", stack.cathode))
    assumed = [f"{entry.where} = {entry.shown}" for entry in resolved.ledger.entries if entry.origin == "assumed"]
    return _Built(written, stack, cell, assumed)


@app.command()
def simulate(
    design: DesignFile,
    c_rate: Annotated[float | None, typer.Option("--c-rate", help="Discharge at this rate, 1/h.")] = None,
    current: Annotated[str | None, typer.Option(help="Discharge at this current density, such as '5 mA/cm2'.")] = None,
    cutoff: Annotated[str | None, typer.Option(help="Lower voltage limit, such as '2.5 V'.")] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Steps, such as 'discharge at 1C until 2.5 V; rest for 1 h', or a file of them.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the curves as CSV.")] = None,
    as_json: Json = False,
) -> None:
    """Voltage and capacity of a discharge, or of a whole protocol."""
    from percolyte import units
    from percolyte.report.cells import simulation_json, simulation_text, write_curves

    if sum(given is not None for given in (c_rate, current, protocol)) > 1:
        raise InputError("give only one of --c-rate, --current and --protocol")
    built = _cell(design)
    written, cell = built.design, built.cell
    limit = cell.cut_off if cutoff is None else units.parse(cutoff, units.VOLTAGE)
    _check_cutoff(limit, cell)
    steps = _steps(written, c_rate, current, protocol, limit)
    if written.salt is not None:
        _simulate_salt(built, steps, limit, as_json)
        return
    found, temperature = _run_steps(written, cell, steps)
    if out is not None:
        write_curves(found, out, temperature)
        note(f"written: {out}")
    if as_json:
        print_json({**simulation_json(found, temperature=temperature), "assumed": built.assumed})
    else:
        typer.echo(simulation_text(found, temperature))
        _say_assumed(built.assumed)
    if found.outcome == "no convergence":
        note("a step could not be solved; what came before it is above")
        sys.exit(1)


def _simulate_salt(built: _Built, steps: list[Step], limit: float, as_json: bool) -> None:
    """A discharge with the salt concentration as an unknown."""
    from percolyte.cell.salt import SaltElectrolyte, simulate_salt
    from percolyte.report.cells import salt_json, salt_text

    salt, cell, stack = built.design.salt, built.cell, built.stack
    assert salt is not None
    if len(steps) != 1 or steps[0].mode != "current":
        raise InputError("with a [salt] only one step of constant current can be simulated; use --c-rate or --current")
    fractions = stack.cathode.volume_fractions
    recipe = stack.inputs.cathode.recipe
    found = simulate_salt(
        cell,
        SaltElectrolyte(
            conductivity=float(stack.separator.conductivity),
            diffusivity=salt.diffusivity,
            transference_number=salt.transference_number,
            concentration=salt.concentration,
            thermodynamic_factor=salt.thermodynamic_factor,
        ),
        float(stack.separator.thickness),
        electrolyte_fraction=sum(float(fractions[name]) for name, part in recipe.items() if part.role == "electrolyte"),
        current=steps[0].current.density(cell.one_c),
        cut_off=limit,
    )
    if as_json:
        print_json({**salt_json(found), "assumed": built.assumed})
    else:
        typer.echo(salt_text(found))
        _say_assumed(built.assumed)


def _steps(
    written: Design, c_rate: float | None, current: str | None, protocol: str | None, limit: float
) -> list[Step]:
    """What to run: the options, else the design's own protocol, else 1C."""
    from percolyte import units
    from percolyte.cell.protocol import Current, Step, parse_protocol
    from percolyte.files import read_text

    if protocol is not None:
        path = Path(protocol)
        if path.is_file():
            return parse_protocol(read_text(path), path.parent)
        return parse_protocol(protocol)
    if c_rate is None and current is None and written.protocol is not None:
        return parse_protocol("\n".join(written.protocol), written.folder)
    if c_rate is not None and not 1e-6 <= c_rate <= 1e4:
        raise InputError(f"--c-rate {c_rate:g} is no rate between 1e-6 and 1e4 per hour")
    if current is not None:
        wanted = Current(units.parse(current, units.CURRENT_DENSITY))
    else:
        wanted = Current(1.0 if c_rate is None else c_rate, c_rate=True)
    return [Step("current", wanted, until_voltage=limit)]


def _run_steps(written: Design, cell: Any, steps: list[Step]) -> tuple[Simulation, Any]:
    """The simulation, and the temperatures where the design has a thermal model."""
    from percolyte.cell.run import simulate as run_protocol
    from percolyte.cell.thermal import ThermalModel, simulate_thermal

    if written.thermal is None:
        return run_protocol(cell, steps), None
    thermal = ThermalModel(written.thermal.heat_capacity, written.thermal.cooling, written.temperature)
    found = simulate_thermal(cell, steps, thermal)
    return found.simulation, found.temperature


def _say_assumed(assumed: list[str]) -> None:
    if assumed:
        typer.echo("assumed: " + "; ".join(assumed))


def _check_cutoff(limit: float, cell: Any) -> None:
    full = cell.open_circuit_voltage(charged=True)
    if not -1.0 <= limit < full:
        raise InputError(f"the cut-off {limit:g} V is not below the {full:.3f} V at which the charged cell rests")


@app.command()
def rate(
    design: DesignFile,
    c_rates: Annotated[str, typer.Option("--c-rates", help="Rates with commas, such as 0.1,1,3.")] = "0.1,0.33,1,2,3",
    cutoff: Annotated[str | None, typer.Option(help="Lower voltage limit, such as '2.5 V'.")] = None,
    as_json: Json = False,
) -> None:
    """Capacity and energy of discharges at several C-rates."""
    from dataclasses import replace

    from percolyte import units
    from percolyte.cell.rate import rate_of_design
    from percolyte.pouch.energy import pouch_energy
    from percolyte.report.cells import rate_points_json, rates_text

    rates = [_rate(word) for word in c_rates.split(",")]
    built = _cell(design)
    limit = built.cell.cut_off if cutoff is None else units.parse(cutoff, units.VOLTAGE)
    _check_cutoff(limit, built.cell)
    cell = replace(built.cell, cut_off=limit)
    found = rate_of_design(cell, built.stack, pouch_energy(built.stack), rates)
    if as_json:
        listed = rate_points_json(found.points)
        print_json({"outcome": "done", "cut_off_V": limit, "rates": listed, "assumed": built.assumed})
    else:
        typer.echo(rates_text(found.points))
        typer.echo(f"down to {limit:g} V, starting charged and at rest")
        typer.echo(found.diagnosis.sentence)
        _say_assumed(built.assumed)


def _rate(word: str) -> float:
    """'0.5', '0.5C' or 'C/2' as a rate in 1/h."""
    from percolyte.cell.protocol import c_rate_of

    text = word.strip()
    found = c_rate_of(text if "C" in text else f"{text}C")
    if found is None:
        raise InputError(f"{text!r} is no C-rate; write for example 0.1,C/3,1,3")
    return found


@app.command()
def diagnose(
    design: DesignFile,
    c_rate: Annotated[float, typer.Option("--c-rate", help="Rate of the discharge, 1/h.")] = 1.0,
    as_json: Json = False,
) -> None:
    """What limits a cell at a rate, and what would help."""
    from percolyte.cell.rate import diagnose as diagnose_cell
    from percolyte.report.cells import diagnosis_json, diagnosis_text

    if not 1e-6 <= c_rate <= 1e4:
        raise InputError(f"--c-rate {c_rate:g} is no rate between 1e-6 and 1e4 per hour")
    found = diagnose_cell(_cell(design).cell, c_rate)
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
    out: Annotated[Path | None, typer.Option(help="Write the spectrum as CSV.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Write a Nyquist plot (.svg, .png, .pdf).")] = None,
    as_json: Json = False,
) -> None:
    """The impedance of a cell at rest, from the same equations."""
    from percolyte import units
    from percolyte.cell.spectrum import frequency_range
    from percolyte.cell.spectrum import impedance as spectrum_of
    from percolyte.report.cells import spectrum_json, spectrum_text, write_spectrum

    words = [word.strip() for word in frequencies.split(",")]
    if len(words) != 3 or not words[2].isdigit():
        raise InputError("--frequencies: write from, to and points per decade, such as '1e6 Hz, 1e-3 Hz, 10'")
    grid = frequency_range(
        units.parse(words[0], units.FREQUENCY), units.parse(words[1], units.FREQUENCY), int(words[2])
    )
    built = _cell(design)
    found = spectrum_of(
        built.cell, grid, depth_of_discharge=units.parse(discharged, units.FRACTION), double_layer=double_layer
    )
    if out is not None:
        write_spectrum(found, out)
        note(f"written: {out}")
    if figure is not None:
        from percolyte.report.figures import nyquist_figure, save

        save(nyquist_figure(found), figure)
        note(f"written: {figure}")
    if as_json:
        print_json({**spectrum_json(found), "double_layer_F_per_m2": double_layer, "assumed": built.assumed})
    else:
        typer.echo(spectrum_text(found))
        _say_assumed(built.assumed)


@app.command()
def export(
    design: DesignFile,
    to: Annotated[str, typer.Option("--to", help="bpx or pybamm.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
) -> None:
    """The cell for other programs; what they cannot hold is said."""
    built = _cell(design)
    if to == "pybamm":
        from percolyte.interchange.pybamm import export_pybamm

        lost = export_pybamm(built.cell, out)
    elif to == "bpx":
        from percolyte.interchange.bpx import write_bpx

        lost = write_bpx(built.cell, out, title=built.design.name)
    else:
        raise InputError(f"--to {to!r} is not known; write bpx or pybamm")
    typer.echo(f"written: {out}")
    for sentence in lost:
        typer.echo(f"lost: {sentence}")


@app.command()
def fit(
    design: DesignFile,
    data: Annotated[list[Path], typer.Argument(help="Cycler files with discharges.")],
    area: Annotated[str, typer.Option(help="Of the measured cell, such as '1.13 cm2'.")],
    properties: Annotated[
        list[str], typer.Option("--property", help="What to fit, such as 'cathode solid diffusivity'; repeat it.")
    ],
    sign: Annotated[
        Literal["charge positive", "discharge positive"] | None,
        typer.Option(help="'charge positive' or 'discharge positive', where the data do not tell."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Properties of a cell from measured discharges, with intervals and what cannot be told apart."""
    from percolyte import units
    from percolyte.cell.fit import fit_cell
    from percolyte.interchange.cycler import discharges, read_cycler
    from percolyte.report.cells import fit_json, fit_text

    size = units.parse(area, units.AREA)
    built = _cell(design)
    curves, notes = [], []
    for path in data:
        record = read_cycler(path, area=size, sign=sign)
        found, more = discharges(record)
        curves += list(found)
        notes += [*record.notes, *more]
    result = fit_cell(built.cell, curves, properties)
    if as_json:
        print_json(fit_json(result, notes))
    else:
        typer.echo(fit_text(result, notes))


@app.command()
def loadings(
    design: DesignFile,
    c_rates: Annotated[str, typer.Option("--c-rates", help="Rates with commas, such as 0.1,1,3.")] = "0.1,0.33,1,2",
    low: Annotated[str, typer.Option("--from", help="Lowest loading of active material.")] = "5 mg/cm2",
    high: Annotated[str, typer.Option("--to", help="Highest loading of active material.")] = "60 mg/cm2",
    out: Annotated[Path | None, typer.Option(help="Figure to write (.svg, .png, .pdf).")] = None,
    as_json: Json = False,
) -> None:
    """Capacity and Wh/kg against loading: how thick is best at each rate, and how thick others went."""
    import numpy as np

    from percolyte import units
    from percolyte.cell.thick import loading_sweep, optimum
    from percolyte.design import read_design
    from percolyte.examples import find_design
    from percolyte.report.cells import loadings_json, loadings_text
    from percolyte.resolution import resolve

    span = [units.parse(end, units.LOADING) for end in (low, high)]
    if not span[0] < span[1]:
        raise InputError("--from is not below --to")
    rates = [_rate(word) for word in c_rates.split(",")]
    amounts = [float(x) for x in np.geomspace(span[0], span[1], 15)]
    sweep = loading_sweep(resolve(read_design(find_design(design))), amounts, rates)
    best = optimum(sweep)
    if out is not None:
        from percolyte.report.figures import loading_figure, save

        save(loading_figure(sweep), out)
        note(f"written: {out}")
    if as_json:
        print_json(loadings_json(sweep, best))
    else:
        typer.echo(loadings_text(sweep, best))


@app.command()
def warmup() -> None:
    """Compile the cell model once, so that later runs start at once."""
    from percolyte.cell.run import warm_up

    typer.echo(f"the cell model is compiled ({warm_up():.1f} s)")
