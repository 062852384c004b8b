"""Volts lost in a porous electrode with a single-ion electrolyte."""

from __future__ import annotations

from typing import Any

from numba import njit

from percolyte.cell.charge_balance import conductance, terminal
from percolyte.cell.diffusion import mean_of
from percolyte.cell.reaction import curve


@njit(cache=True, error_model="numpy")
def losses(e: Any, s: Any, total: float, out: Any) -> None:
    """Volts lost in one electrode to ions, electrons, kinetics and film, and diffusion.

    Each is the power dissipated there over the current, so that they add up
    to the distance of E from the potential of the mean stoichiometries,
    weighted by the local current. The ohmic loss is the difference of the power
    at the terminals and in the reactions, shared out as ∫i²/κ and ∫i²/σ.
    """
    out[:] = 0.0
    if total == 0.0:
        return
    last = e.volumes.size - 1
    h = e.volumes.sum() / last
    g = conductance(e)
    ions, electrons = 0.0, 0.0
    for k in range(last):
        inward = g * (s.phi[0, k + 1] - s.phi[0, k]) + total * e.ionic / (e.ionic + e.electronic)
        ions += inward * inward * h / e.ionic
        electrons += (total - inward) ** 2 * h / e.electronic
    ohmic = -terminal(e, s.phi[0], total)
    for k in range(last + 1):
        for j in range(e.parts.size):
            share = e.parts[j].area * e.volumes[k] * s.current[0, k, j] / total
            at_mean, _, _, _ = curve(e.curves, j, mean_of(e, s, k, j))
            at_surface, _, _, _ = curve(e.curves, j, s.surface[0, k, j])
            ohmic += share * s.phi[0, k]
            out[2] += share * (at_surface - s.phi[0, k])
            out[3] += share * (at_mean - at_surface)
    out[0], out[1] = ohmic * ions / (ions + electrons), ohmic * electrons / (ions + electrons)
