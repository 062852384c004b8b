"""T. Asano et al., J. Electrochem. Soc. 164 (2017) A3960-A3963: NMC111 in glassy Li3PS4, 360 MPa.

Fractions are of the solids, 48 and 55 % of NMC111; σ_0 = 0.4 mS/cm. Conductivities of ions and electrons at 0 and
50 % state of charge, by direct and alternating current between blocking contacts of either kind.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from percolyte.impedance.elements import element
from percolyte.impedance.polarisation import Blocked, StepResponse
from percolyte.impedance.tlm import CASES, TransmissionLine
from percolyte.impedance.tortuosity import tortuosity

OWN = 0.04
"""S/m"""
IONIC = {0.52: 5e-3, 0.45: 3.1e-3}
"""S/m at 0 % by the fraction of electrolyte"""
STATES = [(5e-3, 2e-4), (5.2e-3, 5.2e-3), (3.1e-3, 2.7e-4), (3e-3, 9.3e-3)]
"""Ions and electrons, S/m"""


def test_one_composition_foretells_the_ionic_conductivity_of_the_other() -> None:
    """By σ_eff = σ_0 ε^α through the first; published values of such composites scatter by two."""
    first, second = (tortuosity(sigma, OWN, fraction, basis="zero-porosity") for fraction, sigma in IONIC.items())
    exponent = 1.0 - math.log(first.factor) / math.log(first.fraction)
    foretold = OWN * second.fraction**exponent
    assert 0.5 < foretold / IONIC[0.45] < 2.0
    # which is far from Bruggeman's 1.5
    assert exponent > 2.5


@pytest.mark.parametrize(("ions", "electrons"), STATES)
def test_direct_current_between_either_contact_gives_back_both_conductivities(ions: float, electrons: float) -> None:
    """Of a pellet of 500 um and 0.785 cm2 after 3 RC; the paper's methods agree to 20 % for ions, 5 % for electrons."""
    scale = 5e-4 / 7.85e-5
    cell = np.array([scale / ions, scale / electrons, 1e-4])
    end = np.array([3.0 * (cell[0] + cell[1]) * cell[2]])
    passing: dict[Blocked, float] = {"ions": electrons, "electrons": ions}
    for blocked, sigma in passing.items():
        response, _ = StepResponse("galvanostatic", blocked).evaluate(cell, end)
        assert scale / response[0] == pytest.approx(sigma, rel=1e-9)


@pytest.mark.parametrize(("ions", "electrons"), STATES)
def test_the_spectrum_between_steel_has_both_rails_first_and_electrons_last(ions: float, electrons: float) -> None:
    scale = 5e-4 / 7.85e-5
    line = TransmissionLine(CASES["a"], element("C", "C"))
    cell = np.array([scale / ions, scale / electrons, 1e-4])
    first, last = line.evaluate(cell, np.array([1e12, 1e-9]))[0].real
    assert scale / last == pytest.approx(electrons, rel=1e-9)
    assert scale / first == pytest.approx(ions + electrons, rel=1e-3)  # 2/x of the amplitude is still there
