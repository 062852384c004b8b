"""What a specific energy means for an electric vehicle."""

from __future__ import annotations

from percolyte.units import Number


def driving_range(
    specific_energy: Number, *, battery_mass: float, pack_factor: float, distance_per_energy: float
) -> Number:
    """Range in m: specific energy × cell mass × distance per energy.

    `pack_factor` is the share of the battery mass that is cells. Holds for one
    full discharge, without reserve or ageing. Limit: pack_factor = 1 is the
    rule of Wang et al. 2021, section 6.1 (400 kg of cells, 6 km/kWh), by which
    250 Wh/kg drive 600 km.
    """
    return specific_energy * battery_mass * pack_factor * distance_per_energy
