"""Minnmann et al., J. Electrochem. Soc. 168 (2021) 040537: NCM622 with Li6PS5Cl, 380 MPa, measured at room temperature.

The paper's τ² is κ = φ σ_0/σ_eff on the total volume fraction, with a porosity of 14 % in it, the mean of the series
(its Eq. 4 prints the inverse). σ_0 is 1.6 mS/cm of the electrolyte and 10 mS/cm of NCM622.
"""

from __future__ import annotations

import pytest

from percolyte.impedance.tortuosity import tortuosity

ELECTROLYTE, ACTIVE = 0.16, 1.0
"""S/m"""


@pytest.mark.parametrize(
    ("fraction", "effective", "published"), [(0.6133, 0.0408, 2.4), (0.4437, 0.0166, 4.27), (0.3297, 0.00345, 15.3)]
)
def test_ionic_tortuosity_factors_are_the_published_ones(fraction: float, effective: float, published: float) -> None:
    found = tortuosity(effective, ELECTROLYTE, fraction, basis="total")
    # conductivities and factors are printed to two or three digits
    assert found.factor == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize(
    ("fraction", "effective", "published"), [(0.2467, 0.00206, 120.0), (0.4163, 0.0556, 7.44), (0.5303, 0.111, 4.77)]
)
def test_electronic_tortuosity_factors_are_the_published_ones(
    fraction: float, effective: float, published: float
) -> None:
    assert tortuosity(effective, ACTIVE, fraction, basis="total").factor == pytest.approx(published, rel=0.01)
