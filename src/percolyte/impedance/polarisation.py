"""Direct current through a mixed conductor: what a constant current or voltage shows while one carrier is blocked.

After a step both rails carry current; then the blocked one comes to rest. With rails R_i and R_e, R = R_i + R_e, and
the capacitance C of the whole layer, which is that of the interface or, where charge transfer is fast, the chemical
one of the active material,

    R_0 = R_i R_e/R + R_s at once,   R_0 + G in the end,   T = R C,   θ = t/T,

G = R_e²/R between contacts that block ions and R_i²/R between those that block electrons; R_s is in series.
These are the responses to a step of the impedance R_0 + G tanh(u)/u, u = sqrt(iωT)/2, of `tlm`.
L²/T is the chemical diffusion coefficient of the layer.

Holds for a uniform layer and a voltage much below RT/F, 26 mV at room temperature.
Sources: I. Yokota, J. Phys. Soc. Jpn. 16 (1961) 2213-2223; J. Maier, Physical
Chemistry of Ionic Materials (2004).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError, Problem
from percolyte.impedance.measurement import Floats
from percolyte.impedance.model import Parameter
from percolyte.impedance.tlm import ELECTRONS, IONS
from percolyte.units import Number

Blocked: TypeAlias = Literal["ions", "electrons"]
Mode: TypeAlias = Literal["galvanostatic", "potentiostatic"]

SHORTEST = 0.5
"""Of T: a shorter run does not show where it ends. A galvanostatic one has 0.6 % of G still to come by then."""
SQUARE_ROOT = 0.05
"""Of T: until then the potential rises with the square root of time, to 1e-3."""
_GALVANOSTATIC_EARLY, _POTENTIOSTATIC_EARLY = 0.1, 0.006
"""θ below which the series for short times holds to rounding; above, that of the modes does with a few terms."""
_IMAGES, _ODD, _ROOTS = 3, 4, 14
"""Terms of these series: the next is below 1e-16."""
_FAR = 50.0
"""Argument beyond which the slope of erfcx comes from its asymptotic series, right to 2e-12 there."""


@dataclass(frozen=True)
class StepResponse:
    """Response over what was applied, ohm at constant current and S at constant voltage, to time since the step."""

    mode: Mode
    blocked: Blocked
    contact: bool = False
    """Whether a resistance is in series, such as electrolyte layers and contacts."""

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        own = (Parameter(IONS, "ohm"), Parameter(ELECTRONS, "ohm"), Parameter("interface_capacitance", "F"))
        return (*own, Parameter("contact_resistance", "ohm")) if self.contact else own

    def evaluate(self, values: Floats, time: Floats) -> tuple[Floats, Floats]:
        """Response (..., N) and its derivatives (..., N, P), for values (..., P) and time (N,) in s.

        Limits: t -> 0 gives R_0, and t -> ∞ R_0 + G, or one over them.
        """
        ionic, electronic, capacitance, *contact = np.moveaxis(np.asarray(values)[..., None], -2, 0)
        total = ionic + electronic
        shares = ionic / total, electronic / total
        moving = shares[1] if self.blocked == "ions" else shares[0]
        amplitude = moving * moving * total
        first = shares[0] * electronic + (contact[0] if contact else 0.0)
        theta = time / (total * capacitance)
        step = galvanostatic if self.mode == "galvanostatic" else potentiostatic
        response, by_first, by_amplitude, by_theta = step(first, amplitude, theta)

        slopes = np.empty((*response.shape, len(self.parameters)))
        for k, rail in enumerate((IONS, ELECTRONS)):
            own = moving * (2.0 - moving) if rail != _name(self.blocked) else -moving * moving
            slopes[..., k] = by_first * shares[1 - k] ** 2 + by_amplitude * own - by_theta * theta / total
        slopes[..., 2] = -by_theta * theta / capacitance
        if contact:
            slopes[..., 3] = by_first
        return response, slopes


FIRST, RISE, RELAXATION = "first_resistance", "rise", "relaxation_time"


@dataclass(frozen=True)
class Relaxation:
    """The same without a word on what R_0, G and T are of: rails and contacts, or a salt between lithium electrodes."""

    mode: Mode
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter(FIRST, "ohm"),
        Parameter(RISE, "ohm"),
        Parameter(RELAXATION, "s"),
    )

    def evaluate(self, values: Floats, time: Floats) -> tuple[Floats, Floats]:
        """Response (..., N) and its derivatives (..., N, 3), for values (..., 3) and time (N,) in s.

        Limits: t -> 0 gives R_0, and t -> ∞ R_0 + G, or one over them.
        """
        first, rise, scale = np.moveaxis(np.asarray(values)[..., None], -2, 0)
        theta = time / scale
        step = galvanostatic if self.mode == "galvanostatic" else potentiostatic
        response, by_first, by_rise, by_theta = step(first, rise, theta)
        return response, np.stack([by_first, by_rise, -by_theta * theta / scale], axis=-1)


def galvanostatic(first: Floats, amplitude: Floats, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """V/I = R_0 + G F(θ) and its derivatives by R_0, G and θ.

    F = 1 - (8/π²) Σ exp(-(2n+1)² π² θ)/(2n+1)², n = 0, 1, ..., or, the same,
    F = 4 sqrt(θ) [1/sqrt(π) + 2 Σ (-1)^k ierfc(k/(2 sqrt θ))], k = 1, 2, ...
    Limit: F = 4 sqrt(θ/π) to 1e-3 until θ = 0.05.
    """
    early = theta < _GALVANOSTATIC_EARLY
    rise, slope = np.empty_like(theta), np.empty_like(theta)
    rise[early], slope[early] = _images(theta[early])
    rise[~early], slope[~early] = _odd_modes(theta[~early])
    return first + amplitude * rise, np.ones_like(rise), rise, amplitude * slope


def potentiostatic(first: Floats, amplitude: Floats, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """I/V = 1/(R_0 + G) + Σ A_n exp(-4 ν_n² θ) and its derivatives by R_0, G and θ.

    With ρ = R_0/G, tan ν_n = -ρ ν_n and A_n = 2/[G (1 + ρ + ρ² ν_n²)]; I/V = erfcx(2 sqrt(θ)/ρ)/R_0 at short times.
    The slowest time constant lies between T/(4π²), ρ -> 0, and T/π², ρ -> ∞. Limit: t -> 0 gives 1/R_0.
    """
    early = _error_function(first, amplitude, theta)
    late = _mixed_modes(first, amplitude, theta)
    value, by_first, by_amplitude, by_theta = np.where(theta < _POTENTIOSTATIC_EARLY, early, late)
    return value, by_first, by_amplitude, by_theta


def _images(theta: Floats) -> tuple[Floats, Floats]:
    """F and dF/dθ at short times: the far side answers by images of the near one."""
    from scipy.special import erfc

    root = np.sqrt(theta)
    at_start = theta == 0.0
    safe = np.where(at_start, 1.0, root)
    rise = np.full_like(theta, 1.0 / math.sqrt(math.pi))
    slope = np.ones_like(theta)
    for k in range(1, _IMAGES + 1):
        sign, z = (-1.0) ** k, k / (2.0 * safe)
        bell = np.exp(-z * z)
        rise += 2.0 * sign * (bell / math.sqrt(math.pi) - z * erfc(z))
        slope += 2.0 * sign * bell
    return 4.0 * root * rise, np.where(at_start, 0.0, 2.0 * slope / (math.sqrt(math.pi) * safe))


def _odd_modes(theta: Floats) -> tuple[Floats, Floats]:
    odd = math.pi * (2.0 * np.arange(_ODD) + 1.0)
    decay = np.exp(-theta[..., None] * odd**2)
    return 1.0 - 8.0 * np.sum(decay / odd**2, axis=-1), 8.0 * np.sum(decay, axis=-1)


def _error_function(first: Floats, amplitude: Floats, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """I/V and its derivatives while the middle of the layer has not noticed."""
    from scipy.special import erfcx

    root = np.sqrt(theta)
    z = 2.0 * root * amplitude / first
    value = erfcx(z)
    inverse = 1.0 / np.maximum(z, 1.0) ** 2
    far = -inverse * (1.0 - inverse * (1.5 - inverse * (3.75 - 13.125 * inverse))) / math.sqrt(math.pi)
    slope = np.where(z > _FAR, far, 2.0 * z * value - 2.0 / math.sqrt(math.pi))
    by_root = slope * 2.0 * amplitude / first**2
    by_theta = by_root / np.where(theta > 0.0, 2.0 * root, np.inf)
    return value / first, -(value + slope * z) / first**2, by_root * root / amplitude, by_theta


def _mixed_modes(first: Floats, amplitude: Floats, theta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """I/V and its derivatives by the modes, of which there is one set (..., n) for all times."""
    ratio = first / amplitude
    nu = _roots(ratio)
    square = ratio * nu * nu
    width = 1.0 + ratio * (1.0 + square)
    weight = 2.0 / (amplitude * width)
    turn = -nu / width
    by_ratio = -weight * (1.0 + 2.0 * square + 2.0 * ratio * ratio * nu * turn) / width
    amounts = np.stack([weight, by_ratio, -8.0 * nu * turn * weight, -4.0 * nu * nu * weight], axis=-1)
    decay = np.exp(-4.0 * (nu * nu)[..., None, :] * theta[..., None])
    value, slope, slope_in_time, by_theta = np.moveaxis(decay @ amounts, -1, 0)
    slope = slope + theta * slope_in_time
    final = 1.0 / (first + amplitude)
    by_amplitude = -final * final - (value + slope * ratio) / amplitude
    return final + value, -final * final + slope / amplitude, by_amplitude, by_theta


def _roots(ratio: Floats) -> Floats:
    """The first ν > 0 with tan ν = -ρ ν (..., n): Newton's method on ν + arctan(ρν) = nπ, concave, from below."""
    target = math.pi * np.arange(1, _ROOTS + 1)
    nu = target - 0.5 * math.pi + 0.0 * ratio
    for _ in range(8):
        scaled = ratio * nu
        nu -= (nu + np.arctan(scaled) - target) / (1.0 + ratio / (1.0 + scaled * scaled))
    return nu


def _name(rail: Blocked) -> str:
    return IONS if rail == "ions" else ELECTRONS


def relaxation_time(ionic: Number, electronic: Number, capacitance: Number) -> Number:
    """T = (R_i + R_e) C in s."""
    return (ionic + electronic) * capacitance


def chemical_diffusion_coefficient(thickness: Number, ionic: Number, electronic: Number, capacitance: Number) -> Number:
    """D = L²/[(R_i + R_e) C] in m2/s, equal to σ_i σ_e/[(σ_i + σ_e) c] with the capacitance c per volume.

    It is of the whole layer: in a composite it tells how fast the charge of the interfaces spreads, and not how fast
    lithium diffuses in the active material.
    """
    return thickness**2 / relaxation_time(ionic, electronic, capacitance)


@dataclass(frozen=True)
class Duration:
    """Whether a run lasted long enough."""

    relaxation_times: float
    """How many T it lasted."""
    overestimate: float
    """By which share the conductivity read from the last point exceeds the true one."""

    @property
    def sufficient(self) -> bool:
        return self.relaxation_times >= SHORTEST

    def __str__(self) -> str:
        lasted = f"the run lasted {self.relaxation_times:.2g} times its relaxation time (R_i + R_e) C"
        off = f"its last point overestimates the conductivity by {100.0 * self.overestimate:.2g} %"
        if self.sufficient:
            return f"{lasted}; {off}"
        return f"{lasted}, and needs {SHORTEST:g}: {off}; measure longer, or fit the whole transient"


def duration(model: StepResponse, values: Floats, seconds: float) -> Duration:
    """How far a run of that many seconds got, for fitted values (P,) of its model.

    What is overestimated is the conductance of everything in series, R_s included.
    Limits: a long run overestimates by nothing, one that ends at once by G/R_0.
    """
    ionic, electronic, capacitance = (float(value) for value in values[:3])
    scale = float(relaxation_time(ionic, electronic, capacitance))
    (last,), (final,) = (model.evaluate(values, np.array([time]))[0] for time in (seconds, 1e3 * scale))
    ratio = final / last if model.mode == "galvanostatic" else last / final
    return Duration(seconds / scale, float(ratio) - 1.0)


def square_root_law(time: Floats, response: Floats, relaxation: float) -> tuple[float, float]:
    """R_0 in ohm and slope in ohm s^-1/2 of V/I = R_0 + 4 G sqrt(t/(π T)), over the points where that holds.

    Only points before 0.05 T are used, where the full solution departs by less than 1e-3 of the rise.
    Errors: InputError where fewer than three points are that early.
    """
    early: NDArray[np.bool_] = time < SQUARE_ROOT * relaxation
    if np.count_nonzero(early) < 3:
        raise InputError(
            f"only {np.count_nonzero(early)} points lie before {SQUARE_ROOT * relaxation:.3g} s, where the potential "
            "rises with the square root of time; fit the whole transient instead"
        )
    design = np.stack([np.ones(int(early.sum())), np.sqrt(time[early])], axis=1)
    (intercept, slope), *_ = np.linalg.lstsq(design, response[early], rcond=None)
    return float(intercept), float(slope)


def transference_number(
    voltage: float,
    *,
    first_current: float,
    steady_current: float,
    first_resistance: float = 0.0,
    steady_resistance: float = 0.0,
) -> float:
    """Of the cation, from a lithium cell held at a small voltage: t = I_s (V - I_0 R_0)/[I_0 (V - I_s R_s)].

    Currents in A at once and in the end, resistances in ohm of the lithium interfaces at both times. Exact for an
    ideal dilute salt; in a concentrated one it is the share of the current that the steady state keeps, which
    falls short of the transference number, or exceeds it, by what activity and convection add
    (N. P. Balsara, J. Newman, J. Electrochem. Soc. 162 (2015) A2720-A2722). V should be below 10 mV.
    Limits: no interfaces give I_s/I_0; equal currents and resistances give one, a single-ion conductor.
    Source: J. Evans, C. A. Vincent, P. G. Bruce, Polymer 28 (1987) 2324-2328.
    Errors: InputError where the currents or resistances contradict the voltage.
    """
    given = {"voltage": voltage, "first_current": first_current, "steady_current": steady_current}
    problems = [
        Problem(name, f"{value:g} is not positive; give voltage and currents with the same sign, away from zero")
        for name, value in given.items()
        if not value > 0.0
    ]
    if steady_current > first_current:
        problems.append(Problem("steady_current", "exceeds the first one; the current of such a cell falls"))
    lost = {
        "first_resistance": first_current * first_resistance,
        "steady_resistance": steady_current * steady_resistance,
    }
    problems += [
        Problem(name, f"takes {1e3 * drop:.3g} mV of {1e3 * voltage:.3g} mV; it takes at least 0, and leaves some")
        for name, drop in lost.items()
        if not 0.0 <= drop < voltage
    ]
    if problems:
        raise InputError(problems)
    first_drop, steady_drop = voltage - lost["first_resistance"], voltage - lost["steady_resistance"]
    return steady_current * first_drop / (first_current * steady_drop)


def electronic_conductivity(voltage: Number, steady_current: Number, *, thickness: Number, area: Number) -> Number:
    """σ_e = I L/(V A) in S/m of an electrolyte layer between contacts that block ions, after all ions came to rest.

    Holds for a small voltage, where electrons and holes keep their number; at volts between a reversible
    and a blocking contact the current follows C. Wagner (Z. Elektrochem. 60 (1956) 4-7) and is no conductance.
    """
    return steady_current * thickness / (voltage * area)
