"""Shapes of particles: what a person writes, and how it is drawn on voxels.

A particle of any shape has the volume of the sphere of its diameter. Its
gauge at a point is the factor by which it must grow to reach the point.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from percolyte.microstructure.powders import Sizes
from percolyte.nouns import Noun
from percolyte.units import Diameter

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Periodic = tuple[bool, bool, bool]
"""Along which axes a volume goes on around its sides."""

FORMS = 100
"""Different polyhedra among the particles of one kind."""
SCATTER, JITTER = 0.2, 0.15
"""Scatter of the normals of a polyhedron's faces, and of their distances over the mean: crystals, not regular solids."""
DIRECTIONS = 2000
"""Rays by which a polyhedron is measured; the error of its volume is then below 0.5 %."""
CORNERS = 1.05
"""Its furthest corner may lie between two rays."""


class Spheres(Noun):
    kind: Literal["spheres"] = "spheres"
    sizes: Sizes


class Ellipsoids(Noun):
    """Ellipsoids at random angles."""

    kind: Literal["ellipsoids"] = "ellipsoids"
    sizes: Sizes
    elongation: Annotated[float, Field(ge=1.0, le=3.0)] = 1.0
    """Longest over middle axis."""
    flatness: Annotated[float, Field(ge=1.0, le=3.0)] = 1.0
    """Middle over shortest axis."""


class Polyhedra(Noun):
    """Convex polyhedra at random angles, such as single crystals."""

    kind: Literal["polyhedra"] = "polyhedra"
    sizes: Sizes
    faces: Annotated[int, Field(ge=6, le=40)] = 14


class Polycrystals(Noun):
    """Spherical secondary particles of grains that fill them."""

    kind: Literal["polycrystals"] = "polycrystals"
    sizes: Sizes
    grain: Diameter


Particles = Annotated[Spheres | Ellipsoids | Polyhedra | Polycrystals, Field(discriminator="kind")]
AnyParticles = Spheres | Ellipsoids | Polyhedra | Polycrystals


class Drawing:
    """Least squared gauge of each voxel, and the particle, counted from 1, whose it is."""

    def __init__(self, shape: tuple[int, int, int], voxel: tuple[float, float, float], periodic: Periodic) -> None:
        self.voxel = np.array(voxel)
        self.periodic = periodic
        self.best = np.full(shape, np.inf, dtype=np.float32)
        self.owner: Ints = np.zeros(shape, dtype=np.int32)

    def spheres(self, centres: Floats, radii: Floats, reach: float, first: int = 1) -> None:
        """Spheres, each grown by at most `reach`."""
        forms = np.zeros((len(radii), 6))
        forms[:, :3] = (1.0 / radii**2)[:, None]
        self._ellipsoids(centres, forms, reach, first)

    def _ellipsoids(self, centres: Floats, forms: Floats, reach: float, first: int) -> None:
        from percolyte.numerics.rendering import draw_ellipsoids

        draw_ellipsoids(
            self.best, self.owner, first, centres, forms, _half_widths(forms), self.voxel, self.periodic, reach
        )

    def particles(
        self, shape: AnyParticles, centres: Floats, radii: Floats, reach: float, first: int, seed: int
    ) -> None:
        """Particles of a shape at random angles, each grown by at most `reach`."""
        random = np.random.default_rng(seed)
        if isinstance(shape, Ellipsoids):
            self._ellipsoids(centres, _ellipsoids(shape, radii, random), reach, first)
        elif isinstance(shape, Polyhedra):
            from percolyte.numerics.rendering import draw_polyhedra

            planes, furthest = _polyhedra(shape.faces, radii, random)
            draw_polyhedra(self.best, self.owner, first, centres, planes, furthest, self.voxel, self.periodic, reach)
        else:
            self.spheres(centres, radii, reach, first)


def _half_widths(forms: Floats) -> Floats:
    """Half widths along the axes of the ellipsoids dᵀ F d = 1: roots of the diagonal of F⁻¹."""
    xx, yy, zz, xy, xz, yz = forms.T
    minors = np.stack([yy * zz - yz**2, xx * zz - xz**2, xx * yy - xy**2], axis=1)
    determinant = xx * minors[:, 0] - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
    return np.asarray(np.sqrt(minors / determinant[:, None]))


def _ellipsoids(shape: Ellipsoids, radii: Floats, random: np.random.Generator) -> Floats:
    """The matrices F of ellipsoids with the volumes of spheres of these radii."""
    axes = np.array([shape.elongation * shape.flatness, shape.flatness, 1.0])
    axes /= np.cbrt(axes.prod())
    turned = rotations(len(radii), random)
    forms = np.einsum("nik,k,njk->nij", turned, axes**-2, turned) / radii[:, None, None] ** 2
    return np.ascontiguousarray(
        np.stack([forms[:, i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))], axis=1)
    )


def _polyhedra(faces: int, radii: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Normals over distances (n, faces, 3) of polyhedra, and the half width of the box around each.

    Every particle is one of a hundred polyhedra at an angle of its own.
    """
    normals = np.einsum("nij,fj->nfi", rotations(FORMS, random), spread_directions(faces))
    normals += SCATTER * random.standard_normal(normals.shape)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    planes = normals / (1.0 + JITTER * np.clip(random.standard_normal((FORMS, faces, 1)), -2.0, 2.0))
    lengths = 1.0 / np.max(np.einsum("nfi,ri->nrf", planes, spread_directions(DIRECTIONS)), axis=2)
    scale = np.cbrt(np.mean(lengths**3, axis=1))
    furthest = CORNERS * np.max(lengths, axis=1) / scale
    form = random.integers(FORMS, size=len(radii))
    turned = np.einsum("nij,nfj->nfi", rotations(len(radii), random), planes[form])
    out = turned * (scale[form] / radii)[:, None, None]
    return np.ascontiguousarray(out), np.repeat((furthest[form] * radii)[:, None], 3, axis=1)


def spread_directions(number: int) -> Floats:
    """Unit vectors spread evenly over the sphere, on the spiral of the golden angle."""
    at = np.arange(number) + 0.5
    z = 1.0 - 2.0 * at / number
    turn = np.pi * (3.0 - np.sqrt(5.0)) * at
    across = np.sqrt(1.0 - z**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), z], axis=1)


def rotations(number: int, random: np.random.Generator) -> Floats:
    """Random rotations (number, 3, 3), uniform over all angles, from unit quaternions."""
    q = random.standard_normal((number, 4))
    w, x, y, z = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], axis=1),
            np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], axis=1),
            np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], axis=1),
        ],
        axis=1,
    )


def grains_of(
    centres: Floats, radii: Floats, size: float, particles: Ints, voxel: float, periodic: Periodic, seed: int
) -> Ints:
    """The grain of each voxel of the first particles, counted from 1; 0 in all others.

    Grains are the Voronoi cells of random points in a particle, as many as
    spheres of diameter `size` have its volume.
    """
    from percolyte.numerics.rendering import draw_grains

    random = np.random.default_rng(seed)
    numbers = np.maximum(1, np.rint((2.0 * radii / size) ** 3)).astype(np.int64)
    parent = np.repeat(np.arange(1, len(radii) + 1), numbers)
    ways = random.standard_normal((len(parent), 3))
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    out = radii[parent - 1] * np.cbrt(random.random(len(parent)))
    seeds = centres[parent - 1] + out[:, None] * ways
    best = np.full(particles.shape, np.inf, dtype=np.float32)
    owner = np.zeros(particles.shape, dtype=np.int32)
    inside = (particles > 0) & (particles <= len(radii))
    reach = size
    while np.any(owner[inside] == 0):
        draw_grains(best, owner, seeds, parent, particles, np.full(3, voxel), periodic, reach)
        reach *= 2.0
    return owner
