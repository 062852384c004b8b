"""The elements of equivalent circuits: each one law, a small function on arrays, with the equation it computes.

A function takes omega (N,) in rad/s and its parameters, each (..., 1), and returns Z and dZ/dp, one a
parameter, in shapes that spread over (..., N). Time convention exp(+iωt). The names are those of the
Python package impedance.py, but for the sphere, which it lacks.

Sources: E. Barsoukov, J. R. Macdonald (eds.), Impedance Spectroscopy, 3rd ed. (2018), chapter 2;
T. Jacobsen, K. West, Electrochim. Acta 40 (1995) 255-262 (diffusion in slab and sphere);
B. A. Boukamp, H. J. M. Bouwmeester, Solid State Ionics 157 (2003) 29-33 (Gerischer).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from percolyte.impedance.branch import Branch, Terms
from percolyte.impedance.measurement import Complexes, Floats
from percolyte.impedance.model import Parameter
from percolyte.numerics.hyperbolic import tanh_ratio

RESISTANCE, TIME = Parameter("R", "ohm"), Parameter("tau", "s")
EXPONENT = Parameter("a", "", 0.0, 1.0)
IMAGINARY = np.complex128(1j)


@dataclass(frozen=True)
class Law:
    """What an element is: its symbol, its equation and the function that computes it."""

    symbol: str
    title: str
    equation: str
    """Z in terms of the parameters, the angular frequency w and the imaginary unit i."""
    parameters: tuple[Parameter, ...]
    compute: Callable[..., Terms]


@dataclass(frozen=True)
class Element(Branch):
    """A law with names for its parameters."""

    law: Law
    names: tuple[str, ...]

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return tuple(
            Parameter(name, own.unit, own.low, own.high)
            for name, own in zip(self.names, self.law.parameters, strict=True)
        )

    def terms(self, values: Floats, omega: Floats) -> Terms:
        return self.law.compute(omega, *values)


def element(symbol: str, *names: str) -> Element:
    """The element of this symbol with names for its parameters."""
    return Element(LAWS[symbol], names)


def resistor(omega: Floats, resistance: Floats) -> Terms:
    """Z = R."""
    one = np.ones_like(resistance, dtype=complex)
    return resistance * one, [one]


def capacitor(omega: Floats, capacitance: Floats) -> Terms:
    """Z = 1/(iωC)."""
    impedance = -IMAGINARY / (omega * capacitance)
    return impedance, [-impedance / capacitance]


def inductor(omega: Floats, inductance: Floats) -> Terms:
    """Z = iωL."""
    slope = IMAGINARY * omega
    return slope * inductance, [slope]


def constant_phase(omega: Floats, q: Floats, a: Floats) -> Terms:
    """Z = 1/(Q (iω)^a). Limits: a = 1 is a capacitor of Q, a = 0 a resistor of 1/Q."""
    log = _log(omega)
    impedance = _power(log, -a) / q
    return impedance, [-impedance / q, -impedance * log]


def lossy_inductor(omega: Floats, inductance: Floats, a: Floats) -> Terms:
    """Z = L (iω)^a. Limits: a = 1 is an inductor of L, a = 0 a resistor of L."""
    log = _log(omega)
    slope = _power(log, a)
    impedance = slope * inductance
    return impedance, [slope, impedance * log]


def warburg(omega: Floats, coefficient: Floats) -> Terms:
    """Z = σ (1 - i)/sqrt(ω), diffusion into an unlimited medium."""
    slope = (1.0 - 1.0j) / np.sqrt(omega)
    return slope * coefficient, [slope]


def slab_closed(omega: Floats, resistance: Floats, tau: Floats) -> Terms:
    """Z = R coth(u)/u, u = sqrt(iωτ), τ = L²/D: diffusion in a slab whose far side is closed.

    Limits: ω -> 0 gives R/3 + R/(iωτ), a capacitor of τ/R; ω -> ∞ a Warburg element of R/sqrt(2τ).
    """
    v = IMAGINARY * omega * tau
    ratio, slope = tanh_ratio(v)
    per_resistance = 1.0 / (v * ratio)
    impedance = resistance * per_resistance
    return impedance, [per_resistance, -impedance / tau * (1.0 + slope / ratio)]


def slab_held(omega: Floats, resistance: Floats, tau: Floats) -> Terms:
    """Z = R tanh(u)/u, u = sqrt(iωτ), τ = L²/D: diffusion in a slab whose far side is held.

    Limits: ω -> 0 gives R; ω -> ∞ a Warburg element of R/sqrt(2τ).
    """
    v = IMAGINARY * omega * tau
    ratio, slope = tanh_ratio(v)
    return resistance * ratio, [ratio, resistance / tau * slope]


def sphere(omega: Floats, resistance: Floats, tau: Floats) -> Terms:
    """Z = R tanh(u)/(u - tanh u), u = sqrt(iωτ), τ = r²/D: diffusion into a sphere.

    Limits: ω -> 0 gives R/5 + 3R/(iωτ), a capacitor of τ/(3R); ω -> ∞ a Warburg element of R/sqrt(2τ).
    """
    v = IMAGINARY * omega * tau
    ratio, slope = tanh_ratio(v)
    rest = 2.0 * slope + v * ratio * ratio
    per_resistance = ratio / rest
    return resistance * per_resistance, [per_resistance, resistance / tau * slope / (rest * rest)]


def gerischer(omega: Floats, resistance: Floats, tau: Floats) -> Terms:
    """Z = R/sqrt(1 + iωτ), diffusion with a first-order reaction on the way. Limit: ω -> 0 gives R."""
    inside = 1.0 + 1j * omega * tau
    per_resistance = 1.0 / np.sqrt(inside)
    impedance = resistance * per_resistance
    return impedance, [per_resistance, -0.5 * IMAGINARY * omega * impedance / inside]


def zarc(omega: Floats, resistance: Floats, tau: Floats, a: Floats) -> Terms:
    """Z = R/(1 + (iωτ)^a): p(R,CPE) by its time constant, τ = (R Q)^(1/a). Limit: a = 1 is p(R,C) with τ = RC."""
    log = _log(omega * tau)
    power = _power(log, a)
    per_resistance = 1.0 / (1.0 + power)
    impedance = resistance * per_resistance
    lowered = -impedance * per_resistance * power
    return impedance, [per_resistance, lowered * (a / tau), lowered * log]


def _log(omega: Floats) -> Complexes:
    """ln(iω)."""
    found: Complexes = np.log(omega) + 0.5j * math.pi
    return found


def _power(log: Complexes, exponent: Floats) -> Complexes:
    """(iω)^a on the principal branch, modulus and phase apart: a real exponential takes a sixth of a complex one."""
    found: Complexes = np.exp(exponent * log.real) * np.exp(0.5j * math.pi * exponent)
    return found


_ALL = (
    Law("R", "resistor", "R", (RESISTANCE,), resistor),
    Law("C", "capacitor", "1/(i*w*C)", (Parameter("C", "F"),), capacitor),
    Law("L", "inductor", "i*w*L", (Parameter("L", "H"),), inductor),
    Law("CPE", "constant phase element", "1/(Q*(i*w)**a)", (Parameter("Q", "F s^(a-1)"), EXPONENT), constant_phase),
    Law("La", "lossy inductor", "L*(i*w)**a", (Parameter("L", "H s^(a-1)"), EXPONENT), lossy_inductor),
    Law("W", "Warburg element", "sigma*(1 - i)/sqrt(w)", (Parameter("sigma", "ohm s^(-1/2)"),), warburg),
    Law("Wo", "slab with closed far side", "R*coth(sqrt(i*w*tau))/sqrt(i*w*tau)", (RESISTANCE, TIME), slab_closed),
    Law("Ws", "slab with held far side", "R*tanh(sqrt(i*w*tau))/sqrt(i*w*tau)", (RESISTANCE, TIME), slab_held),
    Law(
        "Sph",
        "sphere",
        "R*tanh(sqrt(i*w*tau))/(sqrt(i*w*tau) - tanh(sqrt(i*w*tau)))",
        (RESISTANCE, TIME),
        sphere,
    ),
    Law("G", "Gerischer element", "R/sqrt(1 + i*w*tau)", (RESISTANCE, TIME), gerischer),
    Law("Zarc", "depressed arc", "R/(1 + (i*w*tau)**a)", (RESISTANCE, TIME, EXPONENT), zarc),
)

LAWS = {law.symbol: law for law in _ALL}
"""Every element by its symbol."""
