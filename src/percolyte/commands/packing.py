"""The command that generates a volume from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from percolyte.commands.shared import DesignFile, Json, can_hold, keep_inputs, note, print_json, read_texts
from percolyte.errors import InputError

if TYPE_CHECKING:
    from percolyte.microstructure.volume import Lengths

app = typer.Typer()


def _stack_name(path: Path | None) -> Path | None:
    """The name of a stack to write, once it is known that it can be."""
    if path is not None:
        if path.suffix.lower() not in (".tif", ".tiff"):
            raise InputError(f"{path} is no TIFF stack; write for example {path.with_suffix('.tif')}")
        can_hold(path)
    return path


def _box(size: str) -> Lengths:
    """'40 um' or '100 um, 50 um, 50 um' -> three edges, m."""
    from percolyte.microstructure.volume import lengths_from
    from percolyte.units import LENGTH

    return lengths_from(size, LENGTH, "100 um, 50 um, 50 um")


@app.command()
def pack(
    design: DesignFile,
    size: Annotated[str, typer.Option(help="Edge of the volume, or three: thickness, width, depth.")] = "40 um",
    voxel: Annotated[str, typer.Option(help="Edge of a voxel.")] = "0.25 um",
    seed: Annotated[int, typer.Option(help="The same seed gives the same volume.", min=0)] = 1,
    layer: Annotated[str, typer.Option(help="cathode, anode or separator.")] = "cathode",
    out: Annotated[
        Path, typer.Option(callback=_stack_name, help="TIFF stack to write, slices along the thickness.")
    ] = Path("volume.tif"),
    particles: Annotated[
        Path | None, typer.Option(callback=_stack_name, help="TIFF stack of the particle that each voxel belongs to.")
    ] = None,
    as_json: Json = False,
) -> None:
    """A voxel volume of a composite layer, generated from its recipe."""
    import time

    from percolyte import units
    from percolyte.design import read_design
    from percolyte.examples import find_design
    from percolyte.layer_microstructure import layer_microstructure
    from percolyte.microstructure.files import write_volume
    from percolyte.microstructure.pack import formless
    from percolyte.microstructure.pack import pack as generate
    from percolyte.pouch.stack import build_stack
    from percolyte.resolution import resolve

    keep_inputs([out, particles], design)
    wanted = {"--size": (size, _box), "--voxel": (voxel, lambda text: units.parse(text, units.VOXEL))}
    box, length = read_texts(wanted).values()
    resolved = resolve(read_design(find_design(design)))
    known = len(resolved.ledger.entries)
    fractions, look = layer_microstructure(resolved, build_stack(resolved.inputs), layer)
    for entry in resolved.ledger.entries[known:]:
        if entry.origin == "assumed":
            note(f"assumed: {entry.where} = {entry.shown}, as {entry.source}")
    start = time.perf_counter()
    try:
        packed = generate(fractions, look, box, length, seed, note)
    except InputError as error:
        raise InputError(error.problems, source=resolved.design.label) from None
    seconds = time.perf_counter() - start
    write_volume(packed.volume, out)
    if particles is not None:
        _write_particles(particles, packed.particles, packed.volume.voxel[0])
    lacking = formless(look, fractions)
    warnings = [*(f"the form of {phase} draws nothing, as the recipe has none" for phase in lacking), *packed.warnings]
    for warning in warnings:
        note(f"warning: {warning}")
    if as_json:
        print_json(
            {
                "outcome": "done",
                "volume_fraction": packed.fractions,
                "asked_volume_fraction": {"void": 1.0 - sum(fractions.values()), **fractions},
                "phases": packed.volume.phases,
                "shape": list(packed.volume.labels.shape),
                "voxel_um": [1e6 * length for length in packed.volume.voxel],
                "particles": packed.particle_numbers,
                "active_overlap": packed.placed.overlap,
                "gradient": packed.gradient if look.gradient else None,
                "seed": seed,
                "file": str(out),
                "warnings": warnings,
                "seconds": seconds,
            }
        )
        return
    for phase, fraction in packed.fractions.items():
        typer.echo(f"{phase:12}{100 * fraction:.2f} vol%")
    if look.gradient:
        typer.echo(f"{'gradient':12}{packed.gradient:.3g} of the active material, {look.gradient:.3g} asked for")
    shape = " x ".join(str(number) for number in packed.volume.labels.shape)
    typer.echo(f"written: {out}, {shape} voxels in {seconds:.1f} s")


def _write_particles(path: Path, particles: NDArray[np.int32], voxel: float) -> None:
    """A stack of 32 bits, which ImageJ's own TIFF does not know: OME holds it with its voxel length."""
    from hashlib import blake2b
    from uuid import UUID

    import tifffile

    # OME names each file: by what it holds, so that the same seed gives the same bytes
    identity = UUID(bytes=blake2b(particles.tobytes(), digest_size=16).digest())
    lengths = {f"PhysicalSize{axis}": 1e6 * voxel for axis in "XYZ"}
    metadata = {"axes": "ZYX", "UUID": str(identity), **lengths}
    tifffile.imwrite(path, particles, ome=True, compression="zlib", metadata=metadata)
