"""Pictures of volumes: slices, fields, a shaded view, and a page to turn and cut one in a browser."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numba import njit
from numpy.typing import NDArray

from percolyte import units
from percolyte.errors import InputError
from percolyte.microstructure.edit import coarsen
from percolyte.microstructure.networks import Networks
from percolyte.microstructure.volume import Labels, Lengths, Volume
from percolyte.report.figures import FAINT, INK, STYLE, WARNING
from percolyte.transport.microstructure import AXIS, Structure
from percolyte.transport.voxels import conduct

PHASE_COLOURS = {
    "active": "#3b5b92",
    "electrolyte": "#e0a93b",
    "carbon": "#3a3d42",
    "binder": "#7d9c6e",
    "coating": "#9b6ea5",
    "void": "#f4f2ec",
}
OTHER_COLOURS = ("#3b5b92", "#e0a93b", "#6b7a5e", "#c9773f", "#5f5a78", "#2b6f6b", "#b9c2c9", "#d9d3c7")
DEAD, CUT_OFF = "dead active material", "cut-off electrolyte"
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


def phases_scene(volume: Volume) -> Scene:
    """The phases as they are."""
    return Scene(volume, phase_colours(volume))


def utilisation_scene(networks: Networks) -> Scene:
    """Dead active material in the colour of warnings, electrolyte that leads nowhere in a pale one."""
    volume = networks.volume
    colours = phase_colours(volume)
    labels, phases = volume.labels.copy(), dict(volume.phases)
    lost = networks.volume.mask(*networks.roles.ionic) & ~networks.through_ions
    for name, mask, colour in ((DEAD, networks.dead, WARNING), (CUT_OFF, lost, "#f0d9a8")):
        label = next(number for number in range(256) if number not in phases.values())
        labels[mask] = label
        phases[name], colours[name] = label, colour
    return Scene(Volume(labels, volume.voxel, phases, volume.origin, volume.source), colours)


def percolation_scene(networks: Networks, name: str) -> Scene:
    """The part of a phase that leads from side to side in its own colour, the rest of the phase in that of warnings."""
    volume = networks.volume
    mask = volume.mask(name)
    through = networks.phases.through(volume.label(name), networks.axis)
    labels = np.zeros_like(volume.labels)
    labels[through], labels[mask & ~through] = 1, 2
    phases = {"other phases": 0, f"percolating {name}": 1, f"cut-off {name}": 2}
    colours = dict(zip(phases, ("#f4f2ec", phase_colours(volume)[name], WARNING), strict=True))
    return Scene(Volume(labels, volume.voxel, phases, volume.origin, volume.source), colours)


def slices_figure(scene: Scene) -> Figure:
    """Three slices through the middle, to scale, with a scale bar."""
    volume = scene.volume
    table = np.ones((256, 3))
    for name, label in volume.phases.items():
        table[label] = to_rgb(scene.colours[name])
    with mpl.rc_context(STYLE):
        figure, panels = _panels(volume)
        for axis, axes in enumerate(panels):
            axes.imshow(table[_middle(volume.labels, axis)], extent=_extent(volume, axis), interpolation="nearest")
        _scale_bar(panels[0], volume)
        _legend(figure, scene)
        return figure


def _panels(volume: Volume) -> tuple[Figure, list[Axes]]:
    """One pair of axes for the slice across each axis, wide as the slice is."""
    x, y, z = volume.size
    across = [z, z, y]
    tallest = max(y / z, x / z, x / y)
    width = 8.4
    figure = Figure(figsize=(width, min(9.0, 0.9 + width / 3.2 * min(tallest, 2.5))), layout="constrained")
    panels = list(figure.subplots(1, 3, width_ratios=[max(length, 0.3 * max(across)) for length in across]))
    for axis, axes in enumerate(panels):
        first, second = (other for other in range(3) if other != axis)
        axes.set(xticks=[], yticks=[], xlabel=f"axis {second}", ylabel=f"axis {first}")
        axes.set_title(f"across axis {axis}", fontsize=9.5)
    return figure, panels


def _middle(values: NDArray[Any], axis: int) -> NDArray[Any]:
    middle: NDArray[Any] = np.take(values, values.shape[axis] // 2, axis=axis)
    return middle


def _extent(volume: Volume, axis: int) -> tuple[float, float, float, float]:
    """Left, right, bottom, top of a slice in um, first row on top."""
    down, right = (float(units.to(length, "um")) for other, length in enumerate(volume.size) if other != axis)
    return 0.0, right, down, 0.0


def _scale_bar(axes: Axes, volume: Volume) -> None:
    _, right, down, _ = _extent(volume, 0)
    power = 10.0 ** math.floor(math.log10(0.4 * right))
    length = next(step * power for step in (5.0, 2.0, 1.0) if step * power <= 0.4 * right)
    box = Rectangle((0.03 * right, 0.86 * down), length + 0.05 * right, 0.12 * down, facecolor="white", alpha=0.85)
    axes.add_patch(box)
    left = 0.055 * right
    axes.plot([left, left + length], [0.955 * down] * 2, color=INK, linewidth=2.5, solid_capstyle="butt")
    axes.text(left + length / 2, 0.94 * down, f"{length:g} µm", ha="center", va="bottom", fontsize=8.5, color=INK)
    axes.set(xlim=(0.0, right), ylim=(down, 0.0))


def _legend(figure: Figure, scene: Scene, columns: int = 4) -> None:
    present = {name: share for name, share in scene.volume.fractions.items() if share > 0.0}
    handles = [
        Rectangle((0, 0), 1, 1, facecolor=scene.colours[name], edgecolor=FAINT, linewidth=0.5) for name in present
    ]
    labels = [f"{name}, {100 * share:.3g} %" for name, share in present.items()]
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, max(1, len(labels))), fontsize=8.5)


def field_figure(
    volume: Volume, field: NDArray[Any], title: str, bottleneck: tuple[int, int, int] | None = None
) -> Figure:
    """A field on the voxels, such as potential or flux, on three slices; where it is nan stays white.

    The slices go through the bottleneck (a voxel) where one is given, and mark it.
    """
    if field.shape != volume.labels.shape:
        raise InputError(f"the field has the shape {field.shape}, and its volume {volume.labels.shape}")
    finite = field[np.isfinite(field)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    places = bottleneck or tuple(length // 2 for length in field.shape)
    with mpl.rc_context(STYLE):
        figure, panels = _panels(volume)
        for axis, axes in enumerate(panels):
            shown = np.take(field, places[axis], axis=axis)
            image = axes.imshow(
                shown, extent=_extent(volume, axis), vmin=low, vmax=high, cmap="viridis", interpolation="nearest"
            )
            if bottleneck is not None:
                down, right = (
                    float(units.to((places[other] + 0.5) * volume.voxel[other], "um"))
                    for other in range(3)
                    if other != axis
                )
                axes.plot(
                    right, down, marker="o", markersize=13, markerfacecolor="none", color=WARNING, markeredgewidth=2
                )
        _scale_bar(panels[0], volume)
        figure.colorbar(image, ax=panels, shrink=0.8, label=title)
        return figure


def structure_figures(structure: Structure) -> dict[str, Figure]:
    """Slices of a volume with what the cell cannot use, and where the current of ions is dense."""
    found = {"slices": slices_figure(utilisation_scene(Networks(structure.volume, structure.roles, AXIS)))}
    if structure.ionic is None or not structure.ionic.percolates:
        return found
    sides = structure.ionic.periodic
    solved = conduct(
        structure.volume, structure.ionic_conductivities, axis=AXIS, periodic=sides, errors=False, fields=True
    )
    assert solved.fields is not None
    assert solved.bottleneck is not None
    density = np.linalg.norm(solved.fields.current_density, axis=0)
    carrying = density > 0.0
    # the few voxels at sharp corners would leave the rest dark
    highest = float(np.percentile(density[carrying], 99.0))
    shown = np.where(carrying, np.minimum(density, highest) / solved.effective_conductivity, np.nan)
    shown *= structure.volume.size[AXIS]
    i, j, k = (
        int(place / length) for place, length in zip(solved.bottleneck.position, structure.volume.voxel, strict=True)
    )
    title = "current of ions, local over mean"
    return {**found, "bottleneck": field_figure(structure.volume, shown, title, (i, j, k))}


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


def solid_figure(scene: Scene, hidden: tuple[str, ...] = ("void", "other phases")) -> Figure:
    """The volume from a corner, hidden phases left out, shaded; axis 0 points down, as in the slices."""
    volume = scene.volume
    rgb = np.zeros((256, 3))
    for name, label in volume.phases.items():
        rgb[label] = (-1.0, -1.0, -1.0) if name in hidden else to_rgb(scene.colours[name])
    picture = _cast(volume.labels, volume.voxel, rgb, _view(-35.0, 28.0), 640)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.0, 6.2), layout="constrained")
        axes = figure.add_subplot()
        axes.imshow(picture)
        axes.axis("off")
        axes.set_title(" x ".join(f"{units.to(length, 'um'):.3g}" for length in volume.size) + " µm", fontsize=9.5)
        _legend(figure, scene, columns=2)
        return figure


def _view(turn: float, tilt: float) -> NDArray[np.float64]:
    """Rows: the directions to the right, upwards and away of someone who looks at the volume."""
    a, b = math.radians(turn), math.radians(tilt)
    right = np.array([0.0, -math.cos(a), -math.sin(a)])
    away = np.array([math.sin(b), -math.cos(b) * math.sin(a), math.cos(b) * math.cos(a)])
    return np.array([right, np.cross(right, away), away])


@njit(cache=True)
def _cast(
    labels: Labels, voxel: Lengths, rgb: NDArray[np.float64], view: NDArray[np.float64], pixels: int
) -> NDArray[np.float64]:
    """One ray a pixel through the voxels, along their faces (Amanatides and Woo, Eurographics 1987, 3)."""
    shape = np.array(labels.shape)
    step_length = np.array(voxel)
    middle = 0.5 * shape * step_length
    reach = math.sqrt((middle**2).sum()) * 1.02
    picture = np.ones((pixels, pixels, 3))
    right, up, away = view[0], view[1], view[2]
    light = -0.75 * away + 0.55 * up - 0.35 * right
    light /= math.sqrt((light**2).sum())
    for row in range(pixels):
        for column in range(pixels):
            across, high = (2.0 * (column + 0.5) / pixels - 1.0) * reach, (1.0 - 2.0 * (row + 0.5) / pixels) * reach
            start = (middle + across * right + high * up - reach * away) / step_length
            slope = away / step_length
            enter, leave, face = 0.0, 2.0 * reach, 0
            for d in range(3):
                if abs(slope[d]) < 1e-12:
                    if not 0.0 <= start[d] < shape[d]:
                        leave = -1.0
                    continue
                one, other = -start[d] / slope[d], (shape[d] - start[d]) / slope[d]
                if min(one, other) > enter:
                    enter, face = min(one, other), d
                leave = min(leave, max(one, other))
            if enter >= leave:
                continue
            place = np.empty(3, dtype=np.int64)
            to_next, each = np.full(3, np.inf), np.full(3, np.inf)
            for d in range(3):
                at = start[d] + enter * slope[d]
                place[d] = min(max(math.floor(at + 1e-9 * np.sign(slope[d])), 0), shape[d] - 1)
                if abs(slope[d]) >= 1e-12:
                    each[d] = abs(1.0 / slope[d])
                    edge = place[d] + (1 if slope[d] > 0.0 else 0)
                    to_next[d] = (edge - start[d]) / slope[d]
            while True:
                label = labels[place[0], place[1], place[2]]
                if rgb[label, 0] >= 0.0:
                    normal = _normal(labels, rgb, place, step_length, face, -np.sign(slope[face]))
                    shade = 0.45 + 0.55 * max(0.0, (normal * light).sum())
                    picture[row, column] = np.minimum(1.0, rgb[label] * shade + 0.06)
                    break
                face = int(np.argmin(to_next))
                place[face] += 1 if slope[face] > 0.0 else -1
                to_next[face] += each[face]
                if not 0 <= place[face] < shape[face]:
                    break
    return picture


@njit(cache=True)
def _normal(
    labels: Labels,
    rgb: NDArray[np.float64],
    place: NDArray[np.int64],
    voxel: NDArray[np.float64],
    face: int,
    side: float,
) -> NDArray[np.float64]:
    """Normal of the visible phases' surface around a voxel; that of the face where the volume is cut."""
    normal = np.zeros(3)
    normal[face] = side
    outside = place[face] + int(side)
    if not 0 <= outside < labels.shape[face]:
        return normal
    gradient = np.zeros(3)
    for i in range(max(0, place[0] - 2), min(labels.shape[0], place[0] + 3)):
        for j in range(max(0, place[1] - 2), min(labels.shape[1], place[1] + 3)):
            for k in range(max(0, place[2] - 2), min(labels.shape[2], place[2] + 3)):
                if rgb[labels[i, j, k], 0] >= 0.0:
                    gradient[0] -= (i - place[0]) * voxel[0]
                    gradient[1] -= (j - place[1]) * voxel[1]
                    gradient[2] -= (k - place[2]) * voxel[2]
    size = math.sqrt((gradient**2).sum())
    return gradient / size if size > 0.0 else normal


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
        "phases": [
            {"name": name, "label": label, "colour": scene.colours[name], "share": volume.fractions[name]}
            for name, label in volume.phases.items()
        ],
        "packed": base64.b64encode(zlib.compress(shown.labels.tobytes(), 9)).decode("ascii"),
    }
    environment = Environment(loader=PackageLoader("percolyte.report", "."), autoescape=True, undefined=StrictUndefined)
    safe = json.dumps(data).replace("<", "\\u003c")
    return environment.get_template("volume.html.j2").render(volume=volume, factor=factor, data=safe)
