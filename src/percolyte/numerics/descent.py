"""Flexible conjugate gradients that lower the energy of a potential, whatever carries out the sweeps."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

ROUNDING = 1e-8
"""A drop of the energy below this share of it is rounding."""


class System(Protocol):
    """A potential u on its way to A u = 0, and the last direction p of the search."""

    def correct(self) -> tuple[float, float, float]:
        """Find a correction z, about -A⁻¹A u: z·Az, p·Az and -z·Au."""

    def advance(self, turn: float, length: float) -> float:
        """The new direction z + turn p, a step of that length along it, and the energy of u."""


class Descent(NamedTuple):
    energy: float
    iterations: int
    error: float
    """Estimated relative error of the energy."""
    converged: bool
    """Whether the error is as asked, or as small as rounding allows."""


def descend(system: System, energy: float, tolerance: float, most: int) -> Descent:
    """Lower the energy until its estimated relative error is as asked.

    The energy is measured at every step. Subtracting the drops from the first one would lose it where
    that is many orders too high.
    """
    drops: list[float] = []
    error, square = math.inf, 0.0
    while error > tolerance and len(drops) < most:
        own, cross, along = system.correct()
        turn = -cross / square if square > 0.0 else 0.0
        square = own + turn * cross
        drop = along * along / square if square > 0.0 else 0.0
        if drop <= ROUNDING * energy:
            error = ROUNDING
            break
        before, energy = energy, system.advance(turn, along / square)
        drops.append(drop)
        error = _remaining(drops) / energy
        if energy >= before:  # further steps would add rounding, not take energy away
            error = drop / energy
            break
    return Descent(energy, len(drops), error, error <= tolerance or len(drops) < most)


def _remaining(drops: list[float]) -> float:
    """Energy still to fall: the geometric tail of the last drops.

    Twice the ratio of the last drops, as what is left last is what falls slowest.
    """
    if len(drops) < 3:
        return math.inf
    a, b, c = drops[-3:]
    ratio = max(b / a, c / b)
    ratio = min(2.0 * ratio, (1.0 + ratio) / 2.0, 0.98)
    return c * ratio / (1.0 - ratio)
