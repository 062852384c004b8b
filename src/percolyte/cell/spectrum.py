"""A cell in frequency: the equations of the kernel, linearised about rest.

With all perturbations proportional to exp(st), s = iω, an electrode on the mesh
of the kernel has a current in the electrolyte f_k at the face between cells
k - 1 and k, as a share of the total, that obeys

    h (1/κ + 1/σ) f_k - z (f_{k-1} - 2 f_k + f_{k+1}) = h/σ,  f_0 = 1, f_n = 0,

where z = 1/(h Σ a_m/ζ_m) is the impedance of the interfaces in one cell. The
particle class m has

    ζ = r + 1/(sC + 1/(RT/(F i0) - dU/dx · dx_s/dJ)).

All kinetic laws have the same slope at rest. Written for f instead of Φ, the
equations keep their digits when the interface blocks and s is small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from percolyte.cell.model import SHELLS, Cell, PorousElectrode
from percolyte.cell.run import Runner
from percolyte.errors import InputError, Problem
from percolyte.units import FARADAY, GAS_CONSTANT

if TYPE_CHECKING:
    from percolyte.cell.kernel import Electrode, Floats

Complexes: TypeAlias = NDArray[np.complex128]
Particle = Literal["exact", "shells"]

CELLS = 200
"""Default mesh: finer than in time, where sharp profiles at high frequency have decayed."""
DOUBLE_LAYER = 0.1
"""F/m2 of active area in reports, assumed: arcs need some capacitance, and few have measured it in solids."""
HALF_DISCHARGED = 0.5
"""Depth of discharge of the spectrum in reports."""
TERMS = 10
"""Of the continued fraction of a sphere, beyond rounding for |p| < 1."""


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
    cell: Cell, frequencies: Sequence[float] | Floats, *, depth_of_discharge: float = 0.0, double_layer: float = 0.0,
    cells: int = CELLS, shells: int = SHELLS, particle: Particle = "exact",
) -> Spectrum:  # fmt: skip
    """Impedance of a rested cell at frequencies in Hz.

    Equations: the head of this module. `depth_of_discharge` is the fraction of
    the reversible capacity taken out; each particle class stands at its own
    stoichiometry, linear between charged and discharged. `double_layer` is a
    capacitance in F per m2 of active area, at a foil of its geometric area, in
    parallel to charge transfer and diffusion and in series with the film.
    `particle` is the exact solution of Fick's law in the sphere, or the shells
    of the kernel.

    Holds for voltages small against RT/F. The mesh must resolve the depth
    sqrt(ζ/(a (1/κ + 1/σ))) that the current enters; far beyond, Re Z is too
    large by at most 3/8 of h (1/κ + 1/σ).

    Limits: at low frequency dV/dQ/(iω); at a blocking interface the
    transmission line with ions at one end and electrons at the other.

    Errors: InputError for frequencies, a depth of discharge, a double layer or
    a mesh that cannot be.
    """
    frequency = np.asarray(frequencies, dtype=float)
    _check(frequency, depth_of_discharge, double_layer, cells, shells, particle)
    parts = operational_impedance(
        cell, 2j * math.pi * frequency, depth_of_discharge=depth_of_discharge, double_layer=double_layer,
        cells=cells, shells=shells, particle=particle,
    )  # fmt: skip
    return Spectrum(frequency, parts)


def reported_spectrum(cell: Cell) -> Spectrum:
    """The spectrum of a report: 1 MHz to 1 mHz, half discharged, with the assumed double layer."""
    grid = frequency_range(1e6, 1e-3, 10)
    return impedance(cell, grid, depth_of_discharge=HALF_DISCHARGED, double_layer=DOUBLE_LAYER)


def operational_impedance(
    cell: Cell, s: NDArray[Any], *, depth_of_discharge: float = 0.0, double_layer: float = 0.0,
    cells: int = CELLS, shells: int = SHELLS, particle: Particle = "exact",
) -> dict[str, Complexes]:  # fmt: skip
    """The parts of Z(s) for any s in 1/s, real or complex, but its poles: -δV(s)/δI(s), ohm m2.

    The voltage after a step of the current by δI is -δI times the inverse
    Laplace transform of Z(s)/s.
    """
    s = np.asarray(s, dtype=complex)
    runner = Runner(cell, cells=cells, shells=shells)

    def porous(mesh: Electrode, electrode: PorousElectrode) -> Complexes:
        x = [part.charged + depth_of_discharge * (part.discharged - part.charged) for part in electrode.classes]
        leak = sum(
            mesh.area[j] / _interface(runner.kernel, mesh, j, x[j], s, double_layer, particle) for j in range(len(x))
        )
        return _transmission_line(mesh, np.asarray(leak, dtype=complex))

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


def _transmission_line(e: Electrode, leak: Complexes) -> Complexes:
    """Impedance of an electrode whose interface admits `leak` per volume, S/m3."""
    n, h = e.cells, e.thickness / e.cells
    z = 1.0 / (h * leak)
    across = np.broadcast_to(h / e.ionic + h / e.electronic + 2.0 * z, (n - 1, z.size))
    along = np.broadcast_to(-z, (n - 1, z.size))
    known = np.full((n - 1, z.size), h / e.electronic, dtype=complex)
    known[0] += z
    f = _tridiagonal(along, across, along, known)
    # the mean current between a face of the electrode and the centre of the cell there, as in the kernel
    return np.asarray(
        z * (1.0 - f[0])
        + (0.75 + 0.25 * f[0]) * 0.5 * h / e.ionic
        + (1.0 - f).sum(axis=0) * h / e.electronic
        + (1.0 - 0.25 * f[-1]) * 0.5 * h / e.electronic
    )


def _interface(
    kernel: Any, e: Electrode, j: int, x: float, s: Complexes, double_layer: float, particle: Particle
) -> Complexes:
    """ζ of particle class j at stoichiometry x, ohm m2 of its active area."""
    _, slope = kernel.potential(e.potential_table, e.slope_table, j, x)
    i0, _ = kernel.exchange_current(e.exchange[j], e.exchange_table, j, x)
    diffusivity = e.diffusivity[j] * kernel.relative_diffusivity(e.diffusivity_table, j, x)
    p = s * e.radius[j] ** 2 / diffusivity
    response = sphere(p) if particle == "exact" else _shells(kernel, e.edges, p)
    intake = e.current_scale[j] * e.radius[j] / (FARADAY * e.site_concentration[j] * diffusivity)
    faradaic = GAS_CONSTANT * e.temperature / (FARADAY * i0) - slope * intake * response
    return np.asarray(e.film[j] + 1.0 / (s * double_layer + 1.0 / faradaic))


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
    tail = np.full_like(p, 2.0 * TERMS + 3.0)
    for odd in range(2 * TERMS + 1, 1, -2):
        tail = odd + inside / tail
    return np.where(small, tail / inside, (1.0 - decayed) / (y * (1.0 + decayed) - (1.0 - decayed)))


def _shells(kernel: Any, edges: Floats, p: Complexes) -> Complexes:
    """What `sphere` is on the shells of the kernel, with its quadratic through the last two and the flux.

    The flux q through the inner faces, as a share of that at the surface, obeys
    (p/K_m + 1/V_m + 1/V_{m-1}) q_m = q_{m+1}/V_m + q_{m-1}/V_{m-1}.
    """
    volume = np.diff(edges**3)[:, None] / 3.0
    square = 0.6 * np.diff(edges**5) / np.diff(edges**3)
    conductance = (2.0 * edges[1:-1] ** 3 / np.diff(square))[:, None]
    diagonal = p / conductance + 1.0 / volume[1:] + 1.0 / volume[:-1]
    known = np.zeros_like(diagonal)
    known[-1] = 1.0 / volume[-1]
    q = _tridiagonal(-1.0 / volume[:-1], diagonal, -1.0 / volume[1:], known)
    last, rise = (1.0 - q[-1]) / (p * volume[-1]), q[-1] / conductance[-1]
    y1m, y2m, y1n, y2n = kernel.surface_moments(edges)
    return np.asarray(last - y1n - (rise - (y1n - y1m)) / (y2n - y2m) * y2n)


def _tridiagonal(lower: NDArray[Any], diagonal: Complexes, upper: NDArray[Any], known: Complexes) -> Complexes:
    """Thomas' algorithm down the rows, for all columns at once; `lower[0]` and `upper[-1]` are not read.

    No pivoting: the diagonal outweighs its neighbours.
    """
    factor, found = np.empty_like(known), np.empty_like(known)
    factor[0], found[0] = upper[0] / diagonal[0], known[0] / diagonal[0]
    for k in range(1, known.shape[0]):
        pivot = diagonal[k] - lower[k] * factor[k - 1]
        factor[k] = upper[k] / pivot
        found[k] = (known[k] - lower[k] * found[k - 1]) / pivot
    for k in range(known.shape[0] - 2, -1, -1):
        found[k] -= factor[k] * found[k + 1]
    return found


def _check(
    frequency: Floats, depth_of_discharge: float, double_layer: float, cells: int, shells: int, particle: str
) -> None:
    problems = []
    if frequency.ndim != 1 or not frequency.size or not (np.isfinite(frequency) & (frequency > 0.0)).all():
        problems.append(Problem("frequencies", "are a list of positive numbers in Hz, such as 0.01, 1, 100"))
    if not 0.0 <= depth_of_discharge <= 1.0:
        problems.append(Problem("depth_of_discharge", f"is a fraction from 0 to 1, not {depth_of_discharge:g}"))
    if not (math.isfinite(double_layer) and double_layer >= 0.0):
        problems.append(Problem("double_layer", f"is zero or positive in F/m2, such as 0.1, not {double_layer:g}"))
    if cells < 2 or shells < 2:
        problems.append(Problem("cells, shells", "are two at least"))
    if particle not in get_args(Particle):
        problems.append(Problem("particle", f"is 'exact' or 'shells', not {particle!r}"))
    if problems:
        raise InputError(problems)
