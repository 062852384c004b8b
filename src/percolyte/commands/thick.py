"""Commands on how thick and how fast: loadings, critical thickness, energy against power."""

from __future__ import annotations

from typing import Annotated

import typer

from percolyte.commands.shared import (
    DesignFile,
    Figure,
    Json,
    Table,
    built,
    c_rate_of,
    c_rates_of,
    note,
    print_json,
    save_table,
    say_assumed,
    wanted_current,
)
from percolyte.errors import InputError, RunError

app = typer.Typer()


@app.command()
def loadings(
    design: DesignFile,
    c_rates: Annotated[str, typer.Option("--c-rates", help="Rates with commas, such as 0.1,1,3.")] = "0.1,0.33,1,2",
    low: Annotated[str, typer.Option("--from", help="Lowest loading of active material.")] = "5 mg/cm2",
    high: Annotated[str, typer.Option("--to", help="Highest loading of active material.")] = "60 mg/cm2",
    out: Table = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Capacity and Wh/kg against loading: how thick is best at each rate, and how thick others went."""
    import numpy as np

    from percolyte import units
    from percolyte.cell.thick import loading_sweep, optimum
    from percolyte.report.cells import loadings_json, loadings_text
    from percolyte.report.columns import sweep_columns

    span = [units.parse(end, units.LOADING) for end in (low, high)]
    if not span[0] < span[1]:
        raise InputError("--from is not below --to")
    rates = c_rates_of(c_rates)
    model = built(design)
    sweep = loading_sweep(model.resolved, [float(x) for x in np.geomspace(span[0], span[1], 15)], rates)
    best = optimum(sweep)
    save_table(out, sweep_columns(sweep), model.design)
    if figure is not None:
        from percolyte.report.cell_figures import loading_figure
        from percolyte.report.figures import save

        save(loading_figure(sweep), figure)
        note(f"written: {figure}")
    if as_json:
        print_json(loadings_json(sweep, best))
    else:
        typer.echo(loadings_text(sweep, best))


@app.command("critical-thickness")
def critical(
    design: DesignFile,
    c_rate: Annotated[
        float | None, typer.Option("--c-rate", parser=c_rate_of, help="Rate of the discharge, 1/h; 1 by default.")
    ] = None,
    current: Annotated[str | None, typer.Option(help="Current density instead, such as '5 mA/cm2'.")] = None,
    delivered: Annotated[str, typer.Option(help="Share of the capacity to deliver, such as '80 %'.")] = "80 %",
    out: Table = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """The thickest cathode that still delivers a share of its capacity."""
    import numpy as np

    from percolyte import units
    from percolyte.cell.thick import THICKEST, THINNEST, critical_thickness, design_with, discharged, loading_sweep
    from percolyte.report.cells import critical_json, critical_text
    from percolyte.report.columns import sweep_columns

    if c_rate is not None and current is not None:
        raise InputError("give only one of --c-rate and --current")
    rate = wanted_current(c_rate, current)
    share = units.parse(delivered, units.FRACTION)
    model = built(design)
    found = critical_thickness(model.resolved, rate, delivered=share)
    if found.outcome != "found":
        thick = found.outcome == "thicker than sought"
        which, advice = ("every", "a faster rate") if thick else ("no", "a slower rate or a smaller share")
        ends = f"{units.text(THINNEST, units.THICKNESS)} and {units.text(THICKEST, units.THICKNESS)}"
        raise RunError(found.outcome, f"{which} cathode between {ends} delivers {delivered} at this rate; try {advice}")
    at = discharged(design_with(model.resolved, "cathode.thickness", found.thickness), rate)
    own = model.cell.cathode.thickness
    if out is not None or figure is not None:
        thickest = min(2.0 * max(found.thickness, own), THICKEST)
        span = sorted([own, found.thickness, *map(float, np.linspace(thickest / 40.0, thickest, 40))])
        sweep = loading_sweep(model.resolved, span, [rate], path="cathode.thickness")
        save_table(out, sweep_columns(sweep), model.design)
        if figure is not None:
            from percolyte.report.cell_figures import critical_figure
            from percolyte.report.figures import save

            save(critical_figure(sweep, at, share, own), figure)
            note(f"written: {figure}")
    if as_json:
        print_json({**critical_json(found, at, share), "assumed": model.assumed})
    else:
        typer.echo(critical_text(found, at, share, own))
        say_assumed(model.assumed)


@app.command()
def ragone(
    design: DesignFile,
    powers: Annotated[
        str | None, typer.Option(help="Constant powers with commas, such as '100 W/kg, 500 W/kg'.")
    ] = None,
    out: Table = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Energy against power: discharges at constant power, from the rested, charged cell."""
    from percolyte import units
    from percolyte.cell.thick import ThickCell
    from percolyte.cell.thick import ragone as energies
    from percolyte.pouch.energy import pouch_energy
    from percolyte.report.cells import ragone_json, ragone_text
    from percolyte.report.columns import ragone_columns

    wanted = None if powers is None else [units.parse(word.strip(), units.SPECIFIC_POWER) for word in powers.split(",")]
    model = built(design)
    mass = ThickCell(model.cell, model.stack, pouch_energy(model.stack)).mass_per_area
    points = energies(model.cell, mass, None if wanted is None else [mass * power for power in wanted])
    save_table(out, ragone_columns(points), model.design)
    if figure is not None:
        from percolyte.report.cell_figures import ragone_figure
        from percolyte.report.figures import save

        save(ragone_figure(points), figure)
        note(f"written: {figure}")
    if as_json:
        print_json({**ragone_json(points), "cut_off_V": model.cell.cut_off, "assumed": model.assumed})
    else:
        typer.echo(ragone_text(points))
        typer.echo(f"down to {model.cell.cut_off:g} V, starting charged and at rest")
        say_assumed(model.assumed)
