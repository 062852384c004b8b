"""Tortuosity factors of sulfide composites by impedance and by tomography.

D. Hlushkou et al., J. Power Sources 396 (2018) 363: LiCoO2 in a sulfide glass, also in M. Falco et al., Mol. Syst. Des. Eng. 4
(2019) 850, section 2.4. N. Kaiser et al., J. Power Sources 396 (2018) 175: Li4Ti5O12 in another. Both write τ for the factor
ε σ0/σ_eff. The area, of a die of 9.8 mm, and the fractions of the volume are from secondary notes on the papers.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from percolyte.microstructure.pack import Microstructure, Packed, pack
from percolyte.microstructure.powders import LognormalSizes
from percolyte.microstructure.shapes import Spheres
from percolyte.transport.closures import tortuosity_factor
from percolyte.transport.voxels import conduct_axes

AREA = math.pi * 0.49**2
"""cm2"""


def test_v07_the_resistance_gives_the_tortuosity_factor_of_impedance() -> None:
    effective = 208e-4 / (97.0 * AREA)
    # 1.6 ± 0.1 printed, fraction 0.62 of the recipe
    assert tortuosity_factor(0.7e-3, effective, 0.62) == pytest.approx(1.6, rel=0.10)


def isotropic(packed: Packed, *phases: str) -> float:
    """φ σ0/σ_eff of phases taken as one, mean of the axes."""
    axes = conduct_axes(packed.volume, dict.fromkeys(phases, 1.0), errors=False)
    effective = float(np.mean([axis.effective_conductivity for axis in axes]))
    return float(tortuosity_factor(1.0, effective, sum(packed.fractions[phase] for phase in phases)))


def test_v07_voids_hinder_a_generated_composite_as_they_do_the_tomogram() -> None:
    look = Microstructure(
        active=Spheres(sizes=LognormalSizes(d50=5e-6)), electrolyte=Spheres(sizes=LognormalSizes(d50=2e-6))
    )
    packed = pack({"active": 0.331, "electrolyte": 0.537}, look, (30e-6,) * 3, 0.3e-6, seed=1)
    voids, filled = isotropic(packed, "electrolyte"), isotropic(packed, "electrolyte", "void")
    # 10 %: one tomogram of eight particles an edge; the size of the electrolyte's particles is not stated, 2 um assumed
    assert filled == pytest.approx(1.27, rel=0.10)
    assert voids == pytest.approx(1.74, rel=0.10)
    # in points of the gain, for the same reason
    assert 100.0 * (voids / filled - 1.0) == pytest.approx(37.0, abs=12.0)


@pytest.mark.parametrize(("resistance", "printed"), [(409.0, 2.0), (420.0, 2.1)])
def test_v08_two_methods_on_one_electrode_give_the_printed_factors(resistance: float, printed: float) -> None:
    # 780 um, 0.78 mS/cm, 66.5 % of the solids; printed to two digits
    effective = 780e-4 / (resistance * AREA)
    assert tortuosity_factor(0.78e-3, effective, 0.665) == pytest.approx(printed, rel=0.05)
