"""Conductivities from the resistances of a fit, with the same honesty about what is not known."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from percolyte.impedance.cells import Conversion, MeasuredCell, conversions
from percolyte.impedance.estimates import Estimate, Fit

QUANTILE = 1.959964
"""Of the normal distribution, for 95 % intervals."""


def conductivities(fit: Fit, cell: MeasuredCell) -> Mapping[str, Estimate]:
    """Every conductivity of a cell in S/m, σ = L/(A ΣR), with its 95 % interval, by name.

    The interval of one resistance turns around exactly. That of a sum follows from the covariance
    of the logarithms, s² = gᵀ C g with g = -R/ΣR, to first order. Where a resistance is not known
    neither is the conductivity, for the same reason.

    Limit: a resistance that is held gives a conductivity without error.
    """
    return {one.name: _converted(fit, one) for one in conversions(cell)}


def _converted(fit: Fit, conversion: Conversion) -> Estimate:
    parts = [fit[name] for name in conversion.resistances]
    value = float(conversion.of(fit.values))
    why = "; ".join(f"{part.name}: {part.why}" for part in parts if part.why)
    if len(parts) == 1:
        (part,) = parts
        low, high = (conversion.length_per_area / end if end > 0.0 else math.inf for end in (part.high, part.low))
        return Estimate(conversion.name, "S/m", None if why else value, low, high, part.error, why, part.basis)
    names = [parameter.name for parameter in fit.parameters]
    gradient = np.zeros(len(names))
    resistances = np.array([fit.values[part.name] for part in parts])
    gradient[[names.index(part.name) for part in parts]] = -resistances / resistances.sum()
    error = math.sqrt(float(gradient @ fit.covariance @ gradient))
    reach = math.exp(QUANTILE * error)
    return Estimate(conversion.name, "S/m", None if why else value, value / reach, value * reach, error, why)
