"""What conduction in a voxel image comes to: effective conductivity, connections, errors and fields."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from percolyte import units
from percolyte.transport.effective import Transport

Interfaces = Mapping[tuple[str, str], float]
"""ohm m² between two phases; the same name twice means between particles of that phase."""


@dataclass(frozen=True)
class Connection:
    """How the voxels of one phase are connected through all conducting phases; fractions of the phase."""

    through: float
    """In clusters that reach inlet and outlet."""
    inlet_only: float
    outlet_only: float
    isolated: float


@dataclass(frozen=True)
class RelativeError:
    """The parts of the error of an effective conductivity, each relative to it; None where not estimated."""

    solver: float
    """Estimated from the last steps."""
    resolution: float | None
    """From the image at two and four times the voxel length."""
    sampling: float | None
    """Standard error over the eight octants."""

    @property
    def estimated(self) -> bool:
        """Whether more is known than what the solver left, which is the least part by far."""
        return self.resolution is not None or self.sampling is not None

    @property
    def total(self) -> float:
        """Root of the sum of squares of the known parts."""
        return math.sqrt(sum(part**2 for part in (self.solver, self.resolution, self.sampling) if part is not None))

    def __str__(self) -> str:
        """The parts; those that were not estimated are said to be missing."""
        parts = (("solver", self.solver), ("voxel size", self.resolution), ("sub-volumes", self.sampling))
        return ", ".join(f"{name} " + ("not estimated" if x is None else units.error_text(x)) for name, x in parts)


@dataclass(frozen=True)
class Fields:
    """Fields at a drop of one volt from inlet to outlet; NaN or zero where nothing conducts."""

    potential: NDArray[np.float32]
    """0 at the inlet (first voxels of the axis), 1 at the outlet."""
    current_density: NDArray[np.float32]
    """A/m², one component for each axis of the image."""
    power: NDArray[np.float32]
    """Share of the dissipated power in each voxel; adds up to one."""
    plane_currents: NDArray[np.float64]
    """Current through each plane between voxels over their mean: one everywhere for an exact solution."""


@dataclass(frozen=True)
class Bottleneck:
    """Where the resistance sits."""

    position: tuple[float, float, float]
    """The voxel that dissipates most, m from the corner of the image."""
    share_of_top_percent: float
    """Share of the power in the hundredth of the conducting voxels that dissipates most; 0.01 in a straight channel."""
    plane: int
    """The plane of voxels across the axis that dissipates most."""
    plane_share: float
    """Its share of the power times the number of planes; one in a straight channel."""


@dataclass(frozen=True)
class Conduction:
    """Effective conductivity of a volume along one axis, and what it rests on."""

    axis: int
    percolates: bool
    """Whether any conducting cluster reaches from inlet to outlet."""
    effective_conductivity: float
    """S/m; zero where nothing percolates. The image does not conduct better than this (Dirichlet's principle)."""
    lower_bound: float | None
    """S/m; the image does not conduct worse (Thomson's principle). None if no errors were asked for. Far below
    at contrasts of 1e6 and more."""
    column: tuple[float | None, float | None, float | None]
    """S/m; mean current density along each axis of the image over the mean field along `axis`: a column of the
    conductivity tensor. None along axes with closed sides, where it is not defined."""
    volume_fraction: float
    """Of all conducting phases."""
    percolating_fraction: float
    """Volume fraction of the clusters that reach from inlet to outlet."""
    tortuosity_factor: float | None
    """Σ φ_k σ_k / σ_eff over the conducting phases, φ_k their total volume fractions: φ σ₀/σ_eff for one
    phase. None where nothing percolates."""
    tortuosity_factor_percolating: float | None
    """The same with φ_k the volume fractions that percolate."""
    connections: Mapping[str, Connection]
    """For each conducting phase."""
    interfaces: Interfaces
    periodic: tuple[int, ...]
    """Axes along which the structure was taken to repeat."""
    relative_error: RelativeError | None
    """None where nothing percolates."""
    iterations: int
    converged: bool
    seconds: float
    notes: tuple[str, ...]
    fields: Fields | None = None
    bottleneck: Bottleneck | None = None


def conductivity_tensor(found: Iterable[Conduction]) -> list[list[float | None]]:
    """The conductivity tensor (S/m) from `conduct_axes`; row i is the current along axis i.

    Elements off the diagonal are defined where the sides of the current's axis repeat (`periodic`); else they are None. The
    tensor of an infinite structure is symmetric. Here inlet and outlet are equipotential planes, which turn the current
    along the axis within about one period of the structure; what the halves differ by tells how much that is.
    """
    return [list(row) for row in zip(*(one.column for one in found), strict=True)]


def transport_of(ionic: Conduction, electronic: Conduction | None = None) -> Transport:
    """What later steps take: the effective conductivities of a volume along one axis."""

    def said(name: str, found: Conduction) -> str:
        error = _total(found)
        value = units.text(found.effective_conductivity, units.CONDUCTIVITY, digits=4)
        if error is None:
            return f"{name} {value}" + (", error not estimated" if found.percolates else "")
        return f"{name} {value} ± {units.error_text(error)}"

    known = [said("ionic", ionic)] + ([] if electronic is None else [said("electronic", electronic)])
    interfaces = {**ionic.interfaces, **({} if electronic is None else electronic.interfaces)}
    known += [f"with {interface_text(pair, value)}" for pair, value in interfaces.items()]
    return Transport(
        kind="microstructure",
        ionic=ionic.effective_conductivity,
        electronic=None if electronic is None else electronic.effective_conductivity,
        ionic_tortuosity_factor=ionic.tortuosity_factor,
        statement=f"solved on a voxel image along axis {ionic.axis}: {', '.join(known)}",
        ionic_error=_total(ionic),
        electronic_error=None if electronic is None else _total(electronic),
    )


def _total(found: Conduction) -> float | None:
    """Relative error; None where no more of it is known than what the solver left."""
    error = found.relative_error
    return error.total if error is not None and error.estimated else None


def interface_text(pair: tuple[str, str], resistance: float) -> str:
    """'10 ohm cm2 between active and electrolyte'."""
    one, other = pair
    between = f"particles of {one}" if one == other else f"{one} and {other}"
    return f"{units.text(resistance, units.AREA_RESISTANCE, digits=4)} between {between}"
