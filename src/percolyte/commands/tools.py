"""Commands that need no design: literature check, recipe calculator, examples, schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from percolyte.commands.shared import Json, print_json

app = typer.Typer()


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Table of published cells, one a row.")],
    as_json: Json = False,
) -> None:
    """Rows of a table of published cells that contradict themselves."""
    from dataclasses import asdict

    from percolyte.literature import check_literature

    checked = check_literature(file)
    if as_json:
        print_json({"outcome": "done", **asdict(checked)})
        return
    for finding in checked.findings:
        typer.echo(f"{finding.row}: {finding.severity} ({finding.rule}): {finding.message}")
    for entry in checked.unread:
        typer.echo(f"not a number: {entry}")
    typer.echo("columns used: " + ", ".join(checked.columns.values()))
    bad = len({finding.row for finding in checked.findings})
    typer.echo(f"{checked.rows} rows read, {checked.checkable} with enough numbers for a rule, {bad} questionable")


@app.command()
def recipe(
    parts: Annotated[list[str], typer.Argument(metavar="NAME=SHARE...", help="Components, such as 'NMC811=80 %'.")],
    by_volume: Annotated[
        bool, typer.Option("--by-volume", help="The shares are volume fractions of the solid.")
    ] = False,
    thickness: Annotated[str | None, typer.Option(help="Of the layer, such as '70 um'.")] = None,
    loading: Annotated[str | None, typer.Option(help="Of active material, such as '20 mg/cm2'.")] = None,
    areal_capacity: Annotated[str | None, typer.Option(help="Such as '4 mAh/cm2'.")] = None,
    porosity: Annotated[str | None, typer.Option(help="Such as '10 %'.")] = None,
    density: Annotated[str | None, typer.Option(help="Of the composite, such as '3.2 g/cm3'.")] = None,
    own: Annotated[str | None, typer.Option("--from", help="Design whose [materials] may be named too.")] = None,
    as_json: Json = False,
) -> None:
    """Weight to volume, loading, thickness, capacity: any consistent set gives the rest."""
    from percolyte.materials.library import Library
    from percolyte.recipe_calculator import calculate
    from percolyte.report.tables import recipe_json, recipe_text

    given = {
        "thickness": thickness,
        "loading": loading,
        "areal_capacity": areal_capacity,
        "porosity": porosity,
        "density": density,
    }
    library = Library()
    if own is not None:
        from percolyte.design import read_design
        from percolyte.examples import find_design

        library = read_design(find_design(own)).library
    electrode = calculate(
        parts, library, by_volume=by_volume, given={name: value for name, value in given.items() if value is not None}
    )
    if as_json:
        print_json(recipe_json(electrode))
    else:
        typer.echo(recipe_text(electrode))


@app.command()
def examples(
    name: Annotated[str | None, typer.Argument(help="Example to write out; without it, all are listed.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; default NAME.toml in this folder.")] = None,
) -> None:
    """Shipped designs: list them, or write one out as a start for your own."""
    from percolyte.examples import copy_design, shipped_designs

    if name is None:
        for path, title in shipped_designs():
            typer.echo(f"{path.stem:28}{title}")
        typer.echo("\n`percolyte examples NAME` writes one out; `percolyte run NAME` runs it as it is.")
    else:
        typer.echo("written: " + ", ".join(str(path) for path in copy_design(name, out)))


@app.command()
def schema() -> None:
    """The JSON schema of a design file, for editors."""
    from percolyte.design import Design

    print_json(Design.model_json_schema())


@app.command()
def warmup() -> None:
    """Compile the cell model and the work on volumes once, so that later runs start at once."""
    from time import perf_counter

    from percolyte.cell.run import warm_up

    typer.echo(f"the cell model is compiled ({warm_up():.1f} s)")
    start = perf_counter()
    _work_on_a_small_volume()
    typer.echo(f"packing, measuring and conduction are compiled ({perf_counter() - start:.1f} s)")


def _work_on_a_small_volume() -> None:
    from percolyte.microstructure.measure import measure
    from percolyte.microstructure.networks import roles_of
    from percolyte.microstructure.pack import Microstructure, pack
    from percolyte.microstructure.powders import ConstantSize
    from percolyte.microstructure.shapes import Spheres
    from percolyte.transport.voxels import conduct

    coarse, fine = (Spheres(sizes=ConstantSize(diameter=diameter)) for diameter in (5e-6, 3e-6))
    look = Microstructure(active=coarse, electrolyte=fine)
    packed = pack({"active": 0.4, "electrolyte": 0.4}, look, (20e-6, 20e-6, 20e-6), 1e-6, 1)
    measure(packed.volume, roles_of(packed.volume))
    conduct(packed.volume, {"electrolyte": 0.1}, fields=True)
    conduct(packed.volume, {"electrolyte": 0.1, "active": 1.0})
