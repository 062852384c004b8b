"""Effective conductivity of a voxel image, with the errors that it carries.

The solver works on the image as it is (`numerics/conduction.py`). How far the
image is from the material is a larger error, and is estimated beside it
(`transport/voxel_image.py`).
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from percolyte.errors import InputError, Problem, suggestion
from percolyte.microstructure.memory import BYTES, check_memory
from percolyte.microstructure.volume import Volume
from percolyte.transport.conduction import Bottleneck, Conduction, Connection, Fields, Interfaces, RelativeError
from percolyte.transport.voxel_image import TORCH, Image, Machine, image_errors, image_of

if TYPE_CHECKING:
    from percolyte.numerics.conduction import Network, Solution

NEGLIGIBLE = 1e-12
"""A conductivity below this share of the largest counts as none: rounding would decide its current."""
NARROWEST = 3
"""Voxels across the narrowest image that may repeat."""
Conductivity = float | tuple[float, float, float]
"""S/m, the same in all directions or along each axis of the image."""


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
    machine = Machine(threads or cores(), device)
    sigma, notes = _significant(conductivities)
    notes += tuple(_without_effect(pair, sigma) for pair in interfaces if not {*pair} <= {*sigma})
    if {*periodic} == {axis}:
        notes += (f"that the volume repeats along axis {axis} is without effect, as inlet and outlet are there",)
    passable, cut = _passable(interfaces, sigma, volume)
    notes += cut
    notes += tuple(_untouched(pair) for pair in passable if not _meet(volume, pair, particles))
    check_memory(volume.labels.shape, _bytes(volume, sigma, fields), volume.source)
    image = image_of(volume, sigma, axis, passable, particles, periodic)
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
    resolution, sampling = image_errors(image, effective, machine) if errors else (None, None)
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


def _meet(volume: Volume, pair: tuple[str, str], particles: NDArray[Any] | None) -> bool:
    """Whether any face of voxels lies in an interface."""
    one, other = (volume.labels == volume.label(name) for name in pair)
    for axis in range(3):
        here, next_to = ((slice(None),) * axis + (part,) for part in (slice(1, None), slice(None, -1)))
        faces = one[here] & other[next_to] | other[here] & one[next_to]
        if pair[0] == pair[1] and particles is not None:
            faces &= particles[here] != particles[next_to]
        if faces.any():
            return True
    return False


def _untouched(pair: tuple[str, str]) -> str:
    one, other = pair
    between = f"no two particles of {one} touch" if one == other else f"{one} and {other} touch nowhere"
    return f"{between}, so that the interface between them changes nothing"


def _passable(
    interfaces: Interfaces, sigma: Mapping[str, tuple[float, ...]], volume: Volume
) -> tuple[dict[tuple[str, str], float], tuple[str, ...]]:
    """The interfaces, those that resist so much that rounding would decide their current by less, and a note on these."""
    most = min(volume.voxel) / max(map(max, sigma.values())) / NEGLIGIBLE
    notes = tuple(
        f"the interface {a}-{b} is taken to resist as {1.0 / NEGLIGIBLE:g} voxels of the best phase, which is less"
        for (a, b), value in interfaces.items()
        if value > most
    )
    return {pair: min(value, most) for pair, value in interfaces.items()}, notes


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bytes(volume: Volume, sigma: Mapping[str, tuple[float, ...]], fields: bool) -> float:
    """Bytes a voxel that conduction takes beside the labels."""
    simple = len(sigma) == 1 and len({*volume.voxel}) == 1
    return BYTES["conduct one" if simple else "conduct several"] + (BYTES["fields"] if fields else 0.0)


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


def _column(
    axis: int, periodic: Collection[int], along: float, across: tuple[float, float]
) -> tuple[float | None, float | None, float | None]:
    """`Conduction.column`, with `across` in the order of the other axes."""
    known = dict(zip((side for side in range(3) if side != axis), across, strict=True))
    first, second, third = (along if side == axis else known[side] if side in periodic else None for side in range(3))
    return first, second, third


def conduct_axes(volume: Volume, conductivities: Mapping[str, Conductivity], **options: Any) -> tuple[Conduction, ...]:
    """`conduct` along each of the three axes: `conductivity_tensor` puts the columns together."""
    first, second, third = (conduct(volume, conductivities, axis=axis, **options) for axis in range(3))
    return first, second, third


def _without_effect(pair: tuple[str, str], sigma: Mapping[str, Any]) -> str:
    """Of an interface that no current crosses."""
    insulating = " and ".join(dict.fromkeys(name for name in pair if name not in sigma))
    return f"the interface of {pair[0]} and {pair[1]} is without effect, as {insulating} insulates here"


def _by_axis(value: Conductivity) -> tuple[float, ...]:
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,) * 3


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
    if not isinstance(volume, Volume):
        what = "make one of labels with percolyte.microstructure.volume.volume_from(labels, voxel, phases)"
        raise InputError(f"conduction is that of a Volume, not of {type(volume).__name__}; {what}")
    if not isinstance(periodic, Collection):
        raise InputError([Problem("periodic", f"{periodic} is not a collection of axes; write for example (1, 2)")])
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
    words = [name for name, each in by_axis.items() if not all(isinstance(value, Real) for value in each)]
    for name in words:
        yield Problem(f"conductivities.{name}", f"{conductivities[name]!r} is no number in S/m; write for example 0.1")
    if words:
        return
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


def _located(image: Image, network: Network, solution: Solution, unit: float, axis: int) -> tuple[Fields, Bottleneck]:
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
