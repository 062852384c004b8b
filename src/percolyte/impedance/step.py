"""A step within a spectrum, as where an instrument switches its range or a contact gives way between two points.

The Kramers-Kronig model of `kramers_kronig` follows most of a small step, and its residuals look like noise to the tests that ask
for neighbours in common. A step at a known place is one more column, Z from there on; the place is the one that explains most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from percolyte.impedance.kramers_kronig import LinearFit
from percolyte.impedance.measurement import Complexes

EDGE = 4
"""Points at either end behind which a step cannot be told from the end itself."""
TOLD = 4.5
"""Standard errors of the largest of all places: in 2100 steady spectra of seven circuits it was passed by 9."""


@dataclass(frozen=True)
class Step:
    """Z measured = Z before a point, and Z (1 + size) from it on."""

    place: int
    """The first of the points fitted that lies behind it."""
    size: float
    """Relative change of |Z|."""
    error: float
    """Standard error of it."""

    @property
    def score(self) -> float:
        """Standard errors from zero."""
        return abs(self.size) / self.error


def largest_step(impedance: Complexes, fit: LinearFit, least_noise: float) -> Step | None:
    """The place that explains most of the misfit of the points fitted (N,), in the order measured; None for fewer than 9.

    The misfit r is projected on what the column of each place has beyond the basis of the model, c = (I - QQᵀ) s:
    size = cᵀr/cᵀc, with the standard error by what then remains. Limit: a spectrum of the model has none.
    """
    count = impedance.size
    places = np.arange(EDGE, count - EDGE + 1)
    if not places.size:
        return None
    phase = impedance / np.abs(impedance)
    turned = phase if fit.represented == "impedance" else -np.conj(phase)
    behind = (np.arange(count)[None, :] >= places[:, None]) * turned[None, :]
    columns = np.concatenate([behind.real, behind.imag], axis=1)
    columns -= (columns @ fit.basis) @ fit.basis.T
    squares = np.maximum(np.sum(columns**2, axis=1), 1e-12)
    along = columns @ fit.misfit
    freedom = max(fit.misfit.size - fit.basis.shape[1] - 1, 1)
    rest = np.maximum((float(fit.misfit @ fit.misfit) - along**2 / squares) / freedom, least_noise**2)
    best = int(np.argmax(along**2 / squares / rest))
    return Step(int(places[best]), float(along[best] / squares[best]), math.sqrt(rest[best] / squares[best]))
