"""A volume in the making: phases take free voxels until each has its share.

Every phase comes with a field, such as the growth at which its particles reach
a voxel, and takes the free voxels where the field is least. Its volume
fraction is then exact to one voxel, whatever its shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from percolyte.microstructure.distances import distance_inside
from percolyte.microstructure.shapes import AnyParticles, Drawing, Floats, Ints, Periodic, spread_directions

Distances = NDArray[np.float32]

LABELS = {
    "void": 0,
    "active": 1,
    "electrolyte": 2,
    "carbon": 3,
    "binder": 4,
    "coating": 5,
    "shell": 6,
    "scaffold": 7,
    "reserved": 255,
}
"""The phases of a generated volume; what is reserved becomes void in the end."""
GROWTH = 1.5
"""Factor by which the reach of a drawing grows while it holds too few voxels."""


@dataclass(frozen=True)
class Population:
    """Particles of one phase in their places."""

    shape: AnyParticles | None
    """None where the phase has no particles."""
    centres: Floats
    """(number, 3), m"""
    radii: Floats
    """Of the spheres of the particles' volumes, m."""
    first: int
    """The number that the first of them has in the volume."""
    seed: int
    """Of their angles."""

    def chosen(self, which: NDArray[np.bool_]) -> Population:
        """Some of them."""
        return replace(self, centres=self.centres[which], radii=self.radii[which])

    def draw(self, drawing: Drawing, reach: float) -> None:
        """Each particle grown by at most `reach`."""
        assert self.shape is not None
        drawing.particles(self.shape, self.centres, self.radii, reach, self.first, self.seed)

    def nearest(self, scene: Scene, count: int) -> Distances:
        """Distance (m) to their surface of at least `count` free voxels, in those of others `inf`.

        It is that to the particle grown to the voxel, which is exact for spheres.
        """
        drawing, reach, free = scene.drawing(), 1.5, scene.free
        while True:
            self.draw(drawing, reach)
            if np.count_nonzero(np.isfinite(drawing.best[free])) >= count:
                growth = np.sqrt(drawing.best) - np.float32(1.0)
                return growth * self.radii.astype(np.float32)[drawing.owner - self.first]
            reach *= GROWTH

    def two_nearest(self, scene: Scene, among: NDArray[np.bool_], count: int) -> tuple[Distances, Distances]:
        """Distance in m of each voxel to the nearest particle and to the one after it.

        Both are found for at least `count` voxels of `among`; elsewhere they may be
        as long as the box. Particles count as the spheres of their volumes.
        """
        from percolyte.numerics.rendering import draw_two_nearest

        far = np.float32(max(scene.box))
        reach = float(np.mean(self.radii))
        while True:
            nearest = np.full(scene.labels.shape, far)
            second = nearest.copy()
            draw_two_nearest(nearest, second, self.centres, self.radii, np.full(3, scene.voxel), scene.wraps, reach)
            if reach > far or np.count_nonzero(second[among] < far) >= count:
                return nearest, second
            reach *= GROWTH

    def surface_points(self, scene: Scene, number: int) -> Floats:
        """Random points on their surfaces, m."""
        random = scene.random
        chosen = random.choice(len(self.radii), size=number, p=self.radii**2 / np.sum(self.radii**2))
        outwards = spread_directions(number)[random.permutation(number)]
        return np.asarray((self.centres[chosen] + self.radii[chosen, None] * outwards) % np.array(scene.box))


@dataclass
class Scene:
    """Labels on a grid, and which of them may still be given to a phase."""

    labels: NDArray[np.uint8]
    voxel: float
    wraps: Periodic
    random: np.random.Generator
    phases: Mapping[str, int] = field(default_factory=lambda: LABELS)
    into: tuple[str, ...] = ("void",)
    """The phases whose voxels are free to be taken."""

    @property
    def free(self) -> NDArray[np.bool_]:
        """Where the next phase may stand."""
        taken = np.zeros(256, dtype=bool)
        taken[[self.phases[name] for name in self.into]] = True
        return taken[self.labels]

    @property
    def periodic(self) -> bool:
        """Along axis 0; a packing is periodic along the others in any case."""
        return self.wraps[0]

    @property
    def box(self) -> tuple[float, float, float]:
        a, b, c = self.labels.shape
        return a * self.voxel, b * self.voxel, c * self.voxel

    def count(self, fraction: float) -> int:
        """Voxels of a volume fraction."""
        return round(fraction * self.labels.size)

    def drawing(self) -> Drawing:
        a, b, c = self.labels.shape
        return Drawing((a, b, c), (self.voxel,) * 3, self.wraps)

    def points(self, number: int, where: NDArray[np.bool_]) -> Floats:
        """Random points in the given voxels, m."""
        chosen = np.unravel_index(self.random.choice(np.flatnonzero(where), number), self.labels.shape)
        return (np.stack(chosen, axis=1) + self.random.random((number, 3))) * self.voxel

    def distance_to(self, where: NDArray[np.bool_], reach: float) -> Distances:
        """Distance (m) of each voxel's centre to the surface of some voxels, right up to `reach` around the sides that repeat."""
        width = int(np.ceil(reach / self.voxel))
        widths = [min(width, n) if wraps else 0 for n, wraps in zip(where.shape, self.wraps, strict=True)]
        wrapped = np.pad(~where, [(each, each) for each in widths], mode="wrap")
        inner = tuple(slice(each, each + n) for each, n in zip(widths, where.shape, strict=True))
        between = distance_inside(wrapped, (self.voxel,) * 3)[inner] - np.float32(0.5 * self.voxel)
        return np.asarray(np.maximum(between, np.float32(0.0)))

    def claim(self, phase: str, count: int, field: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Give a phase the `count` voxels of those in `where` at which the field is least; returns them."""
        taken = np.zeros(self.labels.shape, dtype=bool)
        if count == 0:
            return taken
        edge = np.partition(field[where], count - 1)[count - 1]
        taken |= where & (field < edge)
        ties = np.flatnonzero(where & (field == edge))
        taken.flat[ties[: count - np.count_nonzero(taken)]] = True
        self.labels[taken] = self.phases[phase]
        return taken

    def claim_drawn(
        self,
        phase: str,
        count: int,
        draw: Callable[[Drawing, float], None],
        reach: float,
        measure: Callable[[Drawing, float], NDArray[np.float32]] = lambda drawing, reach: drawing.best,
    ) -> Ints:
        """Draw particles, with more and more reach, until a phase finds its voxels; then give it them.

        Returns whose particle's they are, 0 elsewhere.
        """
        drawing = self.drawing()
        free = self.free
        count = min(count, int(np.count_nonzero(free)))
        if count == 0:
            return drawing.owner
        while True:
            draw(drawing, reach)
            field = measure(drawing, reach)
            if np.count_nonzero(np.isfinite(field[free])) >= count:
                break
            reach *= GROWTH
        drawing.owner[~self.claim(phase, count, field, free)] = 0
        return drawing.owner
