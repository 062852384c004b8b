"""Effective conductivity of a voxel image, with the errors that it carries.

The solver works on the image as it is (`numerics/conduction.py`). How far the
image is from the material is a larger error, and is estimated beside it: from a
coarsened image, and from the scatter of sub-volumes.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from percolyte import units
from percolyte.errors import InputError, Problem, suggestion
from percolyte.microstructure.volume import Volume
from percolyte.transport.effective import Transport

if TYPE_CHECKING:
    from percolyte.numerics.conduction import Network, Solution

NEGLIGIBLE = 1e-12
"""A conductivity below this share of the largest counts as none: rounding would decide its current."""
SMALLEST = 8
"""Voxels an edge of the smallest image that is solved to estimate an error."""
NARROWEST = 3
"""Voxels across the narrowest image that may repeat."""
ROUGH = 1e-3
"""Relative error of the solver in those images."""
TORCH = "torch:"
"""Before the name of a device of PyTorch."""

Conductivity = float | tuple[float, float, float]
"""S/m, the same in all directions or along each axis of the image."""
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
        """The parts in percent; those that were not estimated are said to be missing."""
        parts = (("solver", self.solver), ("voxel size", self.resolution), ("sub-volumes", self.sampling))
        return ", ".join(f"{name} " + ("not estimated" if x is None else f"{100 * x:.2g} %") for name, x in parts)


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


@dataclass(frozen=True)
class _Machine:
    """What solves: threads of the CPU, or a device of PyTorch."""

    threads: int
    device: str

    def solve(self, network: Network, rtol: float, *, bounds: bool = False) -> Solution:
        from percolyte.numerics import conduction

        if self.device == "cpu":
            return conduction.solve(network, rtol, threads=self.threads, bounds=bounds)
        from percolyte.numerics import device

        return device.solve(network, rtol, device=self.device.removeprefix(TORCH), bounds=bounds)


@dataclass(frozen=True)
class _Image:
    """A labelled image with the inlet at the first plane, and what its voxels and interfaces resist."""

    labels: NDArray[np.uint8]
    particles: NDArray[np.int32] | None
    voxel: tuple[float, float, float]
    resistivity: NDArray[np.float64]
    """ohm m along each axis for each of 256 labels; infinite where it insulates."""
    contact: NDArray[np.float64] | None
    """ohm m² of faces across each axis, between two labels, or between two particles of one label on the diagonal."""
    periodic: tuple[bool, bool, bool]
    """Axes along which the structure repeats."""

    def network(self, threads: int) -> tuple[Network, float]:
        """The network of the image, and the ohms that its unit of resistance stands for."""
        from percolyte.numerics.conduction import build_network

        lengths = np.array(self.voxel)[:, None]
        areas = math.prod(self.voxel) / lengths
        half = 0.5 * lengths / areas * self.resistivity
        unit = 2.0 * float(half.min())
        contact = None if self.contact is None else self.contact / areas[:, :, None] / unit
        network = build_network(
            self.labels, half / unit, contact, self.particles, periodic=self.periodic, threads=threads
        )
        return network, unit

    def effective(self, conductance: float) -> float:
        """Conductivity of the image from its conductance in S."""
        shape, voxel = self.labels.shape, self.voxel
        return float(conductance * shape[0] * voxel[0] / (shape[1] * voxel[1] * shape[2] * voxel[2]))

    def across(self, network: Network, solution: Solution, unit: float) -> tuple[float, float]:
        """Mean current density along the second and the third axis over the mean field, where the structure repeats."""
        from percolyte.numerics.fields import across

        lengths = [n * h for n, h in zip(self.labels.shape, self.voxel, strict=True)]
        current = [across(network.grid, solution.potential, side) if self.periodic[side] else 0.0 for side in (1, 2)]
        # the section across one side is the first axis by the other side, and the first axis is also the field's length
        return current[0] / unit / lengths[2], current[1] / unit / lengths[1]

    def conductivity(self, rtol: float, machine: _Machine) -> float:
        """Effective conductivity, zero where nothing percolates."""
        network, unit = self.network(machine.threads)
        if not network.percolates:
            return 0.0
        return self.effective(machine.solve(network, rtol).conductance / unit)

    def part(self, box: tuple[slice, ...]) -> _Image:
        particles = None if self.particles is None else np.ascontiguousarray(self.particles[box])
        return replace(self, labels=np.ascontiguousarray(self.labels[box]), particles=particles)

    def sampled(self, every: int) -> _Image:
        """The image as it would be at a multiple of the voxel length: one voxel of each block."""
        inside = slice((every - 1) // 2, None, every)
        x, y, z = self.voxel
        return replace(self.part((inside, inside, inside)), voxel=(every * x, every * y, every * z))


def conduct(
    volume: Volume,
    conductivities: Mapping[str, Conductivity],
    *,
    axis: int = 0,
    interfaces: Interfaces | None = None,
    particles: NDArray[Any] | None = None,
    periodic: Collection[int] = (),
    rtol: float = 1e-4,
    errors: bool = True,
    fields: bool = False,
    threads: int | None = None,
    device: str = "cpu",
) -> Conduction:
    """Effective conductivity of a volume along an axis.

    Solves div(σ grad u) = 0 with u = 0 and u = 1 on the two outer faces of the axis
    and no current through the others, unless they are `periodic`; σ_eff = current × length / area. Faces between
    voxels conduct as 1/(ρ_i/2 + ρ_j/2 + R), R the area-specific resistance of the
    interface between two phases, or between two particles of one phase.

    Holds for ohmic conduction, or diffusion at steady state. Limits: a full block
    gives σ; layers along the axis their mean, across it their harmonic mean.

    `conductivities` are in S/m by the name of the phase; phases without one insulate.
    Three values for a phase are those along the axes of the image: the diagonal of a
    tensor with its principal axes there. `interfaces` are in ohm m² by two names; the same
    name twice means between particles of that phase, which `particles` (shape of the image)
    numbers, as `told_apart` and `read_particles` of `microstructure/particles.py` do. `periodic` are the axes of the
    image along which the structure repeats: current leaves through one side and enters through the opposite one. On
    the axis of the current it means nothing, as inlet and outlet are there. `rtol` is the error of
    σ_eff that the solver may leave. `errors` also bounds σ_eff from below and estimates
    what voxel size and sub-volume contribute, in about five times the time; `fields` also returns potential,
    current and power of each voxel. `threads` are by default as many as cores. `device` is "cpu", or
    one of PyTorch such as "torch:cuda", which the extra `gpu` installs.

    Errors: `InputError` for names, values and shapes that do not fit. A volume in
    which nothing percolates is a result, with a conductivity of zero.
    """
    began = time.perf_counter()
    interfaces = interfaces or {}
    _check(volume, conductivities, axis, interfaces, particles, periodic, rtol)
    _check_device(device, periodic)
    machine = _Machine(threads or cores(), device)
    sigma, notes = _significant(conductivities)
    notes += tuple(_without_effect(pair, sigma) for pair in interfaces if not {*pair} <= {*sigma})
    image = _image(volume, sigma, axis, interfaces, particles, periodic)
    network, unit = image.network(machine.threads)
    connections = _connections(network, volume, sigma)
    total, through = _counted(network, volume, sigma, connections)
    along = {name: each[axis] for name, each in sigma.items()}
    found: dict[str, Any] = {
        "axis": axis,
        "percolates": network.percolates,
        "volume_fraction": float(sum(total.values())),
        "percolating_fraction": float(sum(through.values())),
        "connections": connections,
        "interfaces": dict(interfaces),
        "periodic": tuple(sorted({*periodic} - {axis})),
        "notes": notes,
    }
    if not network.percolates:
        return Conduction(
            **found,
            effective_conductivity=0.0,
            column=_column(axis, found["periodic"], 0.0, (0.0, 0.0)),
            lower_bound=None,
            tortuosity_factor=None,
            tortuosity_factor_percolating=None,
            relative_error=None,
            iterations=0,
            converged=True,
            seconds=time.perf_counter() - began,
        )
    solution = machine.solve(network, rtol, bounds=errors)
    effective = image.effective(solution.conductance / unit)
    resolution, sampling = _image_errors(image, effective, machine) if errors else (None, None)
    field, bottleneck = _located(image, network, solution, unit, axis) if fields else (None, None)
    return Conduction(
        **found,
        effective_conductivity=effective,
        column=_column(axis, found["periodic"], effective, image.across(network, solution, unit)),
        lower_bound=None if solution.lower is None else image.effective(solution.lower / unit),
        tortuosity_factor=sum(total[name] * along[name] for name in along) / effective,
        tortuosity_factor_percolating=sum(through[name] * along[name] for name in along) / effective,
        relative_error=RelativeError(solution.error, resolution, sampling),
        iterations=solution.iterations,
        converged=solution.converged,
        seconds=time.perf_counter() - began,
        fields=field,
        bottleneck=bottleneck,
    )


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _check_device(device: str, periodic: Collection[int]) -> None:
    """Refuse, before the work, a device that cannot do it."""
    if device == "cpu":
        return
    if periodic:
        raise InputError(f"{device} knows no periodic sides; write cpu")
    if not device.startswith(TORCH):
        raise InputError(f"'{device}' is not a device; write cpu, or one of PyTorch such as {TORCH}cuda")
    try:
        from percolyte.numerics.device import known_device
    except ModuleNotFoundError:
        raise InputError(
            f"{device} needs PyTorch; install it with pip install 'percolyte[gpu]', or write cpu"
        ) from None
    known_device(device.removeprefix(TORCH))


def _column(axis: int, periodic: Collection[int], along: float, across: tuple[float, float]) -> Any:
    """`Conduction.column`, with `across` in the order of the other axes."""
    column: list[float | None] = [
        value if side in periodic else None
        for side, value in zip((side for side in range(3) if side != axis), across, strict=True)
    ]
    column.insert(axis, along)
    return tuple(column)


def conduct_axes(volume: Volume, conductivities: Mapping[str, Conductivity], **options: Any) -> tuple[Conduction, ...]:
    """`conduct` along each of the three axes: `conductivity_tensor` puts the columns together."""
    first, second, third = (conduct(volume, conductivities, axis=axis, **options) for axis in range(3))
    return first, second, third


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
        error = "" if found.relative_error is None else f" ± {100.0 * found.relative_error.total:.2g} %"
        return f"{name} {units.text(found.effective_conductivity, units.CONDUCTIVITY, digits=4)}{error}"

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
    return None if found.relative_error is None else found.relative_error.total


def interface_text(pair: tuple[str, str], resistance: float) -> str:
    """'10 ohm cm2 between active and electrolyte'."""
    one, other = pair
    between = f"particles of {one}" if one == other else f"{one} and {other}"
    return f"{units.text(resistance, units.AREA_RESISTANCE, digits=4)} between {between}"


def _without_effect(pair: tuple[str, str], sigma: Mapping[str, Any]) -> str:
    """Of an interface that no current crosses."""
    insulating = " and ".join(dict.fromkeys(name for name in pair if name not in sigma))
    return f"the interface of {pair[0]} and {pair[1]} is without effect, as {insulating} insulates here"


def _by_axis(value: Conductivity) -> tuple[float, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,) * 3


def _check(
    volume: Volume,
    conductivities: Mapping[str, Conductivity],
    axis: int,
    interfaces: Interfaces,
    particles: NDArray[Any] | None,
    periodic: Collection[int],
    rtol: float,
) -> None:
    """Every problem of the arguments at once."""
    problems = []
    names = [(f"conductivities.{name}", name) for name in conductivities]
    names += [(f"interfaces.{a}-{b}", name) for a, b in interfaces for name in dict.fromkeys((a, b))]
    for where, name in names:
        if name not in volume.phases:
            known = ", ".join(f"'{phase}'" for phase in volume.phases)
            problems.append(
                Problem(where, f"no phase '{name}' in this volume{suggestion(name, volume.phases)}; it has {known}")
            )
    problems += _conductivity_problems(conductivities)
    for (a, b), value in interfaces.items():
        if not 0.0 <= value < math.inf:
            problems.append(Problem(f"interfaces.{a}-{b}", f"{value} ohm m2 is not a resistance; write zero or more"))
        if a != b and (b, a) in interfaces:
            problems.append(Problem(f"interfaces.{a}-{b}", f"is given twice, also as {b}-{a}; keep one"))
        if a == b and particles is None:
            problems.append(
                Problem(f"interfaces.{a}-{b}", "particles of one phase need `particles`, the number of each voxel's")
            )
    if particles is not None and particles.shape != volume.labels.shape:
        problems.append(
            Problem("particles", f"shape {particles.shape} is not that of the image, {volume.labels.shape}")
        )
    if axis not in (0, 1, 2):
        problems.append(Problem("axis", f"{axis} is not an axis of a volume; write 0, 1 or 2"))
    for side in periodic:
        if side not in (0, 1, 2):
            problems.append(Problem("periodic", f"{side} is not an axis of a volume; write 0, 1 or 2"))
        elif volume.labels.shape[side] < NARROWEST:
            problems.append(
                Problem(
                    "periodic", f"{volume.labels.shape[side]} voxels along axis {side}; at least {NARROWEST} repeat"
                )
            )
    if not 1e-8 <= rtol <= 0.1:
        problems.append(Problem("rtol", f"{rtol:g} is out of range; write 1e-8 to 0.1"))
    if problems:
        raise InputError(problems, source=volume.source)


def _conductivity_problems(conductivities: Mapping[str, Conductivity]) -> Iterator[Problem]:
    """What is wrong with the conductivities of the phases."""
    by_axis = {name: _by_axis(value) for name, value in conductivities.items()}
    valid = [value for each in by_axis.values() for value in each if 0.0 < value < math.inf]
    if not valid:
        yield Problem("conductivities", "no phase conducts; give at least one a conductivity above zero")
    least = NEGLIGIBLE * max(valid, default=0.0)
    for name, each in by_axis.items():
        wrong = [value for value in each if not 0.0 <= value < math.inf]
        if wrong:
            yield Problem(f"conductivities.{name}", f"{wrong[0]} S/m is not a conductivity; write zero or more")
        elif len(each) != 3:
            yield Problem(f"conductivities.{name}", f"{len(each)} values; write one, or one for each of three axes")
        elif min(each) <= least < max(each):
            yield Problem(
                f"conductivities.{name}",
                f"{min(each):g} S/m along one axis and {max(each):g} S/m along another: a phase conducts in all "
                f"directions or in none; write at least {10.0 * least:g} S/m",
            )


def _significant(
    conductivities: Mapping[str, Conductivity],
) -> tuple[dict[str, tuple[float, ...]], tuple[str, ...]]:
    """The conductivities along the axes that count, and a note on those that do not."""
    by_axis = {name: _by_axis(value) for name, value in conductivities.items()}
    largest = max(map(max, by_axis.values()))
    sigma = {name: each for name, each in by_axis.items() if max(each) > NEGLIGIBLE * largest}
    dropped = [name for name, each in by_axis.items() if max(each) > 0.0 and name not in sigma]
    notes = tuple(
        f"{name} conducts less than {NEGLIGIBLE:g} of the best phase and is taken as insulating" for name in dropped
    )
    return sigma, notes


def _image(
    volume: Volume,
    sigma: Mapping[str, tuple[float, ...]],
    axis: int,
    interfaces: Interfaces,
    particles: NDArray[Any] | None,
    periodic: Collection[int],
) -> _Image:
    """The volume with `axis` first; labels that conduct alike stay apart only where an interface is between them."""
    order = [axis, *(other for other in range(3) if other != axis)]
    resistivity = np.full((3, 256), math.inf)
    for name, each in sigma.items():
        resistivity[:, volume.label(name)] = [1.0 / each[along] for along in order]
    contact = face_resistances(volume, interfaces, particles)[order] if any(interfaces.values()) else None
    bounded = contact is not None and particles is not None and contact.diagonal().any()
    first, second, third = (volume.voxel[along] for along in order)
    _, lateral, other = (along in periodic for along in order)
    return _Image(
        np.ascontiguousarray(np.moveaxis(volume.labels, axis, 0)),
        np.ascontiguousarray(np.moveaxis(particles, axis, 0), dtype=np.int32)
        if bounded and particles is not None
        else None,
        (first, second, third),
        resistivity,
        contact,
        (False, lateral, other),
    )


def face_resistances(volume: Volume, interfaces: Interfaces, particles: NDArray[Any] | None) -> NDArray[np.float64]:
    """Resistance (ohm m²) of the voxels' faces across each axis between each two labels: (3, 256, 256).

    The faces have more area than the surface whose staircase they are, half as much again
    for a sphere at any resolution; each therefore resists more, by the mean of its kind.
    """
    from percolyte.microstructure.interfaces import face_projections

    resistance = np.zeros((256, 256))
    for (a, b), value in interfaces.items():
        resistance[volume.label(a), volume.label(b)] = resistance[volume.label(b), volume.label(a)] = value
    between = resistance > 0.0
    number, projected = face_projections(volume.labels, between, volume.voxel)
    faces: NDArray[np.float64] = resistance * np.divide(
        number, projected, out=np.ones_like(number), where=projected > 0.0
    )
    for label in np.flatnonzero(between.diagonal()):
        assert particles is not None
        # particles whose numbers lie 255 apart look like one, and are left out of the mean where they touch
        classes = np.where(volume.labels == label, particles % 255 + 1, 0).astype(np.uint8)
        inside = np.ones((256, 256), np.bool_)
        inside[0] = inside[:, 0] = False
        number, projected = face_projections(classes, inside, volume.voxel).sum(axis=(2, 3))
        faces[:, label, label] *= np.divide(number, projected, out=np.ones_like(number), where=projected > 0.0)
    return faces


def _connections(network: Network, volume: Volume, sigma: Iterable[str]) -> dict[str, Connection]:
    """Fractions of each conducting phase by what its clusters reach."""
    found = {}
    for name in sigma:
        counts = network.counts[volume.label(name)]
        share = counts / max(int(counts.sum()), 1)
        found[name] = Connection(
            through=float(share[3]), inlet_only=float(share[1]), outlet_only=float(share[2]), isolated=float(share[0])
        )
    return found


def _counted(
    network: Network, volume: Volume, sigma: Iterable[str], connections: Mapping[str, Connection]
) -> tuple[dict[str, float], dict[str, float]]:
    """Volume fraction of each conducting phase, in total and in clusters from inlet to outlet."""
    total = {name: float(network.counts[volume.label(name)].sum()) / volume.labels.size for name in sigma}
    return total, {name: total[name] * connections[name].through for name in sigma}


def _image_errors(image: _Image, effective: float, machine: _Machine) -> tuple[float | None, float | None]:
    """What voxel size and sub-volume contribute to the relative error.

    Voxel size: with σ, σ₂ and σ₄ of the image at one, two and four times the voxel
    length, 2 max(|σ - σ₂|, |σ₂ - σ₄|/2)/σ. A staircase errs in first order, for which
    half of it would do; the factor of two covers differences that happen to be small
    and the slower convergence near percolation.

    Sub-volumes: standard deviation over the octants over √8, relative to their mean.
    """
    if min(image.labels.shape) < 4 * SMALLEST:
        return None, None
    second, fourth = (image.sampled(every).conductivity(ROUGH, machine) for every in (2, 4))
    resolution = 2.0 * max(abs(effective - second), abs(second - fourth) / 2.0) / effective
    cuts = [(slice(0, n // 2), slice(n // 2, None)) for n in image.labels.shape]
    closed = replace(image, periodic=(False, False, False))
    octants = [closed.part(box).conductivity(ROUGH, machine) for box in itertools.product(*cuts)]
    mean = float(np.mean(octants))
    return resolution, float(np.std(octants, ddof=1)) / math.sqrt(8.0) / mean if mean > 0.0 else math.inf


def _located(image: _Image, network: Network, solution: Solution, unit: float, axis: int) -> tuple[Fields, Bottleneck]:
    """Fields in the axes of the volume, and the place that dissipates most."""
    from percolyte.numerics.fields import fields

    current, power, planes = fields(network.grid, solution.potential)
    conducting = power > 0.0
    potential = np.where(conducting, solution.potential[1:-1, 1:-1, 1:-1], np.nan).astype(np.float32)
    areas = math.prod(image.voxel) / np.array(image.voxel)
    current *= (1.0 / unit / areas).astype(np.float32)[:, None, None, None]
    power /= power.sum(dtype=np.float64)
    by_plane = power.sum(axis=(1, 2), dtype=np.float64)
    number = max(1, int(np.count_nonzero(conducting)) // 100)
    top = float(np.partition(power, power.size - number, axis=None)[-number:].sum(dtype=np.float64))
    place = np.unravel_index(int(power.argmax()), power.shape)
    corner = [float(index + 0.5) * length for index, length in zip(place, image.voxel, strict=True)]
    corner.insert(axis, corner.pop(0))
    components = [1, 2]
    components.insert(axis, 0)
    found = Fields(
        potential=np.moveaxis(potential, 0, axis),
        current_density=np.moveaxis(current[components], 1, axis + 1),
        power=np.moveaxis(power, 0, axis),
        plane_currents=planes / planes.mean(),
    )
    plane = int(by_plane.argmax())
    x, y, z = corner
    return found, Bottleneck((x, y, z), top, plane, float(by_plane[plane]) * by_plane.size)
