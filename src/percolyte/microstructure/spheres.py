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
    edges = np.array(box)
    unit = float(np.min(radii))
    level = np.floor(np.log2(radii / unit) + 1e-9).astype(np.int64)
    order = _along_cells(centres, edges, 2.0 * float(np.median(radii)))
    points = np.ascontiguousarray(centres[order] / unit)
    stiffness = np.full(len(radii), STIFF) if rigid is None else np.where(rigid, STIFF, 1.0)
    contacts, mean, worst = relax(
        points,
        radii[order] / unit,
        stiffness[order],
        level[order],
        edges / unit,
        periodic,
        steps,
        TOUCH * float(stiffness.min()),
        BALANCE,
    )
    moved = np.empty_like(centres)
    moved[order] = points * unit
    return SpherePacking(moved, radii, box, 2.0 * contacts / len(radii), mean, worst)


def _along_cells(centres: Floats, edges: Floats, edge: float) -> NDArray[np.int64]:
    """An order in which neighbours stand near each other in memory."""
    x, y, z = (centres / np.maximum(edge, edges / 1000)).astype(np.int64).T
    return np.lexsort((z, y, x))
