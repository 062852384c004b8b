"""A recipe and some numbers, as typed at a prompt -> the electrode layer."""

from __future__ import annotations

from collections.abc import Mapping

from percolyte import units
from percolyte.electrode import DENSEST, Electrode, build_electrode, mass_fractions, pore_free_density
from percolyte.errors import InputError, PercolyteError, Problem
from percolyte.materials.library import Library

_GIVEN = {
    "thickness": units.THICKNESS,
    "loading": units.LOADING,
    "areal_capacity": units.AREAL_CAPACITY,
    "porosity": units.FRACTION,
    "density": units.DENSITY,
}


def calculate(parts: list[str], library: Library, *, by_volume: bool, given: Mapping[str, str]) -> Electrode:
    """The electrode of 'NAME=SHARE' parts and any consistent set of numbers.

    Without any number it is the solid itself, without pores, of no particular thickness.

    Errors: InputError with every part and number that cannot be read.
    """
    problems: list[Problem] = []
    shares: dict[str, float] = {}
    for part in parts:
        name, _, share = part.rpartition("=")
        try:
            substance = library.material(name.strip())
            amount = units.parse(share.strip(), units.FRACTION)
            if amount == 0.0:
                raise InputError("a share of zero is no component; leave it out")
            if substance.name in shares:
                raise InputError(f"{substance.name} is there already; write it once")
            shares[substance.name] = amount
            substance.need("density")
        except PercolyteError as error:
            problems.append(Problem(part, str(error) if name else "write it as NAME=SHARE, such as 'NMC811=80 %'"))
    numbers: dict[str, float] = {}
    for name, value in given.items():
        try:
            numbers[name] = units.parse(value, _GIVEN[name])
        except PercolyteError as error:
            problems.append(Problem(f"--{name.replace('_', '-')}", str(error)))
    if not problems and abs(sum(shares.values()) - 1.0) > 1e-6:
        problems.append(Problem("", f"the shares add up to {100 * sum(shares.values()):.6g} %, not 100 %"))
    active = {name: library.material(name) for name in shares if library.material(name).kind in ("cathode", "anode")}
    if not problems and not active and numbers:
        problems.append(Problem("", "none of the components is an active material; leave the numbers of the layer out"))
    if problems:
        raise InputError(problems)
    densities = {name: library.material(name).need("density").number for name in shares}
    weights = mass_fractions(shares, densities) if by_volume else shares
    capacities = {name: substance.need("specific_capacity").number for name, substance in active.items()}
    if not numbers:
        solid = pore_free_density(weights, densities)
        return Electrode(weights, densities, tuple(active), 0.0, 1.0, solid, solid, 0.0)
    electrode = build_electrode(weights, densities, active=capacities, **numbers)
    if float(electrode.densification) > DENSEST:
        most = units.text(float(electrode.pore_free_density), units.DENSITY, digits=4)
        raise InputError(
            f"the layer would be {100 * (float(electrode.densification) - 1):.3g} % denser than its components "
            f"without any pore ({most}); correct the numbers or the recipe"
        )
    return electrode
