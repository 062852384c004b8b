"""The cell that is simulated: electrodes with their particles, separator, windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from percolyte.units import FARADAY, GAS_CONSTANT

if TYPE_CHECKING:
    from percolyte.cell.kernel import Electrode, Floats, Planar

    Curve: TypeAlias = Callable[[Floats], Floats]

Kinetics = Literal["butler-volmer", "linear", "marcus"]
CELLS, SHELLS, GRADING = 20, 15, 2.0
"""Default mesh: cells across an electrode, shells of a particle, and how much finer the outer shells are."""


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

    def mesh(self, temperature: float, cells: int = CELLS, shells: int = SHELLS) -> Electrode:
        """The electrode on a mesh of so many cells and shells."""
        from percolyte.cell import kernel

        x = np.linspace(0.0, 1.0, kernel.TABLE)
        tables = [_table(part.potential, kernel.TABLE) for part in self.classes]
        per_class = np.array
        return kernel.Electrode(
            cells=cells,
            thickness=self.thickness,
            ionic=self.ionic,
            electronic=self.electronic,
            temperature=temperature,
            area=per_class([3.0 * part.volume_fraction * part.contact / part.radius for part in self.classes]),
            radius=per_class([part.radius for part in self.classes]),
            diffusivity=per_class([part.diffusivity for part in self.classes]),
            site_concentration=per_class([part.site_concentration for part in self.classes]),
            exchange=per_class([part.exchange for part in self.classes]),
            film=per_class([part.film for part in self.classes]),
            current_scale=per_class([part.contact for part in self.classes]),
            potential_table=np.array([value for value, _ in tables]),
            slope_table=np.array([slope for _, slope in tables]),
            law=("butler-volmer", "linear", "marcus").index(self.kinetics),
            reorganisation=self.reorganisation / (GAS_CONSTANT * temperature),
            diffusivity_table=_ratios([part.diffusivity_ratio for part in self.classes], x),
            exchange_table=_ratios([part.exchange_ratio for part in self.classes], x),
            edges=1.0 - (1.0 - np.linspace(0.0, 1.0, shells + 1)) ** GRADING,
        )

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


def _ratios(curves: list[Curve | None], x: Floats) -> Floats:
    """Tables of ratios, one where a class has no curve of its own; empty if none has."""
    if all(curve is None for curve in curves):
        return np.empty((0, 0))
    return np.array([np.ones_like(x) if curve is None else np.asarray(curve(x), dtype=float) for curve in curves])


@lru_cache(maxsize=64)
def _table(potential: Curve, points: int) -> tuple[Floats, Floats]:
    """Values and slopes of a function on a uniform grid, slopes by central differences; kept, as it is asked for often."""
    x = np.linspace(0.0, 1.0, points)
    step = 1e-5
    low, high = np.clip(x - step, 0.0, 1.0), np.clip(x + step, 0.0, 1.0)
    return np.asarray(potential(x)), (np.asarray(potential(high)) - np.asarray(potential(low))) / (high - low)


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
        """
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
