"""Open-circuit potential as a table or as an equation given as data.

No text is ever evaluated: an equation is the sum of a polynomial and of terms
with named shapes, so that the file states the function and the code computes
exactly that, with its derivative.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import model_validator

from percolyte.nouns import Noun
from percolyte.sources import Source
from percolyte.units import Concentration

Floats = NDArray[np.float64]
Triple = tuple[float, float, float]


class Rational(Noun):
    """Quotient of two polynomials in x, lowest power first."""

    numerator: tuple[float, ...]
    denominator: tuple[float, ...]


class OpenCircuitPotential(Noun):
    """U(x) in volts against Li/Li+, x the stoichiometry (lithium per site).

    Table: linear between the points (`stoichiometry`, `potential`).
    Equation: U = Σ p_k x^k + Σ a tanh(b (x - c)) + Σ a exp(b (x - c))
    + numerator/denominator, each sum optional.

    Holds for x within `range`; outside it is refused, not extrapolated.
    """

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("potential", "polynomial"),)

    range: tuple[float, float]
    """Lowest and highest stoichiometry for which the source gives U."""
    stoichiometry: tuple[float, ...] | None = None
    potential: tuple[float, ...] | None = None
    polynomial: tuple[float, ...] | None = None
    tanh: tuple[Triple, ...] = ()
    exponential: tuple[Triple, ...] = ()
    rational: Rational | None = None
    discharged_charged: tuple[float, float] | None = None
    """Stoichiometry of the discharged and of the charged electrode in its cell."""
    maximum_concentration: Concentration | None = None
    """The site concentration to which this x refers, where the source gives it."""
    temperature: str | None = None
    default: bool = False
    doubt: str | None = None
    note: str | None = None
    source: Source | None = None

    @model_validator(mode="after")
    def _table(self) -> Self:
        low, high = self.range
        if not 0 <= low < high <= 1.2:
            raise ValueError(f"the range {low} to {high} is not within 0 to 1 (1.2 for over-lithiation), lowest first")
        if self.potential is not None:
            x = self.stoichiometry
            if x is None or len(x) != len(self.potential) or len(x) < 2:
                raise ValueError("a table needs as many values of stoichiometry as of potential, two at least")
            if any(b <= a for a, b in pairwise(x)):
                raise ValueError("the stoichiometry of a table rises from row to row")
            if not (np.isclose(x[0], low) and np.isclose(x[-1], high)):
                raise ValueError("the range is the first and the last stoichiometry of the table")
        return self

    def __call__(self, x: ArrayLike) -> Floats:
        """Potential in V at stoichiometry x, any shape."""
        x = np.asarray(x, dtype=float)
        low, high = self.range
        if np.any(x < low - 1e-9) or np.any(x > high + 1e-9) or np.any(np.isnan(x)):
            raise ValueError(f"this open-circuit potential is given for stoichiometries {low:g} to {high:g} only")
        if self.potential is not None:
            return np.asarray(np.interp(x, np.asarray(self.stoichiometry), np.asarray(self.potential)))
        value = _polynomial(x, self.polynomial or (0.0,))
        for a, b, c in self.tanh:
            value = value + a * np.tanh(b * (x - c))
        for a, b, c in self.exponential:
            value = value + a * np.exp(b * (x - c))
        if self.rational is not None:
            value = value + _polynomial(x, self.rational.numerator) / _polynomial(x, self.rational.denominator)
        return np.asarray(value, dtype=float)


def _polynomial(x: Floats, coefficients: tuple[float, ...]) -> Any:
    return np.polynomial.polynomial.polyval(x, coefficients)
