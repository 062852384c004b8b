"""Open-circuit potential and its entropy coefficient as a table or as an equation given as data.

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

from percolyte import units
from percolyte.nouns import Noun
from percolyte.sources import Source
from percolyte.units import Concentration, EntropyCoefficient

Floats = NDArray[np.float64]
Triple = tuple[float, float, float]
MOST = units.ENTROPY_COEFFICIENT.high


class Rational(Noun):
    """Quotient of two polynomials in x, lowest power first."""

    numerator: tuple[float, ...]
    denominator: tuple[float, ...]


class CurveData(Noun):
    """A function of the stoichiometry x (lithium per site).

    Table: linear between the points (`stoichiometry`, the field of `column`).
    Equation: Σ p_k x^k + Σ a tanh(b (x - c)) + Σ a exp(b (x - c))
    + Σ a exp(-b (x - c)²) + numerator/denominator, each sum optional.

    Holds for x within `range`; outside it is refused, not extrapolated.
    """

    column: ClassVar[str]
    """The field with the values of a table."""

    range: tuple[float, float]
    """Lowest and highest stoichiometry for which the source gives the function."""
    stoichiometry: tuple[float, ...] | None = None
    polynomial: tuple[float, ...] | None = None
    tanh: tuple[Triple, ...] = ()
    exponential: tuple[Triple, ...] = ()
    gaussian: tuple[Triple, ...] = ()
    rational: Rational | None = None
    temperature: str | None = None
    default: bool = False
    doubt: str | None = None
    unconfirmed: bool = False
    """True where it was entered without the source at hand."""
    note: str | None = None
    source: Source | None = None

    @property
    def said(self) -> str:
        """The source in words."""
        said = str(self.source) if self.source else "your own value"
        return said + (" (not yet compared with the source)" if self.unconfirmed else "")

    @property
    def table(self) -> tuple[float, ...] | None:
        """The values at `stoichiometry`; None of an equation."""
        values: tuple[float, ...] | None = getattr(self, self.column)
        return values

    @model_validator(mode="after")
    def _table(self) -> Self:
        low, high = self.range
        if not 0 <= low < high <= 1.2:
            raise ValueError(f"the range {low} to {high} is not within 0 to 1 (1.2 for over-lithiation), lowest first")
        if self.table is not None:
            x = self.stoichiometry
            if x is None or len(x) != len(self.table) or len(x) < 2:
                raise ValueError(f"a table needs as many values of stoichiometry as of {self.column}, two at least")
            if any(b <= a for a, b in pairwise(x)):
                raise ValueError("the stoichiometry of a table rises from row to row")
            if not (np.isclose(x[0], low) and np.isclose(x[-1], high)):
                raise ValueError("the range is the first and the last stoichiometry of the table")
        return self

    def __call__(self, x: ArrayLike) -> Floats:
        """The value at stoichiometry x, any shape; SI."""
        x = np.asarray(x, dtype=float)
        low, high = self.range
        if np.any(x < low - 1e-9) or np.any(x > high + 1e-9) or np.any(np.isnan(x)):
            raise ValueError(f"this curve is given for stoichiometries {low:g} to {high:g} only")
        if self.table is not None:
            return np.asarray(np.interp(x, np.asarray(self.stoichiometry), np.asarray(self.table)))
        value = _polynomial(x, self.polynomial or (0.0,))
        for a, b, c in self.tanh:
            value = value + a * np.tanh(b * (x - c))
        for a, b, c in self.exponential:
            value = value + a * np.exp(b * (x - c))
        for a, b, c in self.gaussian:
            value = value + a * np.exp(-b * (x - c) ** 2)
        if self.rational is not None:
            value = value + _polynomial(x, self.rational.numerator) / _polynomial(x, self.rational.denominator)
        return np.asarray(value, dtype=float)


class OpenCircuitPotential(CurveData):
    """U(x) in volts against Li/Li+; see `CurveData` for its forms."""

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("potential", "polynomial"),)
    column: ClassVar[str] = "potential"

    potential: tuple[float, ...] | None = None
    discharged_charged: tuple[float, float] | None = None
    """Stoichiometry of the discharged and of the charged electrode in its cell."""
    maximum_concentration: Concentration | None = None
    """The site concentration to which this x refers, where the source gives it."""


class EntropyCoefficientCurve(CurveData):
    """dU/dT of an open-circuit potential against Li/Li+: one value, or V/K over x in the forms of `CurveData`.

    F dU/dT is the entropy of reaction of lithium going from the metal into the
    host, J/(mol K). Beyond `range` the value at its end holds.
    """

    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("value", "coefficient", "polynomial"),)
    column: ClassVar[str] = "coefficient"

    range: tuple[float, float] = (0.0, 1.0)
    value: EntropyCoefficient | None = None
    coefficient: tuple[float, ...] | None = None

    @model_validator(mode="after")
    def _size(self) -> Self:
        most = max(map(abs, self.span))
        if not most <= MOST:
            raise ValueError(f"reaches {most:.3g} V/K, more than 10 mV/K; equations and tables are in V/K")
        return self

    @property
    def span(self) -> tuple[float, float]:
        """Lowest and highest value within `range`, V/K."""
        found = self(np.linspace(*self.range, 201))
        return float(found.min()), float(found.max())

    def __call__(self, x: ArrayLike) -> Floats:
        """dU/dT in V/K at stoichiometry x, any shape."""
        if self.value is not None:
            return np.full(np.shape(x), self.value)
        return super().__call__(np.clip(x, *self.range))


def _polynomial(x: Floats, coefficients: tuple[float, ...]) -> Any:
    return np.polynomial.polynomial.polyval(x, coefficients)
