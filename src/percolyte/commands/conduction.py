"""The command on conduction in voxel images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from percolyte.commands.microstructure import Phases, VolumeFile, Voxel, read
from percolyte.commands.shared import Json, note, print_json
from percolyte.errors import InputError, Problem, UnitError

if TYPE_CHECKING:
    from percolyte.microstructure.volume import Volume
    from percolyte.units import Dimension

app = typer.Typer()


@app.command()
def conduct(
    volume: VolumeFile,
    conductivity: Annotated[
        list[str],
        typer.Option(help="A phase by name or label and its conductivity, such as electrolyte='2 mS/cm'; repeat it."),
    ],
    voxel: Voxel = None,
    phases: Phases = None,
    axis: Annotated[str, typer.Option(help="Axis of the current: 0, 1, 2, or 'all'.")] = "0",
    interface: Annotated[
        list[str] | None,
        typer.Option(help="Resistance between two phases, such as active,electrolyte='10 ohm cm2'; repeat it."),
    ] = None,
    rtol: Annotated[float, typer.Option(help="Relative error that the solver may leave.")] = 1e-4,
    errors: Annotated[bool, typer.Option(help="Bound and estimate the error, in about five times the time.")] = True,
    bottleneck: Annotated[bool, typer.Option(help="Find where the resistance sits.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write potential, current and power of each voxel, as .npz.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="By default one for each core.")] = None,
    as_json: Json = False,
) -> None:
    """Effective conductivity and tortuosity factor of a volume."""
    from percolyte import units
    from percolyte.report.conduction import conduction_json, conduction_text, write_fields
    from percolyte.transport.voxels import conduct as solve

    axes = {"0": (0,), "1": (1,), "2": (2,), "all": (0, 1, 2)}.get(axis)
    if axes is None:
        raise InputError(f"'{axis}' is not an axis of a volume; write 0, 1, 2 or all")
    if out is not None and (len(axes) > 1 or out.suffix != ".npz"):
        raise InputError(f"{out}: fields are those of one axis, written as a NumPy archive such as fields.npz")
    read_in = read(volume, voxel, phases)
    sigma = _values(conductivity, read_in, "--conductivity", units.CONDUCTIVITY, 1)
    contact = _values(interface or [], read_in, "--interface", units.AREA_RESISTANCE, 2)
    found = [
        solve(
            read_in,
            {names[0]: value for names, value in sigma.items()},
            axis=number,
            interfaces={(names[0], names[1]): value for names, value in contact.items()},
            rtol=rtol,
            errors=errors,
            fields=bottleneck or out is not None,
            threads=threads,
        )
        for number in axes
    ]
    if out is not None:
        write_fields(found[0], out)
        note(f"written: {out}")
    if as_json:
        print_json(conduction_json(found[0]) if len(found) == 1 else {"axes": [conduction_json(one) for one in found]})
    else:
        typer.echo("\n".join(conduction_text(one) for one in found))


def _values(
    given: list[str], volume: Volume, option: str, dimension: Dimension, count: int
) -> dict[tuple[str, ...], float]:
    """NAME=VALUE, or NAME,NAME=VALUE, with names or labels of phases."""
    from percolyte import units

    by_label = {str(label): name for name, label in volume.phases.items()}
    values, problems = {}, []
    for text in given:
        left, sign, quantity = text.partition("=")
        names = tuple(by_label.get(name.strip(), name.strip()) for name in left.split(","))
        if not sign or len(names) != count:
            shape = "NAME=VALUE" if count == 1 else "NAME,NAME=VALUE"
            example = (
                f"electrolyte='{dimension.example}'" if count == 1 else f"active,electrolyte='{dimension.example}'"
            )
            problems.append(Problem(option, f"'{text}' is not {shape}; write for example {example}"))
            continue
        try:
            values[names] = units.parse(quantity, dimension)
        except UnitError as error:
            problems += [Problem(f"{option} {left}", problem.what) for problem in error.problems]
    if problems:
        raise InputError(problems)
    return values
