"""Where pressing leaves void in a composite: pockets that rigid particles shield, and gaps that electrolyte fills last.

Rigid particles carry part of the pressure. In their shadow whole electrolyte
particles are missing; elsewhere electrolyte flows, first along the rigid
surfaces. An electrolyte by itself leaves gaps only. All this is drawn, not
simulated.

Where two particles of electrolyte meet only because they have grown into a gap,
nothing has pressed them together. Such a seam closes in a glass or a polymer; in
crystalline powders it may stay open, and then void lies in it first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from percolyte.microstructure.scene import LABELS, Population, Scene
from percolyte.microstructure.shapes import Drawing

POCKETS = 1.0 / 3.0
"""Share of the void of a composite that lies in pockets. This and the next were chosen so that two tomograms are met, with
one number for each: how much of the active surface lies at void (T. Shi et al., J. Mater. Chem. A 8 (2020) 17399), and how
much voids hinder ions (D. Hlushkou et al., J. Power Sources 396 (2018) 363)."""
WETTING = 0.5
"""Share by which electrolyte at a rigid surface counts as nearer."""
FADING = 0.25
"""Distance from the surface, over the particle's radius, at which this has fallen to 1/e."""
SEAM = 2.0
"""Times as far as elsewhere that electrolyte would have to grow into an open seam; with 5 ions conduct the same."""


def take_out(particles: Population, volume: float, random: np.random.Generator) -> tuple[Population, Population]:
    """Particles that stay, and random ones taken out that have a volume (m3) together, to within half a particle."""
    order = random.permutation(len(particles.radii))
    each = 4.0 / 3.0 * np.pi * particles.radii[order] ** 3
    out = np.zeros(len(order), dtype=bool)
    out[order[: int(np.searchsorted(np.cumsum(each) - 0.5 * each, volume))]] = True
    return particles.chosen(~out), particles.chosen(out)


def press(
    scene: Scene, count: int, pockets: int, soft: Population, missing: Population, *, seams_open: bool
) -> NDArray[np.int32]:
    """Give pockets and then the electrolyte their voxels; returns whose particle's they are, 0 elsewhere.

    Electrolyte takes the voxels that its particles reach first as they grow, by
    g (1 - w exp(-d/f)) with the growth g, the distance d to the rigid surface,
    `WETTING` w and f = `FADING` times the particle's radius. Open seams, where particles
    meet beyond their own size (g > 1), are reached `SEAM` times as late. Limit: without void
    all seams close.
    """
    from percolyte.numerics.rendering import delay_seams

    rigid = np.isin(scene.labels, (LABELS["active"], LABELS["coating"]))
    if not np.any(rigid) or not len(soft.radii):
        return scene.claim_drawn("electrolyte", count, soft.draw, 1.3)
    if len(missing.radii):
        scene.claim_drawn("reserved", pockets, missing.draw, 1.3)
    fading = FADING * soft.radii
    away = scene.distance_to(rigid, 4.0 * float(np.max(fading)))

    def reached(drawing: Drawing, reach: float) -> NDArray[np.float32]:
        growth = np.sqrt(drawing.best)
        if seams_open:
            delay_seams(growth, drawing.owner, scene.free, scene.wraps, SEAM)
            # what is not drawn yet may come before them
            growth[growth > reach] = np.inf
        for plane, owner, distance in zip(growth, drawing.owner, away, strict=True):
            of = np.maximum(owner, soft.first) - soft.first
            plane *= 1.0 - WETTING * np.exp(-distance / fading[of])
        return growth

    return scene.claim_drawn("electrolyte", count, soft.draw, 1.3, reached)
