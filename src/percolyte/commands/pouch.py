"""Commands on a design as a pouch cell: energy, report, search, map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from percolyte.commands.shared import DesignFile, Json, evaluated, figure_name, keep_inputs, note, print_json
from percolyte.errors import InputError

app = typer.Typer()


@app.command()
def energy(design: DesignFile, as_json: Json = False) -> None:
    """Wh/kg, Wh/L and USD/kWh of a design, with what they are made of."""
    from percolyte.report.tables import energy_json, energy_text

    evaluation = evaluated(design)
    if as_json:
        print_json(energy_json(evaluation))
    else:
        typer.echo(energy_text(evaluation))
    for check in evaluation.checks:
        if check.verdict == "fail" and check.name.endswith("density"):
            note(f"warning: {check.meaning}")


@app.command()
def run(
    design: DesignFile,
    out: Annotated[Path | None, typer.Option(help="Folder for report.html and evaluation.json.")] = None,
    as_json: Json = False,
) -> None:
    """The whole chain: evaluate a design and write its report."""
    from percolyte.cell.rate import RATES
    from percolyte.report.cells import measured_text
    from percolyte.report.html import write_report
    from percolyte.report.tables import energy_text, evaluation_json
    from percolyte.report.transport_text import transport_text

    folder = out or Path(f"{Path(design).stem}-report")
    keep_inputs([folder / "report.html"], design)
    evaluation = evaluated(design, RATES)
    written = write_report(evaluation, folder)
    if as_json:
        print_json(evaluation_json(evaluation))
    else:
        typer.echo(f"{energy_text(evaluation)}\n\n{transport_text(evaluation)}")
        if evaluation.measured:
            typer.echo("\n" + measured_text(evaluation.measured))
        typer.echo("\nwritten: " + ", ".join(str(path) for path in written))


@app.command()
def solve(
    design: DesignFile,
    variable: Annotated[str, typer.Option("--for", help="Path of the number to find, such as separator.thickness.")],
    target: Annotated[str, typer.Option(help="What to reach, such as '400 Wh/kg'.")],
    low: Annotated[str | None, typer.Option("--from", help="Lower limit of the search, such as '5 um'.")] = None,
    high: Annotated[str | None, typer.Option("--to", help="Upper limit of the search.")] = None,
    as_json: Json = False,
) -> None:
    """The value of one variable that meets a target."""
    from percolyte import units
    from percolyte.design import read_design
    from percolyte.examples import find_design
    from percolyte.explore.solve import default_span, solve_for, target_quantity
    from percolyte.explore.vary import dimension_of, value_at
    from percolyte.resolution import resolve

    inputs = resolve(read_design(find_design(design))).inputs
    value_at(inputs, variable)
    dimension = dimension_of(variable)
    span = list(default_span(inputs, variable))
    for end, given in enumerate((low, high)):
        if given is not None:
            span[end] = units.parse(given, dimension)
    quantity, wanted = target_quantity(target)
    solution = solve_for(inputs, variable, quantity, wanted, (span[0], span[1]))
    shown = [units.text(value, dimension, digits=5) for value in solution.values]
    if as_json:
        print_json({"outcome": "done", "variable": variable, "target": target, "quantity": quantity, "values": shown,
                "values_SI": list(solution.values)})  # fmt: skip
    else:
        typer.echo(f"{target} at {variable} = {' and '.join(shown)}")


@app.command("map")
def map_design(
    design: DesignFile,
    out: Annotated[Path, typer.Option(callback=figure_name, help="Figure to write (.svg, .png, .pdf).")],
) -> None:
    """Wh/kg and Wh/L over active content and separator thickness, as a figure."""
    from percolyte.report.figures import map_figure, save

    figure = map_figure(evaluated(design))
    if figure is None:
        raise InputError(
            f"{design}: the map exchanges one active material for electrolyte; this cathode has no such pair"
        )
    save(figure, out)
    typer.echo(f"written: {out}")
