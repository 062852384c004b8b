"""Spheres packed in a box, as close as the recipe asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STIFF = 10.0
"""Stiffness of a contact between rigid particles, over that of a contact with a soft one."""
STEPS = 3000
TOUCH = 1e-3
"""Mean overlap of the contacts, over the smallest radius, at which spheres just touch."""
BALANCE = 0.013
"""Net forces on the spheres, over the forces of their contacts, at which a jammed packing is at rest."""


LOOSE = 0.62
"""Density of spheres so enlarged that, at their own size, all have room to move."""
SWEEPS = 200
"""Moves of each sphere; five times as many change the percolation threshold by less than 1 vol%."""


@dataclass(frozen=True)
class SpherePacking:
    """Spheres in a box that is periodic along axes 1 and 2, all in SI."""

    centres: Floats
    """(number, 3)"""
    radii: Floats
    box: tuple[float, float, float]
    coordination: float
    """Contacts of a sphere, on average."""
    overlap: float
    """Of contacts between rigid spheres, over the smaller diameter, on average."""
    largest_overlap: float

    @property
    def density(self) -> float:
        """Sum of the spheres' volumes over that of the box."""
        return float(4.0 / 3.0 * np.pi * np.sum(self.radii**3) / np.prod(self.box))


def pack_spheres(
    radii: Floats,
    box: tuple[float, float, float],
    *,
    centres: Floats,
    rigid: NDArray[np.bool_] | None = None,
    periodic: bool = True,
    steps: int = STEPS,
) -> SpherePacking:
    """Spheres moved from `centres` to where they overlap least.

    Below random close packing (64 vol% for equal spheres) nothing overlaps;
    beyond, the least elastic energy remains. Without `rigid` all spheres are
    rigid; where it is False they are soft and give way. `periodic` is about
    axis 0; axes 1 and 2 always are. Limit: one sphere stays where it is.
    """
    from percolyte.numerics.packing import relax

    if len(radii) == 0:
        return SpherePacking(centres, radii, box, 0.0, 0.0, 0.0)
    units = _Units(radii, box, centres)
    stiffness = np.full(len(radii), STIFF) if rigid is None else np.where(rigid, STIFF, 1.0)
    contacts, mean, worst = relax(
        units.points,
        units.radii,
        stiffness[units.order],
        units.level,
        units.box,
        periodic,
        steps,
        TOUCH * float(stiffness.min()),
        BALANCE,
    )
    return SpherePacking(units.restored(), radii, box, 2.0 * contacts / len(radii), mean, worst)


def disperse_spheres(
    radii: Floats,
    box: tuple[float, float, float],
    *,
    centres: Floats,
    seed: int,
    periodic: bool = True,
    crowding: float = 1.0,
) -> SpherePacking:
    """Spheres as far apart as chance has them: the hard-sphere fluid, in which none touch.

    They are packed with larger radii first, so that all have room to move where
    they stand `crowding` times as densely as on average.
    Beyond the density of that packing, spheres are left as `pack_spheres` does.
    """
    from percolyte.numerics.packing import shake

    if len(radii) == 0:
        return pack_spheres(radii, box, centres=centres, periodic=periodic)
    density = float(4.0 / 3.0 * np.pi * np.sum(radii**3) / np.prod(box))
    room = max(1.0, (LOOSE / (crowding * density)) ** (1.0 / 3.0))
    apart = pack_spheres(radii * room, box, centres=centres, periodic=periodic)
    if room == 1.0:
        return apart
    units = _Units(radii, box, apart.centres)
    shake(units.points, units.radii, units.level, units.box, periodic, SWEEPS, seed)
    return SpherePacking(units.restored(), radii, box, 0.0, 0.0, 0.0)


class _Units:
    """Spheres in units of the smallest radius, neighbours near each other in memory."""

    def __init__(self, radii: Floats, box: tuple[float, float, float], centres: Floats) -> None:
        self.unit = float(np.min(radii))
        edges = np.array(box)
        self.order = _along_cells(centres, edges, 2.0 * float(np.median(radii)))
        self.points = np.ascontiguousarray(centres[self.order] / self.unit)
        self.radii = radii[self.order] / self.unit
        # size classes of a factor of two
        self.level = np.floor(np.log2(self.radii) + 1e-9).astype(np.int64)
        self.box = edges / self.unit

    def restored(self) -> Floats:
        """The centres in m, in the order in which they came."""
        centres = np.empty_like(self.points)
        centres[self.order] = self.points * self.unit
        return centres


def _along_cells(centres: Floats, edges: Floats, edge: float) -> NDArray[np.int64]:
    """An order in which neighbours stand near each other in memory."""
    x, y, z = (centres / np.maximum(edge, edges / 1000)).astype(np.int64).T
    return np.lexsort((z, y, x))
