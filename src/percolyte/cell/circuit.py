"""A cell as an equivalent circuit: a capacitor, a resistor and some thirty RC elements.

P. Braun et al., J. Power Sources 393 (2018) 119-127, computed discharge curves of solid-state cells with a
series of 30 RC elements and a capacitor in place of the exact transmission line. What is known of that
model here (M. Falco et al., Mol. Syst. Des. Eng. 4 (2019) 850-871, section 2.5) gives the number of elements, but neither
the rule by which they are placed nor their values. So they are derived here from the cell model itself:
linearised at one state of charge, its impedance is a sum of poles in closed form. For an electrode with
rails R_i = L/σ_i, R_e = L/σ_e, R = R_i + R_e, and the interface ζ(s) in ohm m3, with x² = L R/ζ,

    Z = R_i R_e/R + [(R_i² + R_e²) coth(x)/x + 2 R_i R_e/(x sinh x)]/R
      = R_i R_e/R + ζ/L + (2/R) Σ_n (R_i² + R_e² + 2 (-1)^n R_i R_e)/(x² + n²π²),  n = 1, 2, ...

and for a sphere with y² = s r²/D and ρ = |dU/dx| r/(F c D),

    ζ a = z + ρ tanh(y)/(y - tanh y) = z + ρ [3/y² + Σ_m 2/(y² + λ_m²)],  tan λ_m = λ_m.

The 3/y² of ζ/L is the capacitor, every other pole an RC element. The largest resistances are kept;
those of all others join the series resistor, so that the direct-current resistance is exact for any number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from percolyte.cell.model import Cell, ParticleClass, PorousElectrode
from percolyte.cell.run import rate_capability
from percolyte.errors import InputError
from percolyte.units import FARADAY, GAS_CONSTANT

if TYPE_CHECKING:
    from percolyte.cell.kernel import Planar
    from percolyte.cell.porous import Floats

ELEMENTS = 30
"""RC elements of the circuit of Braun et al."""
HARMONICS, SPHERE_MODES = 20, 60
"""Poles looked at: of the transmission line, and of the sphere for each of these."""
MOST_ELEMENTS = 1000
STEP = 1e-4
"""Of stoichiometry, for the slope of the open-circuit potential."""
POINTS = 2001
"""Of the open-circuit voltage in a discharge."""


@dataclass(frozen=True)
class Circuit:
    """A linearised cell; per cathode area, SI."""

    resistance: float
    """In series, ohm m2."""
    resistances: Floats
    """Of the RC elements, largest first."""
    time_constants: Floats
    capacitance: float
    """F/m2; charge over the fall of the open-circuit voltage."""
    state_of_charge: float
    """At which the cell was linearised."""

    @property
    def direct_current_resistance(self) -> float:
        """All resistors together, once every element is charged."""
        return self.resistance + float(self.resistances.sum())


@dataclass(frozen=True)
class CircuitDischarge:
    """A discharge of the circuit at constant current; SI."""

    c_rate: float
    charge: Floats
    voltage: Floats
    areal_capacity: float


@dataclass(frozen=True)
class CircuitError:
    """The circuit against the cell model, at one rate."""

    c_rate: float
    capacity: float
    """Circuit's capacity over the model's, less one."""
    voltage: float
    """Root mean square over the charge that both deliver, V."""


def linearised(cell: Cell, *, state_of_charge: float = 0.5, elements: int = ELEMENTS) -> Circuit:
    """The circuit of a cell at rest at a state of charge.

    Charge transfer is R T/(F i0) with the film; diffusion has the slope dU/dx of that state. Holds for small
    signals about it, and for one particle class an electrode. The cell model has no double layer, and so
    has the circuit. Limits: fast diffusion and equal potential leave resistances alone; the sum of all
    resistors is R_0 + Σ [R_p + (R_i² - R_i R_e + R_e²)/(3R) + (z + ρ/5)/(a L)] + R T/(F i0) of a metal.

    Errors: InputError for a state of charge outside 0 to 1, too many elements, or several classes.
    """
    if not 0.0 <= state_of_charge <= 1.0:
        raise InputError(f"a state of charge lies between 0 and 1, not at {state_of_charge!r}")
    if not 0 <= elements <= MOST_ELEMENTS:
        raise InputError(f"a circuit has 0 to {MOST_ELEMENTS} elements; Braun's has {ELEMENTS}")
    total, slope = cell.series_resistance, 0.0
    poles: list[tuple[float, float]] = []
    for electrode in (cell.cathode, cell.anode):
        if isinstance(electrode, PorousElectrode):
            own, direct, elastance = _electrode(electrode, cell.temperature, state_of_charge)
            poles += own
            total, slope = total + direct, slope + elastance
        else:
            total += _metal(electrode, cell.temperature)
    poles = sorted(poles, reverse=True)[:elements]
    kept = np.array(poles).reshape(-1, 2)
    return Circuit(total - float(kept[:, 0].sum()), kept[:, 0], kept[:, 1], 1.0 / slope, state_of_charge)


def impedance(circuit: Circuit, angular_frequency: Floats) -> Floats:
    """Complex impedance of the circuit, ohm m2; time convention exp(+iωt)."""
    s = 1j * np.asarray(angular_frequency, dtype=float)[..., None]
    chain = (circuit.resistances / (1.0 + s * circuit.time_constants)).sum(axis=-1)
    return np.asarray(circuit.resistance + chain + 1.0 / (s[..., 0] * circuit.capacitance))


def discharge_circuit(cell: Cell, circuit: Circuit, c_rate: float) -> CircuitDischarge:
    """Discharge of the circuit at a C-rate to the cell's cut-off.

    V = U(q) - i [R + Σ R_k (1 - exp(-t/τ_k))], q = it. The capacitor is not linear: it follows the
    open-circuit voltage of the cell, whereas R_k and τ_k stay those of one state of charge.
    """
    if not (math.isfinite(c_rate) and c_rate > 0.0):
        raise InputError("C-rates are positive numbers, such as 0.1, 1, 3")
    current = c_rate * cell.one_c
    charge = np.linspace(0.0, _most_charge(cell), POINTS)
    grown = -np.expm1(-charge[:, None] / current / circuit.time_constants)
    volts = _open_circuit(cell, charge) - current * (circuit.resistance + (circuit.resistances * grown).sum(axis=1))
    below = np.flatnonzero(volts <= cell.cut_off)
    last = int(below[0]) if below.size else POINTS - 1
    reached = float(charge[last])
    if below.size and last > 0:
        share = (volts[last - 1] - cell.cut_off) / (volts[last - 1] - volts[last])
        reached = float(charge[last - 1] + share * (charge[last] - charge[last - 1]))
    elif below.size:
        reached = 0.0
    inside = charge < reached
    ends = np.interp(reached, charge, volts)
    return CircuitDischarge(c_rate, np.append(charge[inside], reached), np.append(volts[inside], ends), reached)


def circuit_error(
    cell: Cell, rates: Sequence[float], *, elements: int = ELEMENTS, state_of_charge: float = 0.5
) -> tuple[CircuitError, ...]:
    """How far the circuit is from the cell model it was derived from, at C-rates.

    The error grows with the rate, as diffusion and kinetics leave the state of the linearisation. Braun's
    own curves departed from measured ones by more than 10 % above 7.2C (M. Falco et al., section 2.5).
    """
    circuit = linearised(cell, state_of_charge=state_of_charge, elements=elements)
    found = []
    for rate, full in zip(rates, rate_capability(cell, rates), strict=True):
        own = discharge_circuit(cell, circuit, rate)
        shared = np.linspace(0.0, min(own.areal_capacity, full.areal_capacity), POINTS)
        gap = np.interp(shared, own.charge, own.voltage) - np.interp(shared, full.charge, full.voltage)
        ratio = own.areal_capacity / full.areal_capacity - 1.0 if full.areal_capacity > 0.0 else math.nan
        found.append(CircuitError(rate, ratio, float(np.sqrt(np.mean(gap * gap)))))
    return tuple(found)


def _electrode(
    electrode: PorousElectrode, temperature: float, state_of_charge: float
) -> tuple[list[tuple[float, float]], float, float]:
    """RC elements (R, τ), the direct-current resistance, and the elastance 1/C of one electrode."""
    if len(electrode.classes) != 1:
        raise InputError("the circuit is derived for one particle class an electrode; merge the classes into one")
    (part,) = electrode.classes
    length, ions, electrons = electrode.thickness, 1.0 / electrode.ionic, 1.0 / electrode.electronic
    rails = ions + electrons
    area = 3.0 * part.volume_fraction * part.contact / part.radius
    interface, spread, memory = _interface(part, temperature, state_of_charge)
    lambdas = _zeros(1.0, first=1)
    uniform = 2.0 * spread / lambdas**2 / (area * length)
    found = list(zip(uniform.tolist(), (memory / lambdas**2).tolist(), strict=True))
    for n in range(1, HARMONICS + 1):
        k = (n * math.pi / length) ** 2 / rails
        weight = 2.0 * (ions**2 + electrons**2 + 2.0 * (-1) ** n * ions * electrons) / rails / (length * rails)
        found += _harmonic(interface, spread, memory, area, k, weight)
    direct = length * ions * electrons / rails + length * (ions**2 - ions * electrons + electrons**2) / (3.0 * rails)
    direct += (interface + spread / 5.0) / (area * length)
    return found, direct, 3.0 * spread / memory / (area * length)


def _interface(part: ParticleClass, temperature: float, state_of_charge: float) -> tuple[float, float, float]:
    """z, ρ (ohm m2) and r²/D (s) of a particle class at a state of charge."""
    x = part.discharged + state_of_charge * (part.charged - part.discharged)
    at = np.array([x])
    near = np.clip([x - STEP, x + STEP], 0.0, 1.0)
    low, high = np.asarray(part.potential(near), dtype=float)
    slope = max(abs(high - low) / float(near[1] - near[0]), 1e-9)
    exchange = part.exchange
    if part.exchange_ratio is not None:
        exchange *= float(part.exchange_ratio(at)[0])
    else:
        exchange *= 2.0 * math.sqrt(max(x * (1.0 - x), 1e-12))
    diffusivity = part.diffusivity * (1.0 if part.diffusivity_ratio is None else float(part.diffusivity_ratio(at)[0]))
    transfer = GAS_CONSTANT * temperature / (FARADAY * exchange) + part.film
    spread = slope * part.contact * part.radius / (FARADAY * part.site_concentration * diffusivity)
    return transfer, spread, part.radius**2 / diffusivity


def _harmonic(
    interface: float, spread: float, memory: float, area: float, k: float, weight: float
) -> list[tuple[float, float]]:
    """RC elements of `weight` ζ/(1 + kζ): poles where ζ(s) = -1/k, resistances from the residues."""
    ratio = (interface + area / k) / spread
    lambdas = _zeros(1.0 - 1.0 / ratio)
    cotangent = (1.0 - 1.0 / ratio) / lambdas
    rise = ratio**2 * (lambdas - cotangent / ratio) / (2.0 * lambdas)
    resistances = weight * area / (k * k * spread * rise * lambdas**2)
    return list(zip(resistances.tolist(), (memory / lambdas**2).tolist(), strict=True))


def _zeros(share: float, first: int = 0) -> Floats:
    """Roots of λ cos λ = share · sin λ, share at most one: one in each interval of π, from interval `first` on.

    Share 1 is the sphere by itself, tan λ = λ; its root in the first interval is λ = 0, which does not count.
    """
    interval = first + np.arange(SPHERE_MODES)
    sign = np.where(interval % 2 == 0, 1.0, -1.0)
    low, high = interval * math.pi, (interval + 1) * math.pi
    for _ in range(60):
        middle = 0.5 * (low + high)
        before = sign * (middle * np.cos(middle) - share * np.sin(middle)) > 0.0
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    return np.asarray(0.5 * (low + high))


def _metal(metal: Planar, temperature: float) -> float:
    """Charge transfer and film of a metal electrode, ohm m2."""
    return GAS_CONSTANT * temperature / (FARADAY * metal.exchange) + metal.film


def _most_charge(cell: Cell) -> float:
    """Charge until the sites of an electrode run full or empty, C/m2."""
    most = math.inf
    for electrode in (cell.cathode, cell.anode):
        if isinstance(electrode, PorousElectrode):
            (part,) = electrode.classes
            room = 1.0 - part.charged if part.discharged > part.charged else part.charged
            most = min(most, electrode.capacity * room / abs(part.discharged - part.charged))
    return most


def _open_circuit(cell: Cell, charge: Floats) -> Floats:
    """Voltage of the cell at rest after a charge."""

    def potential(electrode: PorousElectrode | Planar) -> Floats:
        if not isinstance(electrode, PorousElectrode):
            return np.full_like(charge, electrode.potential)
        (part,) = electrode.classes
        x = part.charged + charge / electrode.capacity * (part.discharged - part.charged)
        return np.asarray(part.potential(x), dtype=float)

    return potential(cell.cathode) - potential(cell.anode)
