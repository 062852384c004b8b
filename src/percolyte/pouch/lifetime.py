"""Cycle life from coulombic efficiency, self-discharge, and the resistance a rate allows."""

from __future__ import annotations

import math

MONTH = 2629800.0
"""Mean month in s."""


def cycles_compound(efficiency: float, retention: float = 0.8) -> float:
    """N = ln(retention)/ln(CE): every cycle loses a share of what is left.

    Limit: CE = 0.99 and retention 0.99 is one cycle. Source for the use: Wang
    et al. 2021, section 3.2, where 99.95 % is about 450 cycles.
    """
    return math.log(retention) / math.log(efficiency) if efficiency < 1.0 else math.inf


def cycles_linear(efficiency: float, retention: float = 0.8) -> float:
    """N = (1 - retention)/(1 - CE): every cycle loses the same lithium.

    The same paper's 2000 cycles at 99.99 % are of this kind.
    """
    return (1.0 - retention) / (1.0 - efficiency) if efficiency < 1.0 else math.inf


def cycles_reserve(efficiency: float, np_ratio: float) -> float:
    """N = (N/P - 1)/(1 - CE): a lithium reserve covers the loss until it is used up.

    N/P counts reserve and cathode over cathode. Limit: no reserve, no cycle.
    """
    return max(np_ratio - 1.0, 0.0) / (1.0 - efficiency) if efficiency < 1.0 else math.inf


def self_discharge(voltage: float, electronic_conductivity: float, thickness: float, areal_capacity: float) -> float:
    """Share of the capacity lost per month by electrons through the separator.

    i = U σ_e/L. Example: 3.7 V across 20 um at 1e-9 S/cm is 1.85 uA/cm2, a
    third of 4 mAh/cm2 in a month.
    """
    return voltage * electronic_conductivity / thickness * MONTH / areal_capacity


def resistance_limit(voltage: float, current_density: float, efficiency: float = 0.9) -> float:
    """Largest area-specific resistance for a round-trip energy efficiency, ohm m2.

    (U - iR)/(U + iR) >= η gives R <= U/i (1 - η)/(1 + η); for η = 0.9 that is
    U/(19 i). Example: 3.8 V and 5 mA/cm2 allow 40 ohm cm2, the limit of Wang
    et al. 2021, section 7.
    """
    return voltage / current_density * (1.0 - efficiency) / (1.0 + efficiency)
