"""Composites of the electrolyte Li3PS4-LiI: N. Kaiser et al., J. Power Sources 396 (2018) 175-181, with Li4Ti5O12, and

D. Hlushkou et al., J. Power Sources 396 (2018) 363-370, with LiCoO2. Kaiser et al. give the electrolyte's fraction as if
there were no pores; Hlushkou et al. give 0.62 of the solids for their impedance. Both take κ for their tortuosity.
"""

from __future__ import annotations

import pytest

from percolyte.impedance.cells import MeasuredCell, conversions
from percolyte.impedance.tortuosity import Tortuosity, rebased, tortuosity
from percolyte.nouns import read_noun


def inverted(resistance: float, thickness: str, own: float, fraction: float) -> Tortuosity:
    """From the resistance of the ions in a die of 9.8 mm to the tortuosity factor."""
    cell = read_noun(MeasuredCell, {"terminals": "electron-blocking", "area": "0.754 cm2", "thickness": thickness})
    ionic, _ = conversions(cell)
    return tortuosity(ionic.of({"ionic_resistance": resistance}), own, fraction, basis="zero-porosity")


@pytest.mark.parametrize(("resistance", "published"), [(409.0, 2.0), (420.0, 2.1)])
def test_the_transmission_line_and_the_electron_blocking_cell_give_the_published_factors(
    resistance: float, published: float
) -> None:
    found = inverted(resistance, "780 um", 0.078, 0.665)
    # factors are printed to two digits
    assert found.factor == pytest.approx(published, rel=0.05)


def test_the_cobalt_oxide_composite_is_as_tortuous_as_published_within_its_error() -> None:
    assert inverted(97.0, "208 um", 0.07, 0.62).factor == pytest.approx(1.6, abs=0.1)


def test_pores_take_the_factor_down_with_the_fraction_and_leave_the_macmullin_number() -> None:
    dense = inverted(409.0, "780 um", 0.078, 0.665)
    porous = rebased(dense, 0.665 * 0.87, "total")
    assert porous.factor == pytest.approx(0.87 * dense.factor, rel=1e-14)
    assert porous.macmullin_number == pytest.approx(dense.macmullin_number, rel=1e-14)
