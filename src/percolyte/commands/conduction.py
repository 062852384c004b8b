"""The command on conduction in voxel images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from percolyte.commands.microstructure import Coarsen, Crop, Phases, VolumeFile, Voxel, read
from percolyte.commands.shared import Json, keep_inputs, note, print_json, read_texts
from percolyte.errors import InputError, Problem, UnitError

if TYPE_CHECKING:
    from percolyte.microstructure.particles import Particles
    from percolyte.microstructure.volume import Volume
    from percolyte.transport.voxels import Conductivity

app = typer.Typer()
Value = TypeVar("Value")


@app.command()
def conduct(
    volume: VolumeFile,
    conductivity: Annotated[
        list[str],
        typer.Option(
            help="A phase by name or label and its conductivity, such as electrolyte='2 mS/cm', or those along the three "
            "axes, such as graphite='1 S/m, 1 S/m, 0.1 S/m'; repeat it."
        ),
    ],
    voxel: Voxel = None,
    phases: Phases = None,
    crop: Crop = None,
    coarsen: Coarsen = 1,
    axis: Annotated[str, typer.Option(help="Axis of the current: 0, 1, 2, or 'all'.")] = "0",
    interface: Annotated[
        list[str] | None,
        typer.Option(
            help="Resistance between two phases, such as active,electrolyte='10 ohm cm2', or with one name twice "
            "between its particles; repeat it."
        ),
    ] = None,
    particles: Annotated[
        str | None,
        typer.Option(
            help="Volume with the number of each voxel's particle; without it they are told apart at their necks."
        ),
    ] = None,
    periodic: Annotated[
        str | None,
        typer.Option(
            help="Axes along which the volume repeats, such as 1,2: what leaves through a side enters opposite."
        ),
    ] = None,
    rtol: Annotated[float, typer.Option(help="Relative error that the solver may leave.")] = 1e-4,
    errors: Annotated[bool, typer.Option(help="Bound and estimate the error, in about five times the time.")] = True,
    bottleneck: Annotated[bool, typer.Option(help="Find where the resistance sits.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write potential, current and power of each voxel, as .npz.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="By default one for each core.")] = None,
    device: Annotated[str, typer.Option(help="cpu, or one of PyTorch such as torch:cuda.")] = "cpu",
    as_json: Json = False,
) -> None:
    """Effective conductivity and tortuosity factor of a volume."""
    from percolyte.report.conduction import axes_json, conduction_json, conduction_text, tensor_text, write_fields
    from percolyte.transport.voxels import conduct as solve

    axes = {"0": (0,), "1": (1,), "2": (2,), "all": (0, 1, 2)}.get(axis)
    if axes is None:
        raise InputError(f"'{axis}' is not an axis of a volume; write 0, 1, 2 or all")
    if out is not None and (len(axes) > 1 or out.suffix != ".npz"):
        raise InputError(f"{out}: fields are those of one axis, written as a NumPy archive such as fields.npz")
    keep_inputs([out], volume, *([particles] if particles else []))
    repeated = _axes(periodic)
    read_in = read(volume, voxel, phases, crop, coarsen)
    sigma, contact = read_texts(
        {
            "--conductivity": (conductivity, _by_phases(read_in, "electrolyte='2 mS/cm'", _conductivity)),
            "--interface": (interface or [], _by_phases(read_in, "active,electrolyte='40 ohm cm2'", _resistance)),
        }
    ).values()
    between = {(names[0], names[1]): value for names, value in contact.items()}
    numbers = _particles(particles, read_in, [one for one, other in between if one == other])
    found = [
        solve(
            read_in,
            {names[0]: value for names, value in sigma.items()},
            axis=number,
            interfaces=between,
            particles=numbers,
            periodic=repeated,
            rtol=rtol,
            errors=errors,
            fields=bottleneck or out is not None,
            threads=threads,
            device=device,
        )
        for number in axes
    ]
    if out is not None and not found[0].percolates:
        note(f"nothing percolates, so there are no fields, and {out} is not written")
    elif out is not None:
        write_fields(found[0], out)
        note(f"written: {out}")
    if as_json:
        print_json(conduction_json(found[0]) if len(found) == 1 else axes_json(found))
    else:
        texts = [conduction_text(one) for one in found]
        typer.echo("\n".join(texts if len(found) == 1 else [*texts, tensor_text(found)]))


@app.command()
def walk(
    volume: VolumeFile,
    phase: Annotated[str, typer.Option(help="Name or label of the phase in which the walkers diffuse.")],
    voxel: Voxel = None,
    phases: Phases = None,
    crop: Crop = None,
    coarsen: Coarsen = 1,
    walkers: Annotated[int, typer.Option(help="Four times as many halve the standard error.")] = 1024,
    duration: Annotated[float, typer.Option(help="Longer where diffusion is slow, as a note then says.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed walks the same ways.")] = 1,
    threads: Annotated[int | None, typer.Option(min=1, help="By default one for each core.")] = None,
    as_json: Json = False,
) -> None:
    """Diffusion in one phase of a volume by random walk: an independent check of `conduct`."""
    from percolyte.report.conduction import walk_json, walk_text
    from percolyte.transport.random_walk import random_walk

    read_in = read(volume, voxel, phases, crop, coarsen)
    name = _by_label(read_in).get(phase, phase)
    found = random_walk(read_in, name, walkers=walkers, duration=duration, seed=seed, threads=threads)
    if as_json:
        print_json({"outcome": "done", **walk_json(found)})
    else:
        typer.echo(walk_text(found))


def _by_label(volume: Volume) -> dict[str, str]:
    """Phases may be named by their labels."""
    return {str(label): name for name, label in volume.phases.items()}


def _axes(text: str | None) -> tuple[int, ...]:
    """'1,2' or '1'."""
    words = [] if text is None else [word.strip() for word in text.split(",")]
    if any(word not in ("0", "1", "2") for word in words):
        raise InputError(f"--periodic '{text}' does not name axes of a volume; write for example 1,2")
    return tuple(int(word) for word in words)


def _conductivity(text: str) -> Conductivity:
    """'2 mS/cm', or one for each axis: '1 S/m, 1 S/m, 0.1 S/m'."""
    from percolyte import units

    words = text.split(",")
    if len(words) == 1:
        return units.parse(text, units.CONDUCTIVITY)
    if len(words) != 3:
        raise UnitError(
            f"'{text}' is neither one conductivity nor three, one for each axis; write for example "
            "'1 S/m, 1 S/m, 0.1 S/m', with a point, not a comma, in the numbers"
        )
    first, second, third = (units.parse(word, units.CONDUCTIVITY) for word in words)
    return first, second, third


def _resistance(text: str) -> float:
    from percolyte import units

    return units.parse(text, units.AREA_RESISTANCE)


def _particles(file: str | None, volume: Volume, names: list[str]) -> Particles | None:
    """The particles between which there are interfaces: of a file, or told apart."""
    from percolyte.microstructure.particles import read_particles, told_apart

    for name in names:
        volume.label(name)
    if not names:
        if file is not None:
            raise InputError("--particles is for interfaces within a phase; add such as --interface active,active=TEXT")
        return None
    if file is not None:
        return read_particles(file, volume, names)
    found = told_apart(volume, names)
    for name in names:
        note(f"{name}: {int(found[volume.mask(name)].max(initial=0))} particles, told apart at their necks")
    return found


def _by_phases(
    volume: Volume, example: str, parse: Callable[[str], Value]
) -> Callable[[list[str]], dict[tuple[str, ...], Value]]:
    """A reader of NAME=VALUE, or NAME,NAME=VALUE, with names or labels of phases, as many as in the example."""
    by_label = _by_label(volume)
    count = example.count(",") + 1

    def read_values(given: list[str]) -> dict[tuple[str, ...], Value]:
        values, problems = {}, []
        for text in given:
            left, sign, quantity = text.partition("=")
            names = tuple(by_label.get(name.strip(), name.strip()) for name in left.split(","))
            if not sign or len(names) != count:
                shape = ",".join(["NAME"] * count) + "=VALUE"
                problems.append(Problem("", f"'{text}' is not {shape}; write for example {example}"))
                continue
            if names in values:
                problems.append(Problem(left, "is given twice; keep one"))
            try:
                values[names] = parse(quantity)
            except UnitError as error:
                problems += [Problem(left, problem.what) for problem in error.problems]
        if problems:
            raise InputError(problems)
        return values

    return read_values
