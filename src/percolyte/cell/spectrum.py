"""A cell in frequency: the equations of the kernel, linearised about rest and solved exactly.

With all perturbations proportional to exp(st), s = iω, an electrode at rest is
uniform, so that Φ'' = (1/κ + 1/σ) Φ Σ a_m/ζ_m with Φ' = I/κ at the separator
and -I/σ at the collector: a transmission line with ions at one end and
electrons at the other. The particle class m has

    ζ = r + 1/(sC + 1/(RT/(F i0) - dU/dx · dx_s/dJ)),

with the exact solution of Fick's law in the sphere. All kinetic laws have the
same slope at rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from percolyte.cell.model import Cell, PorousElectrode
from percolyte.cell.runner import Runner
from percolyte.errors import InputError, Problem
from percolyte.units import FARADAY, GAS_CONSTANT

if TYPE_CHECKING:
    from percolyte.cell.porous import Electrode, Floats

Complexes: TypeAlias = NDArray[np.complex128]

DOUBLE_LAYER = 0.1
"""F/m2 of active area in reports, assumed: arcs need some capacitance, and few have measured it in solids."""
HALF_DISCHARGED = 0.5
"""Depth of discharge of the spectrum in reports."""
TERMS = 10
"""Of a continued fraction, beyond rounding for |p| < 1."""


def frequency_range(first: float, last: float, per_decade: int) -> Floats:
    """Frequencies in Hz from one end to the other, both included, evenly by ratio."""
    if not 1 <= per_decade <= 1000:
        raise InputError(f"{per_decade} points per decade: write between 1 and 1000")
    decades = abs(math.log10(last / first))
    return np.geomspace(first, last, max(2, round(decades * per_decade) + 1))


@dataclass(frozen=True)
class Spectrum:
    """Small-signal impedance of a cell, ohm m2 of cell area; exp(+iωt), so that capacitors have Im Z < 0."""

    frequency: Floats
    """Hz."""
    parts: dict[str, Complexes]
    """Impedance of 'separator and contacts', 'cathode' and 'anode', which are in series."""

    @property
    def impedance(self) -> Complexes:
        return np.asarray(sum(self.parts.values()), dtype=complex)

    @property
    def magnitude(self) -> Floats:
        return np.abs(self.impedance)

    @property
    def phase(self) -> Floats:
        """Radians, negative where the cell is capacitive."""
        return np.angle(self.impedance)


def impedance(
    cell: Cell, frequencies: Sequence[float] | Floats, *, depth_of_discharge: float = 0.0, double_layer: float = 0.0
) -> Spectrum:
    """Impedance of a rested cell at frequencies in Hz.

    Equations: the head of this module. `depth_of_discharge` is the fraction of
    the reversible capacity taken out; each particle class stands at its own
    stoichiometry, linear between charged and discharged. `double_layer` is a
    capacitance in F per m2 of active area, at a foil of its geometric area, in
    parallel to charge transfer and diffusion and in series with the film.

    Holds for voltages small against RT/F.

    Limits: at low frequency dV/dQ/(iω); at a blocking interface the
    transmission line with ions at one end and electrons at the other.

    Errors: InputError for frequencies, a depth of discharge or a double layer
    that cannot be.
    """
    frequency = np.asarray(frequencies, dtype=float)
    _check(frequency, depth_of_discharge, double_layer)
    s = 2j * math.pi * frequency
    parts = operational_impedance(cell, s, depth_of_discharge=depth_of_discharge, double_layer=double_layer)
    return Spectrum(frequency, parts)


def reported_spectrum(cell: Cell) -> Spectrum:
    """The spectrum of a report: 1 MHz to 1 mHz, half discharged, with the assumed double layer."""
    grid = frequency_range(1e6, 1e-3, 10)
    return impedance(cell, grid, depth_of_discharge=HALF_DISCHARGED, double_layer=DOUBLE_LAYER)


def operational_impedance(
    cell: Cell, s: NDArray[Any], *, depth_of_discharge: float = 0.0, double_layer: float = 0.0
) -> dict[str, Complexes]:
    """The parts of Z(s) for any s in 1/s, real or complex, but its poles: -δV(s)/δI(s), ohm m2.

    The voltage after a step of the current by δI is -δI times the inverse
    Laplace transform of Z(s)/s.
    """
    if cell.salt is not None:
        raise InputError("the spectrum holds for single-ion electrolytes only; leave out [salt] to take t+ as 1")
    s = np.asarray(s, dtype=complex)
    runner = Runner(cell)

    def porous(mesh: Electrode, electrode: PorousElectrode) -> Complexes:
        x = [part.charged + depth_of_discharge * (part.discharged - part.charged) for part in electrode.classes]
        leak = sum(mesh.parts.area[j] / _interface(mesh, j, x[j], s, double_layer) for j in range(len(x)))
        return _transmission_line(electrode, np.asarray(leak, dtype=complex))

    if isinstance(cell.anode, PorousElectrode):
        anode = porous(runner.anode, cell.anode)
    else:
        transfer = GAS_CONSTANT * cell.anode.temperature / (FARADAY * cell.anode.exchange)
        anode = np.asarray(cell.anode.film + 1.0 / (s * double_layer + 1.0 / transfer), dtype=complex)
    return {
        "separator and contacts": np.full_like(s, cell.series_resistance),
        "cathode": porous(runner.cathode, cell.cathode),
        "anode": anode,
    }


def _transmission_line(electrode: PorousElectrode, leak: Complexes) -> Complexes:
    """Impedance of an electrode whose interface admits `leak` per volume, S/m3.

    Z = L/(κ + σ) [1 + (2 + σ/κ + κ/σ) coth(y)/y - 2 tanh(y/2)/y], y² = L² (1/κ + 1/σ) leak.
    Limits: L/(κ + σ) at large y, where both rails conduct in parallel;
    1/(L leak) + (L/κ + L/σ)/3 at small y. Source: C. Siroma's and G. Paasch's
    form of the transmission line with two rails, one terminal at each.
    """
    ionic, electronic = electrode.ionic, electrode.electronic
    p = np.asarray(electrode.thickness**2 * (1.0 / ionic + 1.0 / electronic) * leak, dtype=complex)
    small = np.abs(p) < 1.0
    y = np.sqrt(np.where(small, 1.0, p))
    decayed = np.exp(-y)
    inside = np.where(small, p, 1.0 + 0.0j)
    coth = np.where(small, 1.0 / inside + 1.0 / _continued(inside, 3.0), (1.0 + decayed**2) / (y * (1.0 - decayed**2)))
    tanh = np.where(
        small,
        0.5 / (1.0 + 0.25 * inside / _continued(np.asarray(0.25 * inside), 3.0)),
        (1.0 - decayed) / (y * (1.0 + decayed)),
    )
    ends = (2.0 + electronic / ionic + ionic / electronic) * coth - 2.0 * tanh
    return np.asarray(electrode.thickness / (ionic + electronic) * (1.0 + ends))


def _interface(e: Electrode, j: int, x: float, s: Complexes, double_layer: float) -> Complexes:
    """ζ of particle class j at stoichiometry x, ohm m2 of its active area."""
    from percolyte.cell.diffusion import relative_diffusivity
    from percolyte.cell.reaction import exchange_current, potential

    part = e.parts[j]
    _, slope = potential(e.curves, j, x)
    i0, _ = exchange_current(part.exchange, e.curves, j, x)
    pace = part.pace * relative_diffusivity(e.diffusivity_table, j, x)
    faradaic = GAS_CONSTANT * e.temperature / (FARADAY * i0) - slope * part.intake / pace * sphere(s / pace)
    return np.asarray(part.film + 1.0 / (s * double_layer + 1.0 / faradaic))


def sphere(p: Complexes) -> Complexes:
    """Rise of the concentration at the surface of a sphere over (flux × radius/D).

    g(p) = tanh(y)/(y - tanh(y)) with y² = p = s R²/D. Limits: 3/p + 1/5 for
    small p, 1/y for large. For |p| < 1, where the two terms of the
    denominator cancel, from Lambert's fraction y coth y = 1 + p/(3 + p/(5 + ...)).
    """
    p = np.asarray(p, dtype=complex)
    small = np.abs(p) < 1.0
    y = np.sqrt(np.where(small, 1.0, p))
    decayed = np.exp(-2.0 * y)
    inside = np.where(small, p, 1.0)
    return np.where(small, _continued(inside, 3.0) / inside, (1.0 - decayed) / (y * (1.0 + decayed) - (1.0 - decayed)))


def _continued(p: Complexes, first: float) -> Complexes:
    """Lambert's fraction first + p/(first + 2 + p/(first + 4 + ...)), of tanh and coth, for |p| <= 1."""
    tail = np.full_like(p, first + 2.0 * TERMS)
    for term in range(TERMS - 1, -1, -1):
        tail = first + 2.0 * term + p / tail
    return tail


def _check(frequency: Floats, depth_of_discharge: float, double_layer: float) -> None:
    problems = []
    if frequency.ndim != 1 or not frequency.size or not (np.isfinite(frequency) & (frequency > 0.0)).all():
        problems.append(Problem("frequencies", "are a list of positive numbers in Hz, such as 0.01, 1, 100"))
    if not 0.0 <= depth_of_discharge <= 1.0:
        problems.append(Problem("depth_of_discharge", f"is a fraction from 0 to 1, not {depth_of_discharge:g}"))
    if not (math.isfinite(double_layer) and double_layer >= 0.0):
        problems.append(Problem("double_layer", f"is zero or positive in F/m2, such as 0.1, not {double_layer:g}"))
    if problems:
        raise InputError(problems)
