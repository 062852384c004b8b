"""The cell that is simulated: electrodes with their particles, separator, windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from percolyte.cell.electrolyte import Filling
from percolyte.cell.porous import PART, TABLE, Electrode, Floats
from percolyte.errors import InputError
from percolyte.units import FARADAY, GAS_CONSTANT

if TYPE_CHECKING:
    from percolyte.cell.kernel import Planar

    Curve: TypeAlias = Callable[[Floats], Floats]

Kinetics = Literal["butler-volmer", "linear", "marcus"]
FEWEST, MOST, PER_DEPTH = 14, 100, 6.0
"""Intervals of the default mesh across an electrode: so many per depth that a small current reaches, within limits."""
SHELLS, GRADING = 15, 2.0
"""Shells of a particle whose D varies, and how much finer the outer ones are."""
FASTEST = 1e-3
"""Time in s above which diffusion in a particle is resolved; below, its surface responds at once."""
SLOWEST = (20.190728556426629, 59.67951594410947)
"""β² of the two slowest relaxations of a sphere, tan β = β."""
SPACING = 2.0
"""Ratio of the faster relaxation rates; 2.6 has an error of 3e-5 in place of 2e-6 where diffusion goes deep."""
EDGE = 1e-3
"""Width in stoichiometry of the rounding of i0 at x = 0 and 1."""
LEAST_EXCHANGE = 1e-4
"""i0 over that at x = 0.5 where a particle is empty or full."""


@dataclass(frozen=True)
class ParticleClass:
    """Particles of one material and one size."""

    name: str
    radius: float
    volume_fraction: float
    """Of the electrode, the part that takes part."""
    diffusivity: float
    site_concentration: float
    exchange: float
    potential: Curve
    """U(x) over 0 <= x <= 1, at the temperature of the cell that holds these particles."""
    charged: float
    discharged: float
    film: float = 0.0
    contact: float = 1.0
    """Share of the surface in contact with electrolyte."""
    diffusivity_ratio: Curve | None = None
    """D(x)/D(0.5), where the diffusivity varies."""
    exchange_ratio: Curve | None = None
    """i0(x)/i0(0.5), where it is not the square-root law."""
    trusted: tuple[float, float] = (0.0, 1.0)
    """Stoichiometries for which the source gives U."""
    diffusivity_activation: float = 0.0
    """J/mol, about the temperature of the cell that holds these particles."""
    exchange_activation: float = 0.0
    entropy: Curve | None = None
    """dU/dT in V/K, where it is not zero."""

    @property
    def coefficients(self) -> tuple[float, float, float, float, float]:
        """`PART` of `percolyte.cell.porous`."""
        area = 3.0 * self.volume_fraction * self.contact / self.radius
        intake = self.contact / (FARADAY * self.site_concentration * self.radius)
        return area, self.diffusivity / self.radius**2, intake, self.exchange, self.film

    def warmed(self, kelvin: float) -> ParticleClass:
        """The same particles with U(x, T + ΔT) = U(x, T) + ΔT dU/dT(x)."""
        if self.entropy is None or kelvin == 0.0:
            return self
        return replace(self, potential=Warmed(self.potential, self.entropy, kelvin))


@dataclass(frozen=True)
class Warmed:
    """A potential moved along its temperature coefficient."""

    potential: Curve
    entropy: Curve
    kelvin: float

    def __call__(self, x: Floats) -> Floats:
        return np.asarray(self.potential(x) + self.kelvin * self.entropy(x))


@dataclass(frozen=True)
class PorousElectrode:
    """A composite electrode as the cell model sees it."""

    thickness: float
    ionic: float
    electronic: float
    classes: tuple[ParticleClass, ...]
    kinetics: Kinetics = "butler-volmer"
    reorganisation: float = 50e3
    """Of Marcus' law, J/mol."""
    ionic_activation: float = 0.0
    """J/mol, about the temperature of the cell."""

    def mesh(self, temperature: float, cells: int | None = None, shells: int = SHELLS) -> Electrode:
        """The electrode on a mesh of so many cells and shells; by default as many cells as it asks for."""
        cells = cells or self.cells(temperature)
        slowest = max(part.radius**2 / part.diffusivity for part in self.classes)
        return Electrode(
            volumes=gregory_weights(cells) * (self.thickness / cells),
            ionic=self.ionic,
            electronic=self.electronic,
            temperature=temperature,
            law=("butler-volmer", "linear", "marcus").index(self.kinetics),
            reorganisation=self.reorganisation / (GAS_CONSTANT * temperature),
            parts=np.array([part.coefficients for part in self.classes], PART).view(np.recarray),
            curves=np.array([_curves(part.potential, part.exchange_ratio, TABLE) for part in self.classes]),
            diffusivity_table=_ratios([part.diffusivity_ratio for part in self.classes], TABLE),
            edges=1.0 - (1.0 - np.linspace(0.0, 1.0, shells + 1)) ** GRADING,
            modes=sphere_modes(slowest),
        )

    def cells(self, temperature: float) -> int:
        """Intervals that resolve the depth of small currents, δ² = RT/(F Σ a i0 (1/κ + 1/σ))."""
        transfer = sum(part.coefficients[0] * part.exchange for part in self.classes)
        resistance = (1.0 / self.ionic + 1.0 / self.electronic) * FARADAY * transfer / (GAS_CONSTANT * temperature)
        return math.ceil(min(max(PER_DEPTH * self.thickness * math.sqrt(resistance), FEWEST), MOST))

    @property
    def sites(self) -> list[float]:
        """Charge of all lithium sites of each class, C/m2."""
        return [FARADAY * part.site_concentration * part.volume_fraction * self.thickness for part in self.classes]

    @property
    def capacity(self) -> float:
        """Lithium exchanged over the windows of all classes, C/m2."""
        return sum(
            held * abs(part.discharged - part.charged) for held, part in zip(self.sites, self.classes, strict=True)
        )


def gregory_weights(intervals: int) -> Floats:
    """Weights of equidistant points in an integral of fourth order: 3/8, 7/6, 23/24, 1, 1, ..."""
    weights = np.ones(intervals + 1)
    weights[:3] = weights[:-4:-1] = 3.0 / 8.0, 7.0 / 6.0, 23.0 / 24.0
    return weights


def sphere_modes(slowest: float) -> Floats:
    """Relaxation rates of a sphere, over D/R², and their weights; the largest R²/D decides how many.

    Fick's law in a sphere answers a flux with 3/p + Σ 2/(p + β_n²), tan β_n = β_n,
    at the surface, p = s R²/D. Here the infinite sum is one of a few terms with
    rates β_1² and a geometric series from β_2² up to a relaxation within
    FASTEST, and weights by least squares; what relaxes faster is an immediate
    response, so that the sum over rates is 1/5 as in the exact one. Limits: the
    slow ones, 3/p + 1/5, are exact; relative error 2e-6 for p < 1e3, 2e-5 beyond.
    """
    count = max(4, math.ceil(math.log(max(slowest / FASTEST / SLOWEST[1], 1.0)) / math.log(SPACING)) + 1)
    return _sphere_modes(count)


@lru_cache(maxsize=64)
def _sphere_modes(count: int) -> Floats:
    rates = np.concatenate([SLOWEST[:1], SLOWEST[1] * SPACING ** np.arange(count)])
    p = np.geomspace(0.1, rates[-1], 12 * count)
    y = np.sqrt(p)
    answer = np.tanh(y) / (y - np.tanh(y))
    terms = 1.0 / (p[:, None] + rates) - 1.0 / rates
    weights = np.linalg.lstsq(terms / answer[:, None], (answer - 3.0 / p - 0.2) / answer, rcond=None)[0]
    immediate = 0.2 - (weights / rates).sum()
    return np.array([[0.0, *rates, np.inf], [3.0, *weights, immediate]])


def _ratios(curves: list[Curve | None], points: int) -> Floats:
    """Tables of ratios, one where a class has no curve of its own; empty if none has."""
    if all(curve is None for curve in curves):
        return np.empty((0, 0))
    x = np.linspace(0.0, 1.0, points)
    return np.array([np.ones_like(x) if curve is None else np.asarray(curve(x), dtype=float) for curve in curves])


@lru_cache(maxsize=64)
def _curves(potential: Curve, exchange_ratio: Curve | None, points: int) -> Floats:
    """U, dU/dx, i0/i0(0.5) and its slope on a uniform grid, slopes by central differences; kept, as it is asked for often."""
    x = np.linspace(0.0, 1.0, points)
    low, high = np.clip(x - 1e-5, 0.0, 1.0), np.clip(x + 1e-5, 0.0, 1.0)

    columns = []
    for curve in (potential, exchange_ratio or _square_root_law):
        columns += [
            np.asarray(curve(x), dtype=float),
            (np.asarray(curve(high)) - np.asarray(curve(low))) / (high - low),
        ]
    columns[2] = np.maximum(columns[2], LEAST_EXCHANGE)
    return np.stack(columns, axis=1)


def _square_root_law(x: Floats) -> Floats:
    """2 sqrt(x (1 - x)) with finite slopes at both ends."""
    ends = [z * (z * z + EDGE * EDGE) ** -0.25 for z in (x, 1.0 - x)]
    return np.asarray(2.0 * ends[0] * ends[1])


@dataclass(frozen=True)
class Cell:
    """Everything the cell model needs, scalars in SI."""

    cathode: PorousElectrode
    anode: PorousElectrode | Planar
    separator_resistance: float
    """Of the electrolyte layer, ohm m2."""
    contact_resistance: float
    temperature: float
    areal_capacity: float
    """Reversible, C/m2; 1C discharges it in an hour."""
    loading: float
    """Active material of the cathode, kg/m2."""
    cut_off: float
    upper_limit: float
    separator_activation: float = 0.0
    """J/mol, about `temperature`."""
    anode_entropy: float = 0.0
    """dU/dT of a planar anode, V/K; a porous one has it in its particles."""
    salt: Filling | None = None
    """Where anions move too; None is a single-ion electrolyte, t+ = 1."""

    def __post_init__(self) -> None:
        if self.salt is not None and isinstance(self.anode, PorousElectrode):
            raise InputError("a salt in a polymer is simulated against lithium metal only; give a planar anode")

    @property
    def porous(self) -> tuple[PorousElectrode, ...]:
        """The cathode, and the anode unless it is a foil."""
        return (self.cathode, self.anode) if isinstance(self.anode, PorousElectrode) else (self.cathode,)

    @property
    def one_c(self) -> float:
        """The current density of 1C, A/m2."""
        return self.areal_capacity / 3600.0

    @property
    def series_resistance(self) -> float:
        return self.separator_resistance + self.contact_resistance

    def at(self, temperature: float) -> Cell:
        """The same cell at another temperature: every property by its Arrhenius law.

        p(T) = p(T0) exp(-E/R (1/T - 1/T0)); a conductivity also with T0/T.
        Open-circuit potentials by U(x, T) = U(x, T0) + (T - T0) dU/dT(x).

        Errors: InputError for a cell with a salt, whose properties hold at one temperature.
        """
        if self.salt is not None:
            raise InputError("the properties of a salt hold at one temperature; leave out [thermal] or [salt]")
        inverse = (1.0 / temperature - 1.0 / self.temperature) / GAS_CONSTANT
        cool = self.temperature / temperature
        warmer = temperature - self.temperature

        def scaled(electrode: PorousElectrode) -> PorousElectrode:
            parts = tuple(
                replace(
                    part.warmed(warmer),
                    diffusivity=part.diffusivity * math.exp(-part.diffusivity_activation * inverse),
                    exchange=part.exchange * math.exp(-part.exchange_activation * inverse),
                )
                for part in electrode.classes
            )
            ionic = electrode.ionic
            if electrode.ionic_activation:
                ionic *= cool * math.exp(-electrode.ionic_activation * inverse)
            return replace(electrode, ionic=ionic, classes=parts)

        resistance = self.separator_resistance
        if self.separator_activation:
            resistance /= cool * math.exp(-self.separator_activation * inverse)
        anode = (
            scaled(self.anode)
            if isinstance(self.anode, PorousElectrode)
            else self.anode._replace(
                temperature=temperature, potential=self.anode.potential + warmer * self.anode_entropy
            )
        )
        return replace(
            self, cathode=scaled(self.cathode), anode=anode, separator_resistance=resistance, temperature=temperature
        )

    def open_circuit_voltage(self, *, charged: bool) -> float:
        """At rest at one end of the windows."""
        return _rest(self.cathode, charged) - _rest(self.anode, charged)


def _rest(electrode: PorousElectrode | Planar, charged: bool) -> float:
    """Potential of an electrode at rest, the mean over its classes."""
    if not isinstance(electrode, PorousElectrode):
        return float(electrode.potential)
    ends = [part.charged if charged else part.discharged for part in electrode.classes]
    values = [float(part.potential(np.array([x]))[0]) for part, x in zip(electrode.classes, ends, strict=True)]
    return sum(values) / len(values)
