"""From a recipe by weight to a composite electrode layer.

Every function takes floats or arrays of floats, so that one design and a
million designs go through the same equations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

from percolyte.errors import InputError
from percolyte.units import DENSITY, LOADING, Dimension, Number, text

DENSEST = 1.25
"""Densification (density over pore-free density) beyond which an electrode is refused."""


def total(numbers: Iterable[Number]) -> Number:
    """Sum of floats or arrays."""
    return reduce(add, numbers, 0.0)


def pore_free_density(mass_fractions: Mapping[str, Number], densities: Mapping[str, Number]) -> Number:
    """Density in kg/m3 of a composite without pores.

    1/ρ0 = Σ w_i/ρ_i, w_i mass fractions that add up to one. Holds for
    components that keep their own volume. Limit: one component, ρ0 = ρ_1.
    """
    return 1.0 / total(fraction / densities[name] for name, fraction in mass_fractions.items())


def volume_fractions(
    mass_fractions: Mapping[str, Number], densities: Mapping[str, Number], porosity: Number = 0.0
) -> dict[str, Number]:
    """Volume fraction of each component in the whole layer, pores included.

    φ_i = (1 - ε) ρ0 w_i/ρ_i, so that Σ φ_i = 1 - ε. Limit: equal densities
    without pores give φ_i = w_i.
    """
    solid = (1.0 - porosity) * pore_free_density(mass_fractions, densities)
    return {name: solid * fraction / densities[name] for name, fraction in mass_fractions.items()}


def mass_fractions(volumes: Mapping[str, Number], densities: Mapping[str, Number]) -> dict[str, Number]:
    """Mass fractions of a composite from volume fractions: the inverse of `volume_fractions`.

    w_i = φ_i ρ_i / Σ φ_j ρ_j; pores, which weigh nothing, drop out.
    """
    mass = total(volume * densities[name] for name, volume in volumes.items())
    return {name: volume * densities[name] / mass for name, volume in volumes.items()}


@dataclass(frozen=True)
class Electrode:
    """One coating of a composite electrode, all in SI, floats or arrays."""

    mass_fractions: Mapping[str, Number]
    densities: Mapping[str, Number]
    active: tuple[str, ...]
    """Names of the components that store lithium."""
    specific_capacity: Number
    """Reversible, per mass of active material, C/kg."""
    initial_efficiency: Number
    """First discharge over first charge."""
    pore_free_density: Number
    density: Number
    thickness: Number

    @property
    def volume_fractions(self) -> dict[str, Number]:
        """Volume fraction of each component in the layer, pores included."""
        return volume_fractions(self.mass_fractions, self.densities, self.porosity)

    @property
    def densification(self) -> Number:
        """Density over pore-free density; above one the layer is denser than matter."""
        return self.density / self.pore_free_density

    @property
    def porosity(self) -> Number:
        """1 - densification; negative where the stated density is impossible."""
        return 1.0 - self.densification

    @property
    def areal_mass(self) -> Number:
        """Mass of the whole composite per area, kg/m2."""
        return self.density * self.thickness

    @property
    def active_fraction(self) -> Number:
        return total(self.mass_fractions[name] for name in self.active)

    @property
    def loading(self) -> Number:
        """Mass of active material per area, kg/m2."""
        return self.areal_mass * self.active_fraction

    @property
    def areal_capacity(self) -> Number:
        """Reversible capacity per area, C/m2."""
        return self.loading * self.specific_capacity

    @property
    def first_charge_capacity(self) -> Number:
        """Areal capacity of the first charge, C/m2."""
        return self.areal_capacity / self.initial_efficiency

    @property
    def equivalent_specific_capacity(self) -> Number:
        """Reversible capacity over the mass of the whole electrode layer, C/kg.

        ESC = C/(m_active + m_electrolyte + m_carbon + m_binder); limit: an
        electrode of active material alone has the capacity of that material.
        Source: Sun et al., Mater. Futures 1 (2022) 012101, section 4.3.2.
        """
        return self.specific_capacity * self.active_fraction


def build_electrode(
    mass_fractions: Mapping[str, Number],
    densities: Mapping[str, Number],
    *,
    active: Mapping[str, Number],
    initial_efficiency: Number = 1.0,
    thickness: Number | None = None,
    loading: Number | None = None,
    areal_capacity: Number | None = None,
    porosity: Number | None = None,
    density: Number | None = None,
) -> Electrode:
    """An electrode layer from the recipe and any consistent set of numbers.

    `active` maps the name of each active material to its reversible capacity
    in C/kg. One of thickness, loading (of active material) and areal capacity
    sets the amount, one of porosity and density how dense it is; thickness
    together with an amount also fixes the density. More than that must agree
    within 0.1 %.

    Errors: InputError where too little is given, or where it contradicts itself.
    """
    share = total(mass_fractions[name] for name in active)
    capacity = total(mass_fractions[name] * q for name, q in active.items()) / share
    solid = pore_free_density(mass_fractions, densities)
    amounts = {"loading": loading, "areal capacity": None if areal_capacity is None else areal_capacity / capacity}
    given = {name: amount for name, amount in amounts.items() if amount is not None}
    densities_given = {
        "density": density,
        "porosity": None if porosity is None else solid * (1.0 - porosity),
        "thickness and loading": None
        if thickness is None or not given
        else next(iter(given.values())) / share / thickness,
    }
    known = [value for value in densities_given.values() if value is not None]
    if not known or (thickness is None and not given):
        raise InputError(
            "the electrode is not determined: give one of thickness, loading or areal capacity, "
            "and one of porosity or density (or thickness with loading or areal capacity)"
        )
    _agree("amounts of active material", given, LOADING)
    _agree("densities", {name: value for name, value in densities_given.items() if value is not None}, DENSITY)
    composite = known[0]
    if thickness is None:
        thickness = next(iter(given.values())) / share / composite
    return Electrode(
        mass_fractions=mass_fractions,
        densities=densities,
        active=tuple(active),
        specific_capacity=capacity,
        initial_efficiency=initial_efficiency,
        pore_free_density=solid,
        density=composite,
        thickness=thickness,
    )


def _agree(what: str, values: Mapping[str, Number], dimension: Dimension) -> None:
    """Refuse statements of one quantity that differ by more than 0.1 %."""
    first, *others = values.values() if values else (0.0,)
    if any(_differ(first, other) for other in others):
        shown = ", ".join(f"{text(float(value), dimension, digits=4)} from {name}" for name, value in values.items())
        raise InputError(f"the {what} contradict each other: {shown}; drop one or correct it")


def _differ(first: Number, other: Number) -> bool:
    return isinstance(first, float | int) and isinstance(other, float | int) and abs(other / first - 1.0) > 1e-3
