"""What lies between the particles: carbon, binder, coatings, fibres, and the skeletons of structured electrodes.

A person writes how an addition looks; how much there is of it says the recipe.
"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from percolyte.microstructure.scene import LABELS, Distances, Population, Scene
from percolyte.microstructure.shapes import Floats, Ints
from percolyte.microstructure.spheres import pack_spheres
from percolyte.nouns import Noun
from percolyte.units import DIAMETER, Diameter, Fraction, Length, text

SMALLEST_SPHERE = (6.0 / np.pi) ** (1.0 / 3.0)
"""Diameter, in voxels, of the sphere as large as one voxel: finer particles are drawn that size, and fewer."""
THINNEST_FIBRE = (6.0 / np.pi) ** 0.5
"""Diameter, in voxels, of a fibre whose voxels join at faces: a line crosses 1.5 voxels for each voxel of its length."""
STRAIGHTNESS = 2.0
"""Persistence length of a fibre over its length."""
TURNS = 8
"""Directions a blocked fibre tries before it ends."""


class CarbonParticles(Noun):
    """Carbon black: aggregates anywhere between the particles."""

    kind: Literal["particles"] = "particles"
    diameter: Diameter = 0.1e-6


class Fibres(Noun):
    """Fibres or tubes, nearly straight, that bend around active material."""

    kind: Literal["fibres"] = "fibres"
    diameter: Diameter = 0.15e-6
    length: Length = 6e-6


Carbon = Annotated[CarbonParticles | Fibres, Field(discriminator="kind")]


class BinderFilms(Noun):
    """Binder drawn into the necks between neighbouring particles."""

    kind: Literal["films"] = "films"


class BinderPatches(Noun):
    """Binder in patches on the surface of the active material."""

    kind: Literal["patches"] = "patches"
    diameter: Diameter = 0.5e-6


Binder = Annotated[BinderFilms | BinderPatches, Field(discriminator="kind")]


class Channels(Noun):
    """Straight channels along the thickness."""

    kind: Literal["channels"] = "channels"
    of: Literal["electrolyte", "void"] = "electrolyte"
    """What fills them."""
    diameter: Diameter
    share: Fraction
    """Of that phase, how much lies in the channels."""


class Scaffold(Noun):
    """A sponge of electrolyte, whose pores the other phases infiltrate."""

    kind: Literal["scaffold"] = "scaffold"
    pore: Diameter
    """Width of its pores."""
    share: Fraction = 1.0
    """Of the electrolyte, how much is scaffold; the rest infiltrates the pores with the active material."""


class Pores(Noun):
    """Round pores, as gas or a solvent leaves them, instead of gaps between particles."""

    diameter: Diameter
    share: Fraction = 1.0
    """Of the void, how much lies in them."""


Skeleton = Annotated[Channels | Scaffold, Field(discriminator="kind")]


class Surface(Protocol):
    """The particles that an addition lies on: those of a packing, or those of an image."""

    def nearest(self, scene: Scene, count: int) -> Distances:
        """Distance (m) to their surface, of `count` free voxels at least."""

    def two_nearest(self, scene: Scene, among: NDArray[np.bool_], count: int) -> tuple[Distances, Distances]:
        """Distances (m) to the nearest particle and to the one after it, of `count` of these voxels at least."""

    def surface_points(self, scene: Scene, number: int) -> Floats:
        """Random points on their surface, m."""


def too_fine(form: object, phase: str, voxel: float) -> list[str]:
    """What to know of particles, fibres or patches that are thinner than a voxel."""
    if not isinstance(form, CarbonParticles | Fibres | BinderPatches) or form.diameter >= voxel:
        return []
    size = text(form.diameter, DIAMETER, digits=3)
    return [f"{phase} {form.kind} of {size} are thinner than a voxel, and are drawn fewer and thicker"]


def add_filler(scene: Scene, phase: str, form: CarbonParticles | Fibres | Pores, fraction: float) -> None:
    """Spheres or fibres in the free voxels."""
    count = scene.count(fraction)
    if count == 0:
        return
    volume = fraction * float(np.prod(scene.box))
    if not isinstance(form, Fibres):
        diameter = max(form.diameter, SMALLEST_SPHERE * scene.voxel)
        points = scene.points(max(1, round(volume / (np.pi / 6.0 * diameter**3))), scene.free)
    else:
        diameter = max(form.diameter, THINNEST_FIBRE * scene.voxel)
        points = _fibres(scene, form.length, max(1, round(volume / (np.pi / 4.0 * diameter**2 * form.length))))
    _claim_spheres(scene, phase, count, points, diameter)


def _claim_spheres(scene: Scene, phase: str, count: int, points: Floats, diameter: float) -> None:
    radii = np.full(len(points), 0.5 * diameter)
    scene.claim_drawn(phase, count, lambda drawing, reach: drawing.spheres(points, radii, reach), 1.2)


def _fibres(scene: Scene, length: float, number: int) -> Floats:
    """Points half a voxel apart along fibres that start in free voxels and turn away from others."""
    step = 0.5 * scene.voxel
    bend = np.sqrt(step / (STRAIGHTNESS * length))
    box, around, room = np.array(scene.box), np.array(scene.wraps), scene.free
    points = scene.points(number, room)
    ways = scene.random.standard_normal((number, 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    path = [points]
    for _ in range(int(length / step)):
        ahead, ways, free = points.copy(), ways.copy(), np.zeros(len(points), dtype=bool)
        for turn in range(TURNS):
            blocked = np.flatnonzero(~free)
            if len(blocked) == 0:
                break
            tried = ways[blocked] + bend * 2.0**turn * scene.random.standard_normal((len(blocked), 3))
            tried /= np.linalg.norm(tried, axis=1, keepdims=True)
            there = points[blocked] + step * tried
            there[:, around] %= box[around]
            inside = np.all((there >= 0.0) & (there < box), axis=1)
            at = np.minimum((there / scene.voxel).astype(np.int64), np.array(scene.labels.shape) - 1)
            good = inside & room[tuple(np.maximum(at, 0).T)]
            ahead[blocked[good]], ways[blocked[good]], free[blocked[good]] = there[good], tried[good], True
        points, ways = ahead[free], ways[free]
        path.append(points)
    return np.concatenate(path)


def add_binder(scene: Scene, phase: str, form: BinderFilms | BinderPatches, fraction: float, on: Surface) -> None:
    """Films or patches on the given particles, in the free voxels.

    Films take the voxels where the distances to the two nearest particles are
    smallest together, so that they grow outwards from the contacts.
    """
    count = scene.count(fraction)
    if count == 0:
        return
    if isinstance(form, BinderFilms):
        nearest, second = on.two_nearest(scene, scene.free, count)
        scene.claim(phase, count, nearest + second, scene.free)
        return
    diameter = max(form.diameter, SMALLEST_SPHERE * scene.voxel)
    # half of a patch lies inside the particle, where it takes no voxels
    number = max(1, round(fraction * float(np.prod(scene.box)) / (np.pi / 12.0 * diameter**3)))
    _claim_spheres(scene, phase, count, on.surface_points(scene, number), diameter)


def add_coating(scene: Scene, phase: str, fraction: float, on: Surface) -> None:
    """A layer on the particles: the free voxels nearest to their surfaces."""
    room = scene.free
    count = min(scene.count(fraction), int(np.count_nonzero(room)))
    if count:
        scene.claim(phase, count, on.nearest(scene, count), room)


def add_shell(scene: Scene, share: float, of: Population, particles: Ints) -> None:
    """The outer part of the electrolyte particles, that share of their volume, as a phase of its own.

    A voxel's depth is the smaller of its distance to the free surface and of
    half the difference of its distances to its own and to the next particle.
    """
    inside = (scene.labels == LABELS["electrolyte"]) & (particles >= of.first)
    count = round(share * np.count_nonzero(inside))
    if count == 0:
        return
    nearest, second = of.two_nearest(scene, inside, int(np.count_nonzero(inside)))
    surface = np.max(nearest[inside])
    scene.claim("shell", count, np.minimum(surface - nearest, 0.5 * (second - nearest)), inside)


def add_skeleton(scene: Scene, form: Channels | Scaffold, fraction: float) -> None:
    """The part of a phase that stands before the particles come: channels, or a scaffold."""
    count = scene.count(fraction * form.share)
    if isinstance(form, Channels):
        phase = "electrolyte" if form.of == "electrolyte" else "reserved"
        scene.claim(phase, count, _channels(scene, form, count), scene.free)
    else:
        scene.claim("electrolyte", count, _sponge(scene, form.pore), scene.free)


def _channels(scene: Scene, form: Channels, count: int) -> NDArray[np.float32]:
    """Distance from the axes of channels that keep away from each other."""
    nx, ny, nz = scene.labels.shape
    _, width, depth = scene.box
    number = max(1, round(count * scene.voxel**2 / nx / (np.pi / 4.0 * form.diameter**2)))
    centres = scene.random.random((number, 3)) * scene.box
    centres[:, 0] = 0.5 * scene.box[0]
    # discs that fill two thirds of the plane push each other to nearly even distances
    radius = float(np.sqrt(0.66 * width * depth / (np.pi * number)))
    packed = pack_spheres(np.full(number, radius), (4.0 * radius, width, depth), centres=centres * [0.0, 1.0, 1.0])
    y = (np.arange(ny) + 0.5) * scene.voxel
    z = (np.arange(nz) + 0.5) * scene.voxel
    best = np.full((ny, nz), np.inf)
    for _, cy, cz in packed.centres:
        dy, dz = y - cy, z - cz
        dy -= width * np.rint(dy / width)
        dz -= depth * np.rint(dz / depth)
        np.minimum(best, np.hypot(dy[:, None], dz[None, :]), out=best)
    return np.broadcast_to(best.astype(np.float32), scene.labels.shape)


def _sponge(scene: Scene, pore: float) -> NDArray[np.float32]:
    """A Gaussian random field whose level surfaces are a sponge with pores about `pore` wide (Cahn 1965)."""
    waves = [np.fft.fftfreq(n, scene.voxel) for n in scene.labels.shape]
    waves[2] = np.fft.rfftfreq(scene.labels.shape[2], scene.voxel)
    squared = waves[0][:, None, None] ** 2 + waves[1][:, None] ** 2 + waves[2] ** 2
    noise = np.fft.rfftn(scene.random.standard_normal(scene.labels.shape))
    wave = 1.0 / (2.0 * pore)
    noise *= np.exp(-((np.sqrt(squared) - wave) ** 2) / (2.0 * (0.2 * wave) ** 2))
    return np.fft.irfftn(noise, s=scene.labels.shape, axes=(0, 1, 2)).astype(np.float32)
