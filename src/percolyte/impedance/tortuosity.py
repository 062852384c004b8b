"""Tortuosity factors with the convention that makes them comparable.

    κ = ε σ_0/σ_eff

with the conductivity σ_0 of the pure conductor, measured at the same temperature and pressing, and its volume fraction
ε. Papers call κ tau or tau squared, and take ε in three ways, of which none can be told from the number:

    total           of the layer as it is, pores counted, whether connected or not
    percolating     of the same layer, but only what is connected through it
    zero-porosity   of the solids alone, as if there were no pores: ε/(1 - p) at the porosity p

The MacMullin number σ_0/σ_eff = κ/ε is the same in all, and is what a measurement knows. The ratio of a path's
length to the thickness is sqrt(κ) in uniform tubes only; where the cross-section of the paths changes, κ is larger.

Source: M. Falco et al., Mol. Syst. Des. Eng. 4 (2019) 850-871, Eq. 17.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from percolyte.errors import InputError, Problem
from percolyte.transport.closures import tortuosity_factor

Basis: TypeAlias = Literal["total", "percolating", "zero-porosity"]
DOUBT = 0.95
"""κ below this is more than an error of measurement: straight channels have one."""


@dataclass(frozen=True)
class Tortuosity:
    """A tortuosity factor and what it stands on."""

    factor: float
    """κ"""
    fraction: float
    """ε"""
    basis: Basis

    @property
    def macmullin_number(self) -> float:
        """σ_0/σ_eff = κ/ε"""
        return self.factor / self.fraction

    @property
    def path_ratio(self) -> float:
        """Length over thickness of uniform tubes with this factor, sqrt(κ)."""
        return float(self.factor**0.5)

    @property
    def doubt(self) -> str:
        """Why the number cannot be right; empty where it may be."""
        if self.factor >= DOUBT:
            return ""
        return (
            f"a tortuosity factor of {self.factor:.3g} is below one: the layer conducts better than straight channels; "
            "the conductivity of the pure electrolyte is too low, or its fraction"
        )

    def __str__(self) -> str:
        return f"κ = {self.factor:.3g} on the {self.basis} volume fraction {self.fraction:.3g}"


def tortuosity(effective: float, own: float, fraction: float, *, basis: Basis) -> Tortuosity:
    """κ = ε σ_0/σ_eff from conductivities in S/m.

    Limit: straight channels, σ_eff = ε σ_0, give one.
    Errors: InputError for conductivities that are not positive, or a fraction outside 0 to 1.
    """
    problems = [
        Problem(name, f"{value:g} S/m is no conductivity; it must be positive")
        for name, value in (("effective", effective), ("own", own))
        if not value > 0.0
    ]
    if not 0.0 < fraction <= 1.0:
        problems.append(Problem("fraction", f"{fraction:g} is not between 0 and 1"))
    if problems:
        raise InputError(problems)
    return Tortuosity(float(tortuosity_factor(own, effective, fraction)), fraction, basis)


def rebased(known: Tortuosity, fraction: float, basis: Basis) -> Tortuosity:
    """The same layer on another volume fraction: κ goes with ε, the MacMullin number stays.

    For pores: ε = ε_solids (1 - p). Where a paper took the thickness as pore-free too, its conductivity is too low
    by 1 - p, which `dense_to_true` mends first; κ then changes by (1 - p)².
    """
    return Tortuosity(known.macmullin_number * fraction, fraction, basis)


def dense_to_true(effective: float, porosity: float) -> float:
    """σ_eff from one computed with the thickness that the layer would have without pores, L (1 - p)."""
    return effective / (1.0 - porosity)
