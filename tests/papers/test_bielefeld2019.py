"""Electronic percolation of active particles: A. Bielefeld, D. A. Weber, J. Janek, J. Phys. Chem. C 123 (2019) 1626.

Equal spheres without overlap on voxels of 0.2 um; the threshold is the active fraction at which 40 % of the active
material is connected through the layer: 7.83 ln(d/um) + 36.67 vol% (their eq 8). The numbers are from secondary notes
on the paper and were not compared with the paper itself.

Their spheres do not touch, so that the voxel decides what a contact is: hence the dependence on size, and a threshold
well above that of real composites, which conduct from 33 vol% (Minnmann et al., J. Electrochem. Soc. 168 (2021) 040537).
"""

from __future__ import annotations

import math

import numpy as np

from percolyte.microstructure.pack import Microstructure, pack
from percolyte.microstructure.powders import ConstantSize
from percolyte.microstructure.shapes import Spheres


def connected(look: Microstructure, fractions: dict[str, float], edge: float, voxel: float) -> float:
    """Share of the active material that is connected through the layer, on average over three seeds; lengths in um."""
    from scipy import ndimage

    found = []
    for seed in range(3):
        size = (1.2e-6 * edge, 1e-6 * edge, 1e-6 * edge)
        active = pack(fractions, look, size, 1e-6 * voxel, seed).volume.mask("active")
        clusters, _ = ndimage.label(active)
        through = np.intersect1d(clusters[0], clusters[-1])
        found.append(np.mean(np.isin(clusters[active], through[through > 0])))
    return float(np.mean(found))


def test_the_threshold_of_dispersed_spheres_is_that_of_bielefeld() -> None:
    look = Microstructure(active=Spheres(sizes=ConstantSize(diameter=3e-6)), contacts="dispersed")
    threshold = 0.01 * (7.83 * math.log(3.0) + 36.67)
    # 3 vol%: a tenth of their volume and three of their ten arrangements; the transition itself is 5 vol% wide
    assert connected(look, {"active": threshold - 0.03}, edge=24.0, voxel=0.2) < 0.4
    assert connected(look, {"active": threshold + 0.03}, edge=24.0, voxel=0.2) > 0.4


def test_touching_particles_conduct_where_real_composites_do() -> None:
    look = Microstructure(
        active=Spheres(sizes=ConstantSize(diameter=5e-6)), electrolyte=Spheres(sizes=ConstantSize(diameter=3e-6))
    )
    # measured: hardly at 25 vol%, well from 33 to 42 vol%
    assert connected(look, {"active": 0.20, "electrolyte": 0.66}, edge=40.0, voxel=0.5) < 0.1
    assert connected(look, {"active": 0.35, "electrolyte": 0.51}, edge=40.0, voxel=0.5) > 0.6
