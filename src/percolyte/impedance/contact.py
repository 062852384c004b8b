"""Resistance of contacts between solids: a thin film over the whole contact, or current squeezed through spots.

The two are different things and add: a film needs a thickness of its own, spots need none. Floats or arrays, SI.
`thickness_series` tells contacts from the layer between them, where one measurement cannot.

Sources: M. Falco et al., Mol. Syst. Des. Eng. 4 (2019) 850-871, Eq. 20; R. Holm, Electric Contacts, 4th ed. (1967);
M. G. Cooper, B. B. Mikic, M. M. Yovanovich, Int. J. Heat Mass Transfer 12 (1969) 279-300.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from percolyte.errors import InputError, Problem
from percolyte.impedance.measurement import Floats
from percolyte.units import Number

CHANCE = 0.05
"""Of a bend where there is none."""


def film_resistance(thickness: Number, conductivity: Number, area: Number) -> Number:
    """R = L/(σ A) in ohm of a film in the contact (Eq. 20), straight through it.

    Holds where the film is much thinner than the contact is wide. It says nothing of a contact without a film:
    that of a spot of radius a is not L/(σ π a²) with any length that could be measured, but `constriction_resistance`.
    """
    return thickness / (conductivity * area)


def film_contact_area(resistance: Number, thickness: Number, conductivity: Number) -> Number:
    """A = L/(σ R) in m2, the area that a film of known thickness and conductivity must have (Eq. 20)."""
    return thickness / (conductivity * resistance)


def constriction_resistance(radius: Number, conductivity: Number, other: Number | None = None) -> Number:
    """R = 1/(4 a σ_1) + 1/(4 a σ_2) in ohm of one circular spot of radius a between two large bodies.

    With one conductivity both bodies have it, 1/(2 a σ). Holds where the spot is small against the bodies and large against
    the mean free path. Limit: a perfect conductor on one side, σ_2 = ∞, leaves 1/(4 a σ).
    """
    return (1.0 / conductivity + 1.0 / (conductivity if other is None else other)) / (4.0 * radius)


def cluster_resistance(radius: Number, count: Number, cluster: Number, conductivity: Number) -> Number:
    """R = 1/(2 n a σ) + 1/(2 b σ) in ohm of n equal spots of radius a spread over a circle of radius b.

    The spots in parallel, and the constriction of the circle as a whole, since neighbours share the bodies. Holds for
    many spots, evenly spread, n a² well below b². Limit: one spot alone has the first term only.
    """
    return (1.0 / (count * radius) + 1.0 / cluster) / (2.0 * conductivity)


def partial_contact_resistance(radius: Number, fraction: Number, conductivity: Number) -> Number:
    """Area-specific resistance in ohm m2 where spots of radius a cover the fraction f of an interface.

    R A = π a (1 - sqrt f)^1.5/(2 σ f), σ the same on both sides: n = f/(π a²) spots per area, each at the end of its
    own tube of current. Within 1 % of the series for such a tube for f < 0.1, but 6 % too high at 0.25, 30 % at 0.5.
    Limits: f -> 0 gives lone spots, 1/(2 a σ n); f = 1 gives nothing.
    """
    return np.pi * radius * (1.0 - np.sqrt(fraction)) ** 1.5 / (2.0 * conductivity * fraction)


def fraction_in_contact(
    resistance: float, radius: float, conductivity: float, other: float | None = None
) -> float | None:
    """The fraction f of an interface that spots of radius a touch, by its area-specific resistance in ohm m2.

    Inverts `partial_contact_resistance` with x = sqrt f: π a (1 - x)^1.5 = 2 σ R A x² has one root between 0 and 1,
    1/σ the mean of both sides. Holds as that does. Limits: no resistance touches everywhere; a resistance that
    is negative is none, None.
    """
    from scipy.optimize import brentq

    if resistance < 0.0:
        return None
    mean = 2.0 / (1.0 / conductivity + 1.0 / (conductivity if other is None else other))
    root = brentq(lambda x: np.pi * radius * (1.0 - x) ** 1.5 - 2.0 * mean * resistance * x * x, 0.0, 1.0, xtol=1e-15)
    return float(root) ** 2


@dataclass(frozen=True)
class ThicknessSeries:
    """A layer and its contacts, from samples of several thicknesses."""

    conductivity: float
    """S/m"""
    contact_resistance: float
    """ohm, of all contacts together; negative values within the error mean none, and beyond it see `negative`."""
    relative_error: float | None
    """Standard error of the conductivity over itself; none for two thicknesses, which always fit."""
    contact_error: float | None
    """Standard error in ohm."""
    samples: int = 2
    bends: bool = False
    """Whether a parabola describes the samples better than a line, beyond chance of 5 %."""

    @property
    def conductivity_interval(self) -> tuple[float, float] | None:
        """95 % interval in S/m by Student's t; infinite where the slope may be zero."""
        if self.relative_error is None:
            return None
        reach = self._quantile * self.relative_error
        return self.conductivity / (1.0 + reach), self.conductivity / (1.0 - reach) if reach < 1.0 else np.inf

    @property
    def contact_interval(self) -> tuple[float, float] | None:
        """95 % interval in ohm by Student's t."""
        if self.contact_error is None:
            return None
        reach = self._quantile * self.contact_error
        return self.contact_resistance - reach, self.contact_resistance + reach

    @property
    def negative(self) -> bool:
        """Whether the contact resistance is negative beyond its error: contacts between stacked layers make it so, else none is."""
        return self.contact_interval is not None and self.contact_interval[1] < 0.0

    @property
    def _quantile(self) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(self.samples - 2, 0.975))


def thickness_series(thickness: Number, resistance: Number, area: float) -> ThicknessSeries:
    """σ and R_s from R(L) = R_s + L/(σ A) by least squares, for thicknesses in m and resistances in ohm.

    R is what direct current between blocking contacts shows, or either rail's resistance of a fit that leaves R_s
    out. Holds where all samples have the same contacts and composition: pressing thicker samples less dense bends the line.
    Limit: samples on one line give it back without error.
    Errors: InputError for fewer than two different thicknesses, or resistances that do not grow with them.
    """
    lengths, ohms = np.atleast_1d(thickness).astype(float), np.atleast_1d(resistance).astype(float)
    problems = []
    if lengths.shape != ohms.shape:
        problems.append(Problem("resistance", f"give one for each of the {lengths.size} thicknesses, not {ohms.size}"))
    if np.unique(lengths).size < 2:
        problems.append(Problem("thickness", "two different ones are needed at least"))
    if problems:
        raise InputError(problems)
    spread = lengths - lengths.mean()
    slope = float(spread @ ohms / (spread @ spread))
    if not slope > 0.0:
        raise InputError("the resistance does not grow with the thickness: contacts or density differ between samples")
    contact = float(ohms.mean() - slope * lengths.mean())
    conductivity = 1.0 / (slope * area)
    if lengths.size == 2:
        return ThicknessSeries(conductivity, contact, None, None)
    noise = float(np.sum((ohms - contact - slope * lengths) ** 2)) / (lengths.size - 2)
    by_slope = noise / float(spread @ spread)
    error = (noise / lengths.size + by_slope * lengths.mean() ** 2) ** 0.5
    bends = _bends(lengths, ohms, noise * (lengths.size - 2))
    return ThicknessSeries(conductivity, contact, by_slope**0.5 / slope, float(error), lengths.size, bends)


def _bends(lengths: Floats, ohms: Floats, about_line: float) -> bool:
    """F test of the quadratic term."""
    from scipy.special import fdtrc

    degrees = lengths.size - 3
    if degrees < 1 or np.unique(lengths).size < 3:
        return False
    scaled = (lengths - lengths.mean()) / np.ptp(lengths)
    design = np.stack([np.ones_like(scaled), scaled, scaled**2], axis=1)
    rest = ohms - design @ np.linalg.lstsq(design, ohms, rcond=None)[0]
    about_parabola = float(rest @ rest)
    if about_line <= 1e-20 * float(ohms @ ohms):
        return False
    return bool(fdtrc(1, degrees, (about_line - about_parabola) / max(about_parabola / degrees, 1e-300)) < CHANCE)
