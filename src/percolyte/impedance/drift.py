"""Whether a cell stayed what it was: from spectrum to spectrum over time, and from amplitude to amplitude."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from percolyte.errors import InputError
from percolyte.impedance.measurement import Complexes, Floats, MeasuredSpectrum
from percolyte.impedance.validity import LEAST_POINTS, check_spectrum
from percolyte.units import FARADAY, GAS_CONSTANT

SAME_FREQUENCY = 1e-3
"""Relative difference up to which two spectra have a frequency in common."""
TOLD = 4.0
"""Standard deviations of noise."""
LINEAR = 0.01
"""Error of a resistance up to which a cell counts as linear."""


@dataclass(frozen=True, eq=False)
class Drift:
    """Change of repeated spectra, in the order given."""

    frequency: Floats
    """Common to all, Hz."""
    change: Complexes
    """Trend of ln Z from the first spectrum to the last: real part relative change of |Z|, imaginary part of the phase, rad."""
    noise: Floats
    """Standard deviation of either part of `change` by the noise of the spectra."""
    scatter: float
    """Root mean square about the trend over that of noise: near 1 if trend and noise are all there is; NaN for two spectra."""
    verdict: Literal["steady", "drifting", "scattered"]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Linearity:
    """How far an amplitude bends the current of one charge transfer with equal transfer coefficients."""

    ratio: float
    """Amplitude over R T/F."""
    error: float
    """Of the resistance, relative, at most: negative where it is measured too small."""
    third_harmonic: float
    """Of the current over its fundamental; NaN for a direct voltage."""
    words: str


def check_drift(spectra: Sequence[MeasuredSpectrum], *, noise: float | None = None) -> Drift:
    """Trend of ln Z over the spectra at each common frequency, against their noise by Kramers-Kronig.

    A least-squares line through ln Z, spectra evenly in order; drifting where a part of it exceeds the noise by four standard
    deviations at two frequencies or more, scattered where the spectra leave the line by more than twice their noise. Limits: a
    change that came and went is scatter; the noise holds what one spectrum shows, not contacts opened between two. `noise`, of
    either part over |Z|, is given where it is known already.

    Errors: InputError for fewer than two spectra, or fewer than 8 frequencies in common.
    """
    if len(spectra) < 2:
        raise InputError("drift is a change between spectra; give at least two of the same cell, in order of time")
    frequency, logarithms = _common(spectra)
    if noise is None:
        noise = float(np.sqrt(np.mean([check_spectrum(spectrum).noise ** 2 for spectrum in spectra])))
    place = np.linspace(-0.5, 0.5, len(spectra))
    slope = (place @ logarithms) / (place @ place)
    rest = logarithms - logarithms.mean(axis=0) - np.outer(place, slope)
    freedom = 2 * (len(spectra) - 2) * frequency.size
    scatter = math.sqrt(float(np.sum(np.abs(rest) ** 2)) / freedom) / noise if freedom else math.nan
    deviation = np.full(frequency.size, noise / math.sqrt(place @ place))
    verdict, words = _judged(frequency, slope, deviation, scatter)
    return Drift(frequency, slope, deviation, scatter, verdict, words)


def _common(spectra: Sequence[MeasuredSpectrum]) -> tuple[Floats, Complexes]:
    """Frequencies that count in all spectra, and ln Z (spectra, frequencies) there, phases unwrapped over the spectra."""
    first = spectra[0]
    kept, rows = first.used, [first.impedance]
    for spectrum in spectra[1:]:
        candidates = np.where(spectrum.used, spectrum.frequency, np.inf)
        nearest = np.argmin(np.abs(np.log(candidates[None] / first.frequency[:, None])), axis=1)
        kept &= np.abs(candidates[nearest] / first.frequency - 1.0) < SAME_FREQUENCY
        rows.append(spectrum.impedance[nearest])
    if kept.sum() < LEAST_POINTS:
        raise InputError(
            f"the spectra have {kept.sum()} frequencies in common; drift needs {LEAST_POINTS}, within {SAME_FREQUENCY:.1%}"
        )
    impedance = np.array(rows)[:, kept]
    relative = impedance / impedance[0]
    return first.frequency[kept], np.log(np.abs(relative)) + 1j * np.unwrap(np.angle(relative), axis=0)


def _judged(
    frequency: Floats, slope: Complexes, deviation: Floats, scatter: float
) -> tuple[Literal["steady", "drifting", "scattered"], tuple[str, ...]]:
    beyond = (np.maximum(np.abs(slope.real), np.abs(slope.imag)) > TOLD * deviation).sum()
    if scatter > 2.0:
        return "scattered", (
            f"the spectra differ by {scatter:.2g} times their noise without order in time: contact or temperature changed between them",
        )
    if beyond < 2:
        largest = 100 * float(np.max(np.abs(slope)))
        return "steady", (f"no change beyond noise; the largest is {largest:.2g} %",)
    most = int(np.argmax(np.abs(slope.real)))
    return "drifting", (
        f"from the first to the last spectrum |Z| changed by {100 * math.expm1(slope.real[most]):+.2g} % at {frequency[most]:.3g} Hz, "
        f"and by {100 * math.expm1(slope.real[np.argmax(frequency)]):+.2g} % at the highest frequency",
    )


def linearity(amplitude: float, temperature: float, kind: Literal["sine", "step"] = "sine") -> Linearity:
    """Error of a charge-transfer resistance by the amplitude, in V (peak, not r.m.s.), at a temperature in K.

    With i = 2 i₀ sinh(x/2), x = F V/(R T): a step gives R/R₀ = (x/2)/sinh(x/2), a sine R/R₀ = (x/4)/I₁(x/2) and a third
    harmonic of I₃/I₁(x/2), Bessel functions of the Fourier series of exp(z sin θ) (M. Abramowitz, I. A. Stegun,
    Handbook of Mathematical Functions, 9.6.34). Limits: -x²/32 of a sine and -x²/24 of a step for small x. It is the most that
    the amplitude can do, with all of it across one interface; resistances of bulk share it and bend nothing.

    Errors: InputError for an amplitude or a temperature that is not positive.
    """
    from scipy.special import iv

    if not (math.isfinite(amplitude) and amplitude > 0.0 and math.isfinite(temperature) and temperature > 0.0):
        raise InputError("amplitude (V) and temperature (K) must be positive numbers, such as 0.01 and 298")
    ratio = amplitude * FARADAY / (GAS_CONSTANT * temperature)
    if kind == "step":
        error, third = 0.5 * ratio / math.sinh(0.5 * ratio) - 1.0, math.nan
    else:
        fundamental = float(iv(1, 0.5 * ratio))
        error, third = 0.25 * ratio / fundamental - 1.0, float(iv(3, 0.5 * ratio)) / fundamental
    told = f"{1e3 * amplitude:.3g} mV are {ratio:.2g} R T/F: a charge-transfer resistance comes out at most {-100 * error:.2g} % too small"
    return Linearity(ratio, error, third, told if -error < LINEAR else f"{told}; measure again at half the amplitude")


def amplitude_error(small: Complexes | Floats, large: Complexes | Floats, amplitudes: tuple[float, float]) -> Complexes:
    """Relative error (N,) of the impedances or resistances at the smaller of two amplitudes, from both.

    To the lowest order that symmetry allows Z(V) = Z₀ (1 - k V²), so that the error at V is
    V² (Z_large - Z_small)/(V_large² - V_small²)/Z₀. Limit: equal responses have no error.

    Errors: InputError unless the first amplitude is positive and smaller than the second.
    """
    low, high = amplitudes
    if not 0.0 < low < high:
        raise InputError("give the smaller amplitude first, and two that differ")
    step = (np.asarray(large) - np.asarray(small)) * low**2 / (high**2 - low**2)
    return np.asarray(step / (np.asarray(small) - step))
