"""Small models of impedance and polarisation with exact derivatives, and noisy measurements of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from percolyte.impedance.measurement import Complexes, Floats, MeasuredSpectrum, Polarisation
from percolyte.impedance.model import Parameter

FREQUENCY = np.logspace(6, -2, 60)
NOISE = 0.005
RAILS = (Parameter("ionic_resistance", "ohm"), Parameter("electronic_resistance", "ohm"))
INTERFACE = (Parameter("interface_factor", "F s^(a-1)"), Parameter("interface_exponent", "", 0.0, 1.0))
SERIES = Parameter("series_resistance", "ohm")


def columns(values: Floats) -> list[Floats]:
    return [values[..., k, None] for k in range(values.shape[-1])]


@dataclass(frozen=True)
class Line:
    """Transmission line of two rails with a constant phase element between them, contacts as in cases a, b and c."""

    case: Literal["a", "b", "c"]
    series: bool = False

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (*RAILS, *INTERFACE, *((SERIES,) if self.series else ()))

    def evaluate(self, values: Floats, omega: Floats) -> tuple[Complexes, Complexes]:
        ionic, electronic, q, a, *series = columns(values)
        logs = np.log(omega) + 0.5j * np.pi
        total = ionic + electronic
        x = np.sqrt(total * q * np.exp(a * logs))
        if self.case == "c":
            z, d_ionic, d_electronic, dx = between_contacts(ionic, electronic, x)
        elif self.case == "a":
            z, d_ionic, d_electronic, dx = between_equal_contacts(ionic, electronic, x)
        else:
            z, d_electronic, d_ionic, dx = between_equal_contacts(electronic, ionic, x)
        through = dx * x / (2.0 * total)
        slopes = [d_ionic + through, d_electronic + through, dx * x / (2.0 * q), dx * x * logs / 2.0]
        if series:
            z, slopes = z + series[0], [*slopes, np.ones_like(z)]
        return z, np.stack(np.broadcast_arrays(*slopes), axis=-1)


def between_contacts(i: Floats, e: Floats, x: Complexes) -> tuple[Complexes, ...]:
    """Z of (c) and its derivatives by the two rails and by x."""
    r, decay = i + e, np.exp(-x)
    coth, csch = (1 + decay**2) / (1 - decay**2), 2 * decay / (1 - decay**2)
    part = ((i * i + e * e) * coth + 2 * i * e * csch) / x
    dx = (-part / x - ((i * i + e * e) * csch**2 + 2 * i * e * csch * coth) / x) / r
    d_i = (e / r) ** 2 - part / r**2 + (2 * i * coth + 2 * e * csch) / (x * r)
    d_e = (i / r) ** 2 - part / r**2 + (2 * e * coth + 2 * i * csch) / (x * r)
    return (i * e + part) / r, d_i, d_e, dx


def between_equal_contacts(i: Floats, e: Floats, x: Complexes) -> tuple[Complexes, ...]:
    """Z of (a) and its derivatives; with the rails exchanged that of (b)."""
    r, decay = i + e, np.exp(-x)
    tanh = (1 - decay) / (1 + decay)
    ratio = 2 * tanh / x
    dx = e * e / r * ((1 - tanh**2) - ratio) / x
    d_i = (e / r) ** 2 * (1 - ratio)
    d_e = (i / r) ** 2 + (2 * e / r - (e / r) ** 2) * ratio
    return i * e / r + e * e / r * ratio, d_i, d_e, dx


@dataclass(frozen=True)
class Arcs:
    """R0 and parallel R and C, one or two of them."""

    number: int = 1

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        arcs = [(Parameter(f"R{k}", "ohm"), Parameter(f"C{k}", "F")) for k in range(1, self.number + 1)]
        return (Parameter("R0", "ohm"), *(parameter for arc in arcs for parameter in arc))

    def evaluate(self, values: Floats, omega: Floats) -> tuple[Complexes, Complexes]:
        first, *arcs = columns(values)
        z = first + 0j * omega
        slopes = [np.ones_like(z)]
        for r, c in zip(arcs[::2], arcs[1::2], strict=True):
            below = 1.0 + 1j * omega * r * c
            z = z + r / below
            slopes += [1.0 / below**2, -1j * omega * r * r / below**2]
        return z, np.stack(slopes, axis=-1)


@dataclass(frozen=True)
class Transient:
    """Voltage over current of an electron-blocking cell at constant current: R_p + R_i²/R (1 - Σ ...) of a capacitor line."""

    terms: int = 40

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (*RAILS, Parameter("time_constant", "s"))

    def evaluate(self, values: Floats, time: Floats) -> tuple[Floats, Floats]:
        i, e, tau = columns(values)
        odd = 2.0 * np.arange(self.terms) + 1.0
        r = i + e
        decay = np.exp(-(np.pi**2) * odd[:, None] ** 2 * time / tau[..., None, :])
        rise = 1.0 - 8.0 / np.pi**2 * (decay / odd[:, None] ** 2).sum(axis=-2)
        d_tau = -8.0 * (decay * time).sum(axis=-2) / tau**2
        slopes = [
            (e / r) ** 2 + (2 * i / r - (i / r) ** 2) * rise,
            (i / r) ** 2 * (1.0 - rise),
            i * i / r * d_tau,
        ]
        return i * e / r + i * i / r * rise, np.stack(slopes, axis=-1)


def spectra(
    model: Line | Arcs, truth: Sequence[float], number: int = 1, *, noise: float = NOISE, seed: int = 0
) -> list[MeasuredSpectrum]:
    """Replicates with noise in proportion to |Z|, in both parts."""
    rng = np.random.default_rng(seed)
    impedance = model.evaluate(np.array(truth, float), 2.0 * np.pi * FREQUENCY)[0]
    size = number, FREQUENCY.size
    wrong = 1.0 + noise * (rng.standard_normal(size) + 1j * rng.standard_normal(size))
    # |Z| (n + i m) and Z (n + i m) have the same distribution
    return [MeasuredSpectrum(FREQUENCY, impedance * row) for row in wrong]


def polarisation(truth: Sequence[float], *, noise: float = 0.002, seed: int = 0) -> Polarisation:
    time = np.linspace(0.0, truth[2], 200)
    response = Transient().evaluate(np.array(truth, float), time)[0]
    rng = np.random.default_rng(seed)
    current = 1e-5
    return Polarisation(
        "galvanostatic", time, current * (response + noise * response.max() * rng.standard_normal(200)), current
    )


def poor_starts(model: Line | Arcs, truth: Sequence[float], number: int, *, seed: int = 1) -> list[dict[str, float]]:
    """Starts off by a factor of lognormal distribution, sigma 1; exponents anywhere from 0.5 to 1."""
    rng = np.random.default_rng(seed)
    starts = []
    for _ in range(number):
        values = np.array(truth) * np.exp(rng.standard_normal(len(truth)))
        starts.append(
            {
                parameter.name: float(value if parameter.logarithmic else rng.uniform(0.5, 1.0))
                for parameter, value in zip(model.parameters, values, strict=True)
            }
        )
    return starts


def least_errors(model: Line | Arcs, truth: Sequence[float], noise: float = NOISE) -> Floats:
    """Cramér-Rao bound of ln p, or of p where p is no logarithm."""
    z, slopes = model.evaluate(np.array(truth, float), 2.0 * np.pi * FREQUENCY)
    scale = np.array([v if p.logarithmic else 1.0 for v, p in zip(truth, model.parameters, strict=True)])
    rows = slopes * scale / np.abs(z)[:, None]
    information = (rows.conj().T @ rows).real / noise**2
    errors: Floats = np.sqrt(np.diag(np.linalg.inv(information)))
    return errors
