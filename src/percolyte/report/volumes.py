"""Pictures of volumes: slices, fields, a shaded view, and a page to turn and cut one in a browser."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from percolyte import units
from percolyte.errors import InputError
from percolyte.microstructure.edit import coarsen
from percolyte.microstructure.networks import Networks
from percolyte.microstructure.volume import Volume
from percolyte.report.figures import FAINT, INK, STYLE, WARNING
from percolyte.report.rays import cast, corners, outer_edges, view
from percolyte.transport.microstructure import AXIS, Structure
from percolyte.transport.voxels import conduct

PHASE_COLOURS = {
    "active": "#3b5b92",
    "electrolyte": "#e0a93b",
    "carbon": "#3a3d42",
    "binder": "#74bfe6",
    "coating": "#a857d9",
    "shell": "#8c9972",
    "scaffold": "#997285",
    "void": "#f4f2ec",
}
"""Apart for eyes without red or green cones too, by at least 20 in CIELAB."""
OTHER_COLOURS = ("#3b5b92", "#e0a93b", "#74bfe6", "#a857d9", "#8c9972", "#997285", "#3a3d42", "#d9d3c7")
DEAD, CUT_OFF = "dead active material", "cut-off electrolyte"
NOT_DRAWN = ("void", "other phases")
"""Seen through from outside."""
Sides = tuple[str, str]
SIDES: Sides = ("separator", "collector")
"""Before the first voxels of axis 0 in an electrode, and behind the last."""
LARGEST_PAGE = 192
"""Voxels along the longest edge of a volume in a page; larger ones are shown in blocks."""


def phase_colours(volume: Volume) -> dict[str, str]:
    """One colour for each phase: that of its name, or the next that no other phase has."""
    named = {name: colour for name, colour in PHASE_COLOURS.items() if name in volume.phases}
    free = iter([colour for colour in OTHER_COLOURS if colour not in named.values()])
    return {name: named[name] if name in named else next(free, FAINT) for name in volume.phases}


@dataclass(frozen=True)
class Scene:
    """What is drawn: a volume whose phases may be divided further, and a colour for each."""

    volume: Volume
    colours: Mapping[str, str]
    sides: Sides | None = None
    """What axis 0 runs from and to, where it is known."""


def sides_of(volume: Volume, axis: int = 0) -> Sides | None:
    """Separator and collector for a generated electrode; None for an image, and where another axis is said to join them."""
    return SIDES if volume.origin == "generated" and "active" in volume.phases and axis == 0 else None


def phases_scene(volume: Volume) -> Scene:
    """The phases as they are."""
    return Scene(volume, phase_colours(volume), sides_of(volume))


def utilisation_scene(networks: Networks) -> Scene:
    """Dead active material in the colour of warnings, electrolyte that leads nowhere in a pale one.

    Errors: `InputError` for a volume without active material, or without a phase that carries ions.
    """
    volume, roles = networks.volume, networks.roles
    for names, what, option in ((roles.active, "active material", "active"), (roles.ionic, "electrolyte", "ionic")):
        if not names:
            raise InputError(
                f"no phase counts as {what}, without which nothing is used; name it with --{option}; "
                f"phases are {', '.join(volume.phases)}",
                source=volume.source,
            )
    colours = phase_colours(volume)
    labels, phases = volume.labels.copy(), dict(volume.phases)
    lost = volume.mask(*roles.ionic) & ~networks.through_ions
    for name, mask, colour in ((DEAD, networks.dead, WARNING), (CUT_OFF, lost, "#f0d9a8")):
        label = next(number for number in range(256) if number not in phases.values())
        labels[mask] = label
        phases[name], colours[name] = label, colour
    return Scene(replace(volume, labels=labels, phases=phases), colours, sides_of(volume, networks.axis))


def percolation_scene(networks: Networks, name: str) -> Scene:
    """The part of a phase that leads from side to side in its own colour, the rest of the phase in that of warnings."""
    volume = networks.volume
    mask = volume.mask(name)
    through = networks.phases.through(volume.label(name), networks.axis)
    labels = np.zeros_like(volume.labels)
    labels[through], labels[mask & ~through] = 1, 2
    phases = {"other phases": 0, f"percolating {name}": 1, f"cut-off {name}": 2}
    colours = dict(zip(phases, ("#f4f2ec", phase_colours(volume)[name], WARNING), strict=True))
    return Scene(replace(volume, labels=labels, phases=phases), colours, sides_of(volume, networks.axis))


WIDTH, DPI, PIXELS = 8.4, 240, 900
HIGHEST = 99.0
"""Percentile of a field at which its colours end."""
BESIDE, ABOVE, BELOW, ROW = 0.42, 0.5, 0.42, 0.19
"""Inches left of a slice, above and below it, and of a row of the legend."""
LEAST, TALLEST = 1.0, 5.0
"""Room for the words at a slice, and the height of the largest, in."""


def slices_figure(scene: Scene) -> Figure:
    """Three slices through the middle, all at one scale, with a scale bar."""
    volume = scene.volume
    table = np.ones((256, 3))
    for name, label in volume.phases.items():
        table[label] = to_rgb(scene.colours[name])
    with mpl.rc_context(STYLE):
        handles, labels = _legend(scene)
        columns = _columns(labels, WIDTH - 2.0)
        places = _middle(volume)
        figure, panels, bar = _panels(volume, places, scene.sides, 0.15 + ROW * math.ceil(len(labels) / columns))
        for axis, axes in enumerate(panels):
            axes.imshow(table[np.take(volume.labels, places[axis], axis=axis)], **_placed(volume, axis))
        figure.legend(handles, labels, ncols=columns, fontsize=8.5, loc="upper left", borderaxespad=0.0, borderpad=0.0,
                      bbox_to_anchor=(bar[0] + 0.5, bar[1]), bbox_transform=figure.dpi_scale_trans)  # fmt: skip
        return figure


def _middle(volume: Volume) -> tuple[int, int, int]:
    i, j, k = volume.labels.shape
    return i // 2, j // 2, k // 2


def _in_um(volume: Volume) -> tuple[float, float, float]:
    x, y, z = (float(units.to(length, "um")) for length in volume.size)
    return x, y, z


def _placed(volume: Volume, axis: int) -> dict[str, Any]:
    """How an image of the slice across an axis is drawn: in um, the first row on top, many voxels a pixel averaged."""
    down, right = (length for other, length in enumerate(_in_um(volume)) if other != axis)
    return {"extent": (0.0, right, down, 0.0), "interpolation": "antialiased", "interpolation_stage": "rgba"}


def _panels(
    volume: Volume, places: Sequence[int], sides: Sides | None, below: float
) -> tuple[Figure, list[Axes], tuple[float, float]]:
    """Axes for the slice across each axis, all at one scale, a scale bar, and where it ends (in, from left and bottom)."""
    x, y, z = _in_um(volume)
    across, down = (z, z, y), (y, x, x)
    scale = _scale(across, down)
    widths = [max(LEAST, scale * length) for length in across]
    high = max(0.6 * LEAST, scale * max(down))
    figure = Figure(figsize=(WIDTH, ABOVE + high + BELOW + below), dpi=DPI)
    left = start = 0.5 * (WIDTH - sum(widths) - 3 * BESIDE) + BESIDE
    panels = []
    for axis, width in enumerate(widths):
        wide, tall = scale * across[axis], scale * down[axis]
        corner = left + 0.5 * (width - wide), below + BELOW + high - tall
        axes = figure.add_axes(_share(figure, *corner, wide, tall))
        _name(axes, axis, volume, places[axis], sides)
        panels.append(axes)
        left += width + BESIDE
    return figure, panels, (start + _scale_bar(figure, start, below, scale), below)


def _scale(across: Sequence[float], down: Sequence[float]) -> float:
    """Inches a um at which the slices fit beside each other, those narrower than their words as wide as these."""
    ordered = sorted(across)
    scales = [(WIDTH - 3 * BESIDE - 0.1 - few * LEAST) / sum(ordered[few:]) for few in range(3)]
    fitting = next((scale for scale, least in zip(scales, ordered, strict=True) if scale * least >= LEAST), scales[-1])
    return min(fitting, TALLEST / max(down))


def _share(
    figure: Figure, left: float, bottom: float, width: float, height: float
) -> tuple[float, float, float, float]:
    """A rectangle in inches as shares of the figure."""
    whole, tall = figure.get_size_inches()
    return left / whole, bottom / tall, width / whole, height / tall


def _name(axes: Axes, axis: int, volume: Volume, place: int, sides: Sides | None) -> None:
    """The axes of a slice, the depth it lies at, and what axis 0 runs from and to."""
    first, second = (other for other in range(3) if other != axis)
    sizes = _in_um(volume)
    depth = f"{units.to((place + 0.5) * volume.voxel[axis], 'um'):.3g} µm"
    pad = 14 if sides else 4
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, linewidth=0.5)
    axes.set_xlabel(f"axis {second}, {sizes[second]:.3g} µm", fontsize=8.5, labelpad=pad)
    axes.set_ylabel(f"axis {first}, {sizes[first]:.3g} µm", fontsize=8.5)
    where = f"{depth} from the {sides[0]}" if sides is not None and axis == 0 else f"at {depth}"
    axes.set_title(f"across axis {axis}\n{where}", fontsize=8.5, pad=pad)
    for words, height, away, side in zip(
        sides if sides and axis else (), (1, 0), (3, -3), ("bottom", "top"), strict=False
    ):
        axes.annotate(words, (0.5, height), (0, away), xycoords="axes fraction", textcoords="offset points",
                      ha="center", va=side, fontsize=8, color=FAINT)  # fmt: skip


def _scale_bar(figure: Figure, left: float, top: float, scale: float) -> float:
    """A bar of about an inch below the slices; its length in inches."""
    power = 10.0 ** math.floor(math.log10(1.2 / scale))
    length = next(step * power for step in (5.0, 2.0, 1.0) if step * power * scale <= 1.2)
    bar = Line2D([left, left + length * scale], [top - 0.07] * 2, color=INK, linewidth=2.5, solid_capstyle="butt")
    bar.set_transform(figure.dpi_scale_trans)
    figure.add_artist(bar)
    figure.text(left + 0.5 * length * scale, top - 0.12, f"{length:g} µm", ha="center", va="top", fontsize=8.5,
                transform=figure.dpi_scale_trans)  # fmt: skip
    return length * scale


def _legend(scene: Scene, hidden: Sequence[str] = ()) -> tuple[list[Rectangle], list[str]]:
    """A patch and the share of the volume for each phase that is drawn."""
    drawn = {name: share for name, share in scene.volume.fractions.items() if share > 0.0 and name not in hidden}
    handles = [Rectangle((0, 0), 1, 1, facecolor=scene.colours[name], edgecolor=FAINT, linewidth=0.5) for name in drawn]
    return handles, [f"{name}, {100 * share:.3g} %" for name, share in drawn.items()]


def _columns(labels: Sequence[str], width: float) -> int:
    """Columns of a legend within a width in inches, filled evenly."""
    room = max(1, min(len(labels), int(width / (0.6 + 0.065 * max(map(len, labels), default=0)))))
    return math.ceil(len(labels) / math.ceil(len(labels) / room)) if labels else 1


def field_figure(
    volume: Volume,
    field: NDArray[Any],
    title: str,
    bottleneck: tuple[int, int, int] | None = None,
    sides: Sides | None = None,
) -> Figure:
    """A field on the voxels, such as potential or flux, on three slices; where it is nan stays white.

    The colours end at the 99th percentile, since the few voxels at sharp corners would leave the rest dark. The
    slices go through the bottleneck (a voxel) where one is given, and mark it. `sides` name what axis 0 runs from
    and to; a generated electrode knows them.

    Errors: `InputError` for a field of another shape than the volume.
    """
    if field.shape != volume.labels.shape:
        raise InputError(f"the field has the shape {field.shape}, and its volume {volume.labels.shape}")
    finite = field[np.isfinite(field)]
    low, high = (float(finite.min()), float(np.percentile(finite, HIGHEST))) if len(finite) else (0.0, 1.0)
    places = bottleneck or _middle(volume)
    with mpl.rc_context(STYLE):
        figure, panels, bar = _panels(volume, places, sides or sides_of(volume), 0.62)
        for axis, axes in enumerate(panels):
            shown = np.take(field, places[axis], axis=axis)
            image = axes.imshow(shown, vmin=low, vmax=high, cmap="viridis", **_placed(volume, axis))
            if bottleneck is not None:
                _mark(axes, axis, volume, bottleneck)
        beside = figure.add_axes(_share(figure, bar[0] + 0.6, bar[1] - 0.14, 3.2, 0.12))
        extend = "max" if len(finite) and finite.max() > high else "neither"
        figure.colorbar(image, cax=beside, orientation="horizontal", extend=extend).set_label(title, fontsize=8.5)
        beside.tick_params(labelsize=8)
        return figure


def _mark(axes: Axes, axis: int, volume: Volume, place: Sequence[int]) -> None:
    """A circle around a voxel on the slice across an axis."""
    down, right = (
        float(units.to((place[other] + 0.5) * volume.voxel[other], "um")) for other in range(3) if other != axis
    )
    axes.plot(right, down, marker="o", markersize=13, markerfacecolor="none", color=WARNING, markeredgewidth=2)


def structure_figures(structure: Structure) -> dict[str, Figure]:
    """Slices of a volume with what the cell cannot use, and where the current of ions is dense."""
    volume = structure.volume
    used = structure.roles.active and structure.roles.ionic
    scene = utilisation_scene(Networks(volume, structure.roles, AXIS)) if used else phases_scene(volume)
    found = {"slices": slices_figure(replace(scene, sides=SIDES))}
    if structure.ionic is None or not structure.ionic.percolates:
        return found
    solved = conduct(
        volume,
        structure.ionic_conductivities,
        axis=AXIS,
        periodic=structure.ionic.periodic,
        errors=False,
        fields=True,
    )
    assert solved.fields is not None
    assert solved.bottleneck is not None
    density = np.linalg.norm(solved.fields.current_density, axis=0)
    shown = np.where(density > 0.0, density * volume.size[AXIS] / solved.effective_conductivity, np.nan)
    i, j, k = (int(place / length) for place, length in zip(solved.bottleneck.position, volume.voxel, strict=True))
    title = "current of ions, local over mean"
    return {**found, "bottleneck": field_figure(volume, shown, title, (i, j, k), SIDES)}


def histogram_figure(counts: NDArray[Any], centres: NDArray[Any], thresholds: NDArray[Any], names: list[str]) -> Figure:
    """Grey values with the thresholds between the phases."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        axes = figure.add_subplot()
        axes.fill_between(centres, counts / counts.sum() * 100.0, step="mid", color="#b9c2c9")
        edges = [float(2 * centres[0] - centres[1]), *map(float, thresholds), float(centres[-1])]
        for threshold in edges[1:-1]:
            axes.axvline(threshold, color=WARNING, linewidth=1.4)
            _above(axes, threshold, f"{threshold:.4g}", WARNING)
        for name, low, high in zip(names, edges, edges[1:], strict=False):
            share = float(counts[(centres > low) & (centres <= high)].sum() / counts.sum())
            _above(axes, (low + high) / 2, f"{name}\n{100 * share:.3g} %", INK)
        axes.set(xlabel="grey value", ylabel="share of the voxels (%)", ylim=(0, None))
        return figure


def _above(axes: Axes, place: float, label: str, colour: str) -> None:
    axes.text(
        place, 1.02, label, color=colour, ha="center", va="bottom", fontsize=8.5, transform=axes.get_xaxis_transform()
    )


def solid_figure(scene: Scene, hidden: tuple[str, ...] = NOT_DRAWN) -> Figure:
    """The volume from a corner, hidden phases left out, shaded; axis 0 points down, as in the slices."""
    volume = scene.volume
    rgb = np.zeros((256, 3))
    for name, label in volume.phases.items():
        rgb[label] = (-1.0, -1.0, -1.0) if name in hidden else to_rgb(scene.colours[name])
    looking = view(-35.0, 28.0)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.0, 6.2), layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(cast(volume.labels, volume.voxel, rgb, looking, PIXELS))
        axes.axis("off")
        outline = corners(volume.size, looking, PIXELS).reshape(8, 2)
        (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
        axes.set(xlim=(left - 3, right + 3), ylim=(bottom + 3, top - 3))
        for axis, edge in enumerate(outer_edges(volume.size, looking, PIXELS)):
            _edge(axes, edge, f"axis {axis}, {_in_um(volume)[axis]:.3g} µm")
            if axis == 0 and scene.sides is not None:
                for end, words, side in zip(edge, scene.sides, ("bottom", "top"), strict=True):
                    axes.annotate(words, (end[0], end[1]), (-4, 0), textcoords="offset points", ha="right", va=side,
                                  fontsize=8.5)  # fmt: skip
        handles, labels = _legend(scene, hidden)
        figure.legend(handles, labels, loc="outside lower center", ncols=_columns(labels, 5.5), fontsize=8.5)
        return figure


def _edge(axes: Axes, ends: NDArray[np.float64], words: str) -> None:
    """Words along the outer side of an edge of the picture."""
    along = ends[1] - ends[0]
    along *= -1.0 if along[0] < -1e-6 or (abs(along[0]) <= 1e-6 and along[1] > 0.0) else 1.0
    middle = ends.mean(axis=0)
    normal = np.array([-along[1], along[0]]) / max(1e-9, math.hypot(*along))
    outward = math.copysign(11.0, (middle - 0.5 * (PIXELS - 1)) @ normal) * normal
    axes.annotate(words, (middle[0], middle[1]), (outward[0], -outward[1]), textcoords="offset points", ha="center", va="center",
                  rotation=math.degrees(math.atan2(-along[1], along[0])), fontsize=8.5)  # fmt: skip


def write_page(scene: Scene, path: Path) -> None:
    """Write the page of a volume; one that was there stays until the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(volume_page(scene), encoding="utf-8")
    beside.replace(path)


def volume_page(scene: Scene) -> str:
    """A page that turns the volume and cuts it with sliders; everything is inside it, nothing is fetched."""
    volume = scene.volume
    factor = math.ceil(max(volume.labels.shape) / LARGEST_PAGE)
    shown = coarsen(volume, min(factor, *volume.labels.shape)) if factor > 1 else volume
    data = {
        "shape": list(shown.labels.shape),
        "voxel": [float(units.to(length, "um")) for length in shown.voxel],
        "sides": scene.sides,
        "seenThrough": NOT_DRAWN,
        "phases": [
            {"name": name, "label": label, "colour": scene.colours[name], "share": volume.fractions[name]}
            for name, label in volume.phases.items()
        ],
        "packed": base64.b64encode(zlib.compress(shown.labels.tobytes(), 9)).decode("ascii"),
    }
    environment = Environment(loader=PackageLoader("percolyte.report", "."), autoescape=True, undefined=StrictUndefined)
    safe = json.dumps(data).replace("<", "\\u003c")
    return environment.get_template("volume.html.j2").render(volume=volume, factor=factor, data=safe)
