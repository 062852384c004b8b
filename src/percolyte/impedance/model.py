"""What a fit needs to know of a model: named parameters, values and exact derivatives.

Circuits, transmission lines and polarisation runs all answer to it, so that one
fit takes any of them, several together, and thousands of spectra at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from percolyte.impedance.measurement import Complexes, Floats


@dataclass(frozen=True)
class Parameter:
    """One number of a model."""

    name: str
    """As in a report: `ionic_resistance`, `R1`."""
    unit: str
    """SI, such as `ohm` or `F s^(a-1)`; empty where it has none."""
    low: float = 0.0
    high: float = math.inf

    @property
    def logarithmic(self) -> bool:
        """Whether it spans decades, so that a fit moves its logarithm."""
        return self.low == 0.0 and math.isinf(self.high)


class ImpedanceModel(Protocol):
    """An impedance as a function of parameters and angular frequency."""

    @property
    def parameters(self) -> tuple[Parameter, ...]: ...

    def evaluate(self, values: Floats, omega: Floats) -> tuple[Complexes, Complexes]:
        """Impedance (..., N) in ohm and its derivatives (..., N, P), for values (..., P) and omega (N,) in rad/s."""
        ...
