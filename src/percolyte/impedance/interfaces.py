"""Both lithium interfaces of a cell with an electrolyte between, from its impedance: which arcs are theirs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.circuit import parse_circuit
from percolyte.impedance.comparison import compare
from percolyte.impedance.estimates import NO_NOISE, Fit, percent
from percolyte.impedance.fit import fit
from percolyte.impedance.measurement import MeasuredSpectrum

DIFFUSION, _TIME = "Ws3", "Ws3_tau"
ARCS = tuple(
    f"{electrolyte}-{interfaces}{diffusion}"
    for interfaces in ("p(R1,CPE1)", "p(R1,CPE1)-p(R2,CPE2)")
    for electrolyte in ("R0", "p(R0,CPE0)")
    for diffusion in ("", f"-{DIFFUSION}")
)
"""Electrolyte as a resistor or with its own arc, one arc of interfaces or two; without and with the diffusion of the salt."""
LEAST_EXPONENT = 0.6
"""Of the constant phase element of an arc: below, it is no arc but a tail, such as that of diffusion with 0.5."""
LEAST_CAPACITANCE = 1e-4
"""F/m2, below which an arc is of the electrolyte: a permittivity of 100 over 9 um, or of 10 over 1 um."""
USUAL_AREA = 1e-4
"""m2, of a cell whose area is not known, for what needs its size to a factor of ten only."""
SEEN = 0.25
"""Relative standard error of its resistance up to which one of two arcs is told from nothing."""
MISSED = 0.02
"""Residuals relative to |Z| that are no noise, beyond which the arcs are not those of the fit."""
REACH = 3.0
"""How many times the residuals a fit that misses something may put one arc's resistance into another's."""


@dataclass(frozen=True)
class Arc:
    """One arc of a fit."""

    name: str
    """Of its resistance in the fit."""
    resistance: float
    """ohm"""
    time_constant: float
    """τ = (R Q)^(1/a), s"""

    @property
    def capacitance(self) -> float:
        """τ/R, F"""
        return self.time_constant / self.resistance


@dataclass(frozen=True, eq=False)
class Interfaces:
    """Resistance of both lithium interfaces together at one time."""

    value: float
    """ohm"""
    error: float
    """Standard error, ohm; zero where none is stated."""
    electrolyte: float | None = None
    """Resistance of the electrolyte beside them, ohm, where a spectrum shows it."""
    fit: Fit | None = None
    arcs: tuple[Arc, ...] = ()
    """Those of the interfaces, the fastest first."""

    @property
    def missed(self) -> float | None:
        """Relative residuals of the spectrum where they are no noise, which widened the error."""
        return None if self.fit is None or not _misses(self.fit) else self.fit.noise[0]

    @property
    def bulk_arc(self) -> bool:
        """Whether the electrolyte has an arc of its own in the spectrum."""
        return self.fit is not None and "CPE0_Q" in self.fit.values

    @property
    def diffusion(self) -> tuple[float, float] | None:
        """Resistance in ohm and L²/D in s of the process taken for the diffusion of the salt; the element has a quarter of it, (L/2)²/D."""
        if self.fit is None or _TIME not in self.fit.values or self.fit[_TIME].value is None:
            return None
        return self.fit.values[f"{DIFFUSION}_R"], 4.0 * self.fit.values[_TIME]


def interfaces_of(spectrum: MeasuredSpectrum) -> Interfaces:
    """The interfaces of a lithium cell from its impedance: the slower arc or arcs, the fastest being the electrolyte's where it has one.

    The electrolyte is a resistor, or an arc of which the frequencies may show the foot only; the interfaces are one arc or
    two, whose resistances add; the diffusion of the salt may stand behind. Among these `ARCS` the corrected criterion of Akaike
    chooses, the fewest numbers among equals. An arc of a capacitance below `LEAST_CAPACITANCE` times the area is of the
    electrolyte, whatever stands before it. Residuals that are no noise add `REACH` times their size, of electrolyte and
    interfaces together, to the standard error.
    Errors: InputError where the spectrum does not tell the arcs, or where the best fit misses it by more than `MISSED`.
    """
    fits = {text: fit(spectrum, parse_circuit(text), loss="robust", profile="never") for text in ARCS}
    sound = {text: one for text, one in fits.items() if _sound(one)}
    wanted = "read the resistance of the interfaces by other means and state it, such as '25 ohm'"
    if not sound:
        why = "shows no arc that could be told from electrolyte and diffusion of the salt"
        raise InputError(f"{why}; {wanted}", source=spectrum.source)
    chosen = compare(sound).chosen if len(sound) > 1 else next(iter(sound))
    best = fit(spectrum, parse_circuit(chosen), start=sound[chosen].values, loss="robust")
    bulk, arcs = _parted(best, spectrum.area or USUAL_AREA)
    if unknown := [best[arc.name].why for arc in arcs if best[arc.name].value is None]:
        raise InputError(f"does not tell the arc of the interfaces: {unknown[0]}; {wanted}", source=spectrum.source)
    left = best.noise[0] if _misses(best) else 0.0
    if left > MISSED:
        why = f"is not described by one arc or two of the interfaces beside the electrolyte: residuals of {percent(left)} of |Z|"
        raise InputError(f"{why}; {wanted}", source=spectrum.source)
    electrolyte, _ = _sum(best, bulk)
    value, error = _sum(best, [arc.name for arc in arcs])
    known = all(best[name].value is not None for name in bulk)
    return Interfaces(
        value,
        math.hypot(error, REACH * left * (value + (electrolyte if known else 0.0))),
        electrolyte if known else None,
        best,
        arcs,
    )


def _parted(one: Fit, area: float) -> tuple[list[str], tuple[Arc, ...]]:
    """Names of the resistances of the electrolyte, and the arcs of the interfaces."""
    arcs = _arcs(one)
    alone = [] if "CPE0_Q" in one.values else ["R0"]
    first = 0 if alone else 1
    while first < len(arcs) - 1 and arcs[first].capacitance < LEAST_CAPACITANCE * area:
        first += 1
    return [*alone, *(arc.name for arc in arcs[:first])], arcs[first:]


def _sum(one: Fit, names: Sequence[str]) -> tuple[float, float]:
    """Sum of resistances and its standard error, from the covariance of their logarithms."""
    places = [[parameter.name for parameter in one.parameters].index(name) for name in names]
    values = one.optimum[places]
    return float(values.sum()), math.sqrt(float(values @ one.covariance[np.ix_(places, places)] @ values))


def _arcs(one: Fit) -> tuple[Arc, ...]:
    """Those of the fit, the fastest first."""
    values = one.values
    found = [Arc(f"R{k}", values[f"R{k}"], _time(values, k)) for k in "012" if f"CPE{k}_Q" in values]
    return tuple(sorted(found, key=lambda arc: arc.time_constant))


def _time(values: Mapping[str, float], place: str) -> float:
    """(R Q)^(1/a) of a sound arc; a tail, of small exponent, has none."""
    exponent = max(values[f"CPE{place}_a"], 0.1)
    return math.exp(math.log(values[f"R{place}"] * values[f"CPE{place}_Q"]) / exponent)


def _sound(one: Fit) -> bool:
    """Whether the arcs are arcs, the resistances of two known, and diffusion the slowest of all."""
    values = one.values
    last = [one[arc.name] for arc in _arcs(one)[-2:]] if "CPE2_Q" in values else []
    if any(arc.value is None or arc.error > SEEN for arc in last):
        return False
    if any(value < LEAST_EXPONENT for name, value in values.items() if name.endswith("_a")):
        return False
    return _TIME not in values or _arcs(one)[-1].time_constant < values[_TIME]


def _misses(one: Fit) -> bool:
    return any(NO_NOISE in warning for warning in one.warnings)
