"""Commands on the materials library."""

from __future__ import annotations

from typing import Annotated

import typer

from percolyte.commands.shared import Figure, Json, note, print_json
from percolyte.errors import InputError

app = typer.Typer(help="The materials library: every value with unit, conditions and source.", no_args_is_help=True)


@app.command("list")
def materials_list(
    kind: Annotated[
        str | None, typer.Option(help="electrolyte, cathode, anode, binder, carbon, coating, foil, package, scaffold.")
    ] = None,
    min_conductivity: Annotated[str | None, typer.Option(help="Such as '1 mS/cm'.")] = None,
    window: Annotated[str | None, typer.Option(help="Potential that must be stable, such as '2 V'.")] = None,
    as_json: Json = False,
) -> None:
    """Substances, with filters."""
    _list("", kind, min_conductivity, window, as_json)


@app.command("search")
def materials_search(
    words: Annotated[str, typer.Argument(help="Words in name, alias, formula, family or note.")], as_json: Json = False
) -> None:
    """Substances that match some words."""
    _list(words, None, None, None, as_json)


def _list(words: str, kind: str | None, min_conductivity: str | None, window: str | None, as_json: bool) -> None:
    from typing import get_args

    from percolyte import units
    from percolyte.errors import suggestion
    from percolyte.materials.library import Library, search
    from percolyte.materials.substance import Kind
    from percolyte.report.tables import materials_json, materials_text

    if kind is not None and kind not in get_args(Kind):
        raise InputError(
            f"{kind!r} is not a kind of substance{suggestion(kind, get_args(Kind)) or '; kinds are ' + ', '.join(get_args(Kind))}"
        )
    found = search(
        Library(),
        kind=kind,
        words=words,
        min_conductivity=None if min_conductivity is None else units.parse(min_conductivity, units.CONDUCTIVITY),
        window=None if window is None else units.parse(window, units.VOLTAGE),
    )
    if as_json:
        print_json(materials_json(found))
    else:
        typer.echo(materials_text(found))


@app.command("show")
def materials_show(name: Annotated[str, typer.Argument(help="Name or alias.")], as_json: Json = False) -> None:
    """Every value of a substance with unit, conditions and source."""
    from percolyte.materials.library import material
    from percolyte.report.tables import substance_json, substance_text

    substance = material(name)
    if as_json:
        print_json(substance_json(substance))
    else:
        typer.echo(substance_text(substance))


@app.command("compare")
def materials_compare(
    names: Annotated[list[str], typer.Argument(help="Two substances or more.")],
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Substances side by side; electrolytes also as an Arrhenius plot."""
    from percolyte.materials.library import material
    from percolyte.report.tables import compare_json, compare_text

    substances = [material(name) for name in names]
    if figure is not None:
        from percolyte.report.figures import arrhenius_figure, save

        save(arrhenius_figure(substances), figure)
        note(f"written: {figure}")
    if as_json:
        print_json(compare_json(substances))
    else:
        typer.echo(compare_text(substances))
