"""The error by voxel size that is estimated, over the true one, of generated composites; the table of docs/voxel-transport.md.

Each composite is drawn on voxels of double, half and a quarter the length too. True is the difference to the first-order
extrapolation from the two finest.

    .venv/bin/python benchmarks/redrawing.py     # about ten minutes of one core
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

from collections.abc import Iterator

import numpy as np
from validation_sampling import UM, composite, spheres

from percolyte.microstructure.pack import pack, redraw
from percolyte.transport.microstructure import resolution_error
from percolyte.transport.voxels import conduct

COMPOSITES = (
    (0.45, 0.40, 5.0, 2.0),
    (0.35, 0.50, 3.0, 3.0),
    (0.55, 0.30, 3.0, 3.0),
    (0.45, 0.45, 2.0, 4.0),
    (0.52, 0.36, 6.0, 3.0),
)
"""Volume fractions and diameters (um) of active material and electrolyte."""
EDGE, VOXEL = 24 * UM, 0.4 * UM
LEAST = 0.01
"""True errors below it say nothing about a ratio."""


def ratios() -> Iterator[tuple[float, float]]:
    """Of each network, the estimate from the image and from the particles, over the true error."""
    for active, electrolyte, rigid, soft in COMPOSITES:
        for seed in (1, 2):
            for seams in ("closed", "open"):
                look = composite(spheres(rigid, 1.4), spheres(soft, 1.4), seams=seams)
                packed = pack({"active": active, "electrolyte": electrolyte}, look, (EDGE,) * 3, VOXEL, seed)
                others = [redraw(packed.placed, VOXEL * factor).volume for factor in (2.0, 0.5, 0.25)]
                # electrons do not see the seams
                for phase in ("electrolyte", "active") if seams == "closed" else ("electrolyte",):
                    found = conduct(packed.volume, {phase: 1.0})
                    here = found.effective_conductivity
                    coarser, finer, finest = (
                        conduct(volume, {phase: 1.0}, errors=False).effective_conductivity for volume in others
                    )
                    true = abs(here - (2.0 * finest - finer)) / here
                    assert found.relative_error is not None
                    image, particles = found.relative_error.resolution, resolution_error(here, coarser, finer) / here
                    print(f"{active} {rigid}/{soft} {seams} {phase}: true {true:.3f}, {image:.3f}, {particles:.3f}")
                    if true > LEAST and image is not None:
                        yield image / true, particles / true


def main() -> None:
    for name, found in zip(("image", "particles"), np.array(list(ratios())).T, strict=True):
        print(f"from the {name}: least {found.min():.2g}, median {np.median(found):.2g}, largest {found.max():.2g}, "
              f"below 0.8 {np.sum(found < 0.8)} of {len(found)}")  # fmt: skip


if __name__ == "__main__":
    main()
