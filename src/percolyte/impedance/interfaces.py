"""Both lithium interfaces of a cell with an electrolyte between, from its impedance: which arc is theirs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from percolyte.errors import InputError
from percolyte.impedance.circuit import parse_circuit
from percolyte.impedance.comparison import compare
from percolyte.impedance.estimates import NO_NOISE, Fit
from percolyte.impedance.fit import fit
from percolyte.impedance.measurement import MeasuredSpectrum

ARCS = (
    "R0-p(R1,CPE1)",
    "R0-p(R1,CPE1)-Ws2",
    "p(R0,CPE0)-p(R1,CPE1)",
    "p(R0,CPE0)-p(R1,CPE1)-Ws2",
)
"""Electrolyte as a resistor or with its own arc, and interfaces; without and with the diffusion of the salt."""
LEAST_EXPONENT = 0.5
"""Of the constant phase element of an arc: below, it is no arc but a tail."""
MISSED = 0.02
"""Residuals relative to |Z| that are no noise, beyond which the arcs are not those of the fit."""
REACH = 3.0
"""How many times the residuals a fit that misses something may put one arc's resistance into another's."""


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
        """Resistance in ohm and L²/D in s of the process taken for the diffusion of the salt; Ws2 has a quarter of it, (L/2)²/D."""
        if self.fit is None or "Ws2_tau" not in self.fit.values or self.fit["Ws2_tau"].value is None:
            return None
        return self.fit.values["Ws2_R"], 4.0 * self.fit.values["Ws2_tau"]


def interfaces_of(spectrum: MeasuredSpectrum) -> Interfaces:
    """The interfaces of a lithium cell from its impedance: the slower arc, the faster being the electrolyte's.

    The electrolyte is a resistor, or an arc of which the frequencies may show the foot only; the diffusion of the salt may
    stand behind. Among these `ARCS` the corrected criterion of Akaike chooses, the fewest numbers among equals. Holds where the
    interfaces are one arc. Residuals that are no noise add `REACH` times their size, of electrolyte and interfaces
    together, to the standard error.
    Errors: InputError where the spectrum does not tell the arc, or where the best fit misses it by more than `MISSED`.
    """
    fits = {text: fit(spectrum, parse_circuit(text), loss="robust") for text in ARCS}
    sound = {text: one for text, one in fits.items() if _sound(one)}
    wanted = "read the resistance of the interfaces by other means and state it, such as '25 ohm'"
    if not sound:
        why = "shows no arc that could be told from electrolyte and diffusion of the salt"
        raise InputError(f"{why}; {wanted}", source=spectrum.source)
    best = sound[compare(sound).chosen] if len(sound) > 1 else next(iter(sound.values()))
    *fast, (name, _) = _arcs(best)
    arc, electrolyte = best[name], best[fast[0][0] if fast else "R0"]
    if arc.value is None:
        raise InputError(f"does not tell the arc of the interfaces: {arc.why}; {wanted}", source=spectrum.source)
    left = best.noise[0] if _misses(best) else 0.0
    if left > MISSED:
        why = f"is not described by an arc of the interfaces beside the electrolyte: residuals of {100.0 * left:.2g} % of |Z|"
        raise InputError(f"{why}; {wanted}", source=spectrum.source)
    error = math.hypot(arc.value * arc.error, REACH * left * (arc.value + (electrolyte.value or 0.0)))
    return Interfaces(arc.value, error, electrolyte.value, best)


def _arcs(one: Fit) -> list[tuple[str, float]]:
    """Resistance and ln of the time constant (R Q)^(1/a) of each arc, the fastest first."""
    values = one.values
    places = [place for place in "01" if f"CPE{place}_Q" in values]
    times = [math.log(values[f"R{k}"] * values[f"CPE{k}_Q"]) / values[f"CPE{k}_a"] for k in places]
    return sorted(((f"R{k}", time) for k, time in zip(places, times, strict=True)), key=lambda item: item[1])


def _sound(one: Fit) -> bool:
    """Whether the arcs are arcs and diffusion is the slowest of all."""
    values = one.values
    if any(value < LEAST_EXPONENT for name, value in values.items() if name.endswith("_a")):
        return False
    return "Ws2_tau" not in values or _arcs(one)[-1][1] < math.log(values["Ws2_tau"])


def _misses(one: Fit) -> bool:
    return any(NO_NOISE in warning for warning in one.warnings)
