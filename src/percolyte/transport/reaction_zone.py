"""Discharge with sharp reaction fronts: capacity against current in closed form.

Where the open-circuit potential is flat, reaction and solid diffusion are
fast, and the electrolyte conducts by ions alone, a discharge consumes the
active material front by front, and only the growing ohmic path costs voltage.
With electrons free there is one front, from the separator; with both rails
resistive there are two, from either end, in the shares of the two
resistivities. All in SI, floats or arrays.

Holds while the fronts are thin, `zone_width` << thickness, and the potential
falls by much less than the ohmic drop over the capacity used.

Sources: J. Newman, J. Electrochem. Soc. 142 (1995) 97-101 (reaction-zone model);
Y. Kato et al., J. Phys. Chem. Lett. 9 (2018) 607-613, Eq. 4, printed as Eq. 19 of
M. Falco et al., Mol. Syst. Des. Eng. 4 (2019) 850-871. The two-front form is derived here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from percolyte.errors import InputError
from percolyte.units import Number


@dataclass(frozen=True)
class FlatElectrode:
    """A porous electrode of flat potential."""

    capacity_density: Number
    """Charge that the electrode volume takes up, C/m3."""
    ionic: Number
    """Effective conductivities, S/m."""
    electronic: Number = float("inf")
    thickness: Number = float("inf")

    @property
    def areal_capacity(self) -> Number:
        return self.capacity_density * self.thickness

    @property
    def initial(self) -> Number:
        """Resistivity of both rails in parallel, r_i r_e/(r_i + r_e), ohm m; zero with free electrons."""
        ions, electrons = 1.0 / self.ionic, 1.0 / self.electronic
        return ions * electrons / (ions + electrons)

    @property
    def growth(self) -> Number:
        """Resistivity that the used part adds, (r_i² + r_e² - r_i r_e)/(r_i + r_e), ohm m; 1/σ_i with free electrons."""
        ions, electrons = 1.0 / self.ionic, 1.0 / self.electronic
        return (ions * ions + electrons * electrons - ions * electrons) / (ions + electrons)


def front_positions(current: Number, time: Number, electrode: FlatElectrode) -> tuple[Number, Number]:
    """Depths in m that the fronts from the separator and from the collector have reached.

    Ahead of the fronts both rails share the current without reacting, i_i = i r_e/(r_i + r_e), so that
    r_i/(r_i + r_e) of it reacts at the front near the separator. Limit: σ_e -> ∞ gives (it/q, 0).
    """
    ions, electrons = 1.0 / electrode.ionic, 1.0 / electrode.electronic
    reacted = current * time / electrode.capacity_density
    return reacted * ions / (ions + electrons), reacted * electrons / (ions + electrons)


def voltage_drop(current: Number, charge: Number, electrodes: Sequence[FlatElectrode], series: Number = 0.0) -> Number:
    """Ohmic drop in V after a charge in C/m2 at a current density in A/m2.

    ΔV = i R_0 + Σ [i L r_i r_e/r + (i Q/q)(r_i² + r_e² - r_i r_e)/r], r = r_i + r_e, over the electrodes,
    R_0 in ohm m2. Holds until an electrode is used up, Q = q L, where its fronts meet.
    Limit: σ_e -> ∞ gives i R_0 + Σ i Q/(q σ_i), the drop of Eq. 19.
    """
    drop: Number = current * series
    for part in electrodes:
        drop = drop + current * _start(part) + current * charge * part.growth / part.capacity_density
    return drop


def delivered_capacity(
    current: Number, allowed_drop: Number, electrodes: Sequence[FlatElectrode], series: Number = 0.0
) -> Number:
    """Charge in C/m2 delivered until the drop reaches what the cut-off allows.

    C = (ΔU - i R_0 - i Σ L r_i r_e/r) / (i Σ (r_i² + r_e² - r_i r_e)/(r q)), with ΔU = U_c - U_a - V_cutoff,
    at least zero and at most the smallest q L. Limit: σ_e -> ∞ gives Eq. 19,
    C = (1/i) (1/(q_c σ_c) + 1/(q_a σ_a))^-1 (ΔU - R_0 i), which the paper prints without the cap.

    Errors: InputError without an electrode, or for a current that is not positive.
    """
    if not electrodes:
        raise InputError("no electrode is given; a reaction zone needs one at least")
    if not np.all(np.asarray(current) > 0.0):
        raise InputError("the current density must be positive")
    left = allowed_drop - voltage_drop(current, 0.0, electrodes, series)
    slope = current * reduce(np.add, [part.growth / part.capacity_density for part in electrodes])
    cap = reduce(np.minimum, [part.areal_capacity for part in electrodes])
    found = np.clip(left / slope, 0.0, cap)
    return found if np.ndim(found) else float(found)


def critical_thickness(
    current: Number,
    allowed_drop: Number,
    electrode: FlatElectrode,
    *,
    counter: FlatElectrode | None = None,
    capacity_ratio: Number = 1.0,
    utilisation: Number = 1.0,
    series: Number = 0.0,
) -> Number:
    """Largest thickness in m of which a share of the capacity is still delivered at a current density.

    L = (ΔU - i R_0)/(i (P + u M)), P and M the `initial` and `growth` resistivities, u the utilisation. A
    counter electrode of `capacity_ratio` times the capacity grows along, and adds (q/q_a)(n P_a + u M_a).
    The thickness does not depend on q for a single electrode. Limits: free electrons and u = 1 give
    (ΔU/i - R_0) σ_i; equal rails σ give the same with σ in place of σ_i. Zero where R_0 alone takes the drop.
    """
    resistivity = electrode.initial + utilisation * electrode.growth
    if counter is not None:
        share = electrode.capacity_density / counter.capacity_density
        resistivity = resistivity + share * (capacity_ratio * counter.initial + utilisation * counter.growth)
    found = np.maximum((allowed_drop / current - series) / resistivity, 0.0)
    return found if np.ndim(found) else float(found)


def zone_width(electrode: FlatElectrode, interface: Number) -> Number:
    """Width of the reaction zone in m: λ = sqrt(ζ/(r_i + r_e)).

    ζ in ohm m3 is the area-specific resistance of the interface over the active area per volume; at small
    overpotential R T/(F i0 a). The fronts are sharp where λ is much less than the thickness.
    """
    found = np.sqrt(interface / (1.0 / electrode.ionic + 1.0 / electrode.electronic))
    return found if np.ndim(found) else float(found)


def _start(part: FlatElectrode) -> Number:
    """L r_i r_e/r in ohm m2; zero with free electrons, however thick the electrode."""
    free = np.isinf(part.electronic)
    thickness = np.where(free, 0.0, part.thickness)
    found = thickness * np.where(free, 0.0, part.initial)
    return found if np.ndim(found) else float(found)
