"""The electrolyte layer between the electrodes: composition, mass, resistance."""

from __future__ import annotations

from dataclasses import dataclass

from percolyte.electrode import volume_fractions
from percolyte.transport.closures import bruggeman
from percolyte.units import Number


@dataclass(frozen=True)
class Separator:
    """One electrolyte layer, all in SI, floats or arrays."""

    electrolyte: str
    thickness: Number
    density: Number
    """Of the layer as it is, with binder, scaffold and pores."""
    conductivity: Number
    """Effective, of the layer as it is, at the temperature of the cell."""

    @property
    def areal_mass(self) -> Number:
        return self.density * self.thickness

    @property
    def area_specific_resistance(self) -> Number:
        """R = L/σ_eff in ohm m2, between flat electrodes without interfaces.

        Limit: 20 um at 1 mS/cm and 200 um at 10 mS/cm are both 2 ohm cm2.
        Source: Song et al., Adv. Energy Mater. (2023), 10.1002/aenm.202301142, section 2.
        """
        return self.thickness / self.conductivity


@dataclass(frozen=True)
class Filler:
    """Binder or scaffold in the electrolyte layer, by mass."""

    name: str
    mass_fraction: float
    density: float


def film(
    density: float, conductivity: float, fillers: tuple[Filler, ...], porosity: float, *, exponent: float = 1.5
) -> tuple[float, float]:
    """Density and effective conductivity of an electrolyte film.

    The electrolyte fills the volume fraction φ that binder, scaffold and pores
    leave; σ_eff = σ φ^α (Bruggeman). Holds for insulating fillers spread
    evenly; a binder film around every grain costs far more. Limit: no filler
    and no pores give the electrolyte itself.
    """
    weights = {"": 1.0 - sum(filler.mass_fraction for filler in fillers)}
    weights |= {filler.name: filler.mass_fraction for filler in fillers}
    own = {"": density} | {filler.name: filler.density for filler in fillers}
    fractions = volume_fractions(weights, own, porosity)
    mass = sum(fractions[name] * own[name] for name in fractions)
    return float(mass), float(bruggeman(conductivity, fractions[""], exponent))
