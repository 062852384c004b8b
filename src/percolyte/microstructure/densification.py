"""Porosity from the pressure of pressing."""

from __future__ import annotations

import math

RANDOM_CLOSE_PACKING = 0.64
"""Volume fraction at which equal rigid spheres touch on all sides (Bernal and Mason 1960)."""


def pressed_porosity(pressure: float, loose_porosity: float, heckel_pressure: float) -> float:
    """Porosity of a powder pressed once, uniaxially, at room temperature.

    Heckel's law ε = ε0 exp(-p/P): each step of pressure closes the same share
    of the voids that are left. P is about three times the yield strength. It
    holds for powders that yield, from some tens of MPa, where rearrangement has
    ended, to about 500 MPa; elastic recovery is in it if P was measured on
    released pellets. Limits: no pressure, ε0; high pressure, dense.
    Source: R. W. Heckel, Trans. Metall. Soc. AIME 221 (1961) 671.
    """
    return loose_porosity * math.exp(-pressure / heckel_pressure)


def composite_porosity(electrolyte_porosity: float, active_share: float) -> float:
    """Porosity of a composite whose electrolyte alone would be pressed to `electrolyte_porosity`.

    The electrolyte yields, the active material does not. As long as it is
    diluted the composite is taken to be as porous as the electrolyte; once its
    particles touch on all sides they carry the pressure, and the voids between
    them stay: ε >= 1 - 0.64/s, s the active share of the solid volume. Measured
    composites scatter around this by 10 points.
    """
    if active_share <= 0.0:
        return electrolyte_porosity
    return max(electrolyte_porosity, 1.0 - RANDOM_CLOSE_PACKING / active_share)
