"""Commands on voxel images: look, edit, segment, measure, draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from percolyte.commands.shared import Json, Texts, figure_name, keep_inputs, note, print_json, print_result, read_texts
from percolyte.errors import InputError

if TYPE_CHECKING:
    from percolyte.microstructure.imported import Addition
    from percolyte.microstructure.networks import Named, Roles
    from percolyte.microstructure.volume import Lengths, Volume

app = typer.Typer()

VolumeFile = Annotated[
    str,
    typer.Argument(metavar="VOLUME", help="TIFF stack, folder of slices, .npy, .h5 (file.h5:/dataset), .zarr or .mat."),
]
Voxel = Annotated[
    str | None, typer.Option(help="Length of a voxel, such as '0.5 um', or of its three edges, with commas between.")
]
Phases = Annotated[str | None, typer.Option(help="Names of the labels, such as active=1,electrolyte=2,void=0.")]
Crop = Annotated[str | None, typer.Option(help="Read a part: ranges of voxels, such as 0:100,0:100,: .")]
Coarsen = Annotated[int, typer.Option(help="Read blocks of so many voxels along each edge, by majority.")]
Axis = Annotated[int, typer.Option(help="Axis from the separator to the collector: 0, 1 or 2.")]
Active = Annotated[
    str | None,
    typer.Option(help="Phases of active material; default 'active', and cathode and anode materials of the library."),
]
Ionic = Annotated[
    str | None,
    typer.Option(
        help="Phases that carry ions; default 'electrolyte', 'shell', 'coating', and electrolytes and coatings of the library."
    ),
]
Electronic = Annotated[
    str | None,
    typer.Option(
        help="Phases that carry electrons; default the active material, 'carbon', and carbons of the library."
    ),
]


def read(volume: str, voxel: str | None, phases: str | None, crop: str | None = None, coarsen: int = 1) -> Volume:
    """The volume that the arguments of a command name."""
    from percolyte.microstructure.files import read_volume

    length, names, ranges = read_texts(_image_texts(voxel, phases, crop)).values()
    return read_volume(volume, voxel=length, phases=names, ranges=ranges, coarsen=coarsen)


def _image_texts(voxel: str | None, phases: str | None, crop: str | None) -> Texts:
    """What is told of an image, with its readers."""
    from percolyte.microstructure.edit import ranges_from
    from percolyte.microstructure.volume import phases_from, voxel_from

    return {"--voxel": (voxel, voxel_from), "--phases": (phases, phases_from), "--crop": (crop, ranges_from)}


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _roles(volume: Named, active: str | None, ionic: str | None, electronic: str | None) -> Roles:
    from percolyte.microstructure.networks import recognised, roles_of

    if active is None or ionic is None or electronic is None:
        for name, kind in recognised(volume).items():
            note(f"'{name}' counts as {kind}, as the materials library says")
    return roles_of(volume, _names(active), _names(ionic), _names(electronic))


@app.command()
def measure(
    volume: VolumeFile,
    voxel: Voxel = None,
    phases: Phases = None,
    active: Active = None,
    ionic: Ionic = None,
    electronic: Electronic = None,
    axis: Axis = 0,
    widths: Annotated[
        str | None, typer.Option(help="Phases whose pore sizes, chords and constriction are measured too (slower).")
    ] = None,
    crop: Crop = None,
    coarsen: Coarsen = 1,
    as_json: Json = False,
) -> None:
    """Fractions, percolation, contact areas, utilisation and sizes of a voxel image, with their errors."""
    from percolyte.microstructure.files import open_image
    from percolyte.microstructure.measure import measure as measured
    from percolyte.microstructure.measure import measure_widths
    from percolyte.microstructure.slabs import fits, measure_in_slabs, slab_volume
    from percolyte.report.measures import measures_json, measures_text, widths_json, widths_text

    wide = {}
    if crop is None and coarsen == 1 and not widths and not fits(open_image(volume)):
        length, names, _ = read_texts(_image_texts(voxel, phases, None)).values()
        parts = slab_volume(open_image(volume), length, names)
        found = measure_in_slabs(parts, _roles(parts, active, ionic, electronic), axis)
    else:
        image = read(volume, voxel, phases, crop, coarsen)
        roles = _roles(image, active, ionic, electronic)
        for name in _names(widths) or ():
            image.label(name)
        found = measured(image, roles, axis)
        wide = {name: measure_widths(image, name, axis) for name in _names(widths) or ()}
    if as_json:
        data: dict[str, Any] = {"outcome": "done", **measures_json(found)}
        print_json({**data, "widths": {name: widths_json(sizes) for name, sizes in wide.items()}})
        return
    typer.echo(measures_text(found))
    for name, sizes in wide.items():
        typer.echo("\n" + widths_text(name, sizes))


@app.command()
def volume(
    volume: VolumeFile,
    voxel: Voxel = None,
    phases: Phases = None,
    crop: Crop = None,
    coarsen: Coarsen = 1,
    order: Annotated[str | None, typer.Option(help="Axes in another order, such as 2,0,1.")] = None,
    turn: Annotated[str | None, typer.Option(help="Quarter turns about an axis: AXIS:TURNS, such as 0:1.")] = None,
    resample: Annotated[str | None, typer.Option(help="Cubic voxels of this length, such as '0.5 um'.")] = None,
    refine: Annotated[int, typer.Option(help="Parts of each voxel's edge.")] = 1,
    merge: Annotated[
        list[str] | None, typer.Option(help="Phases that become one: NAME=PHASE,PHASE; may be repeated.")
    ] = None,
    relabel: Annotated[str | None, typer.Option(help="Other labels: PHASE=LABEL,PHASE=LABEL.")] = None,
    remove_specks: Annotated[
        int, typer.Option(help="Connected parts of fewer voxels join what surrounds them.", min=0)
    ] = 0,
    add: Annotated[
        list[str] | None,
        typer.Option(
            help="A phase to add: NAME=AMOUNT; may be repeated. A share such as carbon='2 %', or of a layer its thickness, "
            "coating='20 nm'; after semicolons kind= (layer, particles, fibres, films, patches, infiltration), "
            "on=PHASES, into=PHASES, diameter=, length= or side=."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of what --add places at random.", min=0)] = 1,
    out: Annotated[Path | None, typer.Option(help="File to write: .tif, .npy, .h5, .zarr, .mat, or a folder.")] = None,
    as_json: Json = False,
) -> None:
    """What a voxel image holds; with --out, the image edited in the order of these options, in any format."""
    from percolyte.microstructure.files import open_image, write_volume
    from percolyte.microstructure.image import label_counts, label_fractions
    from percolyte.microstructure.imported import additions_from
    from percolyte.report.measures import image_json

    edits = _edits(order, turn, resample, refine, merge, relabel, remove_specks)
    edited = any(given is not None for given, _ in edits.values()) or bool(crop or add) or coarsen != 1
    told = read_texts(
        {
            **_image_texts(voxel, phases, crop),
            **edits,
            "--add": (add or None, additions_from),
            "--out": (out or edited or None, lambda _: _check_place(out)),
        }
    )
    if out is None:
        _describe(volume, told["--voxel"], told["--phases"], as_json)
        return
    keep_inputs([out], volume)
    found = read(volume, voxel, phases, crop, coarsen)
    for edit in filter(None, (told[option] for option in edits)):
        found = edit(found)
    said: dict[str, Any] = {}
    if told["--add"] is not None:
        found, said = _with_additions(found, told["--add"], seed)
    write_volume(found, out)
    note(f"written: {out}")
    if as_json:
        written = open_image(out)
        print_json({"outcome": "done", **image_json(written, label_fractions(label_counts(written))), **said})


def _edits(
    order: str | None,
    turn: str | None,
    resample: str | None,
    refine: int,
    merge: list[str] | None,
    relabel: str | None,
    remove_specks: int,
) -> Texts:
    """The edits in the order in which they are made; what reads them gives the verb that makes them."""
    from percolyte import units
    from percolyte.microstructure import edit
    from percolyte.microstructure.volume import phases_from

    def verb(change: Callable[..., Volume], *arguments: Any) -> Callable[[Volume], Volume]:
        return lambda volume: change(volume, *arguments)

    def merged(texts: list[str]) -> Callable[[Volume], Volume]:
        groups = [edit.merger_from(text) for text in texts]
        return lambda volume: reduce(lambda found, group: edit.merge(found, *group), groups, volume)

    return {
        "--order": (order, lambda text: verb(edit.permute, edit.order_from(text))),
        "--turn": (turn, lambda text: verb(edit.rotate, *edit.turn_from(text))),
        "--resample": (resample, lambda text: verb(edit.resample, units.parse(text, units.VOXEL))),
        "--refine": (None if refine == 1 else refine, lambda parts: verb(edit.refine, parts)),
        "--merge": (merge or None, merged),
        "--relabel": (relabel, lambda text: verb(edit.relabel, phases_from(text))),
        "--remove-specks": (remove_specks or None, lambda smallest: verb(edit.remove_specks, smallest)),
    }


def _check_place(out: Path | None) -> None:
    from percolyte.microstructure.files import check_volume_name

    if out is None:
        raise InputError("an edited volume needs a place; give --out, such as --out edited.tif")
    check_volume_name(out)


def _describe(volume: str, voxel: Lengths | None, phases: dict[str, int] | None, as_json: bool) -> None:
    """Print what a file holds; what the command says of it stands above what the file says."""
    from percolyte.microstructure.files import open_image
    from percolyte.microstructure.image import label_counts, label_fractions
    from percolyte.microstructure.volume import phases_of
    from percolyte.report.measures import image_json, image_text

    known = open_image(volume)
    image = replace(known, voxel=voxel or known.voxel, phases=phases or known.phases)
    fractions: dict[int, float] = {}
    try:
        counts = label_counts(image)
        fractions = label_fractions(counts)
    except InputError as error:
        note(str(error))
    if phases is not None and fractions:
        phases_of(counts, phases, image.source)
    print_result({"outcome": "done", **image_json(image, fractions)}, image_text(image, fractions), as_json=as_json)


def _with_additions(volume: Volume, additions: list[Addition], seed: int) -> tuple[Volume, dict[str, Any]]:
    """The volume with the phases of --add, and what JSON says of them."""
    from percolyte.microstructure.imported import add

    added = add(volume, additions, seed)
    for warning in added.notes:
        note(f"warning: {warning}")
    for name, fraction in added.fractions.items():
        note(f"added: {name} {100 * fraction:.4g} vol%")
    return added.volume, {"added_volume_fraction": added.fractions, "warnings": list(added.notes), "seed": seed}


@app.command()
def segment(
    image: VolumeFile,
    out: Annotated[
        Path | None, typer.Option(help="File of labels to write: .tif, .npy, .h5, .zarr, .mat, or a folder.")
    ] = None,
    phases: Annotated[
        str, typer.Option(help="Number of phases, or their names from dark to bright, with commas.")
    ] = "2",
    voxel: Voxel = None,
    median: Annotated[int, typer.Option(help="Smooth over a cube of so many voxels, an odd number, before.")] = 1,
    figure: Annotated[Path | None, typer.Option(help="Draw the histogram: .svg, .png or .pdf.")] = None,
    as_json: Json = False,
) -> None:
    """Labels from grey values: the thresholds that part the histogram best (multi-Otsu)."""
    from percolyte.microstructure.files import check_volume_name, open_image, write_volume
    from percolyte.microstructure.image import voxel_of
    from percolyte.microstructure.segment import check_median, phase_names
    from percolyte.microstructure.segment import segment as segmented
    from percolyte.microstructure.volume import voxel_from

    keep_inputs([out, figure_name(figure)], image)
    source = open_image(image)
    told = read_texts(
        {
            "--phases": (phases, lambda text: phase_names(int(text) if text.isdecimal() else _names(text) or [])),
            "--median": (median, check_median),
            "--voxel": (voxel or out, lambda _: voxel_of(source, None if voxel is None else voxel_from(voxel))),
            "--out": (out, check_volume_name),
        }
    )
    found = segmented(source, told["--phases"], median=median)
    if out is not None:
        write_volume(found.volume(told["--voxel"]), out)
        note(f"written: {out}")
    if figure is not None:
        from percolyte.report.figures import save
        from percolyte.report.volumes import histogram_figure

        save(histogram_figure(found.counts, found.centres, found.thresholds, list(found.phases)), figure)
        note(f"written: {figure}")
    thresholds = [float(threshold) for threshold in found.thresholds]
    fractions = found.fractions
    if as_json:
        print_json({"outcome": "done", "thresholds": thresholds, "volume_fraction": fractions})
    else:
        typer.echo("thresholds  " + ", ".join(f"{threshold:.4g}" for threshold in thresholds))
        for name, fraction in fractions.items():
            typer.echo(f"{name:10}  {100 * fraction:.4g} %, label {found.phases[name]}")


@app.command()
def view(
    volume: VolumeFile,
    out: Annotated[Path, typer.Option(help="A page to turn and cut it (.html), or a figure (.png, .svg, .pdf).")],
    voxel: Voxel = None,
    phases: Phases = None,
    show: Annotated[
        str,
        typer.Option(
            help="phases; utilisation (dead active material marked); or the name of a phase: what of it percolates."
        ),
    ] = "phases",
    solid: Annotated[
        bool, typer.Option("--solid", help="A figure of the volume from outside instead of slices.")
    ] = False,
    active: Active = None,
    ionic: Ionic = None,
    electronic: Electronic = None,
    axis: Axis = 0,
    crop: Crop = None,
    coarsen: Coarsen = 1,
) -> None:
    """A voxel image as slices, from outside, or as a page to turn and cut in a browser."""
    from percolyte.microstructure.memory import BYTES, check_memory
    from percolyte.microstructure.networks import Networks
    from percolyte.microstructure.volume import check_axis
    from percolyte.report import volumes
    from percolyte.report.figures import FORMATS, save

    if out.suffix not in (*FORMATS, ".html"):
        raise InputError(f"{out} is neither a page nor a figure; end its name with .html, {', '.join(FORMATS)}")
    if solid and out.suffix == ".html":
        raise InputError(f"a page shows the volume from outside anyway; leave out --solid, or write {out.stem}.png")
    keep_inputs([out], volume)
    found = read(volume, voxel, phases, crop, coarsen)
    check_axis(axis, found.source)
    check_memory(found.labels.shape, BYTES["view" if show == "phases" else "utilisation"], found.source)
    if show == "phases":
        scene = volumes.phases_scene(found)
    else:
        networks = Networks(found, _roles(found, active, ionic, electronic), axis)
        if show != "utilisation":
            found.label(show)
        scene = (
            volumes.utilisation_scene(networks) if show == "utilisation" else volumes.percolation_scene(networks, show)
        )
    if out.suffix == ".html":
        volumes.write_page(scene, out)
    else:
        save(volumes.solid_figure(scene) if solid else volumes.slices_figure(scene), out)
    note(f"written: {out}")
