"""Commands on measured direct current, and on contacts beside the layer that was measured."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from percolyte.commands.impedance_fit import of_each
from percolyte.commands.shared import Figure, Json, parsed, print_result, read_options, write_figure
from percolyte.errors import InputError, Problem, UnitError, suggestion

if TYPE_CHECKING:
    from percolyte.impedance.interfaces import Interfaces
    from percolyte.impedance.measurement import Polarisation
    from percolyte.report.polarisation import SelfDischarge

app = typer.Typer()

Mode = Annotated[
    str | None, typer.Option(help="galvanostatic or potentiostatic, where neither technique nor data tell.")
]
Skip = Annotated[
    str | None,
    typer.Option(help="Leave out the rows before, such as '10 s', while double layers or instrument settle."),
]
Temperature = Annotated[str | None, typer.Option(help="Of the cell, such as '25 degC'; above what the file states.")]


@app.command("polarise")
def polarise(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Runs at constant current or voltage.")],
    terminals: Annotated[
        list[str],
        typer.Option(help="Cell of each file, or of all: ion-blocking, electron-blocking, lithium-symmetric."),
    ],
    thickness: Annotated[
        list[str] | None, typer.Option(help="Of the composite, such as '100 um'; of each or all.")
    ] = None,
    area: Annotated[list[str] | None, typer.Option(help="Of the cell, such as '0.785 cm2'; of each or all.")] = None,
    contact: Annotated[str, typer.Option(help="What is in series with the composite: none or resistance.")] = "none",
    contact_resistance: Annotated[
        str | None, typer.Option(help="Of all that is in series, known: such as '2 ohm cm2'.")
    ] = None,
    mode: Mode = None,
    skip: Skip = None,
    temperature: Temperature = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Conductivities and chemical diffusion coefficient of a composite from runs of direct current, and what each run is worth."""
    from percolyte.impedance.composite import BLOCKED, MeasurementFile, read_measurement
    from percolyte.impedance.measurement import Polarisation
    from percolyte.impedance.transient import polarised
    from percolyte.report.polarisation import polarised_json, polarised_text

    if contact == "arc":
        raise InputError("--contact arc: direct current shows no arc; write --contact resistance")
    if unread := [word for word in dict.fromkeys(terminals) if word not in BLOCKED]:
        raise InputError([Problem("--terminals", _not_between(word, tuple(BLOCKED))) for word in unread])
    common: dict[str, Any] = {"method": "polarisation", "mode": mode, "temperature": temperature}
    common |= {"contact": contact if contact_resistance is None else "resistance"}
    common |= {"contact_resistance": contact_resistance}
    given = {name: value for name, value in common.items() if value is not None}
    tables = of_each(files, {"terminals": terminals, "thickness": thickness, "area": area})
    nouns = [
        read_options(MeasurementFile, {"file": file.name, **table, **given}, source=str(file))
        for file, table in zip(files, tables, strict=True)
    ]
    runs = [read_measurement(noun, file) for noun, file in zip(nouns, files, strict=True)]
    found = polarised(nouns, [_without_start(run, skip) for run in runs if isinstance(run, Polarisation)])
    if figure is not None:
        from percolyte.report.polarisation_figures import polarised_figure

        write_figure(polarised_figure(found), figure)
    print_result(polarised_json(found), polarised_text(found), as_json=as_json)


def _not_between(word: str, known: tuple[str, ...]) -> str:
    """Why no composite is measured by direct current between these terminals, and what is."""
    said = f"direct current is read between {', '.join(known)}, not '{word}'{suggestion(word, known)}"
    other = "; for an electrolyte alone see eis transference (between lithium) and eis leakage (between steel)"
    return said + (other if word == "separator" else "")


@app.command("transference")
def transference(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Run of a lithium cell at a small constant voltage.")],
    before: Annotated[
        str, typer.Option(help="Interfaces before it: a file of a spectrum, or such as '25 ohm', '25 +- 1 ohm'.")
    ],
    after: Annotated[str, typer.Option(help="The same at the end of it.")],
    thickness: Annotated[str | None, typer.Option(help="Of the electrolyte, such as '100 um'.")] = None,
    area: Annotated[str | None, typer.Option(help="Of the cell, such as '0.785 cm2'.")] = None,
    skip: Skip = None,
    temperature: Temperature = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Transference number of a polymer electrolyte by Bruce and Vincent, with the diffusion coefficient of its salt."""
    from percolyte.commands.impedance import stated
    from percolyte.impedance.readers.reading import read_polarisation
    from percolyte.impedance.transference import bruce_vincent
    from percolyte.report.polarisation import transference_json, transference_text

    about = {name: value for name, value in stated(area, thickness, temperature, None).items() if name != "imaginary"}
    run = _without_start(read_polarisation(file, mode="potentiostatic", **about), skip)
    found = bruce_vincent(
        run,
        _interfaces("--before", before, run.area),
        _interfaces("--after", after, run.area),
        thickness=run.thickness,
        area=run.area,
    )
    if figure is not None:
        from percolyte.report.polarisation_figures import transference_figure

        write_figure(transference_figure(found), figure)
    print_result(transference_json(found), transference_text(found), as_json=as_json)


def _without_start(run: Polarisation, skip: str | None) -> Polarisation:
    """The rows from a time on; time still counts from the step."""
    from percolyte import units

    if skip is None:
        return run
    kept = run.time >= parsed({"skip": skip}, {"skip": units.DURATION})["skip"]
    if not kept.any():
        raise InputError(f"--skip '{skip}' leaves nothing of {run.time[-1]:.4g} s; leave out less", source=run.source)
    return replace(run, time=run.time[kept], response=run.response[kept])


def _interfaces(option: str, written: str, area: float | None) -> Interfaces:
    """A file of a spectrum, or a resistance with or without its error."""
    from percolyte import units
    from percolyte.impedance.interfaces import Interfaces, interfaces_of
    from percolyte.impedance.readers.reading import read_spectrum

    if Path(written).exists():
        return interfaces_of(read_spectrum(written, area=area))
    value, sign, error = re.sub(r"\+/?-|±", "±", written).partition("±")
    unit = re.sub(r"^[\s\d.eE+-]*", "", error)
    with_unit = value if re.search(r"[A-Za-zΩ]", value) or not sign else f"{value} {unit}"
    try:
        return Interfaces(
            units.parse(with_unit, units.RESISTANCE), units.parse(error, units.RESISTANCE) if sign else 0.0
        )
    except UnitError as problem:
        what = "is neither a file nor a resistance; name a file of a spectrum, or write '25 ohm' or '25 +- 1 ohm'"
        raise InputError([Problem(option, f"'{written}' {what} ({problem})")]) from None


@app.command("leakage")
def leakage(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Run of an electrolyte at constant voltage between contacts that block ions."
        ),
    ],
    thickness: Annotated[str | None, typer.Option(help="Of the layer measured, such as '500 um'.")] = None,
    area: Annotated[str | None, typer.Option(help="Of the cell, such as '0.785 cm2'.")] = None,
    separator: Annotated[
        str | None, typer.Option(help="Thickness of the separator in a cell, such as '30 um'.")
    ] = None,
    voltage: Annotated[str | None, typer.Option(help="Of that cell, such as '3.7 V'.")] = None,
    areal_capacity: Annotated[str | None, typer.Option(help="Of that cell, such as '4 mAh/cm2'.")] = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Electronic conductivity of an electrolyte from its residual current, and the self-discharge of a cell with it."""
    from percolyte.commands.impedance import stated
    from percolyte.impedance.leakage import leakage_current
    from percolyte.impedance.readers.reading import read_polarisation
    from percolyte.report.polarisation import leakage_json, leakage_text

    cell = _cell({"separator": separator, "voltage": voltage, "areal-capacity": areal_capacity})
    about = stated(area, thickness, None, None)
    run = read_polarisation(file, mode="potentiostatic", area=about["area"], thickness=about["thickness"])
    missing = [
        Problem(f"--{name}", f"is stated neither here nor in the file; write for example --{name} '{example}'")
        for name, value, example in (("thickness", run.thickness, "500 um"), ("area", run.area, "0.785 cm2"))
        if value is None
    ]
    if missing:
        raise InputError(missing)
    assert run.thickness is not None
    assert run.area is not None
    found = leakage_current(run, run.thickness, run.area)
    if figure is not None:
        from percolyte.report.polarisation_figures import leakage_figure

        write_figure(leakage_figure(found), figure)
    print_result(leakage_json(found, cell), leakage_text(found, cell), as_json=as_json)


def _cell(written: dict[str, str | None]) -> SelfDischarge | None:
    """The cell whose self-discharge is asked for: all of it or nothing."""
    from percolyte import units
    from percolyte.report.polarisation import SelfDischarge

    dimensions = {"separator": units.THICKNESS, "voltage": units.CELL_VOLTAGE, "areal-capacity": units.AREAL_CAPACITY}
    values = parsed(written, dimensions)
    if not values:
        return None
    if missing := dimensions.keys() - values.keys():
        wanted = f"is missing; self-discharge takes all of {', '.join(f'--{one}' for one in dimensions)}"
        raise InputError([Problem(f"--{name}", wanted) for name in dimensions if name in missing])
    return SelfDischarge(values["separator"], values["voltage"], values["areal-capacity"])


@app.command("contact")
def contact(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE", help="CSV: Thickness / um (or Layers), Resistance / ohm, perhaps Pressure / MPa."
        ),
    ],
    area: Annotated[
        str | None, typer.Option(help="Of the samples, such as '0.785 cm2', where resistances are in ohm.")
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Thickness of one layer, where the table counts layers.")] = None,
    conductivity: Annotated[
        str | None,
        typer.Option(help="Of a layer alone, known: such as '2 mS/cm'; then contacts between layers are told."),
    ] = None,
    spot: Annotated[
        str | None, typer.Option(help="Radius of the spots that touch, such as '1 um': the fraction in contact.")
    ] = None,
    film_thickness: Annotated[str | None, typer.Option(help="Of a film in the contacts, such as '10 nm'.")] = None,
    film_conductivity: Annotated[str | None, typer.Option(help="Of that film, such as '1e-6 S/cm'.")] = None,
    figure: Figure = None,
    as_json: Json = False,
) -> None:
    """Conductivity of a layer and resistance of its contacts from samples of several thicknesses, with intervals."""
    from percolyte import units
    from percolyte.impedance.samples import Asked, contacts, read_samples
    from percolyte.report.contacts import contacts_json, contacts_text

    dimensions = {"area": units.AREA, "layer": units.THICKNESS, "conductivity": units.CONDUCTIVITY, "spot": units.RADIUS,
                  "film-thickness": units.LENGTH, "film-conductivity": units.CONDUCTIVITY}  # fmt: skip
    given = (area, layer, conductivity, spot, film_thickness, film_conductivity)
    values = parsed(dict(zip(dimensions, given, strict=True)), dimensions)
    asked = Asked(*(values.get(name) for name in list(dimensions)[1:]))
    found = contacts(read_samples(table, area=values.get("area"), layer=asked.layer))
    if figure is not None:
        from percolyte.report.polarisation_figures import contacts_figure

        write_figure(contacts_figure(found), figure)
    print_result(contacts_json(found, asked), contacts_text(found, asked), as_json=as_json)
